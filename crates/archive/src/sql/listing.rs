//! `ls`: assets with where they are and what their newest metadata says.

use exhibit_model::digest::Digest;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Value};

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// `image`, `video`, `audio` or `other`.
    pub class: Option<String>,
    /// Key of a source.
    pub source: Option<i64>,
    /// Only assets without (`true`) or with (`false`) a present path.
    pub missing: Option<bool>,
    /// Only assets with at least two present paths.
    pub duplicates: bool,
    /// After the asset with this key.
    pub after: i64,
    /// At most this many.
    pub limit: i64,
}

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

// Goes along the primary key of assets; the inner selects use paths_asset and proj_media__metadata_v1_asset.
const LIST: &str = "select assets.asset, assets.sha256, assets.size_bytes, assets.media_type, paths.path_bytes, paths.source, \
     paths.state, (select count(*) from paths as present where present.asset = assets.asset and present.state = 0), \
     facts.captured_at, facts.captured_source, facts.camera_model, facts.oriented_width, facts.oriented_height, facts.duration_ms \
     from assets \
     left join paths on paths.path = (select first.path from paths as first where first.asset = assets.asset \
       order by first.state, first.path limit 1) \
     left join proj_media__metadata_v1 as facts on facts.seq = (select max(newest.seq) from proj_media__metadata_v1 as newest \
       where newest.asset = assets.asset) \
     where assets.asset > $1 \
     and ($3 = '' or assets.media_type like $3 or ($3 = 'other' and assets.media_type not like 'image/%' \
       and assets.media_type not like 'video/%' and assets.media_type not like 'audio/%')) \
     and (cast($4 as bigint) = 0 or exists (select 1 from paths as own where own.asset = assets.asset \
       and own.source = $4 and own.state < 2)) \
     and (cast($5 as bigint) < 0 or $5 = case when exists (select 1 from paths as there where there.asset = assets.asset \
       and there.state = 0) then 0 else 1 end) \
     and (cast($6 as bigint) = 0 or (select count(*) from paths as copies where copies.asset = assets.asset \
       and copies.state = 0) > 1) \
     order by assets.asset limit $2";

const LIST_SQL: Sql = Sql::same("asset_list", LIST);

/// Lists assets in the order in which they were first seen.
///
/// # Errors
/// When the database cannot be read.
pub fn list(read: &Read<'_>, filter: &ListFilter) -> Result<Vec<ListRow>, StoreError> {
    let class = match filter.class.as_deref() {
        None => String::new(),
        Some("other") => "other".to_owned(),
        Some(class) => format!("{class}/%"),
    };
    let missing = filter.missing.map_or(-1, i64::from);
    read.all(
        &LIST_SQL,
        &[
            Value::Int(filter.after),
            Value::Int(filter.limit),
            Value::Text(class),
            Value::Int(filter.source.unwrap_or(0)),
            Value::Int(missing),
            Value::Int(i64::from(filter.duplicates)),
        ],
    )
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
