//! The real clock and the real source of ids. Everything else takes them as `&dyn Clock` and `&dyn IdSource`.

use std::sync::{Mutex, PoisonError};

use exhibit_model::time::{Clock, IdSource, Timestamp};

/// The time of day of this machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_microsecond())
    }
}

/// ULIDs: milliseconds, then chance; rising within a process.
#[derive(Default)]
pub struct Ulids(Mutex<u128>);

/// Bits of a ULID that are chance.
const CHANCE_BITS: u32 = 80;

impl IdSource for Ulids {
    fn next_ulid(&self) -> u128 {
        let millis = u128::from(jiff::Timestamp::now().as_millisecond().unsigned_abs());
        let fresh = (millis << CHANCE_BITS) | (random_u128() >> (128 - CHANCE_BITS));
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = if *last >> CHANCE_BITS >= millis { *last + 1 } else { fresh };
        *last
    }
}

/// 128 bits of the kernel's chance.
pub fn random_u128() -> u128 {
    u128::from_be_bytes(random_bytes())
}

/// Bytes of the kernel's chance.
pub fn random_bytes<const COUNT: usize>() -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    // The call fails only where the kernel has no source of chance at all; ids would collide and keys be known there.
    assert!(getrandom::fill(&mut bytes).is_ok(), "the kernel gives no random bytes");
    bytes
}
