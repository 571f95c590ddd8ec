//! Lists of prices, and costs that are reckoned anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use exhibit_http::{ApiError, At, Body, Json, Page, PageQuery, Query, Route, Scope, limit};
use exhibit_model::ids::ulid_to_text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Api;
use super::alerts::{cursor_of, parts_of};
use super::ledger::{bound, zone};
use super::views::iso;
use crate::money::Nano;
use crate::price_lists::{Format, Listed, PricesError, Taken, list, load, show};
use crate::prices::PricingVersion;
use crate::recompute::{self, Filter, RecomputeError, Report, Request};

/// Largest list of prices in bytes that is taken over HTTP: what a record may hold.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Lists of a page, unless asked otherwise.
const PAGE: u32 = 100;

/// Recomputes that are remembered; the oldest that is over is forgotten.
const JOBS_MAX: usize = 100;

const PRICES: &str = "/v1/agents/prices";

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let with = || api.clone();
    let words = ("agentsPrices", "Lists of prices, in the order in which they come into force");
    let prices = Route::get(PRICES, words, Scope::Read, (prices, with()));
    let words = ("agentsPricesLoad", "Takes a list of prices in; costs that are stored stay");
    let take = Route::post(PRICES, words, Scope::Admin, (take, with()));
    let words = ("agentsPricesShow", "A list of prices, as it was taken in");
    let one = Route::get("/v1/agents/prices/{version}", words, Scope::Read, (one, with()));
    let words = ("agentsRecompute", "Reckons costs anew under a list; what they were before is kept");
    let recompute = Route::post("/v1/agents/prices/recompute", words, Scope::Admin, (begin, with()));
    let words = ("agentsRecomputeJob", "How far a recompute is");
    let job = Route::get("/v1/agents/prices/recompute/{job_id}", words, Scope::Admin, (job, with()));
    vec![
        prices.query::<PageQuery>().answers::<Page<PriceList>>(200, "A page"),
        take.takes_json().body_bytes_max(BODY_BYTES_MAX).answers::<Loaded>(200, "It is in the ledger"),
        one.answers::<BTreeMap<String, Value>>(200, "The list").fails(&[404]),
        recompute.body::<Ask>().answers::<Begun>(202, "It goes on").fails(&[404, 409]),
        job.answers::<Progress>(200, "How far it is").fails(&[404]),
    ]
}

/// A list of prices.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceList {
    /// Its name.
    pub pricing_version: String,
    /// Where the prices were taken from.
    pub origin: String,
    /// Who answers for them.
    pub owner: String,
    /// Since when they hold.
    pub effective_from: String,
    /// When they should be looked at again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_at: Option<String>,
    /// When they were recorded.
    pub loaded_at: String,
}

impl From<Listed> for PriceList {
    fn from(listed: Listed) -> Self {
        Self {
            pricing_version: listed.version,
            origin: listed.origin,
            owner: listed.owner,
            effective_from: iso(listed.effective_at),
            review_at: listed.review_at.map(iso),
            loaded_at: iso(listed.loaded_at),
        }
    }
}

async fn prices(State(api): State<Api>, Query(query): Query<PageQuery>) -> Result<Json<Page<PriceList>>, ApiError> {
    let size = limit(query.limit, PAGE)?;
    let after: Option<(i64, String)> = parts_of(query.cursor.as_deref())?;
    let mut found = api
        .read(move |read| {
            let after = after.as_ref().map(|(at, version)| (exhibit_model::time::Timestamp(*at), version.as_str()));
            list(read, after, i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1))
        })
        .await?;
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(|last| cursor_of(&(last.effective_at.0, &last.version)));
    Ok(Json(Page { items: found.into_iter().map(PriceList::from).collect(), next, total: None }))
}

/// A list that is in the ledger now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Loaded {
    /// Its name.
    pricing_version: String,
    /// Whether it had been there before.
    was_there: bool,
    /// Its models.
    models: usize,
}

async fn take(State(api): State<Api>, body: Bytes) -> Result<Json<Loaded>, ApiError> {
    let taken = load(api.store(), &body, Format::Own).await.map_err(|error| match error {
        PricesError::Refused(findings) => ApiError::from(findings),
        PricesError::Store(error) => error.into(),
    })?;
    let Taken { version, was_there, models, .. } = taken;
    Ok(Json(Loaded { pricing_version: version.as_str().to_owned(), was_there, models }))
}

