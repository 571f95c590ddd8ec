//! When an original was taken, in the order of [`CapturedSource`]: EXIF, the container, XMP, the file.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::payload::{Captured, CapturedSource, OffsetMethod};

/// Seconds from 1904-01-01, where QuickTime starts to count, to 1970-01-01.
const SECONDS_1904_TO_1970: u64 = 2_082_844_800;
/// Largest distance of a time zone from UTC, in minutes (`+14:00`, Line Islands).
const OFFSET_MINUTES_MAX: i32 = 14 * 60;

/// How far a local time may lie from a whole quarter of an hour beside the time of the satellites, in seconds: a camera
/// set by hand is off by more, and then nothing is inferred.
const GPS_TOLERANCE_S: i64 = 60;
/// Zones lie at quarters of an hour.
const ZONE_STEP_S: i64 = 15 * 60;

/// Reads an EXIF date (`2019:05:04 13:22:01`) with the text of its sub-second and offset tags.
pub(crate) fn from_exif(tag: &str, date: &str, subsecond: Option<&str>, offset: Option<&str>) -> Option<Captured> {
    let mut local = parse_exif_date(date).filter(|local| !is_unset_clock(*local))?;
    if let Some(nanos) = subsecond.and_then(parse_fraction) {
        local = local.with().subsec_nanosecond(nanos).build().ok()?;
    }
    match offset.and_then(parse_offset) {
        Some(offset) => with_offset(tag, CapturedSource::ExifOffset, local, offset),
        None => floating(tag, CapturedSource::ExifFloating, local),
    }
}

/// Reads a date of XMP (`2019-05-04T13:22:01.5+02:00`); seconds, fraction and offset may be missing, the time may not.
pub(crate) fn from_xmp(tag: &str, text: &str) -> Option<Captured> {
    let text = text.trim();
    let (minutes, rest) = text.split_at_checked(16)?;
    let (seconds, rest) = match rest.strip_prefix(':') {
        Some(rest) => rest.split_at_checked(2)?,
        None => ("00", rest),
    };
    let date = format!("{minutes}:{seconds}");
    if date.as_bytes()[10] != b'T' {
        return None;
    }
    let local = parse_exif_date(&date).filter(|local| !is_unset_clock(*local))?;
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(end(rest))?,
        None => ("", rest),
    };
    let local = match parse_fraction(fraction) {
        Some(nanos) => local.with().subsec_nanosecond(nanos).build().ok()?,
        None => local,
    };
    match offset {
        "" => floating(tag, CapturedSource::XmpFloating, local),
        "Z" => Some(known_instant(tag, CapturedSource::XmpOffset, instant(local, Offset::UTC)?)),
        offset => with_offset(tag, CapturedSource::XmpOffset, local, parse_offset(offset)?),
    }
}

/// The instant of a GPS date (`2019:05:04`) and a time of day in hours, minutes and seconds, as text.
pub(crate) fn gps_instant(date: &str, [hours, minutes, seconds]: [f64; 3]) -> Option<String> {
    let whole = |number: f64| ((0.0..100.0).contains(&number) && number.fract() == 0.0).then_some(number as u8);
    if !(0.0..60.0).contains(&seconds) {
        return None;
    }
    // GPS clocks say 1 s, sometimes hundredths; what lies below a microsecond is rounding.
    let micros = (seconds * 1e6).round().min(59_999_999.0) as i32;
    let text = format!("{} {:02}:{:02}:{:02}", date.trim(), whole(hours)?, whole(minutes)?, micros / 1_000_000);
    let local = parse_exif_date(&text)?.with().subsec_nanosecond(micros % 1_000_000 * 1000).build().ok()?;
    let at = instant(local, Offset::UTC)?;
    (!is_zero_date(at)).then(|| at.to_string())
}

/// Gives a local time the offset that lies between it and the time of the satellites, when that is one a zone could have.
/// It is inferred, and says so.
pub(crate) fn with_gps_time(captured: Captured, gps_at: &str) -> Captured {
    let inferred = || {
        // A floating time is sorted as if it were UTC: what lies between the two is its offset.
        let local: Timestamp = captured.sort_at.parse().ok()?;
        let gps: Timestamp = gps_at.parse().ok()?;
        let apart = local.duration_since(gps).as_secs();
        let zone = (apart + ZONE_STEP_S / 2).div_euclid(ZONE_STEP_S) * ZONE_STEP_S;
        let offset_minutes_max = i64::from(OFFSET_MINUTES_MAX);
        if (apart - zone).abs() > GPS_TOLERANCE_S || (zone / 60).abs() > offset_minutes_max {
            return None;
        }
        let offset = Offset::UTC.checked_add(SignedDuration::from_secs(zone)).ok()?;
        let found = with_offset(&captured.tag, CapturedSource::ExifInferred, Offset::UTC.to_datetime(local), offset)?;
        Some(Captured { offset_method: Some(OffsetMethod::GpsTime), ..found })
    };
    if captured.source == CapturedSource::ExifFloating { inferred().unwrap_or(captured) } else { captured }
}

/// Reads a creation time in seconds since 1904, UTC. Writers that count from 1970 by mistake are told by their small
/// numbers, as `ffmpeg` and `exiftool` do; a zero date of either kind is none.
pub(crate) fn from_quicktime_seconds(tag: &str, seconds: u64) -> Option<Captured> {
    let since_1970 = seconds.checked_sub(SECONDS_1904_TO_1970).unwrap_or(seconds);
    let at = Timestamp::from_second(i64::try_from(since_1970).ok()?).ok()?;
    container_instant(tag, at)
}

