//! The supervisor's side: confine, start the extractor below, watch, end everything.
#![expect(
    unsafe_code,
    reason = "descriptors are taken by number, and fork and signal descriptors have no safe binding"
)]

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, getsid, set_child_subreaper,
    set_parent_process_death_signal, setsid, umask, wait,
};

use super::tree::{end_all_below, end_whole_group, holds_more_than, resident_bytes};
use super::{
    ChildContext, EXIT_EXTRACTOR_FAILED, EXIT_NOT_CONFINED, EXIT_OVER_FILES, EXIT_OVER_MEMORY, LIFELINE_FD,
    SCRATCH_ENTRIES_MAX, SPEC_LINE_BYTES_MAX, SourceRoot, SupervisorSpec,
};
use crate::confine::{ConfineError, Policy, confine_this_process};

/// Longest time between two looks at memory and scratch.
const LOOK_NS_MAX: u64 = 250_000_000;
/// Shortest time between two looks: what is filled in it is what a tree can pass its limit by, about 20 MB.
const MEMORY_LOOK_NS_MIN: u64 = 5_000_000;
/// How fast a tree is taken to fill memory: faster than page faults on one core allow. The nearer the limit, the sooner the next look.
const FILL_BYTES_PER_S: u64 = 4 << 30;

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("not started by a host: descriptor {LIFELINE_FD} is no lifeline")]
    NoLifeline,
    #[error("cannot read the spec")]
    Read {
        #[source]
        source: io::Error,
    },
    #[error("the spec is longer than {SPEC_LINE_BYTES_MAX} bytes or does not end with a line feed")]
    SpecLength,
    #[error("the spec cannot be understood")]
    Spec {
        #[source]
        source: serde_json::Error,
    },
    #[error("the root of source {id} is not base64")]
    Root {
        id: String,
        #[source]
        source: base64::DecodeError,
    },
    #[error("{} is not a folder that can be used as {role}", path.display())]
    Folder {
        role: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{step} failed")]
    System {
        step: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("not confined")]
    Confine {
        #[source]
        source: ConfineError,
    },
}

/// Runs this process as a supervisor and returns its exit code. To be called before any thread or descriptor of the program exists.
///
/// `run_built_in` runs in a process below, confined; what it returns becomes the exit code. See the module's documentation for the codes.
pub fn main(run_built_in: fn(&str, &ChildContext) -> i32) -> i32 {
    match start(run_built_in) {
        Ok((child, signals)) => watch_over(&child, &signals),
        Err(error) => {
            report("cannot confine an extractor", &error);
            EXIT_NOT_CONFINED
        }
    }
}

/// The extractor's process, and what is watched about it.
struct Watched {
    pid: Pid,
    scratch: PathBuf,
    memory_bytes_max: Option<u64>,
}

fn start(run_built_in: fn(&str, &ChildContext) -> i32) -> Result<(Watched, OwnedFd), StartError> {
    require_lifeline()?;
    close_from(LIFELINE_FD as libc::c_uint + 1).map_err(system("closing descriptors"))?;
    let spec = read_spec()?;
    if getsid(None).map_err(|errno| system("reading the session")(errno.into()))? != getpid() {
        setsid().map_err(|errno| system("leading a session")(errno.into()))?;
    }
    umask(Mode::RWXG | Mode::RWXO);
    set_child_subreaper(Some(getpid())).map_err(|errno| system("becoming the reaper")(errno.into()))?;
    let context = context(&spec)?;
    let policy = Policy {
        sources: context.sources.iter().map(|(_, root)| root.clone()).collect(),
        readable: spec
            .readable
            .iter()
            .map(|path| resolve("more to read", Path::new(path)))
            .collect::<Result<_, _>>()?,
        scratch: context.scratch.clone(),
        limits: spec.limits,
        landlock_abi_max: spec.landlock_abi_max,
        confinement: spec.confinement,
    };
    confine_this_process(&policy).map_err(|source| StartError::Confine { source })?;
    let work = match &spec.program {
        Some(command) => Work::Program(command),
        None => Work::BuiltIn(&spec.extractor, run_built_in),
    };
    let (pid, signals) = start_extractor(&work, &context)?;
    Ok((Watched { pid, scratch: context.scratch, memory_bytes_max: spec.memory_bytes_max }, signals))
}

/// A pipe at the fixed number, or somebody typed the argument by hand.
fn require_lifeline() -> Result<(), StartError> {
    // SAFETY: only asks what the number is; a closed one is answered with an error.
    let lifeline = unsafe { BorrowedFd::borrow_raw(LIFELINE_FD) };
    match rustix::fs::fstat(lifeline) {
        Ok(stat) if rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Fifo => Ok(()),
        _ => Err(StartError::NoLifeline),
    }
}

