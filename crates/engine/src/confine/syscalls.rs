//! The system calls that are refused, by number. Every group says what it would open.

use libc::c_long;

/// Numbers that the C library's bindings lack on some architecture; from 424 on all architectures share them.
pub(super) mod shared {
    use libc::c_long;

    pub(in crate::confine) const FCHMODAT2: c_long = 452;
    pub(in crate::confine) const SETXATTRAT: c_long = 463;
    pub(in crate::confine) const REMOVEXATTRAT: c_long = 466;
    pub(in crate::confine) const OPEN_TREE_ATTR: c_long = 467;
}

/// First number that nobody had read when this list was made: Linux 6.17 ends at 469, of which 468 reads and 469 changes the flags of a
/// file, past Landlock and past any list of ioctls.
pub(super) const UNREVIEWED_FROM: u32 = 468;

/// Calls from [`UNREVIEWED_FROM`] on that were read and found harmless. None yet: nothing that runs here needs one.
pub(super) const REVIEWED: [u32; 0] = [];

/// Change of mode, owner, times or attributes of an original: Landlock does not handle these.
const METADATA: &[c_long] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    shared::FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    shared::SETXATTRAT,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    shared::REMOVEXATTRAT,
    libc::SYS_utimensat,
];

/// The older names of the same, which newer architectures never had.
#[cfg(target_arch = "x86_64")]
const METADATA_OLD: &[c_long] =
    &[libc::SYS_chmod, libc::SYS_chown, libc::SYS_lchown, libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat];
#[cfg(target_arch = "aarch64")]
const METADATA_OLD: &[c_long] = &[];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("confinement needs a reviewed list of system calls for this architecture");

/// Every way to reach another process or machine through a socket. `socketpair` has a rule of its own.
const SOCKETS: &[c_long] = &[libc::SYS_socket, libc::SYS_connect, libc::SYS_bind, libc::SYS_listen];

/// Message queues, shared memory and semaphores that any process of the same user can be reached by, without a path.
const SHARED_OBJECTS: &[c_long] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// Leaving the session or group that the supervisor ends as a whole, and entering namespaces, where capabilities come back.
const ESCAPES: &[c_long] = &[libc::SYS_unshare, libc::SYS_setns, libc::SYS_setsid, libc::SYS_setpgid];

/// Memory, descriptors and files of others; `io_uring` does what the filter would refuse.
const OTHERS: &[c_long] = &[
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_open_by_handle_at,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
];

/// Another view of the file system: mounts and roots.
const MOUNTS: &[c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    shared::OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
];

/// The machine itself. Without capabilities most are refused anyway; the list makes it so on kernels with holes.
const MACHINE: &[c_long] = &[
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_reboot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_settimeofday,
];

/// All calls that are refused whatever their arguments.
pub(super) fn refused() -> impl Iterator<Item = c_long> {
    [METADATA, METADATA_OLD, SOCKETS, SHARED_OBJECTS, ESCAPES, OTHERS, MOUNTS, MACHINE].into_iter().flatten().copied()
}

/// Flags of `clone` that make a namespace. `CLONE_NEWTIME` shares its bit with the signal number and exists in `clone3` only.
pub(super) const NAMESPACE_FLAGS: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The only requests of `ioctl` that are let through; they read, or change a descriptor of the process itself. A list of what is refused
/// would have to know every file system: the flags of ext4, the attributes of FAT, sealing by fs-verity, and subvolumes of Btrfs, which
/// are made and removed past Landlock, are all requests on a descriptor that is open for reading.
pub(super) const IOCTLS_ALLOWED: [u32; 13] = [
    0x5401,      // TCGETS: is it a terminal?
    0x802c_542a, // TCGETS2: the same, in newer C libraries
    0x5413,      // TIOCGWINSZ: width of the terminal
    0x540f,      // TIOCGPGRP: group in the foreground
    0x541b,      // FIONREAD: bytes that wait
    0x5421,      // FIONBIO: do not block
    0x5450,      // FIONCLEX: keep over exec
    0x5451,      // FIOCLEX: close on exec
    0x8008_6601, // FS_IOC_GETFLAGS
    0x801c_581f, // FS_IOC_FSGETXATTR
    0xc020_660b, // FS_IOC_FIEMAP: where the holes are
    0x4004_9409, // FICLONE: copies into a file that is open for writing
    0x4020_940d, // FICLONERANGE: likewise
];
