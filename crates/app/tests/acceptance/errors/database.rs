//! Databases and homes that cannot be used: told apart, left alone, and never made worse.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{copy_home, refused, same, small};
use crate::mounts::{Mount, again_with_own_mounts};
use crate::world::{Backend, World, text};

fn sqlite(file: &Path, statements: &str) {
    let output = Command::new("sqlite3").args(["-batch", "-bail"]).arg(file).arg(statements).output();
    let output = output.unwrap_or_else(|error| panic!("sqlite3 does not start ({error}); apt-get install sqlite3"));
    assert!(output.status.success(), "{statements}: {output:#?}");
}

/// From the future, of another build, cut off, foreign, and no database at all.
#[test]
fn databases_that_are_not_ours_are_told_apart_and_left_alone() {
    let world = small(Backend::Sqlite);
    let made = |name: &str| -> (PathBuf, PathBuf) {
        let home = world.path().join(name);
        copy_home(&world, &home);
        let database = home.join("store.sqlite");
        // Into the one file, so that what is done to it counts.
        sqlite(&database, "pragma journal_mode = delete");
        (home, database)
    };
    let (_, future) = made("future");
    sqlite(
        &future,
        "insert into schema_migrations select room, max(version) + 1, 'later', checksum, applied_at from schema_migrations group by room",
    );
    let (_, changed) = made("changed");
    sqlite(&changed, "update schema_migrations set checksum = zeroblob(32)");
    let (_, cut) = made("cut");
    std::fs::File::options().write(true).open(&cut).and_then(|file| file.set_len(20_000)).expect("a shorter file");
    let (_, foreign) = made("foreign");
    std::fs::remove_file(&foreign).expect("no file");
    sqlite(&foreign, "create table songs (title text); insert into songs values ('Blue in Green')");
    let (_, letter) = made("letter");
    std::fs::write(
        &letter,
        "Dear reader, this is a letter and no database. It is long enough to be one, though.\n".repeat(40),
    )
    .expect("a file");
    let (folder, database) = made("folder");
    std::fs::remove_file(&database).expect("no file");
    std::fs::create_dir(folder.join("store.sqlite")).expect("a folder");

    let next = exhibit_store::SPINE_MIGRATIONS.len() + 1;
    let newer =
        format!("was written by a newer Exhibit (room spine has migration {next}); install that version to open it");
    let other_build = "migration 1 of room spine differs from the one that was applied to {top}/changed/store.sqlite; \
                       the database was made by another build";
    let cases = [
        ("future", format!("{{top}}/future/store.sqlite {newer}")),
        ("changed", other_build.to_owned()),
        (
            "cut",
            "{top}/cut/store.sqlite is damaged: database disk image is malformed; restore it from a backup".to_owned(),
        ),
        (
            "foreign",
            "{top}/foreign/store.sqlite is a database of another program; choose another --home or another database"
                .to_owned(),
        ),
        ("letter", "{top}/letter/store.sqlite is damaged: file is not a database; restore it from a backup".to_owned()),
    ];
    for (name, message) in cases {
        let file = world.path().join(name).join("store.sqlite");
        let before = std::fs::read(&file).expect("a file");
        for verb in [&["ls"] as &[&str], &["scan", "archive"], &["verify"]] {
            refused(&world, &[&["--home", name], verb].concat(), 1, &format!("exhibit: {message}"));
        }
        let same = std::fs::read(&file).expect("a file") == before;
        // A look at what was a database of ours, too, may leave it in WAL mode: two bytes of its header.
        assert!(same || matches!(name, "future" | "changed"), "{name} was changed");
    }
    let output = world.exhibit(&["--home", "folder", "ls"]);
    assert_eq!(output.code, 1, "{output:#?}");
    assert!(output.stderr.starts_with("exhibit: "), "{output:#?}");
}

/// A home that is no home.
#[test]
fn homes_that_cannot_be_used_are_refused() {
    let world = World::new(Backend::Sqlite);
    std::fs::write(world.path().join("file"), "a file").expect("a file");
    let message = "exhibit: the home {top}/file is not a folder; choose another with --home";
    refused(&world, &["--home", "file", "ls"], 2, message);
    let message = "exhibit: the home {top}/file/below is not a folder; choose another with --home";
    refused(&world, &["--home", "file/below", "ls"], 2, message);
}

