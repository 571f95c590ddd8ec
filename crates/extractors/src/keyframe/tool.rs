//! Starting `ffmpeg` and `ffprobe`: bounded output, bounded log, never left running.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use exhibit_engine::supervisor::tool_command;

use super::DESCRIPTOR;

/// Bytes of a log that are read back. The log itself is bounded by the largest file that may be written.
const LOG_BYTES_MAX: u64 = 64 << 10;

/// Characters of a log that are told to people.
const DETAIL_CHARS_MAX: usize = 300;

/// Bytes of `-version`; ffmpeg 5.1 prints about 2 KiB.
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

impl Ran {
    /// What the tool complained about: its lines marked `[error]` or `[fatal]`, in short; else how it ended.
    pub fn complaint(&self) -> String {
        let lines =
            self.log.lines().filter_map(|line| line.split_once("[error] ").or_else(|| line.split_once("[fatal] ")));
        let text: Vec<&str> = lines.map(|(_, text)| text.trim()).filter(|text| !text.is_empty()).collect();
        if text.is_empty() {
            return format!("no frame came out ({})", self.status);
        }
        text.join("; ").chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect()
    }

    /// The signal that ended the tool.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

/// `file:` before a path, so that no name is taken for an option or a protocol.
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
    command.current_dir(scratch).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log_path)?);
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

/// A command for one of the tools, within the limits of this extractor.
///
/// # Errors
/// When the tool is not installed.
pub fn command(tool: &str) -> io::Result<Command> {
    tool_command(tool, &DESCRIPTOR.limits)
}

/// The version that a tool calls itself: the third word of its first line.
///
/// # Errors
/// When the tool is missing or does not say; the text is for people.
pub fn version(tool: &'static str) -> Result<String, String> {
    let install = "install it with `apt install ffmpeg`";
    let mut command =
        command(tool).map_err(|error| format!("{tool} is needed for posters of videos; {install} ({error})"))?;
    let mut child = command
        .arg("-version")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{tool} cannot be started: {error}"))?;
    let mut text = String::new();
    let read = child.stdout.take().map(|pipe| pipe.take(VERSION_BYTES_MAX).read_to_string(&mut text));
    let ended = child.wait();
    match (read, ended, version_word(tool, &text)) {
        (Some(Ok(_)), Ok(status), Some(version)) if status.success() => Ok(version.to_owned()),
        _ => Err(format!("`{tool} -version` did not say a version; {install} from the distribution")),
    }
}

fn version_word<'a>(tool: &str, text: &'a str) -> Option<&'a str> {
    let mut words = text.lines().next()?.split_whitespace();
    (words.next() == Some(tool) && words.next() == Some("version")).then(|| words.next()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_third_word_of_the_first_line() {
        let text = "ffmpeg version 5.1.6-0+deb12u1 Copyright (c) 2000-2024 the FFmpeg developers\nbuilt with gcc 12\n";
        assert_eq!(version_word("ffmpeg", text), Some("5.1.6-0+deb12u1"));
        assert_eq!(version_word("ffprobe", text), None);
        assert_eq!(version_word("ffmpeg", "ffmpeg version"), None);
        assert_eq!(version_word("ffmpeg", ""), None);
    }

    #[test]
    fn a_missing_tool_is_told_with_the_way_to_get_it() {
        let text = version("exhibit-no-such-tool").unwrap_err();
        assert!(text.contains("exhibit-no-such-tool") && text.contains("apt install ffmpeg"), "{text}");
    }

    #[test]
    fn output_beyond_its_limit_ends_the_tool() {
        let scratch = tempfile::tempdir().unwrap();
        let mut endless = command("yes").unwrap();
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
    }
}
