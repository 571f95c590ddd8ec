//! The controller of an OpenClaw gateway.
//!
//! Orders and questions go over a few connections that calls borrow one at a time, so that a slow order does not hold up the status page.
//! A connection that failed is thrown away; a gateway that cannot be reached is left alone for a while.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::backoff::Backoff;
use super::controller::{ControlError, Controller, Deadline, Health, ModelTarget, SpawnOrder, Spawned};
use super::logs::{LogLine, last_lines};
use super::rows::{AgentRow, SessionRow, agents_of, sessions_of};
use super::socket::{Connection, nothing, unavailable};
pub use super::socket::{GatewayUrl, PORT, UrlFault};
use super::words::{AgentId, ModelRef, SessionId, printable};

/// Connections at a time: one for the status page, one or two for orders, and one to spare.
const CONNECTIONS_MAX: usize = 4;
/// Calls that wait for a connection; more are sent away at once, as they would only run out of time.
const WAITING_MAX: usize = 64;
/// A connection that rested longer is not trusted: nobody answered its pings, and the gateway may have given it up.
const REST_MAX: Duration = Duration::from_secs(20);
/// Sessions whose key is remembered: those that somebody acts on, not all that exist.
const KEYS_MAX: usize = 256;
/// Sessions asked for in one list. The newest come first; a session that is acted on was seen on a page of them.
const LIST_MAX: usize = 1_000;

/// Where the gateway is and how it lets us in.
#[derive(Clone)]
pub struct OpenClawSettings {
    /// Where it listens.
    pub url: GatewayUrl,
    /// The shared token, when it wants one. Never shown.
    pub token: Option<String>,
    /// Its logs, in the order in which they are tried; see [`super::logs::log_candidates`].
    pub logs: Vec<PathBuf>,
}

impl fmt::Debug for OpenClawSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "set");
        f.debug_struct("OpenClawSettings")
            .field("url", &self.url)
            .field("token", &token)
            .field("logs", &self.logs)
            .finish()
    }
}

/// A gateway.
#[derive(Debug)]
pub struct OpenClaw {
    settings: OpenClawSettings,
    pool: Mutex<Pool>,
    returned: Condvar,
    keys: Mutex<VecDeque<(SessionId, String)>>,
}

#[derive(Debug, Default)]
struct Pool {
    resting: Vec<Connection>,
    lent: usize,
    waiting: usize,
    backoff: Backoff,
    /// Why the last attempt to connect failed, for whoever asks while the gateway is left alone.
    last_failure: Option<ControlError>,
}

/// A connection on loan. It goes back when this is dropped, unless it broke.
struct Loan<'a> {
    from: &'a OpenClaw,
    connection: Option<Connection>,
    was_resting: bool,
}

impl OpenClaw {
    /// A client; connects with the first call.
    pub fn new(settings: OpenClawSettings) -> Self {
        Self {
            settings,
            pool: Mutex::new(Pool::default()),
            returned: Condvar::new(),
            keys: Mutex::new(VecDeque::new()),
        }
    }

    /// A question, which may be asked twice: when a connection that had rested turns out to be dead, a new one is asked.
    fn ask(&self, method: &str, params: &Value, deadline: Deadline) -> Result<Value, ControlError> {
        let mut loan = self.borrow(deadline)?;
        match loan.request(method, params.clone(), deadline) {
            Err(ControlError::NoAnswer { .. }) if loan.was_resting && !deadline.left().is_zero() => {
                drop(loan);
                self.pool().resting.clear();
                self.borrow(deadline)?.request(method, params.clone(), deadline)
            }
            answer => answer,
        }
    }

