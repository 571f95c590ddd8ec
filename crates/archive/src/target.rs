//! Whether a folder may be written: never one that lies in a source or in the home, and never one that holds them.

use std::path::{Path, PathBuf};

use exhibit_store::places::resolve_future;

/// Why a folder is not written.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It lies in a source or around it, where nothing is ever written.
    #[error(
        "{target} and the source {root} lie in each other, and nothing is ever written into a source; choose another folder"
    )]
    InSource {
        /// The folder.
        target: String,
        /// The source.
        root: String,
    },
    /// It lies in a folder of ours or around it.
    #[error("{target} and {own}, where Exhibit keeps its own files, lie in each other; choose another folder")]
    InHome {
        /// The folder.
        target: String,
        /// The folder of ours.
        own: String,
    },
}

/// Checks a folder before anything is written there. None of the folders has to exist; links and `..` are resolved as the kernel
/// will.
///
/// # Errors
/// When it and a source, or it and a folder of ours, lie in each other.
pub fn check_target(target: &Path, own_folders: &[PathBuf], sources: &[PathBuf]) -> Result<(), TargetError> {
    let target = resolve_future(target);
    let overlaps = |other: &Path| target.starts_with(other) || other.starts_with(&target);
    for root in sources {
        let root = resolve_future(root);
        if overlaps(&root) {
            return Err(TargetError::InSource {
                target: target.display().to_string(),
                root: root.display().to_string(),
            });
        }
    }
    for own in own_folders {
        let own = resolve_future(own);
        if overlaps(&own) {
            return Err(TargetError::InHome { target: target.display().to_string(), own: own.display().to_string() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_each_other_are_refused_also_through_links_and_before_they_exist() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("source/inner")).unwrap();
        std::os::unix::fs::symlink("source/inner", root.join("link")).unwrap();
        let (own, sources) = (vec![root.join("home")], vec![root.join("source"), root.join("gone")]);
        let check = |target: &str| check_target(&root.join(target), &own, &sources);
        for target in ["source", "source/new/deep", "link/new", "nowhere/../source/new", "gone/new", "."] {
            assert!(matches!(check(target), Err(TargetError::InSource { .. })), "{target}");
        }
        for target in ["home", "home/blobs/new", "source2/../home"] {
            assert!(matches!(check(target), Err(TargetError::InHome { .. })), "{target}");
        }
        for target in ["new", "source2", "homes", "link2/new"] {
            assert!(check(target).is_ok(), "{target}");
        }
    }
}
