//! Documents through the gate, acknowledged after their commit, against a raw loop over the same rows and against the older design.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_agents::contract::{Options, decode};
use exhibit_agents::ingest::ingest;
use exhibit_agents::record::API_FEED;
use exhibit_agents::room::AgentsRoom;
use exhibit_agents::service::prepare;
use exhibit_model::time::{FixedClock, Timestamp};
use exhibit_store::{Location, Store, StoreOptions, Synchronous};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::raw::{Written, older_design, raw_loop};
use super::traffic::{FIRST_DAY_US, bare, document};
use crate::append::runtime;
use crate::measure::median_by;
use crate::report::{Line, Ratio};
use crate::scale::Scale;

/// Clients at a time, each with one document under way.
pub const CLIENTS: usize = 64;

/// Documents of one repetition: a few seconds of work.
const DOCUMENTS: i64 = 20_000;

/// Documents of the older design, which is slower.
const OLDER: i64 = 1_000;

/// Repetitions, ours and the raw loop in turn.
const ROUNDS: usize = 3;

/// Acknowledged documents in a second that are wanted: whole ones, and sessions alone.
const WHOLE_GOAL: f64 = 5_000.0;
const BARE_GOAL: f64 = 15_000.0;

/// What is wanted beside the raw loop.
const RAW_GOAL: f64 = 0.6;

/// A store in a folder of its own.
pub struct Home {
    folder: TempDir,
    /// The store.
    pub store: Store,
}

impl Home {
    /// A new store with the agents room alone, and the list of prices that is shipped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(runtime: &Runtime, location: impl Fn(&Path) -> Location) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let options = StoreOptions {
            location: location(folder.path()),
            blobs: folder.path().join("blobs"),
            rooms: vec![&AgentsRoom],
            clock: Arc::new(FixedClock::new(Timestamp(FIRST_DAY_US))),
            process: 1,
            readers: 2,
        };
        let store = Store::open(options).map_err(|error| error.to_string())?;
        runtime.block_on(prepare(&store)).map_err(|error| error.to_string())?;
        Ok(Self { folder, store })
    }

    /// A new store in a file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn sqlite(runtime: &Runtime, synchronous: Synchronous) -> Result<Self, String> {
        Self::new(runtime, |folder| Location::Sqlite { path: file_in(folder), synchronous })
    }

    /// The file of the database.
    pub fn file(&self) -> PathBuf {
        file_in(self.folder.path())
    }
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("exhibit.db")
}

/// A file with the tables and nothing in them.
fn empty_file(folder: &Path, synchronous: Synchronous) -> Result<PathBuf, String> {
    let options = StoreOptions {
        location: Location::Sqlite { path: file_in(folder), synchronous },
        blobs: folder.join("blobs"),
        rooms: vec![&AgentsRoom],
        clock: Arc::new(FixedClock::new(Timestamp(FIRST_DAY_US))),
        process: 1,
        readers: 1,
    };
    drop(Store::open(options).map_err(|error| error.to_string())?);
    Ok(file_in(folder))
}

/// Hands documents in, so many clients at a time, each in the order of its share.
///
/// # Errors
/// When one of them is not taken in.
pub fn take(runtime: &Runtime, store: &Store, documents: &Arc<Vec<Vec<u8>>>) -> Result<Duration, String> {
    let begun = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (store, documents) = (store.clone(), Arc::clone(documents));
            runtime.spawn(async move {
                for bytes in documents.iter().skip(client).step_by(CLIENTS) {
                    let document = decode(bytes, Options { allow_bare: true })
                        .map_err(|rejection| String::from_utf8_lossy(&rejection.body()).into_owned())?;
                    ingest(&store, &document, API_FEED).await.map_err(|error| error.to_string())?;
                }
                Ok::<(), String>(())
            })
        })
        .collect();
    for client in clients {
        runtime.block_on(client).map_err(|error| error.to_string())??;
    }
    Ok(begun.elapsed())
}

struct Mode {
    synchronous: Synchronous,
    name: &'static str,
}

