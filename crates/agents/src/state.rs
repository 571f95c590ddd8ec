//! The states of a session.

use std::fmt;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionState {
    /// It waits.
    Queued,
    /// It is worked on.
    Running,
    /// It did what it should.
    Success,
    /// It could not.
    Failed,
    /// Someone or something ended it by force.
    Killed,
    /// Someone did not want it any more.
    Cancelled,
}

impl SessionState {
    /// All of them.
    pub const EVERY: [Self; 6] =
        [Self::Queued, Self::Running, Self::Success, Self::Failed, Self::Killed, Self::Cancelled];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more is to come.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// What a word of some agent means: whole words, trimmed, in any case.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "success" | "succeeded" | "done" | "completed" | "finished" => Self::Success,
            "failed" | "error" | "crashed" | "timeout" | "timed_out" => Self::Failed,
            "killed" | "terminated" | "aborted" | "stopped" => Self::Killed,
            "cancelled" | "canceled" => Self::Cancelled,
            "running" | "in_progress" | "active" | "processing" | "executing" | "paused" => Self::Running,
            "queued" | "pending" | "created" => Self::Queued,
            _ => return None,
        })
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_and_in_any_case() {
        for state in SessionState::EVERY {
            assert_eq!(SessionState::of_word(state.as_str()), Some(state));
            assert_eq!(SessionState::of_word(&format!(" {} ", state.as_str().to_uppercase())), Some(state));
        }
        for (word, state) in [("Timed_Out", SessionState::Failed), ("paused", SessionState::Running)] {
            assert_eq!(SessionState::of_word(word), Some(state));
        }
        for other in ["", "inactive", "banana", "not done", "running!"] {
            assert_eq!(SessionState::of_word(other), None, "{other}");
        }
    }
}
