//! The local blob store: files named by the SHA-256 of their bytes. A file is complete and on the disk before it gets its name, so a
//! name never stands for half a blob; a blob without a record is harmless.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use exhibit_model::digest::{Digest, DigestHasher};
use rustix::fs::{AtFlags, CWD, FlockOperation, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};

use crate::delivery::{DeliveryError, Progress};
use crate::error::StoreError;

/// Piece in which bytes are copied.
const COPY_BYTES: usize = 256 * 1024;

/// How long a backup waits for a collector that is at work; it removes a thousand blobs in well under a second.
const HOLD_MAX: Duration = Duration::from_secs(600);

/// Between two looks whether the collector is done.
const HOLD_PAUSE: Duration = Duration::from_millis(100);

/// While it lives, the collector of every process lets all blobs be. The kernel ends it with the process.
#[derive(Debug)]
pub struct Hold {
    _lock: File,
}

/// A folder of blobs.
#[derive(Clone, Debug)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    incoming: PathBuf,
    leaving: PathBuf,
    process: u128,
    counter: AtomicU64,
}

/// Bytes that are copied and hashed but have no name yet. Dropped without [`Blobs::publish`], they are removed.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    file: File,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// How many there are.
    pub bytes: u64,
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Already renamed or never to be used; what remains is cleaned at the next start.
        std::fs::remove_file(&self.path).ok();
    }
}

