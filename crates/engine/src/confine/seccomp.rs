//! The two stacked seccomp filters: one answers `ENOSYS`, for calls that callers have a fallback for, the other `EPERM`.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

use super::ConfineError;
use super::landlock::ABI_TRUNCATE;
use super::syscalls;

/// What seccomp must refuse because the Landlock domain does not handle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gaps {
    /// Truncation without opening for writing.
    pub truncate: bool,
}

impl Gaps {
    /// The gaps of a domain of this ABI; `None` = there is no domain.
    pub fn below_landlock(abi: Option<u32>) -> Self {
        Self { truncate: abi.is_none_or(|abi| abi < ABI_TRUNCATE) }
    }
}

/// Installs both filters for the calling thread and everything it will start.
///
/// # Errors
/// When the kernel refuses one.
pub fn install(gaps: Gaps) -> Result<(), ConfineError> {
    let unknown = unknown_filter(gaps);
    let refused = refused_filter(gaps).map_err(|source| ConfineError::Filter { source })?;
    for program in [&unknown, &refused] {
        apply_filter(program).map_err(|source| ConfineError::Seccomp { source })?;
    }
    Ok(())
}

/// The audit number by which the kernel names this architecture; another one means calls whose numbers mean something else.
#[cfg(target_arch = "x86_64")]
pub(super) const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub(super) const AUDIT_ARCH: u32 = 0xc000_00b7;

#[cfg(target_arch = "x86_64")]
const TARGET: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const TARGET: TargetArch = TargetArch::aarch64;

const LOAD_WORD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Offsets in `struct seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCH_AT: u32 = 4;

/// The filter that answers `ENOSYS`: to `clone3`, whose flags lie in memory where no filter can read them (the C library falls back to
/// `clone`), and to every number that nobody has read. Written by hand: "every number from" is not something the library can say. It
/// covers the numbers of x32 as well, which carry bit 30.
pub(super) fn unknown_filter(gaps: Gaps) -> BpfProgram {
    let unknown = SeccompAction::Errno(libc::ENOSYS as u32);
    let mut program = vec![
        step(LOAD_WORD, ARCH_AT, 0, 0),
        step(JUMP_IF_EQUAL, AUDIT_ARCH, 1, 0),
        step(RETURN, SeccompAction::KillProcess.into(), 0, 0),
        step(LOAD_WORD, NUMBER_AT, 0, 0),
    ];
    let openat2 = gaps.truncate.then_some(libc::SYS_openat2 as u32);
    for number in [libc::SYS_clone3 as u32].into_iter().chain(openat2) {
        program.push(step(JUMP_IF_EQUAL, number, 0, 1));
        program.push(step(RETURN, unknown.clone().into(), 0, 0));
    }
    for number in syscalls::REVIEWED {
        program.push(step(JUMP_IF_EQUAL, number, 0, 1));
        program.push(step(RETURN, SeccompAction::Allow.into(), 0, 0));
    }
    program.push(step(JUMP_IF_AT_LEAST, syscalls::UNREVIEWED_FROM, 0, 1));
    program.push(step(RETURN, unknown.into(), 0, 0));
    program.push(step(RETURN, SeccompAction::Allow.into(), 0, 0));
    program
}

/// The filter that answers `EPERM`.
pub(super) fn refused_filter(gaps: Gaps) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> =
        syscalls::refused().map(|number| (number, Vec::new())).collect();
    rules.insert(libc::SYS_socketpair, socketpair_rules()?);
    rules.insert(libc::SYS_clone, clone_rules()?);
    rules.insert(libc::SYS_ioctl, ioctl_rules()?);
    // Limits of another process of the same user, such as the host: a lowered one ends it.
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![argument(0, SeccompCmpOp::Ne, 0)?])?]);
    if gaps.truncate {
        rules.insert(libc::SYS_truncate, Vec::new());
        rules.insert(libc::SYS_openat, open_rules(2)?);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, open_rules(1)?);
    }
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), TARGET)?.try_into()
}

/// Pairs of connected streams are harmless; a datagram socket can send to any Unix socket by name, and other families are networks.
fn socketpair_rules() -> Result<Vec<SeccompRule>, BackendError> {
    const TYPE_MASK: u64 = 0xf;
    let allowed = [libc::SOCK_STREAM as u64, libc::SOCK_SEQPACKET as u64];
    let mut rules = vec![SeccompRule::new(vec![argument(0, SeccompCmpOp::Ne, libc::AF_UNIX as u64)?])?];
    for kind in (0..=TYPE_MASK).filter(|kind| !allowed.contains(kind)) {
        rules.push(SeccompRule::new(vec![argument(1, SeccompCmpOp::MaskedEq(TYPE_MASK), kind)?])?);
    }
    Ok(rules)
}

fn clone_rules() -> Result<Vec<SeccompRule>, BackendError> {
    syscalls::NAMESPACE_FLAGS
        .iter()
        .map(|&flag| {
            let flag = u64::from(flag as u32);
            SeccompRule::new(vec![argument(0, SeccompCmpOp::MaskedEq(flag), flag)?])
        })
        .collect()
}

fn ioctl_rules() -> Result<Vec<SeccompRule>, BackendError> {
    let none_of_them = syscalls::IOCTLS_ALLOWED
        .iter()
        .map(|&request| argument(1, SeccompCmpOp::Ne, u64::from(request)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(vec![SeccompRule::new(none_of_them)?])
}

/// `O_TRUNC` without a write mode empties a file that Landlock believes to be read. Access mode 3 is neither reading nor writing, and
/// truncates too.
fn open_rules(flags_at: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let mask = SeccompCmpOp::MaskedEq((libc::O_ACCMODE | libc::O_TRUNC) as u64);
    [libc::O_RDONLY, libc::O_ACCMODE]
        .into_iter()
        .map(|mode| SeccompRule::new(vec![argument(flags_at, mask.clone(), (mode | libc::O_TRUNC) as u64)?]))
        .collect()
}

/// A condition on the low 32 bits of an argument: all that the kernel itself looks at in the calls above.
fn argument(index: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
}

fn step(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}
