//! Tests of the filters as programs, on an interpreter, and of the report. What the kernel makes of them is in `tests/confinement`.

use libc::c_long;
use seccompiler::sock_filter;

use super::probe::{Verdict, probe};
use super::seccomp::{AUDIT_ARCH, Gaps, refused_filter, unknown_filter};
use super::{LANDLOCK_ABI_MIN, landlock};

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const NATIVE: Gaps = Gaps { truncate: false };
const ABI_2: Gaps = Gaps { truncate: true };
const X32: u32 = 0x4000_0000;

/// Runs a filter as the kernel does, for the instructions that occur.
fn run(program: &[sock_filter], arch: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let word = |offset: u32| match offset {
        0 => number,
        4 => arch,
        16.. => {
            let argument = arguments[(offset as usize - 16) / 8];
            if offset.is_multiple_of(8) { argument as u32 } else { (argument >> 32) as u32 }
        }
        _ => panic!("no filter reads offset {offset}"),
    };
    let (mut at, mut accumulator) = (0_usize, 0_u32);
    loop {
        let step = &program[at];
        at += 1;
        let jump = |taken: bool| usize::from(if taken { step.jt } else { step.jf });
        match step.code {
            0x20 => accumulator = word(step.k),
            0x54 => accumulator &= step.k,
            0x05 => at += step.k as usize,
            0x15 => at += jump(accumulator == step.k),
            0x25 => at += jump(accumulator > step.k),
            0x35 => at += jump(accumulator >= step.k),
            0x06 => return step.k,
            code => panic!("no filter uses instruction {code:#x}"),
        }
    }
}

fn unknown(gaps: Gaps, number: u32) -> u32 {
    run(&unknown_filter(gaps), AUDIT_ARCH, number, [0; 6])
}

fn refused(gaps: Gaps, number: c_long, arguments: &[u64]) -> u32 {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    run(&refused_filter(gaps).unwrap(), AUDIT_ARCH, u32::try_from(number).unwrap(), all)
}

#[test]
fn calls_that_nobody_has_read_do_not_exist() {
    for number in [468, 469, 470, 511, 512, 547, 1000, 1023, 4096, X32, X32 | 1, X32 | 547, u32::MAX] {
        assert_eq!(unknown(NATIVE, number), ENOSYS, "{number}");
    }
    for number in [0, 1, 59, 257, 334, 424, 436, 462, 467] {
        assert_eq!(unknown(NATIVE, number), ALLOW, "{number}");
    }
}

#[test]
fn clone3_does_not_exist_and_openat2_only_where_landlock_knows_truncation() {
    assert_eq!(unknown(NATIVE, libc::SYS_clone3 as u32), ENOSYS);
    assert_eq!(unknown(NATIVE, libc::SYS_openat2 as u32), ALLOW);
    assert_eq!(unknown(ABI_2, libc::SYS_openat2 as u32), ENOSYS);
}

#[test]
fn calls_of_another_architecture_end_the_process() {
    for foreign in [0x4000_0003, 0x4000_0028, 0x8000_0016, 0, u32::MAX] {
        assert_eq!(run(&unknown_filter(NATIVE), foreign, 1, [0; 6]), KILL);
        assert_eq!(run(&refused_filter(NATIVE).unwrap(), foreign, 1, [0; 6]), KILL);
    }
}

#[test]
fn every_listed_call_is_refused_whatever_its_arguments() {
    let mut count = 0;
    for number in super::syscalls::refused() {
        assert_eq!(refused(NATIVE, number, &[]), EPERM, "{number}");
        assert_eq!(refused(ABI_2, number, &[u64::MAX; 6]), EPERM, "{number}");
        count += 1;
    }
    assert!(count >= 70, "the list has only {count} calls");
}

#[test]
fn ordinary_calls_pass_both_filters() {
    for number in [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_mmap,
        libc::SYS_execve,
        libc::SYS_getdents64,
        libc::SYS_statx,
        libc::SYS_renameat2,
        libc::SYS_copy_file_range,
        libc::SYS_ftruncate,
        libc::SYS_kill,
        libc::SYS_pidfd_open,
    ] {
        assert_eq!(refused(ABI_2, number, &[]), ALLOW, "{number}");
        assert_eq!(unknown(ABI_2, number as u32), ALLOW, "{number}");
    }
}

#[test]
fn only_connected_local_pairs_of_sockets_may_be_made() {
    let pair = |family: i32, kind: i32| refused(NATIVE, libc::SYS_socketpair, &[family as u64, kind as u64]);
    for kind in [libc::SOCK_STREAM, libc::SOCK_SEQPACKET] {
        assert_eq!(pair(libc::AF_UNIX, kind), ALLOW);
        assert_eq!(pair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK), ALLOW);
        assert_eq!(pair(libc::AF_TIPC, kind), EPERM);
    }
    for kind in [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_RDM, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC] {
        assert_eq!(pair(libc::AF_UNIX, kind), EPERM);
    }
}

#[test]
fn processes_and_threads_may_be_made_but_no_namespaces() {
    let clone = |flags: i32| refused(NATIVE, libc::SYS_clone, &[flags as u32 as u64]);
    assert_eq!(clone(libc::SIGCHLD | libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID), ALLOW);
    assert_eq!(
        clone(libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_THREAD | libc::CLONE_SIGHAND),
        ALLOW
    );
    for flag in super::syscalls::NAMESPACE_FLAGS {
        assert_eq!(clone(flag), EPERM, "{flag:#x}");
        assert_eq!(clone(flag | libc::SIGCHLD | libc::CLONE_VM), EPERM, "{flag:#x}");
    }
}

