//! What an attack is, what it goes for, and the calls that attacks share.
#![expect(unsafe_code, reason = "attacks are system calls that the standard library does not make")]

use std::ffi::{CString, c_long, c_void};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::supervisor::ChildContext;

/// What every name that an attack makes among originals begins with, so that the host knows what to remove.
pub const MADE_PREFIX: &str = ".exhibit-redteam-";

/// Which mechanism refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Landlock.
    Landlock,
    /// Seccomp.
    Seccomp,
    /// Both, or Landlock on some kernels and seccomp on others.
    Either,
    /// Dropped capabilities, or rules of the kernel that hold without us as well: its success cannot be shown by leaving one out.
    Kernel,
}

/// What an attack is made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// A file of the tree; where there is none, one that was made for it. Success changes nothing, or is put right at once.
    Original,
    /// A folder of the tree. Success is put right at once.
    Folder,
    /// A file or folder that was made for it, in a source beside the tree: success could not be put right.
    Decoy,
    /// Nothing in a source.
    Nothing,
}

/// One thing to try once.
pub struct Attack {
    /// Says what is attempted.
    pub name: &'static str,
    /// Which mechanism refuses it.
    pub by: By,
    /// What it is made on.
    pub on: On,
    /// Errors by which that mechanism refuses it.
    pub errors: &'static [i32],
    /// True when its arguments mean nothing: then only the errors above count as refused, since any other says that it was looked at.
    pub is_probe: bool,
    /// The Landlock ABI from which on it is refused.
    pub abi_min: u32,
    /// Whether the host leaves a descriptor open that may write a decoy.
    pub leaks: bool,
    /// Tries it.
    pub run: fn(&Targets, &ChildContext) -> io::Result<()>,
}

impl Attack {
    /// An attack that does what its name says when it is not refused.
    pub(super) const fn new(
        name: &'static str,
        by: By,
        on: On,
        errors: &'static [i32],
        run: fn(&Targets, &ChildContext) -> io::Result<()>,
    ) -> Self {
        Self { name, by, on, errors, is_probe: false, abi_min: 0, leaks: false, run }
    }

    /// A call that is made only to see whether it is let through.
    pub(super) const fn probe(
        name: &'static str,
        errors: &'static [i32],
        run: fn(&Targets, &ChildContext) -> io::Result<()>,
    ) -> Self {
        Self { is_probe: true, ..Self::new(name, By::Kernel, On::Nothing, errors, run) }
    }

    /// The same, refused by newer kernels only.
    pub(super) const fn since_abi(self, abi_min: u32) -> Self {
        Self { abi_min, ..self }
    }

    /// The same, with a descriptor that the host left open.
    pub(super) const fn with_leak(self) -> Self {
        Self { leaks: true, ..self }
    }
}

/// What attacks go for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// A file of a source. On a decoy it has the attribute `user.kept`.
    pub original: RawPath,
    /// The folder that holds it.
    pub folder: RawPath,
    /// The root of the source with the decoys.
    pub decoys: RawPath,
    /// A file that is no part of any source: it stands for the store.
    pub secret: RawPath,
    /// A source that the process was not started for.
    pub other_source: RawPath,
    /// Database, blobs and keys, as far as there are any.
    pub private: Vec<RawPath>,
    /// The process id of the host.
    pub host: i32,
    /// The process id of another extractor's supervisor.
    pub bystander: i32,
    /// Where the host listens.
    pub tcp_port: u16,
    /// Where the host listens.
    pub socket: RawPath,
    /// Where the host listens.
    pub abstract_socket: String,
}

impl Targets {
    /// A name to make among originals.
    pub(super) fn made(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{MADE_PREFIX}{name}"))
    }
}

/// A path that need not be text; base64 in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RawPath(pub PathBuf);

impl From<RawPath> for String {
    fn from(path: RawPath) -> Self {
        BASE64_STANDARD.encode(path.0.as_os_str().as_bytes())
    }
}

impl TryFrom<String> for RawPath {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(PathBuf::from(std::ffi::OsString::from_vec(BASE64_STANDARD.decode(text)?))))
    }
}

impl Deref for RawPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for RawPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

// What attacks share ---------------------------------------------------------------------------------------------------

/// Makes a system call by number.
pub fn call(number: c_long, arguments: &[u64]) -> io::Result<()> {
    let mut all = [0_u64; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let [a, b, c, d, e, f] = all;
    // SAFETY: every address among the arguments belongs to a value that lives until the call returns, as long as the kernel expects, or
    // is one that the kernel itself refuses.
    let answered = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if answered < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// An address as an argument of [`call`].
pub fn address<T>(pointer: *const T) -> u64 {
    pointer.cast::<c_void>().addr() as u64
}

/// The folder argument that stands for the current folder.
pub fn at_here() -> u64 {
    libc::AT_FDCWD as u64
}

pub(super) fn name_of(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}

/// Hands over the address of the original's name.
pub(super) fn on_path(targets: &Targets, attempt: impl Fn(u64) -> io::Result<()>) -> io::Result<()> {
    let path = name_of(&targets.original)?;
    attempt(address(path.as_ptr()))
}

/// Hands over a descriptor that may read the original.
pub(super) fn on_file(targets: &Targets, attempt: impl Fn(u64) -> io::Result<()>) -> io::Result<()> {
    let file = File::open(&targets.original)?;
    attempt(file.as_raw_fd() as u64)
}

pub(super) fn stat_of(targets: &Targets) -> io::Result<Metadata> {
    std::fs::symlink_metadata(&targets.original)
}

/// Opens for writing and writes nothing.
pub(super) fn writing(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path).map(drop)
}

/// A file of the process's own.
pub(super) fn plain_file(context: &ChildContext) -> io::Result<PathBuf> {
    let path = context.scratch.join("plain");
    std::fs::write(&path, "not an original")?;
    Ok(path)
}

pub(super) fn node(path: &Path, kind: libc::mode_t, device: libc::dev_t) -> io::Result<()> {
    let path = name_of(path)?;
    call(libc::SYS_mknodat, &[at_here(), address(path.as_ptr()), u64::from(kind | 0o600), device])
}
