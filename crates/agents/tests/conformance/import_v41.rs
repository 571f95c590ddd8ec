//! Databases of V4.1 taken over: the same rules as for files of V3, and nothing that such a file does gets further than an error.

use std::path::{Path, PathBuf};
use std::process::Command;

use exhibit_agents::alerts::repository as alerts;
use exhibit_agents::import::drift::{State, drift};
use exhibit_agents::import::{ImportError, Kind, Request, import};
use exhibit_agents::sql::imports as reports;
use exhibit_model::time::Timestamp;
use exhibit_store::Backend;
use exhibit_store::projection::rebuild;
use exhibit_store::sql::ledger::count_records;
use tempfile::TempDir;

use crate::aggregates::{holds, kept, rows};
use crate::import::{imports, numbers, told, words_of};
use crate::pricing::usage_of;
use crate::world::{World, block_on, session};

both!(
    ag_09_the_second_import_of_a_database_writes_nothing,
    ag_10_a_database_comes_to_its_own_sums,
    ag_10_rows_that_say_what_nobody_knows_are_refused,
    ag_10_both_spellings_of_columns_are_read,
    ag_11_a_hostile_database_is_refused_whole,
    ag_11_a_database_is_never_written,
    the_state_of_an_alert_arrives_as_v3_kept_it,
);

const WHOLE: &str = include_str!("../../testdata/import/v41.sql");

/// A folder with a database that a script made.
struct Older {
    folder: TempDir,
}

impl Older {
    fn of(script: &str) -> Self {
        let older = Self { folder: tempfile::tempdir().expect("a folder") };
        older.does(script);
        older
    }

    fn whole() -> Self {
        Self::of(WHOLE)
    }

    /// The database of the samples, and a change to it.
    fn with(change: &str) -> Self {
        Self::of(&format!("{WHOLE}\n{change}\npragma wal_checkpoint(truncate);"))
    }

    fn does(&self, script: &str) {
        let done = Command::new("sqlite3").arg("-bail").arg(self.path()).arg(script).output().expect("sqlite3");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("intelligence.sqlite")
    }

    fn request(&self) -> Request {
        let (path, data) = (self.path(), self.folder.path().to_owned());
        Request { kind: Kind::V41Sqlite, path, data, dry_run: false, replace: false }
    }
}

fn ag_09_the_second_import_of_a_database_writes_nothing(backend: Backend) {
    let (world, older) = (World::new(backend), Older::whole());
    let first = imports(&world, older.request());
    assert_eq!(numbers(&first), [14, 14, 0, 0], "{:?}", told(&first.rows));
    let before = (rows(&world), kept(&world), world.read(count_records));
    let second = imports(&world, older.request());
    assert_eq!(numbers(&second), [14, 0, 14, 0]);
    assert!(second.rows.iter().all(|row| row.reason == "identical"), "{:?}", told(&second.rows));
    assert_eq!((rows(&world), kept(&world), world.read(count_records)), before);
    assert_eq!(second.report.kind, Kind::V41Sqlite);
}

fn ag_10_a_database_comes_to_its_own_sums(backend: Backend) {
    let (world, older) = (World::new(backend), Older::whole());
    let imported = imports(&world, older.request());
    let totals = imported.report.totals;
    assert_eq!((imported.report.parity_ok, totals.file), (Some(true), totals.stored));
    assert_eq!((totals.file.runs, totals.file.total_tokens), (4, 12_900));
    assert_eq!((totals.file.runtime_ms, totals.file.cost_nano), (68_000, 533_300_000));
    for (id, cost) in [
        ("v41-exact", "12300000 provider_native provider_reported high exact"),
        ("v41-default", "21000000 v4.1-default derived medium estimated"),
        ("v41-flat", "500000000 legacy_unversioned derived low estimated"),
        ("v41-live", "-1 - missing unknown unknown"),
    ] {
        assert_eq!(words_of(&usage_of(&world, id).0.cost), cost, "{id}");
    }
    let (usage, _) = usage_of(&world, "v41-exact");
    assert_eq!((usage.runtime.source.as_str(), usage.runtime.level.as_str()), ("derived", "medium"), "as stored");
    holds(&world);
    let before = (rows(&world), kept(&world));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!((rows(&world), kept(&world)), before);
    let state = block_on(drift(&world.store)).expect("drift");
    assert_eq!(state.into_iter().map(|file| file.state).collect::<Vec<_>>(), [State::Same]);
}

