//! The closed lists of words that rules, states and transitions are made of.

use std::fmt;

use serde::{Serialize, Serializer};

/// An enum whose values are words: on the wire, in the database and in the log.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const EVERY: &'static [Self] = &[$(Self::$variant,)+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What a word means: exactly as it is written, in lower case.
            pub fn of_word(word: &str) -> Option<Self> {
                Self::EVERY.iter().copied().find(|known| known.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a rule measures.
    Metric {
        /// Cost of calendar days in the zone of the rule, in USD.
        DailyCostUsd = "daily_cost_usd",
        /// The 95th percentile of the runtime of ended sessions, in milliseconds.
        RuntimeP95Ms = "runtime_p95_ms",
        /// Failed among failed and successful sessions, from 0 to 1; killed and cancelled ones are neither.
        FailureRate = "failure_rate",
        /// Cost of a window that moves with the clock, in USD.
        RollingCostUsd = "rolling_cost_usd",
    }
}

words! {
    /// Of whom a rule speaks.
    ScopeType {
        /// Of everybody together.
        Global = "global",
        /// Of one agent, or of each.
        Agent = "agent",
        /// Of one model, or of each.
        Model = "model",
        /// Of one agent with one model, or of each pair.
        AgentModel = "agent_model",
    }
}

words! {
    /// How far back a rule looks.
    Window {
        /// Five minutes.
        FiveMinutes = "5m",
        /// An hour.
        Hour = "1h",
        /// A day.
        Day = "24h",
        /// Seven days.
        Week = "7d",
    }
}

words! {
    /// When a value crosses a threshold.
    Comparison {
        /// When it is greater.
        Greater = "gt",
        /// When it is greater or equal.
        GreaterOrEqual = "gte",
    }
}

words! {
    /// What it means that there is nothing to measure.
    NoData {
        /// All is well.
        Resolve = "resolve",
        /// Nothing: what stood stands.
        Keep = "keep",
        /// A warning.
        Alert = "alert",
    }
}

words! {
    /// How bad it is; the order is that of the declaration.
    Level {
        /// Below both thresholds.
        Ok = "ok",
        /// Beyond the first threshold.
        Warning = "warning",
        /// Beyond the second threshold.
        Critical = "critical",
    }
}

words! {
    /// Whether an alert speaks.
    Lifecycle {
        /// It fires and was told.
        Active = "active",
        /// It fires, and nothing is told for now.
        Suppressed = "suppressed",
        /// It does not fire.
        Resolved = "resolved",
    }
}

words! {
    /// What happened to a state.
    TransitionKind {
        /// An episode began.
        Open = "open",
        /// A warning became critical.
        Escalate = "escalate",
        /// A critical alert became a warning.
        Deescalate = "deescalate",
        /// A repetition was not told, the first since the last notice.
        Suppress = "suppress",
        /// It was told again that it still fires.
        Renotify = "renotify",
        /// The episode ended by itself.
        Resolve = "resolve",
        /// Somebody knows.
        Ack = "ack",
        /// Somebody wants to hear nothing for a while.
        Silence = "silence",
        /// The rule went away.
        Close = "close",
    }
}

words! {
    /// What made a state be looked at.
    Cause {
        /// Something was taken in.
        Ingest = "ingest",
        /// Time went by.
        Timer = "timer",
        /// Somebody asked for an evaluation.
        Manual = "manual",
        /// Somebody acknowledged, silenced, disabled or deleted.
        Human = "human",
    }
}

impl Level {
    /// Whether there is an alert at all.
    pub fn is_firing(self) -> bool {
        self != Self::Ok
    }
}
