//! Texts from outside, cut to what a document may hold.

use exhibit_model::digest::Digest;
use serde_json::Value;

use crate::contract::TEXT_BYTES_MAX;

/// Longest title in bytes: a line that people read; the contract would take four times as much.
const TITLE_BYTES_MAX: usize = 256;

/// Longest message of an error in an event, in bytes: enough for what a provider answers, too little for a prompt that it repeats.
const MESSAGE_BYTES_MAX: usize = 512;

/// Longest name and longest version of a program in bytes; together they fit a field of the contract.
const VERSION_BYTES_MAX: usize = 100;

/// Hex digits of the digest that stands for the rest of an id: 128 bits, beyond chance.
const ID_DIGEST_DIGITS: usize = 32;

/// A text of at most `bytes_max` bytes, whole characters, with U+0000 replaced: databases cannot hold it. `None` when nothing is left.
pub(super) fn bounded(text: &str, bytes_max: usize) -> Option<String> {
    let text = text.trim();
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // The replacement has three bytes where U+0000 has one, so it is a plain one-byte character.
    let cut = text[..end].trim_end().replace('\0', "?");
    (!cut.is_empty()).then_some(cut)
}

/// A short text, as most fields hold it.
pub(super) fn short(text: &str) -> Option<String> {
    bounded(text, TEXT_BYTES_MAX)
}

/// What went wrong, for people.
pub(super) fn message(text: &str) -> Option<String> {
    bounded(text, MESSAGE_BYTES_MAX)
}

/// The same, as the payload of an event holds it.
pub(super) fn shown(text: &str) -> Option<Value> {
    message(text).map(Value::from)
}

/// The name of the prices behind an estimate: whose it is, and the version of that program.
pub(super) fn pricing_version(program: &str, version: Option<&str>) -> String {
    let version = version.and_then(|version| bounded(version, VERSION_BYTES_MAX));
    let program = bounded(program, VERSION_BYTES_MAX);
    format!("{}@{}", program.as_deref().unwrap_or("unknown"), version.as_deref().unwrap_or("unknown"))
}

/// An id, verbatim. One that is too long or holds U+0000 gets a digest for an end, so that two ids stay two.
pub(super) fn id(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if text.len() <= TEXT_BYTES_MAX && !text.contains('\0') {
        return Some(text.to_owned());
    }
    let digest = Digest::of(text.as_bytes()).to_hex();
    let start = bounded(text, TEXT_BYTES_MAX - ID_DIGEST_DIGITS - 1).unwrap_or_default();
    Some(format!("{start}~{}", &digest[..ID_DIGEST_DIGITS]))
}

/// The first line of a prompt that says something.
pub(super) fn title(text: &str) -> Option<String> {
    text.lines().find_map(|line| bounded(line, TITLE_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, bytes_max, cut) in [
            ("  abc ", 9, Some("abc")),
            ("äöü", 3, Some("ä")),
            ("a b", 2, Some("a")),
            ("\0", 9, Some("?")),
            ("   ", 9, None),
            ("ä", 1, None),
        ] {
            assert_eq!(bounded(text, bytes_max).as_deref(), cut, "{text}");
        }
        assert_eq!(title("\n  \n do it \n and more").as_deref(), Some("do it"));
    }

    #[test]
    fn long_ids_stay_apart() {
        let (left, right) = (format!("{}a", "x".repeat(300)), format!("{}b", "x".repeat(300)));
        assert_ne!(id(&left), id(&right));
        assert_eq!(id("s-1").as_deref(), Some("s-1"));
        assert_eq!(id(" "), None);
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_it_may(text in "\\PC{0,400}", bytes_max in 1_usize..300) {
            prop_assert!(bounded(&text, bytes_max).is_none_or(|cut| cut.len() <= bytes_max && !cut.contains('\0')));
            prop_assert!(id(&text).is_none_or(|id| id.len() <= TEXT_BYTES_MAX && !id.contains('\0')));
        }
    }
}
