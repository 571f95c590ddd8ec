//! What is wrong with a body, in exact bytes.

use std::collections::BTreeSet;

use serde::Serialize;

/// One problem with one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Detail {
    /// The field, as the canonical document names it: `session.x`, `events[0].x`, `calls[0].x`.
    pub field: String,
    /// What is wrong with it, in words that do not change.
    pub message: String,
}

/// Problems that one answer lists; a body with more is not mended by reading them.
const DETAILS_MAX: usize = 1_000;

/// Problems in byte order of field and message, without doubles; beyond a thousand the last ones are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details(BTreeSet<Detail>);

impl Details {
    /// Adds a problem.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.insert(Detail { field: field.into(), message: message.into() });
        if self.0.len() > DETAILS_MAX {
            self.0.pop_last();
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Detail> {
        self.0.iter()
    }

    /// Whether something is wrong with that field.
    pub fn has(&self, field: &str) -> bool {
        let first = Detail { field: field.to_owned(), message: String::new() };
        self.0.range(first..).next().is_some_and(|detail| detail.field == field)
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a body is not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// 400: no JSON, or JSON that two readers could understand differently.
    NotJson,
    /// 400: fields that are not as the contract says.
    Invalid(Details),
    /// 409: something else was taken in under this key or these ids.
    Conflict(Details),
    /// 413: more than the largest body.
    TooLarge,
    /// 422: a version of the contract that nobody knows.
    UnsupportedVersion,
}

impl Rejection {
    /// One problem.
    pub fn invalid(field: &str, message: &str) -> Self {
        let mut details = Details::default();
        details.add(field, message);
        Self::Invalid(details)
    }

    /// 409 for the key of an envelope.
    pub fn key_conflict() -> Self {
        let mut details = Details::default();
        details.add("idempotency_key", "conflicting payload for idempotency key");
        Self::Conflict(details)
    }

    /// 409 for the ids of events, by their places.
    pub fn event_conflicts(places: impl IntoIterator<Item = usize>) -> Self {
        let mut details = Details::default();
        for place in places {
            details.add(format!("events[{place}].eventId"), "conflicting content for event id");
        }
        Self::Conflict(details)
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotJson | Self::Invalid(_) => 400,
            Self::Conflict(_) => 409,
            Self::TooLarge => 413,
            Self::UnsupportedVersion => 422,
        }
    }

    /// The word that counters use.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson => "INVALID_JSON",
            Self::Invalid(_) => "VALIDATION_ERROR",
            Self::Conflict(_) => "IDEMPOTENCY_CONFLICT",
            Self::TooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedVersion => "UNSUPPORTED_CONTRACT_VERSION",
        }
    }

    /// The body of the answer: the same bytes for the same mistake, without time, id or language of the machine.
    pub fn body(&self) -> Vec<u8> {
        let one = |field: &str, message: String| vec![Detail { field: field.to_owned(), message }];
        let (message, details) = match self {
            Self::NotJson => return br#"{"error":"Invalid JSON payload"}"#.to_vec(),
            Self::Invalid(details) => ("Invalid ingest payload", details.0.iter().cloned().collect()),
            Self::Conflict(details) => ("IDEMPOTENCY CONFLICT", details.0.iter().cloned().collect()),
            Self::TooLarge => ("PAYLOAD TOO LARGE", one("body", format!("exceeds {} bytes", super::BODY_BYTES_MAX))),
            Self::UnsupportedVersion => {
                ("UNSUPPORTED CONTRACT VERSION", one("envelope_version", "unsupported".to_owned()))
            }
        };
        error_body(self.code(), message, &details)
    }
}

/// `{"error":{"code":…,"message":…,"details":[…]}}` in this order, without spaces.
pub(crate) fn error_body(code: &str, message: &str, details: &[Detail]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Inner<'a>,
    }
    #[derive(Serialize)]
    struct Inner<'a> {
        code: &'a str,
        message: &'a str,
        details: &'a [Detail],
    }
    // Strings cannot fail to be written.
    serde_json::to_vec(&Body { error: Inner { code, message, details } }).unwrap_or_default()
}
