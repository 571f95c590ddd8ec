//! Tests of the state machine: each row of its table, the rules below the table, and what always holds.

use exhibit_model::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::testing::{Fed, at, later, rule, usd};
use super::{Cause, Input, Level, Lifecycle, State, Transition, TransitionKind};

/// Days on which nothing may be different: an ordinary one, a leap day, the end of a year, before 1970, and a day without midnight.
const DATES: [&str; 5] = [
    "2026-02-18T09:00:00Z",
    "2028-02-29T23:59:00Z",
    "2026-12-31T23:59:59Z",
    "1969-12-31T23:59:59Z",
    "2015-10-18T02:59:59Z",
];

/// What the table calls inputs: dollars that are measured, or what people do.
#[derive(Clone, Copy)]
enum Hear {
    /// Ok: below both thresholds.
    Ok,
    /// A warning: above 10.
    Warning,
    /// Critical: above 50.
    Critical,
    Ack,
    /// A silence of so many seconds; 0 ends it.
    Silence(i64),
    Stop,
    /// Nothing, for so many seconds. The cooldown is 300.
    Wait(i64),
}

fn feed(fed: &mut Fed, hear: Hear) -> Option<Transition> {
    match hear {
        Hear::Ok => fed.cost(1),
        Hear::Warning => fed.cost(20),
        Hear::Critical => fed.cost(60),
        Hear::Ack => fed.hear(Input::Acked { by: "kim" }),
        Hear::Silence(seconds) => fed.hear(Input::Silenced { until: later(fed.now, seconds), by: "kim" }),
        Hear::Stop => fed.hear(Input::Stopped { by: Some("kim") }),
        Hear::Wait(seconds) => {
            fed.wait(seconds);
            None
        }
    }
}

