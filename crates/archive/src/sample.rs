//! Makes a sample archive: photos and videos of many years and devices, duplicates, corrupt files and odd names, and
//! the truth about all.
//!
//! Everything but the videos is encoded here, so that one seed gives the same bytes everywhere; the videos are the same
//! wherever the same release of `ffmpeg` made them, and `truth.json` says which one that was.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use exhibit_engine::originals;
use exhibit_model::digest::Digest;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps};

pub use truth::{
    CameraTruth, CaptureSource, CaptureTruth, Duplicate, FileTruth, ImageTruth, LinkTruth, PathTruth, TRUTH_FILE,
    Totals, Truth, VideoTruth,
};

mod chance;
mod draw;
mod exif;
mod film;
mod moment;
mod odd;
mod photo;
mod sum;
#[cfg(test)]
mod tests;
mod truth;

/// Photos at most: what one scan is promised to take.
pub const PHOTOS_MAX: u32 = 1_000_000;
/// Videos at most; each takes about a fifth of a second.
pub const VIDEOS_MAX: u32 = 10_000;
/// Encoding threads at most; each holds a large picture or two.
const THREADS_MAX: usize = 8;
/// One photo in this many has a copy in another folder.
const PHOTOS_PER_COPY: u32 = 20;
/// One video in this many has a copy in another folder.
const VIDEOS_PER_COPY: u32 = 10;
/// 2025-01-01T00:00:00Z in microseconds: the time of all folders and of `truth.json`.
const FOLDER_MTIME_US: i64 = 1_735_689_600_000_000;

/// What sample to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleOptions {
    /// Photos, at most [`PHOTOS_MAX`].
    pub photos: u32,
    /// Videos, at most [`VIDEOS_MAX`]. None at all need no `ffmpeg`.
    pub videos: u32,
    /// The same seed gives the same sample.
    pub seed: u64,
}

