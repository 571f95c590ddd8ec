//! What people do with alerts: rules, acknowledgements, silences, channels, pages and the feed.

use exhibit_agents::alerts::repository::{self, AlertError, CHANNELS_MAX, RULES_MAX};
use exhibit_agents::alerts::{Problem, Rule, TransitionKind};
use exhibit_agents::sql::alerts_outbox::DeliveryState;
use exhibit_store::Backend;
use serde_json::json;

use crate::alerts_world::{nobody, rule_body, said};
use crate::world::World;

both!(
    ag_28_rules_are_made_changed_and_deleted,
    ag_28_what_is_wrong_with_a_rule_is_told_and_nothing_is_written,
    a_rule_that_goes_away_closes_what_fires,
    ag_29_the_feed_shows_what_stands_and_writes_nothing,
    one_acknowledgement_and_one_silence_are_for_whom_they_name,
    what_happened_comes_in_pages,
    channels_are_kept_with_their_secret,
    ag_28_a_rule_tells_channels_that_are_there,
    ag_26_a_silence_of_a_rule_is_one_of_what_it_opens_meanwhile,
    there_are_only_so_many_rules_and_channels,
);

fn ag_28_rules_are_made_changed_and_deleted(backend: Backend) {
    let world = World::new(backend);
    for id in ["ops", "people"] {
        world.channel(id, "http://127.0.0.1:9/");
    }
    let full = json!({
        "enabled": false, "metric": "daily_cost_usd", "scopeType": "agent_model",
        "scopeRef": {"modelId": "m", "agentId": "a"}, "warnThreshold": 0.1, "criticalThreshold": 0.25, "window": "7d",
        "comparison": "gte", "dedupCooldownSec": 0, "name": "Night", "hysteresisPct": 12.5, "minSample": 3, "noData": "keep",
        "timeZone": "Europe/Berlin", "channels": ["ops", "people"]
    });
    let (plain, full) = (world.rule(&json!({})), world.rule(&full));
    let twin = world.rule(&json!({}));
    assert_ne!(plain.rule_id, twin.rule_id, "the same words are another rule");
    let mut made = vec![plain.clone(), full.clone(), twin.clone()];
    made.sort_by(|one, other| one.rule_id.cmp(&other.rule_id));
    assert_eq!(world.read(repository::rules), made, "rules read back as they were made");

    world.wait(60);
    let patched = world.patch(&plain, json!({"warnThreshold": 20.5, "name": "Day"})).expect("a rule");
    assert_eq!(
        patched,
        Rule { warn_threshold: 20.5, name: Some("Day".to_owned()), updated_at: world.now(), ..plain.clone() }
    );
    let id = plain.rule_id.clone();
    assert_eq!(world.read(move |read| repository::rule(read, &id)), Some(patched));

    let (id, now) = (twin.rule_id.clone(), world.now());
    for expected in [Ok(()), Err(AlertError::RuleNotFound)] {
        let id = id.clone();
        assert_eq!(world.write(move |tx| repository::delete_rule(tx, &id, "token:1", now)), expected);
    }
    assert_eq!(world.patch(&twin, json!({})), Err(AlertError::RuleNotFound));
    assert_eq!(world.read(repository::rules).len(), 2);
    let third = world.rule(&json!({}));
    assert!(![&plain, &twin].iter().any(|rule| rule.rule_id == third.rule_id), "an id is never used again");
}

fn ag_28_what_is_wrong_with_a_rule_is_told_and_nothing_is_written(backend: Backend) {
    let world = World::new(backend);
    let wrong = |field: &str| Err(AlertError::Problem(Problem::NotSupported(field.to_owned())));
    assert_eq!(world.try_rule(&json!({"metric": "cpu"})), wrong("metric"));
    let rule = world.rule(&json!({}));
    world.wait(1);
    for field in ["metric", "window", "comparison", "scopeType", "noData"] {
        assert_eq!(world.patch(&rule, json!({ field: "banana" })), wrong(field));
    }
    let below = world.patch(&rule, json!({"warnThreshold": 60}));
    assert_eq!(below.map_err(|error| error.to_string()), Err("criticalThreshold must be >= warnThreshold".to_owned()));
    let unknown = Rule { rule_id: nobody(), ..rule.clone() };
    assert_eq!(world.patch(&unknown, json!({})).map_err(|error| error.to_string()), Err("Rule not found".to_owned()));
    assert_eq!(world.read(repository::rules), [rule]);
}

