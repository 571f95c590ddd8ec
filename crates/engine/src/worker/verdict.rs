//! How units end, and why a process has to go.

use std::time::Duration;

use exhibit_model::digest::Digest;
use exhibit_model::states::UnitState;

use crate::dispatch::Work;
use crate::protocol::{EndOutcome, is_reason};

/// How a unit ends, before it is put into an [`Ending`].
pub(super) struct Verdict {
    pub(super) state: UnitState,
    pub(super) attempts: i64,
    pub(super) crashes: i64,
    pub(super) retryable: bool,
    pub(super) reason: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) work_key: Option<Digest>,
    pub(super) reused_unit: Option<i64>,
    pub(super) took: Duration,
    /// Bytes of its facts as lines.
    pub(super) facts_bytes: usize,
    /// Content hashes of what it was made from; the original when absent.
    pub(super) inputs: Option<Vec<Digest>>,
}

impl Verdict {
    pub(super) fn new(state: UnitState) -> Self {
        Self {
            state,
            attempts: 1,
            crashes: 0,
            retryable: false,
            reason: None,
            detail: None,
            work_key: None,
            reused_unit: None,
            took: Duration::ZERO,
            facts_bytes: 0,
            inputs: None,
        }
    }

    /// Back to everyone, without an attempt.
    pub(super) fn given_back(work: &Work) -> Self {
        Self { attempts: 0, crashes: work.unit.crashes, ..Self::new(UnitState::Pending) }
    }

    pub(super) fn failed(reason: &str, detail: impl Into<String>, retryable: bool) -> Self {
        Self { retryable, ..Self::because(UnitState::Failed, reason, detail) }
    }

    pub(super) fn because(state: UnitState, reason: &str, detail: impl Into<String>) -> Self {
        Self { reason: Some(reason.to_owned()), detail: Some(detail.into()), ..Self::new(state) }
    }
}

pub(super) fn rotten() -> Verdict {
    let detail = "its bytes are not those that were cataloged, although size and time are the same; look at the disk, and at a copy";
    Verdict::failed("input-rotten", detail, true)
}

pub(super) fn changed() -> Verdict {
    let detail = "the file is not the one in the catalog any more; scan its source again";
    Verdict::failed("input-changed", detail, true)
}

/// Why a process has to go.
pub(super) enum Trouble {
    Lied(String),
    TimedOut(String),
    Ended,
    Stopped,
}

/// The end of a unit, as the process said it.
pub(super) struct Said {
    pub(super) unit: u64,
    pub(super) outcome: EndOutcome,
    pub(super) reason: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) retryable: bool,
}

impl Said {
    /// The same bad input must give the same words every time (I8), so the name by which this process opened it does not stay in them.
    pub(super) fn without_path(mut self, path: Option<&str>) -> Self {
        if let (Some(detail), Some(path)) = (&mut self.detail, path) {
            *detail = detail.replace(path, "the original");
        }
        self
    }

    pub(super) fn verdict(self, state: UnitState) -> Verdict {
        let reason = self.reason.filter(|reason| is_reason(reason)).unwrap_or_else(|| "unstated".to_owned());
        let retryable = self.retryable && state == UnitState::Failed;
        Verdict { retryable, ..Verdict::because(state, &reason, self.detail.unwrap_or_default()) }
    }
}
