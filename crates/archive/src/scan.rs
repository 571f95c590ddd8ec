//! A scan: walk a folder, read what is new or changed, and bring the catalog up to date. Nothing is written below the folder.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use exhibit_engine::originals::{self, open_root};
use exhibit_model::digest::Digest;
use exhibit_model::ids::SourceId;
use exhibit_model::source::SourceClass;
use exhibit_store::places::resolve_future;
use exhibit_store::sql::assets::{self, FileStat, KnownPath, PathOutcome, PathState, ScannedFile};
use exhibit_store::sql::sources::{self, Source};
use exhibit_store::{Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::catalog::printable;
use crate::walk::{Ended, Entry, Kind, Trouble, WalkOptions, walk};

mod progress;
mod reader;

pub use progress::ScanProgress;
use reader::{Outcome, ReadJob, Reader};

/// Files that are handed over to a reader at once: handing over each alone wakes a thread for each, which costs more than to read a small
/// file.
const GROUP_FILES: usize = 32;

/// A group is handed over when its files have this many bytes together, so that large ones are spread over the readers.
const GROUP_BYTES: u64 = 1024 * 1024;

/// Groups that wait to be read; each file of them holds a descriptor.
const GROUPS_MAX: usize = 8;

/// Groups of results that wait to be written.
const RESULTS_MAX: usize = 64;

/// Files of one transaction. Indexes over digests are written all over: the more files share a transaction, the fewer pages are written for
/// each (10,000 instead of 1,000 of them save a quarter of the processor time of a scan of small files).
const BATCH_FILES: usize = 10_000;

/// How long results wait for their transaction: what a kill costs at most, also where files are large and few.
const BATCH_WAITS: Duration = Duration::from_secs(1);

/// The outcome of a file whose bytes changed though its size and modification time did not.
const BIT_ROT: &str = "bit-rot";

/// What to scan, and how.
pub struct ScanOptions {
    /// The folder.
    pub root: PathBuf,
    /// Its name; the last part of the path when it is not given.
    pub name: Option<String>,
    /// Read everything, also what looks unchanged.
    pub verify: bool,
    /// Threads that read and hash.
    pub threads: usize,
    /// Folders of our own that must not lie in a source, nor the other way round.
    pub own_folders: Vec<PathBuf>,
    /// The id of the source, should it be new.
    pub new_id: SourceId,
}

/// Why there was no scan.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The folder cannot be used.
    #[error("cannot scan {path}: {reason}")]
    Root {
        /// The folder.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A folder of our own and the source lie in each other.
    #[error(
        "{own} and the source {source_root} lie in each other; choose another --home, so that nothing is ever written below a source"
    )]
    Overlap {
        /// The folder of ours.
        own: String,
        /// The source.
        source_root: String,
    },
    /// The name cannot be used.
    #[error("{0}")]
    Name(String),
    /// The source has gone.
    #[error("source {name} is offline: {reason}; nothing was marked as missing")]
    Offline {
        /// The source.
        name: String,
        /// Why.
        reason: String,
    },
    /// Someone asked to stop.
    #[error("stopped; what was read is kept, the next scan goes on from there")]
    Stopped,
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread could not be started, or panicked.
    #[error("internal error: {0}")]
    Internal(String),
}

/// What a scan did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScanReport {
    /// Id of the source.
    pub source: String,
    /// Its name.
    pub name: String,
    /// Its folder, for people.
    pub root: String,
    /// Regular files found.
    pub files: u64,
    /// Files whose content was read.
    pub files_read: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Files that are as they were.
    pub unchanged: u64,
    /// Assets that were not known before.
    pub new_assets: u64,
    /// Paths that are not there any more.
    pub missing: u64,
    /// What could not be taken in, by reason.
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// Assets of the source by class: how many and their bytes.
    pub classes: std::collections::BTreeMap<String, (i64, i64)>,
    /// How long it took.
    pub seconds: f64,
}

