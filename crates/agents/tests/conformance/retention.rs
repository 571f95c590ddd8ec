//! What goes when its time is over: bodies and rows go, the sums stay, a rebuild comes to them again, and the ledger verifies.

use std::collections::BTreeMap;

use exhibit_agents::aggregates::{Basis, DAY, HOUR, Sum, Sums};
use exhibit_agents::alerts::Zone;
use exhibit_agents::analytics::{Reach, by_day};
use exhibit_agents::parity;
use exhibit_agents::record::{CONFLICT, SESSION};
use exhibit_agents::retention::{self, Report, Rules, Seal};
use exhibit_agents::sql::analytics::{By, Cuts};
use exhibit_agents::sql::sessions;
use exhibit_model::time::Timestamp;
use exhibit_store::ledger::verify::verify_ledger;
use exhibit_store::projection::{rebuild, verify};
use exhibit_store::retention::{Going, let_go};
use exhibit_store::{Backend, GateError, Sql};
use serde_json::json;

use crate::aggregates::{arrive, kept, rows};
use crate::traffic::{Traffic, week};
use crate::truth::price_files;
use crate::world::{World, block_on, keyed, session, with, with_calls};

both!(
    totals_by_day_stay_when_sessions_go_and_come_again_in_a_rebuild,
    what_is_said_later_of_what_went_counts_for_nothing,
    sessions_that_changed_meanwhile_do_not_go,
    hours_and_days_go_below_a_floor,
    evidence_of_conflicts_goes_with_its_session,
    a_session_whose_word_counts_for_another_stays_as_long_as_that_one,
);

/// Monday, 2 March 2026, when the traffic begins.
const MONDAY: i64 = 1_772_409_600_000_000;

const DAY_US: i64 = DAY * 1_000_000;

const BODIES: Rules = Rules { bodies_days: Some(90), hours_days: None, days_days: None };

/// A store with a week of traffic, some days of which are 90 days old.
fn old_world(backend: Backend, seed: u64, sessions: usize) -> (World, Traffic) {
    let world = World::new(backend);
    for list in price_files() {
        world.has_prices(&list);
    }
    let traffic = week(seed, sessions);
    arrive(&world, &traffic.arrivals);
    becomes(&world, MONDAY + 4 * DAY_US + 90 * DAY_US);
    (world, traffic)
}

fn becomes(world: &World, at: i64) {
    let now = exhibit_model::time::Clock::now(&*world.clock).0;
    world.clock.advance_micros(at - now);
}

fn plan(world: &World, rules: Rules) -> Report {
    block_on(retention::plan(&world.store, rules)).expect("a plan")
}

fn run(world: &World, rules: Rules) -> Report {
    block_on(retention::run(&world.store, rules, &mut |_| {})).expect("a run")
}

/// The rows of sessions by their ids, without the keys of the database, which a rebuild may give to others.
fn by_id(world: &World) -> BTreeMap<String, String> {
    let rows = rows(world).into_iter().map(|(mut row, mut usage, mut calls)| {
        (row.standing.session_key, usage.session_key) = (0, 0);
        // One that lost a call to a session that went is reckoned when its own document came, and no second time.
        usage.computed_at = Timestamp(0);
        // Nor does a rebuild know how often a word changed that another session had a part in, once that went.
        calls.iter_mut().for_each(|call| (call.call_key, call.session_key, call.revision) = (0, 0, 0));
        calls.sort_by(|one, other| one.dedupe_key.cmp(&other.dedupe_key));
        (row.standing.session_id.clone(), format!("{row:?} {usage:?} {calls:?}"))
    });
    rows.collect()
}

fn verifies(world: &World) {
    let kinds = std::sync::Arc::clone(world.store.kinds());
    let report = world.read(move |read| verify_ledger(read, &kinds, &mut |_, _| Ok(())));
    assert_eq!(report.problems, []);
    for table in block_on(verify(&world.store)).expect("a check") {
        assert_eq!(table.differing, 0, "{}", table.table);
    }
}

fn count(world: &World, text: &'static str) -> i64 {
    world.read(move |read| read.one::<(i64,)>(&Sql::same(text, text), &[])).map_or(0, |row| row.0)
}

