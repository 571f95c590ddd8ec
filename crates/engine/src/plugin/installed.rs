//! Where plug-ins lie in a home: `plugins/<name>/<digest>/` holds the files, `plugins/<name>/current` names the version that is used.

use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use exhibit_model::digest::Digest;

use super::files::Files;
use super::manifest::is_name;
use super::{PluginError, PluginFolder};
use crate::registry::ExtractorSet;

/// Plug-ins of one home, and versions of one plug-in; listing them is bounded by it.
pub const PLUGINS_MAX: usize = 256;

/// The file with the digest of the version that is used.
const CURRENT: &str = "current";

/// Folders that are being written or removed begin so. Under the lock they are left by a process that died.
const UNFINISHED: &str = ".unfinished-";

/// The plug-ins of a home.
pub struct PluginHome {
    folder: PathBuf,
}

impl PluginHome {
    /// The plug-ins that lie in `folder`; it need not exist.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Names of all plug-ins, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, PluginError> {
        let names = names_in(&self.folder).map_err(system("reading the plug-ins"))?;
        Ok(names.into_iter().filter(|name| is_name(name) && self.folder.join(name).is_dir()).collect())
    }

    /// Adds every plug-in to a set. Those that cannot be used are kept in it with the reason, so that a pipeline that names one is refused
    /// with it.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn add_to(&self, set: &mut ExtractorSet) -> Result<(), PluginError> {
        for name in self.names()? {
            // One after the other: the files of a plug-in are in memory only while they are compared with their digest.
            match self.open(&name) {
                Ok((folder, files)) => set.add(files.known(folder)),
                Err(reason) => set.add_broken(name, reason),
            }
        }
        Ok(())
    }

    /// Digests of the versions of a plug-in that are kept and not used, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn older(&self, name: &str) -> Result<Vec<String>, PluginError> {
        let folder = self.folder.join(name);
        let mut digests = names_in(&folder).map_err(system("reading the plug-ins"))?;
        // Where no version is in use, all of them are kept and not used.
        let used = std::fs::read_to_string(folder.join(CURRENT)).unwrap_or_default();
        digests.retain(|digest| digest.parse::<Digest>().is_ok() && digest != used.trim());
        Ok(digests)
    }

    /// The version of a plug-in that is used: its folder and what is in it.
    ///
    /// # Errors
    /// For people: why it cannot be used, and what to do.
    pub fn open(&self, name: &str) -> Result<(PathBuf, PluginFolder), String> {
        let again = "`exhibit extractors add FOLDER` adds it again";
        let folder = self.folder.join(name);
        let text = std::fs::read_to_string(folder.join(CURRENT))
            .map_err(|error| format!("no version of it is in use: {error}; {again}"))?;
        let digest: Digest = text.trim().parse().map_err(|_| format!("`{CURRENT}` names no version; {again}"))?;
        let place = folder.join(digest.to_hex());
        let read = PluginFolder::read(&place).map_err(|error| format!("{error}; {again}"))?;
        if read.digest != digest || read.manifest.name != name {
            return Err(format!("its files are not those that were added; {again}"));
        }
        Ok((place, read))
    }

    /// Copies a plug-in into the home, durably, without using it yet; `begin_using` does that. Adding the same files again changes nothing.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn install(&self, plugin: &PluginFolder, token: &str) -> Result<PathBuf, PluginError> {
        let _lock = self.lock()?;
        let failed = system("copying the plug-in into the home");
        let above = self.folder.join(&plugin.manifest.name);
        let target = above.join(plugin.digest.to_hex());
        if Files::read(&target).is_ok_and(|files| files == plugin.files) {
            return Ok(target);
        }
        let new = self.folder.join(format!("{UNFINISHED}{token}"));
        plugin.files.write(&new).map_err(&failed)?;
        if target.exists() {
            // What lies there is not what its name says.
            self.remove_folder(&target, &format!("{token}-old"))?;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&above).map_err(&failed)?;
        std::fs::rename(&new, &target).map_err(&failed)?;
        sync(&above).and_then(|()| sync(&self.folder)).map_err(&failed)?;
        Ok(target)
    }

    /// From now on this version is used by new processes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn begin_using(&self, plugin: &PluginFolder, token: &str) -> Result<(), PluginError> {
        let _lock = self.lock()?;
        let failed = system("naming the version to be used");
        let above = self.folder.join(&plugin.manifest.name);
        let new = above.join(format!("{UNFINISHED}{token}"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&new)?;
            writeln!(file, "{}", plugin.digest.to_hex())?;
            file.sync_all()?;
            std::fs::rename(&new, above.join(CURRENT))?;
            sync(&above)
        };
        write().map_err(failed)
    }

    /// Removes a plug-in with all its versions. What it found stays.
    ///
    /// # Errors
    /// When there is none of that name, or the system refuses.
    pub fn remove(&self, name: &str, token: &str) -> Result<(), PluginError> {
        let place = self.folder.join(name);
        if !is_name(name) || !place.is_dir() {
            let names = self.names()?;
            let there =
                if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) };
            return Err(PluginError::NotPossible(format!("there is no plug-in {name}; {there}")));
        }
        let _lock = self.lock()?;
        self.remove_folder(&place, token)
    }

    /// First the name, then the files: nobody finds half of it.
    fn remove_folder(&self, place: &Path, token: &str) -> Result<(), PluginError> {
        let failed = system("removing the plug-in");
        let gone = self.folder.join(format!("{UNFINISHED}{token}"));
        std::fs::rename(place, &gone).map_err(&failed)?;
        sync(&self.folder).map_err(&failed)?;
        std::fs::remove_dir_all(&gone).map_err(failed)
    }

    /// One process at a time changes plug-ins. What others left unfinished is removed.
    fn lock(&self) -> Result<File, PluginError> {
        let failed = system("locking the plug-ins");
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(&failed)?;
        let file = File::options().create(true).truncate(false).write(true).open(self.folder.join(".lock"));
        let file = file.map_err(&failed)?;
        file.lock().map_err(&failed)?;
        for name in names_in(&self.folder).map_err(&failed)? {
            if name.starts_with(UNFINISHED) {
                std::fs::remove_dir_all(self.folder.join(name)).map_err(&failed)?;
            }
        }
        Ok(file)
    }
}

/// Names in a folder that are text, sorted; none when there is no folder.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
        if names.len() > PLUGINS_MAX {
            return Err(io::Error::other(format!("{} holds more than {PLUGINS_MAX} entries", folder.display())));
        }
    }
    names.sort();
    Ok(names)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn system(what: &str) -> impl Fn(io::Error) -> PluginError {
    move |source| PluginError::System { what: what.to_owned(), source }
}

#[cfg(test)]
#[path = "installed_tests.rs"]
mod tests;
