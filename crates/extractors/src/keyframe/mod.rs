//! `video.keyframe`: a poster of a video and a strip of small frames, upright, each with the time at which it is shown.
//!
//! `ffprobe` says whether there is a video stream and how long it lasts; `ffmpeg` seeks to a wanted time and decodes the last keyframe at
//! or before it (in a container without an index, such as MPEG-TS, sometimes the next one), which costs one frame however long the video
//! is. Where keyframes are rare, so that it lies more than [`FAR_MS`] before the wanted time, the frames in between are decoded too, as
//! far as [`Budget`] allows. Where seeking gives nothing (a stream without marked keyframes, an index that lies), the first frame that
//! decodes is taken. Scaling, rotation by the display matrix, square pixels and tone mapping are ffmpeg's work, so a full-size frame never
//! crosses the pipe; WebP is ours.
//!
//! The poster is the first of a few frames that is neither nearly black nor nearly of one colour; where all are, the busiest of them. The
//! strip has one frame for each so many seconds, from the start on, and never two of one time: a preview for scrubbing.
//!
//! The time comes from the frame itself: its presentation timestamp in the time base of its stream, less the start of the container. Frame
//! numbers and rates are never used, so variable rates and late starts are right.
//!
//! What is refused, and how:
//! - `skipped(no-video)`: no video stream, or only pictures attached to audio.
//! - `skipped(unsupported)`: a codec that this ffmpeg cannot decode.
//! - `failed(corrupt)`: nothing decodes. ffmpeg's own words are in the detail.
//! - `failed(tool-ended)`, retryable: ffmpeg was ended by a signal, for example for using too much CPU time.
//!
//! A strip never fails a unit: frames of it that do not decode are left out.
//!
//! The input is opened by ffmpeg through `file:` with only the protocols `file` and `pipe` allowed, since a playlist inside a media file may
//! name URLs.

mod frame;
mod probe;

use std::io;

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Limits, MediaClass, Outcome, Sink, Tool};
use serde::{Deserialize, Serialize};

use crate::still::Transfer;
use crate::tool;
use crate::webp_blob::{self, Compression};
use frame::{Frame, Source};
use probe::Video;

/// The kind that it emits.
pub const KEYFRAME: (&str, u32) = ("video.keyframe", 1);

/// The kind file of [`KEYFRAME`].
pub const KEYFRAME_KIND_FILE: &str = include_str!("../../../../schemas/kinds/video.keyframe.v1.json");

/// Where a poster is taken when the container does not say how long it lasts, in milliseconds.
const AT_WITHOUT_DURATION_MS: u64 = 1_000;

/// Where else a poster is looked for, in thousandths of the duration, when the wanted place shows nothing.
const OTHER_PLACES: [u64; 4] = [250, 400, 600, 800];

/// A keyframe this long before the wanted time is not good enough: another scene may have begun.
const FAR_MS: u64 = 2_000;

/// Luma, in steps of 255, below which a picture is nearly black on average.
const BLACK_MEAN: u64 = 20;

/// Variance of luma below which a picture is nearly of one colour: eight steps of 255.
const FLAT_VARIANCE: u64 = 64;

/// What the host knows of it.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "video.keyframe",
    version: "2",
    about: "A poster of a video and a strip of small frames for scrubbing (WebP), upright, with their times.",
    media: &[MediaClass::Video],
    emits: &[KEYFRAME],
    params_schema: PARAMS_SCHEMA,
    tools: &[of_ffmpeg("ffmpeg"), of_ffmpeg("ffprobe")],
    reads: &[],
    reads_file_time: false,
    writes_files: true,
    limits: Limits {
        // One keyframe of 8K HEVC takes about 1 s; a file without an index is read to the wanted time, 60 s are 50 GB of that.
        unit_cpu_s: 60,
        // A strip of 60 frames takes 5 s, up to 20 s where all of the budget is used; ten times that from a slow, busy disk.
        unit_wall_s: 240,
        // A poster has at most 9 MiB; ffmpeg's log is the other file.
        file_bytes_max: 32 << 20,
        // ffmpeg 5.1 maps 0.5 GiB of libraries; an 8K HEVC decoder keeps 17 frames of 50 MiB.
        address_space_bytes: 4 << 30,
    },
};

const fn of_ffmpeg(name: &'static str) -> Tool {
    Tool { name, media_types: &["video/"], required: false, install: "ffmpeg" }
}

