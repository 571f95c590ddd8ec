//! What a gateway says about agents and sessions, read leniently: gateways differ in names, so each fact is the first that is present.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::words::{SHOWN_BYTES_MAX, WORD_BYTES_MAX, printable_within};
use crate::state::SessionState;

/// Agents that are looked at: far more than one gateway runs, few enough for one page.
pub const AGENTS_MAX: usize = 1_000;
/// Sessions that are looked at. A gateway lists the newest first, and only those of the last 15 minutes or live ones count.
pub const SESSIONS_MAX: usize = 10_000;
/// Largest time that is believed, in microseconds: the end of the year 9999, where RFC 3339 ends.
const TIME_MICROS_MAX: i64 = 253_402_300_799_999_999;
/// Numbers below this are seconds, from here on milliseconds since 1970: as milliseconds it is March 1973, as seconds the year 5138.
const MILLIS_FROM: i64 = 100_000_000_000;

/// What an agent shows on the status page, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentState {
    /// Something went wrong.
    Failed,
    /// It works.
    Running,
    /// It finished.
    Done,
    /// None of these.
    Idle,
}

impl AgentState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Idle => "idle",
        }
    }

    /// What a word of a gateway means: whole words, trimmed, in any case; all others are idle.
    pub fn of_word(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "error" | "failed" | "crashed" => Self::Failed,
            "running" | "active" | "in_progress" | "processing" | "executing" => Self::Running,
            "done" | "completed" | "finished" | "success" | "succeeded" => Self::Done,
            _ => Self::Idle,
        }
    }
}

/// Whether something runs in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// Something runs or waits to run.
    Live,
    /// Nothing runs: it ended, or rests.
    Ended,
    /// The gateway does not say.
    Unknown,
}

/// An agent as its gateway names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// First present of `id`, `agentId`, `name`, `label`.
    pub id: String,
    /// First present of `name`, `label`, `identity.name`, else the id.
    pub name: String,
    /// When it last did something, by its own account.
    pub last_activity_at: Option<Timestamp>,
}

/// A session as its gateway shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// First present of `sessionId`, `session_id`, `id`, `key`, `sessionKey`.
    pub session_id: String,
    /// By which name its gateway takes orders: first present of `key`, `sessionKey`, else the id.
    pub key: String,
    /// First present of `agentId`, `agent_id`, `agent.id`, `agent.name`; else of a key `agent:<id>:…`.
    pub agent_id: Option<String>,
    /// First present of `status`, `state`, as it was said.
    pub word: Option<String>,
    /// It tells an error.
    pub has_error: bool,
    /// Whether a run is in it, where the gateway says so (`hasActiveRun`).
    pub has_active_run: Option<bool>,
    /// The run that is in it: the first of `activeRunIds`, else `runId`.
    pub run_id: Option<String>,
    /// First present of `modelProvider`, `provider`.
    pub provider: Option<String>,
    /// First present of `modelId`, `model`, `model.id`.
    pub model_id: Option<String>,
    /// First present of `lastActivityAt`, `updatedAt`, `createdAt`, `finishedAt`, `endedAt`.
    pub last_activity_at: Option<Timestamp>,
}

impl AgentRow {
    /// Reads an agent: an object, or a bare name; `None` when it has no id.
    pub fn of_value(value: &Value) -> Option<Self> {
        if let Some(id) = name_of(value) {
            return Some(Self { name: id.clone(), id, last_activity_at: None });
        }
        let row = value.as_object()?;
        let id = first_name(row, &["id", "agentId", "name", "label"])?;
        let name = first_name(row, &["name", "label"]).or_else(|| inner_name(row, "identity", &["name"]));
        Some(Self { name: name.unwrap_or_else(|| id.clone()), id, last_activity_at: last_activity(row) })
    }
}

impl SessionRow {
    /// Reads a session; `None` when it has no id.
    pub fn of_value(value: &Value) -> Option<Self> {
        let row = value.as_object()?;
        let session_id = first_name(row, &["sessionId", "session_id", "id", "key", "sessionKey"])?;
        let key = first_name(row, &["key", "sessionKey"]).unwrap_or_else(|| session_id.clone());
        let agent_id = first_name(row, &["agentId", "agent_id"])
            .or_else(|| inner_name(row, "agent", &["id", "name"]))
            .or_else(|| key.strip_prefix("agent:")?.split(':').next().filter(|id| !id.is_empty()).map(str::to_owned));
        let runs = row.get("activeRunIds").and_then(Value::as_array);
        Some(Self {
            agent_id,
            word: first_name(row, &["status", "state"]),
            has_error: ["error", "errorMessage"].iter().any(|field| row.get(*field).is_some_and(tells_an_error)),
            has_active_run: row.get("hasActiveRun").and_then(Value::as_bool),
            run_id: runs.and_then(|runs| runs.first()).and_then(name_of).or_else(|| first_name(row, &["runId"])),
            provider: first_name(row, &["modelProvider", "provider"]),
            model_id: first_name(row, &["modelId", "model"]).or_else(|| inner_name(row, "model", &["id"])),
            last_activity_at: last_activity(row),
            session_id,
            key,
        })
    }

