//! Tests of the sample: it is repeatable, and its truth is what independent readers find in its files.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::os::fd::AsFd;

use exhibit_engine::originals;
use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use proptest::prelude::*;

use super::chance::Chance;
use super::moment::{Local, local_time, utc_text};
use super::*;
use crate::fingerprint::fingerprint;
use crate::media_type::{SNIFF_BYTES, detect};
use crate::walk::{Kind, WalkOptions, path_order, walk};

mod films;
mod formats;

fn sample(photos: u32, videos: u32, seed: u64) -> (tempfile::TempDir, Truth) {
    made(common(photos, videos, seed))
}

fn made(options: SampleOptions) -> (tempfile::TempDir, Truth) {
    let dir = tempfile::tempdir().unwrap();
    let truth = generate(dir.path(), &options, &mut |_| {}).unwrap();
    (dir, truth)
}

fn common(photos: u32, videos: u32, seed: u64) -> SampleOptions {
    SampleOptions { photos, videos, seed, formats: Formats::Common }
}

/// One photo of a sample, and what lies beside it.
fn photo_of(options: &SampleOptions, index: u32) -> Batch {
    let dir = tempfile::tempdir().unwrap();
    let workplace = Workplace { folder: dir.path().to_owned() };
    let batch = photo::make(options, index, &workplace).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left between two programs");
    batch
}

fn read(dir: &Path, file: &FileTruth) -> Vec<u8> {
    std::fs::read(at(dir, &file.at.raw())).unwrap()
}

#[test]
fn one_seed_gives_one_tree_down_to_times_and_modes() {
    let ((first, truth), (second, again), (other, _)) = (sample(3, 1, 7), sample(3, 1, 7), sample(3, 1, 8));
    let digest = |dir: &tempfile::TempDir| fingerprint(dir.path(), &mut |_| {}).unwrap().digest;
    assert_eq!(truth, again);
    assert_eq!(digest(&first), digest(&second));
    assert_ne!(digest(&first), digest(&other));
}

#[test]
fn the_truth_names_every_file_and_link() {
    let (dir, truth) = sample(9, 2, 1);
    let stored: Truth = serde_json::from_slice(&std::fs::read(dir.path().join(TRUTH_FILE)).unwrap()).unwrap();
    assert_eq!(stored, truth);
    let mut found = BTreeMap::new();
    let root = originals::open_root(dir.path()).unwrap();
    walk(root.as_fd(), WalkOptions::default(), &mut |entry| {
        found.insert(entry.path.to_vec(), (entry.kind, entry.stat));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(found.remove(TRUTH_FILE.as_bytes()).is_some());
    let totals = &truth.totals;
    assert_eq!(found.len() as u64, totals.files + totals.directories + totals.links);
    for file in &truth.files {
        let (kind, stat) = found[&file.at.raw()];
        assert_eq!(kind, Kind::File);
        assert_eq!((stat.size_bytes, stat.mtime_ns, stat.mode & 0o7777), (file.size_bytes, file.mtime_ns, 0o644));
        let bytes = read(dir.path(), file);
        assert_eq!(Digest::of(&bytes).to_hex(), file.sha256);
        let head = &bytes[..bytes.len().min(SNIFF_BYTES)];
        assert_eq!(detect(head, &file.at.raw()), file.media_type, "{:?}", file.at);
    }
    for link in &truth.links {
        assert_eq!(found[&link.at.raw()].0, Kind::Symlink);
    }
    assert!(truth.files.is_sorted_by(|left, right| path_order(&left.at.raw(), &right.at.raw()).is_lt()));
    assert!(truth.files.iter().any(|file| file.at.path.is_none()), "a name that is not UTF-8");
    let hard = truth.duplicates.iter().any(|group| group.paths.iter().any(|path| path.raw() == b"odd/links/hard.jpg"));
    assert!(hard);
    let copied = |start: &[u8]| truth.files.iter().filter(|file| file.at.raw().starts_with(start)).count();
    assert_eq!(copied(b"backup/"), 2, "photo 7 and video 1");
    assert_eq!(copied(b"odd/corrupt/"), 10);
}

#[test]
fn only_an_empty_folder_is_filled() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".precious"), "mine").unwrap();
    let options = common(1, 0, 1);
    let refused = generate(dir.path(), &options, &mut |_| {}).unwrap_err();
    assert!(matches!(refused, SampleError::NotEmpty { .. }), "{refused}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let refused = generate(&dir.path().join(".precious"), &options, &mut |_| {}).unwrap_err();
    assert!(matches!(refused, SampleError::Write { .. }), "{refused}");
    let too_many = SampleOptions { photos: PHOTOS_MAX + 1, ..options };
    let refused = generate(&dir.path().join("new"), &too_many, &mut |_| {}).unwrap_err();
    assert!(refused.to_string().contains("at most 1000000 photos"), "{refused}");
    assert!(!dir.path().join("new").exists());
}

