//! The sums by hour and day against the truth: what the generator knows, what the rows come to, and what a rebuild makes of the ledger.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_agents::aggregates::{Contributions, Cut, SUM_MAX, Sum, Sums};
use exhibit_agents::ingest::IngestError;
use exhibit_agents::parity;
use exhibit_agents::sql::calls::CallRow;
use exhibit_agents::sql::sessions::SessionRow;
use exhibit_agents::sql::usage::UsageRow;
use exhibit_agents::sql::{aggregates, calls, dims, sessions, usage};
use exhibit_store::Backend;
use exhibit_store::projection::rebuild;
use futures_util::future::join_all;
use serde_json::json;

use crate::traffic::{Arrival, week};
use crate::truth::{Figures, Place, Truth, price_files};
use crate::world::{World, block_on, with_calls};

both!(
    ag_25_a_week_of_traffic_comes_to_the_truth,
    other_weeks_come_to_their_truth,
    sums_that_others_changed_are_found_and_put_right,
    absurd_amounts_do_not_stop_honest_ones,
);

/// Documents that are under way at once: enough that many share a transaction.
const AT_ONCE: usize = 256;

/// Hands everything in; the number of documents that were refused.
pub fn arrive(world: &World, arrivals: &[Arrival]) {
    for chunk in arrivals.chunks(AT_ONCE) {
        let answers = block_on(join_all(chunk.iter().map(|it| world.take_from(it.feed, &it.envelope))));
        for (arrival, answer) in chunk.iter().zip(answers) {
            match answer {
                Ok(_) => assert!(!arrival.refused, "taken in: {}", arrival.envelope),
                Err(IngestError::Rejected(rejection)) => {
                    assert_eq!((rejection.status(), arrival.refused), (409, true), "{}", arrival.envelope);
                }
                Err(error) => panic!("{error}: {}", arrival.envelope),
            }
        }
        world.clock.advance_micros(1_000_000);
    }
}

/// Every row that a rebuild has to bring back.
pub type Rows = Vec<(SessionRow, UsageRow, Vec<CallRow>)>;

/// All rows of all sessions.
pub fn rows(world: &World) -> Rows {
    world.read(|read| {
        let (mut rows, mut after) = (Vec::new(), i64::MIN);
        loop {
            let page = sessions::page(read, after, 1_000)?;
            let Some(last) = page.last() else { return Ok(rows) };
            after = last.standing.session_key;
            let keys: Vec<i64> = page.iter().map(|row| row.standing.session_key).collect();
            let mut usages = usage::by_keys(read, &keys)?;
            let mut by_session: BTreeMap<i64, Vec<CallRow>> = BTreeMap::new();
            for call in calls::by_sessions(read, &keys)? {
                by_session.entry(call.session_key).or_default().push(call);
            }
            for row in page {
                let key = row.standing.session_key;
                let mut calls = by_session.remove(&key).unwrap_or_default();
                calls.sort_by_key(|call| call.call_key);
                rows.push((row, usages.remove(&key).expect("usage"), calls));
            }
        }
    })
}

/// The same traffic of another seed comes to its own truth; kept beside the long run because rare meetings differ from seed to seed.
fn other_weeks_come_to_their_truth(backend: Backend) {
    for seed in 100..if backend == Backend::Sqlite { 108 } else { 103 } {
        let world = World::new(backend);
        for list in price_files() {
            world.has_prices(&list);
        }
        let traffic = week(seed, 120);
        arrive(&world, &traffic.arrivals);
        let truth = Truth::of(&traffic.sessions).0;
        assert!(figures(&world) == truth, "seed {seed}");
        holds(&world);
    }
}

/// What is kept, as places with names and figures.
pub fn figures(world: &World) -> BTreeMap<Place, Figures> {
    world.read(|read| {
        let stored = aggregates::every(read)?;
        let keys: BTreeSet<i64> =
            stored.usage.keys().flat_map(|cut| [cut.agent_key, cut.model_key, cut.category_key]).collect();
        let names = dims::names(read, &keys)?;
        let place = |cut: &Cut| {
            let name = |key: i64| names[&key].clone();
            let (agent, model, category) = (name(cut.agent_key), name(cut.model_key), name(cut.category_key));
            (cut.basis.code(), cut.grain, cut.bucket_at, agent, model, category)
        };
        Ok(stored.usage.iter().map(|(cut, sums)| (place(cut), figures_of(sums))).collect())
    })
}

fn figures_of(sums: &Sums) -> Figures {
    let get = |sum: Sum| sums.get(sum);
    for three in [
        [Sum::TokenReported, Sum::TokenDerived, Sum::TokenMissing],
        [Sum::CostReported, Sum::CostDerived, Sum::CostMissing],
    ] {
        let said: i64 = three.map(get).iter().sum();
        assert!(said <= get(Sum::Runs), "each run has one source at most: {sums:?}");
    }
    assert_eq!(get(Sum::CostMissing), get(Sum::Unpriced), "without a cost is without a source");
    Figures {
        runs: get(Sum::Runs),
        live: get(Sum::Live),
        unpriced: get(Sum::Unpriced),
        runtime_ms: get(Sum::RuntimeMs),
        sides: [Sum::Prompt, Sum::Completion, Sum::Total].map(get),
        buckets: [
            Sum::InputUncached,
            Sum::CacheRead,
            Sum::CacheWrite5m,
            Sum::CacheWrite1h,
            Sum::CacheWrite,
            Sum::Output,
            Sum::Reasoning,
            Sum::WebSearches,
        ]
        .map(get),
        cost: get(Sum::CostNano),
    }
}

