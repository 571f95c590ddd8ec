//! Names that may be passed on, and text that may be shown.

use proptest::prelude::*;

use super::*;

/// AG-37: `-x` and line breaks are refused before any program or log sees them.
#[test]
fn ag_37_names_that_could_be_options_or_lines_are_refused() {
    for (text, fault) in [
        ("", WordFault::Empty),
        (" \n ", WordFault::Empty),
        ("-x", WordFault::LeadingDash),
        ("  --force", WordFault::LeadingDash),
        ("a\nb", WordFault::Control),
        ("a\u{1b}[2J", WordFault::Control),
        ("a\0", WordFault::Control),
        ("a\u{2028}b", WordFault::Control),
        ("a\u{202e}b", WordFault::Control),
    ] {
        assert_eq!(Word::parse(text), Err(fault), "{text:?}");
    }
    assert_eq!(Word::parse(&"x".repeat(257)), Err(WordFault::TooLong));
    for (text, word) in [(" ok ", "ok"), ("agent:main:main", "agent:main:main"), ("a-b", "a-b"), ("é", "é")] {
        assert_eq!(Word::parse(text).unwrap().as_str(), word);
    }
}

#[test]
fn what_is_shown_stays_in_one_line() {
    assert_eq!(printable("a\nb\u{1b}"), "a\\u{a}b\\u{1b}");
    assert_eq!(printable_within("ééé", 5), "éé");
    assert_eq!(iso_millis(Timestamp(1_700_000_000_123_999)), "2023-11-14T22:13:20.123Z");
    assert_eq!(iso_millis(Timestamp(i64::MAX)), format!("{}us", i64::MAX));
}

proptest! {
    #[test]
    fn nothing_shown_breaks_a_line_or_grows(text in "\\PC*|.*", max in 0_usize..64) {
        let shown = printable_within(&text, max);
        prop_assert!(shown.len() <= max);
        prop_assert!(!shown.chars().any(breaks_lines));
    }

    #[test]
    fn a_word_reads_back_as_itself(text in ".{0,300}") {
        if let Ok(word) = Word::parse(&text) {
            prop_assert_eq!(Word::parse(word.as_str()), Ok(word.clone()));
        }
    }
}
