//! Session files of Claude Code: `<config>/projects/<project>/<sessionId>.jsonl` and the files of its subagents.
//!
//! Each line is an object with `type`, `uuid`, `timestamp`, `sessionId`, `version`. A line of type `assistant` holds the message object of the
//! Messages API as it stood when one block of its content was complete, so one answer has several lines with one `message.id` and a usage that
//! grows; a resumed session and a subagent repeat lines of other sessions. So the id of the message alone is the id of the call. Source: the
//! Messages API reference (message object, usage) and the files that Claude Code writes; lines of unknown type are passed over.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::gather::{Told, payload};
use super::json::{LINE_CONTAINERS_MAX, count_of, id_of, inner, object, raw_usage, size, str_of, time_of, usd};
use super::{BadLine, Feed, Gathering, LineParser, text};
use crate::contract::{Call, Document, EventType, Semantics, ServiceTier, Usage};
use crate::money::Nano;

/// The agent of all these files.
const AGENT: &str = "claude-code";

/// Who serves the models, also to those who reach them through a cloud: the file does not say which.
const PROVIDER: &str = "anthropic";

/// The model of messages that the program wrote itself; they cost nothing and are no calls.
const SYNTHETIC: &str = "<synthetic>";

/// Blocks of one message that are looked at; an answer has a handful, a prompt with pasted pictures a few dozen.
const BLOCKS_MAX: usize = 500;

/// One file of Claude Code.
#[derive(Debug)]
pub struct ClaudeFile {
    gathering: Gathering,
    /// The session of lines that name none: the name of the file.
    file_session: Option<String>,
    /// The time of the last line that had one.
    last_at: Option<Timestamp>,
}

/// What every line says about itself.
struct Line<'a> {
    map: &'a Map<String, Value>,
    at: Timestamp,
    /// A subagent said it.
    is_side: bool,
}

impl ClaudeFile {
    /// A file of which nothing was read yet. `file_name` is its name without its folder.
    pub fn new(file_name: &str) -> Self {
        let stem = file_name.strip_suffix(".jsonl").unwrap_or(file_name);
        Self { gathering: Gathering::new(Feed::ClaudeJsonl), file_session: text::id(stem), last_at: None }
    }

    fn read(&mut self, map: &Map<String, Value>) -> Result<(), BadLine> {
        let kind = str_of(map, "type").unwrap_or_default();
        if !matches!(kind, "assistant" | "user" | "system") {
            return Ok(());
        }
        let at = time_of(map, "timestamp").or(self.last_at).ok_or(BadLine::Incomplete("timestamp"))?;
        self.last_at = Some(at);
        let session_id = id_of(map, "sessionId").or_else(|| self.file_session.clone());
        let session_id = session_id.ok_or(BadLine::Incomplete("sessionId"))?;
        let is_side = map.get("isSidechain") == Some(&Value::Bool(true));
        let line = Line { map, at, is_side };
        let mut told = self.gathering.session(&session_id, AGENT, at)?;
        told.header().provider.get_or_insert_with(|| PROVIDER.to_owned());
        if let Some(version) = str_of(map, "version").and_then(text::short) {
            told.header().source_version = Some(version);
        }
        match kind {
            "assistant" => line.assistant(&mut told),
            "user" => {
                line.user(&mut told);
                Ok(())
            }
            _ => {
                line.system(&mut told);
                Ok(())
            }
        }
    }
}

impl LineParser for ClaudeFile {
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

impl Line<'_> {
    fn assistant(&self, told: &mut Told<'_>) -> Result<(), BadLine> {
        let message = inner(self.map, "message").ok_or(BadLine::Incomplete("message"))?;
        let model = str_of(message, "model").and_then(text::short);
        self.tool_uses(message, told);
        if self.map.get("isApiErrorMessage") == Some(&Value::Bool(true)) {
            self.api_error(message, told);
        }
        let Some(model) = model.filter(|model| model != SYNTHETIC) else { return Ok(()) };
        // The file of a subagent tells of the same session, and must not rename what the session itself runs on.
        if !self.is_side {
            told.header().model_id.clone_from(&model);
        }
        let Some(usage) = inner(message, "usage").and_then(raw_usage) else { return Ok(()) };
        // Very old versions wrote no id of the message; the line then stands for itself.
        let call_id =
            id_of(message, "id").or_else(|| id_of(self.map, "uuid")).ok_or(BadLine::Incomplete("message.id"))?;
        let mut call = Call::new(call_id, self.at);
        call.model_id = Some(model);
        call.provider = Some(PROVIDER.to_owned());
        // The message alone says which call it is, in whichever session. The log records of the same program know the request and not the
        // message, so the request is what joins the two.
        call.response_id = id_of(self.map, "requestId");
        call.service_tier = str_of(&usage, "service_tier").and_then(ServiceTier::of_word);
        call.estimated = self.cost();
        call.usage = Usage::Raw(usage, Semantics::Exclusive);
        told.call(call);
        Ok(())
    }

