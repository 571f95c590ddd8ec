//! The time that a rule looks at.

use std::fmt;
use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use jiff::ToSpan as _;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use super::words::{Metric, Window};

/// The IANA time zones that the program brings with it: days do not depend on what a machine has installed.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Longest name of a zone, in bytes; the longest of the IANA database has 32.
const ZONE_BYTES_MAX: usize = 64;

/// A time zone by its IANA name.
#[derive(Clone, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Finds a zone: a name of the IANA database, in any case. `None` for any other text, offsets included.
    pub fn parse(name: &str) -> Option<Self> {
        if name.len() > ZONE_BYTES_MAX {
            return None;
        }
        let zone = ZONES.get(name).ok()?;
        (!zone.is_unknown() && zone.iana_name().is_some()).then_some(Self(zone))
    }

    /// The zone itself, for moments of calendars.
    pub(crate) fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// The name as the database writes it.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A stretch of time, `(after, until]`: what happened at `after` is out, what happened at `until` is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The last moment that is out.
    pub after: Timestamp,
    /// The last moment that is in.
    pub until: Timestamp,
}

impl Span {
    /// Whether a moment is in.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.after < at && at <= self.until
    }
}

/// The calendar does not reach as far as the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} us is beyond the calendar", .0.0)]
pub struct WindowError(pub Timestamp);

/// What a metric looks at when it is `now`.
///
/// Windows move with the clock. Only `daily_cost_usd` counts calendar days of the zone: `24h` is today, `7d` is today and the six days
/// before, however long they are; `5m` and `1h` move there, too.
///
/// # Errors
/// When `now` is beyond the years that a calendar has (-9999 to 9999).
pub fn span_of(metric: Metric, window: Window, zone: &Zone, now: Timestamp) -> Result<Span, WindowError> {
    let days_before = match (metric, window) {
        (Metric::DailyCostUsd, Window::Day) => 0,
        (Metric::DailyCostUsd, Window::Week) => 6,
        _ => return Ok(Span { after: Timestamp(now.0.saturating_sub(length_us(window))), until: now }),
    };
    let start = start_of_day(days_before, zone, now).map_err(|_| WindowError(now))?;
    // The first moment of a day is in, and moments are whole microseconds.
    Ok(Span { after: Timestamp(start.0.saturating_sub(1)), until: now })
}

/// The first moment of the day in the zone that is so many days before that of `now`. Where a clock change swallows midnight, or the whole
/// day, it is the moment of the change; where midnight comes twice, it is the first one.
fn start_of_day(days_before: i64, zone: &Zone, now: Timestamp) -> Result<Timestamp, jiff::Error> {
    let today = jiff::Timestamp::from_microsecond(now.0)?.to_zoned(zone.0.clone()).date();
    let midnight = today.checked_sub(days_before.days())?.at(0, 0, 0, 0);
    let ambiguous = zone.0.to_ambiguous_timestamp(midnight);
    let change = match ambiguous.offset() {
        // Midnight by the clock after the change lies before the change itself, and no other change lies between.
        AmbiguousOffset::Gap { after, .. } => {
            zone.0.following(after.to_timestamp(midnight)?).next().map(|change| change.timestamp())
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => None,
    };
    let start = change.map_or_else(|| ambiguous.compatible(), Ok)?;
    Ok(Timestamp(start.as_microsecond()))
}

fn length_us(window: Window) -> i64 {
    let minutes = match window {
        Window::FiveMinutes => 5,
        Window::Hour => 60,
        Window::Day => 24 * 60,
        Window::Week => 7 * 24 * 60,
    };
    minutes * 60 * 1_000_000
}
