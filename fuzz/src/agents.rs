//! Files of older versions of the agents room.

use exhibit_agents::import::preview;

use crate::same;

/// Files of V3: each answer is the same twice, a refusal says why, and no sum of a file is below zero.
pub fn older_file(bytes: &[u8]) {
    match same(|| preview(bytes)) {
        Err(reason) => assert!(!reason.is_empty(), "a refusal says why"),
        Ok((totals, sessions)) => {
            let sums = [
                totals.prompt_tokens,
                totals.completion_tokens,
                totals.total_tokens,
                totals.runtime_ms,
                totals.cost_nano,
            ];
            assert!(sums.iter().all(|sum| *sum >= 0), "{totals:?}");
            // A session that is refused is a run all the same.
            assert!(usize::try_from(totals.runs).is_ok_and(|runs| runs >= sessions), "{totals:?} {sessions}");
        }
    }
}
