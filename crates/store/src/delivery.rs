//! Files for outside (exports, backups, restored homes): built under a `.partial` name beside the target, hashed while they are written,
//! and given their name only when everything is on the disk. Whoever is killed meanwhile leaves no half result under the final name.

mod manifest;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use exhibit_model::digest::{Digest, DigestHasher};
use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use rustix::io::Errno;

use crate::places::{overlap, resolve_future};

pub use manifest::{MANIFEST_NAME, Manifest, ManifestEntry, manifest_line, read_manifest};

/// Piece in which bytes are copied.
const COPY_BYTES: usize = 256 * 1024;

/// Appended to the name of what is not finished.
pub const PARTIAL_ENDING: &str = ".partial";

/// Something could not be delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The target cannot be used.
    #[error("cannot write to {target}: {reason}")]
    Target {
        /// The target.
        target: String,
        /// Why, and what to do.
        reason: String,
    },
    /// What an interrupted command left behind.
    #[error(
        "{partial} is there: a command that writes to {target} was interrupted, or is still running; if none is running, remove it (rm -r) and run the command again"
    )]
    Interrupted {
        /// The unfinished folder.
        partial: String,
        /// The target.
        target: String,
    },
    /// The target and something that must stay apart from it lie in each other.
    #[error(
        "{target} and {what} {other} lie in each other; choose another target, so that nothing is ever written there"
    )]
    Overlap {
        /// The target.
        target: String,
        /// `the source` or `the home's`.
        what: &'static str,
        /// What it lies in, or what lies in it.
        other: String,
    },
    /// The disk is full.
    #[error(
        "no space left on the device of {path}; nothing was left behind: make room, or choose a target on another disk"
    )]
    NoSpace {
        /// What was being written.
        path: String,
    },
    /// A file could not be written or read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Someone asked to stop.
    #[error("stopped; nothing was left behind")]
    Stopped,
}

impl DeliveryError {
    /// What the system said about a file.
    pub fn file(path: &Path, error: io::Error) -> Self {
        let path = path.display().to_string();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            _ => Self::File { path, source: error },
        }
    }
}

/// How far a delivery is, to be read by whoever shows it, and the way to stop it.
#[derive(Debug, Default)]
pub struct Progress {
    bytes_done: AtomicU64,
    bytes_total: AtomicU64,
    files_done: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// Bytes that were copied or read again so far.
    pub fn bytes_done(&self) -> u64 {
        self.bytes_done.load(Ordering::Relaxed)
    }

