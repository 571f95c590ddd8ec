//! The language alone: what is read, how it is printed, where a mistake is, and that no bytes make it panic.

use proptest::prelude::*;

use super::{Comparison, Expr, Filter, FilterError, NumberField, Sample, Test};

fn parse(text: &str) -> Filter {
    Filter::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn refuse(bytes: &[u8]) -> FilterError {
    Filter::parse(bytes).expect_err("it is wrong")
}

#[test]
fn what_is_written_and_how_it_is_printed() {
    let cases = [
        ("", ""),
        ("  \t\n ", ""),
        ("type:image", "type:image"),
        ("TYPE : Image", "type:image"),
        ("type:image/HEIC", "type:image/heic"),
        ("beach", "beach"),
        ("beach summer", "beach and summer"),
        ("a or b c", "a or b and c"),
        ("(a or b) c", "(a or b) and c"),
        ("not (a or b)", "not (a or b)"),
        ("not a b", "not a and b"),
        ("NOT not a", "not not a"),
        ("((a and b)) and c", "a and b and c"),
        ("a or (b or c)", "a or b or c"),
        ("\"and\"", "\"and\""),
        (r"a\ b", "\"a b\""),
        (r#""a \"b\" c""#, r#""a \"b\" c""#),
        (r"\*.jpg", r#""\*.jpg""#),
        ("camera:\"Canon*\"", "camera:Canon*"),
        ("path:\"2019/**/*.jpg\"", "path:2019/**/*.jpg"),
        ("path:a***b", "path:a**b"),
        ("taken:2019", "taken:2019"),
        ("taken>=2019-01-01T10:00", "taken>=2019-01-01T10:00"),
        ("taken:2019-06..2020-02", "taken:2019-06..2020-02"),
        ("taken:2019..", "taken>=2019"),
        ("taken:..2019", "taken<=2019"),
        ("taken < 2019-06-01t10:30:59z", "taken<2019-06-01T10:30:59Z"),
        ("taken:2019-06-01T10-05:30", "taken:2019-06-01T10-05:30"),
        ("size>1MB", "size>1000000"),
        ("size>=2mib", "size>=2097152"),
        ("size=0", "size:0"),
        ("width:1000..2000", "width:1000..2000"),
        ("duration<=90s", "duration<=90000ms"),
        ("in:tiny_sample", "in:tiny_sample"),
        ("not in:\"all\"", "not in:all"),
        ("failed:thumbnail", "failed:thumbnail"),
        ("is:missing", "is:missing"),
        ("source:\"My * Pictures\"", r#"source:"My \* Pictures""#),
        ("type:image sample 100 seed 1", "type:image sample 100 seed 1"),
        ("sample 100", "sample 100 seed 0"),
        ("\"sample\" 100", "\"sample\" and 100"),
    ];
    for (written, printed) in cases {
        let filter = parse(written);
        assert_eq!(filter.to_string(), printed, "of `{written}`");
        assert_eq!(parse(printed), filter, "of `{written}`");
    }
}

#[test]
fn mistakes_have_a_place() {
    let cases: &[(&str, &str, usize, usize)] = &[
        ("widht>100", "unknown_field", 0, 5),
        ("a and", "missing_condition", 5, 0),
        ("a and )", "missing_condition", 6, 1),
        ("a)", "unexpected", 1, 1),
        ("(a", "unclosed_parenthesis", 0, 1),
        ("(a sample 3)", "unexpected", 3, 1),
        ("()", "missing_condition", 1, 1),
        ("or a", "unexpected", 0, 2),
        ("a or or b", "unexpected", 5, 2),
        ("\"a", "unclosed_quote", 0, 1),
        ("a\"b\"", "unexpected_letter", 1, 1),
        ("\"a\"b", "unexpected_letter", 3, 1),
        ("a\\", "unfinished_escape", 1, 1),
        ("\"\"", "missing_value", 0, 2),
        ("camera:", "missing_value", 7, 0),
        ("camera:\"\"", "missing_value", 9, 0),
        ("camera>x", "bad_operator", 6, 1),
        ("type:foto", "bad_type", 5, 4),
        ("type:image/", "bad_type", 5, 6),
        ("taken:19", "bad_time", 6, 2),
        ("taken:2019-13", "bad_time", 6, 7),
        ("taken:2019-02-29", "bad_time", 6, 10),
        ("taken:2019T10", "bad_time", 6, 7),
        ("taken:0000", "bad_time", 6, 4),
        ("taken:2019-01-01T10+2:00", "bad_time", 6, 18),
        ("taken:2020..2019", "bad_range", 6, 10),
        ("taken:..", "bad_range", 6, 2),
        ("taken>2019..2020", "bad_range", 6, 10),
        ("width:5cm", "bad_unit", 6, 3),
        ("width:x", "bad_number", 6, 1),
        ("size>5XB", "bad_unit", 5, 3),
        ("size>99999999999TB", "bad_number", 5, 13),
        ("duration>5", "bad_unit", 9, 1),
        ("height:9..1", "bad_range", 7, 4),
        ("is:gone", "bad_availability", 3, 4),
        ("sample", "bad_number", 6, 0),
        ("sample many", "bad_number", 7, 4),
        ("sample 1000001", "bad_number", 7, 7),
        ("sample 3 seed x", "bad_number", 14, 1),
        ("sample 3 a", "unexpected", 9, 1),
        ("sample 3 sample 4", "unexpected", 9, 1),
        ("a \u{7} b", "control_character", 2, 1),
    ];
    for (written, code, offset, length) in cases {
        let error = refuse(written.as_bytes());
        assert_eq!((error.code, error.offset, error.length), (*code, *offset, *length), "of `{written}`: {error}");
        assert_eq!(refuse(written.as_bytes()), error);
    }
    let error = refuse(b"a \xff b");
    assert_eq!((error.code, error.offset, error.length), ("not_utf8", 2, 1));
    let deep = refuse("(".repeat(40).as_bytes());
    assert_eq!((deep.code, deep.offset), ("too_deep", 33));
    assert_eq!(refuse("not ".repeat(40).as_bytes()).code, "too_deep");
    let many = refuse("a ".repeat(65).as_bytes());
    assert_eq!((many.code, many.offset), ("too_many", 128));
    assert_eq!(refuse("a".repeat(600).as_bytes()).code, "too_long");
    assert_eq!(refuse(&vec![b' '; 9_000]).code, "too_long");
}

#[test]
fn an_error_shows_the_place_to_people() {
    let error = refuse("camera:Canon and widht>100".as_bytes());
    let expected = "the filter is not understood at byte 17: there is no field `widht`\n\
         \x20 camera:Canon and widht>100\n\
         \x20                  ^^^^^\n\
         \x20 did you mean `width`?\n\
         \x20 expected: type, taken, camera, lens, size, width, height, duration, path, source, has, failed, in, is";
    assert_eq!(error.to_string(), expected);
    let json = serde_json::to_value(&error).expect("serializable");
    assert_eq!(json["code"], "unknown_field");
    assert_eq!(json["suggestion"], "width");
    // Letters of several bytes, and more text than fits on a line.
    let long = format!("{} takne:2019 {}", "ä ".repeat(30), "ö ".repeat(30));
    let shown = refuse(long.as_bytes()).to_string();
    let lines: Vec<&str> = shown.lines().collect();
    let carets = lines[2].chars().position(|c| c == '^').expect("a caret");
    assert_eq!(lines[1].chars().skip(carets).take(5).collect::<String>(), "takne");
    assert!(lines[1].chars().count() < 100 && lines[3].contains("`taken`"), "{shown}");
}

#[test]
fn the_tree_says_what_was_meant() {
    let filter = parse("size:1kB..2kB or sample1 sample 7 seed 18446744073709551615");
    assert_eq!(filter.sample, Some(Sample { count: 7, seed: u64::MAX }));
    let Some(Expr::Any(parts)) = filter.expr else { panic!("no list") };
    let Expr::Term(term) = &parts[0] else { panic!("no term") };
    assert_eq!(term.test, Test::Number(NumberField::Size, Comparison::Between(1_000, 2_000)));
    assert_eq!((term.place.start, term.place.end), (0, 13));
}

fn path_glob(pattern: &str) -> super::Glob {
    match parse(&format!("path:{pattern}")).expr {
        Some(Expr::Term(super::Term { test: Test::Text(_, glob), .. })) => glob,
        other => panic!("no pattern: {other:?}"),
    }
}

#[test]
fn patterns() {
    let cases: &[(&str, &str, bool)] = &[
        ("2019/**/*.jpg", "2019/a.jpg", true),
        ("2019/**/*.jpg", "2019/06/01/a.jpg", true),
        ("2019/**/*.jpg", "2019/06/a.JPG", false),
        ("2019/**/*.jpg", "12019/a.jpg", false),
        ("*.jpg", "a/b.jpg", false),
        ("**.jpg", "a/b.jpg", true),
        ("**/b.jpg", "b.jpg", true),
        ("**/b.jpg", "ab.jpg", false),
        ("a/**", "a/b/c", true),
        ("a/**", "a", false),
        ("a?c", "a/c", false),
        ("a?c", "aäc", true),
        ("**/**/x", "a/x", true),
        (r"a\*", "a*", true),
        (r"a\*", "ab", false),
        ("\"caf\u{e9}\"", "cafe\u{301}", true),
        ("\"cafe\u{301}\"", "caf\u{e9}", true),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(path_glob(pattern).matches(text), *expected, "`{pattern}` and `{text}`");
    }
    assert!(path_glob("canon*5D").matches_name("Canon EOS/5d"));
    assert!(!path_glob("canon").matches_name("Canon EOS"));
    assert!(path_glob("IMG_*").is_within("a/b/img_1/c"));
    assert!(path_glob("MU\u{308}LLER").is_within("fotos/müller 1.jpg"));
    // Many stars cost no more than their number.
    assert!(!path_glob(&"*a".repeat(200)).matches(&"a".repeat(199)));
}

/// docs/reference/formats.md shows the same one.
#[test]
fn a_lot_never_changes() {
    let abc = exhibit_model::digest::Digest::of(b"abc");
    let expected = "52fb7a18242d8676e1aa2f0d66c024332ab27bf5e71f2ceb677d77b009fee4d5";
    assert_eq!(super::select::lot(1, abc).to_hex(), expected);
}

/// The same as the pattern matcher, the simple and slow way.
fn slow(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', '*', rest @ ..] => (0..=text.len()).any(|count| slow(rest, &text[count..])),
        ['*', rest @ ..] => {
            let name = text.iter().position(|c| *c == '/').unwrap_or(text.len());
            (0..=name).any(|count| slow(rest, &text[count..]))
        }
        ['?', rest @ ..] => text.first().is_some_and(|c| *c != '/') && slow(rest, &text[1..]),
        [letter, rest @ ..] => text.first() == Some(letter) && slow(rest, &text[1..]),
    }
}

/// Text that often is a filter.
fn likely_filter() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("and"),
        Just("or"),
        Just("not"),
        Just("("),
        Just(")"),
        Just("sample 3"),
        Just("seed 4"),
        Just("type:image"),
        Just("type:a/b"),
        Just("taken:2019"),
        Just("taken>2019-02"),
        Just("taken:2019..2020-01-01T10Z"),
        Just("camera:\"C*\""),
        Just("path:**/x?\\*"),
        Just("size>=5kB"),
        Just("duration<9m"),
        Just("in:all"),
        Just("has:a.b"),
        Just("is:missing"),
        Just("wörd"),
        Just("\"two words\""),
        Just("\\\"x"),
        Just("\"\\\\\""),
        Just("source:\"a*\""),
        Just("e\u{301}"),
        Just("\""),
        Just("**/*"),
        Just("x**/y"),
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn what_is_printed_is_read_alike(text in likely_filter()) {
        if let Ok(filter) = Filter::parse(text.as_bytes()) {
            let printed = filter.to_string();
            prop_assert_eq!(Filter::parse(printed.as_bytes()), Ok(filter), "printed `{}`", printed);
        }
    }

    #[test]
    fn any_letters_are_a_filter_or_a_placed_error(text in "[a-c:<>=*?\\\\\"() ./0-9\u{301}é\n]{0,40}") {
        check_any(text.as_bytes())?;
    }

    #[test]
    fn any_bytes_are_a_filter_or_a_placed_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_any(&bytes)?;
    }

    #[test]
    fn patterns_match_as_their_definition_says(pattern in "[ab/?*]{0,8}", text in "[ab/]{0,8}") {
        prop_assume!(!pattern.is_empty() && !pattern.contains("**/") && !pattern.contains("***"));
        let (letters, wanted): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
        prop_assert_eq!(path_glob(&pattern).matches(&text), slow(&wanted, &letters));
    }
}

fn check_any(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Filter::parse(bytes) {
        Ok(filter) => {
            let printed = filter.to_string();
            prop_assert_eq!(Filter::parse(printed.as_bytes()), Ok(filter), "printed `{}`", printed);
        }
        Err(error) => {
            prop_assert!(error.offset <= bytes.len(), "{:?}", error);
            prop_assert!(error.offset + error.length <= bytes.len(), "{:?}", error);
            prop_assert!(!error.message.is_empty() && !error.to_string().is_empty());
        }
    }
    Ok(())
}
