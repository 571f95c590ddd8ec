//! `image.thumbnail`: small pictures of an image, upright and in sRGB, one per wanted edge.
//!
//! A JPEG is scaled while it is decoded (DCT scaling by 1/8, 1/4 or 1/2, whatever still covers the largest edge), then resampled with
//! Lanczos3 to the exact size; sizes in between that libjpeg-turbo offers cost more than they save, because it has no vector code for
//! them. Each smaller picture is made from the next larger one when that is at least twice as large, else from the decoded pixels: one
//! decode serves all edges. PNG, TIFF, GIF (its first frame), BMP and WebP (its first frame) are decoded in full and resampled at their
//! own depth. A colour profile is applied to the small picture; the EXIF orientation last.
//!
//! What is refused, and how:
//! - `skipped(unsupported)`: other formats (HEIC, AVIF, SVG, camera raw, ...), camera raw in a TIFF coat, floating-point pixels, JPEG with
//!   other than 8 bits or lossless coding.
//! - `failed(corrupt)`: what does not decode to its end. A JPEG that ends early or whose entropy-coded data is damaged counts as corrupt
//!   even when most of it could be shown: a thumbnail with a grey lower half would hide the damage. Oddities outside the picture data
//!   that real cameras write are accepted; [`jpeg`] lists them.
//! - `failed(too-many-pixels)`: above [`PIXELS_MAX`], or above [`DECODED_BYTES_MAX`] in memory.
//! - `failed(too-large)`: a JPEG file above [`jpeg::FILE_BYTES_MAX`].
//! - `failed(decoder-panicked)`: a defect of a decoder, met by this file; the worker goes on with fresh buffers.
//! - `failed(unreadable)`, retryable: the original could not be read.
//!
//! The same bytes and parameters give the same files on every x86-64 processor with SSE4.1: the vector code of the three libraries is exact
//! against their plain code (one exception, 16-bit pixels with alpha, may differ without SSE4.1 by one step), and colour conversion is
//! built without vector code because there it is not.

mod colour;
mod jpeg;
mod raster;
mod resample;

use std::io;
use std::panic::{self, AssertUnwindSafe};

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Limits, MediaClass, Outcome, Sink};
use serde::{Deserialize, Serialize};

use crate::orientation;
use crate::webp_blob::{self, Compression, Picture};
use colour::Colours;
use resample::{Decoded, Resampler};

/// The kind that it emits.
pub const THUMBNAIL: (&str, u32) = ("image.thumbnail", 1);

/// The kind file of [`THUMBNAIL`].
pub const THUMBNAIL_KIND_FILE: &str = include_str!("../../../../schemas/kinds/image.thumbnail.v1.json");

/// Pixels of the largest image that is decoded: twice a 100-megapixel medium-format camera.
pub const PIXELS_MAX: u64 = 200_000_000;

/// Bytes that the decoded pixels of one image may take: [`PIXELS_MAX`] in 8-bit RGB, 100 megapixels in 16-bit RGB.
pub const DECODED_BYTES_MAX: u64 = 640 << 20;

/// Bytes of a buffer that is kept for the next unit; a 48-megapixel JPEG needs less. Larger ones are given back.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// What the host knows of it.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "image.thumbnail",
    version: "1",
    about: "Small upright sRGB pictures (WebP) of JPEG, PNG, TIFF, GIF, BMP and WebP images.",
    media: &[MediaClass::Image],
    emits: &[THUMBNAIL],
    params_schema: PARAMS_SCHEMA,
    tools: &[],
    reads_file_time: false,
    writes_files: true,
    limits: Limits {
        // 200 megapixels of progressive JPEG or of 16-bit TIFF take 5 to 10 s on a slow core; 60 leave room for slower ones.
        unit_cpu_s: 60,
        // The same on a busy disk and two units per core.
        unit_wall_s: 180,
        // 8 edges of at most 4096 x 4096 pixels; the largest WebP of one seen was 9 MiB.
        file_bytes_max: 64 << 20,
        // Twice DECODED_BYTES_MAX (TIFF is decoded through a second buffer), the file, and the program itself.
        address_space_bytes: 4 << 30,
    },
};

