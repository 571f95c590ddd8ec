//! Words of a text, for search: the same on both databases, because neither of them parts texts by itself.

use unicode_normalization::UnicodeNormalization as _;

/// Bytes of a word that count; longer ones (keys, encoded bytes) are cut, in texts and in questions alike.
pub const WORD_BYTES_MAX: usize = 64;

/// The words of a text in order: letters and digits of any script, in lower case after NFKC (UAX 15). Each ideograph and each kana is a word
/// of its own, because nothing parts words there.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.nfkc().flat_map(char::to_lowercase) {
        if stands_alone(c) {
            words.extend(taken(&mut word));
            words.push(c.to_string());
        } else if c.is_alphanumeric() {
            if word.len() + c.len_utf8() <= WORD_BYTES_MAX {
                word.push(c);
            }
        } else {
            words.extend(taken(&mut word));
        }
    }
    words.extend(taken(&mut word));
    words
}

fn taken(word: &mut String) -> Option<String> {
    (!word.is_empty()).then(|| std::mem::take(word))
}

/// Hiragana, katakana and the ideographs.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_texts() {
        for (text, expected) in [
            ("Fix the build-42 (again)!", vec!["fix", "the", "build", "42", "again"]),
            ("Cafe\u{301} CAF\u{c9} \u{fb01}n", vec!["caf\u{e9}", "caf\u{e9}", "fin"]),
            ("a_b%c", vec!["a", "b", "c"]),
            ("\u{6771}\u{4eac}2", vec!["\u{6771}", "\u{4eac}", "2"]),
            (" \n", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(words(&"x".repeat(1_000)), vec!["x".repeat(64)]);
    }

    proptest! {
        #[test]
        fn words_are_plain_and_stay_words(text in "\\PC{0,80}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.len() <= WORD_BYTES_MAX && !word.contains(char::is_whitespace));
                prop_assert!(word.bytes().all(|byte| byte >= 0x80 || byte.is_ascii_alphanumeric()));
            }
        }
    }
}
