//! AG-39: half lines, rotation, and files that are not what they were.

use std::fs::File;
use std::io::{Cursor, Write as _};

use proptest::prelude::*;

use super::*;
use crate::collect::claude::ClaudeFile;
use crate::collect::codex::CodexFile;
use crate::collect::testing::{fold, sample};

/// All lines that the next readings give.
fn lines(tail: &mut Tail, file: &mut (impl Read + Seek)) -> (Vec<String>, u64) {
    let (mut found, mut too_long) = (Vec::new(), 0);
    loop {
        match tail.read(file).expect("readable") {
            Reading::Restarted => found.push("restarted".to_owned()),
            Reading::Lines { lines, more } => {
                found.extend(lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()));
                too_long += lines.too_long;
                if !more {
                    return (found, too_long);
                }
            }
        }
    }
}

fn said(tail: &mut Tail, text: &str) -> Vec<String> {
    lines(tail, &mut Cursor::new(text.as_bytes().to_vec())).0
}

/// AG-39: a half line waits until it is whole.
#[test]
fn ag_39_half_lines_wait() {
    let mut tail = Tail::new(Position::start());
    assert_eq!(said(&mut tail, ""), [""; 0]);
    assert_eq!(said(&mut tail, "one\r\ntw"), ["one"]);
    assert_eq!(tail.position().offset, 5);
    assert_eq!(said(&mut tail, "one\r\ntwo"), [""; 0]);
    assert_eq!(said(&mut tail, "one\r\ntwo\n\nthree\n"), ["two", "three"]);
}

/// AG-39: a shrunk file, or another one under the name, is read from its start; a longer one goes on.
#[test]
fn ag_39_rotation_begins_anew() {
    let mut tail = Tail::new(Position::start());
    said(&mut tail, "one\ntwo\n");
    assert_eq!(said(&mut tail, "one\n"), ["restarted", "one"]);
    assert_eq!(said(&mut tail, "uno\ntwo\n"), ["restarted", "uno", "two"]);
    let mut again = Tail::new(tail.position());
    assert_eq!(said(&mut again, "uno\ntwo\nthree\n"), ["three"], "the position is all that has to be kept");
}

/// AG-39: the same with a file that is renamed away and made anew.
#[test]
fn ag_39_a_file_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.jsonl");
    std::fs::write(&path, "one\n").expect("written");
    let mut tail = Tail::new(Position::start());
    assert_eq!(lines(&mut tail, &mut File::open(&path).expect("open")).0, ["one"]);
    File::options().append(true).open(&path).expect("open").write_all(b"two\n").expect("written");
    assert_eq!(lines(&mut tail, &mut File::open(&path).expect("open")).0, ["two"]);
    std::fs::rename(&path, folder.path().join("s.jsonl.reset.1")).expect("renamed");
    std::fs::write(&path, "three\nfour\nfive\n").expect("written");
    assert_eq!(lines(&mut tail, &mut File::open(&path).expect("open")).0, ["restarted", "three", "four", "five"]);
}

/// AG-39: after a restart the parser knows again what it knew, and nothing is told twice.
#[test]
fn ag_39_a_restart_goes_on_where_it_was() {
    let text = sample("codex/rollout-2026-01-02T03-04-05-019b7c5d-1c88-7000-8000-00000000000a.jsonl");
    let ends: Vec<usize> =
        text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(place, _)| place + 1).collect();
    let whole = read_by(&mut CodexFile::new("a.jsonl"), &mut Tail::new(Position::start()), &text);
    for end in ends {
        let (mut tail, mut parser) = (Tail::new(Position::start()), CodexFile::new("a.jsonl"));
        let mut documents = read_by(&mut parser, &mut tail, &text[..end]);
        let mut parser = CodexFile::new("a.jsonl");
        let resumed = Tail::resume(&mut Cursor::new(&text), tail.position(), &mut parser).expect("readable");
        documents.extend(read_by(&mut parser, &mut resumed.expect("the same file"), &text));
        assert_eq!(fold(&documents), fold(&whole), "cut at {end}");
        let calls: usize = documents.iter().map(|document| document.calls.len()).sum();
        assert_eq!(calls, 5, "each call once, cut at {end}");
    }
    let stored = Position { offset: 3, head_hash: Digest::of(b"new") };
    for (text, is_there) in [("new\n", false), ("old\n", false), ("ne", false), ("", false)] {
        let found = Tail::resume(&mut Cursor::new(text), stored, &mut CodexFile::new("a.jsonl")).expect("readable");
        assert_eq!(found.is_some(), is_there, "{text}: the position is inside of a line, or the file is another one");
    }
}

fn read_by(parser: &mut dyn LineParser, tail: &mut Tail, text: &[u8]) -> Vec<Document> {
    let reading = tail.read(&mut Cursor::new(text)).expect("readable");
    let Reading::Lines { lines, more: false } = reading else { panic!("{reading:?}") };
    lines.parse(parser).0
}

#[test]
fn a_line_without_end_is_passed_over_and_counted_once() {
    let mut text = b"one\n".to_vec();
    text.extend(std::iter::repeat_n(b'x', LINE_BYTES_MAX + 3 * READ_BYTES_MAX));
    text.extend_from_slice(b"\ntwo\n");
    let mut tail = Tail::new(Position::start());
    assert_eq!(lines(&mut tail, &mut Cursor::new(text.clone())), (vec!["one".to_owned(), "two".to_owned()], 1));
    assert_eq!(tail.position().offset, text.len() as u64);
}

#[test]
fn much_is_read_in_pieces() {
    let line = format!("{}\n", "y".repeat(1_000));
    let text = line.repeat(READ_BYTES_MAX / 500);
    let mut tail = Tail::new(Position::start());
    assert_eq!(said(&mut tail, &text).len(), READ_BYTES_MAX / 500);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// AG-39: however a file grows, the documents are the same in the end, and so is the count of bad lines.
    #[test]
    fn ag_39_growth_does_not_change_the_end(cuts in prop::collection::vec(0_usize..7_000, 0..6)) {
        let text = sample("claude/session.jsonl");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % text.len()).collect();
        cuts.sort_unstable();
        cuts.push(text.len());
        let (mut tail, mut parser) = (Tail::new(Position::start()), ClaudeFile::new("s.jsonl"));
        let (mut documents, mut bad) = (Vec::new(), 0);
        for cut in cuts {
            let reading = tail.read(&mut Cursor::new(&text[..cut])).expect("readable");
            let Reading::Lines { lines, more: false } = reading else { panic!("{reading:?}") };
            let (some, some_bad) = lines.parse(&mut parser);
            documents.extend(some);
            bad += some_bad;
        }
        let mut whole = ClaudeFile::new("s.jsonl");
        let reading = Tail::new(Position::start()).read(&mut Cursor::new(&text)).expect("readable");
        let Reading::Lines { lines, .. } = reading else { panic!("{reading:?}") };
        let (expected, expected_bad) = lines.parse(&mut whole);
        prop_assert_eq!((fold(&documents), bad), (fold(&expected), expected_bad));
    }
}
