//! The catalog as people see it: find things by any unambiguous prefix of their id, list them, show one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exhibit_model::digest::Digest;
use exhibit_model::ids::{AssetId, RunId, ulid_from_text};
use exhibit_model::time::Timestamp;
use exhibit_store::kinds::Kinds;
use exhibit_store::ledger::verify::printed_id;
use exhibit_store::sql::assets::{self, Asset, PathState};
use exhibit_store::sql::records::{self, StoredRecord};
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::sql::sources;
use exhibit_store::sql::units::{self, Unit};
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::companions::{self, Companion};
use crate::sql::listing::ListRow;

mod unit_view;

use self::unit_view::RunsOfUnits;
pub use self::unit_view::UnitView;

/// Units that one view of an asset shows.
const UNITS_SHOWN_MAX: i64 = 1_000;

/// Something was asked for that is not there.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Nothing has that id.
    #[error("there is no {what} `{text}`; {hint}")]
    Unknown {
        /// Asset, run, artifact, source.
        what: &'static str,
        /// What was given.
        text: String,
        /// The next step.
        hint: &'static str,
    },
    /// Several things start like that.
    #[error("`{text}` is the beginning of more than one {what}; give more of it")]
    Ambiguous {
        /// Asset, run, artifact, source.
        what: &'static str,
        /// What was given.
        text: String,
    },
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds an asset by its id or any unambiguous prefix of it (at least 4 hex digits).
///
/// # Errors
/// When nothing, or more than one thing, starts like that.
pub fn find_asset(read: &Read<'_>, text: &str) -> Result<Asset, LookupError> {
    let unknown = || LookupError::Unknown { what: "asset", text: text.to_owned(), hint: "`exhibit ls` lists them" };
    let digits = text.strip_prefix(AssetId::PREFIX).unwrap_or(text);
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !(4..=64).contains(&digits.len()) || !is_hex {
        return Err(unknown());
    }
    let bound = |filler: char| format!("{digits}{}", filler.to_string().repeat(64 - digits.len())).parse::<Digest>();
    let (Ok(low), Ok(high)) = (bound('0'), bound('f')) else { return Err(unknown()) };
    match assets::between(read, low, high)?.as_slice() {
        [] => Err(unknown()),
        [asset] => Ok(asset.clone()),
        _ => Err(LookupError::Ambiguous { what: "asset", text: text.to_owned() }),
    }
}

/// Finds a run by its id, any unambiguous prefix of it, or `latest`.
///
/// # Errors
/// When nothing, or more than one thing, starts like that.
pub fn find_run(read: &Read<'_>, text: &str) -> Result<Run, LookupError> {
    let unknown = || LookupError::Unknown { what: "run", text: text.to_owned(), hint: "`exhibit runs` lists them" };
    if text == "latest" {
        return runs::newest(read, i64::MAX, 1)?.into_iter().next().ok_or_else(unknown);
    }
    let letters = text.strip_prefix(RunId::PREFIX).unwrap_or(text).to_ascii_uppercase();
    if letters.is_empty() || letters.len() > 26 {
        return Err(unknown());
    }
    let bound = |filler: char| ulid_from_text(&format!("{letters}{}", filler.to_string().repeat(26 - letters.len())));
    let (Some(low), Some(high)) = (bound('0'), bound('Z')) else { return Err(unknown()) };
    match runs::between(read, RunId(low), RunId(high))?.as_slice() {
        [] => Err(unknown()),
        [run] => Ok(run.clone()),
        _ => Err(LookupError::Ambiguous { what: "run", text: text.to_owned() }),
    }
}

/// Finds an artifact by its id. The part that names the run may be any unambiguous prefix.
///
/// # Errors
/// When nothing, or more than one thing, is called like that.
pub fn find_artifact(read: &Read<'_>, text: &str) -> Result<(Run, Unit, StoredRecord), LookupError> {
    let unknown =
        || LookupError::Unknown { what: "artifact", text: text.to_owned(), hint: "`exhibit show ASSET` lists them" };
    let mut parts = text.strip_prefix("art_").unwrap_or(text).split('.');
    let (Some(run), Some(unit), Some(ordinal), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(unknown());
    };
    let (Ok(unit), Ok(ordinal)) = (unit.parse::<u32>(), ordinal.parse::<u32>()) else { return Err(unknown()) };
    let run = find_run(read, run).map_err(|error| match error {
        LookupError::Unknown { .. } => unknown(),
        other => other,
    })?;
    let key = run.first_unit + i64::from(unit);
    let unit = units::by_key(read, key)?.filter(|_| i64::from(unit) < run.members * run.steps).ok_or_else(unknown)?;
    let record = records::of_unit(read, key, ordinal)?.ok_or_else(unknown)?;
    Ok((run, unit, record))
}

