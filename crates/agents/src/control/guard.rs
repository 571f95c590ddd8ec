//! A process between the program and a child: it ends everything below it when the program is gone, however that ended.
//!
//! A signal of the kernel reaches direct children alone; what they started would go on after the program was killed. The guard is this
//! very binary under another argument, which calls [`run`]. Its standard input is the lifeline: the host holds the other end and closes it
//! by ending. It is the reaper of all below it, so not even a process that made a session of its own escapes.
//!
//! On the lifeline, [`TERMINATE`] passes TERM on to the group of the child; the end of the lifeline ends all. The other way goes one
//! word: that the program runs, or why it does not; until then nobody may say that it was started.
#![expect(unsafe_code, reason = "the death signal is set between fork and exec")]

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, kill_process_group, pidfd_open, set_child_subreaper,
    wait,
};

use super::child::{die_with, wait_readable};
use super::controller::Deadline;

/// The byte that asks the child to end by itself.
pub const TERMINATE: u8 = b'T';
/// The byte that tells the host that the program runs.
pub const STARTED: u8 = b'S';
/// The byte after which the host is told why the program does not run.
pub const REFUSED: u8 = b'N';
/// Exit code when the child could not be started; what shells say, too.
pub const NOT_STARTED: u8 = 127;
/// What is added to the number of the signal that ended the child; what shells do, too.
const SIGNAL_BASE: i32 = 128;
/// Rounds of ending what is left. Each ends all that are there, so more than a few mean a process that starts others without end.
const ROUNDS_MAX: usize = 256;
/// Threads of this process whose children are looked at: it has one, and a test harness a few.
const THREADS_MAX: usize = 64;

/// Runs `argv` as a child in a group of its own, and ends with it: returns its exit code, or 128 and the signal that ended it. Everything
/// below is gone when this returns. Blocks; call it first thing in a process that does nothing else.
///
/// The environment and both outputs are passed on as they are; errors are written to the standard error.
pub fn run(argv: &[String]) -> u8 {
    match guard(argv) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("guard: {error}");
            NOT_STARTED
        }
    }
}

fn guard(argv: &[String]) -> io::Result<u8> {
    let (program, arguments) =
        argv.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program"))?;
    set_child_subreaper(Some(getpid()))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).process_group(0);
    let guard_pid = getpid();
    // SAFETY: between fork and exec the closure makes direct system calls only, allocates nothing and takes no lock.
    unsafe { command.pre_exec(move || die_with(guard_pid)) };
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            tell_host(format!("{}{program}: {error}", char::from(REFUSED)).as_bytes());
            return Err(error);
        }
    };
    tell_host(&[STARTED]);
    let watched = watch(&child);
    // Also when watching failed: nothing is left unwatched.
    end(child).and_then(|code| watched.map(|()| code))
}

/// Says something on the lifeline. A host that is gone hears nothing, and the end of its lifeline is seen by [`watch`]; a lifeline that
/// only speaks to the guard belongs to a host that does not ask.
fn tell_host(said: &[u8]) {
    rustix::io::write(io::stdin(), said).ok();
}

/// Returns when the child has ended or the host is gone.
fn watch(child: &Child) -> io::Result<()> {
    let pid = Pid::from_child(child);
    let ended = pidfd_open(pid, PidfdFlags::empty())?;
    let lifeline = io::stdin();
    loop {
        let handles = [ended.as_fd(), lifeline.as_fd()];
        // An hour without news is no news.
        let ready = wait_readable(&handles, Deadline::within(Duration::from_secs(3600)))?;
        if ready.first() == Some(&true) {
            return Ok(());
        }
        if ready.get(1) == Some(&true) {
            let mut said = [0_u8; 16];
            // Not through the buffer of the standard library, which would hide from the next poll what it took.
            match rustix::io::read(&lifeline, &mut said) {
                Ok(0) => return Ok(()),
                Ok(count) if said[..count].contains(&TERMINATE) => match kill_process_group(pid, Signal::TERM) {
                    Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                    Err(errno) => return Err(errno.into()),
                },
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Ends the group of the child, the child, and all that came here as orphans.
fn end(mut child: Child) -> io::Result<u8> {
    // Not reaped yet, so the number still is this group. It may be gone already.
    kill_process_group(Pid::from_child(&child), Signal::KILL).ok();
    let status = child.wait()?;
    end_all_below();
    let code = status.code().unwrap_or_else(|| SIGNAL_BASE + status.signal().unwrap_or(0));
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}

fn end_all_below() {
    for _ in 0..ROUNDS_MAX {
        if matches!(wait(WaitOptions::NOHANG), Err(rustix::io::Errno::CHILD)) {
            return;
        }
        let ended = own_children().into_iter().filter(|child| kill_process(*child, Signal::KILL).is_ok()).count();
        // Waiting is safe only for what was ended; an orphan that just arrived is ended in the next round.
        for _ in 0..ended {
            if matches!(wait(WaitOptions::empty()), Err(rustix::io::Errno::CHILD)) {
                return;
            }
        }
    }
}

/// Children of all threads, as the kernel lists them (`CONFIG_PROC_CHILDREN`); where it does not, the group has to do.
fn own_children() -> Vec<Pid> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists =
        tasks.take(THREADS_MAX).flatten().filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
pub(super) use tests::guard_argv as guard_of_tests;

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
