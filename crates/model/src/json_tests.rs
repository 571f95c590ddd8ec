//! Tests of strict JSON.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const LIMITS: JsonLimits = JsonLimits::of_bytes(1 << 20);

fn refused(text: &[u8]) -> Vec<(String, &'static str)> {
    let findings = parse_strict(text, &LIMITS).expect_err("the text must be refused");
    findings.iter().map(|finding| (finding.pointer.clone(), finding.code)).collect()
}

fn one(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), code)]
}

#[test]
fn reads_what_rfc_8259_allows() {
    let text = br#" { "a" : [ 1 , -2.5 , 1e2 , "\u00e9\ud83d\ude00" , true , false , null , { } , [ ] ] } "#;
    assert_eq!(parse_strict(text, &LIMITS).unwrap(), json!({"a": [1, -2.5, 100, "é😀", true, false, null, {}, []]}));
    assert_eq!(parse_strict(b"7", &LIMITS).unwrap(), json!(7));
    assert_eq!(parse_strict(b"\"\"", &LIMITS).unwrap(), json!(""));
}

#[test]
fn numbers_have_one_form_per_value() {
    for text in ["1", "1.0", "10e-1", "0.1e1"] {
        assert_eq!(parse_strict(text.as_bytes(), &LIMITS).unwrap(), json!(1), "{text}");
    }
    assert_eq!(parse_strict(b"-0.0", &LIMITS).unwrap(), json!(0));
    assert_eq!(parse_strict(b"-0", &LIMITS).unwrap(), json!(0));
    assert_eq!(parse_strict(b"9007199254740991", &LIMITS).unwrap(), json!(SAFE_INTEGER_MAX));
    assert_eq!(parse_strict(b"-9007199254740991.0", &LIMITS).unwrap(), json!(-SAFE_INTEGER_MAX));
}

#[test]
fn refuses_what_is_not_json() {
    let bad: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"[1,]",
        b"{\"a\":1,}",
        b"{a:1}",
        b"'a'",
        b"01",
        b"+1",
        b".5",
        b"1.",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"nul",
        b"tru",
        b"[1] 2",
        b"{} x",
        b"\"\\ud800\"",
        b"\"\\udc00\\ud800\"",
        b"\"\\x41\"",
        b"\"a\nb\"",
        b"\"\x01\"",
        b"\xEF\xBB\xBF{}",
        b"\"\xFF\"",
        b"\"\xC0\xAF\"",
        b"\"\xED\xA0\x80\"",
        b"// c\n1",
        b"[1 2]",
        b"\x00",
        b"{}\x00",
    ];
    for text in bad {
        assert_eq!(refused(text), one("", "not_json"), "{}", text.escape_ascii());
    }
}

#[test]
fn names_the_place_of_invalid_utf8_and_of_syntax() {
    let message = |text: &[u8]| parse_strict(text, &LIMITS).unwrap_err().to_string();
    assert_eq!(message(b"[\"ab\xFF\"]"), "document: byte 4 does not continue valid UTF-8 (not_json)");
    assert_eq!(message(b"{\n \"a\": }"), "document: expected value at line 2 column 7 (not_json)");
}

