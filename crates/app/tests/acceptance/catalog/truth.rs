//! Holds what the catalog says against the `truth.json` of a sample archive.
//!
//! What is compared stands in tables: a new fact of the extractors is one more row.

use std::collections::BTreeMap;

use serde_json::Value;

use super::column;
use crate::world::{STATES, World, items, text};

/// Steps of `basics` in their order, by extractor.
const STEPS: [&str; 3] = ["media.metadata", "image.thumbnail", "video.keyframe"];

/// How a fact and the truth are held together.
enum How {
    /// They are the same.
    Same,
    /// The truth divided by this many is the fact, but for rounding.
    Per(f64),
    /// The fact may be missing; where it is there, it is the same.
    SameIfSaid,
}

/// Where the fact stands in `media.metadata`, and where the truth does in the entry of a file. A truth that is missing asks for nothing.
const FACTS: &[(&str, &str, How)] = &[
    ("/width", "/image/stored_width", How::Same),
    ("/height", "/image/stored_height", How::Same),
    ("/oriented_width", "/image/upright_width", How::Same),
    ("/oriented_height", "/image/upright_height", How::Same),
    // A file that says nothing about it is upright.
    ("/orientation", "/image/orientation", How::SameIfSaid),
    ("/width", "/video/stored_width", How::Same),
    ("/height", "/video/stored_height", How::Same),
    ("/oriented_width", "/video/upright_width", How::Same),
    ("/oriented_height", "/video/upright_height", How::Same),
    ("/camera/make", "/camera/make", How::Same),
    ("/camera/model", "/camera/model", How::Same),
    ("/camera/lens_model", "/camera/lens", How::Same),
    ("/exposure/iso", "/camera/iso", How::Same),
    ("/exposure/time_s/den", "/camera/exposure_divisor", How::Same),
    ("/exposure/f_number", "/camera/f_number_tenths", How::Per(10.0)),
    ("/exposure/focal_length_mm", "/camera/focal_length_mm", How::Per(1.0)),
    ("/gps/latitude", "/camera/latitude_centiseconds", How::Per(360_000.0)),
    ("/gps/longitude", "/camera/longitude_centiseconds", How::Per(360_000.0)),
];

/// What each source of a capture time in the truth is called by `media.metadata`.
const SOURCES: &[(&str, &[&str])] = &[
    ("exif_offset", &["exif_offset"]),
    ("exif_floating", &["exif_floating"]),
    ("container", &["container", "container_utc", "container_offset"]),
    ("file_time", &["file_time"]),
];

/// A codec may add silence at both ends of a sound, and a container may count it.
const SLACK_MS: i64 = 200;

