//! `POST /api/v3/ingest/session`.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use exhibit_http::{ApiError, Json, Route, Scope, Watch, unpacked};
use exhibit_store::StoreError;
use schemars::JsonSchema;
use serde::Serialize;

use super::Api;
use super::dialect::{INGEST, LegacyProblem};
use crate::contract::{BODY_BYTES_MAX, Document, Rejection, Version, decode_told};
use crate::ingest::{IngestError, Line, Receipt, ingest, ingest_lines};
use crate::record::API_FEED;

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let words =
        ("agentsIngestSession", "Takes in what is said about the session of an agent, in any version of the contract");
    let batch = ("agentsIngestBatch", "Takes in many documents, one a line; each is answered as if it had come alone");
    let watch = {
        let rejections = api.rejections();
        Watch::new(move |error| {
            if let Some(code) = code_of_unread(error) {
                rejections.count(code, None);
            }
        })
    };
    vec![
        Route::post("/v1/agents/ingest/batch", batch, Scope::Ingest, (take_batch, api.clone()))
            .body_bytes_max(BATCH_BYTES_MAX)
            .is_evidence()
            .watched(watch.clone())
            .takes_lines()
            .answers::<Batch>(200, "What became of each")
            .fails(&[415]),
        Route::post(INGEST, words, Scope::Ingest, (take, api.clone()))
            .body_bytes_max(BODY_BYTES_MAX)
            .takes_secret()
            .is_evidence()
            .watched(watch)
            .takes_json()
            .told_as::<LegacyProblem>()
            .answers::<Receipt>(200, "It is recorded, now or before")
            .fails(&[409, 415, 422]),
    ]
}

/// The word that counters use for a body that nobody read, as the answer names it; `None` where the body was not at fault.
fn code_of_unread(error: &ApiError) -> Option<&'static str> {
    match error.status().as_u16() {
        413 => Some(Rejection::TooLarge.code()),
        400 => Some(Rejection::NotJson.code()),
        408 | 415 => Some("VALIDATION_ERROR"),
        _ => None,
    }
}

/// Largest batch in bytes: some thousands of documents of the usual size.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What became of each document of a batch.
#[derive(Serialize, JsonSchema)]
struct Batch {
    /// One for each document, in their order.
    results: Vec<Line>,
}

async fn take_batch(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Result<Json<Batch>, ApiError> {
    let body = unpacked(&headers, body, BATCH_BYTES_MAX)?;
    let refused = |rejection: &Rejection, version: Option<Version>| {
        api.0.rejections.count(rejection.code(), version.map(Version::as_str));
    };
    let dropped = |document: &Document| api.0.rejections.drop_fields(document.dropped_fields);
    let results = ingest_lines(api.store(), &body, api.options(), refused, dropped).await.map_err(busy)?;
    api.0.options.commits.ingested();
    Ok(Json(Batch { results }))
}

async fn take(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Result<Response, ApiError> {
    let body = unpacked(&headers, body, BODY_BYTES_MAX)?;
    let (version, document) = decode_told(&body, api.options());
    let word = version.map(|version| version.as_str());
    let refused = |rejection: &Rejection| {
        api.0.rejections.count(rejection.code(), word);
        told(rejection)
    };
    let document = match document {
        Ok(document) => document,
        Err(rejection) => return Ok(refused(&rejection)),
    };
    api.0.rejections.drop_fields(document.dropped_fields);
    match ingest(api.store(), &document, API_FEED).await {
        Ok(receipt) => {
            if !receipt.idempotent_replay {
                api.0.options.commits.ingested();
            }
            Ok(Json(receipt).into_response())
        }
        Err(IngestError::Rejected(rejection)) => Ok(refused(&rejection)),
        Err(IngestError::Store(error)) => Err(busy(error)),
    }
}

/// A full device is for a client what a full queue is: to be tried again later.
pub(super) fn busy(error: StoreError) -> ApiError {
    match error {
        StoreError::NoSpace { .. } => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "there is no room left on the device of the database",
        ),
        other => other.into(),
    }
}

/// A refusal in its exact bytes.
fn told(rejection: &Rejection) -> Response {
    let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, [json], rejection.body()).into_response()
}
