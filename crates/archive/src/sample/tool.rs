//! Runs the programs that make what this program cannot write itself, with limits, and remembers what they are.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::{Formats, SampleError, SampleOptions};

/// Encodes and mixes films.
pub(super) const FFMPEG: Tool = Tool { program: "ffmpeg", package: "ffmpeg", version: &["-version"] };
/// Encodes HEIC and AVIF.
pub(super) const HEIF_ENC: Tool = Tool { program: "heif-enc", package: "libheif-examples", version: &["--help"] };
/// Speaks.
pub(super) const FLITE: Tool = Tool { program: "flite", package: "flite", version: &["--version"] };
/// The letters of text in films, and the package they come in.
pub(super) const FONT: (&str, &str) = ("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf", "fonts-dejavu-core");

/// Bytes of complaints that are kept.
const COMPLAINTS_BYTES_MAX: u64 = 16 * 1024;
/// Longest time for one file; a film of ten seconds takes one or two on a slow machine.
const WALL_MAX: Duration = Duration::from_secs(300);
/// Lines of a help text in which the version is looked for.
const VERSION_LINES_MAX: usize = 20;

/// Writes what a program is fed through its standard input.
type Feed<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// A program and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tool {
    pub(super) program: &'static str,
    pub(super) package: &'static str,
    /// What makes it say its version.
    version: &'static [&'static str],
}

/// The first lines that the needed programs say about themselves, by program; an error names the package of what is missing.
pub(super) fn needed(options: &SampleOptions) -> Result<BTreeMap<String, String>, SampleError> {
    let has_all = options.formats == Formats::All;
    let mut tools = Vec::new();
    if options.videos > 0 {
        tools.push(FFMPEG);
    }
    if has_all && options.photos > 0 {
        tools.push(HEIF_ENC);
    }
    if has_all && options.videos > 0 {
        tools.push(FLITE);
        if !Path::new(FONT.0).is_file() {
            let source = io::Error::from(io::ErrorKind::NotFound);
            return Err(SampleError::ToolMissing { program: FONT.0, package: FONT.1, source });
        }
    }
    tools.into_iter().map(|tool| Ok((tool.program.to_owned(), tool.version_line()?))).collect()
}

/// A folder for what is between two programs, inside the sample, removed before its end.
pub(super) struct Workplace {
    pub(super) folder: PathBuf,
}

impl Workplace {
    /// A path for a passing file; `name` must be used by one thread alone.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Reads a passing file and removes it.
    pub(super) fn take(&self, path: &Path) -> Result<Vec<u8>, SampleError> {
        let failed = |source| SampleError::Write { path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(failed)?;
        std::fs::remove_file(path).map_err(failed)?;
        Ok(bytes)
    }

    /// Writes a passing file.
    pub(super) fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), SampleError> {
        std::fs::write(path, bytes).map_err(|source| SampleError::Write { path: path.to_owned(), source })
    }
}

impl Tool {
    fn version_line(&self) -> Result<String, SampleError> {
        let output = Command::new(self.program).args(self.version).stdin(Stdio::null()).output();
        let output = output.map_err(|source| self.missing(source))?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines().take(VERSION_LINES_MAX).map(str::trim).filter(|line| !line.is_empty());
        let first = lines.clone().next().unwrap_or_default();
        let found = lines.find(|line| line.contains("version")).unwrap_or(first);
        Ok(found.to_owned())
    }

    fn missing(&self, source: io::Error) -> SampleError {
        SampleError::ToolMissing { program: self.program, package: self.package, source }
    }

    /// Starts it with arguments, feeds it, and waits for its end. `target` is what it makes, for the error.
    pub(super) fn run(&self, arguments: &[OsString], target: &Path, feed: Option<Feed<'_>>) -> Result<(), SampleError> {
        self.run_within(WALL_MAX, arguments, target, feed)
    }

