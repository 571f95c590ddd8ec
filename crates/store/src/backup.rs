//! Backup of a home on SQLite while it is used, and the restoring of one. What a backup holds: a snapshot of the database, every blob that
//! the snapshot names, the other files of the home, `backup.json`, and a manifest for `sha256sum -c` over all of it.

mod contents;
mod restore;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exhibit_model::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::blobs::Blobs;
use crate::connection::{Location, ReadConnection};
use crate::delivery::{
    CopyError, Delivery, DeliveryError, MANIFEST_NAME, Manifest, Progress, copy_hashed, create_file,
    create_folders_above, read_manifest,
};
use crate::error::StoreError;
use crate::kinds::Kinds;
use crate::ledger::verify::{Report, verify_ledger};
use crate::sql::records;
use crate::store::Store;

pub use restore::{Restored, restore};

/// The database in a backup and in a home.
pub const DATABASE_NAME: &str = "store.sqlite";

/// What a backup says about itself.
pub const BACKUP_NAME: &str = "backup.json";

/// The `format` of every backup.
const FORMAT: &str = "exhibit-backup";

/// The version of the form of backups that is written here.
const VERSION: u32 = 1;

/// A backup could not be made or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is a server's.
    #[error(
        "the database of this home is PostgreSQL, which has its own tools: pg_dump for the database, then copy the folders blobs and keys of the home; docs/runbooks/backup.md says in which order, and how to restore"
    )]
    Postgres,
    /// It is no backup, or one that this program does not know.
    #[error("{path} cannot be restored: {reason}")]
    NotABackup {
        /// The folder.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file is not as it was written.
    #[error("the backup is damaged: {file}: {reason}; nothing was restored, take another backup")]
    Damaged {
        /// The file, below the folder of the backup.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be written or read.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a backup says about itself, as `backup.json` holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupNote {
    /// `exhibit-backup`.
    pub format: String,
    /// Version of this form.
    pub version: u32,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// The version of the program that made it.
    pub exhibit: String,
    /// Batches in the ledger of the snapshot.
    pub batches: u64,
    /// Its root.
    pub root: Digest,
    /// Its records.
    pub records: u64,
    /// Blobs in the backup.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// All other files but this one and the manifest.
    pub files: Vec<BackupFile>,
    /// What in the home was not as it was written when the backup was made, in the words of `exhibit verify`.
    pub problems: BTreeSet<String>,
}

/// A file of a backup that is no blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupFile {
    /// Where it lies, below the folder of the backup and of the home; bytes that are no text as `\xNN` for people, see `name_hex`.
    pub name: String,
    /// The name in bytes, in hexadecimal digits.
    pub name_hex: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its permission bits.
    pub mode: u32,
}

/// What to back up, beside database and blobs.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// The folder to make.
    pub target: PathBuf,
    /// The home.
    pub home: PathBuf,
    /// Names directly in the home that are left out, because they can be made again or are taken otherwise.
    pub leave_out: Vec<String>,
    /// The version of the program.
    pub exhibit: String,
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub struct BackupReport {
    /// The folder, for people.
    pub target: String,
    /// What it says about itself.
    #[serde(flatten)]
    pub note: BackupNote,
}

/// Makes a backup while others read and write. The collector of blobs waits meanwhile; nobody else does.
///
/// # Errors
/// When the database is a server's, the target cannot be written, or someone asks to stop: nothing is left behind then.
pub async fn back_up(
    store: &Store,
    options: BackupOptions,
    progress: Arc<Progress>,
) -> Result<BackupReport, BackupError> {
    let Location::Sqlite { path, .. } = store.location().clone() else { return Err(BackupError::Postgres) };
    let (kinds, blobs, made_at) = (Arc::clone(store.kinds()), store.blobs().clone(), store.clock().now().to_string());
    let work = move || {
        let maker = Maker { database: path, kinds, blobs, options, progress: &progress };
        maker.make(made_at)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::Panicked(error.to_string()).into()))
}

struct Maker<'a> {
    database: PathBuf,
    kinds: Arc<Kinds>,
    blobs: Blobs,
    options: BackupOptions,
    progress: &'a Progress,
}

