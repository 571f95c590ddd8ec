//! The rows that are shown, moved by documents in the order of the ledger.

mod close;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use exhibit_model::time::Timestamp;
use exhibit_store::{StoreError, Tx};

use crate::aggregates::{Contributions, buckets_of};
use crate::calls::{counts_more, dedupe_key, rank};
use crate::contract::{Call, Usage};
use crate::fold::Placed;
use crate::prices::{Cost, PriceBook, PricedCall, PricingVersion, price};
use crate::provenance::{SessionCost, TokenCounts, session_cost, session_tokens};
use crate::sql::calls::{self, CallRow};
use crate::sql::dims::{self, DimKind, Dims, Names};
use crate::sql::events::{self, EventRow, json_text};
use crate::sql::sessions::{self, SessionRow};
use crate::sql::usage::{self, BucketSums, UsageRow};
use crate::sql::{aggregates, prices, words};
use crate::usage::{of_contract, of_session_counts};

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
    let ids: Vec<&str> = documents.iter().map(Placed::session_id).collect();
    let calls: BTreeSet<String> = documents
        .iter()
        .flat_map(|document| document.recorded.said.calls.iter().map(move |call| key_of(document, call)))
        .collect();
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    let mut work = Work::load(tx, &ids, &calls, dims)?;
    let mut moved = Contributions::default();
    work.contribute(&mut moved, -1);
    let mut said: Vec<(i64, EventRow)> = Vec::new();
    for document in documents {
        let session_key = work.document(document)?;
        for event in &document.recorded.said.events {
            said.push((session_key, EventRow::of(event)?));
        }
    }
    work.settle_usage(last.at)?;
    work.contribute(&mut moved, 1);
    work.write(tx)?;
    events::insert(tx, &said)?;
    aggregates::apply(tx, &moved.without_zeros(), last.at.0)
}

/// Rows of the sessions that documents touch, as they stand and as they become.
struct Work {
    dims: Dims,
    book: Arc<PriceBook>,
    sessions: BTreeMap<String, SessionRow>,
    usages: BTreeMap<i64, UsageRow>,
    calls: BTreeMap<String, CallRow>,
    /// Ranks of the feeds of calls that stand, by key.
    feeds: BTreeMap<i64, u8>,
    /// Documents that spoke of a session as a whole, by session: what they said of tokens, bill and model.
    told: BTreeMap<i64, Told>,
    changed_calls: BTreeSet<String>,
    changed_words: BTreeSet<i64>,
    next_session: i64,
    next_call: i64,
}

/// What the newest record of a session says beside its row.
struct Told {
    sent: TokenCounts,
    billed: Option<crate::money::Nano>,
    runtime: crate::provenance::Provenance,
    /// Model and provider by which sums without calls are priced; `None` when nothing new was said of them.
    priced_as: Option<(String, Option<String>)>,
}

fn key_of(document: &Placed, call: &Call) -> String {
    let session = &document.recorded.said.session;
    let provider = call.provider.as_deref().or(session.provider.as_deref());
    dedupe_key(&document.recorded.feed, &session.session_id, &call.call_id, provider, call.response_id.as_deref())
}

impl Work {
    /// The rows of sessions, and of those under which these calls stand: they change, too.
    fn load(tx: &Tx<'_>, session_ids: &[&str], calls: &[&str], dims: Dims) -> Result<Self, StoreError> {
        let mut sessions = sessions::rows(tx, session_ids)?;
        let mut keys: BTreeSet<i64> = sessions.values().map(|row| row.standing.session_key).collect();
        let owners: BTreeSet<i64> = calls::by_dedupe_keys(tx, calls)?.iter().map(|call| call.session_key).collect();
        let others: Vec<i64> = owners.difference(&keys).copied().collect();
        for row in sessions::by_keys(tx, &others)? {
            sessions.insert(row.standing.session_id.clone(), row);
        }
        keys.extend(others);
        let keys: Vec<i64> = keys.into_iter().collect();
        let standing = calls::by_sessions(tx, &keys)?;
        let feed_keys: BTreeSet<i64> = standing.iter().map(|call| call.feed_key).collect();
        let feeds = dims::names(tx, &feed_keys)?.into_iter().map(|(key, name)| (key, rank(&name))).collect();
        Ok(Self {
            dims,
            book: prices::book(tx)?,
            usages: usage::by_keys(tx, &keys)?,
            calls: standing.into_iter().map(|call| (call.dedupe_key.clone(), call)).collect(),
            feeds,
            sessions,
            told: BTreeMap::new(),
            changed_calls: BTreeSet::new(),
            changed_words: BTreeSet::new(),
            next_session: sessions::next_key(tx)?,
            next_call: calls::next_key(tx)?,
        })
    }