    /// Versions of 2025 wrote what they thought the answer cost.
    fn cost(&self) -> Option<(Nano, String)> {
        let nano = usd(self.map.get("costUSD")?).filter(|nano| nano.0 > 0)?;
        Some((nano, text::pricing_version(AGENT, str_of(self.map, "version"))))
    }

    fn tool_uses(&self, message: &Map<String, Value>, told: &mut Told<'_>) {
        for (place, block) in blocks(message).enumerate() {
            if !matches!(str_of(block, "type"), Some("tool_use" | "server_tool_use")) {
                continue;
            }
            let id = id_of(block, "id");
            let payload = payload([
                (
                    "tool",
                    Some(str_of(block, "name").and_then(text::short).unwrap_or_else(|| "unknown".to_owned()).into()),
                ),
                ("toolUseId", id.clone().map(Value::from)),
                ("inputBytes", block.get("input").map(|input| size(input).into())),
            ]);
            told.event(id, place, EventType::ToolCall, self.at, payload);
        }
    }

    fn api_error(&self, message: &Map<String, Value>, told: &mut Told<'_>) {
        let said = blocks(message).find_map(|block| str_of(block, "text"));
        let code = str_of(self.map, "error").and_then(text::short).unwrap_or_else(|| "api_error".to_owned());
        let payload = payload([("code", Some(code.into())), ("message", said.and_then(text::shown))]);
        told.event(id_of(self.map, "uuid"), BLOCKS_MAX, EventType::Error, self.at, payload);
    }

    fn user(&self, told: &mut Told<'_>) {
        let Some(message) = inner(self.map, "message") else { return };
        self.tool_errors(message, told);
        if self.map.get("isMeta") == Some(&Value::Bool(true)) || self.map.contains_key("toolUseResult") {
            return;
        }
        let texts: Vec<&str> = match message.get("content") {
            Some(Value::String(text)) => vec![text.as_str()],
            _ => blocks(message).filter_map(|block| block.get("text")?.as_str()).collect(),
        };
        let images = blocks(message).filter(|block| str_of(block, "type") == Some("image")).count();
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        if bytes == 0 && images == 0 {
            return;
        }
        // What the program wraps in tags (commands, reminders) is no title, and neither is what one agent asks another.
        let wanted = texts.iter().find(|text| !text.trim_start().starts_with('<'));
        if !self.is_side
            && told.header().title.is_none()
            && let Some(title) = wanted.and_then(|text| text::title(text))
        {
            told.header().title = Some(title);
        }
        let payload = payload([
            ("role", Some("user".into())),
            ("bytes", Some(bytes.into())),
            ("images", (images > 0).then(|| images.into())),
        ]);
        told.event(id_of(self.map, "uuid"), 0, EventType::Message, self.at, payload);
    }

    fn tool_errors(&self, message: &Map<String, Value>, told: &mut Told<'_>) {
        for (place, block) in blocks(message).enumerate() {
            let failed = block.get("is_error") == Some(&Value::Bool(true));
            if !failed || str_of(block, "type") != Some("tool_result") {
                continue;
            }
            let id = id_of(block, "tool_use_id");
            let payload = payload([
                ("code", Some("tool_error".into())),
                ("toolUseId", id.clone().map(Value::from)),
                ("message", block.get("content").and_then(Value::as_str).and_then(text::shown)),
            ]);
            let event_id = id.and_then(|id| text::id(&format!("{id}/error")));
            told.event(event_id, place, EventType::Error, self.at, payload);
        }
    }

    fn system(&self, told: &mut Told<'_>) {
        let subtype = str_of(self.map, "subtype").unwrap_or_default();
        if subtype != "api_error" && str_of(self.map, "level") != Some("error") {
            return;
        }
        let code = text::short(subtype).unwrap_or_else(|| "error".to_owned());
        let payload = payload([
            ("code", Some(code.into())),
            ("message", str_of(self.map, "content").and_then(text::shown)),
            ("attempt", count_of(self.map, "retryAttempt").map(Value::from)),
        ]);
        told.event(id_of(self.map, "uuid"), 0, EventType::Error, self.at, payload);
    }
}

fn blocks(message: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let blocks = message.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    blocks.iter().take(BLOCKS_MAX).filter_map(Value::as_object)
}

#[cfg(test)]
#[path = "claude_tests.rs"]
mod tests;
