//! Failed logins: after ten in a minute, no more attempts from there for a minute.
//!
//! Secrets have 260 bits, so that this protects no secret: it keeps somebody who guesses from filling the log and the audit. Whoever is
//! logged in already is never turned away.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures from one place within [`WINDOW`] that are let pass.
const FAILURES_MAX: u32 = 10;

/// How long failures count, and how long a place waits.
const WINDOW: Duration = Duration::from_secs(60);

/// Places that are remembered. When there are more, all wait together.
const PLACES_MAX: usize = 1_024;

/// Counts failures by where they come from. Behind a proxy everything comes from one place.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<BTreeMap<Option<IpAddr>, (Instant, u32)>>);

impl Throttle {
    /// Whether an attempt from there may be made.
    pub fn allows(&self, place: Option<IpAddr>, now: Instant) -> bool {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        let key = key(&places, place);
        places.get(&key).is_none_or(|(_, failures)| *failures < FAILURES_MAX)
    }

    /// Notes a failure.
    pub fn failed(&self, place: Option<IpAddr>, now: Instant) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(&places, place);
        let (since, failures) = places.entry(key).or_insert((now, 0));
        *failures = failures.saturating_add(1);
        // The minute of waiting begins with the failure that was one too many.
        if *failures == FAILURES_MAX {
            *since = now;
        }
    }
}

fn key(places: &BTreeMap<Option<IpAddr>, (Instant, u32)>, place: Option<IpAddr>) -> Option<IpAddr> {
    if places.len() < PLACES_MAX || places.contains_key(&place) { place } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_in_a_minute_cost_a_minute() {
        let throttle = Throttle::default();
        let (here, there) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([127, 0, 0, 2])));
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for second in 0..10 {
            assert!(throttle.allows(here, at(second)));
            throttle.failed(here, at(second));
        }
        assert!(!throttle.allows(here, at(10)));
        assert!(throttle.allows(there, at(10)));
        assert!(!throttle.allows(here, at(68)), "a minute after the tenth failure, not after the first");
        assert!(throttle.allows(here, at(69)));
    }

    #[test]
    fn failures_apart_cost_nothing_and_many_places_cost_no_memory() {
        let throttle = Throttle::default();
        let start = Instant::now();
        for minute in 0..20 {
            let now = start + WINDOW * minute;
            assert!(throttle.allows(None, now));
            throttle.failed(None, now);
        }
        for place in 0..5_000_u32 {
            throttle.failed(Some(IpAddr::from(place.to_be_bytes())), start);
        }
        assert!(throttle.0.lock().unwrap().len() <= PLACES_MAX + 1);
    }
}
