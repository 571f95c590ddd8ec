//! Tests of `image.thumbnail` with damaged and hostile files: a reason, never a panic, never a wrong picture.

use exhibit_engine::extractor::Outcome;
use image::ExtendedColorType;
use proptest::prelude::*;
use serde_json::json;

use super::samples::*;
use crate::still::{Refusal, jpeg};

fn reason(bytes: &[u8], media_type: &str) -> Option<&'static str> {
    thumbnails(bytes, media_type, json!({})).reason()
}

#[test]
fn a_jpeg_cut_anywhere_is_corrupt() {
    let whole = jpeg(&waves(320, 240), 320, 240);
    assert_eq!(reason(&whole, "image/jpeg"), None);
    for share in 0..20 {
        assert_eq!(reason(&whole[..whole.len() * share / 20], "image/jpeg"), Some("corrupt"), "{share} twentieths");
    }
    // Only the end marker is missing: the file has been cut, whatever else it has lost.
    assert_eq!(reason(&whole[..whole.len() - 2], "image/jpeg"), Some("corrupt"));
}

#[test]
fn damaged_picture_data_is_corrupt_and_says_what_the_decoder_said() {
    let mut file = jpeg(&waves(320, 240), 320, 240);
    let middle = file.len() / 2;
    file[middle..middle + 200].fill(0xff);
    let Outcome::Failed { reason: "corrupt", detail, retryable: false } =
        thumbnails(&file, "image/jpeg", json!({})).outcome
    else {
        panic!("not corrupt");
    };
    assert!(!detail.is_empty());
}

#[test]
fn oddities_outside_the_picture_data_are_accepted() {
    let whole = jpeg(&waves(320, 240), 320, 240);
    let expected = thumbnails(&whole, "image/jpeg", json!({})).blob(0);
    let position = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).position(|w| w == needle).unwrap();
    let mut jfif_7 = whole.clone();
    let at = position(&jfif_7, b"JFIF\0");
    jfif_7[at + 5] = 7;
    let mut progression = whole.clone();
    let scan = position(&progression, &[0xff, 0xda]);
    progression[scan + 4 + 7..scan + 4 + 10].copy_from_slice(&[5, 40, 0x11]);
    let padded = [&whole[..whole.len() - 2], &[0, 0, 0, 0], &whole[whole.len() - 2..]].concat();
    let adobe = with_segment(&whole, 0xee, b"Adobe\0\x64\0\0\0\0\x09");
    let trailer = [&whole[..], b"a video that a phone appended"].concat();
    for (name, file) in
        [("jfif", jfif_7), ("progression", progression), ("padding", padded), ("adobe", adobe), ("trailer", trailer)]
    {
        let unit = thumbnails(&file, "image/jpeg", json!({}));
        assert_eq!(unit.outcome, Outcome::Done, "{name}");
        assert_eq!(unit.blob(0), expected, "{name}");
    }
    // The oddity is no cloak for real damage.
    let mut both = whole.clone();
    both[scan + 4 + 7] = 5;
    both.truncate(both.len() * 2 / 3);
    assert_eq!(reason(&both, "image/jpeg"), Some("corrupt"));
}

#[test]
fn bombs_are_told_by_their_header() {
    let mut file = jpeg(&quarters(64, 64), 64, 64);
    let frame = file.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[0xff, 0x00, 0xff, 0x00]);
    assert_eq!(reason(&file, "image/jpeg"), Some("too-many-pixels"));

    let mut png = png(quarters(8, 8).as_flattened(), 8, 8, ExtendedColorType::Rgb8);
    png[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(reason(&png, "image/png"), Some("too-many-pixels"));

    let gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;";
    assert_eq!(reason(gif, "image/gif"), Some("too-many-pixels"));
}

