//! Plug-ins that lie, flood, hang, crash, fork and attack: each costs its own units a stated failure, and nothing else.

use super::{left_of_trials, pipeline};
use crate::processes::{Process, wait_until_gone};
use crate::world::{Backend, RunStatus, World, text};

both_backends! {
    lies_end_as_bad_output,
    crashes_and_forks_end_as_crashes,
    ar_01_originals_and_evidence_are_out_of_reach,
}

const PROGRAM: &str = include_str!("hostile.py");

/// Its wall clock has room for a slow start on a loaded machine; the CPU seconds are those of a unit that computes nothing.
const MANIFEST: &str = r#"
name = "hostile"
version = "1"
about = "Does what it is told to do wrong."
protocol = 1
command = ["/usr/bin/python3", "./extract.py"]
media = ["image", "other"]
emits = [{ kind = "hostile.note", version = 1 }]
params = "params.json"

[limits]
unit_cpu_s = 1
unit_wall_s = 6
file_bytes_max = 1_048_576
"#;

const PARAMS: &str =
    r#"{"type":"object","additionalProperties":false,"properties":{"mode":{"type":"string","default":"behave"}}}"#;

const KIND: &str = r#"{"kind":"hostile.note","version":1,"title":"A note","subject":"artifact","retention":"kept","blob":"optional","span":"none",
"schema":{"type":"object","additionalProperties":false,"required":["text"],"properties":{"text":{"type":"string"}}},
"projection":{"columns":[]}}"#;

/// A world with two texts, about which the plug-in does wrong, and one picture, about which it does not.
struct Stage {
    world: World,
    fingerprint: String,
    pipeline: String,
}

impl Stage {
    fn new(backend: Backend, at_start: &str) -> Self {
        Self::with(backend, at_start, 6)
    }

    fn with(backend: Backend, at_start: &str, unit_wall_s: u32) -> Self {
        let mut world = World::new(backend);
        world.set("EXHIBIT_ENGINE__ATTEMPTS_MAX", "2");
        let archive = world.archive_of_small_files(3);
        let folder = world.path().join("hostile");
        std::fs::create_dir_all(folder.join("kinds")).expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
        write("plugin.toml", &MANIFEST.replace("unit_wall_s = 6", &format!("unit_wall_s = {unit_wall_s}")));
        write("params.json", PARAMS);
        write("kinds/hostile.note.v1.json", KIND);
        write("extract.py", &PROGRAM.replace("AT_START = \"behave\"", &format!("AT_START = \"{at_start}\"")));
        world.ok(&["extractors", "add", &folder.display().to_string()]);
        let fingerprint = world.ok(&["fingerprint", &archive.display().to_string()]);
        let pipeline = pipeline(&world, &["hostile", "noop"]);
        Self { world, fingerprint, pipeline }
    }

    /// Runs it and returns where the run stands. The neighbours are done, nothing is left, and the originals are as they were.
    fn run(&self, mode: &str) -> RunStatus {
        let set = format!("s0.mode={mode}");
        let output = self.world.exhibit(&["run", &self.pipeline, "--workers", "1", "--set", &set, "--recompute"]);
        assert_eq!(output.code, 3, "{mode}: {output:#?}");
        let status = self.world.run_status("latest");
        assert_eq!(status.scope, 6, "{mode}: {status:?}");
        let noop = self.world.units("latest", "done").iter().filter(|unit| unit["step"] == "s1").count();
        assert_eq!(noop, 3, "{mode}: the step beside it is done: {status:?}");
        wait_until_gone(&[], &self.world.home());
        assert_eq!(self.world.scratch(), Vec::<std::path::PathBuf>::new(), "{mode}");
        let archive = self.world.archive().display().to_string();
        assert_eq!(self.world.ok(&["fingerprint", &archive]), self.fingerprint, "{mode}");
        status
    }

    /// Both texts fail with this word and these words; the picture is done.
    #[track_caller]
    fn fails(&self, mode: &str, reason: &str, detail: &str) {
        let status = self.run(mode);
        let failed = self.world.units("latest", "failed");
        assert_eq!((failed.len(), status.count("done")), (2, 4), "{mode}: {status:?} {failed:#?}");
        for unit in &failed {
            assert_eq!(text(&unit["reason"]), reason, "{mode}: {unit:#}");
            assert!(text(&unit["detail"]).contains(detail), "{mode}: {unit:#}");
        }
    }
}

