//! `exhibit extractors list`.

use exhibit_engine::extractor::Tool;
use exhibit_engine::registry::Known;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::plugins;

pub fn list(context: &Context) -> Result<Exit, CliError> {
    let known = plugins::extractors(&context.home)?;
    let older = plugins::older_versions(&context.home)?;
    if context.out.json {
        let items = known.iter().map(|extractor| item(extractor, older.get(extractor.descriptor.name)));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let broken: Vec<_> =
            known.broken().iter().map(|broken| json!({ "name": broken.name, "reason": broken.reason })).collect();
        context.out.document(&json!({ "items": items, "broken": broken }))?;
        return Ok(Exit::Ok);
    }
    for extractor in known.iter() {
        print(extractor, context)?;
    }
    for broken in known.broken() {
        eprintln!("exhibit: the plug-in {} cannot be used: {}", broken.name, broken.reason);
    }
    Ok(Exit::Ok)
}

fn item(extractor: &Known, older: Option<&Vec<String>>) -> Result<Value, serde_json::Error> {
    let described = extractor.descriptor;
    let params: Value = serde_json::from_str(described.params_schema)?;
    let emits: Vec<_> =
        described.emits.iter().map(|(kind, version)| json!({ "kind": kind, "schema_version": version })).collect();
    let mut item = json!({
        "name": described.name, "origin": "built-in", "version": described.version, "about": described.about,
        "media": described.media, "emits": emits, "params": params, "tools": described.tools, "limits": described.limits,
    });
    if let Some(plugin) = &extractor.plugin {
        item["origin"] = "plug-in".into();
        item["digest"] = plugin.digest.to_hex().into();
        item["command"] = json!(plugin.command);
        item["older"] = json!(older.cloned().unwrap_or_default());
    }
    Ok(item)
}

fn print(extractor: &Known, context: &Context) -> Result<(), CliError> {
    let described = extractor.descriptor;
    let media: Vec<&str> = described.media.iter().map(|class| class.as_str()).collect();
    let emits: Vec<String> = described.emits.iter().map(|(kind, version)| format!("{kind} v{version}")).collect();
    let plugin =
        extractor.plugin.as_ref().map_or_else(String::new, |plugin| format!(", plug-in {}", plugin.digest.to_hex()));
    context.out.line(&format!("{} version {}{plugin}", described.name, extractor.stated_version()))?;
    context.out.line(&format!("  {}", described.about))?;
    context.out.line(&format!("  takes {}; emits {}", media.join(", "), emits.join(", ")))?;
    if !described.tools.is_empty() {
        let tools: Vec<String> = described.tools.iter().map(tool).collect();
        context.out.line(&format!("  runs {}", tools.join(", ")))?;
    }
    let schema: Value = serde_json::from_str(described.params_schema)?;
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let about = property["description"].as_str().unwrap_or_default();
        context.out.line(&format!("  {name} = {}  {about}", property["default"]))?;
    }
    Ok(())
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