/// The table: how it came to stand, what is heard, what happens (`!` is told), how it stands then.
const ROWS: &[(&[Hear], Hear, &str, &str)] = {
    use Hear::{Ack, Critical, Ok, Silence, Stop, Wait, Warning};
    &[
        // none, ok / resolved
        (&[], Ok, "-", "ok/resolved"),
        (&[], Warning, "open!", "warning/active"),
        (&[], Critical, "open!", "critical/active"),
        (&[Warning, Ok], Ok, "-", "ok/resolved"),
        (&[Warning, Ok], Critical, "open!", "critical/active"),
        // warning / any, critical
        (&[Warning], Critical, "escalate!", "critical/active"),
        (&[Warning, Warning], Critical, "escalate!", "critical/active"),
        (&[Warning, Ack], Critical, "escalate!", "critical/active"),
        (&[Warning, Silence(60)], Critical, "escalate", "critical/suppressed"),
        // critical / any, warning inside the cooldown
        (&[Critical], Warning, "deescalate", "warning/suppressed"),
        (&[Critical, Critical], Warning, "deescalate", "warning/suppressed"),
        (&[Critical, Wait(299)], Warning, "deescalate", "warning/suppressed"),
        // firing, the same level inside the cooldown: once for each notice
        (&[Warning], Warning, "suppress", "warning/suppressed"),
        (&[Critical, Wait(299)], Critical, "suppress", "critical/suppressed"),
        (&[Warning, Warning], Warning, "-", "warning/suppressed"),
        (&[Warning, Warning, Wait(300), Warning], Warning, "suppress", "warning/suppressed"),
        // firing, not acknowledged, the same or a lower level, cooldown over
        (&[Warning, Wait(300)], Warning, "renotify!", "warning/active"),
        (&[Warning, Warning, Wait(300)], Warning, "renotify!", "warning/active"),
        (&[Critical, Wait(300)], Warning, "renotify!", "warning/active"),
        (&[Warning, Ack, Wait(300)], Warning, "-", "warning/suppressed"),
        (&[Critical, Ack, Wait(300)], Warning, "deescalate", "warning/suppressed"),
        // firing, ok
        (&[Warning], Ok, "resolve!", "ok/resolved"),
        (&[Critical, Critical], Ok, "resolve!", "ok/resolved"),
        (&[Critical, Ack], Ok, "resolve!", "ok/resolved"),
        (&[Critical, Silence(60)], Ok, "resolve!", "ok/resolved"),
        // firing, acknowledged
        (&[Warning], Ack, "ack", "warning/suppressed"),
        (&[Critical, Critical], Ack, "ack", "critical/suppressed"),
        (&[Warning, Ack], Ack, "-", "warning/suppressed"),
        (&[Warning, Ack, Ok, Warning, Wait(300)], Warning, "renotify!", "warning/active"),
        (&[], Ack, "-", "ok/resolved"),
        // firing, silenced
        (&[Critical], Silence(3_600), "silence", "critical/suppressed"),
        (&[Critical, Silence(3_600), Wait(1_800)], Critical, "-", "critical/suppressed"),
        (&[Critical, Silence(3_600), Wait(1_800)], Warning, "deescalate", "warning/suppressed"),
        (&[Critical, Silence(3_600), Wait(3_600)], Critical, "renotify!", "critical/active"),
        (&[Warning, Silence(60), Critical, Wait(60)], Critical, "renotify!", "critical/active"),
        (&[Warning, Silence(60)], Silence(60), "-", "warning/suppressed"),
        (&[Warning, Silence(60)], Silence(90), "silence", "warning/suppressed"),
        (&[Warning, Silence(60)], Silence(0), "-", "warning/suppressed"),
        (&[Warning, Silence(60), Silence(0)], Warning, "renotify!", "warning/active"),
        (&[Warning], Silence(0), "-", "warning/active"),
        (&[Warning, Ack, Silence(60), Wait(600)], Warning, "-", "warning/suppressed"),
        (&[Silence(60)], Warning, "open", "warning/suppressed"),
        (&[Silence(60), Warning, Wait(60)], Warning, "renotify!", "warning/active"),
        (&[Silence(60), Warning], Ok, "resolve", "ok/resolved"),
        (&[Silence(60), Wait(60)], Warning, "open!", "warning/active"),
        (&[Warning, Ok, Silence(60), Warning], Ok, "resolve", "ok/resolved"),
        (&[Warning, Silence(60), Wait(60), Warning], Warning, "suppress", "warning/suppressed"),
        // firing, the rule went away
        (&[Warning], Stop, "close", "ok/resolved"),
        (&[Critical, Ack], Stop, "close", "ok/resolved"),
        (&[Critical, Silence(60)], Stop, "close", "ok/resolved"),
        (&[], Stop, "-", "ok/resolved"),
        (&[Warning, Stop], Warning, "open!", "warning/active"),
    ]
};

/// AG-26: each row of the table.
#[test]
fn ag_26_each_row_of_the_table_on_any_date() {
    for date in DATES {
        for (number, (before, hear, happens, stands)) in ROWS.iter().enumerate() {
            let mut fed = Fed::new(rule(&json!({})), at(date));
            for hear in *before {
                feed(&mut fed, *hear);
            }
            let from = fed.state.standing;
            let happened = feed(&mut fed, *hear);
            let case = format!("row {number} on {date}");
            assert_eq!((Fed::told(&happened).as_str(), fed.stands().as_str()), (*happens, *stands), "{case}");
            if let Some(happened) = happened {
                assert_eq!((happened.at, fed.state.last_transition_at), (fed.now, fed.now), "{case}");
                assert_eq!((happened.from, happened.to), (from, fed.state.standing), "{case}");
            }
        }
    }
}

