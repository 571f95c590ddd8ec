//! The state machine of alerts: a state, what is heard, and the moment give the next state and what happened.
//!
//! The rows stand in the order of the table that people read (`docs/governance.md` names the figures behind the values). A state that is
//! fed the same inputs at the same moments comes out the same, whenever that is done.

use exhibit_model::time::Timestamp;

use super::measure::{Measure, level_of};
use super::rule::Rule;
use super::state::{Standing, State, Transition};
use super::words::{Cause, Level, Lifecycle, TransitionKind};

/// What is heard of an instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// It was measured; time alone is heard by measuring again.
    Evaluated {
        /// The value; `None` when there is nothing to measure.
        value: Option<Measure>,
        /// What the value was counted from.
        sample: i64,
        /// Why it was measured.
        cause: Cause,
    },
    /// Somebody knows of it.
    Acked {
        /// Who.
        by: &'a str,
    },
    /// Somebody wants to hear nothing until a moment. One that is not after now ends a silence.
    Silenced {
        /// Until when.
        until: Timestamp,
        /// Who.
        by: &'a str,
    },
    /// The rule was disabled or deleted, or does not cover the instance any more.
    Stopped {
        /// Who did that, when it was a person.
        by: Option<&'a str>,
    },
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Stepped {
    /// The state as it is now.
    pub state: State,
    /// What happened, when something did; one input never makes two things happen.
    pub transition: Option<Transition>,
}

/// One row of the table: what happens, how it stands then, and whether it is told.
struct Row {
    kind: TransitionKind,
    to: Standing,
    notified: bool,
}

/// Who and what for.
struct Origin<'a> {
    cause: Cause,
    actor: Option<&'a str>,
}

/// The next state, and what happened.
///
/// A disabled rule hears measurements as [`Input::Stopped`].
pub fn step(rule: &Rule, mut state: State, input: Input<'_>, now: Timestamp) -> Stepped {
    let by_hand = |actor| Origin { cause: Cause::Human, actor };
    let (row, origin) = match input {
        Input::Evaluated { cause, .. } if !rule.enabled => (stopped(&state), Origin { cause, actor: None }),
        Input::Evaluated { value, sample, cause } => {
            state.last_evaluated_at = now;
            let Some(level) = level_of(rule, state.standing.status, value, sample) else {
                return Stepped { state, transition: None };
            };
            state.last_value = value;
            state.last_sample = sample;
            let row = evaluated(&state, level, now);
            if !state.is_silenced(now) {
                // The end of a silence is heard once: by this measurement.
                state.silenced_until = None;
            }
            (row, Origin { cause, actor: None })
        }
        Input::Acked { by } => {
            let row = acked(&state);
            if row.is_some() {
                state.acked_at = Some(now);
                state.acked_by = Some(by.to_owned());
            }
            (row, by_hand(Some(by)))
        }
        Input::Silenced { until, by } => {
            let row = silenced(&state, until, now);
            silence(&mut state, until, now);
            (row, by_hand(Some(by)))
        }
        Input::Stopped { by } => (stopped(&state), by_hand(by)),
    };
    let transition = row.map(|row| apply(rule, &mut state, &row, origin, now));
    Stepped { state, transition }
}

/// The rows of a measurement, in the order of the table.
fn evaluated(state: &State, level: Level, now: Timestamp) -> Option<Row> {
    use Level::{Critical, Ok, Warning};
    use TransitionKind::{Deescalate, Escalate, Open, Renotify, Resolve, Suppress};

    let (is_silenced, is_cooling) = (state.is_silenced(now), state.is_cooling(now));
    let silence_is_over = state.silenced_until.is_some() && !is_silenced;
    // The time for a repetition has come: the cooldown is over, or a silence is; and neither a silence nor an acknowledgement forbids it.
    let is_due = !is_silenced && state.acked_at.is_none() && (!is_cooling || silence_is_over);
    // What is told makes an alert active; what a silence keeps back leaves it suppressed.
    let told = |kind| Row {
        kind,
        to: Standing { status: level, lifecycle: if is_silenced { Lifecycle::Suppressed } else { Lifecycle::Active } },
        notified: !is_silenced,
    };
    let quiet = |kind| Row { kind, to: Standing { status: level, lifecycle: Lifecycle::Suppressed }, notified: false };

    match (state.standing.status, level) {
        (Ok, Ok) => None,
        (Ok, Warning | Critical) => Some(told(Open)),
        (Warning, Critical) => Some(told(Escalate)),
        (Critical, Warning) if !is_due => Some(quiet(Deescalate)),
        (Warning, Warning) | (Critical, Critical) if is_cooling && !is_due => (!state.deduped).then(|| quiet(Suppress)),
        (Warning, Warning) | (Critical, Critical | Warning) if is_due => Some(told(Renotify)),
        // Acknowledged or silenced, and the cooldown is over: nothing new, nothing to say.
        (Warning, Warning) | (Critical, Critical | Warning) => None,
        (Warning | Critical, Ok) => Some(Row {
            kind: Resolve,
            to: Standing { status: Ok, lifecycle: Lifecycle::Resolved },
            // Whoever was told that it began is told that it is over, through a silence too; whoever was not is spared.
            notified: state.last_notified_at.is_some(),
        }),
    }
}