/// FR-DS-05: before, after a dry run, after the pruning, after a rebuild of the tables and after a recount of the sums: the same sums by hour and
/// day, for every agent, model and category, histograms included.
fn totals_by_day_stay_when_sessions_go_and_come_again_in_a_rebuild(backend: Backend) {
    for seed in 7..if backend == Backend::Sqlite { 11 } else { 9 } {
        let (world, traffic) = old_world(backend, seed, 250);
        let (sums, standing) = (kept(&world), by_id(&world));
        let bodies = "select count(*) from records where body is null";
        let planned = plan(&world, BODIES);
        assert!(kept(&world) == sums && by_id(&world) == standing && count(&world, bodies) == 0, "a dry run");
        let done = run(&world, BODIES);
        assert_eq!(planned, done, "seed {seed}: it says exactly what goes");
        assert!(done.sessions > 50 && done.calls > 50 && done.bytes > 10_000, "{done:?}");
        assert_eq!(count(&world, bodies), i64::try_from(done.records).expect("a count"));
        assert!(kept(&world) == sums, "seed {seed}: {:?}", world.read(parity::check));
        assert!(world.read(parity::check).holds());
        let left = by_id(&world);
        assert_eq!(left.len() as u64 + done.sessions, traffic.sessions.len() as u64);
        assert!(left.iter().all(|(id, row)| standing.get(id) == Some(row)), "what stays is as it was");
        assert!(count(&world, "select count(*) from daily_usage_agg where sealed = 1") > 0);
        verifies(&world);
        block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
        assert!(kept(&world) == sums, "seed {seed}: a rebuild: {:?}", world.read(parity::check));
        for (id, row) in by_id(&world) {
            assert_eq!(Some(&row), left.get(&id), "seed {seed}: a rebuild");
        }
        block_on(parity::rebuild(&world.store)).expect("a recount");
        assert!(kept(&world) == sums, "seed {seed}: a recount");
        let again = run(&world, BODIES);
        assert_eq!((again.sessions, again.records), (0, 0), "nothing else is old");
        becomes(&world, MONDAY + 30 * DAY_US + 90 * DAY_US);
        run(&world, BODIES);
        block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
        assert!(kept(&world) == sums, "seed {seed}: all that ended went");
        verifies(&world);
    }
}

fn called(id: &str, started: &str, call: &str) -> serde_json::Value {
    let calls = json!([{"callId": "c", "startedAt": started, "status": "success", "provider": "anthropic", "responseId": call,
        "billedCostUsd": 1, "usage": {"inputUncached": 10, "output": 5}}]);
    with_calls(id, &json!({"state": "done", "endedAt": started, "startedAt": started}), &calls)
}

fn what_is_said_later_of_what_went_counts_for_nothing(backend: Backend) {
    let world = World::new(backend);
    let old = called("old", "2026-01-02T03:04:05Z", "one");
    world.takes(&old);
    world.takes(&keyed(session("old", "done"), "own"));
    world.takes(&session("live", "running"));
    becomes(&world, MONDAY + 60 * DAY_US);
    assert_eq!(run(&world, BODIES).sessions, 1, "one that goes on never goes");
    let sums = kept(&world);
    let replay = world.takes(&old);
    assert!(replay.idempotent_replay && replay.revision == 1, "{replay:?}");
    for later in [
        with(session("old", "failed"), "title", "told anew"),
        session("old", "running"),
        keyed(session("old", "done"), "another"),
    ] {
        let taken = world.takes(&later);
        assert!(taken.stale && !taken.idempotent_replay, "{taken:?}");
    }
    assert_eq!(world.refuses(&keyed(session("old", "failed"), "own")).0, 409, "a key is never forgotten");
    let collected = world.collects("claude_jsonl", &called("old", "2026-01-02T03:04:05Z", "two"));
    assert!(collected.stale);
    assert!(kept(&world) == sums);
    // A call that went is told again by another session: that session counts, the call does not.
    world.collects("otlp_span", &called("new", "2026-05-02T03:04:05Z", "one"));
    let cost = |sums: &exhibit_agents::aggregates::Contributions| -> i64 {
        let days = sums.usage.iter().filter(|(cut, _)| (cut.grain, cut.basis) == (DAY, Basis::CallTime));
        days.map(|(_, sums)| sums.get(Sum::CostNano)).sum()
    };
    assert_eq!(cost(&kept(&world)), cost(&sums));
    let sums = kept(&world);
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert!(kept(&world) == sums && world.read(parity::check).holds());
    assert_eq!(by_id(&world).into_keys().collect::<Vec<_>>(), ["live", "new"]);
    let restarted = world.open_again();
    let told = block_on(restarted.read(|read| Ok(retention::gone(read, &["old", "new"])?.len()))).expect("readable");
    assert_eq!(told, 1, "known after a restart");
    verifies(&world);
}

