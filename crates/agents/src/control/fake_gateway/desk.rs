//! What a fake gateway knows and does: agents, sessions, and the few methods that change them.

use std::collections::HashMap;
use std::sync::Arc;

use exhibit_model::time::Clock;
use serde_json::{Map, Value, json};

use super::peer_error;
use crate::control::wire::PeerError;

/// Sessions that are kept; creating more is refused.
const SESSIONS_MAX: usize = 10_000;

/// The methods it knows.
pub const METHODS: [&str; 8] = [
    "health",
    "agents.list",
    "sessions.list",
    "sessions.describe",
    "sessions.abort",
    "sessions.create",
    "sessions.patch",
    "chat.send",
];

/// A session of a fake gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeSession {
    /// By which name it takes orders.
    pub key: String,
    /// Its real id.
    pub session_id: String,
    /// Whose it is.
    pub agent_id: String,
    /// Its state, such as `running`; `idle` before anything ran in it.
    pub status: String,
    /// Its model, `provider/model`.
    pub model: String,
    /// What it was told so far.
    pub prompts: Vec<String>,
}

impl FakeSession {
    /// A running session with a key of the usual shape.
    pub fn running(agent_id: &str, session_id: &str) -> Self {
        Self {
            key: format!("agent:{agent_id}:{session_id}"),
            session_id: session_id.to_owned(),
            agent_id: agent_id.to_owned(),
            status: "running".to_owned(),
            model: "fake/model".to_owned(),
            prompts: Vec::new(),
        }
    }
}

struct Kept {
    session: FakeSession,
    updated_at_ms: i64,
    /// Looks that still show the session as it was, and what it is after them.
    after: Option<(u32, FakeSession)>,
}

pub(super) struct Desk {
    agents: Vec<String>,
    sessions: Vec<Kept>,
    clock: Arc<dyn Clock>,
    /// Answers to orders with an idempotency key.
    answered: HashMap<String, Value>,
    runs: u64,
}

type Answer = Result<Value, PeerError>;

impl Desk {
    pub(super) fn new(agents: Vec<String>, sessions: Vec<FakeSession>, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now().0 / 1000;
        let sessions = sessions.into_iter().map(|session| Kept { session, updated_at_ms: now, after: None }).collect();
        Self { agents, sessions, clock, answered: HashMap::new(), runs: 0 }
    }

    pub(super) fn session(&self, id: &str) -> Option<&FakeSession> {
        self.sessions.iter().map(|kept| &kept.session).find(|session| session.session_id == id || session.key == id)
    }