const PARAMS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "edges": {
      "type": "array",
      "items": {"type": "integer", "minimum": 16, "maximum": 4096},
      "minItems": 1,
      "maxItems": 8,
      "uniqueItems": true,
      "default": [256, 1024],
      "description": "Edges of the squares to fit pictures into, in pixels; one picture each."
    },
    "quality": {"type": "integer", "minimum": 1, "maximum": 100, "default": 80, "description": "WebP quality."},
    "method": {"type": "integer", "minimum": 0, "maximum": 6, "default": 2, "description": "WebP effort: 0 fastest, 6 smallest."}
  }
}"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    edges: Vec<u32>,
    quality: u8,
    method: u8,
}

/// The payload of `image.thumbnail` v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thumbnail {
    /// The square that the picture was fitted into, in pixels. A smaller original is never enlarged.
    pub edge: u32,
    /// Width of the blob in pixels.
    pub width: u32,
    /// Height of the blob in pixels.
    pub height: u32,
    /// Width of the original as stored, in pixels, before its orientation is applied.
    pub source_width: u32,
    /// Height of the original as stored, in pixels, before its orientation is applied.
    pub source_height: u32,
    /// The EXIF orientation that was applied; 1 = none needed.
    pub orientation: u8,
    /// How the colours became sRGB.
    pub colour: Colour,
    /// How pixels were had.
    pub method: Method,
    /// `#rrggbb`, see [`webp_blob::average_colour`]; that of the smallest picture of the unit.
    pub average_colour: String,
}

/// How colours became sRGB.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Colour {
    /// The original carries a colour profile.
    pub profile_found: bool,
    /// Colours were converted: by the profile, or from inks without one. False for a profile that equals sRGB or cannot be used.
    pub converted: bool,
    /// What the profile calls itself; at most 80 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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
}

/// Why there is no picture.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Unsupported(String),
    Corrupt(String),
    TooManyPixels(String),
    TooLarge(String),
    Unreadable(String),
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let failed = |reason, detail, retryable| Self::Failed { reason, detail, retryable };
        match refusal {
            Refusal::Unsupported(detail) => Self::Skipped { reason: "unsupported", detail },
            Refusal::Corrupt(detail) => failed("corrupt", detail, false),
            Refusal::TooManyPixels(detail) => failed("too-many-pixels", detail, false),
            Refusal::TooLarge(detail) => failed("too-large", detail, false),
            Refusal::Unreadable(detail) => failed("unreadable", detail, true),
        }
    }
}

/// Refuses sizes that would take too long or too much memory, before anything is allocated.
fn check_size(width: u32, height: u32, decoded_bytes: u64) -> Result<(), Refusal> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Refusal::Corrupt(format!("{width} x {height} pixels")));
    }
    if pixels > PIXELS_MAX {
        return Err(Refusal::TooManyPixels(format!("{width} x {height} pixels; at most {PIXELS_MAX} are decoded")));
    }
    if decoded_bytes > DECODED_BYTES_MAX {
        return Err(Refusal::TooManyPixels(format!(
            "{width} x {height} pixels take {decoded_bytes} bytes to decode; at most {DECODED_BYTES_MAX} are used"
        )));
    }
    Ok(())
}

/// Makes the worker.
pub fn make() -> Box<dyn Extractor> {
    Box::new(Thumbnails { work: Workshop::default() })
}

struct Thumbnails {
    work: Workshop,
}

