//! Reads file flags and extended attributes for the fingerprint.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::{EntryHead, errno_word, hash_text};

/// The flags that a user or program can set, of `FS_IOC_GETFLAGS`; the others tell how a file system stores the file.
/// In the order of their values: SECRM, UNRM, COMPR, SYNC, IMMUTABLE, APPEND, NODUMP, NOATIME (0xff), NOCOMP,
/// JOURNAL_DATA, NOTAIL, DIRSYNC, TOPDIR, NOCOW, DAX, PROJINHERIT, CASEFOLD.
const FLAGS_COVERED: u32 = 0x6283_c4ff;
/// Longest list of attribute names in bytes: Linux' `XATTR_LIST_MAX`.
const NAMES_BYTES_MAX: usize = 65_536;
/// Longest value of an attribute in bytes: Linux' `XATTR_SIZE_MAX`.
const VALUE_BYTES_MAX: usize = 65_536;

/// How the attributes of an entry are reached.
pub(super) enum Holder<'a> {
    /// Through its own descriptor.
    Open(BorrowedFd<'a>),
    /// By its name in an open directory, for what must not be opened.
    Named(BorrowedFd<'a>, &'a CStr),
}

/// Adds the flags of what is open; 0 when nothing is, or when the file system knows none.
pub(super) fn hash_flags(head: &mut EntryHead, open: Option<BorrowedFd<'_>>) {
    let flags = match open.map(rustix::fs::ioctl_getflags) {
        None | Some(Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL)) => 0,
        Some(Ok(flags)) => flags.bits() & FLAGS_COVERED,
        Some(Err(errno)) => {
            head.troubles.push(errno_word("flags", &errno.into()));
            0
        }
    };
    head.hasher.update(&flags.to_be_bytes());
}

/// Adds the extended attributes; none when there is no holder, or when the file system knows none.
pub(super) fn hash_attributes(head: &mut EntryHead, holder: Option<Holder<'_>>) {
    let attributes = match holder.map(|holder| read(&holder)) {
        None => BTreeMap::new(),
        Some(Ok(attributes)) => attributes,
        Some(Err(error)) => {
            head.troubles.push(errno_word("attributes", &error));
            BTreeMap::new()
        }
    };
    head.hasher.update(&(attributes.len() as u64).to_be_bytes());
    for (name, value) in &attributes {
        hash_text(&mut head.hasher, name);
        hash_text(&mut head.hasher, value);
    }
}

fn read(holder: &Holder<'_>) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut attributes = BTreeMap::new();
    // Most files have none, and asking for the length first is then the only call.
    let mut names = match list(holder, &mut []) {
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(attributes),
        Ok(_) => vec![0; NAMES_BYTES_MAX],
        Err(errno) => return Err(errno.into()),
    };
    let length = list(holder, &mut names)?;
    let mut value = vec![0; VALUE_BYTES_MAX];
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let length = get(holder, name, &mut value)?;
        attributes.insert(name.to_owned(), value[..length].to_owned());
    }
    Ok(attributes)
}

fn list(holder: &Holder<'_>, names: &mut [u8]) -> rustix::io::Result<usize> {
    let ask_length = names.is_empty();
    match holder {
        Holder::Open(open) if ask_length => rustix::fs::flistxattr_query(open),
        Holder::Open(open) => rustix::fs::flistxattr(open, names),
        Holder::Named(directory, name) if ask_length => rustix::fs::llistxattr_query(route(*directory, name)),
        Holder::Named(directory, name) => rustix::fs::llistxattr(route(*directory, name), names),
    }
}

fn get(holder: &Holder<'_>, name: &[u8], value: &mut [u8]) -> rustix::io::Result<usize> {
    match holder {
        Holder::Open(open) => rustix::fs::fgetxattr(open, name, value),
        Holder::Named(directory, entry) => rustix::fs::lgetxattr(route(*directory, entry), name, value),
    }
}

/// The kernel has no call that reads attributes of a name in a directory, so the way leads through the directory's
/// descriptor in `/proc`.
fn route(directory: BorrowedFd<'_>, name: &CStr) -> Vec<u8> {
    [format!("/proc/self/fd/{}/", directory.as_raw_fd()).as_bytes(), name.to_bytes()].concat()
}
