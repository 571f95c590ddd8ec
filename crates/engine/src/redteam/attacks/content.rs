//! Attacks on the content of an original.
#![expect(unsafe_code, reason = "mapping a file has no safe binding")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use libc::{EACCES, EBADF, ENOSYS, EPERM};

use crate::redteam::attack::{Attack, By, On, Targets, address, at_here, call, name_of, stat_of, writing};

/// Descriptors that are tried, from the first that is not standard on.
const DESCRIPTORS_MAX: i32 = 1024;

pub static ATTACKS: &[Attack] = &[
    Attack::new("open an original for writing", By::Landlock, On::Original, &[EACCES], |t, _| writing(&t.original)),
    Attack::new("open an original for reading and writing", By::Landlock, On::Original, &[EACCES], |t, _| {
        OpenOptions::new().read(true).write(true).open(&t.original).map(drop)
    }),
    Attack::new("open an original for appending", By::Landlock, On::Original, &[EACCES], |t, _| {
        OpenOptions::new().append(true).open(&t.original).map(drop)
    }),
    Attack::new("open an original again through its descriptor", By::Landlock, On::Original, &[EACCES], |t, _| {
        let file = File::open(&t.original)?;
        writing(&PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))
    }),
    Attack::new("write through a descriptor for reading", By::Kernel, On::Decoy, &[EBADF], |t, _| {
        File::open(&t.original)?.write_all_at(b"x", 0)
    }),
    Attack::new("write through an inherited descriptor", By::Kernel, On::Decoy, &[EBADF], |_, _| {
        (3..DESCRIPTORS_MAX)
            .map(write_to)
            .find(Result::is_ok)
            .unwrap_or_else(|| Err(io::Error::from_raw_os_error(EBADF)))
    })
    .with_leak(),
    Attack::new("map an original for writing", By::Kernel, On::Original, &[EACCES], |t, _| {
        map(&File::open(&t.original)?)
    }),
    Attack::new("create over an original", By::Landlock, On::Decoy, &[EACCES], |t, _| {
        File::create(&t.original).map(drop)
    }),
    Attack::new("open for reading and truncate", By::Either, On::Decoy, &[EACCES, EPERM], |t, _| {
        truncating(t, libc::O_RDONLY)
    }),
    Attack::new("open for nothing and truncate", By::Either, On::Decoy, &[EACCES, EPERM], |t, _| {
        truncating(t, libc::O_ACCMODE)
    }),
    Attack::new("openat2 for reading and truncate", By::Either, On::Decoy, &[EACCES, ENOSYS], |t, _| {
        let how = [libc::O_TRUNC as u64, 0, 0];
        let path = name_of(&t.original)?;
        call(libc::SYS_openat2, &[at_here(), address(path.as_ptr()), address(how.as_ptr()), 24])
    }),
    Attack::new("truncate by path", By::Either, On::Decoy, &[EACCES, EPERM], |t, _| truncate_to(t, 0)),
    Attack::new("truncate to its own length", By::Either, On::Original, &[EACCES, EPERM], |t, _| {
        truncate_to(t, stat_of(t)?.len())
    }),
];

fn truncate_to(targets: &Targets, length: u64) -> io::Result<()> {
    let path = name_of(&targets.original)?;
    call(libc::SYS_truncate, &[address(path.as_ptr()), length])
}

fn truncating(targets: &Targets, mode: i32) -> io::Result<()> {
    let path = name_of(&targets.original)?;
    call(libc::SYS_openat, &[at_here(), address(path.as_ptr()), (mode | libc::O_TRUNC | libc::O_CLOEXEC) as u64, 0])
}

/// Writes one byte to a regular file that was left open, whatever its number.
fn write_to(descriptor: i32) -> io::Result<()> {
    let link = std::fs::metadata(format!("/proc/self/fd/{descriptor}"))?;
    if !link.is_file() {
        return Err(io::Error::from_raw_os_error(EBADF));
    }
    let byte = [b'x'];
    // SAFETY: the address is that of one byte, which is read only.
    let answered = unsafe { libc::pwrite(descriptor, byte.as_ptr().cast(), byte.len(), 0) };
    if answered < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn map(file: &File) -> io::Result<()> {
    const LENGTH: usize = 1;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the kernel chooses the place, nothing is ever written there, and it is unmapped before anything else happens.
    unsafe {
        let at = libc::mmap(std::ptr::null_mut(), LENGTH, access, libc::MAP_SHARED, file.as_raw_fd(), 0);
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        libc::munmap(at, LENGTH);
    }
    Ok(())
}
