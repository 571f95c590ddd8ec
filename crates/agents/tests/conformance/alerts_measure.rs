//! Measures against a count by hand: costs, percentiles and failure rates of random sessions, for every window.

use std::collections::BTreeMap;

use exhibit_agents::alerts::evaluate::preview;
use exhibit_agents::alerts::{Measure, Rule};
use exhibit_agents::money::Nano;
use exhibit_model::time::Timestamp;
use exhibit_store::Backend;
use serde_json::{Value, json};

use crate::alerts_world::{SECOND, rule_body};
use crate::world::{NOW, World, session, with};

both!(
    costs_are_those_of_a_count_by_hand,
    runtimes_and_failures_are_those_of_a_count_by_hand,
    an_end_that_nobody_told_is_the_latest_moment
);

/// Numbers that look like chance and are the same every time (a linear congruence with the constants of Knuth's MMIX).
pub struct Chance(pub u64);

impl Chance {
    /// A number from 0 to below a bound.
    pub fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % bound.unsigned_abs()).expect("a small number")
    }

    /// A moment: often near the edge of a window, an hour or a day, else anywhere within nine days before the test.
    fn moment(&mut self) -> i64 {
        let jitter = self.below(3) - 1;
        let hour = 3_600 * SECOND;
        match self.below(6) {
            0 => {
                NOW - [300, 3_600, 86_400, 7 * 86_400][usize::try_from(self.below(4)).expect("an index")] * SECOND
                    + jitter
            }
            1 => (NOW / hour - self.below(200)) * hour + jitter,
            2 => (NOW / (24 * hour) - self.below(8)) * 24 * hour + jitter,
            3 => NOW + jitter,
            4 => NOW - self.below(3_600) * SECOND,
            _ => NOW - self.below(9 * 86_400) * SECOND - self.below(SECOND),
        }
    }
}

/// What a rule finds, by the key of the instance.
fn found(world: &World, fields: &Value) -> BTreeMap<String, (Measure, i64)> {
    let rule = Rule::create(&rule_body(fields), 0, world.now()).expect("a rule");
    let now = world.now();
    let looked = world.read(move |read| preview(read, &rule, now));
    let reading = |looked: &exhibit_agents::alerts::evaluate::Looked| {
        let reading = looked.reading?;
        Some((looked.state.scope_key(), (reading.value, reading.sample)))
    };
    looked.iter().filter_map(reading).collect()
}

const WINDOWS: [(&str, i64); 4] = [("5m", 300), ("1h", 3_600), ("24h", 86_400), ("7d", 7 * 86_400)];

/// The keys of the instances that an agent and a model belong to, one for each type of scope.
fn keys(scope: &str, agent: &str, model: &str) -> String {
    match scope {
        "global" => "global".to_owned(),
        "agent" => format!("agent={agent}"),
        "model" => format!("model={model}"),
        _ => format!("agent={agent};model={model}"),
    }
}

const SCOPES: [&str; 4] = ["global", "agent", "model", "agent_model"];

/// A call that was billed: who, with which model, when, for how many nano-USD.
type Billed = (String, String, i64, i64);

/// A session with calls, one that was billed as a whole beside its calls, or one without any.
fn costly_session(chance: &mut Chance, n: usize, billed: &mut Vec<Billed>) -> Value {
    let agent = format!("agent {}", chance.below(3));
    let model = |chance: &mut Chance| format!("model {}", chance.below(2));
    let own = model(chance);
    let started_at = chance.moment();
    let mut envelope = session(&format!("s{n}"), "running");
    envelope["envelope_version"] = "v3".into();
    for (field, value) in [("agentId", &agent), ("modelId", &own), ("startedAt", &Timestamp(started_at).to_string())] {
        envelope["payload"]["session"][field] = value.as_str().into();
    }
    let is_billed = chance.below(4) == 0;
    let mut calls = Vec::new();
    for call in 0..chance.below(4) {
        let (of, at, micro) = (model(chance), chance.moment(), chance.below(5_000_000));
        let mut said = json!({
            "callId": format!("c{n}-{call}"), "startedAt": Timestamp(at).to_string(), "modelId": of, "status": "success"
        });
        // One in five has no cost, and counts nowhere.
        if chance.below(5) > 0 {
            said["billedCostUsd"] =
                json!(format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000).parse::<f64>().expect("a number"));
            if !is_billed {
                billed.push((agent.clone(), of, at, micro * 1_000));
            }
        }
        calls.push(said);
    }
    if is_billed {
        let dollars = chance.below(9);
        envelope["payload"]["session"]["billedCostUsd"] = dollars.into();
        billed.push((agent, own, started_at, dollars * 1_000_000_000));
    }
    envelope["payload"]["calls"] = calls.into();
    envelope
}

