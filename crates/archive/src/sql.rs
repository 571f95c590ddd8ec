//! Statements of the archive room.

pub mod companions;
pub mod export;
pub mod library;
pub mod listing;
pub mod paths;
