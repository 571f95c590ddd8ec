//! Rails: room that runs out, sources that go, bytes that rot.

use serde_json::Value;

use crate::mounts::{Mount, again_with_own_mounts};
use crate::world::{Backend, World, items, text};

both_backends! {
    ar_11_drill_c_a_full_quota_blocks_and_goes_on_when_there_is_room,
    ar_11_drill_c_without_waiting_the_rest_is_left_blocked,
    ar_21_a_renamed_mount_costs_nothing,
    ar_21_a_source_that_goes_midway_blocks_its_units,
    ar_21_an_unmounted_source_blocks_its_units,
    a_folder_that_is_not_the_source_is_refused,
    rotten_bytes_are_told_before_they_are_used,
}

/// Drill C: over the quota of blobs the run waits with `blocked(disk)`; reads work; when room is made, it goes on by itself.
fn ar_11_drill_c_a_full_quota_blocks_and_goes_on_when_there_is_room(backend: Backend) {
    let mut world = World::new(backend);
    world.set("EXHIBIT_ENGINE__SANDBOX_DAYS", "0");
    world.set("EXHIBIT_BLOBS__GRACE_S", "0");
    world.sample(16, 0);
    let sandbox = ["run", "basics", "--policy", "sandbox", "--set", "thumbnail.quality=100"];
    let sandbox = text(&world.json(&sandbox)["run"]);
    let used = world.json(&["verify"])["blob_bytes"].as_u64().expect("a number");
    // The blobs of the first run alone are more than the quota of the second.
    let quota = used >> 20;
    assert!(quota >= 1, "the sample makes only {used} bytes of blobs");
    let before = world.json(&["fingerprint", "archive"]);
    world.set("EXHIBIT_BLOBS__QUOTA_MIB", &quota.to_string());
    // Its own blobs are far below the quota: with 99 they are 7 kB above it, and whether anybody looked before the end would decide.
    let host = world.start(&["run", "basics", "--workers", "2", "--set", "thumbnail.quality=80"]);
    let blocked =
        world.wait_for_run("latest", "blocked", |status| status.run != sandbox && status.count("blocked") > 0);
    let reasons = items_of(&blocked.document["reasons"]);
    assert!(reasons.iter().any(|reason| reason["reason"] == "disk"), "{reasons:?}");
    blocked.check();
    assert!(!world.json(&["ls"])["items"].as_array().expect("a list").is_empty(), "reading works");
    world.ok(&["clean", "--apply"]);
    let output = host.wait();
    assert!(matches!(output.code, 0 | 3), "{output:?}");
    let status = world.run_status(&blocked.run);
    status.check();
    assert_eq!(status.count("blocked") + status.count("pending"), 0, "{status:?}");
    assert!(status.count("done") > 16, "{status:?}");
    assert_eq!(world.json(&["fingerprint", "archive"]), before);
    world.verify_clean();
}

fn items_of(list: &Value) -> Vec<Value> {
    list.as_array().expect("a list").clone()
}

fn ar_11_drill_c_without_waiting_the_rest_is_left_blocked(backend: Backend) {
    let mut world = World::new(backend);
    world.archive_of_small_files(50);
    world.set("EXHIBIT_ENGINE__DISK_RESERVE", "99%");
    world.set("EXHIBIT_ENGINE__DISK_WAIT_S", "0");
    let output = world.exhibit(&["run", "noop"]);
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.stderr.starts_with("warning: the results may need about "), "{output:?}");
    let status = world.run_status("latest");
    assert_eq!((status.state.as_str(), status.count("blocked")), ("partial", 50), "{status:?}");
    world.set("EXHIBIT_ENGINE__DISK_RESERVE", "0");
    world.ok(&["resume", &status.run]);
    assert_eq!(world.run_status(&status.run).count("done"), 50);
    world.verify_clean();
}

/// Drill C on a small disk: below the reserve the run waits, and goes on when a file was removed.
#[test]
fn ar_11_drill_c_a_full_disk_blocks_and_goes_on_when_there_is_room() {
    let mut world = World::new(Backend::Sqlite);
    let at = world.path().join("small");
    let Some(_mount) = Mount::new(&at, "size=64m") else {
        return again_with_own_mounts("rails::ar_11_drill_c_a_full_disk_blocks_and_goes_on_when_there_is_room");
    };
    world.archive_of_small_files(400);
    world.set("EXHIBIT_HOME", &at.join("home").display().to_string());
    world.set("EXHIBIT_ENGINE__DISK_RESERVE", "40MiB");
    world.ok(&["scan", "archive"]);
    let host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=20"]);
    let run = world.wait_for_run("latest", "begun", |status| status.count("done") > 0).run;
    let filler = at.join("filler");
    std::fs::write(&filler, vec![1; 30 << 20]).expect("a file");
    let blocked = world.wait_for_run(&run, "blocked", |status| status.count("blocked") > 0);
    blocked.check();
    let log = std::fs::read_to_string(at.join("home/logs/exhibit.log")).expect("a log");
    assert!(log.contains("there is no room; the run waits"), "{log}");
    std::fs::remove_file(&filler).expect("room");
    assert_eq!(host.wait().code, 0);
    assert_eq!(world.run_status(&run).count("done"), 400);
    world.verify_clean();
}

fn move_archive(world: &World, to: &str) {
    std::fs::rename(world.archive(), world.path().join(to)).expect("moved");
}

