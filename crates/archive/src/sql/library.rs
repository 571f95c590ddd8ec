//! What the library needs of many assets at once: one statement for each kind of thing, never one for each asset.

use exhibit_model::digest::Digest;
use exhibit_store::filter::countable;
use exhibit_store::{Read, Sql, StoreError, Value};

/// An asset: key, SHA-256, media type, when it was first seen in microseconds.
pub type AssetRow = (i64, Digest, String, i64);

const ASSETS: Sql = Sql::same(
    "library_assets",
    "select asset, sha256, media_type, first_seen_us from assets where asset > $1 order by asset",
);
// Every path: asked once, and again when a scan ended.
const PRESENT: Sql = Sql::same(
    "library_present",
    "select asset, cast(min(mtime_ns) as bigint) from paths where state = 0 and asset > $1 group by asset",
);
const NEWEST: Sql = Sql::same(
    "library_newest",
    "select coalesce((select max(asset) from assets), 0), coalesce((select max(seq) from records), 0)",
);
const CHANGED_KIND: Sql = Sql::pair(
    "library_changed_kind",
    "select count(*) from records where seq > $1 and kind in (select value from json_each($2))",
    "select count(*) from records where seq > $1 and kind = any($2::bigint[])",
);

/// Key of the newest asset and place of the newest record.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(read: &Read<'_>) -> Result<(i64, i64), StoreError> {
    Ok(read.one(&NEWEST, &[])?.unwrap_or((0, 0)))
}

/// Assets with a key above `after`.
///
/// # Errors
/// When the database cannot be read.
pub fn assets(read: &Read<'_>, after: i64) -> Result<Vec<AssetRow>, StoreError> {
    read.all(&ASSETS, &[Value::Int(after)])
}

/// Assets with a key above `after` that have a present path, and the oldest modification time of these in nanoseconds.
///
/// # Errors
/// When the database cannot be read.
pub fn present(read: &Read<'_>, after: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    read.all(&PRESENT, &[Value::Int(after)])
}

/// How many records of these kinds lie after a place of the ledger.
///
/// # Errors
/// When the database cannot be read.
pub fn records_of_kinds(read: &Read<'_>, after: i64, kinds: &[i64]) -> Result<i64, StoreError> {
    let kinds = Value::List(kinds.iter().map(|kind| Value::Int(*kind)).collect());
    Ok(read.one::<(i64,)>(&CHANGED_KIND, &[Value::Int(after), kinds])?.map_or(0, |row| row.0))
}

fn facts(name: &'static str, columns: &str, table: &str, condition: &str) -> Sql {
    let from = countable(table, "near", &format!("near.seq > $1{condition}"));
    let text = format!("select near.asset, {columns} {from} order by near.seq");
    Sql { name, sqlite: text.clone().into(), postgres: text.into() }
}

/// Asset, capture time in microseconds, upright width and height, duration in milliseconds.
pub type MetadataRow = (i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// Metadata that counts, recorded after a place of the ledger; the newest of an asset comes last.
///
/// # Errors
/// When the database cannot be read.
pub fn metadata(read: &Read<'_>, after: i64) -> Result<Vec<MetadataRow>, StoreError> {
    let columns = "near.captured_at, near.oriented_width, near.oriented_height, near.duration_ms";
    read.all(&facts("library_metadata", columns, "proj_media__metadata_v1", ""), &[Value::Int(after)])
}

/// Thumbnails that count, recorded after a place: asset, average colour as `#rrggbb`, width, height.
///
/// # Errors
/// When the database cannot be read.
pub fn thumbnails(read: &Read<'_>, after: i64) -> Result<Vec<(i64, String, i64, i64)>, StoreError> {
    let columns = "near.average_colour, near.width, near.height";
    read.all(&facts("library_thumbnails", columns, "proj_image__thumbnail_v1", ""), &[Value::Int(after)])
}

/// Posters of videos that count, recorded after a place: asset, width, height.
///
/// # Errors
/// When the database cannot be read.
pub fn posters(read: &Read<'_>, after: i64) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    let sql =
        facts("library_posters", "near.width, near.height", "proj_video__keyframe_v1", " and near.role = 'poster'");
    read.all(&sql, &[Value::Int(after)])
}

/// Places in the ledger of the pictures that stand for an asset and count, newest first: place, unit, longer edge in pixels.
///
/// # Errors
/// When the database cannot be read.
pub fn pictures(read: &Read<'_>, asset: i64) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    let edge = "case when near.width > near.height then near.width else near.height end";
    let one = |name, table, more: &str| {
        let from = countable(table, "near", &format!("near.asset = $1{more}"));
        let text = format!("select near.seq, records.unit, {edge} {from} order by near.seq desc limit 16");
        Sql { name, sqlite: text.clone().into(), postgres: text.into() }
    };
    let thumbnails = one("asset_thumbnails", "proj_image__thumbnail_v1", "");
    let found = read.all(&thumbnails, &[Value::Int(asset)])?;
    if !found.is_empty() {
        return Ok(found);
    }
    read.all(&one("asset_posters", "proj_video__keyframe_v1", " and near.role = 'poster'"), &[Value::Int(asset)])
}