fn costs_are_those_of_a_count_by_hand(backend: Backend) {
    let world = World::new(backend);
    let (mut chance, mut billed) = (Chance(1), Vec::new());
    for n in 0..150 {
        let envelope = costly_session(&mut chance, n, &mut billed);
        world.takes(&envelope);
    }
    for (window, seconds) in WINDOWS {
        for scope in SCOPES {
            let mut by_hand: BTreeMap<String, (i64, i64)> = BTreeMap::new();
            for (agent, model, at, nano) in &billed {
                if NOW - seconds * SECOND < *at && *at <= NOW {
                    let sum = by_hand.entry(keys(scope, agent, model)).or_default();
                    *sum = (sum.0 + nano, sum.1 + 1);
                }
            }
            let by_hand: BTreeMap<String, (Measure, i64)> =
                by_hand.into_iter().map(|(key, (nano, count))| (key, (Measure::Cost(Nano(nano)), count))).collect();
            assert!(!by_hand.is_empty(), "{window} {scope}");
            assert_eq!(found(&world, &json!({"window": window, "scopeType": scope})), by_hand, "{window} {scope}");
        }
    }
    // Today and the last seven days of a zone that is 5:45 ahead: 2023-11-15 began at 18:15 UTC the day before.
    for (window, since) in [("24h", "2023-11-14T18:15:00Z"), ("7d", "2023-11-08T18:15:00Z")] {
        let since = Timestamp::parse(since).expect("a time").0;
        let sum: i64 = billed.iter().filter(|(_, _, at, _)| since <= *at && *at <= NOW).map(|(.., nano)| nano).sum();
        let rule = json!({"metric": "daily_cost_usd", "window": window, "timeZone": "Asia/Kathmandu"});
        assert_eq!(found(&world, &rule)["global"].0, Measure::Cost(Nano(sum)), "{window}");
    }
}

fn runtimes_and_failures_are_those_of_a_count_by_hand(backend: Backend) {
    let world = World::new(backend);
    let mut chance = Chance(2);
    let mut ended: Vec<(String, String, i64, Option<i64>, &str)> = Vec::new();
    for n in 0..150 {
        let state = ["success", "failed", "killed", "cancelled", "running"]
            [usize::try_from(chance.below(5)).expect("an index")];
        let (agent, model) = (format!("agent {}", chance.below(3)), format!("model {}", chance.below(2)));
        let (end, runtime_ms) = (chance.moment(), chance.below(100_000));
        let mut envelope = session(&format!("s{n}"), state);
        let said = &mut envelope["payload"]["session"];
        (said["agentId"], said["modelId"]) = (agent.as_str().into(), model.as_str().into());
        said["startedAt"] = Timestamp(end - runtime_ms * 1_000).to_string().into();
        said["endedAt"] = Timestamp(end).to_string().into();
        world.takes(&envelope);
        if state != "running" {
            ended.push((agent, model, end, Some(runtime_ms), state));
        }
    }
    for (window, seconds) in WINDOWS {
        for scope in SCOPES {
            let mut runtimes: BTreeMap<String, Vec<i64>> = BTreeMap::new();
            let mut outcomes: BTreeMap<String, (u32, u32)> = BTreeMap::new();
            for (agent, model, end, runtime_ms, state) in &ended {
                if !(NOW - seconds * SECOND < *end && *end <= NOW) {
                    continue;
                }
                runtimes.entry(keys(scope, agent, model)).or_default().extend(runtime_ms);
                let outcome = outcomes.entry(keys(scope, agent, model)).or_default();
                outcome.0 += u32::from(*state == "failed");
                outcome.1 += u32::from(["failed", "success"].contains(state));
            }
            let p95 = |(key, mut runtimes): (String, Vec<i64>)| {
                runtimes.sort_unstable();
                let rank = (runtimes.len() * 95).div_ceil(100);
                let sample = i64::try_from(runtimes.len()).expect("few");
                (key, (Measure::Runtime(runtimes[rank - 1]), sample))
            };
            let by_hand: BTreeMap<String, (Measure, i64)> = runtimes.into_iter().map(p95).collect();
            let rule = json!({"metric": "runtime_p95_ms", "window": window, "scopeType": scope});
            assert_eq!(found(&world, &rule), by_hand, "{window} {scope}");
            let rate = |(key, (failed, total)): (String, (u32, u32))| {
                (total > 0).then(|| (key, (Measure::FailureRate { failed, total }, i64::from(total))))
            };
            let by_hand: BTreeMap<String, (Measure, i64)> = outcomes.into_iter().filter_map(rate).collect();
            let rule = json!({"metric": "failure_rate", "window": window, "scopeType": scope});
            assert_eq!(found(&world, &rule), by_hand, "{window} {scope}");
        }
    }
}

fn an_end_that_nobody_told_is_the_latest_moment(backend: Backend) {
    let world = World::new(backend);
    let started = |id: &str, state: &str, before_s: i64| {
        with(session(id, state), "startedAt", Timestamp(NOW - before_s * SECOND).to_string())
    };
    // Began ten minutes ago, ran for nine: ended a minute ago.
    world.takes(&with(started("ran", "success", 600), "runtimeMs", 540_000));
    // Nobody knows how long it ran; it began a minute ago.
    world.takes(&started("unknown", "failed", 60));
    // It was said that it took no time.
    world.takes(&with(started("nothing", "failed", 60), "runtimeMs", 0));
    world.takes(&with(started("long", "success", 600), "runtimeMs", 9_007_199_254_740_991_i64));
    let of = |metric: &str| found(&world, &json!({"metric": metric, "window": "5m"}))["global"];
    assert_eq!(of("runtime_p95_ms"), (Measure::Runtime(540_000), 2), "an unknown runtime is no sample");
    assert_eq!(of("failure_rate"), (Measure::FailureRate { failed: 2, total: 3 }, 3));
}
