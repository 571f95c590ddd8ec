//! The binary `exhibit`.

use std::process::ExitCode;

use exhibit_agents::control::guard;

mod cli;
mod clock;
mod commands;
mod config;
mod controls;
mod error;
mod follow;
mod home;
mod machine;
mod output;
mod pipelines;
mod plugins;
mod remote;
mod rooms;
mod serve;
mod trial;

fn main() -> ExitCode {
    // The same binary is the supervisor of its extractor processes; that has to come before any thread.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == exhibit_engine::supervisor::ARGUMENT) {
        let code = exhibit_engine::supervisor::main(run_extractor);
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    // And it guards the agents that a server starts, which it does alone in its process as well.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == controls::GUARD_ARGUMENT) {
        let argv: Result<Vec<String>, _> = std::env::args_os().skip(2).map(std::ffi::OsString::into_string).collect();
        return ExitCode::from(argv.map_or(guard::NOT_STARTED, |argv| guard::run(&argv)));
    }
    cli::main()
}

/// What runs in an extractor process: an extractor, or the attacker of `exhibit redteam`.
fn run_extractor(name: &str, context: &exhibit_engine::supervisor::ChildContext) -> i32 {
    if name == exhibit_engine::redteam::EXTRACTOR {
        return exhibit_engine::redteam::inside(context);
    }
    exhibit_extractors::run_built_in(name, context)
}
