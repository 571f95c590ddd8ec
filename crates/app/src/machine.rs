//! What this machine has: its memory.

use std::path::Path;

/// Memory of a machine that does not say: 2 GiB, so that a run is careful rather than too large.
const MEMORY_BYTES_UNKNOWN: u64 = 2 << 30;

/// Where the kernel says how much memory a container may use; the older one says a very large number where there is no limit.
const CONTAINER_LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// Bytes of memory of this machine, or of the container that this process runs in.
pub fn memory_bytes() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let limits = CONTAINER_LIMITS.iter().filter_map(|path| limit_in(Path::new(path)));
    machine.into_iter().chain(limits).min().unwrap_or(MEMORY_BYTES_UNKNOWN)
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// `max`, or anything else that is no number, is no limit.
fn limit_in(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{memory_bytes, total_of};

    #[test]
    fn the_total_is_read_in_bytes() {
        assert_eq!(total_of("MemTotal:       24684096 kB\nMemFree: 1 kB\n"), Some(24_684_096 * 1024));
        for text in ["", "MemFree: 1 kB\n", "MemTotal: many kB\n", "MemTotal: 5\n"] {
            assert_eq!(total_of(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(memory_bytes() > 64 << 20);
    }
}
