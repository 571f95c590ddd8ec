//! The commands, one file each: parse, call, print.

pub mod backup;
pub mod clean;
pub mod collections;
pub mod compare;
pub mod control;
pub mod doctor;
pub mod explain;
pub mod export;
pub mod extractors;
pub mod fingerprint;
pub mod ledger;
pub mod ls;
pub mod migrate;
pub mod pipelines;
pub mod projections;
pub mod redteam;
pub mod replay;
pub mod restore;
pub mod run;
pub mod runs;
pub mod sample;
pub mod scan;
pub mod show;
pub mod sources;
pub mod verify;
pub mod watch;
