//! Runs: start, watch, stop, go on, promote, compare.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use exhibit_engine::pipeline::Override;
use exhibit_engine::status::{RunStatus, status, summary};
use exhibit_engine::{RunRequest, Which};
use exhibit_http::{ApiError, At, Body, Cursor, Empty, Json, Page, PageQuery, Query, Route, Scope, limit};
use exhibit_model::ids::{CollectionId, RunId};
use exhibit_model::states::{Policy, UnitState};
use exhibit_store::StoreError;
use exhibit_store::collections::find;
use exhibit_store::filter::Filter;
use exhibit_store::retention;
use exhibit_store::sql::runs::{self, Run};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pipelines::load;
use super::{Api, run_error};
use crate::catalog::{FactView, LookupError, find_run};
use crate::collections::for_one_run;
use crate::compare::{Comparison, compare as compare_runs};
use crate::runs::{UnitLine, UnitsWanted, artifacts_of, units_of};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UnitsQuery {
    /// Only units in this state
    #[schemars(with = "UnitState")]
    state: String,
    /// Only units of this step
    step: Option<String>,
    /// Only units with this reason
    reason: Option<String>,
    /// Items of a page
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// `next` of the page before
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ArtifactsQuery {
    /// Only artifacts of this kind
    kind: Option<String>,
    /// Items of a page
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// `next` of the page before
    cursor: Option<String>,
}

/// Differing facts that one comparison names: some megabytes, and more than anybody reads.
const EXAMPLES_MAX: u32 = 10_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CompareQuery {
    /// Differing facts that are named, at most
    #[schemars(range(min = 0, max = EXAMPLES_MAX))]
    examples: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRun")]
struct NewBody {
    /// The pipeline
    pipeline: String,
    /// The collection to run over; `all` without
    collection: Option<String>,
    /// Run over what fulfils this filter now; not together with `collection`
    filter: Option<String>,
    /// `production` without
    #[schemars(with = "Option<Policy>")]
    policy: Option<String>,
    /// Parameters, each as `step.param=value`
    #[serde(default)]
    #[schemars(length(max = 256))]
    set: Vec<String>,
    /// Do everything again, also what was done before
    #[serde(default)]
    recompute: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// Only this unit, by its ordinal in the run; not together with `step` or `reason`
    unit: Option<u32>,
    /// Only units of this step
    step: Option<String>,
    /// Only units that failed for this reason
    reason: Option<String>,
}

/// A run whose results count from now on.
#[derive(Debug, Serialize, JsonSchema)]
struct Promoted {
    /// Where it stands now.
    #[serde(flatten)]
    status: RunStatus,
    /// Always true.
    promoted: bool,
    /// The place of the record that says so in the ledger.
    seq: i64,
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let (read, control) = (Scope::Read, Scope::Control);
    let stands = "Where the run stands now";
    vec![
        Route::get("/v1/runs", ("list_runs", "Runs, newest first"), read, (list, api.clone()))
            .query::<PageQuery>()
            .answers::<Page<RunStatus>>(200, "A page"),
        Route::post(
            "/v1/runs",
            ("start_run", "Run a pipeline over a collection; the server works it off"),
            control,
            (start, api.clone()),
        )
        .body::<NewBody>()
        .answers::<RunStatus>(201, "It waits or runs")
        .fails(&[404]),
        Route::get("/v1/runs/{id}", ("show_run", "A run: states, reasons, times"), read, (show, api.clone()))
            .answers::<RunStatus>(200, stands)
            .fails(&[404]),
        Route::post(
            "/v1/runs/{id}/cancel",
            ("cancel_run", "Stop a run; what was written stays"),
            control,
            (cancel, api.clone()),
        )
        .body::<Empty>()
        .answers::<RunStatus>(200, stands)
        .fails(&[404, 409]),
        Route::post(
            "/v1/runs/{id}/pause",
            ("pause_run", "Let a run wait; nothing of it is given up"),
            control,
            (pause, api.clone()),
        )
        .body::<Empty>()
        .answers::<RunStatus>(200, stands)
        .fails(&[404, 409]),
        Route::post(
            "/v1/runs/{id}/resume",
            ("resume_run", "Go on with a run that was cancelled, paused, blocked or left behind"),
            control,
            (resume, api.clone()),
        )
        .body::<Empty>()
        .answers::<RunStatus>(200, stands)
        .fails(&[404, 409]),
        Route::post(
            "/v1/runs/{id}/retry",
            ("retry_run", "Do failed units of a run again, all or some, and nothing else"),
            control,
            (retry, api.clone()),
        )
        .body::<RetryBody>()
        .answers::<RunStatus>(200, stands)
        .fails(&[404, 409]),
        Route::post(
            "/v1/runs/{id}/promote",
            ("promote_run", "Let the results of a sandbox run count"),
            control,
            (promote, api.clone()),
        )
        .body::<Empty>()
        .answers::<Promoted>(200, stands)
        .fails(&[404, 409]),
        Route::get("/v1/runs/{id}/units", ("list_units", "Units of a run in a state"), read, (list_units, api.clone()))
            .query::<UnitsQuery>()
            .answers::<Page<UnitLine>>(200, "A page")
            .fails(&[404]),
        Route::get(
            "/v1/runs/{id}/artifacts",
            ("list_artifacts", "What a run found, newest units first"),
            read,
            (list_artifacts, api.clone()),
        )
        .query::<ArtifactsQuery>()
        .answers::<Page<FactView>>(200, "A page")
        .fails(&[404]),
        Route::get(
            "/v1/runs/{id}/compare/{other}",
            ("compare_runs", "Which run was faster, which more reliable, which facts differ"),
            read,
            (compare, api.clone()),
        )
        .query::<CompareQuery>()
        .answers::<Comparison>(200, "Both, side by side")
        .fails(&[404]),
    ]
}

async fn list(State(api): State<Api>, Query(asked): Query<PageQuery>) -> Result<Json<Page<RunStatus>>, ApiError> {
    let limit = limit(asked.limit, 50)?;
    let before = Cursor::parse(asked.cursor.as_deref(), "runs")?.map_or(i64::MAX, |cursor| cursor.0);
    let page = api.read(move |read| {
        let found = runs::newest(read, before, i64::try_from(limit + 1).unwrap_or(i64::MAX))?;
        let page = Page::cut(found, limit, "runs", |run| run.key);
        let items = page.items.iter().map(|run| summary(read, run)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, StoreError>(Page { items, next: page.next, total: None })
    });
    Ok(Json(page.await?))
}

async fn found(api: &Api, id: String) -> Result<Run, ApiError> {
    api.read(move |read| find_run(read, &id)).await
}

async fn stands(api: &Api, id: RunId) -> Result<Json<RunStatus>, ApiError> {
    let status = api.read(move |read| match runs::by_id(read, id)? {
        Some(run) => status(read, &run),
        None => Err(StoreError::Refused(format!("run {id} is gone"))),
    });
    Ok(Json(status.await?))
}

async fn show(State(api): State<Api>, At(id): At<String>) -> Result<Json<RunStatus>, ApiError> {
    let run = found(&api, id).await?;
    stands(&api, run.id).await
}

async fn start(State(api): State<Api>, Body(asked): Body<NewBody>) -> Result<(StatusCode, Json<RunStatus>), ApiError> {
    let wrong = |pointer: &str, message: String| {
        ApiError::bad("body-invalid", "the body is not understood").at(pointer, "body-invalid", message)
    };
    let mut overrides = Vec::new();
    for (index, text) in asked.set.iter().enumerate() {
        overrides.push(Override::parse(text).map_err(|reason| wrong(&format!("/set/{index}"), reason))?);
    }
    let policy = asked.policy.as_deref().unwrap_or(Policy::Production.as_str());
    let policy: Policy =
        policy.parse().map_err(|_| wrong("/policy", "a run is for `production` or in the `sandbox`".to_owned()))?;
    let pipeline = load(&api, &asked.pipeline, &overrides)?;
    let collection = match (asked.collection, asked.filter) {
        (Some(_), Some(_)) => {
            return Err(wrong("/filter", "either a collection or a filter says what to run over".to_owned()));
        }
        (Some(name), None) => {
            api.read(move |read| find(read, &name)).await?.map_or(CollectionId::ALL, |found| found.id)
        }
        (None, Some(filter)) => {
            for_one_run(api.store(), api.options().ids.as_ref(), Filter::parse(filter.as_bytes())?).await?
        }
        (None, None) => CollectionId::ALL,
    };
    let request = RunRequest {
        pipeline,
        collection,
        policy,
        sandbox_us: api.options().sandbox_us,
        attempts_max: api.options().attempts_max,
        recompute: asked.recompute,
    };
    let run = api.engine().create_run(request).await.map_err(run_error)?;
    api.options().runner.hand_over(run.id).await?;
    Ok((StatusCode::CREATED, stands(&api, run.id).await?))
}

async fn cancel(State(api): State<Api>, At(id): At<String>, _: Body<Empty>) -> Result<Json<RunStatus>, ApiError> {
    let run = found(&api, id).await?;
    api.engine().cancel(run.id).await.map_err(run_error)?;
    stands(&api, run.id).await
}

async fn pause(State(api): State<Api>, At(id): At<String>, _: Body<Empty>) -> Result<Json<RunStatus>, ApiError> {
    let run = found(&api, id).await?;
    api.engine().pause(run.id).await.map_err(run_error)?;
    stands(&api, run.id).await
}

async fn resume(State(api): State<Api>, At(id): At<String>, _: Body<Empty>) -> Result<Json<RunStatus>, ApiError> {
    let run = found(&api, id).await?;
    api.engine().resume(run.id).await.map_err(run_error)?;
    api.options().runner.hand_over(run.id).await?;
    stands(&api, run.id).await
}

async fn retry(
    State(api): State<Api>,
    At(id): At<String>,
    Body(asked): Body<RetryBody>,
) -> Result<Json<RunStatus>, ApiError> {
    let which = match asked {
        RetryBody { unit: None, step: None, reason: None } => Which::All,
        RetryBody { unit: Some(unit), step: None, reason: None } => Which::Unit(unit),
        RetryBody { unit: None, step, reason } => Which::Some { step, reason },
        RetryBody { .. } => {
            let problem = ApiError::bad("body-invalid", "the body is not understood");
            let message = "either a unit, or a step and a reason, say what to retry";
            return Err(problem.at("/unit", "body-invalid", message));
        }
    };
    let run = found(&api, id).await?;
    api.engine().retry(run.id, which).await.map_err(run_error)?;
    api.options().runner.hand_over(run.id).await?;
    stands(&api, run.id).await
}

async fn promote(State(api): State<Api>, At(id): At<String>, _: Body<Empty>) -> Result<Json<Promoted>, ApiError> {
    let run = found(&api, id).await?;
    let seq = retention::promote(api.store(), &run).await?;
    let Json(status) = stands(&api, run.id).await?;
    Ok(Json(Promoted { status, promoted: true, seq }))
}

async fn list_units(
    State(api): State<Api>,
    At(id): At<String>,
    Query(asked): Query<UnitsQuery>,
) -> Result<Json<Page<UnitLine>>, ApiError> {
    let limit = limit(asked.limit, 100)?;
    let after = Cursor::parse(asked.cursor.as_deref(), "units")?.map_or(0, |cursor| cursor.0);
    let state: UnitState = asked.state.parse().map_err(|reason: String| {
        ApiError::bad("query-invalid", "the query string is not understood: state").at(
            "/state",
            "unknown-value",
            reason,
        )
    })?;
    let wanted = UnitsWanted { state, step: asked.step, reason: asked.reason };
    let lines = api.read(move |read| {
        let run = find_run(read, &id)?;
        Ok::<_, LookupError>(units_of(read, &run, &wanted, after, limit + 1)?)
    });
    Ok(Json(Page::cut(lines.await?, limit, "units", |line| line.key)))
}

async fn list_artifacts(
    State(api): State<Api>,
    At(id): At<String>,
    Query(asked): Query<ArtifactsQuery>,
) -> Result<Json<Page<FactView>>, ApiError> {
    let limit = limit(asked.limit, 100)?;
    let before = Cursor::parse(asked.cursor.as_deref(), "artifacts")?.map_or(i64::MAX, |cursor| cursor.0);
    let kinds = Arc::clone(api.store().kinds());
    if let Some(kind) = asked.kind.as_deref().filter(|kind| !kinds.knows_name(kind)) {
        let message = format!("there is no kind `{kind}`");
        return Err(ApiError::bad("query-invalid", "the query string is not understood: kind").at(
            "/kind",
            "unknown-value",
            message,
        ));
    }
    let page = api.read(move |read| {
        let run = find_run(read, &id)?;
        let found = artifacts_of(read, &kinds, &run, asked.kind.as_deref(), before, limit + 1)?;
        let page = Page::cut(found, limit, "artifacts", |record| record.seq);
        let items = page.items.iter().map(|record| FactView::new(record, &kinds)).collect();
        Ok::<_, LookupError>(Page { items, next: page.next, total: None })
    });
    Ok(Json(page.await?))
}

async fn compare(
    State(api): State<Api>,
    At((first, second)): At<(String, String)>,
    Query(asked): Query<CompareQuery>,
) -> Result<Json<Comparison>, ApiError> {
    let examples = asked.examples.unwrap_or(20);
    if examples > EXAMPLES_MAX {
        let message = format!("at most {EXAMPLES_MAX} examples are named");
        return Err(ApiError::bad("query-invalid", "the query string is not understood: examples").at(
            "/examples",
            "out-of-range",
            message,
        ));
    }
    let examples = examples as usize;
    let kinds = Arc::clone(api.store().kinds());
    let found = api.read(move |read| {
        let runs = [find_run(read, &first)?, find_run(read, &second)?];
        Ok::<_, LookupError>(compare_runs(read, &kinds, &runs, examples)?)
    });
    Ok(Json(found.await?))
}
