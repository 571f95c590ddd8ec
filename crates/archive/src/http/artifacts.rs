//! Artifacts: from a fact down to the bytes, and the bytes themselves.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use exhibit_http::{ApiError, At, File, Json, Route, Scope, bytes, file};
use exhibit_model::digest::Digest;

use super::Api;
use crate::catalog::{LookupError, find_artifact};
use crate::explain::{Explanation, explain, lineage_document};

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let read = Scope::Read;
    vec![
        Route::get(
            "/v1/artifacts/{id}",
            ("explain_artifact", "From a fact down to the bytes, the tool, the version, the parameters and the ledger"),
            read,
            (show, api.clone()),
        )
        .answers::<Explanation>(200, "Why it is so")
        .fails(&[404]),
        Route::get(
            "/v1/artifacts/{id}/lineage",
            ("get_lineage", "The same as a W3C PROV-JSON document"),
            read,
            (lineage, api.clone()),
        )
        .bytes(200, "The document", "application/json")
        .empty(304, "It is as it was")
        .fails(&[404]),
        Route::get(
            "/v1/artifacts/{id}/blob",
            ("get_blob", "The bytes that belong to an artifact"),
            read,
            (blob, api.clone()),
        )
        .delivers("*/*")
        .fails(&[404]),
    ]
}

async fn show(State(api): State<Api>, At(id): At<String>) -> Result<Json<Explanation>, ApiError> {
    let kinds = Arc::clone(api.store().kinds());
    Ok(Json(api.read(move |read| explain(read, &kinds, &id)).await?))
}

async fn lineage(State(api): State<Api>, At(id): At<String>, wanted: HeaderMap) -> Result<Response, ApiError> {
    let kinds = Arc::clone(api.store().kinds());
    let document = api.read(move |read| lineage_document(read, &kinds, &id)).await?;
    let etag = Digest::of(&document).to_hex();
    Ok(bytes(&wanted, document, "application/json", &etag))
}

async fn blob(State(api): State<Api>, At(id): At<String>, wanted: HeaderMap) -> Result<Response, ApiError> {
    let store = api.store().clone();
    let name = id.clone();
    let found = api.read(move |read| {
        let (_, _, record) = find_artifact(read, &id)?;
        let erased = record.body.is_none();
        let Some(blob) = record.blob.filter(|_| !erased) else { return Ok::<_, LookupError>(None) };
        let opened = store.blobs().open_blob(blob.sha256)?;
        Ok(Some((blob, opened)))
    });
    let (blob, opened) = found
        .await?
        .ok_or_else(|| ApiError::not_found("no-blob", "no bytes belong to this artifact, or they had their time"))?;
    let ending = blob.media_type.rsplit('/').next().unwrap_or("bin").to_owned();
    Ok(file(
        &wanted,
        File {
            file: opened,
            length: blob.bytes,
            media_type: blob.media_type,
            etag: blob.sha256.to_hex(),
            immutable: true,
            name: Some(format!("{name}.{ending}")),
        },
    ))
}
