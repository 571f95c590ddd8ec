//! Alerts in the words of the product: a meter that can be turned, rules, evaluations, and what became of them.

use exhibit_agents::alerts::deliver::Deliverer;
use exhibit_agents::alerts::evaluate::{Evaluation, evaluate};
use exhibit_agents::alerts::repository::{self, AlertError};
use exhibit_agents::alerts::{Cause, Channel, Rule, RuleId, State};
use exhibit_agents::sql::alerts_outbox::Delivery;
use exhibit_agents::sql::alerts_transitions::Happened;
use exhibit_model::time::{Clock as _, Timestamp};
use exhibit_store::{StoreError, Tx};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::world::{NOW, World, block_on, session, with};

/// A second, in microseconds.
pub const SECOND: i64 = 1_000_000;

/// The secret of every channel here.
pub const SECRET: &str = "a secret of a channel";

/// Everything that is kept of alerts, for comparisons.
pub type Dump = (Vec<Rule>, Vec<State>, Vec<Happened>, Vec<Delivery>);

impl World {
    /// The time of the clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time go by.
    pub fn wait(&self, seconds: i64) {
        self.clock.advance_micros(seconds * SECOND);
    }

    /// Writes, and expects that it works.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        block_on(self.store.write(work)).expect("a transaction")
    }

    /// Turns the meter of an agent: what it spent altogether, a minute before the first moment of the test.
    pub fn meter(&self, agent: &str, dollars: i64) {
        self.meter_since(NOW, agent, dollars);
    }

    /// The same for a test that begins at another moment, in microseconds.
    pub fn meter_since(&self, began_us: i64, agent: &str, dollars: i64) {
        let started_at = Timestamp(began_us - 60 * SECOND).to_string();
        let envelope =
            with(with(session(&format!("meter of {agent}"), "running"), "agentId", agent), "startedAt", started_at);
        // With the same words it would be the same document, which is never taken twice.
        let envelope = with(envelope, "title", self.now().to_string());
        self.takes(&with(envelope, "billedCostUsd", dollars));
    }

    /// Makes a rule; what it does not say is: more than 10 USD of everybody within a day warn, more than 50 are critical.
    pub fn rule(&self, fields: &Value) -> Rule {
        self.try_rule(fields).expect("a rule")
    }

    /// Makes a rule, or hears why not.
    pub fn try_rule(&self, fields: &Value) -> Result<Rule, AlertError> {
        let (body, now) = (rule_body(fields), self.now());
        self.write(move |tx| repository::create_rule(tx, &body, now))
    }

    /// Changes a rule.
    pub fn patch(&self, rule: &Rule, fields: Value) -> Result<Rule, AlertError> {
        let (rule_id, now) = (rule.rule_id.clone(), self.now());
        self.write(move |tx| repository::patch_rule(tx, &rule_id, &fields, "token:1", now))
    }

    /// Makes a channel.
    pub fn channel(&self, id: &str, url: &str) -> Channel {
        let (body, now) = (json!({"id": id, "url": url, "secret": SECRET}), self.now());
        self.write(move |tx| repository::create_channel(tx, &body, false, now)).expect("a channel")
    }

    /// Evaluates now, as after a commit.
    pub fn evaluates(&self) -> Evaluation {
        let now = self.now();
        self.write(move |tx| evaluate(tx, now, Cause::Ingest))
    }

    /// Evaluates now, and says what happened, in words: the instance where there are several, what, and `!` when it is told.
    pub fn happens(&self) -> String {
        let told = self.evaluates().transitions.into_iter().map(|happened| said(&happened)).collect::<Vec<_>>();
        if told.is_empty() { "-".to_owned() } else { told.join(" ") }
    }

    /// The states of a rule.
    pub fn states(&self, rule: &Rule) -> Vec<State> {
        let rule_id = rule.rule_id.clone();
        self.read(move |read| repository::states(read, &rule_id))
    }

    /// The only state of a rule.
    pub fn state(&self, rule: &Rule) -> State {
        let mut states = self.states(rule);
        assert_eq!(states.len(), 1, "{states:?}");
        states.pop().expect("a state")
    }

    /// How the only state of a rule stands, in words.
    pub fn stands(&self, rule: &Rule) -> String {
        let standing = self.state(rule).standing;
        format!("{}/{}", standing.status, standing.lifecycle)
    }

    /// All that ever happened, from the first on.
    pub fn history(&self) -> Vec<Happened> {
        let mut rows = self.read(|read| repository::transitions(read, None, None, 1_000)).rows;
        rows.reverse();
        rows
    }

    /// The outbox, from the oldest on.
    pub fn outbox(&self) -> Vec<Delivery> {
        let mut rows = self.read(|read| repository::deliveries(read, None, None, 1_000)).rows;
        rows.reverse();
        rows
    }

    /// Everything that is kept of alerts.
    pub fn dump(&self) -> Dump {
        let rules = self.read(repository::rules);
        let states = rules.iter().flat_map(|rule| self.states(rule)).collect();
        (rules, states, self.history(), self.outbox())
    }

    /// The feed, as the API writes it.
    pub fn feed(&self) -> Vec<Value> {
        let now = self.now();
        let rows = self.read(move |read| repository::active(read, now));
        rows.iter().map(|row| serde_json::to_value(row).expect("JSON")).collect()
    }

    /// A deliverer with the clock of the test.
    pub fn deliverer(&self) -> Deliverer {
        Deliverer::new(self.store.clone(), Arc::clone(&self.clock) as Arc<_>)
    }
}

/// What happened, in words.
pub fn said(happened: &Happened) -> String {
    let Happened { scope_key, transition, .. } = happened;
    let of = if scope_key == "global" { String::new() } else { format!("{scope_key}:") };
    format!("{of}{}{}", transition.kind, if transition.notified { "!" } else { "" })
}

/// The body of a request for a rule.
pub fn rule_body(fields: &Value) -> Value {
    let mut body = json!({
        "metric": "rolling_cost_usd", "scopeType": "global", "warnThreshold": 10, "criticalThreshold": 50,
        "window": "24h", "comparison": "gt"
    });
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

/// An id that nothing has.
pub fn nobody() -> RuleId {
    RuleId::parse("nobody").expect("an id")
}
