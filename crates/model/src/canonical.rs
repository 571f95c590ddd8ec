//! Canonical JSON (RFC 8785): one sequence of bytes for each JSON value, so that a hash names a value.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::findings::Findings;
use crate::json::{SAFE_INTEGER_MAX, pointer_push};

/// Levels of nesting that can be written. Larger than what strict JSON lets in; it bounds the stack for values made in this process.
const DEPTH_MAX: usize = 128;

/// The canonical bytes of a value.
///
/// Floats are printed as ECMAScript does (RFC 8785, section 3.2.2.3), so `1.0` and `1` are the same bytes, and so are `-0.0` and `0`.
///
/// # Errors
/// `integer_range` for integers beyond plus or minus (2^53 - 1), which have no exact form there; `too_deep` beyond 128 levels.
pub fn to_canonical(value: &Value) -> Result<Vec<u8>, Findings> {
    let mut out = Vec::with_capacity(256);
    append_canonical(&mut out, value)?;
    Ok(out)
}

/// Like [`to_canonical`], appended to `out`.
///
/// # Errors
/// As [`to_canonical`]; `out` then holds a useless part of the text.
pub fn append_canonical(out: &mut Vec<u8>, value: &Value) -> Result<(), Findings> {
    write_value(out, value, 0).map_err(Refusal::into_findings)
}

/// The canonical bytes of anything that serde can turn into JSON.
///
/// Floats must be finite: serde_json writes NaN and the infinities as `null` and tells nobody, so check them before.
///
/// # Errors
/// As [`to_canonical`]; `not_json` for maps whose keys are no strings.
pub fn canonical_of<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Findings> {
    let value = serde_json::to_value(value).map_err(|error| Findings::one("", "not_json", error.to_string()))?;
    to_canonical(&value)
}

/// Appends `text` as a JSON string with the escapes of RFC 8785, section 3.2.2.2, and no others.
pub fn append_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[start..index]);
        start = index + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0A => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            0x0D => out.extend_from_slice(b"\\r"),
            other => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(other >> 4)]);
                out.push(HEX[usize::from(other & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// Appends an integer in decimal digits.
pub fn append_integer(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    // 20 digits hold the largest unsigned 64-bit number.
    let mut digits = [0_u8; 20];
    let mut place = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        place -= 1;
        digits[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[place..]);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Why a value cannot be written. The place is collected from the inside out while the recursion unwinds.
struct Refusal {
    code: &'static str,
    message: &'static str,
    tokens: Vec<String>,
}

impl Refusal {
    fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message, tokens: Vec::new() }
    }

    fn inside(mut self, token: impl Into<String>) -> Self {
        self.tokens.push(token.into());
        self
    }

    fn into_findings(self) -> Findings {
        let mut pointer = String::new();
        for token in self.tokens.iter().rev() {
            pointer_push(&mut pointer, token);
        }
        Findings::one(pointer, self.code, self.message)
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), Refusal> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => append_string(out, text),
        Value::Array(items) => {
            enter(depth)?;
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, item, depth + 1).map_err(|refusal| refusal.inside(index.to_string()))?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            enter(depth)?;
            write_object(out, members, depth + 1)?;
        }
    }
    Ok(())
}

fn enter(depth: usize) -> Result<(), Refusal> {
    if depth >= DEPTH_MAX { Err(Refusal::new("too_deep", "nested deeper than 128 levels")) } else { Ok(()) }
}

fn write_object(out: &mut Vec<u8>, members: &Map<String, Value>, depth: usize) -> Result<(), Refusal> {
    // The map is kept in the order of UTF-8 bytes. That is the order of UTF-16 code units too, except between U+E000..U+FFFF and the
    // characters above, so sorting is hardly ever needed.
    let sorted =
        members.keys().zip(members.keys().skip(1)).all(|(left, right)| utf16_order(left, right) == Ordering::Less);
    out.push(b'{');
    if sorted {
        write_members(out, members.iter(), depth)?;
    } else {
        let mut ordered: Vec<(&String, &Value)> = members.iter().collect();
        ordered.sort_unstable_by(|left, right| utf16_order(left.0, right.0));
        write_members(out, ordered.into_iter(), depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_members<'a>(
    out: &mut Vec<u8>,
    members: impl Iterator<Item = (&'a String, &'a Value)>,
    depth: usize,
) -> Result<(), Refusal> {
    for (index, (key, member)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        append_string(out, key);
        out.push(b':');
        write_value(out, member, depth).map_err(|refusal| refusal.inside(key.as_str()))?;
    }
    Ok(())
}

/// Compares as RFC 8785, section 3.2.3, wants it: by UTF-16 code units.
fn utf16_order(left: &str, right: &str) -> Ordering {
    // U+E000 is EE 80 80 in UTF-8; below that byte both orders agree.
    let plain = |text: &str| text.bytes().all(|byte| byte < 0xEE);
    if plain(left) && plain(right) { left.cmp(right) } else { left.encode_utf16().cmp(right.encode_utf16()) }
}

fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), Refusal> {
    if let Some(integer) = number.as_i64() {
        if integer.unsigned_abs() > SAFE_INTEGER_MAX.unsigned_abs() {
            return Err(unsafe_integer());
        }
        append_integer(out, integer);
        return Ok(());
    }
    match number.as_f64() {
        // An integer that fits `u64` alone is far beyond 2^53.
        Some(float) if !number.is_u64() => {
            out.extend_from_slice(ryu_js::Buffer::new().format(float).as_bytes());
            Ok(())
        }
        _ => Err(unsafe_integer()),
    }
}

fn unsafe_integer() -> Refusal {
    Refusal::new("integer_range", "integers must lie within plus and minus (2^53 - 1); write larger ones as strings")
}

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod tests;
