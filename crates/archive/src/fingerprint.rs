//! The fingerprint of a tree: one digest over all that must not change, so that two of them prove that nothing touched the originals.
//!
//! # What it covers
//! For the root and everything below it: name, type, permissions, owner, group, number of hard links, size, time of last modification,
//! device number, file flags, extended attributes (with them access control lists), the target of a symbolic link, and the SHA-256 of a
//! file's content. Access times are not covered: reading is allowed to leave them. Size and link count of directories are not covered:
//! file systems choose them as they like.
//!
//! # How to compute it
//! `u8`, `u32`, `u64`, `i64` are big-endian; `text(b)` is the length of the bytes `b` as `u64`, then `b`. The first entry is the root, whose
//! path is empty; the others follow in the order of [`crate::walk`], links not followed, other mounts entered. Each entry has a digest:
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
//!     text(troubles: words such as "open:13", separated by spaces; the number is Linux' errno; empty when all could be read) )
//! tree = SHA-256( "exhibit fingerprint tree 1\n" entry entry ... u64(number of entries) )
//! ```
//!
//! What a user may not read is part of the answer, so compare fingerprints made by the same user.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use exhibit_engine::originals::{self, FileStat, Links};
use exhibit_model::digest::{Digest, DigestHasher};

use crate::walk::{Entry, Kind, Trouble, WalkOptions, walk};
use attributes::{Holder, hash_attributes, hash_flags};

mod attributes;
#[cfg(test)]
mod tests;

/// Bytes read at once; larger pieces gained nothing when measured, smaller ones cost calls.
const BUFFER_BYTES: usize = 256 * 1024;
/// Files opened and waiting for a hashing thread; each holds a descriptor.
const FILES_WAITING_MAX: usize = 32;
/// Entries that may be finished ahead of a file that takes long. Bounds what is kept to restore the order.
const ENTRIES_AHEAD_MAX: usize = 16_384;
/// Hashing threads at most; a disk or page cache is saturated long before.
const THREADS_MAX: usize = 16;
/// Troubles kept with their paths; all are counted.
const PROBLEMS_KEPT_MAX: usize = 1000;
/// Pause after which progress is told though no file was finished.
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);

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

/// Does what [`fingerprint`] does on `threads` threads and shows each entry, in the order of the walk. The number of threads does not change
/// the answer.
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

/// A file on its way to a hashing thread.
struct Job {
    place: usize,
    head: EntryHead,
    stat: FileStat,
    file: io::Result<File>,
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

/// The tree as far as it is known: entries go in in the order of the walk, and are counted in that order when they are finished.
struct Tree<'a> {
    jobs: SyncSender<Job>,
    done: Receiver<(usize, ManifestEntry)>,
    bytes: &'a AtomicU64,
    manifest: &'a mut dyn FnMut(&ManifestEntry),
    progress: &'a mut dyn FnMut(Progress),
    hasher: DigestHasher,
    /// Entries from `entries` on, finished or not.
    pending: VecDeque<Option<ManifestEntry>>,
    entries: usize,
    sum: Fingerprint,
}

impl<'a> Tree<'a> {
    fn new(
        jobs: SyncSender<Job>,
        done: Receiver<(usize, ManifestEntry)>,
        bytes: &'a AtomicU64,
        manifest: &'a mut dyn FnMut(&ManifestEntry),
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let mut hasher = DigestHasher::new();
        hasher.update(b"exhibit fingerprint tree 1\n");
        let sum = Fingerprint {
            digest: Digest([0; 32]),
            files: 0,
            directories: 0,
            others: 0,
            bytes: 0,
            unreadable: 0,
            problems: Vec::new(),
        };
        Self { jobs, done, bytes, manifest, progress, hasher, pending: VecDeque::new(), entries: 0, sum }
    }

