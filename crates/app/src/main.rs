//! The binary `exhibit`.

use std::process::ExitCode;

mod cli;
mod clock;
mod commands;
mod config;
mod error;
mod follow;
mod home;
mod output;
mod pipelines;

fn main() -> ExitCode {
    // The same binary is the supervisor of its extractor processes; that has to come before any thread.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == exhibit_engine::supervisor::ARGUMENT) {
        let code = exhibit_engine::supervisor::main(exhibit_extractors::run_built_in);
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    cli::main()
}