/// VI-19: garbage and lies end as `bad-output`, with what was wrong.
fn lies_end_as_bad_output(backend: Backend) {
    let stage = Stage::new(backend, "behave");
    for (mode, detail) in [
        ("other_kind", "it sent a fact of kind media.metadata v1"),
        ("other_unit", "it ended a unit that it was not asked for"),
        ("fact_of_other_unit", "it sent a fact about a unit that it was not asked for"),
        ("no_blob", "its blob nothing cannot be opened: No such file"),
        ("blob_is_link", "cannot be opened"),
        ("blob_elsewhere", "it named a blob that is no plain file"),
        ("bad_payload", "/payload/more"),
        ("no_json", "it sent a line that is not strict JSON"),
        ("unknown_field", "unknown field `trust_me`"),
        ("ready_again", "it spoke out of turn"),
    ] {
        stage.fails(mode, "bad-output", detail);
    }
    // A word that is none is not passed on; the sentence is.
    stage.fails("own_failure", "unstated", "its reason is no word");
    // The second answer comes while the next unit is asked about: that one pays, and what was said first stays.
    let status = stage.run("twice");
    let failed = stage.world.units("latest", "failed");
    assert!(!failed.is_empty(), "{status:?}");
    for unit in failed {
        assert_eq!(text(&unit["reason"]), "bad-output");
        assert_eq!(text(&unit["detail"]), "it ended a unit that it was not asked for");
    }
    stage.world.verify_clean();
}

/// VI-19: floods and hangs end at their limits. Nothing of a flood reaches a database, so one of them is enough.
#[test]
fn floods_and_hangs_end_at_their_limits() {
    let stage = Stage::new(Backend::Sqlite, "behave");
    stage.fails("endless_line", "bad-output", "it sent a line of more than 1048576 bytes");
    stage.fails("endless_facts", "bad-output", "it sent more than 10000 facts about one unit");
    stage.fails("large_facts", "bad-output", "it sent more than 16777216 bytes of facts about one unit");
    stage.fails("huge_file", "output-limit", "a file grew too large");
    stage.fails("hang", "time-limit", "it took longer than 6 s");
    let status = stage.run("endless_log");
    for unit in stage.world.units("latest", "failed") {
        // Writing without end is work, so either clock may be first. Its log is kept in part.
        assert_eq!(text(&unit["reason"]), "time-limit", "{status:?}");
        assert!(text(&unit["detail"]).contains("noise noise"), "{unit:#}");
    }
    assert_eq!((status.count("failed"), status.count("done")), (2, 4), "{status:?}");
    stage.world.verify_clean();
    // Two seconds of CPU time can take long on a loaded machine: the wall clock stands back.
    Stage::with(Backend::Sqlite, "behave", 600).fails("burn", "time-limit", "out of CPU time");
}

/// VI-19: a process that ends costs an attempt; what it started ends with it.
fn crashes_and_forks_end_as_crashes(backend: Backend) {
    let stage = Stage::new(backend, "behave");
    stage.fails("abort", "extractor-crashed", "the process ended: signal 6");
    stage.fails("exit", "extractor-crashed", "the process ended: exit code 3");
    stage.fails("fork_and_go", "extractor-crashed", "the process ended: exit code 0");
    stage.fails("close_stdout", "extractor-crashed", "the process ended");
    // What failed can be tried again, and nothing of it is doubled.
    let retried = stage.world.exhibit(&["retry", "latest"]);
    assert_eq!(retried.code, 3, "{retried:#?}");
    assert_eq!(stage.world.run_status("latest").count("done"), 4);
    stage.world.verify_clean();
}

/// AR-01, with a plug-in: it tries to change the originals and to reach evidence, host and network; all of it is refused, and the digest
/// of the tree says so (`Stage::run`).
fn ar_01_originals_and_evidence_are_out_of_reach(backend: Backend) {
    let stage = Stage::new(backend, "behave");
    stage.fails("attack_originals", "attacked", "everything was refused");
    stage.fails("attack_evidence", "attacked", "everything was refused");
    stage.world.verify_clean();
}

