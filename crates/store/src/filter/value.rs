//! Numbers with units and times of any precision.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A span of time as people write it: a year, a month, a day, an hour, a minute or a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    start: DateTime,
    precision: Precision,
    /// Minutes east of UTC, where that was said.
    offset_minutes: Option<i16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// One moment, for both kinds of capture times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What a clock on the wall shows, as microseconds; for floating times, which know no time zone.
    pub wall_us: i64,
    /// Microseconds UTC; for times that know their offset.
    pub utc_us: i64,
}

/// Years that are read. Beyond 9998 the end of a period could not be computed.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9998;

impl Period {
    /// The first moment that belongs to it.
    pub fn start(&self) -> Moment {
        self.moment(self.start)
    }

    /// The first moment after it.
    pub fn end(&self) -> Moment {
        let length = match self.precision {
            Precision::Year => 1.year(),
            Precision::Month => 1.month(),
            Precision::Day => 1.day(),
            Precision::Hour => 1.hour(),
            Precision::Minute => 1.minute(),
            Precision::Second => 1.second(),
        };
        self.moment(self.start.saturating_add(length))
    }

    fn moment(&self, at: DateTime) -> Moment {
        // Cannot fail: the years are limited.
        let wall_us = at.to_zoned(TimeZone::UTC).map_or(i64::MAX, |zoned| zoned.timestamp().as_microsecond());
        let offset_us = i64::from(self.offset_minutes.unwrap_or(0)) * 60_000_000;
        Moment { wall_us, utc_us: wall_us.saturating_sub(offset_us) }
    }

    /// Reads `2019`, `2019-06`, `2019-06-01`, `2019-06-01T10`, `…T10:30`, `…T10:30:59`; after a time perhaps `Z` or `+02:00`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            return None;
        }
        let (date, time) = text.split_once(['T', 't']).map_or((text, None), |(date, time)| (date, Some(time)));
        let mut parts = date.split('-');
        let year = digits(parts.next()?, 4).filter(|year| YEARS.contains(year))?;
        let month = parts.next().map(|part| digits(part, 2));
        let day = parts.next().map(|part| digits(part, 2));
        if parts.next().is_some() {
            return None;
        }
        let precision = match (month, day) {
            (None, _) => Precision::Year,
            (Some(_), None) => Precision::Month,
            (Some(_), Some(_)) => Precision::Day,
        };
        let small = |part: Option<Option<i16>>| part.map_or(Some(1), |part| i8::try_from(part?).ok());
        let date = Date::new(year, small(month)?, small(day)?).ok()?;
        let Some(time) = time else {
            return Some(Self { start: date.at(0, 0, 0, 0), precision, offset_minutes: None });
        };
        if precision != Precision::Day {
            return None;
        }
        let (clock, offset_minutes) = split_offset(time)?;
        let (time, precision) = parse_clock(clock)?;
        Some(Self { start: date.to_datetime(time), precision, offset_minutes })
    }
}

/// Exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i16> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn split_offset(time: &str) -> Option<(&str, Option<i16>)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, Some(0)));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, None)) };
    let (clock, offset) = time.split_at(at);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    // RFC 3339 knows no larger ones.
    if hours > 23 || minutes > 59 {
        return None;
    }
    let total = hours * 60 + minutes;
    Some((clock, Some(if offset.starts_with('-') { -total } else { total })))
}

fn parse_clock(clock: &str) -> Option<(jiff::civil::Time, Precision)> {
    let mut parts = clock.split(':').map(|part| digits(part, 2).and_then(|number| i8::try_from(number).ok()));
    let hour = parts.next()??;
    let (minute, second) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let (minute, second, precision) = match (minute, second) {
        (None, _) => (0, 0, Precision::Hour),
        (Some(minute), None) => (minute?, 0, Precision::Minute),
        (Some(minute), Some(second)) => (minute?, second?, Precision::Second),
    };
    Some((jiff::civil::Time::new(hour, minute, second, 0).ok()?, precision))
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.start;
        write!(f, "{:04}", at.year())?;
        if self.precision == Precision::Year {
            return Ok(());
        }
        write!(f, "-{:02}", at.month())?;
        if self.precision == Precision::Month {
            return Ok(());
        }
        write!(f, "-{:02}", at.day())?;
        if self.precision == Precision::Day {
            return Ok(());
        }
        write!(f, "T{:02}", at.hour())?;
        if self.precision != Precision::Hour {
            write!(f, ":{:02}", at.minute())?;
        }
        if self.precision == Precision::Second {
            write!(f, ":{:02}", at.second())?;
        }
        match self.offset_minutes {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

/// Units of sizes, the decimal and the binary ones.
pub(super) const SIZE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Units of durations.
pub(super) const DURATION_UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A whole number and its unit, in upper or lower case. `Err` says whether the unit or the number is wrong.
pub(super) fn number(text: &str, units: &[(&str, u64)], unit_may_miss: bool) -> Result<u64, NumberError> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    if digits.is_empty() {
        return Err(NumberError::Number);
    }
    let factor = match units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() && unit_may_miss => 1,
        None => return Err(NumberError::Unit),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    // The databases count to 2^63 - 1.
    number.filter(|number| i64::try_from(*number).is_ok()).ok_or(NumberError::TooLarge)
}

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberError {
    Number,
    Unit,
    TooLarge,
}
