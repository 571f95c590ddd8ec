//! Assets and their paths over time, and what a scan could not take in.

use std::collections::HashMap;

use exhibit_model::digest::Digest;

use crate::error::StoreError;
use crate::session::{Read, Tx};
use crate::value::{FromRow, Row, Sql, Value};
use crate::{params, values};

/// Whether the file is where the path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathState {
    /// It was there at the last scan.
    Present,
    /// It was not there at the last scan.
    Missing,
    /// Other bytes are there now; this row is history.
    Closed,
}

impl PathState {
    /// The number that the database holds.
    pub fn code(self) -> i64 {
        match self {
            Self::Present => 0,
            Self::Missing => 1,
            Self::Closed => 2,
        }
    }

    /// Reads the number that the database holds.
    pub fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Present),
            1 => Some(Self::Missing),
            2 => Some(Self::Closed),
            _ => None,
        }
    }

    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Closed => "closed",
        }
    }
}

/// What the file system says about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Size in bytes.
    pub size_bytes: i64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Device number.
    pub device: i64,
    /// Inode number.
    pub inode: i64,
}

/// One path of an asset.
#[derive(Debug, Clone)]
pub struct AssetPath {
    /// Key in the database.
    pub key: i64,
    /// Key of the source.
    pub source: i64,
    /// Key of the asset.
    pub asset: i64,
    /// Raw bytes below the root of the source.
    pub path: Vec<u8>,
    /// What the file system said when the bytes were read.
    pub stat: FileStat,
    /// When it was first seen, microseconds UTC.
    pub first_seen_us: i64,
    /// When it was last seen; for present paths the last scan of the source counts.
    pub last_seen_us: i64,
    /// Whether it is there.
    pub state: PathState,
}

impl FromRow for AssetPath {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let state: i64 = row.get(10)?;
        Ok(Self {
            key: row.get(0)?,
            source: row.get(1)?,
            asset: row.get(2)?,
            path: row.get(3)?,
            stat: FileStat { size_bytes: row.get(4)?, mtime_ns: row.get(5)?, device: row.get(6)?, inode: row.get(7)? },
            first_seen_us: row.get(8)?,
            last_seen_us: row.get(9)?,
            state: PathState::from_code(state).ok_or_else(|| StoreError::Unexpected(format!("path state {state}")))?,
        })
    }
}

/// What a scan has to know of a path that it may find again.
#[derive(Debug, Clone, Copy)]
pub struct KnownPath {
    /// Key in the database.
    pub key: i64,
    /// Key of the asset.
    pub asset: i64,
    /// What the file system said when the bytes were read.
    pub stat: FileStat,
    /// Whether it is there.
    pub state: PathState,
}

impl FromRow for KnownPath {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let state: i64 = row.get(6)?;
        Ok(Self {
            key: row.get(0)?,
            asset: row.get(1)?,
            stat: FileStat { size_bytes: row.get(2)?, mtime_ns: row.get(3)?, device: row.get(4)?, inode: row.get(5)? },
            state: PathState::from_code(state).ok_or_else(|| StoreError::Unexpected(format!("path state {state}")))?,
        })
    }
}

/// One original.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Key in the database.
    pub key: i64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Size in bytes.
    pub size_bytes: i64,
    /// What its first bytes say it is.
    pub media_type: String,
    /// When it was first seen, microseconds UTC.
    pub first_seen_us: i64,
}

impl FromRow for Asset {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            key: row.get(0)?,
            sha256: row.get(1)?,
            size_bytes: row.get(2)?,
            media_type: row.get(3)?,
            first_seen_us: row.get(4)?,
        })
    }
}

const PATH_COLUMNS: &str = "select path, source, asset, path_bytes, size_bytes, mtime_ns, device, inode, first_seen_us, \
     last_seen_us, state from paths";
const ASSET_COLUMNS: &str = "select asset, sha256, size_bytes, media_type, first_seen_us from assets";

fn select(name: &'static str, columns: &str, rest: &str) -> Sql {
    let text = format!("{columns} {rest}");
    Sql { name, sqlite: text.clone().into(), postgres: text.into() }
}

/// Visits the paths of a source that are not history: key, path hash, asset, stat, state.
///
/// # Errors
/// When the database cannot be read, or with the error of `visit`.
pub fn each_open_path(
    read: &Read<'_>,
    source: i64,
    visit: &mut dyn FnMut(Digest, AssetPath) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    const OPEN: &str = "select path, source, asset, path_bytes, size_bytes, mtime_ns, device, inode, first_seen_us, \
         last_seen_us, state, path_hash from paths where source = $1 and state < 2";
    read.each(&Sql::same("path_open", OPEN), params![source], &mut |row| visit(row.get(11)?, AssetPath::from_row(row)?))
}

