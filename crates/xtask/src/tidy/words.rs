//! Rules about words that must not stay: unfinished code, promises without an owner, paths of one machine.

use super::problem::Problem;
use super::tree::{File, rust_files};

/// Macros that mark unfinished code.
const UNFINISHED: &[&str] = &["dbg!", "todo!", "unimplemented!"];

/// Marks of promises that are never accepted.
const PROMISES: &[&str] = &["FIXME", "HACK", "XXX"];

/// Folders that exist on one machine only, between slashes.
const MACHINE_FOLDERS: &[&str] = &["home", "root", "work"];

/// Unfinished code.
pub fn unfinished_code(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, rust) in rust_files(files) {
        for word in UNFINISHED {
            for at in rust.find_word(word) {
                let message = format!("`{word}` is unfinished code");
                problems.push(Problem::error(&file.path, file.line_at(at), "unfinished-code", message));
            }
        }
    }
    problems
}

/// Promises have an owner and an issue: `TODO(owner, #123)`. In Rust only comments are looked at, elsewhere everything; Markdown may name
/// the word as `code`.
pub fn to_do_without_owner(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| !file.path.ends_with(".lock")) {
        let whole = 0..file.text.len();
        let ranges = file.rust.as_ref().map_or(std::slice::from_ref(&whole), |rust| &rust.comments);
        for range in ranges {
            let first = file.line_at(range.start);
            for (index, line) in file.text[range.clone()].lines().enumerate() {
                let line = without_code_spans(line);
                if let Some(message) = promise_problem(&line) {
                    problems.push(Problem::error(&file.path, first + index, "to-do", message));
                }
            }
        }
    }
    problems
}

fn promise_problem(line: &str) -> Option<String> {
    for mark in PROMISES {
        if has_word(line, mark) {
            return Some(format!("{mark} does not merge: write an issue"));
        }
    }
    let at = word_at(line, "TODO")?;
    let owned = line[at + 4..].strip_prefix('(').and_then(|rest| rest.split_once(')')).is_some_and(|(inside, _)| {
        let Some((owner, issue)) = inside.split_once(", #") else { return false };
        !owner.trim().is_empty() && !issue.is_empty() && issue.bytes().all(|byte| byte.is_ascii_digit())
    });
    (!owned).then(|| "a promise has an owner and an issue: (owner, #123) right after the word".to_owned())
}

/// Paths that exist on one machine only.
pub fn machine_paths(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| !file.path.ends_with(".lock")) {
        for (index, line) in file.text.lines().enumerate() {
            for folder in MACHINE_FOLDERS {
                let path = format!("/{folder}/");
                // After a letter, a digit, a dot, `~` or `}` it is the middle of a longer path, such as that of a web page.
                let starts = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~}*/".contains(c));
                if line.match_indices(&path).any(|(at, _)| starts(at)) {
                    let message = format!("`{path}` is a folder of one machine");
                    problems.push(Problem::error(&file.path, index + 1, "machine-paths", message));
                }
            }
        }
    }
    problems
}

/// The line without what stands between backticks.
fn without_code_spans(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

fn has_word(line: &str, word: &str) -> bool {
    word_at(line, word).is_some()
}

fn word_at(line: &str, word: &str) -> Option<usize> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !line[..*at].ends_with(is_name) && !line[at + word.len()..].starts_with(is_name))
}
