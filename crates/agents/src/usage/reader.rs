//! Reading counts out of an object that someone else made.

use exhibit_model::findings::Findings;
use exhibit_model::json::pointer_push;
use serde_json::{Map, Value};

use super::COUNT_MAX;

/// Longest text that is read as a count: sixteen digits are the largest, the rest are zeros before it.
const COUNT_TEXT_BYTES_MAX: usize = 32;

/// An object, and what is found wrong in it. `null` is the same as absent.
pub(super) struct Reader<'a> {
    map: &'a Map<String, Value>,
    /// Whether a text of digits is a count: attributes of logs and spans arrive as texts from some exporters.
    texts: bool,
    pub(super) findings: Findings,
}

impl<'a> Reader<'a> {
    /// Reads numbers alone.
    pub(super) fn of_object(map: &'a Map<String, Value>) -> Self {
        Self { map, texts: false, findings: Findings::new() }
    }

    /// Reads numbers, and texts of digits.
    pub(super) fn of_attributes(map: &'a Map<String, Value>) -> Self {
        Self { map, texts: true, findings: Findings::new() }
    }

    /// The count of the first of these names that is there.
    pub(super) fn count(&mut self, names: &[&str]) -> Option<i64> {
        self.count_at(self.map, "", names)
    }

    /// The count of the first of these names that is there, inside of an object that may be absent.
    pub(super) fn count_in(&mut self, object: &str, names: &[&str]) -> Option<i64> {
        let inner = self.object_at(self.map, "", object)?;
        self.count_at(inner, &pointer("", object), names)
    }

    /// Like [`Reader::count_in`], one level deeper.
    pub(super) fn count_in_in(&mut self, outer: &str, inner: &str, names: &[&str]) -> Option<i64> {
        let outer_map = self.object_at(self.map, "", outer)?;
        let at = pointer("", outer);
        let inner_map = self.object_at(outer_map, &at, inner)?;
        self.count_at(inner_map, &pointer(&at, inner), names)
    }

    fn object_at(&mut self, map: &'a Map<String, Value>, at: &str, name: &str) -> Option<&'a Map<String, Value>> {
        match map.get(name)? {
            Value::Null => None,
            Value::Object(inner) => Some(inner),
            _ => {
                self.findings.add(pointer(at, name), "not_an_object", "must be an object");
                None
            }
        }
    }

    fn count_at(&mut self, map: &Map<String, Value>, at: &str, names: &[&str]) -> Option<i64> {
        let (name, value) = names.iter().find_map(|name| Some((*name, map.get(*name).filter(|it| !it.is_null())?)))?;
        match count_of(value, self.texts) {
            Ok(count) => Some(count),
            Err((code, message)) => {
                self.findings.add(pointer(at, name), code, message);
                None
            }
        }
    }
}

/// The JSON pointer of a field.
fn pointer(at: &str, name: &str) -> String {
    let mut pointer = at.to_owned();
    pointer_push(&mut pointer, name);
    pointer
}

/// A count: `12`, `12.0`, and where texts are counts `"12"`.
fn count_of(value: &Value, texts: bool) -> Result<i64, (&'static str, &'static str)> {
    const NOT_A_COUNT: (&str, &str) = ("not_a_count", "must be a whole number");
    match value {
        Value::Number(number) => {
            if let Some(integer) = number.as_i64() {
                return in_range(integer);
            }
            if number.is_u64() {
                return Err(OUT_OF_RANGE);
            }
            let float = number.as_f64().ok_or(NOT_A_COUNT)?;
            if float < 0.0 {
                return Err(NEGATIVE);
            }
            if float.fract() != 0.0 {
                return Err(NOT_A_COUNT);
            }
            #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact in a double")]
            if float > COUNT_MAX as f64 {
                return Err(OUT_OF_RANGE);
            }
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53, so the cast is exact")]
            Ok(float as i64)
        }
        Value::String(text) if texts && text.len() <= COUNT_TEXT_BYTES_MAX => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(NOT_A_COUNT);
            }
            in_range(text.parse().map_err(|_| OUT_OF_RANGE)?)
        }
        _ => Err(NOT_A_COUNT),
    }
}

const NEGATIVE: (&str, &str) = ("negative_count", "must not be below zero");

const OUT_OF_RANGE: (&str, &str) = ("count_out_of_range", "is more than anyone can have used");

/// An integer that can be a count.
pub(super) fn in_range(integer: i64) -> Result<i64, (&'static str, &'static str)> {
    match integer {
        ..0 => Err(NEGATIVE),
        0..=COUNT_MAX => Ok(integer),
        _ => Err(OUT_OF_RANGE),
    }
}
