//! Session files of OpenClaw: `agents/<agentId>/sessions/<sessionId>.jsonl`, also when they were put aside as `.deleted.<time>` or
//! `.reset.<time>`.
//!
//! Each line is an object with `type`, `id`, `timestamp`. A line of type `message` holds a message; those of the role `assistant` have a usage with
//! the cost that OpenClaw works out from the prices in its own configuration, which is an estimate. Source: the session format of the public
//! OpenClaw repository and of the coding agent that it is built on.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::gather::{Told, UNKNOWN_MODEL, payload};
use super::json::{LINE_CONTAINERS_MAX, count, id_of, inner, object, raw_usage, size, str_of, time_of, usd};
use super::{BadLine, Feed, Gathering, LineParser, text};
use crate::contract::{Call, CallStatus, Document, EventType, Semantics, Usage};
use crate::money::Nano;

/// The program, in the names of its estimates.
const PROGRAM: &str = "openclaw";

/// Blocks of one message that are looked at; as in the other formats, far more than a message has.
const BLOCKS_MAX: usize = 500;

/// One session file.
#[derive(Debug)]
pub struct OpenClawFile {
    gathering: Gathering,
    agent_id: String,
    session_id: String,
    /// The prices behind its estimates.
    pricing_version: String,
    /// The provider and the model of the last change.
    chosen: (Option<String>, Option<String>),
    last_at: Option<Timestamp>,
}

/// The session that a file of this name tells of; `None` for files that are none: locks, checkpoints, trajectories.
pub fn session_of(file_name: &str) -> Option<&str> {
    let (stem, rest) = file_name.split_once(".jsonl")?;
    let is_session = rest.is_empty() || rest.starts_with(".deleted.") || rest.starts_with(".reset.");
    (is_session && !stem.is_empty() && !stem.ends_with(".trajectory") && !stem.contains(".checkpoint.")).then_some(stem)
}

impl OpenClawFile {
    /// A file of which nothing was read yet: the agent that its folder names, its name, and the version of OpenClaw where that is known. `None`
    /// when the name is not that of a session file.
    pub fn new(agent: &str, file_name: &str, version: Option<&str>) -> Option<Self> {
        Some(Self {
            gathering: Gathering::new(Feed::OpenClawJsonl),
            agent_id: text::id(agent)?,
            session_id: text::id(session_of(file_name)?)?,
            pricing_version: text::pricing_version(PROGRAM, version),
            chosen: (None, None),
            last_at: None,
        })
    }

    fn read(&mut self, map: &Map<String, Value>) -> Result<(), BadLine> {
        if let Some(at) = time_of(map, "timestamp") {
            self.last_at = Some(at);
        }
        match str_of(map, "type").unwrap_or_default() {
            "session" => {
                let at = self.last_at.ok_or(BadLine::Incomplete("timestamp"))?;
                self.gathering.session(&self.session_id, &self.agent_id, at).map(|_| ())
            }
            "model_change" => {
                self.choose(map);
                Ok(())
            }
            "custom" if str_of(map, "customType") == Some("model-snapshot") => {
                if let Some(data) = inner(map, "data") {
                    self.choose(data);
                }
                Ok(())
            }
            "message" => self.message(map),
            _ => Ok(()),
        }
    }

    fn choose(&mut self, map: &Map<String, Value>) {
        let word = |name| str_of(map, name).and_then(text::short);
        self.chosen = (word("provider").or(self.chosen.0.take()), word("modelId").or(self.chosen.1.take()));
    }

    fn message(&mut self, map: &Map<String, Value>) -> Result<(), BadLine> {
        let message = inner(map, "message").ok_or(BadLine::Incomplete("message"))?;
        let at = time_of(map, "timestamp").or_else(|| time_of(message, "timestamp")).or(self.last_at);
        let at = at.ok_or(BadLine::Incomplete("timestamp"))?;
        self.last_at = Some(at);
        let line_id = id_of(map, "id");
        let mut told = self.gathering.session(&self.session_id, &self.agent_id, at)?;
        match str_of(message, "role").unwrap_or_default() {
            "user" => prompt(message, line_id, at, &mut told),
            "toolResult" => tool_result(message, line_id, at, &mut told),
            "assistant" => {
                let line_id = line_id.ok_or(BadLine::Incomplete("id"))?;
                tool_calls(message, &line_id, at, &mut told);
                let call = assistant(message, &line_id, at, &self.chosen, &self.pricing_version);
                let Some(call) = call else { return Ok(()) };
                if let Some(model) = &call.model_id {
                    told.header().model_id.clone_from(model);
                }
                told.header().provider.clone_from(&call.provider);
                if let Some(code) = &call.error_code {
                    let said = str_of(message, "errorMessage").and_then(text::shown);
                    let payload = payload([("code", Some(code.as_str().into())), ("message", said)]);
                    let id = text::id(&format!("{line_id}/error"));
                    told.event(id, BLOCKS_MAX, EventType::Error, at, payload);
                }
                told.call(call);
            }
            _ => {}
        }
        Ok(())
    }
}

