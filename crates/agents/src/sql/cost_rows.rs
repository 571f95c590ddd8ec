//! What something cost before and after it was reckoned anew. Append-only: a revision that stands is never changed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Seq, Sql, StoreError, Tx, Value, params};

use super::cost::{CostCells, cost_cells, cost_of};
use super::table::{Table, Type};
use crate::prices::Cost;

/// What has a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A call.
    Call,
    /// A session that tells its sums and not its calls.
    Session,
}

impl Subject {
    /// Both.
    pub const EVERY: [Self; 2] = [Self::Call, Self::Session];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Session => "session",
        }
    }
}

/// Why a cost was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is what stood since the subject was taken in, written down before it was replaced.
    Ingest,
    /// It was reckoned anew.
    Recompute,
}

impl Reason {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Recompute => "recompute",
        }
    }
}

/// A row of `cost_rows`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostRow {
    /// The key of the call or session.
    pub subject_key: i64,
    /// From 1.
    pub revision: i64,
    /// What it cost.
    pub cost: Cost,
    /// When that was reckoned.
    pub computed_at: Timestamp,
    /// Why it was written down.
    pub reason: Reason,
}

const COSTS: Table = Table {
    name: "cost_rows",
    columns: &[
        ("subject", Type::Text),
        ("subject_key", Type::Int),
        ("revision", Type::Int),
        ("cost_nano", Type::Int),
        ("pricing_version", Type::Text),
        ("cost_source", Type::Text),
        ("cost_confidence_level", Type::Text),
        ("cost_confidence", Type::Text),
        ("computed_at", Type::Int),
        ("reason", Type::Text),
    ],
    key: &["subject", "subject_key", "revision"],
};

static INSERT: LazyLock<Sql> = LazyLock::new(|| COSTS.insert("agents_costs_insert"));

// Uses the primary key.
static OF_SUBJECT: LazyLock<Sql> = LazyLock::new(|| {
    COSTS.select(
        "agents_costs_of_subject",
        "subject = $1 and subject_key = $2 and revision > $3 order by revision limit $4",
    )
});

// Uses the primary key, once for each subject.
static OF_SUBJECTS: LazyLock<Sql> = LazyLock::new(|| {
    let select = format!("select {} from cost_rows where subject = $1 and subject_key", COSTS.columns());
    let order = "order by subject_key, revision limit $3";
    Sql {
        name: "agents_costs_of_subjects",
        sqlite: format!("{select} in (select value from json_each($2)) {order}").into(),
        postgres: format!("{select} = any($2::bigint[]) {order}").into(),
    }
});

// Uses the primary key, once for each subject and once for its newest revision.
static LATEST: LazyLock<Sql> = LazyLock::new(|| {
    let newest = "revision = (select max(revision) from cost_rows as every \
                  where every.subject = cost_rows.subject and every.subject_key = cost_rows.subject_key)";
    let select = format!("select {} from cost_rows where subject = $1 and subject_key", COSTS.columns());
    Sql {
        name: "agents_costs_latest",
        sqlite: format!("{select} in (select value from json_each($2)) and {newest}").into(),
        postgres: format!("{select} = any($2::bigint[]) and {newest}").into(),
    }
});

const REMOVE: &[Sql] = &[
    Sql::same(
        "agents_costs_remove_calls",
        "delete from cost_rows where subject = 'call' and subject_key in (select call_key from agent_calls where session_key in \
         (select session_key from session_ledger where ledger_seq >= $1 and ledger_seq <= $2))",
    ),
    Sql::same(
        "agents_costs_remove_sessions",
        "delete from cost_rows where subject = 'session' and subject_key in \
         (select session_key from session_ledger where ledger_seq >= $1 and ledger_seq <= $2)",
    ),
];

/// Revisions of a subject after one of them, in order; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn of_subject(
    read: &Read<'_>,
    subject: Subject,
    subject_key: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<CostRow>, StoreError> {
    read.all(&OF_SUBJECT, params![subject.as_str(), subject_key, after, limit])
}

/// Revisions of these subjects, by subject, in order; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn of_subjects(
    read: &Read<'_>,
    subject: Subject,
    subject_keys: &[i64],
    limit: i64,
) -> Result<Vec<CostRow>, StoreError> {
    if subject_keys.is_empty() {
        return Ok(Vec::new());
    }
    let keys = Value::List(subject_keys.iter().map(|key| Value::Int(*key)).collect());
    read.all(&OF_SUBJECTS, &[subject.as_str().into(), keys, limit.into()])
}

/// The newest revision of each of these subjects that has one.
///
/// # Errors
/// When the database cannot be read.
pub fn latest(read: &Read<'_>, subject: Subject, subject_keys: &[i64]) -> Result<BTreeMap<i64, CostRow>, StoreError> {
    if subject_keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys = Value::List(subject_keys.iter().map(|key| Value::Int(*key)).collect());
    let rows = read.all::<CostRow>(&LATEST, &[subject.as_str().into(), keys])?;
    Ok(rows.into_iter().map(|row| (row.subject_key, row)).collect())
}

/// Adds revisions.
///
/// # Errors
/// When the database cannot be written, and when one of them stands already.
pub fn append(tx: &mut Tx<'_>, subject: Subject, rows: &[CostRow]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| {
            let mut values = exhibit_store::values![subject.as_str(), row.subject_key, row.revision];
            values.extend(cost_cells(&row.cost));
            values.extend(exhibit_store::values![row.computed_at.0, row.reason.as_str()]);
            values
        })
        .collect();
    tx.execute_many(&INSERT, &rows)?;
    Ok(())
}

/// Takes out what sessions and their calls cost whose standing document lies between two places of the ledger: their keys may be given again.
///
/// # Errors
/// When the database cannot be written.
pub fn remove(tx: &mut Tx<'_>, first: Seq, last: Seq) -> Result<(), StoreError> {
    for sql in REMOVE {
        tx.execute(sql, params![first, last])?;
    }
    Ok(())
}

impl FromRow for CostRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let reason: String = row.get(9)?;
        let reason = match reason.as_str() {
            "ingest" => Reason::Ingest,
            "recompute" => Reason::Recompute,
            other => return Err(StoreError::Unexpected(format!("`{other}` is no reason of a cost"))),
        };
        Ok(Self {
            subject_key: row.get(1)?,
            revision: row.get(2)?,
            cost: cost_of(&CostCells::from_row(row, 3)?)?,
            computed_at: Timestamp(row.get(8)?),
            reason,
        })
    }
}
