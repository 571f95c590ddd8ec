//! The supervisor: a small process between the host and each extractor, which confines itself first and ends everything below it last.
//!
//! ```text
//! host ── lifeline (fd 3), stdin, stdout, stderr ──> supervisor ── fork ──> extractor ──> tools
//! ```
//!
//! The host ([`spawn`]) starts its own binary again with the argument [`ARGUMENT`] and writes one line of JSON, the [`SupervisorSpec`], to
//! its stdin; the rest of stdin, stdout and stderr belong to the extractor. The supervisor ([`main`]) leads a session and a process group of
//! its own. Nothing below can leave them, so one signal ends them all:
//! - the host ends a process with [`SupervisedProcess::kill_group`], by dropping it, or by dying: its end of the lifeline closes;
//! - if the supervisor dies, the extractor dies with it, and its tools with that (`PR_SET_PDEATHSIG`, see [`tool_command`]); what a
//!   plug-in may have started beside them is ended when the host sees the supervisor's end.
//!
//! Nothing secret is in the arguments or the environment of any process: extractors can read `/proc`.

mod host;
mod inside;
mod tool;
mod tree;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

pub use host::{Ended, SupervisedProcess, spawn};
pub use inside::main;
pub use tool::tool_command;

use crate::confine::{Confinement, limits};
use crate::extractor::Limits;

/// The argument that makes the binary a supervisor.
pub const ARGUMENT: &str = "__supervise";
/// Exit code: the process could not be confined, so nothing was started. The reason is one line on stderr.
pub const EXIT_NOT_CONFINED: i32 = 97;
/// Exit code: the processes together used more memory than [`SupervisorSpec::memory_bytes_max`].
pub const EXIT_OVER_MEMORY: i32 = 98;
/// Exit code: scratch holds more than [`SCRATCH_ENTRIES_MAX`] files and folders, or folders that nobody can list.
pub const EXIT_OVER_FILES: i32 = 99;
/// Exit code when the extractor itself ends with one of the codes above, or panics.
pub const EXIT_EXTRACTOR_FAILED: i32 = 101;

/// Longest spec line in bytes: an aggregate over some hundred sources with long paths stays below it.
const SPEC_LINE_BYTES_MAX: usize = 1024 * 1024;
/// Files and folders that scratch may hold: far more than any unit needs, and few enough to be removed at once.
pub const SCRATCH_ENTRIES_MAX: usize = 10_000;
/// The supervisor's end of the lifeline.
const LIFELINE_FD: i32 = 3;

/// All that a supervisor is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisorSpec {
    /// Name of the extractor to run.
    pub extractor: String,
    /// The sources it may read, for as long as it lives.
    pub sources: Vec<SourceRoot>,
    /// The folder it may write; an absolute path.
    pub scratch: String,
    /// More that it may read and execute: models, plug-ins. Absolute paths that exist.
    pub readable: Vec<String>,
    /// What is started; `None` = the built-in extractor of that name. An absolute path and its arguments.
    pub program: Option<Vec<String>>,
    /// Limits of each process.
    pub limits: Limits,
    /// Ends everything when the resident memory of all processes together passes this; `None` = not watched.
    pub memory_bytes_max: Option<u64>,
    /// Uses no more of Landlock than this ABI has; `None` = all of it. For tests of older kernels.
    pub landlock_abi_max: Option<u32>,
    /// Which mechanisms are required.
    pub confinement: Confinement,
}

/// A source, by id and place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRoot {
    /// Id of the source, as printed.
    pub source: String,
    /// Its root as raw bytes, in base64 (RFC 4648, padded): a path need not be text.
    pub root_b64: String,
}

impl SourceRoot {
    /// Names a root.
    pub fn new(source: impl Into<String>, root: &Path) -> Self {
        Self { source: source.into(), root_b64: BASE64_STANDARD.encode(root.as_os_str().as_encoded_bytes()) }
    }

    fn path(&self) -> Result<PathBuf, base64::DecodeError> {
        Ok(PathBuf::from(OsString::from_vec(BASE64_STANDARD.decode(&self.root_b64)?)))
    }
}

/// What the extractor knows of where it runs. Made by the supervisor; the process is confined when it exists.
#[derive(Debug, Clone)]
pub struct ChildContext {
    /// Ids of the sources with their roots, symbolic links resolved.
    pub sources: Vec<(String, PathBuf)>,
    /// The folder that may be written, symbolic links resolved. Also the current folder, `HOME` and `TMPDIR`.
    pub scratch: PathBuf,
    /// The limits that hold.
    pub limits: Limits,
}

impl ChildContext {
    /// Gives the extractor's own process its CPU seconds for the next unit. Past them it is ended by `SIGXCPU`, which counts as a crash.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn arm_unit_cpu(&self) -> std::io::Result<()> {
        limits::arm_unit_cpu(self.limits.unit_cpu_s)
    }
}
