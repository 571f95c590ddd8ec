//! The fingerprint of a tree: one digest over all that must not change, so that two of them prove that nothing touched
//! the originals.
//!
//! # What it covers
//! For the root and everything below it: name, type, permissions, owner, group, number of hard links, size, time of
//! last modification, device number, file flags, extended attributes (with them access control lists), the target of a
//! symbolic link, and the SHA-256 of a file's content. Access times are not covered: reading is allowed to leave them.
//! Size and link count of directories are not covered: file systems choose them as they like.
//!
//! # How to compute it
//! `u8`, `u32`, `u64`, `i64` are big-endian; `text(b)` is the length of the bytes `b` as `u64`, then `b`. The first
//! entry is the root, whose path is empty; the others follow in the order of [`crate::walk`], links not followed, other
//! mounts entered. Each entry has a digest:
//!
//! ```text
//! entry = SHA-256( "exhibit fingerprint entry 1\n"
//!     text(path: raw bytes relative to the root, joined by "/")
//!     u8(kind: 1 directory, 2 file, 3 symbolic link, 4 FIFO, 5 socket, 6 device or other, 7 cannot be looked at)
//!     u32(mode & 0o7777) u32(uid) u32(gid)
//!     u64(hard links; 0 for directories) u64(bytes; 0 for directories)
//!     i64(mtime in nanoseconds since 1970, clamped to what i64 holds) u64(device number; 0 for what is no device)
//!     u32(FS_IOC_GETFLAGS & 0x6283c4ff of directories and files; 0 where there are none)
//!     u64(number of extended attributes), then for each, sorted by the bytes of its name: text(name) text(value)
//!     text(target of a symbolic link; empty for others)
//!     u8(1) and the 32 bytes of the SHA-256 of a file's content, or u8(0)
//!     text(troubles: words such as "open:13" with an errno of Linux, separated by spaces; empty when there are none) )
//! tree = SHA-256( "exhibit fingerprint tree 1\n" entry entry ... u64(number of entries) )
//! ```
//!
//! What a user may not read is part of the answer, so compare fingerprints made by the same user.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{channel, sync_channel};

use exhibit_engine::originals::{self, FileStat};
use exhibit_model::digest::{Digest, DigestHasher};

use crate::walk::{WalkOptions, walk};
use content::hash_files;
use tree::Tree;

mod attributes;
mod content;
#[cfg(test)]
mod tests;
mod tree;

/// Files opened and waiting for a hashing thread; each holds a descriptor.
const FILES_WAITING_MAX: usize = 32;
/// Hashing threads at most; a disk or page cache is saturated long before.
const THREADS_MAX: usize = 16;

/// What is known about a tree when all of it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The digest of the tree.
    pub digest: Digest,
    /// Regular files.
    pub files: u64,
    /// Directories, with the root.
    pub directories: u64,
    /// Links, FIFOs, sockets, devices and things that cannot be looked at.
    pub others: u64,
    /// Bytes of content that were read.
    pub bytes: u64,
    /// Entries that could not be read in full.
    pub unreadable: u64,
    /// The first of them, in the order of the walk.
    pub problems: Vec<Problem>,
}

/// An entry that could not be read in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Raw bytes relative to the root.
    pub path: Vec<u8>,
    /// What went wrong, in the words that went into the digest.
    pub troubles: String,
}

/// How far a fingerprint has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Entries that are finished.
    pub entries: u64,
    /// Bytes of content that were read.
    pub bytes: u64,
}

/// One line of the manifest: compare two manifests to see where two trees differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Raw bytes relative to the root; empty for the root.
    pub path: Vec<u8>,
    /// The digest of the entry.
    pub digest: Digest,
    /// The SHA-256 of the content, of files that could be read.
    pub content: Option<Digest>,
    /// What could not be read; empty when all could.
    pub troubles: String,
    kind: u8,
}

