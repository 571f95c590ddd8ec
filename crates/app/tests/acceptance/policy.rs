//! Sandbox runs: apart, promoted, expired, discarded. And runs that wait.

use serde_json::Value;

use crate::world::{Backend, World, text};

both_backends! {
    ar_13_a_sandbox_run_stands_apart_until_it_is_promoted,
    ar_13_an_expired_sandbox_run_leaves_leaves_and_tombstones,
    a_discarded_run_is_previewed_first,
    a_paused_run_waits_and_goes_on,
}

fn facts(world: &World, asset: &str, more: &[&str]) -> Vec<Value> {
    let shown = world.json(&[&["show", asset], more].concat());
    shown["facts"].as_array().expect("facts").clone()
}

fn run_of(document: &Value) -> String {
    text(&document["run"])
}

fn first_asset(world: &World) -> String {
    text(&world.json(&["ls"])["items"][0]["asset_id"])
}

/// AR-13: a sandbox artifact never answers a production question, a promotion (a record) makes it answer.
fn ar_13_a_sandbox_run_stands_apart_until_it_is_promoted(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(4);
    let asset = first_asset(&world);
    let sandbox = run_of(&world.json(&["run", "noop", "--policy", "sandbox"]));
    assert_eq!(facts(&world, &asset, &[]).len(), 0);
    assert_eq!(facts(&world, &asset, &["--sandbox"]).len(), 1);
    let artifact = text(&world.artifacts(&sandbox)[0]["artifact_id"]);
    assert_eq!(world.json(&["explain", &artifact])["made"]["policy"], "sandbox");
    // Nothing leans on what may go: neither production nor another sandbox.
    let production = world.json(&["run", "noop"]);
    assert_eq!(production["units"]["done"], 4);
    assert_eq!(facts(&world, &asset, &[]).len(), 1);
    let records = world.json(&["verify"])["records"].as_i64().expect("a number");
    let promoted = world.json(&["promote", &sandbox]);
    assert_eq!(promoted["seq"], records + 1);
    assert_eq!(facts(&world, &asset, &[]).len(), 2);
    let again = world.exhibit(&["promote", &sandbox]);
    assert_eq!(again.code, 1);
    assert_eq!(again.stderr, format!("exhibit: refused: run {sandbox} was promoted before\n"));
    let refused = world.exhibit(&["clean", "--run", &sandbox, "--apply"]);
    assert_eq!(refused.stderr, format!("exhibit: the results of {sandbox} count; they never go\n"));
    // A sandbox run may lean on what counts.
    let third = world.json(&["run", "noop", "--policy", "sandbox"]);
    assert_eq!(third["units"]["reused"], 4);
    world.verify_clean();
}

fn blob_files(world: &World) -> usize {
    let folders = std::fs::read_dir(world.home().join("blobs")).expect("a folder");
    folders.map(|folder| std::fs::read_dir(folder.expect("an entry").path()).expect("a folder").count()).sum()
}

/// AR-13: payloads and blobs of an expired sandbox run are gone, its leaves and tombstones verify.
fn ar_13_an_expired_sandbox_run_leaves_leaves_and_tombstones(backend: Backend) {
    let mut world = World::new(backend);
    world.set("EXHIBIT_ENGINE__SANDBOX_DAYS", "0");
    world.set("EXHIBIT_BLOBS__GRACE_S", "0");
    world.sample(6, 0);
    let run = run_of(&world.json(&["run", "basics", "--policy", "sandbox"]));
    let artifacts = world.artifacts(&run);
    let pictures = artifacts.iter().filter(|artifact| artifact["kind"] == "image.thumbnail").count();
    assert!(pictures > 0 && blob_files(&world) > 0);
    let before = world.json(&["verify"]);
    let plan = world.json(&["clean"]);
    assert_eq!((&plan["applied"], &plan["runs"][0]["records"]), (&Value::from(false), &artifacts.len().into()));
    assert_eq!(world.artifacts(&run).len(), artifacts.len(), "a plan changes nothing");
    let done = world.json(&["clean", "--apply"]);
    assert_eq!(done["erased"], artifacts.len());
    assert_eq!(blob_files(&world), 0);
    let after = world.json(&["verify"]);
    assert_eq!(after["problem_count"], 0);
    assert_eq!(after["records"].as_i64(), before["records"].as_i64().map(|records| records + 1));
    let explained = world.json(&["explain", &text(&artifacts[0]["artifact_id"])]);
    assert_eq!((&explained["erased"], &explained["proof_holds"]), (&true.into(), &true.into()));
    assert_eq!(explained["artifact"]["content_hash"], artifacts[0]["content_hash"]);
    for command in [["promote", &run], ["resume", &run], ["retry", &run]] {
        let refused = world.exhibit(&command);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("has expired"), "{refused:?}");
    }
    assert_eq!(world.json(&["clean", "--apply"])["erased"], 0);
    world.verify_clean();
}

fn a_discarded_run_is_previewed_first(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(4);
    let run = run_of(&world.json(&["run", "noop", "--policy", "sandbox"]));
    let shown = world.exhibit(&["clean", "--run", &run]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.contains("nothing was changed"), "{shown:?}");
    assert_eq!(world.artifacts(&run).len(), 4);
    world.ok(&["clean", "--run", &run, "--apply"]);
    assert!(world.ok(&["run", "show", &run]).contains("sandbox: its results went"));
    world.verify_clean();
}

fn a_paused_run_waits_and_goes_on(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(200);
    let host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=15"]);
    let run = world.wait_for_run("latest", "begun", |status| status.count("done") > 0).run;
    world.ok(&["pause", &run]);
    let output = host.wait();
    assert_eq!(output.code, 3, "{output:?}");
    let status = world.run_status(&run);
    assert_eq!(status.state, "paused");
    assert!(status.count("pending") > 0 && status.count("cancelled") == 0, "{status:?}");
    let again = world.exhibit(&["pause", &run]);
    assert_eq!(again.stderr, format!("exhibit: run {run} is paused already\n"));
    world.ok(&["resume", &run]);
    assert_eq!(world.run_status(&run).count("done"), 200);
    // One that no host works on is paused, and cancelled, at once.
    let left = world.start(&["run", "noop", "--workers", "1", "--recompute", "--set", "noop.sleep_ms=15"]);
    let begun = world.wait_for_run("latest", "begun", |status| status.run != run && status.count("done") > 0);
    let run = begun.run;
    left.kill();
    world.ok(&["pause", &run]);
    assert_eq!(world.run_status(&run).state, "paused");
    world.ok(&["cancel", &run]);
    assert_eq!(world.run_status(&run).state, "cancelled");
    world.verify_clean();
}
