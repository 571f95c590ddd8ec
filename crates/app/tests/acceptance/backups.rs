//! Backup and restore through the real program: taken while a run writes, checked to the last byte, and never half under its final name.

use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::chance::Chance;
use crate::exports::{checks, files_below, remove};
use crate::world::{Backend, Output, World, items, text};

/// Restores into `home2` and says how that ended.
fn restore(world: &World, backup: &str) -> Output {
    world.exhibit(&["restore", backup, "--home", "home2"])
}

/// A backup that was taken in the middle of a run is one consistent state: it verifies, and the run goes on in the restored home.
#[test]
fn a_backup_taken_while_a_run_writes_restores_to_a_home_that_goes_on() {
    const FILES: usize = 400;
    let mut world = World::new(Backend::Sqlite);
    world.archive_of_small_files(FILES);
    world.ok(&["ledger", "key"]);
    let host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=10"]);
    let run = world.wait_for_run("latest", "midway", |status| status.count("done") >= 20).run;
    let made = world.json(&["backup", "saved"]);
    let meanwhile = world.run_status(&run);
    let output = host.wait();
    assert_eq!(output.code, 0, "the run is not disturbed: {output:?}");
    assert!(meanwhile.ended() < meanwhile.scope, "the run went on after the backup: {meanwhile:?}");
    let saved = world.path().join("saved");
    checks(&saved);
    let records = made["records"].as_u64().expect("a count");
    assert!((20..FILES as u64).contains(&records), "{made}");

    let restored = world.json(&["restore", "saved", "--home", "home2"]);
    assert_eq!((&restored["records"], &restored["root"]), (&made["records"], &made["root"]));
    let before = world.artifacts(&run);
    world.set("EXHIBIT_HOME", &world.path().join("home2").display().to_string());
    world.verify_clean();
    let found = world.artifacts(&run);
    assert_eq!(found.len() as u64, records);
    assert!(found.iter().all(|fact| before.contains(fact)), "a fact is not the one that the run made");
    // The hosts of the old home are not of this world: the run goes on at once.
    let resumed = world.exhibit(&["resume", &run]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(world.run_status(&run).count("done"), FILES as i64);
    assert_eq!(world.artifacts(&run).len(), FILES);
    world.verify_clean();
    assert_eq!(world.ok(&["ledger", "key"]), world.ok(&["--home", "home", "ledger", "key"]), "the key is the same");
}

/// A world with a backup `saved` that has a file of each kind.
fn saved() -> World {
    let world = World::new(Backend::Sqlite);
    world.sample(6, 0);
    world.json(&["run", "basics"]);
    world.ok(&["ledger", "key"]);
    std::fs::write(world.home().join("exhibit.toml"), "[engine]\nworkers = 2\n").expect("a file");
    let plugin = world.home().join("plugins/mine/run.sh");
    std::fs::create_dir_all(plugin.parent().expect("a folder")).expect("a folder");
    std::fs::write(&plugin, "#!/bin/sh\n").expect("a file");
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    world.ok(&["backup", "saved"]);
    world
}

/// Everything of the home is there again, with its mode; and a backup into a source or the home, or over something, is refused.
#[test]
fn a_restored_home_has_everything_and_targets_are_checked() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = saved();
    checks(&world.path().join("saved"));
    world.ok(&["restore", "saved", "--home", "home2"]);
    let home = world.path().join("home2");
    for name in ["exhibit.toml", "id", "keys/ledger.key", "plugins/mine/run.sh"] {
        let same = std::fs::read(home.join(name)).expect(name) == std::fs::read(world.home().join(name)).expect(name);
        assert!(same, "{name}");
        let mode = |folder: &Path| std::fs::metadata(folder.join(name)).expect(name).permissions().mode();
        assert_eq!(mode(&home), mode(&world.home()), "{name}");
    }
    assert_eq!(std::fs::metadata(&home).expect("a home").permissions().mode() & 0o777, 0o700);
    let listed = |home: &str| items(world.json(&["--home", home, "ls", "--limit", "1000"]));
    assert_eq!(listed("home2"), listed("home"));
    world.ok(&["--home", "home2", "verify"]);

    let refused = |arguments: &[&str], said: &str| {
        let output = world.exhibit(arguments);
        assert_eq!(output.code, 2, "{arguments:?}: {output:#?}");
        assert!(output.stderr.contains(said), "{arguments:?}: {output:#?}");
    };
    refused(&["backup", "archive/here"], "lie in each other");
    refused(&["backup", "home/here"], "lie in each other");
    refused(&["backup", "saved"], "is a folder that is not empty");
    refused(&["restore", "saved"], "is a folder that is not empty");
    refused(&["restore", "saved", "--home", "saved/inner"], "lie in each other");
    refused(&["restore", "saved", "--home", "archive/inner"], "lie in each other");
    refused(&["restore", "archive", "--home", "home3"], "it is no whole backup");
    assert!(!world.path().join("home3").exists() && !world.archive().join("inner").exists());
}

