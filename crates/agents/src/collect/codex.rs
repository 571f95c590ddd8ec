//! Rollout files of Codex: `sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`, and the same names under `archived_sessions/`.
//!
//! Each line is `{timestamp,type,payload}`. `session_meta` names the session, `turn_context` the model, and `event_msg` of type `token_count`
//! holds what the session used so far and what the last answer used. No answer has an id, so what is counted so far is the id of a call: a line
//! that repeats it is no call, and where it falls the count began anew. Source: the rollout items of the public Codex repository
//! (`RolloutItem`, `TokenUsageInfo`).
//!
//! A forked session begins with a copy of what its parent did, written anew with the time of the fork. Only the ids of the turns tell the copy
//! from what came after: they are UUIDs of version 7 (RFC 9562) and hold the time when the turn really began. The copy is read for its counts,
//! so that the first own call is counted from the right place, and nothing else of it is kept.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::gather::payload;
use super::json::{LINE_CONTAINERS_MAX, id_of, inner, object, size, str_of, time_of};
use super::{BadLine, Feed, Gathering, LineParser, text};
use crate::contract::{Call, Document, EventType};

use totals::Totals;

mod totals;

/// The agent of all these files.
const AGENT: &str = "codex";

/// Who serves the models when the file does not say.
const PROVIDER: &str = "openai";

/// Characters of a UUID in the name of a file.
const UUID_CHARACTERS: usize = 36;

/// How long after a fork its copy is written, in microseconds; asked only where turns have no ids. It takes some 50 ms.
const FORK_COPY_US: i64 = 2_000_000;

/// One rollout file.
#[derive(Debug)]
pub struct CodexFile {
    gathering: Gathering,
    /// The id in the name of the file, for files without a header.
    file_session: Option<String>,
    session: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    version: Option<String>,
    /// When the session was forked, while the copy lasts.
    copied_at: Option<Timestamp>,
    /// What was counted so far.
    so_far: Option<Totals>,
    /// How often the count began anew.
    resets: u64,
    last_at: Option<Timestamp>,
}

impl CodexFile {
    /// A file of which nothing was read yet. `file_name` is its name without its folder.
    pub fn new(file_name: &str) -> Self {
        let stem = file_name.strip_suffix(".jsonl").unwrap_or(file_name);
        let id = stem.len().checked_sub(UUID_CHARACTERS).and_then(|start| stem.get(start..));
        let file_session =
            id.filter(|id| minted_ms(id).is_some() || id.bytes().filter(|byte| *byte == b'-').count() == 4);
        Self {
            gathering: Gathering::new(Feed::CodexJsonl),
            file_session: file_session.or(Some(stem)).and_then(text::id),
            session: None,
            provider: None,
            model: None,
            version: None,
            copied_at: None,
            so_far: None,
            resets: 0,
            last_at: None,
        }
    }

    fn read(&mut self, map: &Map<String, Value>) -> Result<(), BadLine> {
        if let Some(at) = time_of(map, "timestamp") {
            self.last_at = Some(at);
        }
        let Some(said) = inner(map, "payload") else {
            // Files of the first versions have a header without a type, and no counts.
            if !map.contains_key("type") && map.contains_key("id") && self.session.is_none() {
                self.session = id_of(map, "id");
            }
            return Ok(());
        };
        let at = self.last_at.ok_or(BadLine::Incomplete("timestamp"))?;
        match (str_of(map, "type").unwrap_or_default(), str_of(said, "type").unwrap_or_default()) {
            ("session_meta", _) => self.session_meta(said, at),
            ("turn_context", _) => self.turn_context(said, at),
            ("event_msg", "token_count") => self.token_count(said, at),
            _ if self.copied_at.is_some() => Ok(()),
            ("event_msg", "user_message") => self.user_message(said, at),
            ("event_msg", kind @ ("error" | "stream_error" | "turn_aborted")) => self.error(kind, said, at),
            ("response_item", kind) => self.response_item(kind, said, at),
            _ => Ok(()),
        }
    }

    fn session_meta(&mut self, said: &Map<String, Value>, at: Timestamp) -> Result<(), BadLine> {
        if self.session.is_some() {
            // A fork copies the header of its parent, too.
            return Ok(());
        }
        let id = id_of(said, "id").ok_or(BadLine::Incomplete("payload.id"))?;
        if said.get("forked_from_id").is_some_and(|from| !from.is_null()) {
            let minted = minted_ms(&id).and_then(|ms| ms.checked_mul(1_000)).map(Timestamp);
            self.copied_at = minted.or_else(|| time_of(said, "timestamp")).or(Some(at));
        }
        self.session = Some(id);
        self.provider = str_of(said, "model_provider").and_then(text::short);
        self.version = str_of(said, "cli_version").and_then(text::short);
        let began = time_of(said, "timestamp").unwrap_or(at);
        self.told(began).map(|_| ())
    }

