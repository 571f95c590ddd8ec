//! Calendar times of a sample, as cameras write them and as seconds since 1970.

use std::fmt;

/// A local date and time without a zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
}

impl Local {
    /// `YYYY:MM:DD HH:MM:SS`, as EXIF wants it.
    pub(super) fn exif(&self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}:{month:02}:{day:02} {hour:02}:{minute:02}:{second:02}")
    }

    /// The time so many minutes later, or earlier when they are below zero.
    pub(super) fn shifted(&self, minutes: i32) -> Self {
        civil(local_time(self, 0) / 1_000_000 + i64::from(minutes) * 60)
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// Microseconds since 1970 of a local time that is `offset_minutes` ahead of UTC (days from civil, Hinnant 2013).
pub(super) fn local_time(local: &Local, offset_minutes: i32) -> i64 {
    let year = i64::from(local.year) - i64::from(local.month <= 2);
    let (era, month) = (year.div_euclid(400), i64::from((local.month + 9) % 12));
    let year_of_era = year - era * 400;
    let day_of_year = (153 * month + 2) / 5 + i64::from(local.day) - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let minutes = days * 1440 + i64::from(local.hour) * 60 + i64::from(local.minute) - i64::from(offset_minutes);
    (minutes * 60 + i64::from(local.second)) * 1_000_000
}

/// RFC 3339 in UTC of microseconds since 1970, with the fraction only where there is one.
pub(super) fn utc_text(time_us: i64) -> String {
    let (seconds, fraction) = (time_us.div_euclid(1_000_000), time_us.rem_euclid(1_000_000));
    let mut text = civil(seconds).to_string();
    if fraction > 0 {
        text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// The calendar time of seconds since 1970 (civil from days, Hinnant 2013). Years before 0 do not occur.
fn civil(seconds: i64) -> Local {
    let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Local {
        year: year as u32,
        month: month as u32,
        day: day as u32,
        hour: (second / 3600) as u32,
        minute: (second / 60 % 60) as u32,
        second: (second % 60) as u32,
    }
}
