//! What is read equals what a person would find who looks at every session: lists, sums by day, performance.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_agents::aggregates::{Basis, Sum};
use exhibit_agents::alerts::Zone;
use exhibit_agents::analytics::{Reach, by_day, by_provider, matrix};
use exhibit_agents::sql::analytics::{By, Cuts};
use exhibit_agents::sql::dims::{DimKind, find};
use exhibit_agents::sql::ledger::{Filter, Place, Sort, Text, count, page, page_of_all};
use exhibit_model::time::Timestamp;
use exhibit_store::Backend;
use serde_json::{Value, json};

use crate::world::{World, block_on, session, with, with_calls};

both!(
    ag_32_every_filter_and_order_finds_what_is_there,
    ag_32_a_beginning_finds_all_that_begins_with_it,
    ag_33_days_of_any_zone_sum_up_to_what_is_there,
    performance_is_that_of_the_sessions_that_ended,
    ag_33_an_hour_is_cut_only_where_something_is_booked,
    usage_by_provider_asks_the_call_first,
    one_side_that_is_known_was_used,
);

/// A session as the test knows it.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    agent: &'static str,
    model: &'static str,
    state: &'static str,
    started: i64,
    runtime: Option<i64>,
    cost: Option<i64>,
    tokens: i64,
    title: String,
}

const AGENTS: [&str; 3] = ["builder", "reviewer", "100%"];
const MODELS: [&str; 3] = ["model-a", "model-b", "model-c"];
const STATES: [&str; 5] = ["success", "failed", "killed", "cancelled", "running"];
const TITLES: [&str; 5] = ["Fix parser", "parse the Fixture", "50% off", "Übung macht", "nothing here"];

/// A week from here on, in seconds.
const START: i64 = 1_767_225_600;
const WEEK: i64 = 7 * 86_400;

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % u64::try_from(bound).expect("a bound")).expect("small")
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as i64)).expect("small")]
    }
}

fn sessions(count: usize) -> Vec<Known> {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    (0..count)
        .map(|index| Known {
            id: format!("session-{index:04}"),
            agent: chance.of(&AGENTS),
            model: chance.of(&MODELS),
            state: chance.of(&STATES),
            // Many begin in the same second.
            started: (START + chance.below(WEEK / 600) * 600 + chance.below(2)) * 1_000_000,
            runtime: (chance.below(4) > 0).then(|| chance.below(5) * 1_000),
            cost: (chance.below(3) > 0).then(|| chance.below(4) * 250_000_000),
            tokens: chance.below(1_000),
            title: format!("{} {}", chance.of(&TITLES), index % 7),
        })
        .collect()
}

fn envelope(known: &Known) -> Value {
    let mut session = json!({
        "sessionId": known.id, "agentId": known.agent, "modelId": known.model, "state": known.state, "title": known.title,
        "startedAt": Timestamp(known.started).to_string(), "totalTokens": known.tokens,
    });
    if let Some(runtime) = known.runtime {
        session["runtimeMs"] = runtime.into();
    }
    if let Some(cost) = known.cost {
        session["billedCostUsd"] = json!(cost as f64 / 1e9);
    }
    json!({"envelope_version": "v1", "payload": {"session": session}})
}

/// A world with so many sessions in it; they are listed in the order in which they were taken in.
fn filled(backend: Backend, count: usize) -> (World, Vec<Known>) {
    let world = World::new(backend);
    let known = sessions(count);
    for some in known.chunks(50) {
        let envelopes: Vec<Value> = some.iter().map(envelope).collect();
        let taken = futures_util::future::join_all(envelopes.iter().map(|envelope| world.take(envelope)));
        for answer in block_on(taken) {
            answer.expect("taken in");
        }
    }
    (world, known)
}

