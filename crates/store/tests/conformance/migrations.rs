//! Migrations, and databases that are not ours, not whole, or not writable: one clear sentence each that names the next step.

use std::path::{Path, PathBuf};

use exhibit_store::{Backend, Location, Migration, Room, SPINE_MIGRATIONS, Store, StoreError, Synchronous};
use serde_json::json;

use crate::child::{TestChild, parameters, tell};
use crate::raw::Raw;
use crate::room::{EVENT, OtherRoom, ROOM};
use crate::world::{World, new_location, options, options_from_json, store_to_json};

both!(
    a_new_database_is_migrated_once,
    a_changed_migration_is_refused,
    a_database_from_the_future_is_refused,
    migrations_are_numbered_without_a_gap,
    all_rooms_migrate_or_none,
    a_foreign_database_is_left_alone,
    a_changed_kind_is_refused,
);

const FIRST: Migration = same(1, "first", "create table other_one (a bigint)");
const FIRST_CHANGED: Migration = same(1, "first", "create table other_one (b bigint)");
const FIRST_RENAMED: Migration = same(1, "one", "create table other_one (a bigint)");
const SECOND: Migration = same(2, "second", "create table other_two (a bigint)");
const THIRD: Migration = same(3, "third", "create table other_three (a bigint)");
const BROKEN: Migration = same(2, "broken", "create table other_half (a bigint); create table other_one (a bigint)");

/// A migration that reads the same on both databases.
pub const fn same(version: i64, name: &'static str, text: &'static str) -> Migration {
    Migration { version, name, sqlite: text, postgres: text }
}

/// A room of the tests with these migrations.
pub fn room(migrations: &'static [Migration]) -> &'static dyn Room {
    Box::leak(Box::new(OtherRoom { name: "other", migrations, kinds: &[] }))
}

/// A database that is opened with one set of rooms after the other.
struct Home {
    location: Location,
    folder: tempfile::TempDir,
}

impl Home {
    fn new(backend: Backend) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { location: new_location(backend, folder.path()), folder }
    }

    fn open(&self, rooms: Vec<&'static dyn Room>) -> Result<Store, StoreError> {
        Store::open(options(&self.location, &self.folder.path().join("blobs"), rooms))
    }

    /// The sentence with which it is not opened.
    fn refusal(&self, rooms: Vec<&'static dyn Room>) -> String {
        self.open(rooms).map(|_| ()).expect_err("refused").to_string()
    }

    fn raw(&self) -> Raw {
        Raw::connect(&self.location)
    }
}

fn a_new_database_is_migrated_once(backend: Backend) {
    let home = Home::new(backend);
    let store = home.open(vec![&ROOM, room(&[FIRST])]).expect("a new database");
    let applied = |store: &Store| -> Vec<(String, i64, String, bool)> {
        let list = crate::world::block_on(store.migrations()).expect("readable");
        list.into_iter().map(|status| (status.room, status.version, status.name, status.applied)).collect()
    };
    let row = |room: &str, version, name: &str| (room.to_owned(), version, name.to_owned(), true);
    let mut expected: Vec<_> =
        SPINE_MIGRATIONS.iter().map(|migration| row("spine", migration.version, migration.name)).collect();
    expected.extend([row("test", 1, "test_room"), row("other", 1, "first")]);
    assert_eq!(applied(&store), expected);
    let before = home.raw().dump();
    home.open(vec![&ROOM, room(&[FIRST])]).expect("nothing to do");
    assert_eq!(home.raw().dump(), before);
    home.open(vec![room(&[FIRST, SECOND]), &ROOM]).expect("one more");
    assert_eq!(home.raw().number("select count(*) from schema_migrations"), expected.len() as i64 + 1);
    assert_eq!(home.raw().number("select count(*) from other_two"), 0);
}

fn a_changed_migration_is_refused(backend: Backend) {
    let home = Home::new(backend);
    home.open(vec![room(&[FIRST, SECOND])]).expect("a new database");
    let before = home.raw().dump();
    let name = home.location.name();
    for changed in [&[FIRST_CHANGED, SECOND], &[FIRST_RENAMED, SECOND]] {
        let told = format!(
            "migration 1 of room other differs from the one that was applied to {name}; the database was made by another build"
        );
        assert_eq!(home.refusal(vec![room(changed)]), told);
    }
    assert_eq!(home.raw().dump(), before);
    // A hole in the history is a change too.
    home.raw().run("delete from schema_migrations where room = 'other' and version = 1");
    assert!(home.refusal(vec![room(&[FIRST, SECOND])]).starts_with("migration 2 of room other differs"));
}

