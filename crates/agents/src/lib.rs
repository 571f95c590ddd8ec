//! The agents room: what AI agents did, and what it cost, as evidence.
//!
//! Read in this order: [`contract`] (what is taken in, and how it is refused), [`record`] and [`admission`] (what becomes of it), [`fold`],
//! [`calls`] and [`projection`] (the rows that are shown), [`usage`] (what a call used, whoever counted), [`prices`], [`price_lists`] and
//! [`recompute`] (what that cost, then and under other prices), [`provenance`] (how far a number can be trusted), [`aggregates`], [`sketch`]
//! and [`parity`] (sums by hour and day, and whether they hold), [`retention`] (what goes when its time is over, and what stays of it),
//! [`export`] (sessions for another ledger), [`alerts`] (when a sum is too large, who hears of it, and when it is over), [`collect`] (formats
//! that are read where they lie), [`import`] (files of older versions), [`control`] (agents are stopped, and it is confirmed), then [`room`] and
//! [`ingest`] for how it stands on the spine.

pub mod admission;
pub mod aggregates;
pub mod alerts;
pub mod analytics;
pub mod calls;
pub mod collect;
pub mod contract;
pub mod control;
pub mod export;
pub mod fold;
pub mod http;
pub mod import;
pub mod ingest;
pub mod moment;
pub mod money;
pub mod parity;
pub mod price_lists;
pub mod prices;
pub mod projection;
pub mod provenance;
pub mod recompute;
pub mod record;
pub mod retention;
pub mod room;
mod rows;
pub mod service;
pub mod sketch;
pub mod sql;
pub mod state;
pub mod usage;
