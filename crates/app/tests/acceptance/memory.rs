//! Memory: what extractor processes use together, one that wants too much, and pictures that would need a lot.

mod pictures;

use crate::processes::{below, extractors, resident_bytes};
use crate::world::{Backend, RunStatus, World, text};

const MIB: u64 = 1 << 20;

both_backends! {
    ar_26_extractors_stay_within_workers_and_memory,
}

/// Follows a run to its end. Returns the most extractors and the most memory of its processes that were seen at a time.
fn follow(world: &World, arguments: &[&str]) -> (usize, u64, RunStatus, String) {
    let mut host = world.start(&[arguments, &["--json"]].concat());
    let (mut most, mut peak) = (0, 0);
    while !host.has_ended() {
        most = most.max(extractors(host.pid()).len());
        peak = peak.max(resident_bytes(&below(host.pid())));
        std::thread::yield_now();
    }
    let output = host.wait();
    assert!(matches!(output.code, 0 | 3), "{output:?}");
    (most, peak, RunStatus::new(&output.json()), output.stderr)
}

/// AR-26: however many workers are asked for, extractors fit into the memory that they may use; what wants more than its share ends with
/// its reason, and its neighbours finish.
fn ar_26_extractors_stay_within_workers_and_memory(backend: Backend) {
    let mut world = World::new(backend);
    world.archive_of_small_files(12);
    world.set("EXHIBIT_ENGINE__MEMORY_MAX_MIB", "1024");
    let numbers = world.asset_numbers();
    let hit_by = |every: u64| numbers.iter().filter(|number| number.is_multiple_of(every)).count();
    let every = (2..100).find(|every| (1..=3).contains(&hit_by(*every))).expect("some numbers are divisible by some");
    let (hungry, every) = (hit_by(every) as i64, format!("noop.memory_every={every}"));
    let run = ["run", "noop", "--workers", "8", "--set", &every, "--set", "noop.sleep_ms=600", "--set"];

    let (most, peak, fits, said) = follow(&world, &[&run[..], &["noop.memory_mib=300"]].concat());
    assert_eq!(fits.count("done"), 12, "{fits:?}");
    assert_eq!(most, 2, "1,024 MiB are two shares");
    assert!((300 * MIB..=1024 * MIB).contains(&peak), "{peak}");
    assert_eq!(said, "note: 2 workers with 480 MiB each; engine.memory_max_mib = 1024 has no room for more\n");

    let (most, peak, exceeds, _) = follow(&world, &[&run[..], &["noop.memory_mib=800"]].concat());
    assert_eq!((exceeds.count("failed"), exceeds.count("done")), (hungry, 12 - hungry), "{exceeds:?}");
    assert!(most <= 2 && peak <= 1024 * MIB, "{most} {peak}");
    for unit in world.units(&exceeds.run, "failed") {
        assert_eq!((&unit["reason"], &unit["retryable"]), (&"memory-limit".into(), &false.into()), "{unit}");
        assert_eq!(unit["attempts"], 1, "it is not tried again: {unit}");
    }
    world.verify_clean();
}

/// AR-18: 100 megapixels are decoded within the memory limit, and a bomb is told by its header.
#[test]
fn ar_18_large_pictures_and_bombs_stay_within_the_memory_limit() {
    let mut world = World::new(Backend::Sqlite);
    std::fs::create_dir(world.archive()).expect("a folder");
    let file = |name: &str, bytes: Vec<u8>| {
        assert!(bytes.len() < 4 << 20, "{name} is small");
        std::fs::write(world.archive().join(name), bytes).expect("a file");
    };
    file("hundred.jpg", pictures::jpeg(10_000, 10_000));
    file("hundred.png", pictures::png(10_000, 10_000, pictures::Depth::Rgb));
    file("bomb.png", pictures::png(50_000, 50_000, pictures::Depth::OneBit));
    file("small.png", pictures::png(40, 30, pictures::Depth::Rgb));
    let pipeline =
        "name = \"small\"\nversion = \"1\"\n[[step]]\nname = \"thumbnail\"\nextractor = \"image.thumbnail\"\n";
    std::fs::write(world.path().join("small.toml"), pipeline).expect("a pipeline");
    world.scan();
    world.set("EXHIBIT_ENGINE__MEMORY_MAX_MIB", "1024");

    let (most, peak, end, _) = follow(&world, &["run", "small.toml", "--workers", "1"]);
    assert_eq!((end.count("done"), end.count("failed")), (3, 1), "{end:?}");
    assert!(most <= 1 && peak <= 1024 * MIB, "{most} {peak}");
    let failed = world.units(&end.run, "failed");
    assert_eq!(failed[0]["reason"], "too-many-pixels", "{failed:?}");
    assert!(text(&failed[0]["detail"]).starts_with("50000 x 50000 pixels"), "{failed:?}");
    let artifacts = world.artifacts(&end.run);
    let large = artifacts.iter().filter(|artifact| artifact["payload"]["source_width"] == 10_000);
    assert_eq!(large.count(), 4, "two pictures of each: {artifacts:?}");
}

/// What cannot be is refused before anything is made.
#[test]
fn memory_settings_out_of_range_are_refused() {
    for value in ["1", "255", "16777217"] {
        let mut world = World::new(Backend::Sqlite);
        world.set("EXHIBIT_ENGINE__MEMORY_MAX_MIB", value);
        let output = world.exhibit(&["run", "noop"]);
        let message = "exhibit: engine.memory_max_mib is 256 to 16,777,216, or 0 for half of the machine's memory\n";
        assert_eq!((output.code, output.stderr.as_str()), (2, message), "{value}");
        assert!(!world.home().exists());
    }
}
