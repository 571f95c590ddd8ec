//! The list of prices that comes with the program, so that a new installation is not without any.

use exhibit_model::findings::Findings;

use super::parse::parse;
use super::snapshot::Snapshot;

/// The file, as it is kept in the repository.
pub const SHIPPED: &str = include_str!("../../prices/shipped.json");

/// The list that comes with the program.
///
/// # Errors
/// As [`parse`]; a test reads the file, so that a release always has one that can be read.
pub fn shipped() -> Result<Snapshot, Findings> {
    parse(SHIPPED.as_bytes())
}
