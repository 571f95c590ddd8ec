//! Attributes of a record, looked up by name.

use serde_json::Value;

use super::wire::{KeyValue, Scalar};
use crate::collect::json::{count, usd, whole};
use crate::collect::text;
use crate::money::Nano;

/// The attributes of one record or of one resource. Of two with one name the first stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [KeyValue]);

impl<'a> Attributes<'a> {
    fn get(self, name: &str) -> Option<&'a Scalar> {
        self.0.iter().find(|attribute| attribute.key == name)?.value.as_ref()?.value.as_ref()
    }

    /// A text that is not empty.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Scalar::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// The first of these names with a text, cut to what a field holds.
    pub(super) fn short(self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| text::short(self.text(name)?))
    }

    /// The first of these names with an id; numbers are ids, too.
    pub(super) fn id(self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| match self.get(name)? {
            Scalar::Text(text) => text::id(text),
            Scalar::Whole(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// The first of these names with a count: some senders write numbers as text.
    pub(super) fn count(self, names: &[&str]) -> Option<i64> {
        names.iter().find_map(|name| match self.get(name)? {
            Scalar::Whole(number) => count(&Value::from(*number)),
            Scalar::Double(number) => whole(*number).filter(|count| *count >= 0),
            Scalar::Text(digits) => digits.trim().parse().ok().and_then(|number: i64| count(&Value::from(number))),
            Scalar::Flag(_) => None,
        })
    }

    /// Milliseconds, rounded: some senders measure with a fraction.
    pub(super) fn millis(self, name: &str) -> Option<i64> {
        let millis = match self.get(name)? {
            Scalar::Double(number) => whole(number.round())?,
            Scalar::Text(digits) => whole(digits.trim().parse::<f64>().ok()?.round())?,
            _ => return self.count(&[name]),
        };
        (millis >= 0).then_some(millis)
    }

    /// An amount of USD.
    pub(super) fn usd(self, name: &str) -> Option<Nano> {
        match self.get(name)? {
            Scalar::Double(number) => usd(&Value::from(*number)),
            Scalar::Whole(number) => usd(&Value::from(*number)),
            Scalar::Text(decimal) => usd(&Value::from(decimal.as_str())),
            Scalar::Flag(_) => None,
        }
    }

    /// Whether something is so; some senders write it as text.
    pub(super) fn flag(self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Scalar::Flag(flag) => Some(*flag),
            Scalar::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whether an attribute of this name is there, of any kind that is read.
    pub(super) fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// Nanoseconds since 1970 as a moment; zero is no time.
pub(super) fn moment(nanos: u64) -> Option<exhibit_model::time::Timestamp> {
    let micros = i64::try_from(nanos / 1_000).ok().filter(|micros| *micros > 0)?;
    crate::collect::json::within(exhibit_model::time::Timestamp(micros))
}