#[test]
fn requests_that_change_a_file_are_not_on_the_list_of_ioctls() {
    let ioctl = |request: u64| refused(NATIVE, libc::SYS_ioctl, &[3, request]);
    for allowed in [0x5401_u64, 0x541b, 0x5421, 0x5451, 0x8008_6601, 0x4004_9409] {
        assert_eq!(ioctl(allowed), ALLOW, "{allowed:#x}");
    }
    let changing = [
        0x4008_6602, // FS_IOC_SETFLAGS
        0x4004_6602, // FS_IOC32_SETFLAGS
        0x401c_5820, // FS_IOC_FSSETXATTR
        0x4008_7602, // FS_IOC_SETVERSION
        0x4080_6685, // FS_IOC_ENABLE_VERITY
        0x800c_6613, // FS_IOC_SET_ENCRYPTION_POLICY
        0x4004_7211, // FAT_IOCTL_SET_ATTRIBUTES
        0xc018_9436, // FIDEDUPERANGE
        0x5000_9401, // BTRFS_IOC_SNAP_CREATE
        0x5000_940e, // BTRFS_IOC_SUBVOL_CREATE
        0x5000_940f, // BTRFS_IOC_SNAP_DESTROY
        0x5412,      // TIOCSTI
    ];
    for request in changing {
        assert_eq!(ioctl(request), EPERM, "{request:#x}");
        // The kernel looks at 32 bits of the request only, so the filter must as well.
        assert_eq!(ioctl(request | 1 << 32), EPERM, "{request:#x}");
    }
    assert_eq!(ioctl(0x5401 | 1 << 32), ALLOW);
}

#[test]
fn limits_of_other_processes_are_out_of_reach() {
    assert_eq!(refused(NATIVE, libc::SYS_prlimit64, &[0, 7]), ALLOW);
    assert_eq!(refused(NATIVE, libc::SYS_prlimit64, &[1, 7]), EPERM);
}

#[test]
fn truncation_without_writing_is_refused_where_landlock_does_not_know_it() {
    let openat = |gaps, flags: i32| refused(gaps, libc::SYS_openat, &[u64::MAX, 0, flags as u64]);
    for flags in [libc::O_TRUNC, libc::O_TRUNC | libc::O_ACCMODE, libc::O_TRUNC | libc::O_CLOEXEC | libc::O_CREAT] {
        assert_eq!(openat(ABI_2, flags), EPERM, "{flags:#o}");
        assert_eq!(openat(NATIVE, flags), ALLOW, "{flags:#o}");
    }
    for flags in [libc::O_RDONLY, libc::O_WRONLY | libc::O_TRUNC | libc::O_CREAT, libc::O_RDWR | libc::O_TRUNC] {
        assert_eq!(openat(ABI_2, flags), ALLOW, "{flags:#o}");
    }
    assert_eq!(refused(ABI_2, libc::SYS_truncate, &[]), EPERM);
    assert_eq!(refused(NATIVE, libc::SYS_truncate, &[]), ALLOW);
    #[cfg(target_arch = "x86_64")]
    assert_eq!(refused(ABI_2, libc::SYS_open, &[0, libc::O_TRUNC as u64]), EPERM);
}

#[test]
fn gaps_are_those_of_the_domain() {
    assert_eq!(Gaps::below_landlock(None), ABI_2);
    assert_eq!(Gaps::below_landlock(Some(2)), ABI_2);
    assert_eq!(Gaps::below_landlock(Some(3)), NATIVE);
}

#[test]
fn an_abi_below_the_lowest_is_an_error_that_names_it() {
    let error = landlock::usable_abi(Some(LANDLOCK_ABI_MIN - 1)).unwrap_err();
    assert!(error.to_string().contains("Landlock"), "{error}");
}

#[test]
fn the_verdict_names_each_missing_mechanism() {
    assert_eq!(Verdict::of(Ok(2), true), Verdict::Confined);
    let why = |verdict| match verdict {
        Verdict::Confined => panic!("confined"),
        Verdict::Unconfined { why } => why,
    };
    assert!(why(Verdict::of(Ok(1), true)).contains("Landlock ABI 1 is too old"));
    assert!(why(Verdict::of(Ok(7), false)).contains("CONFIG_SECCOMP_FILTER"));
    let both = why(Verdict::of(Err("not enabled".to_owned()), false));
    assert!(both.contains("not enabled") && both.contains("seccomp"));
}

#[test]
fn the_report_agrees_with_itself() {
    let capability = probe();
    let used = capability.landlock_abi_used.unwrap_or(0);
    assert_eq!(capability.facets.truncate_by_landlock, used >= 3);
    assert_eq!(capability.facets.signals_scoped, used >= 6);
    assert_eq!(capability.verdict == Verdict::Confined, used >= LANDLOCK_ABI_MIN && capability.seccomp);
    assert!(!capability.kernel_release.contains('\n'));
    let json = serde_json::to_value(&capability).unwrap();
    assert!(json["verdict"]["state"].is_string(), "{json}");
}
