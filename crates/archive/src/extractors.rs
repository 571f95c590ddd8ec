//! What is said about extractors.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exhibit_engine::extractor::{Limits, MediaClass, Tool};
use exhibit_engine::registry::{ExtractorSet, Known};
use exhibit_model::digest::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An extractor.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ExtractorView {
    /// Its name.
    pub name: String,
    /// `built-in` or `plug-in`.
    pub origin: Cow<'static, str>,
    /// Its version; of a plug-in the digest of all its files.
    pub version: String,
    /// The version that it states itself.
    pub stated_version: String,
    /// One sentence.
    pub about: String,
    /// Classes of originals it takes.
    pub media: Vec<MediaClass>,
    /// Kinds that it emits.
    pub emits: Vec<Emitted>,
    /// JSON Schema of its parameters.
    pub params: Value,
    /// Outside programs that it runs.
    pub tools: Vec<ToolView>,
    /// What one unit may use.
    pub limits: Limits,
    /// Of a plug-in: the digest of all its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Of a plug-in: what is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Of a plug-in: digests of the versions that are kept and not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older: Option<Vec<String>>,
}

/// A kind that an extractor emits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Emitted {
    /// Its name.
    pub kind: String,
    /// Its version.
    pub schema_version: u32,
}

/// An outside program that an extractor starts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Tool")]
pub struct ToolView {
    /// Its name; looked up in `/usr/bin` and `/usr/local/bin`.
    pub name: String,
    /// The originals it is needed for: media types, or their beginning up to the slash (`video/`). Empty = every original. The results of
    /// others do not depend on it, so neither their lineage nor their work key names it.
    pub media_types: Vec<String>,
    /// Without it no unit can be done. Otherwise only those fail that need it.
    pub required: bool,
    /// The Debian package that has it.
    pub install: String,
}

/// Every extractor.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Extractors {
    /// Those that can be used.
    pub items: Vec<ExtractorView>,
    /// Plug-ins that cannot.
    pub broken: Vec<BrokenView>,
}

/// A plug-in that cannot be used.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BrokenView {
    /// Its name.
    pub name: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Extractors {
    /// Puts words to all of them. `older` has the digests of versions that are kept and not used, by plug-in.
    ///
    /// # Errors
    /// When the schema of a plug-in's parameters is no JSON.
    pub fn new(set: &ExtractorSet, older: &BTreeMap<String, Vec<String>>) -> Result<Self, serde_json::Error> {
        let items = set.iter().map(|known| view(known, older)).collect::<Result<_, _>>()?;
        let broken = set.broken().iter();
        let broken = broken.map(|broken| BrokenView { name: broken.name.clone(), reason: broken.reason.clone() });
        Ok(Self { items, broken: broken.collect() })
    }
}

fn view(known: &Known, older: &BTreeMap<String, Vec<String>>) -> Result<ExtractorView, serde_json::Error> {
    let described = known.descriptor;
    let plugin = known.plugin.as_deref();
    let emitted = |(kind, version): &(&str, u32)| Emitted { kind: (*kind).to_owned(), schema_version: *version };
    Ok(ExtractorView {
        name: described.name.to_owned(),
        origin: if plugin.is_some() { "plug-in" } else { "built-in" }.into(),
        version: described.version.to_owned(),
        stated_version: known.stated_version().to_owned(),
        about: described.about.to_owned(),
        media: described.media.to_vec(),
        emits: described.emits.iter().map(emitted).collect(),
        params: serde_json::from_str(described.params_schema)?,
        tools: described.tools.iter().map(tool).collect(),
        limits: described.limits,
        digest: plugin.map(|plugin| plugin.digest),
        command: plugin.map(|plugin| plugin.command.clone()),
        older: plugin.map(|_| older.get(described.name).cloned().unwrap_or_default()),
    })
}

fn tool(tool: &Tool) -> ToolView {
    ToolView {
        name: tool.name.to_owned(),
        media_types: tool.media_types.iter().map(|known| (*known).to_owned()).collect(),
        required: tool.required,
        install: tool.install.to_owned(),
    }
}
