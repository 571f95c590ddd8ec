//! Own children: each in a process group of its own that is ended with it, and none outlives the program.
//!
//! The kernel sends KILL to a child when the *thread* that started it ends (`PR_SET_PDEATHSIG`), so one thread starts them all and lives
//! as long as its [`Launcher`]. What a child starts is in its group and ends with the group; when the program itself is killed, or when a
//! process made a session of its own, only a [guard](super::guard) still ends it.
#![expect(unsafe_code, reason = "the death signal is set between fork and exec")]

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, getppid, kill_process_group, pidfd_open,
    set_parent_process_death_signal, waitid,
};

use super::controller::Deadline;

/// Orders to start a child that wait for the thread: each takes milliseconds.
const LAUNCHES_WAITING: usize = 16;

/// How long a guard may take to end what is below it: it is at once, unless a disk or a network file system hangs.
const GUARD_TIME: Duration = Duration::from_secs(2);

/// How long a guard may take until its program runs: milliseconds, and a few seconds where the machine has far too much to do.
const START_TIME: Duration = Duration::from_secs(10);

/// Bytes of the reason why a guard could not start its program: a text of the system in one line.
const REASON_BYTES_MAX: usize = 512;

/// What is to be started.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// Program and arguments; not empty.
    pub(super) argv: Vec<String>,
    /// The whole environment. Nothing is inherited: the program's own holds secrets that are none of an agent's business.
    pub(super) env: Vec<(String, String)>,
    /// Whether output and errors are read; otherwise they go nowhere.
    pub(super) is_read: bool,
    /// Arguments with which a program becomes a [guard](super::guard), where there is one.
    pub(super) guard: Option<Vec<String>>,
}

type Order = (Launch, SyncSender<io::Result<ChildGroup>>);

/// The thread that starts children. When it is dropped, those that are left are ended by the kernel.
#[derive(Debug)]
pub(super) struct Launcher(SyncSender<Order>);

impl Launcher {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let (orders, incoming) = sync_channel(LAUNCHES_WAITING);
        // It ends when the launcher is gone, so there is nothing to wait for.
        std::thread::Builder::new().name("launcher".to_owned()).spawn(move || serve(&incoming))?;
        Ok(Self(orders))
    }

    /// Starts a child, and returns once its program runs.
    ///
    /// # Errors
    /// When it cannot be run, also by a guard.
    pub(super) fn launch(&self, launch: Launch) -> io::Result<ChildGroup> {
        let gone = || io::Error::other("the thread that starts children has ended");
        let (reply, answer) = sync_channel(1);
        self.0.send((launch, reply)).map_err(|_| gone())?;
        let mut group = answer.recv().map_err(|_| gone())??;
        // Here, and not on the thread that starts children: a guard that hangs holds up nobody else.
        group.await_start(Deadline::within(START_TIME))?;
        Ok(group)
    }
}

fn serve(orders: &Receiver<Order>) {
    for (launch, reply) in orders {
        // Nobody waits any more only when the caller's thread ended; the child is then dropped, and ended with it.
        reply.send(start(&launch)).ok();
    }
}

fn start(launch: &Launch) -> io::Result<ChildGroup> {
    let argv: Vec<&String> = launch.guard.iter().flatten().chain(&launch.argv).collect();
    let (program, arguments) =
        argv.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program"))?;
    // Both ways: the end of the host tells the guard to go, and the guard tells the host that its program runs.
    let (lifeline, input) = match &launch.guard {
        Some(_) => {
            let (host, guard) = UnixStream::pair()?;
            (Some(host), Stdio::from(OwnedFd::from(guard)))
        }
        None => (None, Stdio::null()),
    };
    let output = || if launch.is_read { Stdio::piped() } else { Stdio::null() };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(launch.env.iter().cloned());
    command.stdin(input).stdout(output()).stderr(output()).process_group(0);
    // A guard outlives the program by the moment that it needs to end what is below it; the lifeline tells it when.
    if launch.guard.is_none() {
        let program_pid = getpid();
        // SAFETY: between fork and exec the closure makes direct system calls only, allocates nothing and takes no lock.
        unsafe { command.pre_exec(move || die_with(program_pid)) };
    }
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    // It holds the guard's end of the lifeline, whose closing says that the guard is gone.
    drop(command);
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(ChildGroup { child, pid, pidfd, is_guarded: lifeline.is_some(), lifeline, status: None }),
        Err(errno) => {
            // Without a handle its end could not be awaited, so it must not run.
            child.kill()?;
            child.wait()?;
            Err(errno.into())
        }
    }
}

