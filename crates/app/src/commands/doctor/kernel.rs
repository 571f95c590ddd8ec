//! What the kernel enforces, line by line.

use exhibit_engine::confine::landlock::{
    ABI_DEVICES, ABI_NETWORK, ABI_REVIEWED_MAX, ABI_SCOPES, ABI_TRUNCATE, kernel_abi,
};
use exhibit_engine::confine::{Capability, LANDLOCK_ABI_MIN, Verdict};
use rustix::thread::capabilities;

use super::Check;

/// What each Landlock ABI adds: from where on, its name, what it refuses, and what stands in for it below.
const STEPS: [(u32, &str, &str, Option<&str>); 5] = [
    (LANDLOCK_ABI_MIN, "files", "writing, making, moving, linking and removing outside of scratch", None),
    (ABI_TRUNCATE, "truncation", "cutting files off", Some("seccomp")),
    (ABI_NETWORK, "network", "TCP", Some("seccomp, with all other sockets")),
    (ABI_DEVICES, "devices", "requests to devices", Some("seccomp")),
    (ABI_SCOPES, "signals", "signals and abstract sockets to processes outside", None),
];

/// The lines about the kernel.
pub fn checks(capability: &Capability) -> Vec<Check> {
    let mut checks = vec![
        Check::new("kernel", true, format!("Linux {} on {}", capability.kernel_release, std::env::consts::ARCH)),
        match &capability.verdict {
            Verdict::Confined => Check::new("confinement", true, "extractors are confined by Landlock and seccomp"),
            Verdict::Unconfined { why } => Check::new(
                "confinement",
                false,
                format!("extractors cannot be confined: {why}; runs need --allow-unconfined"),
            ),
        },
        landlock(capability),
    ];
    if let Some(abi) = capability.landlock_abi_used {
        checks.extend(STEPS.iter().map(|(since, name, what, instead)| step(abi, *since, name, what, *instead)));
    }
    checks.push(if capability.seccomp {
        Check::new(
            "seccomp",
            true,
            "modes, owners, times, attributes, flags, sockets, mounts, namespaces and unknown calls are refused",
        )
    } else {
        Check::new("seccomp", false, "no filters can be installed; the kernel needs CONFIG_SECCOMP_FILTER")
    });
    checks.push(privileges());
    checks
}

fn landlock(capability: &Capability) -> Check {
    match (capability.landlock_abi, capability.landlock_abi_used) {
        (Some(abi), Some(used)) if used < abi => {
            Check::new("landlock", true, format!("ABI {abi}, used as ABI {used}, the newest that was reviewed"))
        }
        (Some(abi), _) => {
            let newer = if abi < ABI_REVIEWED_MAX {
                format!("; up to {ABI_REVIEWED_MAX} would be used")
            } else {
                String::new()
            };
            Check::new("landlock", abi >= LANDLOCK_ABI_MIN, format!("ABI {abi}{newer}"))
        }
        (None, _) => {
            let why = kernel_abi().map_or_else(|error| error.to_string(), |abi| format!("ABI {abi}"));
            Check::new("landlock", false, format!("not available: {why}"))
        }
    }
}

fn step(abi: u32, since: u32, name: &str, what: &str, instead: Option<&str>) -> Check {
    let name = format!("landlock {name}");
    match instead {
        _ if abi >= since => Check::new(&name, true, format!("{what}: refused")),
        Some(instead) => {
            Check::new(&name, true, format!("{what}: refused by {instead} alone (Landlock from ABI {since} on)"))
        }
        None => Check::new(&name, false, format!("{what}: NOT refused, which needs Landlock ABI {since}")),
    }
}

fn privileges() -> Check {
    let user = rustix::process::geteuid().as_raw();
    let dropped = "extractors have none and can gain none (no_new_privs)";
    match capabilities(None) {
        Ok(held) => {
            let count = held.permitted.bits().count_ones();
            Check::new("capabilities", true, format!("user {user} holds {count}; {dropped}"))
        }
        Err(error) => Check::new("capabilities", false, format!("cannot be read: {error}")),
    }
}

/// Whether the kernel lists the children of a process, by which the memory of a process with its tools is watched.
pub fn lists_children() -> bool {
    let id = std::process::id();
    std::path::Path::new(&format!("/proc/self/task/{id}/children")).exists()
}
