//! `POST /api/control/kill`, `spawn` and `model`, and `GET /v1/agents/control/audit`, for the command line as well.

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use exhibit_http::{ApiError, Json, Page, PageQuery, Query, Remote, Route, Scope, limit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use super::dialect::LegacyProblem;
use crate::control::actions::BODY_BYTES_MAX;
use crate::control::audit::{Action, AuditId, Caller};
use crate::control::words::iso_millis;
use crate::sql::control_audit::{self, AuditRow};

/// Orders of a page of the audit when nobody says how many.
const PAGE_SIZE: u32 = 100;

/// Lines of a header in which proxies say for whom they ask: each proxy adds one at most, and there are rarely more than two.
const FORWARDED_LINES_MAX: usize = 8;

/// The headers in which proxies say for whom they ask; the first that is there is noted, and nothing is decided by it.
const FORWARDED: [&str; 2] = ["x-forwarded-for", "forwarded"];

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let words = ("agentsKill", "Ends a session; 200 says that its end was read back");
    let kill = Route::post("/api/control/kill", words, Scope::Control, (kill, api.clone()));
    let words = ("agentsSpawn", "Starts a session of an agent; 200 says that it was seen to begin");
    let spawn = Route::post("/api/control/spawn", words, Scope::Control, (spawn, api.clone()));
    let words = (
        "agentsModel",
        "Sets the model of a session, of an agent, or of later sessions; 200 says that it was read back",
    );
    let model = Route::post("/api/control/model", words, Scope::Control, (model, api.clone()));
    let words = ("agentsControlAudit", "What was ordered, by whom, and what became of it, newest first");
    let audit = Route::get("/v1/agents/control/audit", words, Scope::Read, (audit, api.clone()));
    let orders = |route: Route| {
        route.body_bytes_max(BODY_BYTES_MAX).takes_secret().takes_json().told_as::<LegacyProblem>().fails(&[500])
    };
    vec![
        orders(kill).answers::<Killed>(200, "It has ended, now or before").fails(&[404]),
        orders(spawn).answers::<Begun>(200, "It has begun"),
        orders(model).answers::<ModelSet>(200, "It is set"),
        audit.query::<PageQuery>().answers::<Page<AuditEntry>>(200, "A page of orders"),
    ]
}

/// An order and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentsOrder")]
pub struct AuditEntry {
    /// Its id.
    pub audit_id: String,
    /// When it was given.
    pub at: String,
    /// Who gave it: the id of a token and its name, or `secret`.
    pub actor: String,
    /// The address that the connection came from, or `local`.
    pub remote_addr: String,
    /// For whom, as the request claimed; nobody checked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_for: Option<String>,
    /// `kill`, `spawn` or `model`.
    pub action: String,
    /// On what: `session=…`, `agent=…` or `default`, and for a model ` model=<provider>/<model>` after it.
    pub target: String,
    /// Through which controller.
    pub controller: String,
    /// Whether it was only tried on paper.
    pub dry_run: bool,
    /// When it was over. Absent while it is carried out, and when its outcome could not be noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// `confirmed`, `already_ended`, `unconfirmed`, `failed`, `refused`, `unsupported` or `dry_run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What was read back last: a state, a model, or `absent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_state: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        let AuditRow { audit_id, at, actor, remote_addr, forwarded_for, action, target, controller, dry_run, .. } = row;
        let AuditRow { ended_at, outcome, final_state, detail, .. } = row;
        Self {
            audit_id,
            at: iso_millis(at),
            actor,
            remote_addr,
            forwarded_for,
            action,
            target,
            controller,
            dry_run,
            ended_at: ended_at.map(iso_millis),
            outcome,
            final_state,
            detail,
        }
    }
}

/// The end of a session.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentsKilled")]
#[expect(dead_code, reason = "it stands in the document; the library writes the body")]
struct Killed {
    /// Always true.
    ok: bool,
    /// The session.
    session_id: String,
    /// What the controller said.
    output: String,
    #[serde(flatten)]
    noted: Noted,
}

/// A session that began.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentsBegun")]
#[expect(dead_code, reason = "see Killed")]
struct Begun {
    /// Always true.
    ok: bool,
    /// The session; null when it was only tried on paper.
    session_id: Option<String>,
    /// What the controller said.
    output: String,
    #[serde(flatten)]
    noted: Noted,
}

/// A model that was set.
#[derive(JsonSchema)]
#[schemars(rename = "AgentsModelSet")]
#[expect(dead_code, reason = "see Killed")]
struct ModelSet {
    /// Always true.
    ok: bool,
    /// Who serves it.
    provider: String,
    /// Its name there.
    model: String,
    #[serde(flatten)]
    noted: Noted,
}

/// What the audit holds of it.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "see Killed")]
struct Noted {
    /// `confirmed`, `already_ended` or `dry_run`.
    outcome: String,
    /// What was read back last: a state, a model, or `absent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    final_state: Option<String>,
    /// Its id in the audit.
    audit_id: String,
}

/// Who asks, as the audit holds it.
struct Asks(Caller);

impl<S: Send + Sync> FromRequestParts<S> for Asks {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<exhibit_http::Caller>();
        let caller = caller.ok_or_else(|| ApiError::internal("an order came past the guard"))?;
        // The id comes first: it holds no blank, so a name cannot pass for another one.
        let actor = format!("{} {}", caller.token, caller.name);
        let address = parts.extensions.get::<Remote>().and_then(|remote| remote.0);
        let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        Ok(Self(Caller::new(&actor, &address, forwarded_for(&parts.headers).as_deref())))
    }
}

/// What proxies claim; whatever the bytes are, text comes of them.
fn forwarded_for(headers: &HeaderMap) -> Option<String> {
    FORWARDED.into_iter().find_map(|name| {
        let lines = headers.get_all(name).iter().take(FORWARDED_LINES_MAX);
        let lines: Vec<String> = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    })
}

async fn kill(State(api): State<Api>, Asks(caller): Asks, body: Bytes) -> Response {
    carried_out(&api, Action::Kill, caller, body).await
}

async fn spawn(State(api): State<Api>, Asks(caller): Asks, body: Bytes) -> Response {
    carried_out(&api, Action::Spawn, caller, body).await
}

async fn model(State(api): State<Api>, Asks(caller): Asks, body: Bytes) -> Response {
    carried_out(&api, Action::Model, caller, body).await
}

/// The answer in its own bytes: clients compare the texts of its errors, so it is no problem that the dialect would tell in others.
async fn carried_out(api: &Api, action: Action, caller: Caller, body: Bytes) -> Response {
    let answer = api.controls().order(action, caller, body.to_vec()).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let unkept = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (status, [json, unkept], answer.body.to_string()).into_response()
}

async fn audit(State(api): State<Api>, Query(asked): Query<PageQuery>) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let size = limit(asked.limit, PAGE_SIZE)?;
    let before = asked.cursor.as_deref().map(|text| AuditId::parse(text).ok_or_else(wrong_cursor)).transpose()?;
    let rows = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut found =
        api.read(move |read| control_audit::page(read, before.as_ref().map(|id| id.0.as_str()), rows)).await?;
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(|last| last.audit_id.clone());
    Ok(Json(Page { items: found.into_iter().map(AuditEntry::from).collect(), next, total: None }))
}

fn wrong_cursor() -> ApiError {
    ApiError::bad("cursor-invalid", "the cursor is not one of this list").at(
        "/cursor",
        "cursor-invalid",
        "take `next` of the page before, as it is",
    )
}
