//! The processes of a host, found in `/proc`: its supervisors, their extractors, and the tools below.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A process, told from a later one with the same id by its start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// The id of its parent.
    pub parent: i32,
    /// Its start, in clock ticks since boot.
    pub start: u64,
    /// Its arguments, separated by blanks.
    pub command: String,
}

impl Process {
    /// Kills it at once; it may be gone already.
    pub fn kill(&self) {
        if self.lives()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            kill_process(pid, Signal::KILL).ok();
        }
    }

    /// Stops it where it is, so that it cannot end by itself.
    pub fn stop(&self) {
        if self.lives()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            kill_process(pid, Signal::STOP).ok();
        }
    }

    /// True while it runs; a zombie does not.
    pub fn lives(&self) -> bool {
        read(self.pid).is_some_and(|now| now.start == self.start)
    }

    fn is_supervisor_or_extractor(&self) -> bool {
        self.command.split(' ').nth(1) == Some("__supervise")
    }
}

/// One process; `None` when it is gone or a zombie. See proc_pid_stat(5).
fn read(pid: i32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    let (parent, start) = (fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?);
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
    Some(Process { pid, parent, start, command })
}

fn all() -> BTreeMap<i32, Process> {
    let entries = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, read(pid)?))).collect()
}

/// Everything below a process, without itself.
pub fn below(host: i32) -> Vec<Process> {
    let all = all();
    let is_below = |process: &Process| {
        let mut parent = process.parent;
        while parent != host {
            let Some(above) = all.get(&parent) else { return false };
            parent = above.parent;
        }
        true
    };
    all.values().filter(|process| is_below(process)).cloned().collect()
}

/// The extractor processes of a host, without their supervisors.
pub fn extractors(host: i32) -> Vec<Process> {
    let below = below(host);
    let own = below.iter().filter(|process| process.parent != host && process.is_supervisor_or_extractor());
    own.filter(|process| below.iter().any(|above| above.pid == process.parent && above.parent == host))
        .cloned()
        .collect()
}

/// Resident memory of processes together, in bytes. Those that are gone meanwhile use none.
pub fn resident_bytes(processes: &[Process]) -> u64 {
    let kib = |process: &Process| -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    processes.iter().filter_map(kib).sum::<u64>() * 1024
}

/// The supervisors of a host.
pub fn supervisors(host: i32) -> Vec<Process> {
    below(host).into_iter().filter(|process| process.parent == host && process.is_supervisor_or_extractor()).collect()
}

/// Every process that works in a folder of this home, whoever its parent is now: extractors and tools run in their scratch.
pub fn working_in(home: &Path) -> Vec<Process> {
    let here = |pid: i32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder.starts_with(home));
    all().into_values().filter(|process| here(process.pid)).collect()
}

/// How long after the death of a host its processes may live: 2 s, and as much again four times for a loaded machine.
pub const GONE_MAX: Duration = Duration::from_secs(10);

/// Waits until none of these processes lives and none works in the home. Returns how long that took.
#[track_caller]
pub fn wait_until_gone(known: &[Process], home: &Path) -> Duration {
    let begun = Instant::now();
    loop {
        let mut left: Vec<Process> = known.iter().filter(|process| process.lives()).cloned().collect();
        left.extend(working_in(home));
        if left.is_empty() {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < GONE_MAX,
            "{:?} after the death of their host these live: {left:#?}",
            begun.elapsed()
        );
        std::thread::yield_now();
    }
}
