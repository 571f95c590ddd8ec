//! The controller of own children: an allowed command line per agent, one process group per session.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use exhibit_model::time::{Clock, IdSource, Timestamp};

use super::argv::Values;
pub use super::argv::{ArgvFault, ArgvTemplate};
use super::child::{ChildEnd, ChildGroup, Launch, Launcher, wait_end};
use super::controller::{ControlError, Controller, Deadline, Health, ModelTarget, SpawnOrder, Spawned};
use super::logs::{LINES_MAX, LogLine};
use super::rows::{AgentRow, SessionRow};
use super::words::{AgentId, ModelRef, SessionId, iso_millis, printable};
use crate::state::SessionState;

/// Children that run at a time: more agents than one machine carries.
const RUNNING_MAX: usize = 64;
/// Sessions that ended and are still shown; the ledger has all.
const ENDED_MAX: usize = 256;
/// How long a child may take to end by itself.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long a child is watched before it counts as begun. A program that misses a file or does not know its arguments ends within a few
/// milliseconds, and whoever gave the order should hear of it at once.
pub const SETTLE: Duration = Duration::from_millis(200);
/// How long the kernel may take to end a group that was sent KILL: it is at once, unless a disk or a network file system hangs.
const KILL_TIME: Duration = Duration::from_secs(2);

/// An agent that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAgent {
    /// Its id.
    pub agent_id: AgentId,
    /// Its command line, with `{prompt}` and, where it takes them, `{provider}` and `{model}`.
    pub argv: ArgvTemplate,
}

/// What may be started, and how.
pub struct ProcessSettings {
    /// The agents.
    pub agents: Vec<OwnAgent>,
    /// The whole environment of a child; nothing is inherited.
    pub env: Vec<(String, String)>,
    /// How long a child may take to end by itself; [`PATIENCE`] unless an operator knows better.
    pub patience: Duration,
    /// How long a child is watched for an end at once before it counts as begun; [`SETTLE`] unless nobody waits for it.
    pub settle: Duration,
    /// Program and first arguments that call [`guard::run`](super::guard::run) with what follows. Without it, what a child started may
    /// go on when this program is killed.
    pub guard: Option<Vec<String>>,
    /// The time that sessions show.
    pub clock: Arc<dyn Clock>,
    /// Where ids of sessions come from.
    pub ids: Arc<dyn IdSource>,
}

/// Own children. Dropping it ends all of them.
pub struct Processes {
    settings: ProcessSettings,
    // Dropped in this order: children are ended and reaped before the thread that the kernel ties their lives to.
    children: Mutex<VecDeque<Arc<OwnChild>>>,
    journal: Arc<Journal>,
    launcher: Launcher,
}

/// What happened, and when.
struct Journal {
    clock: Arc<dyn Clock>,
    lines: Mutex<VecDeque<LogLine>>,
}

struct OwnChild {
    session_id: String,
    agent_id: String,
    model: Option<ModelRef>,
    started_at: Timestamp,
    life: Mutex<Life>,
}

struct Life {
    /// Gone once its end was seen.
    group: Option<ChildGroup>,
    state: SessionState,
    is_ordered_to_end: bool,
    ended_at: Option<Timestamp>,
}

impl Processes {
    /// A controller without children yet.
    ///
    /// # Errors
    /// When the thread that starts children cannot be started.
    pub fn start(settings: ProcessSettings) -> io::Result<Self> {
        let journal = Arc::new(Journal { clock: Arc::clone(&settings.clock), lines: Mutex::new(VecDeque::new()) });
        Ok(Self { settings, children: Mutex::new(VecDeque::new()), journal, launcher: Launcher::start()? })
    }