/// AG-26: what is stored beside the standing.
#[test]
fn ag_26_columns_follow_the_transitions() {
    let start = at("2026-02-18T09:00:00Z");
    let mut fed = Fed::new(rule(&json!({})), start);
    let opened = fed.cost(20).unwrap();
    assert_eq!((opened.episode, opened.ordinal, opened.threshold), (1, 1, Some(10.0)));
    assert_eq!((opened.value, opened.sample, opened.cause, opened.actor), (usd(20), 10, Cause::Ingest, None));
    assert_eq!(fed.state.opened_at, Some(start));
    assert_eq!(fed.state.suppressed_until, Some(later(start, 300)));
    let alert = fed.state.active_fp;
    assert!(alert.is_some());

    fed.wait(100).cost(21);
    assert!(fed.state.deduped && fed.state.active_fp == alert);
    assert_eq!(fed.state.suppressed_until, Some(later(start, 300)));
    assert_eq!((fed.state.last_value, fed.state.last_evaluated_at), (usd(21), later(start, 100)));

    let acked = fed.wait(100).hear(Input::Acked { by: "kim" }).unwrap();
    assert_eq!((acked.cause, acked.actor.as_deref(), acked.value), (Cause::Human, Some("kim"), usd(21)));
    assert_eq!((fed.state.acked_at, fed.state.acked_by.as_deref()), (Some(later(start, 200)), Some("kim")));

    let escalated = fed.wait(50).cost(60).unwrap();
    assert_eq!((escalated.ordinal, escalated.threshold), (4, Some(50.0)));
    assert_eq!((fed.state.acked_at, fed.state.deduped), (None, false));
    assert_eq!(fed.state.suppressed_until, Some(later(start, 550)));
    assert_ne!(fed.state.active_fp, alert);

    let resolved = fed.wait(1).cost(0).unwrap();
    assert_eq!((resolved.ordinal, resolved.threshold), (5, Some(50.0)));
    assert_eq!((fed.state.resolved_at, fed.state.opened_at), (Some(later(start, 251)), Some(start)));
    assert_eq!((fed.state.suppressed_until, fed.state.active_fp), (None, None));

    let again = fed.wait(1).cost(20).unwrap();
    assert_eq!((again.episode, again.ordinal, fed.state.resolved_at), (2, 1, None));
    let closed = fed.hear(Input::Stopped { by: None }).unwrap();
    assert_eq!((closed.kind, closed.cause, fed.state.resolved_at), (TransitionKind::Close, Cause::Human, None));
}

#[test]
fn a_disabled_rule_closes_what_is_measured() {
    let mut fed = Fed::new(rule(&json!({})), at("2026-02-18T09:00:00Z"));
    fed.cost(20);
    fed.rule.enabled = false;
    let closed = fed.hear(Input::Evaluated { value: usd(60), sample: 10, cause: Cause::Timer }).unwrap();
    assert_eq!((closed.kind, closed.cause, closed.value), (TransitionKind::Close, Cause::Timer, usd(20)));
    assert_eq!(Fed::told(&fed.cost(60)), "-");
}

/// AG-27: jitter inside the cooldown is no news.
#[test]
fn ag_27_twenty_jittering_values_are_one_notice() {
    let mut fed = Fed::new(rule(&json!({})), at("2026-02-18T09:00:00Z"));
    for turn in 0..20 {
        fed.cost(20 + (turn * 7) % 13);
        fed.wait(14);
    }
    assert_eq!(fed.notices(), 1);
    let kinds: Vec<TransitionKind> = fed.transitions.iter().map(|happened| happened.kind).collect();
    assert_eq!(kinds, [TransitionKind::Open, TransitionKind::Suppress]);
    // The cooldown counts from the notice: the jitter did not push it.
    fed.wait(20);
    assert_eq!(Fed::told(&fed.cost(25)), "renotify!");
}

/// AG-27: an escalation does not wait.
#[test]
fn ag_27_an_escalation_bypasses_the_cooldown() {
    let mut fed = Fed::new(rule(&json!({})), at("2026-02-18T09:00:00Z"));
    let told: Vec<String> =
        [20, 21, 60, 61, 62].into_iter().map(|dollars| Fed::told(&fed.wait(1).cost(dollars))).collect();
    assert_eq!(told, ["open!", "suppress", "escalate!", "suppress", "-"]);
}