/// What is kept, whole.
pub fn kept(world: &World) -> Contributions {
    world.read(aggregates::every)
}

/// That kept, counted and rebuilt sums are one, and the rows, too.
pub fn holds(world: &World) {
    let before = (kept(world), rows(world));
    let found = world.read(parity::check);
    assert!(found.holds(), "kept is not counted: {found:?}");
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    let after = rows(world);
    assert_eq!(before.1.len(), after.len());
    for (before, after) in before.1.iter().zip(&after) {
        assert_eq!(before, after, "a rebuild comes to the same rows");
    }
    assert!(kept(world) == before.0, "a rebuild comes to the same sums: {:?}", world.read(parity::check));
    block_on(parity::rebuild(&world.store)).expect("a recount");
    assert!(kept(world) == before.0, "a recount of the sums alone, too");
}

fn ag_25_a_week_of_traffic_comes_to_the_truth(backend: Backend) {
    let world = World::new(backend);
    for list in price_files() {
        world.has_prices(&list);
    }
    // The server answers each transaction more slowly; a fifth shows what it shows.
    let traffic = week(25, if backend == Backend::Sqlite { 10_000 } else { 2_000 });
    arrive(&world, &traffic.arrivals);
    let stored: BTreeMap<String, (Option<i64>, usize)> = rows(&world)
        .into_iter()
        .map(|(row, usage, calls)| (row.standing.session_id, (usage.cost.amount().map(|amount| amount.0), calls.len())))
        .collect();
    assert_eq!(stored.len(), traffic.sessions.len());
    for session in &traffic.sessions {
        assert_eq!(stored[&session.id], (session.cost(), session.calls.len()), "{session:?}");
    }
    let (truth, kept) = (Truth::of(&traffic.sessions).0, figures(&world));
    for (place, figures) in &truth {
        assert_eq!(kept.get(place), Some(figures), "{place:?}");
    }
    assert_eq!(kept.len(), truth.len());
    let unpriced = traffic.sessions.iter().filter(|session| session.cost().is_none()).count();
    let days = kept.iter().filter(|(place, _)| (place.0, place.1) == (0, 86_400));
    let counted: i64 = days.map(|(_, figures)| figures.unpriced).sum();
    assert!(unpriced > 100 && usize::try_from(counted).expect("a count") == unpriced, "counted apart, never as zero");
    holds(&world);
}

fn sums_that_others_changed_are_found_and_put_right(backend: Backend) {
    let world = World::new(backend);
    for list in price_files() {
        world.has_prices(&list);
    }
    arrive(&world, &week(3, 40).arrivals);
    let (right, rows_before) = (kept(&world), rows(&world));
    let found = world.read(parity::check);
    assert!(found.holds() && found.cuts == right.usage.len() + right.performance.len() && found.differences.is_empty());
    for (text, table, column) in [
        (
            "update daily_usage_agg set cost_nano_total = cost_nano_total + 1 where basis = 0",
            "daily_usage_agg",
            "cost_nano_total",
        ),
        ("update model_perf_agg set failure_count = failure_count + 1", "model_perf_agg", "failure_count"),
        ("update model_perf_agg set cost_sketch = runtime_sketch", "model_perf_agg", "cost_sketch"),
        ("delete from daily_usage_agg where basis = 1", "daily_usage_agg", "runs_total"),
        ("delete from model_perf_agg", "model_perf_agg", "runs_total"),
        ("update daily_usage_agg set bucket_at = bucket_at + 1", "daily_usage_agg", "runs_total"),
    ] {
        assert!(world.tampers(text).expect("a changed row") > 0, "{text}");
        let found = world.read(parity::check);
        assert!(!found.holds() && found.differing >= found.differences.len(), "{text}");
        assert!(found.differences.len() <= parity::DIFFERENCES_MAX);
        let told = found.differences.iter().any(|it| it.table == table && it.column == column && !it.agent.is_empty());
        assert!(told, "{text}: {:?}", found.differences.first());
        block_on(parity::rebuild(&world.store)).expect("a rebuild");
        assert!(kept(&world) == right, "{text}");
    }
    assert_eq!(rows(&world), rows_before, "the rows of the sessions are not touched");
}

/// One document with a thousand calls that each tell of more tokens and dollars than there are, then an honest one of the same hour.
fn absurd_amounts_do_not_stop_honest_ones(backend: Backend) {
    let world = World::new(backend);
    let absurd = |nth: usize| {
        json!({"callId": format!("c{nth}"), "startedAt": "2026-01-02T03:04:05Z", "status": "success", "billedCostUsd": 9_000_000,
            "usage": {"inputUncached": 9_007_199_254_740_991_i64, "output": 9_007_199_254_740_991_i64}})
    };
    let calls: Vec<_> = (0..1_200).map(absurd).collect();
    world.takes(&with_calls("absurd", &json!({"state": "done"}), &json!(calls)));
    let one =
        json!([{"callId": "honest", "startedAt": "2026-01-02T03:04:05Z", "status": "success", "billedCostUsd": 1}]);
    world.takes(&with_calls("honest", &json!({"state": "done"}), &one));
    let places = figures(&world);
    let of =
        |basis: i64| places.iter().find(|(place, _)| place.0 == basis).map(|(_, figures)| *figures).expect("a place");
    assert_eq!((of(1).runs, of(1).cost, of(1).buckets[0]), (1_201, SUM_MAX, SUM_MAX));
    assert_eq!((of(0).runs, of(0).unpriced, of(0).cost), (2, 1, 1_000_000_000), "a sum beyond all bills is no cost");
    assert!(world.read(parity::check).holds());
    holds(&world);
}
