//! `ls`: assets with where they are and what their newest metadata says.

use exhibit_model::digest::Digest;
use exhibit_store::filter::facts_join;
use exhibit_store::{Backend, FromRow, Read, Row, Sql, StoreError, Value};

/// One line of the list.
#[derive(Debug, Clone)]
pub struct ListRow {
    /// Key of the asset.
    pub key: i64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Size in bytes.
    pub size_bytes: i64,
    /// What its first bytes say it is.
    pub media_type: String,
    /// Its first path, a present one if there is any.
    pub path: Option<Vec<u8>>,
    /// Key of the source of that path.
    pub source: Option<i64>,
    /// 0 present, 1 missing, 2 closed.
    pub path_state: Option<i64>,
    /// How many present paths it has.
    pub present: i64,
    /// Capture time in microseconds; floating local times as if they were UTC.
    pub captured_at: Option<i64>,
    /// Where the capture time comes from.
    pub captured_source: Option<String>,
    /// Camera.
    pub camera: Option<String>,
    /// Upright width and height in pixels.
    pub pixels: Option<(i64, i64)>,
    /// Duration in milliseconds.
    pub duration_ms: Option<i64>,
}

impl FromRow for ListRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let pixels = (row.get::<Option<i64>>(11)?, row.get::<Option<i64>>(12)?);
        Ok(Self {
            key: row.get(0)?,
            sha256: row.get(1)?,
            size_bytes: row.get(2)?,
            media_type: row.get(3)?,
            path: row.get(4)?,
            source: row.get(5)?,
            path_state: row.get(6)?,
            present: row.get(7)?,
            captured_at: row.get(8)?,
            captured_source: row.get(9)?,
            camera: row.get(10)?,
            pixels: pixels.0.zip(pixels.1),
            duration_ms: row.get(13)?,
        })
    }
}

const COLUMNS: &str = "select assets.asset, assets.sha256, assets.size_bytes, assets.media_type, paths.path_bytes, paths.source, \
     paths.state, (select count(*) from paths as present where present.asset = assets.asset and present.state = 0), \
     facts.captured_at, facts.captured_source, facts.camera_model, facts.oriented_width, facts.oriented_height, facts.duration_ms \
     from assets \
     left join paths on paths.path = (select first.path from paths as first where first.asset = assets.asset \
       order by first.state, first.path limit 1)";

/// Describes assets, in the order in which they were first seen. Their facts are the newest that count: those of production runs and of
/// promoted ones, as long as their bodies are there.
///
/// # Errors
/// When the database cannot be read.
pub fn list(read: &Read<'_>, assets: &[i64]) -> Result<Vec<ListRow>, StoreError> {
    // Uses the primary key of assets, paths_asset and proj_media__metadata_v1_asset.
    let facts = |backend| facts_join("proj_media__metadata_v1", backend);
    let order = "order by assets.asset";
    let (sqlite, postgres) = (facts(Backend::Sqlite), facts(Backend::Postgres));
    let sql = Sql {
        name: "asset_list",
        sqlite: format!("{COLUMNS} {sqlite} where assets.asset in (select value from json_each($1)) {order}").into(),
        postgres: format!("{COLUMNS} {postgres} where assets.asset = any($1::bigint[]) {order}").into(),
    };
    read.all(&sql, &[Value::List(assets.iter().map(|key| Value::Int(*key)).collect())])
}

const COUNTS: Sql = Sql::same(
    "asset_counts",
    "select case when media_type like 'image/%' then 'image' when media_type like 'video/%' then 'video' \
     when media_type like 'audio/%' then 'audio' else 'other' end as class, count(*), cast(sum(size_bytes) as bigint) \
     from assets where exists (select 1 from paths where paths.asset = assets.asset and paths.source = $1 and paths.state = 0) \
     group by 1 order by 1",
);

/// Present assets of a source by class: class, how many, bytes.
///
/// # Errors
/// When the database cannot be read.
pub fn counts(read: &Read<'_>, source: i64) -> Result<Vec<(String, i64, i64)>, StoreError> {
    read.all(&COUNTS, &[Value::Int(source)])
}

const RUN_OF_UNIT: Sql = Sql::same("run_of_unit", "select run from units where unit = $1");

/// Key of the run of a unit.
///
/// # Errors
/// When the database cannot be read.
pub fn run_of_unit(read: &Read<'_>, unit: i64) -> Result<Option<i64>, StoreError> {
    Ok(read.one::<(i64,)>(&RUN_OF_UNIT, &[Value::Int(unit)])?.map(|row| row.0))
}
