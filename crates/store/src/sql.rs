//! The repositories of the spine: statements, row mapping and functions, one file per subject.

pub mod assets;
pub mod audit;
pub mod benchmarks;
pub mod collections;
pub mod inputs;
pub(crate) mod kinds;
pub mod ledger;
pub(crate) mod migrations;
pub(crate) mod projections;
pub mod records;
pub(crate) mod retention;
pub mod runs;
pub mod sources;
pub mod space;
pub mod summary;
pub mod tokens;
pub mod units;

#[cfg(test)]
mod filter_plan_tests;
#[cfg(test)]
mod plan_tests;
