//! Attacks on what scratch must not hold, on what lies beside it, and on settings of the machine.

use std::fs::File;
use std::path::{Path, PathBuf};

use libc::{EACCES, EPERM};

use crate::redteam::attack::{Attack, By, MADE_PREFIX, On, node, writing};

pub static ATTACKS: &[Attack] = &[
    Attack::new("make a file beside scratch", By::Landlock, On::Nothing, &[EACCES], |_, c| {
        let path = c.scratch.join("..").join(format!("{MADE_PREFIX}beside"));
        File::create_new(&path)?;
        std::fs::remove_file(path)
    }),
    Attack::new("write the store", By::Landlock, On::Nothing, &[EACCES], |t, _| writing(&t.secret)),
    Attack::new("make a symbolic link in scratch", By::Landlock, On::Nothing, &[EACCES], |t, c| {
        std::os::unix::fs::symlink(&t.secret, c.scratch.join("link"))
    }),
    Attack::new("make a FIFO in scratch", By::Landlock, On::Nothing, &[EACCES], |_, c| {
        node(&c.scratch.join("node"), libc::S_IFIFO, 0)
    }),
    Attack::new("make a socket in scratch", By::Landlock, On::Nothing, &[EACCES], |_, c| {
        node(&c.scratch.join("node"), libc::S_IFSOCK, 0)
    }),
    Attack::new("make a character device in scratch", By::Kernel, On::Nothing, &[EACCES, EPERM], |_, c| {
        node(&c.scratch.join("node"), libc::S_IFCHR, libc::makedev(1, 3))
    }),
    Attack::new("make a block device in scratch", By::Kernel, On::Nothing, &[EACCES, EPERM], |_, c| {
        node(&c.scratch.join("node"), libc::S_IFBLK, libc::makedev(7, 0))
    }),
    // Settings of the machine belong to user 0 even without capabilities.
    Attack::new("write a setting of its own in /proc", By::Landlock, On::Nothing, &[EACCES], |_, _| {
        writing(Path::new("/proc/self/oom_score_adj"))
    }),
    Attack::new("write a setting of the host in /proc", By::Landlock, On::Nothing, &[EACCES], |t, _| {
        writing(&PathBuf::from(format!("/proc/{}/oom_score_adj", t.host)))
    }),
    Attack::new("write a setting of the kernel", By::Kernel, On::Nothing, &[EACCES, EPERM], |_, _| {
        writing(Path::new("/proc/sys/kernel/core_pattern"))
    }),
    Attack::new("write a device", By::Landlock, On::Nothing, &[EACCES], |_, _| writing(Path::new("/dev/zero"))),
];
