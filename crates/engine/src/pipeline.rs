//! Pipelines: what a TOML file says, checked against the extractors, with every parameter filled in and hashed.

use exhibit_model::canonical::canonical_of;
use exhibit_model::digest::Digest;
use exhibit_model::findings::Findings;
use exhibit_model::lineage::ModelProfile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::extractor::MediaClass;
use crate::registry::ExtractorSet;

/// Largest pipeline file in bytes.
pub const PIPELINE_BYTES_MAX: usize = 256 * 1024;

/// Steps of one pipeline; far above what a person writes, and small enough for the ordinals of units.
pub const STEPS_MAX: usize = 64;

/// A pipeline could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The file is not TOML, or has unknown keys.
    #[error("pipeline {name}: {reason}")]
    Unreadable {
        /// The pipeline or its file.
        name: String,
        /// With line and column.
        reason: String,
    },
    /// What it says does not fit the extractors.
    #[error("pipeline {name}: {findings}")]
    Invalid {
        /// The pipeline.
        name: String,
        /// Every problem.
        findings: Findings,
    },
}

/// A pipeline as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: String,
    #[serde(default)]
    about: String,
    #[serde(rename = "step")]
    steps: Vec<FileStep>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    name: String,
    extractor: String,
    #[serde(default)]
    media: Vec<String>,
    #[serde(default = "balanced")]
    profile: String,
    #[serde(default)]
    params: Map<String, Json>,
}

fn balanced() -> String {
    ModelProfile::Balanced.as_str().to_owned()
}

/// A pipeline that can be run: frozen into the run as RFC 8785 JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Its version, a text of its author.
    pub version: String,
    /// One sentence.
    pub about: String,
    /// What it does with each asset.
    pub steps: Vec<Step>,
}

/// One step of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, unique in the pipeline.
    pub name: String,
    /// The extractor that does it.
    pub extractor: String,
    /// Classes of originals it takes.
    pub media: Vec<String>,
    /// The strength of the run.
    pub profile: ModelProfile,
    /// All parameters, defaults filled in.
    pub params: Map<String, Json>,
    /// SHA-256 of RFC 8785 {params, profile}.
    pub config_hash: Digest,
    /// Kinds (name, version) that it reads of the whole collection; empty for a step that works on each asset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<(String, u32)>,
}

impl Step {
    /// Whether it works on the collection as a whole, with one unit.
    pub fn is_aggregate(&self) -> bool {
        !self.reads.is_empty()
    }

    /// Whether it has work with an original of that media type.
    pub fn takes(&self, media_type: &str) -> bool {
        let class = MediaClass::of(media_type).as_str();
        self.media.iter().any(|media| media == class)
    }
}

/// A parameter given on the command line: `step.param=value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Name of the step.
    pub step: String,
    /// Name of the parameter.
    pub param: String,
    /// Its value: JSON, or else the text itself.
    pub value: Json,
}

impl Override {
    /// Reads `step.param=value`.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not of the form step.param=value");
        let (place, value) = text.split_once('=').ok_or_else(wrong)?;
        let (step, param) = place.split_once('.').ok_or_else(wrong)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Json::from(value));
        Ok(Self { step: step.to_owned(), param: param.to_owned(), value })
    }
}

impl Pipeline {
    /// Reads a pipeline file and checks it against the extractors. Every problem is reported before the first unit is planned.
    ///
    /// # Errors
    /// When the file cannot be read, or names an unknown step, extractor, media class or parameter.
    pub fn parse(text: &str, overrides: &[Override], extractors: &ExtractorSet) -> Result<Self, PipelineError> {
        let unreadable = |reason: String| PipelineError::Unreadable { name: "file".to_owned(), reason };
        if text.len() > PIPELINE_BYTES_MAX {
            return Err(unreadable(format!("it has more than {PIPELINE_BYTES_MAX} bytes")));
        }
        let file: File = toml::from_str(text).map_err(|error| unreadable(error.to_string().trim_end().to_owned()))?;
        let mut findings = Findings::new();
        check_file(&mut findings, &file);
        check_overrides(&mut findings, &file, overrides);
        let mut steps = Vec::new();
        for (index, step) in file.steps.iter().enumerate() {
            let own: Vec<&Override> = overrides.iter().filter(|given| given.step == step.name).collect();
            steps.extend(check_step(&mut findings, index, step, &own, extractors));
        }
        let pipeline = Self { name: file.name.clone(), version: file.version, about: file.about, steps };
        findings.into_result(pipeline).map_err(|findings| PipelineError::Invalid { name: file.name, findings })
    }

