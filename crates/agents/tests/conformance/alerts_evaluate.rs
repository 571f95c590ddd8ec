//! Evaluation: what happens to the instances of rules, and that it is kept.

use std::collections::BTreeSet;

use exhibit_agents::alerts::evaluate::preview;
use exhibit_agents::alerts::repository;
use exhibit_agents::alerts::{Cause, Level, Measure, Rule, Scope, TransitionKind};
use exhibit_agents::money::Nano;
use exhibit_agents::sql::alerts_rules as rules_sql;
use exhibit_agents::sql::alerts_transitions::Happened;
use exhibit_model::time::Timestamp;
use exhibit_store::Backend;
use serde_json::json;

use crate::alerts_world::{Dump, SECOND, rule_body, said};
use crate::world::{NOW, World, session, with};

both!(
    ag_26_every_row_of_the_table_is_kept_and_equal_on_a_rerun,
    ag_26_the_same_happens_on_any_date,
    ag_27_jitter_is_told_once_and_an_escalation_at_once,
    ag_27_two_episodes_have_one_end_between_them,
    ag_28_a_rule_about_an_agent_ignores_another_for_every_metric,
    ag_28_an_open_scope_has_an_instance_for_each_who_has_data,
    ag_29_few_samples_keep_what_stands,
    ag_29_no_data_means_what_the_rule_says,
    ag_29_a_level_is_left_below_its_hysteresis,
    ag_29_a_day_is_as_long_as_its_zone_says,
    who_is_long_gone_is_forgotten_and_counted_on,
    what_fires_without_its_rule_is_closed,
);

/// A session that ended at a moment after the beginning of the test.
fn ends(world: &World, id: &str, agent: &str, state: &str, (at_s, runtime_ms): (i64, i64)) {
    let end = NOW + at_s * SECOND;
    let envelope =
        with(with(session(id, state), "agentId", agent), "startedAt", Timestamp(end - runtime_ms * 1_000).to_string());
    world.takes(&with(envelope, "endedAt", Timestamp(end).to_string()));
}

/// Everything that the table of the specification has, one after the other.
fn play(world: &World) -> (Rule, Vec<String>, Dump) {
    let began_us = world.now().0;
    world.channel("ops", "http://127.0.0.1:9/");
    let rule = world.rule(&json!({}));
    let id = rule.rule_id.clone();
    let mut heard = Vec::new();
    let mut look = |seconds: i64, dollars: i64| {
        world.wait(seconds);
        world.meter_since(began_us, "a", dollars);
        heard.push(format!("{} {}", world.happens(), world.stands(&rule)));
    };
    look(0, 5);
    look(1, 20);
    look(60, 21);
    look(60, 22);
    look(1, 60);
    look(60, 20);
    look(300, 20);
    let (by, now) = (id.clone(), world.now());
    world.write(move |tx| repository::acknowledge(tx, &by, None, "token:1", now)).expect("acked");
    look(400, 20);
    let (by, now) = (id.clone(), world.now());
    world.write(move |tx| repository::silence(tx, &by, None, 600, "token:2", now)).expect("silent");
    look(1, 60);
    look(700, 60);
    look(1, 5);
    look(1, 60);
    world.patch(&rule, json!({"enabled": false})).expect("a rule");
    look(1, 60);
    world.patch(&rule, json!({"enabled": true})).expect("a rule");
    look(1, 60);
    let dump = world.dump();
    (rule, heard, dump)
}

