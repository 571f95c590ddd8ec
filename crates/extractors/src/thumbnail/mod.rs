//! `image.thumbnail`: small pictures of an image, upright and in sRGB, one per wanted edge.
//!
//! Which originals are read, how, and what is refused: [`crate::still`]. Here they become WebP files and facts. Alpha is kept.

use std::io;

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Limits, MediaClass, Outcome, Sink, Tool};
use serde::{Deserialize, Serialize};

use crate::still::{self, Colour, Method, Part, Workshop};
use crate::webp_blob::{self, Compression};

/// The kind that it emits.
pub const THUMBNAIL: (&str, u32) = ("image.thumbnail", 1);

/// The kind file of [`THUMBNAIL`].
pub const THUMBNAIL_KIND_FILE: &str = include_str!("../../../../schemas/kinds/image.thumbnail.v1.json");

/// What the host knows of it.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "image.thumbnail",
    version: "2",
    about: "Small upright sRGB pictures (WebP) of images: JPEG, PNG, TIFF, GIF, BMP, WebP, ICO, HEIC, AVIF, SVG, previews of camera RAW.",
    media: &[MediaClass::Image],
    emits: &[THUMBNAIL],
    params_schema: PARAMS_SCHEMA,
    tools: still::TOOLS,
    reads: &[],
    reads_file_time: false,
    writes_files: true,
    limits: Limits { ..still::LIMITS },
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
    /// Width of the original as stored, in pixels, before its orientation is applied; of a drawing as drawn.
    pub source_width: u32,
    /// Height of the original as stored, in pixels, before its orientation is applied; of a drawing as drawn.
    pub source_height: u32,
    /// The orientation that was applied, as EXIF numbers them; 1 = none needed.
    pub orientation: u8,
    /// How the colours became sRGB.
    pub colour: Colour,
    /// How pixels were had.
    pub method: Method,
    /// Which part of the original is shown.
    pub part: Part,
    /// `#rrggbb`, see [`webp_blob::average_colour`]; that of the smallest picture of the unit.
    pub average_colour: String,
}

/// Makes the worker.
pub fn make() -> Box<dyn Extractor> {
    Box::new(Thumbnails { work: Workshop::default() })
}

struct Thumbnails {
    work: Workshop,
}

impl Extractor for Thumbnails {
    fn tool_version(&mut self, tool: &Tool) -> Result<String, String> {
        still::tool_version(tool)
    }

    fn extract(&mut self, job: &Job<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let params: Params = crate::params(job)?;
        let mut edges = params.edges;
        edges.sort_unstable_by(|a, b| b.cmp(a));
        let reduced = match self.work.reduce(job, &edges)? {
            Ok(reduced) => reduced,
            Err(outcome) => return Ok(outcome),
        };
        let compression = Compression { quality: params.quality, method: params.method };
        let average_colour = reduced.pictures.last().map(webp_blob::average_colour).unwrap_or_default();
        for (picture, edge) in reduced.pictures.iter().zip(edges) {
            let name = format!("{edge}.webp");
            webp_blob::write(picture, compression, job.scratch, &name)?;
            let payload = Thumbnail {
                edge,
                width: picture.width,
                height: picture.height,
                source_width: reduced.source_width,
                source_height: reduced.source_height,
                orientation: reduced.orientation,
                colour: reduced.colour.clone(),
                method: reduced.method,
                part: reduced.part,
                average_colour: average_colour.clone(),
            };
            let payload = serde_json::to_value(payload)?;
            sink.emit(Emitted { kind: THUMBNAIL, span_ms: None, payload, blob: Some((name, webp_blob::MEDIA_TYPE)) })?;
        }
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
