//! `media.metadata`: container, size, orientation, streams, camera, place and capture time of an original.
//!
//! Stills (JPEG, PNG, TIFF, GIF, WebP, BMP) and MP4 or QuickTime are read in process, a few kilobytes of each;
//! `ffprobe` is asked about the other audio and video formats and about MP4 that keeps its facts in fragments or is
//! damaged. One fact of kind `media.metadata` v1 is emitted per original, without a file. Start with `payload.rs`.

mod bmff;
mod bmff_codec;
mod bmff_matrix;
mod bmff_text;
mod bmff_track;
mod capture_time;
mod exif;
mod exif_tags;
mod image_header;
mod known_tags;
pub mod payload;
mod probe;
mod source;
mod tiff;

use std::io::Result as IoResult;

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Limits, MediaClass, Outcome, Sink, Tool};
use serde::Deserialize;

use self::image_header::{Header, ImageFormat};
use self::payload::{Captured, MediaMetadata, Method, StreamKind, Warning};
use self::probe::Probed;
use self::source::{Damage, Source};

/// The kind that it emits.
pub const METADATA: (&str, u32) = ("media.metadata", 1);

/// The kind file of [`METADATA`].
pub const METADATA_KIND_FILE: &str = include_str!("../../../../schemas/kinds/media.metadata.v1.json");

/// What the host knows of this extractor.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "media.metadata",
    version: "1",
    about: "Reads size, orientation, streams, camera, place and capture time",
    media: &[MediaClass::Image, MediaClass::Video, MediaClass::Audio],
    emits: &[METADATA],
    params_schema: PARAMS_SCHEMA,
    tools: &[Tool { name: "ffprobe", media_types: &["video/", "audio/"], required: false, install: "ffmpeg" }],
    reads_file_time: true,
    writes_files: false,
    limits: Limits {
        unit_cpu_s: 30,
        unit_wall_s: 60,
        file_bytes_max: 1 << 20,
        // ffprobe with all its libraries takes 0.5 GiB of addresses.
        address_space_bytes: 2 << 30,
    },
};

const PARAMS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "tags": {"type": "boolean", "default": true, "description": "Keep the raw tags as text."}
  }
}"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    tags: bool,
}

/// Makes the worker.
pub fn make() -> Box<dyn Extractor> {
    Box::new(Metadata)
}

struct Metadata;

/// Who reads an original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Image(ImageFormat),
    /// The box reader, and `ffprobe` for what it leaves.
    Movie,
    Ffprobe,
    Unsupported,
}

/// Why there are no facts.
enum Refusal {
    Unsupported(String),
    Corrupt(String),
    LimitReached(&'static str),
    Unreadable(std::io::Error),
}

impl Extractor for Metadata {
    fn tool_version(&mut self, _: &Tool) -> Result<String, String> {
        probe::version(&DESCRIPTOR.limits)
    }