/// AG-27: critical, ok, ok, critical.
#[test]
fn ag_27_one_resolve_and_two_episodes() {
    let mut fed = Fed::new(rule(&json!({})), at("2026-02-18T09:00:00Z"));
    let told: Vec<String> = [60, 1, 1, 60].into_iter().map(|dollars| Fed::told(&fed.wait(1).cost(dollars))).collect();
    assert_eq!(told, ["open!", "resolve!", "-", "open!"]);
    assert_eq!(fed.state.episode, 2);
}

/// AG-29: too few samples and no data, where the rule says to keep, change nothing but the time of the last look.
#[test]
fn ag_29_what_cannot_be_decided_stands() {
    let mut fed = Fed::new(rule(&json!({"minSample": 5, "noData": "keep"})), at("2026-02-18T09:00:00Z"));
    fed.cost(60);
    let before = fed.state.clone();
    fed.wait(10_000);
    for (value, sample) in [(usd(1), 4), (usd(60), 1), (None, 0)] {
        let happened = fed.hear(Input::Evaluated { value, sample, cause: Cause::Timer });
        assert_eq!(happened, None);
        assert_eq!(fed.state, State { last_evaluated_at: fed.now, ..before.clone() });
    }
}

/// AG-29: no data as a warning, and its end.
#[test]
fn ag_29_no_data_can_be_an_alert() {
    let mut fed = Fed::new(rule(&json!({"noData": "alert"})), at("2026-02-18T09:00:00Z"));
    let nothing = Input::Evaluated { value: None, sample: 0, cause: Cause::Timer };
    let opened = fed.hear(nothing).unwrap();
    assert_eq!(
        (opened.kind, opened.to.status, opened.value, opened.sample),
        (TransitionKind::Open, Level::Warning, None, 0)
    );
    assert_eq!(Fed::told(&fed.wait(60).cost(60)), "escalate!");
    assert_eq!(Fed::told(&fed.wait(60).hear(nothing)), "deescalate");
    assert_eq!(Fed::told(&fed.wait(60).cost(1)), "resolve!");
}

#[test]
fn without_a_cooldown_every_measurement_is_told() {
    let mut fed = Fed::new(rule(&json!({"dedupCooldownSec": 0})), at("2026-02-18T09:00:00Z"));
    let told: Vec<String> = [20, 20, 60, 20].into_iter().map(|dollars| Fed::told(&fed.cost(dollars))).collect();
    assert_eq!(told, ["open!", "renotify!", "escalate!", "renotify!"]);
}

#[derive(Debug, Clone)]
enum Heard {
    Measured { dollars: i64, sample: i64 },
    Acked,
    Silenced(i64),
    Stopped,
}

fn heard() -> impl Strategy<Value = (i64, Heard)> {
    let heard = prop_oneof![
        8 => (0..80_i64, 0..5_i64).prop_map(|(dollars, sample)| Heard::Measured { dollars, sample }),
        1 => Just(Heard::Acked),
        1 => (0..900_i64).prop_map(Heard::Silenced),
        1 => Just(Heard::Stopped),
    ];
    (0..400_i64, heard)
}

fn run(
    fields: &serde_json::Value,
    start: Timestamp,
    story: &[(i64, Heard)],
) -> (Fed, Vec<(State, State, Option<Transition>)>) {
    let mut fed = Fed::new(rule(fields), start);
    let mut seen = Vec::new();
    for (seconds, heard) in story {
        fed.wait(*seconds);
        let before = fed.state.clone();
        let happened = fed.hear(match heard {
            Heard::Measured { dollars, sample } => {
                Input::Evaluated { value: usd(*dollars), sample: *sample, cause: Cause::Timer }
            }
            Heard::Acked => Input::Acked { by: "kim" },
            Heard::Silenced(seconds) => Input::Silenced { until: later(fed.now, *seconds), by: "kim" },
            Heard::Stopped => Input::Stopped { by: None },
        });
        seen.push((before, fed.state.clone(), happened));
    }
    (fed, seen)
}

