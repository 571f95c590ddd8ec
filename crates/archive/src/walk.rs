//! A sorted walk of a tree by directory descriptors, which never gives the kernel a path longer than one name.
//!
//! **Order.** Depth first; a directory comes before what it holds; the names of one directory are sorted by their raw
//! bytes. This is the order of whole paths when `/` sorts below every other byte, see [`path_order`].
//!
//! **What is visited.** Everything below the root but the root itself. Other file systems mounted inside are entered,
//! because archives are composed of mounts. Symbolic links are entries of their own unless
//! [`WalkOptions::follow_symlinks`] asks for their targets; then only relative links that stay beneath the root are
//! followed. A directory that is already being walked is not entered again.
//!
//! **Memory.** The names of the directories on the way down, 25 bytes or so each, and at most [`OPEN_DIRECTORIES_MAX`]
//! descriptors.

use std::cmp::Ordering;
use std::ffi::CStr;
use std::fmt;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use exhibit_engine::originals::{self, FileStat, Links};
use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

#[cfg(test)]
mod tests;

/// Directories held open at once; shallower ones are closed and opened again on the way back. Far below the usual limit
/// of 1,024.
pub const OPEN_DIRECTORIES_MAX: usize = 64;
/// Levels below the root that are entered: twice the deepest tree that can be named with a path of `PATH_MAX` bytes.
pub const DEPTH_MAX: usize = 4096;
/// Symbolic links followed in one walk. Links to directories full of links multiply; this is where that ends.
pub const LINKS_FOLLOWED_MAX: usize = 100_000;
/// Bytes of the names of one directory: what 32-bit offsets can address, 200 million names of common length.
const NAMES_BYTES_MAX: usize = u32::MAX as usize;
/// Bytes asked of the kernel in one piece when a directory is listed.
const LIST_BUFFER_BYTES: usize = 64 * 1024;

/// What is to be walked.
#[derive(Debug, Clone, Copy, Default)]
pub struct WalkOptions {
    /// Visit what symbolic links lead to, as long as it lies beneath the root, in place of the links.
    pub follow_symlinks: bool,
}

/// Why something cannot be read. What lies below a directory with a trouble is unknown, which is not the same as
/// missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The kernel does not say what it is.
    Stat(Errno),
    /// The directory cannot be opened.
    Open(Errno),
    /// The directory cannot be listed to its end.
    List(Errno),
    /// The directory lies deeper than [`DEPTH_MAX`].
    TooDeep,
    /// The directory holds more names than can be sorted in memory.
    TooManyNames,
    /// The directory was moved away while it was walked; its later entries were not visited.
    Moved,
    /// The link leads to a directory that is being walked already, or to itself.
    Cycle,
    /// The link leads nowhere.
    LinkBroken,
    /// The link leads out of the root, or is absolute.
    LinkOutside,
    /// More than [`LINKS_FOLLOWED_MAX`] links were followed before this one.
    TooManyLinks,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory, visited before its entries.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link that was not followed.
    Symlink,
    /// A named pipe; never opened.
    Fifo,
    /// A Unix socket; never opened.
    Socket,
    /// A block or character device, or something unknown; never opened.
    Device,
    /// Something that cannot be read, and why.
    Unreadable(Trouble),
}

/// One thing found by the walk, borrowed for the length of the visit.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Raw bytes relative to the root, joined by `/`.
    pub path: &'a [u8],
    /// What it is; for a followed link, what the target is.
    pub kind: Kind,
    /// What the kernel says about it; all zero when it said nothing ([`Trouble::Stat`]).
    pub stat: FileStat,
    /// True when `path` itself names a link that was followed.
    pub through_link: bool,
    /// The open directory that holds it.
    pub directory: BorrowedFd<'a>,
    /// Its name in that directory.
    pub name: &'a CStr,
    root: BorrowedFd<'a>,
}

impl Entry<'_> {
    /// Opens the regular file, read-only and without touching its access time where allowed.
    ///
    /// # Errors
    /// What the kernel answers, and `InvalidInput` when it is not, or no longer, a regular file.
    pub fn open(&self) -> io::Result<File> {
        if self.through_link {
            originals::open_beneath(self.root, self.path, Links::FollowInside)
        } else {
            originals::open_original(self.directory, self.name)
        }
    }
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything was visited.
    Complete,
    /// The visitor asked to stop.
    Stopped,
}

/// The order in which [`walk`] visits two paths: byte order with `/` below every other byte.
pub fn path_order(left: &[u8], right: &[u8]) -> Ordering {
    let weight = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    left.iter().map(weight).cmp(right.iter().map(weight))
}