/// Every content of the sample is in the catalog, ended as it should in the last run, and is said to be what it is.
pub fn what_is_said_is_true(world: &World) {
    let truth = std::fs::read_to_string(world.archive().join("truth.json")).expect("truth.json");
    let truth: Value = serde_json::from_str(&truth).expect("a document");
    let files = truth["files"].as_array().expect("files");
    let mut by_asset: BTreeMap<String, &Value> = BTreeMap::new();
    for file in files {
        by_asset.insert(format!("ast_{}", text(&file["sha256"])), file);
    }
    let outcomes = outcomes_by_unit(world);
    let assets = items(world.json(&["ls", "--limit", "1000"]));
    assert_eq!(assets.len(), by_asset.len() + 1, "every content of the sample, and truth.json itself");
    let mut wrong = Vec::new();
    for (asset, file) in &by_asset {
        let view = world.json(&["show", asset]);
        if view["media_type"] != file["media_type"] {
            wrong.push(format!("{} is said to be {}", place(file), view["media_type"]));
        }
        check_outcomes(&view, &outcomes, file, &mut wrong);
        check_metadata(&view, file, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} things are not as the truth says:\n{}", wrong.len(), wrong.join("\n"));
    for path in files.iter().filter_map(|file| file["at"]["path_b64"].as_str()) {
        assert!(assets.iter().any(|asset| asset["path_b64"] == path), "{path}");
    }
}

fn place(file: &Value) -> String {
    format!("{} ({})", file["at"], file["media_type"])
}

/// Every extractor that the truth names said what it should, or something else that is right.
fn check_outcomes(view: &Value, outcomes: &BTreeMap<String, (usize, String)>, file: &Value, wrong: &mut Vec<String>) {
    let mut said = BTreeMap::new();
    for unit in view["units"].as_array().expect("units") {
        let id = format!("{}.{}", text(&unit["run"]), unit["unit"]);
        let (step, outcome) = outcomes.get(&id).unwrap_or_else(|| panic!("unit {id}"));
        if let Some(extractor) = STEPS.get(*step) {
            said.insert(*extractor, outcome.as_str());
        }
    }
    let expected = file["expected"].as_object().expect("expectations");
    for extractor in said.keys().filter(|extractor| !expected.contains_key(**extractor)) {
        // Sidecars and other texts may be read where a pipeline asks for it.
        if file["media_type"].as_str().is_some_and(|kind| kind.starts_with("image/") || kind.starts_with("video/")) {
            wrong.push(format!("{} has an outcome of {extractor}", place(file)));
        }
    }
    for (extractor, best) in expected {
        let others = file["also_right"][extractor].as_array().cloned().unwrap_or_default();
        let found = said.get(extractor.as_str()).copied().unwrap_or("nothing");
        if *best != found && !others.iter().any(|other| other == found) {
            wrong.push(format!("{}: {extractor} said {found}, not {best} or {others:?}", place(file)));
        }
    }
}

/// Step and outcome of every unit of the last run, in the words of `truth.json`.
fn outcomes_by_unit(world: &World) -> BTreeMap<String, (usize, String)> {
    let mut found = BTreeMap::new();
    let run = world.run_status("latest").document;
    let steps: Vec<String> = run["steps"].as_array().expect("steps").iter().map(|step| text(&step["step"])).collect();
    for state in STATES {
        for unit in world.units("latest", state) {
            let outcome =
                unit["reason"].as_str().map_or_else(|| state.to_owned(), |reason| format!("{state}({reason})"));
            let step = steps.iter().position(|step| unit["step"] == step.as_str()).expect("a step");
            found.insert(text(&unit["unit"]), (step, outcome));
        }
    }
    found
}

/// Sizes, orientation, capture time with its source, camera, place, duration, frame rate and codecs.
fn check_metadata(view: &Value, file: &Value, wrong: &mut Vec<String>) {
    let facts = view["facts"].as_array().expect("facts");
    let Some(metadata) = facts.iter().find(|fact| fact["kind"] == "media.metadata") else { return };
    let said = &metadata["payload"];
    for (fact, truth, how) in FACTS {
        let Some(truth) = file.pointer(truth) else { continue };
        let found = said.pointer(fact).unwrap_or(&Value::Null);
        let holds = match how {
            How::Same => found == truth,
            How::SameIfSaid => found.is_null() || found == truth,
            How::Per(unit) => {
                found.as_f64().zip(truth.as_f64()).is_some_and(|(found, truth)| (found - truth / unit).abs() < 0.000_01)
            }
        };
        if !holds {
            wrong.push(format!("{}: {fact} is {found}, not {truth}", place(file)));
        }
    }
    if !file["capture"].is_null() && !time_holds(&said["captured"], &file["capture"]) {
        wrong.push(format!("{}: captured {}, not {}", place(file), said["captured"], file["capture"]));
    }
    if !file["video"].is_null() {
        check_video(said, &file["video"], &place(file), wrong);
    }
    if !file["audio"].is_null() {
        check_audio(said, &file["audio"], &place(file), wrong);
    }
}

fn time_holds(said: &Value, truth: &Value) -> bool {
    let names = SOURCES.iter().find(|(source, _)| truth["source"] == *source).expect("a known source").1;
    let is_same = said["at"] == truth["at"] && names.iter().any(|name| said["source"] == *name);
    // Where the satellites say the time, too, an offset may be inferred from it: then it is the same instant.
    is_same || (said["source"] == "exif_inferred" && said["sort_at"] == truth["satellites"])
}

fn check_video(said: &Value, truth: &Value, place: &str, wrong: &mut Vec<String>) {
    let streams = said["streams"].as_array().expect("streams");
    let mut codecs = column(streams, "codec");
    codecs.sort();
    let mut expected: Vec<String> = truth["codecs"].as_array().expect("codecs").iter().map(text).collect();
    expected.sort();
    let Some(picture) = streams.iter().find(|stream| stream["kind"] == "video") else {
        wrong.push(format!("{place} has no picture track: {said}"));
        return;
    };
    let (num, den) = (picture["frame_rate"]["num"].as_f64(), picture["frame_rate"]["den"].as_f64());
    let rate = num.zip(den).map(|(num, den)| num / den);
    let is_even = truth["frame_rate"].is_u64();
    // Where the file does not say how long it is, the mean is taken over an estimate.
    let rate_slack = if truth["says_duration"] == true { 0.01 } else { 0.5 };
    let has_box = matches!(truth["container"].as_str(), Some("mp4" | "mov"));
    let found = said["duration_ms"].as_i64();
    let apart = found.zip(truth["duration_ms"].as_i64()).map(|(found, truth)| (found - truth).abs());
    let duration_holds = match (truth["says_duration"].as_bool(), has_box) {
        (Some(true), true) => apart == Some(0),
        (Some(true), false) => apart.is_some_and(|apart| apart <= SLACK_MS),
        _ => apart.is_none_or(|apart| apart <= SLACK_MS),
    };
    let table = [
        ("codecs", codecs == expected),
        // A stream without a turn says 0 or nothing.
        ("rotation", picture["rotation"].as_u64().unwrap_or(0) == truth["rotation_clockwise"].as_u64().unwrap_or(0)),
        (
            "frame rate",
            !is_even || rate.zip(truth["frame_rate"].as_f64()).is_some_and(|(l, r)| (l - r).abs() < rate_slack),
        ),
        ("evenness", picture["variable_frame_rate"].as_bool().is_none_or(|varies| varies != is_even)),
        ("duration", duration_holds),
    ];
    for (what, _) in table.iter().filter(|(_, holds)| !holds) {
        wrong.push(format!("{place}: {what} of {truth} is not that of {said}"));
    }
}

fn check_audio(said: &Value, truth: &Value, place: &str, wrong: &mut Vec<String>) {
    let streams = said["streams"].as_array().expect("streams");
    let apart = said["duration_ms"].as_i64().unwrap_or(0) - truth["duration_ms"].as_i64().expect("a duration");
    let same = |name: &str| streams.first().is_some_and(|stream| stream[name] == truth[name]);
    if !["codec", "channels", "sample_rate"].iter().all(|name| same(name)) || apart.abs() > SLACK_MS {
        wrong.push(format!("{place}: {truth} is not {said}"));
    }
}
