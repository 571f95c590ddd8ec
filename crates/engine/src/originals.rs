//! Opens originals read-only below the descriptor of their source root, whatever the length of their path.
//!
//! Names are raw bytes. No absolute path is ever given to the kernel, so paths longer than `PATH_MAX` work, and no name
//! can lead out of the root: `openat2` with `RESOLVE_BENEATH` where the kernel has it and the path is short enough,
//! otherwise one component at a time. The second way is not a second choice: inside a confined process `openat2` may
//! answer `ENOSYS`.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, readlinkat, statat,
};
use rustix::io::Errno;

#[cfg(test)]
mod tests;

/// Longest path in bytes that is given to the kernel in one piece: Linux' `PATH_MAX` of 4,096 less the final NUL.
const DIRECT_PATH_BYTES_MAX: usize = 4095;
/// Symbolic links followed in one path, the number at which Linux gives up as well.
const LINKS_MAX: usize = 40;
/// Components of one path, counting those of links; four times the deepest path that fits `PATH_MAX`.
const COMPONENTS_MAX: usize = 8192;
/// Tries of `openat2` when a rename elsewhere makes it unsure whether the path stayed beneath the root; then the slow
/// way decides.
const OPENAT2_TRIES_MAX: usize = 3;

/// How symbolic links inside a relative path are treated. Those that lead out of the root are refused either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Any symbolic link is an error (`ELOOP`): what sources that do not follow links use.
    Refuse,
    /// Relative links that stay beneath the root are followed; absolute ones and those that leave it are errors
    /// (`EXDEV`).
    FollowInside,
}

/// What the kernel says about a file: enough to tell whether it is still the one in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileStat {
    /// Number of the device that holds it.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Length in bytes; for a symbolic link, of its target's name.
    pub size_bytes: u64,
    /// Time of the last change of its content, in nanoseconds since 1970, clamped to `i64` (years 1677 to 2262).
    pub mtime_ns: i64,
    /// Time of the last change of anything, nanoseconds since 1970: unlike the one of the content, nobody can set it back.
    pub ctime_ns: i64,
    /// Type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// Number of names.
    pub nlink: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Number of the device it stands for, when it is one; otherwise 0.
    pub rdev: u64,
}

impl FileStat {
    /// True for a regular file.
    pub fn is_file(&self) -> bool {
        FileType::from_raw_mode(self.mode) == FileType::RegularFile
    }

    /// True for a directory.
    pub fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.mode) == FileType::Directory
    }

    /// True when `other` shows the same unchanged content as far as the kernel can tell: device, inode, size and mtime.
    /// Owner, permissions and link count may differ, they do not change what the bytes say.
    pub fn is_same_content(&self, other: &Self) -> bool {
        (self.dev, self.ino, self.size_bytes, self.mtime_ns) == (other.dev, other.ino, other.size_bytes, other.mtime_ns)
    }
}

impl From<Stat> for FileStat {
    #[expect(clippy::unnecessary_cast, reason = "the types of these fields differ between architectures")]
    fn from(stat: Stat) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| {
            let exact = i128::from(seconds) * 1_000_000_000 + i128::from(rest);
            exact.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
        };
        Self {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            mtime_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ctime_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            mode: stat.st_mode,
            nlink: stat.st_nlink as u64,
            uid: stat.st_uid,
            gid: stat.st_gid,
            rdev: stat.st_rdev as u64,
        }
    }
}

/// Opens the root of a source. The path of the root itself may hold links, and is the only path that is not relative.
///
/// # Errors
/// When it is missing, not a directory, or may not be read.
pub fn open_root(path: &Path) -> io::Result<OwnedFd> {
    let path = c_string(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))?;
    Ok(open_quietly(CWD, &path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)?)
}

/// Opens the directory `name` in `parent` for listing; never through a link, and without touching its access time where
/// allowed.
///
/// # Errors
/// What the kernel answers.
pub fn open_directory(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(open_quietly(parent, name, flags)?)
}

