//! `video.keyframe`: a poster of a video, upright, with the time at which it is shown.
//!
//! `ffprobe` says whether there is a video stream and how long it lasts; `ffmpeg` seeks to the wanted share of the duration and decodes
//! the last keyframe at or before it (in a container without an index, such as MPEG-TS, sometimes the next one), which costs one frame
//! however long the video is. Where that gives nothing (a stream without marked keyframes, an index that lies), the first frame that
//! decodes is taken. Scaling, rotation by the display matrix and square pixels are ffmpeg's work, so a full-size frame never crosses the
//! pipe; WebP is ours.
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
//! The input is opened by ffmpeg through `file:` with only the protocols `file` and `pipe` allowed, since a playlist inside a media file may
//! name URLs.

mod frame;
mod probe;
mod tool;

use std::io;
use std::path::Path;

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Limits, MediaClass, Outcome, Sink, Tool};
use serde::{Deserialize, Serialize};

use crate::webp_blob::{self, Compression};
use frame::Frame;
use probe::Video;

/// The kind that it emits.
pub const KEYFRAME: (&str, u32) = ("video.keyframe", 1);

/// The kind file of [`KEYFRAME`].
pub const KEYFRAME_KIND_FILE: &str = include_str!("../../../../schemas/kinds/video.keyframe.v1.json");

/// Where a poster is taken when the container does not say how long it lasts, in milliseconds.
const AT_WITHOUT_DURATION_MS: u64 = 1_000;

/// Name of the picture in scratch.
const POSTER: &str = "poster.webp";

/// What the host knows of it.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "video.keyframe",
    version: "1",
    about: "A poster (WebP) of a video: the keyframe nearest before a tenth of its duration, upright.",
    media: &[MediaClass::Video],
    emits: &[KEYFRAME],
    params_schema: PARAMS_SCHEMA,
    tools: &[tool("ffmpeg"), tool("ffprobe")],
    reads_file_time: false,
    writes_files: true,
    limits: Limits {
        // One keyframe of 8K HEVC takes about 1 s; a file without an index is read to the wanted time, 60 s are 50 GB of that.
        unit_cpu_s: 60,
        // The same from a slow disk.
        unit_wall_s: 180,
        // The poster has at most 9 MiB; ffmpeg's log is the other file.
        file_bytes_max: 32 << 20,
        // ffmpeg 5.1 maps 0.5 GiB of libraries; an 8K HEVC decoder keeps 17 frames of 50 MiB.
        address_space_bytes: 4 << 30,
    },
};

const fn tool(name: &'static str) -> Tool {
    Tool { name, media_types: &["video/"], required: false, install: "ffmpeg" }
}

const PARAMS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "at_permille": {"type": "integer", "minimum": 0, "maximum": 999, "default": 100, "description": "Where to take the picture, in thousandths of the duration."},
    "edge": {"type": "integer", "minimum": 16, "maximum": 4096, "default": 1024, "description": "Edge of the square to fit the picture into, in pixels."},
    "quality": {"type": "integer", "minimum": 1, "maximum": 100, "default": 80, "description": "WebP quality."},
    "method": {"type": "integer", "minimum": 0, "maximum": 6, "default": 2, "description": "WebP effort: 0 fastest, 6 smallest."}
  }
}"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    at_permille: u64,
    edge: u32,
    quality: u8,
    method: u8,
}

/// The payload of `video.keyframe` v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyframe {
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
}

/// How a frame was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The last keyframe at or before the wanted time; in a container without an index sometimes the next one.
    KeyframeSeek,
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
        tool::version(tool.name)
    }

    fn extract(&mut self, job: &Job<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let params: Params = crate::params(job)?;
        let (video, frame, method) = match find_frame(&job.input_path, job.scratch, &params)? {
            Ok(found) => found,
            Err(refusal) => return Ok(refusal.into()),
        };
        let compression = Compression { quality: params.quality, method: params.method };
        webp_blob::write(&frame.picture, compression, job.scratch, POSTER)?;
        let payload = Keyframe {
            at_ms: frame.at_ms,
            width: frame.picture.width,
            height: frame.picture.height,
            rotation_applied: video.rotation,
            method,
        };
        let at_ms = i64::try_from(frame.at_ms).map_err(io::Error::other)?;
        sink.emit(Emitted {
            kind: KEYFRAME,
            span_ms: Some((at_ms, at_ms)),
            payload: serde_json::to_value(payload)?,
            blob: Some((POSTER.to_owned(), webp_blob::MEDIA_TYPE)),
        })?;
        Ok(Outcome::Done)
    }
}

type Found = (Video, Frame, Method);

fn find_frame(input: &Path, scratch: &Path, params: &Params) -> io::Result<Result<Found, Refusal>> {
    let video = match probe::probe(input, scratch)? {
        Ok(video) => video,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let wanted_ms =
        video.duration_ms.map_or(AT_WITHOUT_DURATION_MS, |duration| duration.saturating_mul(params.at_permille) / 1000);
    let sought = frame::keyframe_before(input, scratch, &video, wanted_ms, params.edge)?;
    if let Ok(frame) = sought {
        return Ok(Ok((video, frame, Method::KeyframeSeek)));
    }
    Ok(match frame::first(input, scratch, &video, params.edge)? {
        Ok(frame) => Ok((video, frame, Method::FirstFrame)),
        Err(refusal) => Err(refusal),
    })
}

#[cfg(test)]
mod tests;