/// A configuration that names a database elsewhere would let two homes write to one.
#[test]
fn a_restored_home_never_leads_to_the_database_of_the_old_one() {
    let mut world = World::new(Backend::Sqlite);
    let elsewhere = world.path().join("elsewhere.sqlite");
    let config = format!("[store.sqlite]\npath = \"{}\"\n", elsewhere.display());
    std::fs::create_dir(world.home()).expect("a folder");
    std::fs::write(world.home().join("exhibit.toml"), config).expect("a file");
    world.archive_of_small_files(2);
    world.ok(&["backup", "saved"]);
    let output = restore(&world, "saved");
    assert_eq!(output.code, 3, "{output:#?}");
    assert!(output.stderr.contains("exhibit.toml.from-backup and is not used"), "{output:#?}");
    let home = world.path().join("home2");
    assert!(!home.join("exhibit.toml").exists() && home.join("exhibit.toml.from-backup").exists());
    remove(&elsewhere);
    assert_eq!(items(world.json(&["--home", "home2", "ls"])).len(), 2);
    world.set("EXHIBIT_STORE__SQLITE__PATH", &elsewhere.display().to_string());
    let output = world.exhibit(&["restore", "saved", "--home", "home3"]);
    assert_eq!(output.code, 2, "{output:#?}");
    assert!(output.stderr.contains("unset it"), "{output:#?}");
}

/// One byte flipped in each kind of file, a file too few, a file too many, a list cut short: refused, the file is named, nothing is left.
#[test]
fn a_damaged_backup_is_refused_and_the_file_is_named() {
    let world = saved();
    let folder = world.path().join("saved");
    let is_blob = |file: &&PathBuf| file.starts_with("blobs");
    let blob = files_below(&folder).iter().find(is_blob).expect("a blob").display().to_string();
    let kinds = [
        "store.sqlite",
        blob.as_str(),
        "keys/ledger.key",
        "id",
        "exhibit.toml",
        "plugins/mine/run.sh",
        "backup.json",
        "manifest-sha256.txt",
    ];
    for name in kinds {
        let file = folder.join(name);
        let whole = std::fs::read(&file).expect("a file");
        for place in [0, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            std::fs::write(&file, bytes).expect("a flipped bit");
            // A flipped digit or name in the list is told by the file that it then does not fit.
            refused(&world, (name != "manifest-sha256.txt").then_some(name), &format!("byte {place} of {name}"));
        }
        std::fs::write(&file, &whole[..whole.len() - 1]).expect("a shorter file");
        refused(&world, (name != "manifest-sha256.txt").then_some(name), &format!("{name} cut short"));
        remove(&file);
        refused(&world, Some(name), &format!("{name} gone"));
        std::fs::write(&file, &whole).expect("as it was");
    }
    let manifest = folder.join("manifest-sha256.txt");
    let lines = std::fs::read_to_string(&manifest).expect("a manifest");
    for left_out in lines.lines() {
        // One of each kind is enough: after the first blob, only what is none.
        if left_out.contains("  blobs/") && !left_out.ends_with(&blob) {
            continue;
        }
        std::fs::write(&manifest, lines.replace(&format!("{left_out}\n"), "")).expect("a manifest");
        refused(&world, left_out.get(66..), "a line too few");
    }
    std::fs::write(&manifest, &lines).expect("as it was");
    std::fs::write(folder.join("stranger"), "x").expect("a file");
    refused(&world, Some("stranger"), "a file too many");
    remove(&folder.join("stranger"));
    let output = restore(&world, "saved");
    assert_eq!(output.code, 0, "it was only the damage: {output:#?}");
}

#[track_caller]
fn refused(world: &World, named: Option<&str>, what: &str) {
    let output = restore(world, "saved");
    assert!(matches!(output.code, 1 | 2), "{what}: {output:#?}");
    assert!(named.is_none_or(|name| output.stderr.contains(name)), "{what}: {output:#?}");
    assert!(!output.stderr.contains("panicked"), "{what}: {output:#?}");
    let left = ["home2", "home2.partial"].map(|name| world.path().join(name).exists());
    assert_eq!(left, [false, false], "{what}: {output:#?}");
}

