//! What tests share: servers that start by themselves and die with the test, fakes, and worlds to play in.
//!
//! For tests only: no crate depends on this one outside its `dev-dependencies`. Everything here panics with a sentence that says what to
//! do when something is missing on the machine.

pub mod chance;
pub mod postgres;
pub mod receiver;
pub mod traffic;
pub mod truth;