fn a_database_from_the_future_is_refused(backend: Backend) {
    let home = Home::new(backend);
    home.open(vec![&ROOM, room(&[FIRST, SECOND])]).expect("a new database");
    let before = home.raw().dump();
    let name = home.location.name();
    let newer = |room: &str, version: i64| {
        format!(
            "{name} was written by a newer Exhibit (room {room} has migration {version}); install that version to open it"
        )
    };
    assert_eq!(home.refusal(vec![&ROOM, room(&[FIRST])]), newer("other", 2));
    // A whole room that this binary has never heard of.
    assert_eq!(home.refusal(vec![&ROOM]), newer("other", 1));
    assert_eq!(home.refusal(vec![room(&[FIRST, SECOND])]), newer("test", 1));
    assert_eq!(home.raw().dump(), before);
    home.open(vec![&ROOM, room(&[FIRST, SECOND])]).expect("this one knows all");
}

fn migrations_are_numbered_without_a_gap(backend: Backend) {
    let home = Home::new(backend);
    let told = home.refusal(vec![room(&[FIRST, THIRD])]);
    assert_eq!(told, "the migrations of room other are not numbered 1, 2, 3, … without a gap");
    home.open(vec![room(&[FIRST, SECOND, THIRD])]).expect("nothing was written before");
}

fn all_rooms_migrate_or_none(backend: Backend) {
    let home = Home::new(backend);
    let told = home.refusal(vec![&ROOM, room(&[FIRST, BROKEN])]);
    assert!(told.starts_with("statement `script` failed: "), "{told}");
    assert_eq!(home.raw().tables(), Vec::<String>::new(), "not even the spine");
    home.open(vec![&ROOM, room(&[FIRST])]).expect("a new database");
    let before = home.raw().dump();
    home.refusal(vec![&ROOM, room(&[FIRST, BROKEN])]);
    assert_eq!(home.raw().dump(), before);
}

fn a_foreign_database_is_left_alone(backend: Backend) {
    let theirs: &[&str] = match backend {
        Backend::Sqlite => {
            &["create table theirs (a int)", "pragma application_id = 5", "pragma user_version = 3; create table t (a)"]
        }
        Backend::Postgres => &[
            "create table theirs (a int)",
            "create view theirs as select 1",
            // A name that many programs use for theirs.
            "create table schema_migrations (version bigint primary key, dirty boolean not null)",
            "create table schema_migrations (version varchar primary key); create table users (id bigint)",
        ],
    };
    for text in theirs {
        let home = Home::new(backend);
        home.raw().run(text);
        let before = home.raw().dump();
        let told = format!(
            "{} is a database of another program; choose another --home or another database",
            home.location.name()
        );
        assert_eq!(home.refusal(vec![&ROOM]), told, "{text}");
        assert_eq!(home.raw().dump(), before, "{text}");
    }
}

fn a_changed_kind_is_refused(backend: Backend) {
    let home = Home::new(backend);
    let with = |file: &'static str| -> Vec<&'static dyn Room> {
        vec![Box::leak(Box::new(OtherRoom { name: "other", migrations: &[], kinds: Box::leak(Box::new([file])) }))]
    };
    home.open(with(EVENT)).expect("a new database");
    let changed = EVENT.replace("fatal", "x").replace("\"error\"]", "\"error\", \"fatal\"]");
    let told = home.refusal(with(changed.leak()));
    assert_eq!(told, "kind test.event version 1 is already registered with other content; raise its version");
    assert!(home.refusal(with("{}")).starts_with("the kind file is not valid: "));
    home.open(with(EVENT)).expect("as before");
}

/// The bytes of a database that holds something, in one file.
fn whole_database() -> Vec<u8> {
    let world = World::new(Backend::Sqlite);
    for batch in 0..3 {
        world.append_events(&(0..200).map(|index| format!("{batch}-{index}")).collect::<Vec<_>>());
    }
    let Raw::Sqlite(connection) = world.raw() else { unreachable!("a file") };
    let busy: i64 =
        connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0)).expect("a checkpoint");
    assert_eq!(busy, 0);
    std::fs::read(world.folder.path().join("exhibit.db")).expect("the file")
}

fn open_file(path: &Path) -> Result<Store, StoreError> {
    let location = Location::Sqlite { path: path.to_owned(), synchronous: Synchronous::Normal };
    Store::open(options(&location, &path.with_extension("blobs"), vec![&ROOM]))
}