#[test]
fn stored_pixels_are_upright_once_the_orientation_is_applied() {
    let upright = draw::picture(70, 50, 12, &mut Chance::new(1, "test", 0));
    let expected = RgbImage::from_raw(70, 50, upright.pixels.clone()).unwrap();
    for orientation in 1..=8_u16 {
        let stored = draw::stored(&upright, orientation);
        let stored = RgbImage::from_raw(stored.width, stored.height, stored.pixels).unwrap();
        let mut turned = DynamicImage::from(stored);
        turned.apply_orientation(Orientation::from_exif(orientation as u8).unwrap());
        assert_eq!(turned.to_rgb8(), expected, "orientation {orientation}");
    }
}

/// Mean difference per channel between a photo as a viewer shows it and the picture that was drawn.
fn difference(bytes: &[u8], orientation: u16, drawn: &draw::Canvas) -> f64 {
    let mut shown = image::load_from_memory(bytes).unwrap();
    shown.apply_orientation(Orientation::from_exif(orientation as u8).unwrap());
    let shown = shown.to_rgb8();
    assert_eq!(shown.dimensions(), (drawn.width, drawn.height));
    let sum: u64 = shown.iter().zip(&drawn.pixels).map(|(left, right)| u64::from(left.abs_diff(*right))).sum();
    sum as f64 / drawn.pixels.len() as f64
}

#[test]
fn photos_show_what_was_drawn_with_the_facts_of_a_camera() {
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..14 {
        let made = photo_of(&common(14, 0, 5), index).made.remove(0);
        let (truth, path) = (made.image.unwrap(), String::from_utf8(made.path).unwrap());
        let decoded = image::load_from_memory(&made.bytes).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (truth.stored_width, truth.stored_height), "{path}");
        let Some(exif) = app1(&made.bytes) else {
            assert!(made.camera.is_none() && made.capture.is_none());
            seen.insert(format!("{:?}", decoded.color()));
            continue;
        };
        seen.insert(format!("orientation {}", truth.orientation));
        seen.insert(format!("{:?}", decoded.color()));
        let in_file = Orientation::from_exif_chunk(exif).unwrap();
        assert_eq!(in_file, Orientation::from_exif(truth.orientation as u8).unwrap());
        let tags = tags(exif);
        let camera = made.camera.unwrap();
        assert_eq!(tags[&0x010f], camera.make);
        assert_eq!(tags[&0x0110], camera.model);
        assert_eq!(tags.get(&0xa434), camera.lens.as_ref());
        assert_eq!(tags[&0x829a], format!("1/{}", camera.exposure_divisor));
        assert_eq!(tags[&0x829d], format!("{}/10", camera.f_number_tenths));
        assert_eq!(tags[&0x8827], camera.iso.to_string());
        assert_eq!(tags[&0xa002], truth.stored_width.to_string());
        assert_eq!(tags[&0xa003], truth.stored_height.to_string());
        let taken = tags[&0x9003].replacen(':', "-", 2).replace(' ', "T");
        match made.capture {
            None => assert_eq!(tags[&0x9003], "0000:00:00 00:00:00"),
            Some(capture) => {
                assert_eq!(capture.at, taken + tags.get(&0x9011).map_or("", String::as_str));
                let has_offset = capture.source == CaptureSource::ExifOffset;
                assert_eq!(has_offset, tags.contains_key(&0x9011));
            }
        }
    }
    let wanted = ["L8", "Rgb8", "Rgba8", "Rgb16"].map(str::to_owned);
    let orientations = (1..=8).map(|number| format!("orientation {number}"));
    assert!(orientations.chain(wanted).all(|what| seen.contains(&what)), "{seen:?}");
}

#[test]
fn an_encoded_photo_is_close_to_its_drawing() {
    let drawn = draw::picture(200, 150, 42, &mut Chance::new(3, "test", 1));
    for orientation in 1..=8 {
        let bytes = encode::jpeg(&draw::stored(&drawn, orientation)).unwrap();
        let right = difference(&bytes, orientation, &drawn);
        assert!(right < 4.0, "{right}");
        if matches!(orientation, 2..=4) {
            let wrong = difference(&bytes, 1, &drawn);
            assert!(wrong > 10.0, "a picture that looks the same upside down proves nothing: {wrong}");
        }
    }
}

#[test]
fn places_and_offsets_are_written_for_devices_that_know_them() {
    let (mut places, mut offsets) = (0, 0);
    for index in (0..2400).step_by(96) {
        let made = photo_of(&common(2400, 0, 2), index).made.remove(0);
        let (camera, capture) = (made.camera.unwrap(), made.capture.unwrap());
        let tags = tags(app1(&made.bytes).unwrap());
        if let (Some(latitude), Some(longitude)) = (camera.latitude_centiseconds, camera.longitude_centiseconds) {
            let text = |value: i64| {
                let value = value.unsigned_abs();
                format!("{}/1 {}/1 {}/100", value / 360_000, value / 6000 % 60, value % 6000)
            };
            // GPS tags are kept apart by adding 0x10000.
            assert_eq!(tags[&0x1_0002], text(latitude));
            assert_eq!(tags[&0x1_0004], text(longitude));
            assert_eq!(tags[&0x1_0001], if latitude < 0 { "S" } else { "N" });
            assert_eq!(tags[&0x1_0003], if longitude < 0 { "W" } else { "E" });
            places += 1;
        }
        if capture.source == CaptureSource::ExifOffset {
            assert_eq!(Timestamp::parse(&capture.at).unwrap().0, made.mtime_us / 1_000_000 * 1_000_000);
            offsets += 1;
        }
    }
    assert!(places > 1 && offsets > 1, "{places} {offsets}");
}

