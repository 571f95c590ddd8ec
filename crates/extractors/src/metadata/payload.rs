//! What `media.metadata` v1 says of an original; the same shape as `schemas/kinds/media.metadata.v1.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Largest integer that every JSON reader keeps exact: 2^53 - 1.
pub const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
/// Raw tags kept of one original; a camera writes about 60, a phone video about 40.
pub const TAGS_MAX: usize = 256;
/// Streams kept of one original; real files have fewer than 20.
pub const STREAMS_MAX: usize = 64;
/// Longest text kept of any one value, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 1024;
/// All raw tags of one original together, in bytes of UTF-8, so that a payload stays far below what the store takes.
pub const TAGS_BYTES_MAX: usize = 64 * 1024;
/// Longest name of a raw tag, in bytes of UTF-8.
pub const TAG_NAME_BYTES_MAX: usize = 128;

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
    /// Length of the presentation in milliseconds; absent for stills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Streams in the order of the file; empty for stills.
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
    /// Raw tags as text, by `Group:Name`.
    pub tags: BTreeMap<String, String>,
    /// What was wrong with the file although these facts could be had.
    pub warnings: BTreeSet<Warning>,
    /// The parsers that these facts come from.
    pub method: BTreeSet<Method>,
}

/// One stream of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Place in the file, from 0.
    pub index: u32,
    /// What it carries.
    pub kind: StreamKind,
    /// Codec, in the words of FFmpeg where it has one (`h264`, `aac`), else the four letters of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// Width as stored, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height as stored, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Clockwise turn for display, in degrees: 0, 90, 180 or 270. A mirrored stream is mirrored left to right first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<u16>,
    /// Pixel format, in the words of FFmpeg; full range is not told apart when it comes from the box reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_format: Option<String>,
    /// Frames per second: exact for a constant rate, else the average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<Rational>,
    /// Whether the distance between frames varies by more than the rounding of the time base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable_frame_rate: Option<bool>,
    /// Length in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Audio channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// Audio samples per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
}

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Text shown over the pictures.
    Subtitle,
    /// A still, such as the cover of an album.
    Picture,
    /// Anything else: time code, sensor data, chapters.
    Data,
}

/// A fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rational {
    /// Numerator.
    pub num: u32,
    /// Denominator, at least 1.
    pub den: u32,
}

impl Rational {
    /// The fraction in lowest terms; `None` when it is zero, undefined or does not fit.
    pub fn reduced(num: u64, den: u64) -> Option<Self> {
        if num == 0 || den == 0 {
            return None;
        }
        let (mut a, mut b) = (num, den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Self { num: u32::try_from(num / a).ok()?, den: u32::try_from(den / a).ok()? })
    }

    /// The fraction as a number.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

/// What took the picture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Maker of the camera or phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Model of the camera or phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Maker of the lens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lens_make: Option<String>,
    /// Model of the lens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lens_model: Option<String>,
}

/// The settings a picture was taken with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Exposure time in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_s: Option<Rational>,
    /// Aperture as f-number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f_number: Option<f64>,
    /// Sensitivity (ISO 12232).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iso: Option<u32>,
    /// Focal length in millimetres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focal_length_mm: Option<f64>,
    /// Focal length that gives the same view on 35 mm film, in millimetres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focal_length_35mm: Option<u32>,
}

/// A place on earth (WGS 84 unless the raw tags say otherwise).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gps {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Metres above the sea.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<f64>,
}

/// When an original was taken. A zone that the file does not state is not made up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// RFC 3339 with its offset, or, when `floating`, the local time without any.
    pub at: String,
    /// Key for sorting, RFC 3339 with `Z`: the instant, or a floating local time read as if it were UTC.
    pub sort_at: String,
    /// Who says so.
    pub source: CapturedSource,
    /// The tag or box it was read from.
    pub tag: String,
    /// True when only the local time is known, so the instant may be off by up to 14 hours.
    pub floating: bool,
    /// Offset of the local time from UTC (`+02:00`), only when the file states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
}

/// Who says when an original was taken, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapturedSource {
    /// EXIF, with an offset from UTC.
    ExifOffset,
    /// EXIF, local time only.
    ExifFloating,
    /// The container (QuickTime, Matroska, ...).
    Container,
    /// The modification time of the file.
    FileTime,
}

/// Something wrong with a file that still gave facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// Part of the EXIF data could not be read.
    ExifDamaged,
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
}

/// A parser that facts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The EXIF reader of this crate.
    Exif,
    /// The program `ffprobe`.
    Ffprobe,
    /// The image header reader of this crate.
    ImageHeader,
    /// The MP4 and QuickTime box reader of this crate.
    Isobmff,
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
        if width == 0 || height == 0 {
            return;
        }
        let turned = matches!(self.orientation, Some(5..=8));
        let (shown_width, shown_height) = if turned { (height, width) } else { (width, height) };
        (self.width, self.height) = (Some(width), Some(height));
        (self.oriented_width, self.oriented_height) = (Some(shown_width), Some(shown_height));
    }
}

/// Text that is fit for a payload.
pub(crate) struct CleanText {
    /// The text.
    pub(crate) text: String,
    /// Whether its end was cut off.
    pub(crate) cut: bool,
}

/// Trims, replaces U+0000 (which databases refuse) and other control characters by U+FFFD, and cuts to `bytes_max` between characters.
pub(crate) fn clean_text(raw: &str, bytes_max: usize) -> CleanText {
    let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let mut text = String::with_capacity(trimmed.len().min(bytes_max));
    for c in trimmed.chars() {
        let c = if c.is_control() && !c.is_whitespace() { char::REPLACEMENT_CHARACTER } else { c };
        if text.len() + c.len_utf8() > bytes_max {
            return CleanText { text, cut: true };
        }
        text.push(c);
    }
    CleanText { text, cut: false }
}

/// A text fact: cleaned, `None` when nothing is left.
pub(crate) fn text_fact(raw: &str) -> Option<String> {
    let text = clean_text(raw, TEXT_BYTES_MAX).text;
    if text.is_empty() { None } else { Some(text) }
}

/// A finite number rounded to `digits` decimals, so that a fraction prints as people write it.
pub(crate) fn rounded(number: f64, digits: i32) -> Option<f64> {
    let scale = 10f64.powi(digits);
    let result = (number * scale).round() / scale;
    // Adding 0.0 turns -0.0 into 0.0, which would print as "-0" otherwise.
    if result.is_finite() { Some(result + 0.0) } else { None }
}

/// `value / per_second` in milliseconds, rounded to the nearest and kept within the exact integers of JSON.
pub(crate) fn to_millis(value: u64, per_second: u64) -> Option<u64> {
    if per_second == 0 {
        return None;
    }
    let millis = (u128::from(value) * 1000 + u128::from(per_second) / 2) / u128::from(per_second);
    u64::try_from(millis).ok().filter(|millis| *millis <= SAFE_INTEGER_MAX)
}
