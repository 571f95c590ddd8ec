//! Costs reckoned anew: what was billed stays, what stood before is kept, and a rebuild comes to the same.

use std::collections::BTreeMap;

use exhibit_agents::ingest::IngestError;
use exhibit_agents::prices::PricingVersion;
use exhibit_agents::recompute::{Filter, RecomputeError, Report, Request, State, plan, run};
use exhibit_agents::room::AgentsRoom;
use exhibit_agents::sql::cost_rows::{CostRow, Reason, Subject, latest, of_subject};
use exhibit_model::time::Timestamp;
use exhibit_store::projection::rebuild;
use exhibit_store::sql::ledger::count_records;
use exhibit_store::{Backend, Room as _};
use futures_util::future::join;
use serde_json::{Value, json};

use crate::aggregates::{arrive, figures, holds, kept, rows};
use crate::pricing::usage_of;
use crate::traffic::week;
use crate::truth::{Truth, cost_under, price_files};
use crate::world::{World, block_on, with_calls};

both!(
    ag_24_a_recompute_keeps_what_stood_and_what_was_billed,
    a_plan_writes_nothing_and_tells_the_same,
    only_what_was_asked_for_is_reckoned_anew,
    what_is_said_again_does_not_undo_a_recompute,
    a_broken_off_recompute_goes_on_and_an_unknown_list_is_refused,
    a_recomputed_week_comes_to_the_truth,
    a_recompute_amid_traffic_comes_back_in_a_rebuild,
    what_was_replaced_goes_with_its_session,
);

/// Both lists; the name of the one that is in force from the week on.
pub fn lists(world: &World) -> PricingVersion {
    let [first, second] = price_files();
    world.has_prices(&first);
    world.has_prices(&second)
}

/// Reckons costs anew under a list.
pub fn ask(world: &World, id: &str, version: &PricingVersion, filter: Filter) -> Report {
    let request = Request { id: id.to_owned(), version: version.clone(), filter };
    block_on(run(&world.store, &request, &mut |_| {})).expect("a recompute")
}

/// A call of 1,000 tokens in and 10 out.
pub fn call(id: &str, model: &str, at: &str) -> Value {
    json!({"callId": id, "startedAt": at, "status": "success", "modelId": model, "provider": "acme",
        "usage": {"inputUncached": 1_000, "output": 10}})
}

const JANUARY: &str = "2026-01-02T03:04:05Z";

const BUCKETS: [i64; 8] = [1_000, 0, 0, 0, 0, 10, 0, 0];

fn revisions(world: &World, subject: Subject, key: i64) -> Vec<CostRow> {
    world.read(move |read| of_subject(read, subject, key, 0, 100))
}

/// Every cost that was replaced, by subject.
fn history(world: &World) -> BTreeMap<(Subject, i64), Vec<CostRow>> {
    let rows = rows(world);
    let sessions = rows.iter().map(|(row, _, _)| (Subject::Session, row.standing.session_key));
    let calls = rows.iter().flat_map(|(_, _, calls)| calls.iter().map(|call| (Subject::Call, call.call_key)));
    let keys: Vec<(Subject, i64)> = sessions.chain(calls).collect();
    world.read(move |read| {
        let mut history = BTreeMap::new();
        for subject in Subject::EVERY {
            let of: Vec<i64> = keys.iter().filter(|(it, _)| *it == subject).map(|(_, key)| *key).collect();
            for key in latest(read, subject, &of)?.into_keys() {
                history.insert((subject, key), of_subject(read, subject, key, 0, 100)?);
            }
        }
        Ok(history)
    })
}

