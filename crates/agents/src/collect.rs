//! Collectors: from the logs and the telemetry of agents to documents of the contract.
//!
//! The formats are pure code: bytes in, documents out. Read in this order: [`feed`] (which sources there are and what their ids mean),
//! [`gather`] (what one source said since it was last asked), [`claude`], [`codex`] and [`openclaw`] (JSONL files, a line at a time), [`litellm`]
//! (logged payloads), [`otlp`] (traces, logs and metrics over HTTP). Then what is done with them: [`tail`] (reads a growing file), [`discover`]
//! (finds the files), [`submit`] (documents into the ledger, with how far was read), [`runner`] (all of this, over and over), [`idle`] and
//! [`close`] (the end of what fell silent), [`report`] (what was done).
//!
//! # What is kept of a text
//!
//! Nothing that was said to a model or by it, save the first line of the first prompt as the title. The payloads of events hold names and sizes:
//!
//! | event | payload |
//! |---|---|
//! | `tool_call` | `tool`, `toolUseId?`, `inputBytes?`, `outputBytes?`, `durationMs?`, `success?`, `decision?` |
//! | `message` | `role` (`user`), `bytes` of text, `images?` |
//! | `error` | `code`, `message?` (at most 512 bytes), `tool?`, `toolUseId?`, `durationMs?`, `attempt?` |
//!
//! # Where an event stands
//!
//! Sources have no common count of events, and a session may be told by several files and requests. So `seq` is the time of the event in
//! microseconds plus its place in its line: the same however often, in what order and in what pieces the source is read.

pub mod again;
pub mod claude;
pub mod close;
pub mod codex;
mod collected;
pub mod discover;
pub mod feed;
pub mod gather;
pub mod idle;
mod json;
pub mod litellm;
pub mod openclaw;
pub mod otlp;
pub mod report;
pub mod runner;
pub mod submit;
pub mod tail;
mod text;
mod wait;

#[cfg(test)]
pub(crate) mod testing;

use crate::contract::Document;

pub use collected::Collected;
pub use feed::{CallScope, Feed};
pub use gather::Gathering;

/// Why a line says nothing. It is counted and left out; the lines after it are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// It is no JSON object.
    #[error("the line is no JSON object")]
    NotJson,
    /// It is longer, or holds more values, than a line may.
    #[error("the line is too large")]
    TooLarge,
    /// Something that it needs is not in it.
    #[error("the line has no {0}")]
    Incomplete(&'static str),
    /// More sessions than one file or request may tell of.
    #[error("more sessions are told of than are read at once")]
    Sessions,
    /// Nothing was read: take the documents, then give the line again.
    #[error("the documents have to be taken first")]
    Full,
}

/// A JSONL format. One value holds what is known of one file, and has to see its lines from the first one on: who comes back after a restart
/// gives it the lines before the stored offset again ([`tail::Tail::resume`]). That costs reading, and no write.
pub trait LineParser {
    /// Reads the next line, without its line feed.
    ///
    /// # Errors
    /// Why it says nothing. Only [`BadLine::Full`] asks for the same line again.
    fn line(&mut self, line: &[u8]) -> Result<(), BadLine>;

    /// What the lines since the last time said: for each session that something changed of, the header as it is known now, and the calls and
    /// events that are new or changed, in documents of bounded size.
    fn take(&mut self) -> Vec<Document>;

    /// Documents that could not be made although their parts were bounded: zero, unless we made a mistake.
    fn refused(&self) -> u64;
}
