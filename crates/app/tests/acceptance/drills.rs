//! Drills A, B and E, and the host that wakes up too late: what is lost, doubled or charged when processes die.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::Value;

use crate::chance::{Chance, kills};
use crate::processes::{self, Process, below, extractors, wait_until_gone};
use crate::world::{Backend, PATIENCE, Running, STATES, World, text};

both_backends! {
    ar_11_drill_a_extractors_killed_at_random_points,
    ar_11_drill_a_a_unit_that_kills_its_process_is_given_up,
    ar_11_drill_b_cancel_midway_and_resume,
    ar_11_drill_e_host_killed_at_random_points,
    ar_11_drill_e_scan_killed_at_random_points,
    ar_22_zombie_host_cannot_commit,
    ar_23_cancel_in_the_middle_of_long_units,
}

/// The artifacts of a finished run are exactly one echo per asset: none lost, none doubled.
#[track_caller]
fn one_echo_for_each_asset(world: &World, run: &str, count: usize) {
    let artifacts = world.artifacts(run);
    let assets: BTreeSet<String> = artifacts.iter().map(|artifact| text(&artifact["asset_id"])).collect();
    assert_eq!((artifacts.len(), assets.len()), (count, count), "artifacts and the assets that they are about");
    assert!(artifacts.iter().all(|artifact| artifact["kind"] == "noop.echo"));
}

/// Every unit is done, and the counts say so.
#[track_caller]
fn all_done(world: &World, run: &str, count: usize) {
    let status = world.run_status(run);
    assert_eq!(status.state, "completed", "{status:?}");
    let count = i64::try_from(count).expect("a count");
    assert_eq!((status.scope, status.count("done")), (count, count), "{status:?}");
}

/// The coverage that the run keeps is what its units say, one by one.
#[track_caller]
fn coverage_is_exact(world: &World, run: &str) {
    let status = world.run_status(run);
    for state in STATES {
        let listed = i64::try_from(world.units(run, state).len()).expect("a count");
        assert_eq!(listed, status.count(state), "units that are {state}: {status:?}");
    }
}

/// How long a drill of so many kills may take.
fn patience(kills: usize) -> std::time::Duration {
    PATIENCE * u32::try_from(kills.div_ceil(20)).expect("a count")
}

/// Drill A: 20 extractor processes die while a run goes on. It goes on, nothing is lost or doubled, and the counts are always exact.
fn ar_11_drill_a_extractors_killed_at_random_points(backend: Backend) {
    let kills = kills();
    // Each kill needs some work that goes on around it.
    let files = 60 * kills;
    let mut chance = Chance::new(0xa11d_411a);
    let mut world = World::new(backend);
    world.set("EXHIBIT_ENGINE__ATTEMPTS_MAX", "1000000");
    world.archive_of_small_files(files);
    let mut host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=6"]);
    let mut killed = BTreeSet::new();
    let deadline = std::time::Instant::now() + patience(kills);
    while killed.len() < kills {
        assert!(!host.has_ended(), "the run ended after {} kills; it needs more files", killed.len());
        assert!(std::time::Instant::now() < deadline, "only {} kills", killed.len());
        // The state of the run at every kill: it adds up whatever was just lost.
        if let Some(status) = world.try_run_status("latest") {
            status.check();
        }
        let victims: Vec<_> = extractors(host.pid()).into_iter().filter(|victim| !killed.contains(victim)).collect();
        if let Some(victim) = chance.pick(&victims) {
            chance.spin();
            victim.kill();
            killed.insert(victim.clone());
        }
    }
    let output = host.wait();
    assert_eq!(output.code, 0, "{output:?}");
    all_done(&world, "latest", files);
    coverage_is_exact(&world, "latest");
    one_echo_for_each_asset(&world, "latest", files);
    world.verify_clean();
}

