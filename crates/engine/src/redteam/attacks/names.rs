//! Attacks on the names in a source: moving, removing, linking, making. What succeeds on an original is undone at once.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use libc::{EACCES, EXDEV};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::redteam::attack::{Attack, By, On, address, at_here, call, name_of, node, plain_file};

pub static ATTACKS: &[Attack] = &[
    Attack::new("rename an original in place", By::Landlock, On::Original, &[EACCES], |t, _| {
        let aside = t.made("renamed");
        move_to(&t.original, &aside)?;
        move_to(&aside, &t.original)
    }),
    Attack::new("move an original out", By::Landlock, On::Decoy, &[EACCES, EXDEV], |t, c| {
        std::fs::rename(&t.original, c.scratch.join("taken"))
    }),
    Attack::new("move a file over an original", By::Landlock, On::Decoy, &[EACCES, EXDEV], |t, c| {
        std::fs::rename(plain_file(c)?, &t.original)
    }),
    Attack::new("exchange an original with a file", By::Landlock, On::Decoy, &[EACCES, EXDEV], |t, c| {
        Ok(renameat_with(CWD, plain_file(c)?, CWD, &*t.original, RenameFlags::EXCHANGE)?)
    }),
    Attack::new("remove an original", By::Landlock, On::Decoy, &[EACCES], |t, _| std::fs::remove_file(&t.original)),
    Attack::new("remove a folder of a source", By::Landlock, On::Decoy, &[EACCES], |t, _| {
        std::fs::remove_dir(t.decoys.join("empty"))
    }),
    Attack::new("rename a folder of a source", By::Landlock, On::Decoy, &[EACCES], |t, _| {
        std::fs::rename(t.decoys.join("empty"), t.decoys.join("renamed"))
    }),
    Attack::new("link an original into scratch", By::Landlock, On::Original, &[EACCES, EXDEV], |t, c| {
        made(&c.scratch.join("linked"), |path| std::fs::hard_link(&t.original, path))
    }),
    Attack::new(
        "link an original into scratch through its descriptor",
        By::Landlock,
        On::Original,
        &[EACCES, EXDEV],
        |t, c| {
            let file = File::open(&t.original)?;
            let from = name_of(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))?;
            let follow = libc::AT_SYMLINK_FOLLOW as u64;
            made(&c.scratch.join("linked"), |path| {
                let to = name_of(path)?;
                call(libc::SYS_linkat, &[at_here(), address(from.as_ptr()), at_here(), address(to.as_ptr()), follow])
            })
        },
    ),
    Attack::new("link an original inside the source", By::Landlock, On::Original, &[EACCES], |t, _| {
        made(&t.made("linked"), |path| std::fs::hard_link(&t.original, path))
    }),
    Attack::new("link a file into the source", By::Landlock, On::Folder, &[EACCES, EXDEV], |t, c| {
        let plain = plain_file(c)?;
        made(&t.made("linked"), |path| std::fs::hard_link(&plain, path))
    }),
    Attack::new("make a symbolic link in the source", By::Landlock, On::Folder, &[EACCES], |t, _| {
        made(&t.made("link"), |path| std::os::unix::fs::symlink("/", path))
    }),
    Attack::new("hide a file in the source", By::Landlock, On::Folder, &[EACCES], |t, _| {
        made(&t.made("hidden"), |path| File::create_new(path).map(drop))
    }),
    Attack::new("make a nameless file in the source", By::Landlock, On::Folder, &[EACCES], |t, _| {
        OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(&t.folder).map(drop)
    }),
    Attack::new("make a folder in the source", By::Landlock, On::Folder, &[EACCES], |t, _| {
        let path = t.made("folder");
        std::fs::create_dir(&path)?;
        std::fs::remove_dir(&path)
    }),
    Attack::new("make a FIFO in the source", By::Landlock, On::Folder, &[EACCES], |t, _| {
        made(&t.made("fifo"), |path| node(path, libc::S_IFIFO, 0))
    }),
    Attack::new("make a socket in the source", By::Landlock, On::Folder, &[EACCES], |t, _| {
        made(&t.made("socket"), |path| node(path, libc::S_IFSOCK, 0))
    }),
];

/// Makes a name and removes it again.
fn made(path: &Path, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    make(path)?;
    std::fs::remove_file(path)
}

/// Moves, and never onto something.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}