fn the_state_of_an_alert_arrives_as_v3_kept_it(backend: Backend) {
    let (world, older) = (World::new(backend), Older::whole());
    imports(&world, older.request());
    let rules = world.read(alerts::rules);
    let enabled: Vec<bool> = rules.iter().map(|rule| rule.enabled).collect();
    assert_eq!(enabled, [true, false]);
    let states = rules.iter().flat_map(|rule| {
        let id = rule.rule_id.clone();
        world.read(move |read| alerts::states(read, &id))
    });
    let told: Vec<String> = states
        .map(|state| {
            let until = state.suppressed_until.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let lifecycle = state.standing.lifecycle;
            format!("{} {} {lifecycle} {until} {}", state.scope_key(), state.standing.status, state.last_transition_at)
        })
        .collect();
    assert_eq!(
        told,
        [
            format!("global warning suppressed {} {}", at("2026-01-03T00:10:00Z"), at("2026-01-03T00:00:00Z")),
            format!("agent=builder ok resolved - {}", at("2026-01-03T01:00:00Z")),
        ]
    );
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

fn ag_10_rows_that_say_what_nobody_knows_are_refused(backend: Backend) {
    let older = Older::with(
        "alter table session_ledger add column mood text;
         update session_ledger set mood = 'good' where session_id = 'v41-live';
         update session_ledger set status = 'banana' where session_id = 'v41-flat';
         update session_usage set cost_usd = 9e999 where session_id = 'v41-exact';
         update session_usage set token_source = 'guess' where session_id = 'v41-default';
         update session_events set payload_json = '[' where event_id = 'e-1';
         update session_events set event_ts = x'00' where event_id = 'e-2';
         update alert_rules set enabled = 2 where rule_id = 'rule-2';
         update alert_state set status = 'loud' where rule_id <> 'rule-2';",
    );
    let world = World::new(backend);
    let imported = imports(&world, older.request());
    assert_eq!(
        told(&imported.rows),
        [
            "ledger[2] error status unsupported value",
            "ledger[3] error mood unsupported field",
            "events[0] error payloadJson must be JSON: document: EOF while parsing a list at line 1 column 1 (not_json)",
            "events[1] error eventTs must be text or a number",
            "usage[0] error costUsd must be a finite number",
            "usage[1] error tokenSource unsupported value",
            "usage[2] error its session was not taken",
            "usage[3] error its session was not taken",
            "alertRules[1] error enabled is not valid",
            "alertStates[0] error status is not supported",
            "alertStates[1] error there is no such rule",
        ]
    );
    assert_eq!((numbers(&imported), imported.report.parity_ok), ([14, 3, 0, 11], Some(false)));
    holds(&world);
}

fn ag_10_both_spellings_of_columns_are_read(backend: Backend) {
    let older = Older::of(
        r#"create table session_ledger ("sessionId" text, "agentId" text, "agentLabel" text, "modelId" text, status text, "startedAt" text,
             "endedAt" text, "runtimeMs" integer, "artifactCount" integer) ;
           insert into session_ledger values ('s', 'a', 'A', 'm', 'success', '2026-01-02T03:00:00Z', '2026-01-02T03:00:05Z', 5000, 0);
           create table session_events ("eventId" text, "sessionId" text, seq integer, "eventType" text, "eventTs" text, payload text);
           insert into session_events values ('e', 's', 1, 'message', '2026-01-02T03:00:01Z', '{"a":1}');"#,
    );
    let world = World::new(backend);
    let imported = imports(&world, older.request());
    assert_eq!((numbers(&imported), imported.report.parity_ok), ([2, 2, 0, 0], Some(true)), "{:?}", imported.rows);
    assert_eq!(rows(&world)[0].0.runtime_ms, 5_000);
}

