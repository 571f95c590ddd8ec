//! Pixels of stills: any original that shows one picture, reduced to small ones, upright and in sRGB.
//!
//! [`Workshop::reduce`] is what extractors call. It chooses by media type:
//!
//! | original | how |
//! |---|---|
//! | JPEG | [`jpeg`]: libjpeg-turbo, scaled by 1/8, 1/4 or 1/2 while it is decoded, whatever still covers the largest edge; sizes in between cost more than they save, because they have no vector code |
//! | PNG, TIFF, GIF, BMP, WebP, ICO | [`raster`]: decoded in full in safe Rust, resampled at their own depth |
//! | HEIC, AVIF | [`heif`]: sized by our own reading of the boxes, then decoded by `heif-convert` |
//! | SVG | [`svg`]: drawn by `rsvg-convert`, which is given no name and so finds no other file |
//! | camera RAW | [`raw`]: the JPEG that the camera left inside |
//!
//! Pictures are resampled with Lanczos3, the colour profile is applied to the small picture, the orientation last. Each smaller picture is
//! made from the next larger one when that is at least twice as large, else from the decoded pixels: one decode serves all edges.
//!
//! What is refused, and how:
//! - `skipped(unsupported)`: formats without a decoder here (JPEG 2000, JPEG XL, Photoshop, ...), camera RAW without a preview, pixels of
//!   unusual types, JPEG with other than 8 bits or lossless coding, HEIF that libheif does not know.
//! - `failed(corrupt)`: what does not decode to its end. A JPEG that ends early or whose entropy-coded data is damaged counts as corrupt
//!   even when most of it could be shown: a thumbnail with a grey lower half would hide the damage. Oddities outside the picture data
//!   that real cameras write are accepted; [`jpeg`] lists them.
//! - `failed(too-many-pixels)`: above [`PIXELS_MAX`], or above [`DECODED_BYTES_MAX`] in memory; told by headers, before decoding.
//! - `failed(too-large)`: a file above the limit of its reader.
//! - `failed(too-complex)`: a drawing that takes too long or nests too deeply.
//! - `failed(decoder-panicked)`, `failed(tool-crashed)`: a defect of a decoder, met by this file; the worker goes on with fresh buffers.
//! - `failed(tool-ended)`, retryable: a tool was ended from outside.
//! - `failed(unreadable)`, retryable: the original could not be read.
//!
//! The same bytes and parameters give the same pixels on every x86-64 processor with SSE4.1: the vector code of the three libraries is exact
//! against their plain code (one exception, 16-bit pixels with alpha, may differ without SSE4.1 by one step), and colour conversion is
//! built without vector code because there it is not.

pub mod colour;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
pub mod heif;
mod heif_boxes;
pub mod jpeg;
pub mod raster;
pub mod raw;
mod raw_tiff;
pub mod refusal;
pub mod resample;
pub mod svg;
pub mod tone;

use std::io;
use std::panic::{self, AssertUnwindSafe};

use exhibit_engine::extractor::{Job, Limits, Outcome, Tool};
use serde::{Deserialize, Serialize};

use crate::orientation;
use crate::webp_blob::Picture;
use colour::Colours;
pub use refusal::Refusal;
use refusal::{Stop, check_size, ended_by_signal};
use resample::{Decoded, Resampler};

/// Pixels of the largest image that is decoded: twice a 100-megapixel medium-format camera.
pub const PIXELS_MAX: u64 = 200_000_000;

/// Bytes that the decoded pixels of one image may take: [`PIXELS_MAX`] in 8-bit RGB, 100 megapixels in 16-bit RGB.
pub const DECODED_BYTES_MAX: u64 = 640 << 20;

/// Bytes of a buffer that is kept for the next unit; a 48-megapixel JPEG needs less. Larger ones are given back.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// The tools that every extractor of stills starts.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: heif::PROGRAM,
        media_types: &["image/heic", "image/heif", "image/avif"],
        required: false,
        install: "libheif-examples",
    },
    Tool { name: svg::PROGRAM, media_types: &["image/svg+xml"], required: false, install: "librsvg2-bin" },
];

/// The limits that every extractor of stills works under.
pub const LIMITS: Limits = Limits {
    // 200 megapixels of progressive JPEG or of 16-bit TIFF take 5 to 10 s on a slow core; 60 leave room for slower ones.
    unit_cpu_s: 60,
    // The same on a busy disk and two units per core.
    unit_wall_s: 180,
    // What `heif-convert` writes for us: about 2 bytes for each 8-bit pixel of a noisy photo, so this is 200 megapixels of them.
    file_bytes_max: 512 << 20,
    // Twice DECODED_BYTES_MAX (TIFF is decoded through a second buffer), the file, and the program itself.
    address_space_bytes: 4 << 30,
};

/// The version of one of [`TOOLS`].
///
/// # Errors
/// When it is missing or does not say; the text is for people.
pub fn tool_version(tool: &Tool) -> Result<String, String> {
    match tool.name {
        heif::PROGRAM => heif::version(),
        svg::PROGRAM => svg::version(),
        _ => Err(tool.missing()),
    }
}

