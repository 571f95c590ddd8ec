//! What processes use: processor time and resident memory, as the kernel counts them in `/proc`.

use std::sync::{Mutex, PoisonError};

/// Processes of one tree that are looked at; far more than any extractor starts.
const PROCESSES_MAX: usize = 4_096;

/// Processor time and largest resident memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in user and kernel mode, in microseconds, in steps of the kernel's clock tick (10 ms on most machines).
    pub cpu_us: u64,
    /// Resident memory, in bytes.
    pub rss_bytes: u64,
}

/// What this process has used so far: its processor time, and the largest resident memory that it had.
pub fn of_this_process() -> Usage {
    let pid = std::process::id();
    Usage { cpu_us: cpu_us(pid, false).unwrap_or(0), rss_bytes: memory_bytes(pid, "VmHWM:").unwrap_or(0) }
}

/// What a process and everything below it use: processor time of those that live and of the children that they waited for, and the
/// resident memory of those that live, together.
pub fn of_tree(pid: u32) -> Usage {
    let mut pending = vec![pid];
    let mut total = Usage::default();
    let mut seen = 0_usize;
    while let Some(pid) = pending.pop() {
        seen += 1;
        if seen > PROCESSES_MAX {
            break;
        }
        // One that ended meanwhile is counted by the one that waited for it.
        total.cpu_us += cpu_us(pid, true).unwrap_or(0);
        total.rss_bytes += memory_bytes(pid, "VmRSS:").unwrap_or(0);
        pending.extend(children_of(pid));
    }
    total
}

/// Processor time of a process in microseconds; with that of the children that it waited for, when that is wanted.
pub(crate) fn cpu_us(pid: u32, with_children: bool) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = used_ticks(&stat, if with_children { 4 } else { 2 })?;
    Some(ticks.saturating_mul(1_000_000) / rustix::param::clock_ticks_per_second().max(1))
}

/// The first `count` of the fields 14 to 17 of proc_pid_stat(5), added up: utime, stime, cutime, cstime. The name of the process, in brackets
/// before them, may hold anything.
fn used_ticks(stat: &str, count: usize) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split_ascii_whitespace().skip(11);
    (0..count).try_fold(0, |sum: u64, _| Some(sum.saturating_add(fields.next()?.parse().ok()?)))
}

fn memory_bytes(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib: u64 =
        status.lines().find_map(|line| line.strip_prefix(field))?.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.saturating_mul(1024))
}

fn children_of(pid: u32) -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = tasks
        .take(PROCESSES_MAX)
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// Adds up what the extractor processes of a host used.
#[derive(Debug, Default)]
pub struct Meter {
    total: Mutex<Usage>,
}

impl Meter {
    /// Notes the memory of a process that goes on.
    pub fn saw(&self, usage: Usage) {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        total.rss_bytes = total.rss_bytes.max(usage.rss_bytes);
    }

    /// Notes what a process used that ends now.
    pub fn ended(&self, usage: Usage) {
        self.saw(usage);
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        total.cpu_us += usage.cpu_us;
    }

    /// Processor time of all that ended, and the largest memory of one.
    pub fn total(&self) -> Usage {
        *self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, Usage, of_this_process, of_tree, used_ticks};

    #[test]
    fn times_are_found_behind_any_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 700 42 5 3 20 0";
        assert_eq!(used_ticks(&format!("17 (sh) {rest}"), 2), Some(742));
        assert_eq!(used_ticks(&format!("17 (a) R 1 ) {rest}"), 4), Some(750));
        assert_eq!(used_ticks("17 (sh) S 1", 2), None);
        assert_eq!(used_ticks("", 2), None);
        let own = std::fs::read_to_string("/proc/self/stat").expect("our own");
        assert!(used_ticks(&own, 4).is_some());
    }

    #[test]
    fn this_process_uses_something() {
        let used = of_this_process();
        assert!(used.rss_bytes > 1 << 20, "{used:?}");
        let tree = of_tree(std::process::id());
        assert!(tree.rss_bytes > 1 << 20, "{tree:?}");
        // No process has this number: it is above the largest that the kernel gives.
        assert_eq!(of_tree(u32::MAX), Usage::default());
    }

    #[test]
    fn time_is_added_up_and_memory_is_the_largest() {
        let meter = Meter::default();
        meter.saw(Usage { cpu_us: 9, rss_bytes: 5 });
        meter.ended(Usage { cpu_us: 2, rss_bytes: 3 });
        meter.ended(Usage { cpu_us: 1, rss_bytes: 4 });
        assert_eq!(meter.total(), Usage { cpu_us: 3, rss_bytes: 5 });
    }
}
