//! The server: one list of routes becomes router, guard and OpenAPI document; logins, limits, operations and the embedded web UI.
//!
//! It binds first and opens later ([`Server`]): until the database is there, everything but `/healthz` answers that it is not ready.
//! Rooms own their routes; the program hands them over in [`Opened`]. Read in this order: [`serve`] (connections), `answer` (what every
//! request goes through), `router`, `door` (scopes, limits, audit), `access` and `session` (who asks), `origin` (from where).

mod access;
mod answer;
mod audit;
mod door;
mod metrics;
mod operations;
mod origin;
mod patience;
mod router;
mod serve;
mod session;
mod shared;
mod status;
mod throttle;
mod token;
mod ui;

#[cfg(test)]
mod limit_tests;

pub use access::{LOGIN_MINUTES, SESSION_DAYS, login_link, new_token};
pub use audit::AuditLine;
pub use serve::Server;
pub use shared::{Counters, Doctor, Limits, Opened, Options, Reason, SharedSecret};
pub use token::{CHANCE_BYTES, Token};
