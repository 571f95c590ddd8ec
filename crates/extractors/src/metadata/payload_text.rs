//! The forms of texts and numbers in a payload.

use super::payload::{SAFE_INTEGER_MAX, TEXT_BYTES_MAX};

/// Text that is fit for a payload.
pub(crate) struct CleanText {
    /// The text.
    pub(crate) text: String,
    /// Whether its end was cut off.
    pub(crate) cut: bool,
}

/// Trims, replaces U+0000 (which databases refuse) and other control characters by U+FFFD, and cuts to `bytes_max` between characters.
pub(crate) fn clean_text(raw: &str, bytes_max: usize) -> CleanText {
    let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let mut text = String::with_capacity(trimmed.len().min(bytes_max));
    for c in trimmed.chars() {
        let c = if c.is_control() && !c.is_whitespace() { char::REPLACEMENT_CHARACTER } else { c };
        if text.len() + c.len_utf8() > bytes_max {
            return CleanText { text, cut: true };
        }
        text.push(c);
    }
    CleanText { text, cut: false }
}

/// A text fact: cleaned, `None` when nothing is left.
pub(crate) fn text_fact(raw: &str) -> Option<String> {
    let text = clean_text(raw, TEXT_BYTES_MAX).text;
    if text.is_empty() { None } else { Some(text) }
}

/// A finite number rounded to `digits` decimals, so that a fraction prints as people write it.
pub(crate) fn rounded(number: f64, digits: i32) -> Option<f64> {
    let scale = 10f64.powi(digits);
    let result = (number * scale).round() / scale;
    // Adding 0.0 turns -0.0 into 0.0, which would print as "-0" otherwise.
    if result.is_finite() { Some(result + 0.0) } else { None }
}

/// `value / per_second` in milliseconds, rounded to the nearest and kept within the exact integers of JSON.
pub(crate) fn to_millis(value: u64, per_second: u64) -> Option<u64> {
    if per_second == 0 {
        return None;
    }
    let millis = (u128::from(value) * 1000 + u128::from(per_second) / 2) / u128::from(per_second);
    u64::try_from(millis).ok().filter(|millis| *millis <= SAFE_INTEGER_MAX)
}
