//! The filter language: one parser, one error style, the same assets on both databases. docs/reference/filters.md describes it.
//!
//! Text becomes a [`Filter`] (`parser`, `value`, `glob`), names in it become keys (`bind`), and the result becomes one statement with
//! parameters (`compile`, `select`). What SQL cannot say alike on both databases (wildcards over NFC text) is decided here, by the same
//! code for both.

mod ast;
mod bind;
mod compile;
mod error;
mod glob;
mod parser;
mod scanner;
mod select;
mod value;

pub use ast::{Availability, Comparison, Expr, Filter, NumberField, Place, Sample, Term, Test, TextField, TypeTest};
pub(crate) use bind::bind_within;
pub use bind::{BindError, Bound, bind, bind_collection};
pub use compile::{countable, facts_join};
pub use error::FilterError;
pub(crate) use error::nearest;
pub use glob::Glob;
pub use value::{Moment, Period};

/// Bytes of a filter: a page of text, far more than a person types.
pub const FILTER_BYTES_MAX: usize = 8 * 1024;

/// Levels of parentheses and `not`: the parser goes down one level for each.
pub const DEPTH_MAX: usize = 32;

/// Terms of one filter: each is a condition of the statement.
pub const TERMS_MAX: usize = 64;

/// Terms after every collection that a filter names was put in its place. PostgreSQL takes 65,535 parameters, a term needs at most six.
pub const TERMS_BOUND_MAX: usize = 512;

/// Letters of one text or pattern: each is a state of the matcher.
pub const PATTERN_LETTERS_MAX: usize = 512;

/// Assets of a sample: they are held in memory while the rest is looked through.
pub const SAMPLE_MAX: u32 = 1_000_000;

/// Collections that lie within each other.
pub const NESTING_MAX: usize = 8;

#[cfg(test)]
mod tests;
