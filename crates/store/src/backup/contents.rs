//! The files of a home that are neither database nor blobs nor to be made again: keys, configuration, plug-ins, and whatever comes later.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::delivery::DeliveryError;

/// Files of a home that are copied at most: it holds keys, configuration and plug-ins, not an archive.
const FILES_MAX: usize = 100_000;

/// Folders below each other that are gone into.
const DEPTH_MAX: usize = 32;

/// The files with their names below the home, in the order of their names.
///
/// # Errors
/// When a folder cannot be read, something is neither file nor folder, or there are too many.
pub(super) fn files_of(home: &Path, leave_out: &[String]) -> Result<Vec<(PathBuf, PathBuf)>, DeliveryError> {
    let mut found = Vec::new();
    for (name, path) in entries(home)? {
        let text = name.to_string_lossy();
        if leave_out.iter().any(|left_out| *left_out == text) || is_unfinished(&name) {
            continue;
        }
        // A folder of the home may be a link to another disk; what lies below is taken as it is.
        add(&name, &path, 0, &mut found)?;
    }
    found.sort();
    Ok(found)
}

/// The permission bits of a file.
///
/// # Errors
/// When it cannot be looked at.
pub(super) fn mode_of(path: &Path) -> Result<u32, DeliveryError> {
    let found = std::fs::metadata(path).map_err(|error| DeliveryError::file(path, error))?;
    Ok(found.permissions().mode() & 0o777)
}

fn add(name: &Path, path: &Path, depth: usize, found: &mut Vec<(PathBuf, PathBuf)>) -> Result<(), DeliveryError> {
    let looked = if depth == 0 { std::fs::metadata(path) } else { std::fs::symlink_metadata(path) };
    let kind = match looked {
        Ok(looked) => looked.file_type(),
        // Temporary files of other processes come and go.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DeliveryError::file(path, error)),
    };
    if kind.is_file() && found.len() < FILES_MAX {
        found.push((name.to_owned(), path.to_owned()));
        return Ok(());
    }
    if !kind.is_dir() || depth >= DEPTH_MAX {
        let reason = "a home holds files and folders; links below its first level, devices and deep or endless folders cannot be backed up";
        return Err(DeliveryError::Target { target: path.display().to_string(), reason: reason.to_owned() });
    }
    for (inner, path) in entries(path)? {
        if !is_unfinished(&inner) {
            add(&name.join(inner), &path, depth + 1, found)?;
        }
    }
    Ok(())
}

/// Names of files that another process is just making: the key and the id of the home get theirs when they are whole.
fn is_unfinished(name: &Path) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(".key-") || name.starts_with("id.")
}

fn entries(folder: &Path) -> Result<Vec<(PathBuf, PathBuf)>, DeliveryError> {
    let failed = |error| DeliveryError::file(folder, error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        found.push((PathBuf::from(entry.file_name()), entry.path()));
    }
    Ok(found)
}
