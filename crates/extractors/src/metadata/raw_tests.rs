//! Tests of camera RAW: its picture is not its preview.

use super::payload::*;
use super::test_files::*;
use super::*;
use crate::testing::{self, Original};

fn size(width: u16, height: u16) -> Vec<(u16, Entry)> {
    vec![(0x0100, Entry::Short(width)), (0x0101, Entry::Short(height))]
}

fn payload(bytes: &[u8], media_type: &str) -> serde_json::Value {
    let unit = testing::run(make().as_mut(), &DESCRIPTOR, Original::of(bytes, media_type), serde_json::json!({}));
    assert_eq!(unit.outcome, Outcome::Done);
    unit.facts[0].payload.clone()
}

/// A preview first, the picture in a directory below it, the facts of the camera as everywhere.
fn nef() -> Vec<u8> {
    let [main, exif, gps] = full_exif_directories();
    let preview = [vec![(0x00FE, Entry::Long(1))], size(160, 120), main, vec![(0x014A, Entry::Directory(3))]].concat();
    tiff(Order::Big, &[preview, exif, gps, size(6048, 4024)])
}

#[test]
fn the_size_of_a_raw_picture_is_that_of_the_largest_one() {
    for (media_type, container) in [
        ("image/x-nikon-nef", "nef"),
        ("image/x-sony-arw", "arw"),
        ("image/x-adobe-dng", "dng"),
        ("image/x-pentax-pef", "pef"),
        // The directories tell it where the name does not.
        ("image/tiff", "tiff"),
    ] {
        let facts = payload(&nef(), media_type);
        assert_eq!(
            (&facts["container"], &facts["width"], &facts["height"]),
            (&container.into(), &6048.into(), &4024.into())
        );
        assert_eq!((&facts["oriented_width"], &facts["camera"]["model"]), (&4024.into(), &"Box 1".into()));
        assert_eq!(facts["captured"]["source"], "exif_offset");
    }
    // Canon states the size of the developed picture in EXIF, and keeps the chain for previews.
    let exif = vec![(0xA002, Entry::Short(5616)), (0xA003, Entry::Short(3744))];
    let cr2 = tiff(Order::Little, &[[size(160, 120), vec![(0x8769, Entry::Directory(1))]].concat(), exif]);
    assert_eq!(payload(&cr2, "image/x-canon-cr2")["width"], 5616);
    let mut orf = cr2;
    orf[2..4].copy_from_slice(b"RO");
    assert_eq!(payload(&orf, "image/x-olympus-orf")["height"], 3744);
}

#[test]
fn raw_that_is_no_tiff_gives_the_facts_of_its_camera() {
    let facts = payload(&cr3(), "image/x-canon-cr3");
    assert_eq!((&facts["container"], &facts["width"], &facts["height"]), (&"cr3".into(), &640.into(), &360.into()));
    assert_eq!((&facts["camera"]["model"], &facts["exposure"]["iso"]), (&"Box 1".into(), &400.into()));
    assert_eq!((&facts["gps"]["latitude"], &facts["description"]["rating"]), (&(-33.8568).into(), &4.into()));
    assert_eq!(facts["method"], serde_json::json!(["exif", "raw-header", "xmp"]));
    let facts = payload(&raf(), "image/x-fuji-raf");
    assert_eq!((&facts["container"], &facts["width"], &facts["height"]), (&"raf".into(), &4936.into(), &3296.into()));
    assert_eq!((&facts["camera"]["model"], &facts["orientation"]), (&"Box 1".into(), &6.into()));
}

#[test]
fn raw_without_a_picture_is_corrupt() {
    let unit = |bytes: &[u8], media_type| {
        testing::run(make().as_mut(), &DESCRIPTOR, Original::of(bytes, media_type), serde_json::json!({}))
    };
    let empty = tiff(Order::Big, &[vec![(0x010F, Entry::Text("Acme"))]]);
    assert_eq!(unit(&empty, "image/x-nikon-nef").reason(), Some("corrupt"));
    let raf = raf();
    assert_eq!(unit(&raf[..90], "image/x-fuji-raf").reason(), Some("corrupt"));
    let mut broken = raf;
    // The preview points past the end; the table of the sensor is there.
    broken[84] = 0xFF;
    let facts = payload(&broken, "image/x-fuji-raf");
    assert_eq!(facts["warnings"], serde_json::json!([Warning::ExifDamaged]));
}
