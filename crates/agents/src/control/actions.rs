//! What people order: audited before, carried out, read back until it is seen, audited after.
//!
//! An answer of 200 is a statement about the state that was read back, never about the order that was given.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use super::answer::Answer;
use super::answer::{Done, not_given, not_seen, refused_word};
use super::audit::{Action, Audit, AuditId, Caller, Intent, Outcome, Verdict};
use super::controller::{ControlError, Controller, Deadline, ModelTarget, Pace, SpawnOrder};
use super::flights::Flights;
pub use super::requests::{BODY_BYTES_MAX, PROMPT_BYTES_MAX};
use super::requests::{KillRequest, ModelRequest, SpawnRequest};
use super::rows::{Liveness, SessionRow, model_of};
use super::words::{AgentId, ModelRef, SessionId, Word, WordFault, breaks_lines, printable};
use crate::state::SessionState;

/// How long the effect of an order is looked for.
pub const READ_BACK_MICROS: i64 = 10_000_000;
/// First pause between two looks; it doubles up to [`PAUSE_LONGEST_MS`]. Most orders are done within it.
const PAUSE_FIRST_MS: u64 = 50;
/// Longest pause between two looks: an operator waits for this answer.
const PAUSE_LONGEST_MS: u64 = 500;
/// Looks at most. Ten seconds hold 23 of them; a clock that was set back must not make it endless.
const LOOKS_MAX: usize = 64;
/// Time for an order itself: a gateway takes milliseconds, and ending own children five seconds of patience and some more.
const ORDER_TIME: Duration = Duration::from_secs(15);

/// Orders to one controller.
pub struct Actions {
    controller: Arc<dyn Controller>,
    audit: Arc<dyn Audit>,
    pace: Arc<dyn Pace>,
    allowed_models: Vec<String>,
    default_model: Mutex<Option<ModelRef>>,
    kills: Flights,
}

/// What was seen last when reading back.
enum Seen {
    /// A session.
    Row(Box<SessionRow>),
    /// That there is none.
    Absent,
    /// Nothing, for this reason.
    Nothing(ControlError),
}

impl Actions {
    /// Orders to `controller`, kept in `audit`. `allowed_models` are `provider/model`, compared exactly; with none, no model can be set.
    pub fn new(
        controller: Arc<dyn Controller>,
        audit: Arc<dyn Audit>,
        pace: Arc<dyn Pace>,
        allowed_models: Vec<String>,
    ) -> Self {
        Self { controller, audit, pace, allowed_models, default_model: Mutex::new(None), kills: Flights::default() }
    }

    /// With a model for later spawns from the start: the one that the audit saw confirmed last. One that is no longer allowed is dropped.
    pub fn with_default_model(self, model: ModelRef) -> Self {
        let allowed = self.allowed_models.contains(&model.to_string());
        Self { default_model: Mutex::new(allowed.then_some(model)), ..self }
    }

    /// The models that may be set.
    pub fn allowed_models(&self) -> &[String] {
        &self.allowed_models
    }

