//! What the tests of the collectors share: samples, and a ledger that is just large enough to compare readings.
//!
//! The samples are made by hand from the published formats; nobody ever said what is in them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use exhibit_model::time::Timestamp;
use serde_json::{Value, json};

use super::again::{seen_again, session_again};
use super::{BadLine, LineParser};
use crate::contract::{Call, Counts, Document, Event, Options, Session, Usage, decode};

/// A session as it stands after all documents.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stood {
    pub(super) session: Session,
    pub(super) calls: BTreeMap<String, Call>,
    pub(super) events: BTreeMap<String, Event>,
}

/// The sessions that documents tell of in the end: headers and calls that are told of again merged, the first of each event.
pub(super) fn fold(documents: &[Document]) -> BTreeMap<String, Stood> {
    let mut stood: BTreeMap<String, Stood> = BTreeMap::new();
    for document in documents {
        let id = document.session.session_id.clone();
        let entry = stood.entry(id).or_insert_with(|| Stood {
            session: document.session.clone(),
            calls: BTreeMap::new(),
            events: BTreeMap::new(),
        });
        entry.session = session_again(&entry.session, document.session.clone());
        for call in &document.calls {
            let merged = match entry.calls.get(&call.call_id) {
                Some(known) => seen_again(known, call.clone()),
                None => call.clone(),
            };
            entry.calls.insert(call.call_id.clone(), merged);
        }
        for event in &document.events {
            entry.events.entry(event.event_id.clone()).or_insert_with(|| event.clone());
        }
    }
    stood
}

/// Gives lines to a parser, taking the documents after each line whose number is a multiple of `every`.
pub(super) fn parse(parser: &mut dyn LineParser, text: &[u8], every: usize) -> (Vec<Document>, Vec<BadLine>) {
    let (mut documents, mut bad) = (Vec::new(), Vec::new());
    for (index, line) in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        bad.extend(parser.line(line).err());
        if index % every == 0 {
            documents.extend(parser.take());
        }
    }
    documents.extend(parser.take());
    assert_eq!(parser.refused(), 0);
    (documents, bad)
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/collect").join(name)
}

/// A sample.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Writes a document as the envelope that a sender would post, and checks that the gate reads the same document out of it.
pub(super) fn assert_passes_the_gate(document: &Document) {
    let mut payload: Value = serde_json::from_slice(&document.canonical).expect("canonical");
    as_sent(&mut payload["session"]);
    for list in ["events", "calls"] {
        payload[list].as_array_mut().expect("a list").iter_mut().for_each(as_sent);
    }
    let envelope = json!({ "envelope_version": "v3", "source": document.source, "payload": payload });
    let read = decode(envelope.to_string().as_bytes(), Options::default());
    assert_eq!(read.as_ref(), Ok(document), "{envelope}");
}

/// Times as text and money in dollars.
fn as_sent(value: &mut Value) {
    let map = value.as_object_mut().expect("an object");
    for name in ["startedAt", "endedAt", "terminalAt", "eventTs"] {
        if let Some(at) = map.get_mut(name) {
            *at = Timestamp(at.as_i64().expect("a time")).to_string().into();
        }
    }
    for (name, sent) in [("billedCostNano", "billedCostUsd"), ("estimatedCostNano", "estimatedCostUsd")] {
        if let Some(nano) = map.remove(name) {
            let usd = serde_json::from_str(&format!("{nano}e-9")).expect("a number");
            map.insert(sent.to_owned(), usd);
        }
    }
}

/// Compares documents with the file of expected ones: their canonical forms, as one array. All of them pass the gate of the contract.
pub(super) fn assert_golden(name: &str, documents: &[Document]) {
    documents.iter().for_each(assert_passes_the_gate);
    let made =
        documents.iter().map(|document| serde_json::from_slice::<Value>(&document.canonical).expect("canonical"));
    let made = Value::Array(made.collect());
    let expected: Value = serde_json::from_slice(&sample(name)).expect("JSON");
    assert!(made == expected, "{name} should be:\n{}", serde_json::to_string_pretty(&made).expect("text"));
}

/// A count in the usage of a call, raw or not.
pub(super) fn raw(call: &Call, name: &str) -> Option<i64> {
    match &call.usage {
        Usage::Raw(raw, _) => raw.get(name)?.as_i64(),
        _ => None,
    }
}

/// The buckets of a call that was counted.
pub(super) fn counted(call: &Call) -> Counts {
    match &call.usage {
        Usage::Counted(counts) => *counts,
        other => panic!("not counted: {other:?}"),
    }
}
