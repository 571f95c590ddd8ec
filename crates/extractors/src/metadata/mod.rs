//! `media.metadata`: container, size, orientation, streams, camera, place and capture time of an original.
//!
//! Stills (JPEG, PNG, TIFF, GIF, WebP, BMP, HEIF, AVIF, camera RAW) and MP4 or QuickTime are read in process, a few
//! kilobytes of each; `ffprobe` is asked about the other audio and video formats and about MP4 that keeps its facts in
//! fragments or is damaged. XMP is read wherever it is embedded, and in a sidecar where a pipeline asks for `other`. One fact
//! of kind `media.metadata` v1 is emitted per original, without a file. The name of a file is never asked: a time in it is none.
//!
//! Start with `payload.rs`. Then, by what is read: `still.rs` (with `image_header.rs`, `jpeg_segments.rs`), `exif.rs` (with
//! `tiff.rs`, `gps.rs`, `maker_note.rs`), `xmp.rs` (with `xmp_packet.rs`), `raw.rs` and `cr3.rs`, `heif.rs`, `movie.rs` (with
//! `bmff.rs`, `known_tags.rs`, `probe.rs`). `capture_time.rs` knows the forms of times, `motion_photo.rs` films inside stills.

mod bmff;
mod bmff_codec;
mod bmff_colour;
mod bmff_matrix;
mod bmff_text;
mod bmff_track;
mod capture_time;
mod cr3;
mod exif;
mod exif_tags;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gps;
mod heif;
mod heif_items;
mod image_header;
mod jpeg_segments;
mod known_tags;
mod maker_note;
mod motion_photo;
mod movie;
pub mod payload;
mod payload_facts;
mod payload_stream;
mod payload_text;
mod probe;
mod raw;
mod sidecar;
mod source;
mod still;
mod tiff;
mod words;
mod xmp;
mod xmp_packet;

use std::io::Result as IoResult;

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Limits, MediaClass, Outcome, Sink, Tool};
use serde::Deserialize;

use self::image_header::ImageFormat;
use self::payload::{Captured, MediaMetadata};
use self::source::{Damage, Source};

/// The kind that it emits.
pub const METADATA: (&str, u32) = ("media.metadata", 1);

/// The kind file of [`METADATA`].
pub const METADATA_KIND_FILE: &str = include_str!("../../../../schemas/kinds/media.metadata.v1.json");

/// What the host knows of this extractor.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "media.metadata",
    version: "2",
    about: "Reads size, orientation, streams, camera, place, capture time and what people wrote",
    media: &[MediaClass::Image, MediaClass::Video, MediaClass::Audio, MediaClass::Other],
    emits: &[METADATA],
    params_schema: PARAMS_SCHEMA,
    tools: &[Tool { name: "ffprobe", media_types: &["video/", "audio/"], required: false, install: "ffmpeg" }],
    reads: &[],
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
    Heif,
    /// Camera RAW in a TIFF, with its word for `container`.
    Raw(&'static str),
    Raf,
    Cr3,
    Sidecar,
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
            Reader::Image(format) => read(job, |source| still::read_still(format, source)),
            Reader::Heif => read(job, heif::read_heif),
            Reader::Raw(container) => read(job, |source| raw::read_tiff_raw(container, source)),
            Reader::Raf => read(job, raw::read_raf),
            Reader::Cr3 => read(job, cr3::read_cr3),
            Reader::Sidecar => read(job, sidecar::read_sidecar),
            Reader::Movie => movie::read_movie(job)?,
            Reader::Ffprobe => movie::read_with_ffprobe(job, MediaMetadata::default())?,
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

fn read(job: &Job<'_>, reader: impl FnOnce(Source<'_>) -> Read) -> Read {
    reader(Source::of_file(job.input).map_err(Refusal::of)?)
}

/// Playlists, scores and vector drawings are audio, video or image by name only.
fn reader(media_type: &str) -> Reader {
    match media_type {
        "image/jpeg" | "image/jpg" | "image/pjpeg" => Reader::Image(ImageFormat::Jpeg),
        "image/png" | "image/apng" | "image/vnd.mozilla.apng" => Reader::Image(ImageFormat::Png),
        "image/tiff" => Reader::Image(ImageFormat::Tiff),
        "image/gif" => Reader::Image(ImageFormat::Gif),
        "image/webp" => Reader::Image(ImageFormat::WebP),
        "image/bmp" | "image/x-ms-bmp" | "image/x-bmp" => Reader::Image(ImageFormat::Bmp),
        "image/heic" | "image/heif" | "image/avif" => Reader::Heif,
        "image/x-adobe-dng" => Reader::Raw("dng"),
        "image/x-canon-cr2" => Reader::Raw("cr2"),
        "image/x-nikon-nef" => Reader::Raw("nef"),
        "image/x-sony-arw" => Reader::Raw("arw"),
        "image/x-pentax-pef" => Reader::Raw("pef"),
        "image/x-samsung-srw" => Reader::Raw("srw"),
        "image/x-hasselblad-3fr" => Reader::Raw("3fr"),
        "image/x-olympus-orf" => Reader::Raw("orf"),
        "image/x-fuji-raf" => Reader::Raf,
        "image/x-canon-cr3" => Reader::Cr3,
        "application/rdf+xml" => Reader::Sidecar,
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
mod exiftool_tests;
#[cfg(test)]
mod heif_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod kind_tests;
#[cfg(test)]
mod movie_tests;
#[cfg(test)]
mod place_tests;
#[cfg(test)]
mod raw_tests;
#[cfg(test)]
mod test_files;
#[cfg(test)]
mod test_stills;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod xmp_tests;
