//! Who answers at the start, and whether it is who was started.

use std::collections::BTreeMap;

use exhibit_model::lineage::PRODUCER_VERSION_BYTES_MAX;

use crate::extractor::Tool;
use crate::protocol::PROTOCOL_VERSION;
use crate::registry::Known;

/// Bytes of the version of one tool, as a process says it.
const TOOL_VERSION_BYTES_MAX: usize = 64;

/// Who answered at the start.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Version of the extractor.
    pub version: String,
    /// Versions of the tools that it found.
    pub tools: BTreeMap<String, String>,
}

impl Ready {
    /// Version of the extractor and of its tools, as the lineage names it: `1` or `1+ffmpeg.5.1.6`.
    pub fn producer_version(&self) -> String {
        self.tools.iter().fold(self.version.clone(), |text, (tool, version)| format!("{text}+{tool}.{version}"))
    }

    /// What a result about an original of this media type depends on: the extractor and those of its tools that serve the type.
    ///
    /// # Errors
    /// The first such tool that is missing.
    pub fn for_media(&self, tools: &'static [Tool], media_type: &str) -> Result<Self, &'static Tool> {
        let mut narrowed = Self { version: self.version.clone(), tools: BTreeMap::new() };
        for tool in tools.iter().filter(|tool| tool.serves(media_type)) {
            let version = self.tools.get(tool.name).ok_or(tool)?;
            narrowed.tools.insert(tool.name.to_owned(), version.clone());
        }
        Ok(narrowed)
    }
}

/// Who answers must be who was started, in the version that was started, with the tools that it may run.
pub(super) fn check_ready(
    known: &Known,
    protocol: u32,
    extractor: &str,
    version: &str,
    tools: BTreeMap<String, String>,
) -> Result<Ready, String> {
    let name = known.descriptor.name;
    if protocol != PROTOCOL_VERSION || extractor != name {
        return Err(format!("it says that it is {extractor} with protocol {protocol}"));
    }
    if version != known.stated_version() {
        return Err(format!("it says that it is version {version}; version {} was started", known.stated_version()));
    }
    if known.plugin.is_some() {
        let declared = known.descriptor.tools;
        let told = tools.len() == declared.len() && declared.iter().all(|tool| tools.contains_key(tool.name));
        if !told {
            let said: Vec<&str> = tools.keys().map(String::as_str).collect();
            let declared: Vec<&str> = declared.iter().map(|tool| tool.name).collect();
            let (said, declared) = (said.join(", "), declared.join(", "));
            return Err(format!("it gives versions of the tools [{said}]; its manifest names [{declared}]"));
        }
    }
    let plain =
        |text: &String| (1..=TOOL_VERSION_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if let Some((tool, _)) = tools.iter().find(|(_, text)| !plain(text)) {
        return Err(format!("its version of {tool} is no text of 1 to {TOOL_VERSION_BYTES_MAX} bytes"));
    }
    let ready = Ready { version: known.descriptor.version.to_owned(), tools };
    let bytes = ready.producer_version().len();
    if bytes > PRODUCER_VERSION_BYTES_MAX {
        return Err(format!(
            "its version with those of its tools has {bytes} bytes; a lineage holds {PRODUCER_VERSION_BYTES_MAX}"
        ));
    }
    Ok(ready)
}
