//! Lenient JSON for logs that other programs wrote: a value is looked for and may be absent, and what is odd is left out and not refused.
//!
//! The strict reader of the contract is for senders, who can correct themselves. A log line cannot: a tool that printed U+0000 must not hide what
//! the answer cost. What is taken out of a line is made strict here instead.

use exhibit_model::json::SAFE_INTEGER_MAX;
use exhibit_model::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use super::BadLine;
use super::text;
use crate::money::Nano;

/// Objects and arrays of one line: tools return lists of thousands of small objects, and a map costs half a KiB.
pub(super) const LINE_CONTAINERS_MAX: usize = 200_000;

/// Nesting of a line; what is read lies within ten levels, and tools are called with arguments of any depth.
const DEPTH_MAX: usize = 100;

/// Fields of a raw usage object that are kept, those of inner objects included; the largest known one has about thirty.
const USAGE_FIELDS_MAX: usize = 64;

/// Nesting of a raw usage object that is kept; known ones have two levels.
const USAGE_DEPTH_MAX: usize = 3;

/// Longest text in a raw usage object, in bytes: names of tiers and regions.
const USAGE_TEXT_BYTES_MAX: usize = 64;

/// What a text of JSON would cost in memory, counted before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Structure {
    /// Objects and arrays.
    pub(super) containers: usize,
    /// Values in them, about.
    pub(super) values: usize,
    /// Deepest nesting.
    pub(super) depth: usize,
}

impl Structure {
    /// Counts what stands outside of strings.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let (mut structure, mut depth, mut quoted, mut escaped) = (Self::default(), 0_usize, false, false);
        for byte in bytes {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => {
                    structure.containers += 1;
                    depth += 1;
                    structure.depth = structure.depth.max(depth);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' | b':' => structure.values += 1,
                _ => {}
            }
        }
        structure
    }
}

/// Reads an object with at most `containers_max` objects and arrays, and ten times as many values.
pub(super) fn object(bytes: &[u8], containers_max: usize) -> Result<Map<String, Value>, BadLine> {
    match value(bytes, containers_max)? {
        Value::Object(map) => Ok(map),
        _ => Err(BadLine::NotJson),
    }
}

/// Reads a value, within the same bounds as [`object`].
pub(super) fn value(bytes: &[u8], containers_max: usize) -> Result<Value, BadLine> {
    let structure = Structure::of(bytes);
    if structure.depth > DEPTH_MAX
        || structure.containers > containers_max
        || structure.values > containers_max.saturating_mul(10)
    {
        return Err(BadLine::TooLarge);
    }
    parsed(bytes).ok_or(BadLine::NotJson)
}

/// What a text of JSON says, also when its writer cut a text between two halves of a character or wrote numbers that JSON does not have.
pub(super) fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok().or_else(|| serde_json::from_slice(&mended(bytes)).ok())
}

/// The text with U+FFFD for each escaped surrogate that stands alone (as writers in JavaScript and Python make of a text that was cut, RFC 8259
/// section 8.2), and with null for `NaN` and infinities (as Python writes them).
fn mended(bytes: &[u8]) -> Vec<u8> {
    let (mut mended, mut at, mut quoted) = (Vec::with_capacity(bytes.len()), 0, false);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (text, length): (&[u8], usize) = match rest {
            [b'\\', ..] if quoted => escaped(rest),
            [b'N', b'a', b'N', ..] if !quoted => (b"null", 3),
            [b'-', b'I', ..] if !quoted && rest.starts_with(b"-Infinity") => (b"null", 9),
            [b'I', ..] if !quoted && rest.starts_with(b"Infinity") => (b"null", 8),
            [byte, ..] => {
                quoted ^= *byte == b'"';
                (&rest[..1], 1)
            }
            [] => break,
        };
        mended.extend_from_slice(text);
        at += length;
    }
    mended
}

/// What stands for the escape at the beginning, and how long that is.
fn escaped(rest: &[u8]) -> (&[u8], usize) {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (&rest[..12], 12),
        (Some(0xD800..=0xDFFF), _) => (b"\\ufffd", 6),
        _ => (&rest[..rest.len().min(2)], rest.len().min(2)),
    }
}

/// The object under a name.
pub(super) fn inner<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    map.get(name)?.as_object()
}

