//! The sources, and what the ids of their calls mean.

use std::fmt;

/// Where a call is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feed {
    /// Session files of Claude Code.
    ClaudeJsonl,
    /// Rollout files of Codex.
    CodexJsonl,
    /// Session files of OpenClaw.
    OpenClawJsonl,
    /// Spans over OTLP.
    OtlpSpan,
    /// Log records of Claude Code over OTLP.
    ClaudeLog,
    /// Log records of Codex over OTLP.
    CodexLog,
    /// Payloads that LiteLLM logs.
    LiteLlm,
}

/// Where the id of a call is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallScope {
    /// Over all sessions of the feed: the same id in two sessions is one call.
    Global,
    /// Inside one session.
    Session,
}

impl Feed {
    /// All of them.
    pub const EVERY: [Self; 7] = [
        Self::ClaudeJsonl,
        Self::CodexJsonl,
        Self::OpenClawJsonl,
        Self::OtlpSpan,
        Self::ClaudeLog,
        Self::CodexLog,
        Self::LiteLlm,
    ];

    /// The word; also the `source` of the documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeJsonl => "claude_jsonl",
            Self::CodexJsonl => "codex_jsonl",
            Self::OpenClawJsonl => "openclaw_jsonl",
            Self::OtlpSpan => "otlp_span",
            Self::ClaudeLog => "claude_log",
            Self::CodexLog => "codex_log",
            Self::LiteLlm => "litellm",
        }
    }

    /// The feed of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }

    /// Where the ids of its calls are unique. The ledger's `dedupe_key` is the feed and the id, with the session between them for
    /// [`CallScope::Session`].
    pub fn call_scope(self) -> CallScope {
        match self {
            Self::ClaudeJsonl | Self::OtlpSpan | Self::ClaudeLog | Self::LiteLlm => CallScope::Global,
            Self::CodexJsonl | Self::OpenClawJsonl | Self::CodexLog => CallScope::Session,
        }
    }

    /// Which feed is believed when two tell of one call, the larger one; a billed call stands above all of them.
    pub fn rank(self) -> u8 {
        match self {
            Self::LiteLlm => 3,
            Self::ClaudeLog | Self::CodexLog => 2,
            Self::OtlpSpan => 1,
            Self::ClaudeJsonl | Self::CodexJsonl | Self::OpenClawJsonl => 0,
        }
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feed_is_known_by_its_word() {
        for feed in Feed::EVERY {
            assert_eq!(Feed::of_word(feed.as_str()), Some(feed));
        }
        assert_eq!(Feed::of_word("claude"), None);
    }

    /// Section 6: billed, then LiteLLM, OTLP log, span, JSONL.
    #[test]
    fn nearer_feeds_are_believed_first() {
        let order = [Feed::LiteLlm, Feed::ClaudeLog, Feed::OtlpSpan, Feed::ClaudeJsonl];
        assert!(order.windows(2).all(|pair| pair[0].rank() > pair[1].rank()));
        assert_eq!(Feed::ClaudeLog.rank(), Feed::CodexLog.rank());
    }
}
