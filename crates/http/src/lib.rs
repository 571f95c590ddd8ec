//! What every route shares: one list of routes, problems, scopes, strict input, cursors, and delivery of bytes.
//!
//! A room says what it offers as a list of [`Route`]s. The server makes the router, the guard of scopes and the OpenAPI document from
//! the same list, so that none of them can know a route that the others do not.

mod aside;
mod cursor;
mod deliver;
mod dialect;
mod input;
mod jobs;
pub mod live;
mod openapi;
mod output;
mod problem;
mod route;
mod scope;
mod unpack;

pub use aside::aside;
pub use cursor::{Cursor, Page, PageQuery, limit};
pub use deliver::{Disposition, File, bytes, file};
pub use dialect::{Dialect, Refusal};
pub use input::{At, Body, Empty, Query};
pub use jobs::{Job, JobState, Jobs, NewJob, Watched};
pub use openapi::document;
pub use output::Json;
pub use problem::{ApiError, Mistake};
pub use route::{Access, Answer, Content, Route, Watch};
pub use scope::{Caller, Remote, Scope, Scopes};
pub use unpack::unpacked;
