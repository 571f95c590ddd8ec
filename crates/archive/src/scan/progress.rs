//! How far a scan is, to be read by whoever shows it, and the way to stop it.

use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use exhibit_engine::originals::open_root;

use crate::walk::{Ended, Kind, WalkOptions, walk};

/// Counters of a scan that is under way.
#[derive(Debug, Default)]
pub struct ScanProgress {
    found: AtomicU64,
    files_read: AtomicU64,
    bytes_read: AtomicU64,
    bytes_passed: AtomicU64,
    bytes_total: AtomicU64,
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

    /// Bytes of files that are dealt with: read, or passed by because they are unchanged.
    pub fn bytes_done(&self) -> u64 {
        self.bytes_read() + self.bytes_passed.load(Ordering::Relaxed)
    }

    /// Bytes of all files, once they are counted.
    pub fn bytes_total(&self) -> Option<u64> {
        Some(self.bytes_total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }

    /// Counts the bytes of all files below `root`, by a walk of its own that opens none of them, so that the time left can be told. Meant
    /// for a thread beside the scan; a folder that cannot be walked leaves the total unknown.
    pub fn count_total(&self, root: &Path) {
        let mut total = 0;
        let counted = open_root(root).and_then(|root| {
            walk(root.as_fd(), WalkOptions::default(), &mut |entry| {
                if entry.kind == Kind::File {
                    total += entry.stat.size_bytes;
                }
                if self.should_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
        if counted.is_ok_and(|ended| ended == Ended::Complete) {
            self.bytes_total.store(total, Ordering::Relaxed);
        }
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

    pub(super) fn passed_by(&self, bytes: u64) {
        self.bytes_passed.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn read_file(&self) {
        self.files_read.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read_bytes(&self, count: u64) {
        self.bytes_read.fetch_add(count, Ordering::Relaxed);
    }
}
