//! PNG, TIFF, GIF, BMP, WebP and ICO: decoded in full, at their own depth.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::ico::IcoDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder, ImageError, ImageResult, Limits};

use super::resample::{Decoded, Layout};
use super::{DECODED_BYTES_MAX, Method, Part, Refusal, check_size};
use crate::orientation::{UPRIGHT, read_first_directory};

/// Bytes read from the file at a time.
const READ_BYTES: usize = 256 << 10;

/// Alignment that 16-bit pixels need.
const PIXEL_ALIGN: usize = 2;

/// Bytes of a colour profile that is looked at; the largest in use, of presses, have 4 MiB.
pub const PROFILE_BYTES_MAX: usize = 8 << 20;

/// The formats that are read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Portable Network Graphics; of an animation the default image.
    Png,
    /// The first image of the file.
    Tiff,
    /// The first frame.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// Of an animation the first frame.
    WebP,
    /// Windows icon; the largest of its sizes.
    Ico,
}

impl Format {
    /// The format of a media type.
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "image/png" | "image/apng" => Some(Self::Png),
            "image/tiff" => Some(Self::Tiff),
            "image/gif" => Some(Self::Gif),
            "image/bmp" | "image/x-ms-bmp" => Some(Self::Bmp),
            "image/webp" => Some(Self::WebP),
            "image/vnd.microsoft.icon" | "image/x-icon" => Some(Self::Ico),
            _ => None,
        }
    }
}

/// Decodes into a buffer that is kept from image to image.
#[derive(Default)]
pub struct RasterReader {
    pixels: Vec<u8>,
}

impl RasterReader {
    /// Decodes an original in full.
    pub fn read(&mut self, mut file: &File, format: Format) -> Result<Decoded<'_>, Refusal> {
        let mut orientation = UPRIGHT;
        let mut part = Part::Whole;
        file.rewind().map_err(|error| Refusal::unreadable(&error))?;
        if format == Format::Tiff {
            let mut reader = BufReader::new(file);
            let first = read_first_directory(&mut reader).map_err(|error| Refusal::unreadable(&error))?;
            orientation = first.map_or(UPRIGHT, |first| first.orientation);
            // The decoder compares the size to the strips, and calls what does not fit damage.
            if let Some((width @ 1.., height @ 1..)) = first.map(|first| first.size) {
                check_size(width, height, 0)?;
            }
            if first.is_some_and(|first| first.more_follow) {
                part = Part::FirstPage;
            }
        }
        if format == Format::Gif && has_second_frame(&mut BufReader::with_capacity(READ_BYTES, file)) {
            part = Part::FirstFrame;
        }
        file.rewind().map_err(|error| Refusal::unreadable(&error))?;
        let (mut decoder, animated) = open(file, format).map_err(refusal)?;
        part = match (format, animated) {
            (Format::Ico, true) => Part::LargestSize,
            (_, true) => Part::FirstFrame,
            _ => part,
        };
        let (width, height) = decoder.dimensions();
        let layout = layout_of(decoder.color_type())?;
        let bytes = decoder.total_bytes();
        check_size(width, height, bytes)?;
        decoder.set_limits(limits()).map_err(refusal)?;
        // A damaged profile or EXIF block does not make the pixels worse; they are treated as absent.
        let profile = decoder
            .icc_profile()
            .ok()
            .flatten()
            .map(|profile| if profile.len() > PROFILE_BYTES_MAX { Vec::new() } else { profile });
        if let Some(exif) = decoder.exif_metadata().ok().flatten() {
            orientation =
                read_first_directory(&mut Cursor::new(exif)).ok().flatten().map_or(UPRIGHT, |first| first.orientation);
        }
        let pixels = self.aligned(usize::try_from(bytes).unwrap_or(usize::MAX));
        decoder.read_image_boxed(pixels).map_err(refusal)?;
        Ok(Decoded {
            stored_width: width,
            stored_height: height,
            width,
            height,
            layout,
            bytes: pixels,
            orientation,
            profile,
            method: Method::Decode,
            high_range: None,
            part,
        })
    }

    /// `bytes` bytes that start at an address fit for 16-bit values.
    fn aligned(&mut self, bytes: usize) -> &mut [u8] {
        let needed = bytes.saturating_add(PIXEL_ALIGN);
        if self.pixels.len() < needed {
            self.pixels.resize(needed, 0);
        }
        let start = self.pixels.as_ptr().align_offset(PIXEL_ALIGN).min(PIXEL_ALIGN);
        &mut self.pixels[start..start + bytes]
    }

    /// Frees the buffer when it is above `bytes_max`.
    pub fn give_back_above(&mut self, bytes_max: usize) {
        if self.pixels.capacity() > bytes_max {
            self.pixels = Vec::new();
        }
    }
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    limits
}