fn holds(filter: &Filter, known: &Known) -> bool {
    let text = match &filter.text {
        None => true,
        Some(Text::Substring(text)) => [&known.id, &known.title]
            .iter()
            .any(|field| field.to_ascii_lowercase().contains(&text.to_ascii_lowercase())),
        Some(Text::Words(text)) => {
            let there = exhibit_model::words::words(&format!("{} {}", known.id, known.title));
            let asked = exhibit_model::words::words(text);
            !asked.is_empty() && asked.iter().all(|word| there.iter().any(|found| found.starts_with(word)))
        }
    };
    text && filter.agent.as_deref().is_none_or(|agent| agent == known.agent)
        && filter.model.as_deref().is_none_or(|model| model == known.model)
        && filter.status.as_deref().is_none_or(|status| status == known.state)
        && filter.from.is_none_or(|from| known.started >= from.0)
        && filter.before.is_none_or(|before| known.started < before.0)
}

fn ag_32_every_filter_and_order_finds_what_is_there(backend: Backend) {
    let (world, known) = filled(backend, 300);
    // Keys are given in the order in which the groups were written, so they are read back for the last tie.
    let all = world.read(|read| page(read, &Filter::default(), Sort::Newest, Place::Offset(0), 1_000));
    let keys: BTreeMap<String, i64> = all.iter().map(|row| (row.session_id.clone(), row.session_key)).collect();
    assert_eq!(keys.len(), known.len());
    let texts =
        [None, Some(Text::Words("fix".into())), Some(Text::Words("PARS fix".into())), Some(Text::Words("%".into()))];
    let more =
        [Some(Text::Substring("50%".into())), Some(Text::Substring("ixTu".into())), Some(Text::Words("übu".into()))];
    let texts: Vec<Option<Text>> = texts.into_iter().chain(more).collect();
    let middle = Timestamp((START + WEEK / 2) * 1_000_000);
    let dates = [(None, None), (Some(middle), None), (None, Some(middle))];
    let mut questions = 0;
    for agent in [None, Some("builder"), Some("100%"), Some("nobody")] {
        for status in [None, Some("failed"), Some("banana")] {
            for (from, before) in dates {
                for text in &texts {
                    let model = (questions % 3 == 0).then(|| "model-b".to_owned());
                    let (agent, status) = (agent.map(str::to_owned), status.map(str::to_owned));
                    let filter = Filter { agent, status, model, category: None, from, before, text: text.clone() };
                    let sort = [Sort::Newest, Sort::Runtime, Sort::Cost][questions % 3];
                    check(&world, &known, &keys, filter, sort);
                    questions += 1;
                }
            }
        }
    }
    assert!(questions > 200);
}

fn check(world: &World, known: &[Known], keys: &BTreeMap<String, i64>, filter: Filter, sort: Sort) {
    let mut expected: Vec<&Known> = known.iter().filter(|known| holds(&filter, known)).collect();
    expected.sort_by_key(|known| {
        let first = match sort {
            Sort::Newest => 0,
            // One that goes on has no runtime yet, whatever was sent.
            Sort::Runtime => known.runtime.filter(|_| known.state != "running").unwrap_or(0),
            Sort::Cost => known.cost.unwrap_or(-1),
        };
        std::cmp::Reverse((first, known.started, keys[&known.id]))
    });
    let expected: Vec<String> = expected.into_iter().map(|known| known.id.clone()).collect();
    let asked = filter.clone();
    let (total, whole, second, after) = world.read(move |read| {
        let (whole, total) = page_of_all(read, &asked, sort, Place::Offset(0), 1_000)?;
        let (second, counted) = page_of_all(read, &asked, sort, Place::Offset(7), 5)?;
        assert_eq!((total, total), (count(read, &asked)?, counted), "{asked:?} {sort:?}");
        let after = match whole.get(6) {
            Some(row) => page(read, &asked, sort, Place::After(row.session_key), 5)?,
            None => Vec::new(),
        };
        Ok((total, whole, second, after))
    });
    let ids = |rows: &[exhibit_agents::sql::ledger::ListedSession]| -> Vec<String> {
        rows.iter().map(|row| row.session_id.clone()).collect()
    };
    assert_eq!(ids(&whole), expected, "{filter:?} {sort:?}");
    assert_eq!(usize::try_from(total).expect("a count"), expected.len(), "{filter:?}");
    let slice: Vec<String> = expected.iter().skip(7).take(5).cloned().collect();
    assert_eq!((ids(&second), ids(&after)), (slice.clone(), slice), "{filter:?} {sort:?}");
}