/// A plug-in that does not start, or not as what it was added, costs all its units and nothing else; and each says why.
#[test]
fn one_that_does_not_start_costs_its_own_units_only() {
    for (at_start, reason, detail) in [
        ("crash", "extractor-not-started", "exit code 1: Traceback"),
        ("die", "extractor-crashed", "was ended while it started: signal 9"),
        ("hang", "extractor-not-started", "it was not ready after 6 s"),
        ("leave", "extractor-not-started", "exit code 0"),
        ("close", "extractor-", "start"),
        ("unable", "extractor-unable", "the stars are not right"),
        ("newer", "extractor-not-started", "it says that it is hostile with protocol 2"),
        ("other_name", "extractor-not-started", "it says that it is media.metadata with protocol 1"),
        ("other_version", "extractor-not-started", "it says that it is version 99; version 1 was started"),
        ("more_tools", "extractor-not-started", "it gives versions of the tools [ffmpeg]; its manifest names []"),
        ("ready_and_gone", "extractor-crashed", ""),
    ] {
        let stage = Stage::new(Backend::Sqlite, at_start);
        let status = stage.run("behave");
        let failed = stage.world.units("latest", "failed");
        assert_eq!((failed.len(), status.count("done")), (3, 3), "{at_start}: {status:?} {failed:#?}");
        for unit in &failed {
            assert!(text(&unit["reason"]).starts_with(reason), "{at_start}: {unit:#}");
            assert!(text(&unit["detail"]).contains(detail), "{at_start}: {unit:#}");
        }
        stage.world.verify_clean();
    }
}

/// What a plug-in started ends with the host, also when the host is killed.
#[test]
fn nothing_of_a_hanging_plugin_outlives_its_host() {
    let stage = Stage::new(Backend::Sqlite, "behave");
    let host = stage.world.start(&["run", &stage.pipeline, "--workers", "1", "--set", "s0.mode=hang"]);
    stage.world.wait_for_run("latest", "begun", |status| status.count("leased") > 0);
    let below: Vec<Process> = loop {
        let below = crate::processes::below(host.pid());
        if below.iter().any(|process| process.command.contains("extract.py")) {
            break below;
        }
    };
    host.kill();
    wait_until_gone(&below, &stage.world.home());
}

/// The check says what a hostile plug-in does wrong, ends with 1, and leaves nothing.
#[test]
fn the_check_says_what_is_wrong() {
    let world = World::new(Backend::Sqlite);
    let stage = |mode: &str| {
        let folder = world.path().join(mode);
        std::fs::create_dir_all(folder.join("kinds")).expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
        write("plugin.toml", MANIFEST);
        write("params.json", &PARAMS.replace("behave", mode));
        write("kinds/hostile.note.v1.json", KIND);
        let chance = "fact(unit, {\"text\": \"well\"})";
        let program = if mode == "chance" {
            PROGRAM.replace(chance, &chance.replace("\"well\"", "os.urandom(9).hex()"))
        } else {
            PROGRAM.to_owned()
        };
        write(
            "extract.py",
            &program.replace("params[\"mode\"] != \"behave\"", "params[\"mode\"] not in (\"behave\", \"chance\")"),
        );
        folder.display().to_string()
    };
    for (mode, line, says) in [
        ("bad_payload", "answers", "bad-output"),
        ("abort", "answers", "extractor-crashed"),
        ("chance", "repeats", "the second time it found something else"),
    ] {
        let folder = stage(mode);
        let report = world.exhibit(&["extractors", "check", &folder]);
        assert_eq!(report.code, 1, "{report:#?}");
        let failed: Vec<&str> = report.stdout.lines().filter(|line| line.starts_with("failed")).collect();
        assert!(failed.iter().any(|failed| failed.contains(line) && failed.contains(says)), "{mode}: {report:#?}");
    }
    let added = world.exhibit(&["extractors", "add", &stage("abort")]);
    assert_eq!(added.code, 1, "{added:#?}");
    assert!(added.stderr.contains("hostile was not added: answers: "), "{added:#?}");
    assert!(!world.home().join("plugins/hostile").exists(), "nothing was installed");
    assert_eq!(left_of_trials(&world), 0, "nothing is left of the trials");
}
