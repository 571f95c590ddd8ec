//! How evaluations are asked for: by commits, by time, by people, and without any consequence.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use exhibit_agents::alerts::evaluate::{dry_run, evaluate, preview};
use exhibit_agents::alerts::evaluator::Evaluator;
use exhibit_agents::alerts::repository;
use exhibit_agents::alerts::{Cause, Level, Rule};
use exhibit_model::time::{Clock, Timestamp};
use exhibit_store::Backend;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::alerts_world::{SECOND, rule_body, said};
use crate::world::{NOW, World, block_on};

both!(
    ag_29_time_alone_is_evaluated,
    ag_29_many_commits_share_an_evaluation,
    a_dry_run_writes_nothing_and_says_the_same,
    a_preview_needs_no_rule_in_the_database,
    whoever_asks_about_the_past_does_not_change_it,
);

/// A runtime whose time goes by whenever nobody works, so that a minute is nothing.
fn impatient() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

/// A clock that counts how often it is asked: once for each evaluation.
struct Counting(AtomicUsize);

impl Clock for Counting {
    fn now(&self) -> Timestamp {
        self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp(NOW)
    }
}

fn ag_29_many_commits_share_an_evaluation(backend: Backend) {
    let world = World::new(backend);
    let clock = Arc::new(Counting(AtomicUsize::new(0)));
    let evaluator = Evaluator::new(world.store.clone(), Arc::clone(&clock) as Arc<_>, world.deliverer().bell());
    let commits = evaluator.commits();
    let stop = async {
        for _ in 0..200 {
            commits.ingested();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    impatient().block_on(evaluator.run(stop));
    let evaluations = clock.0.load(Ordering::Relaxed);
    // One at the start, and one each half second of the two that went by.
    assert!((1..=5).contains(&evaluations), "{evaluations} evaluations");
}

fn ag_29_time_alone_is_evaluated(backend: Backend) {
    let world = World::new(backend);
    let rule = world.rule(&json!({"window": "1h"}));
    world.meter("a", 20);
    let evaluator = Evaluator::new(world.store.clone(), Arc::clone(&world.clock) as Arc<_>, world.deliverer().bell());
    let store = world.store.clone();
    let rule_id = rule.rule_id.clone();
    let stop = async {
        for expected in [Level::Warning, Level::Ok] {
            loop {
                let rule_id = rule_id.clone();
                let states = store.read(move |read| repository::states(read, &rule_id)).await.expect("states");
                if states.first().is_some_and(|state| state.standing.status == expected) {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            world.wait(2 * 3_600);
        }
    };
    impatient().block_on(evaluator.run(stop));
    let history = world.history();
    assert_eq!(history.iter().map(said).filter(|what| what != "suppress").collect::<Vec<_>>(), ["open!", "resolve!"]);
    assert!(history.iter().all(|happened| happened.transition.cause == Cause::Timer), "nobody told of a commit");
}

fn a_dry_run_writes_nothing_and_says_the_same(backend: Backend) {
    let world = World::new(backend);
    world.channel("ops", "http://127.0.0.1:9/");
    world.rule(&json!({"scopeType": "agent"}));
    world.meter("a", 20);
    world.meter("b", 1);
    let (before, now) = (world.dump(), world.now());
    let dry = world.read(move |read| dry_run(read, now, Cause::Ingest));
    assert_eq!(world.dump(), before);
    let real = world.evaluates();
    assert_eq!(real.transitions, dry.transitions);
    assert_eq!((real.rules, real.instances, real.happened), (dry.rules, dry.instances, dry.happened));
    assert_eq!((real.deliveries, dry.deliveries), (1, 0));
    let late = world.store.clone();
    let beyond = block_on(late.read(|read| dry_run(read, Timestamp(i64::MIN), Cause::Manual)));
    assert!(beyond.is_ok(), "a window that moves has no calendar");
}

fn a_preview_needs_no_rule_in_the_database(backend: Backend) {
    let world = World::new(backend);
    world.meter("a", 20);
    world.meter("b", 1);
    let rule = Rule::create(&rule_body(&json!({"scopeType": "agent"})), 0, world.now()).expect("a rule");
    let now = world.now();
    let looked = world.read(move |read| preview(read, &rule, now));
    let words: Vec<Value> = looked
        .iter()
        .map(|looked| {
            json!([looked.state.scope_key(), looked.state.standing.status.as_str(), looked.transition.is_some()])
        })
        .collect();
    assert_eq!(words, [json!(["agent=a", "warning", true]), json!(["agent=b", "ok", false])]);
    assert_eq!(world.history(), []);
}

fn whoever_asks_about_the_past_does_not_change_it(backend: Backend) {
    let world = World::new(backend);
    let rule = world.rule(&json!({}));
    world.wait(3_600);
    world.meter("a", 20);
    assert_eq!(world.happens(), "open!");
    let before = world.dump();
    let past = world.write(|tx| evaluate(tx, Timestamp(NOW - 90 * SECOND), Cause::Manual));
    assert_eq!((past.later, past.happened), (1, 0));
    assert_eq!(world.dump(), before);
    let evaluator = Evaluator::new(world.store.clone(), Arc::clone(&world.clock) as Arc<_>, world.deliverer().bell());
    let late = Some(Timestamp(world.now().0 + 48 * 3_600 * SECOND));
    assert!(block_on(evaluator.evaluate(late, Cause::Manual)).is_err(), "nothing is written about the future");
    let dry = block_on(evaluator.dry_run(late)).expect("a dry run");
    assert_eq!(dry.transitions.iter().map(said).collect::<Vec<_>>(), ["resolve!"]);
    let manual = block_on(evaluator.evaluate(None, Cause::Manual)).expect("an evaluation");
    assert_eq!(manual.transitions[0].transition.cause, Cause::Manual);
    assert_eq!(world.stands(&rule), "warning/suppressed");
}
