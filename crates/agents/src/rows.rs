//! Rows of sessions with their calls while they change: loaded, taken out of the sums, changed, reckoned anew, put back.
//!
//! What stands after a change depends on the documents before it and their order, and not on how many of them shared a transaction: a rebuild,
//! which takes thousands at once, comes to the same rows as the documents one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use exhibit_model::time::Timestamp;
use exhibit_store::{Read, StoreError, Tx};

use crate::aggregates::{Contributions, buckets_of};
use crate::calls::rank;
use crate::import::stated::Stated;
use crate::prices::{Cost, PriceBook, PricedCall, PricingVersion, price};
use crate::provenance::{Provenance, SessionCost, SessionTokens, TokenCounts, session_cost, session_tokens};
use crate::sql::calls::{self, CallRow};
use crate::sql::dims::{self, Dims};
use crate::sql::prices;
use crate::sql::sessions::SessionRow;
use crate::sql::usage::{self, BucketSums, UsageRow};
use crate::usage::{CallUsage, of_session_counts};

/// Sessions as they stand and as they become.
pub(crate) struct Rows {
    /// The lists of prices.
    pub(crate) book: Arc<PriceBook>,
    sessions: BTreeMap<i64, SessionRow>,
    by_id: BTreeMap<String, i64>,
    usages: BTreeMap<i64, UsageRow>,
    calls: BTreeMap<i64, CallRow>,
    by_dedupe: BTreeMap<String, i64>,
    by_session: BTreeMap<i64, BTreeSet<i64>>,
    /// Names of models, providers and feeds, by their keys.
    names: BTreeMap<i64, String>,
    /// Sessions that something was said of, and when that was last.
    touched: BTreeMap<i64, Timestamp>,
    /// Sessions whose own sums are priced anew, should they have no calls.
    unpriced: BTreeSet<i64>,
    /// Sessions whose tokens are reckoned anew; those of all others stand as they are.
    recounted: BTreeSet<i64>,
    /// Sessions whose cost an older file states, whatever their calls come to.
    stated: BTreeSet<i64>,
    changed_calls: BTreeSet<i64>,
    /// What each feed tells of calls that several tell of, by its key of the call.
    records: BTreeMap<String, CallRow>,
    changed_records: BTreeSet<String>,
    /// The keys of what is told of an answer, by provider and id.
    of_answers: BTreeMap<(i64, String), BTreeSet<String>>,
}

impl Rows {
    /// Loads sessions with their usage, their calls, and the names that pricing needs; `dims` holds names that are known already.
    pub(crate) fn load(read: &Read<'_>, sessions: Vec<SessionRow>, known: &Dims) -> Result<Self, StoreError> {
        let keys: Vec<i64> = sessions.iter().map(|row| row.standing.session_key).collect();
        let standing = calls::by_sessions(read, &keys)?;
        let mut names: BTreeMap<i64, String> = known.names().map(|(key, name)| (key, name.to_owned())).collect();
        let of_sessions = sessions.iter().flat_map(|row| [Some(row.model_key), row.provider_key]);
        let of_calls = standing.iter().flat_map(|call| [Some(call.model_key), call.provider_key, Some(call.feed_key)]);
        let missing: BTreeSet<i64> =
            of_sessions.chain(of_calls).flatten().filter(|key| !names.contains_key(key)).collect();
        names.extend(dims::names(read, &missing)?);
        let mut rows = Self {
            book: prices::book(read)?,
            usages: usage::by_keys(read, &keys)?,
            by_id: sessions.iter().map(|row| (row.standing.session_id.clone(), row.standing.session_key)).collect(),
            sessions: sessions.into_iter().map(|row| (row.standing.session_key, row)).collect(),
            calls: BTreeMap::new(),
            by_dedupe: BTreeMap::new(),
            by_session: BTreeMap::new(),
            names,
            touched: BTreeMap::new(),
            unpriced: BTreeSet::new(),
            recounted: BTreeSet::new(),
            stated: BTreeSet::new(),
            changed_calls: BTreeSet::new(),
            records: BTreeMap::new(),
            changed_records: BTreeSet::new(),
            of_answers: BTreeMap::new(),
        };
        standing.into_iter().for_each(|call| rows.keep_call(call));
        Ok(rows)
    }

