//! Strict JSON: RFC 8259 with everything refused that two readers could understand differently.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::findings::Findings;

/// Nesting of evidence documents: far more than a schema that people read has, shallow enough for the stack of any thread.
pub const DEPTH_MAX: usize = 64;

/// Nesting of recorded bodies: a document of [`DEPTH_MAX`] levels lies one level deeper in its record, and two in the record of a conflict
/// that keeps it as evidence; the rest is room.
pub const RECORD_DEPTH_MAX: usize = DEPTH_MAX + 4;

/// No limit on depth may be larger: the parser underneath stops at 128 levels, and one more is entered to see that it is too deep.
const DEPTH_CEILING: usize = 120;

/// The largest integer that every JSON reader keeps exactly: 2^53 - 1 (RFC 7493, section 2.2).
pub const SAFE_INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// How large a document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLimits {
    /// Bytes of the whole text.
    pub bytes_max: usize,
    /// Levels of arrays and objects; a scalar has none, `[]` has one. Values above 120 count as 120.
    pub depth_max: usize,
}

impl JsonLimits {
    /// Limits with the usual depth, [`DEPTH_MAX`].
    pub const fn of_bytes(bytes_max: usize) -> Self {
        Self { bytes_max, depth_max: DEPTH_MAX }
    }
}

/// Reads one document.
///
/// Numbers come out in one form per value: an integral value is an integer, however it was written (`1`, `1.0`, `10e-1`, `-0`).
///
/// # Errors
/// All problems that can be told apart, sorted: `too_large`, `not_json` (syntax, byte order mark, bytes that are not UTF-8, trailing
/// text, lone surrogates, numbers beyond the range of a double), `duplicate_key`, `too_deep`, `integer_range`, `nul_character`.
pub fn parse_strict(bytes: &[u8], limits: &JsonLimits) -> Result<Value, Findings> {
    parse_told(bytes, limits).and_then(|(value, findings)| findings.into_result(value))
}

