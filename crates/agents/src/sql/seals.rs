//! What went when its time was over: seals, what they name, floors, and which record tells of which session. A rebuild leaves these tables alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use exhibit_store::{FromRow, Read, Row, Seq, Sql, StoreError, Tx, Value, params};

use super::table::{Table, Type};
use crate::aggregates::{Cut, DAY, HOUR};

const SEALS: Table = Table { name: "agent_seals", columns: &[("ledger_seq", Type::Int)], key: &["ledger_seq"] };

const SEALED: Table =
    Table { name: "agent_sealed", columns: &[("kind", Type::Text), ("hash", Type::Int)], key: &["kind", "hash"] };

const RECORDS: Table = Table {
    name: "session_records",
    columns: &[("ledger_seq", Type::Int), ("id_hash", Type::Int)],
    key: &["ledger_seq"],
};

static SEAL_INSERT: LazyLock<Sql> = LazyLock::new(|| SEALS.insert("agents_seals_insert"));
static SEALED_INSERT: LazyLock<Sql> = LazyLock::new(|| SEALED.insert_new("agents_sealed_insert"));
static RECORDS_INSERT: LazyLock<Sql> = LazyLock::new(|| RECORDS.insert_new("agents_session_records_insert"));

// Asked for every new session, so that nothing more is asked while nothing went.
const ANY: Sql = Sql::same("agents_seals_any", "select ledger_seq from agent_seals limit 1");

// Uses the primary key.
const AMONG: Sql = Sql::pair(
    "agents_sealed_among",
    "select hash from agent_sealed where kind = $1 and hash in (select value from json_each($2))",
    "select hash from agent_sealed where kind = $1 and hash = any($2::bigint[])",
);

// Uses the primary key.
static PLACES: LazyLock<Sql> =
    LazyLock::new(|| SEALS.select("agents_seals_places", "ledger_seq > $1 order by ledger_seq limit $2"));

const FLOORS: Sql = Sql::same("agents_floors", "select grain, before_at from agent_floors order by grain");

const FLOOR_PUT: Sql = Sql::pair(
    "agents_floor_put",
    "insert into agent_floors (grain, before_at) values ($1, $2) \
     on conflict (grain) do update set before_at = max(agent_floors.before_at, excluded.before_at)",
    "insert into agent_floors (grain, before_at) values ($1, $2) \
     on conflict (grain) do update set before_at = greatest(agent_floors.before_at, excluded.before_at)",
);

// Uses the index session_started.
const OLD: Sql = Sql::same(
    "agents_seals_old",
    "select started_at, session_key, id_hash from session_ledger where started_at < $1 \
     and (started_at > $2 or (started_at = $2 and session_key > $3)) and last_activity_at < $1 \
     and status not in ('queued', 'running') order by started_at, session_key limit $4",
);

// Uses the index session_records_session.
const RECORDS_OF: Sql = Sql::pair(
    "agents_session_records_of",
    "select id_hash, ledger_seq from session_records where id_hash in (select value from json_each($1))",
    "select id_hash, ledger_seq from session_records where id_hash = any($1::bigint[])",
);

// Uses the primary key.
const INDEXED: Sql =
    Sql::same("agents_session_records_last", "select coalesce(max(ledger_seq), 0) from session_records");

// Uses the unique index of ledger_seq.
const TO_INDEX: Sql = Sql::same(
    "agents_session_records_next",
    "select ledger_seq, key from ingest_keys where ledger_seq > $1 order by ledger_seq limit $2",
);

// One walk through all calls and what several feeds tell of some, each with a look at two primary keys: once for each pruning, which is once a day.
const SHARED: Sql = Sql::same(
    "agents_seals_shared",
    "select distinct told.id_hash from (select ledger_seq, session_key from agent_calls union all \
     select record.ledger_seq, joined.session_key from agent_call_records as record \
     join agent_calls as joined on joined.call_key = record.call_key) as call \
     join session_records as told on told.ledger_seq = call.ledger_seq \
     join session_ledger as owner on owner.session_key = call.session_key where owner.id_hash <> told.id_hash limit $1",
);

// A walk through all conflicts, which are few.
const CONFLICTS_OF: Sql = Sql::pair(
    "agents_seals_conflicts",
    "select seq from proj_agents__conflict_v1 where session_id in (select value from json_each($1)) order by seq",
    "select seq from proj_agents__conflict_v1 where session_id = any($1::text[]) order by seq",
);

