//! The attacks: each tries one thing once and says whether it worked.

use std::ffi::{CString, c_long, c_void};
use std::fs::{File, OpenOptions};
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use exhibit_engine::supervisor::ChildContext;
use libc::{EACCES, ENOSYS, EPERM, EXDEV};

use crate::world::Targets;

/// Which mechanism refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Landlock,
    Seccomp,
    /// Both, or Landlock on some kernels and seccomp on others.
    Either,
    /// Dropped capabilities, or rules of the kernel that hold without us; there is no control for it.
    Kernel,
}

pub struct Attack {
    pub name: &'static str,
    pub by: By,
    /// Errors that count as refused.
    pub errors: &'static [i32],
    pub run: fn(&Targets, &ChildContext) -> io::Result<()>,
}

const fn attack(
    name: &'static str,
    by: By,
    errors: &'static [i32],
    run: fn(&Targets, &ChildContext) -> io::Result<()>,
) -> Attack {
    Attack { name, by, errors, run }
}

/// The names say what is attempted.
pub static ATTACKS: &[Attack] = &[
    // Content of an original.
    attack("open an original for writing", By::Landlock, &[EACCES], |t, _| writing(&t.original)),
    attack("open an original for reading and writing", By::Landlock, &[EACCES], |t, _| {
        OpenOptions::new().read(true).write(true).open(&t.original).map(drop)
    }),
    attack("open an original for appending", By::Landlock, &[EACCES], |t, _| {
        OpenOptions::new().append(true).open(&t.original).map(drop)
    }),
    attack("open an original again through its descriptor", By::Landlock, &[EACCES], |t, _| {
        let file = File::open(&t.original)?;
        writing(&PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))
    }),
    attack("create over an original", By::Landlock, &[EACCES], |t, _| File::create(&t.original).map(drop)),
    attack("open for reading and truncate", By::Either, &[EACCES, EPERM], |t, _| {
        truncating(&t.original, libc::O_RDONLY)
    }),
    attack("open for nothing and truncate", By::Either, &[EACCES, EPERM], |t, _| {
        truncating(&t.original, libc::O_ACCMODE)
    }),
    attack("openat2 for reading and truncate", By::Either, &[EACCES, ENOSYS], |t, _| {
        let how = [libc::O_TRUNC as u64, 0, 0];
        let path = name_of(&t.original);
        call(libc::SYS_openat2, &[at_here(), address(path.as_ptr()), address(how.as_ptr()), 24])
    }),
    attack("truncate by path", By::Either, &[EACCES, EPERM], |t, _| {
        let path = name_of(&t.original);
        call(libc::SYS_truncate, &[address(path.as_ptr()), 0])
    }),
    // Names in the source.
    attack("rename an original in place", By::Landlock, &[EACCES], |t, _| {
        std::fs::rename(&t.original, t.source.join("renamed"))
    }),
    attack("move an original out", By::Landlock, &[EACCES, EXDEV], |t, c| {
        std::fs::rename(&t.original, c.scratch.join("taken"))
    }),
    attack("move a file over an original", By::Landlock, &[EACCES, EXDEV], |t, c| {
        std::fs::rename(plain_file(c)?, &t.original)
    }),
    attack("exchange an original with a file", By::Landlock, &[EACCES, EXDEV], |t, c| {
        let (from, to) = (name_of(&plain_file(c)?), name_of(&t.original));
        let exchange = u64::from(libc::RENAME_EXCHANGE);
        call(libc::SYS_renameat2, &[at_here(), address(from.as_ptr()), at_here(), address(to.as_ptr()), exchange])
    }),
    attack("remove an original", By::Landlock, &[EACCES], |t, _| std::fs::remove_file(&t.original)),
    attack("remove a folder of a source", By::Landlock, &[EACCES], |t, _| std::fs::remove_dir(&t.empty_folder)),
    attack("link an original into scratch", By::Landlock, &[EACCES, EXDEV], |t, c| {
        std::fs::hard_link(&t.original, c.scratch.join("linked"))
    }),
    attack("link an original into scratch through its descriptor", By::Landlock, &[EACCES, EXDEV], |t, c| {
        let file = File::open(&t.original)?;
        let from = name_of(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())));
        let (to, follow) = (name_of(&c.scratch.join("linked")), libc::AT_SYMLINK_FOLLOW as u64);
        call(libc::SYS_linkat, &[at_here(), address(from.as_ptr()), at_here(), address(to.as_ptr()), follow])
    }),
    attack("link an original inside the source", By::Landlock, &[EACCES], |t, _| {
        std::fs::hard_link(&t.original, t.source.join("linked"))
    }),
    attack("link a file into the source", By::Landlock, &[EACCES, EXDEV], |t, c| {
        std::fs::hard_link(plain_file(c)?, t.source.join("linked"))
    }),
    attack("make a symbolic link in the source", By::Landlock, &[EACCES], |t, _| {
        std::os::unix::fs::symlink("/", t.source.join("link"))
    }),
    attack("hide a file in the source", By::Landlock, &[EACCES], |t, _| {
        File::create_new(t.source.join(".hidden")).map(drop)
    }),
    attack("make a nameless file in the source", By::Landlock, &[EACCES], |t, _| {
        OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(&t.source).map(drop)
    }),
    attack("make a folder in the source", By::Landlock, &[EACCES], |t, _| std::fs::create_dir(t.source.join("new"))),
    // Mode, owner, times, attributes, flags.
    attack("chmod", By::Seccomp, &[EPERM], |t, _| {
        // SAFETY: the path is a valid C string.
        answer(unsafe { libc::chmod(name_of(&t.original).as_ptr(), 0o600) })
    }),
    attack("fchmod", By::Seccomp, &[EPERM], |t, _| on_file(t, |fd| call(libc::SYS_fchmod, &[fd, 0o600]))),
    attack("fchmodat", By::Seccomp, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_fchmodat, &[at_here(), path, 0o600]))
    }),
    attack("fchmodat2", By::Seccomp, &[EPERM], |t, _| on_path(t, |path| call(452, &[at_here(), path, 0o600, 0]))),
    attack("chown", By::Seccomp, &[EPERM], |t, _| {
        // SAFETY: the path is a valid C string.
        answer(unsafe { libc::chown(name_of(&t.original).as_ptr(), libc::getuid(), libc::getgid()) })
    }),
    attack("lchown", By::Seccomp, &[EPERM], |t, _| {
        // SAFETY: the path is a valid C string.
        answer(unsafe { libc::lchown(name_of(&t.original).as_ptr(), libc::getuid(), libc::getgid()) })
    }),
    attack("fchown", By::Seccomp, &[EPERM], |t, _| on_file(t, |fd| call(libc::SYS_fchown, &[fd, SAME, SAME]))),
    attack("fchownat", By::Seccomp, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_fchownat, &[at_here(), path, SAME, SAME, 0]))
    }),
    attack("utimensat", By::Seccomp, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_utimensat, &[at_here(), path, 0, 0]))
    }),
    attack("futimens", By::Seccomp, &[EPERM], |t, _| on_file(t, |fd| call(libc::SYS_utimensat, &[fd, 0, 0, 0]))),
    #[cfg(target_arch = "x86_64")]
    attack("utime", By::Seccomp, &[EPERM], |t, _| on_path(t, |path| call(libc::SYS_utime, &[path, 0]))),
    #[cfg(target_arch = "x86_64")]
    attack("utimes", By::Seccomp, &[EPERM], |t, _| on_path(t, |path| call(libc::SYS_utimes, &[path, 0]))),
    #[cfg(target_arch = "x86_64")]
    attack("futimesat", By::Seccomp, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_futimesat, &[at_here(), path, 0]))
    }),
    attack("setxattr", By::Seccomp, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_setxattr, &[path, address(NEW.as_ptr()), address(NEW.as_ptr()), 4, 0]))
    }),
    attack("fsetxattr", By::Seccomp, &[EPERM], |t, _| {
        on_file(t, |fd| call(libc::SYS_fsetxattr, &[fd, address(NEW.as_ptr()), address(NEW.as_ptr()), 4, 0]))
    }),
    attack("setxattrat", By::Seccomp, &[EPERM], |t, _| {
        let value = [address(NEW.as_ptr()), 4];
        on_path(t, |path| call(463, &[at_here(), path, 0, address(NEW.as_ptr()), address(value.as_ptr()), 16]))
    }),
    attack("removexattr", By::Seccomp, &[EPERM], |t, _| {
        on_path(t, |path| call(libc::SYS_removexattr, &[path, address(c"user.kept".as_ptr())]))
    }),
    attack("fremovexattr", By::Seccomp, &[EPERM], |t, _| {
        on_file(t, |fd| call(libc::SYS_fremovexattr, &[fd, address(c"user.kept".as_ptr())]))
    }),
    attack("removexattrat", By::Seccomp, &[EPERM], |t, _| {
        on_path(t, |path| call(466, &[at_here(), path, 0, address(c"user.kept".as_ptr())]))
    }),
    attack("set file flags by ioctl", By::Seccomp, &[EPERM], |t, _| {
        const SET_FLAGS: u64 = 0x4008_6602;
        let no_dump = [0x40_u64];
        on_file(t, |fd| call(libc::SYS_ioctl, &[fd, SET_FLAGS, address(no_dump.as_ptr())]))
    }),
    attack("set extended file flags by ioctl", By::Seccomp, &[EPERM], |t, _| {
        const SET_XATTR: u64 = 0x401c_5820;
        let flags = [0x80_u32, 0, 0, 0, 0, 0, 0];
        on_file(t, |fd| call(libc::SYS_ioctl, &[fd, SET_XATTR, address(flags.as_ptr())]))
    }),
    attack("set file flags by file_setattr", By::Seccomp, &[ENOSYS], |t, _| {
        let attributes = [0x80_u64, 0, 0];
        on_path(t, |path| call(469, &[at_here(), path, address(attributes.as_ptr()), 24, 0]))
    }),
    attack("make a subvolume by ioctl", By::Kernel, &[EPERM], |t, _| {
        let folder = File::open(&t.source)?;
        call(libc::SYS_ioctl, &[folder.as_raw_fd() as u64, 0x5000_940e, address([0_u8; 4096].as_ptr())])
    }),
    // What must not be read or executed.
    attack("read the store", By::Landlock, &[EACCES], |t, _| std::fs::read(&t.secret).map(drop)),
    attack("read the store through /proc", By::Landlock, &[EACCES], |t, _| {
        let path = t.secret.strip_prefix("/").map_err(io::Error::other)?;
        std::fs::read(Path::new("/proc/self/root").join(path)).map(drop)
    }),
    attack("list the store", By::Landlock, &[EACCES], |t, _| t.secret.parent().unwrap().read_dir().map(drop)),
    attack("list the root", By::Landlock, &[EACCES], |_, _| Path::new("/").read_dir().map(drop)),
    attack("read the passwords", By::Kernel, &[EACCES], |_, _| std::fs::read("/etc/shadow").map(drop)),
    attack("read the users", By::Landlock, &[EACCES], |_, _| std::fs::read("/etc/passwd").map(drop)),
    attack("read the host's environment", By::Kernel, &[EACCES, EPERM], |t, _| {
        std::fs::read(format!("/proc/{}/environ", t.host)).map(drop)
    }),
    attack("read the host's memory", By::Kernel, &[EACCES, EPERM], |t, _| {
        File::open(format!("/proc/{}/mem", t.host)).map(drop)
    }),
    attack("walk through the host's root", By::Kernel, &[EACCES, EPERM], |t, _| {
        std::fs::read_dir(format!("/proc/{}/root/etc", t.host)).map(drop)
    }),
    attack("walk through the root of process 1", By::Kernel, &[EACCES, EPERM], |_, _| {
        std::fs::read_dir("/proc/1/root/etc").map(drop)
    }),
    attack("execute a file from scratch", By::Landlock, &[EACCES], |_, c| {
        let path = c.scratch.join("program");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path)?;
        io::Write::write_all(&mut file, b"#!/bin/sh\nexit 0\n")?;
        drop(file);
        Command::new(path).status().map(drop)
    }),
    // What scratch must not hold.
    attack("make a symbolic link in scratch", By::Landlock, &[EACCES], |t, c| {
        std::os::unix::fs::symlink(&t.original, c.scratch.join("link"))
    }),
    attack("make a FIFO in scratch", By::Landlock, &[EACCES], |_, c| node(c, libc::S_IFIFO, 0)),
    attack("make a socket in scratch", By::Landlock, &[EACCES], |_, c| node(c, libc::S_IFSOCK, 0)),
    attack("make a character device in scratch", By::Kernel, &[EACCES, EPERM], |_, c| {
        node(c, libc::S_IFCHR, libc::makedev(1, 3))
    }),
    attack("make a block device in scratch", By::Kernel, &[EACCES, EPERM], |_, c| {
        node(c, libc::S_IFBLK, libc::makedev(7, 0))
    }),
    // Settings of the machine, which belong to user 0 even without capabilities.
    attack("write a setting of its own in /proc", By::Landlock, &[EACCES], |_, _| {
        writing(Path::new("/proc/self/oom_score_adj"))
    }),
    attack("write a setting of the host in /proc", By::Landlock, &[EACCES], |t, _| {
        writing(&PathBuf::from(format!("/proc/{}/oom_score_adj", t.host)))
    }),
    attack("write a setting of the kernel", By::Kernel, &[EACCES, EPERM], |_, _| {
        writing(Path::new("/proc/sys/kernel/core_pattern"))
    }),
    attack("write a device", By::Landlock, &[EACCES], |_, _| writing(Path::new("/dev/zero"))),
    // Sockets.
    attack("connect by TCP", By::Either, &[EPERM], |t, _| TcpStream::connect(("127.0.0.1", t.tcp_port)).map(drop)),
    attack("make a UDP socket", By::Seccomp, &[EPERM], |_, _| UdpSocket::bind("127.0.0.1:0").map(drop)),
    attack("connect to a Unix socket", By::Seccomp, &[EPERM], |t, _| UnixStream::connect(&t.socket).map(drop)),
    attack("connect to an abstract socket", By::Either, &[EPERM], |t, _| {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&t.abstract_socket)?).map(drop)
    }),
    attack("make a pair of datagram sockets", By::Seccomp, &[EPERM], |_, _| UnixDatagram::pair().map(drop)),
    attack("make a netlink socket", By::Seccomp, &[EPERM], |_, _| {
        call(libc::SYS_socket, &[libc::AF_NETLINK as u64, libc::SOCK_RAW as u64, 0])
    }),
    // Other processes.
    attack("trace the supervisor", By::Kernel, &[EPERM], |_, _| {
        // SAFETY: asks for a number.
        trace(unsafe { libc::getppid() })
    }),
    attack("trace the host", By::Kernel, &[EPERM], |t, _| trace(t.host)),
    attack("trace process 1", By::Kernel, &[EPERM], |_, _| trace(1)),
    attack("read memory of the host", By::Kernel, &[EPERM], |t, _| peek(t.host)),
    attack("read memory of process 1", By::Kernel, &[EPERM], |_, _| peek(1)),
    attack("change limits of another process", By::Seccomp, &[EPERM], |t, _| {
        let limit = [64_u64, 64];
        call(libc::SYS_prlimit64, &[t.bystander as u64, libc::RLIMIT_NOFILE as u64, address(limit.as_ptr()), 0])
    }),
    attack("make shared memory", By::Kernel, &[EPERM], |_, _| {
        // With size 0 nothing is made where it is not refused: EINVAL.
        call(libc::SYS_shmget, &[libc::IPC_PRIVATE as u64, 0, 0o600])
    }),
    attack("leave the session", By::Seccomp, &[EPERM], |_, _| call(libc::SYS_setsid, &[])),
    attack("leave the group", By::Seccomp, &[EPERM], |_, _| call(libc::SYS_setpgid, &[0, 0])),
];

