//! Restoring: every file is checked while it is copied into an unfinished folder, the ledger is checked there, and only then the folder may
//! get the name of the home.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backup::{BACKUP_NAME, BackupError, BackupNote, DATABASE_NAME, FORMAT, VERSION, blob_name, words};
use crate::connection::{Location, WriteConnection};
use crate::delivery::{
    Delivery, DeliveryError, MANIFEST_NAME, ManifestEntry, Place, Progress, copy_hashed, create_file,
    create_folders_above, read_manifest, refuse_overlap,
};
use crate::ledger::verify::{Report, verify_ledger};
use crate::sql::{records, sources};
use crate::store::{StoreOptions, prepare};

/// Largest `backup.json` in bytes.
const NOTE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Folders below each other in a backup; one more is taken for a file that does not belong there.
const DEPTH_MAX: usize = 64;

/// A home that is restored and checked, and has not got its name yet.
#[derive(Debug)]
pub struct Restored {
    /// The unfinished folder; [`Delivery::place_folder`] finishes it.
    pub delivery: Delivery,
    /// What the backup says about itself.
    pub note: BackupNote,
    /// The check of the ledger and of the presence of all blobs.
    pub report: Report,
}

/// Restores a backup into a folder beside `home`. `options` says how to open a store of the home at the given folder.
///
/// # Errors
/// When it is no backup, a file is damaged, missing or too many, or the evidence has problems that it had not when the backup was made:
/// nothing is left behind then.
pub fn restore(
    backup: &Path,
    home: &Path,
    options: impl FnOnce(&Path) -> StoreOptions,
    progress: &Progress,
) -> Result<Restored, BackupError> {
    let note = read_note(backup)?;
    refuse_overlap(home, &[("the backup", backup.to_owned())])?;
    let total = note.blob_bytes + note.files.iter().map(|file| file.bytes).sum::<u64>();
    progress.expect_bytes(total);
    let delivery = Delivery::begin(home, 0o700)?;
    let folder = delivery.folder();
    let modes: BTreeMap<PathBuf, u32> =
        note.files.iter().filter_map(|file| Some((from_hex(&file.name_hex)?, file.mode))).collect();
    let mut copier = Copier { backup, folder, modes: &modes, progress, files: 0, bytes: 0 };
    let copied = read_manifest(&backup.join(MANIFEST_NAME), &mut |entry| copier.copy(&entry));
    copied.map_err(|error| damage_of(error, backup))?;
    let (files, bytes) = (copier.files, copier.bytes);
    refuse_strangers(backup, Path::new(""), folder, 0)?;
    std::fs::remove_file(folder.join(BACKUP_NAME))
        .map_err(|_| damaged(BACKUP_NAME, "the manifest does not name it".to_owned()))?;
    let expected = note.files.len() as u64 + note.blobs + 1;
    if files != expected || bytes < total || !folder.join(DATABASE_NAME).is_file() {
        let reason = format!("it names {files} files instead of {expected}, or not those that {BACKUP_NAME} does");
        return Err(damaged(MANIFEST_NAME, reason));
    }
    let (report, roots) = settle(&options(folder), folder)?;
    refuse_overlap(home, &roots)?;
    refuse_new_problems(&report, &note)?;
    Ok(Restored { delivery, note, report })
}

fn damaged(file: &str, reason: String) -> BackupError {
    BackupError::Damaged { file: file.to_owned(), reason }
}

/// A wrong file of the backup is its damage; what concerns the new home is told as it is.
fn damage_of(error: DeliveryError, backup: &Path) -> BackupError {
    let below = |path: &str| Path::new(path).strip_prefix(backup).ok().map(|name| name.display().to_string());
    match &error {
        DeliveryError::Target { target, reason } => match below(target) {
            Some(file) => damaged(&file, reason.clone()),
            None => error.into(),
        },
        DeliveryError::File { path, source } => match below(path) {
            Some(file) if source.kind() == io::ErrorKind::NotFound => damaged(&file, "it is missing".to_owned()),
            Some(file) => damaged(&file, source.to_string()),
            None => error.into(),
        },
        _ => error.into(),
    }
}

fn read_note(backup: &Path) -> Result<BackupNote, BackupError> {
    let path = backup.join(BACKUP_NAME);
    let wrong = |reason: String| BackupError::NotABackup { path: backup.display().to_string(), reason };
    let found = std::fs::metadata(&path);
    let found = found.map_err(|error| wrong(format!("it is no whole backup, its {BACKUP_NAME}: {error}")))?;
    if found.len() > NOTE_BYTES_MAX {
        return Err(wrong(format!("its {BACKUP_NAME} is larger than 64 MiB")));
    }
    let text = std::fs::read(&path).map_err(|error| DeliveryError::file(&path, error))?;
    // The form first: a newer one may have fields that are unknown here.
    let form: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| damaged(BACKUP_NAME, error.to_string()))?;
    if form["format"] != FORMAT {
        return Err(damaged(BACKUP_NAME, format!("its format is not {FORMAT}")));
    }
    if form["version"].as_u64().is_some_and(|version| version > u64::from(VERSION)) {
        return Err(wrong("it was made by a newer Exhibit; install that version to restore it".to_owned()));
    }
    serde_json::from_value(form).map_err(|error| damaged(BACKUP_NAME, error.to_string()))
}

