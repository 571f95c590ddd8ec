//! Trees to measure on: deterministic bytes, made anew for each run in a temporary folder.

use std::fs;
use std::path::Path;

use crate::scale::Scale;

/// Files of the tree of big files, and their size in bytes.
const BIG_FILES: u64 = 192;
const BIG_BYTES: usize = 8 * 1024 * 1024;

/// Size of each small file in bytes.
const SMALL_BYTES: usize = 4 * 1024;

/// Size of each tiny file in bytes: each takes one block of the disk, and no two are alike.
const TINY_BYTES: usize = 64;

/// Files in one folder of the tree of small files.
const PER_FOLDER: u64 = 500;

/// Bytes that look random and are the same every time (xorshift).
fn fill(buffer: &mut [u8], seed: u64) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for piece in buffer.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bytes = state.to_le_bytes();
        piece.copy_from_slice(&bytes[..piece.len()]);
    }
}

/// Makes the tree of big files, or of so few of them. Returns how many files and bytes.
pub fn big_files(root: &Path, scale: Scale) -> Result<(u64, u64), String> {
    fs::create_dir_all(root).map_err(|error| error.to_string())?;
    let mut buffer = vec![0; BIG_BYTES];
    let count = scale.of(BIG_FILES, 4);
    for number in 0..count {
        fill(&mut buffer, number + 1);
        fs::write(root.join(format!("{number:05}.bin")), &buffer).map_err(|error| error.to_string())?;
    }
    Ok((count, count * BIG_BYTES as u64))
}

/// Makes a tree of `count` small files. Returns how many files and bytes.
pub fn small_files(root: &Path, count: u64) -> Result<(u64, u64), String> {
    files_of(root, count, SMALL_BYTES)
}

/// Makes a tree of `count` files that are as small as files are. Returns how many files and bytes.
pub fn tiny_files(root: &Path, count: u64) -> Result<(u64, u64), String> {
    files_of(root, count, TINY_BYTES)
}

fn files_of(root: &Path, count: u64, bytes: usize) -> Result<(u64, u64), String> {
    let mut buffer = vec![0; bytes];
    for number in 0..count {
        let folder = root.join(format!("{:04}", number / PER_FOLDER));
        if number % PER_FOLDER == 0 {
            fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        }
        fill(&mut buffer, number + 1);
        fs::write(folder.join(format!("{number:07}.bin")), &buffer).map_err(|error| error.to_string())?;
    }
    Ok((count, count * bytes as u64))
}
