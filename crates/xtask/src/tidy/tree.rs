//! The text files of the repository, read once.

use std::path::Path;

use anyhow::Context as _;

use super::rust_text::RustText;

/// Folders that hold nothing of ours: built, fetched, or input of tests and fuzz targets that breaks rules on purpose.
const FOLDERS_SKIPPED: &[&str] =
    &[".cache", ".git", "corpus", "dist", "fixtures", "node_modules", "target", "testdata"];

/// Endings of files that rules look at.
const ENDINGS: &[&str] = &[
    "css", "html", "js", "json", "lock", "md", "py", "rs", "service", "sh", "sql", "svelte", "toml", "ts", "yaml",
    "yml",
];

/// Files without an ending that rules look at.
const NAMES: &[&str] = &["Makefile", "run"];

/// A longer text is generated; no rule is about such.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// One text file.
#[derive(Debug)]
pub struct File {
    /// From the root of the repository, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The same, told apart into code, comments and strings, when it is Rust.
    pub rust: Option<RustText>,
}

impl File {
    /// True for files of tests and benchmarks.
    pub fn is_test(&self) -> bool {
        let in_folder = self.path.split('/').any(|part| matches!(part, "tests" | "bench" | "benches" | "fuzz"));
        in_folder || self.path.ends_with("/tests.rs") || self.path.ends_with("_tests.rs")
    }

    /// The folder of the crate under `crates/`, when there is one.
    pub fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// The line (from 1) of a byte.
    pub fn line_at(&self, offset: usize) -> usize {
        1 + self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
    }
}

/// The files that are Rust, with their parts.
pub fn rust_files(files: &[File]) -> impl Iterator<Item = (&File, &RustText)> {
    files.iter().filter_map(|file| Some((file, file.rust.as_ref()?)))
}

/// Reads all text files under `root`, sorted by path.
pub fn read(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let place = root.join(&folder);
        for entry in std::fs::read_dir(&place).with_context(|| format!("cannot list {}", place.display()))? {
            let entry = entry.with_context(|| format!("cannot list {}", place.display()))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() && !FOLDERS_SKIPPED.contains(&name.as_str()) {
                folders.push(path);
            } else if kind.is_file() && is_text(&name) && entry.metadata()?.len() <= FILE_BYTES_MAX {
                let text = std::fs::read_to_string(entry.path()).with_context(|| format!("cannot read {path}"))?;
                let rust = path.ends_with(".rs").then(|| RustText::of(&text));
                files.push(File { path, text, rust });
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn is_text(name: &str) -> bool {
    NAMES.contains(&name) || name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}
