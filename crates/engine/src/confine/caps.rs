//! Drops every capability, so that a host that runs as root does not hand root to its extractors.

use std::io;

use rustix::io::Errno;
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits,
};

use super::ConfineError;

/// Capability numbers that are tried; the kernel keeps them in 64 bits and answers `EINVAL` past its last one.
const CAPABILITY_NUMBERS: u32 = 64;

/// Empties the ambient, bounding, effective, permitted and inheritable sets and locks the secure bits, so that user 0 means nothing.
///
/// The bounding set and the secure bits need `CAP_SETPCAP`. A process without it cannot touch them, and need not: `no_new_privs`, which
/// the caller has set, keeps `execve` from adding what is not permitted before.
///
/// Two things follow for a host that runs as root: originals that only their owner may read (mode 0600, another user) cannot be read
/// without `CAP_DAC_READ_SEARCH`, and `O_NOATIME` is refused on originals of other users without `CAP_FOWNER`, so that whoever opens
/// one must try again without it.
///
/// # Errors
/// When a set is not empty at the end.
pub fn drop_all() -> Result<(), ConfineError> {
    let fail = |step| move |errno: Errno| ConfineError::Capabilities { step, source: errno.into() };
    clear_ambient_capability_set().map_err(fail("ambient set"))?;
    let held = capabilities(None).map_err(fail("reading them"))?;
    if held.effective.contains(CapabilitySet::SETPCAP) {
        for number in 0..CAPABILITY_NUMBERS {
            let capability = CapabilitySet::from_bits_retain(1 << number);
            match capability_is_in_bounding_set(capability) {
                Ok(true) => remove_capability_from_bounding_set(capability).map_err(fail("bounding set"))?,
                Ok(false) => {}
                Err(Errno::INVAL) => break,
                Err(errno) => return Err(fail("bounding set")(errno)),
            }
        }
        set_capabilities_secure_bits(locked_bits()).map_err(fail("secure bits"))?;
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(fail("own sets"))?;
    if capabilities(None).map_err(fail("reading them"))? == none {
        Ok(())
    } else {
        Err(ConfineError::Capabilities { step: "own sets", source: io::Error::other("some are still held") })
    }
}

fn locked_bits() -> CapabilitiesSecureBits {
    CapabilitiesSecureBits::NO_ROOT
        | CapabilitiesSecureBits::NO_ROOT_LOCKED
        | CapabilitiesSecureBits::NO_SETUID_FIXUP
        | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
        | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED
}
