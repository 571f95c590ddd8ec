//! PNG, TIFF, GIF, BMP and WebP: decoded in full, at their own depth.

use std::fs::File;
use std::io::{BufReader, Cursor, Seek};

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder, ImageError, ImageResult, Limits};

use super::resample::{Decoded, Layout};
use super::{DECODED_BYTES_MAX, Method, Refusal, check_size};
use crate::orientation::{FirstDirectory, UPRIGHT, read_first_directory};

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
        if format == Format::Tiff {
            let mut reader = BufReader::new(file);
            let first = read_first_directory(&mut reader).map_err(|error| Refusal::Unreadable(error.to_string()))?;
            if let Some(FirstDirectory { preview_only: true, .. }) = first {
                return Err(Refusal::Unsupported("camera raw: the first picture of this TIFF is a preview".into()));
            }
            orientation = first.map_or(UPRIGHT, |first| first.orientation);
            file.rewind().map_err(|error| Refusal::Unreadable(error.to_string()))?;
        }
        let mut decoder = open(file, format).map_err(refusal)?;
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

fn open<'a>(file: &'a File, format: Format) -> ImageResult<Box<dyn ImageDecoder + 'a>> {
    let reader = BufReader::with_capacity(READ_BYTES, file);
    Ok(match format {
        Format::Png => Box::new(PngDecoder::with_limits(reader, limits())?),
        Format::Tiff => Box::new(TiffDecoder::new(reader)?),
        Format::Gif => Box::new(GifDecoder::new(reader)?),
        Format::Bmp => Box::new(BmpDecoder::new(reader)?),
        Format::WebP => Box::new(WebPDecoder::new(reader)?),
    })
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
        other => Refusal::Corrupt(other.to_string()),
    }
}