const PARAMS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "at_permille": {"type": "integer", "minimum": 0, "maximum": 999, "default": 100, "description": "Where to take the poster, in thousandths of the duration."},
    "edge": {"type": "integer", "minimum": 16, "maximum": 4096, "default": 1024, "description": "Edge of the square to fit the poster into, in pixels."},
    "strip_every_s": {"type": "integer", "minimum": 1, "maximum": 3600, "default": 10, "description": "Seconds from frame to frame of the strip; more where `strip_max` frames would not reach the end."},
    "strip_max": {"type": "integer", "minimum": 0, "maximum": 240, "default": 60, "description": "Frames of the strip at most; 0 = no strip."},
    "strip_edge": {"type": "integer", "minimum": 16, "maximum": 1024, "default": 256, "description": "Edge of the square to fit the frames of the strip into, in pixels."},
    "quality": {"type": "integer", "minimum": 1, "maximum": 100, "default": 80, "description": "WebP quality."},
    "method": {"type": "integer", "minimum": 0, "maximum": 6, "default": 2, "description": "WebP effort: 0 fastest, 6 smallest."}
  }
}"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    at_permille: u64,
    edge: u32,
    strip_every_s: u64,
    strip_max: u64,
    strip_edge: u32,
    quality: u8,
    method: u8,
}

/// The payload of `video.keyframe` v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyframe {
    /// What the picture is for.
    pub role: Role,
    /// Presentation time of the frame, in milliseconds from the start of the container's presentation timeline.
    pub at_ms: u64,
    /// Width of the blob in pixels.
    pub width: u32,
    /// Height of the blob in pixels.
    pub height: u32,
    /// Degrees clockwise by which the stored frame was turned, as the container asks.
    pub rotation_applied: u16,
    /// How the frame was found.
    pub method: Method,
    /// How a high dynamic range is coded; absent for an ordinary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// Whether the high dynamic range was mapped to an ordinary one; a picture that was not looks flat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tone_mapped: Option<bool>,
}

/// What a picture is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The one that stands for the video.
    Poster,
    /// One of a row of small ones.
    Strip,
}

/// How a frame was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The last keyframe at or before the wanted time; in a container without an index sometimes the next one.
    KeyframeSeek,
    /// Decoded from the keyframe on to the wanted time.
    AccurateSeek,
    /// The first frame that decodes, where seeking found none.
    FirstFrame,
}

/// Why there is no picture.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    NoVideo(String),
    Unsupported(String),
    Corrupt(String),
    ToolEnded(String),
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoVideo(detail) => Self::Skipped { reason: "no-video", detail },
            Refusal::Unsupported(detail) => Self::Skipped { reason: "unsupported", detail },
            Refusal::Corrupt(detail) => Self::Failed { reason: "corrupt", detail, retryable: false },
            Refusal::ToolEnded(detail) => Self::Failed { reason: "tool-ended", detail, retryable: true },
        }
    }
}

/// Makes the worker.
pub fn make() -> Box<dyn Extractor> {
    Box::new(Keyframes)
}

struct Keyframes;

impl Extractor for Keyframes {
    fn tool_version(&mut self, tool: &Tool) -> Result<String, String> {
        tool::version(tool.name, tool.install, &DESCRIPTOR.limits, &["-version"])
    }

    fn extract(&mut self, job: &Job<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let params: Params = crate::params(job)?;
        let video = match probe::probe(&job.input_path, job.scratch)? {
            Ok(video) => video,
            Err(refusal) => return Ok(refusal.into()),
        };
        let mut search = Search { source: Source::new(job, &video), video: &video, budget: Budget::default() };
        let mut found = Vec::new();
        match search.poster(&params)? {
            Ok((frame, method)) => found.push((Role::Poster, frame, method)),
            Err(refusal) => return Ok(refusal.into()),
        }
        let strip = search.strip(&params)?;
        found.extend(strip.into_iter().map(|(frame, method)| (Role::Strip, frame, method)));
        let compression = Compression { quality: params.quality, method: params.method };
        for (index, (role, frame, method)) in found.into_iter().enumerate() {
            let name = match role {
                Role::Poster => "poster.webp".to_owned(),
                Role::Strip => format!("strip-{index}.webp"),
            };
            webp_blob::write(&frame.picture, compression, job.scratch, &name)?;
            let at_ms = i64::try_from(frame.at_ms).map_err(io::Error::other)?;
            let payload = Keyframe {
                role,
                at_ms: frame.at_ms,
                width: frame.picture.width,
                height: frame.picture.height,
                rotation_applied: video.rotation,
                method,
                transfer: video.transfer,
                tone_mapped: video.transfer.map(|_| frame.tone_mapped),
            };
            sink.emit(Emitted {
                kind: KEYFRAME,
                span_ms: Some((at_ms, at_ms)),
                payload: serde_json::to_value(payload)?,
                blob: Some((name, webp_blob::MEDIA_TYPE)),
            })?;
        }
        Ok(Outcome::Done)
    }
}

