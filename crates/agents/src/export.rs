//! Sessions as envelopes of version 3, one a line, as they stand: what another ledger has to take in to come to the same totals.
//!
//! A cost that was reckoned or estimated for a call goes with it, under the name of its prices. A session that tells its tokens as a whole is
//! priced by the ledger that takes it in, so that one has to have the same lists of prices first. An end that was concluded from silence is told
//! as one that was seen. The order is that of the ledger, newest first, on one snapshot of the database.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use exhibit_store::{Read, StoreError};
use serde_json::{Map, Value, json};

use crate::money::Nano;
use crate::provenance::{Level, Source};
use crate::sql::calls::{self, CallRow};
use crate::sql::dims::{self, UNCATEGORIZED};
use crate::sql::events::{self, EventRow};
use crate::sql::ledger::{Filter, Place, Sort, page};
use crate::sql::sessions::{self, SessionRow};
use crate::sql::usage::{self, UsageRow};

/// Sessions whose rows are held at once.
const PAGE_SESSIONS: i64 = 100;

/// Calls, and events, that are read at once.
const PAGE_PARTS: i64 = 1_000;

/// Bytes of calls and events after which an envelope ends and another one about the same session begins: half of what an envelope may have,
/// because the session itself and the last part come on top.
const ENVELOPE_BYTES: usize = 4 * 1024 * 1024;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Sessions.
    pub sessions: u64,
    /// Envelopes: one for each session, more for very long ones.
    pub envelopes: u64,
    /// Sessions whose cost was reckoned for their tokens as a whole, and will be reckoned anew.
    pub priced_as_whole: u64,
}

/// Writes the sessions that a filter finds; `write` gets one envelope at a time, without an end of line.
///
/// # Errors
/// When the database cannot be read, or with the error of `write`.
pub fn export(
    read: &Read<'_>,
    filter: &Filter,
    write: &mut dyn FnMut(&str) -> Result<(), StoreError>,
) -> Result<Exported, StoreError> {
    let (mut exported, mut place) = (Exported::default(), Place::Offset(0));
    loop {
        let found = page(read, filter, Sort::Newest, place, PAGE_SESSIONS)?;
        let Some(last) = found.last() else { return Ok(exported) };
        place = Place::After(last.session_key);
        let keys: Vec<i64> = found.iter().map(|session| session.session_key).collect();
        let rows = sessions::by_keys(read, &keys)?;
        let mut rows: BTreeMap<i64, SessionRow> = rows.into_iter().map(|row| (row.standing.session_key, row)).collect();
        let usages = usage::by_keys(read, &keys)?;
        for key in keys {
            if let (Some(row), Some(used)) = (rows.remove(&key), usages.get(&key)) {
                one(read, &row, used, &mut exported, write)?;
            }
        }
    }
}

/// Writes one session.
fn one(
    read: &Read<'_>,
    row: &SessionRow,
    used: &UsageRow,
    exported: &mut Exported,
    write: &mut dyn FnMut(&str) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut envelopes = Envelopes { session: session_of(read, row, used)?, parts: Parts::default(), ended: 0 };
    let mut after = (i64::MIN, 0);
    let mut ids = BTreeSet::new();
    loop {
        let some = calls::of_session(read, row.standing.session_key, after, PAGE_PARTS)?;
        let Some(last) = some.last() else { break };
        after = (last.started_at.0, last.call_key);
        let keys = some.iter().flat_map(|call| [Some(call.model_key), call.provider_key, Some(call.feed_key)]);
        let names = dims::names(read, &keys.flatten().collect())?;
        for call in &some {
            let part = call_of(call, &names, &mut ids)?;
            envelopes.add(part, |parts| &mut parts.calls, exported, write)?;
        }
    }
    let mut after = (i64::MIN, String::new());
    loop {
        let some = events::of_session(read, row.standing.session_key, (after.0, &after.1), PAGE_PARTS)?;
        let Some(last) = some.last() else { break };
        after = (last.seq, last.event_id.clone());
        for event in &some {
            envelopes.add(event_of(event)?, |parts| &mut parts.events, exported, write)?;
        }
    }
    exported.sessions += 1;
    let whole = used.call_count == 0 && used.billed.is_none() && used.cost.amount().is_some();
    exported.priced_as_whole += u64::from(whole);
    envelopes.end(exported, write)
}

