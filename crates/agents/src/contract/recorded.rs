//! A canonical document read back from the ledger: what the gate wrote, so anything else is damage and no mistake of a sender.

use exhibit_model::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::call::{Call, CallStatus, Counts, Semantics, ServiceTier, Usage};
use super::event::{Event, EventType};
use super::session::Session;
use crate::money::Nano;
use crate::state::SessionState;

/// What a canonical document says.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The session. The revision that the sender counted is not part of it.
    pub session: Session,
    /// Its events, by place, time and id.
    pub events: Vec<Event>,
    /// Its calls, by id.
    pub calls: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentForm {
    session: SessionForm,
    events: Vec<EventForm>,
    calls: Vec<CallForm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SessionForm {
    session_id: String,
    agent_id: String,
    model_id: String,
    state: String,
    started_at: i64,
    agent_label: String,
    provider: Option<String>,
    task_category: Option<String>,
    run_id: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    source_version: Option<String>,
    title: Option<String>,
    task: Option<String>,
    ended_at: Option<i64>,
    terminal_at: Option<i64>,
    prompt_tokens: Option<i64>,
    completion_tokens: Option<i64>,
    total_tokens: Option<i64>,
    artifact_count: Option<i64>,
    runtime_ms: Option<i64>,
    billed_cost_nano: Option<i64>,
    metadata: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EventForm {
    event_id: String,
    seq: i64,
    event_type: String,
    event_ts: i64,
    payload: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CallForm {
    call_id: String,
    started_at: i64,
    status: String,
    model_id: Option<String>,
    provider: Option<String>,
    error_code: Option<String>,
    duration_ms: Option<i64>,
    response_id: Option<String>,
    service_tier: Option<String>,
    usage: Option<CountsForm>,
    raw_usage: Option<Map<String, Value>>,
    semantics: Option<String>,
    billed_cost_nano: Option<i64>,
    estimated_cost_nano: Option<i64>,
    pricing_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CountsForm {
    input_uncached: Option<i64>,
    cache_read: Option<i64>,
    #[serde(rename = "cacheWrite5m")]
    cache_write_5m: Option<i64>,
    #[serde(rename = "cacheWrite1h")]
    cache_write_1h: Option<i64>,
    cache_write: Option<i64>,
    output: Option<i64>,
    reasoning: Option<i64>,
    web_search_requests: Option<i64>,
}

/// Reads a document from its forms; `Err` names what no gate would have written.
pub(crate) fn said(form: DocumentForm) -> Result<Said, String> {
    Ok(Said {
        session: session(form.session)?,
        events: form.events.into_iter().map(event).collect::<Result<_, _>>()?,
        calls: form.calls.into_iter().map(call).collect::<Result<_, _>>()?,
    })
}

fn word<T>(word: &str, known: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    known(word).ok_or_else(|| format!("`{word}` is no word of the contract"))
}

fn session(form: SessionForm) -> Result<Session, String> {
    Ok(Session {
        state: word(&form.state, SessionState::of_word)?,
        session_id: form.session_id,
        agent_id: form.agent_id,
        model_id: form.model_id,
        started_at: Timestamp(form.started_at),
        agent_label: form.agent_label,
        provider: form.provider,
        task_category: form.task_category,
        run_id: form.run_id,
        error_code: form.error_code,
        error_message: form.error_message,
        source_version: form.source_version,
        title: form.title,
        task: form.task,
        ended_at: form.ended_at.map(Timestamp),
        terminal_at: form.terminal_at.map(Timestamp),
        prompt_tokens: form.prompt_tokens,
        completion_tokens: form.completion_tokens,
        total_tokens: form.total_tokens,
        artifact_count: form.artifact_count,
        runtime_ms: form.runtime_ms,
        billed: form.billed_cost_nano.map(Nano),
        metadata: form.metadata,
        revision: None,
    })
}

fn event(form: EventForm) -> Result<Event, String> {
    Ok(Event {
        event_type: word(&form.event_type, EventType::of_word)?,
        event_id: form.event_id,
        seq: form.seq,
        event_ts: Timestamp(form.event_ts),
        payload: form.payload,
    })
}

fn call(form: CallForm) -> Result<Call, String> {
    let semantics = form.semantics.as_deref().map(|text| word(text, Semantics::of_word)).transpose()?;
    let usage = match (form.usage, form.raw_usage, semantics) {
        (Some(counts), _, _) => Usage::Counted(Counts {
            input_uncached: counts.input_uncached,
            cache_read: counts.cache_read,
            cache_write_5m: counts.cache_write_5m,
            cache_write_1h: counts.cache_write_1h,
            cache_write: counts.cache_write,
            output: counts.output,
            reasoning: counts.reasoning,
            web_search_requests: counts.web_search_requests,
        }),
        (None, Some(raw), Some(semantics)) => Usage::Raw(raw, semantics),
        _ => Usage::Unknown,
    };
    Ok(Call {
        status: word(&form.status, CallStatus::of_word)?,
        service_tier: form.service_tier.as_deref().map(|text| word(text, ServiceTier::of_word)).transpose()?,
        call_id: form.call_id,
        started_at: Timestamp(form.started_at),
        model_id: form.model_id,
        provider: form.provider,
        error_code: form.error_code,
        duration_ms: form.duration_ms,
        response_id: form.response_id,
        usage,
        billed: form.billed_cost_nano.map(Nano),
        estimated: form.estimated_cost_nano.map(Nano).zip(form.pricing_version),
    })
}
