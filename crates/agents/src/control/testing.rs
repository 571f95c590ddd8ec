//! What the tests of this folder share: a controller, an audit and a pace that are driven by hand.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use exhibit_model::time::{Clock, FixedClock, Timestamp};
use serde_json::{Value, json};

use super::audit::{Audit, AuditError, AuditId, Intent, Verdict};
use super::controller::{ControlError, Controller, Deadline, Health, ModelTarget, Pace, SpawnOrder, Spawned};
use super::logs::LogLine;
use super::rows::{AgentRow, SessionRow, agents_of, sessions_of};
use super::words::{ModelRef, SessionId};

/// A pace whose waiting only moves its clock.
pub struct HandPace {
    clock: FixedClock,
    pub waits: AtomicUsize,
}

impl HandPace {
    pub fn new() -> Self {
        Self { clock: FixedClock::new(Timestamp(1_800_000_000_000_000)), waits: AtomicUsize::new(0) }
    }
}

impl Clock for HandPace {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Pace for HandPace {
    fn wait(&self, millis: u64) {
        self.waits.fetch_add(1, Ordering::SeqCst);
        self.clock.advance_micros(i64::try_from(millis).unwrap() * 1000);
    }
}

/// A pace that waits a hundredth of the time it tells: for tests with real sockets and children.
pub struct QuickPace(FixedClock);

impl QuickPace {
    pub fn new() -> Self {
        Self(FixedClock::new(Timestamp(1_800_000_000_000_000)))
    }
}

impl Clock for QuickPace {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Pace for QuickPace {
    fn wait(&self, millis: u64) {
        self.0.advance_micros(i64::try_from(millis).unwrap() * 1000);
        std::thread::yield_now();
    }
}

/// An audit in memory.
#[derive(Default)]
pub struct MemoryAudit {
    pub lines: Mutex<Vec<(Intent, Option<Verdict>)>>,
    pub broken_intent: AtomicBool,
    pub broken_outcome: AtomicBool,
}

impl MemoryAudit {
    pub fn only(&self) -> (Intent, Option<Verdict>) {
        let lines = self.lines.lock().unwrap();
        assert_eq!(lines.len(), 1);
        lines[0].clone()
    }
}

impl Audit for MemoryAudit {
    fn intent(&self, intent: &Intent) -> Result<AuditId, AuditError> {
        if self.broken_intent.load(Ordering::SeqCst) {
            return Err(AuditError { reason: "disk full".to_owned() });
        }
        let mut lines = self.lines.lock().unwrap();
        lines.push((intent.clone(), None));
        Ok(AuditId(format!("aud_{}", lines.len())))
    }

    fn outcome(&self, id: &AuditId, verdict: &Verdict) -> Result<(), AuditError> {
        if self.broken_outcome.load(Ordering::SeqCst) {
            return Err(AuditError { reason: "disk full".to_owned() });
        }
        let number: usize = id.0.strip_prefix("aud_").unwrap().parse().unwrap();
        let mut lines = self.lines.lock().unwrap();
        assert!(lines[number - 1].1.is_none(), "one outcome per intent");
        lines[number - 1].1 = Some(verdict.clone());
        Ok(())
    }
}

type Described = Result<Option<SessionRow>, ControlError>;

/// A controller that says what it was told to say.
#[derive(Default)]
pub struct ScriptedController {
    agents: Mutex<Value>,
    sessions: Mutex<Value>,
    lost: AtomicBool,
    asked: AtomicUsize,
    /// Answers to `describe`, in order; the last one stays.
    described: Mutex<VecDeque<Described>>,
    pub kill_answer: Mutex<Option<Result<String, ControlError>>>,
    pub spawn_answer: Mutex<Option<Result<Spawned, ControlError>>>,
    pub model_answer: Mutex<Option<Result<SessionId, ControlError>>>,
    pub orders: Mutex<Vec<String>>,
    /// When set, `kill` waits at it twice: once when it begins, once before it goes on.
    pub gate: Option<std::sync::Barrier>,
}

impl ScriptedController {
    pub fn set_agents(&self, agents: Value) {
        *self.agents.lock().unwrap() = agents;
    }

    pub fn set_sessions(&self, sessions: Value) {
        *self.sessions.lock().unwrap() = sessions;
    }

    pub fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    pub fn find_again(&self) {
        self.lost.store(false, Ordering::SeqCst);
    }

    pub fn times_asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// `states` are the words of session `s1` that `describe` gives, `absent` for none and `lost` for an error.
    pub fn describing(states: &[&str]) -> Self {
        let controller = Self::default();
        for state in states {
            let answer = match *state {
                "absent" => Ok(None),
                "lost" => Err(ControlError::Unavailable { reason: "gone".to_owned() }),
                word => Ok(SessionRow::of_value(&match word.split_once('/') {
                    Some((provider, model)) => json!({"id": "s1", "provider": provider, "model": model}),
                    None => json!({"id": "s1", "status": word}),
                })),
            };
            controller.described.lock().unwrap().push_back(answer);
        }
        controller
    }

    fn check(&self) -> Result<(), ControlError> {
        if self.lost.load(Ordering::SeqCst) {
            return Err(ControlError::Unavailable { reason: "scripted".to_owned() });
        }
        Ok(())
    }
}

impl Controller for ScriptedController {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn health(&self, _: Deadline) -> Result<Health, ControlError> {
        self.check().map(|()| Health { connected: true, healthy: true })
    }

    fn agents(&self, _: Deadline) -> Result<Vec<AgentRow>, ControlError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        Ok(agents_of(&self.agents.lock().unwrap()))
    }

    fn sessions(&self, _: Deadline) -> Result<Vec<SessionRow>, ControlError> {
        self.check()?;
        Ok(sessions_of(&self.sessions.lock().unwrap()))
    }

    fn describe(&self, _: &SessionId, _: Deadline) -> Described {
        let mut answers = self.described.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers.front().cloned().unwrap_or(Ok(None)) }
    }

    fn kill(&self, session: &SessionRow, _: Deadline) -> Result<String, ControlError> {
        self.orders.lock().unwrap().push(format!("kill {}", session.session_id));
        if let Some(gate) = &self.gate {
            gate.wait();
            gate.wait();
        }
        self.kill_answer.lock().unwrap().clone().unwrap_or_else(|| Ok("aborted".to_owned()))
    }

    fn spawn(&self, order: &SpawnOrder, _: Deadline) -> Result<Spawned, ControlError> {
        let model = order.model.as_ref().map_or_else(|| "own".to_owned(), ToString::to_string);
        self.orders.lock().unwrap().push(format!("spawn {} {model} {}", order.agent_id, order.idempotency_key));
        self.spawn_answer.lock().unwrap().clone().unwrap_or_else(|| {
            Ok(Spawned { session_id: Some(SessionId::parse("s1").unwrap()), output: "started".to_owned() })
        })
    }

    fn set_model(&self, target: &ModelTarget, model: &ModelRef, _: Deadline) -> Result<SessionId, ControlError> {
        self.orders.lock().unwrap().push(format!("model {target:?} {model}"));
        self.model_answer.lock().unwrap().clone().unwrap_or_else(|| Ok(SessionId::parse("s1").unwrap()))
    }

    fn logs(&self, _: Deadline) -> Vec<LogLine> {
        Vec::new()
    }
}