fn a_rule_that_goes_away_closes_what_fires(backend: Backend) {
    let world = World::new(backend);
    world.meter("a", 20);
    for (what, closes) in [
        (json!({"enabled": false}), true),
        (json!({"metric": "daily_cost_usd"}), true),
        (json!({"scopeType": "model"}), true),
        (json!({"warnThreshold": 1}), false),
    ] {
        let rule = world.rule(&json!({}));
        assert_eq!(world.happens(), "open!", "before {what}");
        let patched = world.patch(&rule, what.clone()).expect("a rule");
        let closed = world.history().pop().expect("a transition");
        assert_eq!(closed.transition.kind == TransitionKind::Close, closes, "{what}");
        assert_eq!(world.feed().is_empty(), closes, "{what}");
        let (id, now) = (patched.rule_id, world.now());
        world.write(move |tx| repository::delete_rule(tx, &id, "token:1", now)).expect("deleted");
        let closed = world.history().pop().expect("a transition");
        assert_eq!((closed.transition.kind, closed.transition.notified), (TransitionKind::Close, false));
        assert_eq!(closed.transition.actor.as_deref(), Some("token:1"));
        assert!(world.feed().is_empty(), "what is deleted is not in the feed");
        assert_eq!(world.happens(), "-", "nor evaluated");
        world.wait(1);
    }
}

fn ag_29_the_feed_shows_what_stands_and_writes_nothing(backend: Backend) {
    let world = World::new(backend);
    let (first, second) = (world.rule(&json!({"name": "first"})), world.rule(&json!({"warnThreshold": 1})));
    world.meter("a", 5);
    world.happens();
    assert_eq!(world.feed().len(), 1);
    world.meter("a", 60);
    let before = world.dump();
    assert_eq!(world.feed()[0]["status"], "warning", "nothing is decided by looking");
    assert_eq!(world.dump(), before);
    world.wait(1);
    world.happens();
    let feed = world.feed();
    assert_eq!(feed.len(), 2);
    for row in &feed {
        assert_eq!((row["status"].as_str(), row["value"].as_f64()), (Some("critical"), Some(60.0)), "{row}");
    }
    world.meter("a", 1);
    world.happens();
    let statuses = |world: &World| {
        let feed = world.feed();
        feed.iter().map(|row| row["status"].as_str().expect("a word").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&world), ["resolved", "resolved"]);
    world.wait(24 * 3_600 - 1);
    assert_eq!(statuses(&world).len(), 2);
    world.wait(1);
    assert!(world.feed().is_empty());
    assert_eq!(world.state(&first).episode + world.state(&second).episode, 2);
}

fn one_acknowledgement_and_one_silence_are_for_whom_they_name(backend: Backend) {
    let world = World::new(backend);
    let rule = world.rule(&json!({"scopeType": "agent", "dedupCooldownSec": 10}));
    world.meter("a", 20);
    world.meter("b", 20);
    assert_eq!(world.happens(), "agent=a:open! agent=b:open!");
    let (id, now) = (rule.rule_id.clone(), world.now());
    let acked = {
        let id = id.clone();
        world.write(move |tx| repository::acknowledge(tx, &id, Some("agent=a"), "token:1", now)).expect("acked")
    };
    assert_eq!((acked.len(), acked[0].acked_by.as_deref()), (1, Some("token:1")));
    world.wait(20);
    assert_eq!(world.happens(), "agent=b:renotify!", "who is acknowledged is quiet");
    let now = world.now();
    let silent = {
        let id = id.clone();
        world.write(move |tx| repository::silence(tx, &id, None, 100, "token:1", now)).expect("silent")
    };
    assert_eq!(silent.len(), 2);
    {
        // Whoever never fired can be silenced before.
        let id = id.clone();
        world.write(move |tx| repository::silence(tx, &id, Some("agent=c"), 100, "token:1", now)).expect("silent");
    }
    world.meter("b", 60);
    world.meter("c", 60);
    assert_eq!(world.happens(), "agent=b:escalate agent=c:open");
    world.wait(100);
    assert_eq!(world.happens(), "agent=b:renotify! agent=c:renotify!");
    for (key, expected) in [
        (None, AlertError::RuleNotFound),
        (Some("agent=nobody;model=x"), AlertError::ScopeNotFound),
        (Some("banana"), AlertError::ScopeNotFound),
    ] {
        let id = if key.is_none() { nobody() } else { id.clone() };
        assert_eq!(world.write(move |tx| repository::acknowledge(tx, &id, key, "token:1", now)), Err(expected));
    }
    let long = world.write(move |tx| repository::silence(tx, &id, None, -1, "token:1", now));
    assert_eq!(long.map_err(|error| error.to_string()), Err("seconds is not valid".to_owned()));
}

