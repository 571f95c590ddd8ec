//! The extractor processes of a run: starting one, what a unit finds in its scratch, and taking over what it leaves there.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use exhibit_store::Staged;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use super::{RunContext, RunError};
use crate::dispatch::Work;
use crate::process::{ExtractorProcess, StartError};
use crate::protocol::{BlobMessage, ToExtractor, UnitMessage};
use crate::supervisor::SourceRoot;

/// Bytes of a path that the kernel opens by name (`PATH_MAX` with its final zero).
const PATH_BYTES_MAX: usize = 4_095;

/// Why no unit of a step can be done by this host: its plug-in does not start.
#[derive(Debug, Clone)]
pub(crate) struct StepFailure {
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
}

impl RunContext {
    /// Starts a process for a step. It may read every source that can be reached, the files of its plug-in, and nothing else of ours.
    pub(crate) fn start_process(&self, step: u32) -> Result<ExtractorProcess, StartError> {
        let named =
            |extractor: String| move |error: RunError| StartError::Failed { extractor, detail: error.to_string() };
        let definition = self.step(step).map_err(named(step.to_string()))?;
        let known = self.extractor(step).map_err(named(definition.extractor.clone()))?;
        let number = self.processes.fetch_add(1, Ordering::Relaxed);
        let scratch = self.scratch.join(format!("p{number}"));
        std::fs::create_dir(&scratch)?;
        let reachable = self.sources.values().filter(|open| open.is_there());
        let sources: Vec<SourceRoot> =
            reachable.map(|open| SourceRoot::new(open.source.id.to_string(), &open.path)).collect();
        let step_message = ToExtractor::Step {
            params: definition.params.clone(),
            profile: definition.profile.to_string(),
            sources: sources.iter().map(|root| (root.source.clone(), root.root_b64.clone())).collect(),
        };
        let spec = self.options.process_spec(known, sources, &scratch)?;
        let mut process = ExtractorProcess::start(&self.options.exe, &spec, known, &|| self.should_stop())?;
        let mut line = serde_json::to_vec(&step_message).map_err(io::Error::from)?;
        line.push(b'\n');
        process.send(&line)?;
        process.measure(Arc::clone(&self.meter));
        Ok(process)
    }

    /// Keeps in mind that a plug-in does not start, so that the units that come later need not find out again.
    pub(crate) fn note_step_failure(&self, step: u32, failure: StepFailure) {
        self.step_failures.lock().unwrap_or_else(PoisonError::into_inner).entry(step).or_insert(failure);
    }

    /// Why no unit of the step can be done, once that is known.
    pub(crate) fn step_failure(&self, step: u32) -> Option<StepFailure> {
        self.step_failures.lock().unwrap_or_else(PoisonError::into_inner).get(&step).cloned()
    }

    /// Makes the folder of a unit of a plug-in, with a link to the original in it: a name that any language and any tool can open, whatever
    /// bytes the real one has. Returns it relative to scratch; `None` when the real one is too long to be opened by name.
    pub(crate) fn link_original(
        &self,
        process: &ExtractorProcess,
        unit: u64,
        work: &Work,
    ) -> Result<Option<String>, RunError> {
        let folder = process.scratch_path().join(unit.to_string());
        let failed = |source| RunError::System { what: "making the folder of a unit".to_owned(), source };
        match std::fs::create_dir(&folder) {
            // The process wrote there before it was asked.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_dir_all(&folder).or_else(|_| std::fs::remove_file(&folder)).map_err(failed)?;
                std::fs::create_dir(&folder).map_err(failed)?;
            }
            other => other.map_err(failed)?,
        }
        let Some(place) = &work.place else { return Ok(None) };
        let Some(open) = self.sources.get(&place.source) else { return Ok(None) };
        let original = open.path.join(std::ffi::OsStr::from_bytes(&place.path));
        if original.as_os_str().len() > PATH_BYTES_MAX {
            return Ok(None);
        }
        let name = link_name(&original);
        std::os::unix::fs::symlink(&original, folder.join(&name)).map_err(failed)?;
        Ok(Some(format!("{unit}/{name}")))
    }

    /// What a process is told of a unit.
    pub(crate) fn unit_message(&self, number: u64, work: &Work, path: Option<String>) -> Result<UnitMessage, RunError> {
        let place =
            work.place.as_ref().ok_or_else(|| RunError::Internal("a unit without a path was sent".to_owned()))?;
        Ok(UnitMessage {
            unit: number,
            source: self.source_id(place.source)?,
            path_b64: BASE64_STANDARD.encode(&place.path),
            path,
            asset_id: work.asset.to_string(),
            media_type: work.media_type.clone(),
            size_bytes: u64::try_from(place.stat.size_bytes).unwrap_or(0),
            mtime_ns: place.stat.mtime_ns.to_string(),
        })
    }

    /// Copies a file that a process left into the blob store, without a name yet. The inner error is a fault of the process.
    pub(crate) fn take_blob(
        &self,
        process: &ExtractorProcess,
        unit: u64,
        blob: &BlobMessage,
        bytes_max: u64,
    ) -> Result<Result<Staged, String>, RunError> {
        let plain =
            !blob.file.is_empty() && !blob.file.starts_with('.') && !blob.file.contains('/') && blob.file.len() <= 255;
        if !plain || !is_media_type(&blob.media_type) {
            return Ok(Err("it named a blob that is no plain file with a media type".to_owned()));
        }
        let path = format!("{unit}/{}", blob.file);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let file = match openat2(process.scratch(), path.as_str(), flags, Mode::empty(), resolve) {
            Ok(fd) => std::fs::File::from(fd),
            Err(error) => return Ok(Err(format!("its blob {} cannot be opened: {error}", blob.file))),
        };
        match file.metadata() {
            Ok(metadata) if metadata.is_file() => {}
            _ => return Ok(Err(format!("its blob {} is not a regular file", blob.file))),
        }
        let staged = self.store.blobs().stage(&mut &file, bytes_max)?;
        Ok(staged.ok_or_else(|| format!("its blob {} has more than {bytes_max} bytes", blob.file)))
    }

    /// Empties what a unit left in scratch.
    pub(crate) fn clear_unit_scratch(&self, process: &ExtractorProcess, unit: u64) {
        // What cannot be removed now goes with the folder of the process.
        crate::scratch::remove_all(&process.scratch_path().join(unit.to_string())).ok();
    }
}

/// `original` with the ending of the real name, because some tools go by it.
fn link_name(original: &Path) -> String {
    let ending = original.extension().and_then(std::ffi::OsStr::to_str);
    let plain =
        |ending: &&str| (1..=10).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    ending.filter(plain).map_or_else(|| "original".to_owned(), |ending| format!("original.{ending}"))
}

/// `type/subtype` of RFC 6838 names, at most 100 bytes.
fn is_media_type(text: &str) -> bool {
    let name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    text.len() <= 100 && text.split_once('/').is_some_and(|(kind, subtype)| name(kind) && name(subtype))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::link_name;

    #[test]
    fn the_link_has_a_plain_ending_or_none() {
        for (real, link) in [
            ("/a/b.JPG", "original.JPG"),
            ("/a/b.tar.gz", "original.gz"),
            ("/a/b", "original"),
            ("/a/.hidden", "original"),
            ("/a/b.j pg", "original"),
            ("/a/b.abcdefghijk", "original"),
            ("/a/b.é", "original"),
        ] {
            assert_eq!(link_name(Path::new(real)), link, "{real}");
        }
    }
}