/// Drill A: a unit that ends its process every time is given up after three attempts. Units that were sent along with it are not charged.
fn ar_11_drill_a_a_unit_that_kills_its_process_is_given_up(backend: Backend) {
    const FILES: usize = 200;
    let world = World::new(backend);
    world.archive_of_small_files(FILES);
    let output = world.exhibit(&["run", "noop", "--workers", "2", "--set", "noop.crash_every=23"]);
    assert_eq!(output.code, 3, "{output:?}");
    let failed = world.units("latest", "failed");
    assert!((2..40).contains(&failed.len()), "{} units failed", failed.len());
    for unit in &failed {
        assert_eq!((&unit["reason"], &unit["attempts"]), (&"extractor-crashed".into(), &3.into()), "{unit}");
    }
    let crash = |number: u64| number.is_multiple_of(23);
    let expected = world.asset_numbers().into_iter().filter(|number| crash(*number)).count();
    assert_eq!(failed.len(), expected, "exactly the units that crash fail");
    let status = world.run_status("latest");
    assert_eq!((status.state.as_str(), status.ended()), ("partial", status.scope), "{status:?}");
    let done = world.units("latest", "done");
    assert_eq!(done.len() + failed.len(), FILES);
    assert!(done.iter().all(|unit| unit["attempts"] == 1), "a neighbour was charged");
    world.verify_clean();
}

/// Drill B: another process cancels a run midway. It stops, its processes are gone, what it found is there, and a resume does the rest.
fn ar_11_drill_b_cancel_midway_and_resume(backend: Backend) {
    const FILES: usize = 300;
    let world = World::new(backend);
    world.archive_of_small_files(FILES);
    let host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=10"]);
    let midway = world.wait_for_run("latest", "midway", |status| status.count("done") >= 20);
    let (run, known) = (midway.run, below(host.pid()));
    assert!(!known.is_empty());

    let asked = std::time::Instant::now();
    world.ok(&["cancel", &run]);
    let output = host.wait();
    assert!(asked.elapsed() < processes::GONE_MAX, "it took {:?} to stop", asked.elapsed());
    assert_eq!(output.code, 3, "{output:?}");
    wait_until_gone(&known, &world.home());
    assert_eq!(world.scratch(), Vec::<std::path::PathBuf>::new());

    let cancelled = world.run_status(&run);
    assert_eq!((cancelled.state.as_str(), cancelled.ended()), ("cancelled", cancelled.scope), "{cancelled:?}");
    let found = world.artifacts(&run);
    assert!((20..FILES).contains(&found.len()), "{} artifacts", found.len());
    let shown = world.json(&["show", &text(&found[0]["asset_id"])]);
    assert!(shown["facts"].as_array().expect("facts").iter().any(|fact| fact["kind"] == "noop.echo"), "{shown}");

    assert_eq!(world.exhibit(&["resume", &run]).code, 0);
    all_done(&world, &run, FILES);
    coverage_is_exact(&world, &run);
    one_echo_for_each_asset(&world, &run, FILES);
    let kept: BTreeSet<String> = found.iter().map(|artifact| text(&artifact["artifact_id"])).collect();
    let now: BTreeSet<String> = world.artifacts(&run).iter().map(|artifact| text(&artifact["artifact_id"])).collect();
    assert!(kept.is_subset(&now), "an artifact from before the cancel is gone");
    world.verify_clean();
}

/// AR-23: units that would take a minute do not hold up a cancel, and what they left in scratch is gone.
fn ar_23_cancel_in_the_middle_of_long_units(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(4);
    let host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=60000"]);
    let deadline = std::time::Instant::now() + PATIENCE;
    while extractors(host.pid()).len() < 2 {
        assert!(std::time::Instant::now() < deadline, "the extractors do not start");
        std::thread::yield_now();
    }
    let (known, asked) = (below(host.pid()), std::time::Instant::now());
    world.ok(&["cancel", "latest"]);
    let output = host.wait();
    assert!(asked.elapsed() < processes::GONE_MAX, "it took {:?} to stop", asked.elapsed());
    assert_eq!(output.code, 3, "{output:?}");
    wait_until_gone(&known, &world.home());
    assert_eq!(world.scratch(), Vec::<std::path::PathBuf>::new());
    let status = world.run_status("latest");
    assert_eq!((status.state.as_str(), status.count("cancelled")), ("cancelled", 4), "{status:?}");
    assert!(world.attempts("latest").values().all(|attempts| *attempts == 0), "a cancel was charged");
}