    /// What it contributes to the status of its agent. A run that is under way outweighs the word of the run before it.
    pub fn status(&self) -> AgentState {
        if self.has_error {
            return AgentState::Failed;
        }
        if self.has_active_run == Some(true) {
            return AgentState::Running;
        }
        self.word.as_deref().map_or(AgentState::Idle, AgentState::of_word)
    }

    /// Its state in the words of the ledger, where there is one.
    pub fn state(&self) -> Option<SessionState> {
        if self.has_active_run == Some(true) {
            return Some(SessionState::Running);
        }
        self.word.as_deref().and_then(SessionState::of_word)
    }

    /// The word for its state that is shown and kept: one of the ledger, else `idle`.
    pub fn state_word(&self) -> &'static str {
        self.state().map_or("idle", SessionState::as_str)
    }

    /// Whether something runs in it. Either sign of life counts: to call a running session ended would be the worse mistake.
    pub fn liveness(&self) -> Liveness {
        match (self.state(), self.has_active_run) {
            (Some(state), _) if !state.is_terminal() => Liveness::Live,
            (Some(_), _) | (None, Some(false)) => Liveness::Ended,
            (None, _) if self.word.as_deref().is_some_and(|word| word.trim().eq_ignore_ascii_case("idle")) => {
                Liveness::Ended
            }
            (None, _) => Liveness::Unknown,
        }
    }
}

/// The agents of an answer: a list, or an object with a list `agents`. What is no agent is left out.
pub fn agents_of(answer: &Value) -> Vec<AgentRow> {
    rows_of(answer, "agents").iter().take(AGENTS_MAX).filter_map(AgentRow::of_value).collect()
}

/// The sessions of an answer: a list, or an object with a list `sessions`. What is no session is left out.
pub fn sessions_of(answer: &Value) -> Vec<SessionRow> {
    rows_of(answer, "sessions").iter().take(SESSIONS_MAX).filter_map(SessionRow::of_value).collect()
}

fn rows_of<'a>(answer: &'a Value, field: &str) -> &'a [Value] {
    answer.as_array().or_else(|| answer.get(field)?.as_array()).map_or(&[], Vec::as_slice)
}

/// A name is text or a whole number, never blank, and shown on one line.
fn name_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| printable_within(&text, WORD_BYTES_MAX))
}

fn first_name(row: &Map<String, Value>, fields: &[&str]) -> Option<String> {
    fields.iter().find_map(|field| row.get(*field).and_then(name_of))
}

fn inner_name(row: &Map<String, Value>, field: &str, fields: &[&str]) -> Option<String> {
    first_name(row.get(field)?.as_object()?, fields)
}

fn tells_an_error(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(said) => *said,
        _ => false,
    }
}

fn last_activity(row: &Map<String, Value>) -> Option<Timestamp> {
    ["lastActivityAt", "updatedAt", "createdAt", "finishedAt", "endedAt"]
        .iter()
        .find_map(|field| row.get(*field).and_then(time_of))
}

/// RFC 3339 text with an offset, or seconds or milliseconds since 1970.
pub(crate) fn time_of(value: &Value) -> Option<Timestamp> {
    let at = match value {
        Value::String(text) if text.len() <= SHOWN_BYTES_MAX => Timestamp::parse(text.trim())?,
        Value::Number(number) => {
            // Fractions of a millisecond are below what any page shows.
            let whole = number.as_i64().or_else(|| number.as_f64().map(|float| float as i64))?;
            Timestamp(whole.checked_mul(if whole < MILLIS_FROM { 1_000_000 } else { 1_000 })?)
        }
        _ => return None,
    };
    (0..=TIME_MICROS_MAX).contains(&at.0).then_some(at)
}

/// `provider/model`, as a session shows it; some gateways write both into one field.
pub(super) fn model_of(row: &SessionRow) -> String {
    match (&row.provider, &row.model_id) {
        (Some(provider), Some(model)) if !model.starts_with(&format!("{provider}/")) => format!("{provider}/{model}"),
        (_, Some(model)) => model.clone(),
        (_, None) => "no model".to_owned(),
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
