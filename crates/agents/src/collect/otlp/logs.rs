//! From log records of Claude Code and of Codex to calls and events.
//!
//! Source: the monitoring page of the Claude Code documentation (events `claude_code.*`) and the telemetry of the public Codex repository (events
//! `codex.*`). Both name the event in the attribute `event.name`; the body or the name of the record holds it with the prefix of the program.
//! Older versions write numbers as text.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::attributes::{Attributes, moment};
use super::wire::{LogRecord, LogsRequest, Scalar};
use super::{ATTRIBUTES_MAX, RECORDS_MAX, RESOURCE_ATTRIBUTES_MAX};
use crate::collect::gather::{Told, UNKNOWN_MODEL, payload};
use crate::collect::json::within;
use crate::collect::{Collected, Feed, Gathering, text};
use crate::contract::{Call, EventType, Semantics, Usage};

/// The prefix of events of Claude Code.
const CLAUDE: &str = "claude_code.";

/// The prefix of events of Codex.
const CODEX: &str = "codex.";

/// The agent of Claude Code where a record names none, and the program in the names of its estimates.
const CLAUDE_AGENT: &str = "claude-code";

/// A record that tells of an agent.
struct Record<'a> {
    event: &'a str,
    own: Attributes<'a>,
    resource: Attributes<'a>,
    at: Timestamp,
}

/// Reads the records of a request. Those of other programs are accepted and say nothing.
pub(super) fn collect(request: &LogsRequest) -> Collected {
    let mut collected = Collected::default();
    let (mut claude, mut codex) = (Gathering::new(Feed::ClaudeLog), Gathering::new(Feed::CodexLog));
    let mut records = 0_u64;
    for resource_logs in &request.resource_logs {
        let resource = resource_logs.resource.as_ref().map(|resource| resource.attributes.as_slice());
        let resource = Attributes(resource.unwrap_or_default());
        for scope_logs in &resource_logs.scope_logs {
            let scope = scope_logs.scope.as_ref().map_or("", |scope| scope.name.as_str());
            let is_claude = scope.contains("claude_code") || resource.text("service.name") == Some(CLAUDE_AGENT);
            for record in &scope_logs.log_records {
                records += 1;
                if records > RECORDS_MAX {
                    collected.reject(1, format!("at most {RECORDS_MAX} log records are read"));
                    continue;
                }
                collected.make_room(&mut claude);
                collected.make_room(&mut codex);
                let outcome = tell(record, resource, is_claude, &mut claude, &mut codex);
                collected.note(outcome.map_err(|why| format!("log record {}: {why}", records - 1)));
            }
        }
    }
    let collected = collected.finish(claude);
    collected.finish(codex)
}

fn tell(
    record: &LogRecord,
    resource: Attributes<'_>,
    is_claude: bool,
    claude: &mut Gathering,
    codex: &mut Gathering,
) -> Result<(), String> {
    let own = Attributes(&record.attributes);
    let Some((feed, event)) = name(record, own, is_claude) else { return Ok(()) };
    if own.0.len() > ATTRIBUTES_MAX || resource.0.len() > RESOURCE_ATTRIBUTES_MAX {
        return Err("has too many attributes".to_owned());
    }
    let said = own.text("event.timestamp").and_then(Timestamp::parse).and_then(within);
    let at = moment(record.time_unix_nano).or(said).or_else(|| moment(record.observed_time_unix_nano));
    let told = Record { event, own, resource, at: at.ok_or("has no time")? };
    match feed {
        Feed::ClaudeLog => told.claude(claude),
        _ => told.codex(codex),
    }
}

/// The program and the event: from the name of the record, its body, or the attribute, which has no prefix with Claude Code.
fn name<'a>(record: &'a LogRecord, own: Attributes<'a>, is_claude: bool) -> Option<(Feed, &'a str)> {
    let body = match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Scalar::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let attribute = own.text("event.name");
    for said in [Some(record.event_name.as_str()), body, attribute].into_iter().flatten() {
        if let Some(event) = said.strip_prefix(CLAUDE) {
            return Some((Feed::ClaudeLog, event));
        }
        if let Some(event) = said.strip_prefix(CODEX) {
            return Some((Feed::CodexLog, event));
        }
    }
    attribute.filter(|_| is_claude).map(|event| (Feed::ClaudeLog, event))
}

