//! Reads the session files of agents into the ledger, once or over and over, on a thread of the caller's own.
//!
//! How far a file was read is kept with what it said ([`super::submit`]). A file that looks as it did when it was last read is not opened. What is
//! known of the files that grow is kept from one round to the next; for others it is won back by reading them from the start, which writes nothing.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use exhibit_store::{Store, StoreError, Tx};

use super::claude::ClaudeFile;
use super::codex::CodexFile;
use super::discover::{Folders, Look, Source, discover};
use super::idle::close_idle;
use super::openclaw::OpenClawFile;
use super::report::{FeedReport, Report};
use super::submit::{Collector, Moved, Outcome, Step, prepare, record};
use super::tail::{Lines, Position, Reading, Tail};
use super::wait::wait;
use super::{Feed, LineParser};
use crate::sql::offsets::{self, OffsetRow};

/// Files whose parsers are kept between two rounds: more than agents write to at one time; each knows some hundred calls.
const OPEN_FILES_MAX: usize = 256;

/// Files of a feed whose offsets are known; as many as a search can find.
const OFFSETS_MAX: i64 = 500_000;

/// How long a file has to be gone before it is forgotten how far it was read, in microseconds: 30 days, in case its disk comes back.
const GONE_US: i64 = 30 * 24 * 3_600 * 1_000_000;

/// Files that one round forgets, in one transaction.
const FORGET_MAX: usize = 1_000;

/// Readings of one file in one round, 4 MiB each, so that a huge file does not keep the others waiting for long.
const READINGS_MAX: usize = 64;

/// Flags for opening: what became a link or a pipe since it was found is refused, and nothing waits for a writer.
const OPEN_FLAGS: rustix::fs::OFlags = rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK);

/// The collector of files.
pub struct Runner {
    store: Store,
    folders: Folders,
    /// How far each file was read; `None` until the first round asks.
    known: Option<BTreeMap<(Feed, String), OffsetRow>>,
    open: BTreeMap<String, Open>,
    /// Files that were looked at and said nothing to keep.
    looked: BTreeMap<String, Look>,
    round: u64,
}

/// A file that is read on where it was left.
struct Open {
    tail: Tail,
    parser: Box<dyn LineParser + Send>,
    /// The round that used it last.
    round: u64,
}

/// Why a file was not read to its end.
enum Trouble {
    File(io::Error),
    Store(StoreError),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Reads all that is new in the folders, and closes what fell silent. Blocks; for a thread that may.
///
/// # Errors
/// When the database cannot be read or written. What was recorded before stays, and is not read again.
pub fn collect_once(store: &Store, folders: Folders) -> Result<Report, StoreError> {
    Runner::new(store.clone(), folders).round(&|| false)
}

impl Runner {
    /// One that has read nothing yet.
    pub fn new(store: Store, folders: Folders) -> Self {
        let (open, looked) = (BTreeMap::new(), BTreeMap::new());
        Self { store, folders, known: None, open, looked, round: 0 }
    }