/// Finds a source by name, or by an unambiguous prefix of its id.
///
/// # Errors
/// When nothing, or more than one thing, is called like that.
pub fn find_source(read: &Read<'_>, text: &str) -> Result<sources::Source, LookupError> {
    let all = sources::all(read)?;
    if let Some(source) = all.iter().find(|source| source.name == text) {
        return Ok(source.clone());
    }
    let matches: Vec<_> =
        all.into_iter().filter(|source| text.len() > 4 && source.id.to_string().starts_with(text)).collect();
    match matches.as_slice() {
        [] => Err(LookupError::Unknown { what: "source", text: text.to_owned(), hint: "`exhibit sources` lists them" }),
        [source] => Ok(source.clone()),
        _ => Err(LookupError::Ambiguous { what: "source", text: text.to_owned() }),
    }
}

/// A path for people: text where it is text, else with the other bytes as `\xNN`. Control characters never reach a terminal.
pub fn printable(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() || letter == '\\' {
                text.extend(letter.escape_default());
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// A path for programs: `path` when it is text, `path_b64` always (the bytes).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PathView {
    /// The source.
    pub source: String,
    /// For people.
    pub path: String,
    /// The raw bytes, base64.
    pub path_b64: String,
    /// `present`, `missing` or `closed`.
    pub state: Cow<'static, str>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen there; for present paths the last scan.
    pub last_seen: Timestamp,
}

/// One line of `ls`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AssetLine {
    /// Key for the next page.
    #[serde(skip)]
    pub key: i64,
    /// The asset.
    pub asset_id: AssetId,
    /// Found from its first bytes.
    pub media_type: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// Its source, by name.
    pub source: Option<String>,
    /// Its first path, for people.
    pub path: Option<String>,
    /// The same, raw bytes in base64.
    pub path_b64: Option<String>,
    /// Whether any of its paths is present.
    pub present: bool,
    /// How many present paths it has.
    pub paths: i64,
    /// Capture time, RFC 3339 UTC; floating local times are printed as if they were UTC and marked by their source.
    pub captured_at: Option<Timestamp>,
    /// Where the capture time comes from.
    pub captured_source: Option<String>,
    /// Camera.
    pub camera: Option<String>,
    /// Upright width in pixels.
    pub width: Option<i64>,
    /// Upright height in pixels.
    pub height: Option<i64>,
    /// Duration in milliseconds.
    pub duration_ms: Option<i64>,
}

impl AssetLine {
    /// Puts names to keys.
    pub fn new(row: ListRow, sources: &BTreeMap<i64, String>) -> Self {
        Self {
            key: row.key,
            asset_id: AssetId(row.sha256),
            media_type: row.media_type,
            size_bytes: row.size_bytes,
            source: row.source.and_then(|source| sources.get(&source).cloned()),
            path: row.path.as_deref().map(printable),
            path_b64: row.path.as_deref().map(base64_of),
            present: row.present > 0,
            paths: row.present,
            captured_at: row.captured_at.map(Timestamp),
            captured_source: row.captured_source,
            camera: row.camera,
            width: row.pixels.map(|pixels| pixels.0),
            height: row.pixels.map(|pixels| pixels.1),
            duration_ms: row.duration_ms,
        }
    }
}

pub(crate) fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

/// Names of all sources by key.
///
/// # Errors
/// When the database cannot be read.
pub fn source_names(read: &Read<'_>) -> Result<BTreeMap<i64, String>, StoreError> {
    Ok(sources::all(read)?.into_iter().map(|source| (source.key, source.name)).collect())
}

/// One fact about an asset, as `show` prints it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FactView {
    /// The artifact.
    pub artifact_id: String,
    /// The asset that it is about.
    pub asset_id: Option<AssetId>,
    /// The kind.
    pub kind: String,
    /// Version of the kind.
    pub schema_version: u32,
    /// Start of the span in milliseconds.
    pub span_start_ms: Option<i64>,
    /// End of the span in milliseconds.
    pub span_end_ms: Option<i64>,
    /// What is claimed; `null` once it was erased.
    pub payload: Json,
    /// SHA-256 of its blob.
    pub blob: Option<Digest>,
    /// Size of the blob in bytes.
    pub blob_bytes: Option<u64>,
    /// Media type of the blob.
    pub blob_media_type: Option<String>,
    /// What is claimed, as one digest.
    pub content_hash: Digest,
}