    /// Bytes in all, once they are known.
    pub fn bytes_total(&self) -> Option<u64> {
        Some(self.bytes_total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }

    /// Files that are done.
    pub fn files_done(&self) -> u64 {
        self.files_done.load(Ordering::Relaxed)
    }

    /// Asks the work to stop soon.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether someone asked.
    pub fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// More bytes are to come.
    pub fn expect_bytes(&self, bytes: u64) {
        self.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// One more file is done.
    pub fn file_done(&self) {
        self.files_done.fetch_add(1, Ordering::Relaxed);
    }

    fn add_bytes(&self, bytes: usize) {
        self.bytes_done.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A delivery under way. Dropped without being placed, it is removed.
#[derive(Debug)]
pub struct Delivery {
    target: PathBuf,
    partial: PathBuf,
    placed: bool,
}

impl Delivery {
    /// Makes the unfinished folder beside the target, with this mode. The target is absent or an empty folder.
    ///
    /// # Errors
    /// When the target cannot be used, or an interrupted delivery lies there.
    pub fn begin(target: &Path, mode: u32) -> Result<Self, DeliveryError> {
        let wrong = |reason: &str| DeliveryError::Target { target: shown(target), reason: reason.to_owned() };
        let resolved = resolve_future(&std::path::absolute(target).map_err(|error| wrong(&error.to_string()))?);
        let Some(name) = resolved.file_name() else { return Err(wrong("it has no name of its own")) };
        match std::fs::read_dir(&resolved) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(wrong("it is a folder that is not empty; name one that is empty or does not exist"));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(wrong("there is such a file already; nothing is ever overwritten, name another"));
            }
            Err(error) => return Err(DeliveryError::file(&resolved, error)),
        }
        let mut partial_name = OsString::from(name);
        partial_name.push(PARTIAL_ENDING);
        let partial = resolved.with_file_name(partial_name);
        match std::fs::DirBuilder::new().mode(mode).create(&partial) {
            Ok(()) => Ok(Self { target: resolved, partial, placed: false }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(DeliveryError::Interrupted { partial: shown(&partial), target: shown(target) })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(wrong("the folder above it does not exist")),
            Err(error) => Err(DeliveryError::file(&partial, error)),
        }
    }

    /// The unfinished folder.
    pub fn folder(&self) -> &Path {
        &self.partial
    }

    /// What it will become, links resolved.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Puts everything on the disk; then the unfinished folder gets the name of the target.
    ///
    /// # Errors
    /// When the disk fails, or something came to lie under the name of the target meanwhile.
    pub fn place_folder(mut self) -> Result<PathBuf, DeliveryError> {
        sync_all(&self.partial)?;
        // Replaces an empty folder, and nothing else.
        std::fs::rename(&self.partial, &self.target).map_err(|error| DeliveryError::file(&self.target, error))?;
        self.placed = true;
        sync_folder(self.target.parent())?;
        Ok(self.target.clone())
    }

    /// Puts everything on the disk; then one file of the unfinished folder gets the name of the target, and the folder goes.
    ///
    /// # Errors
    /// When the disk fails, or something lies under the name of the target.
    pub fn place_file(mut self, name: &str) -> Result<PathBuf, DeliveryError> {
        sync_all(&self.partial)?;
        let failed = |error: io::Error| DeliveryError::file(&self.target, error);
        if self.target.is_dir() {
            std::fs::remove_dir(&self.target).map_err(failed)?;
        }
        let made = self.partial.join(name);
        match renameat_with(CWD, &made, CWD, &self.target, RenameFlags::NOREPLACE) {
            // A file system without that promise: what is there is looked at just before.
            Err(Errno::INVAL | Errno::NOSYS) if !self.target.exists() => {
                std::fs::rename(&made, &self.target).map_err(failed)?;
            }
            other => other.map_err(|error| failed(error.into()))?,
        }
        self.placed = true;
        sync_folder(self.target.parent())?;
        remove(&self.partial);
        Ok(self.target.clone())
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.placed {
            remove(&self.partial);
        }
    }
}

/// What cannot be removed is refused at the next start, by its name.
fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).ok();
}

/// What a place is, for a message, and where it is.
pub type Place = (&'static str, PathBuf);

/// Refuses a target that lies in one of these places, or around it.
///
/// # Errors
/// With the first of them.
pub fn refuse_overlap(target: &Path, places: &[Place]) -> Result<(), DeliveryError> {
    match places.iter().find(|(_, place)| overlap(target, place)) {
        None => Ok(()),
        Some((what, other)) => Err(DeliveryError::Overlap { target: shown(target), what, other: shown(other) }),
    }
}

/// Copies at most `bytes_max` bytes and says what they hash to; `None` when there were more.
///
/// # Errors
/// When reading or writing fails, told apart, or someone asks to stop.
pub fn copy_hashed(
    source: &mut dyn Read,
    target: &mut dyn Write,
    bytes_max: u64,
    progress: &Progress,
) -> Result<Option<(Digest, u64)>, CopyError> {
    let mut hasher = DigestHasher::new();
    let mut buffer = vec![0; COPY_BYTES];
    let mut bytes = 0;
    loop {
        if progress.should_stop() {
            return Err(CopyError::Stopped);
        }
        let count = match source.read(&mut buffer) {
            Ok(0) => return Ok(Some((hasher.finish(), bytes))),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        bytes += count as u64;
        if bytes > bytes_max {
            return Ok(None);
        }
        hasher.update(&buffer[..count]);
        target.write_all(&buffer[..count]).map_err(CopyError::Write)?;
        progress.add_bytes(count);
    }
}

/// Why bytes could not be copied.
#[derive(Debug)]
pub enum CopyError {
    /// The source could not be read.
    Read(io::Error),
    /// The target could not be written.
    Write(io::Error),
    /// Someone asked to stop.
    Stopped,
}

impl CopyError {
    /// The same, with the two files.
    pub fn at(self, source: &Path, target: &Path) -> DeliveryError {
        match self {
            Self::Read(error) => DeliveryError::file(source, error),
            Self::Write(error) => DeliveryError::file(target, error),
            Self::Stopped => DeliveryError::Stopped,
        }
    }
}

/// Makes a new file with this mode; never replaces one.
///
/// # Errors
/// When it is there already or cannot be made.
pub fn create_file(path: &Path, mode: u32) -> Result<File, DeliveryError> {
    let made = File::options().write(true).read(true).create_new(true).mode(mode).open(path);
    made.map_err(|error| DeliveryError::file(path, error))
}

/// Makes the folders above a file.
///
/// # Errors
/// When they cannot be made.
pub fn create_folders_above(path: &Path) -> Result<(), DeliveryError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(parent).map_err(|error| DeliveryError::file(parent, error))
}

/// Everything that was written to the file system of a folder, put on the disk: one call instead of one for each of a million files.
fn sync_all(folder: &Path) -> Result<(), DeliveryError> {
    let opened = File::open(folder).map_err(|error| DeliveryError::file(folder, error))?;
    syncfs(&opened).map_err(|error| DeliveryError::file(folder, error.into()))
}

fn sync_folder(folder: Option<&Path>) -> Result<(), DeliveryError> {
    let folder = folder.unwrap_or(Path::new("/"));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| DeliveryError::file(folder, error))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
