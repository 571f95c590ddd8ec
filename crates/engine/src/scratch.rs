//! Scratch: a folder of a host for its extractor processes, or for files that are there only for a while. A host holds a lock on its own, so
//! what dead hosts left behind is found and removed by the next one.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use exhibit_model::ids::ulid_to_text;

use crate::host::RunError;

/// A folder that is removed when this is dropped.
pub struct Scratch {
    owner: u128,
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Removes what dead hosts left and makes a folder of our own.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn make(work_folder: &Path, owner: u128) -> Result<Self, RunError> {
        let all = work_folder.join("scratch");
        let failed = |source| RunError::System { what: format!("making scratch in {}", all.display()), source };
        std::fs::create_dir_all(&all).map_err(failed)?;
        remove_left_behind(&all).map_err(failed)?;
        let path = all.join(ulid_to_text(owner));
        // The file gets the name that others look for once it is locked: nobody finds it free while its host lives.
        let new_path = path.with_extension("new");
        let lock = File::options().create_new(true).write(true).open(&new_path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        std::fs::rename(&new_path, path.with_extension("lock")).map_err(failed)?;
        std::fs::create_dir(&path).map_err(failed)?;
        Ok(Self { owner, path, _lock: lock })
    }

    pub(crate) fn owner(&self) -> u128 {
        self.owner
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What remains is removed by the next host.
        remove_all(&self.path).ok();
        std::fs::remove_file(self.path.with_extension("lock")).ok();
    }
}

/// Folders that are made listable before they are removed; more than a process can leave.
const FOLDERS_MAX: usize = 100_000;

/// Removes a folder with everything in it, also what a process has made so that its owner may not list it.
pub(crate) fn remove_all(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
        other => return other,
    }
    let mut folders = vec![folder.to_owned()];
    for _ in 0..FOLDERS_MAX {
        let Some(folder) = folders.pop() else { break };
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    std::fs::remove_dir_all(folder)
}

fn remove_left_behind(all: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(all)? {
        let lock_path = entry?.path();
        if lock_path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        // Gone meanwhile: another host was faster.
        let Ok(lock) = File::open(&lock_path) else { continue };
        if lock.try_lock().is_ok() {
            remove_all(&lock_path.with_extension("")).ok();
            std::fs::remove_file(&lock_path).ok();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::remove_all;

    #[test]
    fn folders_that_nobody_may_list_are_removed() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("scratch");
        std::fs::create_dir_all(folder.join("one/two")).unwrap();
        std::fs::write(folder.join("one/two/file"), "left").unwrap();
        for path in ["one/two", "one"] {
            std::fs::set_permissions(folder.join(path), Permissions::from_mode(0o000)).unwrap();
        }
        remove_all(&folder).unwrap();
        assert!(!folder.exists());
        assert_eq!(remove_all(&folder).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    }
}
