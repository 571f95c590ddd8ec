//! Evaluation: all rules are measured, their states step on, and what happened is written and put into the outbox, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_model::time::Timestamp;
use exhibit_store::{Read, StoreError, Tx};

use super::channel::Channel;
use super::delivery::Payload;
use super::feed::FEED_HOURS;
use super::gauge::{Gauge, Reading};
use super::ids::RuleId;
use super::machine::{Input, Stepped, step};
use super::repository::{CHANNELS_MAX, RULES_MAX};
use super::rule::Rule;
use super::scope::{INSTANCES_MAX, Instance, instances};
use super::state::{State, Transition};
use super::window::span_of;
use super::words::{Cause, NoData};
use crate::sql::alerts_outbox::{self as outbox, Delivery, DeliveryState};
use crate::sql::alerts_rules as rules_sql;
use crate::sql::alerts_states as states_sql;
use crate::sql::alerts_transitions::{self as transitions_sql, Happened};

/// Transitions that a report lists: more than a person reads. All are counted.
pub const REPORTED_MAX: usize = 1_000;

/// States of one rule that are read: those that can be looked at, and as many that a change of its scope left behind.
const STATES_MAX: usize = 2 * INSTANCES_MAX;

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The moment that was looked at.
    pub at: Timestamp,
    /// Rules that were looked at.
    pub rules: usize,
    /// Instances that were looked at.
    pub instances: usize,
    /// How much happened.
    pub happened: usize,
    /// What happened, [`REPORTED_MAX`] at most, in the order of rules and instances.
    pub transitions: Vec<Happened>,
    /// Deliveries that are to be sent.
    pub deliveries: usize,
    /// Rules with more instances than are looked at; they should name somebody.
    pub cut: Vec<RuleId>,
    /// Instances that were left alone because something happened to them after the moment that was asked for.
    pub later: usize,
}

/// An instance as a rule would find it.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// How it stands after the look.
    pub state: State,
    /// What was measured; `None` when there is nothing to measure.
    pub reading: Option<Reading>,
    /// What happened.
    pub transition: Option<Transition>,
}

/// A look at all instances of one rule.
struct Look {
    looked: Vec<Looked>,
    /// Instances of which nothing has to be kept.
    forgotten: Vec<String>,
    is_cut: bool,
    later: usize,
}

/// Evaluates all rules at a moment, and writes what follows. The moment is the caller's: an evaluation says the same whenever it is done.
///
/// A rule that is disabled, and an instance that its rule does not cover any more, are closed. With [`Cause::Manual`], an instance to which
/// something happened after the moment is left alone: whoever asks about the past does not change it. Other causes bring the time of the
/// clock, and a clock that was set back is believed.
///
/// # Errors
/// When the database cannot be read or written, or when the moment is beyond the calendar.
pub fn evaluate(tx: &mut Tx<'_>, now: Timestamp, cause: Cause) -> Result<Evaluation, StoreError> {
    let rules = rules_sql::live(tx, RULES_MAX)?;
    let channels = rules_sql::channels(tx, CHANNELS_MAX)?;
    let mut evaluation = Evaluation::new(now);
    // What is written here is nothing that is measured, so one gauge serves all rules.
    let mut gauge = Gauge::for_rules(&rules, now);
    for rule in &rules {
        let look = look(tx, &mut gauge, rule, now, cause)?;
        let written = write(tx, rule, &look, &channels, now)?;
        evaluation.add(rule, look, written);
    }
    Ok(evaluation)
}

/// What an evaluation would come to, without writing anything. Nothing is to be sent, so no deliveries are counted.
///
/// # Errors
/// When the database cannot be read, or when the moment is beyond the calendar.
pub fn dry_run(read: &Read<'_>, now: Timestamp, cause: Cause) -> Result<Evaluation, StoreError> {
    let mut evaluation = Evaluation::new(now);
    let rules = rules_sql::live(read, RULES_MAX)?;
    let mut gauge = Gauge::for_rules(&rules, now);
    for rule in &rules {
        let look = look(read, &mut gauge, rule, now, cause)?;
        evaluation.add(rule, look, 0);
    }
    Ok(evaluation)
}

