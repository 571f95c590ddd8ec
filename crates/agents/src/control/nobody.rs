//! The controller of an installation that has none: nothing is connected, and no order is carried out.

use std::path::PathBuf;

use super::controller::{ControlError, Controller, Deadline, Health, ModelTarget, SpawnOrder, Spawned};
use super::logs::{LogLine, last_lines};
use super::rows::{AgentRow, SessionRow};
use super::words::{ModelRef, SessionId};

/// Nobody who runs agents. The log of a gateway of this machine is shown all the same, as it needs no connection.
#[derive(Debug, Default)]
pub struct Nobody {
    /// Logs, in the order in which they are tried.
    pub logs: Vec<PathBuf>,
}

impl Controller for Nobody {
    fn name(&self) -> &'static str {
        "none"
    }

    fn health(&self, _: Deadline) -> Result<Health, ControlError> {
        Ok(Health { connected: false, healthy: false })
    }

    fn agents(&self, _: Deadline) -> Result<Vec<AgentRow>, ControlError> {
        Ok(Vec::new())
    }

    fn sessions(&self, _: Deadline) -> Result<Vec<SessionRow>, ControlError> {
        Ok(Vec::new())
    }

    fn describe(&self, _: &SessionId, _: Deadline) -> Result<Option<SessionRow>, ControlError> {
        Err(ControlError::Unsupported)
    }

    fn kill(&self, _: &SessionRow, _: Deadline) -> Result<String, ControlError> {
        Err(ControlError::Unsupported)
    }

    fn spawn(&self, _: &SpawnOrder, _: Deadline) -> Result<Spawned, ControlError> {
        Err(ControlError::Unsupported)
    }

    fn set_model(&self, _: &ModelTarget, _: &ModelRef, _: Deadline) -> Result<SessionId, ControlError> {
        Err(ControlError::Unsupported)
    }

    fn logs(&self, _: Deadline) -> Vec<LogLine> {
        last_lines(&self.logs)
    }
}
