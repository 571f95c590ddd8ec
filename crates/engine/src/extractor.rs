//! What an extractor is: its description, which the host reads, and its work, which runs in the confined process only.

use std::fs::File;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The broad class of an original, decided by its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaClass {
    /// `image/*`
    Image,
    /// `video/*`
    Video,
    /// `audio/*`
    Audio,
    /// Everything else.
    Other,
}

impl MediaClass {
    /// The class of a media type such as `image/jpeg`.
    pub fn of(media_type: &str) -> Self {
        match media_type.split('/').next() {
            Some("image") => Self::Image,
            Some("video") => Self::Video,
            Some("audio") => Self::Audio,
            _ => Self::Other,
        }
    }

    /// The word used in pipelines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Other => "other",
        }
    }
}

/// What the host knows of an extractor without starting it.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    /// Its name, such as `image.thumbnail`.
    pub name: &'static str,
    /// Raised whenever the same input may give another output; guarded by a golden-output test.
    pub version: &'static str,
    /// One sentence for `exhibit extractors`.
    pub about: &'static str,
    /// The classes of originals it can take.
    pub media: &'static [MediaClass],
    /// The kinds (name, version) it may emit; others are refused.
    pub emits: &'static [(&'static str, u32)],
    /// The kinds (name, version) that it reads of all members of a collection, instead of an original each; empty for most.
    pub reads: &'static [(&'static str, u32)],
    /// JSON Schema 2020-12 of its parameters, every one with a `default`.
    pub params_schema: &'static str,
    /// Programs it starts.
    pub tools: &'static [Tool],
    /// Whether its facts depend on the modification time of the file, which the content hash does not hold.
    pub reads_file_time: bool,
    /// Whether it leaves files in scratch; only then a folder is made for each unit.
    pub writes_files: bool,
    /// Limits that hold for its process.
    pub limits: Limits,
}

/// An outside program that an extractor starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tool {
    /// Its name; looked up in `/usr/bin` and `/usr/local/bin`.
    pub name: &'static str,
    /// The originals it is needed for: media types, or their beginning up to the slash (`video/`). Empty = every original. The results of
    /// others do not depend on it, so neither their lineage nor their work key names it.
    pub media_types: &'static [&'static str],
    /// Without it no unit can be done. Otherwise only those fail that need it.
    pub required: bool,
    /// The Debian package that has it.
    pub install: &'static str,
}

impl Tool {
    /// Whether it is needed for an original of this media type.
    pub fn serves(&self, media_type: &str) -> bool {
        let named =
            |known: &&str| if known.ends_with('/') { media_type.starts_with(*known) } else { media_type == *known };
        self.media_types.is_empty() || self.media_types.iter().any(named)
    }

    /// What a person is told when it is not there.
    pub fn missing(&self) -> String {
        format!("{} is not installed; `apt-get install {}` brings it", self.name, self.install)
    }
}

/// Limits of an extractor process. Never part of the config hash: they decide whether, not what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// CPU seconds that one unit may use in the extractor process itself and, separately, in each tool it starts.
    pub unit_cpu_s: u64,
    /// Wall-clock seconds after which the host gives a unit up.
    pub unit_wall_s: u64,
    /// Largest file that may be written to scratch, in bytes.
    pub file_bytes_max: u64,
    /// Address space of each process, in bytes; a coarse guard.
    pub address_space_bytes: u64,
}

/// One piece of work, as the extractor sees it. The original is already open, read-only.
pub struct Job<'a> {
    /// All parameters of the step, defaults filled in and checked against `params_schema`.
    pub params: &'a serde_json::Map<String, Json>,
    /// The strength asked for: `fast`, `balanced` or `high_quality`.
    pub profile: &'a str,
    /// Media type found from the first bytes when the file was cataloged.
    pub media_type: &'a str,
    /// The asset, `ast_` and the SHA-256 of its bytes in hexadecimal.
    pub asset_id: &'a str,
    /// Size of the original when it was cataloged, in bytes.
    pub size_bytes: u64,
    /// Modification time of the original, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// The original. Its offset is at 0.
    pub input: &'a File,
    /// A path by which a child process can open the original (`/proc/<pid of this process>/fd/N`).
    pub input_path: PathBuf,
    /// An empty folder of this unit; emptied by the host afterwards.
    pub scratch: &'a Path,
}

