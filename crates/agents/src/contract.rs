//! The contract of ingest: strict, versioned, and with the same answer to the same bytes, always.
//!
//! [`decode`] reads an envelope of any version and gives one [`Document`], whose canonical form and fingerprint do not depend on the version,
//! on the order of keys or on how a number or a time was written. What is wrong is a [`Rejection`], whose body is exact: clients compare it.

mod call;
mod canonical;
mod document;
mod event;
mod fields;
mod recorded;
mod rejection;
mod session;

#[cfg(test)]
mod assemble_tests;
#[cfg(test)]
mod tests;

pub use call::{Call, CallStatus, Counts, Semantics, ServiceTier, Usage};
pub use document::{Document, Options, Places, Version, decode, decode_told};
pub(crate) use event::read as read_event;
pub use event::{Event, EventType};
pub(crate) use fields::{Fields, Reading};
pub use recorded::Said;
pub(crate) use recorded::{DocumentForm, said};
pub(crate) use rejection::error_body;
pub use rejection::{Detail, Rejection};
pub use session::Session;
pub(crate) use session::read as read_session;

/// Largest body in bytes.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Longest text of a field that says nothing else, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 256;
