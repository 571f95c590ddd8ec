//! Tests of HEIC and AVIF with files that `heif-enc` makes, and with boxes made by hand.

use std::fs;
use std::process::Command;

use exhibit_engine::extractor::Outcome;
use serde_json::json;

use super::*;
use crate::still::Colour;
use crate::still::Method;
use crate::still::heif_boxes::Item;
use crate::testing::Unit;
use crate::thumbnail::Thumbnail;
use crate::thumbnail::samples::{BLUE, GREEN, RED, WHITE, png, quarters, thumbnails};

/// A file that `heif-enc` makes of PNG files.
fn encoded(name: &str, pictures: &[Vec<u8>], arguments: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("heif-enc");
    command.current_dir(folder.path()).args(arguments.split_whitespace()).args(["-o", name]);
    for (index, picture) in pictures.iter().enumerate() {
        let file = format!("{index}.png");
        fs::write(folder.path().join(&file), picture).unwrap();
        command.arg(file);
    }
    let made = command.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    fs::read(folder.path().join(name)).unwrap()
}

fn photo(width: u32, height: u32) -> Vec<u8> {
    png(quarters(width, height).as_flattened(), width, height, image::ExtendedColorType::Rgb8)
}

#[track_caller]
fn payload(unit: &Unit) -> Thumbnail {
    assert_eq!(unit.outcome, Outcome::Done);
    assert_eq!(fs::read_dir(unit.scratch.path()).unwrap().count(), unit.facts.len(), "only blobs are left");
    serde_json::from_value(unit.facts[0].payload.clone()).unwrap()
}

/// Colours at the middles of the four quarters: top left, top right, bottom left, bottom right.
fn corners(unit: &Unit) -> [[u8; 4]; 4] {
    let picture = unit.picture(0);
    let at = |x: u32, y: u32| picture.pixels[(picture.height * y / 4 * picture.width + picture.width * x / 4) as usize];
    [at(1, 1), at(3, 1), at(1, 3), at(3, 3)]
}

#[track_caller]
fn assert_corners(unit: &Unit, expected: [[u8; 3]; 4], what: &str) {
    for (found, expected) in corners(unit).iter().zip(expected) {
        let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 12);
        assert!(near, "{what}: {:?} instead of {expected:?}", corners(unit));
    }
}

#[test]
fn heic_and_avif_are_shown_in_their_colours() {
    for (name, media_type) in [("a.heic", "image/heic"), ("a.avif", "image/avif")] {
        // Much larger than what is wanted, so it comes out as JPEG; then smaller, as PNG.
        for (size, width) in [((1200, 800), 256), ((300, 200), 256), ((90, 60), 90)] {
            let file = encoded(name, &[photo(size.0, size.1)], "-q 90");
            let unit = thumbnails(&file, media_type, json!({"edges": [256]}));
            let told = payload(&unit);
            assert_eq!((told.source_width, told.source_height, told.width), (size.0, size.1, width), "{name}");
            assert_eq!((told.method, told.part, told.orientation), (Method::HeifConvert, Part::Whole, 1));
            assert_corners(&unit, [RED, GREEN, BLUE, WHITE], name);
        }
    }
}

#[test]
fn alpha_and_ten_bits_come_through() {
    let pixels: Vec<u8> =
        quarters(300, 200).iter().flat_map(|&[r, g, b]| [r, g, b, if r == RED[0] { 0 } else { 255 }]).collect();
    let drawing = png(&pixels, 300, 200, image::ExtendedColorType::Rgba8);
    let unit = thumbnails(&encoded("a.avif", &[drawing], "-q 90"), "image/avif", json!({}));
    payload(&unit);
    let [top_left, top_right, ..] = corners(&unit);
    assert_eq!((top_left[3], top_right[3]), (0, 255));

    let deep: Vec<u8> =
        quarters(900, 600).as_flattened().iter().flat_map(|v| (u16::from(*v) * 257).to_ne_bytes()).collect();
    let deep = png(&deep, 900, 600, image::ExtendedColorType::Rgb16);
    let file = encoded("a.heic", &[deep], "-q 90 -b 10");
    assert!(plan(&read_meta(&meta_of(&file)).unwrap()).unwrap().deep);
    let unit = thumbnails(&file, "image/heic", json!({"edges": [256]}));
    payload(&unit);
    assert_corners(&unit, [RED, GREEN, BLUE, WHITE], "ten bits");
}

fn meta_of(file: &[u8]) -> Vec<u8> {
    let at = file.windows(4).position(|name| name == b"meta").unwrap();
    let size = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    file[at + 4..at - 4 + size].to_vec()
}

