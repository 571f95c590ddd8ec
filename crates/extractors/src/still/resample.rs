//! From decoded pixels to the wanted size, at the depth at which they were decoded.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::tone::HighRange;
use super::{Method, Part, Refusal};
use crate::webp_blob::Picture;

/// What the bytes of a pixel mean. 16-bit values are in the byte order of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Grey.
    Gray8,
    /// Grey and alpha.
    GrayAlpha8,
    /// Red, green, blue.
    Rgb8,
    /// Red, green, blue, alpha.
    Rgba8,
    /// Red, green, blue and a byte that is always 255; four bytes are resampled faster than three.
    Rgbx8,
    /// Cyan, magenta, yellow, black; 255 = full ink.
    Cmyk8,
    /// As above, 16 bits each.
    Gray16,
    /// As above, 16 bits each.
    GrayAlpha16,
    /// As above, 16 bits each.
    Rgb16,
    /// As above, 16 bits each.
    Rgba16,
}

impl Layout {
    fn pixel_type(self) -> PixelType {
        match self {
            Self::Gray8 => PixelType::U8,
            Self::GrayAlpha8 => PixelType::U8x2,
            Self::Rgb8 => PixelType::U8x3,
            Self::Rgba8 | Self::Rgbx8 | Self::Cmyk8 => PixelType::U8x4,
            Self::Gray16 => PixelType::U16,
            Self::GrayAlpha16 => PixelType::U16x2,
            Self::Rgb16 => PixelType::U16x3,
            Self::Rgba16 => PixelType::U16x4,
        }
    }

    /// Colours are weighted by alpha while they are mixed, else the invisible colour of transparent pixels would bleed.
    fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha8 | Self::Rgba8 | Self::GrayAlpha16 | Self::Rgba16)
    }
}

/// A decoded image, as stored: not turned, in its own colours.
pub struct Decoded<'a> {
    /// Width of the original in pixels.
    pub stored_width: u32,
    /// Height of the original in pixels.
    pub stored_height: u32,
    /// Width of `bytes` in pixels; smaller than that of the original when it was scaled while decoding.
    pub width: u32,
    /// Height of `bytes` in pixels.
    pub height: u32,
    /// What `bytes` holds.
    pub layout: Layout,
    /// Rows from the top, without padding.
    pub bytes: &'a [u8],
    /// 1 to 8 as in EXIF.
    pub orientation: u8,
    /// The colour profile (ICC), as found; empty when there is one but its pieces do not fit together.
    pub profile: Option<Vec<u8>>,
    /// The values stand for light beyond the range of sRGB.
    pub high_range: Option<HighRange>,
    /// How the pixels were had.
    pub method: Method,
    /// Which part of the original this is.
    pub part: Part,
}

/// Pixels of the wanted size, still in the colours of the original.
pub struct Small {
    /// What `bytes` holds.
    pub layout: Layout,
    /// Rows from the top, without padding.
    pub bytes: Vec<u8>,
}

/// The size of a picture of `width` x `height` fitted into a square of `edge`, all in pixels; never larger, never below 1.
pub fn fitted(width: u32, height: u32, edge: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= edge {
        return (width, height);
    }
    let scaled = |side: u32| {
        let rounded = (u64::from(side) * u64::from(edge) + u64::from(longest) / 2) / u64::from(longest);
        u32::try_from(rounded).unwrap_or(edge).max(1)
    };
    (scaled(width), scaled(height))
}

/// Whether a picture is good enough to make one of `size` from: equal, or at least twice as large, so that resampling twice shows no
/// difference from resampling once.
pub fn serves(larger: &Picture, size: (u32, u32)) -> bool {
    (larger.width, larger.height) == size || larger.width.max(larger.height) / 2 >= size.0.max(size.1)
}

/// Resamples, with buffers that are kept from picture to picture.
#[derive(Default)]
pub struct Resampler {
    resizer: Resizer,
}

impl Resampler {
    /// Makes pixels of `size` from a decoded image.
    pub fn resample(&mut self, source: &Decoded<'_>, size: (u32, u32)) -> Result<Small, Refusal> {
        let layout = source.layout;
        let view = ImageRef::new(source.width, source.height, source.bytes, layout.pixel_type()).map_err(impossible)?;
        let bytes = self.resize(&view, size, layout.has_alpha())?;
        Ok(Small { layout, bytes })
    }

    /// Makes a smaller picture of a picture.
    pub fn shrink(&mut self, larger: &Picture, size: (u32, u32)) -> Result<Picture, Refusal> {
        let view = ImageRef::new(larger.width, larger.height, larger.pixels.as_flattened(), PixelType::U8x4)
            .map_err(impossible)?;
        let opaque = larger.pixels.iter().all(|pixel| pixel[3] == u8::MAX);
        let bytes = self.resize(&view, size, !opaque)?;
        Ok(Picture { width: size.0, height: size.1, pixels: bytes.as_chunks().0.to_vec() })
    }

    fn resize(&mut self, view: &ImageRef<'_>, size: (u32, u32), alpha: bool) -> Result<Vec<u8>, Refusal> {
        let mut target = Image::new(size.0, size.1, view.pixel_type());
        let lanczos = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(alpha);
        self.resizer.resize(view, &mut target, &lanczos).map_err(impossible)?;
        Ok(target.into_vec())
    }

    /// Frees working memory above `bytes_max`.
    pub fn give_back_above(&mut self, bytes_max: usize) {
        if self.resizer.size_of_internal_buffers() > bytes_max {
            self.resizer.reset_internal_buffers();
        }
    }
}

/// The decoders give buffers of exactly the announced size and alignment; should one ever not, this image is refused.
fn impossible(error: impl std::fmt::Display) -> Refusal {
    Refusal::Corrupt(format!("the decoded pixels cannot be resampled: {error}"))
}
