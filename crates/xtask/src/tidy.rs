//! The rules of the house, each a function from the tree to its problems.
//!
//! A rule looks at the text of the files ([`tree`]), at what cargo says about the crates ([`metadata`]), or at both. It never changes
//! anything. A new rule is one more line in [`check`], with a fixture tree in the tests that breaks it.

mod code;
mod crates;
mod declared;
mod governance;
mod licences;
mod metadata;
mod migrations;
mod problem;
mod rust_text;
mod sql_text;
mod tree;
mod words;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use problem::{Problem, Severity};

/// Prints one line for each problem; fails when one of them is more than a warning.
pub fn main(root: &Path) -> anyhow::Result<ExitCode> {
    let problems = check(root)?;
    let mut out = std::io::stdout().lock();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    eprintln!("tidy: {errors} errors, {} warnings", problems.len() - errors);
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All problems of the repository at `root`, in the order of paths and lines.
fn check(root: &Path) -> anyhow::Result<Vec<Problem>> {
    let files = tree::read(root)?;
    let metadata = metadata::read(root)?;
    let mut problems = Vec::new();
    problems.extend(crates::layers(&metadata, &files));
    problems.extend(crates::confined_dependencies(&metadata, &files));
    problems.extend(licences::permissive(&metadata, &files));
    problems.extend(code::module_docs(&files));
    problems.extend(code::file_length(&files));
    problems.extend(code::environment(&files));
    problems.extend(sql_text::places(&files));
    problems.extend(declared::forgotten_files(&files));
    problems.extend(governance::cited(&files));
    problems.extend(migrations::pairs(&files));
    problems.extend(words::unfinished_code(&files));
    problems.extend(words::to_do_without_owner(&files));
    problems.extend(words::machine_paths(&files));
    problems.sort();
    problems.dedup();
    Ok(problems)
}

#[cfg(test)]
mod tests;