/// The file with one more property of its primary picture: the room comes from the name of a `free` box that libheif ignores, so here the
/// boxes are built anew around the old data.
fn with_property(file: &[u8], property: &[u8]) -> Vec<u8> {
    let grow = |bytes: &mut Vec<u8>, name: &[u8; 4], by: u32| {
        let at = bytes.windows(4).position(|found| found == name).unwrap() - 4;
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) + by;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
        (at, size as usize)
    };
    let mut out = file.to_vec();
    let parsed = read_meta(&meta_of(file)).unwrap();
    let number = u8::try_from(parsed.properties.len() + 1).unwrap();
    // The association of the first item gets one more number, behind the others.
    let (at, _) = grow(&mut out, b"ipma", 1);
    let first = at + 8 + 8;
    out[first + 2] += 1;
    let count = usize::from(out[first + 2]);
    out.insert(first + 3 + count - 1, 0x80 | number);
    let added = property.len() as u32;
    let (at, size) = grow(&mut out, b"ipco", added);
    out.splice(at + size - property.len()..at + size - property.len(), property.iter().copied());
    grow(&mut out, b"iprp", added + 1);
    grow(&mut out, b"meta", added + 1);
    // The data moved: libheif of Debian writes one 32-bit place per item, of version 1, behind the number, method and reference.
    let at = out.windows(4).position(|found| found == b"iloc").unwrap() + 4;
    let version = out[at];
    let items = usize::from(u16::from_be_bytes([out[at + 6], out[at + 7]]));
    let mut place = at + 8;
    for _ in 0..items {
        place += if version == 0 { 4 } else { 6 };
        // Base place of as many bytes as the second half of the sizes says.
        place += usize::from(out[at + 5] >> 4);
        let extents = u16::from_be_bytes([out[place], out[place + 1]]);
        assert_eq!((extents, out[at + 4]), (1, 0x44));
        place += 2;
        let offset = u32::from_be_bytes(out[place..place + 4].try_into().unwrap()) + added + 1;
        out[place..place + 4].copy_from_slice(&offset.to_be_bytes());
        place += 8;
    }
    out
}

#[test]
fn turns_and_mirrors_are_applied_once_and_told_as_orientation() {
    let plain = encoded("a.heic", &[photo(300, 200)], "-q 90");
    let turned = |quarters: u8| [b"\0\0\0\x09irot".as_slice(), &[quarters]].concat();
    let mirrored = |axis: u8| [b"\0\0\0\x09imir".as_slice(), &[axis]].concat();
    for (name, property, orientation, size, expected) in [
        ("a quarter left", turned(1), 8, (200, 300), [GREEN, WHITE, RED, BLUE]),
        ("upside down", turned(2), 3, (300, 200), [WHITE, BLUE, GREEN, RED]),
        ("a quarter right", turned(3), 6, (200, 300), [BLUE, RED, WHITE, GREEN]),
        ("left and right", mirrored(1), 2, (300, 200), [GREEN, RED, WHITE, BLUE]),
        ("top and bottom", mirrored(0), 4, (300, 200), [BLUE, WHITE, RED, GREEN]),
    ] {
        let unit = thumbnails(&with_property(&plain, &property), "image/heic", json!({}));
        let told = payload(&unit);
        assert_eq!((told.orientation, (told.width, told.height)), (orientation, size), "{name}");
        assert_eq!((told.source_width, told.source_height), (300, 200), "{name}");
        assert_corners(&unit, expected, name);
    }
}

#[test]
fn orientations_follow_each_other() {
    // A quarter left and then left for right is the transposed picture of EXIF 5; the other order is 7.
    assert_eq!((then(8, 2), then(2, 8)), (7, 5));
    assert_eq!((then(6, 6), then(6, 8), then(3, 4), then(1, 7)), (3, 1, 2, 7));
}

#[test]
fn of_several_pictures_the_primary_one_is_shown() {
    let other = png(vec![[9, 9, 9]; 400 * 300].as_flattened(), 400, 300, image::ExtendedColorType::Rgb8);
    let file = encoded("a.heic", &[photo(300, 200), other], "-q 90");
    let unit = thumbnails(&file, "image/heic", json!({}));
    let told = payload(&unit);
    assert_eq!((told.part, told.source_width), (Part::PrimaryItem, 300));
    assert_corners(&unit, [RED, GREEN, BLUE, WHITE], "primary");
}

#[test]
fn sizes_are_told_by_the_boxes_before_anything_is_decoded() {
    let plain = encoded("a.heic", &[photo(300, 200)], "-q 90");
    let at = plain.windows(4).position(|name| name == b"ispe").unwrap() + 8;
    let mut bomb = plain.clone();
    bomb[at..at + 8].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let unit = thumbnails(&bomb, "image/heic", json!({}));
    assert_eq!(unit.reason(), Some("too-many-pixels"));
    bomb[at..at + 8].fill(0);
    assert_eq!(thumbnails(&bomb, "image/heic", json!({})).reason(), Some("corrupt"));
}