/// Visits everything below `root` in the order of the module's description. Entries that vanish between listing and
/// looking are not visited.
///
/// # Errors
/// When the root itself cannot be listed. Troubles below it are entries of [`Kind::Unreadable`].
pub fn walk(
    root: BorrowedFd<'_>,
    options: WalkOptions,
    visit: &mut dyn FnMut(&Entry<'_>) -> ControlFlow<()>,
) -> io::Result<Ended> {
    let top = originals::open_directory_beneath(root, b"", Links::Refuse)?;
    let stat = originals::stat_open(&top)?;
    let mut buffer = vec![MaybeUninit::uninit(); LIST_BUFFER_BYTES];
    let names = Names::list(&top, &mut buffer).map_err(|trouble| match trouble {
        Trouble::List(errno) => errno.into(),
        other => io::Error::other(other.to_string()),
    })?;
    let frame = Frame { directory: Some(top), id: (stat.dev, stat.ino), path_bytes: 0, names, next: 0 };
    let mut walker = Walker { root, options, visit, path: Vec::new(), frames: vec![frame], buffer, links_followed: 0 };
    Ok(match walker.run() {
        ControlFlow::Continue(()) => Ended::Complete,
        ControlFlow::Break(()) => Ended::Stopped,
    })
}

/// One directory on the way from the root to the place of the walk.
struct Frame {
    /// `None` while it is closed to save descriptors; never for the last frame.
    directory: Option<OwnedFd>,
    /// Device and inode, to notice cycles and to recognise the directory when it is opened again.
    id: (u64, u64),
    /// Length of its path.
    path_bytes: usize,
    names: Names,
    next: usize,
}

struct Walker<'a> {
    root: BorrowedFd<'a>,
    options: WalkOptions,
    visit: &'a mut dyn FnMut(&Entry<'_>) -> ControlFlow<()>,
    path: Vec<u8>,
    frames: Vec<Frame>,
    buffer: Vec<MaybeUninit<u8>>,
    links_followed: usize,
}

impl Walker<'_> {
    fn run(&mut self) -> ControlFlow<()> {
        while let Some(frame) = self.frames.last_mut() {
            let Some(name) = frame.names.get(frame.next).map(CStr::to_owned) else {
                self.leave()?;
                continue;
            };
            frame.next += 1;
            self.path.truncate(frame.path_bytes);
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name.to_bytes());
            self.look(&name)?;
        }
        ControlFlow::Continue(())
    }

    fn look(&mut self, name: &CStr) -> ControlFlow<()> {
        let directory = self.directory();
        let stat = match originals::stat_at(directory, name) {
            Ok(stat) => stat,
            Err(error) if errno(&error) == Errno::NOENT => return ControlFlow::Continue(()),
            Err(error) => {
                return self.emit(name, Kind::Unreadable(Trouble::Stat(errno(&error))), FileStat::default(), false);
            }
        };
        match kind_of(&stat) {
            Kind::Directory => {
                let opened = originals::open_directory(directory, name);
                self.enter(name, opened, stat, false)
            }
            Kind::Symlink if self.options.follow_symlinks => self.follow(name, stat),
            kind => self.emit(name, kind, stat, false),
        }
    }

    fn follow(&mut self, name: &CStr, link: FileStat) -> ControlFlow<()> {
        self.links_followed += 1;
        if self.links_followed > LINKS_FOLLOWED_MAX {
            return self.emit(name, Kind::Unreadable(Trouble::TooManyLinks), link, false);
        }
        match originals::stat_beneath(self.root, &self.path, Links::FollowInside) {
            Ok(target) if target.is_directory() => {
                let opened = originals::open_directory_beneath(self.root, &self.path, Links::FollowInside);
                self.enter(name, opened, target, true)
            }
            Ok(target) => self.emit(name, kind_of(&target), target, true),
            Err(error) => {
                let trouble = match errno(&error) {
                    Errno::NOENT => Trouble::LinkBroken,
                    Errno::XDEV => Trouble::LinkOutside,
                    Errno::LOOP => Trouble::Cycle,
                    other => Trouble::Stat(other),
                };
                self.emit(name, Kind::Unreadable(trouble), link, false)
            }
        }
    }

    fn enter(
        &mut self,
        name: &CStr,
        opened: io::Result<OwnedFd>,
        seen: FileStat,
        through_link: bool,
    ) -> ControlFlow<()> {
        let listed = opened.and_then(|directory| Ok((originals::stat_open(&directory)?, directory)));
        let (stat, directory) = match listed {
            Ok(found) => found,
            Err(error) if errno(&error) == Errno::NOENT => return ControlFlow::Continue(()),
            Err(error) => {
                return self.emit(name, Kind::Unreadable(Trouble::Open(errno(&error))), seen, through_link);
            }
        };
        let id = (stat.dev, stat.ino);
        let refused = if self.frames.iter().any(|frame| frame.id == id) {
            Err(Trouble::Cycle)
        } else if self.frames.len() > DEPTH_MAX {
            Err(Trouble::TooDeep)
        } else {
            Names::list(&directory, &mut self.buffer)
        };
        let names = match refused {
            Ok(names) => names,
            Err(trouble) => return self.emit(name, Kind::Unreadable(trouble), stat, through_link),
        };
        self.emit(name, Kind::Directory, stat, through_link)?;
        self.frames.push(Frame { directory: Some(directory), id, path_bytes: self.path.len(), names, next: 0 });
        if let Some(shallow) = self.frames.len().checked_sub(OPEN_DIRECTORIES_MAX + 1) {
            self.frames[shallow].directory = None;
        }
        ControlFlow::Continue(())
    }

    /// Goes back to the directory above, opening it again where it was closed.
    fn leave(&mut self) -> ControlFlow<()> {
        let mut below = self.frames.pop().and_then(|frame| frame.directory);
        while let Some(frame) = self.frames.last() {
            if frame.directory.is_some() {
                break;
            }
            let (id, path_bytes) = (frame.id, frame.path_bytes);
            self.path.truncate(path_bytes);
            if let Some(directory) = self.reopen(below.take(), id) {
                if let Some(frame) = self.frames.last_mut() {
                    frame.directory = Some(directory);
                }
                break;
            }
            self.emit(c".", Kind::Unreadable(Trouble::Moved), FileStat::default(), false)?;
            self.frames.pop();
        }
        ControlFlow::Continue(())
    }

    /// First through `..`, which is one call; then by the path from the root. Only the very same directory will do.
    fn reopen(&self, below: Option<OwnedFd>, id: (u64, u64)) -> Option<OwnedFd> {
        let is_it = |directory: &OwnedFd| originals::stat_open(directory).is_ok_and(|stat| (stat.dev, stat.ino) == id);
        let above = below.and_then(|below| originals::open_directory(below.as_fd(), c"..").ok()).filter(is_it);
        let links = if self.options.follow_symlinks { Links::FollowInside } else { Links::Refuse };
        above.or_else(|| originals::open_directory_beneath(self.root, &self.path, links).ok().filter(is_it))
    }

    fn directory(&self) -> BorrowedFd<'_> {
        self.frames.last().and_then(|frame| frame.directory.as_ref()).map_or(self.root, AsFd::as_fd)
    }

    fn emit(&mut self, name: &CStr, kind: Kind, stat: FileStat, through_link: bool) -> ControlFlow<()> {
        let directory = self.frames.last().and_then(|frame| frame.directory.as_ref()).map_or(self.root, AsFd::as_fd);
        let entry = Entry { path: &self.path, kind, stat, through_link, directory, name, root: self.root };
        (self.visit)(&entry)
    }
}