/// How far the making has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Photos and videos that are made.
    pub done: u64,
    /// Photos and videos to make.
    pub total: u64,
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The folder holds something already, and nothing of it may be overwritten.
    #[error("the folder {} is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// More was asked for than is made.
    #[error("a sample has at most {max} {what}, not {asked}")]
    TooMany {
        /// Photos or videos.
        what: &'static str,
        /// How many were asked for.
        asked: u32,
        /// How many there may be.
        max: u32,
    },
    /// A program that makes the videos is not installed.
    #[error("the program `{program}` is needed for videos and cannot be started")]
    ToolMissing {
        /// Its name.
        program: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A program that makes the videos failed.
    #[error("`{program}` did not make {}: {detail}", path.display())]
    Tool {
        /// Its name.
        program: &'static str,
        /// The file it should have made.
        path: PathBuf,
        /// What it said.
        detail: String,
    },
    /// A picture could not be encoded.
    #[error("a picture could not be encoded")]
    Encode(#[from] image::ImageError),
    /// A file or folder could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Makes a sample archive in `dir`, which must be empty or missing, and leaves the truth about it there as
/// [`TRUTH_FILE`].
///
/// # Errors
/// When the folder is not empty, too much is asked for, a program is missing or fails, or something cannot be written.
/// What was made until then stays.
pub fn generate(dir: &Path, options: &SampleOptions, progress: &mut dyn FnMut(Progress)) -> Result<Truth, SampleError> {
    check(options)?;
    prepare(dir)?;
    let ffmpeg = if options.videos > 0 { Some(film::version()?) } else { None };
    let mut files = make_media(dir, options, progress)?;
    for odd in odd::make(options.seed)? {
        files.push(write_odd(dir, odd)?);
    }
    let links = make_links(dir, &mut files)?;
    let truth = sum::sum_up(options, ffmpeg, files, links);
    let text = serde_json::to_string_pretty(&truth).map_err(io::Error::from);
    let text = text.map_err(|source| SampleError::Write { path: dir.join(TRUTH_FILE), source })?;
    write(dir, TRUTH_FILE.as_bytes(), format!("{text}\n").as_bytes(), FOLDER_MTIME_US)?;
    for folder in sum::folders(&truth) {
        let path = at(dir, &folder);
        rustix::fs::chmod(&path, Mode::from_raw_mode(0o755)).map_err(|errno| failed(&path, errno))?;
        set_time(&path, FOLDER_MTIME_US)?;
    }
    set_time(dir, FOLDER_MTIME_US)?;
    Ok(truth)
}

fn check(options: &SampleOptions) -> Result<(), SampleError> {
    let limits = [("photos", options.photos, PHOTOS_MAX), ("videos", options.videos, VIDEOS_MAX)];
    for (what, asked, max) in limits {
        if asked > max {
            return Err(SampleError::TooMany { what, asked, max });
        }
    }
    Ok(())
}

fn prepare(dir: &Path) -> Result<(), SampleError> {
    let failed = |source| SampleError::Write { path: dir.to_owned(), source };
    std::fs::create_dir_all(dir).map_err(failed)?;
    if std::fs::read_dir(dir).map_err(failed)?.next().is_some() {
        return Err(SampleError::NotEmpty { path: dir.to_owned() });
    }
    Ok(())
}

/// Photos and videos, on several threads. Each file depends on the seed and its number alone, so the order of the work
/// does not matter.
fn make_media(
    dir: &Path,
    options: &SampleOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<FileTruth>, SampleError> {
    let total = options.photos as usize + options.videos as usize;
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX);
    let (sender, made) = channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= total || sender.send(make_one(dir, options, index as u32)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut files = Vec::with_capacity(total);
        for (done, result) in (1..).zip(made) {
            match result {
                Ok(more) => files.extend(more),
                Err(error) => {
                    next.store(total, Ordering::Relaxed);
                    return Err(error);
                }
            }
            progress(Progress { done, total: total as u64 });
        }
        Ok(files)
    })
}

/// Videos come first: they take longest.
fn make_one(dir: &Path, options: &SampleOptions, index: u32) -> Result<Vec<FileTruth>, SampleError> {
    match index.checked_sub(options.videos) {
        None => make_video(dir, options, index),
        Some(index) => make_photo(dir, options, index),
    }
}

fn make_photo(dir: &Path, options: &SampleOptions, index: u32) -> Result<Vec<FileTruth>, SampleError> {
    let made = photo::make(options.seed, index, options.photos)?;
    let mut truth = write(dir, &made.path, &made.bytes, made.mtime_us)?;
    truth.media_type = made.media_type.to_owned();
    truth.image = made.image;
    truth.camera = made.camera;
    truth.capture = Some(made.capture.unwrap_or_else(|| sum::file_time(made.mtime_us)));
    truth.expected = sum::expected(made.media_type, odd::Health::Sound);
    if index % PHOTOS_PER_COPY == 7 {
        return with_copy(dir, truth, &made.path, &made.bytes, made.mtime_us);
    }
    Ok(vec![truth])
}

fn make_video(dir: &Path, options: &SampleOptions, index: u32) -> Result<Vec<FileTruth>, SampleError> {
    let film = film::plan(options.seed, index, options.videos);
    let path = film.path.as_bytes();
    let target = at(dir, path);
    make_parent(&target)?;
    let bytes = film.encode(&target)?;
    let created = film.created;
    let mut truth = write(dir, path, &bytes, film.mtime_us)?;
    let media_type = if path.ends_with(b"MOV") { "video/quicktime" } else { "video/mp4" };
    truth.media_type = media_type.to_owned();
    truth.video = Some(film.truth);
    truth.capture = Some(CaptureTruth { at: format!("{created}Z"), source: CaptureSource::Container });
    truth.expected = sum::expected(media_type, odd::Health::Sound);
    if index == 0 {
        return Ok(vec![truth, write_odd(dir, odd::cut_film(&bytes))?]);
    }
    if index % VIDEOS_PER_COPY == 1 {
        return with_copy(dir, truth, path, &bytes, film.mtime_us);
    }
    Ok(vec![truth])
}

/// The same bytes once more, as a backup of a device would hold them; copied an hour later.
fn with_copy(
    dir: &Path,
    truth: FileTruth,
    path: &[u8],
    bytes: &[u8],
    mtime_us: i64,
) -> Result<Vec<FileTruth>, SampleError> {
    let parts: Vec<&[u8]> = path.rsplitn(3, |byte| *byte == b'/').collect();
    let copy_path = [&b"backup"[..], parts[1], parts[0]].join(&b'/');
    let copy_time = mtime_us + 3_600_000_000;
    let written = write(dir, &copy_path, bytes, copy_time)?;
    let capture = match &truth.capture {
        Some(capture) if capture.source == CaptureSource::FileTime => Some(sum::file_time(copy_time)),
        other => other.clone(),
    };
    let copy = FileTruth { at: written.at, mtime_ns: written.mtime_ns, capture, ..truth.clone() };
    Ok(vec![truth, copy])
}

fn write_odd(dir: &Path, odd: odd::Odd) -> Result<FileTruth, SampleError> {
    let mut truth = write(dir, &odd.path, &odd.bytes, odd.mtime_us)?;
    truth.media_type = odd.media_type.to_owned();
    truth.image = odd.image;
    truth.expected = sum::expected(odd.media_type, odd.health);
    truth.capture = odd.image.is_some().then(|| sum::file_time(odd.mtime_us));
    truth.note = Some(odd.note.to_owned());
    Ok(truth)
}

/// A hard link, which is a file like any other, and symbolic links: a good one, one to nowhere and one that goes in
/// circles.
fn make_links(dir: &Path, files: &mut Vec<FileTruth>) -> Result<Vec<LinkTruth>, SampleError> {
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

fn at(dir: &Path, raw: &[u8]) -> PathBuf {
    dir.join(std::ffi::OsStr::from_bytes(raw))
}

fn failed(path: &Path, errno: rustix::io::Errno) -> SampleError {
    SampleError::Write { path: path.to_owned(), source: errno.into() }
}

fn make_parent(path: &Path) -> Result<(), SampleError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(parent).map_err(|source| SampleError::Write { path: parent.to_owned(), source })
}

/// Writes a file with its permissions and time, whatever the user's mask, and begins the truth about it.
fn write(dir: &Path, raw: &[u8], bytes: &[u8], mtime_us: i64) -> Result<FileTruth, SampleError> {
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
        camera: None,
        capture: None,
        expected: std::collections::BTreeMap::new(),
        note: None,
    })
}

fn times(mtime_us: i64) -> Timestamps {
    let nanoseconds = mtime_us.rem_euclid(1_000_000) * 1000;
    let at = Timespec { tv_sec: mtime_us.div_euclid(1_000_000), tv_nsec: nanoseconds };
    Timestamps { last_access: at, last_modification: at }
}

fn set_time(path: &Path, mtime_us: i64) -> Result<(), SampleError> {
    rustix::fs::utimensat(CWD, path, &times(mtime_us), AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| failed(path, errno))
}