/// How colours became sRGB.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Colour {
    /// The original carries a colour profile, or names its colours by numbers (ITU-T H.273).
    pub profile_found: bool,
    /// Colours were converted: by the profile, or from inks without one. False for a profile that equals sRGB or cannot be used.
    pub converted: bool,
    /// What the profile calls itself; at most 80 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The original has a high dynamic range, coded so, which was mapped to an ordinary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tone_mapped: Option<Transfer>,
}

impl Colour {
    fn mapped(transfer: Transfer) -> Self {
        Self { profile_found: true, converted: true, name: None, tone_mapped: Some(transfer) }
    }
}

/// How a high dynamic range is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transfer {
    /// Perceptual quantiser, SMPTE ST 2084.
    Pq,
    /// Hybrid log-gamma, ARIB STD-B67.
    Hlg,
}

/// How pixels were had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A JPEG, scaled while it was decoded.
    TurbojpegDct,
    /// A JPEG, decoded in full.
    Turbojpeg,
    /// Another format, decoded in full.
    Decode,
    /// HEIC or AVIF, decoded in full by `heif-convert`.
    HeifConvert,
    /// A drawing, drawn at the largest edge by `rsvg-convert`.
    RsvgConvert,
    /// The preview in a camera RAW, at least as large as the largest edge.
    EmbeddedPreview,
    /// The largest preview in a camera RAW, smaller than the largest edge.
    EmbeddedPreviewSmall,
}

/// Which part of the original is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// All of it.
    Whole,
    /// The first frame of an animation.
    FirstFrame,
    /// The first of several pages.
    FirstPage,
    /// The primary of several pictures.
    PrimaryItem,
    /// The largest of several sizes.
    LargestSize,
}

/// The small pictures of an original.
pub struct Reduced {
    /// One for each wanted edge, in the order asked for.
    pub pictures: Vec<Picture>,
    /// Width of the original as stored, in pixels; of a drawing as drawn.
    pub source_width: u32,
    /// Height of the original as stored, in pixels; of a drawing as drawn.
    pub source_height: u32,
    /// The orientation that was applied, 1 to 8 as in EXIF.
    pub orientation: u8,
    /// How the colours became sRGB.
    pub colour: Colour,
    /// How pixels were had.
    pub method: Method,
    /// Which part is shown.
    pub part: Part,
}

/// Reduces originals, with buffers that are kept from unit to unit.
#[derive(Default)]
pub struct Workshop {
    jpeg: jpeg::JpegReader,
    raster: raster::RasterReader,
    resampler: Resampler,
    colours: Colours,
}

impl Workshop {
    /// Small pictures of an original, one for each of `edges`, which are in falling order. The inner error is how the unit ends.
    ///
    /// # Errors
    /// When scratch cannot be written or a tool cannot be started.
    pub fn reduce(&mut self, job: &Job<'_>, edges: &[u32]) -> io::Result<Result<Reduced, Outcome>> {
        // The decoders of PNG, TIFF, GIF, BMP, WebP and ICC are safe Rust: a panic in one leaves nothing behind but half-filled buffers.
        let made = panic::catch_unwind(AssertUnwindSafe(|| self.choose(job, edges)));
        self.give_back_large_buffers();
        match made {
            Ok(Ok(reduced)) => Ok(Ok(reduced)),
            Ok(Err(Stop::Refused(refusal))) => Ok(Err(refusal.into())),
            Ok(Err(Stop::Broken(error))) => Err(error),
            Err(_) => {
                *self = Self::default();
                let detail = format!("a decoder panicked on this {}", job.media_type);
                Ok(Err(Outcome::Failed { reason: "decoder-panicked", detail, retryable: false }))
            }
        }
    }

    /// A picture of exactly `width` x `height` pixels made of another one, whatever its shape.
    ///
    /// # Errors
    /// When the resampler refuses.
    pub fn squeeze(&mut self, picture: &Picture, width: u32, height: u32) -> Result<Picture, Refusal> {
        self.resampler.shrink(picture, (width, height))
    }

    fn choose(&mut self, job: &Job<'_>, edges: &[u32]) -> Result<Reduced, Stop> {
        let largest = edges.first().copied().unwrap_or(1);
        if job.media_type == "image/jpeg" {
            let source = self.jpeg.read(job.input, job.size_bytes, largest)?;
            return Ok(small_pictures(&source, edges, &mut self.resampler, &mut self.colours)?);
        }
        if let Some(format) = raster::Format::of(job.media_type) {
            if format == raster::Format::Tiff && raw::is_tiff_with_preview(job.input)? {
                return self.preview(job, edges, raw::Family::Tiff);
            }
            let source = self.raster.read(job.input, format)?;
            return Ok(small_pictures(&source, edges, &mut self.resampler, &mut self.colours)?);
        }
        if let Some(family) = raw::Family::of(job.media_type) {
            return self.preview(job, edges, family);
        }
        match job.media_type {
            "image/heic" | "image/heif" | "image/avif" => self.heif(job, edges),
            "image/svg+xml" => self.drawing(job, edges),
            other => Err(Refusal::Unsupported(unsupported(other)).into()),
        }
    }

