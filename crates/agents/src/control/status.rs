//! The status page: which agents run, failed, finished or rest, and what is said when the gateway is lost.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use exhibit_model::time::{Clock, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::controller::{ControlError, Controller, Deadline, Health};
use super::rows::{AGENTS_MAX, AgentRow, AgentState, Liveness, SessionRow};
use super::words::iso_millis;

/// How long an answer is given again before the gateway is asked anew.
pub const CACHE_MICROS: i64 = 1_000_000;
/// How long the last good data are shown after the gateway was lost.
pub const STALE_MICROS: i64 = 10_000_000;
/// How far back a session that is not live still counts for its agent.
pub const RECENT_MICROS: i64 = 15 * 60 * 1_000_000;
/// Sessions shown with an agent, newest first: what fits a page; the ledger has all.
pub const SESSIONS_SHOWN_MAX: usize = 20;
/// Time for all questions to the gateway together: a page that waits longer is of no use, and the last data are there.
const ASK_TIME: Duration = Duration::from_secs(3);

/// What `/api/system/status` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentsStatus")]
pub struct Status {
    /// When it was put together: RFC 3339, `Z`, milliseconds.
    pub generated_at: String,
    /// Always `gateway-ws`, as clients of the older contract know it; [`Self::controller`] says who was asked.
    pub source: &'static str,
    /// The connection.
    pub gateway: GatewayStatus,
    /// All agents that are known, in the order of the gateway, then those that only sessions name.
    pub agents: Vec<AgentStatus>,
    /// Name of the controller.
    pub controller: &'static str,
}

/// The connection to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GatewayStatus {
    /// It was reached just now.
    pub connected: bool,
    /// And it calls itself well.
    pub healthy: bool,
    /// What is shown is older than the last attempt to ask.
    pub stale: bool,
    /// Why it could not be asked, when it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// An agent on the status page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `running`, `idle`, `failed` or `done`.
    pub status: &'static str,
    /// When it was last seen to do something; RFC 3339 or null.
    pub last_activity_at: Option<String>,
    /// Why it has this status.
    pub reason: &'static str,
    /// Its newest sessions.
    pub sessions: Vec<SessionStatus>,
}

/// A session on the status page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionStatus {
    /// The real id, which `kill` takes.
    pub session_id: String,
    /// A state of the ledger, or `idle`.
    pub state: &'static str,
    /// Its model, where it is known.
    pub model_id: Option<String>,
    /// When it last did something; RFC 3339 or null.
    pub last_activity_at: Option<String>,
}

/// What a gateway said at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its agents.
    pub agents: Vec<AgentRow>,
    /// Their sessions.
    pub sessions: Vec<SessionRow>,
    /// How it was.
    pub health: Health,
}

/// The status of each agent by what its sessions say at `now`.
///
/// A session counts while it is live, or for 15 minutes after it last did something, so that an old failure ages out. The newest that
/// counts decides; of two at the same moment the worse one. One without a verdict (killed, cancelled, at rest) decides only when none runs.
pub fn agent_statuses(agents: &[AgentRow], sessions: &[SessionRow], now: Timestamp) -> Vec<AgentStatus> {
    let mut by_agent: HashMap<&str, Vec<&SessionRow>> = HashMap::new();
    let mut order: Vec<(&str, &str, Option<Timestamp>)> = Vec::new();
    for agent in agents {
        if by_agent.insert(&agent.id, Vec::new()).is_none() {
            order.push((&agent.id, &agent.name, agent.last_activity_at));
        }
    }
    for session in sessions {
        let Some(agent) = session.agent_id.as_deref() else { continue };
        if !by_agent.contains_key(agent) && order.len() < AGENTS_MAX {
            order.push((agent, agent, None));
            by_agent.insert(agent, Vec::new());
        }
        if let Some(list) = by_agent.get_mut(agent) {
            list.push(session);
        }
    }
    order
        .into_iter()
        .map(|(id, name, own)| {
            let mut sessions = by_agent.remove(id).unwrap_or_default();
            sessions.sort_by(|one, other| {
                other.last_activity_at.cmp(&one.last_activity_at).then_with(|| one.session_id.cmp(&other.session_id))
            });
            agent_status(id, name, own, &sessions, now)
        })
        .collect()
}

fn agent_status(
    id: &str,
    name: &str,
    own_activity: Option<Timestamp>,
    sessions: &[&SessionRow],
    now: Timestamp,
) -> AgentStatus {
    let counted = || sessions.iter().filter(|session| counts(session, now));
    // A session that was ended or rests says nothing of how its agent is; while another one runs, the agent does.
    let runs = counted().any(|session| session.status() == AgentState::Running);
    let deciding = counted()
        .filter(|session| !runs || session.status() != AgentState::Idle)
        .max_by_key(|session| (session.last_activity_at.map(|at| at.min(now)), std::cmp::Reverse(session.status())));
    let (state, reason) = match deciding.map(|session| session.status()) {
        None => (AgentState::Idle, "no active session"),
        Some(AgentState::Failed) => (AgentState::Failed, "session error"),
        Some(AgentState::Running) => (AgentState::Running, "active session"),
        Some(AgentState::Done) => (AgentState::Done, "last session completed"),
        Some(AgentState::Idle) => (AgentState::Idle, "idle"),
    };
    let newest = sessions.iter().filter_map(|session| session.last_activity_at).max().max(own_activity);
    AgentStatus {
        id: id.to_owned(),
        name: name.to_owned(),
        status: state.as_str(),
        last_activity_at: newest.map(iso_millis),
        reason,
        sessions: sessions.iter().take(SESSIONS_SHOWN_MAX).map(|session| session_status(session)).collect(),
    }
}

