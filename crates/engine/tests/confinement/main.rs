//! The red team and its control group, through real processes: this binary is the test runner, the host, and the confined extractor.
//!
//! It has no test harness, since a harness has threads, and a supervisor must not. Called with [`ARGUMENT`] it is a supervisor whose
//! extractors are the attacker of the red team and the work of `work.rs`; called otherwise it runs the cases and prints what a harness
//! would. An argument that is not an option selects the cases whose names contain it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(unsafe_code, reason = "attacks are system calls that the standard library does not make")]

mod cases;
mod lifetimes;
mod runner;
mod whole;
mod work;
mod world;

use std::process::ExitCode;

use exhibit_engine::supervisor::{self, ARGUMENT};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(ARGUMENT) => ExitCode::from(u8::try_from(supervisor::main(world::inside)).unwrap_or(u8::MAX)),
        Some(lifetimes::HOST_ARGUMENT) => lifetimes::be_a_host(&arguments[1..]),
        _ => runner::run(cases::all(), &arguments),
    }
}
