//! What happens: runs are planned, leased, done in confined extractor processes, checked and committed.
//!
//! Two kinds of process live here and are never mixed up. The *host* ([`engine`], `host`, `worker`) is trusted: it has the store and the
//! blobs, leases units, spawns, checks and commits, and never opens media with a decoder. The *extractor process* ([`supervisor`],
//! [`confine`], [`child`]) is confined by the kernel before it sees media; [`protocol`] is all that passes between the two.
//!
//! Read in this order: [`extractor`] (what an extractor is), [`plugin`] and [`registry`] (those that are not built in, and all of them
//! under one view), [`pipeline`] (what a run does), [`engine`] (make, work off, cancel, resume, retry), [`dispatch`] (`next_units`),
//! `worker` and [`process`] (feeding a process), [`commit`], then [`supervisor`] and [`confine`], and last [`redteam`], which tries to
//! break out of both.

pub mod benchmark;
pub mod child;
pub mod commit;
pub mod confine;
pub mod disk;
pub mod dispatch;
pub mod engine;
pub mod extractor;
pub mod host;
pub mod lineage;
pub mod memory;
pub mod originals;
pub mod pipeline;
pub mod plugin;
pub mod process;
pub mod protocol;
pub mod redteam;
pub mod registry;
pub mod replay;
pub mod runner;
pub mod scratch;
pub mod status;
pub mod supervisor;
pub mod trial;
pub mod usage;

mod guard;
mod inputs;
mod retry;
mod worker;

pub use engine::{Engine, EngineOptions, RunRequest, WorkEnd};
pub use host::RunError;
pub use retry::Which;