fn session_status(session: &SessionRow) -> SessionStatus {
    SessionStatus {
        session_id: session.session_id.clone(),
        state: session.state_word(),
        model_id: session.model_id.clone(),
        last_activity_at: session.last_activity_at.map(iso_millis),
    }
}

/// Live, or of the last 15 minutes. Clocks of two machines differ, so a little in the future counts as now; a time further ahead is no
/// time at all, or its failure would never age out.
fn counts(session: &SessionRow, now: Timestamp) -> bool {
    let live = session.liveness() == Liveness::Live || session.status() == AgentState::Running;
    let recent =
        session.last_activity_at.is_some_and(|at| now.0.saturating_sub(at.0).saturating_abs() <= RECENT_MICROS);
    live || recent
}

/// The last answers of a gateway, and what to say from them. Pure: the caller asks and tells the time.
#[derive(Debug, Default)]
pub struct StatusMemory {
    last_good: Option<(Timestamp, Snapshot)>,
    last_answer: Option<(Timestamp, Status)>,
}

impl StatusMemory {
    /// The last answer, while it is at most a second old. A clock that was set back asks anew.
    pub fn fresh(&self, now: Timestamp) -> Option<&Status> {
        let (at, status) = self.last_answer.as_ref()?;
        (0..CACHE_MICROS).contains(&now.0.saturating_sub(at.0)).then_some(status)
    }

    /// The gateway answered.
    pub fn answered(&mut self, controller: &'static str, snapshot: Snapshot, now: Timestamp) -> Status {
        let gateway = GatewayStatus {
            connected: snapshot.health.connected,
            healthy: snapshot.health.healthy,
            stale: false,
            problem: None,
        };
        let agents = agent_statuses(&snapshot.agents, &snapshot.sessions, now);
        self.last_good = Some((now, snapshot));
        self.keep(controller, gateway, agents, now)
    }

    /// The gateway could not be asked: its last data for ten seconds, then every agent idle, as nothing is known of it.
    pub fn lost(&mut self, controller: &'static str, why: &ControlError, now: Timestamp) -> Status {
        // In the words of an answer: the whole reason may name what belongs into the log.
        let problem = Some(why.to_string());
        let gateway = GatewayStatus { connected: false, healthy: false, stale: true, problem };
        let agents = match &self.last_good {
            None => Vec::new(),
            Some((at, snapshot)) => {
                let mut agents = agent_statuses(&snapshot.agents, &snapshot.sessions, now);
                if now.0.saturating_sub(at.0) > STALE_MICROS {
                    for agent in &mut agents {
                        agent.status = AgentState::Idle.as_str();
                        agent.reason = "gateway unavailable";
                        agent.sessions.clear();
                    }
                }
                agents
            }
        };
        self.keep(controller, gateway, agents, now)
    }

    fn keep(
        &mut self,
        controller: &'static str,
        gateway: GatewayStatus,
        agents: Vec<AgentStatus>,
        now: Timestamp,
    ) -> Status {
        let status = Status { generated_at: iso_millis(now), source: "gateway-ws", gateway, agents, controller };
        self.last_answer = Some((now, status.clone()));
        status
    }
}

/// The status of one controller for any number of readers: one of them asks, the others wait for its answer.
#[derive(Debug, Default)]
pub struct StatusBoard(Mutex<StatusMemory>);

impl StatusBoard {
    /// A board that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The status now. Blocks for three seconds at most. The second value is why the gateway could not be asked, once per attempt, for
    /// the log of the caller.
    pub fn read(&self, controller: &dyn Controller, clock: &dyn Clock) -> (Status, Option<ControlError>) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = memory.fresh(clock.now()) {
            return (status.clone(), None);
        }
        match ask(controller) {
            Ok(snapshot) => (memory.answered(controller.name(), snapshot, clock.now()), None),
            Err(error) => (memory.lost(controller.name(), &error, clock.now()), Some(error)),
        }
    }
}

fn ask(controller: &dyn Controller) -> Result<Snapshot, ControlError> {
    let deadline = Deadline::within(ASK_TIME);
    let agents = unless_unsupported(controller.agents(deadline))?;
    let sessions = unless_unsupported(controller.sessions(deadline))?;
    // Data that arrived are worth more than a gateway that cannot tell how it feels.
    let health = controller.health(deadline).unwrap_or(Health { connected: true, healthy: false });
    Ok(Snapshot { agents, sessions, health })
}

/// A controller that cannot list something has nothing to show there, which is no loss of it.
fn unless_unsupported<T>(rows: Result<Vec<T>, ControlError>) -> Result<Vec<T>, ControlError> {
    match rows {
        Err(ControlError::Unsupported) => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
