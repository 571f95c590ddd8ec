//! Is the original still the one in the catalog, and can its source be reached? The host looks itself; the extractor is not believed.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;

use exhibit_model::digest::{Digest, DigestHasher};
use exhibit_store::sql::assets::FileStat;
use exhibit_store::sql::sources::Source;
use rustix::io::Errno;

use crate::dispatch::Place;
use crate::originals::{self, Links, open_beneath, open_root, stat_beneath, stat_open};

/// Piece in which an original is hashed again.
const READ_BYTES: usize = 256 * 1024;

/// Whether an original is still the one in the catalog.
#[derive(Debug)]
pub(crate) enum InputState {
    Same,
    Changed,
    /// Same size and times, other bytes.
    Rotten,
    Missing(String),
    Offline(String),
}

/// A source as this host found it when it began.
pub(crate) struct OpenSource {
    pub(crate) source: Source,
    pub(crate) path: PathBuf,
    /// Its root, with device and inode.
    root: Option<(OwnedFd, (u64, u64))>,
}

impl OpenSource {
    pub(crate) fn open(source: Source) -> Self {
        let path =
            PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(source.root.clone()));
        let root = open_root(&path).ok().and_then(|root| {
            let stat = stat_open(&root).ok()?;
            Some((root, (stat.dev, stat.ino)))
        });
        Self { source, path, root }
    }

    /// True while the root is where it was, and is what it was: a mount that went leaves another folder, or none.
    pub(crate) fn is_there(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let now = std::fs::metadata(&self.path).ok().map(|found| (found.dev(), found.ino()));
        self.root.as_ref().is_some_and(|(_, then)| now == Some(*then))
    }

    fn offline(&self) -> InputState {
        InputState::Offline(format!("source {} cannot be reached at {}", self.source.name, self.path.display()))
    }

    /// Compares what the file system says now with what the catalog says.
    pub(crate) fn check(&self, place: &Place) -> InputState {
        let Some((root, _)) = self.root.as_ref().filter(|_| self.is_there()) else { return self.offline() };
        match stat_beneath(root.as_fd(), &place.path, Links::Refuse) {
            Ok(found) if stat_of(&found) == place.stat => InputState::Same,
            Ok(_) => InputState::Changed,
            Err(error) if is_gone(&error) || self.is_empty() => self.offline(),
            Err(error) => InputState::Missing(format!("the file cannot be found: {error}; scan its source again")),
        }
    }

    /// Reads all bytes of an original and compares them with the catalog, beside what [`Self::check`] compares.
    pub(crate) fn check_bytes(&self, place: &Place, expected: Digest) -> InputState {
        let Some((root, _)) = &self.root else { return self.offline() };
        let hashed = open_beneath(root.as_fd(), &place.path, Links::Refuse).and_then(hash);
        match (self.check(place), hashed) {
            (InputState::Same, Ok(found)) if found == expected => InputState::Same,
            (InputState::Same, Ok(_)) => InputState::Rotten,
            (InputState::Same, Err(error)) if is_gone(&error) => self.offline(),
            (InputState::Same, Err(error)) => InputState::Missing(format!("the file cannot be read: {error}")),
            (other, _) => other,
        }
    }

    /// A mount point without its mount holds nothing.
    fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_none())
    }
}

/// What the kernel answers when a device or a server is not there any more.
fn is_gone(error: &io::Error) -> bool {
    const GONE: [Errno; 8] = [
        Errno::IO,
        Errno::NODEV,
        Errno::NXIO,
        Errno::STALE,
        Errno::TIMEDOUT,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::NOTCONN,
    ];
    Errno::from_io_error(error).is_some_and(|errno| GONE.contains(&errno))
}

fn stat_of(found: &originals::FileStat) -> FileStat {
    FileStat {
        size_bytes: i64::try_from(found.size_bytes).unwrap_or(i64::MAX),
        mtime_ns: found.mtime_ns,
        device: found.dev.cast_signed(),
        inode: found.ino.cast_signed(),
    }
}

fn hash(mut file: std::fs::File) -> io::Result<Digest> {
    let mut hasher = DigestHasher::new();
    let mut piece = vec![0; READ_BYTES];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
