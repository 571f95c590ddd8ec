//! `POST /v1/traces`, `/v1/metrics` and `/v1/logs`: OTLP/HTTP, answered in the encoding that the request came in.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use exhibit_http::{ApiError, Route, Scope, aside, unpacked};

use super::Api;
use super::ingest::busy;
use crate::collect::otlp::{BODY_BYTES_MAX, Encoding, Signal, answer, receive, status_body};
use crate::collect::submit::{Collector, Step, prepare, record};

/// What a request may be written in.
const MEDIA_TYPES: &[&str] = &["application/x-protobuf", "application/json"];

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let about = "It is recorded; what was left out is told as a partial success";
    let route = |route: Route| {
        route.body_bytes_max(BODY_BYTES_MAX).is_evidence().takes_bytes(MEDIA_TYPES).answers_in_kind(about)
    };
    vec![
        route(Route::post(
            "/v1/traces",
            ("otlpTraces", "Takes in spans over OTLP"),
            Scope::Ingest,
            (traces, api.clone()),
        )),
        route(Route::post(
            "/v1/metrics",
            ("otlpMetrics", "Takes in metrics over OTLP, of which nothing is kept"),
            Scope::Ingest,
            (metrics, api.clone()),
        )),
        route(Route::post(
            "/v1/logs",
            ("otlpLogs", "Takes in log records over OTLP"),
            Scope::Ingest,
            (logs, api.clone()),
        )),
    ]
}

async fn traces(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Response {
    take(&api, Signal::Traces, &headers, body).await
}

async fn metrics(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Response {
    take(&api, Signal::Metrics, &headers, body).await
}

async fn logs(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Response {
    take(&api, Signal::Logs, &headers, body).await
}

/// Takes a request in, and answers it.
async fn take(api: &Api, signal: Signal, headers: &HeaderMap, body: Bytes) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(encoding) = Encoding::of_content_type(content_type) else {
        let detail = "the body must be application/x-protobuf or application/json";
        let error = ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type-unknown", detail);
        return refused(Encoding::Json, &error);
    };
    match taken(api, signal, encoding, headers, body).await {
        Ok(body) => told(encoding, StatusCode::OK, body),
        Err(error) => refused(encoding, &error),
    }
}

/// The body of the answer.
async fn taken(
    api: &Api,
    signal: Signal,
    encoding: Encoding,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Vec<u8>, ApiError> {
    let (headers, gate) = (headers.clone(), api.store().gate());
    let read = move || {
        let body = unpacked(&headers, body, BODY_BYTES_MAX)?;
        let collected = receive(signal, encoding, &body).map_err(|error| {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            ApiError::new(status, "otlp-unreadable", error.to_string())
        })?;
        let prepared = prepare(&gate, &collected.documents)?;
        Ok::<_, ApiError>((collected, prepared))
    };
    let (collected, prepared) = aside(read).await??;
    let collector = match signal {
        Signal::Traces => Collector::OtlpTraces,
        Signal::Metrics => Collector::OtlpMetrics,
        Signal::Logs => Collector::OtlpLogs,
    };
    let step = Step {
        collector,
        records: collected.accepted.saturating_add(collected.rejected),
        bad_records: collected.rejected,
        problem: collected.message.clone(),
        at: api.store().clock().now(),
    };
    let documents = prepared.documents;
    record(api.store(), prepared, step, None).await.map_err(busy)?;
    if documents > 0 {
        api.0.options.commits.ingested();
    }
    Ok(answer(signal, encoding, &collected))
}

/// A problem as a `google.rpc.Status`. Senders try again after 503 and no other of these.
fn refused(encoding: Encoding, error: &ApiError) -> Response {
    let status = error.status();
    let mut response = told(encoding, status, status_body(encoding, status.as_u16(), error.detail()));
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn told(encoding: Encoding, status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(encoding.content_type()))], body).into_response()
}

#[cfg(test)]
#[path = "otlp_tests.rs"]
mod tests;
