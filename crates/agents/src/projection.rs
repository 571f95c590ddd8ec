//! The rows that are shown, moved by documents in the order of the ledger.

mod close;
mod join;

use std::collections::{BTreeMap, BTreeSet};

use exhibit_store::{StoreError, Tx};

use crate::aggregates::Contributions;
use crate::calls::dedupe_key;
use crate::contract::{Call, Usage};
use crate::fold::Placed;
use crate::prices::{Cost, PricingVersion};
use crate::provenance::TokenCounts;
use crate::record::{self, Recorded};
use crate::retention::gone_calls;
use crate::rows::Rows;
use crate::sql::aggregates;
use crate::sql::calls::{self, CallRow};
use crate::sql::dims::{self, DimKind, Dims, Names};
use crate::sql::events::{self, EventRow, json_text};
use crate::sql::sessions::{self, SessionRow};
use crate::sql::words::{self, Texts, line_of};
use crate::usage::of_contract;

use join::Told;

pub use close::close;

/// Applies documents.
///
/// # Errors
/// When the database cannot be read or written.
pub fn apply(tx: &mut Tx<'_>, documents: &[Placed]) -> Result<(), StoreError> {
    let Some(last) = documents.last() else { return Ok(()) };
    let mut names = Names::new();
    documents.iter().for_each(|document| document.names(&mut names));
    let dims = dims::intern(tx, &names)?;
    let mut work = Work::load(tx, documents, dims)?;
    let mut moved = Contributions::default();
    work.rows.contribute(&mut moved, -1);
    let mut said: Vec<(i64, &EventRow)> = Vec::new();
    for document in documents {
        let session_key = work.document(document)?;
        said.extend(document.handed.events.iter().map(|event| (session_key, event)));
    }
    work.rows.settle()?;
    work.rows.contribute(&mut moved, 1);
    work.write(tx)?;
    events::insert(tx, &said)?;
    aggregates::apply(tx, &moved.without_zeros(), last.at.0)
}

/// The rows that documents change, and what else is needed meanwhile.
struct Work {
    dims: Dims,
    rows: Rows,
    /// Sessions that documents spoke of as a whole.
    told: BTreeSet<i64>,
    /// The words of sessions whose texts changed.
    changed_words: BTreeMap<i64, String>,
    /// Calls that went after they were counted.
    gone: BTreeSet<i64>,
    next_session: i64,
    next_call: i64,
}

fn key_of(document: &Placed, call: &Call) -> String {
    let Recorded { said, feed, .. } = &document.handed.recorded;
    dedupe_key(feed, &said.session.session_id, &call.call_id)
}

impl Work {
    fn load(tx: &Tx<'_>, documents: &[Placed], dims: Dims) -> Result<Self, StoreError> {
        let ids: Vec<&str> = documents.iter().map(Placed::session_id).collect();
        let mut standing: Vec<SessionRow> = sessions::rows(tx, &ids)?.into_values().collect();
        let keys: BTreeSet<i64> = standing.iter().map(|row| row.standing.session_key).collect();
        // A call may stand under another session, which then changes, too.
        let told = Told::of(documents);
        let wanted: Vec<&str> = told.keys.iter().map(String::as_str).collect();
        let mut records = calls::records_by_dedupe_keys(tx, &wanted)?;
        let answers: BTreeSet<&str> = told
            .responses
            .iter()
            .copied()
            .chain(records.iter().filter_map(|call| call.response_id.as_deref()))
            .collect();
        let answers: Vec<&str> = answers.into_iter().collect();
        let more = calls::records_by_responses(tx, &answers)?;
        let mut told_by = calls::by_dedupe_keys(tx, &wanted)?;
        told_by.extend(calls::by_responses(tx, &answers)?);
        records.extend(more);
        let owners: BTreeSet<i64> = told_by.iter().chain(&records).map(|call| call.session_key).collect();
        let others: Vec<i64> = owners.difference(&keys).copied().collect();
        standing.extend(sessions::by_keys(tx, &others)?);
        let mut rows = Rows::load(tx, standing, &dims)?;
        rows.know(tx, records.iter().map(|record| record.feed_key))?;
        rows.keep_records(records);
        let hashed: Vec<&str> = wanted.into_iter().chain(told.answers.iter().map(String::as_str)).collect();
        Ok(Self {
            rows,
            dims,
            told: BTreeSet::new(),
            changed_words: BTreeMap::new(),
            gone: gone_calls(tx, &hashed)?,
            next_session: sessions::next_key(tx)?,
            next_call: calls::next_key(tx)?,
        })
    }

