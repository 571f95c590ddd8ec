//! The red team: every attack that confinement must refuse, made on a tree by processes that are confined as extractors are.
//!
//! [`redteam`] takes the fingerprint of a tree, makes each attack once in an extractor process of its own, and takes the fingerprint
//! again. Nothing that is tried on a file of the tree could harm it even where it succeeds: an attack sets what is there already (the same
//! mode, the same times), or makes a name and removes it; the host looks at the file before and after each attempt, does not believe what
//! the attacker says, and puts right what it finds. What could not be put right (cutting a file off, replacing it, removing it) is tried
//! on decoys in a second source of the same process, for which the same rules of the kernel hold.
//!
//! Read in this order: [`attack`] (what one is), [`attacks`] (all of them), [`inside`] (the attacker), [`ground`] (decoys and processes).
//! The tests in `tests/confinement` make the same attacks one by one, at several Landlock ABIs, and without each of the mechanisms.

pub mod attack;
pub mod attacks;
pub mod ground;
mod inside;
mod victim;

use std::io;
use std::path::{Path, PathBuf};

use exhibit_model::digest::Digest;
use serde::Serialize;

pub use attack::{Attack, By, On, RawPath, Targets};
pub use ground::{Ground, Terms};
pub use inside::{EXTRACTOR, inside};

use crate::confine::landlock::usable_abi;
use crate::scratch::Scratch;
use crate::supervisor::SupervisorSpec;
use victim::{Look, Victim, put_right};

/// What is to be attacked, and how the attackers are confined.
#[derive(Debug, Clone)]
pub struct Request {
    /// The tree; symbolic links resolved.
    pub root: PathBuf,
    /// This binary, to be started again as a supervisor.
    pub exe: PathBuf,
    /// Folder for scratch, outside of the tree.
    pub work_folder: PathBuf,
    /// A fresh random number.
    pub id: u128,
    /// Database, blobs, keys: what an extractor must not open.
    pub private: Vec<PathBuf>,
    /// How the attackers are confined.
    pub terms: Terms,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Outcome {
    /// It failed.
    Refused {
        /// With this error.
        errno: i32,
    },
    /// The process was ended for it.
    Ended {
        /// By this signal.
        signal: i32,
    },
    /// It worked.
    Succeeded,
    /// A call without meaning was looked at instead of being refused.
    LetThrough {
        /// What it was answered.
        errno: i32,
    },
    /// It worked, and no Landlock as old as this one could have refused it.
    NotPromised,
    /// Nobody knows; that is no proof.
    Unclear {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// True when the attempt failed, as it must.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Ended { .. })
    }

    /// True when nothing that was promised is broken.
    pub fn is_as_promised(&self) -> bool {
        self.is_refused() || *self == Self::NotPromised
    }
}

/// One attempt.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// What was attempted.
    pub name: &'static str,
    /// On what; an attack on an original falls back to a decoy where there is no original.
    pub on: On,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What the red team found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// The file of the tree that was attacked.
    pub original: Option<PathBuf>,
    /// The Landlock ABI in force; `None` when there was none.
    pub landlock_abi: Option<u32>,
    /// The fingerprint before.
    pub before: Digest,
    /// The fingerprint after.
    pub after: Digest,
    /// What weakens the proof, for people.
    pub notes: Vec<String>,
}

impl Report {
    /// True when every attempt was refused and the tree is as it was.
    pub fn passed(&self) -> bool {
        self.before == self.after && self.attempts.iter().all(|attempt| attempt.outcome.is_as_promised())
    }

