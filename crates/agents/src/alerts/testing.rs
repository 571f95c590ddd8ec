//! What the tests of alerts share: a rule to begin with, and measurements.

use exhibit_model::time::Timestamp;
use serde_json::{Value, json};

use super::{Cause, Input, Instance, Measure, Rule, State, Stepped, Transition, step};
use crate::money::Nano;

/// A moment from its text.
pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A moment so many seconds later.
pub(super) fn later(from: Timestamp, seconds: i64) -> Timestamp {
    Timestamp(from.0 + seconds * 1_000_000)
}

/// The least that makes a rule, with fields of its own in place or beside: warn at 10 USD, critical at 50.
pub(super) fn body(fields: &Value) -> Value {
    let mut body = json!({
        "metric": "rolling_cost_usd", "scopeType": "global", "warnThreshold": 10, "criticalThreshold": 50,
        "window": "1h", "comparison": "gt"
    });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A rule from [`body`].
pub(super) fn rule(fields: &Value) -> Rule {
    Rule::create(&body(fields), 0, at("2026-02-18T00:00:00Z")).unwrap()
}

/// Whole dollars.
pub(super) fn usd(dollars: i64) -> Option<Measure> {
    Some(Measure::Cost(Nano(dollars * 1_000_000_000)))
}

/// An instance that is fed, and all that happened to it.
pub(super) struct Fed {
    pub(super) rule: Rule,
    pub(super) state: State,
    pub(super) transitions: Vec<Transition>,
    pub(super) now: Timestamp,
}

impl Fed {
    pub(super) fn new(rule: Rule, now: Timestamp) -> Self {
        let state = State::new(rule.rule_id.clone(), Instance::default(), now);
        Self { rule, state, transitions: Vec::new(), now }
    }

    /// Lets time go by.
    pub(super) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now = later(self.now, seconds);
        self
    }

    pub(super) fn hear(&mut self, input: Input<'_>) -> Option<Transition> {
        let Stepped { state, transition } = step(&self.rule, self.state.clone(), input, self.now);
        self.state = state;
        self.transitions.extend(transition.clone());
        transition
    }

    /// Measures so many dollars of ten samples.
    pub(super) fn cost(&mut self, dollars: i64) -> Option<Transition> {
        self.hear(Input::Evaluated { value: usd(dollars), sample: 10, cause: Cause::Ingest })
    }

    /// What happened, in a word, and whether it was told; `-` when nothing did.
    pub(super) fn told(transition: &Option<Transition>) -> String {
        transition.as_ref().map_or_else(
            || "-".to_owned(),
            |happened| format!("{}{}", happened.kind, if happened.notified { "!" } else { "" }),
        )
    }

    /// Level and lifecycle, in words.
    pub(super) fn stands(&self) -> String {
        format!("{}/{}", self.state.standing.status, self.state.standing.lifecycle)
    }

    /// How many of the transitions were told.
    pub(super) fn notices(&self) -> usize {
        self.transitions.iter().filter(|transition| transition.notified).count()
    }
}