    /// Folds a document in; the key of its session.
    fn document(&mut self, document: &Placed) -> Result<i64, StoreError> {
        let before = self.rows.session(document.session_id());
        let (row, runtime) = document.row(before, self.next_session, &self.dims)?;
        self.next_session += i64::from(before.is_none());
        let session_key = row.standing.session_key;
        let texts = texts_of(&row);
        if before.is_none_or(|before| texts_of(before) != texts) {
            let own = texts == record::texts_of(&document.handed.recorded.said.session);
            self.changed_words.insert(session_key, if own { document.handed.words.clone() } else { line_of(texts) });
        }
        let session = &document.handed.recorded.said.session;
        let counts = TokenCounts {
            prompt: session.prompt_tokens,
            completion: session.completion_tokens,
            total: session.total_tokens,
        };
        let standing = self.rows.usage(session_key).filter(|_| document.handed.recorded.is_collected());
        let sent = match standing {
            // A piece that a collector read may not repeat what an earlier one told.
            Some(usage) if counts == TokenCounts::default() => usage.sent,
            _ => counts,
        };
        let billed = session.billed.or(standing.and_then(|usage| usage.billed));
        self.rows.tell(row, sent, billed, runtime, document.at);
        if let Some(stated) = &document.handed.recorded.stated {
            self.rows.state(session_key, stated);
        }
        self.told.insert(session_key);
        for call in &document.handed.recorded.said.calls {
            self.call(document, session_key, call)?;
        }
        Ok(session_key)
    }

    /// Whether a call has a cost that holds for another word about it, too: nothing that a price depends on differs.
    fn is_priced_alike(&self, old: &CallRow, new: &CallRow) -> bool {
        let depends = |row: &CallRow| (row.model_key, row.provider_key, row.service_tier, row.usage, row.billed);
        old.cost.amount().is_some()
            && depends(old) == depends(new)
            && old.estimated == new.estimated
            && self.rows.in_force(old.started_at) == self.rows.in_force(new.started_at)
    }

    /// The row of a call, not priced yet.
    fn call_row(
        &self,
        document: &Placed,
        session_key: i64,
        call: &Call,
        dedupe_key: String,
    ) -> Result<CallRow, StoreError> {
        let session = &document.handed.recorded.said.session;
        let model = call.model_id.as_deref().unwrap_or(&session.model_id);
        let provider = call.provider.as_deref().or(session.provider.as_deref());
        let used = of_contract(&call.usage).usage;
        let estimated =
            call.estimated.as_ref().and_then(|(nano, version)| Some((*nano, PricingVersion::parse(version)?)));
        Ok(CallRow {
            call_key: self.next_call,
            dedupe_key,
            call_id: call.call_id.clone(),
            response_id: call.response_id.clone(),
            session_key,
            model_key: self.dims.key(DimKind::Model, model)?,
            provider_key: provider.map(|provider| self.dims.key(DimKind::Provider, provider)).transpose()?,
            feed_key: self.dims.key(DimKind::Feed, &document.handed.recorded.feed)?,
            status: call.status,
            error_code: call.error_code.clone(),
            service_tier: call.service_tier,
            started_at: call.started_at,
            duration_ms: call.duration_ms,
            cost: Cost::missing(),
            usage: used,
            raw_usage: match &call.usage {
                Usage::Raw(object, _) => Some(json_text(object)?),
                Usage::Unknown | Usage::Counted(_) => None,
            },
            billed: call.billed,
            estimated,
            revision: 1,
            ledger_seq: document.seq,
        })
    }

    fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let rows: Vec<&SessionRow> = self.told.iter().filter_map(|key| self.rows.session_at(*key)).collect();
        sessions::put(tx, &rows)?;
        words::put(tx, &self.changed_words)?;
        self.rows.write(tx)
    }
}

/// Where search looks.
fn texts_of(row: &SessionRow) -> Texts<'_> {
    [Some(row.standing.session_id.as_str()), row.task_title.as_deref(), row.task_text.as_deref()]
}
