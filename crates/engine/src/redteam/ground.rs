//! The ground on which attacks are made: decoys, things to be reached that are none of an extractor's business, and one process for each
//! attempt, confined exactly as any extractor process is.

use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::attack::{Attack, RawPath, Targets};
use super::attacks::short_path;
use super::inside::{Answer, EXTRACTOR, Order};
use super::{Outcome, RedteamError};
use crate::confine::Confinement;
use crate::extractor::Limits;
use crate::supervisor::{Ended, SourceRoot, SupervisedProcess, SupervisorSpec, spawn};

/// Limits of an attacker. An attempt is a handful of system calls.
const LIMITS: Limits =
    Limits { unit_cpu_s: 10, unit_wall_s: 20, file_bytes_max: 1 << 20, address_space_bytes: 1 << 30 };
/// Memory of an attacker.
const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// Bytes of its answer and of its log that are read.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// How the attackers are confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Which mechanisms.
    pub confinement: Confinement,
    /// Uses no more of Landlock than this ABI has.
    pub landlock_abi_max: Option<u32>,
}

impl Terms {
    /// Everything that this kernel can do.
    pub const NATIVE: Self = Self { confinement: Confinement::Full, landlock_abi_max: None };
}

/// The ground; a folder, listeners and a bystander, which go with it.
pub struct Ground {
    exe: PathBuf,
    folder: PathBuf,
    terms: Terms,
    targets: Targets,
    bystander: SupervisedProcess,
    _listeners: (TcpListener, UnixListener, UnixListener),
}

/// How a process ended that was given all its input at once.
#[derive(Debug)]
pub struct Ran {
    /// How it ended; `None` when it took too long and was ended.
    pub ended: Option<Ended>,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub log: String,
}

impl Ground {
    /// Makes the ground in an empty folder. `private` are files and folders that nobody may open.
    ///
    /// # Errors
    /// When the folder cannot be written, nothing can be listened on, or no process can be started.
    pub fn make(folder: &Path, exe: &Path, terms: Terms, private: &[PathBuf]) -> Result<Self, RedteamError> {
        let made = |what: &'static str| move |source| RedteamError::Ground { what, source };
        let folder = folder.canonicalize().map_err(made("resolving the folder"))?;
        if folder.to_str().is_none() {
            return Err(made("naming the folder")(io::Error::other("its path is not text")));
        }
        for name in ["decoys", "other", "private", "scratch", "scratch/bystander"] {
            std::fs::create_dir(folder.join(name)).map_err(made("making folders"))?;
        }
        make_decoys(&folder.join("decoys")).map_err(made("making decoys"))?;
        std::fs::write(folder.join("other/original"), "of another source").map_err(made("making decoys"))?;
        std::fs::write(folder.join("private/secret"), "of the host").map_err(made("making decoys"))?;
        let socket = folder.join("private/socket");
        let abstract_socket = format!("exhibit-redteam-{}", socket.display());
        // An abstract name holds 107 bytes; its end tells one ground from another.
        let abstract_socket = abstract_socket[abstract_socket.len().saturating_sub(100)..].to_owned();
        let listeners = listen(&socket, &abstract_socket).map_err(made("listening"))?;
        let spec = spec(&folder, "bystander", &[], terms);
        let mut bystander = spawn(exe, &spec).map_err(made("starting a bystander"))?;
        give(&mut bystander, &Order::Stay).map_err(made("starting a bystander"))?;
        let tcp_port = listeners.0.local_addr().map_err(made("listening"))?.port();
        let number =
            |pid: u32| i32::try_from(pid).map_err(|error| made("numbering processes")(io::Error::other(error)));
        let targets = Targets {
            original: RawPath(folder.join("decoys/original")),
            folder: RawPath(folder.join("decoys")),
            decoys: RawPath(folder.join("decoys")),
            secret: RawPath(folder.join("private/secret")),
            other_source: RawPath(folder.join("other")),
            private: private.iter().cloned().map(RawPath).collect(),
            host: number(std::process::id())?,
            bystander: number(bystander.pid())?,
            tcp_port,
            socket: RawPath(socket),
            abstract_socket,
        };
        Ok(Self { exe: exe.to_owned(), folder, terms, targets, bystander, _listeners: listeners })
    }

    /// The targets with a decoy as the original.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The folder of the ground, symbolic links resolved.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the decoys again, whatever became of them.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn restore_decoys(&self) -> io::Result<()> {
        for entry in self.targets.decoys.read_dir()? {
            let path = entry?.path();
            if path.symlink_metadata()?.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
        }
        make_decoys(&self.targets.decoys)
    }

    /// What an attacker is started with: scratch, the decoys, and these sources.
    pub fn spec(&self, sources: &[&Path]) -> SupervisorSpec {
        spec(&self.folder, "attacker", sources, self.terms)
    }

    /// Makes an attack in a process of its own.
    ///
    /// # Errors
    /// When the process cannot be started, or cannot be confined.
    pub fn attempt(&self, attack: &Attack, targets: &Targets, spec: &SupervisorSpec) -> Result<Outcome, RedteamError> {
        let failed = |source| RedteamError::Ground { what: "starting an attacker", source };
        let scratch = Path::new(&spec.scratch);
        std::fs::create_dir(scratch).map_err(failed)?;
        let leak = if attack.leaks { Some(leaked(&self.targets.original).map_err(failed)?) } else { None };
        let order = Order::Attack { name: attack.name.to_owned(), targets: Box::new(targets.clone()) };
        let process = spawn(&self.exe, spec).and_then(|mut process| give(&mut process, &order).map(|()| process));
        drop(leak);
        let ran = process.and_then(|process| run_to_end(process, Duration::from_secs(LIMITS.unit_wall_s)));
        std::fs::remove_dir_all(scratch).map_err(failed)?;
        outcome(attack, ran.map_err(failed)?)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // The folder belongs to the caller; errors have nobody to go to here, and the lifeline ends what a signal could not.
        self.bystander.kill_group().ok();
    }
}

