//! The session of a document.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::fields::Fields;
use crate::money::Nano;
use crate::state::SessionState;

/// Longest title, in bytes.
const TITLE_BYTES_MAX: usize = 1024;

/// Longest task, in bytes.
const TASK_BYTES_MAX: usize = 256 * 1024;

/// Longest message of an error, in bytes.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;

/// A session as an agent or a collector tells it; defaults are filled in, states are mapped.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its id, verbatim.
    pub session_id: String,
    /// Who did it.
    pub agent_id: String,
    /// With which model.
    pub model_id: String,
    /// Where it stands.
    pub state: SessionState,
    /// When it began.
    pub started_at: Timestamp,
    /// The agent, for people; its id when nothing else was sent.
    pub agent_label: String,
    /// Who serves the model.
    pub provider: Option<String>,
    /// What sort of task it is.
    pub task_category: Option<String>,
    /// The run of the agent's own system.
    pub run_id: Option<String>,
    /// A word for what went wrong.
    pub error_code: Option<String>,
    /// What went wrong, for people.
    pub error_message: Option<String>,
    /// The version of what sent it.
    pub source_version: Option<String>,
    /// The task in a line.
    pub title: Option<String>,
    /// The task in full.
    pub task: Option<String>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When its end was seen.
    pub terminal_at: Option<Timestamp>,
    /// Tokens that went in.
    pub prompt_tokens: Option<i64>,
    /// Tokens that came out.
    pub completion_tokens: Option<i64>,
    /// All tokens.
    pub total_tokens: Option<i64>,
    /// Things that it made.
    pub artifact_count: Option<i64>,
    /// How long it ran, in milliseconds.
    pub runtime_ms: Option<i64>,
    /// What the provider billed.
    pub billed: Option<Nano>,
    /// Whatever else the agent says about it.
    pub metadata: Option<Map<String, Value>>,
    /// The revision that the sender counts. No part of what is said: it only orders what arrives.
    pub revision: Option<i64>,
}

impl Session {
    /// A session of which nothing else is known yet; the agent is called by its id.
    pub fn new(
        session_id: String,
        agent_id: String,
        model_id: String,
        state: SessionState,
        started_at: Timestamp,
    ) -> Self {
        let agent_label = agent_id.clone();
        Self {
            session_id,
            agent_id,
            model_id,
            state,
            started_at,
            agent_label,
            provider: None,
            task_category: None,
            run_id: None,
            error_code: None,
            error_message: None,
            source_version: None,
            title: None,
            task: None,
            ended_at: None,
            terminal_at: None,
            prompt_tokens: None,
            completion_tokens: None,
            total_tokens: None,
            artifact_count: None,
            runtime_ms: None,
            billed: None,
            metadata: None,
            revision: None,
        }
    }
}

/// Reads a session; `None` when something that it needs is not there, which was noted.
pub(crate) fn read(mut fields: Fields<'_>, counts_revisions: bool) -> Option<Session> {
    let session_id = fields.id("sessionId");
    let agent_id = fields.id("agentId");
    let model_id = fields.id("modelId");
    let state = fields.word("state", SessionState::of_word);
    let started_at = fields.time("startedAt");
    let agent_label = fields.maybe_text("agentLabel", super::TEXT_BYTES_MAX);
    let rest = Session {
        provider: fields.maybe_text("provider", super::TEXT_BYTES_MAX),
        task_category: fields.maybe_text("taskCategory", super::TEXT_BYTES_MAX),
        run_id: fields.maybe_id("runId"),
        error_code: fields.maybe_text("errorCode", super::TEXT_BYTES_MAX),
        error_message: fields.maybe_text("errorMessage", MESSAGE_BYTES_MAX),
        source_version: fields.maybe_text("sourceVersion", super::TEXT_BYTES_MAX),
        title: fields.maybe_text("title", TITLE_BYTES_MAX),
        task: fields.maybe_text("task", TASK_BYTES_MAX),
        ended_at: fields.maybe_time("endedAt"),
        terminal_at: fields.maybe_time("terminalAt"),
        prompt_tokens: fields.maybe_count("promptTokens"),
        completion_tokens: fields.maybe_count("completionTokens"),
        total_tokens: fields.maybe_count("totalTokens"),
        artifact_count: fields.maybe_count("artifactCount"),
        runtime_ms: fields.maybe_count("runtimeMs"),
        billed: fields.maybe_money("billedCostUsd"),
        metadata: fields.maybe_object("metadata"),
        revision: if counts_revisions { fields.maybe_count("revision") } else { None },
        ..Session::new(String::new(), String::new(), String::new(), SessionState::Queued, Timestamp(0))
    };
    fields.finish();
    let (session_id, agent_id, model_id) = (session_id?, agent_id?, model_id?);
    let agent_label = agent_label.unwrap_or_else(|| agent_id.clone());
    Some(Session { session_id, agent_id, model_id, state: state?, started_at: started_at?, agent_label, ..rest })
}
