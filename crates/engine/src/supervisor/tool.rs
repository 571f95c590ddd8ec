//! How an extractor starts a program such as `ffmpeg`.
#![expect(unsafe_code, reason = "limits and the signal at the parent's death are set between fork and exec")]

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Signal, getpid, getppid, set_parent_process_death_signal, setrlimit};

use crate::confine::limits::tool_cpu;
use crate::extractor::Limits;

/// Where programs are looked for, in this order; never in `PATH`.
const TOOL_FOLDERS: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// A command for a program in `/usr/bin` or `/usr/local/bin`: without stdin, with CPU seconds of its own (`limits.unit_cpu_s`), ended
/// when the calling thread ends. Start and await it on one thread. All else it inherits: the domain, the filters, the other limits.
///
/// # Errors
/// `NotFound` with the program's name, or `InvalidInput` when that is not a plain name.
pub fn tool_command(program: &str, limits: &Limits) -> io::Result<Command> {
    if program.is_empty() || program.starts_with('.') || program.contains('/') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{program:?} is not the plain name of a program"),
        ));
    }
    let path = TOOL_FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.is_file());
    let Some(path) = path else {
        let message = format!("{program} is neither in {} nor in {}", TOOL_FOLDERS[0], TOOL_FOLDERS[1]);
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    };
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    let cpu = tool_cpu(limits.unit_cpu_s);
    let parent = getpid();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above: then no signal will come.
        if getppid() != Some(parent) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(setrlimit(Resource::Cpu, cpu)?)
    };
    // SAFETY: between fork and exec the closure makes three direct system calls and builds errors without allocating; it takes no lock.
    unsafe { command.pre_exec(before_exec) };
    Ok(command)
}