/// The sorted names of one directory, each followed by a NUL, and where they start.
struct Names {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Names {
    fn list(directory: &OwnedFd, buffer: &mut [MaybeUninit<u8>]) -> Result<Self, Trouble> {
        let mut names = Self { bytes: Vec::new(), starts: Vec::new() };
        let mut entries = RawDir::new(directory, buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(Trouble::List)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"" | b"." | b"..") {
                continue;
            }
            let start = u32::try_from(names.bytes.len()).map_err(|_| Trouble::TooManyNames)?;
            if names.bytes.len() > NAMES_BYTES_MAX - name.to_bytes_with_nul().len() {
                return Err(Trouble::TooManyNames);
            }
            names.bytes.extend_from_slice(name.to_bytes_with_nul());
            names.starts.push(start);
        }
        let bytes = &names.bytes;
        // The NUL that ends each name sorts below every byte of a name, so the rest of the buffer never decides.
        names.starts.sort_unstable_by(|left, right| bytes[*left as usize..].cmp(&bytes[*right as usize..]));
        // A directory that changes while it is listed may show a name twice.
        names.starts.dedup_by(|left, right| name_at(bytes, *left) == name_at(bytes, *right));
        Ok(names)
    }

    fn get(&self, index: usize) -> Option<&CStr> {
        self.starts.get(index).map(|start| name_at(&self.bytes, *start))
    }
}

fn name_at(bytes: &[u8], start: u32) -> &CStr {
    CStr::from_bytes_until_nul(&bytes[start as usize..]).unwrap_or(c"")
}

fn kind_of(stat: &FileStat) -> Kind {
    match FileType::from_raw_mode(stat.mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::BlockDevice | FileType::CharacterDevice | FileType::Unknown => Kind::Device,
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stat(errno) => write!(f, "cannot be looked at: {errno}"),
            Self::Open(errno) => write!(f, "cannot be opened: {errno}"),
            Self::List(errno) => write!(f, "cannot be listed: {errno}"),
            Self::TooDeep => write!(f, "lies more than {DEPTH_MAX} folders deep"),
            Self::TooManyNames => f.write_str("holds more names than can be sorted"),
            Self::Moved => f.write_str("was moved while it was read"),
            Self::Cycle => f.write_str("leads back to a folder above it"),
            Self::LinkBroken => f.write_str("is a link that leads nowhere"),
            Self::LinkOutside => f.write_str("is a link that leads out of the source"),
            Self::TooManyLinks => write!(f, "is a link after {LINKS_FOLLOWED_MAX} others in one walk"),
        }
    }
}
