//! From bytes to a document.

use std::cell::RefCell;
use std::collections::BTreeMap;

use exhibit_model::canonical::to_canonical;
use exhibit_model::digest::Digest;
use exhibit_model::findings::Findings;
use exhibit_model::json::{JsonLimits, check_value, parse_told};
use serde_json::{Map, Value};

use super::call::{self, Call};
use super::canonical::{call_value, event_value, value_of};
use super::event::{self, Event};
use super::fields::{Fields, Reading};
use super::rejection::{Details, Rejection};
use super::session::{self, Session};

/// A version of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// No envelope: `{session,events?}`, where that is allowed.
    Bare,
    /// `{session,events?}`.
    V1,
    /// `{run,timeline?}`, and integers stand for ids.
    V2,
    /// `{session,calls?,events?}`.
    V3,
}

impl Version {
    /// The word, as counters use it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }

    /// Names of the session and of the events in its payload.
    fn names(self) -> (&'static str, &'static str) {
        if self == Self::V2 { ("run", "timeline") } else { ("session", "events") }
    }
}

/// What a gate lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Documents without an envelope; unknown fields of theirs are left out and counted.
    pub allow_bare: bool,
}

/// Where each event stood in what was sent. No part of what is said, so two documents with different places may be equal.
#[derive(Debug, Clone, Default)]
pub struct Places(BTreeMap<String, usize>);

impl Places {
    fn note(&mut self, event_id: &str, place: usize) {
        self.0.entry(event_id.to_owned()).or_insert(place);
    }

    /// Where an event stood, from 0.
    pub fn of(&self, event_id: &str) -> Option<usize> {
        self.0.get(event_id).copied()
    }
}

impl PartialEq for Places {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// A session with its events and calls, as the contract understands them.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The version that it came in.
    pub version: Version,
    /// The key that the sender gave it.
    pub idempotency_key: Option<String>,
    /// Who sent it, in the sender's words.
    pub source: Option<String>,
    /// The session.
    pub session: Session,
    /// Its events, by place, time and id.
    pub events: Vec<Event>,
    /// Where each event stood in what was sent, for refusals that name one.
    pub event_places: Places,
    /// Its calls, by id.
    pub calls: Vec<Call>,
    /// RFC 8785 of `{calls,events,session}`.
    pub canonical: Vec<u8>,
    /// SHA-256 of it.
    pub fingerprint: Digest,
    /// Unknown fields that were left out.
    pub dropped_fields: u64,
}

impl Document {
    /// Makes the document that a v3 envelope of these parts would be: each call and event once, in their order, with canonical form and
    /// fingerprint. For collectors, which read no envelope. Of two calls with one id the later in the list stands, as a later record is the
    /// better one; of two events the first, as events do not change.
    ///
    /// # Errors
    /// What no sender could say either: integers beyond 2^53 - 1, U+0000 in a text, an object nested too deep.
    pub fn assemble(source: &str, session: Session, events: Vec<Event>, calls: Vec<Call>) -> Result<Self, Rejection> {
        let mut by_id: BTreeMap<String, Event> = BTreeMap::new();
        let mut event_places = Places::default();
        for (place, event) in events.into_iter().enumerate() {
            event_places.note(&event.event_id, place);
            by_id.entry(event.event_id.clone()).or_insert(event);
        }
        let mut events: Vec<Event> = by_id.into_values().collect();
        sort_events(&mut events);
        let calls: BTreeMap<String, Call> = calls.into_iter().map(|call| (call.call_id.clone(), call)).collect();
        let calls: Vec<Call> = calls.into_values().collect();
        let value = value_of(&session, &events, &calls);
        check_value(&value).into_result(()).map_err(|findings| not_read(&findings))?;
        let canonical = to_canonical(&value).map_err(|findings| not_read(&findings))?;
        let fingerprint = Digest::of(&canonical);
        let source = Some(source.to_owned());
        let (version, idempotency_key, dropped_fields) = (Version::V3, None, 0);
        Ok(Self {
            version,
            idempotency_key,
            source,
            session,
            events,
            event_places,
            calls,
            canonical,
            fingerprint,
            dropped_fields,
        })
    }
}

/// Reads a body. The first stage that fails answers, with all its problems: size, JSON, root and version, known version, payload and fields.
///
/// # Errors
/// What is wrong, in words that do not change.
pub fn decode(bytes: &[u8], options: Options) -> Result<Document, Rejection> {
    decode_told(bytes, options).1
}

