//! The agents room: what AI agents did, and what it cost, as evidence.
//!
//! Read in this order: [`contract`] (what is taken in, and how it is refused), [`state`] and [`money`] (its words and its sums),
//! [`control`] (what agents do now, and stopping them).

pub mod contract;
pub mod control;
pub mod money;
pub mod state;
