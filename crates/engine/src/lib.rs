//! Placeholder while the crate is founded.

pub mod confine;
pub mod extractor;
pub mod supervisor;