    fn extract(&mut self, job: &Job<'_>, sink: &mut dyn Sink) -> IoResult<Outcome> {
        let params: Params = crate::params(job)?;
        let read = match reader(job.media_type) {
            Reader::Image(format) => read_image(format, job),
            Reader::Movie => read_movie(job)?,
            Reader::Ffprobe => read_with_ffprobe(job, MediaMetadata::default())?,
            Reader::Unsupported => Err(Refusal::Unsupported(format!("{} is not read", job.media_type))),
        };
        let (mut facts, captured) = match read {
            Ok(read) => read,
            Err(refusal) => return Ok(refusal.into_outcome()),
        };
        facts.captured = captured.or_else(|| capture_time::from_file_time(job.mtime_ns));
        if !params.tags {
            facts.tags.clear();
        }
        let payload = serde_json::to_value(&facts).map_err(std::io::Error::other)?;
        sink.emit(Emitted { kind: METADATA, span_ms: None, payload, blob: None })?;
        Ok(Outcome::Done)
    }
}

impl Refusal {
    fn into_outcome(self) -> Outcome {
        let failed = |reason, detail, retryable| Outcome::Failed { reason, detail, retryable };
        match self {
            Self::Unsupported(detail) => Outcome::Skipped { reason: "unsupported", detail },
            Self::Corrupt(detail) => failed("corrupt", detail, false),
            Self::LimitReached("time") => failed("tool-timeout", "ffprobe took too long".to_owned(), true),
            Self::LimitReached(_) => failed("tool-output", "ffprobe said more than it may".to_owned(), false),
            Self::Unreadable(error) => failed("unreadable", error.to_string(), true),
        }
    }
}

/// Facts and, apart from them, the best capture time inside the file.
type Read = Result<(MediaMetadata, Option<Captured>), Refusal>;

/// Playlists, scores and vector drawings are audio, video or image by name only.
fn reader(media_type: &str) -> Reader {
    match media_type {
        "image/jpeg" | "image/jpg" | "image/pjpeg" => Reader::Image(ImageFormat::Jpeg),
        "image/png" | "image/apng" | "image/vnd.mozilla.apng" => Reader::Image(ImageFormat::Png),
        "image/tiff" => Reader::Image(ImageFormat::Tiff),
        "image/gif" => Reader::Image(ImageFormat::Gif),
        "image/webp" => Reader::Image(ImageFormat::WebP),
        "image/bmp" | "image/x-ms-bmp" | "image/x-bmp" => Reader::Image(ImageFormat::Bmp),
        "video/mp4" | "video/quicktime" | "video/x-m4v" | "video/3gpp" | "video/3gpp2" | "audio/mp4"
        | "audio/x-m4a" | "audio/m4a" | "audio/3gpp" | "audio/3gpp2" => Reader::Movie,
        "audio/midi" | "audio/x-midi" | "audio/mpegurl" | "audio/x-mpegurl" | "audio/x-scpls" | "video/x-mng" => {
            Reader::Unsupported
        }
        other => match MediaClass::of(other) {
            MediaClass::Video | MediaClass::Audio => Reader::Ffprobe,
            MediaClass::Image | MediaClass::Other => Reader::Unsupported,
        },
    }
}

fn read_image(format: ImageFormat, job: &Job<'_>) -> Read {
    let source = Source::of_file(job.input).map_err(Refusal::of)?;
    read_image_source(format, source)
}

/// A still gives facts when its size or its EXIF data can be read, whatever happened to the rest.
fn read_image_source(format: ImageFormat, source: Source<'_>) -> Read {
    let mut facts = MediaMetadata { container: format.as_str().to_owned(), ..MediaMetadata::default() };
    let mut header = Header::default();
    let mut damage = None;
    match image_header::read_header(format, source, &mut header, &mut facts) {
        Ok(()) => {}
        Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
        Err(found) => {
            facts.warnings.insert(match found {
                Damage::PastEnd => Warning::Truncated,
                _ => Warning::StructureDamaged,
            });
            damage = Some(found);
        }
    }
    let exif_source = match format {
        ImageFormat::Tiff => Some(source),
        _ => header.exif.as_deref().map(Source::Memory),
    };
    let mut captured = None;
    if let Some(exif_source) = exif_source {
        match exif::read_exif(exif_source, &mut facts) {
            Ok(found) if format == ImageFormat::Tiff && found.raw => {
                return Err(Refusal::Unsupported("a camera RAW file in the frame of a TIFF".to_owned()));
            }
            Ok(found) => {
                captured = found.captured;
                if format == ImageFormat::Tiff {
                    header.size = found.size;
                }
            }
            Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
            Err(found) => {
                facts.warnings.insert(Warning::ExifDamaged);
                damage = damage.or(Some(found));
            }
        }
    }
    if let Some((width, height)) = header.size {
        facts.set_size(width, height);
        if facts.width.is_some() && format != ImageFormat::Tiff {
            facts.method.insert(Method::ImageHeader);
        }
    }
    // A TIFF structure without a picture size says nothing that can be believed.
    let nothing = facts.width.is_none() && (format == ImageFormat::Tiff || facts.method.is_empty());
    if nothing {
        let why = damage.map_or_else(|| "the picture has no size".to_owned(), |damage| damage.to_string());
        return Err(Refusal::Corrupt(why));
    }
    Ok((facts, captured))
}

fn read_movie(job: &Job<'_>) -> IoResult<Read> {
    let source = match Source::of_file(job.input) {
        Ok(source) => source,
        Err(damage) => return Ok(Err(Refusal::of(damage))),
    };
    let (facts, captured, finished) = match read_boxes(source) {
        Ok(read) => read,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if finished {
        return Ok(Ok((facts, captured)));
    }
    let known = !facts.streams.is_empty() || facts.duration_ms.is_some();
    match read_with_ffprobe(job, facts.clone())? {
        Ok((probed, time)) => Ok(Ok((probed, captured.or(time)))),
        // What the boxes said before they broke off is better than nothing.
        Err(Refusal::Corrupt(_)) if known => Ok(Ok((facts, captured))),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Facts of the boxes, the capture time in them, and whether they are all there is.
fn read_boxes(source: Source<'_>) -> Result<(MediaMetadata, Option<Captured>, bool), Refusal> {
    let mut facts = MediaMetadata::default();
    let mut movie = bmff::Movie::default();
    let result = bmff::read_movie(source, &mut movie, &mut facts);
    match result {
        Ok(()) if movie.still => return Err(Refusal::Unsupported("a HEIF, AVIF or RAW picture".to_owned())),
        Ok(()) => {}
        Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
        Err(Damage::PastEnd) => {}
        Err(Damage::Malformed(_)) => {
            facts.warnings.insert(Warning::StructureDamaged);
        }
    }
    if !movie.streams.is_empty() || movie.created_1904_s.is_some() {
        facts.method.insert(Method::Isobmff);
        facts.container = movie.container.to_owned();
    }
    facts.duration_ms = movie.duration_ms;
    facts.streams = movie.streams;
    facts.orientation = movie.orientation;
    set_size_of_video(&mut facts);
    known_tags::read_camera_and_place(&mut facts);
    let captured = known_tags::local_time(&facts).or_else(|| {
        let seconds = movie.created_1904_s.filter(|seconds| *seconds > 0)?;
        capture_time::from_quicktime_seconds("mvhd", seconds)
    });
    Ok((facts, captured, movie.finished))
}

fn read_with_ffprobe(job: &Job<'_>, mut facts: MediaMetadata) -> IoResult<Read> {
    Ok(match probe::probe(&job.input_path, job.media_type, &DESCRIPTOR.limits, &mut facts)? {
        Probed::Found => {
            set_size_of_video(&mut facts);
            known_tags::read_camera_and_place(&mut facts);
            let captured = known_tags::local_time(&facts).or_else(|| known_tags::instant(&facts));
            Ok((facts, captured))
        }
        Probed::Corrupt(detail) => Err(Refusal::Corrupt(detail)),
        Probed::Unsupported(detail) => Err(Refusal::Unsupported(detail)),
        Probed::LimitReached(which) => Err(Refusal::LimitReached(which)),
    })
}

/// The picture of a video is its first video stream; a turn that only `ffprobe` knows becomes its orientation.
fn set_size_of_video(facts: &mut MediaMetadata) {
    let Some(video) = facts.streams.iter().find(|stream| stream.kind == StreamKind::Video) else { return };
    let (size, turn) = (video.width.zip(video.height), video.rotation);
    facts.orientation = facts.orientation.or(match turn {
        Some(90) => Some(6),
        Some(180) => Some(3),
        Some(270) => Some(8),
        _ => None,
    });
    if let Some((width, height)) = size {
        facts.set_size(width, height);
    }
}

impl Refusal {
    fn of(damage: Damage) -> Self {
        match damage {
            Damage::Io(error) => Self::Unreadable(error),
            other => Self::Corrupt(other.to_string()),
        }
    }
}

#[cfg(test)]
mod capture_time_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod kind_tests;
#[cfg(test)]
mod movie_tests;
#[cfg(test)]
mod test_files;
#[cfg(test)]
mod tests;
