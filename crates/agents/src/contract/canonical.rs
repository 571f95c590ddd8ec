//! The canonical form of a document: RFC 8785 of `{calls,events,session}`, with defaults filled in, states mapped, times in microseconds and
//! money in nano-USD. Two ways to say the same have the same bytes.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{Call, Usage};
use super::event::Event;
use super::session::Session;
use crate::money::Nano;

/// The document as a value; what is absent is left out.
pub(super) fn value_of(session: &Session, events: &[Event], calls: &[Call]) -> Value {
    json!({
        "session": session_value(session),
        "events": events.iter().map(event_value).collect::<Vec<_>>(),
        "calls": calls.iter().map(call_value).collect::<Vec<_>>(),
    })
}

/// An object without what is absent.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    Value::Object(
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<String, Value>>(),
    )
}

fn text(text: &str) -> Option<Value> {
    Some(Value::from(text))
}

fn maybe(text: &Option<String>) -> Option<Value> {
    text.as_deref().map(Value::from)
}

fn moment(at: Option<Timestamp>) -> Option<Value> {
    at.map(|at| Value::from(at.0))
}

fn money(amount: Option<Nano>) -> Option<Value> {
    amount.map(|amount| Value::from(amount.0))
}

fn session_value(session: &Session) -> Value {
    object([
        ("sessionId", text(&session.session_id)),
        ("agentId", text(&session.agent_id)),
        ("modelId", text(&session.model_id)),
        ("state", text(session.state.as_str())),
        ("startedAt", moment(Some(session.started_at))),
        ("agentLabel", text(&session.agent_label)),
        ("provider", maybe(&session.provider)),
        ("taskCategory", maybe(&session.task_category)),
        ("runId", maybe(&session.run_id)),
        ("errorCode", maybe(&session.error_code)),
        ("errorMessage", maybe(&session.error_message)),
        ("sourceVersion", maybe(&session.source_version)),
        ("title", maybe(&session.title)),
        ("task", maybe(&session.task)),
        ("endedAt", moment(session.ended_at)),
        ("terminalAt", moment(session.terminal_at)),
        ("promptTokens", session.prompt_tokens.map(Value::from)),
        ("completionTokens", session.completion_tokens.map(Value::from)),
        ("totalTokens", session.total_tokens.map(Value::from)),
        ("artifactCount", session.artifact_count.map(Value::from)),
        ("runtimeMs", session.runtime_ms.map(Value::from)),
        ("billedCostNano", money(session.billed)),
        ("metadata", session.metadata.clone().map(Value::Object)),
    ])
}

/// What an event says; also what is compared when its id comes again.
pub(super) fn event_value(event: &Event) -> Value {
    object([
        ("eventId", text(&event.event_id)),
        ("seq", Some(Value::from(event.seq))),
        ("eventType", text(event.event_type.as_str())),
        ("eventTs", moment(Some(event.event_ts))),
        ("payload", Some(Value::Object(event.payload.clone()))),
    ])
}

pub(super) fn call_value(call: &Call) -> Value {
    let (usage, raw, semantics) = match &call.usage {
        Usage::Unknown => (None, None, None),
        Usage::Counted(counts) => {
            let counts = counts.named().into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?.into())));
            (Some(Value::Object(counts.collect())), None, None)
        }
        Usage::Raw(raw, semantics) => (None, Some(Value::Object(raw.clone())), text(semantics.as_str())),
    };
    object([
        ("callId", text(&call.call_id)),
        ("startedAt", moment(Some(call.started_at))),
        ("status", text(call.status.as_str())),
        ("modelId", maybe(&call.model_id)),
        ("provider", maybe(&call.provider)),
        ("errorCode", maybe(&call.error_code)),
        ("durationMs", call.duration_ms.map(Value::from)),
        ("responseId", maybe(&call.response_id)),
        ("serviceTier", call.service_tier.and_then(|tier| text(tier.as_str()))),
        ("usage", usage),
        ("rawUsage", raw),
        ("semantics", semantics),
        ("billedCostNano", money(call.billed)),
        ("estimatedCostNano", money(call.estimated.as_ref().map(|estimated| estimated.0))),
        ("pricingVersion", call.estimated.as_ref().and_then(|estimated| text(&estimated.1))),
    ])
}