    /// The model of later spawns, when one was set.
    pub fn default_model(&self) -> Option<ModelRef> {
        self.default_model.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `POST /api/control/kill`, body `{sessionId, dryRun?}`. A second one of the same session joins the first and gets its answer.
    pub fn kill(&self, caller: &Caller, body: &[u8]) -> Answer {
        let request = match KillRequest::parse(body) {
            Ok(request) => request,
            Err(answer) => return answer,
        };
        let target = format!("session={}", request.session_id);
        let run = || {
            self.audited(caller, Action::Kill, &target, request.dry_run, |_| {
                let session = match SessionId::parse(&request.session_id) {
                    Ok(session) => session,
                    Err(fault) => return refused_word(Action::Kill, "sessionId", fault),
                };
                self.kill_session(&session, request.dry_run).with("sessionId", session.as_str())
            })
        };
        if request.dry_run {
            return run();
        }
        let joined = |wait: &dyn Fn() -> Answer| self.joined(caller, &target, wait);
        self.kills.join_or_run(&request.session_id, run, joined)
    }

    /// A kill that joins another one: the audit holds who else gave it, and the answer is that of the first.
    fn joined(&self, caller: &Caller, target: &str, wait: &dyn Fn() -> Answer) -> Answer {
        let wrong = |fault| Answer { audit_fault: Some(fault), ..Answer::error(500, "Internal error") };
        let intent = Intent::new(self.pace.now(), caller, Action::Kill, target, self.controller.name());
        let id = match self.audit.intent(&intent) {
            Ok(id) => id,
            Err(fault) => return wrong(fault),
        };
        let answer = wait();
        let said = |field: &str| answer.body[field].as_str();
        let verdict = Verdict {
            at: self.pace.now(),
            // The first one may hang, or have ended without an outcome of its own.
            outcome: said("outcome").and_then(Outcome::of_word).unwrap_or(Outcome::Unconfirmed),
            final_state: said("finalState").map(str::to_owned),
            detail: Some(printable(&format!("joined the kill under way, {}", said("auditId").unwrap_or("not noted")))),
        };
        match self.audit.outcome(&id, &verdict) {
            Ok(()) => answer,
            Err(fault) => wrong(fault),
        }
    }

    /// `POST /api/control/spawn`, body `{agentId, prompt, dryRun?}`.
    pub fn spawn(&self, caller: &Caller, body: &[u8]) -> Answer {
        let request = match SpawnRequest::parse(body) {
            Ok(request) => request,
            Err(answer) => return answer,
        };
        let target = format!("agent={}", request.agent_id);
        self.audited(caller, Action::Spawn, &target, request.dry_run, |id| {
            let agent_id = match AgentId::parse(&request.agent_id) {
                Ok(agent) => agent,
                Err(fault) => return refused_word(Action::Spawn, "agentId", fault),
            };
            // Lines and tabs are what prompts are made of; an escape sequence would reach somebody's terminal.
            if request
                .prompt
                .chars()
                .any(|c| breaks_lines(c) && !matches!(c, '\n' | '\r' | '\t' | '\u{200e}' | '\u{200f}'))
            {
                return refused_word(Action::Spawn, "prompt", WordFault::Control);
            }
            let (prompt, model) = (request.prompt.clone(), self.default_model());
            let order = SpawnOrder { agent_id, prompt, model, idempotency_key: id.0.clone() };
            self.spawn_session(&order, request.dry_run)
        })
    }

    /// `POST /api/control/model`, body `{provider, model, agentId | sessionId, dryRun?}`; without a target it is for later spawns.
    pub fn model(&self, caller: &Caller, body: &[u8]) -> Answer {
        let request = match ModelRequest::parse(body) {
            Ok(request) => request,
            Err(answer) => return answer,
        };
        let whose = match (&request.session_id, &request.agent_id) {
            (Some(session), _) => format!("session={session}"),
            (None, Some(agent)) => format!("agent={agent}"),
            (None, None) => "default".to_owned(),
        };
        let target = format!("{whose} model={}/{}", request.provider, request.model);
        self.audited(caller, Action::Model, &target, request.dry_run, |_| {
            let (model, target) = match checked_model(&request) {
                Ok(checked) => checked,
                Err(done) => return done,
            };
            let done = self.set_model(&model, target.as_ref(), request.dry_run);
            done.with("provider", model.provider.as_str()).with("model", model.model.as_str())
        })
    }

    /// Intent, deed, outcome. Nothing is done without the first.
    fn audited(
        &self,
        caller: &Caller,
        action: Action,
        target: &str,
        dry_run: bool,
        act: impl FnOnce(&AuditId) -> Done,
    ) -> Answer {
        let intent = Intent::new(self.pace.now(), caller, action, target, self.controller.name());
        let id = match self.audit.intent(&Intent { dry_run, ..intent }) {
            Ok(id) => id,
            Err(fault) => return Answer { audit_fault: Some(fault), ..Answer::error(500, "Internal error") },
        };
        let done = act(&id);
        let reason = done.detail.clone().or_else(|| Some(done.error.clone()).filter(|error| !error.is_empty()));
        let verdict = Verdict {
            at: self.pace.now(),
            outcome: done.outcome,
            final_state: done.final_state.clone(),
            detail: reason.map(|reason| printable(&reason)),
        };
        let fault = self.audit.outcome(&id, &verdict).err();
        done.into_answer(&id, fault)
    }

    fn kill_session(&self, session: &SessionId, dry_run: bool) -> Done {
        let deadline = Deadline::within(ORDER_TIME);
        let row = match self.controller.describe(session, deadline) {
            Ok(Some(row)) => row,
            Ok(None) => return not_given(Action::Kill, &ControlError::NotFound),
            Err(error) => return not_given(Action::Kill, &error),
        };
        let state = row.state_word();
        if dry_run {
            let output = format!("dry run: would end a session that is {state}");
            return Done::new(Outcome::DryRun).in_state(state.to_owned()).with("output", output);
        }
        if row.liveness() == Liveness::Ended {
            let done = Done::new(Outcome::AlreadyEnded).in_state(state.to_owned());
            return done.with("output", format!("session already {state}"));
        }
        let said = match self.controller.kill(&row, deadline) {
            Ok(output) => output,
            Err(error) if error.is_open() => error.detail(),
            Err(error) => return not_given(Action::Kill, &error),
        };
        let (is_seen, seen) = self.read_back(session, |row| row.is_none_or(|row| row.liveness() == Liveness::Ended));
        if is_seen {
            return Done::new(Outcome::Confirmed).in_state(seen.state()).because(said.clone()).with("output", said);
        }
        let why = match &seen {
            Seen::Row(row) if row.liveness() == Liveness::Unknown => "session state is unknown".to_owned(),
            Seen::Row(row) => format!("session still {}", row.state_word()),
            Seen::Absent => "session not found".to_owned(),
            Seen::Nothing(error) => error.to_string(),
        };
        let error = format!("kill not confirmed: {why}");
        let detail = format!("{error}; {}", seen.reason().unwrap_or(said));
        Done::wrong(Outcome::Unconfirmed, error).in_state(seen.state()).because(detail)
    }

    fn spawn_session(&self, order: &SpawnOrder, dry_run: bool) -> Done {
        let deadline = Deadline::within(ORDER_TIME);
        if dry_run {
            return match self.controller.agents(deadline) {
                Ok(agents) if agents.iter().any(|agent| agent.id == order.agent_id.as_str()) => {
                    let model = order.model.as_ref().map_or_else(|| "its own model".to_owned(), ToString::to_string);
                    let output = format!("dry run: would start agent {} with {model}", order.agent_id);
                    Done::new(Outcome::DryRun).with("sessionId", None::<String>).with("output", output)
                }
                Ok(_) => not_given(Action::Spawn, &ControlError::refused("no such agent")),
                Err(error) => not_given(Action::Spawn, &error),
            };
        }
        let spawned = match self.controller.spawn(order, deadline) {
            Ok(spawned) => spawned,
            Err(error) => return not_seen(Action::Spawn, &error),
        };
        let Some(session) = spawned.session_id else {
            let error = "spawn not confirmed: the controller named no session".to_owned();
            let done = Done::wrong(Outcome::Unconfirmed, error).because(spawned.output);
            return done.with("sessionId", None::<String>);
        };
        // A session that only exists may never begin; one that has a state did.
        let (is_seen, seen) = self.read_back(&session, |row| row.is_some_and(|row| row.state().is_some()));
        let state = seen.state();
        let done = if !is_seen {
            let error = format!("spawn not confirmed: {}", seen.reason().unwrap_or_else(|| seen.not_begun()));
            Done::wrong(Outcome::Unconfirmed, error)
        } else if state.as_deref() == Some(SessionState::Failed.as_str()) {
            Done::wrong(Outcome::Failed, "spawn failed: session failed".to_owned())
        } else {
            Done::new(Outcome::Confirmed).with("output", spawned.output.clone())
        };
        let done = if done.outcome.is_ok() { done.because(spawned.output) } else { done };
        done.in_state(state).with("sessionId", session.as_str())
    }

    fn set_model(&self, model: &ModelRef, target: Option<&ModelTarget>, dry_run: bool) -> Done {
        let name = model.to_string();
        if !self.allowed_models.contains(&name) {
            return Done::wrong(Outcome::Refused, "model refused: not in agents.control.allowed_models".to_owned());
        }
        if dry_run {
            return self.try_model(target);
        }
        let Some(target) = target else {
            *self.default_model.lock().unwrap_or_else(PoisonError::into_inner) = Some(model.clone());
            return Done::new(Outcome::Confirmed).in_state(self.default_model().map(|model| model.to_string()));
        };
        let session = match self.controller.set_model(target, model, Deadline::within(ORDER_TIME)) {
            Ok(session) => session,
            Err(error) => match target {
                ModelTarget::Session(session) if error.is_open() => session.clone(),
                // Of an agent it is not known on which session it should show.
                _ => return not_seen(Action::Model, &error),
            },
        };
        let (is_seen, seen) = self.read_back(&session, |row| row.is_some_and(|row| has_model(row, model)));
        if is_seen {
            return Done::new(Outcome::Confirmed).in_state(name);
        }
        let shown = match &seen {
            Seen::Row(row) => Some(model_of(row)),
            _ => None,
        };
        let why = shown.as_ref().map(|shown| format!("session still has {shown}"));
        let why = why.or_else(|| seen.reason()).unwrap_or_else(|| "session not found".to_owned());
        Done::wrong(Outcome::Unconfirmed, format!("model not confirmed: {why}")).in_state(shown)
    }

    /// What setting a model would find: the session or the agent that it is for has to be there.
    fn try_model(&self, target: Option<&ModelTarget>) -> Done {
        let deadline = Deadline::within(ORDER_TIME);
        let seen = match target {
            None => return Done::new(Outcome::DryRun),
            Some(ModelTarget::Session(session)) => self.controller.describe(session, deadline).map(|row| {
                // The model that it has now: that is what would change.
                row.map(|row| Done::new(Outcome::DryRun).in_state(model_of(&row)))
            }),
            Some(ModelTarget::Agent(agent)) => self.controller.agents(deadline).map(|agents| {
                agents.iter().any(|known| known.id == agent.as_str()).then(|| Done::new(Outcome::DryRun))
            }),
        };
        match seen {
            Ok(Some(done)) => done,
            Ok(None) => not_given(Action::Model, &ControlError::NotFound),
            Err(error) => not_given(Action::Model, &error),
        }
    }

    /// Looks at a session until `is_done`, for ten seconds at most; says whether it was, and what was seen last.
    fn read_back(&self, session: &SessionId, is_done: impl Fn(Option<&SessionRow>) -> bool) -> (bool, Seen) {
        let until = self.pace.now().0.saturating_add(READ_BACK_MICROS);
        let mut pause = PAUSE_FIRST_MS;
        let mut seen = Seen::Nothing(ControlError::NoAnswer { reason: "no time to look".to_owned() });
        for _ in 0..LOOKS_MAX {
            let left_ms = u64::try_from(until.saturating_sub(self.pace.now().0)).unwrap_or(0) / 1000;
            if left_ms == 0 {
                break;
            }
            let deadline = Deadline::within(Duration::from_millis(left_ms));
            match self.controller.describe(session, deadline) {
                Ok(row) => {
                    let is_done = is_done(row.as_ref());
                    seen = row.map_or(Seen::Absent, |row| Seen::Row(Box::new(row)));
                    if is_done {
                        return (true, seen);
                    }
                }
                Err(error @ ControlError::Unsupported) => return (false, Seen::Nothing(error)),
                Err(error) => seen = Seen::Nothing(error),
            }
            self.pace.wait(pause.min(left_ms));
            pause = (pause * 2).min(PAUSE_LONGEST_MS);
        }
        (false, seen)
    }
}

impl Seen {
    /// For the audit and the answer: a state, `absent`, or nothing.
    fn state(&self) -> Option<String> {
        match self {
            Self::Row(row) => Some(row.state_word().to_owned()),
            Self::Absent => Some("absent".to_owned()),
            Self::Nothing(_) => None,
        }
    }

