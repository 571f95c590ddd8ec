//! The agents room: what AI agents did, and what it cost, as evidence.
//!
//! Read in this order: [`contract`] (what is taken in, and how it is refused), [`state`] and [`money`] (its words and its sums),
//! [`usage`] (what a call used, whoever counted), [`prices`] (what that cost) and [`provenance`] (how far a number can be trusted).

pub mod contract;
pub mod money;
pub mod prices;
pub mod provenance;
pub mod state;
pub mod usage;
