//! What came of a body: documents, and what was left out.

use super::{BadLine, Gathering};
use crate::contract::Document;

/// What a body of records said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collected {
    /// The documents, to be taken in together.
    pub documents: Vec<Document>,
    /// Records that were read, those included that say nothing about agents.
    pub accepted: u64,
    /// Records that were left out.
    pub rejected: u64,
    /// Why the first of them was, for people.
    pub message: Option<String>,
}

impl Collected {
    /// Counts a record.
    pub(super) fn note(&mut self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.accepted += 1,
            Err(message) => self.reject(1, message),
        }
    }

    /// Counts records that were left out for one reason.
    pub(super) fn reject(&mut self, records: u64, message: String) {
        self.rejected = self.rejected.saturating_add(records);
        self.message.get_or_insert(message);
    }

    /// Takes documents when no more can wait.
    pub(super) fn make_room(&mut self, gathering: &mut Gathering) {
        if gathering.room() == Err(BadLine::Full) {
            self.documents.extend(gathering.take());
        }
    }

    /// Takes the last documents.
    pub(super) fn finish(mut self, mut gathering: Gathering) -> Self {
        self.documents.extend(gathering.take());
        if gathering.refused() > 0 {
            self.reject(gathering.refused(), "a document could not be made".to_owned());
        }
        self
    }
}
