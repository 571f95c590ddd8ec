//! Writes the files, links and times of a sample, whatever the user's mask.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use exhibit_engine::originals;
use exhibit_model::digest::Digest;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps};

use super::truth::{FileTruth, LinkTruth, PathTruth};
use super::{FOLDER_MTIME_US, SampleError};

/// A hard link, which is a file like any other, and symbolic links: a good one, one to nowhere and one that goes in
/// circles.
pub(super) fn links(dir: &Path, files: &mut Vec<FileTruth>) -> Result<Vec<LinkTruth>, SampleError> {
    let hard = PathTruth::new(b"odd/links/hard.jpg");
    let original = files.iter().find(|file| file.at.raw() == b"odd/links/original.jpg").cloned();
    if let Some(original) = original {
        let path = at(dir, &hard.raw());
        std::fs::hard_link(at(dir, &original.at.raw()), &path).map_err(|source| SampleError::Write { path, source })?;
        files.push(FileTruth { at: hard, ..original });
    }
    let mut links = Vec::new();
    for (path, target) in [("broken.jpg", "nowhere.jpg"), ("loop", ".."), ("soft.jpg", "original.jpg")] {
        let link = LinkTruth { at: PathTruth::new(format!("odd/links/{path}").as_bytes()), target: target.to_owned() };
        let path = at(dir, &link.at.raw());
        rustix::fs::symlink(target, &path).map_err(|errno| failed(&path, errno))?;
        set_time(&path, FOLDER_MTIME_US)?;
        links.push(link);
    }
    Ok(links)
}

pub(super) fn at(dir: &Path, raw: &[u8]) -> PathBuf {
    dir.join(std::ffi::OsStr::from_bytes(raw))
}

pub(super) fn failed(path: &Path, errno: rustix::io::Errno) -> SampleError {
    SampleError::Write { path: path.to_owned(), source: errno.into() }
}

fn make_parent(path: &Path) -> Result<(), SampleError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(parent).map_err(|source| SampleError::Write { path: parent.to_owned(), source })
}

/// Writes a file with its permissions and time, whatever the user's mask, and begins the truth about it.
pub(super) fn write(dir: &Path, raw: &[u8], bytes: &[u8], mtime_us: i64) -> Result<FileTruth, SampleError> {
    let path = at(dir, raw);
    make_parent(&path)?;
    let put = || -> io::Result<originals::FileStat> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(0o644);
        let mut file = std::fs::File::from(rustix::fs::openat(CWD, &path, flags, mode)?);
        file.write_all(bytes)?;
        rustix::fs::fchmod(&file, mode)?;
        rustix::fs::futimens(&file, &times(mtime_us))?;
        originals::stat_open(&file)
    };
    let stat = put().map_err(|source| SampleError::Write { path: path.clone(), source })?;
    Ok(FileTruth {
        at: PathTruth::new(raw),
        sha256: Digest::of(bytes).to_hex(),
        size_bytes: bytes.len() as u64,
        mtime_ns: stat.mtime_ns,
        media_type: String::new(),
        image: None,
        video: None,
        audio: None,
        camera: None,
        capture: None,
        expected: BTreeMap::new(),
        also_right: BTreeMap::new(),
        embedded: None,
        note: None,
    })
}

fn times(mtime_us: i64) -> Timestamps {
    let nanoseconds = mtime_us.rem_euclid(1_000_000) * 1000;
    let at = Timespec { tv_sec: mtime_us.div_euclid(1_000_000), tv_nsec: nanoseconds };
    Timestamps { last_access: at, last_modification: at }
}

pub(super) fn set_time(path: &Path, mtime_us: i64) -> Result<(), SampleError> {
    rustix::fs::utimensat(CWD, path, &times(mtime_us), AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| failed(path, errno))
}
