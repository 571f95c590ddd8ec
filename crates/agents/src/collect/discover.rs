//! Finds the session files of agents in their folders. Nothing is opened and nothing written.
//!
//! Symbolic links below a folder are not followed, so that no link leads out of it or in circles; the folder itself may be one, because people
//! keep these folders elsewhere.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use exhibit_model::time::Timestamp;

use super::{Feed, openclaw};

/// Entries that one search looks at, folders included. Some years of daily work are some ten thousand files.
const ENTRIES_MAX: usize = 500_000;

/// How deep Claude Code nests: project, session, `subagents`, and room for one more.
const CLAUDE_DEPTH_MAX: usize = 5;

/// How deep Codex nests: year, month, day.
const CODEX_DEPTH_MAX: usize = 4;

/// How deep OpenClaw nests: agent, `sessions`.
const OPENCLAW_DEPTH_MAX: usize = 3;

/// Longest path in bytes, the limit of Linux.
const PATH_BYTES_MAX: usize = 4_096;

/// Where to look. The caller knows the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folders {
    /// Configuration folders of Claude Code, each with `projects` in it.
    pub claude: Vec<PathBuf>,
    /// Homes of Codex, each with `sessions` and `archived_sessions` in it.
    pub codex: Vec<PathBuf>,
    /// Homes of OpenClaw, each with `agents` in it.
    pub openclaw: Vec<PathBuf>,
}

impl Folders {
    /// The usual folders of a person: below `home`, and where `CLAUDE_CONFIG_DIR` (may name several, parted by commas) and `CODEX_HOME` point.
    pub fn usual(home: &Path, claude_config_dir: Option<&str>, codex_home: Option<&Path>) -> Self {
        let named = claude_config_dir.unwrap_or_default().split(',').map(str::trim).filter(|folder| !folder.is_empty());
        let mut claude: Vec<PathBuf> = named.map(PathBuf::from).collect();
        claude.extend([home.join(".claude"), home.join(".config/claude")]);
        let codex = vec![codex_home.map_or_else(|| home.join(".codex"), Path::to_path_buf)];
        Self { claude, codex, openclaw: vec![home.join(".openclaw")] }
    }
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What is in it.
    pub feed: Feed,
    /// Where it is.
    pub path: String,
    /// Where it was before it was put aside or fetched back: how far it was read there holds here.
    pub formerly: Option<String>,
    /// Its name without its folder.
    pub file_name: String,
    /// The agent that its folder names; empty where the format knows a single one.
    pub agent: String,
    /// What it looks like.
    pub look: Look,
    /// Whether it was put aside: it is read before the file that took its name.
    pub is_aside: bool,
}

/// What a file looks like from outside; one that looks the same is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was last changed.
    pub modified_at: Timestamp,
}

impl Look {
    /// Of what the file system says; a time before 1970 or that it does not know is 1970.
    pub fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let micros = since.and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0);
        Self { size_bytes: metadata.len(), modified_at: Timestamp(micros) }
    }
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Files, those first that were put aside, then by path.
    pub sources: Vec<Source>,
    /// Folders that could not be listed, and files whose path is no text or too long.
    pub unreadable: u64,
    /// Whether there were more entries than one search looks at.
    pub is_cut: bool,
}

/// Looks into the folders. Those that are not there are passed over.
pub fn discover(folders: &Folders) -> Found {
    let mut search = Search { entries_left: ENTRIES_MAX, found: Found::default(), seen: BTreeSet::new() };
    folders.claude.iter().for_each(|folder| search.claude(folder));
    folders.codex.iter().for_each(|folder| search.codex(folder));
    folders.openclaw.iter().for_each(|folder| search.openclaw(folder));
    let mut found = search.found;
    found.sources.sort_by(|left, right| (!left.is_aside, &left.path).cmp(&(!right.is_aside, &right.path)));
    found
}

struct Search {
    entries_left: usize,
    found: Found,
    /// Paths that were found, because folders may be named twice.
    seen: BTreeSet<String>,
}

/// A file below a folder.
struct Entry {
    /// Its path from there, parted by slashes.
    below: Vec<String>,
    path: String,
    look: Look,
}

impl Entry {
    fn file_name(&self) -> &str {
        self.below.last().map(String::as_str).unwrap_or_default()
    }

