//! What is wrong with a filter, and where.

use std::fmt;

use serde::Serialize;

use super::ast::Place;

/// Letters of the filter that are shown left and right of the place.
const SHOWN_LETTERS: usize = 40;

/// Things that an `expected` line names.
const EXPECTED_SHOWN_MAX: usize = 24;

/// A filter that is not understood. The same text gives the same error every time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilterError {
    /// What kind of mistake, for programs: `unknown_field`, `bad_time`, ….
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
    /// Where it begins: bytes from the start of the filter.
    pub offset: usize,
    /// How many bytes are concerned; 0 at the end of the text.
    pub length: usize,
    /// What could stand there.
    pub expected: Vec<String>,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// The filter, for the line with the caret.
    #[serde(skip)]
    pub(super) text: Box<str>,
}

impl FilterError {
    pub(super) fn new(text: &str, place: Place, code: &'static str, message: impl Into<String>) -> Self {
        let length = place.end.saturating_sub(place.start);
        Self {
            code,
            message: message.into(),
            offset: place.start,
            length,
            expected: Vec::new(),
            suggestion: None,
            text: text.into(),
        }
    }

    pub(super) fn expecting<T: Into<String>>(mut self, expected: impl IntoIterator<Item = T>) -> Self {
        self.expected = expected.into_iter().map(Into::into).collect();
        self
    }

    /// Names what could stand there, and what of it was probably meant by `given`.
    pub(super) fn one_of<T: Into<String>>(mut self, given: &str, known: impl IntoIterator<Item = T>) -> Self {
        self = self.expecting(known);
        self.suggestion = nearest(given, &self.expected);
        self
    }

    /// The line of the filter around the place, and the line with the carets below it.
    fn pointed_out(&self) -> (String, String) {
        let start = self.text.floor_char_boundary(self.offset.min(self.text.len()));
        let end = self.text.floor_char_boundary((self.offset + self.length).min(self.text.len())).max(start);
        let plain = |text: &str| -> Vec<char> { text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect() };
        let (before, inside, after) =
            (plain(&self.text[..start]), plain(&self.text[start..end]), plain(&self.text[end..]));
        let mut line: String = before[before.len().saturating_sub(SHOWN_LETTERS)..].iter().collect();
        if before.len() > SHOWN_LETTERS {
            line.insert(0, '…');
        }
        let indent = line.chars().count();
        let marked = inside.len().clamp(1, SHOWN_LETTERS);
        line.extend(inside.iter().take(SHOWN_LETTERS));
        if inside.len() > SHOWN_LETTERS || after.len() > SHOWN_LETTERS {
            line.extend(after.iter().take(if inside.len() > SHOWN_LETTERS { 0 } else { SHOWN_LETTERS }));
            line.push('…');
        } else {
            line.extend(&after);
        }
        (line.trim_end().to_owned(), format!("{}{}", " ".repeat(indent), "^".repeat(marked)))
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, carets) = self.pointed_out();
        writeln!(f, "the filter is not understood at byte {}: {}", self.offset, self.message)?;
        writeln!(f, "  {line}")?;
        write!(f, "  {carets}")?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "\n  did you mean `{suggestion}`?")?;
        }
        if !self.expected.is_empty() {
            let shown =
                self.expected.iter().take(EXPECTED_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if self.expected.len() > EXPECTED_SHOWN_MAX { ", …" } else { "" };
            write!(f, "\n  expected: {shown}{more}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterError {}

/// The known word that differs least from the given one, when it differs little. Of several, the first.
pub(crate) fn nearest(given: &str, known: &[String]) -> Option<String> {
    let given: Vec<char> = given.to_lowercase().chars().take(super::PATTERN_LETTERS_MAX).collect();
    let allowed = (given.len() / 3).clamp(1, 3);
    let distances = known.iter().map(|word| (distance(&given, &word.to_lowercase().chars().collect::<Vec<_>>()), word));
    distances
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, word)| word.clone())
}

/// Letters to insert, delete, replace or swap with the neighbour until both are equal.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (index, row) in rows.iter_mut().enumerate() {
        row[0] = index;
    }
    for (index, cell) in rows[0].iter_mut().enumerate() {
        *cell = index;
    }
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}