impl LineParser for OpenClawFile {
    fn line(&mut self, line: &[u8]) -> Result<(), BadLine> {
        self.gathering.room()?;
        self.read(&object(line, LINE_CONTAINERS_MAX)?)
    }

    fn take(&mut self) -> Vec<Document> {
        self.gathering.take()
    }

    fn refused(&self) -> u64 {
        self.gathering.refused()
    }
}

/// The call behind an answer; `None` for messages that OpenClaw wrote itself, as copies of what it sent elsewhere.
fn assistant(
    message: &Map<String, Value>,
    line_id: &str,
    at: Timestamp,
    chosen: &(Option<String>, Option<String>),
    pricing_version: &str,
) -> Option<Call> {
    let word = |name| str_of(message, name).and_then(text::short);
    let provider = word("provider").or_else(|| chosen.0.clone());
    if provider.as_deref() == Some(PROGRAM) {
        return None;
    }
    let model = word("model").or_else(|| word("modelId")).or_else(|| chosen.1.clone());
    let status = match str_of(message, "stopReason") {
        Some("error") => CallStatus::Failed,
        Some("aborted") => CallStatus::Cancelled,
        _ => CallStatus::Success,
    };
    let usage = inner(message, "usage");
    if usage.is_none() && status == CallStatus::Success {
        return None;
    }
    let mut call = Call::new(line_id.to_owned(), at);
    call.status = status;
    call.error_code = (status == CallStatus::Failed).then(|| "error".to_owned());
    call.model_id = Some(model.unwrap_or_else(|| UNKNOWN_MODEL.to_owned()));
    call.provider = provider;
    call.response_id = id_of(message, "responseId");
    call.estimated = usage.and_then(estimate).map(|nano| (nano, pricing_version.to_owned()));
    call.usage = usage.and_then(raw_usage).map_or(Usage::Unknown, |raw| Usage::Raw(raw, Semantics::Exclusive));
    Some(call)
}

/// What OpenClaw thinks the answer cost. A model without configured prices has a cost of zero, which is no estimate when tokens were used.
fn estimate(usage: &Map<String, Value>) -> Option<Nano> {
    let nano = usd(inner(usage, "cost")?.get("total")?)?;
    let used = ["input", "output", "cacheRead", "cacheWrite"];
    let is_used = used.iter().filter_map(|name| count(usage.get(*name)?)).any(|count| count > 0);
    (nano.0 > 0 || !is_used).then_some(nano)
}

fn blocks(message: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let blocks = message.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    blocks.iter().take(BLOCKS_MAX).filter_map(Value::as_object)
}

fn prompt(message: &Map<String, Value>, id: Option<String>, at: Timestamp, told: &mut Told<'_>) {
    let texts: Vec<&str> = match message.get("content") {
        Some(Value::String(text)) => vec![text.as_str()],
        _ => blocks(message).filter_map(|block| block.get("text")?.as_str()).collect(),
    };
    if told.header().title.is_none() {
        told.header().title = texts.iter().find_map(|text| text::title(text));
    }
    let images = blocks(message).filter(|block| str_of(block, "type") == Some("image")).count();
    let payload = payload([
        ("role", Some("user".into())),
        ("bytes", Some(texts.iter().map(|text| text.len()).sum::<usize>().into())),
        ("images", (images > 0).then(|| images.into())),
    ]);
    told.event(id, 0, EventType::Message, at, payload);
}

/// The ids of tool calls come from the model, and some models count them anew in every answer; so the line and the place make the id.
fn tool_calls(message: &Map<String, Value>, line_id: &str, at: Timestamp, told: &mut Told<'_>) {
    for (place, block) in blocks(message).enumerate() {
        if str_of(block, "type") != Some("toolCall") {
            continue;
        }
        let id = text::id(&format!("{line_id}/{place}"));
        let payload = payload([
            ("tool", str_of(block, "name").or(Some("unknown")).and_then(text::short).map(Value::from)),
            ("toolUseId", id_of(block, "id").map(Value::from)),
            ("inputBytes", block.get("arguments").map(|input| size(input).into())),
        ]);
        told.event(id, place, EventType::ToolCall, at, payload);
    }
}

fn tool_result(message: &Map<String, Value>, id: Option<String>, at: Timestamp, told: &mut Told<'_>) {
    if message.get("isError") != Some(&Value::Bool(true)) {
        return;
    }
    let said = blocks(message).find_map(|block| str_of(block, "text"));
    let payload = payload([
        ("code", Some("tool_error".into())),
        ("tool", str_of(message, "toolName").and_then(text::short).map(Value::from)),
        ("toolUseId", id_of(message, "toolCallId").map(Value::from)),
        ("message", said.and_then(text::shown)),
    ]);
    told.event(id, 0, EventType::Error, at, payload);
}

#[cfg(test)]
#[path = "openclaw_tests.rs"]
mod tests;
