//! The sample archive with all its odd files through the whole loop: it stays as it is, and what is said about it is true.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::truth::what_is_said_is_true;
use crate::world::{Backend, World, items, text};

/// AR-01, AR-09, AR-10, and `truth.json`: one archive for all, because making it takes longer than any of them.
#[test]
fn the_sample_stays_as_it_is_and_what_is_said_about_it_is_true() {
    let world = World::new(Backend::Sqlite);
    world.ok(&["sample", "archive", "--photos", "40", "--videos", "6"]);
    // The fingerprint leaves nothing behind either; made twice, it is the same.
    let before = world.ok(&["fingerprint", "archive"]);
    world.scan();
    world.ok(&["scan", "archive", "--verify"]);
    let basics = world.exhibit(&["run", "basics", "--json"]);
    assert_eq!(basics.code, 3, "the sample has broken files: {basics:#?}");
    unchanged(&world, &before, "after basics");

    what_is_said_is_true(&world);
    every_artifact_has_complete_lineage(&world, &text(&basics.json()["run"]));
    explaining_is_quick(&world);
    every_other_verb(&world);
    unchanged(&world, &before, "after everything");
}

#[track_caller]
fn unchanged(world: &World, before: &str, when: &str) {
    assert_eq!(world.ok(&["fingerprint", "archive"]), before, "AR-01: the originals are not what they were {when}");
}

/// AR-01: what `scan` and `run` do not cover.
fn every_other_verb(world: &World) {
    world.json(&["run", "noop", "--set", "noop.fail_every=9"]);
    world.json(&["retry", "latest"]);
    let slow = world.start(&["run", "noop", "--recompute", "--set", "noop.sleep_ms=250", "--workers", "2"]);
    let run =
        world.wait_for_run("latest", "under way", |status| status.state == "running" && status.count("done") > 0).run;
    world.ok(&["cancel", &run]);
    slow.wait();
    world.json(&["resume", &run, "--workers", "8"]);
    world.json(&["watch", &run]);
    let artifact = text(&world.artifacts(&run)[0]["artifact_id"]);
    world.ok(&["explain", &artifact]);
    world.ok(&["show", &text(&items(world.json(&["ls", "--limit", "1"]))[0]["asset_id"])]);
    for verb in
        [&["runs"] as &[&str], &["sources"], &["verify"], &["projections", "rebuild"], &["projections", "verify"]]
    {
        world.ok(verb);
    }
    for verb in [&["ledger", "checkpoint"] as &[&str], &["migrate"], &["scan", "archive"]] {
        world.ok(verb);
    }
}

// Lineage --------------------------------------------------------------------------------------------------------------

/// AR-09: nothing is missing in what `explain` says about any artifact of the run.
fn every_artifact_has_complete_lineage(world: &World, run: &str) {
    const FIELDS: [&str; 26] = [
        "/artifact/artifact_id",
        "/artifact/asset_id",
        "/artifact/artifact_type",
        "/artifact/schema_version",
        "/artifact/payload",
        "/artifact/producer",
        "/artifact/producer_version",
        "/artifact/model_profile",
        "/artifact/config_hash",
        "/artifact/input_hash",
        "/artifact/inputs/0",
        "/artifact/run_id",
        "/artifact/content_hash",
        "/artifact/created_at",
        "/original/paths/0/path",
        "/made/pipeline",
        "/made/pipeline_version",
        "/made/step",
        "/made/params",
        "/made/lineage_hash",
        "/made/host/build",
        "/made/host/input_check",
        "/made/host/worker",
        "/made/host/took_us",
        "/made/host/tools",
        "/ledger/root",
    ];
    let artifacts = world.artifacts(run);
    assert!(artifacts.len() > 150, "{}", artifacts.len());
    for artifact in &artifacts {
        let explained = world.json(&["explain", &text(&artifact["artifact_id"])]);
        for field in FIELDS {
            let value = explained.pointer(field);
            assert!(value.is_some_and(|value| !value.is_null() && value != ""), "{field} of {explained}");
        }
        assert_eq!(explained["proof_holds"], true);
        assert_eq!(explained["problems"], json!([]));
        assert_eq!(explained["artifact"]["run_id"], run);
        let input = text(&explained["artifact"]["inputs"][0]);
        assert_eq!(explained["artifact"]["asset_id"], format!("ast_{input}"));
        let wants_blob = artifact["kind"] != "media.metadata";
        assert_eq!(wants_blob, !explained["artifact"]["blob"].is_null(), "{explained}");
    }
}