/// As [`parse_strict`], for those who judge the document before single values in it: `integer_range` and `nul_character` are handed back
/// beside the value, in which they are as they were written (integers beyond 64 bits as the nearest double).
///
/// # Errors
/// All other problems, and those beside them.
pub fn parse_told(bytes: &[u8], limits: &JsonLimits) -> Result<(Value, Findings), Findings> {
    if bytes.len() > limits.bytes_max {
        let message = format!("the document has {} bytes; at most {} are allowed", bytes.len(), limits.bytes_max);
        return Err(Findings::one("", "too_large", message));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(Findings::one("", "not_json", "the document starts with a byte order mark"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Findings::one("", "not_json", format!("byte {} does not continue valid UTF-8", error.valid_up_to()))
    })?;
    let mut state =
        State { findings: Findings::new(), is_unreadable: false, depth_max: limits.depth_max.min(DEPTH_CEILING) };
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Seed { state: &mut state, place: &Place::Root, depth: 0 };
    let outcome = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match outcome {
        Ok(_) if state.is_unreadable => Err(state.findings),
        Ok(value) => Ok((value, state.findings)),
        Err(error) => {
            state.findings.add("", "not_json", error.to_string());
            Err(state.findings)
        }
    }
}

/// What [`parse_strict`] would refuse in a value that was made in this process: `too_deep` (beyond [`DEPTH_MAX`]), `integer_range`,
/// `nul_character`.
pub fn check_value(value: &Value) -> Findings {
    check_value_within(value, DEPTH_MAX)
}

/// As [`check_value`], with another limit on depth.
pub fn check_value_within(value: &Value, depth_max: usize) -> Findings {
    let mut state = State { findings: Findings::new(), is_unreadable: false, depth_max };
    check_at(value, &Place::Root, 0, &mut state);
    state.findings
}

/// Appends one reference token to a JSON pointer (RFC 6901, section 3: `~` becomes `~0`, `/` becomes `~1`).
pub fn pointer_push(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// Where the reader is: a chain on the stack, written out only when there is something to report.
enum Place<'a> {
    Root,
    Key { parent: &'a Place<'a>, key: &'a str },
    Index { parent: &'a Place<'a>, index: usize },
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.write_to(&mut pointer);
        pointer
    }

    fn write_to(&self, pointer: &mut String) {
        match self {
            Place::Root => {}
            Place::Key { parent, key } => {
                parent.write_to(pointer);
                pointer_push(pointer, key);
            }
            Place::Index { parent, index } => {
                parent.write_to(pointer);
                pointer_push(pointer, &index.to_string());
            }
        }
    }
}

struct State {
    findings: Findings,
    /// Whether there was a problem of the whole document; the list of findings is bounded and may have lost it.
    is_unreadable: bool,
    depth_max: usize,
}

impl State {
    /// True when a container may be entered at `depth`.
    fn may_enter(&mut self, place: &Place<'_>, depth: usize) -> bool {
        if depth > self.depth_max {
            let message = format!("nested deeper than {} levels", self.depth_max);
            self.findings.add(place.pointer(), "too_deep", message);
            self.is_unreadable = true;
            return false;
        }
        true
    }

    fn check_text(&mut self, place: &Place<'_>, text: &str, what: &str) {
        if text.as_bytes().contains(&0) {
            self.findings.add(place.pointer(), "nul_character", format!("{what} holds the character U+0000"));
        }
    }

    fn refuse_integer(&mut self, place: &Place<'_>) {
        let message = "integers must lie within plus and minus (2^53 - 1); write larger ones as strings";
        self.findings.add(place.pointer(), "integer_range", message);
    }

    /// A float in its one form; with a finding when it is an integral value out of range.
    fn number(&mut self, place: &Place<'_>, value: f64) -> Option<Number> {
        // Above 2^53 - 1 every double is integral, so this one comparison covers all of them; the cast below is then exact.
        if value.abs() > SAFE_INTEGER_MAX as f64 {
            self.refuse_integer(place);
            Number::from_f64(value)
        } else if value.trunc() == value {
            Some(Number::from(value as i64))
        } else {
            Number::from_f64(value)
        }
    }
}

fn check_at(value: &Value, place: &Place<'_>, depth: usize, state: &mut State) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            let in_range = match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => integer.unsigned_abs() <= SAFE_INTEGER_MAX.unsigned_abs(),
                (None, Some(float)) => float.abs() <= SAFE_INTEGER_MAX as f64,
                (None, None) => false,
            };
            if !in_range {
                state.refuse_integer(place);
            }
        }
        Value::String(text) => state.check_text(place, text, "the string"),
        Value::Array(items) => {
            if state.may_enter(place, depth + 1) {
                for (index, item) in items.iter().enumerate() {
                    check_at(item, &Place::Index { parent: place, index }, depth + 1, state);
                }
            }
        }
        Value::Object(members) => {
            if state.may_enter(place, depth + 1) {
                for (key, member) in members {
                    let child = Place::Key { parent: place, key };
                    state.check_text(&child, key, "the key");
                    check_at(member, &child, depth + 1, state);
                }
            }
        }
    }
}

/// Reads one value at one place. `depth` counts the containers around it.
struct Seed<'a> {
    state: &'a mut State,
    place: &'a Place<'a>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > SAFE_INTEGER_MAX.unsigned_abs() {
            self.state.refuse_integer(self.place);
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        if value > SAFE_INTEGER_MAX.unsigned_abs() {
            self.state.refuse_integer(self.place);
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(self.state.number(self.place, value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        self.state.check_text(self.place, text, "the string");
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Self { state, place, depth } = self;
        if !state.may_enter(place, depth + 1) {
            // The parser skips without recursion, so whatever lies deeper costs no stack and is still checked for syntax.
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut values = Vec::new();
        loop {
            let child = Place::Index { parent: place, index: values.len() };
            match items.next_element_seed(Seed { state, place: &child, depth: depth + 1 })? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Self { state, place, depth } = self;
        if !state.may_enter(place, depth + 1) {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let child = Place::Key { parent: place, key: &key };
            state.check_text(&child, &key, "the key");
            let value = members.next_value_seed(Seed { state, place: &child, depth: depth + 1 })?;
            match object.entry(key) {
                Entry::Vacant(vacant) => {
                    vacant.insert(value);
                }
                Entry::Occupied(occupied) => {
                    let pointer = Place::Key { parent: place, key: occupied.key() }.pointer();
                    state.findings.add(pointer, "duplicate_key", "the key occurs more than once in its object");
                    state.is_unreadable = true;
                }
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
