//! `POST /v1/agents/collect/litellm` and `GET /v1/agents/collectors`.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use exhibit_http::{ApiError, Json, Route, Scope, aside, unpacked};
use schemars::JsonSchema;
use serde::Serialize;

use super::Api;
use super::ingest::busy;
use crate::collect::litellm::{self, BODY_BYTES_MAX, BadBody};
use crate::collect::report::{self, CollectorStatus};
use crate::collect::submit::{Collector, Step, prepare, record};

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let litellm =
        ("agentsCollectLitellm", "Takes in what LiteLLM logs: payloads in an array, one a line, or one alone");
    let collectors = ("agentsCollectors", "What each collector did so far");
    vec![
        Route::post("/v1/agents/collect/litellm", litellm, Scope::Ingest, (take, api.clone()))
            .body_bytes_max(BODY_BYTES_MAX)
            .is_evidence()
            .takes_bytes(&["application/json", "application/x-ndjson"])
            .answers::<Collection>(200, "What came of it"),
        Route::get("/v1/agents/collectors", collectors, Scope::Read, (list, api.clone()))
            .answers::<Collectors>(200, "All of them"),
    ]
}

/// What came of a body of payloads.
#[derive(Serialize, JsonSchema)]
pub(super) struct Collection {
    /// Payloads that were read.
    pub(super) accepted: u64,
    /// Payloads that were left out.
    pub(super) rejected: u64,
    /// Documents that were made of them, those included that were recorded before.
    pub(super) documents: u64,
    /// Why the first of those that were left out was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

/// What each collector did so far.
#[derive(Serialize, JsonSchema)]
struct Collectors {
    /// In a fixed order.
    collectors: Vec<CollectorStatus>,
}

pub(super) async fn take(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Collection>, ApiError> {
    let gate = api.store().gate();
    let read = move || {
        let body = unpacked(&headers, body, BODY_BYTES_MAX)?;
        let collected = litellm::read(&body, None).map_err(|error| match error {
            BadBody::NotJson => ApiError::bad("body-invalid", error.to_string()),
            BadBody::TooLarge => ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", error.to_string()),
        })?;
        let prepared = prepare(&gate, &collected.documents)?;
        Ok::<_, ApiError>((collected, prepared))
    };
    let (collected, prepared) = aside(read).await??;
    let (accepted, rejected, documents) = (collected.accepted, collected.rejected, prepared.documents);
    let step = Step {
        collector: Collector::LiteLlm,
        records: accepted.saturating_add(rejected),
        bad_records: rejected,
        problem: collected.message.clone(),
        at: api.store().clock().now(),
    };
    record(api.store(), prepared, step, None).await.map_err(busy)?;
    if documents > 0 {
        api.0.options.commits.ingested();
    }
    Ok(Json(Collection { accepted, rejected, documents, message: collected.message }))
}

async fn list(State(api): State<Api>) -> Result<Json<Collectors>, ApiError> {
    Ok(Json(Collectors { collectors: api.read(report::collectors).await? }))
}
