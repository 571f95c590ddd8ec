//! Files that people write and lines that processes send.

use exhibit_engine::pipeline::{Override, Pipeline};
use exhibit_engine::plugin::PluginFolder;
use exhibit_engine::plugin::files::Files;
use exhibit_engine::protocol::{LINE_BYTES_MAX, ToExtractor, read_line};
use exhibit_engine::registry::ExtractorSet;

use crate::{same, text};

/// Pipeline files against the built-in extractors: what a run freezes is read back as the same. The input is tried as a parameter of the
/// command line as well.
pub fn pipeline(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let extractors = ExtractorSet::of(exhibit_extractors::built_in());
    if let Ok(pipeline) = same(|| Pipeline::parse(text, &[], &extractors)) {
        let frozen = pipeline.canonical().expect("a pipeline has a canonical form");
        let thawed: Pipeline = serde_json::from_slice(&frozen).expect("a frozen pipeline is read back");
        assert_eq!(format!("{thawed:?}"), format!("{pipeline:?}"), "it means something else");
        assert_eq!(thawed.canonical().expect("as before"), frozen);
    }
    if let Ok(given) = same(|| Override::parse(text)) {
        assert!(text.starts_with(&format!("{}.{}=", given.step, given.param)), "step and parameter are what was given");
    }
}

const MANIFEST: &str = include_str!("../corpus/plugin_manifest/good.toml");
const PARAMS: &str = r#"{"type":"object","additionalProperties":false,"properties":{"skip":{"type":"integer","minimum":0,"default":0}}}"#;
const KIND: &str = r#"{"kind":"demo.lines","version":1,"title":"Lines","subject":"artifact","retention":"kept","blob":"none","span":"none","schema":{"type":"object"},"projection":{"columns":[]}}"#;

/// A plug-in whose files are good but for what is replaced.
fn plugin(manifest: &[u8], params: &[u8], kind: &[u8]) -> Files {
    let mut files = Files::default();
    files.insert("plugin.toml", false, manifest);
    files.insert("extract.py", false, "");
    files.insert("run.sh", true, "");
    files.insert("params.json", false, params);
    files.insert("kinds/lines.json", false, kind);
    files
}

fn try_plugin(manifest: &[u8], params: &[u8], kind: &[u8]) {
    let parsed = same(|| match PluginFolder::parse(plugin(manifest, params, kind)) {
        Ok(plugin) => Ok((plugin.version(), format!("{:?}", plugin.manifest))),
        Err(error) => Err(error.to_string()),
    });
    if let Err(reason) = parsed {
        assert!(!reason.is_empty(), "an error says something");
    }
}

/// Manifests of plug-ins.
pub fn plugin_manifest(bytes: &[u8]) {
    try_plugin(bytes, PARAMS.as_bytes(), KIND.as_bytes());
}

/// The schema of parameters and the kind file that a plug-in brings.
pub fn plugin_schemas(bytes: &[u8]) {
    try_plugin(MANIFEST.as_bytes(), bytes, KIND.as_bytes());
    try_plugin(MANIFEST.as_bytes(), PARAMS.as_bytes(), bytes);
}

/// Lines of the protocol in both directions: what is read is written as a line that is read as the same.
pub fn protocol(bytes: &[u8]) {
    if let Ok(message) = same(|| read_line(bytes)) {
        let line = serde_json::to_vec(&message).expect("a message has a line");
        if line.len() <= LINE_BYTES_MAX {
            assert_eq!(read_line(&line), Ok(message), "another message");
        }
    }
    if let Ok(message) = same(|| serde_json::from_slice::<ToExtractor>(bytes)) {
        let line = serde_json::to_vec(&message).expect("a message has a line");
        assert_eq!(serde_json::from_slice::<ToExtractor>(&line).expect("a line that reads back"), message);
    }
}