    fn children(&self) -> MutexGuard<'_, VecDeque<Arc<OwnChild>>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, session_id: &str) -> Option<Arc<OwnChild>> {
        self.children().iter().find(|child| child.session_id == session_id).map(Arc::clone)
    }

    fn row(&self, child: &OwnChild) -> Result<SessionRow, ControlError> {
        let state = self.journal.observe(child).map_err(|error| broken(&error))?;
        let life = child.life();
        Ok(SessionRow {
            session_id: child.session_id.clone(),
            key: child.session_id.clone(),
            agent_id: Some(child.agent_id.clone()),
            word: Some(state.as_str().to_owned()),
            has_error: false,
            has_active_run: Some(!state.is_terminal()),
            run_id: None,
            provider: child.model.as_ref().map(|model| model.provider.as_str().to_owned()),
            model_id: child.model.as_ref().map(|model| model.model.as_str().to_owned()),
            last_activity_at: Some(life.ended_at.unwrap_or(child.started_at)),
        })
    }

    /// Waits for the end of a child, and says whether it came.
    fn await_end(&self, child: &OwnChild, deadline: Deadline) -> io::Result<bool> {
        let handle = child.life().group.as_ref().map(ChildGroup::end_handle).transpose()?;
        if let Some(handle) = handle {
            // Without the lock: status pages go on while somebody waits here.
            wait_end(&handle, deadline)?;
        }
        Ok(self.journal.observe(child)?.is_terminal())
    }

    fn end(&self, child: &OwnChild, deadline: Deadline) -> io::Result<&'static str> {
        if self.journal.observe(child)?.is_terminal() {
            return Ok("ended by itself");
        }
        let mut life = child.life();
        life.is_ordered_to_end = true;
        life.group.as_mut().map(ChildGroup::terminate).transpose()?;
        drop(life);
        if self.await_end(child, deadline.at_most(self.settings.patience))? {
            return Ok("ended by TERM");
        }
        child.life().group.as_mut().map(ChildGroup::kill).transpose()?;
        // The order was given, so its effect is awaited even when the deadline is near; it takes no time to speak of.
        if self.await_end(child, Deadline::within(KILL_TIME))? {
            return Ok("ended by KILL");
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "the process did not end after KILL"))
    }

    /// Makes room: the oldest of those that ended go.
    fn forget_oldest(&self) {
        let mut children = self.children();
        let ended = children.iter().filter(|child| child.life().group.is_none()).count();
        let mut surplus = ended.saturating_sub(ENDED_MAX);
        children.retain(|child| {
            let goes = surplus > 0 && child.life().group.is_none();
            surplus -= usize::from(goes);
            !goes
        });
    }
}

impl Journal {
    fn note(&self, level: &'static str, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(LogLine { ts: iso_millis(self.clock.now()), level, msg: printable(text) });
    }

    /// Looks whether a child has ended, and reaps it.
    fn observe(&self, child: &OwnChild) -> io::Result<SessionState> {
        let mut life = child.life();
        if let Some(end) = life.group.as_mut().map(ChildGroup::poll).transpose()?.flatten() {
            life.group = None;
            life.ended_at = Some(self.clock.now());
            life.state = match end {
                // Also with 0: a program that tidies up after TERM did not do what it was started for.
                _ if life.is_ordered_to_end => SessionState::Killed,
                ChildEnd::Code(0) => SessionState::Success,
                ChildEnd::Code(_) | ChildEnd::Signal(_) => SessionState::Failed,
            };
            let level = if life.state == SessionState::Failed { "ERROR" } else { "INFO" };
            self.note(level, &format!("session {} of agent {} ended: {end:?}", child.session_id, child.agent_id));
        }
        Ok(life.state)
    }
}

impl OwnChild {
    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // All get TERM at once, so that the patience is spent once, not for each.
        let children: Vec<Arc<OwnChild>> = self.children().drain(..).collect();
        for child in &children {
            if let Some(group) = child.life().group.as_mut() {
                // Dropping the group below ends what cannot be asked.
                group.terminate().ok();
            }
        }
        let deadline = Deadline::within(self.settings.patience);
        for child in children {
            self.await_end(&child, deadline).ok();
            child.life().group = None;
        }
    }
}

/// Waits for the end of a child on a thread of its own, so that the time of its end is that, and not the time somebody looked. There are
/// as many as children that run, and each ends with its child.
fn reap(journal: Arc<Journal>, child: Arc<OwnChild>) -> io::Result<()> {
    let Some(ended) = child.life().group.as_ref().map(ChildGroup::end_handle).transpose()? else { return Ok(()) };
    let waiting = move || {
        // A deadline is an hour at most, and a child may run for days. What cannot be waited for is seen by whoever looks next.
        while let Ok(false) = wait_end(&ended, Deadline::within(Duration::from_secs(3600))) {}
        journal.observe(&child).ok();
    };
    std::thread::Builder::new().name("reaper".to_owned()).spawn(waiting).map(|_| ())
}

