//! Letters to words: places, quotation marks, backslashes.

use super::ast::Place;
use super::error::FilterError;
use super::{FILTER_BYTES_MAX, PATTERN_LETTERS_MAX};

/// One letter of a value. After a backslash it means itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) letter: char,
    pub(super) plain: bool,
}

/// The text of a value: a bare word or what stood between quotation marks.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) letters: Vec<Letter>,
    pub(super) place: Place,
    pub(super) is_quoted: bool,
}

impl Word {
    /// The text, every letter as itself.
    pub(super) fn text(&self) -> String {
        self.letters.iter().map(|letter| letter.letter).collect()
    }

    /// True when it is this keyword, in upper or lower case, without quotation marks or backslashes.
    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        let plain = self.is_quoted || self.letters.iter().any(|letter| letter.plain);
        !plain && self.text().eq_ignore_ascii_case(keyword)
    }
}

/// Words that mean something between terms; as a word to look for they stand in quotation marks.
pub(super) const KEYWORDS: [&str; 5] = ["and", "or", "not", "sample", "seed"];

/// Letters that end a bare word.
const ENDS: [char; 3] = ['(', ')', '"'];

/// Goes through a filter from left to right.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    /// Checks what every filter must be: short, UTF-8, without control characters other than tab and line ends.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, FilterError> {
        if bytes.len() > FILTER_BYTES_MAX {
            let place = Place { start: FILTER_BYTES_MAX, end: bytes.len() };
            let text = String::from_utf8_lossy(&bytes[..FILTER_BYTES_MAX]);
            let message = format!("it has {} bytes, and at most {FILTER_BYTES_MAX} are read", bytes.len());
            return Err(FilterError::new(&text, place, "too_long", message));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let start = error.valid_up_to();
            let place = Place { start, end: start + error.error_len().unwrap_or(1) };
            FilterError::new(&String::from_utf8_lossy(bytes), place, "not_utf8", "this is no UTF-8 text")
        })?;
        let control = text.char_indices().find(|(_, letter)| letter.is_control() && !"\t\n\r".contains(*letter));
        if let Some((start, letter)) = control {
            let message = format!("the control character U+{:04X} cannot stand in a filter", u32::from(letter));
            let place = Place { start, end: start + letter.len_utf8() };
            return Err(FilterError::new(text, place, "control_character", message));
        }
        Ok(Self { text, at: 0 })
    }

    pub(super) fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// Goes over this text, when it comes next.
    pub(super) fn takes(&mut self, wanted: &str) -> bool {
        let found = self.text[self.at..].starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    /// The place of the next letter; empty at the end.
    pub(super) fn here(&self) -> Place {
        Place { start: self.at, end: self.at + self.peek().map_or(0, char::len_utf8) }
    }

    pub(super) fn error(&self, place: Place, code: &'static str, message: impl Into<String>) -> FilterError {
        FilterError::new(self.text, place, code, message)
    }

    /// A name such as `camera` that an operator follows, space between them allowed. Nothing is taken otherwise.
    pub(super) fn field(&mut self) -> Option<(&'a str, Place)> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_alphanumeric() && !"_-.".contains(c)).unwrap_or(rest.len());
        let follows = rest[length..].trim_start().starts_with([':', '<', '>', '=']);
        if length == 0 || !follows || !rest.starts_with(char::is_alphabetic) {
            return None;
        }
        let place = Place { start: self.at, end: self.at + length };
        self.at += length;
        Some((&rest[..length], place))
    }

    /// A bare word or a quoted text; `None` where neither begins.
    pub(super) fn word(&mut self) -> Result<Option<Word>, FilterError> {
        let start = self.at;
        let word = match self.peek() {
            None | Some('(' | ')') => return Ok(None),
            Some('"') => self.quoted_word()?,
            Some(_) => self.bare_word()?,
        };
        if word.letters.len() > PATTERN_LETTERS_MAX {
            let message = format!("a text has at most {PATTERN_LETTERS_MAX} letters");
            return Err(self.error(Place { start, end: self.at }, "too_long", message));
        }
        Ok(Some(word))
    }

    fn quoted_word(&mut self) -> Result<Word, FilterError> {
        let start = self.at;
        self.at += 1;
        let mut letters = Vec::new();
        loop {
            match self.letter()? {
                None => {
                    let place = Place { start, end: start + 1 };
                    return Err(self.error(place, "unclosed_quote", "this quotation mark is never closed"));
                }
                Some(Letter { letter: '"', plain: false }) => break,
                Some(letter) => letters.push(letter),
            }
        }
        if self.peek().is_some_and(|next| !next.is_whitespace() && next != ')' && next != '(') {
            let message = "a space, a parenthesis or the end follows a quoted text";
            return Err(self.error(self.here(), "unexpected_letter", message));
        }
        Ok(Word { letters, place: Place { start, end: self.at }, is_quoted: true })
    }

    fn bare_word(&mut self) -> Result<Word, FilterError> {
        let start = self.at;
        let mut letters = Vec::new();
        while let Some(next) = self.peek().filter(|next| !next.is_whitespace() && !ENDS.contains(next)) {
            if let Some(letter) = self.letter()? {
                letters.push(letter);
            }
            debug_assert!(self.at > start, "a letter was read: {next}");
        }
        if self.peek() == Some('"') {
            let message = "a quotation mark stands at the beginning of a text, or after a backslash";
            return Err(self.error(self.here(), "unexpected_letter", message));
        }
        Ok(Word { letters, place: Place { start, end: self.at }, is_quoted: false })
    }

    fn letter(&mut self) -> Result<Option<Letter>, FilterError> {
        let Some(letter) = self.peek() else { return Ok(None) };
        self.at += letter.len_utf8();
        if letter != '\\' {
            return Ok(Some(Letter { letter, plain: false }));
        }
        let Some(letter) = self.peek() else {
            let place = Place { start: self.at - 1, end: self.at };
            return Err(self.error(
                place,
                "unfinished_escape",
                "a letter follows a backslash, which then means itself",
            ));
        };
        self.at += letter.len_utf8();
        Ok(Some(Letter { letter, plain: true }))
    }
}

/// A text as it stands in a filter, every letter meaning itself.
pub(super) fn quoted(text: &str) -> String {
    quoted_letters(text.chars().map(|letter| Letter { letter, plain: true }))
}

/// Letters as they stand in a filter: bare where that is read back alike, else between quotation marks.
pub(super) fn quoted_letters(letters: impl Iterator<Item = Letter>) -> String {
    let mut written = String::new();
    let mut is_bare = true;
    for Letter { letter, plain } in letters {
        let is_wild = letter == '*' || letter == '?';
        if letter == '"' || letter == '\\' || (is_wild && plain) {
            written.push('\\');
        }
        is_bare &= letter.is_alphanumeric() || "_-./+@*?".contains(letter);
        written.push(letter);
    }
    let is_keyword = KEYWORDS.iter().any(|keyword| written.eq_ignore_ascii_case(keyword));
    if is_bare && !written.is_empty() && !is_keyword && !written.contains('\\') {
        return written;
    }
    format!("\"{written}\"")
}
