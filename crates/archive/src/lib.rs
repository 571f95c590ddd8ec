//! The archive room: catalog a photo and video archive read-only, list it, show it, explain what was found in it.
//!
//! Nothing here opens an original for writing, and nothing here decodes media: facts that need a parser come from extractor processes.
//!
//! Read in this order: [`walk`] and [`media_type`] (what is there), [`scan`] (how it gets into the catalog), [`catalog`] (lists and
//! views), [`companions`] (which files belong together), [`explain`] (from a fact down to the bytes), [`compare`] (two runs side by side),
//! [`verify`] and [`replay`] (is it still so), [`export`] (a copy that can be checked without us), [`fingerprint`] (did anything touch the
//! tree), [`sample`] (an archive to try on), [`http`] (the same over the network).

pub mod catalog;
pub mod collections;
pub mod companions;
pub mod compare;
pub mod envelope;
pub mod explain;
pub mod export;
pub mod extractors;
pub mod fingerprint;
pub mod http;
pub mod ledger;
pub mod library;
pub mod media_type;
pub mod pipelines;
pub mod relocate;
pub mod replay;
pub mod room;
pub mod runs;
pub mod sample;
pub mod scan;
pub mod sources;
pub mod sql;
pub mod target;
pub mod verify;
pub mod walk;

pub use room::ArchiveRoom;
