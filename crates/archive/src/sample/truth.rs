//! What is true of a generated archive: the contents of its `truth.json`.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::{Deserialize, Serialize};

use super::Formats;

/// Name of the file, in the folder of the archive itself.
pub const TRUTH_FILE: &str = "truth.json";

/// Everything that is known about a generated archive. `truth.json` itself is in none of its lists and counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Always `exhibit.sample.truth`.
    pub format: String,
    /// Raised when the meaning of a field changes.
    pub version: u32,
    /// The seed it was made from.
    pub seed: u64,
    /// Photos asked for.
    pub photos: u32,
    /// Videos asked for.
    pub videos: u32,
    /// What was drawn: `common` or `all` formats.
    pub formats: Formats,
    /// What the programs that made files say of themselves, by program: the bytes of those files depend on it, all other
    /// bytes on the seed alone.
    pub tools: BTreeMap<String, String>,
    /// Counts over the lists below.
    pub totals: Totals,
    /// Groups of paths with the same bytes, hard links included.
    pub duplicates: Vec<Duplicate>,
    /// Pictures that look alike, with different bytes.
    pub near_duplicates: Vec<NearDuplicate>,
    /// Files that belong together.
    pub companions: Vec<Companion>,
    /// Symbolic links.
    pub links: Vec<LinkTruth>,
    /// Regular files in the order of the walk.
    pub files: Vec<FileTruth>,
}

/// Counts over a whole archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Regular files by path; a hard link counts like any other.
    pub files: u64,
    /// Bytes of all those paths.
    pub bytes: u64,
    /// Different contents.
    pub assets: u64,
    /// Folders below the root.
    pub directories: u64,
    /// Symbolic links.
    pub links: u64,
    /// Different contents by media type.
    pub assets_by_media_type: BTreeMap<String, u64>,
    /// Different contents by extractor and expected outcome.
    pub expected: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Paths that hold the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    /// SHA-256 of the bytes.
    pub sha256: String,
    /// All paths, in the order of the walk.
    pub paths: Vec<PathTruth>,
}

/// A picture that was made from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearDuplicate {
    /// The picture it was made from.
    pub original: PathTruth,
    /// The picture that looks like it.
    pub copy: PathTruth,
    /// What was done: `resized` or `recompressed`.
    pub how: String,
}

/// Files that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    /// Why.
    pub relation: Relation,
    /// What is written in both, where something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The file that stands for all first.
    pub paths: Vec<PathTruth>,
}

/// Why files belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// One exposure, as RAW and as JPEG.
    RawJpeg,
    /// A still and the film around it, tied by one content identifier.
    LivePhoto,
    /// A file and what somebody wrote about it in XMP beside it.
    Sidecar,
}

/// A path relative to the root: as text where it is UTF-8, else in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathTruth {
    /// The path, when it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The raw bytes in base64, when they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
}

impl PathTruth {
    /// From raw bytes.
    pub fn new(raw: &[u8]) -> Self {
        match std::str::from_utf8(raw) {
            Ok(text) => Self { path: Some(text.to_owned()), path_b64: None },
            Err(_) => Self { path: None, path_b64: Some(base64::engine::general_purpose::STANDARD.encode(raw)) },
        }
    }

