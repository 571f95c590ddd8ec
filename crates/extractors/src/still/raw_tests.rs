//! Tests of camera RAW with containers made by hand around real JPEG previews.

use exhibit_engine::extractor::Outcome;
use serde_json::json;

use crate::still::Method;
use crate::testing::Unit;
use crate::thumbnail::Thumbnail;
use crate::thumbnail::samples::{BLUE, RED, exif, jpeg, quarters, stored, thumbnails, with_orientation};

/// One entry: tag, type, count, value.
type Entry = (u16, u16, u32, u32);

/// A directory at a place, with the place of the next one.
fn directory(entries: &[Entry], next: u32) -> Vec<u8> {
    let mut out = (entries.len() as u16).to_le_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        out.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        out.extend(count.to_le_bytes());
        out.extend(value.to_le_bytes());
    }
    out.extend(next.to_le_bytes());
    out
}

/// Puts pieces at their places.
fn laid_out(pieces: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let length = pieces.iter().map(|(at, bytes)| at + bytes.len()).max().unwrap();
    let mut out = vec![0; length];
    for (at, bytes) in pieces {
        out[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    out
}

fn preview(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let (pixels, width, height) = stored(&quarters(width, height), width, height, orientation);
    jpeg(&pixels, width, height)
}

#[track_caller]
fn shown(unit: &Unit) -> Thumbnail {
    assert_eq!(unit.outcome, Outcome::Done);
    let picture = unit.picture(0);
    let at = |x: u32, y: u32| picture.pixels[(picture.height * y / 4 * picture.width + picture.width * x / 4) as usize];
    for (found, expected) in [(at(1, 1), RED), (at(1, 3), BLUE)] {
        assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 12), "{found:?} instead of {expected:?}");
    }
    serde_json::from_value(unit.facts[0].payload.clone()).unwrap()
}

/// Like a NEF: a small preview in the first directory, a large one below it, raw pixels beside that.
fn nef(orientation: u8) -> Vec<u8> {
    let (small, large) = (preview(160, 120, orientation), preview(1600, 1200, orientation));
    let first = directory(
        &[
            (0xfe, 4, 1, 1),
            (0x112, 3, 1, orientation.into()),
            (0x14a, 4, 2, 200),
            (0x201, 4, 1, 1000),
            (0x202, 4, 1, small.len() as u32),
        ],
        0,
    );
    let below = [300_u32.to_le_bytes(), 400_u32.to_le_bytes()].concat();
    let large_at = 1000 + small.len();
    let with_large = directory(&[(0x201, 4, 1, large_at as u32), (0x202, 4, 1, large.len() as u32)], 0);
    let raw = directory(&[(0x100, 4, 1, 6000), (0x101, 4, 1, 4000), (0x106, 3, 1, 32_803)], 0);
    let pieces = [
        (0, b"II\x2a\0\x08\0\0\0".to_vec()),
        (8, first),
        (200, below),
        (300, with_large),
        (400, raw),
        (1000, small),
        (large_at, large),
    ];
    laid_out(&pieces)
}

#[test]
fn the_smallest_preview_that_covers_the_edge_is_taken_and_turned() {
    for orientation in [1, 3, 6, 8] {
        let file = nef(orientation);
        for (edge, method, width) in [
            (100, Method::EmbeddedPreview, 100),
            (1024, Method::EmbeddedPreview, 1024),
            (2048, Method::EmbeddedPreviewSmall, 1600),
        ] {
            let told = shown(&thumbnails(&file, "image/x-nikon-nef", json!({"edges": [edge]})));
            assert_eq!((told.method, told.width, told.orientation), (method, width, orientation));
            assert_eq!((told.source_width, told.source_height), (6000, 4000));
        }
    }
    // The same bytes called a TIFF.
    assert_eq!(shown(&thumbnails(&nef(6), "image/tiff", json!({}))).orientation, 6);
}

#[test]
fn the_preview_of_a_cr2_is_a_strip_and_its_raw_pixels_are_not() {
    let (large, raw) = (preview(1200, 800, 8), jpeg(&quarters(64, 64), 64, 64));
    let first =
        directory(&[(0x103, 3, 1, 6), (0x111, 4, 1, 500), (0x112, 3, 1, 8), (0x117, 4, 1, large.len() as u32)], 300);
    let raw_at = 500 + large.len();
    let second = directory(&[(0x103, 3, 1, 6), (0x111, 4, 1, raw_at as u32), (0x117, 4, 1, raw.len() as u32)], 0);
    let head = b"II\x2a\0\x10\0\0\0CR\x02\0\0\0\0\0".to_vec();
    let file = laid_out(&[(0, head), (16, first), (300, second), (500, large), (raw_at, raw)]);
    let told = shown(&thumbnails(&file, "image/x-canon-cr2", json!({"edges": [32]})));
    assert_eq!((told.orientation, told.source_width, told.method), (8, 800, Method::EmbeddedPreview));
}

#[test]
fn raf_previews_carry_their_own_orientation() {
    let inside = with_orientation(&preview(1200, 800, 6), 6);
    let mut head = b"FUJIFILMCCD-RAW 0201".to_vec();
    head.resize(84, 0);
    head.extend(160_u32.to_be_bytes());
    head.extend((inside.len() as u32).to_be_bytes());
    let file = laid_out(&[(0, head), (160, inside)]);
    let told = shown(&thumbnails(&file, "image/x-fuji-raf", json!({})));
    assert_eq!((told.orientation, told.method), (6, Method::EmbeddedPreview));
}

