//! `exhibit pipelines`.

use clap::Args;
use exhibit_archive::pipelines::SHIPPED;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::pipelines::load;

/// List the pipelines, or show one.
#[derive(Args)]
pub struct PipelinesArgs {
    /// Show this one, with every parameter: a shipped pipeline or a TOML file
    pipeline: Option<String>,
}

pub async fn pipelines(args: PipelinesArgs, context: &Context) -> Result<Exit, CliError> {
    let names = match &args.pipeline {
        Some(name) => vec![name.as_str()],
        None => SHIPPED.iter().map(|(name, _)| *name).collect(),
    };
    let extractors = crate::plugins::extractors(&context.home)?;
    let loaded = names.iter().map(|name| load(name, &[], &extractors)).collect::<Result<Vec<_>, _>>()?;
    if context.out.json {
        context.out.document(&json!({ "items": loaded }))?;
        return Ok(Exit::Ok);
    }
    for pipeline in &loaded {
        context.out.line(&format!("{} version {}: {}", pipeline.name, pipeline.version, pipeline.about))?;
        for step in &pipeline.steps {
            context.out.line(&format!(
                "  {}: {} for {}, profile {}",
                step.name,
                step.extractor,
                step.media.join(", "),
                step.profile
            ))?;
            if args.pipeline.is_some() {
                for (name, value) in &step.params {
                    context.out.line(&format!("    {}.{name} = {value}", step.name))?;
                }
            }
        }
    }
    Ok(Exit::Ok)
}