fn ag_24_a_recompute_keeps_what_stood_and_what_was_billed(backend: Backend) {
    let world = World::new(backend);
    let version = lists(&world);
    let mut billed = call("billed", "alpha", JANUARY);
    billed["billedCostUsd"] = 1.into();
    let mut estimated = call("estimated", "alpha", JANUARY);
    (estimated["estimatedCostUsd"], estimated["pricingVersion"]) = (2.into(), "litellm@9".into());
    let calls = json!([call("priced", "alpha", JANUARY), billed, estimated, call("unknown", "stranger", JANUARY)]);
    world.takes(&with_calls("s", &json!({}), &calls));
    let sums = json!({"modelId": "beta", "provider": "acme", "promptTokens": 1_000, "completionTokens": 10});
    world.takes(&with_calls("whole", &sums, &json!([])));
    let (old, new) =
        (|model| cost_under(model, &BUCKETS, false, false), |model| cost_under(model, &BUCKETS, false, true));
    world.clock.advance_micros(1_000_000);
    let report = ask(&world, "r", &version, Filter::default());
    let sum = |of: [Option<i64>; 3]| of.into_iter().flatten().sum::<i64>();
    assert_eq!((report.state, report.subjects, report.changed, report.unchanged), (State::Done, 4, 3, 1));
    assert_eq!(report.old_cost.0, sum([old("alpha"), Some(2_000_000_000), old("beta")]));
    assert_eq!(report.new_cost.0, sum([new("alpha"), new("alpha"), new("beta")]));
    let (usage, calls) = usage_of(&world, "s");
    for call in &calls {
        let cost = call.cost.amount().map(|amount| amount.0);
        let rows = revisions(&world, Subject::Call, call.call_key);
        let told: Vec<(i64, Option<i64>, Reason)> =
            rows.iter().map(|row| (row.revision, row.cost.amount().map(|amount| amount.0), row.reason)).collect();
        match call.call_id.as_str() {
            "billed" => assert_eq!((cost, told), (Some(1_000_000_000), vec![])),
            "unknown" => assert_eq!((cost, told), (None, vec![])),
            id => {
                let before = if id == "priced" { old("alpha") } else { Some(2_000_000_000) };
                assert_eq!(cost, new("alpha"), "{id}");
                assert_eq!(told, [(1, before, Reason::Ingest), (2, new("alpha"), Reason::Recompute)], "{id}");
                assert!(rows[0].computed_at < rows[1].computed_at);
                assert_eq!(call.cost.pricing_version(), Some(&version));
            }
        }
    }
    let alpha = new("alpha").expect("a price");
    assert_eq!(usage.cost.amount().map(|amount| amount.0), Some(1_000_000_000 + 2 * alpha));
    let whole = usage_of(&world, "whole").0;
    assert_eq!(whole.cost.amount().map(|amount| amount.0), new("beta"));
    assert_eq!(revisions(&world, Subject::Session, whole.session_key).len(), 2);
    let before = history(&world);
    holds(&world);
    assert_eq!(history(&world), before, "what stood comes back in a rebuild, too");
}

fn a_plan_writes_nothing_and_tells_the_same(backend: Backend) {
    let world = World::new(backend);
    let version = lists(&world);
    world.takes(&with_calls("s", &json!({}), &json!([call("c", "alpha", JANUARY), call("d", "nobody", JANUARY)])));
    let before = (kept(&world), rows(&world), world.read(count_records));
    let request = Request { id: "r".to_owned(), version: version.clone(), filter: Filter::default() };
    let planned = block_on(plan(&world.store, &request)).expect("a plan");
    assert!((kept(&world), rows(&world), world.read(count_records)) == before);
    assert!(history(&world).is_empty());
    let done = ask(&world, "r", &version, Filter::default());
    assert_eq!(Report { state: State::Done, ..planned }, done);
    assert_eq!(world.read(count_records), before.2 + 1, "one record for one part");
}

fn only_what_was_asked_for_is_reckoned_anew(backend: Backend) {
    let world = World::new(backend);
    let version = lists(&world);
    let times = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"];
    for (nth, at) in times.iter().enumerate() {
        let calls = json!([call("a", "alpha", at), call("g", "gamma", at)]);
        world.takes(&with_calls(&format!("s{nth}"), &json!({}), &calls));
    }
    let at = |nth: usize| Timestamp::parse(times[nth]);
    let changed = |id: &str| -> Vec<String> {
        let (_, calls) = usage_of(&world, id);
        calls.into_iter().filter(|it| it.cost.pricing_version() == Some(&version)).map(|it| it.call_id).collect()
    };
    let nothing = Filter { from: at(2), to: at(0), model: None };
    assert_eq!(ask(&world, "none", &version, nothing).subjects, 0);
    let stranger = Filter { model: Some("never seen".to_owned()), ..Filter::default() };
    assert_eq!(ask(&world, "stranger", &version, stranger).subjects, 0);
    let one = Filter { from: at(1), to: at(1), model: Some("gamma".to_owned()) };
    assert_eq!(ask(&world, "one", &version, one).changed, 1);
    assert_eq!([changed("s0"), changed("s1"), changed("s2")], [vec![], vec!["g".to_owned()], vec![]]);
    let from = Filter { from: at(1), to: None, model: None };
    let report = ask(&world, "from", &version, from);
    assert_eq!((report.subjects, report.changed, report.unchanged), (4, 3, 1));
    assert_eq!([changed("s0").len(), changed("s1").len(), changed("s2").len()], [0, 2, 2]);
    holds(&world);
}

