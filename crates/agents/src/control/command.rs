//! The controller of commands: allowed command lines that ask and order for us, and print JSON.

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use serde_json::Value;

use super::argv::Values;
pub use super::argv::{ArgvFault, ArgvTemplate};
use super::child::{ChildEnd, ChildGroup, Launch, Launcher, wait_readable};
use super::controller::{ControlError, Controller, Deadline, Health, ModelTarget, SpawnOrder, Spawned};
use super::logs::{LogLine, last_lines};
use super::rows::{AgentRow, SessionRow, agents_of, sessions_of};
use super::words::{ModelRef, SessionId, printable};

/// Bytes of output that are read: the limit of a message of a gateway, which says the same things.
const OUTPUT_BYTES_MAX: usize = super::wire::MESSAGE_BYTES_MAX;
/// Bytes of errors that are kept: the last lines say why, and more would not be shown.
const ERRORS_BYTES_MAX: usize = 4 * 1024;
/// Bytes that are read at a time.
const STEP_BYTES: usize = 16 * 1024;

/// The commands that are allowed; what has none is not supported. Each gets what its placeholders name, and nothing else.
#[derive(Debug, Clone, Default)]
pub struct CommandSettings {
    /// Ends with 0 when all is well.
    pub health: Option<ArgvTemplate>,
    /// Prints the agents: a JSON list, or an object with a list `agents`.
    pub agents: Option<ArgvTemplate>,
    /// Prints the sessions: a JSON list, or an object with a list `sessions`.
    pub sessions: Option<ArgvTemplate>,
    /// `{sessionId}`: prints that session as a JSON object, or null. Without it, `sessions` is searched.
    pub describe: Option<ArgvTemplate>,
    /// `{sessionId}`: ends it.
    pub kill: Option<ArgvTemplate>,
    /// `{agentId}`, `{prompt}`, `{provider}`, `{model}`, `{idempotencyKey}`: starts a session, prints it as a JSON object.
    pub spawn: Option<ArgvTemplate>,
    /// `{sessionId}` or `{agentId}`, `{provider}`, `{model}`: sets the model, prints the session as a JSON object.
    pub model: Option<ArgvTemplate>,
    /// The whole environment of a command; nothing is inherited.
    pub env: Vec<(String, String)>,
    /// Logs, in the order in which they are tried.
    pub logs: Vec<PathBuf>,
}

/// A controller of commands.
#[derive(Debug)]
pub struct Commands {
    settings: CommandSettings,
    launcher: Launcher,
}

/// What a command printed.
#[derive(Debug)]
struct Printed {
    end: ChildEnd,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl Commands {
    /// A controller.
    ///
    /// # Errors
    /// When the thread that starts commands cannot be started.
    pub fn start(settings: CommandSettings) -> io::Result<Self> {
        Ok(Self { settings, launcher: Launcher::start()? })
    }

    /// Runs a command until it ends, and takes what it printed. What it left running in its group is ended.
    fn run(
        &self,
        command: Option<&ArgvTemplate>,
        values: &Values<'_>,
        deadline: Deadline,
    ) -> Result<Vec<u8>, ControlError> {
        let command = command.ok_or(ControlError::Unsupported)?;
        let argv = command.fill(values).map_err(|fault| ControlError::refused(&fault.to_string()))?;
        let launch = Launch { argv, env: self.settings.env.clone(), is_read: true, guard: None };
        let group = self.launcher.launch(launch);
        let mut group = group.map_err(|error| ControlError::Unavailable { reason: printable(&error.to_string()) })?;
        let printed = read_until_end(&mut group, deadline).map_err(|error| no_answer(&error))?;
        match printed.end {
            ChildEnd::Code(0) => Ok(printed.output),
            ChildEnd::Code(code) => Err(ControlError::refused(&last_line(&printed.errors, code))),
            ChildEnd::Signal(signal) => Err(no_answer(&format_args!("the command was ended by signal {signal}"))),
        }
    }

    fn ask(
        &self,
        command: Option<&ArgvTemplate>,
        values: &Values<'_>,
        deadline: Deadline,
    ) -> Result<Value, ControlError> {
        let output = self.run(command, values, deadline)?;
        if output.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output).map_err(|error| ControlError::Protocol {
            reason: printable(&format!("a command printed no JSON: {error}")),
        })
    }
}

/// Reads both pipes, so that neither fills up, until the command has ended and they are empty or closed.
fn read_until_end(group: &mut ChildGroup, deadline: Deadline) -> io::Result<Printed> {
    let handle = group.end_handle()?;
    let (mut stdout, mut stderr) = group.take_output();
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut end = None;
    loop {
        // After its end only what is already there is read: a process that left the group may hold a pipe open for ever.
        let until = if end.is_some() { Deadline::within(std::time::Duration::ZERO) } else { deadline };
        let mut handles: Vec<BorrowedFd<'_>> = Vec::with_capacity(3);
        handles.extend(stdout.as_ref().map(AsFd::as_fd));
        handles.extend(stderr.as_ref().map(AsFd::as_fd));
        if end.is_none() {
            handles.push(handle.as_fd());
        }
        let ready = wait_readable(&handles, until)?;
        if !ready.contains(&true) {
            let late = || io::Error::new(io::ErrorKind::TimedOut, "the command took too long");
            let end = end.ok_or_else(late)?;
            return Ok(Printed { end, output, errors });
        }
        let mut ready = ready.into_iter();
        if stdout.is_some() && ready.next() == Some(true) {
            read_step(&mut stdout, &mut output)?;
            if output.len() > OUTPUT_BYTES_MAX {
                return Err(io::Error::other("the command printed too much"));
            }
        }
        if stderr.is_some() && ready.next() == Some(true) {
            read_step(&mut stderr, &mut errors)?;
            let surplus = errors.len().saturating_sub(ERRORS_BYTES_MAX);
            errors.drain(..surplus);
        }
        if end.is_none() && ready.next() == Some(true) {
            end = group.poll()?;
        }
    }
}

