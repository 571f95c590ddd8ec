//! Keys of ingest: what was decided under which key, with the revision that the answer told.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use exhibit_model::digest::Digest;
use exhibit_store::{Read, Seq, Sql, StoreError, Tx, Value, params};

use super::table::{Table, Type};

/// What was decided about one document under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// The key, as it is kept.
    pub key: String,
    /// The document.
    pub fingerprint: Digest,
    /// Its place in the ledger.
    pub ledger_seq: Seq,
    /// The revision that the session had after it.
    pub revision: i64,
    /// Whether it came too late to be projected.
    pub stale: bool,
}

const KEYS: Table = Table {
    name: "ingest_keys",
    columns: &[
        ("key", Type::Text),
        ("fingerprint", Type::Bytes),
        ("ledger_seq", Type::Int),
        ("revision", Type::Int),
        ("stale", Type::Int),
    ],
    key: &["ledger_seq"],
};

static INSERT: LazyLock<Sql> = LazyLock::new(|| KEYS.insert("agents_keys_insert"));

// Uses the index ingest_own_keys, which is partial.
const UNDER: Sql = Sql::pair(
    "agents_keys_under",
    "select key, min(ledger_seq) from ingest_keys where key in (select value from json_each($1)) and substr(key, 1, 4) = 'key:' \
     group by key",
    "select key, min(ledger_seq) from ingest_keys where key = any($1::text[]) and substr(key, 1, 4) = 'key:' group by key",
);

// Uses the primary key.
const AT: Sql = Sql::same("agents_keys_at", "select revision, stale from ingest_keys where ledger_seq = $1");

// Uses the primary key.
const BETWEEN: Sql = Sql::same(
    "agents_keys_between",
    "select ledger_seq from ingest_keys where ledger_seq >= $1 and ledger_seq <= $2 limit 1",
);

/// Whether any document was taken in between two places of the ledger, both included.
///
/// # Errors
/// When the database cannot be read.
pub fn any_between(read: &Read<'_>, first: Seq, last: Seq) -> Result<bool, StoreError> {
    Ok(read.one::<(i64,)>(&BETWEEN, params![first, last])?.is_some())
}

/// The first document that was taken in under each of these keys, which are the senders' own.
///
/// # Errors
/// When the database cannot be read.
pub fn first_under(read: &Read<'_>, keys: &[String]) -> Result<BTreeMap<String, Seq>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys = Value::List(keys.iter().map(|key| Value::from(key.as_str())).collect());
    Ok(read.all::<(String, i64)>(&UNDER, &[keys])?.into_iter().collect())
}

/// Revision and staleness that were told for the document at a place of the ledger.
///
/// # Errors
/// When the database cannot be read.
pub fn at(read: &Read<'_>, seq: Seq) -> Result<Option<(i64, bool)>, StoreError> {
    read.one(&AT, params![seq])
}

/// Notes decisions.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(tx: &mut Tx<'_>, rows: &[KeyRow]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| exhibit_store::values![row.key.as_str(), row.fingerprint, row.ledger_seq, row.revision, row.stale])
        .collect();
    tx.execute_many(&INSERT, &rows)?;
    Ok(())
}
