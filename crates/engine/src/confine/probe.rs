//! What the running kernel enforces, for `exhibit doctor`.
#![expect(unsafe_code, reason = "whether seccomp can do what the filters ask is a system call that no library exposes")]

use serde::{Deserialize, Serialize};

use super::LANDLOCK_ABI_MIN;
use super::landlock::{ABI_DEVICES, ABI_NETWORK, ABI_REVIEWED_MAX, ABI_SCOPES, ABI_TRUNCATE, kernel_abi};

/// What the kernel offers, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Release of the kernel, such as `6.1.0-18-amd64`.
    pub kernel_release: String,
    /// Landlock ABI of the kernel; `None` = there is none for this process.
    pub landlock_abi: Option<u32>,
    /// The Landlock ABI that is used: no higher than what was reviewed.
    pub landlock_abi_used: Option<u32>,
    /// Whether seccomp filters with error numbers and killing can be installed.
    pub seccomp: bool,
    /// What is enforced, and by which mechanism.
    pub facets: Facets,
    /// The summary.
    pub verdict: Verdict,
}

/// The parts that differ between kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facets {
    /// Truncation is refused by Landlock; otherwise by seccomp alone.
    pub truncate_by_landlock: bool,
    /// TCP is refused by Landlock as well as by seccomp.
    pub network_by_landlock: bool,
    /// Requests to devices are refused by Landlock as well as by seccomp.
    pub devices_by_landlock: bool,
    /// Signals cannot reach processes outside. If false, an extractor can end other processes of the same user.
    pub signals_scoped: bool,
}

/// Whether runs need `--allow-unconfined`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Verdict {
    /// Both mechanisms work.
    Confined,
    /// One of them does not.
    Unconfined {
        /// Which, and what to do; for people.
        why: String,
    },
}

/// Asks the kernel. Changes nothing, and may be called from any thread.
pub fn probe() -> Capability {
    let landlock = kernel_abi();
    let seccomp = seccomp_available();
    let kernel_release = std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|error| format!("unknown ({error})"), |text| text.trim_end().to_owned());
    let landlock_abi = landlock.as_ref().ok().copied();
    let landlock_abi_used = landlock_abi.map(|abi| abi.min(ABI_REVIEWED_MAX));
    Capability {
        facets: Facets::of(landlock_abi_used.unwrap_or(0)),
        verdict: Verdict::of(landlock.map_err(|error| error.to_string()), seccomp),
        kernel_release,
        landlock_abi,
        landlock_abi_used,
        seccomp,
    }
}

impl Facets {
    fn of(abi: u32) -> Self {
        Self {
            truncate_by_landlock: abi >= ABI_TRUNCATE,
            network_by_landlock: abi >= ABI_NETWORK,
            devices_by_landlock: abi >= ABI_DEVICES,
            signals_scoped: abi >= ABI_SCOPES,
        }
    }
}

impl Verdict {
    pub(super) fn of(landlock: Result<u32, String>, seccomp: bool) -> Self {
        let mut reasons = Vec::new();
        match landlock {
            Ok(abi) if abi >= LANDLOCK_ABI_MIN => {}
            Ok(abi) => reasons.push(format!(
                "Landlock ABI {abi} is too old; {LANDLOCK_ABI_MIN} is needed, which Linux has since 5.19"
            )),
            Err(error) => reasons.push(format!(
                "Landlock is not available ({error}); the kernel must have it built in and in its list `lsm=`, and a container must let \
                 it through"
            )),
        }
        if !seccomp {
            reasons.push("seccomp filters are not available; the kernel needs CONFIG_SECCOMP_FILTER".to_owned());
        }
        if reasons.is_empty() { Self::Confined } else { Self::Unconfined { why: reasons.join("; ") } }
    }
}

fn seccomp_available() -> bool {
    [libc::SECCOMP_RET_ERRNO, libc::SECCOMP_RET_KILL_PROCESS].iter().all(|action| {
        // SAFETY: the kernel reads one u32 through a pointer that is valid for the call, and changes nothing.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_GET_ACTION_AVAIL,
                0 as libc::c_uint,
                std::ptr::from_ref::<u32>(action),
            )
        };
        answer == 0
    })
}