/// The check sum of PNG chunks (ISO 3309), one bit at a time.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn a_progressive_jpeg_is_counted_with_its_coefficients() {
    let set = |compressor: &mut turbojpeg::Compressor| compressor.set_progressive(true).unwrap();
    let mut file = compress(waves(320, 240).as_flattened(), turbojpeg::PixelFormat::RGB, 320, 240, set);
    assert_eq!(reason(&file, "image/jpeg"), None);
    // 12,000 x 12,000 at 4:4:4 keeps 864 MB of coefficients, more than a baseline file of that size needs in all.
    let frame = file.windows(2).position(|w| w == [0xff, 0xc2]).unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[0x2e, 0xe0, 0x2e, 0xe0]);
    assert_eq!(reason(&file, "image/jpeg"), Some("too-many-pixels"));
}

#[test]
fn lossless_and_twelve_bit_jpeg_are_unsupported() {
    let mut twelve = jpeg(&quarters(64, 64), 64, 64);
    let frame = twelve.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    twelve[frame + 4] = 12;
    assert_eq!(reason(&twelve, "image/jpeg"), Some("unsupported"));
    let mut lossless = jpeg(&quarters(64, 64), 64, 64);
    lossless[frame + 1] = 0xc3;
    assert_eq!(reason(&lossless, "image/jpeg"), Some("unsupported"));
}

#[test]
fn truncated_files_of_other_formats_are_corrupt() {
    let pixels = waves(200, 150);
    let whole = png(pixels.as_flattened(), 200, 150, ExtendedColorType::Rgb8);
    for share in 0..8 {
        assert_eq!(reason(&whole[..whole.len() * share / 8], "image/png"), Some("corrupt"), "png {share} eighths");
    }
    let webp = webp::Encoder::from_rgb(pixels.as_flattened(), 200, 150).encode(80.0);
    assert_eq!(reason(&webp[..webp.len() / 2], "image/webp"), Some("corrupt"));
    for media_type in ["image/jpeg", "image/png", "image/tiff", "image/gif", "image/bmp", "image/webp"] {
        assert_eq!(reason(b"", media_type), Some("corrupt"), "{media_type}, empty");
        assert_eq!(reason(&[0x41; 4096], media_type), Some("corrupt"), "{media_type}, letters");
    }
}

#[test]
fn a_file_larger_than_announced_or_allowed_is_not_read_further() {
    let mut reader = jpeg::JpegReader::default();
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &[0; 100]).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    assert!(matches!(reader.read(&file, 50, 256), Err(Refusal::Unreadable(_))));
    assert!(matches!(reader.read(&file, jpeg::FILE_BYTES_MAX + 1, 256), Err(Refusal::TooLarge(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_never_panic_the_worker(
        which in 0..3_usize,
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..24),
        end in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let small = waves(48, 40);
        let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let (mut file, media_type) = match which {
            0 => (with_orientation(&with_profile(&jpeg(&small, 48, 40), &profile, 200), 6), "image/jpeg"),
            1 => (png(small.as_flattened(), 48, 40, ExtendedColorType::Rgb8), "image/png"),
            _ => (webp::Encoder::from_rgb(small.as_flattened(), 48, 40).encode(80.0).to_vec(), "image/webp"),
        };
        for (place, value) in edits {
            let place = place.index(file.len());
            file[place] = value;
        }
        if let Some(end) = end {
            file.truncate(end.index(file.len()));
        }
        let unit = thumbnails(&file, media_type, json!({"edges": [32]}));
        prop_assert_ne!(unit.reason(), Some("decoder-panicked"));
        prop_assert_eq!(unit.outcome == Outcome::Done, unit.facts.len() == 1);
    }

    #[test]
    fn arbitrary_bytes_never_panic_the_worker(bytes in proptest::collection::vec(any::<u8>(), 0..2048), which in 0..6_usize) {
        let (magic, media_type) = [
            (b"\xff\xd8\xff".as_slice(), "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"II\x2a\0\x08\0\0\0", "image/tiff"),
            (b"GIF89a", "image/gif"),
            (b"BM", "image/bmp"),
            (b"RIFF\xff\0\0\0WEBPVP8 ", "image/webp"),
        ][which];
        let unit = thumbnails(&[magic, &bytes].concat(), media_type, json!({"edges": [32]}));
        prop_assert_ne!(unit.reason(), Some("decoder-panicked"));
    }
}
