//! `exhibit extractors list`.

use exhibit_archive::extractors::{ExtractorView, Extractors, ToolView};

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::plugins;

pub async fn list(context: &Context) -> Result<Exit, CliError> {
    let known: Extractors = match &context.server {
        Some(server) => server.get("/v1/extractors", &[]).await?,
        None => Extractors::new(&plugins::extractors(&context.home)?, &plugins::older_versions(&context.home)?)?,
    };
    if context.out.json {
        context.out.document(&known)?;
        return Ok(Exit::Ok);
    }
    for extractor in &known.items {
        print(extractor, context)?;
    }
    for broken in &known.broken {
        eprintln!("exhibit: the plug-in {} cannot be used: {}", broken.name, broken.reason);
    }
    Ok(Exit::Ok)
}

fn print(extractor: &ExtractorView, context: &Context) -> Result<(), CliError> {
    let media: Vec<&str> = extractor.media.iter().map(|class| class.as_str()).collect();
    let emits: Vec<String> =
        extractor.emits.iter().map(|kind| format!("{} v{}", kind.kind, kind.schema_version)).collect();
    let plugin = extractor.digest.map_or_else(String::new, |digest| format!(", plug-in {}", digest.to_hex()));
    context.out.line(&format!("{} version {}{plugin}", extractor.name, extractor.stated_version))?;
    context.out.line(&format!("  {}", extractor.about))?;
    context.out.line(&format!("  takes {}; emits {}", media.join(", "), emits.join(", ")))?;
    if !extractor.tools.is_empty() {
        let tools: Vec<String> = extractor.tools.iter().map(tool).collect();
        context.out.line(&format!("  runs {}", tools.join(", ")))?;
    }
    for (name, property) in extractor.params["properties"].as_object().into_iter().flatten() {
        let about = property["description"].as_str().unwrap_or_default();
        context.out.line(&format!("  {name} = {}  {about}", property["default"]))?;
    }
    Ok(())
}

/// `heif-convert (for image/heic, image/avif)`
fn tool(tool: &ToolView) -> String {
    if tool.media_types.is_empty() {
        return tool.name.clone();
    }
    let types: Vec<String> = tool
        .media_types
        .iter()
        .map(|known| if known.ends_with('/') { format!("{known}*") } else { known.clone() })
        .collect();
    format!("{} (for {})", tool.name, types.join(", "))
}
