//! Tests of `image.thumbnail`: sizes, orientation, colours, formats.

use exhibit_engine::extractor::Outcome;
use image::{ExtendedColorType, ImageEncoder};
use moxcms::ColorProfile;
use serde_json::json;

use super::samples::*;
use super::*;
use crate::still::{Transfer, resample};
use crate::testing::Unit;
use crate::webp_blob::Picture;

fn payload(unit: &Unit, fact: usize) -> Thumbnail {
    serde_json::from_value(unit.facts[fact].payload.clone()).unwrap()
}

fn assert_near(found: [u8; 4], expected: [u8; 4], steps: u8, what: &str) {
    let near = found.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= steps);
    assert!(near, "{what}: {found:?} instead of {expected:?}");
}

/// The pixel at a share of the width and of the height.
fn at(picture: &Picture, x: f32, y: f32) -> [u8; 4] {
    let (x, y) = ((picture.width as f32 * x) as usize, (picture.height as f32 * y) as usize);
    picture.pixels[y * picture.width as usize + x]
}

fn opaque([r, g, b]: [u8; 3]) -> [u8; 4] {
    [r, g, b, 255]
}

fn assert_quarters(picture: &Picture, what: &str) {
    for (x, y, colour) in [(0.1, 0.1, RED), (0.9, 0.1, GREEN), (0.1, 0.9, BLUE), (0.9, 0.9, WHITE)] {
        assert_near(at(picture, x, y), opaque(colour), 10, &format!("{what} at {x}, {y}"));
    }
}

#[test]
fn a_jpeg_becomes_two_pictures_and_the_larger_comes_first() {
    let unit = thumbnails(&jpeg(&quarters(2400, 1800), 2400, 1800), "image/jpeg", json!({}));
    assert_eq!(unit.outcome, Outcome::Done);
    let sizes: Vec<_> =
        (0..2).map(|fact| (payload(&unit, fact).edge, unit.picture(fact).width, unit.picture(fact).height)).collect();
    assert_eq!(sizes, [(1024, 1024, 768), (256, 256, 192)]);
    for fact in 0..2 {
        let Thumbnail { width, height, source_width, source_height, orientation, method, colour, .. } =
            payload(&unit, fact);
        let picture = unit.picture(fact);
        assert_eq!((width, height), (picture.width, picture.height));
        assert_eq!((source_width, source_height, orientation, method), (2400, 1800, 1, Method::TurbojpegDct));
        assert_eq!(colour, Colour::default());
        assert_quarters(&picture, "thumbnail");
    }
    assert_eq!(unit.facts[1].blob, Some(("256.webp".to_owned(), "image/webp")));
    assert_eq!(payload(&unit, 0).average_colour, payload(&unit, 1).average_colour);
    let mean: Vec<u8> =
        (0..3).map(|c| ([RED, GREEN, BLUE, WHITE].iter().map(|q| u32::from(q[c])).sum::<u32>() / 4) as u8).collect();
    let told = payload(&unit, 0).average_colour;
    let told = (0..3).map(|c| u8::from_str_radix(&told[1 + 2 * c..3 + 2 * c], 16).unwrap());
    assert!(told.zip(mean).all(|(a, b)| a.abs_diff(b) <= 4));
}

#[test]
fn all_eight_orientations_are_upright() {
    let (width, height) = (600, 400);
    for orientation in 1..=8 {
        let (pixels, stored_width, stored_height) = stored(&quarters(width, height), width, height, orientation);
        let file = with_orientation(&jpeg(&pixels, stored_width, stored_height), orientation);
        let unit = thumbnails(&file, "image/jpeg", json!({"edges": [64, 150]}));
        for fact in 0..2 {
            let picture = unit.picture(fact);
            assert_eq!((picture.width, picture.height), [(150, 100), (64, 43)][fact], "orientation {orientation}");
            assert_quarters(&picture, &format!("orientation {orientation}"));
            let told = payload(&unit, fact);
            assert_eq!(
                (told.orientation, told.source_width, told.source_height),
                (orientation, stored_width, stored_height)
            );
        }
    }
}