const KNOWN_PLACES: Sql = Sql::same(
    "path_known_places",
    "select coalesce(min(path), 0), coalesce(max(path), -1), count(*) from paths where source = $1 and state < 2",
);
// By place in the table, not by the index, whose order is that of digests: each row would be another page. The sign keeps SQLite from it.
const KNOWN: Sql = Sql::same(
    "path_known",
    "select path, asset, size_bytes, mtime_ns, device, inode, state, path_hash from paths \
     where path >= $2 and path <= $3 and +source = $1 and state < 2",
);

/// Every open path of a source, under the digest of its bytes.
///
/// # Errors
/// When the database cannot be read.
pub fn known_paths(read: &Read<'_>, source: i64) -> Result<HashMap<Digest, KnownPath>, StoreError> {
    let places = read.one::<(i64, i64, i64)>(&KNOWN_PLACES, params![source])?;
    let (first, last, count) = places.unwrap_or((0, -1, 0));
    let mut known = HashMap::with_capacity(usize::try_from(count).unwrap_or(0));
    read.each(&KNOWN, params![source, first, last], &mut |row| {
        known.insert(row.get(7)?, KnownPath::from_row(row)?);
        Ok(())
    })?;
    Ok(known)
}

/// The asset with those bytes.
///
/// # Errors
/// When the database cannot be read.
pub fn by_sha256(read: &Read<'_>, sha256: Digest) -> Result<Option<Asset>, StoreError> {
    read.one(&select("asset_by_sha", ASSET_COLUMNS, "where sha256 = $1"), params![sha256])
}

/// The asset with that key.
///
/// # Errors
/// When the database cannot be read.
pub fn by_key(read: &Read<'_>, key: i64) -> Result<Option<Asset>, StoreError> {
    read.one(&select("asset_by_key", ASSET_COLUMNS, "where asset = $1"), params![key])
}

/// The assets with those keys, by key.
///
/// # Errors
/// When the database cannot be read.
pub fn by_keys(read: &Read<'_>, keys: &[i64]) -> Result<Vec<Asset>, StoreError> {
    let list = Value::List(keys.iter().map(|key| Value::Int(*key)).collect());
    let sql = Sql {
        name: "assets_by_keys",
        sqlite: format!("{ASSET_COLUMNS} where asset in (select value from json_each($1)) order by asset").into(),
        postgres: format!("{ASSET_COLUMNS} where asset = any($1::bigint[]) order by asset").into(),
    };
    read.all(&sql, &[list])
}

/// Assets whose SHA-256 lies between two digests, at most two of them: enough to tell a prefix that is not unique.
///
/// # Errors
/// When the database cannot be read.
pub fn between(read: &Read<'_>, low: Digest, high: Digest) -> Result<Vec<Asset>, StoreError> {
    let rest = "where sha256 >= $1 and sha256 <= $2 order by sha256 limit 2";
    read.all(&select("asset_between", ASSET_COLUMNS, rest), params![low, high])
}

/// All paths of an asset, past ones too. Uses the index paths_asset.
///
/// # Errors
/// When the database cannot be read.
pub fn paths_of(read: &Read<'_>, asset: i64) -> Result<Vec<AssetPath>, StoreError> {
    read.all(&select("paths_of_asset", PATH_COLUMNS, "where asset = $1 order by path"), params![asset])
}

/// One present path for each of some assets: the first that was seen. Uses the index paths_asset.
///
/// # Errors
/// When the database cannot be read.
pub fn present_paths(read: &Read<'_>, assets: &[i64]) -> Result<Vec<AssetPath>, StoreError> {
    let list = Value::List(assets.iter().map(|asset| Value::Int(*asset)).collect());
    let rest = "and state = 0 order by asset, path";
    let sql = Sql {
        name: "paths_present",
        sqlite: format!("{PATH_COLUMNS} where asset in (select value from json_each($1)) {rest}").into(),
        postgres: format!("{PATH_COLUMNS} where asset = any($1::bigint[]) {rest}").into(),
    };
    let mut paths: Vec<AssetPath> = read.all(&sql, &[list])?;
    paths.dedup_by_key(|path| path.asset);
    Ok(paths)
}