    fn add_root(&mut self, root: BorrowedFd<'_>) -> io::Result<()> {
        let directory = originals::open_directory_beneath(root, b"", Links::Refuse)?;
        let mut head = EntryHead::new(b"", KIND_DIRECTORY, &originals::stat_open(&directory)?);
        hash_flags(&mut head, Some(directory.as_fd()));
        hash_attributes(&mut head, Some(Holder::Open(directory.as_fd())));
        hash_text(&mut head.hasher, b"");
        self.push(Some(head.finish(None)));
        Ok(())
    }

    fn add(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        while self.pending.len() >= ENTRIES_AHEAD_MAX {
            self.take_one()?;
        }
        let head = EntryHead::new(entry.path, kind_code(entry), &entry.stat);
        if entry.kind == Kind::File {
            let place = self.entries + self.pending.len();
            self.push(None);
            let job = Job { place, head, stat: entry.stat, file: entry.open() };
            return if self.jobs.send(job).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        }
        self.push(Some(finish_other(head, entry)));
        ControlFlow::Continue(())
    }

    fn push(&mut self, entry: Option<ManifestEntry>) {
        self.pending.push_back(entry);
        self.settle();
        while let Ok(result) = self.done.try_recv() {
            self.place(result);
        }
    }

    /// Waits for one more finished file.
    fn take_one(&mut self) -> ControlFlow<()> {
        loop {
            match self.done.recv_timeout(PROGRESS_PAUSE) {
                Ok(result) => {
                    self.place(result);
                    return ControlFlow::Continue(());
                }
                Err(RecvTimeoutError::Timeout) => self.tell(),
                Err(RecvTimeoutError::Disconnected) => return ControlFlow::Break(()),
            }
        }
    }

    fn place(&mut self, (place, entry): (usize, ManifestEntry)) {
        if let Some(slot) = self.pending.get_mut(place - self.entries) {
            *slot = Some(entry);
        }
        self.settle();
    }

    /// Counts what is finished and has nothing unfinished before it.
    fn settle(&mut self) {
        while let Some(Some(_)) = self.pending.front() {
            let Some(Some(entry)) = self.pending.pop_front() else { return };
            self.entries += 1;
            self.hasher.update(&entry.digest.0);
            match entry.kind {
                KIND_FILE => self.sum.files += 1,
                KIND_DIRECTORY => self.sum.directories += 1,
                _ => self.sum.others += 1,
            }
            if !entry.troubles.is_empty() {
                self.sum.unreadable += 1;
                if self.sum.problems.len() < PROBLEMS_KEPT_MAX {
                    let problem = Problem { path: entry.path.clone(), troubles: entry.troubles.clone() };
                    self.sum.problems.push(problem);
                }
            }
            (self.manifest)(&entry);
            if self.entries.is_multiple_of(64) {
                self.tell();
            }
        }
    }

    fn tell(&mut self) {
        (self.progress)(Progress { entries: self.entries as u64, bytes: self.bytes.load(Ordering::Relaxed) });
    }

    fn finish(mut self) -> Fingerprint {
        while !self.pending.is_empty() {
            if self.take_one().is_break() {
                break;
            }
        }
        assert!(self.pending.is_empty(), "every file given to a hashing thread comes back");
        self.hasher.update(&(self.entries as u64).to_be_bytes());
        self.tell();
        Fingerprint { digest: self.hasher.finish(), bytes: self.bytes.load(Ordering::Relaxed), ..self.sum }
    }
}

fn kind_code(entry: &Entry<'_>) -> u8 {
    match entry.kind {
        Kind::Directory => KIND_DIRECTORY,
        Kind::File => KIND_FILE,
        Kind::Symlink => 3,
        Kind::Fifo => 4,
        Kind::Socket => 5,
        Kind::Device => 6,
        Kind::Unreadable(_) if entry.stat.is_directory() => KIND_DIRECTORY,
        Kind::Unreadable(_) => KIND_UNKNOWN,
    }
}