#[test]
fn png_and_tiff_orientations_are_applied_too() {
    let (pixels, width, height) = stored(&quarters(90, 60), 90, 60, 6);
    let file = png_with(pixels.as_flattened(), width, height, ExtendedColorType::Rgb8, |encoder| {
        encoder.set_exif_metadata(exif(6)).unwrap();
    });
    let unit = thumbnails(&file, "image/png", json!({}));
    assert_eq!((unit.picture(0).width, unit.picture(0).height, payload(&unit, 0).orientation), (90, 60, 6));
    assert_quarters(&unit.picture(0), "png");

    let unit = thumbnails(&tiff(&pixels, width, height, &[(0x0112, 6)]), "image/tiff", json!({}));
    assert_eq!((unit.picture(0).width, unit.picture(0).height, payload(&unit, 0).orientation), (90, 60, 6));
    assert_quarters(&unit.picture(0), "tiff");
}

/// An uncompressed RGB TIFF with more SHORT entries in its first directory.
fn tiff(pixels: &[[u8; 3]], width: u32, height: u32, more: &[(u16, u32)]) -> Vec<u8> {
    let mut entries: Vec<(u16, u32)> =
        vec![(0x100, width), (0x101, height), (0x102, 8), (0x103, 1), (0x106, 2), (0x115, 3), (0x116, height)];
    entries.extend_from_slice(more);
    entries.extend([(0x111, 0), (0x117, (pixels.len() * 3) as u32)]);
    entries.sort_unstable();
    let data_at = 8 + 2 + entries.len() * 12 + 4;
    let mut out = b"II\x2a\0\x08\0\0\0".to_vec();
    out.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        let value = if tag == 0x111 { data_at as u32 } else { value };
        out.extend([tag.to_le_bytes(), 4_u16.to_le_bytes()].concat());
        out.extend([1_u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    out.extend([0; 4]);
    out.extend_from_slice(pixels.as_flattened());
    out
}

#[test]
fn camera_raw_in_a_tiff_coat_without_a_preview_is_unsupported() {
    let file = tiff(&quarters(8, 8), 8, 8, &[(0x00fe, 1)]);
    assert!(matches!(
        thumbnails(&file, "image/tiff", json!({})).outcome,
        Outcome::Skipped { reason: "unsupported", .. }
    ));
}

#[test]
fn small_pictures_are_never_enlarged() {
    let unit = thumbnails(&jpeg(&quarters(300, 200), 300, 200), "image/jpeg", json!({}));
    assert_eq!((unit.picture(0).width, unit.picture(0).height), (300, 200));
    assert_eq!((unit.picture(1).width, unit.picture(1).height), (256, 171));
    assert_eq!(payload(&unit, 0).method, Method::Turbojpeg);
    let unit = thumbnails(&jpeg(&[RED], 1, 1), "image/jpeg", json!({}));
    assert_eq!((unit.facts.len(), unit.picture(0).pixels.len(), unit.picture(1).pixels.len()), (2, 1, 1));
    assert_near(unit.picture(1).pixels[0], opaque(RED), 6, "the only pixel");
}

#[test]
fn extreme_shapes_keep_at_least_one_pixel() {
    for (width, height, expected) in [(20_000, 3, (1024, 1)), (3, 20_000, (1, 1024)), (5000, 1, (1024, 1))] {
        let unit = thumbnails(&jpeg(&quarters(width, height), width, height), "image/jpeg", json!({}));
        assert_eq!((unit.picture(0).width, unit.picture(0).height), expected, "{width} x {height}");
    }
}

#[test]
fn sizes_are_rounded_and_fitted() {
    assert_eq!(resample::fitted(4000, 3000, 1024), (1024, 768));
    assert_eq!(resample::fitted(1000, 333, 256), (256, 85));
    assert_eq!(resample::fitted(1000, 334, 256), (256, 86));
    assert_eq!(resample::fitted(256, 256, 256), (256, 256));
    assert_eq!(resample::fitted(u32::MAX, 1, 16), (16, 1));
}

#[test]
fn alpha_is_kept_and_does_not_bleed() {
    // The left half is visible; the right half is transparent, and bright green under it.
    let pixels: Vec<[u8; 4]> =
        (0..600 * 400).map(|i| if i % 600 < 300 { [230, 20, 30, 255] } else { [0, 255, 0, 0] }).collect();
    let unit = thumbnails(
        &png(pixels.as_flattened(), 600, 400, ExtendedColorType::Rgba8),
        "image/png",
        json!({"quality": 100}),
    );
    for fact in 0..2 {
        let picture = unit.picture(fact);
        assert_near(at(&picture, 0.2, 0.5), [230, 20, 30, 255], 8, "visible half");
        assert_eq!(at(&picture, 0.9, 0.5)[3], 0, "transparent half");
        let seen_green = picture.pixels.iter().any(|[r, g, _, a]| *a > 32 && *g > 90 && *g > *r / 2);
        assert!(!seen_green, "the hidden colour shows at the border");
    }
    assert_eq!(payload(&unit, 0).average_colour, "#e6141e");
}

#[test]
fn grey_sixteen_bits_palette_and_interlaced_layouts_are_read() {
    let grey: Vec<u8> = (0..64 * 64).map(|i| (i % 64 * 4) as u8).collect();
    let wide = |bytes: &[u8]| bytes.iter().flat_map(|v| (u16::from(*v) * 257).to_ne_bytes()).collect::<Vec<u8>>();
    let rgba: Vec<u8> = grey.iter().flat_map(|v| [*v, 255 - *v, 7, 128]).collect();
    let cases: [(&str, Vec<u8>, ExtendedColorType, [u8; 4]); 4] = [
        ("grey", grey.clone(), ExtendedColorType::L8, [128, 128, 128, 255]),
        ("grey 16", wide(&grey), ExtendedColorType::L16, [128, 128, 128, 255]),
        (
            "rgb 16",
            wide(&grey.iter().flat_map(|v| [*v, 255 - *v, 7]).collect::<Vec<_>>()),
            ExtendedColorType::Rgb16,
            [128, 127, 7, 255],
        ),
        ("rgba 16", wide(&rgba), ExtendedColorType::Rgba16, [128, 127, 7, 128]),
    ];
    for (name, bytes, colour, expected) in cases {
        let unit = thumbnails(&png(&bytes, 64, 64, colour), "image/png", json!({"edges": [32], "quality": 100}));
        let found = unit.picture(0).pixels[16 * 32 + 16];
        assert_near(found, expected, 10, name);
    }
    let mut gif = Vec::new();
    let frame = image::Frame::new(image::RgbaImage::from_raw(60, 40, rgba_of(&quarters(60, 40))).unwrap());
    image::codecs::gif::GifEncoder::new(&mut gif).encode_frame(frame).unwrap();
    assert_quarters(&thumbnails(&gif, "image/gif", json!({})).picture(0), "gif");
}

fn rgba_of(pixels: &[[u8; 3]]) -> Vec<u8> {
    pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
}

#[test]
fn bmp_and_webp_are_read() {
    let pixels = quarters(600, 400);
    let mut bmp = Vec::new();
    image::codecs::bmp::BmpEncoder::new(&mut bmp)
        .write_image(pixels.as_flattened(), 600, 400, ExtendedColorType::Rgb8)
        .unwrap();
    assert_quarters(&thumbnails(&bmp, "image/bmp", json!({})).picture(1), "bmp");
    let webp = webp::Encoder::from_rgb(pixels.as_flattened(), 600, 400).encode(90.0);
    assert_quarters(&thumbnails(&webp, "image/webp", json!({})).picture(1), "webp");
}

#[test]
fn what_else_a_file_holds_is_told() {
    let part = |bytes: &[u8], media_type| payload(&thumbnails(bytes, media_type, json!({})), 0).part;
    let frame = || image::Frame::new(image::RgbaImage::from_raw(60, 40, rgba_of(&quarters(60, 40))).unwrap());
    for (frames, expected) in [(1, Part::Whole), (2, Part::FirstFrame), (5, Part::FirstFrame)] {
        let mut gif = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        (0..frames).for_each(|_| encoder.encode_frame(frame()).unwrap());
        drop(encoder);
        assert_eq!(part(&gif, "image/gif"), expected, "{frames} frames");
    }
    let pixels = quarters(60, 40);
    let mut pages = tiff(&pixels, 60, 40, &[]);
    assert_eq!(part(&pages, "image/tiff"), Part::Whole);
    let (next, second) = (8 + 2 + 9 * 12, pages.len());
    pages.extend_from_within(8..next + 4);
    pages[next..next + 4].copy_from_slice(&(second as u32).to_le_bytes());
    assert_eq!(part(&pages, "image/tiff"), Part::FirstPage);

    let images: Vec<_> = [16_u32, 48]
        .map(|edge| {
            let pixels = rgba_of(&quarters(edge, edge));
            image::codecs::ico::IcoFrame::as_png(&pixels, edge, edge, ExtendedColorType::Rgba8).unwrap()
        })
        .into();
    let mut icon = Vec::new();
    image::codecs::ico::IcoEncoder::new(&mut icon).encode_images(&images).unwrap();
    let unit = thumbnails(&icon, "image/vnd.microsoft.icon", json!({}));
    assert_eq!((payload(&unit, 0).part, payload(&unit, 0).source_width), (Part::LargestSize, 48));
    assert_quarters(&unit.picture(0), "icon");
}

#[test]
fn grey_jpeg_is_grey() {
    let bytes: Vec<u8> = (0..200 * 100).map(|i| (i % 200) as u8).collect();
    let file = compress(&bytes, turbojpeg::PixelFormat::GRAY, 200, 100, |_| {});
    assert_near(at(&thumbnails(&file, "image/jpeg", json!({})).picture(0), 0.5, 0.5), [100, 100, 100, 255], 4, "grey");
}

/// sRGB with its red and green exchanged: what is stored as red is shown as green.
fn swapped_profile() -> Vec<u8> {
    let mut profile = ColorProfile::new_srgb();
    std::mem::swap(&mut profile.red_colorant, &mut profile.green_colorant);
    profile.cicp = None;
    profile.encode().unwrap()
}

#[test]
fn a_colour_profile_is_applied_whatever_the_format_and_the_number_of_pieces() {
    let pixels = vec![RED; 64 * 64];
    let profile = swapped_profile();
    let exchanged = [RED[1], RED[0], RED[2], 255];
    let plain = jpeg(&pixels, 64, 64);
    let png = png_with(pixels.as_flattened(), 64, 64, ExtendedColorType::Rgb8, |encoder| {
        encoder.set_icc_profile(profile.clone()).unwrap()
    });
    for (file, media_type) in [
        (with_profile(&plain, &profile, 60_000), "image/jpeg"),
        (with_profile(&plain, &profile, 100), "image/jpeg"),
        (png, "image/png"),
    ] {
        let unit = thumbnails(&file, media_type, json!({"edges": [32]}));
        assert_near(unit.picture(0).pixels[500], exchanged, 10, media_type);
        let Colour { profile_found, converted, .. } = payload(&unit, 0).colour;
        assert!(profile_found && converted);
    }
}

#[test]
fn display_p3_becomes_more_vivid_and_srgb_stays() {
    let pixels = vec![[200, 60, 60]; 64 * 64];
    let convert = |profile: ColorProfile| {
        let file = with_profile(&jpeg(&pixels, 64, 64), &profile.encode().unwrap(), 60_000);
        let unit = thumbnails(&file, "image/jpeg", json!({"edges": [32]}));
        (unit.picture(0).pixels[500], payload(&unit, 0).colour)
    };
    let (found, colour) = convert(ColorProfile::new_display_p3());
    // colour(display-p3 0.784 0.235 0.235) is rgb(215, 45, 52) by the matrices of CSS Color 4, section 17.
    assert_near(found, [215, 45, 52, 255], 5, "display p3");
    assert!(colour.profile_found && colour.converted && colour.name.is_some(), "{colour:?}");
    let (found, colour) = convert(ColorProfile::new_srgb());
    assert_near(found, [200, 60, 60, 255], 4, "srgb");
    assert!(colour.profile_found && !colour.converted);
}

#[test]
fn a_grey_profile_is_applied_and_a_foreign_or_broken_one_is_not() {
    let grey = compress(&[100; 64 * 64], turbojpeg::PixelFormat::GRAY, 64, 64, |_| {});
    let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let unit = thumbnails(&with_profile(&grey, &linear, 60_000), "image/jpeg", json!({"edges": [32]}));
    // 100 / 255 of linear light is 168 in sRGB.
    assert_near(unit.picture(0).pixels[500], [168, 168, 168, 255], 4, "linear grey");
    assert!(payload(&unit, 0).colour.converted);
    for profile in [swapped_profile(), swapped_profile()[..300].to_vec(), vec![0; 200]] {
        let unit = thumbnails(&with_profile(&grey, &profile, 60_000), "image/jpeg", json!({"edges": [32]}));
        assert_near(unit.picture(0).pixels[500], [100, 100, 100, 255], 4, "unusable profile");
        let Colour { profile_found, converted, .. } = payload(&unit, 0).colour;
        assert!(profile_found && !converted);
    }
    // A piece is missing.
    let mut pieces = with_profile(&grey, &linear, 100);
    let second = pieces.windows(13).position(|w| w == b"ICC_PROFILE\0\x02").unwrap();
    pieces[second] = b'X';
    let unit = thumbnails(&pieces, "image/jpeg", json!({"edges": [32]}));
    assert_eq!(payload(&unit, 0).colour, Colour { profile_found: true, ..Colour::default() });
}

#[test]
fn inks_become_colours() {
    // As Adobe's programs store it: 255 = no ink. Cyan only; black only; paper.
    for (stored, expected) in
        [([0, 255, 255, 255], [0, 255, 255, 255]), ([255, 255, 255, 0], [0, 0, 0, 255]), ([255; 4], [255; 4])]
    {
        let bytes = stored.repeat(64 * 64);
        let file = compress(&bytes, turbojpeg::PixelFormat::CMYK, 64, 64, |_| {});
        let unit = thumbnails(&file, "image/jpeg", json!({"edges": [32]}));
        assert_near(unit.picture(0).pixels[500], expected, 8, "inks");
        assert_eq!(payload(&unit, 0).colour, Colour { converted: true, ..Colour::default() });
    }
}

#[test]
fn formats_without_a_decoder_are_unsupported_not_failed() {
    for media_type in
        ["image/jp2", "image/jxl", "image/x-canon-crw", "image/x-minolta-mrw", "image/vnd.adobe.photoshop", "image/"]
    {
        let unit = thumbnails(b"anything", media_type, json!({}));
        assert!(matches!(unit.outcome, Outcome::Skipped { reason: "unsupported", .. }), "{media_type}");
        assert!(unit.facts.is_empty() && std::fs::read_dir(unit.scratch.path()).unwrap().next().is_none());
    }
}

#[test]
fn a_worker_gives_the_same_picture_after_other_work() {
    let first = jpeg(&waves(900, 700), 900, 700);
    let alone = thumbnails(&first, "image/jpeg", json!({}));
    let mut worker = make();
    let mut unit = |bytes: &[u8], media_type: &str| {
        crate::testing::run(worker.as_mut(), &DESCRIPTOR, crate::testing::Original::of(bytes, media_type), json!({}))
    };
    unit(&jpeg(&quarters(3000, 2000), 3000, 2000), "image/jpeg");
    unit(&first[..first.len() / 2], "image/jpeg");
    unit(&png(quarters(70, 50).as_flattened(), 70, 50, ExtendedColorType::Rgb8), "image/png");
    let after = unit(&first, "image/jpeg");
    assert_eq!((alone.blob(0), alone.blob(1)), (after.blob(0), after.blob(1)));
}

#[test]
fn the_kind_file_says_what_the_type_says() {
    let full = Thumbnail {
        edge: 256,
        width: 256,
        height: 1,
        source_width: 4000,
        source_height: 16,
        orientation: 6,
        colour: Colour {
            profile_found: true,
            converted: true,
            name: Some("Display P3".into()),
            tone_mapped: Some(Transfer::Pq),
        },
        method: Method::TurbojpegDct,
        part: Part::Whole,
        average_colour: "#00ff7f".into(),
    };
    let others = [
        (Method::Turbojpeg, Part::FirstFrame),
        (Method::Decode, Part::FirstPage),
        (Method::HeifConvert, Part::PrimaryItem),
        (Method::RsvgConvert, Part::LargestSize),
        (Method::EmbeddedPreview, Part::Whole),
        (Method::EmbeddedPreviewSmall, Part::Whole),
    ]
    .map(|(method, part)| Thumbnail { method, part, colour: Colour::default(), ..full.clone() });
    let samples = [vec![full], others.to_vec()].concat();
    crate::testing::assert_kind_matches(THUMBNAIL_KIND_FILE, THUMBNAIL, &samples);
}