// Uses paths_asset.
const EACH_PATH_OF: Sql = Sql::pair(
    "paths_each_of",
    "select asset, path_bytes from paths where asset in (select value from json_each($1)) and state < 2",
    "select asset, path_bytes from paths where asset = any($1::bigint[]) and state < 2",
);

/// Calls `visit` with asset and raw bytes for each present or missing path of these assets, in no order.
///
/// # Errors
/// When the database cannot be read.
pub fn each_path_of(read: &Read<'_>, assets: &[i64], visit: &mut dyn FnMut(i64, &[u8])) -> Result<(), StoreError> {
    let list = Value::List(assets.iter().map(|key| Value::Int(*key)).collect());
    read.each(&EACH_PATH_OF, &[list], &mut |row| {
        visit(row.get(0)?, &row.get::<Vec<u8>>(1)?);
        Ok(())
    })
}

/// A file that a scan has read.
#[derive(Debug, Clone)]
pub struct ScannedFile {
    /// Raw bytes below the root of the source.
    pub path: Vec<u8>,
    /// What the file system said before and after reading.
    pub stat: FileStat,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// What the first bytes say it is.
    pub media_type: &'static str,
}

const INSERT_ASSET: Sql = Sql::pair(
    "asset_insert",
    "insert into assets (sha256, size_bytes, media_type, first_seen_us, asset) \
     values ($1, $2, $3, $4, (select coalesce(max(asset), 0) + 1 from assets)) on conflict do nothing",
    "insert into assets (sha256, size_bytes, media_type, first_seen_us, asset) \
     select sha256, size_bytes, media_type, first_seen_us, \
     (select coalesce(max(asset), 0) from assets) + row_number() over (order by place) \
     from (select distinct on (sha256) * from unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[]) \
     with ordinality as given (sha256, size_bytes, media_type, first_seen_us, place) order by sha256, place) as new \
     where not exists (select 1 from assets as old where old.sha256 = new.sha256)",
);
// Uses the index paths_open.
const CLOSE_PATH: Sql = Sql::pair(
    "path_close",
    "update paths set state = 2, last_seen_us = $4 where source = $1 and path_hash = $2 and state < 2 \
     and asset <> (select asset from assets where sha256 = $3)",
    "update paths set state = 2, last_seen_us = given.at_us \
     from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[]) as given (source, path_hash, sha256, at_us) \
     where paths.source = given.source and paths.path_hash = given.path_hash and paths.state < 2 \
     and paths.asset <> (select asset from assets where sha256 = given.sha256)",
);
const UPSERT_PATH: Sql = Sql::pair(
    "path_upsert",
    "insert into paths (source, path_hash, asset, path_bytes, size_bytes, mtime_ns, device, inode, first_seen_us, last_seen_us, \
     state, path) values ($1, $2, (select asset from assets where sha256 = $3), $4, $5, $6, $7, $8, $9, $9, 0, \
     (select coalesce(max(path), 0) + 1 from paths)) \
     on conflict (source, path_hash) where state < 2 do update set size_bytes = excluded.size_bytes, \
     mtime_ns = excluded.mtime_ns, device = excluded.device, inode = excluded.inode, last_seen_us = excluded.last_seen_us, state = 0 \
     where paths.asset = excluded.asset",
    "insert into paths (source, path_hash, asset, path_bytes, size_bytes, mtime_ns, device, inode, first_seen_us, last_seen_us, \
     state, path) select given.source, given.path_hash, assets.asset, given.path_bytes, given.size_bytes, given.mtime_ns, \
     given.device, given.inode, given.at_us, given.at_us, 0, \
     (select coalesce(max(path), 0) from paths) + row_number() over (order by place) \
     from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], \
     $9::bigint[]) with ordinality as given (source, path_hash, sha256, path_bytes, size_bytes, mtime_ns, device, inode, at_us, place) \
     join assets on assets.sha256 = given.sha256 \
     on conflict (source, path_hash) where state < 2 do update set size_bytes = excluded.size_bytes, \
     mtime_ns = excluded.mtime_ns, device = excluded.device, inode = excluded.inode, last_seen_us = excluded.last_seen_us, state = 0 \
     where paths.asset = excluded.asset",
);