/// Why there is no fingerprint.
#[derive(Debug, thiserror::Error)]
pub enum FingerprintError {
    /// The root cannot be opened or listed.
    #[error("cannot read the folder {}", path.display())]
    Root {
        /// The root.
        path: PathBuf,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
}

/// Computes the fingerprint of the tree at `root`, on as many threads as the machine has. Opens everything read-only.
///
/// # Errors
/// When the root itself cannot be opened or listed.
pub fn fingerprint(root: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Fingerprint, FingerprintError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    fingerprint_with(root, threads, &mut |_| {}, progress)
}

/// Does what [`fingerprint`] does on `threads` threads and shows each entry, in the order of the walk. The number of
/// threads does not change the answer.
///
/// # Errors
/// When the root itself cannot be opened or listed.
pub fn fingerprint_with(
    root: &Path,
    threads: usize,
    manifest: &mut dyn FnMut(&ManifestEntry),
    progress: &mut dyn FnMut(Progress),
) -> Result<Fingerprint, FingerprintError> {
    let failed = |source| FingerprintError::Root { path: root.to_owned(), source };
    let top = originals::open_root(root).map_err(failed)?;
    let bytes = AtomicU64::new(0);
    let (jobs, waiting) = sync_channel(FILES_WAITING_MAX);
    let waiting = Mutex::new(waiting);
    let (finished, done) = channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, THREADS_MAX) {
            let (waiting, bytes, finished) = (&waiting, &bytes, finished.clone());
            scope.spawn(move || hash_files(waiting, bytes, &finished));
        }
        drop(finished);
        let mut tree = Tree::new(jobs, done, &bytes, manifest, progress);
        tree.add_root(top.as_fd()).map_err(failed)?;
        walk(top.as_fd(), WalkOptions::default(), &mut |entry| tree.add(entry)).map_err(failed)?;
        Ok(tree.finish())
    })
}

/// What the walk knows of an entry; the reader of its content adds the rest.
struct EntryHead {
    path: Vec<u8>,
    kind: u8,
    hasher: DigestHasher,
    troubles: Vec<String>,
}

const KIND_DIRECTORY: u8 = 1;
const KIND_FILE: u8 = 2;
const KIND_UNKNOWN: u8 = 7;

impl EntryHead {
    fn new(path: &[u8], kind: u8, stat: &FileStat) -> Self {
        let mut hasher = DigestHasher::new();
        hasher.update(b"exhibit fingerprint entry 1\n");
        hash_text(&mut hasher, path);
        let is_directory = kind == KIND_DIRECTORY;
        hasher.update(&[kind]);
        hasher.update(&(stat.mode & 0o7777).to_be_bytes());
        hasher.update(&stat.uid.to_be_bytes());
        hasher.update(&stat.gid.to_be_bytes());
        hasher.update(&if is_directory { 0 } else { stat.nlink }.to_be_bytes());
        hasher.update(&if is_directory { 0 } else { stat.size_bytes }.to_be_bytes());
        hasher.update(&stat.mtime_ns.to_be_bytes());
        hasher.update(&stat.rdev.to_be_bytes());
        Self { path: path.to_owned(), kind, hasher, troubles: Vec::new() }
    }

    fn finish(mut self, content: Option<Digest>) -> ManifestEntry {
        match content {
            Some(digest) => {
                self.hasher.update(&[1]);
                self.hasher.update(&digest.0);
            }
            None => self.hasher.update(&[0]),
        }
        let troubles = self.troubles.join(" ");
        hash_text(&mut self.hasher, troubles.as_bytes());
        ManifestEntry { path: self.path, digest: self.hasher.finish(), content, troubles, kind: self.kind }
    }
}

fn hash_text(hasher: &mut DigestHasher, text: &[u8]) {
    hasher.update(&(text.len() as u64).to_be_bytes());
    hasher.update(text);
}

fn errno_word(stage: &str, error: &io::Error) -> String {
    format!("{stage}:{}", error.raw_os_error().unwrap_or(0))
}
