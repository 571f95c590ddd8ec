//! Sessions, events, usage and calls as the wire has them: absent fields are left out, times are ISO 8601 with `Z` and milliseconds.

use exhibit_model::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::money::Nano;
use crate::sql::calls::CallRow;
use crate::sql::events::EventRow;
use crate::sql::ledger::ListedSession;
use crate::sql::usage::UsageRow;

/// ISO 8601 with `Z` and milliseconds.
pub(in crate::http) fn iso(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).map_or_else(|_| at.to_string(), |at| format!("{at:.3}"))
}

/// A session in the ledger.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// Its id.
    pub session_id: String,
    /// The run of the agent's own system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The agent.
    pub agent_id: String,
    /// The agent, for people.
    pub agent_label: String,
    /// The model.
    pub model_id: String,
    /// The task in a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_title: Option<String>,
    /// The task in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_text: Option<String>,
    /// What sort of task it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_category: Option<String>,
    /// `success`, `failed`, `killed`, `cancelled`, `running` or `queued`.
    pub status: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Milliseconds.
    pub runtime_ms: i64,
    /// Things that it made.
    pub artifact_count: i64,
    /// A word for what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Version of what sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// When the stored revision was recorded.
    pub ingested_at: String,
    /// What it used, when `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<SessionUsage>,
}

impl LedgerEntry {
    pub(super) fn new(session: ListedSession, usage: Option<SessionUsage>) -> Self {
        Self {
            session_id: session.session_id,
            run_id: session.run_id,
            agent_id: session.agent_id,
            agent_label: session.agent_label,
            model_id: session.model_id,
            task_title: session.task_title,
            task_text: session.task_text,
            task_category: session.task_category,
            status: session.status.as_str().to_owned(),
            started_at: iso(session.started_at),
            ended_at: session.ended_at.map(iso),
            runtime_ms: session.runtime_ms,
            artifact_count: session.artifact_count,
            error_code: session.error_code,
            error_message: session.error_message,
            source_version: session.source_version,
            ingested_at: iso(session.ingested_at),
            usage,
        }
    }
}

/// What a session used and cost, and where each number comes from.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionUsage {
    /// The session.
    pub session_id: String,
    /// Tokens that went in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<i64>,
    /// Tokens that came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<i64>,
    /// All tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<i64>,
    /// Milliseconds.
    pub runtime_ms: i64,
    /// USD with six decimals; absent when it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// `exact`, `estimated` or `unknown`.
    pub cost_confidence: String,
    /// Who served it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The prices that the cost rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing_version: Option<String>,
    /// When the cost was reckoned.
    pub computed_at: String,
    /// `provider_reported`, `derived` or `missing`.
    pub token_source: String,
    /// The same of the runtime.
    pub runtime_source: String,
    /// The same of the cost.
    pub cost_source: String,
    /// `high`, `medium`, `low` or `unknown`.
    pub token_confidence: String,
    /// The same of the runtime.
    pub runtime_confidence: String,
    /// The same of the cost.
    pub cost_confidence_level: String,
}

impl SessionUsage {
    pub(super) fn new(session_id: &str, usage: &UsageRow, provider: Option<String>) -> Self {
        let UsageRow { tokens, cost, runtime, .. } = usage;
        Self {
            session_id: session_id.to_owned(),
            prompt_tokens: tokens.counts.prompt,
            completion_tokens: tokens.counts.completion,
            total_tokens: tokens.counts.total,
            runtime_ms: usage.runtime_ms,
            cost_usd: cost.amount().map(Nano::usd),
            cost_confidence: cost.confidence().as_str().to_owned(),
            provider,
            pricing_version: cost.pricing_version().map(|version| version.as_str().to_owned()),
            computed_at: iso(usage.computed_at),
            token_source: tokens.provenance.source.as_str().to_owned(),
            runtime_source: runtime.source.as_str().to_owned(),
            cost_source: cost.source().as_str().to_owned(),
            token_confidence: tokens.provenance.level.as_str().to_owned(),
            runtime_confidence: runtime.level.as_str().to_owned(),
            cost_confidence_level: cost.level().as_str().to_owned(),
        }
    }
}

