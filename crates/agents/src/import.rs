//! Files of older versions, taken over: read whole or refused whole, written once, and proven to come to the same sums.
//!
//! A file is opened for reading alone. Its sessions become records of kind `agents.imported`, which hold what the file says of its numbers, so
//! that a rebuild comes to the same rows. Read in this order: [`file`] (the arrays), `entry` and `plan` (rows that belong together),
//! [`stated`] (what is kept as it was said), `write` and `rules` (what becomes of each), [`report`] (how that is told), [`drift`] (whether a
//! file changed since). `v41` makes the same arrays of the tables of a database of V4.1, so that nothing after it knows which file it was.

pub mod drift;
pub mod file;
pub mod report;
pub mod stated;

mod entry;
mod plan;
mod rules;
mod v41;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use exhibit_model::canonical::to_canonical;
use exhibit_model::digest::Digest;
use exhibit_store::{Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::sql::sessions::SessionRow;
use crate::sql::{imports, sessions, usage};
use file::{Legacy, Part};
use plan::Entry;
use report::{Compared, Report, ReportRow, Tally, Totals};
use write::Manner;

/// The file of V3, from the folder that V3 was started in.
pub const V3_FILE: &str = "data/v3-intelligence.json";

/// The sort of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportKind")]
pub enum Kind {
    /// The file of V3.
    V3Json,
    /// The database of V4.1.
    V41Sqlite,
}

impl Kind {
    /// All of them.
    pub const EVERY: [Self; 2] = [Self::V3Json, Self::V41Sqlite];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V3Json => "v3_json",
            Self::V41Sqlite => "v41_sqlite",
        }
    }

    /// What a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }
}

/// Sessions whose sums are read at once.
const SUM_AT_ONCE: usize = 500;

/// Rows of a report in one transaction.
const ROWS_AT_ONCE: usize = 5_000;