    /// The raw bytes; empty when the fields hold none.
    pub fn raw(&self) -> Vec<u8> {
        match (&self.path, &self.path_b64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(coded)) => base64::engine::general_purpose::STANDARD.decode(coded).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}

/// A symbolic link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkTruth {
    /// Where it lies.
    pub at: PathTruth,
    /// What it says.
    pub target: String,
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileTruth {
    /// Where it lies.
    pub at: PathTruth,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Time of last modification in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// What its first bytes say it is.
    pub media_type: String,
    /// Of pictures that can be decoded at least in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageTruth>,
    /// Of videos that can be decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoTruth>,
    /// Of recordings of sound alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioTruth>,
    /// Of photos that name a camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraTruth>,
    /// Of what has a capture time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<CaptureTruth>,
    /// What each extractor of the pipeline `basics` that takes files of this class should say: `done`, `failed(REASON)`
    /// or `skipped(REASON)`.
    pub expected: BTreeMap<String, String>,
    /// Outcomes beside the expected one that are right, too: of formats that not every release supports, and of files that
    /// are broken in more than one way.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub also_right: BTreeMap<String, Vec<String>>,
    /// A film inside a photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedTruth>,
    /// What is odd about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageTruth {
    /// Width in pixels as stored.
    pub stored_width: u32,
    /// Height in pixels as stored.
    pub stored_height: u32,
    /// Width in pixels once the orientation is applied.
    pub upright_width: u32,
    /// Height in pixels once the orientation is applied.
    pub upright_height: u32,
    /// EXIF orientation, 1 to 8; 1 when there is no tag.
    pub orientation: u16,
}

/// A video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoTruth {
    /// Width in pixels as stored.
    pub stored_width: u32,
    /// Height in pixels as stored.
    pub stored_height: u32,
    /// Width in pixels once the rotation is applied.
    pub upright_width: u32,
    /// Height in pixels once the rotation is applied.
    pub upright_height: u32,
    /// Degrees by which a player turns the stored picture clockwise: 0, 90, 180 or 270.
    pub rotation_clockwise: u32,
    /// The container, in the words of `media.metadata`.
    pub container: String,
    /// Frames per second, where they are evenly spaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<u32>,
    /// Times of all frames in milliseconds, where they are not evenly spaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frame_times_ms: Vec<u64>,
    /// Number of frames.
    pub frames: u32,
    /// Length of the picture track in milliseconds.
    pub duration_ms: u64,
    /// False when the file does not say how long it is.
    pub says_duration: bool,
    /// Times of the first frames after each cut, in milliseconds.
    pub cuts_ms: Vec<u64>,
    /// True when there is a sound track.
    pub has_sound: bool,
    /// When the sound begins, in milliseconds, where that is not with the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound_starts_ms: Option<u64>,
    /// Video and sound codecs, in the words of ffprobe.
    pub codecs: Vec<String>,
    /// The transfer function of high dynamic range, in the words of ffprobe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    /// What is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spoken: Vec<TimedText>,
    /// What can be read in the picture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub screen_text: Vec<TimedText>,
}

/// A recording of sound alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioTruth {
    /// Codec, in the words of ffprobe.
    pub codec: String,
    /// Channels.
    pub channels: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// Length in milliseconds; a codec may add some silence at both ends.
    pub duration_ms: u64,
    /// What is said.
    pub spoken: Vec<TimedText>,
}

/// Words with the time at which they are heard or seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimedText {
    /// The words.
    pub text: String,
    /// Their beginning, in milliseconds.
    pub start_ms: u64,
    /// Their end, in milliseconds.
    pub end_ms: u64,
}

/// A film behind the end of a photo (motion photo).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddedTruth {
    /// What it is.
    pub media_type: String,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub size_bytes: u64,
}

/// A camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraTruth {
    /// Maker.
    pub make: String,
    /// Model.
    pub model: String,
    /// Lens, where the camera says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    /// Sensitivity.
    pub iso: u16,
    /// Exposure time is one over this many seconds.
    pub exposure_divisor: u32,
    /// F-number times ten.
    pub f_number_tenths: u32,
    /// Focal length in millimetres.
    pub focal_length_mm: u32,
    /// Latitude in hundredths of a second of arc, north positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude_centiseconds: Option<i64>,
    /// Longitude in hundredths of a second of arc, east positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude_centiseconds: Option<i64>,
}

/// When a picture or video was taken, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureTruth {
    /// RFC 3339 with its offset, or the local time without any where the offset is unknown: the `at` of
    /// `media.metadata`.
    pub at: String,
    /// Where the time stands.
    pub source: CaptureSource,
    /// The same moment by the satellites, UTC, where the photo says it: an offset may be inferred from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satellites: Option<String>,
}

/// Where a capture time stands, in the words of `media.metadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureSource {
    /// EXIF with an offset from UTC.
    ExifOffset,
    /// EXIF without an offset: a local time of an unknown zone.
    ExifFloating,
    /// The container's creation time, in UTC or with its offset.
    Container,
    /// Nothing but the file's modification time, UTC.
    FileTime,
}
