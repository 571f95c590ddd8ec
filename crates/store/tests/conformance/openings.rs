//! Opening at once, and opening that is interrupted: whoever comes finds all or nothing (I6).

use exhibit_store::{Backend, Migration, SPINE_KINDS, SPINE_MIGRATIONS, Store, Synchronous};
use serde_json::json;

use crate::child::{TestChild, parameters, tell};
use crate::migrations::room;
use crate::raw::Raw;
use crate::room::ROOM;
use crate::world::{new_location, options, options_from_json, store_to_json, verify_store};

both!(
    threads_open_a_new_database_at_once,
    processes_open_a_new_database_at_once,
    an_interrupted_migration_leaves_nothing
);

fn threads_open_a_new_database_at_once(backend: Backend) {
    let rounds = if backend == Backend::Sqlite { 12 } else { 3 };
    for _ in 0..rounds {
        let folder = tempfile::tempdir().expect("a folder");
        let location = new_location(backend, folder.path());
        let start = std::sync::Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let options = options(&location, &folder.path().join("blobs"), vec![&ROOM]);
                    start.wait();
                    Store::open(options).expect("all of them get in");
                });
            }
        });
        let mut raw = Raw::connect(&location);
        assert_eq!(raw.number("select count(*) from schema_migrations"), SPINE_MIGRATIONS.len() as i64 + 1);
        assert_eq!(raw.number("select count(*) from kinds"), SPINE_KINDS.len() as i64 + 4);
    }
}

fn processes_open_a_new_database_at_once(backend: Backend) {
    for _ in 0..3 {
        let folder = tempfile::tempdir().expect("a folder");
        let location = new_location(backend, folder.path());
        let store = store_to_json(&location, &folder.path().join("blobs"));
        let mut children: Vec<_> =
            (0..3).map(|_| TestChild::start("openings::opens_when_it_is_told", &store)).collect();
        for child in &mut children {
            child.hear("READY").expect("it waits");
        }
        for child in &mut children {
            drop(child.process.stdin.take());
        }
        for child in children {
            assert_eq!(child.hear_all("OPENED"), (vec!["0 records, no problem".to_owned()], true));
        }
    }
}

/// A part of the test above.
#[test]
fn opens_when_it_is_told() {
    let Some(store) = parameters() else { return };
    let options = options_from_json(&store, Synchronous::Full);
    tell("READY", "");
    assert_eq!(std::io::stdin().read_line(&mut String::new()).expect("a pipe"), 0);
    let report = verify_store(&Store::open(options).expect("it gets in"));
    assert_eq!(report.problems, []);
    tell("OPENED", format!("{} records, no problem", report.records));
}

/// Writes for longer than anybody waits: on SQLite more than the cache holds, so that the log grows; on PostgreSQL until a lock that
/// the test holds is given up.
const LONG: Migration = Migration {
    version: 1,
    name: "long",
    sqlite: "create table other_half (a integer primary key, b blob); \
             insert into other_half with recursive n (a) as (values (1) union all select a + 1 from n where a < 4000) \
             select a, randomblob(100000) from n; create table other_whole (a int);",
    postgres: "create table other_half (a bigint); insert into other_half select generate_series(1, 1000); \
               select pg_advisory_xact_lock(4242); create table other_whole (a int);",
};

fn an_interrupted_migration_leaves_nothing(backend: Backend) {
    let folder = tempfile::tempdir().expect("a folder");
    let location = new_location(backend, folder.path());
    let blobs = folder.path().join("blobs");
    drop(Store::open(options(&location, &blobs, vec![&ROOM])).expect("a new database"));
    let mut raw = Raw::connect(&location);
    let before = raw.dump();
    if backend == Backend::Postgres {
        raw.run("select pg_advisory_lock(4242)");
    }
    let child = TestChild::start("openings::migrates_for_long", &store_to_json(&location, &blobs));
    match backend {
        Backend::Sqlite => {
            let log = folder.path().join("exhibit.db-wal");
            while std::fs::metadata(&log).map_or(0, |found| found.len()) < 20_000_000 {
                std::thread::yield_now();
            }
        }
        Backend::Postgres => {
            while raw.number("select count(*) from pg_locks where objid = 4242 and not granted") == 0 {
                std::thread::yield_now();
            }
        }
    }
    assert_eq!(child.kill("OPENED"), Vec::<String>::new());
    if backend == Backend::Postgres {
        raw.run("select pg_advisory_unlock(4242)");
    }
    let store = Store::open(options(&location, &blobs, vec![&ROOM])).expect("as before");
    assert_eq!(raw.dump(), before);
    drop(store);
    // And the migration can be done after all.
    const SHORT: Migration = Migration {
        version: 1,
        name: "short",
        sqlite: "create table other_half (a)",
        postgres: "create table other_half (a int)",
    };
    Store::open(options(&location, &blobs, vec![&ROOM, room(&[SHORT])])).expect("migrated");
}

/// A part of the test above.
#[test]
fn migrates_for_long() {
    let Some(store) = parameters() else { return };
    let mut options = options_from_json(&json!(store), Synchronous::Normal);
    options.rooms.push(room(&[LONG]));
    Store::open(options).expect("nobody stops it");
    tell("OPENED", "");
}
