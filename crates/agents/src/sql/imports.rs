//! Reports of imports: what was read from which file, what became of it, and why rows were not written.

use std::sync::LazyLock;

use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, Value, params};

use super::table::{Table, Type};
use crate::import::Kind;
use crate::import::report::{Compared, Outcome, Report, ReportRow};

const REPORTS: Table = Table {
    name: "import_reports",
    columns: &[
        ("report_id", Type::Text),
        ("kind", Type::Text),
        ("path", Type::Text),
        ("source_hash", Type::Bytes),
        ("dry_run", Type::Int),
        ("started_at", Type::Int),
        ("finished_at", Type::Int),
        ("read", Type::Int),
        ("written", Type::Int),
        ("skipped", Type::Int),
        ("errors", Type::Int),
        ("rows_omitted", Type::Int),
        ("parity_ok", Type::Int),
        ("totals", Type::Text),
    ],
    key: &["report_id"],
};

const ROWS: Table = Table {
    name: "import_report_rows",
    columns: &[
        ("report_id", Type::Text),
        ("place", Type::Int),
        ("ref", Type::Text),
        ("outcome", Type::Text),
        ("reason", Type::Text),
    ],
    key: &["report_id", "place"],
};

static PUT: LazyLock<Sql> = LazyLock::new(|| REPORTS.put("agents_import_report_put"));
static ROWS_INSERT: LazyLock<Sql> = LazyLock::new(|| ROWS.insert("agents_import_rows_insert"));

// Uses the primary key.
static BY_ID: LazyLock<Sql> = LazyLock::new(|| REPORTS.select("agents_import_report", "report_id = $1"));

// Uses the index import_report_started.
static PAGE: LazyLock<Sql> = LazyLock::new(|| {
    REPORTS.select(
        "agents_import_reports",
        "(started_at, report_id) < ($1, $2) order by started_at desc, report_id desc limit $3",
    )
});

// Uses the index import_report_path.
static LAST_OF: LazyLock<Sql> = LazyLock::new(|| {
    REPORTS.select(
        "agents_import_report_last",
        "path = $1 and finished_at is not null order by started_at desc, report_id desc limit 1",
    )
});

// Uses the index import_report_path alone, a file at a time.
const NEXT_PATH: Sql =
    Sql::same("agents_import_next_path", "select path from import_reports where path > $1 order by path limit 1");

// Uses the index import_report_started.
const AT: Sql = Sql::same("agents_import_reports_at", "select count(*) from import_reports where started_at = $1");

// Uses the primary key.
static ROWS_PAGE: LazyLock<Sql> =
    LazyLock::new(|| ROWS.select("agents_import_rows", "report_id = $1 and place > $2 order by place limit $3"));

/// A count as the database holds it.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes a report, a new one or one that stands.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &mut Tx<'_>, report: &Report) -> Result<(), StoreError> {
    let totals = serde_json::to_string(&report.totals)
        .map_err(|error| StoreError::Unexpected(format!("the sums of an import cannot be written: {error}")))?;
    let row = exhibit_store::values![
        report.report_id.as_str(),
        report.kind.as_str(),
        report.path.as_str(),
        report.source_hash,
        report.dry_run,
        report.started_at.0,
        report.finished_at.map(|at| at.0),
        count(report.read),
        count(report.written),
        count(report.skipped),
        count(report.errors),
        count(report.rows_omitted),
        report.parity_ok.map(i64::from),
        totals,
    ];
    tx.execute_many(&PUT, &[row])?;
    Ok(())
}

/// Writes rows of a report, of which the first stands at `first`.
///
/// # Errors
/// When the database cannot be written.
pub fn insert_rows(tx: &mut Tx<'_>, report_id: &str, first: usize, rows: &[ReportRow]) -> Result<(), StoreError> {
    let values = |(place, row): (usize, &ReportRow)| -> Vec<Value> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        exhibit_store::values![report_id, place, row.reference.as_str(), row.outcome.as_str(), row.reason.as_str()]
    };
    let rows: Vec<Vec<Value>> = (first..).zip(rows).map(values).collect();
    tx.execute_many(&ROWS_INSERT, &rows)?;
    Ok(())
}

/// A report.
///
/// # Errors
/// When the database cannot be read.
pub fn by_id(read: &Read<'_>, report_id: &str) -> Result<Option<Report>, StoreError> {
    read.one(&BY_ID, params![report_id])
}