impl Maker<'_> {
    fn make(&self, made_at: String) -> Result<BackupReport, BackupError> {
        let delivery = Delivery::begin(&self.options.target, 0o700)?;
        let folder = delivery.folder();
        let mut manifest = Manifest::create(&folder.join(MANIFEST_NAME), 0o600)?;
        // From before the snapshot until the last blob is copied: what the snapshot names must not go.
        let hold = self.blobs.hold(self.progress)?;
        let snapshot = folder.join(DATABASE_NAME);
        crate::backend::sqlite::snapshot(&self.database, &snapshot, self.progress)?;
        let (report, named) = self.look_at(&snapshot)?;
        let mut problems = words(&report);
        let files = self.copy_files(folder, &mut manifest)?;
        let (blobs, blob_bytes) = self.copy_blobs(named, folder, &mut manifest, &mut problems)?;
        drop(hold);
        let note = BackupNote {
            format: FORMAT.to_owned(),
            version: VERSION,
            made_at,
            exhibit: self.options.exhibit.clone(),
            batches: report.batches,
            root: report.root.unwrap_or(Digest([0; 32])),
            records: report.records,
            blobs,
            blob_bytes,
            files,
            problems,
        };
        self.write_note(&note, folder, &mut manifest)?;
        manifest.finish()?;
        self.read_again(folder)?;
        let target = delivery.place_folder()?.display().to_string();
        Ok(BackupReport { target, note })
    }

    /// Checks the ledger of the snapshot and lists the blobs that it names.
    fn look_at(&self, snapshot: &Path) -> Result<(Report, Vec<(Digest, u64)>), BackupError> {
        let location = Location::Sqlite { path: snapshot.to_owned(), synchronous: crate::Synchronous::Normal };
        let mut connection = ReadConnection::open(&location)?;
        let looked = connection.read(|read| {
            let report = verify_ledger(read, &self.kinds, &mut |_, _| Ok(()))?;
            Ok((report, records::named_blobs(read)?))
        })?;
        Ok(looked)
    }

    /// Copies the database's snapshot into the manifest, and every other file of the home with it.
    fn copy_files(&self, folder: &Path, manifest: &mut Manifest) -> Result<Vec<BackupFile>, BackupError> {
        let snapshot = folder.join(DATABASE_NAME);
        let mut files = vec![self.note_file(Path::new(DATABASE_NAME), 0o600, self.hash(&snapshot)?, manifest)?];
        for (name, source) in contents::files_of(&self.options.home, &self.options.leave_out)? {
            let target = folder.join(&name);
            create_folders_above(&target)?;
            let mode = contents::mode_of(&source)?;
            let hashed = self.copy(&source, &target, mode)?;
            files.push(self.note_file(&name, mode, hashed, manifest)?);
        }
        Ok(files)
    }

    fn note_file(
        &self,
        name: &Path,
        mode: u32,
        (sha256, bytes): (Digest, u64),
        manifest: &mut Manifest,
    ) -> Result<BackupFile, BackupError> {
        use std::os::unix::ffi::OsStrExt as _;
        manifest.add(sha256, name.as_os_str().as_bytes())?;
        self.progress.file_done();
        let name_hex = name.as_os_str().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(BackupFile { name: name.display().to_string(), name_hex, bytes, mode })
    }

    fn copy_blobs(
        &self,
        named: Vec<(Digest, u64)>,
        folder: &Path,
        manifest: &mut Manifest,
        problems: &mut BTreeSet<String>,
    ) -> Result<(u64, u64), BackupError> {
        self.progress.expect_bytes(named.iter().map(|(_, size)| size).sum());
        let (mut count, mut bytes) = (0, 0);
        for (sha256, size) in named {
            let name = blob_name(sha256);
            let (source, target) = (self.blobs.path_of(sha256), folder.join(&name));
            if !source.is_file() {
                problems.insert(format!("blob {sha256}: the file is not in the blob store (blob_missing)"));
                continue;
            }
            create_folders_above(&target)?;
            if self.copy(&source, &target, 0o600)? != (sha256, size) {
                // A name never stands for other bytes.
                std::fs::remove_file(&target).map_err(|error| DeliveryError::file(&target, error))?;
                problems.insert(format!("blob {sha256}: its bytes hash to something else (blob_mismatch)"));
                continue;
            }
            manifest.add(sha256, name.as_bytes())?;
            self.progress.file_done();
            (count, bytes) = (count + 1, bytes + size);
        }
        Ok((count, bytes))
    }

    fn copy(&self, source: &Path, target: &Path, mode: u32) -> Result<(Digest, u64), BackupError> {
        let mut from = std::fs::File::open(source).map_err(|error| DeliveryError::file(source, error))?;
        let mut to = create_file(target, mode)?;
        let copied = copy_hashed(&mut from, &mut to, u64::MAX, self.progress);
        let copied = copied.map_err(|error| error.at(source, target))?;
        copied.ok_or_else(|| DeliveryError::Stopped.into())
    }

    fn hash(&self, path: &Path) -> Result<(Digest, u64), BackupError> {
        Ok(hash_file(path, self.progress)?)
    }

    fn write_note(&self, note: &BackupNote, folder: &Path, manifest: &mut Manifest) -> Result<(), BackupError> {
        let path = folder.join(BACKUP_NAME);
        let mut text = serde_json::to_vec_pretty(note).map_err(|error| StoreError::Unexpected(error.to_string()))?;
        text.push(b'\n');
        let mut file = create_file(&path, 0o600)?;
        std::io::Write::write_all(&mut file, &text).map_err(|error| DeliveryError::file(&path, error))?;
        manifest.add(Digest::of(&text), BACKUP_NAME.as_bytes())?;
        Ok(())
    }

    /// Reads everything back from the disk before the backup gets its name.
    fn read_again(&self, folder: &Path) -> Result<(), BackupError> {
        read_manifest(&folder.join(MANIFEST_NAME), &mut |entry| {
            let path = folder.join(&entry.name);
            let (sha256, bytes) = hash_file(&path, self.progress)?;
            if sha256 == entry.sha256 {
                return Ok(());
            }
            let reason = format!("what was written cannot be read back: {bytes} bytes that hash to {sha256}");
            Err(DeliveryError::Target { target: path.display().to_string(), reason })
        })?;
        Ok(())
    }
}

/// Where a blob lies in a backup, as in a home.
fn blob_name(sha256: Digest) -> String {
    let hex = sha256.to_hex();
    format!("blobs/{}/{hex}", &hex[..2])
}

fn hash_file(path: &Path, progress: &Progress) -> Result<(Digest, u64), DeliveryError> {
    let mut file = std::fs::File::open(path).map_err(|error| DeliveryError::file(path, error))?;
    let hashed = copy_hashed(&mut file, &mut std::io::sink(), u64::MAX, progress);
    hashed.map_err(|error: CopyError| error.at(path, path))?.ok_or(DeliveryError::Stopped)
}

/// The problems of a check in words, one line each.
fn words(report: &Report) -> BTreeSet<String> {
    let lines = report.problems.iter().map(|problem| {
        let crate::ledger::verify::Problem { subject, code, message } = problem;
        format!("{subject}: {message} ({code})")
    });
    lines.collect()
}
