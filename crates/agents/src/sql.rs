//! The statements of the room, one file per subject. Nothing else in this crate writes SQL.

pub mod aggregates;
pub mod calls;
pub mod dims;
pub mod events;
pub mod idle;
pub mod keys;
pub mod ledger;
pub mod offsets;
pub mod prices;
pub mod sessions;
pub mod usage;
pub mod words;

mod cost;
mod table;