    /// Learns more names.
    pub(crate) fn know(&mut self, read: &Read<'_>, keys: impl Iterator<Item = i64>) -> Result<(), StoreError> {
        let missing = keys.filter(|key| !self.names.contains_key(key)).collect();
        self.names.extend(dims::names(read, &missing)?);
        Ok(())
    }

    /// The session with an id.
    pub(crate) fn session(&self, session_id: &str) -> Option<&SessionRow> {
        self.sessions.get(self.by_id.get(session_id)?)
    }

    /// The session with a key.
    pub(crate) fn session_at(&self, session_key: i64) -> Option<&SessionRow> {
        self.sessions.get(&session_key)
    }

    /// The usage of a session.
    pub(crate) fn usage(&self, session_key: i64) -> Option<&UsageRow> {
        self.usages.get(&session_key)
    }

    /// The call that is known under a key.
    pub(crate) fn call(&self, dedupe_key: &str) -> Option<&CallRow> {
        self.calls.get(self.by_dedupe.get(dedupe_key)?)
    }

    /// How much the word of a feed counts.
    pub(crate) fn rank_of(&self, feed_key: i64) -> u8 {
        self.names.get(&feed_key).map_or(0, |name| rank(name))
    }

    /// Puts what a document says of a session in the place of what stood. What it says of tokens, bill and runtime is reckoned at the end.
    pub(crate) fn tell(
        &mut self,
        row: SessionRow,
        sent: TokenCounts,
        billed: Option<crate::money::Nano>,
        runtime: Provenance,
        at: Timestamp,
    ) {
        let session_key = row.standing.session_key;
        let before = self.sessions.get(&session_key);
        let told = self.usages.get(&session_key).filter(|usage| (usage.sent, usage.billed) == (sent, billed));
        let same = before.zip(told).is_some_and(|(before, told)| {
            told.cost.amount().is_some()
                && (before.model_key, before.provider_key) == (row.model_key, row.provider_key)
                && self.in_force(before.started_at) == self.in_force(row.started_at)
        });
        if !same {
            self.unpriced.insert(session_key);
        }
        let usage = self.usages.entry(session_key).or_insert_with(|| nothing_known(session_key, at));
        (usage.sent, usage.billed, usage.runtime) = (sent, billed, runtime);
        self.by_id.insert(row.standing.session_id.clone(), session_key);
        self.sessions.insert(session_key, row);
        self.touched.insert(session_key, at);
        self.recounted.insert(session_key);
        self.stated.remove(&session_key);
    }

    /// Puts what an older file states of a session in the place of what is reckoned here; until something else is said of the session or
    /// its calls.
    pub(crate) fn state(&mut self, session_key: i64, stated: &Stated) {
        let Some(usage) = self.usages.get_mut(&session_key) else { return };
        usage.tokens = SessionTokens { provenance: stated.tokens, ..session_tokens(usage.sent, &[]) };
        usage.cost = stated.cost.clone();
        self.unpriced.remove(&session_key);
        self.recounted.remove(&session_key);
        self.stated.insert(session_key);
    }

    /// Puts a call in the place of what stood, with what it cost. The sessions that it leaves and comes to are reckoned at the end.
    pub(crate) fn put_call(&mut self, call: CallRow, at: Timestamp) {
        let left = self.calls.get(&call.call_key).map(|old| old.session_key);
        for session_key in left.into_iter().chain([call.session_key]) {
            self.touched.insert(session_key, at);
            self.unpriced.insert(session_key);
            self.recounted.insert(session_key);
            self.stated.remove(&session_key);
        }
        self.changed_calls.insert(call.call_key);
        self.keep_call(call);
    }

    fn keep_call(&mut self, call: CallRow) {
        if let Some(old) = self.calls.get(&call.call_key)
            && let Some(keys) = self.by_session.get_mut(&old.session_key)
        {
            keys.remove(&old.call_key);
        }
        self.keep_answer(&call);
        self.by_session.entry(call.session_key).or_default().insert(call.call_key);
        self.by_dedupe.insert(call.dedupe_key.clone(), call.call_key);
        self.calls.insert(call.call_key, call);
    }

    /// Takes a call out: what was told of it counts for another one.
    pub(crate) fn remove_call(&mut self, call: &CallRow, at: Timestamp) {
        self.touched.insert(call.session_key, at);
        self.unpriced.insert(call.session_key);
        self.recounted.insert(call.session_key);
        self.stated.remove(&call.session_key);
        if let Some(keys) = self.by_session.get_mut(&call.session_key) {
            keys.remove(&call.call_key);
        }
        self.by_dedupe.remove(&call.dedupe_key);
        self.calls.remove(&call.call_key);
        self.changed_calls.insert(call.call_key);
    }

