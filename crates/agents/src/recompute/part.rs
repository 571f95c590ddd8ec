//! A part of a recompute: what it is about, as a record, and what it does to the rows.

use std::collections::BTreeSet;

use exhibit_model::canonical::to_canonical;
use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use exhibit_store::{Draft, Read, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::{Filter, Step};
use crate::aggregates::Contributions;
use crate::prices::{Cost, PricedCall, PricingVersion, Snapshot, reprice};
use crate::record::RECOMPUTE;
use crate::rows::Rows;
use crate::sql::calls::CallRow;
use crate::sql::cost_rows::{self, CostRow, Reason, Subject};
use crate::sql::dims::{self, DimKind, Dims};
use crate::sql::recompute::{Place, between};
use crate::sql::{aggregates, prices, sessions};
use crate::usage::of_session_counts;

/// Subjects that one record may come to be about: those that were there when it was made, and what came between in the same instant. More than
/// that are left as they came in, which was after they were asked for.
const APPLIED_SUBJECTS_MAX: i64 = 16_000;

/// A part.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(super) recompute_id: String,
    pub(super) version: PricingVersion,
    pub(super) subject: Subject,
    pub(super) filter: Filter,
    pub(super) after: Option<Place>,
    pub(super) until: Place,
}

/// The body of a record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    recompute_id: String,
    pricing_version: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<PlaceForm>,
    until: PlaceForm,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceForm {
    at: Timestamp,
    id: String,
}

fn form_of(place: &Place) -> PlaceForm {
    PlaceForm { at: Timestamp(place.at), id: place.id.clone() }
}

fn place_of(form: PlaceForm) -> Place {
    Place { at: form.at.0, id: form.id }
}

impl Part {
    /// The record of it, asked for `again` times before. Its id is made of its content: the same is recorded once.
    pub(super) fn draft(&self, again: u32) -> Result<Draft, StoreError> {
        let wrong = |reason: String| StoreError::Unexpected(format!("a recompute cannot be written: {reason}"));
        let form = Form {
            recompute_id: self.recompute_id.clone(),
            pricing_version: self.version.as_str().to_owned(),
            subject: self.subject.as_str().to_owned(),
            model: self.filter.model.clone(),
            from: self.filter.from,
            to: self.filter.to,
            again: (again > 0).then_some(again),
            after: self.after.as_ref().map(form_of),
            until: form_of(&self.until),
        };
        let body = serde_json::to_value(form).map_err(|error| wrong(error.to_string()))?;
        let bytes = to_canonical(&body).map_err(|findings| wrong(findings.to_string()))?;
        let id = format!("agents/recompute/{}", &Digest::of(&bytes).to_hex()[..32]);
        Ok(Draft::record(RECOMPUTE, id, body))
    }

    /// Reads the body of a record.
    pub(crate) fn read(body: &[u8]) -> Result<Self, StoreError> {
        let damaged = |reason: String| StoreError::Unexpected(format!("a recorded recompute cannot be read: {reason}"));
        let form: Form = serde_json::from_slice(body).map_err(|error| damaged(error.to_string()))?;
        let subject = Subject::EVERY.into_iter().find(|known| known.as_str() == form.subject);
        Ok(Self {
            recompute_id: form.recompute_id,
            version: PricingVersion::parse(&form.pricing_version).ok_or_else(|| damaged("no prices".to_owned()))?,
            subject: subject.ok_or_else(|| damaged(form.subject))?,
            filter: Filter { from: form.from, to: form.to, model: form.model },
            after: form.after.map(place_of),
            until: place_of(form.until),
        })
    }

    /// The first so many subjects of it, as a part, and what they come to; none when there are none.
    pub(super) fn first(&self, read: &Read<'_>, limit: i64) -> Result<Option<(Self, Step)>, StoreError> {
        let Some(reckoned) = self.reckon(read, limit)? else { return Ok(None) };
        Ok(Some((Self { until: reckoned.last, ..self.clone() }, reckoned.step)))
    }

    /// What its subjects cost under its list; none when nothing is in it.
    fn reckon(&self, read: &Read<'_>, limit: i64) -> Result<Option<Reckoned>, StoreError> {
        let book = prices::book(read)?;
        let Some(snapshot) = book.get(&self.version) else { return Ok(None) };
        let model_key = match &self.filter.model {
            None => None,
            Some(model) => match dims::find(read, DimKind::Model, model)? {
                None => return Ok(None),
                found => found,
            },
        };
        let begin = Place { at: self.filter.from.map_or(i64::MIN, |from| from.0), id: String::new() };
        let after = self.after.as_ref().unwrap_or(&begin);
        let found = between(read, self.subject, model_key, (after, &self.until), limit)?;
        let Some(last) = found.last().map(|found| found.place.clone()) else { return Ok(None) };
        let keys: BTreeSet<i64> = found.iter().map(|found| found.session_key).collect();
        let keys: Vec<i64> = keys.into_iter().collect();
        let rows = Rows::load(read, sessions::by_keys(read, &keys)?, &Dims::default())?;
        let mut reckoned = Reckoned { rows, last, step: Step::default(), changes: Vec::new() };
        for found in &found {
            match self.subject {
                Subject::Call => reckoned.call(snapshot, &found.place.id)?,
                Subject::Session => reckoned.session(snapshot, found.session_key)?,
            }
        }
        Ok(Some(reckoned))
    }
}