const MODES: [Mode; 2] =
    [Mode { synchronous: Synchronous::Normal, name: "normal" }, Mode { synchronous: Synchronous::Full, name: "full" }];

/// Processor time of this process so far, in seconds: user and system, of all its threads.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets: state is the first, user and system time the twelfth and thirteenth, in hundredths of a second.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn compare(
    runtime: &Runtime,
    mode: &Mode,
    what: &str,
    documents: &Arc<Vec<Vec<u8>>>,
    goal: f64,
) -> Result<Vec<Line>, String> {
    let mut pairs = Vec::new();
    let mut told = String::new();
    for _ in 0..ROUNDS {
        let home = Home::sqlite(runtime, mode.synchronous)?;
        let before = cpu_s();
        let took = take(runtime, &home.store, documents)?;
        let cpu_us = (cpu_s() - before) * 1e6 / documents.len() as f64;
        let file = home.file();
        let Home { folder, store } = home;
        drop(store);
        let written = Written::read(&file)?;
        told = format!("{cpu_us:.0} us of processor time each, {} commits", written.commits());
        let empty = tempfile::tempdir().map_err(|error| error.to_string())?;
        let raw = raw_loop(&empty_file(empty.path(), mode.synchronous)?, mode.name, &written)?;
        drop(folder);
        let rate = |time: Duration| written.documents() as f64 / time.as_secs_f64();
        pairs.push((rate(took), rate(raw)));
    }
    let (own, raw) = median_by(&pairs, |(own, raw)| own / raw).ok_or("no rounds")?;
    let work = format!("agents, {what}, SQLite, synchronous {}", mode.name);
    let mut lines = vec![Line {
        work: format!("{work}, beside a raw loop"),
        ours: format!("{own:.0} acks/s ({told})"),
        peer: format!("{raw:.0} documents/s by a raw prepared loop"),
        ratio: Ratio::at_least(own / raw, RAW_GOAL),
    }];
    // The goal is about the faster mode; the other one stands beside it.
    let goal = if mode.synchronous == Synchronous::Normal { goal } else { 0.0 };
    lines.push(Line {
        work,
        ours: format!("{own:.0} acks/s"),
        peer: "a number of acks/s".to_owned(),
        ratio: Ratio::at_least(own, goal),
    });
    Ok(lines)
}

fn beside_the_older(runtime: &Runtime, mode: &Mode, documents: &Arc<Vec<Vec<u8>>>, count: i64) -> Result<Line, String> {
    let home = Home::sqlite(runtime, mode.synchronous)?;
    let took = take(runtime, &home.store, documents)?;
    let written = Written::one_by_one(&home.file(), count)?;
    let empty = tempfile::tempdir().map_err(|error| error.to_string())?;
    let older = older_design(&empty_file(empty.path(), mode.synchronous)?, mode.name, &written)?;
    let own = documents.len() as f64 / took.as_secs_f64();
    let peer = count as f64 / older.as_secs_f64();
    Ok(Line {
        work: format!("agents, whole documents, SQLite, synchronous {}, beside the older design", mode.name),
        ours: format!("{own:.0} acks/s"),
        peer: format!("{peer:.0} documents/s with a transaction each and sums counted anew"),
        ratio: Ratio::at_least(own / peer, 1.0),
    })
}

/// Whole documents and sessions alone, in both modes.
///
/// # Errors
/// When something cannot be measured.
pub fn measure(scale: Scale) -> Result<Vec<Line>, String> {
    let runtime = runtime()?;
    let count = scale.of(DOCUMENTS, 2_000);
    let whole: Arc<Vec<Vec<u8>>> = Arc::new((0..count).map(document).collect());
    let alone: Arc<Vec<Vec<u8>>> = Arc::new((0..count).map(bare).collect());
    let mut lines = Vec::new();
    for mode in &MODES {
        lines.extend(compare(&runtime, mode, "whole documents", &whole, WHOLE_GOAL)?);
        lines.extend(compare(&runtime, mode, "sessions alone", &alone, BARE_GOAL)?);
        lines.push(beside_the_older(&runtime, mode, &whole, scale.of(OLDER, 200))?);
    }
    Ok(lines)
}