    fn run_within(
        &self,
        wall_max: Duration,
        arguments: &[OsString],
        target: &Path,
        feed: Option<Feed<'_>>,
    ) -> Result<(), SampleError> {
        let failed = |source| SampleError::Write { path: target.to_owned(), source };
        let stdin = if feed.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut command = Command::new(self.program);
        command.args(arguments).stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| self.missing(source))?;
        let attended = attend(&mut child, feed, wall_max);
        let status = child.wait().map_err(failed)?;
        let (fed, complaints) = attended.map_err(failed)?;
        if status.success() && fed.is_ok() {
            return Ok(());
        }
        let detail = format!("{status}; {}", complaints.trim());
        Err(SampleError::Tool { program: self.program, path: target.to_owned(), detail })
    }
}

/// Feeds a program while somebody listens to its complaints, so that neither side waits for the other, and somebody looks at the clock.
fn attend(child: &mut Child, feed: Option<Feed<'_>>, wall_max: Duration) -> io::Result<(io::Result<()>, String)> {
    let process = match pidfd_open(Pid::from_child(child), PidfdFlags::empty()) {
        Ok(process) => process,
        Err(errno) => {
            child.kill()?;
            return Err(errno.into());
        }
    };
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    Ok(std::thread::scope(|scope| {
        let clock = scope.spawn(move || end_after(&process, wall_max));
        let listener = scope.spawn(move || stderr.map(listen).unwrap_or_default());
        let fed = match (stdin, feed) {
            (Some(mut pipe), Some(feed)) => feed(&mut pipe),
            _ => Ok(()),
        };
        let complaints = listener.join().unwrap_or_default();
        match clock.join() {
            Ok(true) => (fed, format!("{complaints} (ended after {} s)", wall_max.as_secs_f64())),
            _ => (fed, complaints),
        }
    }))
}

/// Waits for the end of a process; ends it when that takes too long, and says so.
fn end_after(process: &OwnedFd, wall_max: Duration) -> bool {
    let limit = Timespec { tv_sec: wall_max.as_secs() as i64, tv_nsec: i64::from(wall_max.subsec_nanos()) };
    loop {
        match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&limit)) {
            Err(Errno::INTR) => {}
            Ok(0) => return pidfd_send_signal(process, Signal::KILL).is_ok(),
            _ => return false,
        }
    }
}

fn listen(mut stderr: ChildStderr) -> String {
    let mut complaints = Vec::new();
    let read = (&mut stderr).take(COMPLAINTS_BYTES_MAX).read_to_end(&mut complaints);
    // What comes after is thrown away, so that a program that complains a lot still comes to its end.
    let rest = io::copy(&mut stderr, &mut io::sink());
    let text = String::from_utf8_lossy(&complaints).into_owned();
    if read.is_ok() && matches!(rest, Ok(0)) { text } else { format!("{text} (cut off)") }
}

/// A path as an input or output of ffmpeg: the prefix keeps a folder's name from being read as an option or a protocol.
pub(super) fn as_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// Words as arguments.
pub(super) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_never_ends_is_ended() {
        let tool = Tool { program: "sleep", package: "coreutils", version: &["--version"] };
        let run = |seconds: &str, limit: Duration| tool.run_within(limit, &words(&[seconds]), Path::new("file"), None);
        let ended = run("1000", Duration::from_millis(20)).unwrap_err();
        assert!(ended.to_string().contains("ended after 0.02 s"), "{ended}");
        assert!(run("0", Duration::from_secs(60)).is_ok());
        let complaint = run("never", Duration::from_secs(60)).unwrap_err().to_string();
        assert!(complaint.contains("invalid time interval") && complaint.contains("exit status: 1"), "{complaint}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named_with_its_package() {
        let tool = Tool { program: "no-such-program-here", package: "some-package", version: &["--version"] };
        let missing = tool.version_line().unwrap_err().to_string();
        assert!(
            missing.contains("no-such-program-here") && missing.contains("apt-get install some-package"),
            "{missing}"
        );
    }
}
