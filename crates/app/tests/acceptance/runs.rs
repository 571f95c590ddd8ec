//! Runs as people meet them: watched live, repeated, retried, followed on a terminal, and asked for twice.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;

use crate::processes::{GONE_MAX, extractors, supervisors};
use crate::world::{Backend, Output, RunStatus, World, text};

both_backends! {
    ar_08_first_artifact_is_visible_at_once,
    ar_12_retry_touches_only_what_failed,
    ar_12_retry_after_the_cause_is_gone,
    ar_24_one_and_eight_workers_find_the_same,
    ar_24_done_empty_is_not_done_again,
    ar_25_noop_is_observed_live,
    ar_26_no_more_extractors_than_workers,
    a_second_host_is_refused,
}

/// AR-08: the first artifact of a run over the sample archive can be read within 2 s; five times that on a loaded machine.
fn ar_08_first_artifact_is_visible_at_once(backend: Backend) {
    let world = World::new(backend);
    world.sample(12, 1);
    let begun = Instant::now();
    let mut host = world.start(&["run", "basics", "--workers", "2"]);
    let shown = loop {
        let output = world.exhibit(&["run", "show", "latest", "--artifacts", "any", "--json"]);
        if output.code == 0 && output.json()["items"].as_array().is_some_and(|items| !items.is_empty()) {
            break output.json();
        }
        assert!(begun.elapsed() < GONE_MAX, "nothing is visible: {output:?}");
    };
    assert!(!host.has_ended(), "the run was over before the first look; it needs more photos");
    // Not only there: whole, and explained.
    let artifact = text(&shown["items"][0]["artifact_id"]);
    world.ok(&["explain", &artifact]);
    let output = host.wait();
    assert!(matches!(output.code, 0 | 3), "{output:?}");
}

/// AR-25: while the hello world runs, other processes see its progress and one follows it to its end.
fn ar_25_noop_is_observed_live(backend: Backend) {
    const FILES: i64 = 200;
    let world = World::new(backend);
    world.archive_of_small_files(200);
    let host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=15"]);
    let run = world.wait_for_run("latest", "begun", |status| status.count("done") > 0).run;
    let watcher = world.start(&["watch", &run, "--json"]);
    let seen = RefCell::new(BTreeSet::new());
    let end = world.wait_for_run(&run, "completed", |status| {
        seen.borrow_mut().insert(status.count("done"));
        status.state == "completed"
    });
    assert!(seen.borrow().iter().any(|done| (1..FILES).contains(done)), "no progress was seen: {seen:?}");
    assert_eq!((end.scope, end.members, end.members_planned, end.count("done")), (FILES, FILES, FILES, FILES));
    let watched = watcher.wait();
    assert_eq!(watched.code, 0, "{watched:?}");
    assert_eq!(watched.json(), end.document);
    assert_eq!(host.wait().code, 0);
}

/// The facts of a run without what differs from home to home: asset, kind, span and content hash, sorted.
fn facts(world: &World, run: &str) -> Vec<String> {
    let fields = ["asset_id", "kind", "schema_version", "span_start_ms", "span_end_ms", "content_hash", "blob"];
    let line = |artifact: &Value| fields.map(|field| artifact[field].to_string()).join(" ");
    let mut facts: Vec<String> = world.artifacts(run).iter().map(line).collect();
    facts.sort();
    facts
}

/// AR-24: two homes, one archive, 1 and 8 workers: the same facts.
fn ar_24_one_and_eight_workers_find_the_same(backend: Backend) {
    let found = ["1", "8"].map(|workers| {
        let world = World::new(backend);
        world.sample(12, 1);
        let noop = ["run", "noop", "--workers", workers, "--set", "noop.empty_every=3", "--set", "noop.fail_every=5"];
        assert_eq!(world.exhibit(&noop).code, 3);
        let noop = (facts(&world, "latest"), world.run_status("latest").units);
        let output = world.exhibit(&["run", "basics", "--workers", workers]);
        assert!(matches!(output.code, 0 | 3), "{output:?}");
        (noop, facts(&world, "latest"), world.run_status("latest").units)
    });
    let [one, eight] = found;
    assert!(!one.0.0.is_empty() && one.1.iter().any(|fact| fact.contains("image.thumbnail")), "{one:#?}");
    assert_eq!(one, eight);
}