/// Opens the regular file `name` in `parent` read-only: never through a link, never waiting for a FIFO, and without
/// touching its access time where allowed.
///
/// # Errors
/// What the kernel answers, and `InvalidInput` when it is not a regular file.
pub fn open_original(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<File> {
    regular(open_quietly(parent, name, ORIGINAL_FLAGS)?)
}

/// Opens the regular file at `relative`, raw bytes joined by `/`, below `root`, read-only as [`open_original`] does.
///
/// # Errors
/// What the kernel answers, and `InvalidInput` for a path that is not a plain relative one or a file that is not a
/// regular one.
pub fn open_beneath(root: BorrowedFd<'_>, relative: &[u8], links: Links) -> io::Result<File> {
    regular(open_path(root, relative, links, ORIGINAL_FLAGS)?)
}

/// What lies at `relative` below `root`, without opening it for reading. The last component itself is not followed
/// under [`Links::Refuse`]: a link is then described, not an error.
///
/// # Errors
/// What the kernel answers, and `InvalidInput` for a path that is not a plain relative one.
pub fn stat_beneath(root: BorrowedFd<'_>, relative: &[u8], links: Links) -> io::Result<FileStat> {
    let place = open_path(root, relative, links, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
    Ok(fstat(&place)?.into())
}

/// What the kernel says about an open file.
///
/// # Errors
/// What the kernel answers.
pub fn stat_open(file: impl AsFd) -> io::Result<FileStat> {
    Ok(fstat(file)?.into())
}

/// What the kernel says about `name` in `parent`; a link is not followed.
///
/// # Errors
/// What the kernel answers.
pub fn stat_at(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<FileStat> {
    Ok(statat(parent, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)?.into())
}

/// Opens the directory at `relative` below `root` for listing; the empty path is the root itself.
///
/// # Errors
/// What the kernel answers, and `InvalidInput` for a path that is not a plain relative one.
pub fn open_directory_beneath(root: BorrowedFd<'_>, relative: &[u8], links: Links) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if relative.is_empty() {
        return Ok(open_quietly(root, c".", flags)?);
    }
    open_path(root, relative, links, flags)
}

const ORIGINAL_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// A FIFO or device that took the place of a file between listing and opening must not be read.
fn regular(file: OwnedFd) -> io::Result<File> {
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(File::from(file))
}

/// Opens with `O_NOATIME`, or without it where only the owner may ask for that.
fn open_quietly(parent: BorrowedFd<'_>, name: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
    quietly(flags, |flags| openat(parent, name, flags, Mode::empty()))
}

fn quietly(flags: OFlags, open: impl Fn(OFlags) -> Result<OwnedFd, Errno>) -> Result<OwnedFd, Errno> {
    // With O_PATH nothing is read, and openat2 refuses flags that then have no meaning.
    if flags.contains(OFlags::PATH) {
        return open(flags);
    }
    match open(flags | OFlags::NOATIME) {
        Err(Errno::PERM) => open(flags),
        other => other,
    }
}

fn open_path(root: BorrowedFd<'_>, relative: &[u8], links: Links, flags: OFlags) -> io::Result<OwnedFd> {
    let components = plain_components(relative)?;
    if relative.len() <= DIRECT_PATH_BYTES_MAX
        && let Some(answer) = open_at_once(root, &c_string(relative)?, links, flags)
    {
        return Ok(answer?);
    }
    match links {
        Links::Refuse => open_step_by_step(root, &components, flags),
        Links::FollowInside => open_following(root, &components, flags),
    }
}

/// The answer of `openat2`, or `None` where it is missing or could not decide.
fn open_at_once(root: BorrowedFd<'_>, relative: &CStr, links: Links, flags: OFlags) -> Option<Result<OwnedFd, Errno>> {
    let (resolve, flags) = match links {
        // A link as the last component is still described with O_PATH | O_NOFOLLOW, and an error otherwise.
        Links::Refuse => (ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS, flags),
        Links::FollowInside => (ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS, flags - OFlags::NOFOLLOW),
    };
    for _ in 0..OPENAT2_TRIES_MAX {
        match quietly(flags, |flags| openat2(root, relative, flags, Mode::empty(), resolve)) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::NOSYS) => return None,
            answer => return Some(answer),
        }
    }
    None
}