/// What the subjects of a part cost under its list.
struct Reckoned {
    rows: Rows,
    last: Place,
    step: Step,
    changes: Vec<Change>,
}

/// A subject that costs something else.
struct Change {
    subject_key: i64,
    session_key: i64,
    /// The call as it becomes; none of a session.
    call: Option<CallRow>,
    old: Cost,
    new: Cost,
}

impl Reckoned {
    fn call(&mut self, snapshot: &Snapshot, dedupe_key: &str) -> Result<(), StoreError> {
        let Some(call) = self.rows.call(dedupe_key) else { return Ok(()) };
        let new = reckoned_anew(snapshot, &self.rows.priced(call)?, &call.cost);
        let changed = CallRow { cost: new.clone(), ..call.clone() };
        let (subject_key, session_key, old) = (call.call_key, call.session_key, call.cost.clone());
        self.note(Change { subject_key, session_key, call: Some(changed), old, new });
        Ok(())
    }

    fn session(&mut self, snapshot: &Snapshot, session_key: i64) -> Result<(), StoreError> {
        let both = self.rows.session_at(session_key).zip(self.rows.usage(session_key));
        let Some((session, usage)) = both else { return Ok(()) };
        let sent = usage.sent;
        let used = of_session_counts(sent.prompt, sent.completion, sent.total);
        let new = reckoned_anew(snapshot, &self.rows.priced_whole(session, None, &used)?, &usage.cost);
        let old = usage.cost.clone();
        self.note(Change { subject_key: session_key, session_key, call: None, old, new });
        Ok(())
    }

    fn note(&mut self, change: Change) {
        let nano = |cost: &Cost| cost.amount().map_or(0, |amount| i128::from(amount.0));
        self.step.subjects += 1;
        self.step.old += nano(&change.old);
        self.step.new += nano(&change.new);
        if change.old != change.new {
            self.step.changed += 1;
            self.changes.push(change);
        }
    }
}

/// What something costs under a list. Where the list knows no price, what it cost before stays: a list that names a few models is no reason to
/// forget what all others cost.
fn reckoned_anew(snapshot: &Snapshot, call: &PricedCall<'_>, old: &Cost) -> Cost {
    let new = reprice(snapshot, call);
    if new.pricing_version() == Some(snapshot.pricing_version()) { new } else { old.clone() }
}

/// Does what a recorded part asks for.
pub(crate) fn apply(tx: &mut Tx<'_>, part: &Part, at: Timestamp) -> Result<(), StoreError> {
    let Some(Reckoned { mut rows, changes, .. }) = part.reckon(tx, APPLIED_SUBJECTS_MAX)? else { return Ok(()) };
    let revisions = revisions(tx, &rows, part.subject, &changes, at)?;
    let mut moved = Contributions::default();
    rows.contribute(&mut moved, -1);
    for change in changes {
        match change.call {
            Some(call) => rows.put_call(call, at),
            None => rows.put_whole(change.session_key, change.new, at),
        }
    }
    rows.settle()?;
    rows.contribute(&mut moved, 1);
    rows.write(tx)?;
    cost_rows::append(tx, part.subject, &revisions)?;
    aggregates::apply(tx, &moved.without_zeros(), at.0)
}

/// The rows to add: what stood, unless it is there as the newest revision, and what stands now.
fn revisions(
    read: &Read<'_>,
    rows: &Rows,
    subject: Subject,
    changes: &[Change],
    at: Timestamp,
) -> Result<Vec<CostRow>, StoreError> {
    let keys: Vec<i64> = changes.iter().map(|change| change.subject_key).collect();
    let latest = cost_rows::latest(read, subject, &keys)?;
    let mut added = Vec::with_capacity(changes.len() * 2);
    for Change { subject_key, session_key, old, new, .. } in changes {
        let newest = latest.get(subject_key);
        let mut revision = newest.map_or(0, |row| row.revision);
        let mut add = |cost: &Cost, computed_at: Timestamp, reason: Reason| {
            revision += 1;
            added.push(CostRow { subject_key: *subject_key, revision, cost: cost.clone(), computed_at, reason });
        };
        if newest.is_none_or(|row| row.cost != *old) {
            let computed_at = rows.usage(*session_key).map_or(at, |usage| usage.computed_at);
            add(old, computed_at, Reason::Ingest);
        }
        add(new, at, Reason::Recompute);
    }
    Ok(added)
}