/// AR-21: a renamed mount: nothing is read, nothing is done again, nothing is lost.
fn ar_21_a_renamed_mount_costs_nothing(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(300);
    let first = text(&world.json(&["run", "noop"])["run"]);
    let facts = world.artifacts(&first).len();
    move_archive(&world, "renamed");
    // Nothing becomes missing because a folder has gone.
    let gone = world.exhibit(&["scan", "archive"]);
    assert_eq!(gone.code, 2, "{gone:?}");
    let moved = world.json(&["sources", "move", "archive", "renamed"]);
    assert_eq!((&moved["looked_for"], &moved["found"]), (&150.into(), &150.into()));
    let scanned = world.json(&["scan", "renamed"]);
    assert_eq!((&scanned["name"], &scanned["files_read"]), (&"archive".into(), &0.into()));
    assert_eq!((&scanned["missing"], &scanned["new_assets"]), (&0.into(), &0.into()));
    let again = world.json(&["run", "noop"]);
    assert_eq!((&again["units"]["reused"], &again["scope"]), (&300.into(), &300.into()));
    assert_eq!(world.artifacts(&first).len(), facts);
    // Who scans the new place as if it were new pays for reading, not for extracting.
    std::fs::rename(world.path().join("renamed"), world.path().join("elsewhere")).expect("moved");
    let scanned = world.json(&["scan", "elsewhere"]);
    assert_eq!((&scanned["files_read"], &scanned["new_assets"]), (&300.into(), &0.into()));
    let once_more = world.json(&["run", "noop"]);
    assert_eq!(once_more["units"]["done"], Value::Null, "{once_more}");
    world.verify_clean();
}

/// AR-21: a source that goes while a run is at work blocks its units, and `resume` finishes when it is back.
fn ar_21_a_source_that_goes_midway_blocks_its_units(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(200);
    let host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=15"]);
    let run = world.wait_for_run("latest", "begun", |status| status.count("done") > 0).run;
    move_archive(&world, "away");
    let output = host.wait();
    assert_eq!(output.code, 3, "{output:?}");
    let status = world.run_status(&run);
    assert_eq!(status.state, "partial");
    assert!(status.count("blocked") > 0 && status.count("failed") == 0, "{status:?}");
    let reasons = items_of(&status.document["reasons"]);
    assert!(reasons.iter().all(|reason| reason["reason"] == "source-offline"), "{reasons:?}");
    assert_eq!(items(world.json(&["sources"]))[0]["online"], false);
    let paths = items(world.json(&["ls", "--limit", "1000"]));
    assert_eq!(paths.len(), 200, "nothing is missing because a mount has gone");
    std::fs::rename(world.path().join("away"), world.archive()).expect("back");
    world.ok(&["resume", &run]);
    let status = world.run_status(&run);
    assert_eq!((status.count("done"), status.count("blocked")), (200, 0), "{status:?}");
    world.verify_clean();
}

/// A mount point without its mount is an empty folder: its units wait, they do not fail.
fn ar_21_an_unmounted_source_blocks_its_units(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(20);
    move_archive(&world, "unmounted");
    std::fs::create_dir(world.archive()).expect("an empty mount point");
    let output = world.exhibit(&["run", "noop"]);
    assert_eq!(output.code, 3, "{output:?}");
    let status = world.run_status("latest");
    assert_eq!((status.count("blocked"), status.count("failed")), (20, 0), "{status:?}");
    std::fs::remove_dir(world.archive()).expect("an empty folder");
    std::fs::rename(world.path().join("unmounted"), world.archive()).expect("back");
    world.ok(&["resume", &status.run]);
    assert_eq!(world.run_status(&status.run).count("done"), 20);
}

fn a_folder_that_is_not_the_source_is_refused(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(20);
    let other = world.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    std::fs::write(other.join("file"), "something else").expect("a file");
    let refused = world.exhibit(&["sources", "move", "archive", "other"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("does not look like the source archive: of 20 of its files 0 are there"),
        "{refused:?}"
    );
    let missing = world.exhibit(&["sources", "move", "archive", "nowhere"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    let home = world.exhibit(&["sources", "move", "archive", "home"]);
    assert!(home.code == 2 && home.stderr.contains("lie in each other"), "{home:?}");
    world.ok(&["scan", "other"]);
    let taken = world.exhibit(&["sources", "move", "archive", "other"]);
    assert!(taken.code == 2 && taken.stderr.contains("is the source other already"), "{taken:?}");
}

fn rotten_bytes_are_told_before_they_are_used(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(10);
    let victim = text(&items(world.json(&["ls"]))[3]["path"]);
    let path = world.archive().join(&victim);
    let modified = std::fs::metadata(&path).and_then(|found| found.modified()).expect("a time");
    let mut bytes = std::fs::read(&path).expect("a file");
    bytes[0] ^= 1;
    std::fs::write(&path, bytes).expect("a rotten file");
    std::fs::File::options()
        .append(true)
        .open(&path)
        .and_then(|file| file.set_modified(modified))
        .expect("the old time");
    let trusting = world.json(&["run", "noop"]);
    assert_eq!(trusting["units"]["done"], 10);
    let output = world.exhibit(&["run", "noop", "--verify-inputs", "--recompute", "--json"]);
    assert_eq!(output.code, 3, "{output:?}");
    let status = output.json();
    assert_eq!((&status["units"]["done"], &status["units"]["failed"]), (&9.into(), &1.into()));
    assert_eq!(status["reasons"][0]["reason"], "input-rotten");
    let artifact = text(&world.artifacts(&text(&status["run"]))[0]["artifact_id"]);
    assert_eq!(world.json(&["explain", &artifact])["made"]["host"]["input_check"], "sha256");
    let told = world.json(&["sources", "archive"]);
    assert_eq!(
        (&told["not_taken_in"][0]["code"], &told["not_taken_in"][0]["path"]),
        (&"bit-rot".into(), &victim.into())
    );
}
