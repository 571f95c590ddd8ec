//! The Landlock domain: which files may be read, and that only scratch may be written.
#![expect(unsafe_code, reason = "the version of Landlock is asked by a system call that no library exposes")]

use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::{ConfineError, LANDLOCK_ABI_MIN, Policy};

/// Highest ABI whose rights have been read; a newer kernel is used as if it had this one.
pub const ABI_REVIEWED_MAX: u32 = 9;

/// From this ABI on truncation is a right of its own; below, seccomp closes the gap.
pub const ABI_TRUNCATE: u32 = 3;
/// From this ABI on TCP is refused by Landlock too.
pub const ABI_NETWORK: u32 = 4;
/// From this ABI on requests to devices are refused.
pub const ABI_DEVICES: u32 = 5;
/// From this ABI on signals and abstract sockets cannot leave the domain.
pub const ABI_SCOPES: u32 = 6;

/// Read and executed by tools everywhere: programs, libraries, fonts, time zones, `/proc` (all or nothing: it holds no secret of ours).
/// Those that do not exist are left out.
const SYSTEM_READABLE: [&str; 18] = [
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/fonts",
    "/etc/localtime",
    "/etc/alternatives",
    "/etc/mime.types",
    "/proc",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/dev/null",
];

/// The ABI of the running kernel.
///
/// # Errors
/// When Landlock is not built in (`ENOSYS`), not enabled (`EOPNOTSUPP`) or hidden by a container (`EPERM`).
pub fn kernel_abi() -> io::Result<u32> {
    const CREATE_RULESET_VERSION: libc::c_uint = 1;
    // SAFETY: with the version flag the kernel takes a null pointer and size 0, touches no memory and returns a number.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    u32::try_from(answer).map_err(|_| io::Error::last_os_error())
}

/// The ABI to be used: that of the kernel, no higher than reviewed, no higher than `abi_max`.
///
/// # Errors
/// When there is none, or it is below [`LANDLOCK_ABI_MIN`].
pub fn usable_abi(abi_max: Option<u32>) -> Result<u32, ConfineError> {
    let kernel = kernel_abi().map_err(|source| ConfineError::LandlockMissing { source })?;
    let abi = kernel.min(ABI_REVIEWED_MAX).min(abi_max.unwrap_or(ABI_REVIEWED_MAX));
    if abi < LANDLOCK_ABI_MIN { Err(ConfineError::LandlockTooOld { abi }) } else { Ok(abi) }
}

/// Puts the calling thread into a domain that handles every right of `abi`; returns `abi`.
///
/// # Errors
/// When a path cannot be opened or the kernel does not enforce all of it.
pub fn restrict(policy: &Policy, abi: u32) -> Result<u32, ConfineError> {
    // The conversion saturates at what the library knows; `usable_abi` stays below it.
    let known = ABI::from(i32::try_from(abi).unwrap_or(i32::MAX));
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(known))
        .map_err(refused)?;
    if abi >= ABI_NETWORK {
        ruleset = ruleset.handle_access(AccessNet::from_all(known)).map_err(refused)?;
    }
    if abi >= ABI_SCOPES {
        ruleset = ruleset.scope(Scope::from_all(known)).map_err(refused)?;
    }
    let mut domain = ruleset.create().map_err(refused)?;
    for (path, access) in grants(policy, known)? {
        domain = domain.add_rule(rule(&path, access, known)?).map_err(refused)?;
    }
    let status = domain.restrict_self().map_err(refused)?;
    if status.ruleset != RulesetStatus::FullyEnforced || !status.no_new_privs {
        return Err(ConfineError::LandlockPartly { status: format!("{:?}", status.ruleset) });
    }
    Ok(abi)
}

/// Every path with what may be done below it.
fn grants(policy: &Policy, abi: ABI) -> Result<Vec<(PathBuf, BitFlags<AccessFs>)>, ConfineError> {
    let mut grants = Vec::new();
    for path in SYSTEM_READABLE.map(Path::new) {
        if path.try_exists().map_err(|source| ConfineError::Path { path: path.to_owned(), source })? {
            grants.push((path.to_owned(), AccessFs::from_read(abi)));
        }
    }
    grants.push((PathBuf::from("/dev/null"), AccessFs::WriteFile.into()));
    for path in &policy.readable {
        grants.push((path.clone(), AccessFs::from_read(abi)));
    }
    // Not `from_read`, which allows to execute as well: a program among originals is only bytes.
    for path in &policy.sources {
        grants.push((path.clone(), AccessFs::ReadFile | AccessFs::ReadDir));
    }
    grants.push((policy.scratch.clone(), scratch_access(abi)));
    Ok(grants)
}

/// Plain files and folders may be made, moved, emptied and removed; nothing in scratch is executed, and there are no links, pipes,
/// sockets or devices for the host to stumble over.
fn scratch_access(abi: ABI) -> BitFlags<AccessFs> {
    let wanted = AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer
        | AccessFs::Truncate;
    wanted & AccessFs::from_all(abi)
}

fn rule(path: &Path, access: BitFlags<AccessFs>, abi: ABI) -> Result<PathBeneath<PathFd>, ConfineError> {
    let unusable = |source| ConfineError::Path { path: path.to_owned(), source };
    let is_folder = std::fs::metadata(path).map_err(unusable)?.is_dir();
    let fd = PathFd::new(path).map_err(|error| unusable(io::Error::other(error)))?;
    let access = if is_folder { access } else { access & AccessFs::from_file(abi) };
    Ok(PathBeneath::new(fd, access))
}

fn refused(source: RulesetError) -> ConfineError {
    ConfineError::Landlock { source: Box::new(source) }
}
