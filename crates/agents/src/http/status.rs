//! `GET /api/system/status` and `GET /api/logs`.

use axum::extract::State;
use exhibit_http::{ApiError, Json, Route, Scope};

use super::Api;
use super::dialect::LegacyProblem;
use crate::control::logs::Logs;
use crate::control::status::Status;

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let words = ("agentsStatus", "Which agents run, rest, failed or are done, and whether the gateway answers");
    let status = Route::get("/api/system/status", words, Scope::Read, (status, api.clone()));
    let words = ("agentsLogs", "The last lines of the log of the gateway; none when it cannot be read");
    let logs = Route::get("/api/logs", words, Scope::Read, (logs, api.clone()));
    vec![
        status.takes_secret().told_as::<LegacyProblem>().answers::<Status>(200, "What is known of them now"),
        logs.takes_secret().told_as::<LegacyProblem>().answers::<Logs>(200, "At most 120 lines, oldest first"),
    ]
}

async fn status(State(api): State<Api>) -> Result<Json<Status>, ApiError> {
    api.controls().status().await.map(Json).map_err(ApiError::internal)
}

async fn logs(State(api): State<Api>) -> Result<Json<Logs>, ApiError> {
    api.controls().logs().await.map(Json).map_err(ApiError::internal)
}