fn ag_28_a_rule_tells_channels_that_are_there(backend: Backend) {
    let world = World::new(backend);
    let wrong = || AlertError::Problem(Problem::NotValid("channels".to_owned()));
    assert_eq!(world.try_rule(&json!({"channels": ["ops"]})), Err(wrong()), "it would fire and tell nobody");
    assert_eq!(world.read(repository::rules), []);
    world.channel("ops", "http://127.0.0.1:9/");
    let rule = world.rule(&json!({"channels": ["ops"]}));
    assert_eq!(world.patch(&rule, json!({"channels": ["ops", "people"]})), Err(wrong()));
    let now = world.now();
    let named = AlertError::ChannelNamed { rules: vec![rule.rule_id.clone()] };
    assert_eq!(named.to_string(), format!("Channel is named by the rule {}", rule.rule_id));
    assert_eq!(world.write(move |tx| repository::delete_channel(tx, "ops", now)), Err(named));
    world.patch(&rule, json!({"channels": []})).expect("a rule for all channels");
    assert_eq!(world.write(move |tx| repository::delete_channel(tx, "ops", now)), Ok(()));
}

fn ag_26_a_silence_of_a_rule_is_one_of_what_it_opens_meanwhile(backend: Backend) {
    let world = World::new(backend);
    let rule = world.rule(&json!({"scopeType": "agent", "dedupCooldownSec": 10}));
    let silence = |seconds: i64| {
        let (id, now) = (rule.rule_id.clone(), world.now());
        world.write(move |tx| repository::silence(tx, &id, None, seconds, "token:1", now)).expect("silent")
    };
    assert_eq!(silence(100), [], "nothing is open yet");
    world.wait(50);
    world.meter("late", 20);
    assert_eq!(world.happens(), "agent=late:open", "it opens in silence");
    world.patch(&rule, json!({"warnThreshold": 11})).expect("a rule that is still silent");
    world.meter("later", 20);
    assert_eq!(world.happens(), "agent=later:open");
    world.wait(50);
    assert_eq!(world.happens(), "agent=late:renotify! agent=later:renotify!", "the silence is over for both");

    silence(100);
    assert_eq!(silence(0).len(), 2);
    world.meter("last", 20);
    assert!(world.happens().contains("agent=last:open!"), "a silence that was ended is ended for what opens, too");
}

