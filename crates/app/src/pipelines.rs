//! The pipelines that come with the binary, and those in files.

use std::path::Path;

use exhibit_archive::pipelines::{SHIPPED, shipped};
use exhibit_engine::pipeline::{Override, PIPELINE_BYTES_MAX, Pipeline, PipelineError};
use exhibit_engine::registry::ExtractorSet;

use crate::error::CliError;

/// A shipped pipeline by name, or a file (anything with a slash or the ending `.toml`).
pub fn load(name: &str, overrides: &[Override], extractors: &ExtractorSet) -> Result<Pipeline, CliError> {
    let text = match shipped(name) {
        Some(text) => text.to_owned(),
        None if is_file(name) => read(name)?,
        None => {
            let names: Vec<&str> = SHIPPED.iter().map(|(known, _)| *known).collect();
            return Err(CliError::usage(format!(
                "there is no pipeline {name}; there are {}, or name a file that ends with .toml",
                names.join(", ")
            )));
        }
    };
    Pipeline::parse(&text, overrides, extractors).map_err(|error| match error {
        PipelineError::Unreadable { reason, .. } => CliError::usage(format!("the pipeline file {name}: {reason}")),
        other => other.into(),
    })
}

/// Whether a name means a file.
pub fn is_file(name: &str) -> bool {
    name.contains('/') || Path::new(name).extension().is_some_and(|ending| ending == "toml")
}

fn read(name: &str) -> Result<String, CliError> {
    let wrong = |reason: String| CliError::usage(format!("the pipeline file {name} cannot be read: {reason}"));
    let found = std::fs::metadata(name).map_err(|error| wrong(error.to_string()))?;
    if !found.is_file() || found.len() > PIPELINE_BYTES_MAX as u64 {
        return Err(wrong(format!("it is not a file of at most {PIPELINE_BYTES_MAX} bytes")));
    }
    std::fs::read_to_string(name).map_err(|error| wrong(error.to_string()))
}
