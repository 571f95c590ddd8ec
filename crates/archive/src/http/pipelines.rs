//! Pipelines with what can be set in them, and the extractors behind.

use axum::extract::State;
use exhibit_engine::pipeline::{Override, Pipeline, PipelineError};
use exhibit_http::{ApiError, At, Json, Page, Route, Scope};

use super::Api;
use crate::extractors::Extractors;
use crate::pipelines::{PipelineView, SHIPPED, shipped};

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let read = Scope::Read;
    vec![
        Route::get("/v1/pipelines", ("list_pipelines", "What can be run over a collection"), read, (list, api.clone()))
            .answers::<Page<PipelineView>>(200, "All of them"),
        Route::get(
            "/v1/pipelines/{name}",
            ("show_pipeline", "One pipeline, with every parameter"),
            read,
            (show, api.clone()),
        )
        .answers::<PipelineView>(200, "The pipeline")
        .fails(&[404]),
        Route::get(
            "/v1/extractors",
            ("list_extractors", "What makes facts, built in or as a plug-in"),
            read,
            (extractors, api.clone()),
        )
        .answers::<Extractors>(200, "All of them"),
    ]
}

async fn list(State(api): State<Api>) -> Result<Json<Page<PipelineView>>, ApiError> {
    let views = SHIPPED.iter().map(|(name, _)| view(&api, name)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Page::whole(views)))
}

async fn show(State(api): State<Api>, At(name): At<String>) -> Result<Json<PipelineView>, ApiError> {
    Ok(Json(view(&api, &name)?))
}

fn view(api: &Api, name: &str) -> Result<PipelineView, ApiError> {
    PipelineView::new(load(api, name, &[])?, &api.options().extractors).map_err(ApiError::internal)
}

/// A shipped pipeline with parameters set.
pub(super) fn load(api: &Api, name: &str, overrides: &[Override]) -> Result<Pipeline, ApiError> {
    let text = shipped(name).ok_or_else(|| {
        let names: Vec<&str> = SHIPPED.iter().map(|(known, _)| *known).collect();
        ApiError::not_found("not-found", format!("there is no pipeline `{name}`; there are {}", names.join(", ")))
    })?;
    Pipeline::parse(text, overrides, &api.options().extractors).map_err(|error| match error {
        PipelineError::Unreadable { .. } => ApiError::internal(error),
        PipelineError::Invalid { name, findings } => {
            let problem = ApiError::bad("pipeline-invalid", format!("the pipeline {name} cannot be run like this"));
            findings.iter().fold(problem, |problem, finding| {
                problem.at(finding.pointer.clone(), finding.code, finding.message.clone())
            })
        }
    })
}

async fn extractors(State(api): State<Api>) -> Result<Json<Extractors>, ApiError> {
    let options = api.options();
    Ok(Json(Extractors::new(&options.extractors, &options.older_plugins).map_err(ApiError::internal)?))
}
