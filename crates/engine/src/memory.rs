//! How the memory that extractor processes may use together is shared out among them.
//!
//! Every process gets the same share and its supervisor watches the tree below it (`supervisor/inside.rs`), so that no process has to
//! know of the others, and a hungry one ends without its neighbours. Where the share would be too small to work with, there are fewer.

/// Below this share of memory there are fewer processes instead: ffmpeg needs about as much for a 4K video.
pub const SHARE_BYTES_MIN: u64 = 512 << 20;

/// Part of each share that is left for what a process takes between two looks at it.
const OVERSHOOT_BYTES: u64 = 32 << 20;

/// Smallest `memory_max` that leaves a process anything to work with.
pub const MEMORY_BYTES_MIN: u64 = 256 << 20;

/// What a host does with the memory that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Extractor processes at a time.
    pub workers: usize,
    /// Resident memory of each with its tools and its supervisor, in bytes; past it the process is ended.
    pub process_bytes_max: u64,
}

impl MemoryPlan {
    /// At most `workers` processes that use at most `process_bytes_max` each and `bytes_max` together. At least one.
    pub fn new(workers: usize, process_bytes_max: u64, bytes_max: u64) -> Self {
        let bytes_max = bytes_max.max(MEMORY_BYTES_MIN);
        let wanted = process_bytes_max.saturating_add(OVERSHOOT_BYTES);
        let fit = usize::try_from(bytes_max / wanted.min(SHARE_BYTES_MIN)).unwrap_or(usize::MAX);
        let workers = workers.min(fit).max(1);
        let share = bytes_max / workers as u64 - OVERSHOOT_BYTES;
        Self { workers, process_bytes_max: process_bytes_max.min(share) }
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryPlan, OVERSHOOT_BYTES, SHARE_BYTES_MIN};

    const MIB: u64 = 1 << 20;

    #[test]
    fn memory_is_shared_and_never_exceeded() {
        for (workers, process_mib, max_mib, expected) in [
            // Enough for all.
            (4, 4096, 65_536, (4, 4096)),
            // The share is smaller than what one may use.
            (4, 4096, 4096, (4, 992)),
            // Too small for so many.
            (8, 4096, 1024, (2, 480)),
            (8, 4096, 600, (1, 568)),
            // Small processes need no large share.
            (8, 96, 1024, (8, 96)),
            (16, 96, 1024, (8, 96)),
            // There is always one, and it can work.
            (0, 4096, 0, (1, 224)),
            (256, 4096, 256, (1, 224)),
        ] {
            let plan = MemoryPlan::new(workers, process_mib * MIB, max_mib * MIB);
            assert_eq!((plan.workers, plan.process_bytes_max / MIB), expected, "{workers} {process_mib} {max_mib}");
        }
    }

    #[test]
    fn all_processes_together_stay_below() {
        for workers in [1, 2, 3, 7, 64, 256] {
            for max_mib in [256, 511, 512, 1000, 12_288, 1_048_576] {
                let plan = MemoryPlan::new(workers, 4096 * MIB, max_mib * MIB);
                let together = plan.workers as u64 * (plan.process_bytes_max + OVERSHOOT_BYTES);
                assert!(together <= max_mib * MIB && plan.workers <= workers, "{plan:?}");
                assert!(plan.workers == 1 || plan.process_bytes_max + OVERSHOOT_BYTES >= SHARE_BYTES_MIN, "{plan:?}");
            }
        }
    }
}
