//! Where the files of an export go: a folder, or one zip file. A file that turns out not to be what it should leaves nothing behind in either.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use exhibit_model::digest::Digest;
use exhibit_store::delivery::{
    CopyError, Delivery, DeliveryError, MANIFEST_NAME, Manifest, Progress, copy_hashed, create_file,
    create_folders_above,
};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
use zip::CompressionMethod;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use super::tape::Zip;

/// The zip in its unfinished folder.
const ZIP_NAME: &str = "export.zip";

/// Where sections grow before they become files.
const WORK: &str = ".work";

/// Sizes from here on need the 64-bit form of a member; a little below what 32 bits hold.
const LARGE_BYTES: u64 = 0xffff_0000;

/// Nanoseconds of a second.
const NANOS: i64 = 1_000_000_000;

/// What became of a file.
#[derive(Debug)]
pub(super) enum Added {
    /// It is there.
    Done,
    /// Its bytes are not those that were asked for, or it could not be read; nothing of it is there.
    Refused(String),
}

/// The files of an export under way.
pub(super) struct Sink<'a> {
    delivery: Delivery,
    zip: Option<Zip>,
    manifest: Manifest,
    progress: &'a Progress,
    /// Files so far.
    pub(super) files: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

impl<'a> Sink<'a> {
    pub(super) fn begin(target: &Path, zip: bool, progress: &'a Progress) -> Result<Self, DeliveryError> {
        let delivery = Delivery::begin(target, 0o755)?;
        let work = delivery.folder().join(WORK);
        std::fs::create_dir(&work).map_err(|error| DeliveryError::file(&work, error))?;
        let writer = if zip { Some(Zip::new(create_file(&delivery.folder().join(ZIP_NAME), 0o644)?)) } else { None };
        let manifest = Manifest::create(&work.join(MANIFEST_NAME), 0o644)?;
        Ok(Self { delivery, zip: writer, manifest, progress, files: 0, bytes: 0 })
    }

    /// A file for a part that grows beside others; [`Sink::take`] makes it a file of the export.
    pub(super) fn work_file(&self, name: &str) -> Result<BufWriter<File>, DeliveryError> {
        Ok(BufWriter::new(create_file(&self.work_path(name), 0o644)?))
    }

    /// Whether someone asked to stop.
    pub(super) fn should_stop(&self) -> bool {
        self.progress.should_stop()
    }

    /// Where such a file lies.
    pub(super) fn work_path(&self, name: &str) -> PathBuf {
        self.delivery.folder().join(WORK).join(name)
    }

    /// Copies the bytes of `source` to a file of the export, if there are `bytes` of them and they hash to `sha256`.
    pub(super) fn add(
        &mut self,
        name: &str,
        source: &mut dyn Read,
        (sha256, bytes): (Digest, u64),
    ) -> Result<Added, DeliveryError> {
        let copied = match self.copy(name, source, bytes)? {
            Ok(copied) => copied,
            Err(error) => {
                self.undo(name)?;
                return Ok(Added::Refused(format!("it cannot be read: {error}")));
            }
        };
        if copied != Some((sha256, bytes)) {
            self.undo(name)?;
            return Ok(Added::Refused(format!("its bytes are not those of SHA-256 {sha256} any more")));
        }
        self.note(name, sha256, bytes)?;
        Ok(Added::Done)
    }

    /// Gives a copied original the time of its last change, which for many photos is the only time that they have. In a zip all times are the
    /// same, so that two exports of the same state are; there `originals.jsonl` says it.
    pub(super) fn set_time(&self, name: &str, mtime_ns: i64) {
        if self.zip.is_some() {
            return;
        }
        let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let changed = Timespec { tv_sec: mtime_ns.div_euclid(NANOS), tv_nsec: mtime_ns.rem_euclid(NANOS) };
        let times = Timestamps { last_access: omit, last_modification: changed };
        // A file system that cannot keep it is no reason to fail.
        utimensat(CWD, self.path_of(name), &times, AtFlags::SYMLINK_NOFOLLOW).ok();
    }

