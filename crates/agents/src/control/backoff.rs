//! How long a gateway that cannot be reached is left alone.

use std::time::{Duration, Instant};

/// First pause: a gateway that restarts is back within a second.
const FIRST: Duration = Duration::from_millis(250);
/// Longest pause: the status page says "unavailable" after ten seconds, and should not say so for longer than it is true.
const LONGEST: Duration = Duration::from_secs(10);

/// Pauses that double with each failure in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Whether an attempt may be made now.
    pub(super) fn may_try(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|at| now >= at)
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, now: Instant) {
        // Past the longest pause the exponent no longer matters; 2^16 is far beyond it.
        let pause = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + pause);
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_success() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        assert!(backoff.may_try(start));
        for millis in [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000] {
            backoff.failed(start);
            assert!(!backoff.may_try(start + Duration::from_millis(millis - 1)), "{millis}");
            assert!(backoff.may_try(start + Duration::from_millis(millis)), "{millis}");
        }
        backoff.succeeded();
        assert!(backoff.may_try(start));
    }
}