/// One piece of work over a whole collection.
pub struct CollectionJob<'a> {
    /// All parameters of the step, defaults filled in and checked against `params_schema`.
    pub params: &'a serde_json::Map<String, Json>,
    /// The strength asked for: `fast`, `balanced` or `high_quality`.
    pub profile: &'a str,
    /// The list of members: JSON Lines, one [`Member`] each, in the order of asset ids.
    pub inputs: &'a Path,
}

impl CollectionJob<'_> {
    /// Reads the members, one after the other.
    ///
    /// # Errors
    /// When the list cannot be opened; each member says whether it could be read.
    pub fn members(&self) -> std::io::Result<impl Iterator<Item = std::io::Result<Member>>> {
        let lines = std::io::BufReader::new(File::open(self.inputs)?);
        Ok(std::io::BufRead::lines(lines).map(|line| Ok(serde_json::from_str(&line?)?)))
    }
}

/// One member of a collection, with what is known of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The asset.
    pub asset_id: String,
    /// Present paths.
    pub paths: u64,
    /// Its newest facts of the kinds that the extractor reads.
    pub facts: Vec<MemberFact>,
}

/// One fact about a member.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberFact {
    /// Name of the kind.
    pub kind: String,
    /// Version of the kind.
    pub schema_version: u32,
    /// What is claimed, as one digest.
    pub content_hash: String,
    /// What is claimed.
    pub payload: Json,
}

/// What became of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ended; what it found was emitted. Nothing emitted = `done-empty`.
    Done,
    /// The original is not something this extractor takes, for example `unsupported`.
    Skipped {
        /// A word: `[a-z0-9-]{1,40}`.
        reason: &'static str,
        /// For people; at most 500 characters are kept.
        detail: String,
    },
    /// The work could not be done, for example `corrupt`.
    Failed {
        /// A word: `[a-z0-9-]{1,40}`.
        reason: &'static str,
        /// For people; at most 500 characters are kept.
        detail: String,
        /// Whether the same work may succeed another time.
        retryable: bool,
    },
}

/// One fact that an extractor found.
#[derive(Debug, Clone)]
pub struct Emitted {
    /// Kind and schema version.
    pub kind: (&'static str, u32),
    /// Start and end in milliseconds of the presentation timeline, for facts with a span.
    pub span_ms: Option<(i64, i64)>,
    /// The payload; an object that matches the schema of the kind.
    pub payload: Json,
    /// A file in the unit's scratch folder (plain name) and its media type.
    pub blob: Option<(String, &'static str)>,
}

/// Takes the facts as they are found.
pub trait Sink {
    /// Emits one fact.
    ///
    /// # Errors
    /// When the host is gone.
    fn emit(&mut self, fact: Emitted) -> std::io::Result<()>;

    /// Emits one fact about a member of the collection; for those that work on one.
    ///
    /// # Errors
    /// When the host is gone.
    fn emit_about(&mut self, asset_id: &str, fact: Emitted) -> std::io::Result<()>;
}

/// The work itself. Runs single-threaded inside the confined process, one unit after the other.
pub trait Extractor {
    /// The version of one of its tools, asked once at start (`ffmpeg` -> `5.1.6-0+deb12u1`).
    ///
    /// # Errors
    /// When the tool is missing or does not say; the text is for people.
    fn tool_version(&mut self, tool: &Tool) -> Result<String, String> {
        Err(tool.missing())
    }

    /// Does one unit.
    ///
    /// # Errors
    /// Only when the process cannot go on (scratch full, host gone); anything about the original is an [`Outcome`].
    fn extract(&mut self, job: &Job<'_>, sink: &mut dyn Sink) -> std::io::Result<Outcome>;

    /// Does one unit over a collection; for extractors whose descriptor reads kinds.
    ///
    /// # Errors
    /// Only when the process cannot go on.
    fn aggregate(&mut self, _job: &CollectionJob<'_>, _sink: &mut dyn Sink) -> std::io::Result<Outcome> {
        let detail = "it works on single originals, not on a collection".to_owned();
        Ok(Outcome::Failed { reason: "not-an-aggregate", detail, retryable: false })
    }
}

/// An extractor that this binary carries.
#[derive(Clone, Copy)]
pub struct BuiltIn {
    /// What the host knows of it.
    pub descriptor: &'static Descriptor,
    /// Makes the worker, inside the confined process.
    pub make: fn() -> Box<dyn Extractor>,
}