/// Something that happened in a session.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEvent {
    /// Its id.
    pub event_id: String,
    /// The session.
    pub session_id: String,
    /// Its place.
    pub seq: i64,
    /// `tool_call`, `message`, `state_transition`, `artifact`, `error` or `metric`.
    pub event_type: String,
    /// When it happened.
    pub event_ts: String,
    /// What it says.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub payload: Box<RawValue>,
}

impl LedgerEvent {
    pub(super) fn new(session_id: &str, event: EventRow) -> Result<Self, serde_json::Error> {
        Ok(Self {
            event_id: event.event_id,
            session_id: session_id.to_owned(),
            seq: event.seq,
            event_type: event.event_type.as_str().to_owned(),
            event_ts: iso(event.event_ts),
            payload: RawValue::from_string(event.payload_json)?,
        })
    }
}

/// A call of a session to a model.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerCall {
    /// The session that it counts for.
    pub session_id: String,
    /// The id that its feed gave it.
    pub call_id: String,
    /// The id that the provider gave the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// The model.
    pub model_id: String,
    /// Who serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Where its word comes from.
    pub feed: String,
    /// `success`, `failed` or `cancelled`.
    pub status: String,
    /// A word for what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// `standard`, `batch`, `flex` or `priority`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// When it began.
    pub started_at: String,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Tokens in buckets that do not overlap.
    pub usage: std::collections::BTreeMap<String, i64>,
    /// All tokens, where nothing but their number is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_only: Option<i64>,
    /// How the counts were told.
    pub semantics: String,
    /// The provider's object, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub raw_usage: Option<Box<RawValue>>,
    /// USD with six decimals; absent when it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// The prices that the cost rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing_version: Option<String>,
    /// `provider_reported`, `derived` or `missing`.
    pub token_source: String,
    /// `high`, `medium`, `low` or `unknown`.
    pub token_confidence: String,
    /// `provider_reported`, `derived` or `missing`.
    pub cost_source: String,
    /// `exact`, `estimated` or `unknown`.
    pub cost_confidence: String,
    /// `high`, `medium`, `low` or `unknown`.
    pub cost_confidence_level: String,
    /// How often its word changed, from 1.
    pub revision: i64,
    /// Place in the ledger of the document whose word counts.
    pub ledger_seq: i64,
}

impl LedgerCall {
    pub(super) fn new(
        call: CallRow,
        session_id: String,
        name: impl Fn(i64) -> Option<String>,
    ) -> Result<Self, serde_json::Error> {
        let counts = call.usage.counts.named().into_iter();
        Ok(Self {
            session_id,
            model_id: name(call.model_key).unwrap_or_default(),
            provider: call.provider_key.and_then(&name),
            feed: name(call.feed_key).unwrap_or_default(),
            call_id: call.call_id,
            response_id: call.response_id,
            status: call.status.as_str().to_owned(),
            error_code: call.error_code,
            service_tier: call.service_tier.map(|tier| tier.as_str().to_owned()),
            started_at: iso(call.started_at),
            duration_ms: call.duration_ms,
            usage: counts.filter_map(|(name, count)| Some((name.to_owned(), count?))).collect(),
            total_only: call.usage.total_only,
            semantics: call.usage.semantics.as_str().to_owned(),
            raw_usage: call.raw_usage.map(RawValue::from_string).transpose()?,
            cost_usd: call.cost.amount().map(Nano::usd),
            pricing_version: call.cost.pricing_version().map(|version| version.as_str().to_owned()),
            token_source: call.usage.provenance.source.as_str().to_owned(),
            token_confidence: call.usage.provenance.level.as_str().to_owned(),
            cost_source: call.cost.source().as_str().to_owned(),
            cost_confidence: call.cost.confidence().as_str().to_owned(),
            cost_confidence_level: call.cost.level().as_str().to_owned(),
            revision: call.revision,
            ledger_seq: call.ledger_seq,
        })
    }
}
