//! Hashes the content of files on the threads of a fingerprint.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Mutex, PoisonError};

use exhibit_engine::originals::{self, FileStat};
use exhibit_model::digest::{Digest, DigestHasher};

use super::attributes::{Holder, hash_attributes, hash_flags};
use super::{EntryHead, ManifestEntry, errno_word, hash_text};

/// Bytes read at once; larger pieces gained nothing when measured, smaller ones cost calls.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file on its way to a hashing thread.
pub(super) struct Job {
    pub(super) place: usize,
    pub(super) head: EntryHead,
    pub(super) stat: FileStat,
    pub(super) file: io::Result<File>,
}

/// The work of one thread: files in, finished entries out, until no more come.
pub(super) fn hash_files(waiting: &Mutex<Receiver<Job>>, bytes: &AtomicU64, finished: &Sender<(usize, ManifestEntry)>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        let place = job.place;
        if finished.send((place, finish_file(job, &mut buffer, bytes))).is_err() {
            return;
        }
    }
}

fn finish_file(job: Job, buffer: &mut [u8], bytes: &AtomicU64) -> ManifestEntry {
    let Job { mut head, stat, file, .. } = job;
    let mut content = None;
    let mut file = match file {
        Ok(file) => Some(file),
        Err(error) => {
            head.troubles.push(errno_word("open", &error));
            None
        }
    };
    hash_flags(&mut head, file.as_ref().map(AsFd::as_fd));
    hash_attributes(&mut head, file.as_ref().map(|file| Holder::Open(file.as_fd())));
    hash_text(&mut head.hasher, b"");
    if let Some(file) = &mut file {
        match hash_content(file, &stat, buffer, bytes) {
            Ok(digest) => content = Some(digest),
            Err(trouble) => head.troubles.push(trouble),
        }
    }
    head.finish(content)
}

/// Reads as many bytes as the file had when it was looked at: one that grows without end does not keep us.
fn hash_content(file: &mut File, seen: &FileStat, buffer: &mut [u8], bytes: &AtomicU64) -> Result<Digest, String> {
    let mut hasher = DigestHasher::new();
    let mut length = 0_u64;
    loop {
        let count = match file.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(errno_word("read", &error)),
        };
        if count == 0 {
            break;
        }
        length += count as u64;
        if length > seen.size_bytes {
            break;
        }
        hasher.update(&buffer[..count]);
        bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
    let after = originals::stat_open(&*file).map_err(|error| errno_word("stat", &error))?;
    if length != seen.size_bytes || !after.is_same_content(seen) {
        return Err("changed".to_owned());
    }
    Ok(hasher.finish())
}