impl Record<'_> {
    /// An id of the record, or else of its resource.
    fn id(&self, name: &str) -> Option<String> {
        self.own.id(&[name]).or_else(|| self.resource.id(&[name]))
    }

    fn version(&self) -> Option<String> {
        self.own.short(&["app.version"]).or_else(|| self.resource.short(&["app.version", "service.version"]))
    }

    fn claude(&self, gathering: &mut Gathering) -> Result<(), String> {
        if !matches!(self.event, "api_request" | "api_error" | "tool_result" | "tool_decision" | "user_prompt") {
            return Ok(());
        }
        let session_id = self.id("session.id").ok_or("has no session.id")?;
        let agent = self.id("agent.name").unwrap_or_else(|| CLAUDE_AGENT.to_owned());
        let mut told = gathering.session(&session_id, &agent, self.at).map_err(|error| error.to_string())?;
        told.header().provider = Some("anthropic".to_owned());
        told.header().source_version = self.version().or(told.header().source_version.take());
        match self.event {
            "api_request" => self.claude_call(&session_id, &mut told),
            "api_error" => self.error_event("api_error", &["status_code"], &["error"], &mut told),
            "user_prompt" => self.prompt_event(&mut told),
            _ => self.tool_event(&mut told),
        }
        Ok(())
    }

    fn claude_call(&self, session_id: &str, told: &mut Told<'_>) {
        let model = self.own.short(&["model"]);
        if let Some(model) = &model {
            told.header().model_id.clone_from(model);
        }
        let request_id = self.own.id(&["request_id"]);
        // Without both the time stands for the place in the session.
        let place = || self.own.count(&["event.sequence"]).unwrap_or(self.at.0);
        let call_id = request_id.clone().or_else(|| text::id(&format!("{session_id}/{}", place())));
        let Some(call_id) = call_id else { return };
        let mut call = Call::new(call_id, self.at);
        call.model_id = model.or_else(|| Some(UNKNOWN_MODEL.to_owned()));
        call.provider = Some("anthropic".to_owned());
        call.response_id = request_id;
        call.duration_ms = self.own.millis("duration_ms");
        let names = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"];
        call.usage = self.usage(&names, Semantics::Exclusive);
        let version = self.version();
        let cost = self.own.usd("cost_usd").filter(|nano| nano.0 > 0);
        call.estimated = cost.map(|nano| (nano, text::pricing_version(CLAUDE_AGENT, version.as_deref())));
        told.call(call);
    }

    fn codex(&self, gathering: &mut Gathering) -> Result<(), String> {
        let kind = self.own.text("event.kind");
        let is_call =
            self.event == "sse_event" && kind == Some("response.completed") && self.own.has("input_token_count");
        let is_error = matches!(self.event, "sse_event" | "api_request") && self.own.has("error.message");
        if !is_call && !is_error && !matches!(self.event, "tool_result" | "tool_decision" | "user_prompt") {
            return Ok(());
        }
        let session_id = self.id("conversation.id").ok_or("has no conversation.id")?;
        let mut told = gathering.session(&session_id, "codex", self.at).map_err(|error| error.to_string())?;
        told.header().provider = Some("openai".to_owned());
        told.header().source_version = self.version().or(told.header().source_version.take());
        match self.event {
            "user_prompt" => self.prompt_event(&mut told),
            "tool_result" | "tool_decision" => self.tool_event(&mut told),
            _ if is_call => self.codex_call(&mut told),
            _ => self.error_event("error", &["http.response.status_code", "event.kind"], &["error.message"], &mut told),
        }
        Ok(())
    }

    fn codex_call(&self, told: &mut Told<'_>) {
        let model = self.own.short(&["model", "slug"]);
        if let Some(model) = &model {
            told.header().model_id.clone_from(model);
        }
        let names = ["input_token_count", "cached_token_count", "output_token_count", "reasoning_token_count"];
        let counts = names.map(|name| self.own.count(&[name]).unwrap_or(0).to_string());
        let at = self.own.short(&["event.timestamp"]).unwrap_or_else(|| self.at.to_string());
        let Some(call_id) = text::id(&format!("{at}/{}", counts.join("/"))) else { return };
        let mut call = Call::new(call_id, self.at);
        call.model_id = model.or_else(|| Some(UNKNOWN_MODEL.to_owned()));
        call.provider = Some("openai".to_owned());
        call.duration_ms = self.own.millis("duration_ms");
        call.usage = self.usage(&names, Semantics::Inclusive);
        told.call(call);
    }

    /// The usage object that these attributes are.
    fn usage(&self, names: &[&str], semantics: Semantics) -> Usage {
        let raw: Map<String, Value> =
            names.iter().filter_map(|name| Some(((*name).to_owned(), self.own.count(&[name])?.into()))).collect();
        if raw.is_empty() { Usage::Unknown } else { Usage::Raw(raw, semantics) }
    }

    fn tool_event(&self, told: &mut Told<'_>) {
        let tool = self.own.short(&["tool_name"]).unwrap_or_else(|| "unknown".to_owned());
        let size = |name| self.own.count(&[name]);
        let length = |name| self.own.text(name).and_then(|text| i64::try_from(text.len()).ok());
        let payload = payload([
            ("tool", Some(tool.into())),
            ("toolUseId", self.own.short(&["tool_use_id", "call_id"]).map(Value::from)),
            ("inputBytes", size("tool_input_size_bytes").or_else(|| length("arguments")).map(Value::from)),
            ("outputBytes", size("tool_result_size_bytes").or_else(|| length("output")).map(Value::from)),
            ("durationMs", self.own.millis("duration_ms").map(Value::from)),
            ("success", self.own.flag("success").map(Value::from)),
            ("decision", self.own.short(&["decision", "decision_type"]).map(Value::from)),
        ]);
        told.event(None, 0, EventType::ToolCall, self.at, payload);
    }

    fn prompt_event(&self, told: &mut Told<'_>) {
        let length = || self.own.text("prompt").and_then(|prompt| i64::try_from(prompt.len()).ok());
        let bytes = self.own.count(&["prompt_length"]).or_else(length);
        let payload = payload([("role", Some("user".into())), ("bytes", bytes.map(Value::from))]);
        told.event(None, 0, EventType::Message, self.at, payload);
    }

    fn error_event(&self, code: &str, codes: &[&str], messages: &[&str], told: &mut Told<'_>) {
        let said = self.own.id(codes).and_then(|code| text::short(&code));
        let message = messages.iter().find_map(|name| self.own.text(name)).and_then(text::shown);
        let payload = payload([
            ("code", Some(said.unwrap_or_else(|| code.to_owned()).into())),
            ("message", message),
            ("durationMs", self.own.millis("duration_ms").map(Value::from)),
            ("attempt", self.own.count(&["attempt"]).map(Value::from)),
        ]);
        told.event(None, 0, EventType::Error, self.at, payload);
    }
}
