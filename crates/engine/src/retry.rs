//! Work that is queued again: what was cancelled or blocked at a resume, what failed at a retry.

use std::fmt;

use exhibit_model::ids::RunId;
use exhibit_model::states::{RunState, UnitState, Wish};
use exhibit_store::StoreError;
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::sql::units;

use crate::engine::Engine;
use crate::host::RunError;
use crate::pipeline::Pipeline;

/// Which failed units of a run are done again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    #[default]
    All,
    /// One, by its ordinal in the run.
    Unit(u32),
    /// Those of a step, those with a reason, or both.
    Some {
        /// Name of the step.
        step: Option<String>,
        /// Why they failed, as a word.
        reason: Option<String>,
    },
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("no unit"),
            Self::Unit(ordinal) => write!(f, "unit {ordinal} is not among the units that"),
            Self::Some { step, reason } => {
                f.write_str("no unit")?;
                step.iter().try_for_each(|step| write!(f, " of step {step}"))?;
                reason.iter().try_for_each(|reason| write!(f, " with the reason {reason}"))
            }
        }
    }
}

/// Units that are queued again.
enum Chosen {
    All(&'static [UnitState]),
    Unit(u32),
    Some(units::Wanted),
}

/// The place of a step in the pipeline that a run froze.
fn step_index(run: &Run, name: &str) -> Result<i64, RunError> {
    let pipeline: Pipeline = serde_json::from_slice(&run.definition)
        .map_err(|error| RunError::Internal(format!("the frozen pipeline cannot be read: {error}")))?;
    let found = (0_i64..).zip(&pipeline.steps).find(|(_, step)| step.name == name);
    found.map(|(index, _)| index).ok_or_else(|| RunError::NotPossible(format!("run {} has no step {name}", run.id)))
}

impl Engine {
    /// Queues a run again: what was cancelled or blocked goes on. Returns how many units wait now because of it.
    ///
    /// # Errors
    /// When there is no such run, it has nothing left to do, or the database cannot be written.
    pub async fn resume(&self, id: RunId) -> Result<u64, RunError> {
        let count = self.queue_again(id, Chosen::All(&[UnitState::Cancelled, UnitState::Blocked])).await?;
        let run = self.find(id).await?;
        if run.state.is_ended() {
            let next = if run.state == RunState::Partial {
                format!("; `exhibit retry {id}` does what failed again")
            } else {
                String::new()
            };
            return Err(RunError::NotPossible(format!("run {id} is {}; nothing of it waits{next}", run.state)));
        }
        Ok(count)
    }

    /// Queues failed units of a run again, all of them or some, and nothing else. Returns how many.
    ///
    /// # Errors
    /// When there is no such run, nothing of the kind failed, or the database cannot be written.
    pub async fn retry(&self, id: RunId, which: Which) -> Result<u64, RunError> {
        let run = self.find(id).await?;
        let state = run.state;
        if !state.is_ended() {
            let next = format!("retry when it has ended; `exhibit resume {id}` goes on with it if no process does");
            return Err(RunError::NotPossible(format!("run {id} is {state}; {next}")));
        }
        let what = which.to_string();
        let chosen = match which {
            Which::All => Chosen::All(&[UnitState::Failed]),
            Which::Unit(ordinal) => Chosen::Unit(ordinal),
            Which::Some { step, reason } => {
                let step = step.map(|name| step_index(&run, &name)).transpose()?;
                Chosen::Some(units::Wanted { state: UnitState::Failed, step, reason })
            }
        };
        let count = self.queue_again(id, chosen).await?;
        if count == 0 {
            return Err(RunError::NotPossible(format!("{what} failed in run {id}; there is nothing to retry")));
        }
        Ok(count)
    }

    async fn queue_again(&self, id: RunId, chosen: Chosen) -> Result<u64, RunError> {
        let run = self.find(id).await?;
        if run.expired_us.is_some() {
            return Err(RunError::NotPossible(format!("run {id} was a sandbox run and has expired; start it again")));
        }
        let now_us = self.store().clock().now().0;
        if !run.state.is_ended() {
            // Queued, or left behind by a host that died: the units that were not done are still there.
            self.store()
                .write(move |tx| {
                    runs::set_wish(tx, run.key, Wish::GoOn)?;
                    if run.state == RunState::Paused {
                        runs::set_state(tx, run.key, RunState::Paused, RunState::Queued, None, now_us)?;
                    }
                    Ok(())
                })
                .await?;
            return Ok(0);
        }
        let count = self.store().write(move |tx| {
            let Some(run) = runs::by_id(tx, id)? else { return Ok(0) };
            let count = match &chosen {
                Chosen::All(states) => {
                    let revived = states.iter().map(|state| units::revive(tx, run.key, *state));
                    revived.sum::<Result<u64, StoreError>>()?
                }
                Chosen::Unit(ordinal) => {
                    let unit = run.first_unit + i64::from(*ordinal);
                    units::revive_one(tx, run.key, unit, UnitState::Failed)?
                }
                Chosen::Some(wanted) => units::revive_some(tx, run.key, wanted)?,
            };
            let unplanned = run.members_planned < run.members;
            if count > 0 || unplanned {
                runs::set_wish(tx, run.key, Wish::GoOn)?;
                runs::set_state(tx, run.key, run.state, RunState::Queued, None, now_us)?;
            }
            Ok(count)
        });
        Ok(count.await?)
    }
}
