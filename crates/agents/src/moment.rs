//! Moments as people and clients write them in a question: a day, or a time to some precision.

use exhibit_model::time::{NoMoment, Timestamp};
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp as Instant, ToSpan as _};

use crate::alerts::Zone;

/// What a text covers: from its first microsecond up to, and without, the first one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// Its first microsecond.
    pub first: Timestamp,
    /// The first one after it.
    pub after: Timestamp,
}

/// Longest text of a moment: `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+HH:MM:SS` and some room.
const TEXT_BYTES_MAX: usize = 48;

/// Reads `YYYY-MM-DD` as that day in the zone, and `YYYY-MM-DDTHH:MM[:SS[.fraction]]` with an offset, or in the zone without one, to the
/// precision that is written. `None` for anything else.
pub fn covered(text: &str, zone: &Zone) -> Option<Covered> {
    if text.len() > TEXT_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    if text.len() == 10 {
        let day: Date = text.parse().ok()?;
        let start = |day: Date| Some(Timestamp(day.to_zoned(zone.rules().clone()).ok()?.timestamp().as_microsecond()));
        // A day at the end of time, as people write it who mean no end at all.
        let Some(first) = start(day) else { return clamped(day) };
        let after = day.checked_add(1.day()).ok().and_then(start).unwrap_or(Timestamp(LAST.0 + 1));
        return Some(Covered { first, after });
    }
    let (date, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let plain = format!("{date}T{time}");
    let first = match plain.parse::<Instant>() {
        Ok(instant) => instant,
        // A name of a zone in brackets, or an offset that is no time, was no moment above; without any it is a time of the zone.
        Err(_) if !time.contains(['Z', 'z', '+', '-', '[']) => {
            let local: DateTime = plain.parse().ok()?;
            local.to_zoned(zone.rules().clone()).ok()?.timestamp()
        }
        Err(_) if Timestamp::read(&plain) == Err(NoMoment::OutOfRange) => return clamped(date.parse().ok()?),
        Err(_) => return None,
    };
    let first = Timestamp(first.as_microsecond());
    Some(Covered { first, after: Timestamp(first.0.checked_add(precision(time)?)?) })
}

/// The last moment that can be printed.
const LAST: Timestamp = Timestamp(253_402_207_200_999_999);

/// What lies beyond all moments covers the last one, so that it bounds nothing; `None` for what lies before them.
fn clamped(day: Date) -> Option<Covered> {
    (day.year() > 0).then_some(Covered { first: LAST, after: Timestamp(LAST.0 + 1) })
}

/// Microseconds that the last digit stands for.
fn precision(time: &str) -> Option<i64> {
    let clock = time.split(['Z', 'z', '+', '-', '[']).next()?;
    Some(match clock.split_once('.') {
        Some((_, digits)) => 10_i64.pow(6_u32.saturating_sub(u32::try_from(digits.len()).ok()?)),
        None if clock.matches(':').count() >= 2 => 1_000_000,
        None => 60_000_000,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str, zone: &str) -> Option<(String, i64)> {
        let covered = covered(text, &Zone::parse(zone).unwrap())?;
        Some((covered.first.to_string(), covered.after.0 - covered.first.0))
    }

    /// AG-33: bounds hold to the precision written, offsets count, a day is a day of the zone.
    #[test]
    fn moments_cover_what_is_written() {
        let hour = 3_600_000_000;
        for (text, zone, first, micros) in [
            ("2026-01-02", "UTC", "2026-01-02T00:00:00.000000Z", 24 * hour),
            ("2026-01-02", "Asia/Karachi", "2026-01-01T19:00:00.000000Z", 24 * hour),
            ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000000Z", 23 * hour),
            ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000000Z", 25 * hour),
            ("2026-01-02T03:04Z", "UTC", "2026-01-02T03:04:00.000000Z", 60_000_000),
            ("2026-01-02T03:04:05+05:00", "UTC", "2026-01-01T22:04:05.000000Z", 1_000_000),
            ("2026-01-02T03:04:05", "Asia/Karachi", "2026-01-01T22:04:05.000000Z", 1_000_000),
            ("2026-01-02 03:04:05.12z", "UTC", "2026-01-02T03:04:05.120000Z", 10_000),
            ("2026-01-02T03:04:05.123456-08:00", "UTC", "2026-01-02T11:04:05.123456Z", 1),
            ("2026-01-02T03:04:05.1234567Z", "UTC", "2026-01-02T03:04:05.123456Z", 1),
        ] {
            assert_eq!(said(text, zone), Some((first.to_owned(), micros)), "{text} {zone}");
        }
        assert_eq!(LAST.0, Instant::MAX.as_microsecond());
        for text in ["9999-12-31", "9999-12-30", "9999-12-31T23:59:59Z", "9999-12-31T00:00:00-08:00"] {
            let bound = covered(text, &Zone::default()).expect("a bound");
            assert!(bound.first.0 >= 253_402_128_000_000_000 && bound.after.0 == LAST.0 + 1, "{text}: {bound:?}");
        }
        for wrong in [
            "",
            "abc",
            "2026-13-01",
            "2026-1-2",
            "2026-01-02T",
            "2026-01-02T25:00Z",
            "2026-01-02T03:04:05+99:00",
            "1767323045",
            "2026-01-02T03:04:05[UTC",
        ] {
            assert_eq!(said(wrong, "UTC"), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9TZ:.+ -]{0,40}|\\PC{0,20}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?[.Z+0-9:-]{0,12}") {
            if let Some(covered) = covered(&text, &Zone::default()) {
                prop_assert!(covered.first < covered.after);
            }
        }
    }
}