/// Checks a folder before anything else happens: it must be a readable folder, and none of ours.
///
/// # Errors
/// When it is not.
pub fn check_root(root: &Path, own_folders: &[PathBuf]) -> Result<PathBuf, ScanError> {
    let wrong = |reason: String| ScanError::Root { path: root.display().to_string(), reason };
    let resolved = root.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            wrong("there is no such folder; check the path, or whether the disk is mounted".to_owned())
        }
        _ => wrong(error.to_string()),
    })?;
    if !resolved.is_dir() {
        return Err(wrong("it is not a folder; name the folder that holds the file".to_owned()));
    }
    open_root(&resolved).map_err(|error| wrong(format!("it cannot be opened: {error}")))?;
    for own in own_folders {
        // A folder of ours that does not exist yet is where its parent will put it.
        let own = resolve_future(own);
        if own.starts_with(&resolved) || resolved.starts_with(&own) {
            let (own, source_root) = (own.display().to_string(), resolved.display().to_string());
            return Err(ScanError::Overlap { own, source_root });
        }
    }
    Ok(resolved)
}

/// Scans a folder. What was read is committed in batches, so a scan that is stopped or killed goes on where it was.
///
/// # Errors
/// When the folder cannot be used or has gone, or the store fails.
pub async fn scan(store: &Store, options: ScanOptions, progress: Arc<ScanProgress>) -> Result<ScanReport, ScanError> {
    let begun = std::time::Instant::now();
    let root = check_root(&options.root, &options.own_folders)?;
    let started_us = store.clock().now().0;
    let source = find_or_add(store, &root, &options, started_us).await?;
    let known = store.read(move |read| assets::known_paths(read, source.key)).await?;
    let had_files = known.values().any(|path| path.state == PathState::Present);
    let (results, incoming) = mpsc::channel(RESULTS_MAX);
    let walker = Walker {
        root: root.clone(),
        known,
        rotten: load_rotten(store, source.key).await?,
        verify: options.verify,
        threads: options.threads.max(1),
        started_us,
        results,
        progress: Arc::clone(&progress),
    };
    let walker = tokio::task::spawn_blocking(move || walker.run());
    let written = write_results(store, source.key, incoming, started_us).await;
    let walked = walker.await.map_err(|error| ScanError::Internal(error.to_string()))?;
    let written = written?;
    let walked = match walked {
        Ok(walked) => walked,
        Err(error) => {
            let name = source.name.clone();
            store.write(move |tx| sources::set_online(tx, source.key, false)).await?;
            return Err(ScanError::Offline { name, reason: error.to_string() });
        }
    };
    // Files that were found may still have waited to be read when the wish came.
    if walked.stopped || progress.should_stop() {
        return Err(ScanError::Stopped);
    }
    if walked.files == 0 && had_files {
        let name = source.name.clone();
        store.write(move |tx| sources::set_online(tx, source.key, false)).await?;
        return Err(ScanError::Offline {
            name,
            reason: "it held files and is suddenly empty; is it mounted?".to_owned(),
        });
    }
    let missing = finish(store, &source, walked.unseen, started_us).await?;
    let classes = store.read(move |read| crate::sql::listing::counts(read, source.key)).await?;
    Ok(ScanReport {
        source: source.id.to_string(),
        name: source.name,
        root: root.display().to_string(),
        files: walked.files,
        files_read: progress.files_read(),
        bytes_read: progress.bytes_read(),
        unchanged: walked.unchanged,
        new_assets: written.new_assets,
        missing,
        outcomes: written.outcomes,
        classes: classes.into_iter().map(|(class, count, bytes)| (class, (count, bytes))).collect(),
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// Bytes of the name of a source.
const NAME_BYTES_MAX: usize = 255;

async fn find_or_add(store: &Store, root: &Path, options: &ScanOptions, now_us: i64) -> Result<Source, ScanError> {
    let bytes = root.as_os_str().as_bytes().to_vec();
    let asked = options.name.clone();
    if asked
        .as_ref()
        .is_some_and(|name| name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control))
    {
        let rule = format!(
            "the name of a source has 1 to {NAME_BYTES_MAX} bytes and no control characters; choose another --name"
        );
        return Err(ScanError::Name(rule));
    }
    let default = root.file_name().map_or_else(|| "root".to_owned(), |name| printable(name.as_bytes()));
    let id = options.new_id;
    let added = store.write(move |tx| {
        if let Some(known) = sources::by_root(tx, &bytes)? {
            return Ok(match asked {
                Some(name) if name != known.name => {
                    Err(format!("this folder is the source {} already; leave --name out", known.name))
                }
                _ => Ok(Some(known)),
            });
        }
        let taken: Vec<String> = sources::all(tx)?.into_iter().map(|source| source.name).collect();
        let name = match asked {
            Some(name) if taken.contains(&name) => {
                return Ok(Err(format!("a source named {name} exists already; choose another --name")));
            }
            Some(name) => name,
            None => (1..)
                .map(|number| if number == 1 { default.clone() } else { format!("{default}-{number}") })
                .find(|name| !taken.contains(name))
                .unwrap_or_default(),
        };
        sources::insert(tx, id, &name, SourceClass::Sacred, &bytes, now_us)?;
        sources::by_root(tx, &bytes).map(Ok)
    });
    let source = added.await?.map_err(ScanError::Name)?;
    source.ok_or_else(|| ScanError::Internal("the new source is not there".to_owned()))
}

/// Outcomes of one source that are looked through.
const OUTCOMES_MAX: i64 = 1_000_000;

/// Files that an earlier scan found rotten, with what it said: a scan that does not read them must not forget it.
async fn load_rotten(store: &Store, source: i64) -> Result<HashMap<Vec<u8>, PathOutcome>, StoreError> {
    let outcomes = store.read(move |read| assets::outcomes(read, source, b"", OUTCOMES_MAX)).await?;
    let rotten = outcomes.into_iter().filter(|outcome| outcome.code == BIT_ROT);
    Ok(rotten.map(|outcome| (outcome.path.clone(), outcome)).collect())
}

/// What the walk found out, beside the files themselves.
struct Walked {
    files: u64,
    unchanged: u64,
    /// Keys of open paths that were not seen, below folders that could be read.
    unseen: Vec<i64>,
    stopped: bool,
}

struct Walker {
    root: PathBuf,
    known: HashMap<Digest, KnownPath>,
    rotten: HashMap<Vec<u8>, PathOutcome>,
    verify: bool,
    threads: usize,
    started_us: i64,
    results: mpsc::Sender<Vec<Outcome>>,
    progress: Arc<ScanProgress>,
}

/// What the walk hands over, group by group.
struct HandOver {
    jobs: SyncSender<Vec<ReadJob>>,
    results: mpsc::Sender<Vec<Outcome>>,
    files: Vec<ReadJob>,
    bytes: u64,
    outcomes: Vec<Outcome>,
}

impl HandOver {
    fn read(&mut self, job: ReadJob, size_bytes: u64) {
        self.files.push(job);
        self.bytes += size_bytes;
        if self.files.len() >= GROUP_FILES || self.bytes >= GROUP_BYTES {
            self.bytes = 0;
            // Fails only when every reader has gone, which the next visit notices.
            self.jobs.send(std::mem::take(&mut self.files)).ok();
        }
    }

    fn say(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
        if self.outcomes.len() >= GROUP_FILES {
            // Fails only when the writer has gone, which the next visit notices.
            self.results.blocking_send(std::mem::take(&mut self.outcomes)).ok();
        }
    }

    /// Hands over what is left.
    fn finish(self) {
        // Nobody is left to tell when readers or writer have gone; their own error says why.
        self.jobs.send(self.files).ok();
        self.results.blocking_send(self.outcomes).ok();
    }
}

impl Walker {
    fn run(mut self) -> io::Result<Walked> {
        let root = open_root(&self.root)?;
        let (jobs, queue) = sync_channel::<Vec<ReadJob>>(GROUPS_MAX);
        let queue = Arc::new(std::sync::Mutex::new(queue));
        std::thread::scope(|scope| {
            for index in 0..self.threads {
                let reader =
                    Reader::new(Arc::clone(&queue), self.results.clone(), Arc::clone(&self.progress), self.started_us);
                std::thread::Builder::new().name(format!("scan-{index}")).spawn_scoped(scope, move || reader.run())?;
            }
            // The readers alone hold it: once they have gone, nothing waits for room in it.
            drop(queue);
            let results = self.results.clone();
            let mut hand = HandOver { jobs, results, files: Vec::new(), bytes: 0, outcomes: Vec::new() };
            let walked = self.walk(root.as_fd(), &mut hand);
            hand.finish();
            walked
        })
    }

    fn walk(&mut self, root: std::os::fd::BorrowedFd<'_>, hand: &mut HandOver) -> io::Result<Walked> {
        let mut walked = Walked { files: 0, unchanged: 0, unseen: Vec::new(), stopped: false };
        let mut unreadable_folders = false;
        let ended = walk(root, WalkOptions::default(), &mut |entry| {
            if self.progress.should_stop() || self.results.is_closed() {
                return ControlFlow::Break(());
            }
            self.progress.found();
            match entry.kind {
                Kind::Directory => {}
                Kind::File => {
                    walked.files += 1;
                    self.visit_file(entry, hand, &mut walked);
                }
                _ => {
                    unreadable_folders |= matches!(
                        entry.kind,
                        Kind::Unreadable(
                            Trouble::Open(_)
                                | Trouble::List(_)
                                | Trouble::Stat(_)
                                | Trouble::TooDeep
                                | Trouble::TooManyNames
                                | Trouble::Moved
                        )
                    );
                    hand.say(Outcome::Other(other(entry)));
                }
            }
            ControlFlow::Continue(())
        })?;
        walked.stopped = ended != Ended::Complete;
        // What lies below a folder that could not be read is unknown, not missing; its paths cannot be told apart from here.
        if !unreadable_folders && !walked.stopped {
            walked.unseen =
                self.known.values().filter(|path| path.state == PathState::Present).map(|path| path.key).collect();
        }
        Ok(walked)
    }

    /// Passes by what is unchanged, and sends the rest to be read.
    fn visit_file(&mut self, entry: &Entry<'_>, hand: &mut HandOver, walked: &mut Walked) {
        let stat = file_stat(&entry.stat);
        let known = self.known.remove(&Digest::of(entry.path));
        let same = known.as_ref().is_some_and(|known| {
            (known.stat.size_bytes, known.stat.mtime_ns, known.stat.inode)
                == (stat.size_bytes, stat.mtime_ns, stat.inode)
        });
        if let (true, Some(known)) = (same && !self.verify, &known) {
            walked.unchanged += 1;
            self.progress.passed_by(entry.stat.size_bytes);
            if let Some(rotten) = self.rotten.remove(entry.path) {
                hand.say(Outcome::Other(rotten));
            }
            if known.state != PathState::Present || known.stat.device != stat.device {
                hand.say(Outcome::Seen { path: known.key, device: stat.device });
            }
            return;
        }
        let expected = known.filter(|_| same).map(|known| known.asset);
        match entry.open() {
            Ok(file) => {
                hand.read(ReadJob { path: entry.path.to_vec(), file, expected }, entry.stat.size_bytes);
            }
            Err(error) => hand.say(Outcome::Other(unreadable(entry.path, &error))),
        }
    }
}

pub(crate) fn file_stat(stat: &originals::FileStat) -> FileStat {
    FileStat {
        size_bytes: i64::try_from(stat.size_bytes).unwrap_or(i64::MAX),
        mtime_ns: stat.mtime_ns,
        device: stat.dev.cast_signed(),
        inode: stat.ino.cast_signed(),
    }
}

fn unreadable(path: &[u8], error: &io::Error) -> PathOutcome {
    PathOutcome { path: path.to_vec(), code: "unreadable".to_owned(), detail: error.to_string() }
}

fn other(entry: &Entry<'_>) -> PathOutcome {
    let (code, detail) = match entry.kind {
        Kind::Symlink => ("symlink", "symbolic links are not followed".to_owned()),
        Kind::Fifo => ("fifo", "a named pipe".to_owned()),
        Kind::Socket => ("socket", "a socket".to_owned()),
        Kind::Device => ("device", "a device".to_owned()),
        Kind::Unreadable(Trouble::Cycle) => ("symlink-cycle", "it leads to itself".to_owned()),
        Kind::Unreadable(trouble) => ("unreadable", trouble.to_string()),
        Kind::Directory | Kind::File => ("unreadable", String::new()),
    };
    PathOutcome { path: entry.path.to_vec(), code: code.to_owned(), detail }
}

#[derive(Default)]
struct Written {
    new_assets: u64,
    outcomes: std::collections::BTreeMap<String, u64>,
}

#[derive(Default)]
struct Batch {
    files: Vec<ScannedFile>,
    outcomes: Vec<PathOutcome>,
    seen: Vec<(i64, i64)>,
}

impl Batch {
    fn len(&self) -> usize {
        self.files.len() + self.outcomes.len() + self.seen.len()
    }

    async fn take(&mut self, store: &Store, outcomes: Vec<Outcome>) -> Result<(), StoreError> {
        for outcome in outcomes {
            match outcome {
                Outcome::File(file) => self.files.push(file),
                Outcome::Seen { path, device } => self.seen.push((path, device)),
                Outcome::Other(other) => self.outcomes.push(other),
                Outcome::Verify { file, expected } => {
                    let known = store.read(move |read| assets::by_key(read, expected)).await?;
                    match known {
                        Some(asset) if asset.sha256 != file.sha256 => self.outcomes.push(bit_rot(&file, asset.sha256)),
                        _ => self.files.push(file),
                    }
                }
            }
        }
        Ok(())
    }
}

/// Writes what the walk and the readers send, in batches; while one is written, the next is gathered.
async fn write_results(
    store: &Store,
    source: i64,
    mut incoming: mpsc::Receiver<Vec<Outcome>>,
    now_us: i64,
) -> Result<Written, ScanError> {
    let mut written = Written::default();
    let mut writing = None;
    let mut open = true;
    while open {
        let mut batch = Batch::default();
        let mut ends = None;
        while batch.len() < BATCH_FILES {
            let next = match ends {
                None => incoming.recv().await,
                Some(ends) => match tokio::time::timeout_at(ends, incoming.recv()).await {
                    Ok(next) => next,
                    Err(_) => break,
                },
            };
            let Some(outcomes) = next else {
                open = false;
                break;
            };
            ends.get_or_insert_with(|| tokio::time::Instant::now() + BATCH_WAITS);
            batch.take(store, outcomes).await?;
        }
        for outcome in &batch.outcomes {
            *written.outcomes.entry(outcome.code.clone()).or_default() += 1;
        }
        if batch.len() > 0 {
            written.new_assets += ended(writing.take()).await?;
            writing = Some(tokio::spawn(write_batch(store.clone(), source, batch, now_us)));
        }
    }
    written.new_assets += ended(writing).await?;
    Ok(written)
}

async fn write_batch(store: Store, source: i64, batch: Batch, now_us: i64) -> Result<u64, StoreError> {
    let work = store.write(move |tx| {
        assets::record_outcomes(tx, source, &batch.outcomes, now_us)?;
        crate::sql::paths::set_devices(tx, &batch.seen)?;
        assets::record_files(tx, source, &batch.files, now_us)
    });
    work.await
}

/// Waits for the batch that is being written, if there is one. Returns how many new assets it held.
async fn ended(writing: Option<JoinHandle<Result<u64, StoreError>>>) -> Result<u64, ScanError> {
    match writing {
        Some(writing) => Ok(writing.await.map_err(|error| ScanError::Internal(error.to_string()))??),
        None => Ok(0),
    }
}

fn bit_rot(file: &ScannedFile, expected: Digest) -> PathOutcome {
    let detail =
        format!("the bytes changed though size and modification time did not: {expected} became {}", file.sha256);
    PathOutcome { path: file.path.clone(), code: BIT_ROT.to_owned(), detail }
}

/// Marks what was not seen, forgets outcomes that are gone, and notes the end of the scan.
async fn finish(store: &Store, source: &Source, unseen: Vec<i64>, started_us: i64) -> Result<u64, StoreError> {
    let (key, last_seen_us) = (source.key, source.scanned_us.unwrap_or(started_us));
    for piece in unseen.chunks(BATCH_FILES) {
        let piece = piece.to_vec();
        store.write(move |tx| assets::set_path_states(tx, &piece, PathState::Missing, last_seen_us)).await?;
    }
    let now_us = store.clock().now().0;
    store
        .write(move |tx| {
            assets::clear_outcomes(tx, key, started_us)?;
            sources::set_scanned(tx, key, now_us)
        })
        .await?;
    Ok(unseen.len() as u64)
}

type JobQueue = Arc<std::sync::Mutex<Receiver<Vec<ReadJob>>>>;
