//! The events of a session.

use exhibit_model::canonical::to_canonical;
use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use serde_json::{Map, Value, json};

use super::fields::Fields;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A tool was called.
    ToolCall,
    /// Something was said.
    Message,
    /// The session went from one state to another.
    StateTransition,
    /// Something was made.
    Artifact,
    /// Something went wrong.
    Error,
    /// Something was measured.
    Metric,
}

impl EventType {
    /// All of them.
    pub const EVERY: [Self; 6] =
        [Self::ToolCall, Self::Message, Self::StateTransition, Self::Artifact, Self::Error, Self::Metric];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolCall => "tool_call",
            Self::Message => "message",
            Self::StateTransition => "state_transition",
            Self::Artifact => "artifact",
            Self::Error => "error",
            Self::Metric => "metric",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }
}

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id, unique in the session; made of what it says when none was sent.
    pub event_id: String,
    /// Its place among the events of the session.
    pub seq: i64,
    /// What it is about.
    pub event_type: EventType,
    /// When it happened.
    pub event_ts: Timestamp,
    /// What it says.
    pub payload: Map<String, Value>,
}

impl Event {
    /// An event under its own id, or under the one that its content gives it.
    pub fn new(
        session_id: &str,
        event_id: Option<String>,
        seq: i64,
        event_type: EventType,
        event_ts: Timestamp,
        payload: Map<String, Value>,
    ) -> Self {
        let event_id = event_id.unwrap_or_else(|| default_id(session_id, seq, event_type, event_ts, &payload));
        Self { event_id, seq, event_type, event_ts, payload }
    }
}

/// Reads an event; `None` when something that it needs is not there, which was noted.
pub(crate) fn read(mut fields: Fields<'_>, index: usize, session_id: Option<&str>) -> Option<Event> {
    let event_id = fields.maybe_id("eventId");
    let seq = fields.maybe_count("seq").unwrap_or_else(|| i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1));
    let event_type = fields.word("eventType", EventType::of_word);
    let event_ts = fields.time("eventTs");
    let payload = fields.object("payload");
    fields.finish();
    let (event_type, event_ts, payload, session_id) = (event_type?, event_ts?, payload?, session_id?);
    Some(Event::new(session_id, event_id, seq, event_type, event_ts, payload))
}

/// `evt_` and 32 hex digits of the SHA-256 over RFC 8785 `[sessionId,seq,eventType,eventTs in microseconds,payload]`.
fn default_id(session: &str, seq: i64, kind: EventType, at: Timestamp, payload: &Map<String, Value>) -> String {
    let said = json!([session, seq, kind.as_str(), at.0, payload]);
    // What was read strictly can be written canonically.
    let digest = Digest::of(&to_canonical(&said).unwrap_or_default()).to_hex();
    format!("evt_{}", &digest[..32])
}
