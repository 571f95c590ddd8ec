//! Files that share a name or a content identifier, with what their newest metadata says of it.

use exhibit_model::digest::Digest;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Value};

/// Assets with one content identifier that are listed; two share one, and copies are assets only when their bytes differ.
const SHARING_MAX: i64 = 64;

/// A present file and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Key of its asset.
    pub asset: i64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// What its first bytes say it is.
    pub media_type: String,
    /// Key of its source.
    pub source: i64,
    /// Raw bytes below the root of the source.
    pub path: Vec<u8>,
    /// What the parts of one exposure share, as its newest metadata says.
    pub content_identifier: Option<String>,
    /// For a sidecar: the ending of the file that it belongs to.
    pub sidecar_for_extension: Option<String>,
}

impl FromRow for Member {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            asset: row.get(0)?,
            sha256: row.get(1)?,
            media_type: row.get(2)?,
            source: row.get(3)?,
            path: row.get(4)?,
            content_identifier: row.get(5)?,
            sidecar_for_extension: row.get(6)?,
        })
    }
}

// Uses paths_open, for which it says `state < 2`, the primary key of assets and proj_media__metadata_v1_asset.
const BY_PATHS: Sql = Sql::pair(
    "companion_by_paths",
    "select assets.asset, assets.sha256, assets.media_type, paths.source, paths.path_bytes, facts.content_identifier, \
     facts.sidecar_for_extension from paths join assets on assets.asset = paths.asset \
     left join proj_media__metadata_v1 as facts on facts.seq = (select max(newest.seq) from proj_media__metadata_v1 as newest \
       where newest.asset = assets.asset) \
     where paths.source = $1 and paths.path_hash in (select unhex(value) from json_each($2)) and paths.state < 2 \
     and paths.state = 0 order by paths.path_bytes",
    "select assets.asset, assets.sha256, assets.media_type, paths.source, paths.path_bytes, facts.content_identifier, \
     facts.sidecar_for_extension from paths join assets on assets.asset = paths.asset \
     left join proj_media__metadata_v1 as facts on facts.seq = (select max(newest.seq) from proj_media__metadata_v1 as newest \
       where newest.asset = assets.asset) \
     where paths.source = $1 and paths.path_hash = any($2::bytea[]) and paths.state < 2 \
     and paths.state = 0 order by paths.path_bytes",
);

/// The present files of a source with these paths.
///
/// # Errors
/// When the database cannot be read.
pub fn by_paths(read: &Read<'_>, source: i64, paths: &[Vec<u8>]) -> Result<Vec<Member>, StoreError> {
    let hashes = paths.iter().map(|path| Value::from(Digest::of(path))).collect();
    read.all(&BY_PATHS, &[Value::Int(source), Value::List(hashes)])
}

const IDENTIFIER: Sql = Sql::same(
    "companion_identifier",
    // Uses proj_media__metadata_v1_asset.
    "select content_identifier from proj_media__metadata_v1 where asset = $1 order by seq desc limit 1",
);

/// The content identifier of an asset, as its newest metadata says.
///
/// # Errors
/// When the database cannot be read.
pub fn content_identifier(read: &Read<'_>, asset: i64) -> Result<Option<String>, StoreError> {
    Ok(read.one::<(Option<String>,)>(&IDENTIFIER, &[Value::Int(asset)])?.and_then(|row| row.0))
}

const SHARING: Sql = Sql::same(
    "companion_sharing",
    // Uses the index of the projection on content_identifier, then paths_asset.
    "select assets.asset, assets.sha256, assets.media_type, paths.source, paths.path_bytes, facts.content_identifier, \
     facts.sidecar_for_extension from proj_media__metadata_v1 as facts join assets on assets.asset = facts.asset \
     join paths on paths.path = (select first.path from paths as first where first.asset = assets.asset and first.state = 0 \
       order by first.path limit 1) \
     where facts.content_identifier = $1 and facts.asset <> $2 \
     and facts.seq = (select max(newest.seq) from proj_media__metadata_v1 as newest where newest.asset = facts.asset) \
     order by assets.asset limit $3",
);

/// Other assets with that content identifier, each with its first present path.
///
/// # Errors
/// When the database cannot be read.
pub fn by_content_identifier(read: &Read<'_>, identifier: &str, besides: i64) -> Result<Vec<Member>, StoreError> {
    read.all(&SHARING, &[Value::Text(identifier.to_owned()), Value::Int(besides), Value::Int(SHARING_MAX)])
}
