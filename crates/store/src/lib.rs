//! How things are kept: two databases with the same answers, the gate, the ledger, operation tables and blobs.
//!
//! Evidence enters through [`Store::append`] and nowhere else; operation tables change through [`Store::write`] or together with
//! evidence; queries run through [`Store::read`]. The drivers are private to `backend` and nothing of them leaves this crate.
//!
//! Read in this order: [`value`] and [`session`] (statements, `Read`, `Tx`), [`store`] (what one opens), [`gate`] and [`append`] (the
//! two halves of the way in), [`ledger`] (proofs and checks), [`sql`] (the repositories, one file per subject), [`filter`] and
//! [`collections`] (which assets), then `writer`, `readers` and `backend` for how it runs.

mod backend;
mod connection;
mod migrate;
mod readers;
mod writer;

pub mod append;
pub mod backup;
pub mod blobs;
pub mod collections;
pub mod delivery;
pub mod error;
pub mod filter;
pub mod gate;
pub mod kinds;
pub mod ledger;
pub mod places;
pub mod progress;
pub mod projection;
pub mod retention;
pub mod room;
pub mod session;
pub mod sql;
pub mod store;
pub mod value;

pub use append::{Accepted, Append, Candidate, Effect, Guard, Receipt, StoredBlob, Taken};
pub use backend::foreign::{ForeignError, ForeignFile, ForeignLimits};
pub use backend::sqlite::Synchronous;
pub use blobs::{Blobs, Staged};
pub use connection::Location;
pub use error::{GateError, StoreError};
pub use gate::{Draft, Gate, Made};
pub use migrate::{MigrationStatus, SPINE_MIGRATIONS};
pub use room::{Admission, Migration, Room, Seq};
pub use session::{Backend, LeaseTime, Read, Tx};
pub use store::{READERS_DEFAULT, SPINE_KINDS, Store, StoreOptions};
pub use value::{FromColumn, FromRow, Row, Sql, Value};