    /// The attempts that were not refused as promised.
    pub fn broken(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| !attempt.outcome.is_as_promised())
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RedteamError {
    /// The attackers could not be confined, so nothing was tried.
    #[error("attackers could not be confined: {0}; `exhibit doctor` says what is missing")]
    NotConfined(String),
    /// Decoys, listeners or processes could not be made.
    #[error("the ground for the attacks could not be made ({what}): {source}")]
    Ground {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The scratch folder could not be made.
    #[error(transparent)]
    Scratch(Box<crate::host::RunError>),
    /// The target of an attack could not be looked at, or not be put right.
    #[error("{}: {source}; compare it with a backup", path.display())]
    Original {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The tree could not be read.
    #[error("no fingerprint: {0}")]
    Fingerprint(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Takes the fingerprint of the tree. Given by the caller, as this crate knows no archives.
pub type Fingerprinter<'a> = dyn FnMut() -> Result<Digest, Box<dyn std::error::Error + Send + Sync>> + 'a;

/// Attacks the tree and says what became of it. `progress` is told how many attempts were made, of how many.
///
/// # Errors
/// When the attackers cannot be started or confined, or the tree cannot be read. Nothing of the tree is changed then.
pub fn redteam(
    request: &Request,
    fingerprint: &mut Fingerprinter<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Report, RedteamError> {
    let scratch =
        Scratch::make(&request.work_folder, request.id).map_err(|error| RedteamError::Scratch(Box::new(error)))?;
    let ground = Ground::make(scratch.path(), &request.exe, request.terms, &request.private)?;
    let landlock_abi = request.terms.confinement.wants_landlock().then(|| usable_abi(request.terms.landlock_abi_max));
    let landlock_abi = landlock_abi.transpose().map_err(|error| RedteamError::NotConfined(error.to_string()))?;
    let victim = victim::find(&request.root).map_err(|source| original(&request.root, source))?;
    let team = Team { ground: &ground, spec: ground.spec(&[&request.root]), victim: &victim, root: &request.root };
    let before = fingerprint().map_err(RedteamError::Fingerprint)?;
    let mut attempts = Vec::new();
    let total = attacks::all().count();
    for attack in attacks::all() {
        progress(attempts.len(), total);
        let mut attempt = team.attempt(attack)?;
        let is_newer = landlock_abi.is_some_and(|abi| abi < attack.abi_min);
        if is_newer && attempt.outcome == Outcome::Succeeded {
            attempt.outcome = Outcome::NotPromised;
        }
        attempts.push(attempt);
    }
    progress(total, total);
    let after = fingerprint().map_err(RedteamError::Fingerprint)?;
    let original = victim.path().map(Path::to_owned);
    Ok(Report { attempts, original, landlock_abi, before, after, notes: notes(&victim, &request.root) })
}

struct Team<'a> {
    ground: &'a Ground,
    spec: SupervisorSpec,
    victim: &'a Victim,
    root: &'a Path,
}

impl Team<'_> {
    fn attempt(&self, attack: &Attack) -> Result<Attempt, RedteamError> {
        let mut targets = self.ground.targets().clone();
        let on = match (attack.on, self.victim.path()) {
            (On::Original, None) => On::Decoy,
            (on, _) => on,
        };
        if matches!(on, On::Original | On::Folder) {
            let folder = self.victim.path().and_then(Path::parent).unwrap_or(self.root);
            targets.folder = RawPath(folder.to_owned());
            if let Some(path) = self.victim.path() {
                targets.original = RawPath(path.to_owned());
            }
        }
        let seen = |targets: &Targets| Look::at(targets).map_err(|source| original(&targets.original, source));
        let before = seen(&targets)?;
        let mut outcome = self.ground.attempt(attack, &targets, &self.spec)?;
        let changed = seen(&targets)? != before;
        if changed {
            outcome = Outcome::Succeeded;
        }
        if !outcome.is_refused() {
            if matches!(on, On::Original | On::Folder) {
                put_right(&targets, &before).map_err(|source| original(&targets.original, source))?;
            }
            self.ground
                .restore_decoys()
                .map_err(|source| RedteamError::Ground { what: "making decoys again", source })?;
        }
        Ok(Attempt { name: attack.name, on, outcome })
    }
}

fn original(path: &Path, source: io::Error) -> RedteamError {
    RedteamError::Original { path: path.to_owned(), source }
}

fn notes(victim: &Victim, root: &Path) -> Vec<String> {
    let mut notes = Vec::new();
    match victim {
        Victim::Own(_) => {}
        Victim::Foreign(_) => notes.push(
            "no file and folder here belong to this user, whose rights alone refuse some attempts; run it as their owner, too".to_owned(),
        ),
        Victim::None => notes.push("there is no file here; what needs one was tried on decoys".to_owned()),
    }
    let read_only =
        rustix::fs::statvfs(root).is_ok_and(|found| found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    if read_only {
        notes.push("this file system is mounted read-only, which alone refuses some attempts".to_owned());
    }
    notes
}
