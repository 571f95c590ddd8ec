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
    results: mpsc::Sender<Outcome>,
    progress: Arc<ScanProgress>,
    piece: Vec<u8>,
}

impl Reader {
    pub(super) fn new(queue: JobQueue, results: mpsc::Sender<Outcome>, progress: Arc<ScanProgress>) -> Self {
        Self { queue, results, progress, piece: vec![0; PIECE_BYTES] }
    }

    pub(super) fn run(mut self) {
        loop {
            let next = self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(mut job) = next else { return };
            if self.progress.should_stop() {
                continue;
            }
            let outcome = self.read(&mut job);
            if self.results.blocking_send(outcome).is_err() {
                return;
            }
        }
    }

    fn read(&mut self, job: &mut ReadJob) -> Outcome {
        for _ in 0..READS_MAX {
            match self.read_once(job) {
                Ok(Some((sha256, media_type, stat))) => {
                    self.progress.read_file();
                    let file = ScannedFile { path: std::mem::take(&mut job.path), stat, sha256, media_type };
                    return match job.expected {
                        Some(expected) => Outcome::Verify { file, expected },
                        None => Outcome::File(file),
                    };
                }
                Ok(None) => {}
                Err(error) => return Outcome::Other(unreadable(&job.path, &error)),
            }
        }
        Outcome::Other(PathOutcome {
            path: std::mem::take(&mut job.path),
            code: "unstable".to_owned(),
            detail: "it changed while it was being read; scan again when it has come to rest".to_owned(),
        })
    }

    /// Reads the file once; `None` when it changed meanwhile.
    fn read_once(&mut self, job: &mut ReadJob) -> io::Result<Option<(Digest, &'static str, FileStat)>> {
        job.file.rewind()?;
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
                return Ok(None);
            }
            if bytes == before.size_bytes {
                break;
            }
        }
        let after = stat_open(&job.file)?;
        if !after.is_same_content(&before) || bytes != before.size_bytes {
            return Ok(None);
        }
        Ok(Some((hasher.finish(), media_type.unwrap_or(crate::media_type::UNKNOWN), file_stat(&before))))
    }
}
