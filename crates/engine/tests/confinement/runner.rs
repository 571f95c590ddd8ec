//! Runs cases one after the other and reports like the standard harness.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

/// One test. It fails by panicking.
pub struct Case {
    pub name: String,
    pub run: Box<dyn Fn()>,
}

impl Case {
    pub fn new(name: impl Into<String>, run: impl Fn() + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

pub fn run(cases: Vec<Case>, arguments: &[String]) -> ExitCode {
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let (chosen, others): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| wanted.is_empty() || wanted.iter().any(|part| case.name.contains(*part)));
    if arguments.iter().any(|argument| argument == "--list") {
        for case in &chosen {
            println!("{}: test", case.name);
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", chosen.len());
    let started = Instant::now();
    let mut failed = Vec::new();
    for case in &chosen {
        let passed = catch_unwind(AssertUnwindSafe(&case.run)).is_ok();
        println!("test {} ... {}", case.name, if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(&case.name);
        }
    }
    if !failed.is_empty() {
        println!("\nfailures:");
        failed.iter().for_each(|name| println!("    {name}"));
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if failed.is_empty() { "ok" } else { "FAILED" },
        chosen.len() - failed.len(),
        failed.len(),
        others.len(),
        started.elapsed().as_secs_f64()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
