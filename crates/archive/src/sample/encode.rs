//! Turns drawings into files: JPEG by libjpeg-turbo, the other common formats by the encoders of `image`, moving WebP and SVG by hand.

use image::codecs::bmp::BmpEncoder;
use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{Delay, ExtendedColorType, Frame, ImageEncoder, RgbaImage};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use super::SampleError;
use super::draw::Canvas;

/// The quality of most cameras.
pub(super) const QUALITY: i32 = 85;
/// What a moving picture waits between two pictures, in milliseconds.
const FRAME_MS: u32 = 120;

type Encoded = Result<Vec<u8>, SampleError>;

/// A JPEG as cameras write it.
pub(super) fn jpeg(canvas: &Canvas) -> Encoded {
    jpeg_of_quality(canvas, QUALITY)
}

/// A JPEG of another quality, 1 to 100.
pub(super) fn jpeg_of_quality(canvas: &Canvas, quality: i32) -> Encoded {
    compress(&canvas.pixels, canvas, PixelFormat::RGB, |jpeg| {
        jpeg.set_quality(quality)?;
        jpeg.set_subsamp(Subsamp::Sub2x2)
    })
}

/// A JPEG that is sent in passes, each sharper than the one before.
pub(super) fn progressive_jpeg(canvas: &Canvas) -> Encoded {
    compress(&canvas.pixels, canvas, PixelFormat::RGB, |jpeg| {
        jpeg.set_quality(QUALITY)?;
        jpeg.set_subsamp(Subsamp::Sub2x2)?;
        jpeg.set_progressive(true)
    })
}

/// One channel of light.
pub(super) fn grey_jpeg(canvas: &Canvas) -> Encoded {
    compress(&grey(canvas), canvas, PixelFormat::GRAY, |jpeg| {
        jpeg.set_quality(QUALITY)?;
        jpeg.set_subsamp(Subsamp::Gray)
    })
}

/// Four inks, inverted and marked as Adobe's programs do it, without a profile: 255 is no ink.
pub(super) fn cmyk_jpeg(canvas: &Canvas) -> Encoded {
    let inks = |pixel: &[u8]| {
        let light = pixel.iter().copied().max().unwrap_or(0);
        let of = |value: u8| (u32::from(value) * 255 / u32::from(light).max(1)) as u8;
        [of(pixel[0]), of(pixel[1]), of(pixel[2]), light]
    };
    let pixels: Vec<u8> = canvas.pixels.chunks_exact(3).flat_map(inks).collect();
    compress(&pixels, canvas, PixelFormat::CMYK, |jpeg| {
        jpeg.set_quality(QUALITY)?;
        jpeg.set_subsamp(Subsamp::None)
    })
}

/// A lossless JPEG of one channel, as RAW files of some cameras hold their sensor's data.
pub(super) fn lossless_jpeg(width: u32, height: u32, values: &[u8]) -> Encoded {
    let shape = Canvas { width, height, pixels: Vec::new() };
    compress(values, &shape, PixelFormat::GRAY, |jpeg| {
        jpeg.set_subsamp(Subsamp::Gray)?;
        jpeg.set_lossless(true)
    })
}

fn compress(
    pixels: &[u8],
    shape: &Canvas,
    format: PixelFormat,
    set: impl FnOnce(&mut Compressor) -> turbojpeg::Result<()>,
) -> Encoded {
    let mut jpeg = Compressor::new()?;
    set(&mut jpeg)?;
    let (width, height) = (shape.width as usize, shape.height as usize);
    Ok(jpeg.compress_to_vec(Image { pixels, width, pitch: width * format.size(), height, format })?)
}

/// Light by ITU-R BT.601 in 16-bit fixed point.
pub(super) fn grey(canvas: &Canvas) -> Vec<u8> {
    let luma = |pixel: &[u8]| {
        ((u32::from(pixel[0]) * 19_595 + u32::from(pixel[1]) * 38_470 + u32::from(pixel[2]) * 7_471) >> 16) as u8
    };
    canvas.pixels.chunks_exact(3).map(luma).collect()
}

