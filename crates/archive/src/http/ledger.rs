//! The ledger: a checkpoint to keep elsewhere, and the proof that nothing before one was changed.

use axum::extract::State;
use exhibit_http::{ApiError, Body, Json, Route, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Api;
use crate::ledger::{CheckpointView, Extension, check_checkpoint, checkpoint};

/// Largest body with a note and a key, in bytes.
const NOTE_BYTES_MAX: usize = 128 * 1024;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckBody {
    /// The signed note
    note: String,
    /// The public key that it was signed with
    key: String,
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    vec![
        Route::get(
            "/v1/ledger",
            ("get_checkpoint", "A signed checkpoint: how long the ledger is, and its root"),
            Scope::Read,
            (show, api.clone()),
        )
        .answers::<CheckpointView>(200, "A C2SP signed note and the key to check it with"),
        Route::post(
            "/v1/ledger/check",
            ("check_checkpoint", "Whether the ledger extends a checkpoint: nothing before it was changed"),
            Scope::Read,
            (check, api.clone()),
        )
        .body::<CheckBody>()
        .body_bytes_max(NOTE_BYTES_MAX)
        .answers::<Extension>(200, "It does")
        .fails(&[409]),
    ]
}

async fn show(State(api): State<Api>) -> Result<Json<CheckpointView>, ApiError> {
    let key = (api.options().key)()?;
    Ok(Json(checkpoint(api.store(), &key).await?))
}

async fn check(State(api): State<Api>, Body(asked): Body<CheckBody>) -> Result<Json<Extension>, ApiError> {
    Ok(Json(check_checkpoint(api.store(), &asked.note, &asked.key).await?))
}