fn open_step_by_step(root: BorrowedFd<'_>, components: &[&[u8]], flags: OFlags) -> io::Result<OwnedFd> {
    let Some((last, parents)) = components.split_last() else { return Err(not_plain()) };
    let mut parent: Option<OwnedFd> = None;
    for component in parents {
        let here = parent.as_ref().map_or(root, AsFd::as_fd);
        let next = openat(here, &*c_string(component)?, STEP_FLAGS, Mode::empty())?;
        refuse_link(&next)?;
        parent = Some(next);
    }
    let here = parent.as_ref().map_or(root, AsFd::as_fd);
    Ok(open_quietly(here, &c_string(last)?, flags)?)
}

/// Resolves links by hand. The stack of descriptors stands for the place reached so far, so that `..` can only go where
/// we came from.
fn open_following(root: BorrowedFd<'_>, components: &[&[u8]], flags: OFlags) -> io::Result<OwnedFd> {
    let mut todo: VecDeque<Vec<u8>> = components.iter().map(|component| component.to_vec()).collect();
    let mut stack: Vec<OwnedFd> = Vec::new();
    let mut links = 0;
    let mut steps = 0;
    while let Some(component) = todo.pop_front() {
        steps += 1;
        if steps > COMPONENTS_MAX {
            return Err(Errno::NAMETOOLONG.into());
        }
        match component.as_slice() {
            b"" | b"." => continue,
            b".." => {
                stack.pop().ok_or(Errno::XDEV)?;
                continue;
            }
            _ => {}
        }
        let here = stack.last().map_or(root, AsFd::as_fd);
        let name = c_string(&component)?;
        let next = openat(here, &*name, STEP_FLAGS, Mode::empty())?;
        if FileType::from_raw_mode(fstat(&next)?.st_mode) != FileType::Symlink {
            if todo.is_empty() {
                return Ok(open_quietly(here, &name, flags | OFlags::NOFOLLOW)?);
            }
            stack.push(next);
            continue;
        }
        links += 1;
        if links > LINKS_MAX {
            return Err(Errno::LOOP.into());
        }
        let target = readlinkat(&next, c"", Vec::new())?.into_bytes();
        if target.first() == Some(&b'/') {
            return Err(Errno::XDEV.into());
        }
        for part in target.rsplit(|byte| *byte == b'/') {
            todo.push_front(part.to_vec());
        }
    }
    // The path ended in `.` or `..` of a link: the place reached is the answer.
    let here = stack.last().map_or(root, AsFd::as_fd);
    Ok(open_quietly(here, c".", flags)?)
}

const STEP_FLAGS: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn refuse_link(place: &OwnedFd) -> io::Result<()> {
    if FileType::from_raw_mode(fstat(place)?.st_mode) == FileType::Symlink {
        return Err(Errno::LOOP.into());
    }
    Ok(())
}

/// The components of a path that has no empty one, no `.` and no `..`, and so cannot climb.
fn plain_components(relative: &[u8]) -> io::Result<Vec<&[u8]>> {
    let components: Vec<&[u8]> = relative.split(|byte| *byte == b'/').collect();
    let plain = |component: &&[u8]| !matches!(*component, b"" | b"." | b"..") && !component.contains(&0);
    if components.len() > COMPONENTS_MAX || !components.iter().all(plain) {
        return Err(not_plain());
    }
    Ok(components)
}

fn not_plain() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a plain path below the root")
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| not_plain())
}
