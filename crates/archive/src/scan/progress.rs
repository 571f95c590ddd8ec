//! How far a scan is, to be read by whoever shows it, and the way to stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters of a scan that is under way.
#[derive(Debug, Default)]
pub struct ScanProgress {
    found: AtomicU64,
    files_read: AtomicU64,
    bytes_read: AtomicU64,
    stop: AtomicBool,
}

impl ScanProgress {
    /// Entries found so far.
    pub fn entries(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    /// Files whose content was read.
    pub fn files_read(&self) -> u64 {
        self.files_read.load(Ordering::Relaxed)
    }

    /// Bytes that were read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Asks the scan to stop soon.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn found(&self) {
        self.found.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read_file(&self) {
        self.files_read.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read_bytes(&self, count: u64) {
        self.bytes_read.fetch_add(count, Ordering::Relaxed);
    }
}
