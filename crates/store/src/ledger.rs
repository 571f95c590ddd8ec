//! The ledger as evidence: proofs that a record is in it, checkpoints that it only grows, and the check of everything.

pub mod checkpoint;
pub mod proof;
pub mod verify;