fn close_from(first: libc::c_uint) -> io::Result<()> {
    // SAFETY: nothing in this process owns a descriptor past the lifeline yet; `main` says when it may be called.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0 as libc::c_uint) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads to the first line feed, one byte at a time: what follows belongs to the extractor.
fn read_spec() -> Result<SupervisorSpec, StartError> {
    let stdin = io::stdin();
    let mut line = Vec::new();
    let mut byte = [0_u8];
    loop {
        match rustix::io::retry_on_intr(|| rustix::io::read(stdin.as_fd(), &mut byte)) {
            Ok(1) if byte == [b'\n'] => break,
            Ok(1) if line.len() < SPEC_LINE_BYTES_MAX => line.extend(byte),
            Ok(_) => return Err(StartError::SpecLength),
            Err(errno) => return Err(StartError::Read { source: errno.into() }),
        }
    }
    serde_json::from_slice(&line).map_err(|source| StartError::Spec { source })
}

fn context(spec: &SupervisorSpec) -> Result<ChildContext, StartError> {
    let resolved = |source: &SourceRoot| {
        let path = source.path().map_err(|error| StartError::Root { id: source.source.clone(), source: error })?;
        Ok((source.source.clone(), resolve_folder("a source", &path)?))
    };
    Ok(ChildContext {
        sources: spec.sources.iter().map(resolved).collect::<Result<_, _>>()?,
        scratch: resolve_folder("scratch", Path::new(&spec.scratch))?,
        limits: spec.limits,
    })
}

fn resolve_folder(role: &'static str, path: &Path) -> Result<PathBuf, StartError> {
    let resolved = resolve(role, path)?;
    if resolved.is_dir() {
        return Ok(resolved);
    }
    Err(StartError::Folder { role, path: path.to_owned(), source: Errno::NOTDIR.into() })
}

/// Without symbolic links, so that a source and scratch that are one folder by two names are found to be.
fn resolve(role: &'static str, path: &Path) -> Result<PathBuf, StartError> {
    let unusable = |source| StartError::Folder { role, path: path.to_owned(), source };
    if !path.is_absolute() {
        return Err(unusable(io::Error::new(io::ErrorKind::InvalidInput, "it is not absolute")));
    }
    path.canonicalize().map_err(unusable)
}

/// What the process below does.
enum Work<'a> {
    BuiltIn(&'a str, fn(&str, &ChildContext) -> i32),
    Program(&'a [String]),
}

impl Work<'_> {
    /// Does it and returns the exit code. A program takes the place of this process, so it only returns when that fails.
    fn run(&self, context: &ChildContext) -> i32 {
        match self {
            Self::BuiltIn(name, run) => run(name, context),
            Self::Program(command) => become_program(command, context),
        }
    }
}

/// Starts the program of a plug-in in this process: same id, same pipes, same confinement, and an environment that says nothing of the host.
fn become_program(command: &[String], context: &ChildContext) -> i32 {
    let Some((program, arguments)) = command.split_first() else {
        return EXIT_EXTRACTOR_FAILED;
    };
    let error = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", &context.scratch)
        .env("TMPDIR", &context.scratch)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("OMP_THREAD_LIMIT", "1")
        .current_dir(&context.scratch)
        .exec();
    report("cannot start the program of the plug-in", &error);
    EXIT_EXTRACTOR_FAILED
}

/// Forks the extractor and returns its id and a descriptor that tells of processes that ended.
fn start_extractor(work: &Work<'_>, context: &ChildContext) -> Result<(Pid, OwnedFd), StartError> {
    let supervisor = getpid();
    let (signals, mask_before) = child_signals().map_err(system("watching for ended processes"))?;
    // SAFETY: `confine_this_process` has made sure that there is one thread, so the copy may do whatever this process may.
    let answer = unsafe { libc::fork() };
    if answer == 0 {
        drop(signals);
        run_extractor(supervisor, &mask_before, work, context);
    }
    let Some(pid) = Pid::from_raw(answer.max(0)) else {
        return Err(system("forking")(io::Error::last_os_error()));
    };
    // The extractor alone holds the pipes now: when it ends, the host sees it.
    give_up_pipes().map_err(system("letting go of the pipes"))?;
    Ok((pid, signals))
}

fn run_extractor(supervisor: Pid, mask_before: &libc::sigset_t, work: &Work<'_>, context: &ChildContext) -> ! {
    let prepared = set_parent_process_death_signal(Some(Signal::KILL));
    // SAFETY: the mask was filled by the kernel, and no old one is asked for. The lifeline is owned by nothing else in this copy.
    unsafe {
        libc::sigprocmask(libc::SIG_SETMASK, mask_before, std::ptr::null_mut());
        libc::close(LIFELINE_FD);
    }
    // If the supervisor died before the first line, no signal will come.
    let code = if prepared.is_err() || getppid() != Some(supervisor) {
        EXIT_EXTRACTOR_FAILED
    } else {
        // A panic must not unwind into the copy of the supervisor's code.
        std::panic::catch_unwind(AssertUnwindSafe(|| work.run(context))).unwrap_or(EXIT_EXTRACTOR_FAILED)
    };
    // If the host does not read any more, there is nobody to tell.
    io::stdout().flush().ok();
    // SAFETY: ends this process at once; what the supervisor registered for its own end is not run twice.
    unsafe { libc::_exit(code) }
}

/// Blocks `SIGCHLD` and makes a descriptor that becomes readable instead; also returns the mask as it was.
fn child_signals() -> io::Result<(OwnedFd, libc::sigset_t)> {
    // SAFETY: both sets are plain memory that the calls below fill before it is read; the descriptor is new and owned by nobody else.
    unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        if libc::sigemptyset(&raw mut mask) != 0
            || libc::sigaddset(&raw mut mask, libc::SIGCHLD) != 0
            || libc::sigprocmask(libc::SIG_BLOCK, &raw const mask, &raw mut before) != 0
        {
            return Err(io::Error::last_os_error());
        }
        let fd = libc::signalfd(-1, &raw const mask, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok((OwnedFd::from_raw_fd(fd), before)) }
    }
}

