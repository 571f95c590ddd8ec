//! Camera, settings, place, time and words in the payload of `media.metadata`.

use serde::{Deserialize, Serialize};

use super::payload_stream::Rational;

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
    /// Program that wrote the file: that of the camera, or of the last editor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gps {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Metres above the sea, or above the ellipsoid where the raw tags say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<f64>,
    /// Where the camera looked, in degrees clockwise from north.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction_deg: Option<f64>,
    /// Which north is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction_reference: Option<North>,
    /// The time of the satellites when the place was found, RFC 3339 with `Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Who says so.
    pub source: GpsSource,
}

/// Which north a direction counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum North {
    /// The pole of the earth.
    True,
    /// Where a compass points.
    Magnetic,
}

/// Who says where an original was taken, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GpsSource {
    /// EXIF.
    Exif,
    /// The container (QuickTime, Matroska, ...).
    Container,
    /// XMP.
    Xmp,
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
    /// Offset of the local time from UTC (`+02:00`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// Where the offset comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_method: Option<OffsetMethod>,
}

/// Who says when an original was taken, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapturedSource {
    /// EXIF, with an offset from UTC.
    ExifOffset,
    /// EXIF local time, whose offset was inferred; `offset_method` says how.
    ExifInferred,
    /// EXIF, local time only.
    ExifFloating,
    /// The container, local time with its offset.
    ContainerOffset,
    /// XMP, with an offset from UTC.
    XmpOffset,
    /// XMP, local time only.
    XmpFloating,
    /// The container, UTC by its specification; some cameras write their local time there.
    ContainerUtc,
    /// The modification time of the file.
    FileTime,
}

/// Where the offset of a capture time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffsetMethod {
    /// The file states it beside the time.
    Stated,
    /// The difference between the local time and the time of the satellites.
    GpsTime,
}

/// What people wrote about an original.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be seen or heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who made it, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub creators: Vec<String>,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copyright: Option<String>,
    /// Keywords in the order of the file, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Keywords with what they belong to, as `Places|Austria|Vienna`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keyword_paths: Vec<String>,
    /// Stars, 0 to 5; -1 stands for rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<i8>,
    /// Label, mostly a colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Where a recording stands in recorded music. Its title is in [`Description`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Music {
    /// Who plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    /// The album.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<String>,
    /// Who plays on the album as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album_artist: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composer: Option<String>,
    /// Genre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genre: Option<String>,
    /// When it appeared, as the file writes it: a year or a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
    /// Number of the track.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<u32>,
    /// Number of the disc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disc: Option<u32>,
}

/// A film inside the file of a still. It was looked for at its place and begins there like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotionPhoto {
    /// How the file says so.
    pub form: MotionForm,
    /// Where the film begins, in bytes from the start of the file.
    pub offset_bytes: u64,
    /// Length of the film in bytes.
    pub length_bytes: u64,
    /// Time of the still within the film, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_at_us: Option<u64>,
}

/// How a file says that it holds a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MotionForm {
    /// XMP `Container:Directory`.
    ContainerDirectory,
    /// XMP `GCamera:MicroVideoOffset`.
    MicroVideo,
    /// The box `mpvd` of a HEIF file.
    MotionPhotoBox,
    /// The trailer that Samsung puts behind a JPEG.
    SamsungTrailer,
}