/// AG-11: files that are none, that are damaged, and that were made to do something when they are read.
fn ag_11_a_hostile_database_is_refused_whole(backend: Backend) {
    let world = World::new(backend);
    let scripts = [
        ("create table other (a);".to_owned(), "no table `session_ledger`"),
        ("create table session_ledger (session_id text);".to_owned(), "no column for `agentId`"),
        ("create view session_ledger as select 1 as session_id;".to_owned(), "no ordinary table"),
        ("create virtual table session_ledger using fts5 (session_id);".to_owned(), "no ordinary table"),
        (format!("{WHOLE} pragma application_id = 0x45584842;"), "Exhibit itself"),
        (
            format!("{WHOLE} update session_ledger set task_text = zeroblob(20000000) where session_id = 'v41-live';"),
            "larger than any",
        ),
    ];
    for (script, reason) in scripts {
        let older = Older::of(&format!("{script} pragma wal_checkpoint(truncate);"));
        is_refused(&world, &older, reason);
    }
    let older = Older::whole();
    let whole = std::fs::read(older.path()).expect("a file");
    for (bytes, reason) in [
        (whole[..whole.len() / 2].to_vec(), ""),
        (whole[..100].to_vec(), ""),
        (b"{\"ledger\":[]}".to_vec(), "no database"),
        (Vec::new(), "no database"),
        (damaged(&whole), "damaged"),
    ] {
        std::fs::write(older.path(), bytes).expect("a file");
        is_refused(&world, &older, reason);
    }
    std::fs::write(older.path(), &whole).expect("a file");
    let log = PathBuf::from(format!("{}-wal", older.path().display()));
    std::fs::write(&log, b"what was not brought in").expect("a log");
    is_refused(&world, &older, "-wal");
    std::fs::remove_file(log).expect("a log");
    std::fs::remove_file(older.path()).expect("a file");
    let error = block_on(import(&world.store, older.request())).expect_err("a refusal");
    assert!(matches!(error, ImportError::Unreadable { .. }), "{error}");
    assert_eq!((rows(&world).len(), world.read(count_records)), (0, 0));
    assert!(world.read(|read| reports::page(read, (Timestamp(i64::MAX), ""), 10)).is_empty());
}

/// Every page but the first overwritten in its middle.
fn damaged(whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for page in bytes.chunks_mut(4_096).skip(1) {
        page[..64].fill(0xa5);
    }
    bytes
}

#[track_caller]
fn is_refused(world: &World, older: &Older, reason: &str) {
    let before = state(&older.path());
    let error = block_on(import(&world.store, older.request())).expect_err("a refusal");
    assert!(matches!(&error, ImportError::Malformed { .. }) && error.to_string().contains(reason), "{error}");
    assert_eq!(state(&older.path()), before);
}

/// Bytes and the time of the last change.
fn state(path: &Path) -> (Vec<u8>, std::time::SystemTime) {
    let modified = std::fs::metadata(path).and_then(|found| found.modified());
    (std::fs::read(path).expect("a file"), modified.expect("a time"))
}

fn ag_11_a_database_is_never_written(backend: Backend) {
    let (world, older) = (World::new(backend), Older::whole());
    let before = state(&older.path());
    imports(&world, older.request());
    imports(&world, Request { replace: true, ..older.request() });
    for number in 0..100 {
        world.takes(&session(&format!("new-{number}"), "success"));
    }
    assert_eq!(state(&older.path()), before);
    let mut names: Vec<String> = std::fs::read_dir(older.folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["import-reports", "intelligence.sqlite"], "nothing lies beside it");
}
