//! The threads of a scan that read and hash.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::sync::{Arc, PoisonError};

use exhibit_engine::originals::stat_open;
use exhibit_model::digest::{Digest, DigestHasher};
use exhibit_store::sql::assets::{FileStat, PathOutcome, ScannedFile};
use tokio::sync::mpsc;

use super::{JobQueue, ScanProgress, file_stat, unreadable};
use crate::media_type::{SNIFF_BYTES, detect};

/// Piece in which files are read: large enough that the calls do not count, small enough for the cache.
const PIECE_BYTES: usize = 256 * 1024;

/// A file that changes while it is read is read this often in all.
const READS_MAX: u32 = 2;

/// The kernel notes the time of a change when a write begins, not when it ends, and that write may go on while the file is read. So
/// a file that changed this shortly before the scan began, or later, is read until two readings in a row agree.
const FRESH_NS: i128 = 2_000_000_000;

/// A fresh file is read this often in all.
const FRESH_READS_MAX: u32 = 3;

/// SHA-256, media type and what the file system says of a file that was read.
type Found = (Digest, &'static str, FileStat);

/// A file to be read, already open.
pub(super) struct ReadJob {
    /// Raw bytes below the root.
    pub(super) path: Vec<u8>,
    /// The file, at offset 0.
    pub(super) file: File,
    /// The asset it should still be, when its size and times are unchanged.
    pub(super) expected: Option<i64>,
}

/// What came of an entry.
pub(super) enum Outcome {
    /// A file that was read.
    File(ScannedFile),
    /// A file that looked unchanged and was read all the same.
    Verify { file: ScannedFile, expected: i64 },
    /// A known path that is there again, or on another device.
    Seen { path: i64, device: i64 },
    /// Something that is not cataloged.
    Other(PathOutcome),
}

pub(super) struct Reader {
    queue: JobQueue,
    results: mpsc::Sender<Vec<Outcome>>,
    progress: Arc<ScanProgress>,
    piece: Vec<u8>,
    /// Files that changed since are fresh; nanoseconds since 1970.
    fresh_since_ns: i128,
}

impl Reader {
    pub(super) fn new(
        queue: JobQueue,
        results: mpsc::Sender<Vec<Outcome>>,
        progress: Arc<ScanProgress>,
        started_us: i64,
    ) -> Self {
        let fresh_since_ns = i128::from(started_us) * 1_000 - FRESH_NS;
        Self { queue, results, progress, piece: vec![0; PIECE_BYTES], fresh_since_ns }
    }

    pub(super) fn run(mut self) {
        loop {
            let next = self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(group) = next else { return };
            let mut outcomes = Vec::with_capacity(group.len());
            for mut job in group {
                if self.progress.should_stop() {
                    break;
                }
                outcomes.extend(self.read(&mut job));
            }
            if !outcomes.is_empty() && self.results.blocking_send(outcomes).is_err() {
                return;
            }
        }
    }

    /// `None` when the scan is to stop: nothing is known about the file then.
    fn read(&mut self, job: &mut ReadJob) -> Option<Outcome> {
        let (mut reads, mut fresh, mut last) = (0, false, None);
        while reads < if fresh { FRESH_READS_MAX } else { READS_MAX } {
            reads += 1;
            let read = self.read_once(job, reads > 1);
            // Asked again each time: it may have become fresh.
            fresh = fresh || !matches!(&read, Ok((_, changed_ns)) if i128::from(*changed_ns) < self.fresh_since_ns);
            if self.progress.should_stop() {
                return None;
            }
            match read.map(|(found, _)| found) {
                Ok(Some((sha256, _, _))) if fresh && last != Some(sha256) => last = Some(sha256),
                Ok(Some((sha256, media_type, stat))) => {
                    self.progress.read_file();
                    let file = ScannedFile { path: std::mem::take(&mut job.path), stat, sha256, media_type };
                    return Some(match job.expected {
                        Some(expected) => Outcome::Verify { file, expected },
                        None => Outcome::File(file),
                    });
                }
                Ok(None) => last = None,
                Err(error) => return Some(Outcome::Other(unreadable(&job.path, &error))),
            }
        }
        Some(Outcome::Other(PathOutcome {
            path: std::mem::take(&mut job.path),
            code: "unstable".to_owned(),
            detail: "it changed while it was being read; scan again when it has come to rest".to_owned(),
        }))
    }

    /// Reads the file once; `None` when it changed meanwhile. Beside it the time of the last change before it was read.
    fn read_once(&mut self, job: &mut ReadJob, again: bool) -> io::Result<(Option<Found>, i64)> {
        if again {
            job.file.rewind()?;
        }
        let before = stat_open(&job.file)?;
        let mut hasher = DigestHasher::new();
        let mut media_type = None;
        let mut bytes = 0_u64;
        loop {
            let count = match job.file.read(&mut self.piece) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if media_type.is_none() {
                media_type = Some(detect(&self.piece[..count.min(SNIFF_BYTES)], &job.path));
            }
            if count == 0 || self.progress.should_stop() {
                break;
            }
            hasher.update(&self.piece[..count]);
            bytes += count as u64;
            self.progress.read_bytes(count as u64);
            // A file that only grows would never end.
            if bytes > before.size_bytes {
                return Ok((None, before.ctime_ns));
            }
            if bytes == before.size_bytes {
                break;
            }
        }
        let after = stat_open(&job.file)?;
        if !after.is_same_content(&before) || bytes != before.size_bytes {
            return Ok((None, before.ctime_ns));
        }
        let media_type = media_type.unwrap_or(crate::media_type::UNKNOWN);
        Ok((Some((hasher.finish(), media_type, file_stat(&before))), before.ctime_ns))
    }
}