/// Reads what is there of a pipe that is ready; closes it at its end.
fn read_step(pipe: &mut Option<impl Read>, into: &mut Vec<u8>) -> io::Result<()> {
    let mut step = [0_u8; STEP_BYTES];
    let count = match pipe.as_mut().map(|pipe| pipe.read(&mut step)) {
        Some(Ok(count)) => count,
        Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
        Some(Err(error)) => return Err(error),
        None => 0,
    };
    if count == 0 {
        *pipe = None;
    }
    into.extend_from_slice(&step[..count]);
    Ok(())
}

fn last_line(errors: &[u8], code: i32) -> String {
    let text = String::from_utf8_lossy(errors);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(|| format!("the command ended with {code}"), |line| line.trim().to_owned())
}

fn no_answer(reason: &dyn fmt::Display) -> ControlError {
    ControlError::NoAnswer { reason: printable(&reason.to_string()) }
}

fn session_of(answer: &Value) -> Option<SessionRow> {
    SessionRow::of_value(answer.get("session").unwrap_or(answer))
}

impl Controller for Commands {
    fn name(&self) -> &'static str {
        "command"
    }

    fn health(&self, deadline: Deadline) -> Result<Health, ControlError> {
        match self.run(self.settings.health.as_ref(), &Values::default(), deadline) {
            Ok(_) | Err(ControlError::Unsupported) => Ok(Health { connected: true, healthy: true }),
            Err(ControlError::Refused { .. }) => Ok(Health { connected: true, healthy: false }),
            Err(error) => Err(error),
        }
    }

    fn agents(&self, deadline: Deadline) -> Result<Vec<AgentRow>, ControlError> {
        Ok(agents_of(&self.ask(self.settings.agents.as_ref(), &Values::default(), deadline)?))
    }

    fn sessions(&self, deadline: Deadline) -> Result<Vec<SessionRow>, ControlError> {
        Ok(sessions_of(&self.ask(self.settings.sessions.as_ref(), &Values::default(), deadline)?))
    }

    fn describe(&self, session: &SessionId, deadline: Deadline) -> Result<Option<SessionRow>, ControlError> {
        let is_meant = |row: &SessionRow| row.session_id == session.as_str() || row.key == session.as_str();
        if self.settings.describe.is_none() {
            return Ok(self.sessions(deadline)?.into_iter().find(is_meant));
        }
        let values = Values { session_id: Some(session.as_str()), ..Values::default() };
        let answer = self.ask(self.settings.describe.as_ref(), &values, deadline)?;
        Ok(session_of(&answer).filter(is_meant))
    }

    fn kill(&self, session: &SessionRow, deadline: Deadline) -> Result<String, ControlError> {
        let values = Values { session_id: Some(&session.key), ..Values::default() };
        let output = self.run(self.settings.kill.as_ref(), &values, deadline)?;
        Ok(printable(String::from_utf8_lossy(&output).trim()))
    }

    fn spawn(&self, order: &SpawnOrder, deadline: Deadline) -> Result<Spawned, ControlError> {
        let values = Values {
            agent_id: Some(order.agent_id.as_str()),
            prompt: Some(&order.prompt),
            model: order.model.as_ref(),
            idempotency_key: Some(&order.idempotency_key),
            session_id: None,
        };
        let output = self.run(self.settings.spawn.as_ref(), &values, deadline)?;
        // What is no JSON is still worth showing; without an id, nothing can be read back.
        let row = serde_json::from_slice(&output).ok().as_ref().and_then(session_of);
        let session_id = row.and_then(|row| SessionId::parse(&row.session_id).ok());
        Ok(Spawned { session_id, output: printable(String::from_utf8_lossy(&output).trim()) })
    }

    fn set_model(&self, target: &ModelTarget, model: &ModelRef, deadline: Deadline) -> Result<SessionId, ControlError> {
        let (session_id, agent_id) = match target {
            ModelTarget::Session(session) => (Some(session.as_str()), None),
            ModelTarget::Agent(agent) => (None, Some(agent.as_str())),
        };
        let values = Values { session_id, agent_id, model: Some(model), ..Values::default() };
        let output = self.run(self.settings.model.as_ref(), &values, deadline)?;
        match target {
            ModelTarget::Session(session) => Ok(session.clone()),
            ModelTarget::Agent(_) => {
                let row = serde_json::from_slice(&output).ok().as_ref().and_then(session_of);
                row.and_then(|row| SessionId::parse(&row.session_id).ok()).ok_or_else(|| ControlError::Protocol {
                    reason: "the command did not print the session whose model it set".to_owned(),
                })
            }
        }
    }

    fn logs(&self, _: Deadline) -> Vec<LogLine> {
        last_lines(&self.settings.logs)
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
