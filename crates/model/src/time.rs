//! Time and chance as values: `Clock` and `IdSource` are passed in, never called from logic.

use std::fmt;
use std::sync::Mutex;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: microseconds since 1970-01-01T00:00:00Z, printed as RFC 3339 with `Z` and six fraction digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads RFC 3339 text with an offset.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|stamp| Self(stamp.as_microsecond()))
    }

    /// Milliseconds from `earlier` to here; 0 when `earlier` is later.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0) / 1000).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(stamp) => write!(f, "{stamp:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no time (RFC 3339)")))
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Where the time of day comes from.
pub trait Clock: Send + Sync {
    /// The current moment.
    fn now(&self) -> Timestamp;
}

/// Where identifiers come from: each call gives 128 fresh bits.
pub trait IdSource: Send + Sync {
    /// A ULID-shaped number: 48 bits of milliseconds, then 80 bits of chance.
    fn next_ulid(&self) -> u128;
}

/// A clock that stands still until it is told to move; for tests and replays.
#[derive(Debug, Default)]
pub struct FixedClock(Mutex<i64>);

impl FixedClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(start.0))
    }

    /// Moves the clock forward.
    pub fn advance_micros(&self, micros: i64) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.saturating_add(micros);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Ids that count up from a seed; for tests, which want the same ids every time.
#[derive(Debug)]
pub struct CountingIds(Mutex<u128>);

impl CountingIds {
    /// Ids that start just above `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(u128::from(seed) << 64))
    }
}

impl IdSource for CountingIds {
    fn next_ulid(&self) -> u128 {
        let mut next = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *next = next.wrapping_add(1);
        *next
    }
}