/// The text under a name that is not empty.
pub(super) fn str_of<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    map.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A text or a number as a short text: ids and codes come as both.
pub(super) fn word_of(map: &Map<String, Value>, name: &str) -> Option<String> {
    match map.get(name)? {
        Value::String(text) => text::short(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An id under a name.
pub(super) fn id_of(map: &Map<String, Value>, name: &str) -> Option<String> {
    text::id(str_of(map, name)?)
}

/// A count: 0 to 2^53 - 1, as a number or as digits.
pub(super) fn count(value: &Value) -> Option<i64> {
    let count = match value {
        Value::Number(number) => match number.as_i64() {
            Some(count) => count,
            None => whole(number.as_f64()?)?,
        },
        Value::String(digits) => digits.trim().parse().ok()?,
        _ => return None,
    };
    (0..=SAFE_INTEGER_MAX).contains(&count).then_some(count)
}

/// The count under a name.
pub(super) fn count_of(map: &Map<String, Value>, name: &str) -> Option<i64> {
    count(map.get(name)?)
}

/// A double that is a whole number within the safe range.
pub(super) fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact in a double")]
    let max = SAFE_INTEGER_MAX as f64;
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and within plus and minus (2^53 - 1)")]
    (number.fract() == 0.0 && number.abs() <= max).then_some(number as i64)
}

/// The moment under a name: RFC 3339, or milliseconds since 1970 as a number.
pub(super) fn time_of(map: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    match map.get(name)? {
        Value::String(text) => within(Timestamp::parse(text.trim())?),
        Value::Number(number) => within(Timestamp(number.as_i64()?.checked_mul(1_000)?)),
        _ => None,
    }
}

/// A moment from 1970 on that a canonical document can hold.
pub(super) fn within(at: Timestamp) -> Option<Timestamp> {
    (0..=SAFE_INTEGER_MAX).contains(&at.0).then_some(at)
}

/// An amount of USD that a document can hold, as a number or as a decimal.
pub(super) fn usd(value: &Value) -> Option<Nano> {
    let nano = match value {
        Value::Number(number) => Nano::from_usd(number)?,
        Value::String(text) => Nano::from_decimal(text.trim())?,
        _ => return None,
    };
    (nano.0 <= SAFE_INTEGER_MAX).then_some(nano)
}

/// How many bytes a value has as JSON, or a text by itself.
pub(super) fn size(value: &Value) -> i64 {
    let bytes = match value {
        Value::Null => 0,
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    };
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A raw usage object as a document keeps it: counts, amounts, short texts and objects of these; lists and whatever a canonical form
/// cannot hold are left out. `None` when no number is left: then nothing is said about the usage.
pub(super) fn raw_usage(map: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut left = USAGE_FIELDS_MAX;
    let kept = kept_usage(map, USAGE_DEPTH_MAX, &mut left);
    has_number(&kept).then_some(kept)
}

/// `left` fields may still be kept.
fn kept_usage(map: &Map<String, Value>, depth: usize, left: &mut usize) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in map {
        if *left == 0 {
            break;
        }
        if name.len() > USAGE_TEXT_BYTES_MAX || name.contains('\0') {
            continue;
        }
        // Before what is inside of it, so that an object that is begun has its place.
        *left -= 1;
        let value = match value {
            Value::Number(number) => safe(number).map(Value::Number),
            Value::String(text) => text::bounded(text, USAGE_TEXT_BYTES_MAX).map(Value::String),
            Value::Bool(flag) => Some(Value::Bool(*flag)),
            Value::Object(inner) if depth > 1 => Some(Value::Object(kept_usage(inner, depth - 1, left))),
            _ => None,
        };
        match value {
            Some(value) => {
                kept.insert(name.clone(), value);
            }
            None => *left += 1,
        }
    }
    kept
}

fn has_number(map: &Map<String, Value>) -> bool {
    map.values().any(|value| match value {
        Value::Number(_) => true,
        Value::Object(map) => has_number(map),
        _ => false,
    })
}

/// A number in the form that strict reading gives it: whole ones as integers, within the range that every reader keeps.
fn safe(number: &Number) -> Option<Number> {
    match number.as_i64() {
        Some(count) => (count.unsigned_abs() <= SAFE_INTEGER_MAX.unsigned_abs()).then(|| number.clone()),
        None if number.is_u64() => None,
        None => {
            let double = number.as_f64()?;
            if double.fract() == 0.0 { whole(double).map(Number::from) } else { Number::from_f64(double) }
        }
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