    /// Why nothing was seen.
    fn reason(&self) -> Option<String> {
        match self {
            Self::Nothing(error) => Some(error.to_string()),
            Self::Row(_) | Self::Absent => None,
        }
    }

    fn not_begun(&self) -> String {
        match self {
            Self::Absent => "session not found".to_owned(),
            _ => "session did not begin".to_owned(),
        }
    }
}

fn checked_model(request: &ModelRequest) -> Result<(ModelRef, Option<ModelTarget>), Done> {
    let refused = |field: &'static str| move |fault| refused_word(Action::Model, field, fault);
    let provider = Word::parse(&request.provider).map_err(refused("provider"))?;
    let model = Word::parse(&request.model).map_err(refused("model"))?;
    let target = match (&request.session_id, &request.agent_id) {
        (Some(id), _) => Some(ModelTarget::Session(SessionId::parse(id).map_err(refused("sessionId"))?)),
        (None, Some(id)) => Some(ModelTarget::Agent(AgentId::parse(id).map_err(refused("agentId"))?)),
        (None, None) => None,
    };
    Ok((ModelRef { provider, model }, target))
}

fn has_model(row: &SessionRow, model: &ModelRef) -> bool {
    model_of(row) == model.to_string()
}

#[cfg(test)]
#[path = "actions_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "actions_wired_tests.rs"]
mod wired_tests;
