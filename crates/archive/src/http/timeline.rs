//! The library in the order of time: months with their shapes, and what lies in a month.

use std::sync::Arc;

use axum::extract::State;
use exhibit_http::{ApiError, At, Json, Query, Route, Scope, limit};
use exhibit_model::ids::AssetId;
use exhibit_model::time::Timestamp;
use exhibit_store::filter::Filter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use crate::catalog::find_asset;
use crate::library::{Class, Entry, View};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TimelineQuery {
    /// Only what fulfils this filter; present assets, unless it says `is:`
    #[serde(default)]
    filter: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BucketQuery {
    /// The filter of the timeline
    #[serde(default)]
    filter: String,
    /// The version of the timeline that the caller has; the answer names the one that it is from
    #[expect(dead_code, reason = "another version is another address, so that nothing between mixes them up")]
    version: Option<String>,
    /// The first item, counted from 0
    #[serde(default)]
    from: u32,
    /// How many items
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NeighboursQuery {
    /// The filter of the timeline
    #[serde(default)]
    filter: String,
    /// The asset between them
    asset: String,
}

/// Everything that a filter shows, by month, newest first.
#[derive(Debug, Serialize, JsonSchema)]
struct Timeline {
    /// Another text when the order or a shape is another.
    version: String,
    /// Assets in all.
    total: u64,
    /// Its months.
    buckets: Vec<TimelineBucket>,
}

/// A month.
#[derive(Debug, Serialize, JsonSchema)]
struct TimelineBucket {
    /// `2019-07`
    bucket: String,
    /// Assets in it.
    count: u64,
    /// Width by height of each, upright, in hundredths.
    ratios: Vec<u16>,
}

/// Some assets of a month, newest first.
#[derive(Debug, Serialize, JsonSchema)]
struct BucketItems {
    /// The version of the timeline that they belong to.
    version: String,
    /// The assets.
    items: Vec<TimelineItem>,
}

/// What the grid shows of an asset.
#[derive(Debug, Serialize, JsonSchema)]
struct TimelineItem {
    /// The asset.
    asset_id: AssetId,
    /// What it is.
    class: Class,
    /// Found from its first bytes.
    media_type: String,
    /// When it was taken; else when its file was changed; else when it was first seen. Local times without an offset as if they were UTC.
    at: Timestamp,
    /// Width by height, upright, in hundredths.
    ratio: u16,
    /// Mean colour of its thumbnail, as `#rrggbb`.
    colour: Option<String>,
    /// Duration in milliseconds.
    duration_ms: Option<i64>,
    /// Whether there is a picture of it.
    thumbnail: bool,
}

/// Where an asset stands in the timeline.
#[derive(Debug, Serialize, JsonSchema)]
struct Neighbours {
    /// The newer one.
    previous: Option<AssetId>,
    /// The older one.
    next: Option<AssetId>,
    /// Its place, from 0.
    index: u64,
    /// Assets in all.
    total: u64,
    /// Its month.
    bucket: String,
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let read = Scope::Read;
    vec![
        Route::get(
            "/v1/timeline",
            ("get_timeline", "Assets by month, newest first, with their shapes"),
            read,
            (timeline, api.clone()),
        )
        .query::<TimelineQuery>()
        .answers::<Timeline>(200, "The months"),
        Route::get(
            "/v1/timeline/neighbours",
            ("get_neighbours", "What stands beside an asset in the timeline"),
            read,
            (neighbours, api.clone()),
        )
        .query::<NeighboursQuery>()
        .answers::<Neighbours>(200, "Its place")
        .fails(&[404]),
        Route::get("/v1/timeline/{bucket}", ("get_bucket", "Assets of a month"), read, (bucket, api.clone()))
            .query::<BucketQuery>()
            .answers::<BucketItems>(200, "The assets")
            .fails(&[404]),
    ]
}

async fn view(api: &Api, filter: &str) -> Result<Arc<View>, ApiError> {
    Ok(api.0.library.view(Filter::parse(filter.as_bytes())?).await?)
}

async fn timeline(State(api): State<Api>, Query(asked): Query<TimelineQuery>) -> Result<Json<Timeline>, ApiError> {
    let view = view(&api, &asked.filter).await?;
    let buckets = view.buckets.iter().map(|bucket| TimelineBucket {
        bucket: bucket.name.clone(),
        count: bucket.count as u64,
        ratios: view.ratios(bucket),
    });
    Ok(Json(Timeline { version: view.version.clone(), total: view.len() as u64, buckets: buckets.collect() }))
}

async fn bucket(
    State(api): State<Api>,
    At(name): At<String>,
    Query(asked): Query<BucketQuery>,
) -> Result<Json<BucketItems>, ApiError> {
    let limit = limit(asked.limit, 500)?;
    let view = view(&api, &asked.filter).await?;
    let bucket = view.bucket(&name).ok_or_else(|| {
        ApiError::not_found("no-such-bucket", "nothing of this month is in the timeline; load it anew")
    })?;
    let first = bucket.start + (asked.from as usize).min(bucket.count);
    let end = (bucket.start + bucket.count).min(first.saturating_add(limit));
    let items = (first..end).filter_map(|place| view.get(place)).map(|entry| item(&view, entry)).collect();
    Ok(Json(BucketItems { version: view.version.clone(), items }))
}

fn item(view: &View, entry: &Entry) -> TimelineItem {
    TimelineItem {
        asset_id: AssetId(entry.sha256),
        class: entry.class,
        media_type: view.media_type(entry).to_owned(),
        at: Timestamp(entry.at_us),
        ratio: entry.ratio,
        colour: entry.colour.map(|[red, green, blue]| format!("#{red:02x}{green:02x}{blue:02x}")),
        duration_ms: entry.duration_ms,
        thumbnail: entry.has_picture,
    }
}

async fn neighbours(
    State(api): State<Api>,
    Query(asked): Query<NeighboursQuery>,
) -> Result<Json<Neighbours>, ApiError> {
    let view = view(&api, &asked.filter).await?;
    let id = asked.asset;
    let asset = api.read(move |read| find_asset(read, &id)).await?;
    let place = view
        .place_of(asset.sha256)
        .ok_or_else(|| ApiError::not_found("not-in-timeline", "the asset is not among what this filter shows"))?;
    let id_at = |place: usize| view.get(place).map(|entry| AssetId(entry.sha256));
    Ok(Json(Neighbours {
        previous: place.checked_sub(1).and_then(id_at),
        next: id_at(place + 1),
        index: place as u64,
        total: view.len() as u64,
        bucket: view.bucket_at(place).map_or_else(String::new, |bucket| bucket.name.clone()),
    }))
}
