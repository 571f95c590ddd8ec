//! What a room gives the store: migrations, kinds, admission and projection beyond the declared columns.

use std::collections::BTreeSet;

use crate::append::{Accepted, Candidate, Taken};
use crate::error::StoreError;
use crate::session::{Read, Tx};

/// Position of a record in the ledger; the primary key of the record and of its projection rows.
pub type Seq = i64;

/// One numbered, forward-only change of the database.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3, … without a gap.
    pub version: i64,
    /// What it does, in a few words; the name of the file.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

/// What the gate does with a candidate that is valid in itself.
#[derive(Debug, Clone)]
pub enum Admission {
    /// Append and project it.
    New,
    /// It is already recorded; nothing is written and the receipt names the first record.
    Replay(Seq),
    /// Append it, but do not project it: something newer is already there.
    Stale,
    /// Something else is recorded under its id. The whole append is refused; the evidence (a kind of the room) is appended instead.
    Conflict {
        /// What was sent, as a record of its own.
        evidence: Option<Box<Candidate>>,
    },
}

/// A room of the house. The only trait object of the store.
pub trait Room: Send + Sync {
    /// Key of its migration history and owner of its kinds.
    fn name(&self) -> &'static str;

    /// Its migrations, in order. A test refuses a table name used by two rooms.
    fn migrations(&self) -> &'static [Migration] {
        &[]
    }

    /// Its built-in kind files, read by the same parser as a user's.
    fn kinds(&self) -> &'static [&'static str];

    /// Decides for each candidate of its kinds, in the writing transaction: those of one request, or of several that share no key.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn admit(&self, read: &Read<'_>, batch: &[&Candidate]) -> Result<Vec<Admission>, StoreError> {
        default_admission(read, batch)
    }

    /// Whether its admission looks at what `project` wrote. Then nothing of it is admitted while projections are computed anew.
    fn admits_by_projections(&self) -> bool {
        false
    }

    /// Writes what changes with every record that is taken in, also with one that comes too late to be projected (keys, offsets): operation
    /// tables of the room, in the same transaction and before `project`. A rebuild does not call it.
    ///
    /// # Errors
    /// When the database cannot be written.
    fn settle(&self, _tx: &mut Tx<'_>, _taken: &[Taken<'_>]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Writes projections beyond the declared columns.
    ///
    /// # Errors
    /// When the database cannot be written.
    fn project(&self, _tx: &mut Tx<'_>, _accepted: &[Accepted]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Takes the rows of the records from `first` to `last` out of the projections that `project` fills, because their payloads go; required
    /// with `project`.
    ///
    /// # Errors
    /// When the database cannot be written.
    fn remove(&self, _tx: &mut Tx<'_>, _first: Seq, _last: Seq) -> Result<(), StoreError> {
        Ok(())
    }

    /// Empties the projections that `project` fills, before a rebuild; required with `project`.
    ///
    /// # Errors
    /// When the database cannot be written.
    fn reset(&self, _tx: &mut Tx<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The admission of a kind without a room: an id that is not recorded yet is new, the same content is a replay, other content is
/// a conflict. (Artifacts are new by construction: the effect of their unit holds the lease.)
///
/// # Errors
/// When the database cannot be read.
pub fn default_admission(read: &Read<'_>, batch: &[&Candidate]) -> Result<Vec<Admission>, StoreError> {
    let ids: Vec<&str> = batch.iter().filter_map(|candidate| candidate.outside_id()).collect();
    let recorded = crate::sql::records::by_record_ids(read, &ids)?;
    let mut seen = BTreeSet::new();
    let admissions = batch.iter().map(|candidate| {
        let Some(record_id) = candidate.outside_id() else { return Admission::New };
        let is_first = seen.insert(record_id);
        match recorded.get(record_id) {
            Some((seq, commitment)) if *commitment == candidate.commitment() => Admission::Replay(*seq),
            None if is_first => Admission::New,
            _ => Admission::Conflict { evidence: None },
        }
    });
    Ok(admissions.collect())
}