fn what_is_said_again_does_not_undo_a_recompute(backend: Backend) {
    let world = World::new(backend);
    let version = lists(&world);
    let sums = |title: &str, prompt: i64| {
        let fields = json!({"modelId": "beta", "provider": "acme", "promptTokens": prompt, "completionTokens": 10, "title": title});
        with_calls("whole", &fields, &json!([]))
    };
    let titled = |title: &str, output: i64| {
        let mut call = call("c", "alpha", JANUARY);
        call["usage"]["output"] = output.into();
        with_calls("s", &json!({"title": title}), &json!([call]))
    };
    let cost = |id: &str| usage_of(&world, id).0.cost.amount().map(|amount| amount.0);
    let under = |model: &str, prompt: i64, output: i64, second: bool| {
        cost_under(model, &[prompt, 0, 0, 0, 0, output, 0, 0], false, second)
    };
    world.takes(&titled("first", 10));
    world.takes(&sums("first", 1_000));
    ask(&world, "r", &version, Filter::default());
    world.takes(&titled("second", 10));
    world.takes(&sums("second", 1_000));
    assert_eq!((cost("s"), cost("whole")), (under("alpha", 1_000, 10, true), under("beta", 1_000, 10, true)));
    holds(&world);
    // Other tokens are another price, which is that of the list in force; and the next recompute knows what stood between.
    world.takes(&titled("third", 11));
    world.takes(&sums("third", 1_001));
    assert_eq!((cost("s"), cost("whole")), (under("alpha", 1_000, 11, false), under("beta", 1_001, 10, false)));
    ask(&world, "again", &version, Filter::default());
    assert_eq!((cost("s"), cost("whole")), (under("alpha", 1_000, 11, true), under("beta", 1_001, 10, true)));
    let (usage, calls) = usage_of(&world, "s");
    let reasons: Vec<Reason> =
        revisions(&world, Subject::Call, calls[0].call_key).into_iter().map(|row| row.reason).collect();
    let each = [Reason::Ingest, Reason::Recompute];
    assert_eq!(reasons, [each, each].concat(), "{usage:?}");
    holds(&world);
}

fn a_broken_off_recompute_goes_on_and_an_unknown_list_is_refused(backend: Backend) {
    let world = World::new(backend);
    let unknown = PricingVersion::parse("px-0000000000000000").expect("a name");
    let request = Request { id: "r".to_owned(), version: unknown.clone(), filter: Filter::default() };
    for answer in [block_on(plan(&world.store, &request)), block_on(run(&world.store, &request, &mut |_| {}))] {
        assert!(matches!(answer, Err(RecomputeError::UnknownVersion(version)) if version == unknown));
    }
    let version = lists(&world);
    assert_eq!(ask(&world, "empty", &version, Filter::default()).subjects, 0);
    world.takes(&with_calls("s", &json!({}), &json!([call("c", "alpha", JANUARY)])));
    assert_eq!(ask(&world, "r", &version, Filter::default()).changed, 1);
    let before = (kept(&world), rows(&world), world.read(count_records));
    let again = ask(&world, "r", &version, Filter::default());
    assert_eq!((again.subjects, again.changed, again.unchanged), (1, 0, 1));
    assert!((kept(&world), rows(&world), world.read(count_records)) == before, "nothing is left to do");
    // Another word about the call is priced under the list in force; the same request then has something to do again.
    for output in [11, 12] {
        let mut word = call("c", "alpha", JANUARY);
        word["usage"]["output"] = output.into();
        world.takes(&with_calls("s", &json!({}), &json!([word])));
        assert_eq!(ask(&world, "r", &version, Filter::default()).changed, 1);
        let cost = usage_of(&world, "s").0.cost.amount().map(|amount| amount.0);
        assert_eq!(cost, cost_under("alpha", &[1_000, 0, 0, 0, 0, output, 0, 0], false, true));
    }
    holds(&world);
}