fn ag_26_every_row_of_the_table_is_kept_and_equal_on_a_rerun(backend: Backend) {
    let mut world = World::new(backend);
    let (rule, heard, dump) = play(&world);
    assert_eq!(
        heard,
        [
            "- ok/resolved",
            "open! warning/active",
            "suppress warning/suppressed",
            "- warning/suppressed",
            "escalate! critical/active",
            "deescalate warning/suppressed",
            "renotify! warning/active",
            "- warning/suppressed",
            "escalate critical/suppressed",
            "renotify! critical/active",
            "resolve! ok/resolved",
            "open! critical/active",
            "- ok/resolved",
            "open! critical/active",
        ]
    );
    let said: Vec<String> =
        dump.2.iter().map(|happened| format!("{}.{}", said(happened), happened.transition.episode)).collect();
    let expected = "open!.1 suppress.1 escalate!.1 deescalate.1 renotify!.1 ack.1 silence.1 escalate.1 renotify!.1 resolve!.1 \
                    open!.2 close.2 open!.3";
    assert_eq!(said.join(" "), expected);
    assert_eq!(dump.3.len(), 7, "each notice is one delivery");
    let at: Vec<i64> = dump.2.iter().map(|happened| (happened.transition.at.0 - NOW) / SECOND).collect();
    assert_eq!(at, [1, 61, 122, 182, 482, 482, 882, 883, 1_583, 1_584, 1_585, 1_585, 1_587]);
    let resolved = dump.2.iter().find(|happened| happened.transition.kind == TransitionKind::Resolve).expect("an end");
    assert_eq!(resolved.transition.value, Some(Measure::Cost(Nano(5_000_000_000))));
    let state = &dump.1[0];
    assert_eq!((state.episode, state.ordinal, state.opened_at), (3, 1, Some(Timestamp(NOW + 1_587 * SECOND))));

    world.store = world.open_again();
    assert_eq!(world.dump(), dump, "everything is kept");
    let again = World::new(backend);
    let (twin, heard_again, dump_again) = play(&again);
    assert_eq!((twin, heard_again), (rule, heard));
    assert_eq!(dump_again, dump, "the same happens at the same moments");
}

fn ag_26_the_same_happens_on_any_date(backend: Backend) {
    let of = |began: Option<&str>| {
        let world = World::new(backend);
        let began_us = began.map_or(NOW, |text| Timestamp::parse(text).expect("a time").0);
        world.clock.advance_micros(began_us - NOW);
        let (_, heard, dump) = play(&world);
        let at = |happened: &Happened| (said(happened), happened.transition.at.0 - began_us);
        (heard, dump.2.iter().map(at).collect::<Vec<_>>())
    };
    let today = of(None);
    // The first day, the last seconds of a leap day, the hour that a zone skips, and a year that nobody here will see.
    for began in ["1970-01-02T00:00:00Z", "2028-02-29T23:59:30Z", "2026-03-29T00:59:59.999999Z", "2199-12-31T23:59:59Z"]
    {
        assert_eq!(of(Some(began)), today, "{began}");
    }
}

fn ag_27_jitter_is_told_once_and_an_escalation_at_once(backend: Backend) {
    let world = World::new(backend);
    world.channel("ops", "http://127.0.0.1:9/");
    let rule = world.rule(&json!({}));
    for turn in 0..20 {
        world.meter("a", 20 + turn % 7);
        world.evaluates();
        world.wait(5);
    }
    let kinds = |world: &World| world.history().iter().map(said).collect::<Vec<_>>().join(" ");
    assert_eq!(kinds(&world), "open! suppress");
    assert_eq!(world.outbox().len(), 1);
    let state = world.state(&rule);
    assert!(state.deduped);
    assert_eq!(state.suppressed_until, Some(Timestamp(NOW + 300 * SECOND)), "it is never pushed");
    world.meter("a", 70);
    assert_eq!(world.happens(), "escalate!");
    assert_eq!(world.outbox().len(), 2);
}

fn ag_27_two_episodes_have_one_end_between_them(backend: Backend) {
    let world = World::new(backend);
    let rule = world.rule(&json!({}));
    let heard: Vec<String> = [60, 1, 1, 60]
        .into_iter()
        .map(|dollars| {
            world.wait(1);
            world.meter("a", dollars);
            world.happens()
        })
        .collect();
    assert_eq!(heard, ["open!", "resolve!", "-", "open!"]);
    assert_eq!(world.state(&rule).episode, 2);
}

fn ag_28_a_rule_about_an_agent_ignores_another_for_every_metric(backend: Backend) {
    let world = World::new(backend);
    world.meter("b", 1_000);
    world.meter("a", 1);
    for n in 0..10 {
        ends(&world, &format!("b{n}"), "b", "failed", (-30 - n, 9_000_000));
    }
    ends(&world, "a1", "a", "success", (-30, 1_000));
    let limits = json!({"daily_cost_usd": 10, "rolling_cost_usd": 10, "runtime_p95_ms": 2_000, "failure_rate": 0.5});
    for (metric, limit) in limits.as_object().expect("limits") {
        let rule = |agent: &str| {
            world.rule(&json!({
                "metric": metric, "warnThreshold": limit, "criticalThreshold": limit, "scopeType": "agent", "window": "24h",
                "scopeRef": {"agentId": agent}
            }))
        };
        let (of_a, of_b) = (rule("a"), rule("b"));
        world.evaluates();
        assert_eq!(world.state(&of_a).standing.status, Level::Ok, "{metric}");
        assert!(world.state(&of_a).last_sample == 1, "{metric}");
        assert_eq!(world.state(&of_b).standing.status, Level::Critical, "{metric}");
    }
}

