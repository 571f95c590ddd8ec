//! The copy of a database file that is made before its first pending migration, so that the version before can be had back.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::backend::sqlite::snapshot;
use crate::delivery::{DeliveryError, Progress};
use crate::error::StoreError;

/// Where the copy lies that is made before migration `version` of `room`.
pub(crate) fn place_of(database: &Path, room: &str, version: i64) -> PathBuf {
    beside(database, &format!(".pre-{room}-{version}"))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies the database as it was last committed, log included, unless that copy is there already. The caller holds the right to write, so
/// nobody changes the database meanwhile and nobody else makes the same copy.
///
/// # Errors
/// [`StoreError::NoSpace`] when the disk is full, and when the copy cannot be written. Then no copy is left behind.
pub(crate) fn keep(database: &Path, room: &str, version: i64) -> Result<(), StoreError> {
    let copy = place_of(database, room, version);
    // One that is there was made before the same migration was tried: what it holds was never lost, so it is not replaced.
    if copy.symlink_metadata().is_ok() {
        return Ok(());
    }
    let partial = beside(&copy, ".partial");
    // One that was killed left half a copy.
    remove(&partial).map_err(|error| failed(&copy, DeliveryError::file(&partial, error)))?;
    let made = snapshot(database, &partial, &Progress::default()).and_then(|()| place(&partial, &copy));
    made.map_err(|error| {
        // What cannot be removed now is removed by the next try.
        remove(&partial).ok();
        failed(&copy, error)
    })
}

/// On the disk first, then under its name.
fn place(partial: &Path, copy: &Path) -> Result<(), DeliveryError> {
    let synced = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    synced(partial).map_err(|error| DeliveryError::file(partial, error))?;
    std::fs::rename(partial, copy).map_err(|error| DeliveryError::file(copy, error))?;
    let folder = copy.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    synced(folder).map_err(|error| DeliveryError::file(folder, error))
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn failed(copy: &Path, error: DeliveryError) -> StoreError {
    let name = copy.display().to_string();
    match error {
        DeliveryError::NoSpace { .. } => StoreError::NoSpace { name },
        other => {
            StoreError::Refused(format!("the copy {name} that is made before a migration cannot be written: {other}"))
        }
    }
}
