//! Tests of places, directions and the time of the satellites, and of offsets that are inferred from it.

use super::payload::*;
use super::test_files::*;
use super::*;

type Directory = Vec<(u16, Entry)>;

fn vienna() -> Directory {
    vec![
        (1, Entry::Text("N")),
        (2, Entry::Rationals(vec![(48, 1), (12, 1), (2952, 100)])),
        (3, Entry::Text("E")),
        (4, Entry::Rationals(vec![(16, 1), (22, 1), (2568, 100)])),
    ]
}

fn read(gps: Directory, time: Option<&'static str>) -> (MediaMetadata, Option<Captured>) {
    let main = vec![(0x8769, Entry::Directory(1)), (0x8825, Entry::Directory(2))];
    let exif = time.map(|time| (0x9003, Entry::Text(time))).into_iter().collect();
    let exif = tiff(Order::Big, &[main, exif, gps]);
    still::read_still(ImageFormat::Jpeg, Source::Memory(&jpeg(Some(&exif), 40, 30))).ok().unwrap()
}

fn changed(tag: u16, value: Option<Entry>) -> Directory {
    let mut gps = vienna();
    gps.retain(|(known, _)| *known != tag);
    gps.extend(value.map(|value| (tag, value)));
    gps
}

#[test]
fn a_place_has_its_height_and_direction_with_their_references() {
    let rest = vec![
        (5, Entry::Byte(0)),
        (6, Entry::Rationals(vec![(1513, 10)])),
        (0x10, Entry::Text("M")),
        (0x11, Entry::Rationals(vec![(27150, 100)])),
    ];
    let gps = read([vienna(), rest].concat(), None).0.gps.unwrap();
    assert_eq!((gps.latitude, gps.longitude, gps.altitude_m), (48.2082, 16.3738, Some(151.3)));
    assert_eq!((gps.direction_deg, gps.direction_reference), (Some(271.5), Some(North::Magnetic)));
    let altitude = |reference: u8| {
        let rest = vec![(5, Entry::Byte(reference)), (6, Entry::Rationals(vec![(5, 2)]))];
        read([vienna(), rest].concat(), None).0.gps.unwrap().altitude_m
    };
    assert_eq!([0, 1, 2, 3].map(altitude), [Some(2.5), Some(-2.5), Some(2.5), Some(-2.5)]);
    let direction = |north: &'static str, degrees: (u32, u32)| {
        let rest = vec![(0x10, Entry::Text(north)), (0x11, Entry::Rationals(vec![degrees]))];
        read([vienna(), rest].concat(), None).0.gps.unwrap().direction_deg
    };
    assert_eq!(direction("T", (360, 1)), Some(0.0));
    for (north, degrees) in [("T", (361, 1)), ("T", (1, 0)), ("", (90, 1)), ("X", (90, 1))] {
        assert_eq!(direction(north, degrees), None, "{north} {degrees:?}");
    }
}

#[test]
fn a_place_that_is_incomplete_undefined_or_not_on_earth_is_none_and_told() {
    let degrees = |list: &[(u32, u32)]| Some(Entry::Rationals(list.to_vec()));
    for gps in [
        changed(1, None),
        changed(1, Some(Entry::Text(""))),
        changed(1, Some(Entry::Text("E"))),
        changed(4, None),
        changed(2, degrees(&[(91, 1)])),
        changed(2, degrees(&[(90, 1), (1, 1), (0, 1)])),
        changed(4, degrees(&[(181, 1)])),
        changed(2, degrees(&[(0, 0), (12, 1), (0, 1)])),
        changed(2, degrees(&[(48, 1), (0, 0), (0, 1)])),
        changed(2, degrees(&[(48, 1), (12, 1), (0, 0)])),
        changed(2, degrees(&[(48, 1), (60, 1), (0, 1)])),
        changed(2, Some(Entry::Text("48.2"))),
    ] {
        let facts = read(gps.clone(), None).0;
        assert_eq!((facts.gps, facts.warnings), (None, [Warning::GpsRefused].into()), "{gps:?}");
    }
    // Degrees alone, or degrees and minutes, are a place.
    for (list, latitude) in [(vec![(482, 10)], 48.2), (vec![(48, 1), (30, 1)], 48.5)] {
        assert_eq!(read(changed(2, degrees(&list)), None).0.gps.unwrap().latitude, latitude);
    }
    assert_eq!(read(Vec::new(), None).0.warnings, [].into());
}

fn clock(date: &'static str, time: [(u32, u32); 3]) -> Directory {
    [vienna(), vec![(7, Entry::Rationals(time.to_vec())), (0x1D, Entry::Text(date))]].concat()
}