    fn turn_context(&mut self, said: &Map<String, Value>, at: Timestamp) -> Result<(), BadLine> {
        if let Some(forked) = self.copied_at {
            let is_own = match str_of(said, "turn_id").and_then(minted_ms) {
                Some(minted) => minted >= forked.0.div_euclid(1_000),
                None => at.0 > forked.0.saturating_add(FORK_COPY_US),
            };
            if is_own {
                self.copied_at = None;
            }
        }
        if let Some(model) = str_of(said, "model").and_then(text::short) {
            self.model = Some(model);
        }
        if self.copied_at.is_some() {
            return Ok(());
        }
        self.told(at).map(|_| ())
    }

    fn token_count(&mut self, said: &Map<String, Value>, at: Timestamp) -> Result<(), BadLine> {
        let Some(info) = inner(said, "info") else { return Ok(()) };
        let last = inner(info, "last_token_usage").map(Totals::read);
        let Some(total) = inner(info, "total_token_usage").map(Totals::read).or_else(|| {
            // Without a total the sum of what was said is the total.
            Some(self.so_far.unwrap_or_default().plus(&last?))
        }) else {
            return Ok(());
        };
        if self.so_far == Some(total) {
            return Ok(());
        }
        if self.so_far.is_some_and(|so_far| total.total < so_far.total) {
            self.resets += 1;
            self.so_far = None;
        }
        let delta = total.since(self.so_far.as_ref(), last.as_ref());
        self.so_far = Some(total);
        if self.copied_at.is_some() || delta.is_zero() {
            return Ok(());
        }
        let mut call = Call::new(total.call_id(self.resets), at);
        call.usage = delta.usage();
        call.model_id = Some(self.model.clone().unwrap_or_else(|| super::gather::UNKNOWN_MODEL.to_owned()));
        call.provider = Some(self.provider.clone().unwrap_or_else(|| PROVIDER.to_owned()));
        self.told(at)?.call(call);
        Ok(())
    }

    fn user_message(&mut self, said: &Map<String, Value>, at: Timestamp) -> Result<(), BadLine> {
        let message = str_of(said, "message").unwrap_or_default();
        let images = said.get("images").and_then(Value::as_array).map_or(0, Vec::len);
        let mut told = self.told(at)?;
        // What the program wraps in tags (the surroundings, instructions) is no title.
        if told.header().title.is_none() && !message.starts_with('<') {
            told.header().title = text::title(message);
        }
        let payload = payload([
            ("role", Some("user".into())),
            ("bytes", Some(message.len().into())),
            ("images", (images > 0).then(|| images.into())),
        ]);
        told.event(None, 0, EventType::Message, at, payload);
        Ok(())
    }

    fn error(&mut self, kind: &str, said: &Map<String, Value>, at: Timestamp) -> Result<(), BadLine> {
        let message = str_of(said, "message").or_else(|| str_of(said, "reason")).and_then(text::shown);
        let payload = payload([("code", text::short(kind).map(Value::from)), ("message", message)]);
        self.told(at)?.event(None, 0, EventType::Error, at, payload);
        Ok(())
    }

    fn response_item(&mut self, kind: &str, said: &Map<String, Value>, at: Timestamp) -> Result<(), BadLine> {
        let (name, input) = match kind {
            "function_call" => (str_of(said, "name"), "arguments"),
            "custom_tool_call" => (str_of(said, "name"), "input"),
            "local_shell_call" => (Some("local_shell"), "action"),
            "web_search_call" => (Some("web_search"), "action"),
            _ => return Ok(()),
        };
        let payload = payload([
            ("tool", name.or(Some("unknown")).and_then(text::short).map(Value::from)),
            ("toolUseId", id_of(said, "call_id").or_else(|| id_of(said, "id")).map(Value::from)),
            ("inputBytes", said.get(input).map(|input| size(input).into())),
        ]);
        self.told(at)?.event(None, 0, EventType::ToolCall, at, payload);
        Ok(())
    }

    /// The session of the file, with what the file has said about it.
    fn told(&mut self, at: Timestamp) -> Result<super::gather::Told<'_>, BadLine> {
        let session_id =
            self.session.as_ref().or(self.file_session.as_ref()).ok_or(BadLine::Incomplete("session_meta"))?;
        let mut told = self.gathering.session(session_id, AGENT, at)?;
        let header = told.header();
        header.provider = Some(self.provider.clone().unwrap_or_else(|| PROVIDER.to_owned()));
        header.source_version.clone_from(&self.version);
        if let Some(model) = &self.model {
            header.model_id.clone_from(model);
        }
        Ok(told)
    }
}

impl LineParser for CodexFile {
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

/// The moment in a UUID of version 7, in milliseconds since 1970 (RFC 9562, section 5.7).
fn minted_ms(uuid: &str) -> Option<i64> {
    let bytes = uuid.as_bytes();
    if bytes.len() != UUID_CHARACTERS || bytes[8] != b'-' || bytes[13] != b'-' || bytes[14] != b'7' {
        return None;
    }
    let (high, low) = (uuid.get(..8)?, uuid.get(9..13)?);
    if !high.bytes().chain(low.bytes()).all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    i64::from_str_radix(&format!("{high}{low}"), 16).ok()
}

#[cfg(test)]
#[path = "codex_tests.rs"]
mod tests;