async fn one(State(api): State<Api>, At(version): At<String>) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("not-found", "there are no prices of that name");
    let version = PricingVersion::parse(&version).ok_or_else(unknown)?;
    let snapshot = api.read(move |read| show(read, &version)).await?.ok_or_else(unknown)?;
    let body: Value = serde_json::from_slice(snapshot.body()).map_err(ApiError::internal)?;
    Ok(Json(body).into_response())
}

/// What is reckoned anew.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ask {
    /// The list to reckon with.
    pricing_version: String,
    /// What began then or later: a day, or a time.
    from: Option<String>,
    /// What began then or earlier: a day, or a time, all of it included.
    to: Option<String>,
    /// Of this model.
    model: Option<String>,
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
}

/// A recompute that has begun.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Begun {
    /// Its id.
    job_id: String,
}

/// How far a recompute is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Progress {
    /// `planned` (nothing is written), `running`, `done` or `failed`.
    state: String,
    /// Calls, and sessions that tell no calls, that nobody billed.
    subjects: u64,
    /// Those that cost something else now.
    changed: u64,
    /// Those that do not.
    unchanged: u64,
    /// What all of them cost before.
    old_cost_usd: f64,
    /// What they cost now.
    new_cost_usd: f64,
}

impl Progress {
    fn of(report: &Report) -> Self {
        Self {
            state: report.state.as_str().to_owned(),
            subjects: report.subjects,
            changed: report.changed,
            unchanged: report.unchanged,
            old_cost_usd: Nano::usd(report.old_cost),
            new_cost_usd: Nano::usd(report.new_cost),
        }
    }

    fn begun() -> Self {
        Self {
            state: "running".to_owned(),
            subjects: 0,
            changed: 0,
            unchanged: 0,
            old_cost_usd: 0.0,
            new_cost_usd: 0.0,
        }
    }
}

/// Recomputes of this server, by their ids, which rise with time. What they did is in the ledger; how far they are is not.
#[derive(Debug, Default)]
pub(super) struct Recomputes(Mutex<BTreeMap<String, Progress>>);

impl Recomputes {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Progress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a new one; false when one goes on.
    fn begin(&self, id: &str) -> bool {
        let mut jobs = self.lock();
        if jobs.values().any(|job| job.state == "running") {
            return false;
        }
        while jobs.len() >= JOBS_MAX {
            jobs.pop_first();
        }
        jobs.insert(id.to_owned(), Progress::begun());
        true
    }
}

async fn begin(State(api): State<Api>, Body(ask): Body<Ask>) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("not-found", "there are no prices of that name");
    let version = PricingVersion::parse(&ask.pricing_version).ok_or_else(unknown)?;
    let wanted = version.clone();
    if api.read(move |read| show(read, &wanted)).await?.is_none() {
        return Err(unknown());
    }
    let utc = zone(None)?;
    let from = bound(ask.from.as_deref(), "from", &utc)?.map(|covered| covered.first);
    // The last moment that is covered.
    let to = bound(ask.to.as_deref(), "to", &utc)?.map(|covered| exhibit_model::time::Timestamp(covered.after.0 - 1));
    let id = ulid_to_text(api.0.options.ids.next_ulid());
    if !api.0.recomputes.begin(&id) {
        return Err(ApiError::conflict("busy", "costs are being reckoned anew already"));
    }
    let request = Request { id: id.clone(), version, filter: Filter { from, to, model: ask.model } };
    let job_id = id.clone();
    tokio::spawn(async move {
        let note = |report: &Report| {
            api.0.recomputes.lock().insert(id.clone(), Progress::of(report));
        };
        let done = match ask.dry_run {
            true => recompute::plan(api.store(), &request).await,
            false => recompute::run(api.store(), &request, &mut |report| note(report)).await,
        };
        match done {
            Ok(report) => note(&report),
            Err(error) => {
                tracing::error!(%error, recompute.id = id, "costs could not be reckoned anew; asking again goes on");
                if let Some(job) = api.0.recomputes.lock().get_mut(&id) {
                    job.state = "failed".to_owned();
                }
            }
        }
        api.0.options.commits.ingested();
    });
    Ok((StatusCode::ACCEPTED, Json(Begun { job_id })).into_response())
}

async fn job(State(api): State<Api>, At(id): At<String>) -> Result<Json<Progress>, ApiError> {
    let found = api.0.recomputes.lock().get(&id).cloned();
    found.map(Json).ok_or_else(|| ApiError::not_found("not-found", "there is no recompute of that id on this server"))
}

impl From<RecomputeError> for ApiError {
    fn from(error: RecomputeError) -> Self {
        match error {
            RecomputeError::UnknownVersion(_) => Self::not_found("not-found", error.to_string()),
            RecomputeError::Store(error) => error.into(),
        }
    }
}
