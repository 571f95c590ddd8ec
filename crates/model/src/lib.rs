//! The words of Exhibit: ids, moments, digests, strict and canonical JSON, the Merkle tree, kinds, lineage, claims and signed notes.
//!
//! Everything here is pure: values in, values out. No file, no socket, no clock and no randomness is touched, so every other crate may
//! depend on this one, and this one depends on none of them. What reads or writes something lives in `store` (databases) or `engine`
//! (processes).
//!
//! Read in this order: [`ids`], [`time`], [`digest`] and [`findings`] are the small words; [`json`] and [`canonical`] say how a document
//! becomes bytes; [`envelope`] and [`lineage`] say what is claimed and how it was found; [`kind`] says what a claim may look like;
//! [`merkle`] and [`note`] make the ledger provable; [`states`] and [`source`] belong to runs and originals.

pub mod canonical;
pub mod digest;
pub mod envelope;
pub mod findings;
pub mod ids;
pub mod json;
pub mod kind;
pub mod lineage;
pub mod merkle;
pub mod note;
pub mod source;
pub mod states;
pub mod time;
pub mod words;