/// What a rule would find that perhaps nobody has saved: its instances with their values, as if nothing had been known of them.
///
/// # Errors
/// When the database cannot be read, or when the moment is beyond the calendar.
pub fn preview(read: &Read<'_>, rule: &Rule, now: Timestamp) -> Result<Vec<Looked>, StoreError> {
    let readings = readings_of(read, &mut Gauge::for_rules(std::slice::from_ref(rule), now), rule, now)?;
    let nobody = BTreeSet::new();
    let opened = instances(&rule.scope, &nobody, seen_of(&readings));
    let looked = |instance: Instance| {
        let reading = readings.get(&instance).copied();
        let state = State::new(rule.rule_id.clone(), instance, now);
        let Stepped { state, transition } = step(rule, state, evaluated(reading, Cause::Manual), now);
        Looked { state, reading, transition }
    };
    Ok(opened.instances.into_iter().map(looked).collect())
}

/// Closes every instance of a rule that fires, because of a person: those that `is_over` says. Says how many there were.
pub(super) fn close(
    tx: &mut Tx<'_>,
    rule: &Rule,
    by: &str,
    now: Timestamp,
    is_over: impl Fn(&State) -> bool,
) -> Result<usize, StoreError> {
    let mut looked = Vec::new();
    for state in states_sql::of_rule(tx, &rule.rule_id, STATES_MAX)? {
        if state.standing.status.is_firing() && is_over(&state) {
            let Stepped { state, transition } = step(rule, state, Input::Stopped { by: Some(by) }, now);
            looked.push(Looked { state, reading: None, transition });
        }
    }
    keep(tx, rule, &looked, &[], now)?;
    Ok(looked.len())
}

/// Writes states with what happened to them, and puts what is to be told into the outbox. Says how many deliveries that are.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    rule: &Rule,
    looked: &[Looked],
    channels: &[Channel],
    now: Timestamp,
) -> Result<usize, StoreError> {
    let states: Vec<_> = looked.iter().map(|looked| (&looked.state, rule.scope.scope_type)).collect();
    states_sql::put(tx, &states)?;
    let happened: Vec<Happened> = looked.iter().filter_map(|looked| looked.happened(rule)).collect();
    transitions_sql::append(tx, &happened.iter().collect::<Vec<_>>())?;
    let deliveries: Vec<Delivery> =
        looked.iter().flat_map(|looked| deliveries_of(rule, looked, channels, now)).collect();
    outbox::insert(tx, &deliveries)?;
    Ok(deliveries.len())
}

impl Evaluation {
    fn new(at: Timestamp) -> Self {
        let (transitions, cut) = (Vec::new(), Vec::new());
        Self { at, rules: 0, instances: 0, happened: 0, transitions, deliveries: 0, cut, later: 0 }
    }

    fn add(&mut self, rule: &Rule, look: Look, deliveries: usize) {
        self.rules += 1;
        self.instances += look.looked.len();
        self.deliveries += deliveries;
        self.later += look.later;
        for happened in look.looked.iter().filter_map(|looked| looked.happened(rule)) {
            self.happened += 1;
            if self.transitions.len() < REPORTED_MAX {
                self.transitions.push(happened);
            }
        }
        if look.is_cut {
            self.cut.push(rule.rule_id.clone());
        }
    }
}

impl Looked {
    fn happened(&self, rule: &Rule) -> Option<Happened> {
        let transition = self.transition.clone()?;
        Some(Happened { rule_id: rule.rule_id.clone(), scope_key: self.state.scope_key(), transition })
    }
}

/// Steps every instance of a rule.
fn look(read: &Read<'_>, gauge: &mut Gauge, rule: &Rule, now: Timestamp, cause: Cause) -> Result<Look, StoreError> {
    let mut look = Look { looked: Vec::new(), forgotten: Vec::new(), is_cut: false, later: 0 };
    let is_later = |state: &State| cause == Cause::Manual && state.last_transition_at > now;
    let mut standing: BTreeMap<Instance, State> = BTreeMap::new();
    for state in states_sql::of_rule(read, &rule.rule_id, STATES_MAX)? {
        if rule.enabled && rule.scope.covers(&state.instance) {
            standing.insert(state.instance.clone(), state);
        } else if is_later(&state) {
            look.later += 1;
        } else if state.standing.status.is_firing() {
            // A disabled rule hears every measurement as its end, with the cause of the evaluation.
            let input = if rule.enabled { Input::Stopped { by: None } } else { evaluated(None, cause) };
            let Stepped { state, transition } = step(rule, state, input, now);
            look.looked.push(Looked { state, reading: None, transition });
        } else if rule.enabled && is_long_over(&state, now) {
            look.forgotten.push(state.scope_key());
        }
    }
    if !rule.enabled {
        return Ok(look);
    }
    let readings = readings_of(read, gauge, rule, now)?;
    let opened = instances(&rule.scope, standing.keys(), seen_of(&readings));
    look.is_cut = opened.is_cut;
    let mut episodes = episodes_of(read, rule, opened.instances.iter().filter(|known| !standing.contains_key(known)))?;
    for instance in opened.instances {
        let (key, reading) = (instance.key(), readings.get(&instance).copied());
        let state = standing.remove(&instance).unwrap_or_else(|| State {
            episode: episodes.remove(&key).unwrap_or(0),
            silenced_until: rule.silence_of_new(now),
            ..State::new(rule.rule_id.clone(), instance, now)
        });
        if is_later(&state) {
            look.later += 1;
            continue;
        }
        let Stepped { state, transition } = step(rule, state, evaluated(reading, cause), now);
        let is_idle = transition.is_none() && reading.is_none() && is_long_over(&state, now);
        if is_idle && rule.no_data != NoData::Alert && rule.scope.closed().is_none() {
            look.forgotten.push(key);
        } else {
            look.looked.push(Looked { state, reading, transition });
        }
    }
    Ok(look)
}

