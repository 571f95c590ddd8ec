//! The sessions of an older file, each with its usage and its events.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entry::{self, LedgerRow, UsageIn};
use super::file::{Legacy, Part};
use super::report::{IDENTICAL, Tally, Totals};
use super::stated::Stated;
use crate::contract::{Event, Session};

/// A session of the file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// What it says.
    pub(super) session: Session,
    /// What it says of its numbers.
    pub(super) stated: Stated,
    /// The place of its row in the ledger.
    pub(super) ledger: usize,
    /// The place of its usage.
    pub(super) usage: Option<usize>,
    /// Its events with their places.
    pub(super) events: Vec<(usize, Event)>,
}

/// The reason of rows that belong to a session which was refused or is not in the file.
const NO_SESSION: &str = "its session was not taken";

struct Draft {
    row: LedgerRow,
    ledger: usize,
    usage: Option<(usize, UsageIn)>,
    events: Vec<(usize, Event)>,
    /// Places of its events in `events`, by id.
    event_ids: BTreeMap<String, usize>,
}

/// Reads the rows of sessions; what is wrong with one is noted, and the sums of the file are told.
pub(super) fn plan(legacy: &mut Legacy, tally: &mut Tally) -> (Vec<Entry>, Totals) {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut by_id: BTreeMap<String, usize> = BTreeMap::new();
    for (index, row) in legacy.take(Part::Ledger).into_iter().enumerate() {
        let row = match row.and_then(entry::ledger_row) {
            Ok(row) => row,
            Err(reason) => {
                tally.refuse(Part::Ledger, index, &reason);
                continue;
            }
        };
        let first = by_id.get(&row.session.session_id).and_then(|place| drafts.get(*place));
        match first {
            None => {
                by_id.insert(row.session.session_id.clone(), drafts.len());
                let (usage, events, event_ids) = (None, Vec::new(), BTreeMap::new());
                drafts.push(Draft { row, ledger: index, usage, events, event_ids });
            }
            Some(first) if first.row == row => tally.skip(Part::Ledger, index, IDENTICAL),
            Some(first) => {
                tally.refuse(
                    Part::Ledger,
                    index,
                    &format!("ledger[{}] says something else of its session", first.ledger),
                );
            }
        }
    }
    usages(legacy, tally, &by_id, &mut drafts);
    events(legacy, tally, &by_id, &mut drafts);
    let totals = totals(&drafts, tally);
    let entries = drafts.into_iter().map(|draft| {
        let usage = draft.usage;
        let (session, stated) = entry::together(draft.row, usage.as_ref().map(|(_, usage)| usage));
        let usage = usage.map(|(index, _)| index);
        Entry { session, stated, ledger: draft.ledger, usage, events: draft.events }
    });
    (entries.collect(), totals)
}

fn usages(legacy: &mut Legacy, tally: &mut Tally, by_id: &BTreeMap<String, usize>, drafts: &mut [Draft]) {
    for (index, row) in legacy.take(Part::Usage).into_iter().enumerate() {
        let row = match row.and_then(entry::usage_row) {
            Ok(row) => row,
            Err(reason) => {
                tally.refuse(Part::Usage, index, &reason);
                continue;
            }
        };
        let Some(draft) = by_id.get(&row.session_id).and_then(|place| drafts.get_mut(*place)) else {
            tally.refuse(Part::Usage, index, NO_SESSION);
            continue;
        };
        match &draft.usage {
            None => draft.usage = Some((index, row)),
            Some((_, first)) if *first == row => tally.skip(Part::Usage, index, IDENTICAL),
            Some((first, _)) => {
                tally.refuse(Part::Usage, index, &format!("usage[{first}] says something else of its session"));
            }
        }
    }
}

fn events(legacy: &mut Legacy, tally: &mut Tally, by_id: &BTreeMap<String, usize>, drafts: &mut [Draft]) {
    for (index, row) in legacy.take(Part::Events).into_iter().enumerate() {
        let mut row = match row {
            Ok(row) => row,
            Err(reason) => {
                tally.refuse(Part::Events, index, &reason);
                continue;
            }
        };
        let Some(Value::String(session_id)) = row.remove("sessionId").filter(|id| id.as_str() != Some("")) else {
            tally.refuse(Part::Events, index, "sessionId must be a non-empty string");
            continue;
        };
        let draft = by_id.get(&session_id).and_then(|place| drafts.get_mut(*place));
        let Some(draft) = draft else {
            // What is wrong with the event itself is said first: it would be so with any session.
            let reason = entry::event_row(row, 0, &session_id).err().unwrap_or_else(|| NO_SESSION.to_owned());
            tally.refuse(Part::Events, index, &reason);
            continue;
        };
        let event = match entry::event_row(row, draft.events.len(), &session_id) {
            Ok(event) => event,
            Err(reason) => {
                tally.refuse(Part::Events, index, &reason);
                continue;
            }
        };
        match draft.event_ids.get(&event.event_id).and_then(|place| draft.events.get(*place)) {
            None => {
                draft.event_ids.insert(event.event_id.clone(), draft.events.len());
                draft.events.push((index, event));
            }
            Some((_, first)) if *first == event => tally.skip(Part::Events, index, IDENTICAL),
            Some((first, _)) => {
                tally.refuse(Part::Events, index, &format!("events[{first}] says something else under its id"));
            }
        }
    }
}

/// The sums of the file, taken from its rows and not from what is made of them. A session that was refused is a run all the same.
fn totals(drafts: &[Draft], tally: &Tally) -> Totals {
    let mut totals = Totals::default();
    let add = |sum: &mut i64, value: Option<i64>| *sum = sum.saturating_add(value.unwrap_or(0));
    for draft in drafts {
        let usage = draft.usage.as_ref().map(|(_, usage)| usage);
        let tokens = usage.map(|usage| usage.tokens).unwrap_or_default();
        let both = tokens.prompt.zip(tokens.completion).map(|(prompt, completion)| prompt.saturating_add(completion));
        add(&mut totals.prompt_tokens, tokens.prompt);
        add(&mut totals.completion_tokens, tokens.completion);
        add(&mut totals.total_tokens, tokens.total.or(both));
        let of_usage = usage.and_then(|usage| usage.runtime_ms);
        let of_ledger = draft.row.session.runtime_ms.or_else(|| {
            // The older version told no runtime of what it did not see running, only its ends.
            let row = &draft.row.session;
            let micros = row.ended_at.filter(|_| row.state.is_terminal())?.0.saturating_sub(row.started_at.0);
            Some(micros.max(0) / 1_000)
        });
        add(&mut totals.runtime_ms, of_usage.or(of_ledger));
        add(&mut totals.cost_nano, usage.and_then(|usage| usage.cost).map(|cost| cost.0));
    }
    let runs = drafts.len().saturating_add(tally.refused(Part::Ledger));
    totals.runs = i64::try_from(runs).unwrap_or(i64::MAX);
    totals
}
