//! States of runs and units, and the one table of legal transitions between them.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),* }
        impl $name {
            /// Every state, in the order in which tables and bars show them.
            pub const EVERY: &'static [Self] = &[$(Self::$variant),*];
            /// The number that the database holds. Never reused for another state.
            pub fn code(self) -> i64 { match self { $(Self::$variant => $code),* } }
            /// Reads the number that the database holds.
            pub fn from_code(code: i64) -> Option<Self> { match code { $($code => Some(Self::$variant),)* _ => None } }
            /// The word for people and programs.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),* } }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.as_str()) }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$variant),)* other => Err(format!("`{other}` is not a state")) }
            }
        }
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($text),*] })
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> { serializer.serialize_str(self.as_str()) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

states!(
    /// The state of a run.
    RunState {
        /// Planned or being planned; no host works on it.
        Queued = 0 "queued",
        /// A host works on it.
        Running = 1 "running",
        /// Someone asked to stop; leased units are being given back.
        Cancelling = 2 "cancelling",
        /// Stopped by a person. What was written stays; it can be resumed.
        Cancelled = 3 "cancelled",
        /// Every unit ended without a failure.
        Completed = 4 "completed",
        /// Every unit ended, some of them failed or blocked.
        Partial = 5 "partial",
        /// The run itself could not go on.
        Failed = 6 "failed",
        /// Someone asked for a pause; leased units are being given back.
        Pausing = 7 "pausing",
        /// Waits for a person; nothing of it is given up.
        Paused = 8 "paused",
    }
);

impl RunState {
    /// True when `self -> next` is a legal step.
    pub fn may_become(self, next: Self) -> bool {
        use RunState::{Cancelled, Cancelling, Completed, Failed, Partial, Paused, Pausing, Queued, Running};
        matches!(
            (self, next),
            (Queued, Running | Cancelling | Cancelled | Paused | Failed)
                | (Running, Queued | Cancelling | Pausing | Completed | Partial | Failed)
                | (Cancelling, Cancelled | Completed | Partial | Failed)
                | (Pausing, Paused | Completed | Partial | Failed)
                | (Paused, Queued | Cancelled)
                | (Cancelled | Partial | Failed, Queued)
        )
    }

    /// True when no host has anything left to do.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed | Self::Partial | Self::Failed)
    }
}

states!(
    /// Whether the results of a run count at once, or only when someone promotes them.
    Policy {
        /// They are kept, and count.
        Production = 0 "production",
        /// They stand apart and go after a while, unless the run is promoted.
        Sandbox = 1 "sandbox",
    }
);

states!(
    /// What a person wants of a run that a host works on.
    Wish {
        /// That it goes on.
        GoOn = 0 "go-on",
        /// That it stops; what waits is given up.
        Cancel = 1 "cancel",
        /// That it waits.
        Pause = 2 "pause",
    }
);

states!(
    /// The state of a unit.
    UnitState {
        /// Waits for a host.
        Pending = 0 "pending",
        /// A host holds a lease with a generation on it.
        Leased = 1 "leased",
        /// Ended with at least one artifact.
        Done = 2 "done",
        /// Ended well and found nothing; not planned again.
        DoneEmpty = 3 "done-empty",
        /// The same work had been done before; points to the unit that did it.
        Reused = 4 "reused",
        /// Ended without a result, with a reason.
        Failed = 5 "failed",
        /// Cannot go on until something outside changes.
        Blocked = 6 "blocked",
        /// Not for this extractor, with a reason.
        Skipped = 7 "skipped",
        /// Given up because the run was cancelled.
        Cancelled = 8 "cancelled",
    }
);

impl UnitState {
    /// True when `self -> next` is a legal step.
    pub fn may_become(self, next: Self) -> bool {
        use UnitState::{Blocked, Cancelled, Done, DoneEmpty, Failed, Leased, Pending, Reused, Skipped};
        matches!(
            (self, next),
            (Pending, Leased | Cancelled | Blocked)
                | (Leased, Done | DoneEmpty | Reused | Failed | Blocked | Skipped | Cancelled | Pending)
                | (Failed | Blocked | Cancelled, Pending)
        )
    }

    /// True when the unit has a final answer of its own run.
    pub fn is_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Leased)
    }
}

#[cfg(test)]
#[path = "states_tests.rs"]
mod tests;
