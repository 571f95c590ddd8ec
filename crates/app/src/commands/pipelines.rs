//! `exhibit pipelines`.

use clap::Args;
use exhibit_archive::pipelines::{PipelineView, SHIPPED, StepView};
use exhibit_http::Page;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::pipelines::{is_file, load};
use crate::remote::{Server, part};

/// List the pipelines, or show one.
#[derive(Args)]
pub struct PipelinesArgs {
    /// Show this one, with every parameter: a shipped pipeline or a TOML file
    pipeline: Option<String>,
}

pub async fn pipelines(args: PipelinesArgs, context: &Context) -> Result<Exit, CliError> {
    let loaded = match &context.server {
        Some(server) => of_server(server, args.pipeline.as_deref()).await?,
        None => of_home(args.pipeline.as_deref(), context)?,
    };
    if context.out.json {
        context.out.document(&json!({ "items": loaded }))?;
        return Ok(Exit::Ok);
    }
    for pipeline in &loaded {
        context.out.line(&format!("{} version {}: {}", pipeline.name, pipeline.version, pipeline.about))?;
        for StepView { step, .. } in &pipeline.steps {
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

async fn of_server(server: &Server, name: Option<&str>) -> Result<Vec<PipelineView>, CliError> {
    match name {
        Some(file) if is_file(file) => Err(CliError::usage(format!(
            "{file} is a file of this machine; without --server, `exhibit pipelines {file}` shows it"
        ))),
        Some(name) => Ok(vec![server.get(&format!("/v1/pipelines/{}", part(name)), &[]).await?]),
        None => Ok(server.get::<Page<PipelineView>>("/v1/pipelines", &[]).await?.items),
    }
}

fn of_home(name: Option<&str>, context: &Context) -> Result<Vec<PipelineView>, CliError> {
    let names = match name {
        Some(name) => vec![name],
        None => SHIPPED.iter().map(|(name, _)| *name).collect(),
    };
    let extractors = crate::plugins::extractors(&context.home)?;
    names.iter().map(|name| Ok(PipelineView::new(load(name, &[], &extractors)?, &extractors)?)).collect()
}