    fn heif(&mut self, job: &Job<'_>, edges: &[u32]) -> Result<Reduced, Stop> {
        let largest = edges.first().copied().unwrap_or(1);
        let converted = heif::convert(job, largest)?;
        let mut decoded = match converted.format {
            heif::Intermediate::Jpeg => self.jpeg.read(&converted.file, converted.bytes, largest)?,
            heif::Intermediate::Png => self.raster.read(&converted.file, raster::Format::Png)?,
        };
        // The tool has turned the pixels already.
        decoded.orientation = orientation::UPRIGHT;
        decoded.high_range = converted.high_range;
        decoded.profile = decoded.profile.filter(|profile| !profile.is_empty()).or(converted.profile);
        let mut reduced = small_pictures(&decoded, edges, &mut self.resampler, &mut self.colours)?;
        (reduced.source_width, reduced.source_height) = (converted.width, converted.height);
        reduced.orientation = converted.orientation;
        (reduced.method, reduced.part) = (Method::HeifConvert, converted.part);
        Ok(reduced)
    }

    fn drawing(&mut self, job: &Job<'_>, edges: &[u32]) -> Result<Reduced, Stop> {
        let file = svg::draw(job, edges.first().copied().unwrap_or(1))?;
        let decoded = self.raster.read(&file, raster::Format::Png)?;
        let mut reduced = small_pictures(&decoded, edges, &mut self.resampler, &mut self.colours)?;
        reduced.method = Method::RsvgConvert;
        Ok(reduced)
    }

    fn preview(&mut self, job: &Job<'_>, edges: &[u32], family: raw::Family) -> Result<Reduced, Stop> {
        let largest = edges.first().copied().unwrap_or(1);
        let found = raw::preview(job.input, family, largest)?;
        let mut decoded = self.jpeg.read_part(job.input, found.offset, found.bytes, largest)?;
        decoded.orientation = found.orientation.unwrap_or(decoded.orientation);
        let orientation = decoded.orientation;
        let mut reduced = small_pictures(&decoded, edges, &mut self.resampler, &mut self.colours)?;
        (reduced.source_width, reduced.source_height) = (found.source_width, found.source_height);
        reduced.orientation = orientation;
        let covers = found.width.max(found.height) >= largest;
        reduced.method = if covers { Method::EmbeddedPreview } else { Method::EmbeddedPreviewSmall };
        Ok(reduced)
    }

    fn give_back_large_buffers(&mut self) {
        self.jpeg.give_back_above(KEPT_BYTES_MAX);
        self.raster.give_back_above(KEPT_BYTES_MAX);
        self.resampler.give_back_above(KEPT_BYTES_MAX);
    }
}

/// Why a format is not read, for people.
fn unsupported(media_type: &str) -> String {
    let name = match media_type {
        "image/jp2" => "JPEG 2000",
        "image/jxl" => "JPEG XL",
        "image/vnd.adobe.photoshop" => "Photoshop",
        other => other,
    };
    format!("no pictures of {name}: there is no decoder for it here")
}

/// One picture per edge; `edges` are in falling order.
fn small_pictures(
    source: &Decoded<'_>,
    edges: &[u32],
    resampler: &mut Resampler,
    colours: &mut Colours,
) -> Result<Reduced, Refusal> {
    let mut colour = Colour::default();
    let mut pictures: Vec<Picture> = Vec::with_capacity(edges.len());
    let (upright_width, upright_height) =
        orientation::turned_size(source.stored_width, source.stored_height, source.orientation);
    for edge in edges {
        let size = resample::fitted(upright_width, upright_height, *edge);
        let picture = match pictures.last() {
            Some(larger) if resample::serves(larger, size) => resampler.shrink(larger, size)?,
            _ => {
                let stored_size = orientation::turned_size(size.0, size.1, source.orientation);
                let small = resampler.resample(source, stored_size)?;
                let mapped = source.high_range.and_then(|range| Some((range, tone::map(&small, range)?)));
                let (pixels, how) = match mapped {
                    Some((range, pixels)) => (pixels, Colour::mapped(range.transfer)),
                    None => colours.convert(&small, source.profile.as_deref()),
                };
                colour = how;
                let pixels = orientation::turn_upright(pixels, stored_size.0, stored_size.1, source.orientation);
                Picture { width: size.0, height: size.1, pixels }
            }
        };
        pictures.push(picture);
    }
    Ok(Reduced {
        pictures,
        source_width: source.stored_width,
        source_height: source.stored_height,
        orientation: source.orientation,
        colour,
        method: source.method,
        part: source.part,
    })
}