    fn keep_answer(&mut self, call: &CallRow) {
        let before = self.record(&call.dedupe_key).and_then(answer_of);
        let answer = answer_of(call);
        if before != answer
            && let Some(keys) = before.and_then(|before| self.of_answers.get_mut(&before))
        {
            keys.remove(&call.dedupe_key);
        }
        if let Some(answer) = answer {
            self.of_answers.entry(answer).or_default().insert(call.dedupe_key.clone());
        }
    }

    /// What a feed tells of a call, by its key.
    pub(crate) fn record(&self, dedupe_key: &str) -> Option<&CallRow> {
        self.records.get(dedupe_key).or_else(|| self.call(dedupe_key))
    }

    /// Whether what a feed tells of a call stands beside what others tell of it.
    pub(crate) fn is_joined(&self, dedupe_key: &str) -> bool {
        self.records.contains_key(dedupe_key)
    }

    /// The keys of what is told of the answer that a call had; none when it has no id.
    pub(crate) fn told_of_answer(&self, call: &CallRow) -> Option<&BTreeSet<String>> {
        self.of_answers.get(&answer_of(call)?)
    }

    /// Adds what was loaded of calls that several feeds tell of.
    pub(crate) fn keep_records(&mut self, records: Vec<CallRow>) {
        for record in records {
            self.keep_answer(&record);
            self.records.insert(record.dedupe_key.clone(), record);
        }
    }

    /// Puts what a feed tells of a call beside what others tell of it.
    pub(crate) fn put_record(&mut self, record: CallRow) {
        if self.records.get(&record.dedupe_key) != Some(&record) {
            self.changed_records.insert(record.dedupe_key.clone());
            self.keep_records(vec![record]);
        }
    }

    /// Takes it out: the call is told of by one feed alone.
    pub(crate) fn remove_record(&mut self, dedupe_key: &str) {
        if self.records.remove(dedupe_key).is_some() {
            self.changed_records.insert(dedupe_key.to_owned());
        }
    }

    /// Puts another cost in the place of that of a session that is priced as a whole.
    pub(crate) fn put_whole(&mut self, session_key: i64, cost: Cost, at: Timestamp) {
        if let Some(usage) = self.usages.get_mut(&session_key) {
            usage.cost = cost;
            self.touched.insert(session_key, at);
        }
    }

    /// The name of the list that holds at a moment.
    pub(crate) fn in_force(&self, at: Timestamp) -> Option<&PricingVersion> {
        self.book.in_force(at).map(|snapshot| snapshot.pricing_version())
    }

    /// What has to be known of a call to price it.
    pub(crate) fn priced<'a>(&'a self, call: &'a CallRow) -> Result<PricedCall<'a>, StoreError> {
        Ok(PricedCall {
            provider: call.provider_key.map(|key| self.name(key)).transpose()?,
            model: self.name(call.model_key)?,
            service_tier: call.service_tier,
            usage: &call.usage,
            started_at: call.started_at,
            billed: call.billed,
            estimated: call.estimated.as_ref().map(|(amount, version)| (*amount, version.as_str())),
        })
    }