    fn contribute(&self, moved: &mut Contributions, times: i64) {
        for session in self.sessions.values() {
            if let Some(usage) = self.usages.get(&session.standing.session_key) {
                moved.add(session, usage, self.calls_of(session.standing.session_key), times);
            }
        }
    }

    fn calls_of(&self, session_key: i64) -> impl Iterator<Item = &CallRow> {
        self.calls.values().filter(move |call| call.session_key == session_key)
    }

    /// Folds a document in; the key of its session.
    fn document(&mut self, document: &Placed) -> Result<i64, StoreError> {
        let before = self.sessions.get(document.session_id());
        let (row, runtime) = document.row(before, self.next_session, &self.dims)?;
        self.next_session += i64::from(before.is_none());
        let session_key = row.standing.session_key;
        if before.is_none_or(|before| texts_of(before) != texts_of(&row)) {
            self.changed_words.insert(session_key);
        }
        self.sessions.insert(document.session_id().to_owned(), row);
        let session = &document.recorded.said.session;
        let counts = TokenCounts {
            prompt: session.prompt_tokens,
            completion: session.completion_tokens,
            total: session.total_tokens,
        };
        let standing = self.usages.get(&session_key).filter(|_| document.recorded.is_collected());
        let sent = match standing {
            // A piece that a collector read may not repeat what an earlier one told.
            Some(usage) if counts == TokenCounts::default() => usage.sent,
            _ => counts,
        };
        let billed = session.billed.or(standing.and_then(|usage| usage.billed));
        let priced_as = Some((session.model_id.clone(), session.provider.clone()));
        self.told.insert(session_key, Told { sent, billed, runtime, priced_as });
        for call in &document.recorded.said.calls {
            self.call(document, session_key, call)?;
        }
        Ok(session_key)
    }

    fn call(&mut self, document: &Placed, session_key: i64, call: &Call) -> Result<(), StoreError> {
        let dedupe_key = key_of(document, call);
        let mut new = self.call_row(document, session_key, call, dedupe_key.clone())?;
        let new_rank = rank(&document.recorded.feed);
        self.feeds.insert(new.feed_key, new_rank);
        let Some(old) = self.calls.get(&dedupe_key) else {
            self.next_call += 1;
            self.changed_calls.insert(dedupe_key.clone());
            self.calls.insert(dedupe_key, new);
            return Ok(());
        };
        // It belongs to the session of its earliest record, ties by id.
        let owner = self.sessions.values().find(|row| row.standing.session_key == old.session_key);
        let owner = owner.map_or("", |row| row.standing.session_id.as_str());
        let (session_key, started_at) = if (new.started_at, document.session_id()) < (old.started_at, owner) {
            (session_key, new.started_at)
        } else {
            (old.session_key, old.started_at)
        };
        let old_rank = self.feeds.get(&old.feed_key).copied().unwrap_or(0);
        let mut row = if counts_more(&new, new_rank, old, old_rank) {
            (new.call_key, new.revision) = (old.call_key, old.revision);
            new
        } else {
            old.clone()
        };
        (row.session_key, row.started_at) = (session_key, started_at);
        let seen = CallRow { ledger_seq: old.ledger_seq, ..row.clone() };
        if seen != *old {
            row.revision += 1;
            self.changed_calls.insert(dedupe_key.clone());
            self.calls.insert(dedupe_key, row);
        }
        Ok(())
    }

