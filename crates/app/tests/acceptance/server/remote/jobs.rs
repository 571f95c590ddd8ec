//! Long work on a server: checked, made again, exported, tidied up; and its ledger, its audit and its sources.

use std::process::Command;

use serde_json::{Value, json};

use super::Far;
use crate::world::{Backend, World, text};

both_backends! {
    the_evidence_is_checked_as_on_the_home,
    ar_19_an_export_is_fetched_whole_or_not_at_all,
    what_had_its_time_goes_as_on_the_home,
    a_moved_source_and_the_audit_are_told_as_on_the_home,
}

fn with_pictures(backend: Backend) -> (World, String) {
    let world = World::new(backend);
    world.sample(4, 0);
    let run = text(&world.json(&["run", "basics"])["run"]);
    (world, run)
}

fn the_evidence_is_checked_as_on_the_home(backend: Backend) {
    let (world, run) = with_pictures(backend);
    let picture = world.artifacts(&run).into_iter().find(|artifact| artifact["kind"] == "image.thumbnail");
    let picture = text(&picture.expect("a thumbnail")["artifact_id"]);
    let far = Far::new(world);
    for arguments in [
        &["verify"] as &[&str],
        &["verify", "--no-blobs"],
        &["verify", &picture],
        &["replay", &picture],
        &["ledger", "checkpoint"],
        &["ledger", "key"],
    ] {
        far.says_the_same(arguments);
    }
    let checkpoint = far.json(&["ledger", "checkpoint"]);
    let note = far.world.path().join("note");
    std::fs::write(&note, text(&checkpoint["note"])).expect("a note");
    let (note, key) = (note.display().to_string(), text(&checkpoint["key"]));
    far.json(&["run", "noop"]);
    far.says_the_same(&["verify", "--checkpoint", &note, "--key", &key]);
    let other = World::new(Backend::Sqlite).json(&["ledger", "key"]);
    for wrong in [text(&other["key"]), "no key".to_owned()] {
        let arguments = ["verify", "--checkpoint", &note, "--key", &wrong];
        let (here, there) = (far.world.exhibit(&arguments), far.exhibit(&arguments));
        assert_eq!((here.code, here.stderr), (there.code, there.stderr), "{wrong}");
    }
    for unknown in [&["verify", "art_x"] as &[&str], &["replay", "art_x"]] {
        let (here, there) = (far.world.exhibit(unknown), far.exhibit(unknown));
        assert_eq!((here.code, here.stderr), (there.code, there.stderr));
    }
    let blobs = Command::new("find").arg(far.world.home().join("blobs")).args(["-type", "f"]).output().expect("find");
    let blob = String::from_utf8(blobs.stdout).expect("paths").lines().next().expect("a blob").to_owned();
    std::fs::remove_file(blob).expect("it was there");
    far.says_the_same(&["verify"]);
    assert_eq!(far.exhibit(&["verify"]).code, 1);
}

fn ar_19_an_export_is_fetched_whole_or_not_at_all(backend: Backend) {
    let (world, _) = with_pictures(backend);
    let asset = text(&world.json(&["ls", "--limit", "1"])["items"][0]["asset_id"]);
    let far = Far::new(world);
    let folder = far.world.path().join("fetched");
    std::fs::create_dir(&folder).expect("a folder");
    let (all, one) = (folder.join("all.zip"), folder.join("one.zip"));
    let export = |more: &[&str], to: &std::path::Path| {
        far.exhibit(&[&["export", "--to", &to.display().to_string()], more].concat())
    };
    let made = export(&["--json"], &all);
    let report = made.json();
    assert_eq!((made.code, &report["format"], &report["failed"]), (0, &json!("zip"), &json!(0)), "{made:?}");
    assert_eq!(report["target"], all.display().to_string());
    let here = far.world.path().join("here.zip");
    let mut same = far.world.json(&["export", "--to", &here.display().to_string()]);
    same["target"] = report["target"].clone();
    assert_eq!(report, same, "what the home says of its own");
    let unpacked = Command::new("python3").args(["-m", "zipfile", "-e"]).args([&all, &folder.join("all")]).status();
    assert!(unpacked.expect("python3 starts").success());
    let mut check = Command::new("sha256sum");
    check.args(["--quiet", "-c", "manifest-sha256.txt"]).current_dir(folder.join("all"));
    assert!(check.status().expect("sha256sum starts").success());
    let made = export(&["--assets", &asset[..20], "--what", "originals"], &one);
    assert!(made.code == 0 && made.stdout.contains("1 originals, 0 facts"), "{made:?}");
    for (to, more, why) in [
        (one.clone(), &[] as &[&str], "is there already"),
        (folder.join("nowhere/x.zip"), &[], "there is no folder"),
        (folder.join("folder"), &[], "a server makes zip files"),
        (folder.join("x.zip"), &["--format", "folder"], "a server makes zip files"),
        (folder.join("x.zip"), &["--format", "manifest"], "a server makes zip files"),
        (folder.join("x.zip"), &["--assets", "ast_ffffffff"], "there is no asset"),
        (folder.join("x.zip"), &["--collection", "nothing"], "nothing"),
    ] {
        let refused = export(more, &to);
        assert!(refused.code == 2 && refused.stderr.contains(why), "{why}: {refused:?}");
    }
    let mut left: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["all", "all.zip", "one.zip"], "nothing else is left");
}

fn what_had_its_time_goes_as_on_the_home(backend: Backend) {
    let (world, run) = with_pictures(backend);
    let trial = world.json(&["run", "basics", "--policy", "sandbox", "--recompute", "--set", "thumbnail.quality=40"]);
    let trial = text(&trial["run"]);
    let far = Far::new(world);
    far.says_the_same(&["clean"]);
    far.says_the_same(&["clean", "--run", &trial]);
    let refused = far.exhibit(&["clean", "--run", &run]);
    assert!(refused.code == 1 && refused.stderr.contains("count; they never go"), "{refused:?}");
    assert_eq!(refused.stderr, far.world.exhibit(&["clean", "--run", &run]).stderr);
    let cleaned: Value = far.json(&["clean", "--run", &trial, "--apply"]);
    assert!(cleaned["applied"] == true && cleaned["erased"].as_i64() > Some(0), "{cleaned}");
    assert_eq!(cleaned["runs"][0]["run"], trial.as_str());
    far.says_the_same(&["clean"]);
    far.world.verify_clean();
}

fn a_moved_source_and_the_audit_are_told_as_on_the_home(backend: Backend) {
    let mut world = World::new(backend);
    world.archive_of_small_files(9);
    world.set("EXHIBIT_SERVER__SOURCES_ALLOWED", &format!("[{:?}]", world.path().display().to_string()));
    let far = Far::new(world);
    let moved = far.world.path().join("moved");
    std::fs::rename(far.world.archive(), &moved).expect("a new name");
    let moved = moved.display().to_string();
    let relative = far.exhibit(&["sources", "move", "archive", "moved"]);
    assert!(relative.code == 2 && relative.stderr.contains("from the root"), "{relative:?}");
    let said = far.exhibit(&["sources", "move", "archive", &moved]);
    assert!(said.code == 0 && said.stdout.contains("9 of 9 files looked for are there"), "{said:?}");
    far.says_the_same(&["sources"]);
    assert_eq!(far.json(&["scan", "archive"])["files_read"], 0, "nothing is read again");
    far.says_the_same(&["audit"]);
    far.says_the_same(&["audit", "--limit", "1"]);
    let audit = far.exhibit(&["audit"]).stdout;
    assert!(audit.contains("/v1/sources/archive/move"), "{audit}");
}
