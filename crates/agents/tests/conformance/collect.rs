//! Collectors: files into rows, however often and in what pieces they are read, and the end of sessions that fell silent.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use exhibit_agents::collect::close::Close;
use exhibit_agents::collect::discover::Folders;
use exhibit_agents::collect::idle::IDLE_US;
use exhibit_agents::collect::otlp::{Encoding, Signal, receive};
use exhibit_agents::collect::report::{Report, collectors};
use exhibit_agents::collect::runner::{Runner, collect_once};
use exhibit_agents::collect::submit::{Collector, Outcome, Step, prepare, record};
use exhibit_agents::sql::usage::{self, BucketSums, UsageRow};
use exhibit_agents::sql::{aggregates, calls, events, sessions};
use exhibit_agents::state::SessionState;
use exhibit_model::time::{Clock as _, Timestamp};
use exhibit_store::projection::rebuild;
use exhibit_store::sql::ledger::count_records;
use exhibit_store::{Append, Backend};
use tempfile::TempDir;

use crate::world::{NOW, World, block_on, session, with};

both!(
    ag_39_all_formats_come_to_the_truth_and_only_once,
    ag_39_a_file_that_grows_over_restarts_comes_to_the_same,
    ag_39_a_file_that_was_put_aside_is_not_read_again,
    ag_39_two_that_read_one_file_count_it_once,
    ag_40_a_call_in_two_feeds_is_one_call,
    it_reads_over_and_over_until_it_is_stopped,
    what_falls_silent_is_closed_and_speaks_again,
    a_close_that_came_too_late_changes_nothing,
    a_client_tells_the_end_of_a_session_that_fell_silent,
);

const FIRST: &str = "6f1c1f0e-0000-4000-8000-000000000001";
const SECOND: &str = "6f1c1f0e-0000-4000-8000-000000000002";
const CODEX: &str = "019b7c5d-1c88-7000-8000-00000000000a";
const FORK: &str = "019b7cdc-be00-7000-8000-000000000011";
const OPENCLAW: &str = "0c000000-0000-4000-8000-000000000001";
const ROLLOUT: &str = "rollout-2026-01-02T03-04-05-019b7c5d-1c88-7000-8000-00000000000a.jsonl";
const FORKED: &str = "rollout-2026-01-02T04-00-00-019b7cdc-be00-7000-8000-000000000011.jsonl";

/// What the samples say, added up by hand: call by call, each once.
fn truth() -> Vec<(&'static str, i64, BucketSums)> {
    let none = BucketSums::default();
    vec![
        // Three calls; the one that both sessions tell of is that of the first.
        (
            FIRST,
            3,
            BucketSums {
                input_uncached: 12,
                cache_read: 2_000,
                cache_write_5m: 200,
                cache_write_1h: 300,
                output: 167,
                web_search_requests: 2,
                ..none
            },
        ),
        (SECOND, 1, BucketSums { input_uncached: 4, cache_read: 1_000, cache_write_5m: 200, output: 55, ..none }),
        (CODEX, 5, BucketSums { input_uncached: 610, cache_read: 2_000, output: 107, reasoning: 35, ..none }),
        (FORK, 1, BucketSums { input_uncached: 100, cache_read: 500, output: 8, reasoning: 2, ..none }),
        (OPENCLAW, 4, BucketSums { input_uncached: 73, cache_read: 900, cache_write: 120, output: 75, ..none }),
    ]
}

/// The home of a person who works with agents.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn folders(&self) -> Folders {
        Folders::usual(self.0.path(), None, None)
    }

    fn path(&self, below: &str) -> PathBuf {
        let path = self.0.path().join(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        path
    }

    fn appends(&self, below: &str, bytes: &[u8]) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(below)).expect("open");
        file.write_all(bytes).expect("written");
    }

    fn with_all_samples(self) -> Self {
        for (below, bytes) in files() {
            self.appends(&below, &bytes);
        }
        self
    }
}

const CLAUDE: &str = ".claude/projects/p/session.jsonl";

