//! Assets: lists, one of them, its original, its picture.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use exhibit_http::{ApiError, At, Cursor, File, Json, Page, Query, Route, Scope, file, limit};
use exhibit_store::filter::{Filter, bind};
use exhibit_store::sql::records;
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use super::originals::open_original;
use crate::catalog::{AssetLine, AssetView, find_asset, show_asset, source_names};
use crate::sql::{library, listing};

const OF: &str = "assets";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Only what fulfils this filter; the filter language is described in docs/reference/filters.md
    #[serde(default)]
    filter: String,
    /// Items of a page
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// `next` of the page before
    cursor: Option<String>,
    /// Begin after this asset, by its id or any unambiguous beginning of it; not together with `cursor`
    after: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShowQuery {
    /// Facts of sandbox runs that do not count, too
    #[serde(default)]
    sandboxes: bool,
}

/// Larger than any thumbnail; who wants more takes the original.
const EDGE_MAX: u32 = 4096;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PictureQuery {
    /// How long the longer edge should be at least, in pixels
    #[schemars(range(min = 1, max = EDGE_MAX))]
    edge: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FilterQuery {
    /// The filter
    text: String,
}

/// A filter that is understood.
#[derive(Debug, Serialize, JsonSchema)]
struct FilterAnswer {
    /// As it was given.
    text: String,
    /// How many assets fulfil it, missing ones included.
    matches: u64,
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let read = Scope::Read;
    vec![
        Route::get(
            "/v1/assets",
            ("list_assets", "Assets, in the order in which they were first seen"),
            read,
            (list, api.clone()),
        )
        .query::<ListQuery>()
        .answers::<Page<AssetLine>>(200, "A page")
        .fails(&[404]),
        Route::get(
            "/v1/filters",
            ("check_filter", "Whether a filter is understood, and how much fulfils it"),
            read,
            (check, api.clone()),
        )
        .query::<FilterQuery>()
        .answers::<FilterAnswer>(200, "It is understood"),
        Route::get(
            "/v1/assets/{id}",
            ("show_asset", "One asset: paths, facts, what was tried"),
            read,
            (show, api.clone()),
        )
        .query::<ShowQuery>()
        .answers::<AssetView>(200, "The asset")
        .fails(&[404]),
        Route::get(
            "/v1/assets/{id}/original",
            ("get_original", "The bytes of the original"),
            read,
            (original, api.clone()),
        )
        .delivers("*/*")
        .fails(&[404]),
        Route::get(
            "/v1/assets/{id}/thumbnail",
            ("get_thumbnail", "A picture that stands for the asset"),
            read,
            (thumbnail, api.clone()),
        )
        .query::<PictureQuery>()
        .delivers("image/*")
        .fails(&[404]),
    ]
}

async fn list(State(api): State<Api>, Query(asked): Query<ListQuery>) -> Result<Json<Page<AssetLine>>, ApiError> {
    let filter = Filter::parse(asked.filter.as_bytes())?;
    let limit = limit(asked.limit, 100)?;
    let place = Cursor::parse(asked.cursor.as_deref(), OF)?;
    if place.is_some() && asked.after.is_some() {
        let message = "either a cursor or an asset says where the list goes on";
        return Err(ApiError::bad("query-invalid", "the query string is not understood: after").at(
            "/after",
            "query-invalid",
            message,
        ));
    }
    let kinds = Arc::clone(api.store().kinds());
    let lines = api
        .read(move |read| {
            let after = match &asked.after {
                Some(text) => find_asset(read, text)?.key,
                None => place.map_or(0, |cursor| cursor.0),
            };
            let keys = bind(read, &kinds, &filter)?.page(read, after, limit + 1)?;
            let names = source_names(read)?;
            let rows = listing::list(read, &keys)?;
            Ok::<_, ApiError>(rows.into_iter().map(|row| AssetLine::new(row, &names)).collect::<Vec<_>>())
        })
        .await?;
    Ok(Json(Page::cut(lines, limit, OF, |line| line.key)))
}

async fn check(State(api): State<Api>, Query(asked): Query<FilterQuery>) -> Result<Json<FilterAnswer>, ApiError> {
    let filter = Filter::parse(asked.text.as_bytes())?;
    let kinds = Arc::clone(api.store().kinds());
    let found = api.read(move |read| Ok::<_, ApiError>(bind(read, &kinds, &filter)?.every(read)?.len())).await?;
    Ok(Json(FilterAnswer { text: asked.text, matches: found as u64 }))
}

async fn show(
    State(api): State<Api>,
    At(id): At<String>,
    Query(asked): Query<ShowQuery>,
) -> Result<Json<AssetView>, ApiError> {
    let kinds = Arc::clone(api.store().kinds());
    Ok(Json(api.read(move |read| show_asset(read, &kinds, &id, asked.sandboxes)).await?))
}

async fn original(State(api): State<Api>, At(id): At<String>, wanted: HeaderMap) -> Result<Response, ApiError> {
    let found = open_original(api.store(), id).await?;
    Ok(file(&wanted, found))
}

async fn thumbnail(
    State(api): State<Api>,
    At(id): At<String>,
    Query(asked): Query<PictureQuery>,
    wanted: HeaderMap,
) -> Result<Response, ApiError> {
    let edge = edge(asked.edge)?;
    let blobs = api.store().clone();
    let found = api
        .read(move |read| {
            let blob = picture(read, &id, edge)?;
            let opened = blobs.blobs().open_blob(blob.sha256).map_err(ApiError::from)?;
            Ok::<_, ApiError>((blob, opened))
        })
        .await?;
    let (blob, opened) = found;
    Ok(file(
        &wanted,
        File {
            file: opened,
            length: blob.bytes,
            media_type: blob.media_type,
            etag: blob.sha256.to_hex(),
            immutable: false,
            name: None,
        },
    ))
}

/// The edge that is asked for.
fn edge(asked: Option<u32>) -> Result<i64, ApiError> {
    let edge = asked.unwrap_or(256);
    if (1..=EDGE_MAX).contains(&edge) {
        return Ok(i64::from(edge));
    }
    Err(ApiError::bad("query-invalid", "the query string is not understood: edge").at(
        "/edge",
        "out-of-range",
        format!("an edge has 1 to {EDGE_MAX} pixels"),
    ))
}

/// The smallest picture of the newest unit that is large enough, else its largest.
fn picture(read: &Read<'_>, id: &str, edge: i64) -> Result<exhibit_store::StoredBlob, ApiError> {
    let asset = find_asset(read, id)?;
    let none = || {
        ApiError::not_found("no-thumbnail", "no picture stands for this asset yet")
            .hint("run the pipeline `basics` over it")
    };
    let pictures = library::pictures(read, asset.key)?;
    let unit = pictures.first().ok_or_else(none)?.1;
    let own = || pictures.iter().filter(|picture| picture.1 == unit);
    let large = own().filter(|picture| picture.2 >= edge).min_by_key(|picture| picture.2);
    let chosen = large.or_else(|| own().max_by_key(|picture| picture.2)).ok_or_else(none)?;
    let record = records::at(read, chosen.0)?.ok_or_else(none)?;
    record.blob.ok_or_else(|| StoreError::Unexpected(format!("the picture at {} has no blob", chosen.0)).into())
}
