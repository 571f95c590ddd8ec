//! The host's side: starting a supervisor and ending it.
#![expect(unsafe_code, reason = "the session and the lifeline's number are set between fork and exec")]

use std::fmt;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, setsid, waitid};

use super::{
    ARGUMENT, EXIT_NOT_CONFINED, EXIT_OVER_FILES, EXIT_OVER_MEMORY, LIFELINE_FD, SPEC_LINE_BYTES_MAX, SupervisorSpec,
};

/// A supervisor with everything below it. Dropping it ends all of them.
#[derive(Debug)]
pub struct SupervisedProcess {
    child: Child,
    pid: Pid,
    status: Option<ExitStatus>,
    /// Input of the extractor, past the spec line. Drop it to tell the extractor that no more comes.
    pub stdin: Option<ChildStdin>,
    /// Output of the extractor.
    pub stdout: Option<ChildStdout>,
    /// Log of the extractor, and why the supervisor could not confine itself.
    pub stderr: Option<ChildStderr>,
    /// Held open for as long as the processes may live. Closing it, however the host ends, ends them.
    _lifeline: OwnedFd,
}

/// How a supervised process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The extractor ended with this exit code.
    Code(i32),
    /// The extractor, or its supervisor, was ended by this signal.
    Signal(i32),
    /// It could not be confined, so the extractor was never started. The reason is on stderr.
    NotConfined,
    /// All processes together used more memory than they may.
    OverMemory,
    /// Scratch held more files than it may.
    OverFiles,
}

impl Ended {
    /// Reads what the supervisor says by its exit status.
    pub fn of(status: ExitStatus) -> Self {
        const SIGNAL_BASE: i32 = 128;
        match (status.code(), status.signal()) {
            (Some(EXIT_NOT_CONFINED), _) => Self::NotConfined,
            (Some(EXIT_OVER_MEMORY), _) => Self::OverMemory,
            (Some(EXIT_OVER_FILES), _) => Self::OverFiles,
            (Some(code), _) if code > SIGNAL_BASE => Self::Signal(code - SIGNAL_BASE),
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(libc::SIGXCPU) => f.write_str("out of CPU time"),
            Self::Signal(libc::SIGXFSZ) => f.write_str("a file grew past its limit"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::NotConfined => f.write_str("could not be confined"),
            Self::OverMemory => f.write_str("out of memory"),
            Self::OverFiles => f.write_str("too many files in scratch"),
        }
    }
}

/// Starts `exe`, this very binary, as a supervisor and tells it what to do. Does not wait for it to be confined: a supervisor that cannot
/// be ends with [`Ended::NotConfined`] before the extractor reads a byte.
///
/// May be called from any thread. Blocks for a few milliseconds.
///
/// # Errors
/// When the process cannot be started, or ended before it had read its spec.
pub fn spawn(exe: &Path, spec: &SupervisorSpec) -> io::Result<SupervisedProcess> {
    let mut line = serde_json::to_vec(spec)?;
    line.push(b'\n');
    if line.len() > SPEC_LINE_BYTES_MAX {
        let message = format!("the spec has {} bytes; at most {SPEC_LINE_BYTES_MAX} are read", line.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    // Both ends close on exec: no other process that the host starts may keep the lifeline open.
    let (lifeline_read, lifeline) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut command = supervisor_command(exe, &spec.scratch);
    let read_fd = lifeline_read.as_raw_fd();
    // SAFETY: between fork and exec the closure makes direct system calls only, allocates nothing and takes no lock. `read_fd` stays open
    // in the parent until `spawn` below has returned.
    unsafe { command.pre_exec(move || lead_session_with_lifeline(read_fd)) };
    let mut child = command.spawn()?;
    drop(lifeline_read);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let pid = Pid::from_child(&child);
    let mut process = SupervisedProcess { child, pid, status: None, stdin, stdout, stderr, _lifeline: lifeline };
    if let Some(stdin) = &mut process.stdin {
        match stdin.write_all(&line) {
            Ok(()) => {}
            // It ended before it had read all: its exit status and stderr say why, better than "broken pipe" does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => return Err(error),
        }
    }
    Ok(process)
}

/// The environment is the same for every extractor, and holds nothing of the host's.
fn supervisor_command(exe: &Path, scratch: &str) -> Command {
    let mut command = Command::new(exe);
    command
        .arg(ARGUMENT)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", scratch)
        .env("TMPDIR", scratch)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // OCR and OpenCV would start a thread per core in each of many processes.
        .env("OMP_THREAD_LIMIT", "1")
        .current_dir(scratch)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs in the new process before it becomes the supervisor. The session is made here, not there, so that the group exists when
/// [`spawn`] returns.
fn lead_session_with_lifeline(read_fd: i32) -> io::Result<()> {
    setsid()?;
    if read_fd == LIFELINE_FD {
        // SAFETY: the host keeps `read_fd` open until exec.
        let lifeline = unsafe { BorrowedFd::borrow_raw(read_fd) };
        return Ok(fcntl_setfd(lifeline, FdFlags::empty())?);
    }
    // SAFETY: replaces a number in a process that is about to exec and owns nothing there. The pipe on which std reports a failed exec
    // could have it only if the host closed its own descriptor 3 since the lifeline was made; then that report is lost, and the host sees
    // a process that ended instead.
    if unsafe { libc::dup2(read_fd, LIFELINE_FD) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

impl SupervisedProcess {
    /// Process id of the supervisor, which is also the id of its session and group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// True once its end was awaited: its number may be another's then.
    pub fn is_reaped(&self) -> bool {
        self.status.is_some()
    }

    /// Ends the supervisor and everything below it at once. Does nothing once the end was awaited: then the number may be another's.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill_group(&mut self) -> io::Result<()> {
        if self.status.is_some() {
            return Ok(());
        }
        // Not yet awaited, so the number still is this process. The group is gone only when all of it ended.
        match kill_process_group(self.pid, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(errno) => return Err(errno.into()),
        }
        match kill_process(self.pid, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until the supervisor has ended, ends what it may have left, and says how it ended. Blocks: let stdin go before.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn wait(&mut self) -> io::Result<Ended> {
        self.finish(WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?
            .ok_or_else(|| io::Error::other("the kernel returned from waiting for a process that still runs"))
    }

    /// Like [`Self::wait`], but answers `None` when it still runs.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn try_wait(&mut self) -> io::Result<Option<Ended>> {
        self.finish(WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG)
    }

    fn finish(&mut self, options: WaitIdOptions) -> io::Result<Option<Ended>> {
        if let Some(status) = self.status {
            return Ok(Some(Ended::of(status)));
        }
        // Left unreaped at first, so that its number, and the group's, cannot go to another process before the group is ended.
        if rustix::io::retry_on_intr(|| waitid(WaitId::Pid(self.pid), options))?.is_none() {
            return Ok(None);
        }
        self.kill_group()?;
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(Some(Ended::of(status)))
    }
}

impl Drop for SupervisedProcess {
    fn drop(&mut self) {
        // Errors have nobody to go to here; the lifeline, closed right after, ends whatever a signal could not.
        if self.kill_group().is_ok() {
            self.wait().ok();
        }
    }
}
