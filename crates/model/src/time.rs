//! Time and chance as values: `Clock` and `IdSource` are passed in, never called from logic.

use std::fmt;
use std::sync::Mutex;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: microseconds since 1970-01-01T00:00:00Z, printed as RFC 3339 with `Z` and six fraction digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Why a text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMoment {
    /// It is not an RFC 3339 date-time with offset.
    NotRfc3339,
    /// It is one, before or after all that can be printed again.
    OutOfRange,
}

impl Timestamp {
    /// Reads a time with an offset as tools write it: RFC 3339, and what ISO 8601 allows beside it.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|stamp| Self(stamp.as_microsecond()))
    }

    /// Reads an RFC 3339 date-time with offset and nothing else (section 5.6; a space may stand for the `T`). Digits beyond microseconds are
    /// cut off towards the past; a leap second, which is only the last one of a day in UTC, is the second before it.
    ///
    /// # Errors
    /// [`NoMoment`].
    pub fn read(text: &str) -> Result<Self, NoMoment> {
        let (date, seconds, offset_seconds, micros) = parts(text.as_bytes()).ok_or(NoMoment::NotRfc3339)?;
        let days = jiff::civil::date(1970, 1, 1).duration_until(date).as_secs() / 86_400;
        let moment = (days * 86_400 + seconds - offset_seconds) * 1_000_000 + micros;
        match jiff::Timestamp::from_microsecond(moment) {
            Ok(_) => Ok(Self(moment)),
            Err(_) => Err(NoMoment::OutOfRange),
        }
    }

    /// Milliseconds from `earlier` to here; 0 when `earlier` is later.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0) / 1000).unwrap_or(0)
    }
}

/// The day, the second of it, the offset in seconds and the microseconds.
fn parts(text: &[u8]) -> Option<(jiff::civil::Date, i64, i64, i64)> {
    let (fixed, rest) = text.split_at_checked(19)?;
    let stands = |place: usize, marks: &[u8]| fixed.get(place).is_some_and(|byte| marks.contains(byte));
    if !(stands(4, b"-") && stands(7, b"-") && stands(10, b"Tt ") && stands(13, b":") && stands(16, b":")) {
        return None;
    }
    let two = |place: usize, max: i64| number(fixed.get(place..place + 2)?).filter(|number| *number <= max);
    let year = i16::try_from(number(&fixed[..4])?).ok()?;
    let (month, day) = (i8::try_from(two(5, 12)?).ok()?, i8::try_from(two(8, 31)?).ok()?);
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    let (hour, minute, second) = (two(11, 23)?, two(14, 59)?, two(17, 60)?);
    let (micros, zone) = match rest.strip_prefix(b".") {
        None => (0, rest),
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (fraction, zone) = rest.split_at(digits);
            let kept = &fraction[..digits.min(6)];
            let missing = 6_u32.saturating_sub(u32::try_from(kept.len()).ok()?);
            (number(kept)? * 10_i64.pow(missing), zone)
        }
    };
    let offset_minutes = match zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), hours @ .., b':', tens, ones] if hours.len() == 2 => {
            let hours = number(hours).filter(|hours| *hours <= 23)?;
            let minutes = number(&[*tens, *ones]).filter(|minutes| *minutes <= 59)?;
            let total = hours * 60 + minutes;
            if *sign == b'-' { -total } else { total }
        }
        _ => return None,
    };
    let minute_of_day = hour * 60 + minute;
    if second == 60 && (minute_of_day - offset_minutes).rem_euclid(24 * 60) != 24 * 60 - 1 {
        return None;
    }
    Some((date, minute_of_day * 60 + second.min(59), offset_minutes * 60, micros))
}

/// A number of decimal digits, one at least.
fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_is_read_and_all_of_it() {
        for (text, moment) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-02t03:04:05.25z", 1_767_323_045_250_000),
            ("2026-01-02 03:04:05-08:00", 1_767_351_845_000_000),
            ("2026-01-02T03:04:05.123456789012345-00:00", 1_767_323_045_123_456),
            ("1969-12-31T23:59:59.9999999Z", -1),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000_000),
            ("2017-01-01T08:59:60.5+09:00", 1_483_228_799_500_000),
            ("2024-02-29T00:00:00+23:59", 1_709_078_460_000_000),
        ] {
            assert_eq!(Timestamp::read(text), Ok(Timestamp(moment)), "{text}");
        }
        for wrong in [
            "",
            "2026-01-01",
            "2026-01-01T00Z",
            "2026-01-01T00:00Z",
            "20260101T000000Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+01",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+01:00:00",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00Z[Europe/Paris]",
            "+002026-01-01T00:00:00Z",
            "2026-01-01T00:00:00,5Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T23:59:60+01:00",
            "2026-01-01T23:59:61Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00Zé",
            "２026-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::read(wrong), Err(NoMoment::NotRfc3339), "{wrong}");
        }
        assert_eq!(Timestamp::read("9999-12-31T23:59:59Z"), Err(NoMoment::OutOfRange));
    }
}
