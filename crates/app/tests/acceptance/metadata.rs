//! The facts of the sample archive beside what `exiftool` reads of the same files.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::world::{Backend, World, items, text};

both_backends! {
    the_facts_of_the_sample_are_those_that_exiftool_reads,
}

/// What `exiftool` reads of every file below the archive, by path.
fn exiftool(world: &World) -> BTreeMap<String, Value> {
    let root = world.archive();
    let output =
        Command::new("exiftool").args(["-j", "-n", "-G0", "-r", "-q"]).arg(&root).output().expect("exiftool starts");
    let list: Vec<Value> = serde_json::from_slice(&output.stdout).expect("a list");
    let path = |entry: &Value| {
        let file = text(&entry["SourceFile"]);
        file.strip_prefix(&format!("{}/", root.display())).map(str::to_owned)
    };
    list.into_iter().filter_map(|entry| Some((path(&entry)?, entry))).collect()
}

/// The newest `media.metadata` of every asset, by path; files with damage are left to the tests of damage.
fn facts(world: &World) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for asset in items(world.json(&["ls", "--limit", "1000"])) {
        let view = world.json(&["show", &text(&asset["asset_id"])]);
        let facts = view["facts"].as_array().expect("facts");
        let fact = facts.iter().rev().find(|fact| fact["kind"] == "media.metadata");
        if let Some(payload) =
            fact.map(|fact| fact["payload"].clone()).filter(|p| p["warnings"] == Value::Array(vec![]))
        {
            found.insert(text(&asset["path"]), payload);
        }
    }
    found
}

/// Compares two values where both readers have one; true when there was something to compare.
#[track_caller]
fn same(path: &str, what: &str, ours: &Value, theirs: &Value) -> bool {
    if theirs.is_null() {
        return false;
    }
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-4 * b.abs().max(1.0);
    let alike = match (ours.as_f64(), theirs.as_f64()) {
        (Some(ours), Some(theirs)) => near(ours, theirs),
        _ => ours == theirs,
    };
    assert!(alike, "{what} of {path}: {ours} here, {theirs} there");
    true
}

fn the_facts_of_the_sample_are_those_that_exiftool_reads(backend: Backend) {
    let world = World::new(backend);
    world.sample(12, 1);
    world.json(&["run", "basics"]);
    let theirs = exiftool(&world);
    let mut compared: BTreeMap<&str, u32> = BTreeMap::new();
    for (path, ours) in facts(&world) {
        let Some(theirs) = theirs.get(&path) else { continue };
        let size: Vec<Value> = theirs["Composite:ImageSize"]
            .as_str()
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|side| side.parse::<u64>().ok().map(Value::from))
            .collect();
        let time = theirs["EXIF:ExposureTime"].as_f64().unwrap_or(0.0);
        let our_time = ours["exposure"]["time_s"]["num"].as_f64().zip(ours["exposure"]["time_s"]["den"].as_f64());
        let fields = [
            ("width", &ours["width"], size.first().unwrap_or(&Value::Null)),
            ("height", &ours["height"], size.get(1).unwrap_or(&Value::Null)),
            ("make", &ours["camera"]["make"], &theirs["EXIF:Make"]),
            ("model", &ours["camera"]["model"], &theirs["EXIF:Model"]),
            ("iso", &ours["exposure"]["iso"], &theirs["EXIF:ISO"]),
            ("f_number", &ours["exposure"]["f_number"], &theirs["EXIF:FNumber"]),
            ("latitude", &ours["gps"]["latitude"], &theirs["Composite:GPSLatitude"]),
            ("longitude", &ours["gps"]["longitude"], &theirs["Composite:GPSLongitude"]),
            ("rating", &ours["description"]["rating"], &theirs["XMP:Rating"]),
        ];
        for (what, ours, theirs) in fields {
            *compared.entry(what).or_default() += u32::from(same(&path, what, ours, theirs));
        }
        if let Some((num, den)) = our_time.filter(|_| time > 0.0) {
            *compared.entry("exposure time").or_default() += 1;
            assert!((num / den - time).abs() < 1e-4 * time, "{path}");
        }
        // HEIF turns by its boxes, and says what EXIF states apart.
        let stated = if ours["exif_orientation"].is_null() { &ours["orientation"] } else { &ours["exif_orientation"] };
        *compared.entry("orientation").or_default() +=
            u32::from(same(&path, "orientation", stated, &theirs["EXIF:Orientation"]));
        if let Some((date, clock)) = theirs["EXIF:DateTimeOriginal"].as_str().and_then(|text| text.split_once(' ')) {
            let local = format!("{}T{clock}", date.replace(':', "-"));
            let at = text(&ours["captured"]["at"]);
            if date.starts_with("0000") {
                // `exiftool` prints what is there; here it is no date.
                assert_eq!(ours["captured"]["source"], "file_time", "{path}");
                continue;
            }
            assert!(at.starts_with(&local), "{path}: {at} here, {local} there");
            if let Some(offset) = theirs["EXIF:OffsetTimeOriginal"].as_str() {
                assert!(at.ends_with(offset), "{path}: {at} here, {offset} there");
            }
            *compared.entry("time").or_default() += 1;
        }
    }
    for (what, least) in [("width", 12), ("make", 5), ("model", 5), ("time", 5), ("orientation", 5)] {
        assert!(compared.get(what).copied().unwrap_or(0) >= least, "{what} was compared too rarely: {compared:?}");
    }
}