/// Whether a state says nothing that anybody could want to know: it does not fire, no silence stands, and whatever it once was has left the
/// feed. Its episodes go on being counted where they were: the transitions are kept.
fn is_long_over(state: &State, now: Timestamp) -> bool {
    let since = now.0.saturating_sub(FEED_HOURS * 3_600 * 1_000_000);
    let is_in_feed = state.episode > 0 && state.last_transition_at.0 > since;
    !state.standing.status.is_firing() && !state.is_silenced(now) && !is_in_feed
}

/// The last episodes of instances that have no state: of those that were forgotten.
fn episodes_of<'a>(
    read: &Read<'_>,
    rule: &Rule,
    new: impl Iterator<Item = &'a Instance>,
) -> Result<BTreeMap<String, i64>, StoreError> {
    let keys: Vec<String> = new.map(Instance::key).collect();
    transitions_sql::episodes(read, &rule.rule_id, &keys)
}

fn readings_of(
    read: &Read<'_>,
    gauge: &mut Gauge,
    rule: &Rule,
    now: Timestamp,
) -> Result<BTreeMap<Instance, Reading>, StoreError> {
    let span = span_of(rule.metric, rule.window, &rule.zone, now);
    let span =
        span.map_err(|error| StoreError::Refused(format!("rule {} cannot be evaluated: {error}", rule.rule_id)))?;
    gauge.readings(read, rule, span)
}

/// Agents and models of instances. What a rule does not tell apart is empty here, and nobody looks at it.
fn seen_of(readings: &BTreeMap<Instance, Reading>) -> impl Iterator<Item = (&str, &str)> {
    readings.keys().map(|instance| {
        (instance.agent_id.as_deref().unwrap_or_default(), instance.model_id.as_deref().unwrap_or_default())
    })
}

fn evaluated(reading: Option<Reading>, cause: Cause) -> Input<'static> {
    let sample = reading.map_or(0, |reading| reading.sample);
    Input::Evaluated { value: reading.map(|reading| reading.value), sample, cause }
}

/// Writes a look. Says how many deliveries are to be sent.
fn write(tx: &mut Tx<'_>, rule: &Rule, look: &Look, channels: &[Channel], now: Timestamp) -> Result<usize, StoreError> {
    let forgotten: Vec<_> = look.forgotten.iter().map(|key| (&rule.rule_id, key.clone())).collect();
    states_sql::remove(tx, &forgotten)?;
    keep(tx, rule, &look.looked, channels, now)
}

/// What is to be told of a look, to each channel that the rule speaks to.
fn deliveries_of(rule: &Rule, looked: &Looked, channels: &[Channel], now: Timestamp) -> Vec<Delivery> {
    let Some(transition) = looked.transition.as_ref().filter(|transition| transition.notified) else {
        return Vec::new();
    };
    let told = channels.iter().filter(|channel| channel.enabled && rule.tells(&channel.id));
    let delivery = |channel: &Channel| {
        let payload = Payload::new(rule, &looked.state, transition, &channel.id);
        Delivery {
            delivery_id: payload.delivery_id.clone(),
            transition_id: payload.transition_id.clone(),
            rule_id: rule.rule_id.clone(),
            channel_id: channel.id.clone(),
            payload: payload.to_bytes(),
            state: DeliveryState::Pending,
            attempts: 0,
            next_at: Some(now),
            created_at: now,
            settled_at: None,
            last_error: None,
        }
    };
    told.map(delivery).collect()
}
