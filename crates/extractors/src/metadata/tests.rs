//! Tests of stills, and of the extractor as the host sees it.

use exhibit_engine::extractor::Outcome;
use serde_json::json;

use super::payload::*;
use super::test_files::*;
use super::*;
use crate::testing::{self, Original};

fn read(format: ImageFormat, bytes: &[u8]) -> (MediaMetadata, Option<Captured>) {
    match still::read_still(format, Source::Memory(bytes)) {
        Ok(read) => read,
        Err(refusal) => panic!("refused: {:?}", refusal.into_outcome()),
    }
}

fn unit(bytes: &[u8], media_type: &str) -> testing::Unit {
    testing::run(make().as_mut(), &DESCRIPTOR, Original::of(bytes, media_type), json!({}))
}

/// RIFF/WAVE with 0.1 s of silence.
fn wav() -> Vec<u8> {
    let mut bytes =
        b"RIFF\x64\x06\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x06\0\0".to_vec();
    bytes.resize(44 + 1600, 0);
    bytes
}

#[test]
fn exif_of_both_byte_orders_gives_all_its_facts() {
    for order in [Order::Little, Order::Big] {
        let (facts, captured) = read(ImageFormat::Jpeg, &jpeg(Some(&full_exif(order)), 40, 30));
        assert_eq!((facts.width, facts.height, facts.orientation), (Some(40), Some(30), Some(6)));
        assert_eq!((facts.oriented_width, facts.oriented_height), (Some(30), Some(40)));
        assert_eq!(facts.camera.as_ref().unwrap().lens_model.as_deref(), Some("Glass 26"));
        let exposure = facts.exposure.as_ref().unwrap();
        assert_eq!(exposure.time_s, Some(Rational { num: 1, den: 200 }));
        assert_eq!((exposure.f_number, exposure.iso), (Some(2.8), Some(400)));
        assert_eq!((exposure.focal_length_mm, exposure.focal_length_35mm), (Some(4.25), Some(26)));
        let gps = facts.gps.clone().unwrap();
        assert_eq!((gps.latitude, gps.longitude, gps.altitude_m), (-33.8568, 151.2153, Some(-2.5)));
        let captured = captured.unwrap();
        assert_eq!(
            (captured.at.as_str(), captured.source),
            ("2019-05-04T13:22:01.5+02:00", CapturedSource::ExifOffset)
        );
        assert_eq!(captured.sort_at, "2019-05-04T11:22:01.5Z");
        assert_eq!(facts.tags["ExifIFD:UserComment"], "hello");
        assert_eq!(facts.tags["ExifIFD:0xeeee"], "7");
        assert_eq!(facts.tags["ExifIFD:ExposureTime"], "10/2000");
        assert!(!facts.tags.contains_key("IFD0:0x8769") && facts.warnings.is_empty());
    }
}

#[test]
fn exif_is_found_in_every_format_that_can_hold_it() {
    let exif = full_exif(Order::Little);
    let vp8x = [0, 0, 0, 0, 39, 0, 0, 29, 0, 0];
    for (format, bytes) in [
        (ImageFormat::Png, png(40, 30, &[(b"IDAT", &[0; 5]), (b"eXIf", &exif)])),
        (ImageFormat::WebP, webp(&[(b"VP8X", &vp8x), (b"EXIF", &exif)])),
        (ImageFormat::WebP, webp(&[(b"VP8X", &vp8x), (b"EXIF", &[b"Exif\0\0", &exif[..]].concat())])),
    ] {
        let (facts, captured) = read(format, &bytes);
        assert_eq!((facts.width, facts.oriented_width), (Some(40), Some(30)), "{format:?}");
        assert_eq!(captured.unwrap().at, "2019-05-04T13:22:01.5+02:00");
        assert!(facts.warnings.is_empty());
    }
    let [mut main, settings, place] = full_exif_directories();
    main.insert(0, (0x0101, Entry::Long(30)));
    main.insert(0, (0x0100, Entry::Short(40)));
    let (facts, _) = read(ImageFormat::Tiff, &tiff(Order::Big, &[main, settings, place]));
    assert_eq!((facts.width, facts.height, facts.container.as_str()), (Some(40), Some(30), "tiff"));
    assert_eq!(facts.method, [Method::Exif].into());
}

#[test]
fn sides_swap_for_the_four_orientations_that_turn_by_a_quarter() {
    for orientation in 0..=10u16 {
        let exif = tiff(Order::Big, &[vec![(0x0112, Entry::Short(orientation))]]);
        let (facts, _) = read(ImageFormat::Jpeg, &jpeg(Some(&exif), 40, 30));
        let shown = if (5..=8).contains(&orientation) { (Some(30), Some(40)) } else { (Some(40), Some(30)) };
        assert_eq!((facts.oriented_width, facts.oriented_height), shown, "{orientation}");
        assert_eq!(facts.orientation, u8::try_from(orientation).ok().filter(|o| (1..=8).contains(o)));
    }
}