fn files() -> Vec<(String, Vec<u8>)> {
    vec![
        (CLAUDE.to_owned(), sample("claude/session.jsonl")),
        (format!(".codex/sessions/2026/01/02/{ROLLOUT}"), sample(&format!("codex/{ROLLOUT}"))),
        (format!(".codex/archived_sessions/{FORKED}"), sample(&format!("codex/{FORKED}"))),
        (format!(".openclaw/agents/main/sessions/{OPENCLAW}.jsonl"), sample(&format!("openclaw/{OPENCLAW}.jsonl"))),
    ]
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/collect").join(name)).expect("a sample")
}

fn collects(world: &World, home: &Home) -> Report {
    collect_once(&world.store, home.folders()).expect("a round")
}

fn row(world: &World, id: &'static str) -> sessions::SessionRow {
    world.read(move |read| Ok(sessions::rows(read, &[id])?.remove(id))).expect("a session")
}

fn usage_of(world: &World, id: &'static str) -> UsageRow {
    let key = row(world, id).standing.session_key;
    world.read(move |read| Ok(usage::by_keys(read, &[key])?.remove(&key))).expect("usage")
}

fn assert_truth(world: &World) {
    for (id, count, buckets) in truth() {
        let usage = usage_of(world, id);
        assert_eq!((usage.call_count, usage.buckets), (count, buckets), "{id}");
    }
}

/// Everything that is shown, to be compared.
fn shown(world: &World) -> String {
    let rows: Vec<_> = truth()
        .into_iter()
        .map(|(id, ..)| {
            let row = row(world, id);
            let key = row.standing.session_key;
            let events = world.read(move |read| events::of_session(read, key, (i64::MIN, ""), 1_000));
            let calls = world.read(move |read| calls::by_sessions(read, &[key]));
            (row, usage_of(world, id), events, calls)
        })
        .collect();
    format!("{rows:#?} {:#?}", world.read(aggregates::every))
}

/// Long after the samples.
fn later(world: &World) {
    world.clock.advance_micros(1_767_400_000_000_000 - NOW);
}

fn ag_39_all_formats_come_to_the_truth_and_only_once(backend: Backend) {
    let (mut world, home) = (World::new(backend), Home::new().with_all_samples());
    let report = collects(&world, &home);
    let total = report.total();
    assert_eq!((total.files, total.changed, total.unreadable, total.refused), (4, 4, 0, 0), "{report:?}");
    assert_eq!(total.lines, 51, "{report:?}");
    assert!(total.bad_lines >= 1);
    assert_truth(&world);
    let (before, records) = (shown(&world), world.read(count_records));
    // Neither the same program nor a new one reads anything twice.
    for _ in 0..2 {
        let again = collects(&world, &home).total();
        assert_eq!((again.files, again.changed, again.lines, again.documents), (4, 0, 0, 0));
        world.store = world.open_again();
    }
    assert_eq!((shown(&world), world.read(count_records)), (before.clone(), records));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(shown(&world), before);
    let told = world.read(collectors);
    let codex = told.iter().find(|told| told.collector == "codex_jsonl").expect("told");
    assert_eq!((codex.files, codex.records, codex.documents > 0), (Some(2), 25, true));
    let claude = told.iter().find(|told| told.collector == "claude_jsonl").expect("told");
    assert!(claude.bad_records == 1 && claude.problem.as_ref().is_some_and(|problem| problem.contains(CLAUDE)));
}

fn ag_39_a_file_that_grows_over_restarts_comes_to_the_same(backend: Backend) {
    let (mut world, home) = (World::new(backend), Home::new());
    let mut runner = Runner::new(world.store.clone(), home.folders());
    let mut lines = 0;
    for part in 0..6 {
        for (below, bytes) in files() {
            let cut = |part: usize| bytes.len() * part / 6;
            home.appends(&below, &bytes[cut(part)..cut(part + 1)]);
        }
        // Every other time it is another program that goes on: half lines wait, and nothing is read twice.
        if part % 2 == 1 {
            world.store = world.open_again();
            runner = Runner::new(world.store.clone(), home.folders());
        }
        lines += runner.round(&|| false).expect("a round").total().lines;
    }
    assert_eq!(lines, 51);
    assert_truth(&world);
    let before = shown(&world);
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(shown(&world), before);
}