#[test]
fn panasonic_and_olympus_keep_their_previews_elsewhere() {
    let large = preview(1200, 800, 3);
    let first = directory(&[(0x2e, 7, large.len() as u32, 300), (0x112, 3, 1, 3)], 0);
    let file = laid_out(&[(0, b"IIU\0\x08\0\0\0".to_vec()), (8, first), (300, large.clone())]);
    assert_eq!(shown(&thumbnails(&file, "image/x-panasonic-rw2", json!({}))).orientation, 3);

    let first = directory(&[(0x112, 3, 1, 3), (0x8769, 4, 1, 100)], 0);
    let facts = directory(&[(0x927c, 7, 200, 200)], 0);
    let note = [b"OLYMPUS\0II\x03\0".to_vec(), directory(&[(0x2020, 13, 1, 50)], 0)].concat();
    let settings = directory(&[(0x101, 4, 1, 300), (0x102, 4, 1, large.len() as u32)], 0);
    let pieces =
        [(0, b"IIRO\x08\0\0\0".to_vec()), (8, first), (100, facts), (200, note), (250, settings), (500, large)];
    assert_eq!(shown(&thumbnails(&laid_out(&pieces), "image/x-olympus-orf", json!({}))).orientation, 3);
}

fn a_box(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    [&(contents.len() as u32 + 8).to_be_bytes()[..], kind, contents].concat()
}

fn cr3(with_track: bool) -> Vec<u8> {
    let (small, large) = (preview(400, 300, 6), preview(1600, 1200, 6));
    let canon: [u8; 16] = super::CANON;
    let facts = a_box(b"uuid", &[&canon[..], &a_box(b"CMT1", &exif(6))].concat());
    let place = |at: u32| {
        let sizes = [&[0; 4][..], &(large.len() as u32).to_be_bytes(), &[0, 0, 0, 1]].concat();
        let places = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &u64::from(at).to_be_bytes()].concat();
        let table = a_box(b"stbl", &[a_box(b"stsz", &sizes), a_box(b"co64", &places)].concat());
        a_box(b"trak", &a_box(b"mdia", &a_box(b"minf", &table)))
    };
    let inside = [&[0; 12][..], &(small.len() as u32).to_be_bytes(), &small].concat();
    let preview = a_box(b"uuid", &[&super::CANON_PREVIEW[..], &[0; 8], &a_box(b"PRVW", &inside)].concat());
    let start = a_box(b"ftyp", b"crx \0\0\0\x01crx isom");
    let built = |at: u32| {
        let track = if with_track { place(at) } else { Vec::new() };
        [start.clone(), a_box(b"moov", &[facts.clone(), track].concat()), preview.clone()].concat()
    };
    let at = built(0).len() + 8;
    [built(at as u32), a_box(b"mdat", &large)].concat()
}

#[test]
fn cr3_previews_lie_in_boxes() {
    let told = shown(&thumbnails(&cr3(true), "image/x-canon-cr3", json!({})));
    assert_eq!((told.orientation, told.method, told.source_width), (6, Method::EmbeddedPreview, 1200));
    let told = shown(&thumbnails(&cr3(true), "image/x-canon-cr3", json!({"edges": [64]})));
    assert_eq!((told.method, told.width), (Method::EmbeddedPreview, 64));
    let told = shown(&thumbnails(&cr3(false), "image/x-canon-cr3", json!({})));
    assert_eq!((told.method, told.width), (Method::EmbeddedPreviewSmall, 400));
}

#[test]
fn without_a_preview_it_says_so_and_damage_never_panics() {
    let bare = laid_out(&[(0, b"II\x2a\0\x08\0\0\0".to_vec()), (8, directory(&[(0x100, 4, 1, 6000)], 0))]);
    assert_eq!(thumbnails(&bare, "image/x-sony-arw", json!({})).reason(), Some("unsupported"));
    assert_eq!(thumbnails(b"II\x2a\0\x08\0\0\0", "image/x-sony-arw", json!({})).reason(), Some("corrupt"));
    assert_eq!(thumbnails(b"", "image/x-fuji-raf", json!({})).reason(), Some("corrupt"));
    // Directories that lead in a circle.
    let circle = laid_out(&[(0, b"II\x2a\0\x08\0\0\0".to_vec()), (8, directory(&[(0x14a, 4, 1, 8)], 8))]);
    assert_eq!(thumbnails(&circle, "image/x-adobe-dng", json!({})).reason(), Some("unsupported"));
    for (file, media_type) in [(nef(6), "image/x-nikon-nef"), (cr3(true), "image/x-canon-cr3")] {
        for place in (0..600.min(file.len())).step_by(3) {
            let mut damaged = file.clone();
            damaged[place] ^= 0xff;
            assert_ne!(thumbnails(&damaged, media_type, json!({"edges": [16]})).reason(), Some("decoder-panicked"));
        }
        let half = thumbnails(&file[..file.len() / 2], media_type, json!({}));
        assert!(half.reason().is_some() || half.facts.len() == 2);
    }
}