/// AG-32: beginnings of one word, of a few, of more than are asked for one by one, and of none.
fn ag_32_a_beginning_finds_all_that_begins_with_it(backend: Backend) {
    let world = World::new(backend);
    for number in 0..31 {
        let title = format!("word{number} {} änderung{number}", if number % 2 == 0 { "even" } else { "odd" });
        world.takes(&with(session(&format!("s{number}"), "done"), "title", title));
    }
    for asked in [
        "word",
        "word1",
        "word3",
        "word30",
        "word30 even",
        "word3 odd",
        "w e",
        "änd EVEN",
        "word4 odd",
        "word9x",
        "word99 even",
    ] {
        let asked_words: Vec<String> = exhibit_model::words::words(asked).into_iter().collect();
        let begins = |number: usize| {
            let there = [
                format!("word{number}"),
                ["even", "odd"][number % 2].to_owned(),
                format!("änderung{number}"),
                format!("s{number}"),
            ];
            let there: Vec<String> = there.iter().flat_map(|word| exhibit_model::words::words(word)).collect();
            asked_words.iter().all(|asked| there.iter().any(|word| word.starts_with(asked.as_str())))
        };
        let expected = (0..31).filter(|number| begins(*number)).count();
        let filter = Filter { text: Some(Text::Words(asked.to_owned())), ..Filter::default() };
        let (total, found) = world.read(move |read| {
            Ok((count(read, &filter)?, page(read, &filter, Sort::Newest, Place::Offset(0), 100)?.len()))
        });
        assert_eq!((usize::try_from(total).expect("a count"), found), (expected, expected), "{asked}");
    }
}

fn ag_33_days_of_any_zone_sum_up_to_what_is_there(backend: Backend) {
    let (world, known) = filled(backend, 200);
    let key = world.read(|read| find(read, DimKind::Agent, "builder")).expect("an agent");
    let ragged = Reach {
        from: Some(Timestamp((START + 86_400 + 1_234) * 1_000_000)),
        before: Some(Timestamp((START + 5 * 86_400 + 777) * 1_000_000)),
    };
    for name in ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham"] {
        for (span, only_builder) in [(Reach::default(), false), (ragged, false), (ragged, true)] {
            for basis in [Basis::SessionStart, Basis::CallTime] {
                let zone = Zone::parse(name).expect("a zone");
                let cuts = Cuts { agent_key: only_builder.then_some(key), ..Cuts::default() };
                let asked = zone.clone();
                let found = world.read(move |read| by_day(read, basis, span, &asked, &cuts, By::Nothing));
                let mut expected: BTreeMap<String, [i64; 4]> = BTreeMap::new();
                for known in &known {
                    let inside = span.from.is_none_or(|from| known.started >= from.0)
                        && span.before.is_none_or(|before| known.started < before.0);
                    if inside && (!only_builder || known.agent == "builder") {
                        let at = jiff::Timestamp::from_microsecond(known.started).expect("a moment");
                        let day = at.in_tz(name).expect("a zone").date().to_string();
                        let sums = expected.entry(day).or_default();
                        sums[0] += 1;
                        sums[1] += known.tokens;
                        sums[2] += known.cost.unwrap_or(0);
                        sums[3] += i64::from(known.cost.is_none());
                    }
                }
                let found: BTreeMap<String, [i64; 4]> = found
                    .into_iter()
                    .map(|((day, _), sums)| {
                        let of = |sum| sums.get(sum);
                        (day.to_string(), [of(Sum::Runs), of(Sum::Total), of(Sum::CostNano), of(Sum::Unpriced)])
                    })
                    .collect();
                assert_eq!(found, expected, "{name} {span:?} {basis:?}");
            }
        }
    }
}