/// The TIFF structure in a JPEG's first segment, when that is EXIF.
fn app1(jpeg: &[u8]) -> Option<&[u8]> {
    let is_exif = jpeg.starts_with(&[0xff, 0xd8, 0xff, 0xe1]) && jpeg.get(6..12) == Some(b"Exif\0\0");
    let length = usize::from(u16::from_be_bytes([*jpeg.get(4)?, *jpeg.get(5)?]));
    if is_exif { jpeg.get(12..4 + length) } else { None }
}

/// All tags of all directories as text, read without any of the writer's code.
fn tags(tiff: &[u8]) -> BTreeMap<u32, String> {
    let big = tiff.starts_with(b"MM\0*");
    assert!(big || tiff.starts_with(b"II*\0"));
    let number = |at: usize, length: usize| {
        let bytes = &tiff[at..at + length];
        let fold = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        if big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
    };
    let mut tags = BTreeMap::new();
    let mut directories = vec![(number(4, 4), 0)];
    while let Some((start, space)) = directories.pop() {
        let mut last = None;
        for entry in (0..number(start, 2)).map(|index| start + 2 + index * 12) {
            let (tag, kind, count) = (number(entry, 2) as u32, number(entry + 2, 2), number(entry + 4, 4));
            assert!(last < Some(tag), "tags are in order");
            last = Some(tag);
            let size = [0, 1, 1, 2, 4, 8, 0, 1][kind];
            let at = if size * count > 4 { number(entry + 8, 4) } else { entry + 8 };
            assert!(at + size * count <= tiff.len() && (size * count <= 4 || at % 2 == 0));
            let value = match kind {
                2 => std::str::from_utf8(&tiff[at..at + count - 1]).unwrap().to_owned(),
                5 => {
                    let part =
                        |index: usize| format!("{}/{}", number(at + index * 8, 4), number(at + index * 8 + 4, 4));
                    (0..count).map(part).collect::<Vec<_>>().join(" ")
                }
                _ => (0..count).map(|index| number(at + index * size, size).to_string()).collect::<Vec<_>>().join(" "),
            };
            match tag {
                0x8769 => directories.push((number(at, 4), 0)),
                0x8825 => directories.push((number(at, 4), 0x1_0000)),
                _ => assert!(tags.insert(tag + space, value).is_none()),
            }
        }
    }
    tags
}

#[test]
fn broken_files_are_broken_and_sound_ones_are_not() {
    let (dir, truth) = sample(0, 0, 4);
    assert!(truth.tools.is_empty());
    for file in truth.files.iter().filter(|file| file.media_type == "image/png" || file.media_type == "image/jpeg") {
        let bytes = read(dir.path(), file);
        match file.expected["image.thumbnail"].as_str() {
            "done" => assert!(image::load_from_memory(&bytes).is_ok(), "{:?}", file.at),
            _ if file.media_type == "image/png" => assert!(image::load_from_memory(&bytes).is_err(), "{:?}", file.at),
            // Many decoders fill up what is missing of a JPEG; that its end is missing is sure.
            _ => assert!(!bytes.ends_with(&[0xff, 0xd9]), "{:?}", file.at),
        }
    }
    for name in ["a-long-name-", "deep/another-folder/"] {
        assert!(truth.files.iter().any(|file| file.at.path.as_ref().is_some_and(|path| path.contains(name))));
    }
}

proptest! {
    #[test]
    fn times_agree_with_a_real_calendar(
        time_us in -60_000_000_000_000_000_i64..4_000_000_000_000_000,
        offset in -720_i32..840,
    ) {
        let text = utc_text(time_us);
        prop_assert_eq!(Timestamp::parse(&text).unwrap().0, time_us);
        let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap();
        let local = Local {
            year: number(0, 4),
            month: number(5, 7),
            day: number(8, 10),
            hour: number(11, 13),
            minute: number(14, 16),
            second: number(17, 19),
        };
        let expected = time_us.div_euclid(1_000_000) * 1_000_000 - i64::from(offset) * 60_000_000;
        prop_assert_eq!(local_time(&local, offset), expected);
    }

    #[test]
    fn chance_stays_in_its_bounds(seed: u64, index: u64, first in 0_u32..1000, more in 0_u32..1000) {
        let mut chance = Chance::new(seed, "bounds", index);
        prop_assert!((first..=first + more).contains(&chance.between(first, first + more)));
        prop_assert_eq!(chance.below(0), 0);
    }
}