/// A home that lost a blob can still be backed up, and says so; the restored one has the same loss and no other.
#[test]
fn a_damaged_home_is_backed_up_with_its_problems_named() {
    let world = saved();
    remove(&world.path().join("saved"));
    let blob = files_below(&world.home().join("blobs")).into_iter().find(|file| file.iter().count() == 2);
    let blob = world.home().join("blobs").join(blob.expect("a blob"));
    let digest = blob.file_name().expect("a name").to_string_lossy().into_owned();
    remove(&blob);
    let output = world.exhibit(&["backup", "saved", "--json"]);
    assert_eq!(output.code, 3, "{output:#?}");
    let problems = output.json()["problems"].as_array().expect("problems").clone();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(text(&problems[0]).contains(&digest), "{problems:?}");
    let output = restore(&world, "saved");
    assert_eq!(output.code, 3, "{output:#?}");
    let verified = world.exhibit(&["--home", "home2", "verify", "--json"]);
    assert_eq!((verified.code, verified.json()["problem_count"].as_u64()), (1, Some(1)), "{verified:#?}");
}

/// While a backup copies, the collector lets every blob be; afterwards it does its work.
#[test]
fn the_collector_waits_for_a_backup() {
    let mut world = World::new(Backend::Sqlite);
    world.set("EXHIBIT_BLOBS__GRACE_S", "0");
    world.sample(6, 0);
    let run = text(&world.json(&["run", "basics", "--policy", "sandbox"])["run"]);
    let blobs = world.home().join("blobs");
    let count = || files_below(&blobs).iter().filter(|file| file.iter().count() == 2).count();
    let before = count();
    assert!(before > 0);
    // As a backup holds it; the kernel lets go of it with the process, however that ends.
    let lock = std::fs::File::open(&blobs).expect("a folder");
    flock(&lock, FlockOperation::LockShared).expect("a lock");
    let said = world.ok(&["clean", "--run", &run, "--apply"]);
    assert!(said.contains("blobs wait, because a backup is being made"), "{said}");
    assert_eq!(count(), before);
    // Several backups may hold at a time.
    world.ok(&["backup", "saved"]);
    drop(lock);
    let said = world.ok(&["clean", "--apply"]);
    assert!(said.contains(&format!("{before} blobs")), "{said}");
    assert_eq!(count(), 0);
    world.verify_clean();
    // The backup was of the state before: everything that its database names is in it.
    world.ok(&["restore", "saved", "--home", "home2"]);
    world.ok(&["--home", "home2", "verify"]);
}

/// Kills at random points of backup and restore: under the final name lies nothing or everything.
#[test]
fn a_killed_backup_or_restore_leaves_no_half_result_under_its_name() {
    const KILLS: usize = 10;
    let mut chance = Chance::new(0xbac0_0b5e);
    let world = World::new(Backend::Sqlite);
    world.sample(6, 0);
    world.json(&["run", "basics"]);
    world.ok(&["backup", "saved"]);
    let cases: [(&[&str], &str); 2] =
        [(&["backup", "again"], "again"), (&["restore", "saved", "--home", "home2"], "home2")];
    for (arguments, name) in cases {
        let (target, partial) = (world.path().join(name), world.path().join(format!("{name}.partial")));
        let mut interrupted = 0;
        for _ in 0..KILLS {
            let running = world.start(arguments);
            chance.spin_long();
            running.kill();
            if target.exists() {
                match name {
                    "again" => checks(&target),
                    _ => drop(world.ok(&["--home", name, "verify"])),
                }
                remove(&target);
            }
            if partial.exists() {
                interrupted += 1;
                let output = world.exhibit(arguments);
                assert_eq!(output.code, 2, "{output:#?}");
                assert!(output.stderr.contains("was interrupted, or is still running"), "{output:#?}");
                remove(&partial);
            }
        }
        println!("{interrupted} of {KILLS} of {arguments:?} were interrupted while they wrote");
        world.ok(arguments);
        remove(&target);
    }
    world.verify_clean();
}

/// A server has tools of its own; they are named.
#[test]
fn a_backup_of_postgresql_names_the_tools_for_it() {
    let world = World::new(Backend::Postgres);
    world.archive_of_small_files(2);
    let output = world.exhibit(&["backup", "saved"]);
    assert_eq!(output.code, 2, "{output:#?}");
    for word in ["pg_dump", "blobs", "keys", "docs/runbooks/backup.md"] {
        assert!(output.stderr.contains(word), "{word}: {output:#?}");
    }
    assert!(!world.path().join("saved").exists() && !world.path().join("saved.partial").exists());
}
