//! Resource limits: those every confined process carries, and the CPU time of one unit.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::ConfineError;
use crate::extractor::Limits;

/// Open files of one process. `ffmpeg` needs fewer than 20 and Python with OpenCV fewer than 100.
pub const OPEN_FILES_MAX: u64 = 512;
/// Seconds between the signal that a tool may catch (`SIGXCPU`) and the one it may not.
const CPU_GRACE_S: u64 = 2;

/// Sets the limits that all processes below inherit. No limit on the number of processes: the kernel counts those of the whole user.
/// No CPU limit either: the process serves many units, see [`arm_unit_cpu`].
///
/// # Errors
/// When the kernel refuses one.
pub fn apply(limits: &Limits) -> Result<(), ConfineError> {
    for (limit, resource, value) in [
        ("core", Resource::Core, 0),
        ("open files", Resource::Nofile, OPEN_FILES_MAX),
        ("file size", Resource::Fsize, limits.file_bytes_max),
        ("address space", Resource::As, limits.address_space_bytes),
    ] {
        let value = below_hard_limit(resource, value);
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
            .map_err(|errno| ConfineError::Limit { limit, source: errno.into() })?;
    }
    Ok(())
}

/// Gives the calling process `unit_cpu_s` more seconds of CPU time from now on; past them the kernel ends it with `SIGXCPU`.
///
/// Only the soft limit moves, as a lowered hard one could not be raised for the next unit. A process that raises it itself is left to
/// the host's wall clock.
///
/// # Errors
/// When the kernel refuses.
pub fn arm_unit_cpu(unit_cpu_s: u64) -> io::Result<()> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    // The kernel counts whole seconds: one more, so that a unit never gets less than it was promised.
    let until_s = u64::try_from(used.tv_sec).unwrap_or(0).saturating_add(1).saturating_add(unit_cpu_s);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let until_s = maximum.map_or(until_s, |hard| until_s.min(hard));
    Ok(setrlimit(Resource::Cpu, Rlimit { current: Some(until_s), maximum })?)
}

/// The limit on CPU time for a tool that is about to be started: both limits, since it serves one unit only.
pub(crate) fn tool_cpu(unit_cpu_s: u64) -> Rlimit {
    let maximum = below_hard_limit(Resource::Cpu, unit_cpu_s.saturating_add(CPU_GRACE_S));
    Rlimit { current: Some(unit_cpu_s.min(maximum)), maximum: Some(maximum) }
}

fn below_hard_limit(resource: Resource, value: u64) -> u64 {
    getrlimit(resource).maximum.map_or(value, |hard| value.min(hard))
}
