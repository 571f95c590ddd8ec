//! Attacks on mode, owner, times, attributes and flags. On an original they set what is there already, or put it back.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, chown, fchown, lchown};

use libc::{ENOSYS, EPERM};

use crate::redteam::attack::{Attack, By, On, Targets, address, at_here, call, on_file, on_path, stat_of};

/// Numbers that the C library's bindings lack on some architecture; from 424 on all architectures share them.
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

const GET_FLAGS: u64 = 0x8008_6601;
const SET_FLAGS: u64 = 0x4008_6602;
const GET_EXTENDED: u64 = 0x801c_581f;
const SET_EXTENDED: u64 = 0x401c_5820;
const ENABLE_VERITY: u64 = 0x4080_6685;
const FAT_SET_ATTRIBUTES: u64 = 0x4004_7211;
const BTRFS_MAKE_SUBVOLUME: u64 = 0x5000_940e;

/// An attribute that nothing else uses.
pub const ATTRIBUTE: &std::ffi::CStr = c"user.exhibit-redteam";
/// An attribute that every decoy has.
const KEPT: &std::ffi::CStr = c"user.kept";

const SAME: u64 = u32::MAX as u64;

pub static ATTACKS: &[Attack] = &[
    // Mode.
    Attack::new("chmod", By::Seccomp, On::Original, &[EPERM], |t, _| {
        std::fs::set_permissions(&t.original, stat_of(t)?.permissions())
    }),
    Attack::new("fchmod", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let mode = mode(t)?;
        on_file(t, |fd| call(libc::SYS_fchmod, &[fd, mode]))
    }),
    Attack::new("fchmodat", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let mode = mode(t)?;
        on_path(t, |path| call(libc::SYS_fchmodat, &[at_here(), path, mode]))
    }),
    Attack::new("fchmodat2", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let mode = mode(t)?;
        on_path(t, |path| call(FCHMODAT2, &[at_here(), path, mode, 0]))
    }),
    Attack::new("chmod to another mode", By::Seccomp, On::Decoy, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_fchmodat, &[at_here(), path, 0o600]))
    }),
    // Owner.
    Attack::new("chown", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let stat = stat_of(t)?;
        chown(&t.original, Some(stat.uid()), Some(stat.gid()))
    }),
    Attack::new("lchown", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let stat = stat_of(t)?;
        lchown(&t.original, Some(stat.uid()), Some(stat.gid()))
    }),
    Attack::new("fchown", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let stat = stat_of(t)?;
        fchown(File::open(&t.original)?, Some(stat.uid()), Some(stat.gid()))
    }),
    Attack::new("fchownat", By::Seccomp, On::Original, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_fchownat, &[at_here(), path, SAME, SAME, 0]))
    }),
    // Times.
    Attack::new("utimensat", By::Seccomp, On::Original, &[EPERM], |t, _| put_times_back(t)),
    Attack::new("futimens", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let times = times(t)?;
        on_file(t, |fd| call(libc::SYS_utimensat, &[fd, 0, address(times.as_ptr()), 0]))
    }),
    Attack::new("utimensat with the time of now", By::Seccomp, On::Decoy, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_utimensat, &[at_here(), path, 0, 0]))
    }),
    #[cfg(target_arch = "x86_64")]
    Attack::new("utime", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let times = times(t)?;
        let seconds = [times[0], times[2]];
        on_path(t, |path| call(libc::SYS_utime, &[path, address(seconds.as_ptr())]))?;
        restore(t, times)
    }),
    #[cfg(target_arch = "x86_64")]
    Attack::new("utimes", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let (times, rounded) = (times(t)?, microseconds(t)?);
        on_path(t, |path| call(libc::SYS_utimes, &[path, address(rounded.as_ptr())]))?;
        restore(t, times)
    }),
    #[cfg(target_arch = "x86_64")]
    Attack::new("futimesat", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let (times, rounded) = (times(t)?, microseconds(t)?);
        on_path(t, |path| call(libc::SYS_futimesat, &[at_here(), path, address(rounded.as_ptr())]))?;
        restore(t, times)
    }),
    // Attributes.
    Attack::new("setxattr", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let name = address(ATTRIBUTE.as_ptr());
        on_path(t, |path| call(libc::SYS_setxattr, &[path, name, name, 4, 0]))?;
        remove_attribute(t)
    }),
    Attack::new("lsetxattr", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let name = address(ATTRIBUTE.as_ptr());
        on_path(t, |path| call(libc::SYS_lsetxattr, &[path, name, name, 4, 0]))?;
        remove_attribute(t)
    }),
    Attack::new("fsetxattr", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let name = address(ATTRIBUTE.as_ptr());
        on_file(t, |fd| call(libc::SYS_fsetxattr, &[fd, name, name, 4, 0]))?;
        remove_attribute(t)
    }),
    Attack::new("setxattrat", By::Seccomp, On::Original, &[EPERM], |t, _| {
        let name = address(ATTRIBUTE.as_ptr());
        let value = [name, 4];
        on_path(t, |path| call(SETXATTRAT, &[at_here(), path, 0, name, address(value.as_ptr()), 16]))?;
        remove_attribute(t)
    }),
    Attack::new("removexattr", By::Seccomp, On::Decoy, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_removexattr, &[path, address(KEPT.as_ptr())]))
    }),
    Attack::new("lremovexattr", By::Seccomp, On::Decoy, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_lremovexattr, &[path, address(KEPT.as_ptr())]))
    }),
    Attack::new("fremovexattr", By::Seccomp, On::Decoy, &[EPERM], |t, _| {
        on_file(t, |fd| call(libc::SYS_fremovexattr, &[fd, address(KEPT.as_ptr())]))
    }),
    Attack::new("removexattrat", By::Seccomp, On::Decoy, &[EPERM], |t, _| {
        on_path(t, |path| call(REMOVEXATTRAT, &[at_here(), path, 0, address(KEPT.as_ptr())]))
    }),
    // Flags.
    Attack::new("set file flags by ioctl", By::Seccomp, On::Original, &[EPERM], |t, _| {
        on_file(t, |fd| {
            let flags = [0_u64];
            call(libc::SYS_ioctl, &[fd, GET_FLAGS, address(flags.as_ptr())])?;
            call(libc::SYS_ioctl, &[fd, SET_FLAGS, address(flags.as_ptr())])
        })
    }),
    Attack::new("set extended file flags by ioctl", By::Seccomp, On::Original, &[EPERM], |t, _| {
        on_file(t, |fd| {
            let flags = [0_u32; 7];
            call(libc::SYS_ioctl, &[fd, GET_EXTENDED, address(flags.as_ptr())])?;
            call(libc::SYS_ioctl, &[fd, SET_EXTENDED, address(flags.as_ptr())])
        })
    }),
    Attack::new("set file flags by file_setattr", By::Seccomp, On::Decoy, &[ENOSYS], |t, _| {
        let no_dump = [0x80_u64, 0, 0];
        on_path(t, |path| call(FILE_SETATTR, &[at_here(), path, address(no_dump.as_ptr()), 24, 0]))
    }),
    Attack::new("make a subvolume by ioctl", By::Kernel, On::Decoy, &[EPERM], |t, _| {
        let folder = File::open(&t.decoys)?;
        let nothing = [0_u8; 4096];
        call(libc::SYS_ioctl, &[folder.as_raw_fd() as u64, BTRFS_MAKE_SUBVOLUME, address(nothing.as_ptr())])
    }),
    Attack::probe("seal a file by fs-verity", &[EPERM], |t, _| {
        on_file(t, |fd| call(libc::SYS_ioctl, &[fd, ENABLE_VERITY, 0]))
    }),
    Attack::probe("set FAT attributes by ioctl", &[EPERM], |t, _| {
        on_file(t, |fd| call(libc::SYS_ioctl, &[fd, FAT_SET_ATTRIBUTES, 0]))
    }),
];

fn mode(targets: &Targets) -> io::Result<u64> {
    Ok(u64::from(stat_of(targets)?.mode() & 0o7777))
}

/// Time of access, then of modification, each in seconds and nanoseconds.
fn times(targets: &Targets) -> io::Result<[i64; 4]> {
    let stat = stat_of(targets)?;
    Ok([stat.atime(), stat.atime_nsec(), stat.mtime(), stat.mtime_nsec()])
}

#[cfg(target_arch = "x86_64")]
fn microseconds(targets: &Targets) -> io::Result<[i64; 4]> {
    let [atime, atime_ns, mtime, mtime_ns] = times(targets)?;
    Ok([atime, atime_ns / 1000, mtime, mtime_ns / 1000])
}

fn put_times_back(targets: &Targets) -> io::Result<()> {
    restore(targets, times(targets)?)
}

fn restore(targets: &Targets, times: [i64; 4]) -> io::Result<()> {
    on_path(targets, |path| call(libc::SYS_utimensat, &[at_here(), path, address(times.as_ptr()), 0]))
}

fn remove_attribute(targets: &Targets) -> io::Result<()> {
    on_path(targets, |path| call(libc::SYS_removexattr, &[path, address(ATTRIBUTE.as_ptr())]))
}