/// Kills a host and waits until nothing that it started lives. `hold`: its extractors and tools are stopped before, so that none can end
/// by itself because a pipe was closed.
fn kill_host(world: &World, host: Running, hold: bool) {
    let known = below(host.pid());
    if hold {
        known.iter().filter(|process| process.parent != host.pid()).for_each(Process::stop);
    }
    host.kill();
    let took = wait_until_gone(&known, &world.home());
    println!("{} processes were gone after {took:?}", known.len());
}

/// Drill E: the host dies 20 times. After each death its processes are gone and the store is whole; no attempt is charged.
fn ar_11_drill_e_host_killed_at_random_points(backend: Backend) {
    let kills = kills();
    let files = 30 * kills;
    let mut chance = Chance::new(0xa11d_411e);
    let world = World::new(backend);
    world.archive_of_small_files(files);
    let mut run: Option<String> = None;
    let mut done = 0;
    for kill in 0..kills {
        let host = match &run {
            None => world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=4"]),
            Some(run) => world.start(&["resume", run, "--workers", "2"]),
        };
        if kill % 4 == 0 {
            // Die in the middle of the work, so that the drill makes progress from kill to kill.
            let target = done + 5 + i64::try_from(chance.below(20)).expect("small");
            world.wait_for_run("latest", "further", |status| status.count("done") >= target);
        } else {
            // Die anywhere, perhaps before anything was taken.
            chance.wait_for_process(&host);
        }
        kill_host(&world, host, kill % 2 == 0);
        world.verify_clean();
        if let Some(status) = world.try_run_status("latest") {
            status.check();
            assert!(status.count("done") >= done, "facts were lost: {done} were done, now {status:?}");
            (done, run) = (status.count("done"), Some(status.run));
        }
        assert!(
            usize::try_from(done).expect("a count") < files,
            "the run ended after {kill} kills; it needs more files"
        );
    }
    let run = run.expect("a run");
    let output = world.exhibit(&["resume", &run]);
    assert_eq!(output.code, 0, "{output:?}");
    all_done(&world, &run, files);
    coverage_is_exact(&world, &run);
    one_echo_for_each_asset(&world, &run, files);
    let attempts = world.attempts(&run);
    assert!(attempts.values().all(|attempts| *attempts == 1), "the death of a host was charged: {attempts:?}");
    assert_eq!(world.scratch(), Vec::<std::path::PathBuf>::new());
    world.verify_clean();
}

/// Drill E: a scan that is killed goes on where it was; nothing is in the catalog twice.
fn ar_11_drill_e_scan_killed_at_random_points(backend: Backend) {
    const FILES: usize = 2_500;
    let mut chance = Chance::new(0xa11d_4115);
    let world = World::new(backend);
    world.write_small_files(FILES - 1);
    // Holes cost no room on the disk, and hashing them keeps the scan from ending before it is killed.
    let film = std::fs::File::create(world.archive().join("film.bin")).expect("a file");
    film.set_len(512 << 20).expect("a hole");
    for kill in 0..kills() {
        let mut scan = world.start(&["scan", &world.archive().display().to_string()]);
        if kill == 0 {
            // In the middle for sure: some files are in the catalog, the film is not.
            while world.exhibit(&["ls", "--limit", "1"]).stdout.is_empty() {
                assert!(!scan.has_ended(), "the scan ended before it was killed; it needs a longer film");
            }
        } else {
            chance.spin_long();
        }
        scan.kill();
        world.verify_clean();
        let known = world.asset_numbers().len();
        assert!((1..FILES).contains(&known), "{known} files are in the catalog after kill {kill}");
    }
    let rest = world.scan();
    assert!(rest["unchanged"].as_u64() > Some(0), "what was taken in before a kill was read again: {rest}");
    let again = world.scan();
    assert_eq!((&again["files_read"], &again["new_assets"]), (&0.into(), &0.into()), "{again}");
    let assets = world.asset_numbers();
    assert_eq!(assets.len(), FILES);
    assert_eq!(assets.into_iter().collect::<BTreeSet<_>>().len(), FILES, "an asset is there twice");
    assert_eq!(world.json(&["sources"])["items"].as_array().map(Vec::len), Some(1));
    world.verify_clean();
}