    /// An order, which is given once.
    fn order(&self, method: &str, params: Value, deadline: Deadline) -> Result<Value, ControlError> {
        self.borrow(deadline)?.request(method, params, deadline)
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn borrow(&self, deadline: Deadline) -> Result<Loan<'_>, ControlError> {
        let mut pool = self.pool();
        while pool.lent >= CONNECTIONS_MAX {
            let left = deadline.left();
            if left.is_zero() || pool.waiting >= WAITING_MAX {
                return Err(unavailable(&"all connections are busy"));
            }
            pool.waiting += 1;
            pool = self.returned.wait_timeout(pool, left).unwrap_or_else(PoisonError::into_inner).0;
            pool.waiting -= 1;
        }
        pool.resting.retain(|connection| connection.idle_time() < REST_MAX);
        if let Some(connection) = pool.resting.pop() {
            pool.lent += 1;
            return Ok(Loan { from: self, connection: Some(connection), was_resting: true });
        }
        if !pool.backoff.may_try(Instant::now()) {
            return Err(match &pool.last_failure {
                Some(no @ ControlError::NotLetIn { .. }) => no.clone(),
                last => unavailable(&format!(
                    "a moment ago: {}",
                    last.as_ref().map(ControlError::detail).unwrap_or_default()
                )),
            });
        }
        pool.lent += 1;
        drop(pool);
        // From here on the loan gives the place back, also when connecting fails.
        let mut loan = Loan { from: self, connection: None, was_resting: false };
        let opened = Connection::open(&self.settings.url, self.settings.token.as_deref(), deadline);
        let mut pool = self.pool();
        match opened {
            Ok(connection) => {
                pool.backoff.succeeded();
                loan.connection = Some(connection);
                drop(pool);
                Ok(loan)
            }
            Err(error) => {
                pool.backoff.failed(Instant::now());
                pool.last_failure = Some(error.clone());
                // Before the loan is dropped, which locks the pool itself.
                drop(pool);
                Err(error)
            }
        }
    }

    fn describe_key(&self, key: &str, deadline: Deadline) -> Result<Option<SessionRow>, ControlError> {
        let answer = self.ask("sessions.describe", &json!({"key": key}), deadline)?;
        Ok(SessionRow::of_value(answer.get("session").unwrap_or(&answer)))
    }

    fn remembered_key(&self, session: &SessionId) -> Option<String> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|(id, _)| id == session).map(|(_, key)| key.clone())
    }

    fn remember_key(&self, session: &SessionId, key: &str) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|(id, _)| id != session);
        if keys.len() >= KEYS_MAX {
            keys.pop_front();
        }
        keys.push_back((session.clone(), key.to_owned()));
    }

    /// The main session of an agent, else its newest.
    fn session_of_agent(&self, agent: &AgentId, deadline: Deadline) -> Result<SessionRow, ControlError> {
        let main = self.describe_key(&format!("agent:{agent}:main"), deadline)?;
        if let Some(row) = main {
            return Ok(row);
        }
        let rows = self.sessions(deadline)?;
        let own = rows.into_iter().filter(|row| row.agent_id.as_deref() == Some(agent.as_str()));
        own.max_by_key(|row| row.last_activity_at).ok_or(ControlError::NotFound)
    }
}

impl Loan<'_> {
    fn request(&mut self, method: &str, params: Value, deadline: Deadline) -> Result<Value, ControlError> {
        match &mut self.connection {
            Some(connection) => connection.request(method, params, deadline),
            None => Err(unavailable(&"not connected")),
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut pool = self.from.pool();
        pool.lent = pool.lent.saturating_sub(1);
        pool.resting.extend(self.connection.take().filter(Connection::is_usable));
        drop(pool);
        self.from.returned.notify_one();
    }
}

/// A row is the session that was meant when its id or its key is that. After a reset the same key holds another session, which nobody
/// asked about and nobody may end by mistake.
fn is_same(row: &SessionRow, session: &SessionId) -> bool {
    row.session_id == session.as_str() || row.key == session.as_str()
}

