//! For those who run it: is it alive, is it ready, what does it count, what can it do.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use exhibit_http::{Access, ApiError, Json, Route, Scope, bytes};
use exhibit_store::sql::summary;
use schemars::JsonSchema;
use serde::Serialize;

use crate::metrics::Gauges;
use crate::shared::{Reason, Shared};

/// How long the database may take to answer before it counts as unreachable.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Whether the process lives.
#[derive(Serialize, JsonSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether requests are answered.
#[derive(Serialize, JsonSchema)]
pub struct Readiness {
    /// `ready` or `not_ready`.
    status: &'static str,
    /// Why not: `starting`, `stopping`, or what has to be mended, such as `db_unreachable`, `db_newer` or `config_invalid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The document as it is sent, and its tag. It is made of all routes, this one included, so it comes when they are there.
pub(crate) type Document = Arc<OnceLock<(Vec<u8>, String)>>;

pub(crate) fn routes(shared: &Arc<Shared>, document: Document) -> Vec<Route> {
    let get = || (Method::GET, MethodFilter::GET);
    let words = ("healthz", "Whether the process lives; says nothing about the database");
    let health = Route::new(get(), "/healthz", words, Access::Open, (health, ()));
    let words = ("readyz", "Whether requests are answered");
    let ready = Route::new(get(), "/readyz", words, Access::Open, (ready, Arc::clone(shared)));
    let words = ("metrics", "Numbers for Prometheus");
    let metrics = Route::get("/metrics", words, Scope::Read, (metrics, Arc::clone(shared)));
    let words = ("openapi", "This document");
    let openapi = Route::new(get(), "/openapi.json", words, Access::Open, (openapi, document));
    vec![
        health.answers::<Health>(200, "It lives"),
        ready.answers::<Readiness>(200, "Ready").answers::<Readiness>(503, "Not ready, and why"),
        metrics.bytes(200, "The numbers", "text/plain"),
        openapi.bytes(200, "The document", "application/json"),
    ]
}

pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let asked = async { shared.store()?.read(summary::answers).await.map_err(ApiError::internal) };
    match tokio::time::timeout(ANSWER_LIMIT, asked).await {
        Ok(Ok(())) => Json(Readiness { status: "ready", reason: None }).into_response(),
        Ok(Err(_)) | Err(_) => says_not_ready(Reason::DbUnreachable),
    }
}

pub(crate) fn says_not_ready(reason: Reason) -> Response {
    let body = Json(Readiness { status: "not_ready", reason: Some(reason.as_str()) });
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], body).into_response()
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, ApiError> {
    let found = shared.store()?.read(summary::summary).await?;
    let gauges = Gauges {
        version: shared.version,
        requests: shared.limits.requests - shared.requests.available_permits(),
        streams: shared.limits.streams - shared.streams.available_permits(),
        numbers: [
            ("exhibit_assets", "Originals that were ever seen.", found.assets),
            ("exhibit_sources", "Places that originals come from.", found.sources),
            ("exhibit_records", "Records of the ledger.", found.records),
            ("exhibit_runs_open", "Runs that have not ended.", found.runs_open),
        ],
    };
    let mut text = shared.metrics.text(&gauges);
    for counters in shared.counters.get().into_iter().flatten() {
        text.push_str(&counters());
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn openapi(State(document): State<Document>, headers: HeaderMap) -> Result<Response, ApiError> {
    let (content, etag) = document.get().ok_or_else(|| ApiError::internal("the document was not made"))?;
    Ok(bytes(&headers, content.clone(), "application/json", etag))
}