/// Everything that hangs on sessions, the calls before what finds them.
static REMOVE: LazyLock<Vec<Sql>> = LazyLock::new(|| {
    let of_calls =
        "cost_rows where subject = 'call' and subject_key in (select call_key from agent_calls where session_key";
    let of_records = "agent_call_records where call_key in (select call_key from agent_calls where session_key";
    let of_sessions = "cost_rows where subject = 'session' and subject_key";
    let every = [
        ("agents_seal_costs_of_calls", of_calls, of_calls, ")"),
        ("agents_seal_costs_of_sessions", of_sessions, of_sessions, ""),
        ("agents_seal_words", "session_fts where rowid", "session_words where session_key", ""),
        ("agents_seal_events", "session_events where session_key", "session_events where session_key", ""),
        ("agents_seal_call_records", of_records, of_records, ")"),
        ("agents_seal_calls", "agent_calls where session_key", "agent_calls where session_key", ""),
        ("agents_seal_usage", "session_usage where session_key", "session_usage where session_key", ""),
        ("agents_seal_sessions", "session_ledger where session_key", "session_ledger where session_key", ""),
    ];
    let sql = |(name, sqlite, postgres, end)| Sql {
        name,
        sqlite: format!("delete from {sqlite} in (select value from json_each($1)){end}").into(),
        postgres: format!("delete from {postgres} = any($1::bigint[]){end}").into(),
    };
    every.into_iter().map(sql).collect()
});

// Uses the primary keys.
const BELOW: &[(Sql, Sql)] = &[
    (
        Sql::same(
            "agents_floor_count_usage",
            "select count(*) from daily_usage_agg where basis in (0, 1) and grain = $1 and bucket_at < $2",
        ),
        Sql::same(
            "agents_floor_usage",
            "delete from daily_usage_agg where basis in (0, 1) and grain = $1 and bucket_at < $2",
        ),
    ),
    (
        Sql::same(
            "agents_floor_count_performance",
            "select count(*) from model_perf_agg where basis in (0, 1) and grain = $1 and bucket_at < $2",
        ),
        Sql::same(
            "agents_floor_performance",
            "delete from model_perf_agg where basis in (0, 1) and grain = $1 and bucket_at < $2",
        ),
    ),
];

/// What a hash stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// The id of a session.
    Session,
    /// What makes a call one call.
    Call,
}

impl Sealed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Call => "call",
        }
    }
}

fn list(numbers: impl IntoIterator<Item = i64>) -> Value {
    Value::List(numbers.into_iter().map(Value::Int).collect())
}

/// Notes a seal and what it names.
///
/// # Errors
/// When the database cannot be written.
pub fn note(tx: &mut Tx<'_>, seq: Seq, sessions: &[i64], calls: &[i64]) -> Result<(), StoreError> {
    tx.execute_many(&SEAL_INSERT, &[vec![seq.into()]])?;
    let named = |kind: Sealed, hashes: &[i64]| -> Vec<Vec<Value>> {
        hashes.iter().map(|hash| exhibit_store::values![kind.as_str(), *hash]).collect()
    };
    tx.execute_many(&SEALED_INSERT, &named(Sealed::Session, sessions))?;
    tx.execute_many(&SEALED_INSERT, &named(Sealed::Call, calls))?;
    Ok(())
}

/// Those of some hashes that stand for something that went.
///
/// # Errors
/// When the database cannot be read.
pub fn among(read: &Read<'_>, kind: Sealed, hashes: &[i64]) -> Result<BTreeSet<i64>, StoreError> {
    if hashes.is_empty() || read.one::<(i64,)>(&ANY, &[])?.is_none() {
        return Ok(BTreeSet::new());
    }
    let found = read.all::<(i64,)>(&AMONG, &[kind.as_str().into(), list(hashes.iter().copied())])?;
    Ok(found.into_iter().map(|row| row.0).collect())
}

/// The next seal after a place of the ledger.
///
/// # Errors
/// When the database cannot be read.
pub fn next(read: &Read<'_>, after: Seq) -> Result<Option<Seq>, StoreError> {
    Ok(read.one::<(i64,)>(&PLACES, params![after, 1_i64])?.map(|row| row.0))
}

/// Since when sums are kept, in microseconds UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floors {
    /// By hour.
    pub hour: i64,
    /// By day.
    pub day: i64,
}

impl Floors {
    /// Whether sums of a cut are kept.
    pub fn keep(&self, cut: &Cut) -> bool {
        cut.bucket_at >= if cut.grain == HOUR { self.hour } else { self.day }
    }

    /// Whether everything is kept.
    pub fn are_none(&self) -> bool {
        (self.hour, self.day) == (i64::MIN, i64::MIN)
    }
}