    /// RFC 8785 JSON of the pipeline, as a run freezes it.
    ///
    /// # Errors
    /// When a parameter has no canonical form.
    pub fn canonical(&self) -> Result<Vec<u8>, Findings> {
        canonical_of(self)
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-')
}

fn check_file(findings: &mut Findings, file: &File) {
    const RULE: &str = "a name has 1 to 64 of a-z, 0-9, _ and -";
    if !is_name(&file.name) {
        findings.add("/name", "bad_name", RULE);
    }
    if file.version.is_empty() || file.version.len() > 64 {
        findings.add("/version", "bad_version", "a version has 1 to 64 bytes");
    }
    if file.steps.is_empty() || file.steps.len() > STEPS_MAX {
        findings.add("/step", "bad_steps", format!("a pipeline has 1 to {STEPS_MAX} steps"));
    }
    for (index, step) in file.steps.iter().enumerate() {
        if !is_name(&step.name) {
            findings.add(format!("/step/{index}/name"), "bad_name", RULE);
        }
        if file.steps[..index].iter().any(|earlier| earlier.name == step.name) {
            findings.add(format!("/step/{index}/name"), "duplicate_step", format!("step {} exists already", step.name));
        }
    }
}

fn check_overrides(findings: &mut Findings, file: &File, overrides: &[Override]) {
    for given in overrides {
        if !file.steps.iter().any(|step| step.name == given.step) {
            let names: Vec<&str> = file.steps.iter().map(|step| step.name.as_str()).collect();
            let message = format!("there is no step {}; the steps are {}", given.step, names.join(", "));
            findings.add("/step", "unknown_step", message);
        }
    }
}

fn check_step(
    findings: &mut Findings,
    index: usize,
    step: &FileStep,
    overrides: &[&Override],
    extractors: &ExtractorSet,
) -> Option<Step> {
    let Some(extractor) = extractors.find(&step.extractor) else {
        let message = extractors.explain_missing(&step.extractor);
        findings.add(format!("/step/{index}/extractor"), "unknown_extractor", message);
        return None;
    };
    let offered: Vec<&str> = extractor.descriptor.media.iter().map(|class| class.as_str()).collect();
    for media in step.media.iter().filter(|media| !offered.contains(&media.as_str())) {
        let takes = if offered.is_empty() { "a whole collection".to_owned() } else { offered.join(", ") };
        let message = format!("{} does not take {media}; it takes {takes}", step.extractor);
        findings.add(format!("/step/{index}/media"), "unknown_media", message);
    }
    let profile = step.profile.parse::<ModelProfile>();
    if profile.is_err() {
        findings.add(format!("/step/{index}/profile"), "unknown_value", "a profile is fast, balanced or high_quality");
    }
    let mut params = step.params.clone();
    for given in overrides {
        params.insert(given.param.clone(), given.value.clone());
    }
    let params = check_params(findings, index, extractor.descriptor.params_schema, params)?;
    let profile = profile.ok()?;
    let config = serde_json::json!({ "params": params, "profile": profile.as_str() });
    let config_hash = Digest::of(&canonical_of(&config).map_err(|problems| findings.merge(problems)).ok()?);
    let media = if step.media.is_empty() {
        offered.iter().map(|media| (*media).to_owned()).collect()
    } else {
        step.media.clone()
    };
    let reads = extractor.descriptor.reads.iter().map(|(kind, version)| ((*kind).to_owned(), *version)).collect();
    let (name, extractor) = (step.name.clone(), step.extractor.clone());
    Some(Step { name, extractor, media, profile, params, config_hash, reads })
}

/// Fills in defaults and checks the parameters against the schema of the extractor.
fn check_params(
    findings: &mut Findings,
    index: usize,
    schema: &str,
    mut params: Map<String, Json>,
) -> Option<Map<String, Json>> {
    let place = format!("/step/{index}/params");
    let schema: Json = match serde_json::from_str(schema) {
        Ok(schema) => schema,
        Err(error) => {
            findings.add(place, "bad_schema", format!("the parameter schema of the extractor is not JSON: {error}"));
            return None;
        }
    };
    let known = schema.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    for (name, property) in &known {
        if let (false, Some(default)) = (params.contains_key(name), property.get("default")) {
            params.insert(name.clone(), default.clone());
        }
    }
    for name in params.keys().filter(|name| !known.contains_key(*name)) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let message = format!("there is no parameter {name}; there are {}", names.join(", "));
        findings.add(format!("{place}/{name}"), "unknown_parameter", message);
    }
    let instance = Json::Object(params.clone());
    match jsonschema::draft202012::new(&schema) {
        Ok(validator) => {
            for error in validator.iter_errors(&instance) {
                if !error.instance_path().as_str().is_empty() {
                    findings.add(format!("{place}{}", error.instance_path()), "bad_parameter", error.to_string());
                }
            }
        }
        Err(error) => {
            findings.add(place, "bad_schema", format!("the parameter schema of the extractor is not valid: {error}"))
        }
    }
    Some(params)
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
