//! Names that come from outside and are passed on: checked once, and made printable where they are only shown.

use std::fmt;

use exhibit_model::time::Timestamp;
use thiserror::Error;

/// Bytes of an id, a provider or a model: the limit of the contract of ingest for the same names.
pub const WORD_BYTES_MAX: usize = 256;
/// Bytes of a text that is only shown, after escaping: an audit line, a reason. A screen of text, and no more than that.
pub const SHOWN_BYTES_MAX: usize = 1024;

/// Why a name is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WordFault {
    /// Nothing but blanks.
    #[error("is empty")]
    Empty,
    /// More than [`WORD_BYTES_MAX`] bytes.
    #[error("exceeds 256 bytes")]
    TooLong,
    /// It would be read as an option by a program.
    #[error("begins with a dash")]
    LeadingDash,
    /// A line break, an escape or another control character, which could forge a line of a log.
    #[error("holds a control character")]
    Control,
}

/// A name that no program can take for an option and no log for a line end: trimmed, 1..=256 bytes, no leading `-`, no control
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(String);

impl Word {
    /// Reads a name; blanks around it are dropped.
    ///
    /// # Errors
    /// The first [`WordFault`].
    pub fn parse(text: &str) -> Result<Self, WordFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(WordFault::Empty);
        }
        if text.len() > WORD_BYTES_MAX {
            return Err(WordFault::TooLong);
        }
        if text.starts_with('-') {
            return Err(WordFault::LeadingDash);
        }
        if text.chars().any(breaks_lines) {
            return Err(WordFault::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub Word);

/// Which agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub Word);

impl SessionId {
    /// Reads an id.
    ///
    /// # Errors
    /// See [`Word::parse`].
    pub fn parse(text: &str) -> Result<Self, WordFault> {
        Word::parse(text).map(Self)
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl AgentId {
    /// Reads an id.
    ///
    /// # Errors
    /// See [`Word::parse`].
    pub fn parse(text: &str) -> Result<Self, WordFault> {
        Word::parse(text).map(Self)
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A model of a provider, printed as `provider/model`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelRef {
    /// Who serves it.
    pub provider: Word,
    /// Its name there; may hold slashes.
    pub model: Word,
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// Text of anybody, safe to show in one line: control characters and line or direction marks of Unicode are written as `\u{..}`, and the
/// whole is cut at [`SHOWN_BYTES_MAX`] bytes.
pub fn printable(text: &str) -> String {
    printable_within(text, SHOWN_BYTES_MAX)
}

/// [`printable`] with a limit of its own, in bytes.
pub fn printable_within(text: &str, bytes_max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(bytes_max));
    for character in text.chars() {
        let before = shown.len();
        if breaks_lines(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
        if shown.len() > bytes_max {
            shown.truncate(before);
            break;
        }
    }
    shown
}

/// Control characters, and the characters with which Unicode breaks lines or turns the direction of writing.
pub(crate) fn breaks_lines(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A moment as the pages want it: RFC 3339 with `Z` and three fraction digits.
pub fn iso_millis(at: Timestamp) -> String {
    let text = at.to_string();
    // Six fraction digits always, so the last three and the `Z` are four bytes of ASCII.
    match text.strip_suffix('Z').and_then(|bare| bare.get(..bare.len().checked_sub(3)?)) {
        Some(millis) => format!("{millis}Z"),
        None => text,
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