/// AR-10: 100 ms is the promise for the released program; five times that for this build on a busy machine, the best of five.
fn explaining_is_quick(world: &World) {
    let artifact = text(&world.artifacts("latest")[0]["artifact_id"]);
    let times = (0..5).map(|_| {
        let begun = Instant::now();
        world.ok(&["explain", &artifact]);
        begun.elapsed()
    });
    let best = times.min().expect("five times");
    assert!(best < Duration::from_millis(500), "explain took {best:?}");
}

// AR-17 ----------------------------------------------------------------------------------------------------------------

const UPRIGHT: [usize; 2] = [480, 320];

/// Stored as a camera stores it for an orientation: the filter undoes what a viewer will do.
const STORED: [(u16, &str); 8] = [
    (1, "null"),
    (2, "hflip"),
    (3, "hflip,vflip"),
    (4, "vflip"),
    (5, "transpose=cclock_flip"),
    (6, "transpose=cclock"),
    (7, "transpose=clock_flip"),
    (8, "transpose=clock"),
];

/// AR-17: one picture stored in eight orientations has eight thumbnails that look the same.
#[test]
fn thumbnails_of_all_orientations_look_the_same() {
    let world = World::new(Backend::Sqlite);
    std::fs::create_dir(world.archive()).expect("a folder");
    for (orientation, filter) in STORED {
        let stored = world.path().join("stored.jpg");
        ffmpeg(
            &[
                "-f",
                "lavfi",
                "-i",
                "testsrc=size=480x320",
                "-frames:v",
                "1",
                "-vf",
                filter,
                "-pix_fmt",
                "yuvj444p",
                "-q:v",
                "2",
            ],
            &stored,
        );
        let plain = std::fs::read(&stored).expect("a picture");
        std::fs::write(world.archive().join(format!("{orientation}.jpg")), with_orientation(&plain, orientation))
            .expect("a file");
    }
    world.scan();
    assert_eq!(world.json(&["run", "basics"])["state"], "completed");
    let mut pictures = Vec::new();
    for asset in items(world.json(&["ls"])) {
        let facts = world.json(&["show", &text(&asset["asset_id"])])["facts"].as_array().expect("facts").clone();
        let is_small = |fact: &&Value| fact["kind"] == "image.thumbnail" && fact["payload"]["edge"] == 256;
        let small = facts.iter().find(is_small).unwrap_or_else(|| panic!("no thumbnail: {facts:#?}"));
        let (width, height) = (small["payload"]["width"].as_u64(), small["payload"]["height"].as_u64());
        assert_eq!((width, height), (Some(256), Some(171)), "{asset}");
        pictures.push((text(&asset["path"]), pixels(&world, &text(&small["blob"]))));
    }
    assert_eq!(pictures.len(), 8);
    let (_, upright) = pictures.iter().find(|(path, _)| path == "1.jpg").expect("the upright one");
    for (path, picture) in &pictures {
        assert_eq!(picture.len(), 256 * 171 * 3, "{path}");
        let difference = mean_difference(upright, picture);
        assert!(difference < 6.0, "{path} differs from the upright one by {difference}");
    }
    let mut turned = upright.clone();
    turned.reverse();
    assert!(mean_difference(upright, &turned) > 30.0, "a turned picture is told apart");
    assert!(UPRIGHT[0] > UPRIGHT[1]);
}

#[track_caller]
fn ffmpeg(arguments: &[&str], to: &Path) {
    let made = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(to).output();
    let made = made.unwrap_or_else(|error| panic!("ffmpeg does not start ({error}); apt-get install ffmpeg"));
    assert!(made.status.success(), "{made:#?}");
}

/// Puts an EXIF segment with nothing but the orientation behind the start of a JPEG.
fn with_orientation(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    exif.extend(orientation.to_be_bytes());
    exif.extend([0; 6]);
    let length = u16::try_from(exif.len() + 2).expect("short");
    [&jpeg[..2], &[0xff, 0xe1], &length.to_be_bytes(), &exif, &jpeg[2..]].concat()
}

/// A blob of the home as RGB pixels.
fn pixels(world: &World, sha256: &str) -> Vec<u8> {
    let find =
        Command::new("find").arg(world.home().join("blobs")).args(["-name", &format!("*{}*", &sha256[4..])]).output();
    let found = String::from_utf8(find.expect("find").stdout).expect("UTF-8");
    let path = found.lines().next().unwrap_or_else(|| panic!("no blob {sha256}")).to_owned();
    let raw = world.path().join("pixels.rgb");
    ffmpeg(&["-f", "webp_pipe", "-i", &path, "-f", "rawvideo", "-pix_fmt", "rgb24"], &raw);
    std::fs::read(raw).expect("pixels")
}

fn mean_difference(left: &[u8], right: &[u8]) -> f64 {
    let sum: u64 = left.iter().zip(right).map(|(left, right)| u64::from(left.abs_diff(*right))).sum();
    sum as f64 / left.len() as f64
}
