//! The two drivers. Nothing outside this module knows them, and nothing of them is re-exported.

pub(crate) mod foreign;
pub(crate) mod postgres;
pub(crate) mod sqlite;
