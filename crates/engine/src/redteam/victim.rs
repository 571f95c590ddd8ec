//! A file of the tree to attack, a look at it before and after, and putting right what an attack could change.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, RenameFlags, Timespec, Timestamps, UTIME_OMIT, chmod, renameat_with, utimensat};
use rustix::io::Errno;

use super::attack::{MADE_PREFIX, Targets};

/// Entries that are looked at to find a file: enough for any tree that has one near its top.
const ENTRIES_MAX: usize = 20_000;
/// Longest path that is taken: Linux takes names up to 4,096 bytes, and names are added to it.
const PATH_BYTES_MAX: usize = 3_500;
/// Bits of a mode that the kernel takes away when a file changes hands.
const SET_ID: u32 = 0o6000;
const OWNER_MAY_WRITE: u32 = 0o200;

/// What was found in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Victim {
    /// A file that this user owns and may write, in a folder of which the same is true: nothing but the confinement protects it.
    Own(PathBuf),
    /// A file that can be read at best: the rights of this user protect it as well.
    Foreign(PathBuf),
    /// No regular file.
    None,
}

impl Victim {
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Own(path) | Self::Foreign(path) => Some(path),
            Self::None => None,
        }
    }
}

/// Looks for a file, folder by folder in the order of names; links are not followed.
pub(super) fn find(root: &Path) -> io::Result<Victim> {
    let user = rustix::process::geteuid().as_raw();
    let mut folders = vec![root.to_owned()];
    let (mut seen, mut foreign) = (0_usize, None);
    while let Some(folder) = folders.pop() {
        // A folder that cannot be listed holds nothing to attack; the root is looked at by the caller.
        let Ok(listing) = folder.read_dir() else { continue };
        let mut paths: Vec<PathBuf> = listing.take(ENTRIES_MAX - seen).flatten().map(|entry| entry.path()).collect();
        seen += paths.len();
        paths.sort_unstable();
        let own_folder =
            folder.symlink_metadata().is_ok_and(|stat| stat.uid() == user && stat.mode() & OWNER_MAY_WRITE != 0);
        let mut below = Vec::new();
        for path in paths.into_iter().filter(|path| path.as_os_str().len() <= PATH_BYTES_MAX) {
            let Ok(stat) = path.symlink_metadata() else { continue };
            if stat.is_dir() {
                below.push(path);
            } else if stat.is_file() && stat.mode() & SET_ID == 0 {
                if own_folder && stat.uid() == user && stat.mode() & OWNER_MAY_WRITE != 0 {
                    return Ok(Victim::Own(path));
                }
                foreign.get_or_insert(path);
            }
        }
        if seen >= ENTRIES_MAX {
            break;
        }
        folders.extend(below.into_iter().rev());
    }
    Ok(foreign.map_or(Victim::None, Victim::Foreign))
}

/// How the target of an attack looks; two looks that differ mean that something was changed, whatever the attacker says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    original: Option<Seen>,
    folder: Option<Seen>,
    made: Vec<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    mode: u32,
    owner: (u32, u32),
    links: u64,
    size: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Look {
    pub(super) fn at(targets: &Targets) -> io::Result<Self> {
        Ok(Self {
            original: Seen::at(&targets.original)?,
            folder: Seen::at(&targets.folder)?,
            made: made(&targets.folder),
        })
    }
}

impl Seen {
    fn at(path: &Path) -> io::Result<Option<Self>> {
        match path.symlink_metadata() {
            Ok(stat) => Ok(Some(Self {
                mode: stat.mode(),
                owner: (stat.uid(), stat.gid()),
                links: stat.nlink(),
                size: stat.size(),
                inode: stat.ino(),
                modified: (stat.mtime(), stat.mtime_nsec()),
                changed: (stat.ctime(), stat.ctime_nsec()),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Names in a folder that attacks may have made.
fn made(folder: &Path) -> Vec<PathBuf> {
    let names = folder.read_dir().into_iter().flatten().flatten();
    let ours = names.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(MADE_PREFIX.as_bytes()));
    let mut paths: Vec<PathBuf> = ours.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}

/// Puts right what a successful attack on an original or its folder can have changed. Called only when one has succeeded.
pub(super) fn put_right(targets: &Targets, before: &Look) -> io::Result<()> {
    if !targets.original.try_exists()? && before.original.is_some() {
        renameat_with(CWD, targets.made("renamed"), CWD, &*targets.original, RenameFlags::NOREPLACE)?;
    }
    for path in made(&targets.folder).into_iter().filter(|path| !before.made.contains(path)) {
        if path.symlink_metadata()?.is_dir() { std::fs::remove_dir(path)? } else { std::fs::remove_file(path)? }
    }
    match rustix::fs::lremovexattr(&*targets.original, super::attacks::ATTRIBUTE) {
        Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    for (path, seen) in [(&targets.original, &before.original), (&targets.folder, &before.folder)] {
        let (Some(seen), Some(now)) = (seen, Seen::at(path)?) else { continue };
        if now.mode != seen.mode {
            chmod(&**path, Mode::from_raw_mode(seen.mode))?;
        }
        if now.modified != seen.modified {
            let (tv_sec, tv_nsec) = seen.modified;
            let times = Timestamps {
                last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
                last_modification: Timespec { tv_sec, tv_nsec },
            };
            utimensat(CWD, &**path, &times, AtFlags::SYMLINK_NOFOLLOW)?;
        }
    }
    Ok(())
}
