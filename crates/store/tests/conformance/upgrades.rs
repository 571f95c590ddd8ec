//! A database of an older version is brought up to date: copied first, all or nothing, by one process at a time (AG-05, AG-06).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use exhibit_store::{Backend, Location, Migration, Room, Store, StoreError, Synchronous};
use serde_json::json;

use crate::child::{TestChild, parameters, tell};
use crate::migrations::{room, same};
use crate::raw::Raw;
use crate::room::ROOM;
use crate::world::{World, block_on, check_event, options, options_from_json, store_to_json, verify_store};

both!(
    ag_05_a_migration_that_cannot_be_leaves_the_old_version_its_rows,
    ag_06_two_processes_migrate_at_once_and_it_is_done_once,
    ag_06_a_killed_holder_frees_the_guard,
);

const FIRST: Migration = same(1, "first", "create table later_one (a bigint)");
const SECOND: Migration = same(2, "second", "create table later_two (a bigint); insert into later_one values (2)");
const THIRD: Migration = same(3, "third", "create table later_three (a bigint)");
const SECOND_BROKEN: Migration = same(
    2,
    "second",
    "create table later_two (a bigint); insert into later_one values (2); create table later_one (a bigint)",
);
const SECOND_MALFORMED: Migration = same(2, "second", "create tabel later_two");

/// Takes so long that it is killed before it ends. The rows are sent as they come, so that a server hears when nobody listens any more.
const SECOND_ENDLESS: Migration = Migration {
    version: 2,
    name: "second",
    sqlite: "insert into later_one with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000000000) select max(i) from n",
    postgres: "insert into later_one values (7); select pg_sleep(0.02), repeat('x', 9000) from generate_series(1, 1000000)",
};

const ENDLESS: &[Migration] = &[FIRST, SECOND_ENDLESS];
const TWO: &[Migration] = &[FIRST, SECOND];

fn rooms(migrations: &'static [Migration]) -> Vec<&'static dyn Room> {
    vec![&ROOM, room(migrations)]
}

/// A database with three records and one migration of a room applied.
fn of_version_1(backend: Backend) -> World {
    let world = World::new(backend);
    world.append_events(&["a", "b", "c"].map(str::to_owned));
    drop(open(&world, &[FIRST]).expect("the first version"));
    world
}

fn location(world: &World) -> Location {
    match &world.location {
        Location::Sqlite { path, .. } => Location::Sqlite { path: path.clone(), synchronous: Synchronous::Normal },
        other => other.clone(),
    }
}

fn open(world: &World, migrations: &'static [Migration]) -> Result<Store, StoreError> {
    Store::open(options(&location(world), &world.folder.path().join("blobs"), rooms(migrations)))
}

/// Files beside the database that were kept from before a migration.
fn kept(world: &World) -> Vec<String> {
    let files = std::fs::read_dir(world.folder.path()).expect("our folder");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("text"));
    let mut names: Vec<String> = names.filter(|name| name.contains(".pre-")).collect();
    names.sort();
    names
}

fn dump_of(path: &Path) -> String {
    Raw::connect(&Location::Sqlite { path: path.to_owned(), synchronous: Synchronous::Normal }).dump()
}

#[test]
fn a_copy_of_the_version_before_is_kept_and_never_replaced() {
    let world = of_version_1(Backend::Sqlite);
    // The room came to a database that was there; a new database needs no copy.
    assert_eq!(kept(&world), ["exhibit.db.pre-other-1"]);
    assert_eq!(kept(&World::new(Backend::Sqlite)), Vec::<String>::new());
    // A copy holds what is still in the log alone: this store goes on and has not written it into the file.
    world.append_events(&["in the log".to_owned()]);
    let before = world.raw().dump();
    drop(open(&world, TWO).expect("the second version"));
    assert_eq!(kept(&world), ["exhibit.db.pre-other-1", "exhibit.db.pre-other-2"]);
    let copy = world.folder.path().join("exhibit.db.pre-other-2");
    assert_eq!(dump_of(&copy), before);
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&copy.metadata().expect("a copy")) & 0o777, 0o600);
    drop(open(&world, TWO).expect("nothing to do"));
    assert_eq!(kept(&world).len(), 2);
    // The version before opens its copy.
    let old = Location::Sqlite { path: copy, synchronous: Synchronous::Normal };
    let store =
        Store::open(options(&old, &world.folder.path().join("blobs"), rooms(&[FIRST]))).expect("the first version");
    assert_eq!(verify_store(&store).records, 4);
    let third = world.folder.path().join("exhibit.db.pre-other-3");
    std::fs::write(&third, b"kept before").expect("our folder");
    drop(open(&world, &[FIRST, SECOND, THIRD]).expect("the third version"));
    assert_eq!(std::fs::read(&third).expect("a file"), b"kept before");
}