/// What holds of every step, whatever came before.
fn check(before: &State, after: &State, happened: Option<&Transition>) -> Result<(), TestCaseError> {
    let cooldown = 300;
    prop_assert!(after.episode >= before.episode);
    prop_assert_eq!(after.active_fp.is_some(), after.standing.status.is_firing());
    prop_assert_eq!(after.standing.lifecycle == Lifecycle::Resolved, !after.standing.status.is_firing());
    if let Some(until) = after.suppressed_until {
        prop_assert_eq!(Some(until), after.last_notified_at.map(|told| later(told, cooldown)));
    }
    let Some(happened) = happened else {
        prop_assert_eq!(before.standing, after.standing);
        return Ok(());
    };
    prop_assert_eq!(happened.to, after.standing);
    prop_assert_eq!(happened.from, before.standing);
    let next = if happened.episode == before.episode { before.ordinal + 1 } else { 1 };
    prop_assert_eq!((happened.episode, happened.ordinal), (after.episode, next));
    prop_assert_eq!(happened.kind == TransitionKind::Open, after.episode == before.episode + 1);
    prop_assert_eq!(happened.kind != TransitionKind::Open, before.standing.status.is_firing());
    let at = happened.at;
    if happened.notified {
        let silence_ended = before.silenced_until.is_some_and(|until| until <= at);
        let bypasses =
            matches!(happened.kind, TransitionKind::Open | TransitionKind::Escalate | TransitionKind::Resolve);
        prop_assert!(bypasses || !before.is_cooling(at) || silence_ended);
        prop_assert!(happened.kind == TransitionKind::Resolve || !before.is_silenced(at));
        prop_assert!(bypasses || before.acked_at.is_none());
    }
    Ok(())
}

proptest! {
    /// AG-26, AG-27: whatever comes, in whatever order.
    #[test]
    fn ag_26_ag_27_what_always_holds(start in 0..4_000_000_000_i64, pct in 0..60, story in prop::collection::vec(heard(), 0..60)) {
        let fields = json!({"hysteresisPct": pct, "minSample": 2, "noData": "keep"});
        let start = Timestamp(start * 1_000_000);
        let (fed, seen) = run(&fields, start, &story);
        for (before, after, happened) in &seen {
            check(before, after, happened.as_ref())?;
        }
        // A rerun gives the same states and the same transitions.
        let (again, _) = run(&fields, start, &story);
        prop_assert_eq!(&again.state, &fed.state);
        prop_assert_eq!(&again.transitions, &fed.transitions);
        // No two transitions share their key.
        let mut keys: Vec<(i64, i64)> = fed.transitions.iter().map(|happened| (happened.episode, happened.ordinal)).collect();
        let count = keys.len();
        prop_assert!(keys.is_sorted());
        keys.dedup();
        prop_assert_eq!(keys.len(), count);
        // A suppression stands at most once between two notices.
        let mut suppressed = false;
        for happened in &fed.transitions {
            if happened.kind == TransitionKind::Suppress {
                prop_assert!(!suppressed);
                suppressed = true;
            } else if happened.notified || happened.kind == TransitionKind::Close {
                suppressed = false;
            }
        }
    }

    #[test]
    fn no_moment_and_no_cooldown_panics(us in any::<i64>(), until in any::<i64>(), dollars in 0..100_i64, cooldown in 0..=31_622_400_i64) {
        let mut fed = Fed::new(rule(&json!({"dedupCooldownSec": cooldown})), Timestamp(us));
        fed.hear(Input::Silenced { until: Timestamp(until), by: "kim" });
        fed.cost(dollars);
        fed.hear(Input::Silenced { until: Timestamp(us), by: "kim" });
        fed.now = Timestamp(until);
        fed.cost(dollars / 2);
        fed.hear(Input::Stopped { by: None });
    }
}