struct Copier<'a> {
    backup: &'a Path,
    folder: &'a Path,
    modes: &'a BTreeMap<PathBuf, u32>,
    progress: &'a Progress,
    files: u64,
    bytes: u64,
}

impl Copier<'_> {
    fn copy(&mut self, entry: &ManifestEntry) -> Result<(), DeliveryError> {
        let (source, target) = (self.backup.join(&entry.name), self.folder.join(&entry.name));
        let wrong = |reason: String| DeliveryError::Target { target: source.display().to_string(), reason };
        let found = std::fs::symlink_metadata(&source).map_err(|error| DeliveryError::file(&source, error))?;
        if !found.is_file() {
            return Err(wrong("it is no regular file".to_owned()));
        }
        create_folders_above(&target)?;
        // Keys stay secret also where the backup lay on a disk without permissions.
        let mode = if entry.name.starts_with("keys") { 0o600 } else { *self.modes.get(&entry.name).unwrap_or(&0o600) };
        let mut from = std::fs::File::open(&source).map_err(|error| DeliveryError::file(&source, error))?;
        let mut to = create_file(&target, (mode | 0o600) & 0o777)?;
        let copied = copy_hashed(&mut from, &mut to, found.len(), self.progress);
        let copied = copied.map_err(|error| error.at(&source, &target))?;
        let Some((_, bytes)) = copied.filter(|(sha256, _)| *sha256 == entry.sha256) else {
            return Err(wrong(format!("its bytes are not those of SHA-256 {}", entry.sha256)));
        };
        self.files += 1;
        self.bytes += bytes;
        self.progress.file_done();
        Ok(())
    }
}

/// A file that no line of the manifest names: lines are missing, or something was put there.
fn refuse_strangers(backup: &Path, below: &Path, folder: &Path, depth: usize) -> Result<(), BackupError> {
    let here = backup.join(below);
    let failed = |error| DeliveryError::file(&here, error);
    for entry in std::fs::read_dir(&here).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = below.join(entry.file_name());
        if name == Path::new(MANIFEST_NAME) {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() && depth < DEPTH_MAX {
            refuse_strangers(backup, &name, folder, depth + 1)?;
        } else if !folder.join(&name).exists() {
            return Err(damaged(&name.display().to_string(), "no line of the manifest names it".to_owned()));
        }
    }
    Ok(())
}

/// Brings the database up to date, checks the ledger, and looks for every blob; closes the database again. Says where the sources are, too.
fn settle(options: &StoreOptions, folder: &Path) -> Result<(Report, Vec<Place>), BackupError> {
    let Location::Sqlite { .. } = options.location else { return Err(BackupError::Postgres) };
    let mut connection = WriteConnection::open(&options.location)?;
    let kinds = Arc::new(prepare(&mut connection, &options.location.name(), options)?);
    let (mut report, named, sources) = connection.with_tx(|tx| {
        let report = verify_ledger(tx, &kinds, &mut |_, _| Ok(()))?;
        Ok((report, records::named_blobs(tx)?, sources::all(tx)?))
    })?;
    for (sha256, size) in named {
        report.blobs += 1;
        report.blob_bytes += size;
        // Its bytes were checked when they were copied.
        let found = std::fs::metadata(folder.join(blob_name(sha256)));
        if !found.is_ok_and(|found| found.len() == size) {
            report.add(format!("blob {sha256}"), "blob_missing", "the file is not in the blob store");
        }
    }
    let roots = sources.into_iter().map(|source| ("the source", PathBuf::from(OsString::from_vec(source.root))));
    Ok((report, roots.collect()))
}

fn refuse_new_problems(report: &Report, note: &BackupNote) -> Result<(), BackupError> {
    // A blob that was damaged when the backup was made is missing in it.
    let blob_of =
        |words: &str| words.split(':').next().filter(|subject| subject.starts_with("blob ")).map(str::to_owned);
    let known: BTreeSet<String> = note.problems.iter().filter_map(|words| blob_of(words)).collect();
    let is_new = |line: &&String| {
        !note.problems.contains(*line) && !blob_of(line).is_some_and(|subject| known.contains(&subject))
    };
    let found = words(report);
    if let Some(first) = found.iter().find(is_new) {
        return Err(damaged(DATABASE_NAME, format!("its evidence is not as it was written: {first}")));
    }
    let same = report.root == Some(note.root) && report.batches == note.batches;
    if !same {
        return Err(damaged(BACKUP_NAME, "its ledger root is not the one of the database".to_owned()));
    }
    Ok(())
}

fn from_hex(hex: &str) -> Option<PathBuf> {
    let digits = hex.as_bytes().chunks(2);
    let bytes =
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect::<Option<Vec<u8>>>();
    let path = PathBuf::from(OsString::from_vec(bytes?));
    (!path.as_os_str().as_bytes().is_empty()).then_some(path)
}
