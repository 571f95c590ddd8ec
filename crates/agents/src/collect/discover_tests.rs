//! AG-39: which files are read, in which order, and which are not.

use super::*;

fn write(folder: &Path, path: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, "{}\n").expect("written");
}

fn found(home: &Path) -> Vec<(Feed, String, Option<String>)> {
    let root = fs::canonicalize(home).expect("there").to_str().expect("text").to_owned();
    let below = |path: &str| path.strip_prefix(&root).expect("below").trim_start_matches('/').to_owned();
    let found = discover(&Folders::usual(home, None, None));
    assert!(!found.is_cut);
    let sources = found.sources.into_iter();
    sources.map(|source| (source.feed, below(&source.path), source.formerly.map(|path| below(&path)))).collect()
}

#[test]
fn ag_39_the_files_of_all_formats_are_found() {
    let home = tempfile::tempdir().expect("a folder");
    let (old, new) = ("rollout-2026-01-02T03-04-05-x.jsonl", "rollout-2026-01-03T03-04-05-y.jsonl");
    for path in [
        ".claude/projects/p/s.jsonl",
        ".claude/projects/p/s/subagents/agent-1.jsonl",
        ".claude/projects/p/notes.txt",
        ".claude/settings.jsonl",
        ".config/claude/projects/q/t.jsonl",
        &format!(".codex/sessions/2026/01/03/{new}"),
        ".codex/sessions/2026/01/03/other.jsonl",
        &format!(".codex/archived_sessions/{new}"),
        &format!(".codex/archived_sessions/{old}"),
        ".openclaw/agents/main/sessions/a.jsonl",
        ".openclaw/agents/main/sessions/a.jsonl.reset.1",
        ".openclaw/agents/main/sessions/a.jsonl.lock",
        ".openclaw/agents/main/other/b.jsonl",
    ] {
        write(home.path(), path);
    }
    let text = |text: &str| text.to_owned();
    assert_eq!(
        found(home.path()),
        [
            // What was put aside comes first.
            (
                Feed::CodexJsonl,
                format!(".codex/archived_sessions/{old}"),
                Some(format!(".codex/sessions/2026/01/02/{old}"))
            ),
            (
                Feed::OpenClawJsonl,
                text(".openclaw/agents/main/sessions/a.jsonl.reset.1"),
                Some(text(".openclaw/agents/main/sessions/a.jsonl"))
            ),
            (Feed::ClaudeJsonl, text(".claude/projects/p/s.jsonl"), None),
            (Feed::ClaudeJsonl, text(".claude/projects/p/s/subagents/agent-1.jsonl"), None),
            // The active one wins over the archived one of its name.
            (
                Feed::CodexJsonl,
                format!(".codex/sessions/2026/01/03/{new}"),
                Some(format!(".codex/archived_sessions/{new}"))
            ),
            (Feed::ClaudeJsonl, text(".config/claude/projects/q/t.jsonl"), None),
            (Feed::OpenClawJsonl, text(".openclaw/agents/main/sessions/a.jsonl"), None),
        ]
    );
}

#[test]
fn links_are_not_followed_and_folders_that_are_not_there_are_passed_over() {
    let home = tempfile::tempdir().expect("a folder");
    assert_eq!(discover(&Folders::usual(home.path(), None, None)), Found::default());
    write(home.path(), "elsewhere/p/secret.jsonl");
    write(home.path(), ".claude/projects/p/s.jsonl");
    std::os::unix::fs::symlink(home.path().join("elsewhere"), home.path().join(".claude/projects/q")).expect("linked");
    let secret = home.path().join("elsewhere/p/secret.jsonl");
    std::os::unix::fs::symlink(secret, home.path().join(".claude/projects/p/link.jsonl")).expect("linked");
    std::os::unix::fs::symlink(home.path().join(".claude"), home.path().join(".claude/projects/p/loop"))
        .expect("linked");
    assert_eq!(found(home.path()), [(Feed::ClaudeJsonl, ".claude/projects/p/s.jsonl".to_owned(), None)]);
    // A folder that is named twice, once through a link, is read once.
    let twice = format!("{0}/.claude,{0}/linked", home.path().to_str().expect("text"));
    std::os::unix::fs::symlink(home.path().join(".claude"), home.path().join("linked")).expect("linked");
    assert_eq!(discover(&Folders::usual(home.path(), Some(&twice), None)).sources.len(), 1);
}

#[test]
fn the_day_is_in_the_name() {
    assert_eq!(day_of("rollout-2026-01-02T03-04-05-x.jsonl").as_deref(), Some("2026/01/02"));
    for name in ["rollout-", "rollout-2026_01_02T", "rollout-../../etcX", "session.jsonl", "rollout-ä026-01-02T"] {
        assert_eq!(day_of(name), None, "{name}");
    }
}