    fn call_row(
        &self,
        document: &Placed,
        session_key: i64,
        call: &Call,
        dedupe_key: String,
    ) -> Result<CallRow, StoreError> {
        let session = &document.recorded.said.session;
        let model = call.model_id.as_deref().unwrap_or(&session.model_id);
        let provider = call.provider.as_deref().or(session.provider.as_deref());
        let used = of_contract(&call.usage).usage;
        let priced = PricedCall::of_call(call, &used, &session.model_id, session.provider.as_deref());
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
            feed_key: self.dims.key(DimKind::Feed, &document.recorded.feed)?,
            status: call.status,
            error_code: call.error_code.clone(),
            service_tier: call.service_tier,
            started_at: call.started_at,
            duration_ms: call.duration_ms,
            cost: price(&self.book, &priced),
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

    /// Reckons the usage of every session anew that a document spoke of, or whose calls changed.
    fn settle_usage(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        for session in self.sessions.values() {
            let session_key = session.standing.session_key;
            let calls: Vec<&CallRow> = self.calls_of(session_key).collect();
            let (told, before) = (self.told.get(&session_key), self.usages.get(&session_key));
            let (sent, billed, runtime) = match (told, before) {
                (Some(told), _) => (told.sent, told.billed, told.runtime),
                (None, Some(before)) => (before.sent, before.billed, before.runtime),
                (None, None) => continue,
            };
            let usages: Vec<_> = calls.iter().map(|call| call.usage).collect();
            let costs: Vec<Cost> = calls.iter().map(|call| call.cost.clone()).collect();
            let (mut buckets, mut cost) = (BucketSums::default(), session_cost(billed, &costs));
            calls.iter().for_each(|call| add(&mut buckets, &buckets_of(call)));
            if calls.is_empty() {
                // Sums without calls are priced as one call.
                let used = of_session_counts(sent.prompt, sent.completion, sent.total);
                buckets.input_uncached = used.counts.input_uncached.unwrap_or(0);
                buckets.output = used.counts.output.unwrap_or(0);
                cost.cost = match (told.and_then(|told| told.priced_as.as_ref()), before) {
                    (Some((model, provider)), _) => price(
                        &self.book,
                        &PricedCall {
                            provider: provider.as_deref(),
                            model,
                            service_tier: None,
                            usage: &used,
                            started_at: session.started_at,
                            billed,
                            estimated: None,
                        },
                    ),
                    (None, before) => before.map_or_else(Cost::missing, |before| before.cost.clone()),
                };
            }
            let SessionCost { cost, unpriced_calls } = cost;
            let mut row = UsageRow {
                session_key,
                sent,
                billed,
                tokens: session_tokens(sent, &usages),
                buckets,
                call_count: i64::try_from(calls.len()).unwrap_or(i64::MAX),
                unpriced_calls,
                runtime_ms: session.runtime_ms,
                runtime,
                cost,
                provider_key: session.provider_key,
                started_at: session.started_at,
                computed_at: before.map_or(at, |before| before.computed_at),
            };
            if before != Some(&row) {
                row.computed_at = at;
                rows.push(row);
            }
        }
        self.usages.extend(rows.into_iter().map(|row| (row.session_key, row)));
        Ok(())
    }

    fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let told = |session: &&SessionRow| self.told.contains_key(&session.standing.session_key);
        let rows: Vec<&SessionRow> = self.sessions.values().filter(told).collect();
        sessions::put(tx, &rows)?;
        let texts: Vec<_> = rows
            .iter()
            .filter(|row| self.changed_words.contains(&row.standing.session_key))
            .map(|row| (row.standing.session_key, texts_of(row)))
            .collect();
        words::put(tx, &texts)?;
        let changed: Vec<&CallRow> = self.changed_calls.iter().filter_map(|key| self.calls.get(key)).collect();
        calls::put(tx, &changed)?;
        usage::put(tx, &self.usages.values().collect::<Vec<_>>())
    }
}

/// Where search looks.
fn texts_of(row: &SessionRow) -> [Option<&str>; 3] {
    [Some(row.standing.session_id.as_str()), row.task_title.as_deref(), row.task_text.as_deref()]
}

fn add(sums: &mut BucketSums, part: &BucketSums) {
    for (sum, value) in [
        (&mut sums.input_uncached, part.input_uncached),
        (&mut sums.cache_read, part.cache_read),
        (&mut sums.cache_write_5m, part.cache_write_5m),
        (&mut sums.cache_write_1h, part.cache_write_1h),
        (&mut sums.cache_write, part.cache_write),
        (&mut sums.output, part.output),
        (&mut sums.reasoning, part.reasoning),
        (&mut sums.web_search_requests, part.web_search_requests),
    ] {
        *sum = sum.saturating_add(value);
    }
}