/// AR-24: a unit that found nothing is as good as one that found something: a second run does neither again.
fn ar_24_done_empty_is_not_done_again(backend: Backend) {
    const FILES: i64 = 90;
    let world = World::new(backend);
    world.archive_of_small_files(90);
    let noop = |more: &[&str]| -> RunStatus {
        let output = world.exhibit(&[&["run", "noop", "--set", "noop.empty_every=3", "--json"], more].concat());
        assert_eq!(output.code, 0, "{output:?}");
        RunStatus::new(&output.json())
    };
    let first = noop(&[]);
    assert!(first.count("done-empty") > 0 && first.count("done") > 0, "{first:?}");
    assert_eq!(first.count("done-empty") + first.count("done"), FILES);

    let second = noop(&[]);
    assert_eq!(second.units, BTreeMap::from([("reused".to_owned(), FILES)]));
    assert!(world.attempts(&second.run).values().all(|attempts| *attempts == 0), "work was done again");
    let again = noop(&["--recompute"]);
    assert_eq!(again.units, first.units);
    assert!(world.attempts(&again.run).values().all(|attempts| *attempts == 1));
    // A different parameter is different work.
    let other = world.exhibit(&["run", "noop", "--set", "noop.empty_every=4", "--json"]);
    assert_eq!(RunStatus::new(&other.json()).count("reused"), 0, "{other:?}");

    for command in ["resume", "retry"] {
        let refused = world.exhibit(&[command, &first.run]);
        assert_eq!(refused.code, 1, "{command}: {refused:?}");
    }
    assert_eq!(world.run_status(&first.run).units, first.units);
    world.verify_clean();
}

/// The units whose attempts grew from one look to the next.
fn grown(before: &BTreeMap<String, i64>, after: &BTreeMap<String, i64>) -> BTreeSet<String> {
    assert_eq!(before.len(), after.len());
    after.iter().filter(|(unit, attempts)| before[*unit] != **attempts).map(|(unit, _)| unit.clone()).collect()
}

fn ids(units: &[Value]) -> BTreeSet<String> {
    units.iter().map(|unit| text(&unit["unit"])).collect()
}

/// The lines of the log about a failed unit.
fn failures<'a>(log: &'a str, unit: &str) -> Vec<&'a str> {
    let about = format!("unit.id={unit} ");
    log.lines().filter(|line| line.contains("unit failed") && line.contains(&about)).collect()
}

/// AR-12: the units whose attempts grew are the ones that failed, and the log says for each how to do it again.
fn ar_12_retry_touches_only_what_failed(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(120);
    assert_eq!(world.exhibit(&["run", "noop", "--set", "noop.fail_every=6"]).code, 3);
    let run = world.run_status("latest").run;
    let failed = ids(&world.units(&run, "failed"));
    assert!((2..60).contains(&failed.len()), "{failed:?}");
    let log = world.log();
    for unit in &failed {
        assert_eq!(failures(&log, unit).len(), 1, "log lines of {unit}");
    }
    assert_eq!(log.lines().filter(|line| line.contains("unit failed")).count(), failed.len());

    let first = world.attempts(&run);
    assert_eq!(world.exhibit(&["retry", &run, "--failed"]).code, 3);
    let second = world.attempts(&run);
    assert_eq!(grown(&first, &second), failed);
    assert_eq!(ids(&world.units(&run, "failed")), failed);

    let one = failed.iter().next().expect("a failed unit");
    let log = world.log();
    let line = failures(&log, one)[0];
    let command = line.split("rerun=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a command in the log");
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[0], "exhibit", "{line}");
    assert_eq!(world.exhibit(&words[1..]).code, 3);
    let third = world.attempts(&run);
    assert_eq!(grown(&second, &third), BTreeSet::from([one.clone()]));
    assert_eq!(world.exhibit(&["retry", &run, "--step", "noop", "--reason", "asked-to-fail"]).code, 3);
    assert_eq!(grown(&third, &world.attempts(&run)), failed);
    for (flags, complaint) in [
        (["--reason", "too-large"], "no unit with the reason too-large failed in run"),
        (["--step", "thumbnail"], "has no step thumbnail"),
    ] {
        let refused = world.exhibit(&["retry", &run, flags[0], flags[1]]);
        assert!(refused.code == 1 && refused.stderr.contains(complaint), "{refused:?}");
    }
    world.run_status(&run);
    world.verify_clean();
}

