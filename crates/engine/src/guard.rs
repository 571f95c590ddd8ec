//! The host's side of the disk guard: what waits becomes `blocked(disk)`, and goes on when there is room again.

use std::time::{Duration, Instant};

use exhibit_store::sql::units;
use exhibit_store::{Store, StoreError};

use crate::disk::DiskRules;
use crate::host::RunContext;

/// How often room is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The reason of units that wait for room.
pub const REASON: &str = "disk";

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looked {
    GoOn,
    /// There was no room for as long as a host waits.
    GiveUp,
}

/// Looks at the room every now and then, for one host and one run.
pub(crate) struct Guard<'a> {
    rules: &'a DiskRules,
    looked: Option<Instant>,
    held_since: Option<Instant>,
}

impl<'a> Guard<'a> {
    pub(crate) fn new(rules: &'a DiskRules) -> Self {
        Self { rules, looked: None, held_since: None }
    }

    /// Looks when it is time to, and holds the workers or lets them go on.
    pub(crate) async fn look(&mut self, store: &Store, context: &RunContext) -> Result<Looked, StoreError> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Ok(Looked::GoOn);
        }
        self.looked = Some(Instant::now());
        let held = self.held_since.is_some();
        let (run, id, now_us) = (context.run.key, context.run.id, store.clock().now().0);
        match self.rules.problem(store, held).await? {
            None if held => {
                // First the units, so that no worker finds nothing left and ends.
                let count = store.write(move |tx| units::unblock(tx, run, REASON)).await?;
                self.held_since = None;
                context.hold(false);
                tracing::info!(run.id = %id, count, "there is room again; the run goes on");
            }
            None => {}
            Some(detail) => {
                if !held {
                    tracing::warn!(run.id = %id, detail, "there is no room; the run waits");
                }
                context.hold(true);
                // Workers give back what they had leased, so this is done again with every look.
                store.write(move |tx| units::block_pending(tx, run, REASON, &detail, now_us)).await?;
                let since = *self.held_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= Duration::from_secs(u64::from(self.rules.wait_s)) {
                    return Ok(Looked::GiveUp);
                }
            }
        }
        Ok(Looked::GoOn)
    }
}
