//! Rules about Rust files as such: docs, length, environment.

use super::problem::Problem;
use super::tree::{File, rust_files};

/// Lines that a file should have at most.
const LINES_WANTED: usize = 400;

/// Lines that a file may have at most.
const LINES_MAX: usize = 700;

/// Lines that a file of tests may have at most.
const TEST_LINES_MAX: usize = 1000;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Files outside `app` that may look at the environment, each with its reason.
const ENVIRONMENT_READERS: &[(&str, &str)] = &[
    ("crates/engine/tests/confinement/work.rs", "shows that a confined process inherits no environment"),
    ("crates/server/build.rs", "cargo tells a build script in the environment where its output belongs"),
    ("fuzz/libfuzzer/src/main.rs", "the arguments of its program belong to libFuzzer"),
];

/// Each file says in its first line what it is for.
pub fn module_docs(files: &[File]) -> Vec<Problem> {
    let undocumented = rust_files(files).filter(|(file, _)| {
        let first = file.text.lines().next().unwrap_or_default();
        first.strip_prefix("//!").is_none_or(|sentence| sentence.trim().is_empty())
    });
    undocumented
        .map(|(file, _)| Problem::error(&file.path, 1, "module-docs", "the first line is a sentence after `//!`"))
        .collect()
}

/// Files stay short enough to be read.
pub fn file_length(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, _) in rust_files(files) {
        let lines = file.text.lines().count();
        if LONG_FILES.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        let most = if file.is_test() { TEST_LINES_MAX } else { LINES_MAX };
        if lines > most {
            let message = format!("{lines} lines; at most {most} are allowed: split it by subject");
            problems.push(Problem::error(&file.path, lines, "file-length", message));
        } else if !file.is_test() && lines > LINES_WANTED {
            let message = format!("{lines} lines; {LINES_WANTED} read better");
            problems.push(Problem::warning(&file.path, lines, "file-length", message));
        }
    }
    problems
}

/// The environment is read in one place.
pub fn environment(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, rust) in rust_files(files).filter(|(file, _)| file.crate_name() != Some("app")) {
        if ENVIRONMENT_READERS.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for word in ["env::var", "env::var_os", "env::vars", "env::vars_os", "env::set_var", "env::remove_var"] {
            for at in rust.find_word(word) {
                let message = format!("`{word}` belongs to crates/app alone: pass the value in");
                problems.push(Problem::error(&file.path, file.line_at(at), "environment", message));
            }
        }
    }
    problems
}