fn ag_39_a_file_that_was_put_aside_is_not_read_again(backend: Backend) {
    let (world, home) = (World::new(backend), Home::new().with_all_samples());
    collects(&world, &home);
    let file = home.path(&format!(".openclaw/agents/main/sessions/{OPENCLAW}.jsonl"));
    // One more line that nobody has read yet, then the session is reset: the file is put aside, and another one takes its name.
    let line = |id: &str| {
        format!(
            r#"{{"type":"message","id":"{id}","timestamp":"2026-01-02T05:00:00.000Z","message":{{"role":"assistant","model":"m","provider":"p","usage":{{"input":1,"output":2,"cacheRead":0,"cacheWrite":0}}}}}}"#
        ) + "\n"
    };
    home.appends(&format!(".openclaw/agents/main/sessions/{OPENCLAW}.jsonl"), line("late").as_bytes());
    fs::rename(&file, file.with_extension("jsonl.reset.1")).expect("renamed");
    fs::write(&file, line("new")).expect("written");
    // The session of Codex is archived.
    fs::rename(
        home.path(&format!(".codex/sessions/2026/01/02/{ROLLOUT}")),
        home.path(&format!(".codex/archived_sessions/{ROLLOUT}")),
    )
    .expect("renamed");
    let report = collects(&world, &home).total();
    assert_eq!((report.lines, report.bad_lines, report.documents), (2, 0, 2), "{report:?}");
    let usage = usage_of(&world, OPENCLAW);
    assert_eq!((usage.call_count, usage.buckets.output), (6, 79));
    assert_eq!(usage_of(&world, CODEX).call_count, 5);
}

fn ag_39_two_that_read_one_file_count_it_once(backend: Backend) {
    let (world, home) = (World::new(backend), Home::new());
    let mut one = Runner::new(world.store.clone(), home.folders());
    let mut other = Runner::new(world.store.clone(), home.folders());
    for runner in [&mut one, &mut other] {
        runner.round(&|| false).expect("a round");
    }
    let home = home.with_all_samples();
    assert_eq!(one.round(&|| false).expect("a round").total().lines, 51);
    let records = world.read(count_records);
    let late = other.round(&|| false).expect("a round").total();
    assert_eq!((late.contended, late.lines, late.documents), (4, 0, 0), "{late:?}");
    assert_eq!(world.read(count_records), records, "what was not counted is not recorded");
    assert_truth(&world);
    // It goes on where the other one is.
    home.appends(CLAUDE, again(SECOND).as_bytes());
    assert_eq!(other.round(&|| false).expect("a round").total().lines, 1);
    let stopped = other.round(&|| true).expect("a round");
    assert!(stopped.is_cut && stopped.feeds.is_empty());
}

fn it_reads_over_and_over_until_it_is_stopped(backend: Backend) {
    let (world, home) = (World::new(backend), Home::new().with_all_samples());
    let (stop, stopped) = channel();
    let (mut stop, mut lines) = (Some(stop), Vec::new());
    let runner = Runner::new(world.store.clone(), home.folders());
    runner.run(Duration::ZERO, &stopped, &mut |report| {
        lines.push(report.expect("a round").total().lines);
        if lines.len() == 1 {
            home.appends(CLAUDE, again(SECOND).as_bytes());
        } else {
            stop = None;
        }
    });
    assert!(stop.is_none());
    assert_eq!(lines, [51, 1]);
    // A word to stop that comes within a round ends it, and is not forgotten after it.
    let (stop, stopped) = channel();
    stop.send(()).expect("heard");
    let mut rounds = Vec::new();
    let runner = Runner::new(world.store.clone(), home.folders());
    runner.run(Duration::from_secs(3_600), &stopped, &mut |report| rounds.push(report.expect("a round").is_cut));
    assert_eq!(rounds, [true]);
}

fn ag_40_a_call_in_two_feeds_is_one_call(backend: Backend) {
    let (world, home) = (World::new(backend), Home::new().with_all_samples());
    collects(&world, &home);
    let logs = receive(Signal::Logs, Encoding::Json, &sample("otlp/logs.json")).expect("a request");
    for _ in 0..2 {
        let prepared = prepare(&world.store.gate(), &logs.documents).expect("records");
        let step = Step {
            collector: Collector::OtlpLogs,
            records: logs.accepted,
            bad_records: 0,
            problem: None,
            at: world.clock.now(),
        };
        assert_eq!(block_on(record(&world.store, prepared, step, None)).expect("recorded"), Outcome::Recorded);
    }
    // The log knows two calls of the session: one that the file has told, and one that it has not.
    assert_eq!(usage_of(&world, FIRST).call_count, 4);
    let before = shown(&world);
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(shown(&world), before);
}

