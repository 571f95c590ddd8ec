//! The folder of a plug-in as bytes: read once within limits, named by one digest, written elsewhere exactly so.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use exhibit_model::canonical::canonical_of;
use exhibit_model::digest::Digest;
use serde_json::json;

use super::PluginError;

/// Files of one plug-in. A Python package of a few dozen modules stays far below; an environment with its libraries belongs elsewhere.
pub const FILES_MAX: usize = 1_000;

/// Bytes of one file.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bytes of all files together: they are held in memory while they are read, and hashed whenever a host starts.
pub const ALL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Folders within folders.
pub const DEPTH_MAX: usize = 8;

/// Bytes of one name.
const NAME_BYTES_MAX: usize = 100;

/// One file of a plug-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginFile {
    /// Whether its owner may execute it; nothing else of its mode counts.
    pub executable: bool,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// All files of a plug-in, by path below its folder, in the order of the bytes of the paths. Folders without files do not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files(BTreeMap<String, PluginFile>);

impl Files {
    /// Reads a folder.
    ///
    /// # Errors
    /// When something in it is no plain file or folder, has a name that is not plain, or passes a limit.
    pub fn read(folder: &Path) -> Result<Self, PluginError> {
        let mut found = Reading { files: Self::default(), bytes: 0 };
        found.read_folder(folder, "", 0)?;
        Ok(found.files)
    }

    /// Adds a file, as the tests do.
    pub fn insert(&mut self, path: impl Into<String>, executable: bool, bytes: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), PluginFile { executable, bytes: bytes.into() });
    }

    /// Every path with its file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PluginFile)> {
        self.0.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// One file.
    pub fn get(&self, path: &str) -> Option<&PluginFile> {
        self.0.get(path)
    }

    /// One file as text.
    ///
    /// # Errors
    /// When it is not there or not UTF-8.
    pub fn text(&self, path: &str) -> Result<&str, PluginError> {
        let file = self.get(path).ok_or_else(|| PluginError::file(path, "the folder has no such file"))?;
        std::str::from_utf8(&file.bytes).map_err(|error| PluginError::file(path, format!("it is not UTF-8: {error}")))
    }

    /// SHA-256 of the RFC 8785 array of `[path, executable, SHA-256 of the content]` of every file, in the order of the paths' bytes.
    pub fn digest(&self) -> Digest {
        let rows: Vec<_> =
            self.iter().map(|(path, file)| json!([path, file.executable, Digest::of(&file.bytes).to_hex()])).collect();
        // Strings and booleans only: such a value always has a canonical form.
        Digest::of(&canonical_of(&rows).unwrap_or_default())
    }

    /// Writes all files below `folder`, which must not exist yet, and waits until they are on the disk.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut folders = vec![folder.to_owned()];
        DirBuilder::new().mode(0o755).create(folder)?;
        for (path, file) in self.iter() {
            let target = folder.join(path);
            if let Some(parent) = target.parent().filter(|parent| !parent.exists()) {
                DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
            }
            folders.extend(target.ancestors().skip(1).take_while(|above| *above != folder).map(Path::to_owned));
            let mode = if file.executable { 0o555 } else { 0o444 };
            let mut written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&target)?;
            written.write_all(&file.bytes)?;
            // The mode that a file is made with loses what the umask takes.
            written.set_permissions(std::fs::Permissions::from_mode(mode))?;
            written.sync_all()?;
        }
        folders.sort();
        folders.dedup();
        folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }
}

struct Reading {
    files: Files,
    bytes: u64,
}

impl Reading {
    fn read_folder(&mut self, folder: &Path, below: &str, depth: usize) -> Result<(), PluginError> {
        let named = |below: &str| if below.is_empty() { folder.display().to_string() } else { below.to_owned() };
        let wrong = |error: io::Error| PluginError::file(named(below), format!("it cannot be read: {error}"));
        if depth > DEPTH_MAX {
            return Err(PluginError::file(below, format!("there are at most {DEPTH_MAX} folders within each other")));
        }
        // Sorted, so that the first problem is always the same.
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(wrong)? {
            names.push(entry.map_err(wrong)?.file_name());
            if names.len() > FILES_MAX {
                return Err(PluginError::file(named(below), format!("it holds more than {FILES_MAX} entries")));
            }
        }
        names.sort();
        for name in names {
            let text = name.to_string_lossy();
            let path = if below.is_empty() { text.to_string() } else { format!("{below}/{text}") };
            check_name(&name.to_string_lossy(), &path)?;
            self.read_entry(&folder.join(&name), &path, depth)?;
        }
        Ok(())
    }

    fn read_entry(&mut self, place: &Path, path: &str, depth: usize) -> Result<(), PluginError> {
        let wrong = |error: io::Error| PluginError::file(path, format!("it cannot be read: {error}"));
        let kind = std::fs::symlink_metadata(place).map_err(wrong)?.file_type();
        if kind.is_dir() {
            return self.read_folder(place, path, depth + 1);
        }
        if kind.is_symlink() {
            return Err(PluginError::file(path, "it is a link; a plug-in has files and folders only"));
        }
        if !kind.is_file() {
            return Err(PluginError::file(path, "it is neither a file nor a folder"));
        }
        if self.files.0.len() == FILES_MAX {
            return Err(PluginError::file(path, format!("a plug-in has at most {FILES_MAX} files")));
        }
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(place).map_err(wrong)?;
        let executable = file.metadata().map_err(wrong)?.permissions().mode() & 0o100 != 0;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(wrong)?;
        self.bytes += bytes.len() as u64;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(PluginError::file(path, format!("it has more than {FILE_BYTES_MAX} bytes")));
        }
        if self.bytes > ALL_BYTES_MAX {
            return Err(PluginError::file(path, format!("with it the plug-in has more than {ALL_BYTES_MAX} bytes")));
        }
        self.files.insert(path, executable, bytes);
        Ok(())
    }
}

/// Plain names only: they stand in a hash, in messages and in commands. Hidden and compiled files are named instead of being skipped.
fn check_name(name: &str, path: &str) -> Result<(), PluginError> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if name.starts_with('.') {
        return Err(PluginError::file(path, "hidden files are no part of a plug-in; remove it"));
    }
    if name == "__pycache__" {
        return Err(PluginError::file(path, "compiled files are no part of a plug-in; remove the folder"));
    }
    if !plain || name.starts_with('-') || name.len() > NAME_BYTES_MAX {
        let rule = "a name has at most 100 of A-Z, a-z, 0-9, `.`, `_` and `-`, and begins with a letter, digit or `_`";
        return Err(PluginError::file(path, rule));
    }
    Ok(())
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
