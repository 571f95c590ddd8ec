//! Tests of `capture_time`: what is a time, whose, and with what offset.

use super::capture_time::*;
use super::payload::{Captured, CapturedSource};

fn shown(captured: Option<Captured>) -> Option<(String, String, Option<String>)> {
    captured.map(|captured| (captured.at, captured.sort_at, captured.offset))
}

fn exif(date: &str, subsecond: Option<&str>, offset: Option<&str>) -> Option<(String, String, Option<String>)> {
    shown(from_exif("DateTimeOriginal", date, subsecond, offset))
}

fn moment(at: &str, sort_at: &str, offset: Option<&str>) -> Option<(String, String, Option<String>)> {
    Some((at.to_owned(), sort_at.to_owned(), offset.map(str::to_owned)))
}

#[test]
fn exif_with_an_offset_is_an_instant() {
    let cases = [
        ("+02:00", "2019-05-04T13:22:01+02:00", "2019-05-04T11:22:01Z", "+02:00"),
        ("-0330", "2019-05-04T13:22:01-03:30", "2019-05-04T16:52:01Z", "-03:30"),
        ("+14", "2019-05-04T13:22:01+14:00", "2019-05-03T23:22:01Z", "+14:00"),
        ("Z\0", "2019-05-04T13:22:01+00:00", "2019-05-04T13:22:01Z", "+00:00"),
        ("-00:30", "2019-05-04T13:22:01-00:30", "2019-05-04T13:52:01Z", "-00:30"),
    ];
    for (offset, at, sort_at, printed) in cases {
        assert_eq!(exif("2019:05:04 13:22:01", None, Some(offset)), moment(at, sort_at, Some(printed)), "{offset}");
    }
    let captured = from_exif("DateTimeOriginal", "2019:05:04 13:22:01", None, Some("+02:00")).unwrap();
    assert_eq!((captured.source, captured.floating), (CapturedSource::ExifOffset, false));
}

#[test]
fn exif_without_a_usable_offset_floats_and_no_zone_is_made_up() {
    for offset in
        [None, Some(""), Some("   :  "), Some("+15:00"), Some("02:00"), Some("+2:0"), Some("+02:60"), Some("UTC")]
    {
        let found = from_exif("DateTimeOriginal", "2019:05:04 13:22:01", None, offset).unwrap();
        assert_eq!((found.source, found.floating), (CapturedSource::ExifFloating, true), "{offset:?}");
        assert_eq!(shown(Some(found)), moment("2019-05-04T13:22:01", "2019-05-04T13:22:01Z", None), "{offset:?}");
    }
}

#[test]
fn a_fraction_of_a_second_is_kept_to_the_microsecond() {
    let cases =
        [("5", ".5"), ("05", ".05"), ("123456789", ".123456"), ("000", ""), ("", ""), ("x", ""), ("12 ", ".12")];
    for (digits, fraction) in cases {
        let at = format!("2019-05-04T13:22:01{fraction}");
        assert_eq!(exif("2019:05:04 13:22:01", Some(digits), None), moment(&at, &format!("{at}Z"), None), "{digits}");
    }
}

#[test]
fn what_is_no_date_is_none() {
    let refused = [
        "",
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "2019:13:04 13:22:01",
        "2019:02:29 13:22:01",
        "2019:05:04 24:00:00",
        "2019:05:04 13:22:60",
        "2019:05:04",
        "2019:05:04 13:22:01 PM",
        "２０19:05:04 1:22:01",
        "+019:05:04 13:22:01",
        "2019:05:04_13:22:01",
    ];
    for date in refused {
        assert_eq!(exif(date, None, None), None, "{date}");
    }
    for taken in ["2019-05-04T13:22:01", "2019/05/04 13:22:01\0\0", " 2019:05:04 13:22:01"] {
        assert!(exif(taken, None, None).is_some(), "{taken}");
    }
    assert!(exif("2020:02:29 23:59:59", None, None).is_some());
    assert!(exif("9999:12:31 23:59:59", None, None).is_none_or(|(_, sort_at, _)| sort_at.starts_with("9999")));
}

#[test]
fn quicktime_seconds_count_from_1904_and_zero_dates_are_none() {
    let at = |seconds| shown(from_quicktime_seconds("mvhd", seconds)).map(|found| found.0);
    assert_eq!(at(3_607_022_760).as_deref(), Some("2018-04-19T22:46:00Z"));
    // A writer that counts from 1970.
    assert_eq!(at(1_524_177_960).as_deref(), Some("2018-04-19T22:46:00Z"));
    for zero in [0, 1, 2_082_844_800, 2_082_844_800 + 86_399, u64::MAX, u64::MAX / 2] {
        assert_eq!(at(zero), None, "{zero}");
    }
}

#[test]
fn container_text_needs_a_time_and_an_offset() {
    let read = |text| shown(from_container_text("Format:creation_time", text));
    assert_eq!(
        read("2019-05-04T13:22:01+0200"),
        moment("2019-05-04T13:22:01+02:00", "2019-05-04T11:22:01Z", Some("+02:00"))
    );
    assert_eq!(read("2019-05-04T11:22:01.250000Z"), moment("2019-05-04T11:22:01.25Z", "2019-05-04T11:22:01.25Z", None));
    for refused in [
        "2019",
        "2019-05-04",
        "2019-05-04T13:22:01",
        "2019-05-04T13:22:01.5",
        "1970-01-01T00:00:00Z",
        "1904-01-01T00:00:00.000000Z",
        "1970-01-01T02:00:00+0200",
        "12:00:00",
        "ü019-05-04T13:22:01Z",
        "",
    ] {
        assert_eq!(read(refused), None, "{refused}");
    }
}

#[test]
fn the_file_time_is_cut_to_microseconds_and_zero_is_unknown() {
    let at = |nanos| shown(from_file_time(nanos)).map(|found| found.0);
    assert_eq!(at(1_600_000_000_123_456_789).as_deref(), Some("2020-09-13T12:26:40.123456Z"));
    assert_eq!(at(-1).as_deref(), Some("1969-12-31T23:59:59.999999Z"));
    assert_eq!(at(0), None);
    assert!(at(i64::MAX).is_some() && at(i64::MIN).is_some());
}