fn performance_is_that_of_the_sessions_that_ended(backend: Backend) {
    let (world, known) = filled(backend, 200);
    let half_hour = Reach {
        from: Some(Timestamp((START + 86_400 + 1_800) * 1_000_000)),
        before: Some(Timestamp((START + 4 * 86_400 + 1_800) * 1_000_000)),
    };
    for span in [Reach::default(), half_hour] {
        let found = world.read(move |read| matrix(read, span, &Cuts::default()));
        let models: BTreeSet<&str> = known.iter().map(|known| known.model).collect();
        assert_eq!(found.len(), models.len());
        for model in models {
            let key = world.read(move |read| find(read, DimKind::Model, model)).expect("a model");
            let (performance, medians) = &found[&key];
            let ended: Vec<&Known> = known
                .iter()
                .filter(|known| known.model == model && known.state != "running")
                .filter(|known| span.from.is_none_or(|from| known.started >= from.0))
                .filter(|known| span.before.is_none_or(|before| known.started < before.0))
                .collect();
            let count = |state: &str| ended.iter().filter(|known| known.state == state).count() as i64;
            assert_eq!(performance.runs, ended.len() as i64);
            assert_eq!(
                [performance.success, performance.failure, performance.killed, performance.cancelled],
                [count("success"), count("failed"), count("killed"), count("cancelled")]
            );
            let twice = |mut values: Vec<i64>| {
                values.sort_unstable();
                values[(values.len() - 1) / 2] + values[values.len() / 2]
            };
            assert_eq!(medians.runtime_twice, twice(ended.iter().filter_map(|known| known.runtime).collect()));
            assert_eq!(medians.cost_twice, twice(ended.iter().filter_map(|known| known.cost).collect()));
            assert!(!medians.approx);
        }
    }
}

/// AG-33: midnight of the zone cuts hours that lie decades apart, and each session is booked on its own day.
fn ag_33_an_hour_is_cut_only_where_something_is_booked(backend: Backend) {
    let world = World::new(backend);
    let moments = [
        ("old", "1971-03-04T18:40:00Z", "1971-03-05"),
        ("before", "2026-01-02T18:29:59Z", "2026-01-02"),
        ("after", "2026-01-02T18:30:00Z", "2026-01-03"),
    ];
    for (id, started, _) in moments {
        world.takes(&with(session(id, "running"), "startedAt", started));
    }
    let zone = Zone::parse("Asia/Kolkata").expect("a zone");
    let found =
        world.read(move |read| by_day(read, Basis::CallTime, Reach::default(), &zone, &Cuts::default(), By::Nothing));
    let days: Vec<(String, i64)> =
        found.iter().map(|((day, _), sums)| (day.to_string(), sums.get(Sum::Runs))).collect();
    assert_eq!(days, moments.map(|(_, _, day)| (day.to_owned(), 1)));
}

fn usage_by_provider_asks_the_call_first(backend: Backend) {
    let world = World::new(backend);
    let call = |id: &str, output: i64| json!({"callId": id, "startedAt": "2026-01-02T03:04:05Z", "status": "success", "usage": {"output": output}});
    let mut calls = json!([call("own", 1), call("session's", 2)]);
    calls[0]["provider"] = "acme".into();
    world.takes(&with_calls("s", &json!({"provider": "wholesale"}), &calls));
    let found = world.read(|read| {
        let groups = by_provider(read, Basis::CallTime, Reach::default(), &Cuts::default())?;
        let mut named = BTreeMap::new();
        for name in ["acme", "wholesale"] {
            let key = find(read, DimKind::Provider, name)?;
            named.insert(name, groups.get(&key).map(|sums| sums.get(Sum::Output)));
        }
        Ok(named)
    });
    assert_eq!(found, [("acme", Some(1)), ("wholesale", Some(2))].into());
}

fn one_side_that_is_known_was_used(backend: Backend) {
    let world = World::new(backend);
    world.takes(&with(session("s", "done"), "promptTokens", 1_000));
    world.takes(&with(session("t", "done"), "completionTokens", 10));
    let zone = Zone::default();
    let found = world
        .read(move |read| by_day(read, Basis::SessionStart, Reach::default(), &zone, &Cuts::default(), By::Nothing));
    assert_eq!(found.values().map(|sums| sums.get(Sum::Total)).sum::<i64>(), 1_010);
}