#[derive(Default)]
struct Parts {
    calls: Vec<String>,
    events: Vec<String>,
    bytes: usize,
}

/// The envelopes of one session: each has the whole session and a part of its calls and events, which add up where they are taken in.
struct Envelopes {
    session: String,
    parts: Parts,
    /// Envelopes that were written before.
    ended: u64,
}

impl Envelopes {
    fn add(
        &mut self,
        part: String,
        list: impl Fn(&mut Parts) -> &mut Vec<String>,
        exported: &mut Exported,
        write: &mut dyn FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.parts.bytes + part.len() > ENVELOPE_BYTES && self.parts.bytes > 0 {
            self.write(true, exported, write)?;
        }
        self.parts.bytes += part.len();
        list(&mut self.parts).push(part);
        Ok(())
    }

    fn end(
        mut self,
        exported: &mut Exported,
        write: &mut dyn FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let several = self.ended > 0;
        self.write(several, exported, write)
    }

    fn write(
        &mut self,
        several: bool,
        exported: &mut Exported,
        write: &mut dyn FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Parts { calls, events, .. } = std::mem::take(&mut self.parts);
        let mut payload = format!(r#"{{"session":{}"#, self.session);
        for (name, list) in [("calls", calls), ("events", events)] {
            if !list.is_empty() {
                payload.push_str(&format!(r#","{name}":[{}]"#, list.join(",")));
            }
        }
        payload.push('}');
        // Ends of one session told several times are told apart by keys of their own; what a key is made of never says two things.
        let key = if several {
            format!(r#","idempotency_key":"export-{}""#, Digest::of(payload.as_bytes()).to_hex())
        } else {
            String::new()
        };
        self.ended += 1;
        exported.envelopes += 1;
        write(&format!(r#"{{"envelope_version":"v3","payload":{payload}{key}}}"#))
    }
}

/// An object without the members that are not there.
fn object(members: Vec<(&str, Option<Value>)>) -> String {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect::<Map<_, _>>()).to_string()
}

fn text(value: &Option<String>) -> Option<Value> {
    value.as_deref().map(Value::from)
}

fn time(at: Timestamp) -> Value {
    at.to_string().into()
}

/// USD with all nine decimals of nano-USD.
fn usd(amount: Nano) -> Result<Value, StoreError> {
    let text = format!("{}.{:09}", amount.0 / 1_000_000_000, amount.0 % 1_000_000_000);
    serde_json::from_str(&text).map_err(|error| StoreError::Unexpected(format!("`{text}` is no amount: {error}")))
}

fn json_of(stored: &str) -> Result<Value, StoreError> {
    serde_json::from_str(stored).map_err(|error| StoreError::Unexpected(format!("stored JSON cannot be read: {error}")))
}

fn session_of(read: &Read<'_>, row: &SessionRow, used: &UsageRow) -> Result<String, StoreError> {
    let keys = [Some(row.agent_key), Some(row.model_key), Some(row.task_category_key), row.provider_key];
    let names = dims::names(read, &keys.into_iter().flatten().collect())?;
    let name = |key: i64| names.get(&key).map(|name| Value::from(name.as_str()));
    // What a runtime rests on decides what has to be told, so that the other ledger concludes the same.
    let reported = used.runtime.source == Source::ProviderReported;
    let seen = used.runtime.source == Source::Derived && (used.runtime.level != Level::Low || row.end_inferred);
    let label = (names.get(&row.agent_key) != Some(&row.agent_label)).then(|| Value::from(row.agent_label.as_str()));
    let end = row.ended_at.map(time);
    Ok(object(vec![
        ("sessionId", Some(row.standing.session_id.as_str().into())),
        ("agentId", name(row.agent_key)),
        ("agentLabel", label),
        ("modelId", name(row.model_key)),
        ("provider", row.provider_key.and_then(name)),
        ("state", Some(row.standing.state.as_str().into())),
        ("startedAt", Some(time(row.started_at))),
        ("endedAt", end.clone().filter(|_| !seen)),
        ("terminalAt", end.filter(|_| seen)),
        ("runtimeMs", reported.then(|| row.runtime_ms.into())),
        ("runId", text(&row.run_id)),
        ("title", text(&row.task_title)),
        ("task", text(&row.task_text)),
        ("taskCategory", (row.task_category_key != UNCATEGORIZED).then(|| name(row.task_category_key)).flatten()),
        ("artifactCount", (row.artifact_count > 0).then(|| row.artifact_count.into())),
        ("errorCode", text(&row.error_code)),
        ("errorMessage", text(&row.error_message)),
        ("sourceVersion", text(&row.source_version)),
        ("promptTokens", used.sent.prompt.map(Value::from)),
        ("completionTokens", used.sent.completion.map(Value::from)),
        ("totalTokens", used.sent.total.map(Value::from)),
        ("billedCostUsd", used.billed.map(usd).transpose()?),
        ("metadata", row.metadata.as_deref().map(json_of).transpose()?),
    ]))
}

/// A call, under an id that no other call of its session has: two feeds may call two things alike.
fn call_of(call: &CallRow, names: &BTreeMap<i64, String>, ids: &mut BTreeSet<String>) -> Result<String, StoreError> {
    let name = |key: i64| names.get(&key).map(|name| Value::from(name.as_str()));
    let id = match ids.insert(call.call_id.clone()) {
        true => call.call_id.clone(),
        false => format!("{}-{}", &Digest::of(call.dedupe_key.as_bytes()).to_hex()[..16], call.started_at.0),
    };
    let counts = call.usage.counts.named().into_iter().filter_map(|(name, count)| Some((name, count?)));
    let counts: Map<String, Value> = counts.map(|(name, count)| (name.to_owned(), count.into())).collect();
    // Where nothing but a total is known, it is told in the words of a usage object.
    let total = call.usage.total_only.map(|total| json!({"total_tokens": total}));
    let estimate = call.cost.amount().zip(call.cost.pricing_version()).filter(|_| call.billed.is_none());
    Ok(object(vec![
        ("callId", Some(id.into())),
        ("responseId", text(&call.response_id)),
        ("startedAt", Some(time(call.started_at))),
        ("status", Some(call.status.as_str().into())),
        ("modelId", name(call.model_key)),
        ("provider", call.provider_key.and_then(name)),
        ("errorCode", text(&call.error_code)),
        ("durationMs", call.duration_ms.map(Value::from)),
        ("serviceTier", call.service_tier.map(|tier| tier.as_str().into())),
        ("usage", (total.is_none() && !counts.is_empty()).then(|| counts.into())),
        ("semantics", total.is_some().then(|| "total_only".into())),
        ("rawUsage", total),
        ("billedCostUsd", call.billed.map(usd).transpose()?),
        ("estimatedCostUsd", estimate.map(|(amount, _)| usd(amount)).transpose()?),
        ("pricingVersion", estimate.map(|(_, version)| version.as_str().into())),
    ]))
}

fn event_of(event: &EventRow) -> Result<String, StoreError> {
    Ok(object(vec![
        ("eventId", Some(event.event_id.as_str().into())),
        ("seq", Some(event.seq.into())),
        ("eventType", Some(event.event_type.as_str().into())),
        ("eventTs", Some(time(event.event_ts))),
        ("payload", Some(json_of(&event.payload_json)?)),
    ]))
}
