//! The pipelines that come with the program, and what is said about a pipeline.

use exhibit_engine::pipeline::{Pipeline, Step};
use exhibit_engine::registry::ExtractorSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Name and text of each.
pub const SHIPPED: &[(&str, &str)] = &[
    ("basics", include_str!("../../../pipelines/basics.toml")),
    ("similar", include_str!("../../../pipelines/similar.toml")),
    ("noop", include_str!("../../../pipelines/noop.toml")),
];

/// The text of the shipped pipeline of that name.
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A pipeline.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PipelineView {
    /// Its name.
    pub name: String,
    /// Its version, a text of its author.
    pub version: String,
    /// One sentence.
    pub about: String,
    /// What it does with each asset.
    pub steps: Vec<StepView>,
}

/// A step of a pipeline, with what can be set in it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StepView {
    /// What it does.
    #[serde(flatten)]
    pub step: Step,
    /// JSON Schema of its parameters.
    pub params_schema: Value,
}

impl PipelineView {
    /// Puts what can be set beside each step.
    ///
    /// # Errors
    /// When the schema of a plug-in's parameters is no JSON.
    pub fn new(pipeline: Pipeline, extractors: &ExtractorSet) -> Result<Self, serde_json::Error> {
        let Pipeline { name, version, about, steps } = pipeline;
        let step = |step: Step| {
            let known = extractors.find(&step.extractor);
            let schema = known.map(|known| serde_json::from_str(known.descriptor.params_schema)).transpose()?;
            Ok::<_, serde_json::Error>(StepView { step, params_schema: schema.unwrap_or(Value::Null) })
        };
        Ok(Self { name, version, about, steps: steps.into_iter().map(step).collect::<Result<_, _>>()? })
    }
}
