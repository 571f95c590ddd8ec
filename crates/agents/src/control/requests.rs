//! The bodies of `/api/control/*`: read strictly, as a misspelt `dryRun` would end a session that somebody only wanted to look at.

use exhibit_model::json::{JsonLimits, parse_strict};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::words::printable_within;

/// Bytes of a body: a prompt of the greatest length, every character of it escaped.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a prompt: the limit of the contract of ingest for the text of a task, which it becomes.
pub const PROMPT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a field name that is repeated in an error.
const FIELD_BYTES_MAX: usize = 64;

/// `POST /api/control/kill`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KillRequest {
    /// Trimmed and not empty; not checked further.
    pub(super) session_id: String,
    pub(super) dry_run: bool,
}

/// `POST /api/control/spawn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpawnRequest {
    pub(super) agent_id: String,
    pub(super) prompt: String,
    pub(super) dry_run: bool,
}

/// `POST /api/control/model`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelRequest {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) agent_id: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) dry_run: bool,
}

impl KillRequest {
    /// Reads a body, or answers what is wrong with it.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Answer> {
        let mut fields = Fields::read(body)?;
        let session_id = fields.required("sessionId").ok_or_else(|| bad("sessionId is required"))?;
        let dry_run = fields.dry_run()?;
        fields.finish()?;
        Ok(Self { session_id, dry_run })
    }
}

impl SpawnRequest {
    /// Reads a body, or answers what is wrong with it.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Answer> {
        let mut fields = Fields::read(body)?;
        let (agent_id, prompt) = (fields.required("agentId"), fields.required("prompt"));
        let (Some(agent_id), Some(prompt)) = (agent_id, prompt) else {
            return Err(bad("agentId and prompt are required"));
        };
        if prompt.len() > PROMPT_BYTES_MAX {
            return Err(bad(&format!("prompt exceeds {PROMPT_BYTES_MAX} bytes")));
        }
        let dry_run = fields.dry_run()?;
        fields.finish()?;
        Ok(Self { agent_id, prompt, dry_run })
    }
}

impl ModelRequest {
    /// Reads a body, or answers what is wrong with it.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Answer> {
        let mut fields = Fields::read(body)?;
        let (provider, model) = (fields.required("provider"), fields.required("model"));
        let (Some(provider), Some(model)) = (provider, model) else {
            return Err(bad("provider and model are required"));
        };
        let (agent_id, session_id) = (fields.optional("agentId")?, fields.optional("sessionId")?);
        if agent_id.is_some() && session_id.is_some() {
            return Err(bad("agentId and sessionId exclude each other"));
        }
        let dry_run = fields.dry_run()?;
        fields.finish()?;
        Ok(Self { provider, model, agent_id, session_id, dry_run })
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn read(body: &[u8]) -> Result<Self, Answer> {
        if body.len() > BODY_BYTES_MAX {
            return Err(Answer::error(413, "Payload too large"));
        }
        match parse_strict(body, &JsonLimits::of_bytes(BODY_BYTES_MAX)) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            // JSON without any field: what is missing is named.
            Ok(_) => Ok(Self(Map::new())),
            Err(_) => Err(bad("Invalid JSON payload")),
        }
    }

    /// A text that is required, trimmed. Another type, null and blank are all "required" in the older contract.
    fn required(&mut self, field: &str) -> Option<String> {
        let value = self.0.remove(field)?;
        value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A text that may be absent, trimmed. Another type, or blank, is refused: passing a target over would aim at another one.
    fn optional(&mut self, field: &str) -> Result<Option<String>, Answer> {
        match self.0.remove(field) {
            Some(Value::Null) | None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
            Some(_) => Err(bad(&format!("{field} must be a non-empty string"))),
        }
    }

    fn dry_run(&mut self) -> Result<bool, Answer> {
        match self.0.remove("dryRun") {
            Some(Value::Bool(said)) => Ok(said),
            Some(Value::Null) | None => Ok(false),
            Some(_) => Err(bad("dryRun must be a boolean")),
        }
    }

    fn finish(self) -> Result<(), Answer> {
        match self.0.keys().next() {
            Some(field) => Err(bad(&format!("unsupported field {}", printable_within(field, FIELD_BYTES_MAX)))),
            None => Ok(()),
        }
    }
}

fn bad(text: &str) -> Answer {
    Answer::error(400, text)
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