impl Controller for OpenClaw {
    fn name(&self) -> &'static str {
        "openclaw"
    }

    fn health(&self, deadline: Deadline) -> Result<Health, ControlError> {
        match self.ask("health", &nothing(), deadline) {
            Ok(answer) => {
                let healthy = answer.get("ok").and_then(Value::as_bool).unwrap_or(true);
                Ok(Health { connected: true, healthy })
            }
            Err(ControlError::Refused { .. }) => Ok(Health { connected: true, healthy: false }),
            Err(error) => Err(error),
        }
    }

    fn agents(&self, deadline: Deadline) -> Result<Vec<AgentRow>, ControlError> {
        Ok(agents_of(&self.ask("agents.list", &nothing(), deadline)?))
    }

    fn sessions(&self, deadline: Deadline) -> Result<Vec<SessionRow>, ControlError> {
        Ok(sessions_of(&self.ask("sessions.list", &json!({"limit": LIST_MAX}), deadline)?))
    }

    fn describe(&self, session: &SessionId, deadline: Deadline) -> Result<Option<SessionRow>, ControlError> {
        if let Some(key) = self.remembered_key(session) {
            let row = self.describe_key(&key, deadline)?;
            if let Some(row) = row.filter(|row| is_same(row, session)) {
                return Ok(Some(row));
            }
        }
        let listed = self.sessions(deadline)?.into_iter().find(|row| is_same(row, session));
        let Some(listed) = listed else {
            // A list has an end; what looks like a key can be asked for by name.
            let row =
                if session.as_str().contains(':') { self.describe_key(session.as_str(), deadline)? } else { None };
            return Ok(row.filter(|row| is_same(row, session)));
        };
        self.remember_key(session, &listed.key);
        Ok(self.describe_key(&listed.key, deadline)?.filter(|row| is_same(row, session)))
    }

    fn kill(&self, session: &SessionRow, deadline: Deadline) -> Result<String, ControlError> {
        let mut params = json!({"key": session.key});
        if let (Some(run), Some(members)) = (&session.run_id, params.as_object_mut()) {
            members.insert("runId".to_owned(), json!(run));
        }
        let answer = self.order("sessions.abort", params, deadline)?;
        Ok(printable(answer.get("status").and_then(Value::as_str).unwrap_or("abort accepted")))
    }

    fn spawn(&self, order: &SpawnOrder, deadline: Deadline) -> Result<Spawned, ControlError> {
        // A gateway makes sessions for agents that it does not have; nobody would ever work on them.
        if !self.agents(deadline)?.iter().any(|agent| agent.id == order.agent_id.as_str()) {
            return Err(ControlError::refused("no such agent"));
        }
        let mut params = json!({"agentId": order.agent_id.as_str()});
        if let (Some(model), Some(members)) = (&order.model, params.as_object_mut()) {
            members.insert("model".to_owned(), json!(model.to_string()));
        }
        let created = self.order("sessions.create", params, deadline)?;
        let text = |field: &str| created.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let Some(key) = text("key").or_else(|| text("sessionId")) else {
            return Err(ControlError::Protocol { reason: "a session was created without a key".to_owned() });
        };
        let session_id = SessionId::parse(text("sessionId").unwrap_or(key)).ok();
        if let Some(id) = &session_id {
            self.remember_key(id, key);
        }
        let message = json!({"sessionKey": key, "message": order.prompt, "idempotencyKey": order.idempotency_key});
        match self.order("chat.send", message, deadline) {
            Ok(answer) => {
                let said = answer.get("status").and_then(Value::as_str).unwrap_or("accepted");
                Ok(Spawned { session_id, output: printable(said) })
            }
            // The session exists, so what became of the prompt can be read back.
            Err(error) if error.is_open() => Ok(Spawned { session_id, output: error.detail() }),
            Err(error) => Err(error),
        }
    }

    fn set_model(&self, target: &ModelTarget, model: &ModelRef, deadline: Deadline) -> Result<SessionId, ControlError> {
        let row = match target {
            ModelTarget::Session(session) => self.describe(session, deadline)?.ok_or(ControlError::NotFound)?,
            ModelTarget::Agent(agent) => self.session_of_agent(agent, deadline)?,
        };
        let session = SessionId::parse(&row.session_id)
            .map_err(|fault| ControlError::Protocol { reason: format!("the id of a session {fault}") })?;
        self.remember_key(&session, &row.key);
        self.order("sessions.patch", json!({"key": row.key, "model": model.to_string()}), deadline)?;
        Ok(session)
    }

    fn logs(&self, _: Deadline) -> Vec<LogLine> {
        last_lines(&self.settings.logs)
    }
}

#[cfg(test)]
#[path = "openclaw_tests.rs"]
mod tests;