/// Runs in the new process. Should the program have ended before the signal was set, nobody would send it.
pub(super) fn die_with(program: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() == Some(program) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChildEnd {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A child and its group. Dropping it ends them.
#[derive(Debug)]
pub(super) struct ChildGroup {
    child: Child,
    pid: Pid,
    pidfd: OwnedFd,
    is_guarded: bool,
    /// Held open for as long as a guarded child may live.
    lifeline: Option<UnixStream>,
    status: Option<ExitStatus>,
}

impl ChildGroup {
    /// Its number, for people.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A handle that is readable once it has ended; waiting on it needs no lock of ours.
    pub(super) fn end_handle(&self) -> io::Result<OwnedFd> {
        self.pidfd.try_clone()
    }

    /// Waits until a guard says that its program runs; without one it runs already.
    fn await_start(&mut self, deadline: Deadline) -> io::Result<()> {
        let Some(lifeline) = &mut self.lifeline else { return Ok(()) };
        if !wait_readable(&[lifeline.as_fd()], deadline)?.iter().any(|ready| *ready) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the guard of the program does not answer"));
        }
        let mut said = [0_u8; 1];
        match lifeline.read(&mut said)? {
            0 => Err(io::Error::other("the guard of the program ended at once")),
            _ if said[0] == super::guard::STARTED => Ok(()),
            _ => {
                // It ends after this, so there is an end to read to.
                lifeline.set_read_timeout(Some(START_TIME))?;
                let mut reason = String::new();
                lifeline.take(REASON_BYTES_MAX as u64).read_to_string(&mut reason)?;
                Err(io::Error::other(reason))
            }
        }
    }

    /// Its output and its errors, once, where they are read.
    pub(super) fn take_output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Asks its whole group to end.
    pub(super) fn terminate(&mut self) -> io::Result<()> {
        match &mut self.lifeline {
            Some(lifeline) => match lifeline.write_all(&[super::guard::TERMINATE]) {
                // The guard ended meanwhile, and all with it.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other,
            },
            None if self.is_guarded => Ok(()),
            None => self.signal(Signal::TERM),
        }
    }

    /// Ends its whole group. A guard does it as soon as its lifeline is closed; killing the guard would leave the rest.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.lifeline = None;
        if self.is_guarded { Ok(()) } else { self.signal(Signal::KILL) }
    }

    /// How it ended, and `None` while it runs. Ends what it left in its group, then reaps it.
    pub(super) fn poll(&mut self) -> io::Result<Option<ChildEnd>> {
        if self.status.is_none() {
            // Left unreaped at first, so that its number, and the group's, cannot go to another process before the group is ended.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            if rustix::io::retry_on_intr(|| waitid(WaitId::Pid(self.pid), options))?.is_none() {
                return Ok(None);
            }
            self.lifeline = None;
            self.signal(Signal::KILL)?;
            self.status = Some(self.child.wait()?);
        }
        Ok(self.status.map(|status| match status.code() {
            Some(code) => ChildEnd::Code(code),
            None => ChildEnd::Signal(status.signal().unwrap_or(0)),
        }))
    }

    /// Does nothing once it was reaped: then the number may be another's.
    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.status.is_some() {
            return Ok(());
        }
        match kill_process_group(self.pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Drop for ChildGroup {
    fn drop(&mut self) {
        if self.status.is_some() {
            return;
        }
        self.lifeline = None;
        if self.is_guarded {
            // All that can go wrong here is that the guard hangs; then it is ended like any other child.
            wait_end(&self.pidfd, Deadline::within(GUARD_TIME)).ok();
        }
        if self.signal(Signal::KILL).is_ok() {
            // KILL was delivered, so this is short; the error has nobody to go to.
            self.child.wait().ok();
        }
    }
}

/// Waits until one of `handles` can be read or has ended; says which. All false when the deadline passed first.
pub(super) fn wait_readable(handles: &[BorrowedFd<'_>], deadline: Deadline) -> io::Result<Vec<bool>> {
    loop {
        let mut polled: Vec<PollFd<'_>> = handles.iter().map(|handle| PollFd::new(handle, PollFlags::IN)).collect();
        match poll(&mut polled, Some(&timespec(deadline.left()))) {
            Ok(_) => return Ok(polled.iter().map(|handle| !handle.revents().is_empty()).collect()),
            // A signal of this process; what is left of the deadline decides.
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Waits until a child has ended; false when the deadline passed first.
pub(super) fn wait_end(handle: &OwnedFd, deadline: Deadline) -> io::Result<bool> {
    Ok(wait_readable(&[handle.as_fd()], deadline)?.iter().any(|ended| *ended))
}

fn timespec(time: Duration) -> Timespec {
    // A deadline is an hour away at most.
    Timespec { tv_sec: i64::try_from(time.as_secs()).unwrap_or(3600), tv_nsec: i64::from(time.subsec_nanos()) }
}
