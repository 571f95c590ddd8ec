//! Images that the tests make themselves.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::testing::{self, Original, Unit};

pub const RED: [u8; 3] = [230, 20, 30];
pub const GREEN: [u8; 3] = [20, 200, 40];
pub const BLUE: [u8; 3] = [30, 40, 220];
pub const WHITE: [u8; 3] = [250, 250, 250];

/// One unit with a worker of its own.
pub fn thumbnails(bytes: &[u8], media_type: &str, params: serde_json::Value) -> Unit {
    testing::run(super::make().as_mut(), &super::DESCRIPTOR, Original::of(bytes, media_type), params)
}

/// Four quarters: red, green above blue, white.
pub fn quarters(width: u32, height: u32) -> Vec<[u8; 3]> {
    let colour = |x: u32, y: u32| match (x < width / 2, y < height / 2) {
        (true, true) => RED,
        (false, true) => GREEN,
        (true, false) => BLUE,
        (false, false) => WHITE,
    };
    (0..height).flat_map(|y| (0..width).map(move |x| colour(x, y))).collect()
}

/// Smooth and busy areas that depend on nothing but the position.
pub fn waves(width: u32, height: u32) -> Vec<[u8; 3]> {
    let at = |x: u32, y: u32| {
        let bump = |v: u32| (v % 512).abs_diff(256).min(255) as u8;
        [bump(x * 3 + y), bump(x + y * 5 + 100), bump(x * y / 64)]
    };
    (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect()
}

/// How an upright picture is stored for an EXIF orientation, from the words of EXIF 2.32 section 4.6.4: which visual sides row 0 and
/// column 0 are. Gives pixels, width and height as stored.
pub fn stored(upright: &[[u8; 3]], width: u32, height: u32, orientation: u8) -> (Vec<[u8; 3]>, u32, u32) {
    let (row_0, column_0) = match orientation {
        1 => ("top", "left"),
        2 => ("top", "right"),
        3 => ("bottom", "right"),
        4 => ("bottom", "left"),
        5 => ("left", "top"),
        6 => ("right", "top"),
        7 => ("right", "bottom"),
        _ => ("left", "bottom"),
    };
    let (stored_width, stored_height) = if orientation < 5 { (width, height) } else { (height, width) };
    let mut pixels = Vec::new();
    for row in 0..stored_height {
        for column in 0..stored_width {
            let (mut x, mut y) = (0, 0);
            for (side, steps) in [(row_0, row), (column_0, column)] {
                match side {
                    "top" => y = steps,
                    "bottom" => y = height - 1 - steps,
                    "left" => x = steps,
                    _ => x = width - 1 - steps,
                }
            }
            pixels.push(upright[(y * width + x) as usize]);
        }
    }
    (pixels, stored_width, stored_height)
}

/// A JPEG of the best quality without chroma subsampling.
pub fn jpeg(pixels: &[[u8; 3]], width: u32, height: u32) -> Vec<u8> {
    compress(pixels.as_flattened(), turbojpeg::PixelFormat::RGB, width, height, |_| {})
}

pub fn compress(
    bytes: &[u8],
    format: turbojpeg::PixelFormat,
    width: u32,
    height: u32,
    set: impl FnOnce(&mut turbojpeg::Compressor),
) -> Vec<u8> {
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(98).unwrap();
    let grey = format == turbojpeg::PixelFormat::GRAY;
    compressor.set_subsamp(if grey { turbojpeg::Subsamp::Gray } else { turbojpeg::Subsamp::None }).unwrap();
    set(&mut compressor);
    let (width, height) = (width as usize, height as usize);
    let image = turbojpeg::Image { pixels: bytes, width, height, pitch: width * format.size(), format };
    compressor.compress_to_vec(image).unwrap()
}

/// The JPEG with one more segment after its start.
pub fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, body, &jpeg[2..]].concat()
}

/// A TIFF structure that says one orientation.
pub fn exif(orientation: u8) -> Vec<u8> {
    [b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

pub fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    with_segment(jpeg, 0xe1, &[b"Exif\0\0".as_slice(), &exif(orientation)].concat())
}

/// The profile in pieces of at most `piece` bytes.
pub fn with_profile(jpeg: &[u8], profile: &[u8], piece: usize) -> Vec<u8> {
    let count = profile.len().div_ceil(piece) as u8;
    let mut out = jpeg.to_vec();
    for (number, bytes) in profile.chunks(piece).enumerate().rev() {
        out = with_segment(&out, 0xe2, &[b"ICC_PROFILE\0".as_slice(), &[number as u8 + 1, count], bytes].concat());
    }
    out
}

pub fn png(bytes: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    png_with(bytes, width, height, colour, |_| {})
}

pub fn png_with(
    bytes: &[u8],
    width: u32,
    height: u32,
    colour: ExtendedColorType,
    set: impl FnOnce(&mut PngEncoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = PngEncoder::new(&mut out);
    set(&mut encoder);
    encoder.write_image(bytes, width, height, colour).unwrap();
    out
}
