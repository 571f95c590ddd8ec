//! The streams in the payload of `media.metadata`.

use serde::{Deserialize, Serialize};

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
    /// When it starts after the earliest stream of the file, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ms: Option<u64>,
    /// Language, three letters (ISO 639-2) or as the file writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How its colours are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
}

/// How the colours of pictures are meant, in the words of FFmpeg (ITU-T H.273); what is unspecified is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Colour {
    /// Primaries, such as `bt709` or `bt2020`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primaries: Option<String>,
    /// Transfer, such as `bt709`, `smpte2084` (PQ) or `arib-std-b67` (HLG).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    /// Matrix, such as `bt709` or `bt2020nc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<String>,
    /// `full` or `limited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Brightest pixel of the whole stream as the file states it, in nits; not believed, only kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_max_nits: Option<u32>,
    /// Brightest average of a frame as the file states it, in nits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_average_max_nits: Option<u32>,
    /// Darkest level of the display that it was made on, in nits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mastering_min_nits: Option<f64>,
    /// Brightest level of the display that it was made on, in nits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mastering_max_nits: Option<f64>,
    /// Profile of Dolby Vision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dolby_vision_profile: Option<u8>,
}

impl Colour {
    /// The colour, if it says anything.
    pub fn if_any(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
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

impl Stream {
    /// A stream of which nothing else is known yet.
    pub fn new(index: u32, kind: StreamKind) -> Self {
        Self {
            index,
            kind,
            codec: None,
            width: None,
            height: None,
            rotation: None,
            pixel_format: None,
            frame_rate: None,
            variable_frame_rate: None,
            duration_ms: None,
            channels: None,
            sample_rate: None,
            start_ms: None,
            language: None,
            colour: None,
        }
    }
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