fn sessions_that_changed_meanwhile_do_not_go(backend: Backend) {
    let world = World::new(backend);
    world.takes(&called("s", "2026-01-02T03:04:05Z", "one"));
    let seal = world.read(|read| Seal::of(read, &sessions::rows(read, &["s"])?.into_values().collect::<Vec<_>>()));
    world.takes(&keyed(with(session("s", "failed"), "billedCostUsd", 3), "correction"));
    let (sums, standing) = (kept(&world), by_id(&world));
    let places = count(&world, "select min(ledger_seq) from ingest_keys");
    let candidate = world.store.gate().check(seal.draft().expect("a record")).expect("a seal");
    let going = Going {
        room: "agents",
        kinds: vec![SESSION, CONFLICT],
        places: [places].into(),
        instead: vec![candidate],
        keys: Vec::new(),
    };
    let refused = block_on(let_go(&world.store, going)).expect_err("refused");
    assert!(matches!(&refused, GateError::Store(_)), "{refused}");
    assert!(kept(&world) == sums && by_id(&world) == standing);
    assert_eq!(count(&world, "select count(*) from records where body is null"), 0);
    assert_eq!(count(&world, "select count(*) from agent_sealed"), 0);
    // What is no record of the room does not go either.
    let nothing =
        Going { room: "archive", kinds: vec![SESSION], places: [places].into(), instead: vec![], keys: vec![] };
    assert!(block_on(let_go(&world.store, nothing)).is_err());
    verifies(&world);
}

fn evidence_of_conflicts_goes_with_its_session(backend: Backend) {
    let world = World::new(backend);
    world.takes(&called("s", "2026-01-02T03:04:05Z", "one"));
    world.refuses(&session("s", "failed"));
    becomes(&world, MONDAY + 60 * DAY_US);
    let report = run(&world, BODIES);
    assert_eq!((report.sessions, report.records), (1, 2), "the document and the refused one");
    assert_eq!(count(&world, "select count(*) from proj_agents__conflict_v1"), 0);
    verifies(&world);
}

/// The call belongs to the one that began it, and what the other says of it counts: without the other's record a rebuild would count less.
fn a_session_whose_word_counts_for_another_stays_as_long_as_that_one(backend: Backend) {
    let world = World::new(backend);
    let said = |id: &str, state: &str, started: &str, output: i64| {
        let calls = json!([{"callId": "c", "startedAt": started, "status": "success", "provider": "p", "responseId": "r",
            "usage": {"inputUncached": 10, "output": output}}]);
        with_calls(id, &json!({"state": state, "startedAt": "2026-01-02T03:04:00Z"}), &calls)
    };
    world.collects("otlp_span", &said("owner", "running", "2026-01-02T03:04:05Z", 5));
    world.takes(&said("teller", "done", "2026-01-02T03:04:06Z", 50));
    let output = |world: &World| -> i64 {
        let days = kept(world);
        let days = days.usage.iter().filter(|(cut, _)| (cut.grain, cut.basis) == (DAY, Basis::CallTime));
        days.map(|(_, sums)| sums.get(Sum::Output)).sum()
    };
    assert_eq!(output(&world), 50);
    becomes(&world, MONDAY + 60 * DAY_US);
    let planned = plan(&world, BODIES);
    let done = run(&world, BODIES);
    assert!(planned == done && (done.sessions, done.shared) == (0, 1), "{done:?}");
    world.collects("otlp_span", &said("owner", "done", "2026-01-02T03:04:05Z", 5));
    becomes(&world, MONDAY + 300 * DAY_US);
    let sums = kept(&world);
    for (sessions, shared) in [(1, 1), (1, 0), (0, 0)] {
        let done = run(&world, BODIES);
        assert_eq!((done.sessions, done.shared), (sessions, shared), "first the owner, then who told of its call");
        block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
        assert!(kept(&world) == sums && world.read(parity::check).holds());
    }
    assert_eq!(output(&world), 50);
    verifies(&world);
}

/// Sums of all days in a zone.
fn total(world: &World, zone: &str) -> Sums {
    let zone = Zone::parse(zone).expect("a zone");
    world.read(move |read| {
        let mut total = Sums::default();
        for basis in [Basis::SessionStart, Basis::CallTime] {
            let series = by_day(read, basis, Reach::default(), &zone, &Cuts::default(), By::Agent)?;
            series.values().for_each(|sums| total.merge(sums, 1));
        }
        Ok(total)
    })
}