/// The row of an acknowledgement: of what fires, once.
fn acked(state: &State) -> Option<Row> {
    let is_news = state.standing.status.is_firing() && state.acked_at.is_none();
    is_news.then_some(Row {
        kind: TransitionKind::Ack,
        to: Standing { lifecycle: Lifecycle::Suppressed, ..state.standing },
        notified: false,
    })
}

/// The row of a silence: of what fires, until a moment that is to come and is not the one that stands.
fn silenced(state: &State, until: Timestamp, now: Timestamp) -> Option<Row> {
    let is_news = state.standing.status.is_firing() && now < until && state.silenced_until != Some(until);
    is_news.then_some(Row {
        kind: TransitionKind::Silence,
        to: Standing { lifecycle: Lifecycle::Suppressed, ..state.standing },
        notified: false,
    })
}

/// Notes the end of a silence. One that is ended ends now, so that the next measurement hears of it.
fn silence(state: &mut State, until: Timestamp, now: Timestamp) {
    if now < until {
        state.silenced_until = Some(until);
    } else if state.is_silenced(now) {
        state.silenced_until = Some(now);
    }
}

/// The row of a rule that went away.
fn stopped(state: &State) -> Option<Row> {
    state.standing.status.is_firing().then_some(Row {
        kind: TransitionKind::Close,
        to: Standing { status: Level::Ok, lifecycle: Lifecycle::Resolved },
        notified: false,
    })
}

/// Makes a row happen.
fn apply(rule: &Rule, state: &mut State, row: &Row, origin: Origin<'_>, now: Timestamp) -> Transition {
    let from = state.standing;
    match row.kind {
        TransitionKind::Open => {
            state.episode = state.episode.saturating_add(1);
            state.ordinal = 0;
            state.opened_at = Some(now);
            state.resolved_at = None;
            state.last_notified_at = None;
            forget_ack(state);
        }
        TransitionKind::Escalate => forget_ack(state),
        TransitionKind::Suppress => state.deduped = true,
        TransitionKind::Resolve => state.resolved_at = Some(now),
        TransitionKind::Close => state.resolved_at = None,
        TransitionKind::Deescalate | TransitionKind::Renotify | TransitionKind::Ack | TransitionKind::Silence => {}
    }
    if row.notified {
        state.last_notified_at = Some(now);
        state.suppressed_until = Some(Timestamp(now.0.saturating_add(rule.cooldown_sec.saturating_mul(1_000_000))));
        state.deduped = false;
    }
    if !row.to.status.is_firing() {
        state.suppressed_until = None;
        state.deduped = false;
    }
    state.standing = row.to;
    state.ordinal = state.ordinal.saturating_add(1);
    state.last_transition_at = now;
    state.active_fp = state.fingerprint();
    Transition {
        episode: state.episode,
        ordinal: state.ordinal,
        kind: row.kind,
        from,
        to: row.to,
        value: state.last_value,
        sample: state.last_sample,
        threshold: threshold_of(rule, if row.to.status.is_firing() { row.to.status } else { from.status }),
        at: now,
        notified: row.notified,
        cause: origin.cause,
        actor: origin.actor.map(str::to_owned),
    }
}

fn forget_ack(state: &mut State) {
    state.acked_at = None;
    state.acked_by = None;
}

fn threshold_of(rule: &Rule, level: Level) -> Option<f64> {
    match level {
        Level::Ok => None,
        Level::Warning => Some(rule.warn_threshold),
        Level::Critical => Some(rule.critical_threshold),
    }
}
