//! Strict reading of the fields of an object: each is asked for once, and what nobody asked for is unknown.

use std::cell::RefCell;
use std::collections::BTreeSet;

use exhibit_model::json::pointer_push;
use exhibit_model::time::{NoMoment, Timestamp};
use serde_json::{Map, Value};

use super::rejection::Details;
use crate::money::Nano;

/// The largest integer that every JSON reader keeps exactly.
const INTEGER_MAX: i64 = exhibit_model::json::SAFE_INTEGER_MAX;

/// What goes on while a body is read.
pub(crate) struct Reading {
    /// What is wrong so far.
    pub(crate) details: RefCell<Details>,
    /// Whether unknown fields are left out instead of refused, and how many were.
    pub(crate) lenient: bool,
    /// Fields that were left out.
    pub(crate) dropped: RefCell<u64>,
    /// Whether integers stand for ids.
    pub(crate) integer_ids: bool,
    /// JSON pointers, in the canonical document, of what is not taken over as it was sent: what is wrong within it does not matter.
    pub(crate) passed_over: RefCell<BTreeSet<String>>,
}

impl Reading {
    /// Nothing is left out, and ids are texts.
    pub(crate) fn strict() -> Self {
        Self {
            details: RefCell::default(),
            lenient: false,
            dropped: RefCell::default(),
            integer_ids: false,
            passed_over: RefCell::default(),
        }
    }

    /// Notes a problem.
    pub(crate) fn wrong(&self, field: impl Into<String>, message: impl Into<String>) {
        self.details.borrow_mut().add(field, message);
    }
}

