//! Long work that is no run: verify, replay, clean up; and every job there is.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use exhibit_http::{ApiError, At, Body, Empty, Job, Json, NewJob, Page, Query, Route, Scope};
use exhibit_store::progress::Steps;
use exhibit_store::retention::{self, CleanPlan};
use exhibit_store::sql::runs::Run;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Api, run_error};
use crate::catalog::{LookupError, find_artifact, find_run};
use crate::replay::{ReplayError, replay as replay_artifact};
use crate::verify::{verify_all, verify_some};

/// Artifacts that one request names.
const NAMED_MAX: usize = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VerifyBody {
    /// Only these artifacts; without any, every record, lineage, batch and blob
    #[serde(default)]
    #[schemars(length(max = NAMED_MAX))]
    artifacts: Vec<String>,
    /// Read the blobs, too
    #[serde(default = "yes")]
    blobs: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CleanQuery {
    /// This sandbox run, whether or not its time has come
    run: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CleanBody {
    /// This sandbox run, whether or not its time has come
    run: Option<String>,
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let (read, control) = (Scope::Read, Scope::Control);
    let begun = "It is being done";
    vec![
        Route::get(
            "/v1/jobs",
            ("list_jobs", "Long work of this server that is no run, newest first"),
            read,
            (list, api.clone()),
        )
        .answers::<Page<Job>>(200, "All that are remembered, without what came of them"),
        Route::get("/v1/jobs/{id}", ("show_job", "A job, and what came of it"), read, (show, api.clone()))
            .answers::<Job>(200, "The job")
            .fails(&[404]),
        Route::post(
            "/v1/jobs/{id}/cancel",
            ("cancel_job", "Stop a job; it loses nothing, and can be begun again"),
            control,
            (cancel, api.clone()),
        )
        .body::<Empty>()
        .answers::<Job>(200, "Where it stands")
        .fails(&[404]),
        Route::post(
            "/v1/verify",
            ("verify", "Check records, lineage, the ledger and blobs, all of them or some"),
            control,
            (verify, api.clone()),
        )
        .body::<VerifyBody>()
        .answers::<Job>(202, begun)
        .fails(&[404, 409]),
        Route::post(
            "/v1/artifacts/{id}/replay",
            ("replay_artifact", "Make an artifact again and say whether it is the same; nothing is kept"),
            control,
            (replay, api.clone()),
        )
        .body::<Empty>()
        .answers::<Job>(202, begun)
        .fails(&[404, 409]),
        Route::get(
            "/v1/clean",
            ("plan_cleaning", "What would go: results of expired sandbox runs, blobs that nothing names"),
            read,
            (plan, api.clone()),
        )
        .query::<CleanQuery>()
        .answers::<CleanPlan>(200, "The plan; nothing was changed")
        .fails(&[404, 409]),
        Route::post(
            "/v1/clean",
            ("clean", "Let go what has had its time, or one sandbox run"),
            control,
            (clean, api.clone()),
        )
        .body::<CleanBody>()
        .answers::<Job>(202, begun)
        .fails(&[404, 409]),
    ]
}

/// What came of a job.
pub(super) fn result(of: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(of).map_err(ApiError::internal)
}

async fn list(State(api): State<Api>) -> Json<Page<Job>> {
    Json(Page::whole(api.jobs().list()))
}

async fn show(State(api): State<Api>, At(id): At<String>) -> Result<Json<Job>, ApiError> {
    Ok(Json(api.jobs().find(&id)?))
}

async fn cancel(State(api): State<Api>, At(id): At<String>, _: Body<Empty>) -> Result<Json<Job>, ApiError> {
    Ok(Json(api.jobs().cancel(&id)?))
}

async fn verify(State(api): State<Api>, Body(asked): Body<VerifyBody>) -> Result<(StatusCode, Json<Job>), ApiError> {
    let VerifyBody { artifacts, blobs } = asked;
    if artifacts.len() > NAMED_MAX {
        let message = format!("at most {NAMED_MAX} artifacts at once; without any, everything is checked");
        let problem = ApiError::bad("body-invalid", "the body is not understood");
        return Err(problem.at("/artifacts", "too-many", message));
    }
    let asked = artifacts.clone();
    // What is unknown is an answer, and no job.
    api.read(move |read| asked.iter().try_for_each(|text| find_artifact(read, text).map(|_| ()))).await?;
    let subject = match (artifacts.as_slice(), blobs) {
        ([], true) => "everything".to_owned(),
        ([], false) => "everything but the bytes of blobs".to_owned(),
        ([one], _) => one.clone(),
        (some, _) => format!("{} artifacts", some.len()),
    };
    let steps = Arc::new(Steps::default());
    let (store, watched) = (api.store().clone(), Arc::clone(&steps));
    let job = api.jobs().begin(NewJob { what: "verify", subject, unit: "records" }, steps, |_| async move {
        match artifacts.as_slice() {
            [] => result(&verify_all(&store, blobs, &watched).await?),
            _ => result(&verify_some(&store, artifacts, blobs, &watched).await?),
        }
    });
    Ok((StatusCode::ACCEPTED, Json(job?)))
}

async fn replay(
    State(api): State<Api>,
    At(id): At<String>,
    _: Body<Empty>,
) -> Result<(StatusCode, Json<Job>), ApiError> {
    let asked = id.clone();
    api.read(move |read| find_artifact(read, &asked).map(|_| ())).await?;
    let steps = Arc::new(Steps::default());
    steps.set_total(1);
    let (store, engine) = (api.store().clone(), api.engine().clone());
    let job = NewJob { what: "replay", subject: id.clone(), unit: "results" };
    let job = api.jobs().begin(job, steps, |_| async move {
        match replay_artifact(&store, &engine, id).await {
            Ok(view) => result(&view),
            Err(ReplayError::Lookup(error)) => Err(error.into()),
            Err(ReplayError::Run(error)) => Err(run_error(error)),
        }
    });
    Ok((StatusCode::ACCEPTED, Json(job?)))
}

async fn run_of(api: &Api, name: Option<String>) -> Result<Option<Run>, ApiError> {
    match name {
        Some(name) => api.read(move |read| Ok::<_, LookupError>(Some(find_run(read, &name)?))).await,
        None => Ok(None),
    }
}

async fn plan(State(api): State<Api>, Query(asked): Query<CleanQuery>) -> Result<Json<CleanPlan>, ApiError> {
    let run = run_of(&api, asked.run).await?;
    Ok(Json(retention::plan(api.store(), run, api.options().grace_us).await?))
}

async fn clean(State(api): State<Api>, Body(asked): Body<CleanBody>) -> Result<(StatusCode, Json<Job>), ApiError> {
    let run = run_of(&api, asked.run).await?;
    let subject = run.as_ref().map_or_else(|| "what has had its time".to_owned(), |run| format!("run {}", run.id));
    let plan = retention::plan(api.store(), run, api.options().grace_us).await?;
    let steps = Arc::new(Steps::default());
    let (store, grace_us, watched) = (api.store().clone(), api.options().grace_us, Arc::clone(&steps));
    let job = api.jobs().begin(NewJob { what: "clean", subject, unit: "results" }, steps, |_| async move {
        result(&retention::clean(&store, plan, grace_us, &watched).await?)
    });
    Ok((StatusCode::ACCEPTED, Json(job?)))
}
