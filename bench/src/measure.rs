//! Running a command and measuring it: wall time, CPU time of it and all its descendants, greatest memory.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a command cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From start to end.
    pub wall: Duration,
    /// User and system time of the command and of every descendant that was waited for.
    pub cpu: Duration,
    /// Resident memory of its largest process, in bytes.
    pub rss_bytes: u64,
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started, or ends with another code than 0 or `also`.
pub fn run(command: &mut Command, also: i32) -> Result<Cost, String> {
    let begun = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("{command:?}: {error}"))?;
    let (status, usage) = wait4(child.id())?;
    let wall = begun.elapsed();
    if !(libc::WIFEXITED(status) && [0, also].contains(&libc::WEXITSTATUS(status))) {
        let mut said = String::new();
        if let Some(stderr) = &mut child.stderr {
            std::io::Read::read_to_string(stderr, &mut said).map_err(|error| error.to_string())?;
        }
        return Err(format!("{command:?} failed with status {status}: {said}"));
    }
    let time = |value: libc::timeval| {
        Duration::from_micros(value.tv_sec.unsigned_abs() * 1_000_000 + value.tv_usec.unsigned_abs())
    };
    Ok(Cost {
        wall,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        rss_bytes: usage.ru_maxrss.unsigned_abs() * 1024,
    })
}

#[expect(unsafe_code, reason = "the usage of one child with its descendants has no safe binding")]
fn wait4(pid: u32) -> Result<(i32, libc::rusage), String> {
    let mut status = 0;
    // SAFETY: rusage is plain numbers, for which all zeros are valid; the kernel fills it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let pid = i32::try_from(pid).map_err(|error| error.to_string())?;
    // SAFETY: both pointers are to live values of the right type, and the child is ours and not waited for elsewhere.
    let answer = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    if answer == pid { Ok((status, usage)) } else { Err(std::io::Error::last_os_error().to_string()) }
}

/// The middle one of several, by a key.
pub fn median_by<T: Copy>(values: &[T], key: impl Fn(&T) -> f64) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|left, right| key(left).total_cmp(&key(right)));
    sorted.get(sorted.len() / 2).copied()
}