    /// Reads all that is new, then again `every` so often, until the other end of `stop` is dropped or says so. Each round is told to
    /// `told`: its report, or why the database could not be used; then the next round tries again.
    pub fn run(mut self, every: Duration, stop: &Receiver<()>, told: &mut dyn FnMut(Result<Report, StoreError>)) {
        // A word to stop is heard once, so it is kept.
        let heard = Cell::new(false);
        let is_stopped = || {
            heard.set(heard.get() || stop.try_recv() != Err(TryRecvError::Empty));
            heard.get()
        };
        loop {
            told(self.round(&is_stopped));
            if is_stopped() || stop.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// One round. Between two files it asks whether to stop; what is left then is read by the next round.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn round(&mut self, is_stopped: &dyn Fn() -> bool) -> Result<Report, StoreError> {
        self.round += 1;
        if self.known.is_none() {
            self.known = Some(wait(known(&self.store))?);
        }
        let found = discover(&self.folders);
        let mut report = Report { unreadable: found.unreadable, is_cut: found.is_cut, ..Report::default() };
        for source in &found.sources {
            if is_stopped() {
                report.is_cut = true;
                return Ok(report);
            }
            report.of(source.feed).files += 1;
            match self.file(source, report.of(source.feed)) {
                Ok(()) => {}
                // What the store makes of one file is no reason to leave the others; it is tried again with the next round.
                Err(Trouble::Store(error @ (StoreError::Refused(_) | StoreError::Unexpected(_)))) => {
                    report.problem(source.feed, &source.path, &error);
                }
                Err(Trouble::Store(error)) => return Err(error),
                // It was there a moment ago; agents take their files away as they like.
                Err(Trouble::File(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(Trouble::File(error)) => report.problem(source.feed, &source.path, &error),
            }
        }
        let paths: BTreeSet<&str> = found.sources.iter().map(|source| source.path.as_str()).collect();
        self.looked.retain(|path, _| paths.contains(path.as_str()));
        if !found.is_cut && found.unreadable == 0 {
            self.forget(&paths)?;
        }
        report.closed = wait(close_idle(&self.store, self.store.clock().now()))?;
        Ok(report)
    }

    fn stored(&self, feed: Feed, path: &str) -> Option<OffsetRow> {
        self.known.as_ref()?.get(&(feed, path.to_owned())).copied()
    }

    /// Reads what is new in a file.
    fn file(&mut self, source: &Source, report: &mut FeedReport) -> Result<(), Trouble> {
        let stored = self.stored(source.feed, &source.path);
        let is_read =
            stored.is_some_and(|row| Look { size_bytes: row.size_bytes, modified_at: row.modified_at } == source.look);
        if is_read || self.looked.get(&source.path) == Some(&source.look) {
            return Ok(());
        }
        let bits = i32::try_from(OPEN_FLAGS.bits()).unwrap_or(0);
        let mut file = OpenOptions::new().read(true).custom_flags(bits).open(&source.path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no file").into());
        }
        let look = Look::of(&metadata);
        // Whatever goes wrong from here on, the parser may know what is not recorded; then it is made anew from what is.
        let mut open = match self.open.remove(&source.path) {
            Some(open) => open,
            None => self.resume(source, stored, &mut file)?,
        };
        report.changed += 1;
        let mut from = stored.map(|row| row.position);
        for _ in 0..READINGS_MAX {
            let (lines, more) = match open.tail.read(&mut file)? {
                Reading::Lines { lines, more } => (lines, more),
                Reading::Restarted => {
                    report.restarts += 1;
                    open = Open { tail: Tail::new(Position::start()), parser: parser(source)?, round: self.round };
                    continue;
                }
            };
            let to = OffsetRow {
                position: open.tail.position(),
                // Only a file that was read to its end is passed over when it looks the same.
                size_bytes: if more { 0 } else { look.size_bytes },
                modified_at: look.modified_at,
                read_at: self.store.clock().now(),
            };
            if from != Some(to.position) {
                match self.take(source, &mut open, &lines, from, to, report)? {
                    Outcome::Recorded => from = Some(to.position),
                    Outcome::Contended => return Ok(()),
                }
            }
            if !more {
                self.looked.insert(source.path.clone(), look);
                break;
            }
        }
        self.keep(source.path.clone(), open);
        Ok(())
    }

    /// Records what lines say, with how far the file was read.
    fn take(
        &mut self,
        source: &Source,
        open: &mut Open,
        lines: &Lines,
        from: Option<Position>,
        to: OffsetRow,
        report: &mut FeedReport,
    ) -> Result<Outcome, StoreError> {
        let refused_before = open.parser.refused();
        let (documents, bad_records) = lines.parse(open.parser.as_mut());
        let unmade = open.parser.refused() - refused_before;
        let count = u64::try_from(lines.iter().count()).unwrap_or(u64::MAX).saturating_add(lines.too_long);
        let mut prepared = prepare(&self.store.gate(), &documents)?;
        prepared.refused = prepared.refused.saturating_add(unmade);
        let (made, refused) = (prepared.documents, prepared.refused);
        let problem = (bad_records > 0).then(|| {
            format!("{bad_records} of the {count} lines that were read last of {} are not understood", source.path)
        });
        let step = Step { collector: collector(source.feed), records: count, bad_records, problem, at: to.read_at };
        let moved = Moved { feed: source.feed, path: source.path.clone(), from, to };
        let outcome = wait(record(&self.store, prepared, step, Some(moved)))?;
        let key = (source.feed, source.path.clone());
        match outcome {
            Outcome::Recorded => {
                self.known.get_or_insert_default().insert(key, to);
                report.lines += count;
                report.bad_lines += bad_records;
                report.documents += made;
                report.refused += refused;
            }
            Outcome::Contended => {
                report.contended += 1;
                let path = source.path.clone();
                let feed = source.feed.as_str();
                let row = wait(self.store.read(move |read| offsets::one(read, feed, &path)))?;
                let known = self.known.get_or_insert_default();
                match row {
                    Some(row) => known.insert(key, row),
                    None => known.remove(&key),
                };
            }
        }
        Ok(outcome)
    }

    /// A parser that knows what the file said so far. A file that was moved is known by its former place.
    fn resume(&self, source: &Source, stored: Option<OffsetRow>, file: &mut File) -> Result<Open, Trouble> {
        let formerly = || self.stored(source.feed, source.formerly.as_deref()?);
        let mut parser_so_far = parser(source)?;
        if let Some(row) = stored.or_else(formerly)
            && let Some(tail) = Tail::resume(file, row.position, parser_so_far.as_mut())?
        {
            return Ok(Open { tail, parser: parser_so_far, round: self.round });
        }
        Ok(Open { tail: Tail::new(Position::start()), parser: parser(source)?, round: self.round })
    }

    /// Forgets how far files were read that are gone for long.
    fn forget(&mut self, paths: &BTreeSet<&str>) -> Result<(), StoreError> {
        let Some(known) = &mut self.known else { return Ok(()) };
        let until = self.store.clock().now().0.saturating_sub(GONE_US);
        let is_gone = |row: &OffsetRow, path: &str| row.read_at.0 < until && !paths.contains(path);
        let gone = known.iter().filter(|((_, path), row)| is_gone(row, path)).map(|(key, _)| key.clone());
        let gone: Vec<(Feed, String)> = gone.take(FORGET_MAX).collect();
        if gone.is_empty() {
            return Ok(());
        }
        for key in &gone {
            known.remove(key);
        }
        let work =
            move |tx: &mut Tx<'_>| gone.iter().try_for_each(|(feed, path)| offsets::forget(tx, feed.as_str(), path));
        wait(self.store.write(work))
    }

    fn keep(&mut self, path: String, open: Open) {
        self.open.insert(path, Open { round: self.round, ..open });
        while self.open.len() > OPEN_FILES_MAX {
            let oldest = self.open.iter().min_by_key(|(_, open)| open.round).map(|(path, _)| path.clone());
            let Some(oldest) = oldest else { return };
            self.open.remove(&oldest);
        }
    }
}

async fn known(store: &Store) -> Result<BTreeMap<(Feed, String), OffsetRow>, StoreError> {
    let mut known = BTreeMap::new();
    for feed in [Feed::ClaudeJsonl, Feed::CodexJsonl, Feed::OpenClawJsonl] {
        let rows = store.read(move |read| offsets::of_feed(read, feed.as_str(), OFFSETS_MAX)).await?;
        known.extend(rows.into_iter().map(|(path, row)| ((feed, path), row)));
    }
    Ok(known)
}

fn collector(feed: Feed) -> Collector {
    match feed {
        Feed::CodexJsonl => Collector::CodexJsonl,
        Feed::OpenClawJsonl => Collector::OpenClawJsonl,
        _ => Collector::ClaudeJsonl,
    }
}

/// A parser that has seen nothing of a file.
fn parser(source: &Source) -> io::Result<Box<dyn LineParser + Send>> {
    Ok(match source.feed {
        Feed::CodexJsonl => Box::new(CodexFile::new(&source.file_name)),
        Feed::OpenClawJsonl => {
            let file = OpenClawFile::new(&source.agent, &source.file_name, None);
            Box::new(file.ok_or_else(|| io::Error::other("its name is that of no session"))?)
        }
        _ => Box::new(ClaudeFile::new(&source.file_name)),
    })
}