/// Reads a body, and tells its version as far as it was read.
pub fn decode_told(bytes: &[u8], options: Options) -> (Option<Version>, Result<Document, Rejection>) {
    let mut version = None;
    let document = read(bytes, options, &mut version);
    (version, document)
}

fn read(bytes: &[u8], options: Options, told: &mut Option<Version>) -> Result<Document, Rejection> {
    if bytes.len() > super::BODY_BYTES_MAX {
        return Err(Rejection::TooLarge);
    }
    let limits = JsonLimits::of_bytes(super::BODY_BYTES_MAX);
    let (value, findings) = parse_told(bytes, &limits).map_err(|_| Rejection::NotJson)?;
    let Value::Object(mut root) = value else {
        return Err(Rejection::invalid("payload", "payload must be an object"));
    };
    let version = version_of(&mut root, options)?;
    *told = Some(version);
    let reading = Reading {
        details: RefCell::default(),
        lenient: version == Version::Bare,
        dropped: RefCell::default(),
        integer_ids: version == Version::V2,
        passed_over: RefCell::default(),
    };
    let mut envelope = Fields::new(&reading, "", root);
    let (idempotency_key, source, payload) = if version == Version::Bare {
        (None, None, Ok(envelope))
    } else {
        let key = envelope.maybe_text("idempotency_key", super::TEXT_BYTES_MAX);
        let source = envelope.maybe_text("source", super::TEXT_BYTES_MAX);
        let payload = match envelope.take("payload") {
            None => Err("is required"),
            Some(Value::Object(payload)) => Ok(Fields::new(&reading, "", payload)),
            Some(_) => Err("must be an object"),
        };
        envelope.finish();
        (key, source, payload)
    };
    let within = if payload.is_ok() && version != Version::Bare { "/payload" } else { "" };
    let said = match payload {
        Err(message) => {
            reading.wrong("payload", message);
            None
        }
        Ok(payload) => read_payload(payload, version, &reading),
    };
    tell_values(&findings, within, version, &reading);
    let details = reading.details.into_inner();
    let Some(said) = said.filter(|_| details.is_empty()) else {
        return Err(Rejection::Invalid(details));
    };
    let (session, events, calls, event_places) = arrange(said)?;
    let value = value_of(&session, &events, &calls);
    if !findings.is_empty() {
        // What was found lies in fields that are left out; the list is bounded, so look whether that is all.
        check_value(&value).into_result(()).map_err(|findings| not_read(&findings))?;
    }
    let canonical = to_canonical(&value).map_err(|findings| not_read(&findings))?;
    let fingerprint = Digest::of(&canonical);
    let dropped_fields = reading.dropped.into_inner();
    Ok(Document {
        version,
        idempotency_key,
        source,
        session,
        events,
        event_places,
        calls,
        canonical,
        fingerprint,
        dropped_fields,
    })
}

/// Takes the version out of the root.
fn version_of(root: &mut Map<String, Value>, options: Options) -> Result<Version, Rejection> {
    match root.remove("envelope_version").filter(|version| !is_falsy(version)) {
        None if options.allow_bare && root.contains_key("session") => Ok(Version::Bare),
        None => Err(Rejection::invalid("envelope_version", "is required")),
        Some(Value::String(word)) => match word.as_str() {
            "v1" => Ok(Version::V1),
            "v2" => Ok(Version::V2),
            "v3" => Ok(Version::V3),
            _ => Err(Rejection::UnsupportedVersion),
        },
        Some(_) => Err(Rejection::UnsupportedVersion),
    }
}

/// What JavaScript takes for false: the older gate asked that way.
fn is_falsy(version: &Value) -> bool {
    match version {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        _ => false,
    }
}

/// What a payload says: events and calls with their places in what was sent.
type Said = (Session, Vec<(usize, Event)>, Vec<(usize, Call)>);

fn read_payload(mut payload: Fields<'_>, version: Version, reading: &Reading) -> Option<Said> {
    let (session_name, events_name) = version.names();
    let session = match payload.take(session_name) {
        Some(Value::Object(map)) => session::read(Fields::new(reading, "session", map), version == Version::V3),
        _ => {
            reading.wrong(session_name, format!("{session_name} object is required"));
            None
        }
    };
    let session_id = session.as_ref().map(|session| session.session_id.as_str());
    let mut events = Vec::new();
    for (index, map) in payload.objects(events_name, "events") {
        let fields = Fields::new(reading, &format!("events[{index}]"), map);
        events.extend(event::read(fields, index, session_id).map(|event| (index, event)));
    }
    let mut calls = Vec::new();
    if version == Version::V3 {
        for (index, map) in payload.objects("calls", "calls") {
            let fields = Fields::new(reading, &format!("calls[{index}]"), map);
            calls.extend(call::read(fields, reading).map(|call| (index, call)));
        }
    }
    payload.finish();
    session.map(|session| (session, events, calls))
}

