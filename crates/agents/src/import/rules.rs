//! Rules of alerts and how alerts stand, from an older file.

use std::collections::BTreeMap;

use exhibit_model::time::Timestamp;
use exhibit_store::{Read, Store, StoreError};
use serde_json::Value;

use super::file::{Legacy, Part, Taken};
use super::report::{CONFLICT, IDENTICAL, NEWER_PRESENT, Outcome, Tally};
use super::write::Manner;
use crate::alerts::repository::RULES_MAX;
use crate::alerts::{INSTANCES_MAX, Rule, RuleId, State};
use crate::sql::{alerts_rules, alerts_states};

/// Rows of rules that are looked at: ten times as many as there may be, because some may stand here already.
const RULE_ROWS_MAX: usize = 10 * RULES_MAX;

/// Rows of states that are looked at: as many as one rule may have instances, which is more than people ever had of all.
const STATE_ROWS_MAX: usize = INSTANCES_MAX;

/// What becomes of one row, and what is written for it.
type Decided<T> = (usize, Outcome, String, Option<T>);

/// Everything that was decided about alerts.
#[derive(Default)]
struct Decisions {
    rules: Vec<Decided<Rule>>,
    states: Vec<Decided<(State, Rule)>>,
}

/// Writes rules and states in one transaction, and notes what became of their rows.
pub(super) async fn alerts(
    store: &Store,
    legacy: &mut Legacy,
    manner: Manner,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let rules = bounded(legacy.take(Part::AlertRules), Part::AlertRules, RULE_ROWS_MAX, tally);
    let states = bounded(legacy.take(Part::AlertStates), Part::AlertStates, STATE_ROWS_MAX, tally);
    if rules.is_empty() && states.is_empty() {
        return Ok(());
    }
    let decisions = if manner.dry_run {
        store.read(move |read| decide(read, &rules, &states, manner)).await?
    } else {
        let write = move |tx: &mut exhibit_store::Tx<'_>| {
            let decisions = decide(tx, &rules, &states, manner)?;
            for rule in decisions.rules.iter().filter_map(|(_, _, _, rule)| rule.as_ref()) {
                alerts_rules::put(tx, rule)?;
            }
            for (state, rule) in decisions.states.iter().filter_map(|(_, _, _, state)| state.as_ref()) {
                alerts_states::put(tx, &[(state, rule.scope.scope_type)])?;
            }
            Ok(decisions)
        };
        store.write(write).await?
    };
    for (index, outcome, reason, _) in decisions.rules {
        tally.settle(Part::AlertRules, index, outcome, &reason);
    }
    for (index, outcome, reason, _) in decisions.states {
        tally.settle(Part::AlertStates, index, outcome, &reason);
    }
    Ok(())
}

fn bounded(mut rows: Vec<Taken>, part: Part, max: usize, tally: &mut Tally) -> Vec<Result<Value, String>> {
    for index in max..rows.len() {
        tally.refuse(part, index, &format!("more than {max} rows"));
    }
    rows.truncate(max);
    rows.into_iter().map(|row| row.map(Value::Object)).collect()
}

fn decide(
    read: &Read<'_>,
    rules: &[Result<Value, String>],
    states: &[Result<Value, String>],
    manner: Manner,
) -> Result<Decisions, StoreError> {
    let mut decisions = Decisions::default();
    let mut standing: BTreeMap<RuleId, Rule> =
        alerts_rules::live(read, RULES_MAX)?.into_iter().map(|rule| (rule.rule_id.clone(), rule)).collect();
    for (index, row) in rules.iter().enumerate() {
        decisions.rules.push(match row {
            Ok(row) => decide_rule(read, &mut standing, index, row, manner)?,
            Err(reason) => refused(index, reason),
        });
    }
    let mut seen: BTreeMap<(RuleId, String), State> = BTreeMap::new();
    for (index, row) in states.iter().enumerate() {
        decisions.states.push(match row {
            Ok(row) => decide_state(read, &standing, &mut seen, index, row, manner)?,
            Err(reason) => refused(index, reason),
        });
    }
    Ok(decisions)
}

fn refused<T>(index: usize, reason: impl Into<String>) -> Decided<T> {
    (index, Outcome::Error, reason.into(), None)
}

/// What stands is newer, or nobody knows.
fn otherwise<T>(index: usize, stands: Timestamp, comes: Timestamp) -> Decided<T> {
    if stands > comes { (index, Outcome::Skipped, NEWER_PRESENT.to_owned(), None) } else { refused(index, CONFLICT) }
}

fn decide_rule(
    read: &Read<'_>,
    standing: &mut BTreeMap<RuleId, Rule>,
    index: usize,
    row: &Value,
    manner: Manner,
) -> Result<Decided<Rule>, StoreError> {
    let rule = match Rule::import(row) {
        Ok(rule) => rule,
        Err(problem) => return Ok(refused(index, problem.to_string())),
    };
    // A silence is no part of what a file says; it stays as it is here.
    let silenced_until = standing.get(&rule.rule_id).and_then(|stands| stands.silenced_until);
    let rule = Rule { silenced_until, ..rule };
    match standing.get(&rule.rule_id) {
        Some(stands) if *stands == rule => return Ok((index, Outcome::Skipped, IDENTICAL.to_owned(), None)),
        Some(stands) if !manner.replace => return Ok(otherwise(index, stands.updated_at, rule.updated_at)),
        Some(_) => {}
        // Somebody deleted it here.
        None if !manner.replace && !alerts_rules::by_ids(read, [&rule.rule_id])?.is_empty() => {
            return Ok((index, Outcome::Skipped, NEWER_PRESENT.to_owned(), None));
        }
        None if standing.len() >= RULES_MAX => {
            return Ok(refused(index, format!("too many rules: {RULES_MAX} at most")));
        }
        None => {}
    }
    standing.insert(rule.rule_id.clone(), rule.clone());
    Ok((index, Outcome::Written, String::new(), Some(rule)))
}

fn decide_state(
    read: &Read<'_>,
    rules: &BTreeMap<RuleId, Rule>,
    seen: &mut BTreeMap<(RuleId, String), State>,
    index: usize,
    row: &Value,
    manner: Manner,
) -> Result<Decided<(State, Rule)>, StoreError> {
    let Some(rule_id) = row.get("ruleId").and_then(Value::as_str).and_then(RuleId::parse) else {
        return Ok(refused(index, "ruleId is not valid"));
    };
    let Some(rule) = rules.get(&rule_id) else { return Ok(refused(index, "there is no such rule")) };
    let state = match State::import(rule, row) {
        Ok(state) => state,
        Err(problem) => return Ok(refused(index, problem.to_string())),
    };
    let place = (rule_id, state.scope_key());
    let stands = match seen.get(&place) {
        Some(earlier) => Some(earlier.clone()),
        None => alerts_states::by_key(read, &place.0, &place.1)?,
    };
    if let Some(stands) = stands {
        if is_same(&stands, &state) {
            return Ok((index, Outcome::Skipped, IDENTICAL.to_owned(), None));
        }
        if !manner.replace {
            return Ok(otherwise(
                index,
                stands.last_transition_at.max(stands.last_evaluated_at),
                state.last_transition_at,
            ));
        }
    }
    seen.insert(place, state.clone());
    Ok((index, Outcome::Written, String::new(), Some((state, rule.clone()))))
}

/// Whether a state still stands as it came: it may have been looked at since, as long as nothing happened.
fn is_same(stands: &State, comes: &State) -> bool {
    (stands.standing, stands.episode, stands.last_transition_at)
        == (comes.standing, comes.episode, comes.last_transition_at)
}
