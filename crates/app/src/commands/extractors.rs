//! `exhibit extractors`.

use clap::Args;
use exhibit_engine::extractor::Tool;
use exhibit_extractors::built_in;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};

/// List the extractors.
#[derive(Args)]
pub struct ExtractorsArgs {}

pub async fn extractors(_args: ExtractorsArgs, context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        let items: Result<Vec<_>, serde_json::Error> = built_in()
            .iter()
            .map(|extractor| {
                let described = extractor.descriptor;
                let params: serde_json::Value = serde_json::from_str(described.params_schema)?;
                let emits: Vec<_> =
                    described.emits.iter().map(|(kind, version)| json!({ "kind": kind, "schema_version": version })).collect();
                Ok(json!({
                    "name": described.name, "version": described.version, "about": described.about, "media": described.media,
                    "emits": emits, "params": params, "tools": described.tools, "limits": described.limits,
                }))
            })
            .collect();
        context.out.document(&json!({ "items": items? }))?;
        return Ok(Exit::Ok);
    }
    for extractor in built_in() {
        let described = extractor.descriptor;
        let media: Vec<&str> = described.media.iter().map(|class| class.as_str()).collect();
        let emits: Vec<String> = described.emits.iter().map(|(kind, version)| format!("{kind} v{version}")).collect();
        context.out.line(&format!("{} version {}", described.name, described.version))?;
        context.out.line(&format!("  {}", described.about))?;
        context.out.line(&format!("  takes {}; emits {}", media.join(", "), emits.join(", ")))?;
        if !described.tools.is_empty() {
            let tools: Vec<String> = described.tools.iter().map(tool).collect();
            context.out.line(&format!("  runs {}", tools.join(", ")))?;
        }
        let schema: serde_json::Value = serde_json::from_str(described.params_schema)?;
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let about = property["description"].as_str().unwrap_or_default();
            context.out.line(&format!("  {name} = {}  {about}", property["default"]))?;
        }
    }
    Ok(Exit::Ok)
}

/// `heif-convert (for image/heic, image/avif)`
fn tool(tool: &Tool) -> String {
    if tool.media_types.is_empty() {
        return tool.name.to_owned();
    }
    let types: Vec<String> = tool
        .media_types
        .iter()
        .map(|known| if known.ends_with('/') { format!("{known}*") } else { (*known).to_owned() })
        .collect();
    format!("{} (for {})", tool.name, types.join(", "))
}