/// A decoder, and whether the file holds more than the picture that it gives.
fn open<'a>(file: &'a File, format: Format) -> ImageResult<(Box<dyn ImageDecoder + 'a>, bool)> {
    let mut reader = BufReader::with_capacity(READ_BYTES, file);
    Ok(match format {
        Format::Png => {
            let decoder = PngDecoder::with_limits(reader, limits())?;
            let animated = decoder.is_apng()?;
            (Box::new(decoder), animated)
        }
        Format::Tiff => (Box::new(TiffDecoder::new(reader)?), false),
        Format::Gif => (Box::new(GifDecoder::new(reader)?), false),
        Format::Bmp => (Box::new(BmpDecoder::new(reader)?), false),
        Format::WebP => {
            let decoder = WebPDecoder::new(reader)?;
            let animated = decoder.has_animation();
            (Box::new(decoder), animated)
        }
        Format::Ico => {
            let several = reader.fill_buf()?.get(4..6).is_some_and(|count| count != [1, 0]);
            (Box::new(IcoDecoder::new(reader)?), several)
        }
    })
}

/// Blocks of a GIF that are stepped over in search of a second frame; extensions of a frame are about five.
const GIF_BLOCKS_MAX: usize = 4_096;

/// Sub-blocks of at most 255 bytes that are stepped over: 64 MB of the first frame.
const GIF_SUB_BLOCKS_MAX: usize = 1 << 18;

/// Whether a second frame begins anywhere. What cannot be read has none; the decoder says what is wrong with it.
fn has_second_frame(reader: &mut (impl BufRead + Seek)) -> bool {
    second_frame(reader).unwrap_or(false)
}

/// The blocks of GIF 89a, appendix A: an extension is `!` and a label, a frame is `,` and nine bytes; data of both comes in sub-blocks.
fn second_frame(reader: &mut (impl BufRead + Seek)) -> std::io::Result<bool> {
    let mut head = [0; 13];
    reader.read_exact(&mut head)?;
    skip_palette(reader, head[10])?;
    let mut frames = 0;
    let mut sub_blocks = 0;
    for _ in 0..GIF_BLOCKS_MAX {
        let mut kind = [0; 2];
        reader.read_exact(&mut kind[..1])?;
        match kind[0] {
            b',' if frames == 1 => return Ok(true),
            b',' => {
                frames += 1;
                let mut frame = [0; 9];
                reader.read_exact(&mut frame)?;
                skip_palette(reader, frame[8])?;
                reader.seek_relative(1)?;
            }
            b'!' => reader.seek_relative(1)?,
            _ => return Ok(false),
        }
        let mut length = [0];
        loop {
            reader.read_exact(&mut length)?;
            sub_blocks += 1;
            if length[0] == 0 {
                break;
            }
            if sub_blocks > GIF_SUB_BLOCKS_MAX {
                return Ok(false);
            }
            // A read, not a seek: past the end it must fail.
            reader.read_exact(&mut [0; 255][..usize::from(length[0])])?;
        }
    }
    Ok(false)
}

fn skip_palette(reader: &mut impl Seek, flags: u8) -> std::io::Result<()> {
    if flags & 0x80 == 0 { Ok(()) } else { reader.seek_relative(3 << ((flags & 7) + 1)) }
}

fn layout_of(colour: ColorType) -> Result<Layout, Refusal> {
    Ok(match colour {
        ColorType::L8 => Layout::Gray8,
        ColorType::La8 => Layout::GrayAlpha8,
        ColorType::Rgb8 => Layout::Rgb8,
        ColorType::Rgba8 => Layout::Rgba8,
        ColorType::L16 => Layout::Gray16,
        ColorType::La16 => Layout::GrayAlpha16,
        ColorType::Rgb16 => Layout::Rgb16,
        ColorType::Rgba16 => Layout::Rgba16,
        other => return Err(Refusal::Unsupported(format!("pixels of type {other:?}"))),
    })
}

fn refusal(error: ImageError) -> Refusal {
    match error {
        ImageError::Unsupported(error) => Refusal::Unsupported(error.to_string()),
        ImageError::Limits(error) => Refusal::TooManyPixels(error.to_string()),
        ImageError::IoError(error) if error.raw_os_error().is_some() => Refusal::Unreadable(error.to_string()),
        // The reader of BMP has a limit for sides that it calls a fault of the format.
        other if other.to_string().contains("too large") => Refusal::TooManyPixels(other.to_string()),
        other => Refusal::Corrupt(other.to_string()),
    }
}