fn trouble_word(trouble: Trouble) -> String {
    match trouble {
        Trouble::Stat(errno) => format!("stat:{}", errno.raw_os_error()),
        Trouble::Open(errno) => format!("open:{}", errno.raw_os_error()),
        Trouble::List(errno) => format!("list:{}", errno.raw_os_error()),
        Trouble::TooDeep => "too-deep".to_owned(),
        Trouble::TooManyNames => "too-many-names".to_owned(),
        Trouble::Moved => "moved".to_owned(),
        // Links are not followed here, so these three say only what the walk may say.
        Trouble::Cycle | Trouble::LinkBroken | Trouble::LinkOutside | Trouble::TooManyLinks => "cycle".to_owned(),
    }
}

/// Everything but a file's content.
fn finish_other(mut head: EntryHead, entry: &Entry<'_>) -> ManifestEntry {
    let mut opened = None;
    let mut target = Vec::new();
    match entry.kind {
        Kind::Unreadable(trouble) => head.troubles.push(trouble_word(trouble)),
        Kind::Directory => match originals::open_directory(entry.directory, entry.name) {
            Ok(directory) => opened = Some(directory),
            Err(error) => head.troubles.push(errno_word("open", &error)),
        },
        Kind::Symlink => match rustix::fs::readlinkat(entry.directory, entry.name, Vec::new()) {
            Ok(text) => target = text.into_bytes(),
            Err(error) => head.troubles.push(errno_word("link", &error.into())),
        },
        Kind::File | Kind::Fifo | Kind::Socket | Kind::Device => {}
    }
    hash_flags(&mut head, opened.as_ref().map(AsFd::as_fd));
    let holder = match (&opened, entry.kind) {
        (Some(directory), _) => Some(Holder::Open(directory.as_fd())),
        (None, Kind::Directory | Kind::Unreadable(_)) => None,
        (None, _) => Some(Holder::Named(entry.directory, entry.name)),
    };
    hash_attributes(&mut head, holder);
    hash_text(&mut head.hasher, &target);
    head.finish(None)
}

/// The work of one thread: files in, finished entries out, until no more come.
fn hash_files(waiting: &Mutex<Receiver<Job>>, bytes: &AtomicU64, finished: &Sender<(usize, ManifestEntry)>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        let place = job.place;
        if finished.send((place, finish_file(job, &mut buffer, bytes))).is_err() {
            return;
        }
    }
}

fn finish_file(job: Job, buffer: &mut [u8], bytes: &AtomicU64) -> ManifestEntry {
    let Job { mut head, stat, file, .. } = job;
    let mut content = None;
    let mut file = match file {
        Ok(file) => Some(file),
        Err(error) => {
            head.troubles.push(errno_word("open", &error));
            None
        }
    };
    hash_flags(&mut head, file.as_ref().map(AsFd::as_fd));
    hash_attributes(&mut head, file.as_ref().map(|file| Holder::Open(file.as_fd())));
    hash_text(&mut head.hasher, b"");
    if let Some(file) = &mut file {
        match hash_content(file, &stat, buffer, bytes) {
            Ok(digest) => content = Some(digest),
            Err(trouble) => head.troubles.push(trouble),
        }
    }
    head.finish(content)
}

/// Reads as many bytes as the file had when it was looked at: one that grows without end does not keep us.
fn hash_content(file: &mut File, seen: &FileStat, buffer: &mut [u8], bytes: &AtomicU64) -> Result<Digest, String> {
    let mut hasher = DigestHasher::new();
    let mut length = 0_u64;
    loop {
        let count = match file.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(errno_word("read", &error)),
        };
        if count == 0 {
            break;
        }
        length += count as u64;
        if length > seen.size_bytes {
            break;
        }
        hasher.update(&buffer[..count]);
        bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
    let after = originals::stat_open(&*file).map_err(|error| errno_word("stat", &error))?;
    if length != seen.size_bytes || !after.is_same_content(seen) {
        return Err("changed".to_owned());
    }
    Ok(hasher.finish())
}
