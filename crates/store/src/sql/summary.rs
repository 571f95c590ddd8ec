//! How much there is, in numbers that do not cost a walk, and whether the database answers at all.

use exhibit_model::digest::Digest;

use super::ledger;
use crate::error::StoreError;
use crate::session::{Backend, Read};
use crate::value::Sql;

/// How much there is.
#[derive(Debug, Clone)]
pub struct Summary {
    /// `sqlite` or `postgres`.
    pub backend: &'static str,
    /// Originals that were ever seen.
    pub assets: i64,
    /// Places they come from.
    pub sources: i64,
    /// Records of the ledger.
    pub records: i64,
    /// Root of the ledger; absent while it is empty.
    pub ledger_root: Option<Digest>,
    /// Runs that have not ended.
    pub runs_open: i64,
}

// Keys count up from 1 and no asset ever goes, so that the largest is how many there are.
const ASSETS: Sql = Sql::same("summary_assets", "select coalesce(max(asset), 0) from assets");
const SOURCES: Sql = Sql::same("summary_sources", "select coalesce(max(source), 0) from sources");
const RUNS_OPEN: Sql = Sql::same("summary_runs_open", "select count(*) from runs where state in (0, 1, 2, 7, 8)");
const ANSWERS: Sql = Sql::same("summary_answers", "select one from ledger_state where one = 1");

/// Reads the numbers.
///
/// # Errors
/// When the database cannot be read.
pub fn summary(read: &Read<'_>) -> Result<Summary, StoreError> {
    let number = |sql: &Sql| Ok::<_, StoreError>(read.one::<(i64,)>(sql, &[])?.map_or(0, |row| row.0));
    let state = ledger::state(read)?;
    Ok(Summary {
        backend: match read.backend() {
            Backend::Sqlite => "sqlite",
            Backend::Postgres => "postgres",
        },
        assets: number(&ASSETS)?,
        sources: number(&SOURCES)?,
        records: state.next_seq - 1,
        ledger_root: (state.batches > 0).then(|| state.frontier.root()),
        runs_open: number(&RUNS_OPEN)?,
    })
}

/// Asks for one row, to see whether anybody answers.
///
/// # Errors
/// When the database cannot be read.
pub fn answers(read: &Read<'_>) -> Result<(), StoreError> {
    read.one::<(i64,)>(&ANSWERS, &[]).map(|_| ())
}
