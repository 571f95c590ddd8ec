//! Starting every extractor once, confined as in a run, to see whether it can work here.

use std::path::Path;

use crate::confine::Confinement;
use crate::engine::EngineOptions;
use crate::extractor::Descriptor;
use crate::host::RunError;
use crate::process::{ExtractorProcess, Ready, StartError};
use crate::registry::Known;
use crate::scratch::Scratch;
use crate::supervisor::{SourceRoot, SupervisorSpec};

/// How an extractor started.
pub struct Trial {
    /// Which.
    pub descriptor: &'static Descriptor,
    /// Its version and those of its tools, or why it cannot work.
    pub started: Result<Ready, StartError>,
}

/// Starts each extractor without sources and ends it again.
///
/// # Errors
/// When scratch cannot be made.
pub fn start_each(options: &EngineOptions) -> Result<Vec<Trial>, RunError> {
    let scratch = Scratch::make(&options.work_folder, options.ids.next_ulid())?;
    let mut trials = Vec::new();
    for known in options.extractors.iter() {
        let folder = scratch.path().join(known.descriptor.name);
        let start = || {
            std::fs::create_dir(&folder)?;
            let spec = options.process_spec(known, Vec::new(), &folder)?;
            Ok(ExtractorProcess::start(&options.exe, &spec, known, &|| false)?.ready.clone())
        };
        trials.push(Trial { descriptor: known.descriptor, started: start() });
    }
    Ok(trials)
}

impl EngineOptions {
    /// What the process of an extractor is started with, in runs and here.
    pub(crate) fn process_spec(
        &self,
        known: &Known,
        sources: Vec<SourceRoot>,
        scratch: &Path,
    ) -> std::io::Result<SupervisorSpec> {
        Ok(SupervisorSpec {
            extractor: known.descriptor.name.to_owned(),
            sources,
            scratch: text_of("scratch", scratch)?,
            readable: match &known.plugin {
                Some(plugin) => vec![text_of("the plug-in", &plugin.folder)?],
                None => Vec::new(),
            },
            program: known.plugin.as_ref().map(|plugin| plugin.command.clone()),
            limits: known.descriptor.limits,
            memory_bytes_max: Some(self.process_memory_max),
            landlock_abi_max: None,
            confinement: self.confinement,
        })
    }

    /// Whether extractors are confined.
    pub fn is_confined(&self) -> bool {
        self.confinement == Confinement::Full
    }
}

fn text_of(what: &str, path: &Path) -> std::io::Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| std::io::Error::other(format!("the path of {what} is not text")))
}
