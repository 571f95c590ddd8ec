//! A source that was moved or mounted elsewhere: it keeps its catalog, and nothing is read or extracted again.

use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use exhibit_engine::originals::{Links, open_root, stat_beneath};
use exhibit_store::sql::assets::{self, PathState};
use exhibit_store::sql::sources::{self, Source};
use exhibit_store::{Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scan::{ScanError, check_root};

/// Files of the source that are looked for below the new root: enough to tell another folder, cheap on a slow disk.
const LOOKED_FOR: usize = 256;

/// A source could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum RelocateError {
    /// The folder cannot be used.
    #[error(transparent)]
    Root(#[from] ScanError),
    /// Another source is there.
    #[error("{root} is the source {name} already")]
    Taken {
        /// The folder.
        root: String,
        /// The other source.
        name: String,
    },
    /// It does not hold what the source held.
    #[error(
        "{root} does not look like the source {name}: of {looked_for} of its files {found} are there with the same size and time; is it the right folder?"
    )]
    Unlike {
        /// The folder.
        root: String,
        /// The source.
        name: String,
        /// Files that were looked for.
        looked_for: usize,
        /// Files that are there.
        found: usize,
    },
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was done.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Relocated {
    /// The source, by name.
    pub name: String,
    /// Where it was.
    pub from: String,
    /// Where it is.
    pub to: String,
    /// Files that were looked for below the new root.
    pub looked_for: usize,
    /// Files that are there as they were cataloged.
    pub found: usize,
}

/// Says that a source lies at `root` from now on. Half of the files that are looked for must be there, unless it holds none. Reads no
/// content; the next scan of the folder brings devices and inodes up to date.
///
/// # Errors
/// When the folder cannot be used, is another source, or does not look like this one.
pub async fn relocate(
    store: &Store,
    source: &Source,
    root: &Path,
    own_folders: &[PathBuf],
) -> Result<Relocated, RelocateError> {
    let resolved = check_root(root, own_folders)?;
    let shown = resolved.display().to_string();
    let key = source.key;
    let (others, mut paths) = store
        .read(move |read| {
            let mut paths = Vec::new();
            assets::each_open_path(read, key, &mut |_, path| {
                if path.state == PathState::Present {
                    paths.push((path.path.clone(), path.stat));
                }
                Ok(())
            })?;
            Ok((sources::all(read)?, paths))
        })
        .await?;
    let bytes = resolved.as_os_str().as_bytes().to_vec();
    if let Some(other) = others.iter().find(|other| other.root == bytes && other.key != key) {
        return Err(RelocateError::Taken { root: shown, name: other.name.clone() });
    }
    // Spread over the tree, in its order, so that the same is looked for each time.
    paths.sort_unstable_by(|first, second| first.0.cmp(&second.0));
    let step = paths.len().div_ceil(LOOKED_FOR).max(1);
    let wanted: Vec<_> = paths.into_iter().step_by(step).collect();
    let opened = open_root(&resolved)
        .map_err(|error| ScanError::Root { path: shown.clone(), reason: format!("it cannot be opened: {error}") })?;
    let is_there = |path: &[u8], size_bytes: i64, mtime_ns: i64| {
        stat_beneath(opened.as_fd(), path, Links::Refuse)
            .is_ok_and(|now| i64::try_from(now.size_bytes) == Ok(size_bytes) && now.mtime_ns == mtime_ns)
    };
    let found = wanted.iter().filter(|(path, stat)| is_there(path, stat.size_bytes, stat.mtime_ns)).count();
    let (looked_for, name) = (wanted.len(), source.name.clone());
    if found * 2 < looked_for {
        return Err(RelocateError::Unlike { root: shown, name, looked_for, found });
    }
    store.write(move |tx| sources::set_root(tx, key, &bytes)).await?;
    Ok(Relocated { name, from: crate::catalog::printable(&source.root), to: shown, looked_for, found })
}
