//! System calls that are made with arguments that mean nothing, only to see whether they are let through.
#![expect(unsafe_code, reason = "a copy of the process has to end itself")]

use std::io;

use libc::{ENOSYS, EPERM};

use crate::redteam::attack::{Attack, call};

const NEW_USER: u64 = libc::CLONE_NEWUSER as u64;

/// One probe: its name, the errno of the filter that refuses it, the call, its arguments.
macro_rules! probe {
    ($name:literal, $errno:ident, $number:expr $(, $argument:expr)*) => {
        Attack::probe($name, &[$errno], |_, _| call($number, &[$($argument),*]))
    };
}

pub static ATTACKS: &[Attack] = &[
    probe!("call socket", EPERM, libc::SYS_socket),
    probe!("call connect", EPERM, libc::SYS_connect),
    probe!("call bind", EPERM, libc::SYS_bind),
    probe!("call listen", EPERM, libc::SYS_listen),
    probe!("call unshare for a user namespace", EPERM, libc::SYS_unshare, NEW_USER),
    probe!("call setns", EPERM, libc::SYS_setns, u64::MAX),
    Attack::probe("call clone with a user namespace", &[EPERM], |_, _| clone_with_namespace()),
    probe!("call clone3", ENOSYS, libc::SYS_clone3),
    probe!("call io_uring_setup", EPERM, libc::SYS_io_uring_setup),
    probe!("call io_uring_enter", EPERM, libc::SYS_io_uring_enter, u64::MAX),
    probe!("call io_uring_register", EPERM, libc::SYS_io_uring_register, u64::MAX),
    probe!("call pidfd_getfd", EPERM, libc::SYS_pidfd_getfd, u64::MAX),
    probe!("call open_by_handle_at", EPERM, libc::SYS_open_by_handle_at, u64::MAX),
    probe!("call userfaultfd", EPERM, libc::SYS_userfaultfd, u64::MAX),
    probe!("call keyctl", EPERM, libc::SYS_keyctl, u64::MAX),
    probe!("call add_key", EPERM, libc::SYS_add_key),
    probe!("call request_key", EPERM, libc::SYS_request_key),
    probe!("call mount", EPERM, libc::SYS_mount),
    probe!("call umount2", EPERM, libc::SYS_umount2),
    probe!("call move_mount", EPERM, libc::SYS_move_mount, u64::MAX),
    probe!("call open_tree", EPERM, libc::SYS_open_tree, u64::MAX),
    probe!("call open_tree_attr", EPERM, 467, u64::MAX),
    probe!("call fsopen", EPERM, libc::SYS_fsopen),
    probe!("call fsconfig", EPERM, libc::SYS_fsconfig, u64::MAX),
    probe!("call fsmount", EPERM, libc::SYS_fsmount, u64::MAX),
    probe!("call fspick", EPERM, libc::SYS_fspick, u64::MAX),
    probe!("call mount_setattr", EPERM, libc::SYS_mount_setattr, u64::MAX),
    probe!("call pivot_root", EPERM, libc::SYS_pivot_root),
    probe!("call chroot", EPERM, libc::SYS_chroot),
    probe!("call bpf", EPERM, libc::SYS_bpf, u64::MAX),
    probe!("call perf_event_open", EPERM, libc::SYS_perf_event_open),
    probe!("call swapon", EPERM, libc::SYS_swapon),
    probe!("call swapoff", EPERM, libc::SYS_swapoff),
    probe!("call reboot", EPERM, libc::SYS_reboot),
    probe!("call init_module", EPERM, libc::SYS_init_module),
    probe!("call finit_module", EPERM, libc::SYS_finit_module, u64::MAX),
    probe!("call delete_module", EPERM, libc::SYS_delete_module),
    probe!("call kexec_load", EPERM, libc::SYS_kexec_load, 0, u64::MAX),
    probe!("call kexec_file_load", EPERM, libc::SYS_kexec_file_load, u64::MAX),
    probe!("call clock_settime", EPERM, libc::SYS_clock_settime, u64::MAX),
    probe!("call clock_adjtime", EPERM, libc::SYS_clock_adjtime, u64::MAX),
    probe!("call settimeofday", EPERM, libc::SYS_settimeofday, 1, 1),
    probe!("call shmat", EPERM, libc::SYS_shmat, u64::MAX),
    probe!("call msgget", EPERM, libc::SYS_msgget, 1),
    probe!("call semget", EPERM, libc::SYS_semget, 1),
    probe!("call mq_open", EPERM, libc::SYS_mq_open),
    probe!("call file_getattr, which nobody needs", ENOSYS, 468),
    probe!("call file_setattr, which nobody needs", ENOSYS, 469),
    probe!("call 470, the first after Linux 6.18", ENOSYS, 470),
    probe!("call 700, one to come", ENOSYS, 700),
    #[cfg(target_arch = "x86_64")]
    probe!("call getpid of x32", ENOSYS, 0x4000_0000 | 39),
    #[cfg(target_arch = "x86_64")]
    probe!("call ptrace of x32", ENOSYS, 0x4000_0000 | 521),
];

/// Where it is let through there is a second process after it, which must not go on as the first.
fn clone_with_namespace() -> io::Result<()> {
    // SAFETY: without a stack of its own the copy goes on as after a fork, and ends at once; this process has one thread.
    let answered = unsafe { libc::syscall(libc::SYS_clone, NEW_USER | libc::SIGCHLD as u64, 0, 0, 0, 0) };
    match answered {
        // SAFETY: ends the copy without running what this process has registered for its own end.
        0 => unsafe { libc::_exit(0) },
        1.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