/// Points stdin and stdout at nothing.
fn give_up_pipes() -> io::Result<()> {
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    for number in [libc::STDIN_FILENO, libc::STDOUT_FILENO] {
        // SAFETY: replaces a standard descriptor by an open one; std expects those numbers to be open, and they stay so.
        if unsafe { libc::dup2(nothing.as_raw_fd(), number) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Waits for the end of the extractor, of the host, of the memory or of the room in scratch, and leaves nobody behind.
fn watch_over(watched: &Watched, signals: &OwnedFd) -> i32 {
    let memory_bytes_max = watched.memory_bytes_max.unwrap_or(u64::MAX);
    let mut timeout = until_next_look(0, memory_bytes_max);
    let mut listed = Instant::now();
    loop {
        // SAFETY: the lifeline is open for as long as this process lives; nothing here closes it.
        let lifeline = unsafe { BorrowedFd::borrow_raw(LIFELINE_FD) };
        let mut ready = [PollFd::new(&lifeline, PollFlags::empty()), PollFd::new(signals, PollFlags::IN)];
        match poll(&mut ready, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => {
                report("cannot watch an extractor", &io::Error::from(errno));
                end_whole_group();
            }
        }
        if !ready[0].revents().is_empty() {
            end_whole_group();
        }
        if !ready[1].revents().is_empty() {
            empty(signals);
        }
        if let Some(status) = reap(watched.pid) {
            end_all_below();
            return exit_code(status);
        }
        // Where the kernel does not list children this cannot be watched; the address space of each process is limited all the same.
        let bytes = watched.memory_bytes_max.map_or(0, |_| resident_bytes().unwrap_or(0));
        if bytes > memory_bytes_max {
            end_all_below();
            return EXIT_OVER_MEMORY;
        }
        if listed.elapsed() >= Duration::from_nanos(LOOK_NS_MAX) {
            listed = Instant::now();
            if holds_more_than(&watched.scratch, SCRATCH_ENTRIES_MAX) {
                end_all_below();
                return EXIT_OVER_FILES;
            }
        }
        timeout = until_next_look(bytes, memory_bytes_max);
    }
}

/// Reads away what the descriptor has; which process ended is asked of the kernel, as signals merge.
fn empty(signals: &OwnedFd) {
    let mut buffer = [0_u8; size_of::<libc::signalfd_siginfo>()];
    while matches!(rustix::io::read(signals, &mut buffer), Ok(1..)) {}
}

/// Reaps all that ended, orphans included; returns the status of the extractor if it is among them.
fn reap(extractor: Pid) -> Option<WaitStatus> {
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == extractor {
            return Some(status);
        }
    }
    None
}

/// The time in which a tree that uses `bytes` could reach `bytes_max`, within bounds.
fn until_next_look(bytes: u64, bytes_max: u64) -> Timespec {
    const NS_PER_S: u128 = 1_000_000_000;
    let fills_in_ns = u128::from(bytes_max.saturating_sub(bytes)) * NS_PER_S / u128::from(FILL_BYTES_PER_S);
    let fills_in_ns = u64::try_from(fills_in_ns).unwrap_or(u64::MAX);
    // The longest time is below a second and fits.
    let tv_nsec = fills_in_ns.clamp(MEMORY_LOOK_NS_MIN, LOOK_NS_MAX).cast_signed();
    Timespec { tv_sec: 0, tv_nsec }
}

/// The extractor's code, unless it is one by which this process speaks for itself.
fn exit_code(status: WaitStatus) -> i32 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(EXIT_NOT_CONFINED | EXIT_OVER_MEMORY | EXIT_OVER_FILES), _) => EXIT_EXTRACTOR_FAILED,
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => EXIT_EXTRACTOR_FAILED,
    }
}

fn system(step: &'static str) -> impl Fn(io::Error) -> StartError {
    move |source| StartError::System { step, source }
}

/// One line on stderr with the whole chain of causes.
fn report(what: &str, error: &dyn std::error::Error) {
    let mut line = format!("exhibit: {what}: {error}");
    let mut cause = error.source();
    while let Some(next) = cause {
        append(&mut line, &next);
        cause = next.source();
    }
    // If stderr is gone there is nobody to tell.
    writeln!(io::stderr(), "{}", line.replace('\n', " ")).ok();
}

fn append(line: &mut String, cause: &dyn Display) {
    let cause = cause.to_string();
    // Some libraries repeat their cause in their own text.
    if !line.ends_with(&cause) {
        line.push_str(": ");
        line.push_str(&cause);
    }
}
