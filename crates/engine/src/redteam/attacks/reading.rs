//! Attacks on what an extractor must not read or execute: the store, other sources, the rest of the machine.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use libc::{EACCES, ENOENT, EPERM};

use crate::redteam::attack::{Attack, By, On};

pub static ATTACKS: &[Attack] = &[
    Attack::new("read the store", By::Landlock, On::Nothing, &[EACCES], |t, _| std::fs::read(&t.secret).map(drop)),
    Attack::new("read the store through /proc", By::Landlock, On::Nothing, &[EACCES], |t, _| {
        let path = t.secret.strip_prefix("/").map_err(io::Error::other)?;
        std::fs::read(Path::new("/proc/self/root").join(path)).map(drop)
    }),
    Attack::new("list the store", By::Landlock, On::Nothing, &[EACCES], |t, _| {
        t.secret.parent().ok_or(io::ErrorKind::NotFound)?.read_dir().map(drop)
    }),
    Attack::new("open database, blobs or keys of this home", By::Kernel, On::Nothing, &[EACCES, ENOENT], |t, _| {
        let opened = t.private.iter().map(|path| File::open(path).map(drop));
        opened.reduce(|one, other| one.or(other)).unwrap_or(Err(io::Error::from_raw_os_error(ENOENT)))
    }),
    Attack::new("list another source", By::Landlock, On::Nothing, &[EACCES], |t, _| {
        t.other_source.read_dir().map(drop)
    }),
    Attack::new("read a file of another source", By::Landlock, On::Nothing, &[EACCES], |t, _| {
        std::fs::read(t.other_source.join("original")).map(drop)
    }),
    Attack::new("follow a symbolic link out of a source", By::Landlock, On::Decoy, &[EACCES], |t, _| {
        std::fs::read(t.decoys.join("way-out")).map(drop)
    }),
    Attack::new("walk out of a source by ..", By::Landlock, On::Decoy, &[EACCES], |t, _| {
        t.decoys.join("../private").read_dir().map(drop)
    }),
    Attack::new("list the folder that holds scratch", By::Landlock, On::Nothing, &[EACCES], |_, c| {
        c.scratch.join("..").read_dir().map(drop)
    }),
    Attack::new("list the root", By::Landlock, On::Nothing, &[EACCES], |_, _| Path::new("/").read_dir().map(drop)),
    Attack::new("read the passwords", By::Kernel, On::Nothing, &[EACCES], |_, _| {
        std::fs::read("/etc/shadow").map(drop)
    }),
    Attack::new("read the users", By::Landlock, On::Nothing, &[EACCES], |_, _| std::fs::read("/etc/passwd").map(drop)),
    Attack::new("read the host's environment", By::Kernel, On::Nothing, &[EACCES, EPERM], |t, _| {
        std::fs::read(format!("/proc/{}/environ", t.host)).map(drop)
    }),
    Attack::new("read the host's memory", By::Kernel, On::Nothing, &[EACCES, EPERM], |t, _| {
        File::open(format!("/proc/{}/mem", t.host)).map(drop)
    }),
    Attack::new("walk through the host's root", By::Kernel, On::Nothing, &[EACCES, EPERM], |t, _| {
        std::fs::read_dir(format!("/proc/{}/root/etc", t.host)).map(drop)
    }),
    Attack::new("walk through the root of process 1", By::Kernel, On::Nothing, &[EACCES, EPERM], |_, _| {
        std::fs::read_dir("/proc/1/root/etc").map(drop)
    }),
    Attack::new("execute a file from scratch", By::Landlock, On::Nothing, &[EACCES], |_, c| {
        let path = c.scratch.join("program");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path)?;
        io::Write::write_all(&mut file, b"#!/bin/sh\nexit 0\n")?;
        drop(file);
        Command::new(path).status().map(drop)
    }),
    Attack::new("execute a file of a source", By::Landlock, On::Decoy, &[EACCES], |t, _| {
        Command::new(t.decoys.join("program")).status().map(drop)
    }),
];
