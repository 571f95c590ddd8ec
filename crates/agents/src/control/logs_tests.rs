//! Grammars of logs, and the ends of files of any size.

use std::io::Write;

use proptest::prelude::*;

use super::*;

fn parsed(line: &str) -> (String, &'static str, String) {
    let line = parse_line(line, "before");
    (line.ts, line.level, line.msg)
}

/// AG-34: the grammars of logs.
#[test]
fn ag_34_three_grammars_and_the_rest() {
    for (line, ts, level, msg) in [
        ("2026-01-02T03:04:05.678Z ERROR it broke", "2026-01-02T03:04:05.678Z", "ERROR", "it broke"),
        ("2026-01-02T03:04:05+02:00 [warning] hm", "2026-01-02T03:04:05+02:00", "WARN", "hm"),
        ("2026-01-02T03:04:05 info: x", "2026-01-02T03:04:05", "INFO", "x"),
        ("2026-01-02T03:04:05Z DEBUG", "2026-01-02T03:04:05Z", "DEBUG", ""),
        ("[03:04:05] [warn] careful", "03:04:05", "WARN", "careful"),
        ("[2026-01-02 03:04] [Error]  x [y]", "2026-01-02 03:04", "ERROR", "x [y]"),
        (r#"{"time":"T","level":"warn","msg":"m"}"#, "T", "WARN", "m"),
        (r#"{"time":1700000000123,"level":50,"message":"m"}"#, "2023-11-14T22:13:20.123Z", "ERROR", "m"),
        (r#"{"0":"a","1":{"b":1},"_meta":{"logLevelName":"DEBUG","date":"D"}}"#, "D", "DEBUG", r#"a {"b":1}"#),
        (r#"{"msg":"m"}"#, "before", "INFO", "m"),
        // None of the three: the whole line, at the time of the one before.
        ("    at foo (bar.js:1)", "before", "INFO", "at foo (bar.js:1)"),
        ("2026-01-02T03:04:05Z banana x", "before", "INFO", "2026-01-02T03:04:05Z banana x"),
        ("yesterday ERROR x", "before", "INFO", "yesterday ERROR x"),
        ("[x] y", "before", "INFO", "[x] y"),
        (r#"{"a":1}"#, "before", "INFO", r#"{"a":1}"#),
        ("{not json", "before", "INFO", "{not json"),
    ] {
        assert_eq!(parsed(line), (ts.to_owned(), level, msg.to_owned()), "{line}");
    }
}

#[test]
fn the_body_has_the_names_of_the_contract() {
    let logs = Logs { logs: vec![parse_line("[t] [INFO] m", "")] };
    assert_eq!(serde_json::to_string(&logs).unwrap(), r#"{"logs":[{"ts":"t","level":"INFO","msg":"m"}]}"#);
}

#[test]
fn colours_and_control_characters_are_left_out() {
    let line = parse_line("2026-01-02T03:04:05Z INFO \u{1b}[31mred\u{1b}[0m\u{7}\tx\r", "");
    assert_eq!(line.msg, "red\tx");
}

/// AG-34: the end of a file of any size, without reading the rest.
#[test]
fn ag_34_a_big_file_is_read_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openclaw.log");
    let mut file = File::create(&path).unwrap();
    // A hole: a gibibyte that takes no room, and would take long to read.
    file.set_len(1 << 30).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    writeln!(file).unwrap();
    for number in 0..1000 {
        writeln!(file, "2026-01-02T03:04:05Z INFO line {number} {}", "x".repeat(number)).unwrap();
    }
    drop(file);
    let lines = last_lines(&[folder.path().join("none"), path]);
    assert_eq!(lines.len(), LINES_MAX);
    assert!(lines[0].msg.starts_with("line 880 ") && lines[LINES_MAX - 1].msg.starts_with("line 999 "));
}

#[test]
fn a_file_without_line_ends_gives_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openclaw.log");
    std::fs::write(&path, vec![b'x'; TAIL_BYTES_MAX + STEP_BYTES + 1]).unwrap();
    let lines = last_lines(&[path]);
    assert_eq!((lines.len(), lines[0].msg.len(), lines[0].ts.as_str()), (1, MESSAGE_BYTES_MAX, ""));
}

#[test]
fn the_first_candidate_that_can_be_read_counts() {
    let home = tempfile::tempdir().unwrap();
    let [first, second] = log_candidates(home.path());
    assert!(last_lines(&log_candidates(home.path())).is_empty());
    std::fs::create_dir_all(second.parent().unwrap()).unwrap();
    std::fs::write(&second, "second\n").unwrap();
    assert_eq!(last_lines(&log_candidates(home.path()))[0].msg, "second");
    // A folder of that name is no log.
    std::fs::create_dir_all(&first).unwrap();
    assert_eq!(last_lines(&log_candidates(home.path()))[0].msg, "second");
    std::fs::remove_dir(&first).unwrap();
    std::fs::write(&first, "first\n").unwrap();
    assert_eq!(last_lines(&log_candidates(home.path()))[0].msg, "first");
}

#[test]
fn a_pipe_does_not_hold_the_reader_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openclaw.log");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    assert!(last_lines(&[path]).is_empty());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), is_whole in any::<bool>()) {
        for line in lines_of_tail(&bytes, is_whole) {
            prop_assert!(!line.msg.contains('\n') && line.msg.len() <= MESSAGE_BYTES_MAX);
        }
    }

    #[test]
    fn no_line_panics(line in "(\\[.{0,9}\\] ?\\[.{0,9}\\].{0,9})|(2026-01-02T03:04:05Z .{0,20})|(\\{.{0,30})|.{0,60}") {
        parse_line(&line, "");
    }
}
