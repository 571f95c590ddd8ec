//! Statements of the archive room.

pub mod export;
pub mod listing;
pub mod paths;
