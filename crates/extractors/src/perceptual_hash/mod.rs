//! `image.perceptual_hash`: 64 bits that stay nearly the same when a picture is scaled, compressed again or lightly edited.
//!
//! Two pictures whose hashes differ in few bits look alike: up to about 6 of 64 are copies of one picture, from about 16 on they have
//! nothing to do with each other. [`dct`] has the formula and its source; [`crate::still`] says which originals are read and what is
//! refused. The picture is upright and in sRGB before it is looked at, so copies that were turned for good are found too. Shapes are
//! ignored: every picture is squeezed into a square.
//!
//! The hash is told once as text and once as four numbers of 16 bits: two hashes that differ in at most three bits agree in at least one of
//! the four, so a query finds near-duplicates by equality, through an index, before it counts bits.

pub mod dct;

use std::io;

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Limits, MediaClass, Outcome, Sink, Tool};
use serde::{Deserialize, Serialize};

use crate::still::{self, Workshop};

/// The kind that it emits.
pub const PERCEPTUAL_HASH: (&str, u32) = ("image.perceptual_hash", 1);

/// The kind file of [`PERCEPTUAL_HASH`].
pub const PERCEPTUAL_HASH_KIND_FILE: &str = include_str!("../../../../schemas/kinds/image.perceptual_hash.v1.json");

/// Edge of the square into which a picture is fitted before it is squeezed: eight pixels for each one that is looked at.
const EDGE: u32 = 256;

/// What the host knows of it.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "image.perceptual_hash",
    version: "1",
    about: "64 bits that are nearly the same for pictures that look alike.",
    media: &[MediaClass::Image],
    emits: &[PERCEPTUAL_HASH],
    params_schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {}
}"#,
    tools: still::TOOLS,
    reads: &[],
    reads_file_time: false,
    // Tools leave their pictures in scratch.
    writes_files: true,
    limits: Limits { ..still::LIMITS },
};

/// The payload of `image.perceptual_hash` v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerceptualHash {
    /// 64 bits as 16 hexadecimal digits.
    pub hash: String,
    /// Bits 0 to 15 of the hash, counted from the first digit.
    pub band_0: u16,
    /// Bits 16 to 31.
    pub band_1: u16,
    /// Bits 32 to 47.
    pub band_2: u16,
    /// Bits 48 to 63.
    pub band_3: u16,
    /// Difference between the lightest and the darkest of the 1,024 pixels that were looked at. Below about 16 the bits are noise.
    pub contrast: u8,
}

impl PerceptualHash {
    fn new(seen: dct::Seen) -> Self {
        let [a, b, c, d, e, f, g, h] = seen.hash.to_be_bytes();
        let band = |high, low| u16::from_be_bytes([high, low]);
        Self {
            hash: format!("{:016x}", seen.hash),
            band_0: band(a, b),
            band_1: band(c, d),
            band_2: band(e, f),
            band_3: band(g, h),
            contrast: seen.contrast,
        }
    }
}

/// Makes the worker.
pub fn make() -> Box<dyn Extractor> {
    Box::new(PerceptualHashes { work: Workshop::default() })
}

struct PerceptualHashes {
    work: Workshop,
}

impl Extractor for PerceptualHashes {
    fn tool_version(&mut self, tool: &Tool) -> Result<String, String> {
        still::tool_version(tool)
    }

    fn extract(&mut self, job: &Job<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let reduced = match self.work.reduce(job, &[EDGE])? {
            Ok(reduced) => reduced,
            Err(outcome) => return Ok(outcome),
        };
        let Some(picture) = reduced.pictures.first() else { return Ok(Outcome::Done) };
        let square = match self.work.squeeze(picture, dct::EDGE, dct::EDGE) {
            Ok(square) => square,
            Err(refusal) => return Ok(refusal.into()),
        };
        let payload = serde_json::to_value(PerceptualHash::new(dct::hash(&square)))?;
        sink.emit(Emitted { kind: PERCEPTUAL_HASH, span_ms: None, payload, blob: None })?;
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests;
