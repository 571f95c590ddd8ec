//! Side-by-side measurements: Exhibit and what it is compared with, in one run, on the same data, in turn.
//!
//! `bench/run` builds the release binary and calls this with its path and, perhaps, the names of some of the measurements. Those of
//! `rows.rs` and `soak.rs` take long and run only when they are named, as `make soak` does.

use std::path::PathBuf;
use std::process::ExitCode;

mod agents;
mod append;
mod committed;
mod library;
mod measure;
mod metadata;
mod noop;
mod report;
mod rows;
mod scale;
mod scan;
mod server;
mod soak;
mod thumbs;
mod trees;
mod watch;

use scale::Scale;

/// One group of measurements.
type Measurement<'a> = &'a dyn Fn() -> Result<Vec<report::Line>, String>;

/// What is measured when nothing is named, then what has to be named.
const NAMES: [&str; 9] =
    ["append", "agents-acks", "agents-http", "agents-reads", "scan", "metadata", "thumbs", "noop", "library"];
const LONG_NAMES: [&str; 3] = ["soak-rows", "soak-tree", "soak-archive"];

/// What was asked for.
struct Request {
    exhibit: PathBuf,
    scale: Scale,
    /// A goal that is missed is a failure, where figures say something.
    strict: bool,
    wanted: Vec<String>,
}

fn request() -> Result<Request, String> {
    let mut arguments = std::env::args_os().skip(1);
    let exhibit = PathBuf::from(arguments.next().ok_or("no path was given")?);
    let mut request = Request { exhibit, scale: Scale::Full, strict: false, wanted: Vec::new() };
    for argument in arguments {
        match argument.to_string_lossy().as_ref() {
            "--small" => request.scale = Scale::Small,
            "--strict" => request.strict = true,
            name if NAMES.contains(&name) || LONG_NAMES.contains(&name) => request.wanted.push(name.to_owned()),
            unknown => return Err(format!("there is no measurement {unknown}")),
        }
    }
    if request.wanted.is_empty() {
        request.wanted.extend(NAMES.map(str::to_owned));
    }
    Ok(request)
}

fn main() -> ExitCode {
    let request = match request() {
        Ok(request) => request,
        Err(error) => {
            let names = [&NAMES[..], &LONG_NAMES].concat().join("|");
            eprintln!("{error}; usage: exhibit-bench PATH-OF-EXHIBIT [--small] [--strict] [{names}]...");
            return ExitCode::from(2);
        }
    };
    let Request { exhibit, scale, strict, wanted } = request;
    let mut lines = Vec::new();
    let mut failed = false;
    let measurements: [(&str, Measurement<'_>); 12] = [
        ("append", &|| append::measure(scale)),
        ("agents-acks", &|| agents::acks::measure(scale)),
        ("agents-http", &|| agents::http::measure(&exhibit, scale)),
        ("agents-reads", &|| agents::reads::measure(scale)),
        ("scan", &|| scan::measure(&exhibit, scale)),
        ("metadata", &|| metadata::measure(&exhibit, scale)),
        ("thumbs", &|| thumbs::measure(&exhibit, scale)),
        ("noop", &|| noop::measure(&exhibit, scale)),
        ("library", &|| library::measure(&exhibit, scale)),
        ("soak-rows", &|| rows::measure(scale)),
        ("soak-tree", &|| soak::measure_tree(&exhibit, scale)),
        ("soak-archive", &|| soak::measure_archive(&exhibit, scale)),
    ];
    for (name, measurement) in measurements.iter().filter(|(name, _)| wanted.iter().any(|wanted| wanted == name)) {
        eprintln!("measuring {name} ...");
        match measurement() {
            Ok(measured) => {
                // A trial says nothing of ratios.
                let lost = if scale == Scale::Full { committed::lost(name, &measured) } else { Vec::new() };
                failed |= !lost.is_empty();
                lost.iter().for_each(|lost| eprintln!("lost: {lost}"));
                lines.extend(measured);
            }
            Err(error) => {
                failed = true;
                eprintln!("{name} could not be measured: {error}");
            }
        }
    }
    print!("{}", report::markdown(&lines));
    let missed = strict && scale == Scale::Full && lines.iter().any(|line| !line.ratio.is_met());
    if failed || missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
