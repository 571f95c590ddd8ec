//! Starting every extractor once, confined as in a run, to see whether it can work here.

use crate::confine::Confinement;
use crate::engine::EngineOptions;
use crate::extractor::Descriptor;
use crate::host::RunError;
use crate::process::{ExtractorProcess, Ready, StartError};
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
    for built_in in options.extractors {
        let descriptor = built_in.descriptor;
        let folder = scratch.path().join(descriptor.name);
        let start = || {
            std::fs::create_dir(&folder)?;
            let spec = options.process_spec(descriptor, Vec::new(), &folder)?;
            Ok(ExtractorProcess::start(&options.exe, &spec, &|| false)?.ready.clone())
        };
        trials.push(Trial { descriptor, started: start() });
    }
    Ok(trials)
}

impl EngineOptions {
    /// What the process of an extractor is started with, in runs and here.
    pub(crate) fn process_spec(
        &self,
        descriptor: &Descriptor,
        sources: Vec<SourceRoot>,
        scratch: &std::path::Path,
    ) -> std::io::Result<SupervisorSpec> {
        let scratch = scratch.to_str().ok_or_else(|| std::io::Error::other("the path of scratch is not text"))?;
        Ok(SupervisorSpec {
            extractor: descriptor.name.to_owned(),
            sources,
            scratch: scratch.to_owned(),
            readable: Vec::new(),
            limits: descriptor.limits,
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