fn outcome(attack: &Attack, ran: Ran) -> Result<Outcome, RedteamError> {
    let unclear = |why: String| Ok(Outcome::Unclear { why });
    let answer = match ran.ended {
        None => return unclear(format!("it did not end within {} s", LIMITS.unit_wall_s)),
        Some(Ended::NotConfined) => return Err(RedteamError::NotConfined(ran.log.trim().to_owned())),
        // A call through the gate of another architecture: the filter ends the process, or the processor knows no such gate.
        Some(Ended::Signal(signal @ (libc::SIGSYS | libc::SIGSEGV))) => return Ok(Outcome::Ended { signal }),
        Some(Ended::Code(0)) => serde_json::from_str(&ran.output),
        Some(ended) => return unclear(format!("{ended}: {}", ran.log.trim())),
    };
    match answer {
        Ok(Answer::Succeeded) => Ok(Outcome::Succeeded),
        Ok(Answer::Refused { errno }) if attack.is_probe && !attack.errors.contains(&errno) => {
            Ok(Outcome::LetThrough { errno })
        }
        Ok(Answer::Refused { errno }) => Ok(Outcome::Refused { errno }),
        Ok(Answer::NotTried { why }) => unclear(why),
        Err(error) => unclear(format!("it answered nonsense: {error}")),
    }
}

fn make_decoys(folder: &Path) -> io::Result<()> {
    let at = |name: &str| folder.join(name);
    std::fs::write(at("original"), "a decoy, not an original\n")?;
    std::fs::set_permissions(at("original"), Permissions::from_mode(0o644))?;
    // Some file systems know no attributes; attacks on them are then refused for another reason.
    rustix::fs::setxattr(at("original"), "user.kept", b"yes", rustix::fs::XattrFlags::empty()).ok();
    std::fs::write(at("program"), "#!/bin/sh\nexit 0\n")?;
    std::fs::set_permissions(at("program"), Permissions::from_mode(0o755))?;
    std::fs::create_dir(at("empty"))?;
    std::os::unix::fs::symlink("../private/secret", at("way-out"))
}

fn listen(socket: &Path, name: &str) -> io::Result<(TcpListener, UnixListener, UnixListener)> {
    let (_folder, path) = short_path(socket)?;
    Ok((
        TcpListener::bind("127.0.0.1:0")?,
        UnixListener::bind(path)?,
        UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?,
    ))
}

fn spec(folder: &Path, scratch: &str, sources: &[&Path], terms: Terms) -> SupervisorSpec {
    let decoys = folder.join("decoys");
    let sources = std::iter::once(decoys.as_path()).chain(sources.iter().copied());
    SupervisorSpec {
        program: None,
        extractor: EXTRACTOR.to_owned(),
        sources: sources.enumerate().map(|(at, root)| SourceRoot::new(format!("src_{at}"), root)).collect(),
        // `make` has checked that this is text.
        scratch: folder.join("scratch").join(scratch).display().to_string(),
        readable: Vec::new(),
        limits: LIMITS,
        memory_bytes_max: Some(MEMORY_BYTES_MAX),
        landlock_abi_max: terms.landlock_abi_max,
        confinement: terms.confinement,
    }
}

/// A descriptor of a decoy, open for writing, that stays open in every process that is started now.
fn leaked(original: &Path) -> io::Result<OwnedFd> {
    let file = std::fs::File::options().read(true).write(true).open(original)?;
    Ok(rustix::io::dup(file.as_fd())?)
}

fn give(process: &mut SupervisedProcess, order: &Order) -> io::Result<()> {
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    match process.stdin.as_mut().map(|stdin| stdin.write_all(&line)) {
        // It ended before it had read all: how it ended says why.
        Some(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Some(result) => result,
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Closes the input of a process, reads what it says and waits for its end, all within `limit`.
///
/// # Errors
/// When the kernel refuses.
pub fn run_to_end(mut process: SupervisedProcess, limit: Duration) -> io::Result<Ran> {
    let until = Instant::now() + limit;
    process.stdin.take();
    let (mut output, mut log) = (Vec::new(), Vec::new());
    let missing = || io::Error::other("a pipe of the process is missing");
    let in_time = read_until(&mut process.stdout.take().ok_or_else(missing)?, &mut output, until)?
        && read_until(&mut process.stderr.take().ok_or_else(missing)?, &mut log, until)?;
    let ended = if in_time { Some(process.wait()?) } else { None };
    // Dropping the handle ends what took too long.
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Ran { ended, output: text(output), log: text(log) })
}

/// Reads to the end; false when that does not come in time, or too much comes.
fn read_until(pipe: &mut (impl Read + AsFd), into: &mut Vec<u8>, until: Instant) -> io::Result<bool> {
    let mut piece = [0; 4096];
    loop {
        let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&*pipe, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        match pipe.read(&mut piece)? {
            0 => return Ok(true),
            count if into.len() + count > OUTPUT_BYTES_MAX => return Ok(false),
            count => into.extend_from_slice(&piece[..count]),
        }
    }
}