/// Reports that began before a place, the newest first; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn page(read: &Read<'_>, before: (Timestamp, &str), limit: i64) -> Result<Vec<Report>, StoreError> {
    read.all(&PAGE, params![before.0.0, before.1, limit])
}

/// The last report of a file that was not broken off.
///
/// # Errors
/// When the database cannot be read.
pub fn last_of(read: &Read<'_>, path: &str) -> Result<Option<Report>, StoreError> {
    read.one(&LAST_OF, params![path])
}

/// Files that were imported, by path; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn paths(read: &Read<'_>, limit: usize) -> Result<Vec<String>, StoreError> {
    let mut paths: Vec<String> = Vec::new();
    while paths.len() < limit {
        let after = paths.last().map_or("", String::as_str);
        let Some((path,)) = read.one::<(String,)>(&NEXT_PATH, params![after])? else { break };
        paths.push(path);
    }
    Ok(paths)
}

/// How many imports began at a moment.
///
/// # Errors
/// When the database cannot be read.
pub fn begun_at(read: &Read<'_>, at: Timestamp) -> Result<u64, StoreError> {
    Ok(read.one::<(u64,)>(&AT, params![at.0])?.map_or(0, |(count,)| count))
}

/// Rows of a report after a place, in the order of the file; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn rows(read: &Read<'_>, report_id: &str, after: i64, limit: i64) -> Result<Vec<ReportRow>, StoreError> {
    read.all(&ROWS_PAGE, params![report_id, after, limit])
}

impl FromRow for Report {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let totals: Compared = serde_json::from_str(&row.get::<String>(13)?)
            .map_err(|error| StoreError::Unexpected(format!("the sums of an import cannot be read: {error}")))?;
        Ok(Self {
            report_id: row.get(0)?,
            kind: known(&row.get::<String>(1)?)?,
            path: row.get(2)?,
            source_hash: row.get::<Digest>(3)?,
            dry_run: row.get(4)?,
            started_at: Timestamp(row.get(5)?),
            finished_at: row.get::<Option<i64>>(6)?.map(Timestamp),
            read: row.get(7)?,
            written: row.get(8)?,
            skipped: row.get(9)?,
            errors: row.get(10)?,
            rows_omitted: row.get(11)?,
            parity_ok: row.get::<Option<i64>>(12)?.map(|flag| flag != 0),
            totals,
        })
    }
}

fn known(word: &str) -> Result<Kind, StoreError> {
    Kind::of_word(word).ok_or_else(|| StoreError::Unexpected(format!("`{word}` is no sort of file")))
}

impl FromRow for ReportRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let word: String = row.get(3)?;
        let outcome = Outcome::of_word(&word);
        let outcome = outcome.ok_or_else(|| StoreError::Unexpected(format!("`{word}` is no outcome of an import")))?;
        Ok(Self { reference: row.get(2)?, outcome, reason: row.get(4)? })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use exhibit_model::time::FixedClock;
    use exhibit_store::{Location, Store, StoreOptions, Synchronous};

    use super::*;
    use crate::room::AgentsRoom;

    /// Whoever imports often has many reports and, in each, very many rows.
    #[test]
    fn reports_are_found_by_their_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exhibit.db");
        let options = StoreOptions {
            location: Location::Sqlite { path, synchronous: Synchronous::Normal },
            blobs: folder.path().join("blobs"),
            rooms: vec![&AgentsRoom],
            clock: Arc::new(FixedClock::new(Timestamp(0))),
            process: 1,
            readers: 1,
        };
        let store = Store::open(options).unwrap();
        let plans = store.read(|read| {
            Ok([
                read.explain(&BY_ID, params!["r"])?,
                read.explain(&PAGE, params![0_i64, "r", 1_i64])?,
                read.explain(&LAST_OF, params!["p"])?,
                read.explain(&NEXT_PATH, params!["p"])?,
                read.explain(&AT, params![0_i64])?,
                read.explain(&ROWS_PAGE, params!["r", 0_i64, 1_i64])?,
            ])
        });
        let plans = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(plans).unwrap();
        let indexes = ["PRIMARY KEY", "report_started", "report_path", "report_path", "report_started", "PRIMARY KEY"];
        for (plan, index) in plans.iter().zip(indexes) {
            assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