/// AR-12: the cause is mended, then only what failed is done, and the run is whole.
fn ar_12_retry_after_the_cause_is_gone(backend: Backend) {
    let world = World::new(backend);
    let archive = world.archive_of_small_files(60);
    let (here, away) = (archive.join("folder 1"), world.path().join("away"));
    std::fs::rename(&here, &away).expect("the folder moves");
    assert_eq!(world.exhibit(&["run", "noop"]).code, 3);
    let run = world.run_status("latest").run;
    let failed = world.units(&run, "failed");
    assert_eq!(failed.len(), 15, "{failed:?}");
    assert!(failed.iter().all(|unit| unit["reason"] == "input-missing" && unit["retryable"] == true), "{failed:?}");
    let before = world.attempts(&run);
    std::fs::rename(&away, &here).expect("the folder comes back");
    assert_eq!(world.exhibit(&["retry", &run]).code, 0);
    assert_eq!(grown(&before, &world.attempts(&run)), ids(&failed));
    let status = world.run_status(&run);
    assert_eq!((status.state.as_str(), status.count("done")), ("completed", 60), "{status:?}");
    assert_eq!(world.artifacts(&run).len(), 60);
    world.verify_clean();
}

/// AR-26: never more extractor processes than workers, and as many when there is work.
fn ar_26_no_more_extractors_than_workers(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(150);
    let mut host = world.start(&["run", "noop", "--workers", "3", "--set", "noop.sleep_ms=10"]);
    let mut most = 0;
    while !host.has_ended() {
        let (extractors, supervisors) = (extractors(host.pid()).len(), supervisors(host.pid()).len());
        assert!(extractors <= 3 && supervisors <= 3, "{extractors} extractors, {supervisors} supervisors");
        most = most.max(extractors);
        std::thread::yield_now();
    }
    assert_eq!(host.wait().code, 0);
    assert_eq!(most, 3, "not every worker had a process");
}

/// A run belongs to one host at a time; another is told so and changes nothing.
fn a_second_host_is_refused(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(150);
    let host = world.start(&["run", "noop", "--workers", "1", "--set", "noop.sleep_ms=10"]);
    let run = world.wait_for_run("latest", "begun", |status| status.count("done") > 0).run;
    let second = world.exhibit(&["resume", &run]);
    let message = format!("run {run} is being worked on by another process; `exhibit watch {run}` shows it");
    assert!(second.code == 1 && second.stderr.contains(&message), "{second:?}");
    let retry = world.exhibit(&["retry", &run]);
    assert!(retry.code == 1 && retry.stderr.contains("is running; retry when it has ended"), "{retry:?}");
    assert_eq!(host.wait().code, 0);
    assert!(world.attempts(&run).values().all(|attempts| *attempts == 1));
    assert_eq!(world.artifacts(&run).len(), 150);
}