#[test]
fn the_time_of_exif_is_of_the_exposure_then_of_digitising_then_of_the_change() {
    let mut settings = vec![(0x9003, Entry::Text("2001:01:01 01:01:01")), (0x9004, Entry::Text("2002:02:02 02:02:02"))];
    let read_time = |settings: &[(u16, Entry)]| {
        let main = vec![(0x0132, Entry::Text("2003:03:03 03:03:03")), (0x8769, Entry::Directory(1))];
        let exif = tiff(Order::Little, &[main, settings.to_vec()]);
        let captured = read(ImageFormat::Jpeg, &jpeg(Some(&exif), 40, 30)).1.unwrap();
        assert!(captured.floating && captured.offset.is_none());
        (captured.at, captured.tag)
    };
    assert_eq!(read_time(&settings), ("2001-01-01T01:01:01".into(), "DateTimeOriginal".into()));
    settings[0].1 = Entry::Text("0000:00:00 00:00:00");
    // The offset of the exposure says nothing of the time of digitising.
    settings.push((0x9011, Entry::Text("+02:00")));
    assert_eq!(read_time(&settings), ("2002-02-02T02:02:02".into(), "DateTimeDigitized".into()));
    settings.remove(1);
    assert_eq!(read_time(&settings), ("2003-03-03T03:03:03".into(), "DateTime".into()));
}

#[test]
fn headers_without_exif_give_the_size() {
    let gif = b"GIF89a\x28\0\x1e\0\0\0\0".to_vec();
    let bmp = [&b"BM"[..], &[0; 12], &[40, 0, 0, 0], &40i32.to_le_bytes(), &(-30i32).to_le_bytes()].concat();
    let old_bmp = [&b"BM"[..], &[0; 12], &[12, 0, 0, 0, 40, 0, 30, 0]].concat();
    let lossy = webp(&[(b"VP8 ", &[0, 0, 0, 0x9D, 1, 0x2A, 40, 0, 30, 0])]);
    let lossless = webp(&[(b"VP8L", &[&[0x2F][..], &(39u32 | 29 << 14).to_le_bytes()].concat())]);
    let padded = [&[0xFF, 0xD8, 0xFF, 0xFF, 0xFF][..], &jpeg(None, 40, 30)[3..]].concat();
    for (format, bytes) in [
        (ImageFormat::Gif, gif),
        (ImageFormat::Bmp, bmp),
        (ImageFormat::Bmp, old_bmp),
        (ImageFormat::WebP, lossy),
        (ImageFormat::WebP, lossless),
        (ImageFormat::Jpeg, padded),
        (ImageFormat::Png, png(40, 30, &[])),
    ] {
        let (facts, captured) = read(format, &bytes);
        assert_eq!((facts.width, facts.height), (Some(40), Some(30)), "{format:?}");
        assert_eq!((facts.orientation, captured), (None, None));
        assert_eq!((facts.method, facts.streams.len()), ([Method::ImageHeader].into(), 0));
        assert_eq!(facts.container, format.as_str());
    }
}

#[test]
fn png_texts_are_tags_without_control_characters() {
    let (facts, _) = read(ImageFormat::Png, &png(1, 1, &[(b"tEXt", b"Title\0caf\xe9\x07 \0x"), (b"tEXt", &[0; 5000])]));
    assert_eq!(facts.tags["PNG:Title"], "caf\u{E9}\u{FFFD} \u{FFFD}x");
    assert_eq!(facts.warnings, [Warning::TagsDropped].into());
}

#[test]
fn damaged_exif_leaves_the_size_and_what_could_be_read() {
    let mut exif = full_exif(Order::Big);
    let (facts, captured) = read(ImageFormat::Jpeg, &jpeg(Some(&exif[..exif.len() - 20]), 40, 30));
    assert_eq!((facts.width, facts.warnings), (Some(40), [Warning::ExifDamaged, Warning::GpsRefused].into()));
    assert!(captured.is_some());
    exif[0] = b'X';
    let (facts, captured) = read(ImageFormat::Jpeg, &jpeg(Some(&exif), 40, 30));
    assert_eq!((facts.width, facts.warnings, captured), (Some(40), [Warning::ExifDamaged].into(), None));
}