const SAME: u64 = u32::MAX as u64;
const NEW: &std::ffi::CStr = c"user.new";

/// Sends a signal to a process outside. Apart from the others, as only newer kernels can refuse it.
pub fn signal_the_bystander(targets: &Targets) -> io::Result<()> {
    call(libc::SYS_kill, &[targets.bystander as u64, libc::SIGTERM as u64])
}

/// Makes a system call by number.
pub fn call(number: c_long, arguments: &[u64]) -> io::Result<()> {
    let mut all = [0_u64; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let [a, b, c, d, e, f] = all;
    // SAFETY: every address among the arguments belongs to a value that lives until the call returns, as long as the kernel expects.
    let answered = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if answered < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

pub fn address<T>(pointer: *const T) -> u64 {
    pointer.cast::<c_void>().addr() as u64
}

pub fn at_here() -> u64 {
    libc::AT_FDCWD as u64
}

fn answer(answered: i32) -> io::Result<()> {
    if answered < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

pub fn name_of(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

fn on_path(targets: &Targets, attempt: impl Fn(u64) -> io::Result<()>) -> io::Result<()> {
    let path = name_of(&targets.original);
    attempt(address(path.as_ptr()))
}

fn on_file(targets: &Targets, attempt: impl Fn(u64) -> io::Result<()>) -> io::Result<()> {
    let file = File::open(&targets.original)?;
    attempt(file.as_raw_fd() as u64)
}

fn writing(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path).map(drop)
}

fn truncating(path: &Path, mode: i32) -> io::Result<()> {
    let path = name_of(path);
    call(libc::SYS_openat, &[at_here(), address(path.as_ptr()), (mode | libc::O_TRUNC | libc::O_CLOEXEC) as u64, 0])
}

fn plain_file(context: &ChildContext) -> io::Result<PathBuf> {
    let path = context.scratch.join("plain");
    std::fs::write(&path, "not an original")?;
    Ok(path)
}

fn node(context: &ChildContext, kind: libc::mode_t, device: libc::dev_t) -> io::Result<()> {
    let path = name_of(&context.scratch.join("node"));
    call(libc::SYS_mknodat, &[at_here(), address(path.as_ptr()), u64::from(kind | 0o600), device])
}

fn trace(pid: i32) -> io::Result<()> {
    call(libc::SYS_ptrace, &[u64::from(libc::PTRACE_SEIZE), pid as u64, 0, 0])
}

fn peek(pid: i32) -> io::Result<()> {
    let mut buffer = [0_u8; 8];
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(0x1000), iov_len: buffer.len() };
    call(libc::SYS_process_vm_readv, &[pid as u64, address(&raw const local), 1, address(&raw const remote), 1, 0])
}