#[test]
fn a_copy_that_was_broken_off_is_made_anew() {
    let world = of_version_1(Backend::Sqlite);
    let copy = world.folder.path().join("exhibit.db.pre-other-2");
    std::fs::write(world.folder.path().join("exhibit.db.pre-other-2.partial"), b"half").expect("our folder");
    let before = world.raw().dump();
    drop(open(&world, TWO).expect("the second version"));
    assert_eq!(dump_of(&copy), before);
    assert_eq!(kept(&world), ["exhibit.db.pre-other-1", "exhibit.db.pre-other-2"]);
}

/// AG-05: no room for the copy: nothing is migrated, and nothing is left of the copy.
#[test]
fn ag_05_a_full_disk_leaves_the_version_before() {
    let (said, well) =
        TestChild::start_in(&crate::disk::OWN_MOUNTS, "upgrades::migrates_on_a_full_disk", &json!({})).hear_all("TOLD");
    let told = "no space left on the device of /tmp/exhibit.db.pre-other-2; make room and run the command again, \
                nothing that was acknowledged is lost";
    assert_eq!((said, well), (vec![told.to_owned()], true), "this test needs root or user namespaces");
}

/// A part of the test above, with mounts of its own.
#[test]
fn migrates_on_a_full_disk() {
    if parameters().is_none() {
        return;
    }
    crate::disk::mount(&["-t", "tmpfs", "-o", "size=24m", "tmpfs", "/tmp"]);
    let location = Location::Sqlite { path: "/tmp/exhibit.db".into(), synchronous: Synchronous::Full };
    let open = |migrations| Store::open(options(&location, Path::new("/tmp/blobs"), rooms(migrations)));
    let store = open(&[FIRST]).expect("the first version");
    for number in 0..40 {
        let payload = json!({"level": "info", "text": "long ".repeat(10_000)});
        let event = check_event(&store, &format!("{number}"), payload).expect("an event");
        block_on(store.append(exhibit_store::Append { candidates: vec![event], ..Default::default() })).expect("room");
    }
    drop(store);
    let raw = |text: &str| Raw::connect(&location).run(text);
    raw("pragma wal_checkpoint(truncate)");
    let before = std::fs::read("/tmp/exhibit.db").expect("the database");
    let free = 1 << 20;
    assert!(before.len() > 2 * free, "the copy needs more than there will be");
    let space = rustix::fs::statvfs("/tmp").expect("a file system");
    let reserve = usize::try_from(space.f_bavail * space.f_frsize).expect("a size") - free;
    std::fs::write("/tmp/reserve", vec![1; reserve]).expect("room");
    tell("TOLD", open(TWO).map(|_| ()).expect_err("no room"));
    raw("pragma wal_checkpoint(truncate)");
    assert!(std::fs::read("/tmp/exhibit.db").expect("the database") == before, "not a byte of it changed");
    let mut names: Vec<_> =
        std::fs::read_dir("/tmp").expect("our folder").map(|file| file.expect("a file").file_name()).collect();
    names.retain(|name| name.to_str().is_some_and(|name| name.contains(".pre-")));
    assert!(names.is_empty(), "{names:?}");
    std::fs::remove_file("/tmp/reserve").expect("room is made");
    assert_eq!(verify_store(&open(TWO).expect("the second version")).records, 40);
}

/// AG-05: malformed, half broken, edited and newer: nothing of it stays, no copy is made of what is refused, and the old version goes on.
fn ag_05_a_migration_that_cannot_be_leaves_the_old_version_its_rows(backend: Backend) {
    const EDITED: Migration = same(1, "first", "create table later_one (a bigint not null)");
    let world = of_version_1(backend);
    let before = world.raw().dump();
    let copies = kept(&world);
    let refused = |migrations| open(&world, migrations).map(|_| ()).expect_err("refused");
    assert!(matches!(refused(&[EDITED, SECOND]), StoreError::MigrationChanged { version: 1, .. }));
    assert!(matches!(refused(&[]), StoreError::FromTheFuture { version: 1, .. }));
    assert_eq!(kept(&world), copies, "no copy of what is not migrated");
    for broken in [&[FIRST, SECOND_BROKEN], &[FIRST, SECOND_MALFORMED]] {
        assert!(matches!(refused(broken), StoreError::Statement { statement: "script", .. }));
        assert_eq!(world.raw().dump(), before);
    }
    let old = open(&world, &[FIRST]).expect("the version before");
    assert_eq!(verify_store(&old).records, 3);
    let event = check_event(&old, "d", json!({"level": "info", "text": "d"})).expect("an event");
    let append = exhibit_store::Append { candidates: vec![event], ..exhibit_store::Append::default() };
    block_on(old.append(append)).expect("it goes on");
}

