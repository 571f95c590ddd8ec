//! CPU seconds of a plug-in's process, set from outside before each unit: a program in another language does not do it itself.

use std::io;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// Units of time in `/proc/<pid>/stat` per second; the same number on every architecture that this program runs on.
const TICKS_PER_S: u64 = 100;

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
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let used_s = used_ticks(&stat).ok_or_else(|| io::Error::other("the process cannot be read"))? / TICKS_PER_S;
    // One more, as the kernel counts whole seconds: a unit never gets less than it was promised.
    let until_s = used_s.saturating_add(1).saturating_add(unit_cpu_s);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let until_s = maximum.map_or(until_s, |hard| until_s.min(hard));
    prlimit(Some(process), Resource::Cpu, Rlimit { current: Some(until_s), maximum })?;
    Ok(())
}

/// User and system time, fields 14 and 15 of proc_pid_stat(5). The name of the process, in brackets before them, may hold anything.
fn used_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user.saturating_add(system))
}

#[cfg(test)]
mod tests {
    use super::used_ticks;

    #[test]
    fn times_are_found_behind_any_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 700 42 0 0 20 0";
        assert_eq!(used_ticks(&format!("17 (sh) {rest}")), Some(742));
        assert_eq!(used_ticks(&format!("17 (a) R 1 ) {rest}")), Some(742));
        assert_eq!(used_ticks("17 (sh) S 1"), None);
        assert_eq!(used_ticks(""), None);
    }

    #[test]
    fn an_own_process_is_read() {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(used_ticks(&stat).is_some());
    }
}