/// How much may be decoded between keyframes and wanted times, for one unit. Counted in work, not in time, so that the same video gives
/// the same frames on every machine.
struct Budget {
    pixel_ms: u64,
}

impl Default for Budget {
    /// A minute of 1920 x 1080, which takes 5 to 10 s of a core.
    fn default() -> Self {
        Self { pixel_ms: 60_000 * 1920 * 1080 }
    }
}

impl Budget {
    /// Whether so much of a video may be decoded; if so, it is taken off.
    fn allows(&mut self, video: &Video, gap_ms: u64) -> bool {
        let cost = gap_ms.saturating_mul(u64::from(video.width)).saturating_mul(u64::from(video.height));
        let left = self.pixel_ms.checked_sub(cost);
        self.pixel_ms = left.unwrap_or(self.pixel_ms);
        left.is_some()
    }
}

type Found = (Frame, Method);

/// Looks for frames of one video.
struct Search<'a> {
    source: Source<'a>,
    video: &'a Video,
    budget: Budget,
}

impl Search<'_> {
    /// The first frame that shows something, at the wanted place or elsewhere.
    fn poster(&mut self, params: &Params) -> io::Result<Result<Found, Refusal>> {
        let places: Vec<u64> = match self.video.duration_ms {
            Some(duration) => std::iter::once(params.at_permille)
                .chain(OTHER_PLACES)
                .map(|permille| duration.saturating_mul(permille) / 1000)
                .collect(),
            None => vec![AT_WITHOUT_DURATION_MS],
        };
        let mut best: Option<(u64, Found)> = None;
        for place in places {
            let Ok(found) = self.frame_at(place, params.edge)? else { continue };
            let (mean, variance) = luma(&found.0);
            if mean >= BLACK_MEAN && variance >= FLAT_VARIANCE {
                return Ok(Ok(found));
            }
            if best.as_ref().is_none_or(|(known, _)| variance > *known) {
                best = Some((variance, found));
            }
        }
        if let Some((_, found)) = best {
            return Ok(Ok(found));
        }
        Ok(self.source.first(params.edge)?.map(|frame| (frame, Method::FirstFrame)))
    }

    /// One frame for each so many seconds, in the order of their times.
    fn strip(&mut self, params: &Params) -> io::Result<Vec<Found>> {
        let mut every_ms = params.strip_every_s * 1000;
        let mut count = params.strip_max;
        if let Some(duration) = self.video.duration_ms {
            every_ms = every_ms.max(duration.div_ceil(count.max(1)));
            count = count.min(duration.div_ceil(every_ms).max(1));
        }
        let mut strip: Vec<Found> = Vec::new();
        for index in 0..count {
            let found = self.frame_at(index * every_ms, params.strip_edge)?;
            let last = strip.last().map(|(frame, _)| frame.at_ms);
            match found {
                Ok(found) if last.is_none_or(|last| found.0.at_ms > last) => strip.push(found),
                // Without a duration this is how the end is met; with one, a part may be damaged or without keyframes.
                _ if self.video.duration_ms.is_none() => break,
                _ => {}
            }
        }
        Ok(strip)
    }

    /// The frame for a time: a keyframe that is near enough, else the frame at that time, else the keyframe after all.
    fn frame_at(&mut self, wanted_ms: u64, edge: u32) -> io::Result<Result<Found, Refusal>> {
        let keyframe = match self.source.keyframe_before(wanted_ms, edge)? {
            Ok(keyframe) => keyframe,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let gap_ms = wanted_ms.saturating_sub(keyframe.at_ms);
        if gap_ms > FAR_MS
            && self.budget.allows(self.video, gap_ms)
            && let Ok(frame) = self.source.exactly(wanted_ms, edge)?
        {
            return Ok(Ok((frame, Method::AccurateSeek)));
        }
        Ok(Ok((keyframe, Method::KeyframeSeek)))
    }
}

/// Mean and variance of the luma (ITU-R BT.601) of a frame, in steps of 255.
fn luma(frame: &Frame) -> (u64, u64) {
    let values = || {
        frame
            .picture
            .pixels
            .iter()
            .map(|&[r, g, b, _]| (299 * u64::from(r) + 587 * u64::from(g) + 114 * u64::from(b)) / 1000)
    };
    let count = (frame.picture.pixels.len() as u64).max(1);
    let mean = values().sum::<u64>() / count;
    let variance = values().map(|value| value.abs_diff(mean).pow(2)).sum::<u64>() / count;
    (mean, variance)
}

#[cfg(test)]
mod tests;