#[test]
fn damaged_and_strange_files_end_with_a_reason() {
    let plain = encoded("a.heic", &[photo(300, 200)], "-q 90");
    for share in 0..10 {
        let cut = &plain[..plain.len() * share / 10];
        let unit = thumbnails(cut, "image/heic", json!({}));
        assert_eq!(unit.reason(), Some("corrupt"), "{share} tenths: {:?}", unit.outcome);
        assert_eq!(fs::read_dir(unit.scratch.path()).unwrap().count(), 0);
    }
    let sequence = b"\0\0\0\x14ftypmsf1\0\0\0\0msf1\0\0\0\x08moov";
    assert_eq!(thumbnails(sequence, "image/heif", json!({})).reason(), Some("unsupported"));
    let kind = plain.windows(4).position(|name| name == b"hvc1").unwrap();
    let mut strange = plain.clone();
    strange[kind..kind + 4].copy_from_slice(b"vvc1");
    assert_eq!(thumbnails(&strange, "image/heic", json!({})).reason(), Some("unsupported"));
    let nested = [b"\0\0\0\x01meta".as_slice(), &u64::MAX.to_be_bytes()].concat();
    assert_eq!(thumbnails(&nested, "image/heic", json!({})).reason(), Some("too-large"));
}

#[test]
fn colours_named_by_numbers_become_a_profile() {
    assert_eq!((profile(1, 13), profile(1, 1), profile(2, 2), profile(9, 16)), (None, None, None, None));
    assert!(profile(12, 13).is_some_and(|profile| ColorProfile::new_from_slice(&profile).is_ok()));
    assert_eq!((high_range(16), high_range(18), high_range(13)), (Some(Transfer::Pq), Some(Transfer::Hlg), None));
    // Pure green of Display P3 lies outside sRGB: red of the nearest colour is 0.
    let green = png([[60, 200, 60]; 64].as_flattened(), 8, 8, image::ExtendedColorType::Rgb8);
    let mut file = encoded("a.avif", &[green], "-q 100");
    let at = file.windows(4).position(|name| name == b"nclx").unwrap() + 4;
    file[at..at + 4].copy_from_slice(&[0, 12, 0, 13]);
    let unit = thumbnails(&file, "image/avif", json!({"quality": 100}));
    let Thumbnail { colour: Colour { profile_found, converted, .. }, .. } = payload(&unit);
    assert!(profile_found && converted);
    assert!(corners(&unit)[0][0] < 40, "{:?}", corners(&unit)[0]);
}

#[test]
fn parts_count_with_their_own_sizes() {
    let mut meta = Meta {
        primary: Some(1),
        properties: vec![Property::Size(100, 100), Property::Size(9000, 9000)],
        ..Meta::default()
    };
    meta.items.insert(1, Item { kind: *b"grid", properties: vec![1], parts: vec![2; 4], ..Item::default() });
    meta.items.insert(2, Item { kind: *b"hvc1", properties: vec![2], hidden: true, ..Item::default() });
    assert!(matches!(plan(&meta), Err(Refusal::TooManyPixels(_))));
    meta.properties[1] = Property::Size(50, 50);
    let planned = plan(&meta).unwrap();
    assert_eq!((planned.width, planned.part, planned.hide.len()), (100, Part::Whole, 0));
}

/// The PQ value of a colour whose white is a white page.
fn pq(value: u8) -> u16 {
    let share = f64::from(value) / 255.0;
    let light = if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) } * 203.0 / 10_000.0;
    let power = light.powf(0.1593017578125);
    let coded = ((0.8359375 + 18.8515625 * power) / (1.0 + 18.6875 * power)).powf(78.84375);
    (coded * 65535.0).round() as u16
}

#[test]
fn a_high_range_is_mapped_with_its_colours() {
    let values: Vec<u8> = quarters(600, 400).as_flattened().iter().flat_map(|value| pq(*value).to_ne_bytes()).collect();
    let deep = png(&values, 600, 400, image::ExtendedColorType::Rgb16);
    let plain = encoded("a.heic", &[deep], "-q 95 -b 10");
    let named = |transfer: u8| {
        with_property(&plain, &[b"\0\0\0\x13colrnclx".as_slice(), &[0, 1, 0, transfer, 0, 6, 0x80]].concat())
    };
    let file = named(16);
    let unit = thumbnails(&file, "image/heic", json!({"quality": 100}));
    assert_eq!(payload(&unit).colour.tone_mapped, Some(Transfer::Pq));
    let [red, green, blue, white] = corners(&unit);
    assert!(red[0] > 190 && red[1] < 60 && red[2] < 60, "{red:?}");
    assert!(green[1] > 170 && green[0] < 60 && green[2] < 70, "{green:?}");
    assert!(blue[2] > 190 && blue[0] < 60 && blue[1] < 70, "{blue:?}");
    assert!(white[..3].iter().all(|value| *value > 220), "{white:?}");
    // As it is coded, white is a middling grey.
    let flat = corners(&thumbnails(&named(13), "image/heic", json!({})))[3];
    assert!(flat[0] < 170, "{flat:?}");
}