#[test]
fn a_good_header_before_a_cut_body_gives_facts() {
    let whole = jpeg(Some(&full_exif(Order::Little)), 40, 30);
    let unit = unit(&whole[..whole.len() - 15], "image/jpeg");
    assert_eq!(unit.outcome, Outcome::Done);
    assert_eq!(unit.facts[0].payload["width"], 40);
    assert_eq!(unit.facts[0].payload["warnings"], json!(["truncated"]));
}

#[test]
fn what_cannot_be_taken_is_skipped_and_what_is_broken_fails() {
    for media_type in
        ["image/jxl", "image/svg+xml", "image/x-panasonic-rw2", "application/pdf", "text/plain", "audio/midi", ""]
    {
        let unit = unit(b"whatever", media_type);
        assert!(matches!(unit.outcome, Outcome::Skipped { reason: "unsupported", .. }), "{media_type}");
        assert!(unit.facts.is_empty());
    }
    let types = [
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/heic",
        "image/avif",
        "image/x-canon-cr2",
        "image/x-canon-cr3",
        "image/x-fuji-raf",
        "application/rdf+xml",
        "video/mp4",
        "video/x-matroska",
    ];
    for media_type in types {
        for bytes in [&b""[..], b"\0", b"these bytes are no picture and no sound at all"] {
            let outcome = unit(bytes, media_type).outcome;
            assert!(
                matches!(outcome, Outcome::Failed { reason: "corrupt", retryable: false, .. }),
                "{media_type} {outcome:?}"
            );
        }
    }
    assert_eq!(unit(&jpeg(None, 0, 0), "image/jpeg").reason(), Some("corrupt"));
}

#[test]
fn ffprobe_reads_what_is_left_and_says_its_version() {
    let version = make().tool_version(&DESCRIPTOR.tools[0]).unwrap();
    assert!(version.starts_with(|c: char| c.is_ascii_alphanumeric()), "{version:?}");
    let unit = unit(&wav(), "audio/x-wav");
    assert_eq!(unit.outcome, Outcome::Done);
    let payload = &unit.facts[0].payload;
    assert_eq!((&payload["container"], &payload["duration_ms"]), (&json!("wav"), &json!(100)));
    assert_eq!(payload["method"], json!(["ffprobe"]));
    let stream = json!({"index": 0, "kind": "audio", "codec": "pcm_s16le", "channels": 1, "sample_rate": 8000, "duration_ms": 100});
    assert_eq!(payload["streams"], json!([stream]));
}

#[test]
fn a_list_of_other_files_is_not_followed() {
    let playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    assert_eq!(unit(playlist, "video/mp2t").reason(), Some("unsupported"));
}

#[test]
fn a_broken_movie_keeps_the_facts_before_the_break() {
    let whole = full_movie();
    let unit = unit(&whole[..whole.len() - 30], "video/quicktime");
    assert_eq!(unit.outcome, Outcome::Done);
    let payload = &unit.facts[0].payload;
    assert_eq!(
        (&payload["width"], &payload["captured"]["tag"]),
        (&json!(640), &json!("Keys:com.apple.quicktime.creationdate"))
    );
    assert!(payload["warnings"].as_array().unwrap().contains(&json!("truncated")));
}

#[test]
fn tags_can_be_left_out() {
    let bytes = jpeg(Some(&full_exif(Order::Little)), 40, 30);
    let unit = testing::run(make().as_mut(), &DESCRIPTOR, Original::of(&bytes, "image/jpeg"), json!({"tags": false}));
    let payload = &unit.facts[0].payload;
    assert_eq!((&payload["tags"], &payload["camera"]["make"]), (&json!({}), &json!("Acme")));
}

#[test]
fn tags_are_bounded_in_number_length_and_sum() {
    let mut facts = MediaMetadata::default();
    (0..TAGS_MAX + 5).for_each(|index| facts.put_tag("G", &index.to_string(), "x"));
    assert_eq!((facts.tags.len(), facts.warnings.len()), (TAGS_MAX, 1));
    let mut facts = MediaMetadata::default();
    (0..TAGS_MAX).for_each(|index| facts.put_tag("G", &index.to_string(), &"\u{1F600}".repeat(400)));
    let bytes: usize = facts.tags.iter().map(|(name, text)| name.len() + text.len()).sum();
    assert!(facts.tags.values().all(|text| text.len() == TEXT_BYTES_MAX) && bytes <= TAGS_BYTES_MAX);
    let mut facts = MediaMetadata::default();
    facts.put_tag("G", "empty", " \0 ");
    facts.put_tag("G", &"n".repeat(500), "x");
    assert_eq!(facts.tags.keys().map(String::len).collect::<Vec<_>>(), [TAG_NAME_BYTES_MAX]);
}
