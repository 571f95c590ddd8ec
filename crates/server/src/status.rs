//! What there is, what this machine offers, and how it is set up.

use std::sync::Arc;

use axum::extract::State;
use exhibit_http::{ApiError, Json, Route, Scope};
use exhibit_model::digest::Digest;
use exhibit_store::sql::summary;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::shared::{Doctor, Shared};

/// How much there is.
#[derive(Serialize, JsonSchema)]
pub struct Status {
    /// The version of the program.
    version: &'static str,
    /// `sqlite` or `postgres`.
    backend: &'static str,
    /// Originals that were ever seen.
    assets: i64,
    /// Places that they come from.
    sources: i64,
    /// Records of the ledger.
    records: i64,
    /// Root of the ledger, hexadecimal; absent while it is empty.
    ledger_root: Option<String>,
    /// Runs that have not ended.
    runs_open: i64,
}

/// What this machine offers and what is missing, as `exhibit doctor --json` prints it.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Diagnosis(serde_json::Map<String, Value>);

/// The configuration, without secrets.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Settings(serde_json::Map<String, Value>);

pub(crate) fn routes(shared: &Arc<Shared>, settings: Value, doctor: Doctor) -> Vec<Route> {
    let words = ("status", "How much there is");
    let status = Route::get("/v1/status", words, Scope::Read, (status, Arc::clone(shared)));
    let words = ("doctor", "What this machine offers and what is missing; may take a few seconds");
    let diagnosis = Route::get("/v1/doctor", words, Scope::Read, (diagnosis, doctor));
    let words = ("settings", "The configuration, without secrets");
    let set = Route::get("/v1/settings", words, Scope::Read, (settings_of, Arc::new(settings)));
    vec![
        status.answers::<Status>(200, "The numbers"),
        diagnosis.answers::<Diagnosis>(200, "What was looked at"),
        set.answers::<Settings>(200, "The configuration"),
    ]
}

async fn status(State(shared): State<Arc<Shared>>) -> Result<Json<Status>, ApiError> {
    let found = shared.store()?.read(summary::summary).await?;
    Ok(Json(Status {
        version: shared.version,
        backend: found.backend,
        assets: found.assets,
        sources: found.sources,
        records: found.records,
        ledger_root: found.ledger_root.as_ref().map(Digest::to_hex),
        runs_open: found.runs_open,
    }))
}

async fn diagnosis(State(doctor): State<Doctor>) -> Result<Json<Value>, ApiError> {
    doctor().await.map(Json)
}

async fn settings_of(State(settings): State<Arc<Value>>) -> Json<Value> {
    Json(settings.as_ref().clone())
}