fn hours_and_days_go_below_a_floor(backend: Backend) {
    let (world, _) = old_world(backend, 5, 120);
    let zones = ["UTC", "Asia/Kolkata", "America/New_York"];
    let totals = zones.map(|zone| total(&world, zone));
    let by_hours = |from: i64| {
        let (first, before) = (Some(Timestamp(from)), Some(Timestamp(MONDAY + 6 * DAY_US)));
        world.read(move |read| {
            let span = Reach { from: first, before };
            let series = by_day(read, Basis::SessionStart, span, &Zone::default(), &Cuts::default(), By::Nothing)?;
            Ok(series.values().map(|sums| sums.get(Sum::Runs)).sum::<i64>())
        })
    };
    let runs = by_hours(MONDAY + 2 * DAY_US);
    let rules = Rules { bodies_days: Some(100), hours_days: Some(90), days_days: None };
    let planned = plan(&world, rules);
    let done = run(&world, rules);
    assert!(planned == done && done.hours > 10 && done.days == 0 && done.sessions == 0, "{done:?}");
    let hours = "select count(*) from daily_usage_agg where grain = 3600 and bucket_at < 1772755200000000";
    assert_eq!(count(&world, hours), 0);
    assert_eq!(zones.map(|zone| total(&world, zone)), totals, "by days of UTC where no hours are left");
    assert_eq!(by_hours(MONDAY + 2 * DAY_US), runs);
    // Sessions go, too, and a zone whose midnight cuts an hour in two still adds up.
    run(&world, BODIES);
    assert_eq!(zones.map(|zone| total(&world, zone)), totals);
    let sums = kept(&world);
    assert!(world.read(parity::check).holds());
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert!(kept(&world) == sums && count(&world, hours) == 0, "what went does not come again");
    block_on(parity::rebuild(&world.store)).expect("a recount");
    assert!(kept(&world) == sums);
    world.takes(&with(session("late", "done"), "startedAt", "2026-03-02T03:04:05Z"));
    assert!(count(&world, hours) == 0 && world.read(parity::check).holds(), "nothing is counted below a floor");
    becomes(&world, MONDAY + 500 * DAY_US);
    let rules = Rules { bodies_days: None, hours_days: Some(365), days_days: Some(365) };
    let done = run(&world, rules);
    assert!(done.days > 0 && kept(&world).usage.is_empty());
    assert_eq!((HOUR, count(&world, "select count(*) from agent_floors")), (3_600, 2));
    verifies(&world);
}

#[test]
fn times_that_are_too_short_are_refused() {
    for (rules, told) in [
        (Rules { bodies_days: Some(89), ..Rules::default() }, "bodies_days: 89 days is not between 90 and 36500"),
        (Rules { hours_days: Some(0), ..Rules::default() }, "hours_days: 0 days is not between 90 and 36500"),
        (Rules { days_days: Some(364), ..Rules::default() }, "days_days: 364 days is not between 365 and 36500"),
        (Rules { days_days: Some(36_501), ..Rules::default() }, "days_days: 36501 days is not between 365 and 36500"),
        (
            Rules { hours_days: Some(400), days_days: Some(365), ..Rules::default() },
            "hours_days: sums by hour cannot be kept longer (400 days) than those by day (365)",
        ),
    ] {
        assert_eq!(rules.check(), Err(told.to_owned()));
        let world = World::new(Backend::Sqlite);
        assert!(block_on(retention::run(&world.store, rules, &mut |_| {})).is_err());
    }
    assert_eq!(Rules { bodies_days: Some(90), hours_days: Some(90), days_days: Some(365) }.check(), Ok(()));
    assert!(Rules::default().keep_everything());
}

#[test]
fn a_seal_reads_back_and_a_damaged_one_is_refused() {
    let world = World::new(Backend::Sqlite);
    world.takes(&called("s", "2026-01-02T03:04:05Z", "one"));
    let seal = world.read(|read| Seal::of(read, &sessions::rows(read, &["s"])?.into_values().collect::<Vec<_>>()));
    let body = seal.draft().expect("a record").payload;
    let read = |body: &serde_json::Value| Seal::read(body.to_string().as_bytes());
    assert_eq!(read(&body).expect("a seal"), seal);
    assert_eq!((seal.sessions.len(), seal.calls.len()), (1, 3), "its key, its answer, and which feed told of that");
    let sums = seal.clone();
    assert!(world.read(move |read| sums.contributions(read)) == kept(&world), "by the keys of the database");
    for (member, value) in [
        ("sessions", json!(["12"])),
        ("calls", json!(["zzzzzzzzzzzzzzzz"])),
        ("usage", json!(["0 3600 0 0 0"])),
        ("usage", json!(["2 3600 0 0 0 0 1"])),
        ("performance", json!(["0 3600 0 0 0 0 1 1 0 0 0 0 f -"])),
        ("performance", json!(["-"])),
        ("more", json!(1)),
    ] {
        let mut damaged = body.clone();
        damaged[member] = value;
        assert!(read(&damaged).is_err(), "{damaged}");
    }
    let mut nameless = body.clone();
    nameless["models"] = json!([]);
    let nameless = read(&nameless).expect("a seal");
    assert!(block_on(world.store.read(move |read| nameless.contributions(read))).is_err(), "a name is missing");
    for text in ["", "{}", "[]", "null"] {
        assert!(Seal::read(text.as_bytes()).is_err(), "{text}");
    }
}