#[test]
fn the_time_of_the_satellites_is_utc_and_gives_a_local_time_its_offset() {
    let at = |gps| read(gps, None).0.gps.unwrap().at;
    assert_eq!(at(clock("2019:05:04", [(11, 1), (22, 1), (3, 2)])).as_deref(), Some("2019-05-04T11:22:01.5Z"));
    for gps in [
        clock("2019:05:04", [(24, 1), (0, 1), (0, 1)]),
        clock("2019:05:04", [(1, 1), (60, 1), (0, 1)]),
        clock("2019:05:04", [(1, 1), (0, 0), (0, 1)]),
        clock("1970:01:01", [(0, 1), (0, 1), (0, 1)]),
        clock("", [(1, 1), (0, 1), (0, 1)]),
    ] {
        assert_eq!(at(gps), None);
    }
    let time = |local, clock| {
        let captured = read(clock, Some(local)).1.unwrap();
        (captured.at, captured.source, captured.offset_method)
    };
    let utc = || clock("2019:05:04", [(11, 1), (21, 1), (40, 1)]);
    let inferred = |at: &str| (at.to_owned(), CapturedSource::ExifInferred, Some(OffsetMethod::GpsTime));
    assert_eq!(time("2019:05:04 13:22:01", utc()), inferred("2019-05-04T13:22:01+02:00"));
    assert_eq!(time("2019:05:04 05:51:40", utc()), inferred("2019-05-04T05:51:40-05:30"));
    assert_eq!(time("2019:05:05 00:06:40", utc()), inferred("2019-05-05T00:06:40+12:45"));
    // Too far from any zone, or from the satellites: a clock that was set by hand, or a place from yesterday.
    for local in ["2019:05:04 13:24:01", "2019:05:05 13:22:01", "2019:05:03 11:22:01"] {
        let floating = time(local, utc());
        assert_eq!((floating.1, floating.2), (CapturedSource::ExifFloating, None), "{local}");
    }
}

#[test]
fn an_offset_that_is_stated_is_not_replaced_and_that_of_another_time_not_taken() {
    let gps = clock("2019:05:04", [(11, 1), (22, 1), (1, 1)]);
    let read_with = |offset_tag: u16| {
        let main = vec![(0x8769, Entry::Directory(1)), (0x8825, Entry::Directory(2))];
        let exif = vec![(0x9003, Entry::Text("2019:05:04 14:22:01")), (offset_tag, Entry::Text("+05:00"))];
        let exif = tiff(Order::Big, &[main, exif, gps.clone()]);
        still::read_still(ImageFormat::Jpeg, Source::Memory(&jpeg(Some(&exif), 40, 30))).ok().unwrap().1.unwrap()
    };
    let stated = read_with(0x9011);
    assert_eq!((stated.source, stated.offset.as_deref()), (CapturedSource::ExifOffset, Some("+05:00")));
    // `OffsetTime` belongs to the last change.
    let inferred = read_with(0x9010);
    assert_eq!((inferred.source, inferred.offset.as_deref()), (CapturedSource::ExifInferred, Some("+03:00")));
}

#[test]
fn clocks_that_were_never_set_say_no_time() {
    for zero in ["1970:01:01 00:00:00", "1904:01:01 00:00:00", "0000:00:00 00:00:00"] {
        assert_eq!(read(Vec::new(), Some(zero)).1, None, "{zero}");
    }
    // A scanned picture may well be of that day.
    assert!(read(Vec::new(), Some("1970:01:01 12:00:00")).1.is_some());
}

#[test]
fn dates_of_xmp_need_a_time_and_keep_their_offset() {
    let read =
        |text| capture_time::from_xmp("XMP:xmp:CreateDate", text).map(|found| (found.at, found.source, found.floating));
    let found = |at: &str, source, floating| Some((at.to_owned(), source, floating));
    assert_eq!(
        read("2019-05-04T13:22:01.25-05:30"),
        found("2019-05-04T13:22:01.25-05:30", CapturedSource::XmpOffset, false)
    );
    assert_eq!(read("2019-05-04T13:22Z"), found("2019-05-04T13:22:00Z", CapturedSource::XmpOffset, false));
    assert_eq!(read("2019-05-04T13:22:01"), found("2019-05-04T13:22:01", CapturedSource::XmpFloating, true));
    for refused in [
        "",
        "2019",
        "2019-05",
        "2019-05-04",
        "2019-05-04 13:22",
        "2019-05-04T13:22:0",
        "2019-05-04T13:22+2",
        "1970-01-01T00:00:00",
        "2019-05-04T13:22:01x",
        "2019-05-04T13:22:éé",
    ] {
        assert_eq!(read(refused), None, "{refused}");
    }
}