fn broken(error: &io::Error) -> ControlError {
    ControlError::NoAnswer { reason: printable(&error.to_string()) }
}

impl Controller for Processes {
    fn name(&self) -> &'static str {
        "process"
    }

    fn health(&self, _: Deadline) -> Result<Health, ControlError> {
        Ok(Health { connected: true, healthy: true })
    }

    fn agents(&self, _: Deadline) -> Result<Vec<AgentRow>, ControlError> {
        let row = |agent: &OwnAgent| {
            let id = agent.agent_id.as_str().to_owned();
            AgentRow { name: id.clone(), id, last_activity_at: None }
        };
        Ok(self.settings.agents.iter().map(row).collect())
    }

    fn sessions(&self, _: Deadline) -> Result<Vec<SessionRow>, ControlError> {
        let children: Vec<Arc<OwnChild>> = self.children().iter().rev().map(Arc::clone).collect();
        children.iter().map(|child| self.row(child)).collect()
    }

    fn describe(&self, session: &SessionId, _: Deadline) -> Result<Option<SessionRow>, ControlError> {
        self.find(session.as_str()).map(|child| self.row(&child)).transpose()
    }

    fn kill(&self, session: &SessionRow, deadline: Deadline) -> Result<String, ControlError> {
        let child = self.find(&session.session_id).ok_or(ControlError::NotFound)?;
        self.end(&child, deadline).map(str::to_owned).map_err(|error| broken(&error))
    }

    fn spawn(&self, order: &SpawnOrder, deadline: Deadline) -> Result<Spawned, ControlError> {
        let agent = self.settings.agents.iter().find(|agent| agent.agent_id == order.agent_id);
        let agent = agent.ok_or_else(|| ControlError::refused("no such agent"))?;
        let values = Values {
            agent_id: Some(order.agent_id.as_str()),
            prompt: Some(&order.prompt),
            model: order.model.as_ref(),
            idempotency_key: Some(&order.idempotency_key),
            session_id: None,
        };
        let argv = agent.argv.fill_with_lines(&values).map_err(|fault| ControlError::refused(&fault.to_string()))?;
        let running = self.sessions(deadline)?.iter().filter(|row| row.has_active_run == Some(true)).count();
        if running >= RUNNING_MAX {
            return Err(ControlError::refused("too many sessions are running"));
        }
        self.forget_oldest();
        let launch =
            Launch { argv, env: self.settings.env.clone(), is_read: false, guard: self.settings.guard.clone() };
        let group = self.launcher.launch(launch).map_err(|error| ControlError::refused(&error.to_string()))?;
        let (pid, session_id) = (group.pid(), format!("proc_{:032x}", self.settings.ids.next_ulid()));
        let ended = group.end_handle().map_err(|error| broken(&error))?;
        let life = Life { group: Some(group), state: SessionState::Running, is_ordered_to_end: false, ended_at: None };
        self.journal
            .note("INFO", &format!("session {session_id} of agent {} started as process {pid}", order.agent_id));
        let child = Arc::new(OwnChild {
            session_id: session_id.clone(),
            agent_id: order.agent_id.as_str().to_owned(),
            model: order.model.clone(),
            started_at: self.settings.clock.now(),
            life: Mutex::new(life),
        });
        self.children().push_back(Arc::clone(&child));
        reap(Arc::clone(&self.journal), Arc::clone(&child)).map_err(|error| broken(&error))?;
        wait_end(&ended, deadline.at_most(self.settings.settle)).map_err(|error| broken(&error))?;
        Ok(Spawned { session_id: SessionId::parse(&session_id).ok(), output: format!("started process {pid}") })
    }

    fn set_model(&self, _: &ModelTarget, _: &ModelRef, _: Deadline) -> Result<SessionId, ControlError> {
        // The model of a process was an argument of its start.
        Err(ControlError::Unsupported)
    }

    fn logs(&self, _: Deadline) -> Vec<LogLine> {
        self.journal.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
