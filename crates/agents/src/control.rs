//! What agents do now, and acting on them: status, logs, and kill, spawn and model with an audit and a state that was read back.
//!
//! Read in this order: [`words`] (names that are safe to pass on), [`rows`] (what a gateway says about agents and sessions), [`controller`]
//! (the verbs), [`status`] and [`logs`] (what the pages show), [`audit`] and [`actions`] (what a person may do, and how it is proven),
//! [`audit_store`] (where that is kept) and [`controls`] (all of it for async callers). The adapters are [`openclaw`] over [`wire`],
//! [`process`] and [`command`] over `child` and [`guard`], and [`nobody`]; [`fake_gateway`] speaks the other side of the wire.
//!
//! No thread of an async runtime may run what is here but through [`controls`]: every verb blocks, until its deadline at most.

pub mod actions;
mod answer;
pub mod argv;
pub mod audit;
pub mod audit_store;
mod backoff;
mod child;
pub mod command;
pub mod controller;
pub mod controls;
pub mod fake_gateway;
mod flights;
pub mod guard;
pub mod logs;
pub mod nobody;
pub mod openclaw;
pub mod process;
mod requests;
pub mod rows;
mod socket;
pub mod status;
pub mod wire;
pub mod words;

#[cfg(test)]
mod testing;