/// Each event and call once, in their order.
fn arrange((session, events, calls): Said) -> Result<(Session, Vec<Event>, Vec<Call>, Places), Rejection> {
    let mut event_places = Places::default();
    for (index, event) in &events {
        event_places.note(&event.event_id, *index);
    }
    let mut events = once(events, |event| &event.event_id, event_value).map_err(Rejection::event_conflicts)?;
    sort_events(&mut events);
    let mut calls = once(calls, |call| &call.call_id, call_value).map_err(|places| {
        let mut details = Details::default();
        for place in places {
            details.add(format!("calls[{place}].callId"), "unsupported value");
        }
        Rejection::Invalid(details)
    })?;
    calls.sort_by(|left, right| left.call_id.cmp(&right.call_id));
    Ok((session, events, calls, event_places))
}

/// By place, time and id.
fn sort_events(events: &mut [Event]) {
    events.sort_by(|left, right| {
        (left.seq, left.event_ts, &left.event_id).cmp(&(right.seq, right.event_ts, &right.event_id))
    });
}

/// Each id once: what says the same twice counts once. `Err` are the places of those that say something else.
fn once<T>(
    items: Vec<(usize, T)>,
    id: impl Fn(&T) -> &String,
    says: impl Fn(&T) -> Value,
) -> Result<Vec<T>, Vec<usize>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<T> = Vec::with_capacity(items.len());
    let mut others = Vec::new();
    for (index, item) in items {
        match places.get(id(&item)) {
            None => {
                places.insert(id(&item).clone(), kept.len());
                kept.push(item);
            }
            Some(place) if says(&kept[*place]) == says(&item) => {}
            Some(_) => others.push(index),
        }
    }
    if others.is_empty() { Ok(kept) } else { Err(others) }
}

/// Integers beyond 2^53 - 1 and U+0000 in what was sent: each is a problem of its field, unless that has one already or is left out.
/// `within` is where the payload lies.
fn tell_values(findings: &Findings, within: &str, version: Version, reading: &Reading) {
    for finding in findings.iter() {
        let inside = finding.pointer.strip_prefix(within).filter(|rest| rest.starts_with('/'));
        let pointer = canonical_pointer(inside.unwrap_or(&finding.pointer), version);
        let passed_over = reading.passed_over.borrow();
        let mut ends = pointer.match_indices('/').map(|(end, _)| end).chain([pointer.len()]);
        if ends.any(|end| passed_over.contains(&pointer[..end])) {
            continue;
        }
        let field = path_of(&pointer);
        let mut details = reading.details.borrow_mut();
        if !details.has(&field)
            && let Some(message) = message_of(finding.code)
        {
            details.add(field, message);
        }
    }
}

/// A JSON pointer into a payload as the one into the canonical document.
fn canonical_pointer(pointer: &str, version: Version) -> String {
    let (session_name, events_name) = version.names();
    for (sent, named) in [(session_name, "session"), (events_name, "events")] {
        if let Some(rest) = pointer.strip_prefix('/').and_then(|inside| inside.strip_prefix(sent))
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return format!("/{named}{rest}");
        }
    }
    pointer.to_owned()
}

/// The words for a value that no reader keeps.
fn message_of(code: &str) -> Option<&'static str> {
    match code {
        "integer_range" => Some("is out of range"),
        "nul_character" => Some("unsupported value"),
        _ => None,
    }
}

/// A canonical document that cannot be written. Integers beyond 2^53 - 1 and U+0000 are fields that are wrong; all else is no JSON.
fn not_read(findings: &Findings) -> Rejection {
    let mut details = Details::default();
    for finding in findings.iter() {
        let Some(message) = message_of(finding.code) else { return Rejection::NotJson };
        details.add(path_of(&finding.pointer), message);
    }
    Rejection::Invalid(details)
}

/// A JSON pointer into the canonical document as the path in it.
fn path_of(pointer: &str) -> String {
    let mut path = String::new();
    for (depth, token) in pointer.split('/').skip(1).enumerate() {
        let token = token.replace("~1", "/").replace("~0", "~");
        if depth > 0 && !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{token}]"));
        } else {
            if depth > 0 {
                path.push('.');
            }
            path.push_str(&token);
        }
    }
    path
}
