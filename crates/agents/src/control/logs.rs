//! The last lines of a gateway's log, in any of three grammars.
//!
//! `2026-01-02T03:04:05Z LEVEL text`, `[time] [LEVEL] text`, and one JSON object per line as pino and tslog write them. Any other line is
//! `INFO` with its whole text, at the time of the line before: it goes on with what that one began.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use exhibit_model::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::rows::time_of;
use super::words::{iso_millis, printable_within};

/// Lines that are shown.
pub const LINES_MAX: usize = 120;
/// Bytes read at a time from the end of the file: a hundred and twenty usual lines are there in the first step.
const STEP_BYTES: usize = 64 * 1024;
/// Bytes read at most: even lines of tool output that long are found, and a file without line ends costs no more.
const TAIL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of the text of a line that are shown.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;
/// Bytes of the time of a line that are shown: RFC 3339 needs 35.
const TIME_BYTES_MAX: usize = 64;
/// Parts of a message in tslog's numbered fields.
const PARTS_MAX: usize = 16;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "AgentsLogLine")]
pub struct LogLine {
    /// When, as it was written; numbers become RFC 3339. Empty when no line so far told a time.
    pub ts: String,
    /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`.
    pub level: &'static str,
    /// What it says, without control characters.
    pub msg: String,
}

/// What `/api/logs` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "AgentsLogs")]
pub struct Logs {
    /// The last lines, oldest first.
    pub logs: Vec<LogLine>,
}

/// Where an OpenClaw gateway keeps its log below the home folder of its user, in the order in which they are tried.
pub fn log_candidates(home: &Path) -> [PathBuf; 2] {
    let folder = home.join(".openclaw");
    [folder.join("state/logs/openclaw.log"), folder.join("logs/openclaw.log")]
}

/// The last lines, at most [`LINES_MAX`], oldest first, of the first file that can be read; empty when none can.
pub fn last_lines(candidates: &[PathBuf]) -> Vec<LogLine> {
    // Missing or unreadable is an empty log by contract: the page says that there is nothing, and the log of another user stays theirs.
    let tail = candidates.iter().find_map(|path| read_tail(path).ok()).unwrap_or_default();
    lines_of_tail(&tail.bytes, tail.is_whole)
}

#[derive(Debug, Default)]
struct Tail {
    bytes: Vec<u8>,
    /// It begins where the file begins.
    is_whole: bool,
}

/// Reads backwards in steps until there are enough line ends.
fn read_tail(path: &Path) -> io::Result<Tail> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    // A pipe of that name must not hold the page up: opening does not wait, and only a regular file is read.
    let mut file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut start = metadata.len();
    let mut bytes = Vec::new();
    while start > 0 && bytes.len() < TAIL_BYTES_MAX && line_ends(&bytes) <= LINES_MAX {
        let step = start.min(STEP_BYTES as u64);
        start -= step;
        file.seek(SeekFrom::Start(start))?;
        let mut part = Vec::new();
        (&mut file).take(step).read_to_end(&mut part)?;
        if (part.len() as u64) < step {
            // The file was cut while we read: what is behind the cut is gone, what follows is not its end.
            bytes.clear();
        }
        part.append(&mut bytes);
        bytes = part;
    }
    Ok(Tail { bytes, is_whole: start == 0 })
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Reads the lines of the end of a log. Unless it `is_whole`, the first line may be half of one and is left out.
fn lines_of_tail(bytes: &[u8], is_whole: bool) -> Vec<LogLine> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    // A tail without any line end is one line of a huge file: its end is better than nothing.
    if !is_whole && bytes.contains(&b'\n') {
        lines.next();
    }
    let lines: Vec<&[u8]> = lines.filter(|line| !line.trim_ascii().is_empty()).collect();
    let mut last_time = String::new();
    lines[lines.len().saturating_sub(LINES_MAX)..]
        .iter()
        .map(|line| {
            let parsed = parse_line(&String::from_utf8_lossy(line), &last_time);
            last_time.clone_from(&parsed.ts);
            parsed
        })
        .collect()
}

/// Reads one line. `time_before` is the time of the line before it, for lines that tell none.
pub fn parse_line(line: &str, time_before: &str) -> LogLine {
    let line = line.trim();
    let found = of_json(line).or_else(|| of_brackets(line)).or_else(|| of_iso(line));
    let (ts, level, msg) = found.unwrap_or_else(|| (None, "INFO", line.to_owned()));
    LogLine {
        ts: ts.map_or_else(|| time_before.to_owned(), |ts| printable_within(&ts, TIME_BYTES_MAX)),
        level,
        msg: without_controls(&msg),
    }
}

type Found = (Option<String>, &'static str, String);

/// `2026-01-02T03:04:05Z LEVEL text`; the level may stand in brackets or end with a colon.
fn of_iso(line: &str) -> Option<Found> {
    let (time, rest) = line.split_once(char::is_whitespace)?;
    let (word, text) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim_start(), ""));
    let word = word.strip_suffix(':').unwrap_or(word);
    let word = word.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(word);
    is_iso(time).then_some(())?;
    Some((Some(time.to_owned()), level_of(word)?, text.trim_start().to_owned()))
}

/// `[time] [LEVEL] text`.
fn of_brackets(line: &str) -> Option<Found> {
    let (time, rest) = line.strip_prefix('[')?.split_once(']')?;
    let (word, text) = rest.trim_start().strip_prefix('[')?.split_once(']')?;
    Some((Some(time.trim().to_owned()), level_of(word)?, text.trim_start().to_owned()))
}

/// A JSON object with a message: `msg` or `message`, or tslog's numbered fields with `_meta`.
fn of_json(line: &str) -> Option<Found> {
    if !line.starts_with('{') {
        return None;
    }
    let row: Map<String, Value> = serde_json::from_str(line).ok()?;
    let meta = row.get("_meta").and_then(Value::as_object);
    let first = |names: &[&str]| names.iter().find_map(|name| row.get(*name));
    let msg = first(&["msg", "message"]).map(text_of).or_else(|| numbered(&row))?;
    let level = first(&["level", "severity", "logLevelName"]).or_else(|| meta?.get("logLevelName"));
    let time = first(&["ts", "time", "timestamp", "date"]).or_else(|| meta?.get("date"));
    Some((time.and_then(time_text), level.and_then(level_of_value).unwrap_or("INFO"), msg))
}

fn numbered(row: &Map<String, Value>) -> Option<String> {
    let parts: Vec<String> = (0..PARTS_MAX).map_while(|index| row.get(&index.to_string()).map(text_of)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn time_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(_) => time_of(value).map(iso_millis),
        _ => None,
    }
}

fn level_of_value(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(word) => level_of(word),
        // pino's numbers.
        Value::Number(number) => Some(match number.as_i64()? {
            ..=19 => "TRACE",
            20..=29 => "DEBUG",
            30..=39 => "INFO",
            40..=49 => "WARN",
            50..=59 => "ERROR",
            60.. => "FATAL",
        }),
        _ => None,
    }
}

fn level_of(word: &str) -> Option<&'static str> {
    Some(match word.trim().to_ascii_uppercase().as_str() {
        "TRACE" | "SILLY" => "TRACE",
        "DEBUG" | "VERBOSE" => "DEBUG",
        "INFO" | "NOTICE" | "LOG" => "INFO",
        "WARN" | "WARNING" => "WARN",
        "ERROR" | "ERR" => "ERROR",
        "FATAL" | "CRITICAL" | "PANIC" => "FATAL",
        _ => return None,
    })
}

/// ISO 8601 with or without an offset; logs often leave it out.
fn is_iso(text: &str) -> bool {
    Timestamp::parse(text).is_some() || Timestamp::parse(&format!("{text}Z")).is_some()
}

/// Escape sequences that colour a terminal, and other control characters, are left out: a page cannot use them.
fn without_controls(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(MESSAGE_BYTES_MAX));
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '\u{1b}' && rest.peek() == Some(&'[') {
            rest.next();
            // A sequence ends with a character of this range (ECMA-48, section 5.4).
            for inner in rest.by_ref() {
                if ('@'..='~').contains(&inner) {
                    break;
                }
            }
        } else if character == '\t' || !super::words::breaks_lines(character) {
            if clean.len() + character.len_utf8() > MESSAGE_BYTES_MAX {
                break;
            }
            clean.push(character);
        }
    }
    clean
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
