//! Makes a sample archive: photos, videos and recordings of many years and devices, what belongs to them, duplicates,
//! corrupt and hostile files and odd names, and the truth about all.
//!
//! One seed gives the same sample everywhere. What other programs encode (films, HEIC, AVIF, speech) has the same bytes
//! wherever the same releases of them made it, and `truth.json` says which ones those were; everything else is encoded
//! here and depends on the seed alone. Whether a program is installed never changes a sample: it is made or refused.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use rustix::fs::Mode;
use serde::{Deserialize, Serialize};

pub use truth::{
    AudioTruth, CameraTruth, CaptureSource, CaptureTruth, Companion, Duplicate, EmbeddedTruth, FileTruth, ImageTruth,
    LinkTruth, NearDuplicate, PathTruth, Relation, TRUTH_FILE, TimedText, Totals, Truth, VideoTruth,
};

use made::{Batch, Made};
use tool::Workplace;
use write::{at, failed, set_time, write};

mod chance;
mod companion;
mod device;
mod draw;
mod encode;
mod exif;
mod film;
mod heif;
mod hostile;
mod made;
mod moment;
mod odd;
mod photo;
mod raw;
mod recording;
mod speech;
mod sum;
#[cfg(test)]
mod tests;
mod tiff;
mod tool;
mod truth;
mod write;

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
    /// Which formats are made.
    pub formats: Formats,
}

/// Which formats a sample has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formats {
    /// What this program and `ffmpeg` make.
    Common,
    /// Also HEIC, AVIF, live and motion photos, known speech, text on the screen, recordings and hostile files.
    All,
}

/// Photos from which on a sample has all formats, where nobody says otherwise: small ones are made in seconds.
pub const PHOTOS_FOR_ALL: u32 = 100;
/// Videos from which on a sample has all formats, where nobody says otherwise.
pub const VIDEOS_FOR_ALL: u32 = 10;

impl Formats {
    /// What a sample of this size has, where nobody says otherwise.
    pub fn by_size(photos: u32, videos: u32) -> Self {
        if photos >= PHOTOS_FOR_ALL || videos >= VIDEOS_FOR_ALL { Self::All } else { Self::Common }
    }
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
    /// A program or font that makes a part of the sample is not installed.
    #[error(
        "`{program}` is needed and cannot be used; install it with `apt-get install {package}`, or leave out what it makes with --formats common or --videos 0"
    )]
    ToolMissing {
        /// Its name.
        program: &'static str,
        /// The package it comes in.
        package: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A program that makes a part of the sample failed.
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
    /// A JPEG could not be encoded.
    #[error("a JPEG could not be encoded")]
    EncodeJpeg(#[from] turbojpeg::Error),
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

/// Folder for what is between two programs, below the sample while it is made.
const WORKPLACE: &str = ".making";

/// What was made so far.
#[derive(Default)]
struct Found {
    files: Vec<FileTruth>,
    companions: Vec<Companion>,
    near_duplicates: Vec<NearDuplicate>,
}

/// Makes a sample archive in `dir`, which must be empty or missing, and leaves the truth about it there as
/// [`TRUTH_FILE`].
///
/// # Errors
/// When the folder is not empty, too much is asked for, a program is missing or fails, or something cannot be written.
/// What was made until then stays.
pub fn generate(dir: &Path, options: &SampleOptions, progress: &mut dyn FnMut(Progress)) -> Result<Truth, SampleError> {
    check(options)?;
    let tools = tool::needed(options)?;
    prepare(dir)?;
    let workplace = Workplace { folder: dir.join(WORKPLACE) };
    let failed_there = |source| SampleError::Write { path: workplace.folder.clone(), source };
    std::fs::create_dir(&workplace.folder).map_err(failed_there)?;
    let mut found = make_media(dir, options, &workplace, progress)?;
    std::fs::remove_dir(&workplace.folder).map_err(failed_there)?;
    let mut odd = odd::make(options.seed)?;
    if options.formats == Formats::All {
        odd.extend(hostile::make(options.seed)?);
    }
    for made in odd {
        found.files.push(write_made(dir, made)?);
    }
    let links = write::links(dir, &mut found.files)?;
    let truth = sum::sum_up(options, tools, found, links);
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

/// Photos, videos and recordings, on several threads. Each file depends on the seed and its number alone, so the order
/// of the work does not matter.
fn make_media(
    dir: &Path,
    options: &SampleOptions,
    workplace: &Workplace,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, SampleError> {
    let total = options.photos as usize + options.videos as usize + recording::count(options) as usize;
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX);
    let (sender, made) = channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= total || sender.send(make_one(dir, options, workplace, index as u32)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut found = Found::default();
        for (done, result) in (1..).zip(made) {
            match result {
                Ok(more) => {
                    found.files.extend(more.files);
                    found.companions.extend(more.companions);
                    found.near_duplicates.extend(more.near_duplicates);
                }
                Err(error) => {
                    next.store(total, Ordering::Relaxed);
                    return Err(error);
                }
            }
            progress(Progress { done, total: total as u64 });
        }
        Ok(found)
    })
}

/// Videos come first: they take longest.
fn make_one(dir: &Path, options: &SampleOptions, workplace: &Workplace, index: u32) -> Result<Found, SampleError> {
    let Some(index) = index.checked_sub(options.videos) else {
        let mut batch = film::make(options, index, workplace)?;
        if index == 0 {
            batch.made.extend(batch.made.first().map(|film| odd::cut_film(&film.bytes)));
        }
        return write_batch(dir, batch, index % VIDEOS_PER_COPY == 1);
    };
    match index.checked_sub(recording::count(options)) {
        None => write_batch(dir, recording::make(options, index, workplace)?, false),
        Some(index) => {
            let batch = photo::make(options, index, workplace)?;
            write_batch(dir, batch, index % PHOTOS_PER_COPY == 7)
        }
    }
}

fn write_batch(dir: &Path, batch: Batch, has_copy: bool) -> Result<Found, SampleError> {
    let mut files = Vec::with_capacity(batch.made.len() + 1);
    for made in batch.made {
        if has_copy && files.is_empty() {
            files.push(write_made(dir, copy_of(&made))?);
        }
        files.push(write_made(dir, made)?);
    }
    Ok(Found { files, companions: batch.companions, near_duplicates: batch.near_duplicates })
}

/// The same bytes once more, as a backup of a device would hold them; copied an hour later.
fn copy_of(made: &Made) -> Made {
    let parts: Vec<&[u8]> = made.path.rsplitn(3, |byte| *byte == b'/').collect();
    let path = [&b"backup"[..], parts[1], parts[0]].join(&b'/');
    Made { path, mtime_us: made.mtime_us + 3_600_000_000, ..made.clone() }
}

fn write_made(dir: &Path, made: Made) -> Result<FileTruth, SampleError> {
    let written = write(dir, &made.path, &made.bytes, made.mtime_us)?;
    let (expected, also_right) = sum::expected(made.media_type, made.health);
    let has_time = made.image.is_some() || made.video.is_some() || made.audio.is_some();
    let capture = made.capture.or_else(|| has_time.then(|| sum::file_time(made.mtime_us)));
    Ok(FileTruth {
        media_type: made.media_type.to_owned(),
        image: made.image,
        video: made.video,
        audio: made.audio,
        camera: made.camera,
        capture,
        expected,
        also_right,
        embedded: made.embedded,
        note: made.note.map(str::to_owned),
        ..written
    })
}
