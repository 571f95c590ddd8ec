//! Tests of canonical JSON: the samples of RFC 8785 and its laws.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::json::{JsonLimits, parse_strict};

fn canonical_text(value: &Value) -> String {
    String::from_utf8(to_canonical(value).unwrap()).unwrap()
}

fn canonical_of_text(text: &str) -> String {
    canonical_text(&serde_json::from_str(text).unwrap())
}

/// RFC 8785, appendix B: the bits of a double and its text.
const NUMBERS: &[(u64, &str)] = &[
    (0x0000000000000000, "0"),
    (0x8000000000000000, "0"),
    (0x0000000000000001, "5e-324"),
    (0x8000000000000001, "-5e-324"),
    (0x7fefffffffffffff, "1.7976931348623157e+308"),
    (0xffefffffffffffff, "-1.7976931348623157e+308"),
    (0x4340000000000000, "9007199254740992"),
    (0xc340000000000000, "-9007199254740992"),
    (0x4430000000000000, "295147905179352830000"),
    (0x44b52d02c7e14af5, "9.999999999999997e+22"),
    (0x44b52d02c7e14af6, "1e+23"),
    (0x44b52d02c7e14af7, "1.0000000000000001e+23"),
    (0x444b1ae4d6e2ef4e, "999999999999999700000"),
    (0x444b1ae4d6e2ef4f, "999999999999999900000"),
    (0x444b1ae4d6e2ef50, "1e+21"),
    (0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"),
    (0x3eb0c6f7a0b5ed8d, "0.000001"),
    (0x41b3de4355555553, "333333333.3333332"),
    (0x41b3de4355555554, "333333333.33333325"),
    (0x41b3de4355555555, "333333333.3333333"),
    (0x41b3de4355555556, "333333333.3333334"),
    (0x41b3de4355555557, "333333333.33333343"),
    (0xbecbf647612f3696, "-0.0000033333333333333333"),
    (0x43143ff3c1cb0959, "1424953923781206.2"),
];

#[test]
fn numbers_of_appendix_b() {
    for (bits, text) in NUMBERS {
        let number = Number::from_f64(f64::from_bits(*bits)).unwrap();
        assert_eq!(canonical_text(&Value::Number(number)), *text, "{bits:016x}");
    }
}

#[test]
fn sample_of_section_3_2_2() {
    let text = r#"{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }"#;
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(canonical_of_text(text), expected);
}

#[test]
fn sample_of_section_3_2_3_sorts_by_utf16() {
    let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
      "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\
      \"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(canonical_of_text(text), expected);
}

#[test]
fn published_samples_french_and_weird() {
    let french = r#"{"peach": "This sorting order", "péché": "is wrong according to French",
      "pêche": "but canonicalization MUST", "sin": "ignore locale"}"#;
    let expected = r#"{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}"#;
    assert_eq!(canonical_of_text(french), expected);
    let weird = r#"{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\u000a": "Newline", "1": "One", "\u0080": "Control\u007f",
      "\ud83d\ude02": "Smiley", "\u00f6": "Latin Small Letter O With Diaeresis", "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "</script>": "Browser Challenge"}"#;
    let expected = "{\"\\n\":\"Newline\",\"\\r\":\"Carriage Return\",\"1\":\"One\",\"</script>\":\"Browser Challenge\",\
      \"\u{80}\":\"Control\u{7f}\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😂\":\"Smiley\",\
      \"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(canonical_of_text(weird), expected);
}

#[test]
fn escapes_are_minimal() {
    let all: String = (0_u8..0x21).map(char::from).chain("\"\\/\u{7f}".chars()).collect();
    let expected = concat!(
        r#""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014"#,
        r#"\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f \"\\/"#,
        "\u{7f}\""
    );
    assert_eq!(canonical_text(&json!(all)), expected);
}

#[test]
fn integers_print_as_integers_and_unsafe_ones_are_refused() {
    for number in [0_i64, 1, -1, 10, 4096, 9_007_199_254_740_991, -9_007_199_254_740_991] {
        assert_eq!(canonical_text(&json!(number)), number.to_string());
    }
    assert_eq!(canonical_text(&json!([1.0, -0.0, 1e20])), "[1,0,100000000000000000000]");
    for value in [json!(9_007_199_254_740_992_i64), json!(i64::MIN), json!(u64::MAX)] {
        let findings = to_canonical(&json!({"a/b": [0, value]})).unwrap_err();
        let found: Vec<_> = findings.iter().map(|finding| (finding.pointer.as_str(), finding.code)).collect();
        assert_eq!(found, [("/a~1b/1", "integer_range")]);
    }
    let mut text = Vec::new();
    append_integer(&mut text, i64::MIN);
    assert_eq!(text, i64::MIN.to_string().as_bytes());
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    assert!(to_canonical(&nested(128)).is_ok());
    assert_eq!(to_canonical(&nested(129)).unwrap_err().iter().next().unwrap().code, "too_deep");
}

#[test]
fn anything_that_serde_knows_has_a_canonical_form() {
    #[derive(serde::Serialize)]
    struct Sample {
        zeta: u8,
        alpha: Option<&'static str>,
    }
    assert_eq!(canonical_of(&Sample { zeta: 1, alpha: None }).unwrap(), br#"{"alpha":null,"zeta":1}"#);
    let keyed_by_lists = std::collections::BTreeMap::from([(vec![1], 2)]);
    assert_eq!(canonical_of(&keyed_by_lists).unwrap_err().iter().next().unwrap().code, "not_json");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-SAFE_INTEGER_MAX..=SAFE_INTEGER_MAX).prop_map(Value::from),
        (-1e15_f64..1e15).prop_map(Value::from),
        (-1e-3_f64..1e-3).prop_map(Value::from),
        "[^\0]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[^\0]{0,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The members of every object written in reverse order, with spaces.
fn reversed_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| format!("{} : {}", json!(key), reversed_text(value));
            format!("{{ {} }}", members.iter().rev().map(member).collect::<Vec<_>>().join(" , "))
        }
        Value::Array(items) => format!("[ {} ]", items.iter().map(reversed_text).collect::<Vec<_>>().join(" , ")),
        other => other.to_string(),
    }
}

proptest! {
    #[test]
    fn reading_back_gives_the_same_value(value in any_value()) {
        let limits = JsonLimits::of_bytes(1 << 20);
        let once = to_canonical(&value).unwrap();
        let read = parse_strict(&once, &limits).unwrap();
        prop_assert_eq!(&to_canonical(&read).unwrap(), &once);
        prop_assert_eq!(parse_strict(&to_canonical(&read).unwrap(), &limits).unwrap(), read);
    }

    #[test]
    fn the_order_of_members_does_not_matter(value in any_value()) {
        let read = parse_strict(reversed_text(&value).as_bytes(), &JsonLimits::of_bytes(1 << 20)).unwrap();
        prop_assert_eq!(to_canonical(&read).unwrap(), to_canonical(&value).unwrap());
    }

    #[test]
    fn the_order_of_keys_is_that_of_utf16(left in any::<String>(), right in any::<String>()) {
        prop_assert_eq!(utf16_order(&left, &right), left.encode_utf16().cmp(right.encode_utf16()));
    }

    #[test]
    fn doubles_read_back_exactly(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        let text = canonical_text(&json!(float));
        prop_assert_eq!(text.parse::<f64>().unwrap(), float);
    }
}
