//! The audit over HTTP: what was changed, by which token, and how it ended.

use std::sync::Arc;

use axum::extract::State;
use exhibit_http::{ApiError, Cursor, Json, Page, PageQuery, Query, Route, Scope, limit};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::audit::{self as sql, Entry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::Shared;

/// The list that cursors belong to.
const OF: &str = "audit";

/// A change over HTTP, or a login.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AuditLine {
    /// Its number.
    pub entry: i64,
    /// When it was asked for.
    pub at: Timestamp,
    /// Id of the token that asked; empty for nobody.
    pub token: String,
    /// The method.
    pub method: String,
    /// The route, with `{name}` for what varies.
    pub route: String,
    /// The path as it was asked for, without a query.
    pub path: String,
    /// The id of the request.
    pub request: String,
    /// The status of the answer; none while it is worked on, and when the server ended meanwhile.
    pub status: Option<i64>,
}

impl From<Entry> for AuditLine {
    fn from(Entry { entry, intent, status }: Entry) -> Self {
        let sql::Intent { at_us, token, method, route, path, request } = intent;
        Self { entry, at: Timestamp(at_us), token, method, route, path, request, status }
    }
}

pub(crate) fn routes(shared: &Arc<Shared>) -> Vec<Route> {
    let words = ("list_audit", "What was changed over HTTP, and every login, newest first");
    vec![
        Route::get("/v1/audit", words, Scope::Admin, (list, Arc::clone(shared)))
            .query::<PageQuery>()
            .answers::<Page<AuditLine>>(200, "A page"),
    ]
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<AuditLine>>, ApiError> {
    let limit = limit(asked.limit, 100)?;
    let before = Cursor::parse(asked.cursor.as_deref(), OF)?.map_or(i64::MAX, |cursor| cursor.0);
    let most = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let entries = shared.store()?.read(move |read| sql::newest(read, before, most)).await?;
    let lines = entries.into_iter().map(AuditLine::from).collect();
    Ok(Json(Page::cut(lines, limit, OF, |line| line.entry)))
}
