//! The agents room: what AI agents did, and what it cost, as evidence.
//!
//! Read in this order: [`contract`] (what is taken in, and how it is refused), [`state`] and [`money`] (its words and its sums).

pub mod collect;
pub mod contract;
pub mod money;
pub mod state;