fn ag_28_an_open_scope_has_an_instance_for_each_who_has_data(backend: Backend) {
    let world = World::new(backend);
    let of_agents = world.rule(&json!({"scopeType": "agent"}));
    let of_models = world.rule(&json!({"scopeType": "model"}));
    let of_pairs = world.rule(&json!({"scopeType": "agent_model", "scopeRef": {"agentId": "a;=%"}}));
    world.meter("a;=%", 20);
    world.meter("b", 60);
    world.evaluates();
    let keys = |rule: &Rule| {
        let states = world.states(rule);
        states.iter().map(|state| format!("{} {}", state.scope_key(), state.standing.status)).collect::<Vec<_>>()
    };
    assert_eq!(keys(&of_agents), ["agent=a%3B%3D%25 warning", "agent=b critical"]);
    assert_eq!(keys(&of_models), ["model=claude-sonnet-4 critical"]);
    assert_eq!(keys(&of_pairs), ["agent=a%3B%3D%25;model=claude-sonnet-4 warning"]);
    // Who stands is looked at when the data are gone.
    world.wait(25 * 3_600);
    assert_eq!(world.evaluates().transitions.iter().filter(|happened| said(happened).ends_with("resolve!")).count(), 4);
}

fn ag_29_few_samples_keep_what_stands(backend: Backend) {
    let world = World::new(backend);
    let rule = world.rule(&json!({
        "metric": "failure_rate", "warnThreshold": 0.5, "criticalThreshold": 0.9, "comparison": "gte", "minSample": 3,
        "window": "1h"
    }));
    ends(&world, "1", "a", "failed", (-20, 1));
    ends(&world, "2", "a", "failed", (-10, 1));
    assert_eq!(world.happens(), "-", "two samples are too few to begin");
    // Neither is a failure nor a success.
    ends(&world, "killed", "a", "killed", (-10, 1));
    ends(&world, "cancelled", "a", "cancelled", (-10, 1));
    assert_eq!(world.happens(), "-");
    ends(&world, "3", "a", "success", (3_000, 1));
    assert_eq!(world.happens(), "-", "what is to come does not count");
    world.wait(3_000);
    assert_eq!(world.happens(), "open!");
    assert_eq!(world.state(&rule).last_value, Some(Measure::FailureRate { failed: 2, total: 3 }));
    world.wait(700);
    assert_eq!(world.happens(), "-", "one sample is too few to end");
    assert_eq!(world.stands(&rule), "warning/active");
    world.wait(3_600);
    assert_eq!(world.happens(), "resolve!", "none at all is enough");
}

fn ag_29_no_data_means_what_the_rule_says(backend: Backend) {
    let world = World::new(backend);
    let rule = |no_data: &str, scope: &str| world.rule(&json!({"window": "1h", "noData": no_data, "scopeType": scope}));
    let rules = [("resolve", "global"), ("keep", "global"), ("alert", "global"), ("alert", "agent")]
        .map(|(no_data, scope)| rule(no_data, scope));
    world.meter("a", 60);
    world.evaluates();
    world.wait(7_200);
    world.evaluates();
    let stand = rules.map(|rule| world.state(&rule).standing.status);
    assert_eq!(stand, [Level::Ok, Level::Critical, Level::Warning, Level::Warning]);
    // An agent that was well and fell silent is what `alert` is for.
    let world = World::new(backend);
    let rule = world.rule(&json!({"window": "1h", "noData": "alert", "scopeType": "agent"}));
    world.meter("a", 1);
    assert_eq!(world.happens(), "-");
    world.wait(3 * 24 * 3_600);
    assert_eq!(world.happens(), "agent=a:open!");
    assert_eq!((world.state(&rule).last_value, world.state(&rule).last_sample), (None, 0));
}

