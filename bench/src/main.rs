//! Side-by-side measurements: Exhibit and what it is compared with, in one run, on the same data, in turn.
//!
//! `bench/run` builds the release binary and calls this with its path and, perhaps, the names of some of the measurements.

use std::path::PathBuf;
use std::process::ExitCode;

mod append;
mod measure;
mod noop;
mod report;
mod scan;
mod thumbs;
mod trees;

/// One group of measurements.
type Measurement<'a> = &'a dyn Fn() -> Result<Vec<report::Line>, String>;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(exhibit) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: exhibit-bench PATH-OF-EXHIBIT [append|scan|thumbs|noop]...");
        return ExitCode::from(2);
    };
    let wanted: Vec<String> = arguments.map(|name| name.to_string_lossy().into_owned()).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|given| given == name);
    let mut lines = Vec::new();
    let mut failed = false;
    let measurements: [(&str, Measurement<'_>); 4] = [
        ("append", &append::measure),
        ("scan", &|| scan::measure(&exhibit)),
        ("thumbs", &|| thumbs::measure(&exhibit)),
        ("noop", &|| noop::measure(&exhibit)),
    ];
    for (name, measurement) in measurements.iter().filter(|(name, _)| is_wanted(name)) {
        eprintln!("measuring {name} ...");
        match measurement() {
            Ok(measured) => lines.extend(measured),
            Err(error) => {
                failed = true;
                eprintln!("{name} could not be measured: {error}");
            }
        }
    }
    print!("{}", report::markdown(&lines));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
