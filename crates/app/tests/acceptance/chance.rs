//! Chance with a seed, so that a drill that fails can be told apart from one that had luck; the seed is printed.

use std::time::{Duration, Instant};

use crate::processes::below;
use crate::world::Running;

/// A generator of numbers (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
pub struct Chance(u64);

/// The longest pause before a kill: about what a few commits take.
const SPIN_MAX: Duration = Duration::from_millis(15);

/// The longest life of a scan that is killed: about what a whole one takes.
const SPIN_LONG_MAX: Duration = Duration::from_millis(200);

/// Kills in one drill: what the promise says, or what `EXHIBIT_TEST_KILLS` says, which `make soak` sets to more.
pub fn kills() -> usize {
    /// What the promise says.
    const KILLS: usize = 20;
    #[expect(clippy::disallowed_methods, reason = "read by tests alone: nothing of the program depends on it")]
    let given = std::env::var("EXHIBIT_TEST_KILLS");
    let kills = given.map_or(KILLS, |given| given.parse().expect("EXHIBIT_TEST_KILLS is a number"));
    assert!(kills >= KILLS, "EXHIBIT_TEST_KILLS is {kills}; the promise is about {KILLS}");
    kills
}

impl Chance {
    /// Starts from a seed and prints it.
    pub fn new(seed: u64) -> Self {
        println!("seed {seed:#x}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(from.len()).ok().filter(|count| *count > 0)?;
        usize::try_from(self.below(count)).ok().and_then(|index| from.get(index))
    }

    /// Lets a short random time pass: the point of the kill is what is drawn, so there is nothing to wait for.
    pub fn spin(&mut self) {
        self.pass(SPIN_MAX);
    }

    /// The same, for up to the length of a small scan.
    pub fn spin_long(&mut self) {
        self.pass(SPIN_LONG_MAX);
    }

    fn pass(&mut self, longest: Duration) {
        let micros = self.below(u64::try_from(longest.as_micros()).unwrap_or(u64::MAX));
        let until = Instant::now() + Duration::from_micros(micros);
        while Instant::now() < until {
            std::thread::yield_now();
        }
    }

    /// Lets pass either a short random time, or the time until the host has started a process and a short time more.
    pub fn wait_for_process(&mut self, host: &Running) {
        if self.below(2) == 0 {
            let deadline = Instant::now() + crate::world::PATIENCE;
            while below(host.pid()).is_empty() {
                assert!(Instant::now() < deadline, "the host starts nothing");
                std::thread::yield_now();
            }
        }
        self.spin();
        self.spin();
    }
}
