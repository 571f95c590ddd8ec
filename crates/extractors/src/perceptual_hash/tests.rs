//! Tests of `image.perceptual_hash`: copies are near, other pictures are far.

use exhibit_engine::extractor::Outcome;
use image::ExtendedColorType;
use serde_json::json;

use super::*;
use crate::testing::{self, Original, Unit};
use crate::thumbnail::samples::{jpeg, png, quarters, stored, with_orientation};

fn unit(bytes: &[u8], media_type: &str) -> Unit {
    testing::run(make().as_mut(), &DESCRIPTOR, Original::of(bytes, media_type), json!({}))
}

#[track_caller]
fn payload(bytes: &[u8], media_type: &str) -> PerceptualHash {
    let unit = unit(bytes, media_type);
    assert_eq!(unit.outcome, Outcome::Done);
    assert!(unit.facts[0].blob.is_none());
    serde_json::from_value(unit.facts[0].payload.clone()).unwrap()
}

fn bits(payload: &PerceptualHash) -> u64 {
    u64::from_str_radix(&payload.hash, 16).unwrap()
}

fn distance(a: &PerceptualHash, b: &PerceptualHash) -> u32 {
    (bits(a) ^ bits(b)).count_ones()
}

/// A landscape of soft hills with a sun, different for each seed.
fn scene(seed: u32, width: u32, height: u32) -> Vec<[u8; 3]> {
    let (phase, sun) = (f64::from(seed) * 1.7, f64::from(seed * 37 % 100) / 100.0);
    let at = |x: u32, y: u32| {
        let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let hill = 0.5 + 0.2 * (x * (4.0 + f64::from(seed % 5)) + phase).sin() + 0.1 * (x * 13.0 + phase * 2.0).cos();
        let glow = (1.0 - ((x - sun).powi(2) + (y - 0.2).powi(2)).sqrt() * 3.0).max(0.0) * 120.0;
        let value = if y > hill { 60.0 + 50.0 * (y * 9.0 + phase).sin() } else { 150.0 - 60.0 * y + glow };
        [value.clamp(0.0, 255.0) as u8, (value * 0.9).clamp(0.0, 255.0) as u8, (255.0 - value).clamp(0.0, 255.0) as u8]
    };
    (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect()
}

#[test]
fn copies_are_near_and_other_pictures_are_far() {
    let originals: Vec<PerceptualHash> =
        (0..12).map(|seed| payload(&jpeg(&scene(seed, 600, 400), 600, 400), "image/jpeg")).collect();
    for (seed, original) in (0..).zip(&originals) {
        let smaller = payload(&jpeg(&scene(seed, 150, 100), 150, 100), "image/jpeg");
        assert!(
            distance(original, &smaller) <= 4,
            "{seed}: a quarter of the size is {} away",
            distance(original, &smaller)
        );
        let poor = crate::thumbnail::samples::compress(
            scene(seed, 600, 400).as_flattened(),
            turbojpeg::PixelFormat::RGB,
            600,
            400,
            |compressor| compressor.set_quality(15).unwrap(),
        );
        assert!(distance(original, &payload(&poor, "image/jpeg")) <= 6, "{seed}: compressed hard");
        let lossless = png(scene(seed, 700, 467).as_flattened(), 700, 467, ExtendedColorType::Rgb8);
        assert!(distance(original, &payload(&lossless, "image/png")) <= 4, "{seed}: as PNG");
        let brighter: Vec<[u8; 3]> = scene(seed, 600, 400).iter().map(|p| p.map(|v| v.saturating_add(15))).collect();
        assert!(distance(original, &payload(&jpeg(&brighter, 600, 400), "image/jpeg")) <= 6, "{seed}: brighter");
    }
    for (index, one) in originals.iter().enumerate() {
        for other in &originals[index + 1..] {
            assert!(distance(one, other) >= 10, "{} and {}: {}", one.hash, other.hash, distance(one, other));
        }
    }
}

#[test]
fn a_picture_is_looked_at_upright() {
    let upright = payload(&jpeg(&scene(3, 600, 400), 600, 400), "image/jpeg");
    for orientation in 2..=8 {
        let (pixels, width, height) = stored(&scene(3, 600, 400), 600, 400, orientation);
        let turned = payload(&with_orientation(&jpeg(&pixels, width, height), orientation), "image/jpeg");
        assert!(distance(&upright, &turned) <= 2, "orientation {orientation}");
        let ignored = payload(&jpeg(&pixels, width, height), "image/jpeg");
        assert!(distance(&upright, &ignored) >= 12, "orientation {orientation} would not matter");
    }
}

#[test]
fn bands_are_the_hash_in_four_parts() {
    let told = payload(&jpeg(&scene(1, 300, 200), 300, 200), "image/jpeg");
    let joined = format!("{:04x}{:04x}{:04x}{:04x}", told.band_0, told.band_1, told.band_2, told.band_3);
    assert_eq!(told.hash, joined);
}

/// The output for fixed inputs. A failure here means: raise `DESCRIPTOR.version`, then put the new hashes in.
#[test]
fn the_output_of_this_version_is_unchanged() {
    assert_eq!(DESCRIPTOR.version, "1");
    let squares = payload(&png(quarters(64, 64).as_flattened(), 64, 64, ExtendedColorType::Rgb8), "image/png");
    let one = payload(&png(quarters(1, 1).as_flattened(), 1, 1, ExtendedColorType::Rgb8), "image/png");
    let waves = payload(&jpeg(&crate::thumbnail::samples::waves(320, 240), 320, 240), "image/jpeg");
    assert_eq!([&squares.hash, &one.hash, &waves.hash], ["98c3673c99c76638", "0000000000000000", "b560227fd580f7a2"]);
    assert_eq!((one.contrast, waves.contrast), (0, 228));
}

#[test]
fn what_cannot_be_read_ends_with_a_reason() {
    assert_eq!(unit(b"", "image/jpeg").reason(), Some("corrupt"));
    assert_eq!(unit(b"\xff\x0a", "image/jxl").reason(), Some("unsupported"));
}

#[test]
fn the_kind_file_says_what_the_type_says() {
    let samples =
        [0, u64::MAX, 0x0123_4567_89ab_cdef].map(|hash| PerceptualHash::new(dct::Seen { hash, contrast: 255 }));
    testing::assert_kind_matches(PERCEPTUAL_HASH_KIND_FILE, PERCEPTUAL_HASH, &samples);
}