fn ag_29_a_level_is_left_below_its_hysteresis(backend: Backend) {
    let world = World::new(backend);
    world.rule(&json!({"hysteresisPct": 20, "dedupCooldownSec": 0}));
    let heard: Vec<String> = [9, 11, 9, 8, 9]
        .into_iter()
        .map(|dollars| {
            world.wait(1);
            world.meter("a", dollars);
            world.happens()
        })
        .collect();
    assert_eq!(heard, ["-", "open!", "renotify!", "resolve!", "-"]);
}

fn ag_29_a_day_is_as_long_as_its_zone_says(backend: Backend) {
    let world = World::new(backend);
    // 2024-03-31 has 23 hours in Berlin: it begins at 23:00 UTC of the day before and ends at 22:00 UTC.
    let spends = |id: &str, at: &str| {
        let envelope = with(with(session(id, "running"), "startedAt", at), "billedCostUsd", 1);
        world.takes(&envelope);
    };
    spends("before", "2024-03-30T22:59:59.999999Z");
    spends("first", "2024-03-30T23:00:00Z");
    spends("last", "2024-03-31T21:59:59.999999Z");
    spends("after", "2024-03-31T22:00:00Z");
    let body = rule_body(&json!({"metric": "daily_cost_usd", "timeZone": "Europe/Berlin"}));
    let rule = Rule::create(&body, 0, world.now()).expect("a rule");
    let spent = |at: &str| {
        let (rule, at) = (rule.clone(), Timestamp::parse(at).expect("a time"));
        let looked = world.read(move |read| preview(read, &rule, at));
        looked[0].reading.map_or(0, |reading| reading.sample)
    };
    assert_eq!(spent("2024-03-31T21:59:59.999999Z"), 2);
    assert_eq!(spent("2024-03-31T22:00:00Z"), 1, "another day");
    assert_eq!(spent("2024-03-30T22:59:59.999999Z"), 1);
    assert_eq!(spent("2024-03-30T23:00:00Z"), 1);
}

fn who_is_long_gone_is_forgotten_and_counted_on(backend: Backend) {
    let world = World::new(backend);
    let rule = world.rule(&json!({"scopeType": "agent", "window": "1h"}));
    world.meter("a", 20);
    world.meter("b", 1);
    assert_eq!(world.happens(), "agent=a:open!");
    world.wait(2 * 3_600);
    assert_eq!(world.happens(), "agent=a:resolve!");
    let keys = |world: &World| world.states(&rule).iter().map(|state| state.scope_key()).collect::<Vec<_>>();
    assert_eq!(keys(&world), ["agent=a"], "who never fired leaves nothing");
    world.wait(25 * 3_600);
    assert_eq!(world.happens(), "-");
    assert!(keys(&world).is_empty());
    let late = Timestamp(world.now().0 - SECOND).to_string();
    world.takes(&with(with(with(session("later", "running"), "agentId", "a"), "startedAt", late), "billedCostUsd", 20));
    assert_eq!(world.happens(), "agent=a:open!");
    assert_eq!(world.state(&rule).episode, 2, "episodes are counted on");
}

fn what_fires_without_its_rule_is_closed(backend: Backend) {
    let world = World::new(backend);
    let (off, moved) =
        (world.rule(&json!({})), world.rule(&json!({"scopeType": "agent", "scopeRef": {"agentId": "a"}})));
    world.meter("a", 20);
    assert_eq!(world.evaluates().happened, 2);
    // As an import does, that knows nothing of what stands.
    let off = Rule { enabled: false, ..off };
    let moved = Rule { scope: Scope { agent_id: Some("b".to_owned()), ..moved.scope.clone() }, ..moved };
    world.write(move |tx| {
        rules_sql::put(tx, &off)?;
        rules_sql::put(tx, &moved)
    });
    let transitions = world.evaluates().transitions;
    let causes: BTreeSet<(String, Cause)> =
        transitions.iter().map(|happened| (said(happened), happened.transition.cause)).collect();
    let expected = [("close".to_owned(), Cause::Ingest), ("agent=a:close".to_owned(), Cause::Human)];
    assert_eq!(causes, BTreeSet::from(expected));
    assert_eq!(world.happens(), "-");
    assert!(world.feed().is_empty());
}
