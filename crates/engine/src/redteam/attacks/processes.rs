//! Attacks on other processes: the supervisor, the host, another extractor, the first process of the machine.
#![expect(unsafe_code, reason = "the parent's number is asked by a call without a safe binding here")]

use std::io;

use libc::{ENOSYS, EPERM};

use crate::confine::landlock::ABI_SCOPES;
use crate::redteam::attack::{Attack, By, On, address, call};

pub static ATTACKS: &[Attack] = &[
    Attack::new("trace the supervisor", By::Kernel, On::Nothing, &[EPERM], |_, _| {
        // SAFETY: asks for a number.
        trace(unsafe { libc::getppid() })
    }),
    Attack::new("trace the host", By::Kernel, On::Nothing, &[EPERM], |t, _| trace(t.host)),
    Attack::new("trace another extractor", By::Kernel, On::Nothing, &[EPERM], |t, _| trace(t.bystander)),
    Attack::new("trace process 1", By::Kernel, On::Nothing, &[EPERM], |_, _| trace(1)),
    Attack::new("read memory of the host", By::Kernel, On::Nothing, &[EPERM], |t, _| peek(t.host)),
    Attack::new("read memory of process 1", By::Kernel, On::Nothing, &[EPERM], |_, _| peek(1)),
    Attack::new("write memory of the host", By::Kernel, On::Nothing, &[EPERM], |t, _| poke(t.host)),
    Attack::new("change limits of another process", By::Seccomp, On::Nothing, &[EPERM], |t, _| {
        let limit = [64_u64, 64];
        call(libc::SYS_prlimit64, &[t.bystander as u64, libc::RLIMIT_NOFILE as u64, address(limit.as_ptr()), 0])
    }),
    // The signal 0 asks whether one could be sent, and sends none.
    Attack::new("signal the host", By::Landlock, On::Nothing, &[EPERM], |t, _| signal(t.host)).since_abi(ABI_SCOPES),
    Attack::new("signal another extractor", By::Landlock, On::Nothing, &[EPERM], |t, _| signal(t.bystander))
        .since_abi(ABI_SCOPES),
    Attack::new("make shared memory", By::Kernel, On::Nothing, &[EPERM], |_, _| {
        // With size 0 nothing is made where it is not refused: EINVAL.
        call(libc::SYS_shmget, &[libc::IPC_PRIVATE as u64, 0, 0o600])
    }),
    Attack::new("hold a capability", By::Kernel, On::Nothing, &[EPERM], |_, _| hold_a_capability()),
    Attack::new("raise its own limits", By::Kernel, On::Nothing, &[EPERM], |_, _| {
        let unlimited = [u64::MAX, u64::MAX];
        call(libc::SYS_prlimit64, &[0, libc::RLIMIT_FSIZE as u64, address(unlimited.as_ptr()), 0])
    }),
    Attack::new("leave the session", By::Seccomp, On::Nothing, &[EPERM], |_, _| call(libc::SYS_setsid, &[])),
    Attack::new("leave the group", By::Seccomp, On::Nothing, &[EPERM], |_, _| call(libc::SYS_setpgid, &[0, 0])),
    #[cfg(target_arch = "x86_64")]
    Attack::new("call as another architecture", By::Kernel, On::Nothing, &[EPERM, ENOSYS], |_, _| {
        call_as_another_architecture()
    }),
];

fn hold_a_capability() -> io::Result<()> {
    let held = rustix::thread::capabilities(None)?;
    let any = held.effective | held.permitted | held.inheritable;
    if any.is_empty() { Err(io::Error::from_raw_os_error(EPERM)) } else { Ok(()) }
}

fn signal(pid: i32) -> io::Result<()> {
    call(libc::SYS_kill, &[pid as u64, 0])
}

fn trace(pid: i32) -> io::Result<()> {
    call(libc::SYS_ptrace, &[u64::from(libc::PTRACE_SEIZE), pid as u64, 0, 0])
}

fn peek(pid: i32) -> io::Result<()> {
    copy_memory(libc::SYS_process_vm_readv, pid)
}

/// Address 0x1000 is mapped nowhere, so that nothing is ever written.
fn poke(pid: i32) -> io::Result<()> {
    copy_memory(libc::SYS_process_vm_writev, pid)
}

fn copy_memory(number: libc::c_long, pid: i32) -> io::Result<()> {
    let mut buffer = [0_u8; 8];
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(0x1000), iov_len: buffer.len() };
    call(number, &[pid as u64, address(&raw const local), 1, address(&raw const remote), 1, 0])
}

/// `getpid` by the gate of 32-bit programs, whose numbers mean other calls. The filters end a process for it.
#[cfg(target_arch = "x86_64")]
fn call_as_another_architecture() -> io::Result<()> {
    let answer: i64;
    // SAFETY: the call takes no arguments and changes no memory; the gate clobbers only the registers that are named.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("rax") 20_i64 => answer, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    if answer < 0 { Err(io::Error::from_raw_os_error(i32::try_from(-answer).unwrap_or(ENOSYS))) } else { Ok(()) }
}
