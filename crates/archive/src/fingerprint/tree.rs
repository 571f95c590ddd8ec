//! Puts the entries of a tree together in the order of the walk, whatever the order in which they are finished.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use exhibit_engine::originals::{self, Links};
use exhibit_model::digest::{Digest, DigestHasher};

use super::attributes::{Holder, hash_attributes, hash_flags};
use super::content::Job;
use super::{
    EntryHead, Fingerprint, KIND_DIRECTORY, KIND_FILE, KIND_UNKNOWN, ManifestEntry, Problem, Progress, errno_word,
    hash_text,
};
use crate::walk::{Entry, Kind, Trouble};

/// Entries that may be finished ahead of a file that takes long. Bounds what is kept to restore the order.
const ENTRIES_AHEAD_MAX: usize = 16_384;
/// Troubles kept with their paths; all are counted.
const PROBLEMS_KEPT_MAX: usize = 1000;
/// Pause after which progress is told though no file was finished.
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);

/// The tree as far as it is known: entries go in in the order of the walk, and are counted in that order when they are
/// finished.
pub(super) struct Tree<'a> {
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
    pub(super) fn new(
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

    pub(super) fn add_root(&mut self, root: BorrowedFd<'_>) -> io::Result<()> {
        let directory = originals::open_directory_beneath(root, b"", Links::Refuse)?;
        let mut head = EntryHead::new(b"", KIND_DIRECTORY, &originals::stat_open(&directory)?);
        hash_flags(&mut head, Some(directory.as_fd()));
        hash_attributes(&mut head, Some(Holder::Open(directory.as_fd())));
        hash_text(&mut head.hasher, b"");
        self.push(Some(head.finish(None)));
        Ok(())
    }

    pub(super) fn add(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
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

    pub(super) fn finish(mut self) -> Fingerprint {
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