impl FactView {
    /// Reads a stored record.
    pub fn new(record: &StoredRecord, kinds: &Kinds) -> Self {
        let kind = kinds.by_key(record.kind);
        let payload = record.body.as_deref().and_then(|body| serde_json::from_slice(body).ok());
        Self {
            artifact_id: printed_id(record),
            asset_id: record.asset.map(AssetId),
            kind: kind.as_ref().map_or_else(|| format!("kind {}", record.kind), |kind| kind.name().to_owned()),
            schema_version: kind.map_or(0, |kind| kind.declaration.version),
            span_start_ms: record.span_ms.map(|span| span.0),
            span_end_ms: record.span_ms.map(|span| span.1),
            payload: payload.unwrap_or(Json::Null),
            blob: record.blob.as_ref().map(|blob| blob.sha256),
            blob_bytes: record.blob.as_ref().map(|blob| blob.bytes),
            blob_media_type: record.blob.as_ref().map(|blob| blob.media_type.clone()),
            content_hash: record.commitment,
        }
    }
}

/// Everything that `show` prints.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AssetView {
    /// The asset.
    pub asset_id: AssetId,
    /// Found from its first bytes.
    pub media_type: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// All its paths, past ones too.
    pub paths: Vec<PathView>,
    /// Present files that belong to it.
    pub companions: Vec<Companion>,
    /// What could not be decided about them.
    pub companion_warnings: Vec<String>,
    /// What was found in it, the newest run last.
    pub facts: Vec<FactView>,
    /// What was tried with it.
    pub units: Vec<UnitView>,
}

/// Shows an asset with its paths, facts and units. Partial results are results: whatever is committed is here, what sandbox runs found only
/// when it is asked for.
///
/// # Errors
/// When nothing, or more than one thing, starts like `text`.
pub fn show_asset(read: &Read<'_>, kinds: &Kinds, text: &str, sandboxes: bool) -> Result<AssetView, LookupError> {
    let asset = find_asset(read, text)?;
    let sources: BTreeMap<i64, sources::Source> =
        sources::all(read)?.into_iter().map(|source| (source.key, source)).collect();
    let paths = assets::paths_of(read, asset.key)?;
    let names = sources.iter().map(|(key, source)| (*key, source.name.clone())).collect();
    let companions = companions::of_asset(read, &asset, &paths, &names)?;
    let paths = paths.into_iter().map(|path| {
        let source = sources.get(&path.source);
        let scanned_us = source.and_then(|source| source.scanned_us);
        let last_seen_us = match path.state {
            PathState::Present => scanned_us.unwrap_or(path.last_seen_us).max(path.last_seen_us),
            PathState::Missing | PathState::Closed => path.last_seen_us,
        };
        PathView {
            source: source.map_or_else(String::new, |source| source.name.clone()),
            path: printable(&path.path),
            path_b64: base64_of(&path.path),
            state: path.state.as_str().into(),
            first_seen: Timestamp(path.first_seen_us),
            last_seen: Timestamp(last_seen_us),
        }
    });
    let paths = paths.collect();
    let found = units::of_asset(read, asset.key, UNITS_SHOWN_MAX)?;
    // A reused unit has no artifacts of its own; the unit that did the work has them, and is listed once.
    let runs = RunsOfUnits::read(read, &found)?;
    let counts = |unit: &&Unit| sandboxes || runs.counts(unit);
    let mut makers: Vec<i64> = found.iter().filter(counts).map(|unit| unit.reused_unit.unwrap_or(unit.key)).collect();
    makers.sort_unstable();
    makers.dedup();
    let mut living = records::of_units(read, &makers)?;
    living.retain(|record| record.body.is_some() && record.asset_key == Some(asset.key));
    living.extend(from_collections(read, kinds, asset.key, sandboxes, &living)?);
    let facts = living.iter().map(|record| FactView::new(record, kinds)).collect();
    let units = runs.views(&found);
    Ok(AssetView {
        asset_id: AssetId(asset.sha256),
        media_type: asset.media_type,
        size_bytes: asset.size_bytes,
        first_seen: Timestamp(asset.first_seen_us),
        paths,
        companions: companions.found,
        companion_warnings: companions.warnings,
        facts,
        units,
    })
}

/// What units over whole collections found about an asset: they are units of no asset in particular.
fn from_collections(
    read: &Read<'_>,
    kinds: &Kinds,
    asset: i64,
    sandboxes: bool,
    known: &[StoredRecord],
) -> Result<Vec<StoredRecord>, StoreError> {
    let mut found = Vec::new();
    for seq in exhibit_store::projection::about_asset(read, &kinds.every(), asset, UNITS_SHOWN_MAX)? {
        if known.iter().any(|record| record.seq == seq) {
            continue;
        }
        let Some(record) = records::at(read, seq)? else { continue };
        let run = record.run.map(|run| runs::by_id(read, RunId(run))).transpose()?.flatten();
        if run.is_some_and(|run| sandboxes || run.shown) {
            found.push(record);
        }
    }
    Ok(found)
}
