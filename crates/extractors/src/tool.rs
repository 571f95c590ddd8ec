//! Starting outside programs such as `ffmpeg`: bounded output, bounded log, never left running.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use exhibit_engine::extractor::Limits;
use exhibit_engine::supervisor::tool_command;

/// Bytes of a log that are read back. The log itself is bounded by the largest file that may be written.
const LOG_BYTES_MAX: u64 = 64 << 10;

/// Characters of a log that are told to people.
const DETAIL_CHARS_MAX: usize = 300;

/// Bytes of what a tool says about itself; ffmpeg 5.1 prints about 2 KiB.
const VERSION_BYTES_MAX: u64 = 16 << 10;

/// Name of the log in scratch.
const LOG: &str = "tool.log";

/// What a tool left behind.
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout; `None` when that was more than allowed, and the tool was ended.
    pub stdout: Option<Vec<u8>>,
    /// The first part of what it wrote to stderr.
    pub log: String,
}

/// How a signal ended a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its CPU seconds were used up.
    OutOfTime,
    /// A file grew too large.
    OutOfRoom,
    /// A fault of its own.
    Crashed(i32),
    /// From outside.
    Killed(i32),
}

impl Ran {
    /// What ffmpeg complained about: its lines marked `[error]` or `[fatal]`, in short; else how it ended.
    pub fn complaint(&self) -> String {
        let lines =
            self.log.lines().filter_map(|line| line.split_once("[error] ").or_else(|| line.split_once("[fatal] ")));
        let text: Vec<&str> = lines.map(|(_, text)| text.trim()).filter(|text| !text.is_empty()).collect();
        if text.is_empty() {
            return format!("no frame came out ({})", self.status);
        }
        shortened(&text.join("; "))
    }

    /// The whole log in short; else how it ended.
    pub fn said(&self) -> String {
        let text: Vec<&str> = self.log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if text.is_empty() { self.status.to_string() } else { shortened(&text.join("; ")) }
    }