    /// What has to be known of a session without calls to price it as one call that used `used`.
    pub(crate) fn priced_whole<'a>(
        &'a self,
        session: &'a SessionRow,
        billed: Option<crate::money::Nano>,
        used: &'a CallUsage,
    ) -> Result<PricedCall<'a>, StoreError> {
        Ok(PricedCall {
            provider: session.provider_key.map(|key| self.name(key)).transpose()?,
            model: self.name(session.model_key)?,
            service_tier: None,
            usage: used,
            started_at: session.started_at,
            billed,
            estimated: None,
        })
    }

    fn name(&self, key: i64) -> Result<&str, StoreError> {
        let name = self.names.get(&key).map(String::as_str);
        name.ok_or_else(|| StoreError::Unexpected(format!("the key {key} has no name")))
    }

    /// Adds what the sessions contribute to the sums so many times.
    pub(crate) fn contribute(&self, moved: &mut Contributions, times: i64) {
        for session in self.sessions.values() {
            if let Some(usage) = self.usages.get(&session.standing.session_key) {
                moved.add(session, usage, self.calls_of(session.standing.session_key), times);
            }
        }
    }

    fn calls_of(&self, session_key: i64) -> impl Iterator<Item = &CallRow> {
        self.by_session.get(&session_key).into_iter().flatten().filter_map(|key| self.calls.get(key))
    }

    /// Reckons the usage anew of every session that something was said of, or whose calls changed.
    pub(crate) fn settle(&mut self) -> Result<(), StoreError> {
        let mut settled = Vec::with_capacity(self.touched.len());
        for (session_key, at) in &self.touched {
            if let Some((session, usage)) = self.sessions.get(session_key).zip(self.usages.get(session_key)) {
                settled.push(self.reckoned(session, usage, *at)?);
            }
        }
        self.usages.extend(settled.into_iter().map(|row| (row.session_key, row)));
        Ok(())
    }

    fn reckoned(&self, session: &SessionRow, usage: &UsageRow, at: Timestamp) -> Result<UsageRow, StoreError> {
        let session_key = session.standing.session_key;
        let (sent, billed) = (usage.sent, usage.billed);
        let calls: Vec<&CallRow> = self.calls_of(session_key).collect();
        let usages: Vec<CallUsage> = calls.iter().map(|call| call.usage).collect();
        let mut buckets = BucketSums::default();
        calls.iter().for_each(|call| add(&mut buckets, &buckets_of(call)));
        let (cost, unpriced_calls) = if calls.is_empty() {
            // Sums without calls are priced as one call.
            let used = of_session_counts(sent.prompt, sent.completion, sent.total);
            buckets.input_uncached = used.counts.input_uncached.unwrap_or(0);
            buckets.output = used.counts.output.unwrap_or(0);
            if self.unpriced.contains(&session_key) {
                (price(&self.book, &self.priced_whole(session, billed, &used)?), 0)
            } else {
                (usage.cost.clone(), 0)
            }
        } else {
            let costs: Vec<Cost> = calls.iter().map(|call| call.cost.clone()).collect();
            let SessionCost { cost, unpriced_calls } = session_cost(billed, &costs);
            (if self.stated.contains(&session_key) { usage.cost.clone() } else { cost }, unpriced_calls)
        };
        let is_recounted = self.recounted.contains(&session_key);
        Ok(UsageRow {
            session_key,
            sent,
            billed,
            tokens: if is_recounted { session_tokens(sent, &usages) } else { usage.tokens },
            buckets,
            call_count: i64::try_from(calls.len()).unwrap_or(i64::MAX),
            unpriced_calls,
            runtime_ms: session.runtime_ms,
            runtime: usage.runtime,
            cost,
            provider_key: session.provider_key,
            started_at: session.started_at,
            computed_at: at,
        })
    }

    /// Writes calls and usage that changed; the rows of the sessions are left to whoever told them.
    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let changed: Vec<&CallRow> = self.changed_calls.iter().filter_map(|key| self.calls.get(key)).collect();
        let removed: Vec<i64> =
            self.changed_calls.iter().filter(|key| !self.calls.contains_key(key)).copied().collect();
        calls::remove(tx, &removed)?;
        calls::put(tx, &changed)?;
        let (standing, removed): (Vec<&String>, Vec<&String>) =
            self.changed_records.iter().partition(|key| self.records.contains_key(*key));
        calls::remove_records(tx, &removed.iter().map(|key| key.as_str()).collect::<Vec<_>>())?;
        let records: Vec<&CallRow> = standing.iter().filter_map(|key| self.records.get(*key)).collect();
        calls::put_records(tx, &records)?;
        let settled: Vec<&UsageRow> = self.touched.keys().filter_map(|key| self.usages.get(key)).collect();
        usage::put(tx, &settled)
    }
}

/// What the answer to a call is known by.
fn answer_of(call: &CallRow) -> Option<(i64, String)> {
    call.provider_key.zip(call.response_id.clone())
}

/// The usage of a session that nothing was said of.
fn nothing_known(session_key: i64, at: Timestamp) -> UsageRow {
    UsageRow {
        session_key,
        sent: TokenCounts::default(),
        billed: None,
        tokens: SessionTokens { counts: TokenCounts::default(), provenance: Provenance::MISSING },
        buckets: BucketSums::default(),
        call_count: 0,
        unpriced_calls: 0,
        runtime_ms: 0,
        runtime: Provenance::MISSING,
        cost: Cost::missing(),
        provider_key: None,
        started_at: at,
        computed_at: at,
    }
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
