//! CPU seconds of a plug-in's process, set from outside before each unit: a program in another language does not do it itself.

use std::io;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::usage::cpu_us;

/// The process that a supervisor started: its only child while nothing of the plug-in's own has been orphaned.
pub(super) fn child_of(supervisor: u32) -> Option<Pid> {
    let list = std::fs::read_to_string(format!("/proc/{supervisor}/task/{supervisor}/children")).ok()?;
    Pid::from_raw(list.split_ascii_whitespace().next()?.parse().ok()?)
}

/// Gives the process `unit_cpu_s` more seconds from now on; past them the kernel ends it with `SIGXCPU`. What it starts inherits the limit
/// and counts from 0.
///
/// # Errors
/// When the process is gone, or has lowered its own limit for good. The wall clock of the host holds all the same.
pub(super) fn arm(process: Pid, unit_cpu_s: u64) -> io::Result<()> {
    let used_us = u32::try_from(process.as_raw_nonzero().get()).ok().and_then(|pid| cpu_us(pid, false));
    let used_s = used_us.ok_or_else(|| io::Error::other("the process cannot be read"))? / 1_000_000;
    // One more, as the kernel counts whole seconds: a unit never gets less than it was promised.
    let until_s = used_s.saturating_add(1).saturating_add(unit_cpu_s);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let until_s = maximum.map_or(until_s, |hard| until_s.min(hard));
    prlimit(Some(process), Resource::Cpu, Rlimit { current: Some(until_s), maximum })?;
    Ok(())
}