/// Reads ISO 8601 text of a container, such as `2019-05-04T13:22:01+0200` or `2019-05-04T11:22:01.000000Z`. Text
/// without a time or without an offset says too little and is none.
pub(crate) fn from_container_text(tag: &str, text: &str) -> Option<Captured> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(19)?;
    let local = parse_exif_date(date)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?,
        None => ("", rest),
    };
    let local = match parse_fraction(fraction) {
        Some(nanos) => local.with().subsec_nanosecond(nanos).build().ok()?,
        None => local,
    };
    if offset == "Z" {
        return container_instant(tag, instant(local, Offset::UTC)?);
    }
    let offset = parse_offset(offset)?;
    if is_zero_date(instant(local, offset)?) {
        return None;
    }
    with_offset(tag, CapturedSource::ContainerOffset, local, offset)
}

/// The modification time of the file; 0 stands for "not known".
pub(crate) fn from_file_time(mtime_ns: i64) -> Option<Captured> {
    if mtime_ns == 0 {
        return None;
    }
    let at = Timestamp::from_microsecond(mtime_ns.div_euclid(1000)).ok()?;
    Some(known_instant("mtime", CapturedSource::FileTime, at))
}

fn container_instant(tag: &str, at: Timestamp) -> Option<Captured> {
    if is_zero_date(at) { None } else { Some(known_instant(tag, CapturedSource::ContainerUtc, at)) }
}

fn known_instant(tag: &str, source: CapturedSource, at: Timestamp) -> Captured {
    let text = at.to_string();
    Captured {
        at: text.clone(),
        sort_at: text,
        source,
        tag: tag.to_owned(),
        floating: false,
        offset: None,
        offset_method: None,
    }
}

fn floating(tag: &str, source: CapturedSource, local: DateTime) -> Option<Captured> {
    Some(Captured {
        at: local.to_string(),
        sort_at: instant(local, Offset::UTC)?.to_string(),
        source,
        tag: tag.to_owned(),
        floating: true,
        offset: None,
        offset_method: None,
    })
}

fn with_offset(tag: &str, source: CapturedSource, local: DateTime, offset: Offset) -> Option<Captured> {
    let text = offset_text(offset);
    Some(Captured {
        at: format!("{local}{text}"),
        sort_at: instant(local, offset)?.to_string(),
        source,
        tag: tag.to_owned(),
        floating: false,
        offset: Some(text),
        offset_method: Some(OffsetMethod::Stated),
    })
}

fn instant(local: DateTime, offset: Offset) -> Option<Timestamp> {
    offset.to_timestamp(local).ok()
}

/// The first day of 1904 or of 1970: a clock that was never set.
fn is_zero_date(at: Timestamp) -> bool {
    let day = Offset::UTC.to_datetime(at).date();
    (day.year() == 1904 || day.year() == 1970) && day.day_of_year() == 1
}

/// The first second of 1904 or of 1970 in local time. The rest of those days is left to people who scan old pictures.
fn is_unset_clock(local: DateTime) -> bool {
    matches!(local.year(), 1904 | 1970) && local.day_of_year() == 1 && local.time() == jiff::civil::Time::midnight()
}

/// Nineteen characters, `YYYY:MM:DD hh:mm:ss`, with the other separators that are met in the wild. A second of 60, a
/// month of 0, blanks and a year of 0 are no date.
fn parse_exif_date(text: &str) -> Option<DateTime> {
    let bytes = text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).as_bytes();
    let bytes: &[u8; 19] = bytes.try_into().ok()?;
    let separated = [4, 7].iter().all(|at| matches!(bytes[*at], b':' | b'-' | b'/' | b'.'))
        && matches!(bytes[10], b' ' | b'T')
        && [13, 16].iter().all(|at| bytes[*at] == b':');
    if !separated {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i16> {
        bytes[from..to]
            .iter()
            .try_fold(0i16, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i16::from(digit - b'0')))
    };
    let small = |from: usize| number(from, from + 2).and_then(|value| i8::try_from(value).ok());
    let year = number(0, 4).filter(|year| *year > 0)?;
    DateTime::new(year, small(5)?, small(8)?, small(11)?, small(14)?, small(17)?, 0).ok()
}

/// Digits after a decimal point as nanoseconds, to the microsecond (what the store keeps); `None` without digits.
fn parse_fraction(text: &str) -> Option<i32> {
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros = text.bytes().chain(std::iter::repeat(b'0')).take(6);
    Some(micros.fold(0i32, |sum, digit| sum * 10 + i32::from(digit - b'0')) * 1000)
}

/// `+02:00`, `-0530`, `+02` or `Z`; anything else is no offset.
fn parse_offset(text: &str) -> Option<Offset> {
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits: Vec<i32> = rest.bytes().filter(|b| b.is_ascii_digit()).map(|b| i32::from(b - b'0')).collect();
    let minutes = match (rest.len(), rest.as_bytes().get(2), digits.as_slice()) {
        (2, None, [a, b]) => (a * 10 + b) * 60,
        (4, Some(_), [a, b, c, d]) | (5, Some(b':'), [a, b, c, d]) if c * 10 + d < 60 => (a * 10 + b) * 60 + c * 10 + d,
        _ => return None,
    };
    if minutes > OFFSET_MINUTES_MAX {
        return None;
    }
    Offset::UTC.checked_add(SignedDuration::from_mins(i64::from(sign * minutes))).ok()
}

fn offset_text(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}