    /// Carries a method out. `looks` delays what is seen of it.
    pub(super) fn act(&mut self, method: &str, params: &Value, looks: u32) -> Answer {
        match method {
            "health" => self.checked(params, &[]).map(|_| json!({"ok": true})),
            "agents.list" => {
                self.checked(params, &[])?;
                let agents: Vec<Value> = self.agents.iter().map(|id| json!({"id": id, "name": id})).collect();
                Ok(json!({"agents": agents}))
            }
            "sessions.list" => {
                self.checked(params, &["limit"])?;
                let limit = params["limit"].as_u64().map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(0));
                let rows: Vec<Value> = self.sessions.iter().take(limit).map(row).collect();
                Ok(json!({"sessions": rows}))
            }
            "sessions.describe" => {
                let key = self.key(params, &["key"])?;
                Ok(json!({"session": self.look(&key)}))
            }
            "sessions.abort" => self.abort(params, looks),
            "sessions.create" => self.create(params),
            "sessions.patch" => self.patch(params, looks),
            "chat.send" => self.send(params, looks),
            other => Err(peer_error("INVALID_REQUEST", &format!("unknown method: {other}"))),
        }
    }

    /// Says what it would say, and does nothing.
    pub(super) fn without_effect(&mut self, method: &str, params: &Value) -> Answer {
        let before: Vec<FakeSession> = self.sessions.iter().map(|kept| kept.session.clone()).collect();
        let answer = self.act(method, params, 0);
        self.sessions.truncate(before.len());
        for (kept, session) in self.sessions.iter_mut().zip(before) {
            kept.session = session;
            kept.after = None;
        }
        answer
    }

    fn abort(&mut self, params: &Value, looks: u32) -> Answer {
        let key = self.key(params, &["key", "runId"])?;
        let was_running = self.session(&key).is_some_and(|session| session.status == "running");
        if !was_running {
            return Ok(json!({"ok": true, "abortedRunId": null, "status": "no-active-run"}));
        }
        self.change(&key, looks, |session| session.status = "killed".to_owned());
        Ok(json!({"ok": true, "abortedRunId": "run", "status": "aborted"}))
    }

    fn create(&mut self, params: &Value) -> Answer {
        self.checked(params, &["agentId", "model"])?;
        let agent_id = params["agentId"].as_str().unwrap_or_default().to_owned();
        if !self.agents.contains(&agent_id) || self.sessions.len() >= SESSIONS_MAX {
            return Err(peer_error("INVALID_REQUEST", "no session for this agent"));
        }
        self.runs += 1;
        let mut session = FakeSession::running(&agent_id, &format!("fake-{}", self.runs));
        session.status = "idle".to_owned();
        if let Some(model) = params["model"].as_str() {
            session.model = model.to_owned();
        }
        let answer = json!({"ok": true, "key": session.key, "sessionId": session.session_id, "runStarted": false});
        let updated_at_ms = self.clock.now().0 / 1000;
        // The newest comes first.
        self.sessions.insert(0, Kept { session, updated_at_ms, after: None });
        Ok(answer)
    }

    fn send(&mut self, params: &Value, looks: u32) -> Answer {
        self.checked(params, &["sessionKey", "message", "idempotencyKey"])?;
        let text = |field: &str| params[field].as_str().filter(|text| !text.is_empty());
        let (Some(key), Some(message), Some(once)) = (text("sessionKey"), text("message"), text("idempotencyKey"))
        else {
            return Err(peer_error("INVALID_REQUEST", "invalid chat.send params"));
        };
        if let Some(answer) = self.answered.get(once) {
            return Ok(answer.clone());
        }
        if self.session(key).is_none() {
            return Err(peer_error("INVALID_REQUEST", "session not found"));
        }
        let message = message.to_owned();
        self.change(key, looks, |session| {
            session.status = "running".to_owned();
            session.prompts.push(message);
        });
        let answer = json!({"runId": once, "status": "started"});
        if self.answered.len() < SESSIONS_MAX {
            self.answered.insert(once.to_owned(), answer.clone());
        }
        Ok(answer)
    }

    fn patch(&mut self, params: &Value, looks: u32) -> Answer {
        let key = self.key(params, &["key", "model"])?;
        let Some(model) = params["model"].as_str().filter(|model| model.contains('/')) else {
            return Err(peer_error("INVALID_REQUEST", "invalid model"));
        };
        self.change(&key, looks, |session| session.model = model.to_owned());
        Ok(json!({"ok": true, "key": key}))
    }

    fn change(&mut self, key: &str, looks: u32, change: impl FnOnce(&mut FakeSession)) {
        let now = self.clock.now().0 / 1000;
        let Some(kept) = self.sessions.iter_mut().find(|kept| kept.session.key == key) else { return };
        let mut changed = kept.session.clone();
        change(&mut changed);
        kept.updated_at_ms = now;
        if looks == 0 {
            kept.session = changed;
        } else {
            kept.after = Some((looks, changed));
        }
    }

    fn look(&mut self, key: &str) -> Value {
        let Some(kept) = self.sessions.iter_mut().find(|kept| kept.session.key == key) else { return Value::Null };
        match kept.after.take() {
            Some((0, changed)) => kept.session = changed,
            Some((left, changed)) => kept.after = Some((left - 1, changed)),
            None => {}
        }
        row(kept)
    }

    /// As strict as the real one: a field that it does not know is refused.
    fn checked<'a>(&self, params: &'a Value, known: &[&str]) -> Result<Option<&'a Map<String, Value>>, PeerError> {
        let members = params.as_object();
        match members.into_iter().flatten().find(|(field, _)| !known.contains(&field.as_str())) {
            Some((field, _)) => Err(peer_error("INVALID_REQUEST", &format!("unexpected property {field}"))),
            None => Ok(members),
        }
    }

    fn key(&self, params: &Value, known: &[&str]) -> Result<String, PeerError> {
        let members = self.checked(params, known)?;
        let key = members.and_then(|members| members.get("key")).and_then(Value::as_str);
        key.filter(|key| !key.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| peer_error("INVALID_REQUEST", "key required"))
    }
}

/// A row as the real gateway writes it.
fn row(kept: &Kept) -> Value {
    let FakeSession { key, session_id, status, model, .. } = &kept.session;
    let (provider, model) = model.split_once('/').unwrap_or(("fake", model));
    let runs: Vec<&str> = if status == "running" { vec!["run"] } else { Vec::new() };
    json!({
        "key": key, "sessionId": session_id, "kind": "direct", "status": status, "hasActiveRun": !runs.is_empty(),
        "activeRunIds": runs, "modelProvider": provider, "model": model, "updatedAt": kept.updated_at_ms,
    })
}
