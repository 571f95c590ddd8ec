//! Statements of the archive room.

pub mod listing;
pub mod paths;
