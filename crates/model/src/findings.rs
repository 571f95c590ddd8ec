//! Findings: what is wrong with a piece of input, where, and in which words; always in the same order.

use std::fmt;

use serde::Serialize;

/// One problem with one place of an input document.
///
/// The order of the fields is the order in which problems are sorted (I8): pointer, code, message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Finding {
    /// JSON pointer (RFC 6901) of the place; empty for the whole document.
    pub pointer: String,
    /// A word from a closed list, for programs.
    pub code: &'static str,
    /// What is wrong, for people. Lower case, no full stop.
    pub message: String,
}

/// At most this many problems are reported for one document; more would only repeat themselves.
pub const FINDINGS_MAX: usize = 64;

/// All problems of one input, sorted and without doubles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// No problem so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// A single problem.
    pub fn one(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        let mut findings = Self::new();
        findings.add(pointer, code, message);
        findings
    }

    /// Adds a problem at its sorted place; drops doubles and, beyond [`FINDINGS_MAX`], the last ones.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        let finding = Finding { pointer: pointer.into(), code, message: message.into() };
        if let Err(place) = self.0.binary_search(&finding) {
            self.0.insert(place, finding);
            self.0.truncate(FINDINGS_MAX);
        }
    }

    /// Takes over the problems of another list.
    pub fn merge(&mut self, other: Self) {
        for finding in other.0 {
            self.add(finding.pointer, finding.code, finding.message);
        }
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// `Ok(value)` when nothing is wrong.
    ///
    /// # Errors
    /// The findings themselves, when there are any.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            let place = if finding.pointer.is_empty() { "document" } else { &finding.pointer };
            write!(f, "{place}: {} ({})", finding.message, finding.code)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