/// Runs a command on a terminal of its own, by script(1). Returns what appears there; its standard output goes to a file.
fn on_a_terminal(world: &World, command: &str) -> (Output, String) {
    let out = world.path().join("terminal-stdout");
    let inner = format!("exec '{}' {command} > '{}'", env!("CARGO_BIN_EXE_exhibit"), out.display());
    let mut script = std::process::Command::new("script");
    script.args(["-q", "-e", "-c", &inner, "/dev/null"]).stdin(std::process::Stdio::null());
    for (name, value) in world.command(&[]).get_envs() {
        if let Some(value) = value {
            script.env(name, value);
        }
    }
    let output = script.env("TERM", "xterm").output().expect("script(1), from the package bsdutils");
    let seen = String::from_utf8(output.stdout).expect("UTF-8");
    let printed = std::fs::read_to_string(&out).expect("standard output");
    (Output { code: output.status.code().unwrap_or(-1), stdout: printed, stderr: String::new() }, seen)
}

/// AR-16: a terminal shows progress with its rate, in a pipe there is the result and nothing else.
#[test]
fn ar_16_progress_on_a_terminal_quiet_in_a_pipe() {
    let world = World::new(Backend::Sqlite);
    world.write_small_files(150);
    // Holes cost no room on the disk, and hashing them takes long enough to be looked at.
    let film = std::fs::File::create(world.archive().join("film.bin")).expect("a file");
    film.set_len(192 << 20).expect("a hole");
    let archive = world.archive().display().to_string();
    let (scanned, seen) = on_a_terminal(&world, &format!("scan '{archive}'"));
    assert_eq!(scanned.code, 0, "{seen}");
    assert!(seen.contains("scan") && seen.contains("B/s") && seen.contains("found"), "{seen:?}");
    assert!(seen.contains("next: exhibit run basics"), "{seen:?}");
    assert!(scanned.stdout.contains("151 files: 151 read"), "{scanned:?}");

    let run = "run noop --workers 2 --set noop.sleep_ms=20";
    let (ran, seen) = on_a_terminal(&world, run);
    assert_eq!(ran.code, 0, "{seen}");
    assert!(seen.contains(" of 151 ") && seen.contains("/s ") && seen.contains(" left"), "{seen:?}");
    let positions: BTreeSet<&str> = seen.split(" of 151 ").filter_map(|part| part.rsplit(' ').next()).collect();
    assert!(positions.len() >= 3, "the bar did not move: {positions:?}");
    assert!(ran.stdout.contains("151 done") && !ran.stdout.contains(" left"), "{ran:?}");

    // `--quiet` says nothing there, either.
    let (quiet, seen) = on_a_terminal(&world, &format!("scan --quiet '{archive}'"));
    assert_eq!((quiet.code, seen.as_str()), (0, ""));

    for command in [&["scan", &archive] as &[&str], &["run", "noop", "--recompute"], &["watch", "latest"]] {
        let piped = world.exhibit(command);
        assert_eq!((piped.code, piped.stderr.as_str()), (0, ""), "{command:?}: {piped:?}");
        assert!(!piped.stdout.contains(['\u{1b}', '\r']) && !piped.stdout.is_empty(), "{command:?}: {piped:?}");
    }
}

/// AR-25: `watch` on a terminal moves while another process works.
#[test]
fn ar_25_watch_moves_on_a_terminal() {
    let world = World::new(Backend::Sqlite);
    world.archive_of_small_files(150);
    let host = world.start(&["run", "noop", "--workers", "1", "--set", "noop.sleep_ms=15"]);
    let run = world.wait_for_run("latest", "begun", |status| status.count("done") > 0).run;
    let (watched, seen) = on_a_terminal(&world, &format!("watch {run}"));
    assert_eq!(watched.code, 0, "{seen}");
    let positions: BTreeSet<&str> = seen.split(" of 150 ").filter_map(|part| part.rsplit(' ').next()).collect();
    assert!(positions.len() >= 3, "the bar did not move: {positions:?}");
    assert_eq!(host.wait().code, 0);
}