/// Why a file was not taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("`{path}` cannot be read")]
    Unreadable {
        /// Where it is.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is larger than any file that is read.
    #[error("`{path}` is larger than {max} bytes")]
    TooLarge {
        /// Where it is.
        path: String,
        /// How large it may be, in bytes.
        max: u64,
    },
    /// It is not such a file; nothing of it was written.
    #[error("`{path}` is refused, and nothing of it is taken over: {reason}")]
    Malformed {
        /// Where it is.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its sessions change too fast to be compared. What was written stays, and is `identical` the next time.
    #[error("sessions of the file change faster than they are compared")]
    Contended,
    /// All was taken over, and the report is in the database, but not in its file.
    #[error("the report `{report_id}` cannot be written to a file")]
    ReportFile {
        /// Its id.
        report_id: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// We could not do our work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be taken over, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its sort.
    pub kind: Kind,
    /// The file.
    pub path: PathBuf,
    /// The folder of data, in which `import-reports` is.
    pub data: PathBuf,
    /// Whether nothing is written, the report included.
    pub dry_run: bool,
    /// Whether a row that says something else than what stands becomes a further revision.
    pub replace: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The numbers.
    pub report: Report,
    /// The rows that were not written, in the order of the file.
    pub rows: Vec<ReportRow>,
}

/// Takes a file of V3 over, when there is one that was not taken over before, byte for byte. For the start of a server, with its folder of
/// data for the report.
///
/// # Errors
/// Those of [`import`]: the server is then not ready, for the reason `import_failed`.
pub async fn at_start(store: &Store, path: PathBuf, data: &Path) -> Result<Option<Imported>, ImportError> {
    let before = {
        let shown = path.display().to_string();
        store.read(move |read| imports::last_of(read, &shown)).await?
    };
    match drift::hash(path.clone()).await {
        Ok(now) if before.is_some_and(|before| before.source_hash == now) => return Ok(None),
        Ok(_) => {}
        Err(ImportError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let request = Request { kind: Kind::V3Json, path, data: data.to_owned(), dry_run: false, replace: false };
    import(store, request).await.map(Some)
}

/// What the rows of a file of V3 come to before any database is asked: its sums, and how many sessions can be taken. `Err` says why it is
/// refused as a whole.
///
/// # Errors
/// What is wrong with it.
pub fn preview(bytes: &[u8]) -> Result<(Totals, usize), String> {
    let mut legacy = file::parsed(bytes)?;
    let mut tally = Tally::new(legacy.parts.each_ref().map(Vec::len));
    let (entries, totals) = plan::plan(&mut legacy, &mut tally);
    Ok((totals, entries.len()))
}

/// Takes an older file over.
///
/// # Errors
/// When the file is refused as a whole, of which nothing is written then, or the database or the file of the report cannot be written.
pub async fn import(store: &Store, request: Request) -> Result<Imported, ImportError> {
    let (kind, path) = (request.kind, request.path.clone());
    let (mut legacy, mut tally, entries, totals) = on_a_thread(move || read_whole(kind, &path)).await?;
    let mut report = Report {
        report_id: String::new(),
        kind: request.kind,
        path: request.path.display().to_string(),
        source_hash: legacy.source_hash,
        dry_run: request.dry_run,
        started_at: store.clock().now(),
        finished_at: None,
        read: 0,
        written: 0,
        skipped: 0,
        errors: 0,
        rows_omitted: 0,
        parity_ok: None,
        totals: Compared { file: totals, stored: Totals::default() },
    };
    if !request.dry_run {
        report = begin(store, report).await?;
    }
    let manner = Manner { dry_run: request.dry_run, replace: request.replace };
    let ids: Vec<String> = entries.iter().map(|entry| entry.session.session_id.clone()).collect();
    write::sessions(store, entries, manner, &mut tally).await?;
    rules::alerts(store, &mut legacy, manner, &mut tally).await?;
    report.totals.stored = stored(store, ids).await?;
    if !request.dry_run {
        let is_whole = tally.refused(Part::Ledger) == 0 && tally.refused(Part::Usage) == 0;
        report.parity_ok = Some(is_whole && report.totals.file == report.totals.stored);
    }
    let rows = tally.close(&mut report);
    report.finished_at = Some(store.clock().now());
    if request.dry_run {
        return Ok(Imported { report, rows });
    }
    finish(store, &request.data, report, rows).await
}

/// A file that was read, with its sessions, and the sums of it.
type ReadWhole = (Legacy, Tally, Vec<Entry>, Totals);

fn read_whole(kind: Kind, path: &Path) -> Result<ReadWhole, ImportError> {
    let mut legacy = match kind {
        Kind::V3Json => file::read(path)?,
        Kind::V41Sqlite => v41::read(path)?,
    };
    let mut tally = Tally::new(legacy.parts.each_ref().map(Vec::len));
    let (entries, totals) = plan::plan(&mut legacy, &mut tally);
    Ok((legacy, tally, entries, totals))
}

/// Files are read and sums of them made beside the threads that answer.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
) -> Result<T, ImportError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Panicked(error.to_string()))?
}

/// Gives the report its id and writes it as one that is not finished.
async fn begin(store: &Store, mut report: Report) -> Result<Report, StoreError> {
    store
        .write(move |tx| {
            // Two imports may begin within a microsecond.
            let ordinal = imports::begun_at(tx, report.started_at)?;
            let named = json!([report.kind.as_str(), report.source_hash.to_hex(), report.started_at.0, ordinal]);
            let text = to_canonical(&named)
                .map_err(|findings| StoreError::Unexpected(format!("an import cannot be named: {findings}")))?;
            report.report_id = format!("imp_{}", &Digest::of(&text).to_hex()[..32]);
            imports::put(tx, &report)?;
            Ok(report)
        })
        .await
}

/// Sums over the sessions of the file, as they are here.
async fn stored(store: &Store, ids: Vec<String>) -> Result<Totals, StoreError> {
    store
        .read(move |read| {
            let mut totals = Totals::default();
            for some in ids.chunks(SUM_AT_ONCE) {
                let some: Vec<&str> = some.iter().map(String::as_str).collect();
                let rows: Vec<SessionRow> = sessions::rows(read, &some)?.into_values().collect();
                let keys: Vec<i64> = rows.iter().map(|row| row.standing.session_key).collect();
                totals.runs += i64::try_from(rows.len()).unwrap_or(i64::MAX);
                for usage in usage::by_keys(read, &keys)?.values() {
                    let counts = usage.tokens.counts;
                    for (sum, value) in [
                        (&mut totals.prompt_tokens, counts.prompt),
                        (&mut totals.completion_tokens, counts.completion),
                        (&mut totals.total_tokens, counts.total),
                        (&mut totals.runtime_ms, Some(usage.runtime_ms)),
                        (&mut totals.cost_nano, usage.cost.amount().map(|amount| amount.0)),
                    ] {
                        *sum = sum.saturating_add(value.unwrap_or(0));
                    }
                }
            }
            Ok(totals)
        })
        .await
}

/// Writes the report: rows first, so that a finished one has all of them, and the file last.
async fn finish(store: &Store, data: &Path, report: Report, rows: Vec<ReportRow>) -> Result<Imported, ImportError> {
    for (chunk, some) in rows.chunks(ROWS_AT_ONCE).enumerate() {
        let (report_id, some) = (report.report_id.clone(), some.to_vec());
        store.write(move |tx| imports::insert_rows(tx, &report_id, chunk * ROWS_AT_ONCE, &some)).await?;
    }
    let ended = report.clone();
    store.write(move |tx| imports::put(tx, &ended)).await?;
    let data = data.to_owned();
    on_a_thread(move || {
        let written = report::write_file(&data, &report, &rows);
        let failed = |source| ImportError::ReportFile { report_id: report.report_id.clone(), source };
        written.map_err(failed)?;
        Ok(Imported { report, rows })
    })
    .await
}