#[test]
fn damaged_files_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("copy.db");
    let whole = whole_database();
    std::fs::write(&path, &whole).expect("our folder");
    assert_eq!(crate::world::verify_store(&open_file(&path).expect("a whole copy")).records, 600);
    let damaged = |bytes: &[u8], reason: &str| {
        let path = folder.path().join(format!("{}.db", exhibit_model::digest::Digest::of(bytes)));
        std::fs::write(&path, bytes).expect("our folder");
        let told = open_file(&path).map(|_| ()).expect_err("damaged").to_string();
        assert_eq!(told, format!("{} is damaged: {reason}; restore it from a backup", path.display()));
        assert_eq!(std::fs::read(&path).expect("our file"), bytes, "it is not made worse");
    };
    let (malformed, none) = ("database disk image is malformed", "file is not a database");
    damaged(b"hello", none);
    damaged("a text that is longer than the head of a database\n".repeat(20).as_bytes(), none);
    damaged(&whole[..50], malformed);
    damaged(&whole[..4096], malformed);
    damaged(&whole[..whole.len() / 2], malformed);
    damaged(&whole[..whole.len() - 4_096], malformed);
    let mut head = whole.clone();
    head[5] ^= 1;
    damaged(&head, none);
    let mut schema = whole.clone();
    schema[100] = 0xFF;
    damaged(&schema, malformed);
}

#[test]
fn places_that_are_no_file_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in [folder.path().to_owned(), folder.path().join("absent/exhibit.db")] {
        let told = open_file(&path).map(|_| ()).expect_err("no file").to_string();
        assert!(told.starts_with(&format!("cannot open the database {}: ", path.display())), "{told}");
    }
}

/// As the owner of nothing, on a read-only mount after a clean end, and on one after a kill.
#[test]
fn read_only_databases_are_told() {
    let told =
        |path: &Path| format!("{} is read-only; make the file and its folder writable for this user", path.display());
    let (said, well) =
        TestChild::start_in(&crate::disk::OWN_MOUNTS, "migrations::opens_on_a_read_only_mount", &json!({}))
            .hear_all("TOLD");
    assert!(well);
    assert_eq!(said, [told(Path::new("/tmp/exhibit.db")), told(Path::new("/tmp/exhibit.db"))]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("exhibit.db");
    std::fs::write(&path, whole_database()).expect("our folder");
    std::fs::create_dir(folder.path().join("blobs")).expect("our folder");
    let mode = |path: &Path, mode: u32| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("our file");
    };
    let location = Location::Sqlite { path: path.clone(), synchronous: Synchronous::Normal };
    let store = store_to_json(&location, &folder.path().join("blobs"));
    let nobody: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let before = if rustix::process::geteuid().is_root() { nobody } else { &[] };
    for (file_mode, folder_mode) in [(0o444, 0o555), (0o444, 0o777), (0o666, 0o555)] {
        mode(&path, file_mode);
        mode(folder.path(), folder_mode);
        let (said, well) = TestChild::start_in(before, "migrations::opens_what_it_is_given", &store).hear_all("TOLD");
        assert!(well);
        assert_eq!(said, [told(&path)], "file {file_mode:o}, folder {folder_mode:o}");
    }
    mode(folder.path(), 0o755);
}

/// A part of the test above: says how a store is refused.
#[test]
fn opens_what_it_is_given() {
    let Some(store) = parameters() else { return };
    let error = Store::open(options_from_json(&store, Synchronous::Full)).map(|_| ()).expect_err("refused");
    tell("TOLD", error);
}

/// A part of the test above, with mounts of its own.
#[test]
fn opens_on_a_read_only_mount() {
    if parameters().is_none() {
        return;
    }
    let path = PathBuf::from("/tmp/exhibit.db");
    for killed in [false, true] {
        crate::disk::mount(&["-t", "tmpfs", "-o", "size=8m", "tmpfs", "/tmp"]);
        std::fs::create_dir(path.with_extension("blobs")).expect("our folder");
        if killed {
            // A copy of a database in use, as a kill leaves it: with its log.
            let world = World::new(Backend::Sqlite);
            world.append_events(&["a".to_owned()]);
            for suffix in ["", "-wal", "-shm"] {
                let from = world.folder.path().join(format!("exhibit.db{suffix}"));
                std::fs::copy(from, format!("{}{suffix}", path.display())).expect("a copy");
            }
        } else {
            std::fs::write(&path, whole_database()).expect("our folder");
        }
        crate::disk::mount(&["--bind", "/tmp", "/tmp"]);
        crate::disk::mount(&["-o", "remount,bind,ro", "/tmp"]);
        tell("TOLD", open_file(&path).map(|_| ()).expect_err("read-only"));
    }
}