    fn source(self, feed: Feed) -> Source {
        let file_name = self.file_name().to_owned();
        let (path, look) = (self.path, self.look);
        Source { feed, path, formerly: None, file_name, agent: String::new(), look, is_aside: false }
    }
}

impl Search {
    fn claude(&mut self, folder: &Path) {
        for entry in self.files(&folder.join("projects"), CLAUDE_DEPTH_MAX) {
            if entry.file_name().ends_with(".jsonl") {
                self.add(entry.source(Feed::ClaudeJsonl));
            }
        }
    }

    fn codex(&mut self, home: &Path) {
        let Ok(home) = fs::canonicalize(home) else { return };
        let is_rollout =
            |entry: &Entry| entry.file_name().starts_with("rollout-") && entry.file_name().ends_with(".jsonl");
        let mut active = BTreeSet::new();
        for entry in self.files(&home.join("sessions"), CODEX_DEPTH_MAX).into_iter().filter(is_rollout) {
            active.insert(entry.file_name().to_owned());
            let aside = home.join("archived_sessions").join(entry.file_name());
            let formerly = aside.to_str().map(str::to_owned);
            self.add(Source { formerly, ..entry.source(Feed::CodexJsonl) });
        }
        for entry in self.files(&home.join("archived_sessions"), CODEX_DEPTH_MAX).into_iter().filter(is_rollout) {
            if active.contains(entry.file_name()) {
                continue;
            }
            let day = day_of(entry.file_name());
            let formerly =
                day.and_then(|day| Some(home.join("sessions").join(day).join(entry.file_name()).to_str()?.to_owned()));
            self.add(Source { formerly, is_aside: true, ..entry.source(Feed::CodexJsonl) });
        }
    }

    fn openclaw(&mut self, home: &Path) {
        for entry in self.files(&home.join("agents"), OPENCLAW_DEPTH_MAX) {
            let [agent, sessions, name] = entry.below.as_slice() else { continue };
            let Some(stem) = openclaw::session_of(name).filter(|_| sessions == "sessions") else { continue };
            let plain = format!("{stem}.jsonl");
            let is_aside = *name != plain;
            let formerly = is_aside.then(|| format!("{}{plain}", &entry.path[..entry.path.len() - name.len()]));
            let agent = agent.clone();
            self.add(Source { agent, formerly, is_aside, ..entry.source(Feed::OpenClawJsonl) });
        }
    }

    fn add(&mut self, source: Source) {
        if self.seen.insert(source.path.clone()) {
            self.found.sources.push(source);
        }
    }

    /// The files below a folder, in no order.
    fn files(&mut self, folder: &Path, depth_max: usize) -> Vec<Entry> {
        let mut files = Vec::new();
        let Ok(root) = fs::canonicalize(folder) else { return files };
        let mut waiting = vec![(root, Vec::<String>::new())];
        while let Some((folder, below)) = waiting.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                self.found.unreadable += 1;
                continue;
            };
            for entry in entries {
                if self.entries_left == 0 {
                    self.found.is_cut = true;
                    return files;
                }
                self.entries_left -= 1;
                // An entry that vanishes while it is looked at is no file any more.
                let Ok(entry) = entry else { continue };
                let Ok(kind) = entry.file_type() else { continue };
                let path = entry.path();
                let Some(text) = path.to_str().filter(|text| text.len() <= PATH_BYTES_MAX) else {
                    self.found.unreadable += 1;
                    continue;
                };
                let below: Vec<String> = below.iter().cloned().chain(name_of(&path)).collect();
                if kind.is_dir() && below.len() < depth_max {
                    waiting.push((path, below));
                } else if kind.is_file()
                    && let Ok(metadata) = entry.metadata()
                {
                    files.push(Entry { below, path: text.to_owned(), look: Look::of(&metadata) });
                }
            }
        }
        files
    }
}

fn name_of(path: &Path) -> Option<String> {
    path.file_name()?.to_str().map(str::to_owned)
}

/// `YYYY/MM/DD` of `rollout-YYYY-MM-DDT…`.
fn day_of(file_name: &str) -> Option<String> {
    let day = file_name.strip_prefix("rollout-")?.get(..10)?;
    let mut parts = day.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (year.len() == 4 && [year, month, day].into_iter().all(is_number)).then(|| format!("{year}/{month}/{day}"))
}

#[cfg(test)]
#[path = "discover_tests.rs"]
mod tests;