/// AR-22: a host is stopped past its lease while another takes its run over. When it wakes up its commits are refused and nothing is doubled.
fn ar_22_zombie_host_cannot_commit(backend: Backend) {
    const FILES: usize = 160;
    let mut world = World::new(backend);
    world.set("EXHIBIT_ENGINE__LEASE_MS", "300");
    world.archive_of_small_files(FILES);
    let zombie = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=100"]);
    let run = world.wait_for_run("latest", "midway", |status| status.count("done") >= 4).run;
    stop_between_transactions(&world, &zombie);

    // Refused while the lease of the first lasts; taken over when it ran out.
    let deadline = std::time::Instant::now() + PATIENCE;
    let output = loop {
        let output = world.exhibit(&["resume", &run, "--workers", "8"]);
        if output.code != 1 {
            break output;
        }
        assert!(output.stderr.contains("is being worked on by another process"), "{output:?}");
        assert!(std::time::Instant::now() < deadline, "the lease of a stopped host never runs out");
    };
    assert_eq!(output.code, 0, "{output:?}");
    all_done(&world, &run, FILES);
    let before = world.artifacts(&run);

    zombie.signal(Signal::CONT);
    let woken = zombie.wait();
    assert!(woken.stdout.contains("commits were refused because their lease was lost"), "{woken:?}");
    assert!(world.log().contains("a commit was refused"), "{}", world.log());
    all_done(&world, &run, FILES);
    coverage_is_exact(&world, &run);
    one_echo_for_each_asset(&world, &run, FILES);
    assert_eq!(world.artifacts(&run), before);
    world.verify_clean();
}

/// Stops a host that is not in the middle of a transaction: in one, it would hold the write lock of everyone, and nobody could take
/// anything over. Another process that writes tells the two apart.
fn stop_between_transactions(world: &World, host: &Running) {
    let deadline = std::time::Instant::now() + PATIENCE;
    for round in 0.. {
        let empty = world.path().join(format!("empty {round}"));
        std::fs::create_dir_all(&empty).expect("a folder");
        host.signal(Signal::STOP);
        let writer = world.start(&["scan", &empty.display().to_string()]);
        if writer.ends_within(std::time::Duration::from_secs(5)) {
            return;
        }
        host.signal(Signal::CONT);
        assert_eq!(writer.wait().code, 0);
        assert!(std::time::Instant::now() < deadline, "the host is always in a transaction");
    }
}

/// Drill E with a tool below the extractor: `ffmpeg` dies with the host, too.
#[test]
fn ar_11_drill_e_tools_die_with_the_host() {
    let world = World::new(Backend::Sqlite);
    world.sample(0, 3);
    let mut host = world.start(&["run", "basics", "--workers", "2"]);
    let deadline = std::time::Instant::now() + PATIENCE;
    // Not the question for its version, which comes first.
    let works = |process: &Process| process.command.contains("ffmpeg ") && process.command.contains("/proc/");
    while !below(host.pid()).iter().any(works) {
        assert!(!host.has_ended() && std::time::Instant::now() < deadline, "no ffmpeg was seen");
    }
    kill_host(&world, host, true);
    world.verify_clean();
    let output = world.exhibit(&["resume", "latest"]);
    assert!(matches!(output.code, 0 | 3), "{output:?}");
    let posters: Vec<Value> = world.artifacts("latest");
    let posters = posters.iter().filter(|artifact| artifact["kind"] == "video.keyframe").count();
    assert!(posters >= 1, "no poster was made");
    world.verify_clean();
}
