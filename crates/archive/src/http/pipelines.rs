//! Pipelines with what can be set in them, and the extractors behind.

use axum::extract::State;
use exhibit_engine::extractor::{Limits, MediaClass, Tool};
use exhibit_engine::pipeline::{Override, Pipeline, PipelineError, Step};
use exhibit_engine::registry::Known;
use exhibit_http::{ApiError, At, Json, Page, Route, Scope};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Api;
use crate::pipelines::{SHIPPED, shipped};

/// A pipeline.
#[derive(Debug, Serialize, JsonSchema)]
struct PipelineView {
    /// Its name.
    name: String,
    /// Its version, a text of its author.
    version: String,
    /// One sentence.
    about: String,
    /// What it does with each asset.
    steps: Vec<StepView>,
}

/// A step of a pipeline, with what can be set in it.
#[derive(Debug, Serialize, JsonSchema)]
struct StepView {
    /// What it does.
    #[serde(flatten)]
    step: Step,
    /// JSON Schema of its parameters.
    params_schema: Value,
}

/// An extractor.
#[derive(Debug, Serialize, JsonSchema)]
struct ExtractorView {
    /// Its name.
    name: &'static str,
    /// `built-in` or `plug-in`.
    origin: &'static str,
    /// Its version.
    version: &'static str,
    /// One sentence.
    about: &'static str,
    /// Classes of originals it takes.
    media: Vec<MediaClass>,
    /// Kinds that it emits.
    emits: Vec<Emitted>,
    /// JSON Schema of its parameters.
    params: Value,
    /// Outside programs that it runs.
    tools: Vec<Tool>,
    /// What one unit may use.
    limits: Limits,
}

/// A kind that an extractor emits.
#[derive(Debug, Serialize, JsonSchema)]
struct Emitted {
    /// Its name.
    kind: &'static str,
    /// Its version.
    schema_version: u32,
}

/// Every extractor.
#[derive(Debug, Serialize, JsonSchema)]
struct Extractors {
    /// Those that can be used.
    items: Vec<ExtractorView>,
    /// Plug-ins that cannot.
    broken: Vec<BrokenView>,
}

/// A plug-in that cannot be used.
#[derive(Debug, Serialize, JsonSchema)]
struct BrokenView {
    /// Its name.
    name: String,
    /// Why, and what to do.
    reason: String,
}

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
    let Pipeline { name, version, about, steps } = load(api, name, &[])?;
    let step = |step: Step| {
        let known = api.options().extractors.find(&step.extractor);
        let schema = known.map(|known| serde_json::from_str(known.descriptor.params_schema));
        let params_schema = schema.transpose().map_err(ApiError::internal)?.unwrap_or(Value::Null);
        Ok::<_, ApiError>(StepView { step, params_schema })
    };
    Ok(PipelineView { name, version, about, steps: steps.into_iter().map(step).collect::<Result<_, _>>()? })
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
    let set = &api.options().extractors;
    let items = set.iter().map(extractor).collect::<Result<Vec<_>, _>>().map_err(ApiError::internal)?;
    let broken =
        set.broken().iter().map(|broken| BrokenView { name: broken.name.clone(), reason: broken.reason.clone() });
    Ok(Json(Extractors { items, broken: broken.collect() }))
}

fn extractor(known: &Known) -> Result<ExtractorView, serde_json::Error> {
    let described = known.descriptor;
    let emitted = |(kind, schema_version): &(&'static str, u32)| Emitted { kind, schema_version: *schema_version };
    Ok(ExtractorView {
        name: described.name,
        origin: if known.plugin.is_some() { "plug-in" } else { "built-in" },
        version: described.version,
        about: described.about,
        media: described.media.to_vec(),
        emits: described.emits.iter().map(emitted).collect(),
        params: serde_json::from_str(described.params_schema)?,
        tools: described.tools.to_vec(),
        limits: described.limits,
    })
}