impl Extractor for Thumbnails {
    fn extract(&mut self, job: &Job<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let params: Params = crate::params(job)?;
        // The decoders of PNG, TIFF, GIF, BMP, WebP and ICC are safe Rust: a panic in one leaves nothing behind but half-filled buffers.
        let made = panic::catch_unwind(AssertUnwindSafe(|| self.work.pictures(job, &params)));
        self.work.give_back_large_buffers();
        match made {
            Ok(Ok(facts)) => {
                for fact in facts {
                    sink.emit(fact)?;
                }
                Ok(Outcome::Done)
            }
            Ok(Err(Stop::Refused(refusal))) => Ok(refusal.into()),
            Ok(Err(Stop::Broken(error))) => Err(error),
            Err(_) => {
                self.work = Workshop::default();
                let detail = format!("a decoder panicked on this {}", job.media_type);
                Ok(Outcome::Failed { reason: "decoder-panicked", detail, retryable: false })
            }
        }
    }
}

/// Why a unit stops before its end.
enum Stop {
    /// Because of the original.
    Refused(Refusal),
    /// Because scratch cannot be written.
    Broken(io::Error),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What is used again from unit to unit.
#[derive(Default)]
struct Workshop {
    jpeg: jpeg::JpegReader,
    raster: raster::RasterReader,
    resampler: Resampler,
    colours: Colours,
}

impl Workshop {
    /// Writes one picture per edge to scratch and describes them, the largest first.
    fn pictures(&mut self, job: &Job<'_>, params: &Params) -> Result<Vec<Emitted>, Stop> {
        let mut edges = params.edges.clone();
        edges.sort_unstable_by(|a, b| b.cmp(a));
        let largest = edges.first().copied().unwrap_or(1);
        let source = match job.media_type {
            "image/jpeg" => self.jpeg.read(job.input, job.size_bytes, largest)?,
            other => match raster::Format::of(other) {
                Some(format) => self.raster.read(job.input, format)?,
                None => return Err(Refusal::Unsupported(format!("no thumbnails of {other} yet")).into()),
            },
        };
        let (colour, pictures) = small_pictures(&source, &edges, &mut self.resampler, &mut self.colours)?;
        let compression = Compression { quality: params.quality, method: params.method };
        let average_colour = pictures.last().map(webp_blob::average_colour).unwrap_or_default();
        let mut facts = Vec::with_capacity(edges.len());
        for (picture, edge) in pictures.iter().zip(&edges) {
            let name = format!("{edge}.webp");
            webp_blob::write(picture, compression, job.scratch, &name).map_err(Stop::Broken)?;
            let payload = Thumbnail {
                edge: *edge,
                width: picture.width,
                height: picture.height,
                source_width: source.stored_width,
                source_height: source.stored_height,
                orientation: source.orientation,
                colour: colour.clone(),
                method: source.method,
                average_colour: average_colour.clone(),
            };
            let payload = serde_json::to_value(payload).map_err(|error| Stop::Broken(error.into()))?;
            facts.push(Emitted { kind: THUMBNAIL, span_ms: None, payload, blob: Some((name, webp_blob::MEDIA_TYPE)) });
        }
        Ok(facts)
    }

    fn give_back_large_buffers(&mut self) {
        self.jpeg.give_back_above(KEPT_BYTES_MAX);
        self.raster.give_back_above(KEPT_BYTES_MAX);
        self.resampler.give_back_above(KEPT_BYTES_MAX);
    }
}

/// One picture per edge; `edges` are in falling order.
fn small_pictures(
    source: &Decoded<'_>,
    edges: &[u32],
    resampler: &mut Resampler,
    colours: &mut Colours,
) -> Result<(Colour, Vec<Picture>), Refusal> {
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
                let (pixels, how) = colours.convert(&small, source.profile.as_deref());
                colour = how;
                let pixels = orientation::turn_upright(pixels, stored_size.0, stored_size.1, source.orientation);
                Picture { width: size.0, height: size.1, pixels }
            }
        };
        pictures.push(picture);
    }
    Ok((colour, pictures))
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