/// A server that is not there; the password in its address is never shown.
#[test]
fn a_postgres_server_that_is_not_there_is_told() {
    let mut world = World::new(Backend::Sqlite);
    let socket = world.path().join("no-server").display().to_string();
    world.set("EXHIBIT_STORE__POSTGRES__URL", &format!("host={socket} user=me password=hush dbname=photos"));
    let message = "exhibit: cannot open the database postgres database `photos`: No such file or directory (os error 2); \
                   is the server running, and is `store.postgres.url` right?";
    refused(&world, &["ls"], 1, message);
    world.set("EXHIBIT_STORE__POSTGRES__URL", "hush");
    let output = world.exhibit(&["ls"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("the address cannot be read") && !output.stderr.contains("hush"), "{output:#?}");
}

/// A home that can only be read: on a read-only file system where this user may mount one, else through its mode.
#[test]
fn a_read_only_home_is_refused() {
    let world = small(Backend::Sqlite);
    let at = world.path().join("still");
    let mount = Mount::new(&at, "size=16m");
    std::fs::create_dir_all(&at).expect("a folder");
    copy_home(&world, &at.join("home"));
    let reason = match &mount {
        Some(mount) => {
            mount.again("ro");
            "Read-only file system (os error 30)"
        }
        None => {
            for folder in ["still/home", "still/home/logs"] {
                std::fs::set_permissions(world.path().join(folder), std::fs::Permissions::from_mode(0o500))
                    .expect("a mode");
            }
            std::fs::remove_file(at.join("home/logs/exhibit.log")).ok();
            "Permission denied (os error 13)"
        }
    };
    let message = format!(
        "exhibit: the home {{top}}/still/home cannot be written: {reason}; make it writable for this user, or choose another with --home"
    );
    for verb in [&["ls"] as &[&str], &["scan", "archive"], &["run", "noop"]] {
        refused(&world, &[&["--home", "still/home"], verb].concat(), 1, &message);
    }
    // Only the database itself: as root a mode is no hindrance, so this is the read-only file system again.
    if let Some(mount) = mount {
        mount.again("rw");
        let elsewhere = world.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).expect("a home");
        let config = format!("[store.sqlite]\npath = \"{}\"\n", at.join("home/store.sqlite").display());
        std::fs::write(elsewhere.join("exhibit.toml"), config).expect("a file");
        mount.again("ro");
        let output = world.exhibit(&["--home", "elsewhere", "scan", "archive"]);
        let message =
            "exhibit: {top}/still/home/store.sqlite is read-only; make the file and its folder writable for this user";
        same(&world, &output, 1, message, "a read-only database");
    }
}

/// I6: a full disk stops a run with its reason; what was acknowledged is there, and with room it goes on to the end.
#[test]
fn a_full_disk_loses_nothing_and_the_run_goes_on() {
    let mut world = World::new(Backend::Sqlite);
    let at = world.path().join("small");
    let Some(_mount) = Mount::new(&at, "size=40m") else {
        return again_with_own_mounts("errors::database::a_full_disk_loses_nothing_and_the_run_goes_on");
    };
    world.archive_of_small_files(1_500);
    let home = at.join("home").display().to_string();
    world.set("EXHIBIT_HOME", &home);
    // Here the disk fills up before anyone looks.
    world.set("EXHIBIT_ENGINE__DISK_RESERVE", "0");
    let no_space = "exhibit: no space left on the device of {top}/small/home/store.sqlite; make room and run the command \
                    again, nothing that was acknowledged is lost";
    let scanned = world.exhibit(&["scan", "archive"]);
    assert_eq!(scanned.code, 0, "{scanned:#?}");
    // The beginning of a run fits, the rest does not: it takes some five MiB. How much the scan took depends on how often it committed. Room is
    // made by removing the reserve: a user namespace does not allow to mount again with another size.
    let reserve = at.join("reserve");
    let found = rustix::fs::statvfs(&at).expect("a file system");
    let free = usize::try_from(found.f_bavail * found.f_frsize).expect("40 MiB");
    std::fs::write(&reserve, vec![1; free - 600 * 1024]).expect("a reserve");
    let mut output = world.exhibit(&["run", "noop"]);
    let status = world.json(&["run", "show", "latest"]);
    let run = text(&status["run"]);
    let (warning, rest) = output.stderr.split_once('\n').expect("two lines");
    assert!(warning.starts_with("warning: the results may need about "), "{warning}");
    output.stderr = rest.to_owned();
    same(&world, &output, 1, &format!("{no_space}; then `exhibit resume {run}` goes on with the run"), "a full disk");
    let before = world.artifacts(&run);
    assert!(before.len() < 1_500, "{}", before.len());
    world.verify_clean();
    // A scan has no room either, and says so.
    std::fs::create_dir(world.path().join("more")).expect("a folder");
    for index in 0..3_000 {
        std::fs::write(world.path().join(format!("more/{index:0200}")), index.to_string()).expect("a file");
    }
    let output = world.exhibit(&["scan", "more"]);
    same(&world, &output, 1, no_space, "a full disk");

    std::fs::remove_file(&reserve).expect("room is made");
    let resumed = world.exhibit(&["resume", &run]);
    assert_eq!(resumed.code, 0, "{resumed:#?}");
    let after = world.artifacts(&run);
    assert_eq!(after.len(), 1_500);
    assert!(before.iter().all(|artifact| after.contains(artifact)), "what was acknowledged is as it was");
    world.ok(&["scan", "more"]);
    world.verify_clean();
}
