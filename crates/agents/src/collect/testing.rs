//! What the tests of the collectors share: samples, and a ledger that is just large enough to compare readings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::again::seen_again;
use super::{BadLine, LineParser};
use crate::contract::{Call, Counts, Document, Event, Session, Usage};

/// A session as it stands after all documents.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stood {
    pub(super) session: Session,
    pub(super) calls: BTreeMap<String, Call>,
    pub(super) events: BTreeMap<String, Event>,
}

/// The sessions that documents tell of in the end: the last header, calls seen again merged, the first of each event.
pub(super) fn fold(documents: &[Document]) -> BTreeMap<String, Stood> {
    let mut stood: BTreeMap<String, Stood> = BTreeMap::new();
    for document in documents {
        let id = document.session.session_id.clone();
        let entry = stood.entry(id).or_insert_with(|| Stood {
            session: document.session.clone(),
            calls: BTreeMap::new(),
            events: BTreeMap::new(),
        });
        entry.session = document.session.clone();
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
pub(super) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compares documents with the file of expected ones: their canonical forms, as one array.
pub(super) fn assert_golden(name: &str, documents: &[Document]) {
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