    /// The signal that ended the tool.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// How a signal ended the tool; `None` when none did.
    pub fn ended(&self) -> Option<Ended> {
        // The numbers of signal(7) that Linux has on all the architectures that we build for.
        Some(match self.signal()? {
            24 => Ended::OutOfTime,
            25 => Ended::OutOfRoom,
            signal @ (4 | 6 | 7 | 8 | 11 | 31) => Ended::Crashed(signal),
            signal => Ended::Killed(signal),
        })
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect()
}

/// `file:` before a path, so that ffmpeg takes no name for an option or a protocol.
pub fn file_argument(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push(path);
    argument
}

/// Runs a tool to its end. Its stderr goes to a file of the scratch folder: with one pipe only there is nothing to wait for in two places.
///
/// # Errors
/// When the tool cannot be started or the scratch folder cannot be written.
pub fn run(mut command: Command, scratch: &Path, stdout_bytes_max: u64) -> io::Result<Ran> {
    let log_path = scratch.join(LOG);
    command.current_dir(scratch).stdout(Stdio::piped()).stderr(File::create(&log_path)?);
    let mut child = command.spawn()?;
    let mut stdout = Vec::new();
    let mut pipe = child.stdout.take();
    let read = pipe.as_mut().map_or(Ok(0), |pipe| pipe.take(stdout_bytes_max + 1).read_to_end(&mut stdout));
    let within = u64::try_from(stdout.len()).is_ok_and(|length| length <= stdout_bytes_max);
    if read.is_err() || !within {
        child.kill()?;
    }
    // The pipe stays open until here: closed earlier, it would end the tool in a second way.
    drop(pipe);
    let status = child.wait()?;
    read?;
    let mut log = Vec::new();
    File::open(&log_path)?.take(LOG_BYTES_MAX).read_to_end(&mut log)?;
    fs::remove_file(&log_path)?;
    Ok(Ran { status, stdout: within.then_some(stdout), log: String::from_utf8_lossy(&log).into_owned() })
}

/// A command for a tool, within limits, without stdin.
///
/// # Errors
/// When the tool is not installed.
pub fn command(tool: &str, limits: &Limits) -> io::Result<Command> {
    let mut command = tool_command(tool, limits)?;
    command.stdin(Stdio::null());
    Ok(command)
}

/// The version that a tool calls itself: the word after `version` in the first line of what it says when it is started so, on stdout or,
/// for want of that, on stderr.
///
/// # Errors
/// When the tool is missing or does not say; the text is for people.
pub fn version(tool: &str, package: &str, limits: &Limits, arguments: &[&str]) -> Result<String, String> {
    let install = format!("install it with `apt-get install {package}`");
    let mut command = command(tool, limits).map_err(|error| format!("{tool} is needed; {install} ({error})"))?;
    let output = |error: io::Error| format!("{tool} cannot be started: {error}");
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(output)?;
    // A version is far shorter than what a pipe holds, so that neither pipe can block the other.
    let mut text = String::new();
    let stdout = child.stdout.take().map(|pipe| pipe.take(VERSION_BYTES_MAX).read_to_string(&mut text));
    let stderr = child.stderr.take().map(|pipe| pipe.take(VERSION_BYTES_MAX).read_to_string(&mut text));
    child.wait().map_err(output)?;
    match (stdout, stderr, version_word(&text)) {
        (Some(Ok(_)), Some(Ok(_)), Some(version)) => Ok(version.to_owned()),
        _ => Err(format!("{tool} did not say a version; {install} from the distribution")),
    }
}

fn version_word(text: &str) -> Option<&str> {
    let mut words = text.lines().next()?.split_whitespace();
    words.find(|word| matches!(*word, "version" | "version:"))?;
    words.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { unit_cpu_s: 60, unit_wall_s: 60, file_bytes_max: 1 << 20, address_space_bytes: 4 << 30 };

    #[test]
    fn a_version_is_the_word_after_version_in_the_first_line() {
        let text = "ffmpeg version 5.1.6-0+deb12u1 Copyright (c) 2000-2024 the FFmpeg developers\nbuilt with gcc 12\n";
        assert_eq!(version_word(text), Some("5.1.6-0+deb12u1"));
        assert_eq!(version_word(" heif-convert  libheif version: 1.15.1\n-----\n"), Some("1.15.1"));
        assert_eq!(version_word("ffmpeg version"), None);
        assert_eq!(version_word("usage\nversion 1"), None);
        assert_eq!(version_word(""), None);
    }

    #[test]
    fn a_missing_tool_is_told_with_the_way_to_get_it() {
        let text = version("exhibit-no-such-tool", "a-package", &LIMITS, &[]).unwrap_err();
        assert!(text.contains("exhibit-no-such-tool") && text.contains("apt-get install a-package"), "{text}");
    }

    #[test]
    fn output_beyond_its_limit_ends_the_tool() {
        let scratch = tempfile::tempdir().unwrap();
        let mut endless = command("yes", &LIMITS).unwrap();
        endless.arg("frame");
        let ran = run(endless, scratch.path(), 100_000).unwrap();
        assert_eq!((ran.stdout, ran.status.signal()), (None, Some(9)));
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "the log is gone");
    }

    #[test]
    fn complaints_are_the_errors_of_the_log_without_control_characters() {
        let log = "[info] Input #0\n[mov @ 0x55] [error] moov atom not found\n[fatal] file:x: Invalid\u{7} data\n";
        let ran = Ran { status: ExitStatus::from_raw(256), stdout: None, log: log.to_owned() };
        assert_eq!(ran.complaint(), "moov atom not found; file:x: Invalid data");
        let silent = Ran { status: ExitStatus::from_raw(256), stdout: None, log: String::new() };
        assert_eq!(silent.complaint(), "no frame came out (exit status: 1)");
        assert_eq!(silent.said(), "exit status: 1");
    }

    #[test]
    fn signals_say_who_ended_a_tool() {
        let ended = |signal| Ran { status: ExitStatus::from_raw(signal), stdout: None, log: String::new() }.ended();
        assert_eq!(ended(24), Some(Ended::OutOfTime));
        assert_eq!(ended(25), Some(Ended::OutOfRoom));
        assert_eq!(ended(11), Some(Ended::Crashed(11)));
        assert_eq!(ended(9), Some(Ended::Killed(9)));
        assert_eq!(ended(256), None);
    }
}