/// Since when sums are kept.
///
/// # Errors
/// When the database cannot be read.
pub fn floors(read: &Read<'_>) -> Result<Floors, StoreError> {
    let mut floors = Floors { hour: i64::MIN, day: i64::MIN };
    for (grain, before) in read.all::<(i64, i64)>(&FLOORS, &[])? {
        match grain {
            HOUR => floors.hour = before,
            DAY => floors.day = before,
            other => return Err(StoreError::Unexpected(format!("sums are not kept by {other} seconds"))),
        }
    }
    Ok(floors)
}

/// Raises a floor; it never falls.
///
/// # Errors
/// When the database cannot be written.
pub fn raise(tx: &mut Tx<'_>, grain: i64, before: i64) -> Result<(), StoreError> {
    tx.execute(&FLOOR_PUT, params![grain, before])?;
    Ok(())
}

/// Rows of sums below a floor.
///
/// # Errors
/// When the database cannot be read.
pub fn below(read: &Read<'_>, grain: i64, before: i64) -> Result<u64, StoreError> {
    let mut rows = 0;
    for (count, _) in BELOW {
        rows += read.one::<(u64,)>(count, params![grain, before])?.map_or(0, |row| row.0);
    }
    Ok(rows)
}

/// Takes out the sums below a floor.
///
/// # Errors
/// When the database cannot be written.
pub fn remove_below(tx: &mut Tx<'_>, grain: i64, before: i64) -> Result<(), StoreError> {
    for (_, remove) in BELOW {
        tx.execute(remove, params![grain, before])?;
    }
    Ok(())
}

/// An ended session in which nothing happened for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Old {
    /// When it began, and its key: where a page begins.
    pub place: (i64, i64),
    /// What its id is found by.
    pub id_hash: i64,
}

impl FromRow for Old {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { place: (row.get(0)?, row.get(1)?), id_hash: row.get(2)? })
    }
}

/// Ended sessions in which nothing happened at a moment or after it, by start, after a place; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn old(read: &Read<'_>, before: i64, after: (i64, i64), limit: i64) -> Result<Vec<Old>, StoreError> {
    read.all(&OLD, params![before, after.0, after.1, limit])
}

/// Places of the documents that tell of some sessions, by the hash of the session.
///
/// # Errors
/// When the database cannot be read.
pub fn records_of(read: &Read<'_>, hashes: &[i64]) -> Result<BTreeMap<i64, BTreeSet<Seq>>, StoreError> {
    let mut places: BTreeMap<i64, BTreeSet<Seq>> = BTreeMap::new();
    if !hashes.is_empty() {
        for (hash, seq) in read.all::<(i64, i64)>(&RECORDS_OF, &[list(hashes.iter().copied())])? {
            places.entry(hash).or_default().insert(seq);
        }
    }
    Ok(places)
}

/// Documents that are not noted yet: their places and keys; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn to_index(read: &Read<'_>, limit: i64) -> Result<Vec<(Seq, String)>, StoreError> {
    let last = read.one::<(i64,)>(&INDEXED, &[])?.map_or(0, |row| row.0);
    read.all(&TO_INDEX, params![last, limit])
}

/// Notes which sessions documents tell of: place, and hash of the session.
///
/// # Errors
/// When the database cannot be written.
pub fn index(tx: &mut Tx<'_>, rows: &[(Seq, i64)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows.iter().map(|(seq, hash)| exhibit_store::values![*seq, *hash]).collect();
    tx.execute_many(&RECORDS_INSERT, &rows)?;
    Ok(())
}

/// Sessions whose documents are the ones that count for calls of other sessions; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn shared(read: &Read<'_>, limit: i64) -> Result<BTreeSet<i64>, StoreError> {
    Ok(read.all::<(i64,)>(&SHARED, params![limit])?.into_iter().map(|row| row.0).collect())
}

/// Places of the evidence of conflicts about some sessions.
///
/// # Errors
/// When the database cannot be read.
pub fn conflicts_of(read: &Read<'_>, session_ids: &[&str]) -> Result<BTreeSet<Seq>, StoreError> {
    let ids = Value::List(session_ids.iter().map(|id| Value::from(*id)).collect());
    Ok(read.all::<(i64,)>(&CONFLICTS_OF, &[ids])?.into_iter().map(|row| row.0).collect())
}

/// Takes out the rows of sessions, with all that hangs on them; the sums stay.
///
/// # Errors
/// When the database cannot be written.
pub fn remove_sessions(tx: &mut Tx<'_>, session_keys: &[i64]) -> Result<(), StoreError> {
    for sql in REMOVE.iter() {
        tx.execute(sql, &[list(session_keys.iter().copied())])?;
    }
    Ok(())
}
