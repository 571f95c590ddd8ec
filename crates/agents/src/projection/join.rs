//! Records of calls: each is one of its feed, and those that several feeds tell of become one call.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use exhibit_model::time::Timestamp;
use exhibit_store::StoreError;

use super::{Work, key_of};
use crate::calls::{ANSWER_RECORDS_MAX, answer_key, calls_of_answer, counts_more, rank, told_key};
use crate::contract::Call;
use crate::fold::Placed;
use crate::prices::{Cost, price};
use crate::retention::seal::call_hash;
use crate::sql::calls::CallRow;

/// What documents tell of calls, as far as it has to be looked up.
pub(super) struct Told<'a> {
    /// The keys of the calls in their feeds.
    pub(super) keys: BTreeSet<String>,
    /// Ids of answers.
    pub(super) responses: BTreeSet<&'a str>,
    /// What answers are known by after they went.
    pub(super) answers: BTreeSet<String>,
}

impl<'a> Told<'a> {
    pub(super) fn of(documents: &'a [Placed]) -> Self {
        let mut told = Self { keys: BTreeSet::new(), responses: BTreeSet::new(), answers: BTreeSet::new() };
        for document in documents {
            for call in &document.handed.recorded.said.calls {
                told.keys.insert(key_of(document, call));
                if let Some(answer) = answer_told(document, call) {
                    told.responses.extend(call.response_id.as_deref());
                    told.answers.insert(told_key(&document.handed.recorded.feed, &answer));
                    told.answers.insert(answer);
                }
            }
        }
        told
    }
}

fn answer_told(document: &Placed, call: &Call) -> Option<String> {
    let provider = call.provider.as_deref().or(document.handed.recorded.said.session.provider.as_deref());
    Some(answer_key(provider?, call.response_id.as_deref()?))
}

impl Work {
    /// Takes in what a document tells of a call.
    pub(super) fn call(&mut self, document: &Placed, session_key: i64, call: &Call) -> Result<(), StoreError> {
        let dedupe_key = key_of(document, call);
        if self.is_gone(document, call, &dedupe_key) {
            return Ok(());
        }
        let new = self.call_row(document, session_key, call, dedupe_key)?;
        let record = match self.rows.record(&new.dedupe_key) {
            Some(old) => self.told_again(document, new, old),
            None => new,
        };
        let beside = self.rows.told_of_answer(&record);
        let several = beside.is_some_and(|keys| {
            let known = keys.contains(&record.dedupe_key);
            keys.len() + usize::from(!known) <= ANSWER_RECORDS_MAX.saturating_add(1)
                && keys.iter().filter_map(|key| self.rows.record(key)).any(|other| other.feed_key != record.feed_key)
        });
        if several || self.rows.is_joined(&record.dedupe_key) {
            return self.join(record, document.at);
        }
        let old = self.rows.call(&record.dedupe_key).cloned();
        self.put(old, record, document.at).map(drop)
    }

    /// Whether it went with its session: by the key of its feed, or because another feed told of the same answer.
    fn is_gone(&self, document: &Placed, call: &Call, dedupe_key: &str) -> bool {
        let is_gone = |key: &str| self.gone.contains(&call_hash(key));
        let by_another = answer_told(document, call)
            .is_some_and(|answer| is_gone(&answer) && !is_gone(&told_key(&document.handed.recorded.feed, &answer)));
        is_gone(dedupe_key) || by_another
    }

    /// What a feed tells of a call after it told of it again.
    fn told_again(&self, document: &Placed, new: CallRow, old: &CallRow) -> CallRow {
        // It belongs to the session of its earliest record, ties by id.
        let owner = self.session_id(old);
        let (session_key, started_at) = if (new.started_at, document.session_id()) < (old.started_at, owner) {
            (new.session_key, new.started_at)
        } else {
            (old.session_key, old.started_at)
        };
        let counts = counts_more(&new, rank(&document.handed.recorded.feed), old, self.rows.rank_of(old.feed_key));
        let mut row = if counts { new } else { old.clone() };
        (row.call_key, row.revision, row.cost) = (old.call_key, old.revision, old.cost.clone());
        (row.session_key, row.started_at) = (session_key, started_at);
        // A record that does not name its answer takes the name from none that did.
        row.provider_key = row.provider_key.or(old.provider_key);
        row.response_id = row.response_id.or_else(|| old.response_id.clone());
        if self.rows.is_joined(&row.dedupe_key) {
            // What was joined by its answer stays there.
            (row.provider_key, row.response_id) = (old.provider_key, old.response_id.clone());
        }
        let seen = CallRow { ledger_seq: old.ledger_seq, ..row.clone() };
        if seen == *old { seen } else { row }
    }