fn a_recomputed_week_comes_to_the_truth(backend: Backend) {
    let world = World::new(backend);
    let version = lists(&world);
    let mut traffic = week(7, 1_000);
    arrive(&world, &traffic.arrivals);
    let records = world.read(count_records);
    let mut parts = 0;
    let request = Request { id: "week".to_owned(), version: version.clone(), filter: Filter::default() };
    let report = block_on(run(&world.store, &request, &mut |_| parts += 1)).expect("a recompute");
    assert!(parts >= 3 && world.read(count_records) == records + parts, "{parts} parts: {report:?}");
    traffic.sessions.iter_mut().for_each(crate::truth::TrueSession::recompute);
    let (truth, kept) = (Truth::of(&traffic.sessions).0, figures(&world));
    for (place, figures) in &truth {
        assert_eq!(kept.get(place), Some(figures), "{place:?}");
    }
    assert_eq!(kept.len(), truth.len());
    let before = history(&world);
    assert_eq!(u64::try_from(before.len()).expect("a count"), report.changed);
    holds(&world);
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(history(&world), before);
}

/// Documents arrive between the parts, revise calls that were reckoned anew and bring others of the same days: the order of the ledger decides.
fn a_recompute_amid_traffic_comes_back_in_a_rebuild(backend: Backend) {
    let world = World::new(backend);
    let version = lists(&world);
    let mut traffic = week(11, 600);
    let later = traffic.arrivals.split_off(traffic.arrivals.len() * 3 / 5);
    arrive(&world, &traffic.arrivals);
    let request = Request { id: "amid".to_owned(), version, filter: Filter::default() };
    let mut parts = 0;
    let mut heard = |_: &Report| parts += 1;
    let recompute = run(&world.store, &request, &mut heard);
    let documents = async {
        for arrival in &later {
            match world.take_from(arrival.feed, &arrival.envelope).await {
                Ok(_) | Err(IngestError::Rejected(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    let (report, ()) = block_on(join(recompute, documents));
    assert!(report.expect("a recompute").changed > 0 && parts >= 2);
    let before = history(&world);
    holds(&world);
    assert_eq!(history(&world), before);
}

/// The keys of a session that is gone are given again: the next one begins without a history.
fn what_was_replaced_goes_with_its_session(backend: Backend) {
    let world = World::new(backend);
    let version = lists(&world);
    let sums = json!({"modelId": "beta", "provider": "acme", "promptTokens": 1_000, "completionTokens": 10});
    world.takes(&with_calls("stays", &json!({}), &json!([call("a", "alpha", JANUARY)])));
    world.takes(&with_calls("goes", &json!({}), &json!([call("b", "alpha", JANUARY)])));
    world.takes(&with_calls("goes too", &sums, &json!([])));
    ask(&world, "r", &version, Filter::default());
    let before = (rows(&world), history(&world));
    assert_eq!(before.1.len(), 3);
    let remove = |first: i64, last: i64| {
        block_on(world.store.write(move |tx| AgentsRoom.remove(tx, first, last))).expect("removed");
    };
    let seq = |place: usize| before.0[place].0.standing.ledger_seq;
    remove(seq(2) + 1, i64::MAX);
    remove(i64::MIN, seq(0) - 1);
    assert!((rows(&world), history(&world)) == before, "nothing of ours lies there");
    remove(seq(1), seq(2));
    assert_eq!((rows(&world).len(), history(&world).len()), (1, 1));
    world.takes(&with_calls("next", &json!({}), &json!([call("c", "alpha", JANUARY)])));
    world.takes(&with_calls("after", &sums, &json!([])));
    assert_eq!(history(&world).len(), 1, "another one's costs are not theirs");
    assert_eq!(ask(&world, "again", &version, Filter::default()).changed, 2);
    assert!(history(&world).values().all(|rows| rows.len() == 2));
}
