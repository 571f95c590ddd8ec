//! AG-08 for alerts: a long random life comes to the same rows on both databases, and the rows hold together at every step.

use std::collections::BTreeMap;

use exhibit_agents::alerts::repository;
use exhibit_agents::alerts::{Level, TransitionKind};
use exhibit_agents::sql::alerts_outbox::DeliveryState;
use exhibit_store::Backend;
use serde_json::json;

use crate::alerts_measure::Chance;
use crate::alerts_world::{Dump, SECRET};
use crate::world::World;

/// Steps of a life. Each has a chance of a twelfth to be one of twelve things, so every pair of them meets.
const STEPS: usize = 250;

/// One thing that happens, whatever comes of it: what a person got wrong is an answer, too.
fn step(world: &World, chance: &mut Chance) {
    let rules = world.read(repository::rules);
    let pick = |chance: &mut Chance| {
        rules.get(usize::try_from(chance.below(4)).expect("an index")).map(|rule| rule.rule_id.clone())
    };
    let agents = ["a", "b", "c"];
    let agent = agents[usize::try_from(chance.below(3)).expect("an index")];
    let scope = [None, Some(format!("agent={agent}")), Some("global".to_owned())]
        [usize::try_from(chance.below(3)).expect("an index")]
    .clone();
    let now = world.now();
    match chance.below(12) {
        0..=2 => {
            let dollars = [1, 20, 60][usize::try_from(chance.below(3)).expect("an index")];
            world.meter_since(now.0, agent, dollars);
        }
        3 => world.wait([1, 200, 400, 7_200, 90_000][usize::try_from(chance.below(5)).expect("an index")]),
        4..=6 => {
            world.wait(1);
            world.evaluates();
        }
        7 => {
            let Some(id) = pick(chance) else { return };
            world.write(move |tx| repository::acknowledge(tx, &id, scope.as_deref(), "token:1", now)).ok();
        }
        8 => {
            let Some(id) = pick(chance) else { return };
            let seconds = [0, 100, 5_000][usize::try_from(chance.below(3)).expect("an index")];
            world.write(move |tx| repository::silence(tx, &id, scope.as_deref(), seconds, "token:2", now)).ok();
        }
        9 => {
            let Some(id) = pick(chance) else { return };
            let patch = [
                json!({"enabled": false}),
                json!({"enabled": true}),
                json!({"scopeType": "agent", "scopeRef": {"agentId": agent}}),
                json!({"scopeType": "agent", "scopeRef": null}),
                json!({"noData": "alert", "window": "1h"}),
            ][usize::try_from(chance.below(5)).expect("an index")]
            .clone();
            world.write(move |tx| repository::patch_rule(tx, &id, &patch, "token:3", now)).ok();
        }
        10 => {
            if rules.len() < 4 {
                let scope = ["global", "agent", "agent_model"][usize::try_from(chance.below(3)).expect("an index")];
                world.rule(&json!({"scopeType": scope, "hysteresisPct": 10, "dedupCooldownSec": 300}));
            } else if let Some(id) = pick(chance) {
                world.write(move |tx| repository::delete_rule(tx, &id, "token:4", now)).expect("deleted");
            }
        }
        _ => {
            let (is_enabled, id) =
                (chance.below(2) == 0, ["one", "two"][usize::try_from(chance.below(2)).expect("an index")]);
            let body = json!({"id": id, "url": "http://127.0.0.1:9/", "secret": SECRET});
            world.write(move |tx| repository::create_channel(tx, &body, false, now)).ok();
            let patch = json!({"enabled": is_enabled});
            world.write(move |tx| repository::patch_channel(tx, id, &patch, false, now)).ok();
        }
    }
}

/// What is always true of the rows.
fn holds_together((rules, states, history, outbox): &Dump) {
    let mut last = BTreeMap::new();
    for happened in history {
        let key = (happened.rule_id.clone(), happened.scope_key.clone());
        let transition = &happened.transition;
        let opens = transition.kind == TransitionKind::Open;
        let (episode, ordinal, standing) = last.get(&key).copied().unwrap_or((0, 0, None));
        let expected = if opens { (episode + 1, 1) } else { (episode, ordinal + 1) };
        assert_eq!((transition.episode, transition.ordinal), expected, "{happened:?}");
        let was_ok = standing.is_none_or(|standing: exhibit_agents::alerts::Standing| !standing.status.is_firing());
        assert_eq!(opens, was_ok, "an episode begins when nothing fires, and nothing else happens then: {happened:?}");
        assert!(standing.is_none_or(|standing| standing == transition.from), "{happened:?}");
        last.insert(key, (transition.episode, transition.ordinal, Some(transition.to)));
    }
    for state in states {
        let known = last.remove(&(state.rule_id.clone(), state.scope_key()));
        let (episode, ordinal, standing) = known.unwrap_or((0, 0, None));
        // Who was forgotten and came back has had no transition in the episode that is to come.
        assert!((state.episode, state.ordinal) == (episode, ordinal) || (state.episode, state.ordinal) == (episode, 0));
        assert!(standing.is_none_or(|standing| standing == state.standing), "{state:?}");
        assert_eq!(state.standing.status == Level::Ok, state.active_fp.is_none());
    }
    let live: Vec<_> = rules.iter().map(|rule| &rule.rule_id).collect();
    for ((rule_id, key), (_, _, standing)) in last {
        let fires = standing.is_some_and(|standing| standing.status.is_firing());
        assert!(!fires, "{rule_id} {key} fires without a state (rules {live:?})");
    }
    let notified = history.iter().filter(|happened| happened.transition.notified).count();
    assert!(outbox.len() <= notified * 2, "each of two channels is told once at most");
    for delivery in outbox {
        assert_eq!(delivery.state == DeliveryState::Pending, delivery.next_at.is_some());
    }
}

#[test]
fn ag_08_a_random_life_is_the_same_on_both_databases() {
    let worlds = [World::new(Backend::Sqlite), World::new(Backend::Postgres)];
    let dumps = worlds.map(|world| {
        let mut chance = Chance(7);
        world.rule(&json!({"scopeType": "agent"}));
        for _ in 0..STEPS {
            step(&world, &mut chance);
            holds_together(&world.dump());
        }
        world.dump()
    });
    let kinds: std::collections::BTreeSet<TransitionKind> =
        dumps[0].2.iter().map(|happened| happened.transition.kind).collect();
    assert_eq!(kinds.len(), TransitionKind::EVERY.len(), "everything that can happen did: {kinds:?}");
    assert!(dumps[0].2.len() < 1_000 && dumps[0].3.len() < 1_000, "the pages hold it all");
    assert_eq!(dumps[0], dumps[1]);
}
