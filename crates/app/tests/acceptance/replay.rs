//! Making an artifact again: the same bytes, or what differs.

use serde_json::Value;

use crate::world::{Backend, World, text};

both_backends! {
    ar_10_replay_of_a_thumbnail_is_byte_identical,
    what_cannot_be_made_again_says_why,
}

fn artifact_of(world: &World, run: &str, kind: &str) -> Value {
    let found = world.artifacts(run).into_iter().find(|artifact| artifact["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {run}"))
}

/// AR-10: thumbnails, metadata and posters come out the same, and nothing is written.
fn ar_10_replay_of_a_thumbnail_is_byte_identical(backend: Backend) {
    let world = World::new(backend);
    world.sample(6, 1);
    let run = text(&world.json(&["run", "basics"])["run"]);
    let before = world.json(&["verify"]);
    let originals = world.json(&["fingerprint", "archive"]);
    for kind in ["image.thumbnail", "media.metadata", "video.keyframe"] {
        let artifact = artifact_of(&world, &run, kind);
        let replayed = world.json(&["replay", &text(&artifact["artifact_id"])]);
        assert_eq!(replayed["identical"], true, "{kind}: {replayed}");
        assert_eq!(replayed["replayed_content_hash"], artifact["content_hash"]);
    }
    assert_eq!(world.json(&["verify"]), before, "a replay writes nothing");
    assert_eq!(world.json(&["fingerprint", "archive"]), originals);
    assert_eq!(world.scratch(), Vec::<std::path::PathBuf>::new());
}

fn what_cannot_be_made_again_says_why(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(3);
    let run = text(&world.json(&["run", "noop"])["run"]);
    let artifact = artifact_of(&world, &run, "noop.echo");
    let id = text(&artifact["artifact_id"]);
    let shown = world.json(&["explain", &id]);
    let path = world.archive().join(text(&shown["original"]["paths"][0]["path"]));
    let modified = std::fs::metadata(&path).and_then(|found| found.modified()).expect("a time");
    let bytes = std::fs::read(&path).expect("a file");
    let mut rotten = bytes.clone();
    rotten[0] ^= 1;
    std::fs::write(&path, &rotten).expect("a rotten file");
    std::fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(modified)).expect("the time");
    let refused = world.exhibit(&["replay", &id]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("its bytes are not those that were cataloged"), "{refused:?}");
    std::fs::remove_file(&path).expect("gone");
    let refused = world.exhibit(&["replay", &id]);
    assert!(refused.code == 1 && refused.stderr.contains("cannot be read again"), "{refused:?}");
    assert_eq!(world.exhibit(&["replay", "art_nothing"]).code, 2);
}
