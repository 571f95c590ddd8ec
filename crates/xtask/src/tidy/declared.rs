//! The rule about forgotten files: each Rust file is declared by a module, or no compiler and no test ever sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::problem::Problem;
use super::rust_text::RustText;
use super::tree::{File, rust_files};

/// Files under `crates/` that no `mod` leads to.
pub fn forgotten_files(files: &[File]) -> Vec<Problem> {
    let known: BTreeMap<&str, (&File, &RustText)> = rust_files(files)
        .filter(|(file, _)| file.path.starts_with("crates/"))
        .map(|(file, rust)| (file.path.as_str(), (file, rust)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<&str> = known.keys().copied().filter(|path| is_root(path)).collect();
    while let Some(path) = waiting.pop() {
        let Some((file, rust)) = known.get(path).filter(|_| seen.insert(path)) else { continue };
        for candidate in declarations(file, rust) {
            waiting.extend(known.get_key_value(candidate.as_str()).map(|(path, _)| *path));
        }
    }
    let forgotten = known.keys().filter(|path| !seen.contains(*path));
    forgotten
        .map(|path| Problem::error(path, 1, "forgotten-file", "no `mod` declares this file, so it is never compiled"))
        .collect()
}

/// Where cargo starts to compile: `crates/<name>/` and then a build script, a library, a program, a test, a benchmark or an example.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    let (first, rest) = parts.split_first().unwrap_or((&"", &[]));
    match (*first, rest) {
        ("build.rs", []) => true,
        ("src", ["lib.rs" | "main.rs"] | ["bin", _] | ["bin", _, "main.rs"]) => true,
        ("tests" | "benches" | "examples", rest) => matches!(rest, [_] | [_, "main.rs"]),
        _ => false,
    }
}

/// The files that the `mod name;` items of a file may mean.
fn declarations(file: &File, rust: &RustText) -> Vec<String> {
    let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let stem = name.trim_end_matches(".rs");
    let below = if is_root(&file.path) || stem == "mod" { folder.to_owned() } else { format!("{folder}/{stem}") };
    let mut found = Vec::new();
    for at in rust.find_word("mod") {
        let item = rust.code[at + 3..].trim_start();
        let Some(module) = item.split_once(';').map(|(module, _)| module.trim_end()) else { continue };
        if module.is_empty() || !module.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let item_start = rust.code[..at].rfind([';', '{', '}']).unwrap_or(0);
        match path_attribute(file, rust, item_start..at) {
            Some(path) => found.push(joined(folder, &path)),
            None => {
                // Within `mod outer { mod inner; }` the file lies one folder deeper.
                let outer = enclosing_module(&rust.code[..at]).map(|outer| format!("{below}/{outer}"));
                for place in std::iter::once(below.clone()).chain(outer) {
                    found.push(format!("{place}/{module}.rs"));
                    found.push(format!("{place}/{module}/mod.rs"));
                }
            }
        }
    }
    found
}

/// The text of `#[path = "…"]` within the attributes of an item.
fn path_attribute(file: &File, rust: &RustText, item: Range<usize>) -> Option<String> {
    let attribute = item.start + rust.code[item.clone()].find("#[path")?;
    let inside = rust.strings.iter().find(|range| range.start > attribute && range.end < item.end)?;
    Some(file.text[inside.clone()].to_owned())
}

/// The name of an inline module that is still open at the end of `code`.
fn enclosing_module(code: &str) -> Option<&str> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().rev() {
        match byte {
            b'}' => depth += 1,
            b'{' if depth > 0 => depth -= 1,
            b'{' => {
                let mut words = code[..at].split_whitespace().rev();
                let name = words.next()?;
                return (words.next() == Some("mod")).then_some(name);
            }
            _ => {}
        }
    }
    None
}

/// `folder/path` without `.` and `..`.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}
