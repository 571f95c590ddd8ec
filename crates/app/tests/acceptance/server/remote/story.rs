//! A whole story on a server, from a machine that has no home.

use rustix::process::Signal;
use serde_json::Value;

use super::Far;
use crate::server::Served;
use crate::world::{Backend, PATIENCE, RunStatus, Running, World, items, text};

both_backends! {
    a_story_is_told_on_the_server_alone,
    ctrl_c_leaves_the_run_to_the_server,
    a_run_is_watched_across_a_new_start_of_its_server,
}

impl Far {
    /// A server that may take in the archive of its world.
    fn with_files(backend: Backend, files: usize) -> Self {
        let mut world = World::new(backend);
        world.write_small_files(files);
        let allowed = format!("[{:?}]", world.path().display().to_string());
        world.set("EXHIBIT_SERVER__SOURCES_ALLOWED", &allowed);
        Self::new(world)
    }

    /// A command that runs while others are started.
    fn start(&self, arguments: &[&str]) -> Running {
        self.world.start(&[arguments, &["--server", &self.url()]].concat())
    }

    /// Looks at a run until it is as it should be.
    #[track_caller]
    fn until(&self, run: &str, wanted: impl Fn(&RunStatus) -> bool) -> RunStatus {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let output = self.exhibit(&["run", "show", run, "--json"]);
            let status = (output.code == 0).then(|| RunStatus::new(&output.json()));
            if let Some(status) = status.as_ref().filter(|status| wanted(status)) {
                return status.clone();
            }
            assert!(std::time::Instant::now() < deadline, "{status:?}");
        }
    }
}

const SLOW: [&str; 4] = ["run", "noop", "--set", "noop.sleep_ms=40"];

fn a_story_is_told_on_the_server_alone(backend: Backend) {
    let far = Far::with_files(backend, 60);
    let archive = far.world.archive().display().to_string();
    let scanned = far.json(&["scan", &archive, "--name", "photos"]);
    assert_eq!(
        (&scanned["files"], &scanned["new_assets"], &scanned["name"]),
        (&60.into(), &60.into(), &"photos".into())
    );
    for (again, read) in [
        (&["scan", "photos"] as &[&str], 0),
        (&["scan", &archive], 0),
        (&["scan", &format!("{archive}/"), "--verify"], 60),
    ] {
        let scanned = far.json(again);
        assert_eq!((&scanned["files"], &scanned["files_read"]), (&60.into(), &read.into()), "{again:?}: {scanned}");
    }
    let run = far.json(&["run", "noop", "--set", "noop.fail_every=4"]);
    assert_eq!(run["state"], "partial", "{run}");
    let failed = RunStatus::new(&run).count("failed");
    let id = text(&run["run"]);
    let unit = text(&items(far.json(&["run", "show", &id, "--units", "failed"]))[0]["ordinal"].to_string().into());
    let one = far.exhibit(&["retry", &id, "--unit", &unit]);
    assert_eq!(one.code, 3, "{one:?}");
    let all = far.exhibit(&["retry", &id, "--json"]);
    assert_eq!((all.code, RunStatus::new(&all.json()).count("failed")), (3, failed), "{all:?}");
    let artifact = text(&items(far.json(&["run", "show", &id, "--artifacts", "any"]))[0]["artifact_id"]);
    let explained = far.exhibit(&["explain", &artifact]);
    assert!(explained.code == 0 && explained.stdout.contains("proof       holds"), "{explained:?}");
    let trial = text(&far.json(&["run", "noop", "--policy", "sandbox", "--filter", "sample 9", "--recompute"])["run"]);
    let compared = far.json(&["compare", &id, &trial]);
    assert_eq!(compared["more_reliable"]["run"], trial.as_str(), "{compared}");
    let promoted = far.json(&["promote", &trial]);
    assert!(promoted["seq"].as_i64() > Some(0) && promoted["promoted"] == true, "{promoted}");
    assert_eq!(promoted.as_object().map(serde_json::Map::len), Some(3), "no more than on the home: {promoted}");
    far.world.verify_clean();
}

/// The looking ends, the run does not; it is paused, cancelled, followed and gone on with from elsewhere.
fn ctrl_c_leaves_the_run_to_the_server(backend: Backend) {
    let far = Far::with_files(backend, 120);
    far.json(&["scan", &far.world.archive().display().to_string()]);
    let looking = far.start(&SLOW);
    let run = far.until("latest", |status| status.count("done") > 0).run;
    looking.signal(Signal::INT);
    let left = looking.wait();
    assert!(left.code == 3 && left.stderr.contains("the run goes on at the server"), "{left:?}");
    assert!(left.stderr.contains(&format!("cancel {run}")), "{left:?}");
    let paused: Value = far.json(&["pause", &run]);
    assert_eq!((&paused["run"], &paused["state"]), (&run.as_str().into(), &"pausing".into()));
    let paused = far.until(&run, |status| status.state == "paused");
    let going_on = far.start(&["resume", &run]);
    far.until(&run, |status| status.count("done") > paused.count("done"));
    let watching = far.start(&["watch", &run]);
    let stopped = far.json(&["cancel", &run]);
    assert_eq!(stopped["state"], "cancelling");
    let (resumed, watched) = (going_on.wait(), watching.wait());
    assert_eq!((resumed.code, watched.code), (3, 3), "{resumed:?} {watched:?}");
    assert!(watched.stdout.contains("cancelled"), "{watched:?}");
    let end = far.json(&["resume", &run]);
    assert_eq!((&end["state"], &end["units"]["done"]), (&"completed".into(), &120.into()), "{end}");
    assert_eq!(end, far.world.json(&["run", "show", &run]));
}

/// Who watches does not care that the server was away for a moment.
fn a_run_is_watched_across_a_new_start_of_its_server(backend: Backend) {
    let far = Far::with_files(backend, 100);
    far.json(&["scan", &far.world.archive().display().to_string()]);
    let looking = far.start(&SLOW);
    far.until("latest", |status| status.count("done") > 0);
    let Far { world, served: Served { running, host, .. } } = far;
    running.kill();
    let mut running = world.start(&["serve", "--listen", &host, "--json"]);
    running.line().expect("the server says where it is");
    let end = looking.wait();
    assert_eq!(end.code, 0, "{end:?}");
    assert!(end.stdout.contains("completed"), "{end:?}");
}