    /// Makes a work file a file of the export.
    pub(super) fn take(&mut self, name: &str) -> Result<(), DeliveryError> {
        let from = self.work_path(name);
        let mut file = File::open(&from).map_err(|error| DeliveryError::file(&from, error))?;
        let size = file.metadata().map_err(|error| DeliveryError::file(&from, error))?.len();
        let copied = if self.zip.is_some() {
            let copied = self.copy(name, &mut BufReader::new(file), size)?;
            copied.map_err(|error| DeliveryError::file(&from, error))?
        } else {
            // Where it lies already: read for its digest only.
            let hashed = copy_hashed(&mut file, &mut io::sink(), size, &Progress::default());
            let hashed = hashed.map_err(|error| error.at(&from, &from))?;
            let to = self.delivery.folder().join(name);
            std::fs::rename(&from, &to).map_err(|error| DeliveryError::file(&to, error))?;
            hashed
        };
        let (sha256, bytes) = copied.ok_or(DeliveryError::Stopped)?;
        self.note(name, sha256, bytes)
    }

    /// Adds the manifest, puts everything on the disk and gives it its name.
    pub(super) fn finish(mut self) -> Result<PathBuf, DeliveryError> {
        let work = self.delivery.folder().join(WORK);
        let manifest = work.join(MANIFEST_NAME);
        // Only the manifest itself is not in the manifest.
        std::mem::replace(&mut self.manifest, Manifest::create(&work.join("none"), 0o644)?).finish()?;
        if self.zip.is_some() {
            let size = std::fs::metadata(&manifest).map_err(|error| DeliveryError::file(&manifest, error))?.len();
            let mut file = File::open(&manifest).map_err(|error| DeliveryError::file(&manifest, error))?;
            self.copy(MANIFEST_NAME, &mut file, size)?.map_err(|error| DeliveryError::file(&manifest, error))?;
        } else {
            let to = self.delivery.folder().join(MANIFEST_NAME);
            std::fs::rename(&manifest, &to).map_err(|error| DeliveryError::file(&to, error))?;
        }
        std::fs::remove_dir_all(&work).map_err(|error| DeliveryError::file(&work, error))?;
        let Some(zip) = self.zip.take() else { return self.delivery.place_folder() };
        let path = self.delivery.folder().join(ZIP_NAME);
        zip.end().map_err(|error| DeliveryError::file(&path, error))?;
        self.delivery.place_file(ZIP_NAME)
    }

    fn note(&mut self, name: &str, sha256: Digest, bytes: u64) -> Result<(), DeliveryError> {
        self.manifest.add(sha256, name.as_bytes())?;
        self.progress.file_done();
        self.files += 1;
        self.bytes += bytes;
        Ok(())
    }

    /// Writes a file. The inner error is the source's; `None`: it has more than `bytes` bytes.
    fn copy(
        &mut self,
        name: &str,
        source: &mut dyn Read,
        bytes: u64,
    ) -> Result<Result<Option<(Digest, u64)>, io::Error>, DeliveryError> {
        let path = self.path_of(name);
        let copied = match self.zip.as_mut().and_then(Zip::writer) {
            Some(zip) => {
                // Stored: photos and videos are compressed already. The time of every member is the first that the form knows, so that two
                // exports of the same state are the same.
                let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
                let options = options.unix_permissions(0o644).large_file(bytes >= LARGE_BYTES);
                zip.start_file(name, options).map_err(|error| zip_failed(&path, error))?;
                copy_hashed(source, zip, bytes, self.progress)
            }
            None => {
                create_folders_above(&path)?;
                copy_hashed(source, &mut create_file(&path, 0o644)?, bytes, self.progress)
            }
        };
        match copied {
            Ok(copied) => Ok(Ok(copied)),
            Err(CopyError::Read(error)) => Ok(Err(error)),
            Err(error) => Err(error.at(&path, &path)),
        }
    }

    fn undo(&mut self, name: &str) -> Result<(), DeliveryError> {
        let path = self.path_of(name);
        match self.zip.as_mut().and_then(Zip::writer) {
            Some(zip) => zip.abort_file().map_err(|error| zip_failed(&path, error)),
            None => std::fs::remove_file(&path).map_err(|error| DeliveryError::file(&path, error)),
        }
    }

    /// The file that is written, for messages.
    fn path_of(&self, name: &str) -> PathBuf {
        self.delivery.folder().join(if self.zip.is_some() { ZIP_NAME } else { name })
    }
}

fn zip_failed(path: &Path, error: ZipError) -> DeliveryError {
    DeliveryError::file(path, error.into())
}
