//! The room of the tests: kinds with every type of column, an admission with every answer, a projection of its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use exhibit_model::envelope::LeafAdmission;
use exhibit_store::room::default_admission;
use exhibit_store::{Accepted, Admission, Candidate, Migration, Read, Room, Seq, Sql, StoreError, Taken, Tx, values};

/// The room itself.
pub static ROOM: TestRoom = TestRoom;

/// An artifact with every type of column; blob and span as the producer likes.
pub const OBSERVATION: &str = r#"{
  "kind": "test.observation", "version": 1, "title": "What was seen", "subject": "artifact", "retention": "kept",
  "blob": "optional", "span": "optional",
  "schema": {
    "type": "object", "additionalProperties": false, "required": ["label"],
    "properties": {
      "label": {"type": "string"},
      "count": {"type": "integer"},
      "score": {"type": "number"},
      "good": {"type": "boolean"},
      "at": {"type": "string"},
      "parts": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {"size": {"type": "integer"}}}}
    }
  },
  "projection": {
    "columns": [
      {"name": "label", "type": "text", "pointer": "/label"},
      {"name": "count", "type": "int", "pointer": "/count"},
      {"name": "score", "type": "real", "pointer": "/score"},
      {"name": "good", "type": "bool", "pointer": "/good"},
      {"name": "at", "type": "timestamp", "pointer": "/at"},
      {"name": "second_size", "type": "int", "pointer": "/parts/1/size"}
    ],
    "indexes": [["label", "seq"]]
  }
}"#;

/// A record from outside, with an enumeration. `late` makes it stale; the text `fall over` makes the projection of the room panic.
pub const EVENT: &str = r#"{
  "kind": "test.event", "version": 1, "title": "Something that happened", "subject": "record", "retention": "kept",
  "blob": "none", "span": "none",
  "schema": {
    "type": "object", "additionalProperties": false, "required": ["level", "text"],
    "properties": {
      "level": {"enum": ["info", "warning", "error"]},
      "text": {"type": "string"},
      "number": {"type": "integer"},
      "late": {"type": "boolean"},
      "any": true
    }
  },
  "projection": {
    "columns": [
      {"name": "level", "type": "text", "pointer": "/level"},
      {"name": "number", "type": "int", "pointer": "/number"}
    ]
  }
}"#;

/// The evidence of a conflict.
pub const CONFLICT: &str = r#"{
  "kind": "test.conflict", "version": 1, "title": "Another claim under a known id", "subject": "record", "retention": "kept",
  "blob": "none", "span": "none",
  "schema": {"type": "object", "required": ["claimed"], "properties": {"claimed": {"type": "string"}}},
  "projection": {"columns": []}
}"#;

/// A record that needs a blob and a span.
pub const CLIP: &str = r#"{
  "kind": "test.clip", "version": 1, "title": "A piece of something", "subject": "record", "retention": "kept",
  "blob": "required", "span": "required",
  "schema": {"type": "object", "additionalProperties": false, "properties": {}},
  "projection": {"columns": []}
}"#;

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "test_room",
    sqlite: "create table test_seen (seq integer primary key, body blob not null) strict; \
             create table test_taken (seq integer primary key, stale integer not null) strict;",
    postgres: "create table test_seen (seq bigint primary key, body bytea not null); \
               create table test_taken (seq bigint primary key, stale bigint not null);",
}];

const SEEN: Sql = Sql::pair(
    "test_seen_insert",
    "insert into test_seen (seq, body) values ($1, $2)",
    "insert into test_seen (seq, body) select * from unnest($1::bigint[], $2::bytea[])",
);
const TAKEN: Sql = Sql::pair(
    "test_taken_insert",
    "insert into test_taken (seq, stale) values ($1, $2)",
    "insert into test_taken (seq, stale) select * from unnest($1::bigint[], $2::bigint[])",
);
const REMOVE: Sql = Sql::same("test_seen_remove", "delete from test_seen where seq >= $1 and seq <= $2");
const FORGET: Sql = Sql::same("test_seen_delete", "delete from test_seen");

/// What the room appends when a record id is claimed twice: a test puts it here, under that id, before.
pub static EVIDENCE: Mutex<BTreeMap<String, Candidate>> = Mutex::new(BTreeMap::new());

/// See [`ROOM`].
pub struct TestRoom;

impl Room for TestRoom {
    fn name(&self) -> &'static str {
        "test"
    }

    fn migrations(&self) -> &'static [Migration] {
        MIGRATIONS
    }

    fn kinds(&self) -> &'static [&'static str] {
        &[OBSERVATION, EVENT, CONFLICT, CLIP]
    }

    fn admit(&self, read: &Read<'_>, batch: &[&Candidate]) -> Result<Vec<Admission>, StoreError> {
        let mut admissions = default_admission(read, batch)?;
        for (admission, candidate) in admissions.iter_mut().zip(batch) {
            let late = String::from_utf8_lossy(candidate.body()).contains(r#""late":true"#);
            match admission {
                Admission::New if late => *admission = Admission::Stale,
                Admission::Conflict { evidence } => {
                    let known = EVIDENCE.lock().unwrap_or_else(PoisonError::into_inner);
                    *evidence = candidate.outside_id().and_then(|id| known.get(id)).cloned().map(Box::new);
                }
                _ => {}
            }
        }
        Ok(admissions)
    }

    fn settle(&self, tx: &mut Tx<'_>, taken: &[Taken<'_>]) -> Result<(), StoreError> {
        let stale = |each: &Taken<'_>| i64::from(each.admission == LeafAdmission::Stale);
        let rows: Vec<_> = taken.iter().map(|each| values![each.seq, stale(each)]).collect();
        tx.execute_many(&TAKEN, &rows).map(|_| ())
    }

    fn project(&self, tx: &mut Tx<'_>, accepted: &[Accepted<'_>]) -> Result<(), StoreError> {
        let rows: Vec<_> = accepted.iter().map(|each| values![each.seq, each.candidate.body()]).collect();
        tx.execute_many(&SEEN, &rows)?;
        let falls = accepted.iter().any(|each| String::from_utf8_lossy(each.candidate.body()).contains("fall over"));
        assert!(!falls, "the projection fell over");
        Ok(())
    }

    fn remove(&self, tx: &mut Tx<'_>, first: Seq, last: Seq) -> Result<(), StoreError> {
        tx.execute(&REMOVE, &[first.into(), last.into()]).map(|_| ())
    }

    fn reset(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.execute(&FORGET, &[]).map(|_| ())
    }
}

/// A room that a test makes up.
pub struct OtherRoom {
    /// Its name.
    pub name: &'static str,
    /// Its migrations.
    pub migrations: &'static [Migration],
    /// Its kinds.
    pub kinds: &'static [&'static str],
}

impl Room for OtherRoom {
    fn name(&self) -> &'static str {
        self.name
    }

    fn migrations(&self) -> &'static [Migration] {
        self.migrations
    }

    fn kinds(&self) -> &'static [&'static str] {
        self.kinds
    }
}