/// Takes in files that a scan has read: new assets, new paths, changed bytes (the old path row becomes history), touched files.
/// Paths of one call differ. Returns how many assets are new.
///
/// # Errors
/// When the database cannot be written.
pub fn record_files(tx: &mut Tx<'_>, source: i64, files: &[ScannedFile], now_us: i64) -> Result<u64, StoreError> {
    let assets: Vec<Vec<Value>> =
        files.iter().map(|file| values![file.sha256, file.stat.size_bytes, file.media_type, now_us]).collect();
    let new_assets = tx.execute_many(&INSERT_ASSET, &assets)?;
    let hash = |file: &ScannedFile| Digest::of(&file.path);
    let paths: Vec<Vec<Value>> = files
        .iter()
        .map(|file| {
            let FileStat { size_bytes, mtime_ns, device, inode } = file.stat;
            values![source, hash(file), file.sha256, file.path.as_slice(), size_bytes, mtime_ns, device, inode, now_us]
        })
        .collect();
    if tx.execute_many(&UPSERT_PATH, &paths)? < paths.len() as u64 {
        // Some path has other bytes now: its row becomes history, and all are taken in once more, which changes nothing for the rest.
        let closed: Vec<Vec<Value>> =
            files.iter().map(|file| values![source, hash(file), file.sha256, now_us]).collect();
        tx.execute_many(&CLOSE_PATH, &closed)?;
        tx.execute_many(&UPSERT_PATH, &paths)?;
    }
    Ok(new_assets)
}

const SET_STATE: Sql = Sql::pair(
    "path_state",
    "update paths set state = $2, last_seen_us = $3 where path = $1 and state < 2",
    "update paths set state = given.state, last_seen_us = given.at_us \
     from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as given (path, state, at_us) \
     where paths.path = given.path and paths.state < 2",
);

/// Marks paths as present or missing, by key, with the time at which they were last seen.
///
/// # Errors
/// When the database cannot be written.
pub fn set_path_states(tx: &mut Tx<'_>, paths: &[i64], state: PathState, at_us: i64) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = paths.iter().map(|path| values![*path, state.code(), at_us]).collect();
    tx.execute_many(&SET_STATE, &rows)
}

/// Something in a source that is not a cataloged file, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathOutcome {
    /// Raw bytes below the root.
    pub path: Vec<u8>,
    /// A word: `symlink`, `fifo`, `unreadable`, `unstable`, …
    pub code: String,
    /// For people.
    pub detail: String,
}

const CLEAR_OUTCOMES: Sql = Sql::same("outcome_clear", "delete from path_outcomes where source = $1 and seen_us < $2");
const UPSERT_OUTCOME: Sql = Sql::pair(
    "outcome_upsert",
    "insert into path_outcomes (source, path_hash, path_bytes, code, detail, seen_us) values ($1, $2, $3, $4, $5, $6) \
     on conflict (source, path_hash) do update set code = excluded.code, detail = excluded.detail, seen_us = excluded.seen_us",
    "insert into path_outcomes (source, path_hash, path_bytes, code, detail, seen_us) \
     select * from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::bigint[]) \
     on conflict (source, path_hash) do update set code = excluded.code, detail = excluded.detail, seen_us = excluded.seen_us",
);
const OUTCOMES: Sql = Sql::same(
    "outcome_list",
    "select path_bytes, code, detail from path_outcomes where source = $1 and path_bytes > $2 order by path_bytes limit $3",
);

/// Notes what a scan could not take in.
///
/// # Errors
/// When the database cannot be written.
pub fn record_outcomes(tx: &mut Tx<'_>, source: i64, outcomes: &[PathOutcome], now_us: i64) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = outcomes
        .iter()
        .map(|outcome| {
            let (path, code, detail) = (outcome.path.as_slice(), outcome.code.as_str(), outcome.detail.as_str());
            values![source, Digest::of(path), path, code, detail, now_us]
        })
        .collect();
    tx.execute_many(&UPSERT_OUTCOME, &rows).map(|_| ())
}

/// Forgets outcomes that the scan which began at `started_us` did not see again.
///
/// # Errors
/// When the database cannot be written.
pub fn clear_outcomes(tx: &mut Tx<'_>, source: i64, started_us: i64) -> Result<u64, StoreError> {
    tx.execute(&CLEAR_OUTCOMES, params![source, started_us])
}

/// What the last scan of a source could not take in, by path, after the path `after`, at most `limit` of it.
///
/// # Errors
/// When the database cannot be read.
pub fn outcomes(read: &Read<'_>, source: i64, after: &[u8], limit: i64) -> Result<Vec<PathOutcome>, StoreError> {
    let mut list = Vec::new();
    read.each(&OUTCOMES, params![source, after, limit], &mut |row| {
        list.push(PathOutcome { path: row.get(0)?, code: row.get(1)?, detail: row.get(2)? });
        Ok(())
    })?;
    Ok(list)
}