fn what_happened_comes_in_pages(backend: Backend) {
    let world = World::new(backend);
    let (open, quiet) = (world.rule(&json!({"scopeType": "agent"})), world.rule(&json!({"warnThreshold": 50})));
    world.channel("ops", "http://127.0.0.1:9/");
    for dollars in [20, 60, 1, 70] {
        for agent in ["a", "b", "c"] {
            world.meter(agent, dollars);
        }
        world.happens();
        world.wait(1);
    }
    let all = world.history();
    assert_eq!(all.len(), 4 * 3 + 4);
    for rule_id in [None, Some(open.rule_id.clone()), Some(quiet.rule_id.clone())] {
        let (mut place, mut found) = (None, Vec::new());
        loop {
            let (rule_id, before) = (rule_id.clone(), place.take());
            let page = world.read(move |read| repository::transitions(read, rule_id.as_ref(), before.as_ref(), 2));
            assert!(page.rows.len() <= 2);
            found.extend(page.rows);
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        found.reverse();
        let of_rule = |id: &_| rule_id.as_ref().is_none_or(|rule_id| rule_id == id);
        let expected: Vec<_> = all.iter().filter(|happened| of_rule(&happened.rule_id)).cloned().collect();
        let words = |rows: &[_]| rows.iter().map(said).collect::<Vec<_>>();
        assert_eq!(words(&found), words(&expected));
        assert_eq!(found.len(), expected.len());
    }
    let told = all.iter().filter(|happened| happened.transition.notified).count();
    for (state, expected) in [(None, told), (Some(DeliveryState::Pending), told), (Some(DeliveryState::Dead), 0)] {
        let (mut place, mut found) = (None, 0);
        loop {
            let before = place.take();
            let page = world.read(move |read| repository::deliveries(read, state, before.as_ref(), 2));
            found += page.rows.len();
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{state:?}");
    }
}

fn channels_are_kept_with_their_secret(backend: Backend) {
    let world = World::new(backend);
    let made = world.channel("ops", "http://127.0.0.1:9/a");
    assert_eq!(world.read(repository::channels), std::slice::from_ref(&made));
    assert_eq!(world.read(|read| repository::channel(read, "ops")), Some(made.clone()));
    let now = world.now();
    let body = json!({"id": "ops", "url": "http://127.0.0.1:9/", "secret": "0123456789abcdef"});
    let again = world.write(move |tx| repository::create_channel(tx, &body, false, now));
    assert_eq!(again, Err(AlertError::ChannelExists));
    let plain = json!({"url": "http://example.org/"});
    let patched = world.write(move |tx| repository::patch_channel(tx, "ops", &plain, false, now));
    assert_eq!(patched.map_err(|error| error.to_string()), Err("url is not valid".to_owned()));

    world.rule(&json!({}));
    world.meter("a", 20);
    assert_eq!(world.happens(), "open!");
    assert_eq!(world.outbox().len(), 1);
    let disable = json!({"enabled": false, "secret": "another secret of it"});
    let patched = world.write(move |tx| repository::patch_channel(tx, "ops", &disable, false, now)).expect("a channel");
    assert_eq!((patched.enabled, patched.secret.reveal(), &patched.url), (false, "another secret of it", &made.url));
    let given_up = &world.outbox()[0];
    assert_eq!((given_up.state, given_up.settled_at), (DeliveryState::Dead, Some(now)));
    assert_eq!(given_up.last_error.as_deref(), Some("the channel was disabled"));
    world.meter("a", 60);
    assert_eq!(world.happens(), "escalate!");
    assert_eq!(world.outbox().len(), 1, "a disabled channel is told nothing");
    for expected in [Ok(()), Err(AlertError::ChannelNotFound)] {
        assert_eq!(world.write(move |tx| repository::delete_channel(tx, "ops", now)), expected);
    }
    assert_eq!(world.read(repository::channels), []);
}

fn there_are_only_so_many_rules_and_channels(backend: Backend) {
    let world = World::new(backend);
    let now = world.now();
    let body = rule_body(&json!({}));
    let refused = world.write(move |tx| {
        for _ in 0..RULES_MAX {
            assert!(repository::create_rule(tx, &body, now)?.is_ok());
        }
        repository::create_rule(tx, &body, now)
    });
    assert_eq!(refused, Err(AlertError::TooMany { what: "rules", max: RULES_MAX }));
    let refused = world.write(move |tx| {
        let body = |n: usize| json!({"id": n.to_string(), "url": "https://example.org", "secret": "0123456789abcdef"});
        for n in 0..CHANNELS_MAX {
            assert!(repository::create_channel(tx, &body(n), false, now)?.is_ok());
        }
        repository::create_channel(tx, &body(CHANNELS_MAX), false, now)
    });
    assert_eq!(refused, Err(AlertError::TooMany { what: "channels", max: CHANNELS_MAX }));
}
