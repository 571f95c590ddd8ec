//! What `media.metadata` v1 says of an original; the same shape as `schemas/kinds/media.metadata.v1.json`.
//!
//! The parts are in `payload_facts.rs` and `payload_stream.rs`, the forms of texts and numbers in `payload_text.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use super::payload_facts::*;
pub use super::payload_stream::*;
pub(crate) use super::payload_text::*;

/// Largest integer that every JSON reader keeps exact: 2^53 - 1.
pub const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
/// Raw tags kept of one original; a camera writes about 60, a phone video about 40.
pub const TAGS_MAX: usize = 256;
/// Streams kept of one original; real files have fewer than 20.
pub const STREAMS_MAX: usize = 64;
/// Largest aperture or focal length that is believed; a lens of 1 km would be the largest ever.
pub const SETTING_MAX: f64 = 1e6;
/// Largest distance from the level of the sea that is believed, in metres.
pub const ALTITUDE_MAX_M: f64 = 1e7;
/// Longest text kept of any one value, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 1024;
/// All raw tags of one original together, in bytes of UTF-8, so that a payload stays far below what the store takes.
pub const TAGS_BYTES_MAX: usize = 64 * 1024;
/// Longest name of a raw tag, in bytes of UTF-8.
pub const TAG_NAME_BYTES_MAX: usize = 128;
/// Keywords, keyword paths or creators kept of one original; a library that a person keeps gives a picture fewer than 50.
pub const WORDS_MAX: usize = 256;

/// The facts of one original. What a file does not say is absent, never guessed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaMetadata {
    /// The file format, a lower case word: `jpeg`, `png`, `mov`, `mkv`, `wav`, ...
    pub container: String,
    /// Width of the picture as stored, in pixels; for a video that of its first video stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of the picture as stored, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Width after `orientation` was applied, in pixels. The pixel aspect ratio is not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oriented_width: Option<u32>,
    /// Height after `orientation` was applied, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oriented_height: Option<u32>,
    /// How to turn the stored picture upright, 1 to 8 as in EXIF; for a video made from its display matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<u8>,
    /// The orientation that EXIF states where it only informs: the boxes of HEIF and AVIF turn the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exif_orientation: Option<u8>,
    /// Length of the presentation in milliseconds; absent for stills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Streams in the order of the file; for HEIF and AVIF the primary picture, for other stills none.
    pub streams: Vec<Stream>,
    /// What took the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<Camera>,
    /// With what settings it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
    /// Where it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gps: Option<Gps>,
    /// When it was taken, and who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Captured>,
    /// What people wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Where it stands in recorded music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<Music>,
    /// The moving picture inside a still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motion_photo: Option<MotionPhoto>,
    /// What the parts of one exposure share: the picture and the film of a Live Photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_identifier: Option<String>,
    /// For an XMP sidecar: the ending of the file that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecar_for_extension: Option<String>,
    /// Raw tags as text, by `Group:Name`.
    pub tags: BTreeMap<String, String>,
    /// What was wrong with the file although these facts could be had.
    pub warnings: BTreeSet<Warning>,
    /// The parsers that these facts come from.
    pub method: BTreeSet<Method>,
}

/// Something wrong with a file that still gave facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// Part of the EXIF data could not be read.
    ExifDamaged,
    /// A place is stated, but it is incomplete, undefined or not on earth; it was left out.
    GpsRefused,
    /// The film of a motion photo is not where the picture says.
    MotionVideoMissing,
    /// The display matrix turns by something other than a quarter turn; it was left out.
    RotationOdd,
    /// More streams than are kept.
    StreamsDropped,
    /// A part of the file does not follow its format.
    StructureDamaged,
    /// More or longer tags than are kept.
    TagsDropped,
    /// The file ends too early.
    Truncated,
    /// The XMP packet is no XML, or not of the form that XMP has; what came before the damage was read.
    XmpDamaged,
    /// XMP was longer, deeper or compressed beyond what is read; the rest was left out.
    XmpDropped,
}

/// A parser that facts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The EXIF reader of this crate.
    Exif,
    /// The program `ffprobe`.
    Ffprobe,
    /// The HEIF and AVIF item reader of this crate.
    Heif,
    /// The image header reader of this crate.
    ImageHeader,
    /// The MP4 and QuickTime box reader of this crate.
    Isobmff,
    /// The header reader of this crate for camera RAW that is no TIFF.
    RawHeader,
    /// The XMP reader of this crate.
    Xmp,
}

impl MediaMetadata {
    /// Keeps a raw tag if there is room; text is cleaned and cut, and what is lost leaves a warning.
    pub fn put_tag(&mut self, group: &str, name: &str, value: &str) {
        let key = clean_text(&format!("{group}:{name}"), TAG_NAME_BYTES_MAX);
        let text = clean_text(value, TEXT_BYTES_MAX);
        if text.text.is_empty() || self.tags.contains_key(&key.text) {
            return;
        }
        let bytes: usize = self.tags.iter().map(|(key, text)| key.len() + text.len()).sum();
        if self.tags.len() >= TAGS_MAX || bytes + key.text.len() + text.text.len() > TAGS_BYTES_MAX {
            self.warnings.insert(Warning::TagsDropped);
            return;
        }
        if text.cut || key.cut {
            self.warnings.insert(Warning::TagsDropped);
        }
        self.tags.insert(key.text, text.text);
    }

    /// Sets the size as stored and, from `orientation`, the size as shown. A side of 0 is no size.
    pub fn set_size(&mut self, width: u32, height: u32) {
        self.set_cropped_size((width, height), (width, height));
    }

    /// Sets the size as stored and, from the size that is left of it and `orientation`, the size as shown.
    pub fn set_cropped_size(&mut self, stored: (u32, u32), left: (u32, u32)) {
        if [stored.0, stored.1, left.0, left.1].contains(&0) {
            return;
        }
        let turned = matches!(self.orientation, Some(5..=8));
        let shown = if turned { (left.1, left.0) } else { left };
        (self.width, self.height) = (Some(stored.0), Some(stored.1));
        (self.oriented_width, self.oriented_height) = (Some(shown.0), Some(shown.1));
    }
}