/// A part of the tests below: opens a store with these migrations, and says what became of it.
#[test]
fn opens_with_migrations() {
    let Some(given) = parameters() else { return };
    let migrations = if given["endless"] == true { ENDLESS } else { TWO };
    tell("BEGINS", "");
    let mut options = options_from_json(&given["store"], Synchronous::Full);
    options.rooms = rooms(migrations);
    let opened = Store::open(options).map(|store| verify_store(&store).records);
    tell("ENDED", opened.map_or_else(|error| error.to_string(), |records| format!("{records} records")));
}

fn starts(world: &World, endless: bool) -> TestChild {
    let store = store_to_json(&location(world), &world.folder.path().join("blobs"));
    let mut child = TestChild::start("upgrades::opens_with_migrations", &json!({"store": store, "endless": endless}));
    assert!(child.hear("BEGINS").is_some());
    child
}

/// AG-06: both wait for the right to write, which the test holds until both have begun; one of them migrates.
fn ag_06_two_processes_migrate_at_once_and_it_is_done_once(backend: Backend) {
    let world = of_version_1(backend);
    let mut holder = world.raw();
    match backend {
        Backend::Sqlite => holder.run("begin immediate"),
        Backend::Postgres => holder.run("begin; lock table schema_migrations in exclusive mode"),
    }
    let children = [starts(&world, false), starts(&world, false)];
    holder.run("commit");
    for child in children {
        assert_eq!(child.hear_all("ENDED"), (vec!["3 records".to_owned()], true));
    }
    let mut raw = world.raw();
    assert_eq!(raw.number("select count(*) from schema_migrations where room = 'other' and version = 2"), 1);
    assert_eq!(raw.number("select count(*) from later_one"), 1, "what it inserts is there once");
    let copies: &[&str] =
        if backend == Backend::Sqlite { &["exhibit.db.pre-other-1", "exhibit.db.pre-other-2"] } else { &[] };
    assert_eq!(kept(&world), copies);
}

/// How long a process may take to come to its migration, and a server to hear that it is gone.
const PATIENCE: Duration = Duration::from_secs(120);

/// AG-06: a process that is killed in the middle of a migration leaves neither half of it nor the guard behind.
fn ag_06_a_killed_holder_frees_the_guard(backend: Backend) {
    let world = of_version_1(backend);
    let before = world.raw().dump();
    let child = starts(&world, true);
    let deadline = Instant::now() + PATIENCE;
    while !is_migrating(&world) {
        assert!(Instant::now() < deadline, "the migration does not begin");
        std::thread::yield_now();
    }
    assert_eq!(child.kill("ENDED"), Vec::<String>::new(), "it was killed before its end");
    drop(open(&world, TWO).expect("the guard is free"));
    let mut raw = world.raw();
    assert_eq!(raw.number("select max(a) from later_one"), 2, "nothing of the killed one");
    raw.run("drop table later_two; delete from later_one; delete from schema_migrations where room = 'other' and version = 2");
    assert_eq!(raw.dump(), before);
}

/// Whether another process is in the middle of its migration.
fn is_migrating(world: &World) -> bool {
    match world.raw() {
        Raw::Sqlite(connection) => {
            // The copy is made under the same guard; after it comes the migration.
            connection.busy_timeout(Duration::ZERO).expect("a time limit");
            let held = connection.execute_batch("begin immediate; rollback").is_err();
            held && PathBuf::from(format!("{}.pre-other-2", world.location.name())).exists()
        }
        Raw::Postgres(mut client) => {
            let asked = "select count(*) from pg_stat_activity where datname = current_database() and query like '%pg_sleep(0.02)%' \
                         and pid <> pg_backend_pid() and state = 'active'";
            let active: i64 = client.query_one(asked, &[]).expect("an answer").get(0);
            active > 0
        }
    }
}
