//! Manifests that `sha256sum -c` reads: one line for each file, with the escapes of sha256sum for names that a line cannot hold.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use exhibit_model::digest::Digest;

use super::{DeliveryError, create_file};

/// The name of the manifest.
pub const MANIFEST_NAME: &str = "manifest-sha256.txt";

/// Longest line of a manifest in bytes: a path of the longest length, each byte escaped, and the digest.
const LINE_BYTES_MAX: u64 = 16 * 1024;

/// A line of a manifest: the name in bytes, relative where the manifest lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Where they lie, relative to the folder of the manifest.
    pub name: PathBuf,
}

/// A manifest that is being written.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    file: BufWriter<File>,
    /// Lines so far.
    pub files: u64,
}

impl Manifest {
    /// Makes the file.
    ///
    /// # Errors
    /// When it is there already or cannot be made.
    pub fn create(path: &Path, mode: u32) -> Result<Self, DeliveryError> {
        Ok(Self { path: path.to_owned(), file: BufWriter::new(create_file(path, mode)?), files: 0 })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn add(&mut self, sha256: Digest, name: &[u8]) -> Result<(), DeliveryError> {
        self.files += 1;
        self.file.write_all(&manifest_line(sha256, name)).map_err(|error| DeliveryError::file(&self.path, error))
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn finish(mut self) -> Result<(), DeliveryError> {
        self.file.flush().map_err(|error| DeliveryError::file(&self.path, error))
    }
}

/// One line as `sha256sum` prints it: a name with a backslash, line feed or carriage return is escaped, and the line begins with a backslash.
pub fn manifest_line(sha256: Digest, name: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(name.len() + 68);
    if name.iter().any(|byte| b"\\\n\r".contains(byte)) {
        line.push(b'\\');
    }
    line.extend_from_slice(sha256.to_hex().as_bytes());
    line.extend_from_slice(b"  ");
    for byte in name {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            other => line.push(*other),
        }
    }
    line.push(b'\n');
    line
}

/// Visits the lines of a manifest. A name that is absolute or could lead out of the folder is refused, and so is any line of another form.
///
/// # Errors
/// When the manifest cannot be read or a line is not one of ours, or with the error of `visit`.
pub fn read_manifest(
    path: &Path,
    visit: &mut dyn FnMut(ManifestEntry) -> Result<(), DeliveryError>,
) -> Result<(), DeliveryError> {
    let failed = |error| DeliveryError::file(path, error);
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let count = std::io::Read::take(&mut file, LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        if count == 0 {
            break;
        }
        let Some(entry) = parse_line(&line) else {
            return Err(DeliveryError::Target {
                target: path.display().to_string(),
                reason: format!("line {number} is no line of a manifest; the file is damaged"),
            });
        };
        visit(entry)?;
    }
    Ok(())
}

fn parse_line(line: &[u8]) -> Option<ManifestEntry> {
    let line = line.strip_suffix(b"\n")?;
    let (escaped, line) = line.strip_prefix(b"\\").map_or((false, line), |rest| (true, rest));
    let (hex, rest) = line.split_at_checked(64)?;
    let sha256 = std::str::from_utf8(hex).ok()?.parse().ok()?;
    let written = rest.strip_prefix(b"  ")?;
    let name = if escaped { unescaped(written)? } else { written.to_vec() };
    let name = PathBuf::from(std::ffi::OsString::from_vec(name));
    let plain = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0);
    name.as_os_str().as_bytes().split(|byte| *byte == b'/').all(plain).then_some(ManifestEntry { sha256, name })
}

fn unescaped(written: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(written.len());
    let mut rest = written.iter();
    while let Some(byte) = rest.next() {
        name.push(match byte {
            b'\\' => match rest.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                _ => return None,
            },
            other => *other,
        });
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were_and_odd_ones_are_escaped_as_sha256sum_does() {
        let sha256 = Digest::of(b"x");
        for name in [b"a/b c.jpg".as_slice(), b"new\nline", b"back\\slash\r", b"\xff\xfe", b"  two blanks"] {
            let line = manifest_line(sha256, name);
            let entry = parse_line(&line).expect("our own line");
            assert_eq!((entry.sha256, entry.name.as_os_str().as_bytes()), (sha256, name));
            let odd = name.iter().any(|byte| b"\\\n\r".contains(byte));
            assert_eq!(line.starts_with(b"\\"), odd);
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        }
    }

    #[test]
    fn what_could_lead_out_or_is_no_line_is_refused() {
        let hex = Digest::of(b"x").to_hex();
        for name in ["/etc/passwd", "../up", "a/../b", "a//b", "./a", "", "a/"] {
            assert_eq!(parse_line(format!("{hex}  {name}\n").as_bytes()), None, "{name}");
        }
        for line in
            [format!("{hex} a\n"), format!("{hex}  a"), format!("{}  a\n", &hex[1..]), format!("\\{hex}  a\\x\n")]
        {
            assert_eq!(parse_line(line.as_bytes()), None, "{line}");
        }
    }
}
