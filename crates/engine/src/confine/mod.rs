//! Confinement of a process by the kernel: no capabilities, Landlock, seccomp, resource limits.
//!
//! [`confine_this_process`] is called once by the supervisor, while it has one thread and before it starts anything. What it installs is
//! inherited by every process below and can never be widened again. `supervisor` says which process is which; [`probe`] says what the
//! running kernel offers. Neither Landlock nor seccomp is enough alone: Landlock knows paths but not modes, owners, times, attributes or
//! sockets, and seccomp knows calls but not paths.

pub mod caps;
pub mod landlock;
pub mod limits;
mod probe;
pub mod seccomp;
mod syscalls;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use probe::{Capability, Facets, Verdict, probe};

use crate::extractor::Limits;

/// Lowest Landlock ABI that counts as confined: 2 knows renames between folders, and stock Debian 12 has it.
pub const LANDLOCK_ABI_MIN: u32 = 2;

/// Which mechanisms are installed. Chosen by the host, never by the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confinement {
    /// Landlock and seccomp, or no process at all.
    Full,
    /// Neither. Only after `--allow-unconfined`; capabilities are dropped and limits set all the same.
    None,
    /// Landlock without seccomp, to show that the attacks need both.
    #[cfg(feature = "confinement-switches")]
    LandlockOnly,
    /// Seccomp without Landlock, to show that the attacks need both.
    #[cfg(feature = "confinement-switches")]
    SeccompOnly,
}

impl Confinement {
    pub(crate) fn wants_landlock(self) -> bool {
        match self {
            Self::Full => true,
            Self::None => false,
            #[cfg(feature = "confinement-switches")]
            Self::LandlockOnly => true,
            #[cfg(feature = "confinement-switches")]
            Self::SeccompOnly => false,
        }
    }

    fn wants_seccomp(self) -> bool {
        match self {
            Self::Full => true,
            Self::None => false,
            #[cfg(feature = "confinement-switches")]
            Self::LandlockOnly => false,
            #[cfg(feature = "confinement-switches")]
            Self::SeccompOnly => true,
        }
    }
}

/// What the process may reach. All paths are absolute and resolved: no symbolic links in them.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Source roots: read, and never execute.
    pub sources: Vec<PathBuf>,
    /// Models, plug-ins and the like: read and execute.
    pub readable: Vec<PathBuf>,
    /// The only folder that may be written.
    pub scratch: PathBuf,
    /// Resource limits of every process.
    pub limits: Limits,
    /// Uses no more of Landlock than this ABI has; for tests of older kernels.
    pub landlock_abi_max: Option<u32>,
    /// Which mechanisms.
    pub confinement: Confinement,
}

/// Why a process could not be confined. It must not go on.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// Filters and domains hold for one thread; another one would stay free.
    #[error("the process has {threads} threads; only a process with one can be confined")]
    Threads {
        /// Number of threads found.
        threads: usize,
    },
    /// The kernel has no Landlock, or a container hides it.
    #[error("the kernel offers no Landlock")]
    LandlockMissing {
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// Landlock is older than this project accepts.
    #[error("Landlock ABI {abi} is below {LANDLOCK_ABI_MIN}, the lowest that counts as confined")]
    LandlockTooOld {
        /// The ABI found, or the one it was forced down to.
        abi: u32,
    },
    /// The kernel refused the ruleset.
    #[error("Landlock refused the ruleset")]
    Landlock {
        /// What the library says.
        #[source]
        source: Box<::landlock::RulesetError>,
    },
    /// The kernel took the ruleset but does not enforce all of it.
    #[error("Landlock does not enforce the whole ruleset: {status}")]
    LandlockPartly {
        /// What it does instead.
        status: String,
    },
    /// A path of the policy cannot be used.
    #[error("cannot use {}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Writing scratch would be writing a source.
    #[error("scratch {} and source {} lie inside each other", scratch.display(), root.display())]
    Overlap {
        /// The scratch folder.
        scratch: PathBuf,
        /// The root of the source.
        root: PathBuf,
    },
    /// A capability could not be dropped.
    #[error("cannot drop capabilities ({step})")]
    Capabilities {
        /// What was tried.
        step: &'static str,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// A resource limit could not be set.
    #[error("cannot set the limit {limit}")]
    Limit {
        /// Its name.
        limit: &'static str,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// A filter could not be built.
    #[error("cannot build the seccomp filter")]
    Filter {
        /// What the library says.
        #[source]
        source: seccompiler::BackendError,
    },
    /// A filter could not be installed.
    #[error("the kernel refused the seccomp filter")]
    Seccomp {
        /// What the library says.
        #[source]
        source: seccompiler::Error,
    },
    /// Something about this process could not be read or set.
    #[error("{step} failed")]
    Process {
        /// What was tried.
        step: &'static str,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
}

/// Confines the calling process for good, in this order: limits, no new privileges, no capabilities, Landlock, seccomp.
///
/// It must be the leader of its session already, since `setsid` is refused afterwards.
///
/// # Errors
/// When any part is not enforced. Some parts may hold then; the process must end.
pub fn confine_this_process(policy: &Policy) -> Result<(), ConfineError> {
    refuse_threads()?;
    refuse_overlap(policy)?;
    limits::apply(&policy.limits)?;
    rustix::thread::set_no_new_privs(true)
        .map_err(|errno| ConfineError::Process { step: "setting no_new_privs", source: errno.into() })?;
    caps::drop_all()?;
    let abi = if policy.confinement.wants_landlock() {
        Some(landlock::restrict(policy, landlock::usable_abi(policy.landlock_abi_max)?)?)
    } else {
        None
    };
    if policy.confinement.wants_seccomp() {
        seccomp::install(seccomp::Gaps::below_landlock(abi))?;
    }
    Ok(())
}

fn refuse_threads() -> Result<(), ConfineError> {
    let threads = std::fs::read_dir("/proc/self/task")
        .map_err(|source| ConfineError::Path { path: PathBuf::from("/proc/self/task"), source })?
        .count();
    if threads == 1 { Ok(()) } else { Err(ConfineError::Threads { threads }) }
}

fn refuse_overlap(policy: &Policy) -> Result<(), ConfineError> {
    let scratch: &Path = &policy.scratch;
    match policy.sources.iter().find(|root| scratch.starts_with(root) || root.starts_with(scratch)) {
        Some(root) => Err(ConfineError::Overlap { scratch: scratch.to_owned(), root: root.clone() }),
        None => Ok(()),
    }
}