#[test]
fn reports_every_duplicate_key_with_its_pointer() {
    assert_eq!(refused(br#"{"a":1,"a":1}"#), one("/a", "duplicate_key"));
    assert_eq!(refused(br#"{"\u0061":1,"a":1}"#), one("/a", "duplicate_key"));
    let all = refused(br#"{"x":[{"a/b":1,"a/b":2},{"m~n":1,"m~n":2,"m~n":3}],"x":0,"":1,"":2}"#);
    let expected = ["/", "/x", "/x/0/a~1b", "/x/1/m~0n"].map(|pointer| (pointer.to_owned(), "duplicate_key"));
    assert_eq!(all, expected);
}

#[test]
fn refuses_integers_that_a_double_cannot_keep() {
    let bad = [
        "9007199254740992",
        "-9007199254740992",
        "9007199254740992.0",
        "1e16",
        "18446744073709551615",
        "1e300",
        "18446744073709551616",
        "-9223372036854775809",
    ];
    for text in bad {
        assert_eq!(refused(format!("{{\"n\":[0,{text}]}}").as_bytes()), one("/n/1", "integer_range"), "{text}");
    }
}

#[test]
fn refuses_the_character_nul_in_strings_and_keys() {
    assert_eq!(refused(br#"["a\u0000"]"#), one("/0", "nul_character"));
    assert_eq!(refused(br#"{"a\u0000b":1}"#), one("/a\0b", "nul_character"));
}

#[test]
fn refuses_what_is_too_deep_without_recursing_into_it() {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(parse_strict(&nested(64), &LIMITS).is_ok());
    let pointer = "/0".repeat(64);
    assert_eq!(refused(&nested(65)), one(&pointer, "too_deep"));
    assert_eq!(refused(&nested(200_000)), one(&pointer, "too_deep"));
    let objects = format!("{}1{}", "{\"a\":".repeat(70), "}".repeat(70));
    assert_eq!(refused(objects.as_bytes()), one(&"/a".repeat(64), "too_deep"));
    let shallow = JsonLimits { bytes_max: 100, depth_max: 1 };
    assert!(parse_strict(b"[1,2]", &shallow).is_ok());
    assert!(parse_strict(b"[[]]", &shallow).is_err());
    let ceiling = JsonLimits { bytes_max: 1 << 20, depth_max: usize::MAX };
    assert!(parse_strict(&nested(120), &ceiling).is_ok());
    assert_eq!(parse_strict(&nested(125), &ceiling).unwrap_err().iter().next().unwrap().code, "too_deep");
}

#[test]
fn refuses_what_is_too_large_before_reading_it() {
    let limits = JsonLimits::of_bytes(4);
    assert!(parse_strict(b"1234", &limits).is_ok());
    let findings = parse_strict(b"\xFF\xFF\xFF\xFF\xFF", &limits).unwrap_err();
    assert_eq!(findings.to_string(), "document: the document has 5 bytes; at most 4 are allowed (too_large)");
}

#[test]
fn reports_different_problems_together_and_in_order() {
    let text = br#"{"z":9007199254740992,"b":"\u0000","a":1,"a":2} x"#;
    let expected = [("", "not_json"), ("/a", "duplicate_key"), ("/b", "nul_character"), ("/z", "integer_range")];
    assert_eq!(refused(text), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    let many = format!("[{}]", vec!["1e300"; 500].join(","));
    let findings = parse_strict(many.as_bytes(), &LIMITS).unwrap_err();
    assert_eq!(findings.iter().count(), crate::findings::FINDINGS_MAX);
    assert_eq!(findings, parse_strict(many.as_bytes(), &LIMITS).unwrap_err());
}

#[test]
fn checks_values_made_in_process_alike() {
    let value = json!({"a": [1, 9_007_199_254_740_992_u64, 1e300, -9.5], "b\0": "c\0", "ok": i64::from(i32::MIN)});
    let codes: Vec<_> = check_value(&value).iter().map(|finding| (finding.pointer.clone(), finding.code)).collect();
    let expected = [("/a/1", "integer_range"), ("/a/2", "integer_range"), ("/b\0", "nul_character")];
    assert!(expected.iter().all(|(pointer, code)| codes.contains(&((*pointer).to_owned(), code))), "{codes:?}");
    assert_eq!(codes.len(), 4, "the key and the string under it are two findings: {codes:?}");
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(check_value(&deep).iter().next().unwrap().code, "too_deep");
    assert!(check_value(&json!({"x": [null, true, 1.5, "y"]})).is_empty());
}

proptest! {
    #[test]
    fn never_panics_and_always_answers_alike(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(parse_strict(&bytes, &LIMITS), parse_strict(&bytes, &LIMITS));
    }

    #[test]
    fn never_panics_on_text_that_looks_like_json(text in "[\\[\\]{}:,\"\\\\0-9eE.+\\-a-u ]{0,60}") {
        if let Ok(value) = parse_strict(text.as_bytes(), &LIMITS) {
            prop_assert!(check_value(&value).is_empty());
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}

/// Single values are told beside what was read; a document that is no JSON stays so however many of them come before.
#[test]
fn values_are_told_beside_the_document() {
    let (value, findings) = parse_told(b"{\"a\":[9007199254740993,1e300],\"b\":\"\\u0000\"}", &LIMITS).unwrap();
    assert_eq!(value, json!({"a": [9_007_199_254_740_993_u64, 1e300], "b": "\0"}));
    let codes: Vec<_> = findings.iter().map(|finding| (finding.pointer.as_str(), finding.code)).collect();
    assert_eq!(codes, [("/a/0", "integer_range"), ("/a/1", "integer_range"), ("/b", "nul_character")]);
    let many = vec!["1e300"; crate::findings::FINDINGS_MAX].join(",");
    let twice = format!("{{\"a\":[{many}],\"z\":1,\"z\":2}}");
    assert!(parse_told(twice.as_bytes(), &JsonLimits::of_bytes(1 << 20)).is_err());
}