/// A line that goes on with a session.
fn again(session: &str) -> String {
    format!(
        r#"{{"type":"user","isSidechain":false,"sessionId":"{session}","version":"2.0.14","uuid":"u-99","timestamp":"2026-01-03T00:00:00.000Z","message":{{"role":"user","content":"And now?"}}}}"#
    ) + "\n"
}

fn what_falls_silent_is_closed_and_speaks_again(backend: Backend) {
    let (world, home) = (World::new(backend), Home::new().with_all_samples());
    world.takes(&session("of-a-client", "running"));
    assert_eq!(collects(&world, &home).closed, 0, "the samples are from a time to come");
    later(&world);
    assert_eq!(collects(&world, &home).closed, 5);
    assert_eq!(collects(&world, &home).closed, 0);
    for (id, state) in [(FIRST, SessionState::Failed), (SECOND, SessionState::Success), (CODEX, SessionState::Success)]
    {
        let row = row(&world, id);
        assert_eq!(row.standing.state, state, "{id}: failed when the last that was heard of it is an error");
        assert!(row.end_inferred && row.ended_at == Some(row.last_activity_at));
        assert_eq!(row.runtime_ms, (row.last_activity_at.0 - row.started_at.0) / 1_000);
        assert_eq!(usage_of(&world, id).runtime_ms, row.runtime_ms);
    }
    assert_eq!(
        row(&world, "of-a-client").standing.state,
        SessionState::Running,
        "clients say themselves when it is over"
    );
    assert_truth(&world);
    let before = shown(&world);
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(shown(&world), before);
    // It goes on, and falls silent once more.
    let revision = row(&world, SECOND).standing.revision;
    home.appends(CLAUDE, again(SECOND).as_bytes());
    let mut runner = Runner::new(world.store.clone(), home.folders());
    let report = runner.round(&|| false).expect("a round");
    assert_eq!((report.total().lines, report.closed), (1, 0));
    let open = row(&world, SECOND);
    assert_eq!((open.standing.state, open.ended_at, open.end_inferred), (SessionState::Running, None, false));
    assert_eq!(open.standing.revision, revision + 1);
    let silent_us = world.clock.now().0 - open.last_activity_at.0;
    world.clock.advance_micros(IDLE_US - silent_us - 1);
    assert_eq!(runner.round(&|| false).expect("a round").closed, 0, "not yet");
    world.clock.advance_micros(1);
    assert_eq!(runner.round(&|| false).expect("a round").closed, 1);
    let before = shown(&world);
    assert_eq!(row(&world, SECOND).ended_at, Some(Timestamp(1_767_398_400_000_000)));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(shown(&world), before);
}

fn a_close_that_came_too_late_changes_nothing(backend: Backend) {
    let (world, home) = (World::new(backend), Home::new().with_all_samples());
    collects(&world, &home);
    let silent = row(&world, SECOND);
    home.appends(CLAUDE, again(SECOND).as_bytes());
    collects(&world, &home);
    let before = shown(&world);
    let close = Close {
        session_id: SECOND.to_owned(),
        revision: silent.standing.revision,
        last_activity_at: silent.last_activity_at,
        state: SessionState::Success,
    };
    for is_replay in [false, true] {
        let candidate = world.store.gate().check(close.draft()).expect("a record");
        let keys = vec![close.admission_key()];
        let receipts = block_on(world.store.append(Append { candidates: vec![candidate], effect: None, keys }));
        assert_eq!(receipts.expect("taken in")[0].replay, is_replay);
    }
    assert_eq!(shown(&world), before);
}

fn a_client_tells_the_end_of_a_session_that_fell_silent(backend: Backend) {
    let (world, home) = (World::new(backend), Home::new().with_all_samples());
    later(&world);
    collects(&world, &home);
    assert!(row(&world, SECOND).end_inferred);
    let answer = world.takes(&with(session(SECOND, "killed"), "endedAt", "2026-01-02T03:10:00Z"));
    assert!(!answer.stale);
    let row = row(&world, SECOND);
    assert_eq!((row.standing.state, row.end_inferred), (SessionState::Killed, false));
}