pub(super) fn png(canvas: &Canvas) -> Encoded {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(&canvas.pixels, canvas.width, canvas.height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

/// Fades out towards the lower edge.
pub(super) fn alpha_png(canvas: &Canvas) -> Encoded {
    let mut bytes = Vec::new();
    let pixels = with_alpha(canvas, |row| (255 - row * 255 / canvas.height) as u8);
    PngEncoder::new(&mut bytes).write_image(&pixels, canvas.width, canvas.height, ExtendedColorType::Rgba8)?;
    Ok(bytes)
}

/// Sixteen bits per channel; the encoder takes them in the byte order of the machine and writes them big-endian.
pub(super) fn deep_png(canvas: &Canvas) -> Encoded {
    let pixels: Vec<u8> = canvas.pixels.iter().flat_map(|value| (u16::from(*value) * 257).to_ne_bytes()).collect();
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(&pixels, canvas.width, canvas.height, ExtendedColorType::Rgb16)?;
    Ok(bytes)
}

pub(super) fn tiff(canvas: &Canvas) -> Encoded {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let encoder = TiffEncoder::new(&mut bytes);
    encoder.write_image(&canvas.pixels, canvas.width, canvas.height, ExtendedColorType::Rgb8)?;
    Ok(bytes.into_inner())
}

pub(super) fn bmp(canvas: &Canvas) -> Encoded {
    let mut bytes = Vec::new();
    BmpEncoder::new(&mut bytes).encode(&canvas.pixels, canvas.width, canvas.height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

/// Without loss, with an EXIF block where there is one.
pub(super) fn webp(canvas: &Canvas, exif: Option<Vec<u8>>) -> Encoded {
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut bytes);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).map_err(|error| SampleError::Encode(image::ImageError::Unsupported(error)))?;
    }
    encoder.write_image(&canvas.pixels, canvas.width, canvas.height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

/// A GIF that shows its pictures again and again.
pub(super) fn gif(pictures: &[Canvas]) -> Encoded {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
    encoder.set_repeat(Repeat::Infinite)?;
    for canvas in pictures {
        let pixels = with_alpha(canvas, |_| 255);
        // The drawing has exactly as many pixels as its size says.
        let Some(picture) = RgbaImage::from_raw(canvas.width, canvas.height, pixels) else { continue };
        encoder.encode_frame(Frame::from_parts(picture, 0, 0, Delay::from_numer_denom_ms(FRAME_MS, 1)))?;
    }
    drop(encoder);
    Ok(bytes)
}

/// A moving WebP: the picture chunk of each still behind the header of a frame (WebP Container Specification).
pub(super) fn moving_webp(pictures: &[Canvas]) -> Encoded {
    let three = |number: u32| number.to_le_bytes()[..3].to_vec();
    let Some(first) = pictures.first() else { return Ok(Vec::new()) };
    let size = [three(first.width - 1), three(first.height - 1)].concat();
    const MOVES: u8 = 0x02;
    const REPLACES: u8 = 0x02;
    let mut body = chunk(b"VP8X", &[&[MOVES, 0, 0, 0][..], &size].concat());
    body.extend(chunk(b"ANIM", &[0xff, 0xff, 0xff, 0xff, 0, 0]));
    for canvas in pictures {
        let still = webp(canvas, None)?;
        // Twelve bytes of RIFF, then the one chunk with the picture.
        let frame = [&[0; 6][..], &size, &three(FRAME_MS), &[REPLACES], &still[12..]].concat();
        body.extend(chunk(b"ANMF", &frame));
    }
    Ok([&b"RIFF"[..], &(body.len() as u32 + 4).to_le_bytes(), b"WEBP", &body].concat())
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = [&name[..], &(body.len() as u32).to_le_bytes(), body].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

/// A drawing of lines and areas that says its size.
pub(super) fn svg(width: u32, height: u32, number: u32) -> Vec<u8> {
    let (middle, third) = (width / 2, height / 3);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#7fb2e5\"/>\n\
         <path d=\"M0 {height} L{middle} {third} L{width} {height} Z\" fill=\"#3a7d44\"/>\n\
         <circle cx=\"{middle}\" cy=\"{third}\" r=\"{}\" fill=\"#f4c430\"/>\n\
         <title>drawing {number}</title>\n</svg>\n",
        third / 2
    )
    .into_bytes()
}

fn with_alpha(canvas: &Canvas, alpha: impl Fn(u32) -> u8) -> Vec<u8> {
    let stride = canvas.width as usize;
    let pixel = |(index, pixel): (usize, &[u8])| [pixel[0], pixel[1], pixel[2], alpha((index / stride) as u32)];
    canvas.pixels.chunks_exact(3).enumerate().flat_map(pixel).collect()
}
