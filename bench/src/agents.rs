//! The agents room: how fast it takes documents in, beside a raw loop over the same rows and beside the older design, over HTTP, and how fast
//! it answers.

pub mod acks;
pub mod http;
pub mod reads;

mod raw;
mod traffic;