/// An object whose fields are taken out one by one. `null` is the same as absent.
pub(crate) struct Fields<'a> {
    reading: &'a Reading,
    /// The path of the object in the canonical document, with a dot at the end unless it is the root.
    path: String,
    map: Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(reading: &'a Reading, path: &str, map: Map<String, Value>) -> Self {
        let path = if path.is_empty() { String::new() } else { format!("{path}.") };
        Self { reading, path, map }
    }

    /// The name of a field in the canonical document.
    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// Notes that a field is not taken over as it was sent.
    fn pass_over(&self, name: &str) {
        let parent = self.path.replace(['[', '.'], "/").replace(']', "");
        let mut pointer = if parent.is_empty() { parent } else { format!("/{}", parent.trim_end_matches('/')) };
        pointer_push(&mut pointer, name);
        self.reading.passed_over.borrow_mut().insert(pointer);
    }

    pub(crate) fn wrong(&self, name: &str, message: impl Into<String>) {
        self.reading.wrong(self.path_of(name), message);
    }

    /// Takes a field out, whatever it is.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    /// A text that has to be there.
    pub(crate) fn text(&mut self, name: &str, bytes_max: usize) -> Option<String> {
        match self.take(name) {
            Some(Value::String(text)) if !text.is_empty() => self.bounded(name, text, bytes_max),
            _ => {
                self.wrong(name, "must be a non-empty string");
                None
            }
        }
    }

    /// A text that may be absent; an empty one is the same as none.
    pub(crate) fn maybe_text(&mut self, name: &str, bytes_max: usize) -> Option<String> {
        match self.take(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => self.bounded(name, text, bytes_max),
            _ => {
                self.wrong(name, "must be a string");
                None
            }
        }
    }

    fn bounded(&self, name: &str, text: String, bytes_max: usize) -> Option<String> {
        if text.len() > bytes_max {
            self.wrong(name, format!("exceeds {bytes_max} bytes"));
            return None;
        }
        Some(text)
    }

    /// Where integers stand for ids, the field becomes their decimal text.
    fn id_as_text(&mut self, name: &str) {
        if let Some(Value::Number(number)) = self.map.get(name)
            && self.reading.integer_ids
            && (number.is_i64() || number.is_u64())
        {
            let text = number.to_string();
            self.pass_over(name);
            self.map.insert(name.to_owned(), Value::String(text));
        }
    }

    /// An id that has to be there.
    pub(crate) fn id(&mut self, name: &str) -> Option<String> {
        self.id_as_text(name);
        self.text(name, super::TEXT_BYTES_MAX)
    }

    /// An id that may be absent.
    pub(crate) fn maybe_id(&mut self, name: &str) -> Option<String> {
        self.id_as_text(name);
        self.maybe_text(name, super::TEXT_BYTES_MAX)
    }

    /// A word from a closed list that has to be there.
    pub(crate) fn word<T>(&mut self, name: &str, known: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name, super::TEXT_BYTES_MAX)?;
        self.known(name, &text, known)
    }

    /// A word from a closed list that may be absent.
    pub(crate) fn maybe_word<T>(&mut self, name: &str, known: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.maybe_text(name, super::TEXT_BYTES_MAX)?;
        self.known(name, &text, known)
    }

    fn known<T>(&self, name: &str, text: &str, known: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = known(text);
        if found.is_none() {
            self.wrong(name, "unsupported value");
        }
        found
    }

    /// A moment that has to be there.
    pub(crate) fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name, super::TEXT_BYTES_MAX)?;
        self.moment(name, &text)
    }

    /// A moment that may be absent.
    pub(crate) fn maybe_time(&mut self, name: &str) -> Option<Timestamp> {
        match self.take(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => self.moment(name, &text),
            _ => {
                self.wrong(name, "must be an RFC 3339 date-time with offset");
                None
            }
        }
    }

    fn moment(&self, name: &str, text: &str) -> Option<Timestamp> {
        // The canonical document counts microseconds, in an integer that every reader keeps.
        let found = Timestamp::read(text).and_then(|moment| match moment.0.abs() <= INTEGER_MAX {
            true => Ok(moment),
            false => Err(NoMoment::OutOfRange),
        });
        match found {
            Ok(moment) => return Some(moment),
            Err(NoMoment::NotRfc3339) => self.wrong(name, "must be an RFC 3339 date-time with offset"),
            Err(NoMoment::OutOfRange) => self.wrong(name, "is out of range"),
        }
        None
    }

    /// A count that may be absent: 0 to 2^53 - 1.
    pub(crate) fn maybe_count(&mut self, name: &str) -> Option<i64> {
        match self.take(name)? {
            Value::Number(number) => match number.as_i64() {
                Some(count) if (0..=INTEGER_MAX).contains(&count) => Some(count),
                _ if number.as_f64().is_some_and(|count| count > INTEGER_MAX as f64) => {
                    self.wrong(name, "is out of range");
                    None
                }
                _ => {
                    self.wrong(name, "must be a non-negative integer");
                    None
                }
            },
            _ => {
                self.wrong(name, "must be a non-negative integer");
                None
            }
        }
    }

    /// An amount of USD that may be absent, in nano-USD: 0 to 2^53 - 1 of them.
    pub(crate) fn maybe_money(&mut self, name: &str) -> Option<Nano> {
        let Value::Number(number) = self.take(name)? else {
            self.wrong(name, "must be a non-negative number");
            return None;
        };
        if number.as_f64().is_some_and(|usd| usd < 0.0) {
            self.wrong(name, "must be a non-negative number");
            return None;
        }
        let found = Nano::from_usd(&number).filter(|nano| nano.0 <= INTEGER_MAX);
        if found.is_none() {
            self.wrong(name, "is out of range");
        }
        found
    }

    /// An object that may be absent.
    pub(crate) fn maybe_object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.take(name)? {
            Value::Object(map) => Some(map),
            _ => {
                self.wrong(name, "must be an object");
                None
            }
        }
    }

    /// An object that has to be there.
    pub(crate) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        if self.map.get(name).is_none_or(Value::is_null) {
            self.wrong(name, "must be an object");
        }
        self.maybe_object(name)
    }

    /// A list of objects that may be absent, each with its place; `called` is its name in the canonical document.
    pub(crate) fn objects(&mut self, name: &str, called: &str) -> Vec<(usize, Map<String, Value>)> {
        let items = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.wrong(called, "must be an array");
                return Vec::new();
            }
        };
        let mut objects = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::Object(map) => objects.push((index, map)),
                _ => self.wrong(&format!("{called}[{index}]"), "must be an object"),
            }
        }
        objects
    }

    /// The end: what is left is unknown.
    pub(crate) fn finish(self) {
        for name in self.map.keys() {
            if self.reading.lenient {
                *self.reading.dropped.borrow_mut() += 1;
                self.pass_over(name);
            } else {
                self.wrong(name, "unsupported field");
            }
        }
    }
}
