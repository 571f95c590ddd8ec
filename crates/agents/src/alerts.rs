//! Alerts: rules, the state of each of their instances, and what is sent when a state changes.
//!
//! What decides is pure: times, values and samples come in as arguments, states and transitions go out. `docs/governance.md` says what
//! the figures behind a value mean. Read in this order: [`Rule`] (what is asked), [`Scope`] and [`Instance`] (of whom), [`span_of`] (over
//! which time), [`Measure`] and [`level_of`] (what the answer is), [`step`] (what follows from it), [`Payload`] and [`sign`] (how it is
//! told), [`feed`] (what stands). Around it stands what reads and writes the database: [`repository`] (what people do), [`evaluate`] (what
//! is measured and written in one transaction), [`evaluator`] (when that is done) and [`deliver`] (how it is sent).

pub mod deliver;
pub mod evaluate;
pub mod evaluator;
pub mod repository;

mod channel;
mod delivery;
mod feed;
mod gauge;
mod ids;
mod imported;
mod machine;
mod measure;
mod reading;
mod rule;
mod scope;
mod signature;
mod state;
mod webhook;
mod window;
pub(crate) mod wire;
mod words;

#[cfg(test)]
mod channel_tests;
#[cfg(test)]
mod delivery_tests;
#[cfg(test)]
mod machine_tests;
#[cfg(test)]
mod measure_tests;
#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod scope_tests;
#[cfg(test)]
mod testing;

pub use channel::{Channel, Secret};
pub use delivery::{ATTEMPTS_MAX, DELIVERY_HEADER, Payload, SIGNATURE_HEADER, retry_delay};
pub use feed::{ActiveAlert, FEED_HOURS, FEED_ROWS_MAX, feed};
pub use gauge::Reading;
pub use ids::{DeliveryId, RuleId, TransitionId};
pub use machine::{Input, Stepped, step};
pub use measure::{Measure, level_of, p95};
pub use reading::Problem;
pub use rule::Rule;
pub use scope::{INSTANCES_MAX, Instance, Opened, Scope, instances};
pub use signature::{SignatureError, sign, verify};
pub use state::{Standing, State, Transition};
pub use window::{Span, WindowError, Zone, span_of};
pub use words::{Cause, Comparison, Level, Lifecycle, Metric, NoData, ScopeType, TransitionKind, Window};