    fn session_id(&self, call: &CallRow) -> &str {
        self.rows.session_at(call.session_key).map_or("", |row| row.standing.session_id.as_str())
    }

    /// Puts a call in the place of what stood; its key.
    fn put(&mut self, old: Option<CallRow>, mut row: CallRow, at: Timestamp) -> Result<i64, StoreError> {
        let Some(old) = old else {
            (row.call_key, row.revision) = (self.next_call, 1);
            row.cost = price(&self.rows.book, &self.rows.priced(&row)?);
            self.next_call += 1;
            self.rows.put_call(row, at);
            return Ok(self.next_call - 1);
        };
        (row.call_key, row.revision) = (old.call_key, old.revision);
        row.cost = if self.is_priced_alike(&old, &row) {
            // Said again is no reason to forget that it was reckoned under other prices since.
            old.cost.clone()
        } else {
            price(&self.rows.book, &self.rows.priced(&row)?)
        };
        let seen = CallRow { ledger_seq: old.ledger_seq, ..row.clone() };
        if seen != old {
            row.revision += 1;
            self.rows.put_call(row, at);
        }
        Ok(old.call_key)
    }

    /// Joins anew what is told of an answer.
    fn join(&mut self, record: CallRow, at: Timestamp) -> Result<(), StoreError> {
        let keys = self.rows.told_of_answer(&record).into_iter().flatten();
        let mut records: Vec<CallRow> =
            keys.filter(|key| **key != record.dedupe_key).filter_map(|key| self.rows.record(key).cloned()).collect();
        records.push(record);
        records.sort_by(|one, other| one.dedupe_key.cmp(&other.dedupe_key));
        let mut standing: Vec<CallRow> =
            records.iter().filter_map(|record| self.rows.call(&record.dedupe_key).cloned()).collect();
        standing.sort_by_key(|row| row.call_key);
        let calls = calls_of_answer(&records, |feed_key| self.rows.rank_of(feed_key));
        let mut places: Vec<Option<CallRow>> = vec![None; calls.len()];
        let own = |row: &CallRow| calls.iter().position(|of| of.iter().any(|one| one.dedupe_key == row.dedupe_key));
        let mut left = Vec::new();
        for row in standing {
            match own(&row).filter(|place| places[*place].is_none()) {
                Some(place) => places[place] = Some(row),
                None => left.push(row),
            }
        }
        for row in left {
            match places.iter_mut().find(|place| place.is_none()) {
                Some(place) => *place = Some(row),
                None => self.rows.remove_call(&row, at),
            }
        }
        let are_joined = calls.iter().any(|records| records.len() > 1);
        for (records, old) in calls.iter().zip(places) {
            let key = old.as_ref().map_or(&records[0].dedupe_key, |old| &old.dedupe_key).clone();
            let Some(row) = self.one_call(records, key) else { continue };
            let call_key = self.put(old, row, at)?;
            for record in records {
                if are_joined {
                    self.rows.put_record(CallRow { call_key, cost: Cost::missing(), revision: 1, ..(*record).clone() });
                } else {
                    self.rows.remove_record(&record.dedupe_key);
                }
            }
        }
        Ok(())
    }

    /// The call that records of several feeds tell of.
    fn one_call(&self, records: &[&CallRow], dedupe_key: String) -> Option<CallRow> {
        let first = records.iter().min_by_key(|record| (record.started_at, self.session_id(record)))?;
        let told = records.iter().copied().reduce(|best, record| {
            let (new, old) = (self.rows.rank_of(record.feed_key), self.rows.rank_of(best.feed_key));
            let more = counts_more(record, new, best, old);
            let equal = more && counts_more(best, old, record, new);
            match record.dedupe_key.cmp(&best.dedupe_key) {
                Ordering::Less if equal => best,
                _ if more => record,
                _ => best,
            }
        })?;
        let (session_key, started_at) = (first.session_key, first.started_at);
        Some(CallRow { dedupe_key, session_key, started_at, ..told.clone() })
    }
}