impl Blobs {
    /// Opens the folder, making it when needed. `process` is a random number that keeps the temporary names of processes apart.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(root: &Path, process: u128) -> Result<Self, StoreError> {
        let incoming = root.join("incoming");
        let leaving = root.join("leaving");
        for folder in [&incoming, &leaving] {
            std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        }
        let counter = AtomicU64::new(0);
        Ok(Self { inner: Arc::new(Inner { root: root.to_owned(), incoming, leaving, process, counter }) })
    }

    /// Where a blob lies, whether or not it exists: `<root>/<first two hex digits>/<64 hex digits>`.
    pub fn path_of(&self, sha256: Digest) -> PathBuf {
        let hex = sha256.to_hex();
        self.inner.root.join(&hex[..2]).join(hex)
    }

    /// The size of a blob in bytes; `None` when it is not there.
    ///
    /// # Errors
    /// When the file system cannot be read.
    pub fn size_of(&self, sha256: Digest) -> Result<Option<u64>, StoreError> {
        let path = self.path_of(sha256);
        match std::fs::metadata(&path) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, error)),
        }
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open_blob(&self, sha256: Digest) -> Result<File, StoreError> {
        let path = self.path_of(sha256);
        File::open(&path).map_err(|error| failed(&path, error))
    }

    /// Copies at most `bytes_max` bytes into a file of our own while hashing them. `Ok(None)`: there were more.
    ///
    /// # Errors
    /// When reading or writing fails.
    pub fn stage(&self, source: &mut dyn Read, bytes_max: u64) -> Result<Option<Staged>, StoreError> {
        let number = self.inner.counter.fetch_add(1, Ordering::Relaxed);
        let path = self.inner.incoming.join(format!("{:032x}-{number}", self.inner.process));
        let file = File::options().write(true).create_new(true).open(&path).map_err(|error| failed(&path, error))?;
        let mut staged = Staged { path, file, sha256: Digest([0; 32]), bytes: 0 };
        let mut hasher = DigestHasher::new();
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let count = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(&staged.path, error)),
            };
            staged.bytes += count as u64;
            if staged.bytes > bytes_max {
                return Ok(None);
            }
            hasher.update(&buffer[..count]);
            staged.file.write_all(&buffer[..count]).map_err(|error| failed(&staged.path, error))?;
        }
        staged.sha256 = hasher.finish();
        Ok(Some(staged))
    }

    /// Puts staged bytes on the disk and gives them their names; returns when both are durable. Bytes that are already there are kept.
    ///
    /// # Errors
    /// When the disk is full or fails. Some of the blobs may then have their names: they are complete.
    pub fn publish(&self, staged: Vec<Staged>) -> Result<(), StoreError> {
        let mut folders = std::collections::BTreeSet::new();
        for blob in &staged {
            let target = self.path_of(blob.sha256);
            let folder = target.parent().unwrap_or(&self.inner.root).to_owned();
            if std::fs::metadata(&target).is_ok_and(|found| found.len() == blob.bytes) && touch(&target)? {
                // Who gave it its name may not have come to the folder yet.
                folders.insert(folder);
                continue;
            }
            blob.file.sync_data().map_err(|error| failed(&blob.path, error))?;
            match std::fs::create_dir(&folder) {
                Ok(()) => sync_folder(&self.inner.root)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&folder, error)),
            }
            std::fs::rename(&blob.path, &target).map_err(|error| failed(&target, error))?;
            folders.insert(folder);
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }

    /// Removes a blob unless it was put there, or put there again, less than `grace` ago. True: it is not there any more.
    ///
    /// # Errors
    /// When the file system cannot be changed.
    pub fn remove_older_than(&self, sha256: Digest, grace: Duration) -> Result<bool, StoreError> {
        let path = self.path_of(sha256);
        match age(&path)? {
            None => return Ok(true),
            Some(age) if age < grace => return Ok(false),
            Some(_) => {}
        }
        // Who puts the same bytes there meanwhile either touched the file before it moved, which is seen here, or finds none and writes it.
        let aside = self.inner.leaving.join(sha256.to_hex());
        match std::fs::rename(&path, &aside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(failed(&path, error)),
        }
        if age(&aside)?.is_some_and(|age| age < grace) {
            self.put_back(sha256)?;
            return Ok(false);
        }
        self.drop_leaving(sha256)?;
        Ok(true)
    }

    /// Keeps the collector from removing anything. Several may hold at a time; a collector that is at work is waited for.
    ///
    /// # Errors
    /// When the lock cannot be made, the collector does not come to an end, or someone asks to stop.
    pub fn hold(&self, progress: &Progress) -> Result<Hold, DeliveryError> {
        let begun = std::time::Instant::now();
        loop {
            if let Some(lock) = self.lock(FlockOperation::NonBlockingLockShared)? {
                return Ok(Hold { _lock: lock });
            }
            if progress.should_stop() {
                return Err(DeliveryError::Stopped);
            }
            if begun.elapsed() > HOLD_MAX {
                let reason = "blobs are being removed for more than ten minutes; try again later".to_owned();
                return Err(DeliveryError::Target { target: self.inner.root.display().to_string(), reason });
            }
            std::thread::sleep(HOLD_PAUSE);
        }
    }

    /// The right to remove blobs; `None` while a backup copies them or another collector is at work.
    ///
    /// # Errors
    /// When the lock cannot be made.
    pub fn begin_collecting(&self) -> Result<Option<Hold>, StoreError> {
        let locked = self.lock(FlockOperation::NonBlockingLockExclusive);
        let locked = locked.map_err(|error| failed(&self.inner.root, io::Error::other(error.to_string())))?;
        Ok(locked.map(|lock| Hold { _lock: lock }))
    }

    /// The lock is on the folder itself, so that nothing lies in it that is no blob.
    fn lock(&self, operation: FlockOperation) -> Result<Option<File>, DeliveryError> {
        let root = &self.inner.root;
        let folder = File::open(root).map_err(|error| DeliveryError::file(root, error))?;
        match rustix::fs::flock(&folder, operation) {
            Ok(()) => Ok(Some(folder)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(DeliveryError::file(root, error.into())),
        }
    }

    /// Blobs that an interrupted removal has put aside; a name that is no digest is not ours and is left alone.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn leaving(&self) -> Result<Vec<Digest>, StoreError> {
        let folder = &self.inner.leaving;
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, error))? {
            let name = entry.map_err(|error| failed(folder, error))?.file_name();
            found.extend(name.to_str().and_then(|name| name.parse::<Digest>().ok()));
        }
        Ok(found)
    }

    /// Gives a blob that was put aside its name back, unless it has been written anew.
    ///
    /// # Errors
    /// When the file system cannot be changed.
    pub fn put_back(&self, sha256: Digest) -> Result<(), StoreError> {
        let path = self.path_of(sha256);
        match std::fs::hard_link(self.inner.leaving.join(sha256.to_hex()), &path) {
            Ok(()) => sync_folder(path.parent().unwrap_or(&self.inner.root))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path, error)),
        }
        self.drop_leaving(sha256)
    }

    /// Removes a blob that was put aside.
    ///
    /// # Errors
    /// When the file system cannot be changed.
    pub fn drop_leaving(&self, sha256: Digest) -> Result<(), StoreError> {
        let aside = self.inner.leaving.join(sha256.to_hex());
        match std::fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&aside, error)),
            _ => Ok(()),
        }
    }

    /// Reads a blob again and says what its bytes hash to; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn rehash(&self, sha256: Digest) -> Result<Option<(Digest, u64)>, StoreError> {
        let path = self.path_of(sha256);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path, error)),
        };
        let mut hasher = DigestHasher::new();
        let mut buffer = vec![0; COPY_BYTES];
        let mut bytes = 0;
        loop {
            let count = file.read(&mut buffer).map_err(|error| failed(&path, error))?;
            if count == 0 {
                return Ok(Some((hasher.finish(), bytes)));
            }
            hasher.update(&buffer[..count]);
            bytes += count as u64;
        }
    }

    /// Removes what earlier processes left unfinished. Call it only while no other process uses the folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn clean_incoming(&self) -> Result<u64, StoreError> {
        let incoming = &self.inner.incoming;
        let mut removed = 0;
        for entry in std::fs::read_dir(incoming).map_err(|error| failed(incoming, error))? {
            let path = entry.map_err(|error| failed(incoming, error))?.path();
            std::fs::remove_file(&path).map_err(|error| failed(&path, error))?;
            removed += 1;
        }
        Ok(removed)
    }
}

/// Makes a file look new, so that the collector lets it be. False: it is gone.
fn touch(path: &Path) -> Result<bool, StoreError> {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: omit, last_modification: now };
    match utimensat(CWD, path, &times, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::NOENT) => Ok(false),
        Err(error) => Err(failed(path, error.into())),
    }
}

/// How long ago a file was put there; `None` when there is none. One from the future is new.
fn age(path: &Path) -> Result<Option<Duration>, StoreError> {
    match std::fs::metadata(path).and_then(|found| found.modified()) {
        Ok(modified) => Ok(Some(modified.elapsed().unwrap_or_default())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, error)),
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, error))
}

fn failed(path: &Path, error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        return StoreError::NoSpace { name: path.display().to_string() };
    }
    StoreError::Blob { path: path.to_owned(), source: error }
}
