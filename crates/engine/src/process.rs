//! The host's side of one extractor process: start it, send it units, read its answers within limits, end it.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Pid;

use crate::protocol::{self, FromExtractor, LINE_BYTES_MAX};
use crate::registry::Known;
use crate::supervisor::{Ended, SupervisedProcess, SupervisorSpec, spawn};
use crate::usage::{Meter, of_tree};

mod cpu;
mod ready;

pub use ready::Ready;

/// How long a process may take to confine itself, start and ask its tools for their versions.
const START_MAX: Duration = Duration::from_secs(60);

/// How long a process may leave its input unread when more is to be written than its pipe holds.
const SEND_MAX: Duration = Duration::from_secs(60);

/// How often a waiting host looks whether it should stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often the memory of a process is looked at for the benchmark record; its limit is watched by its supervisor.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// Bytes of the log of a process that are kept to explain a failure.
const LOG_BYTES_MAX: usize = 4 * 1024;

/// A process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The kernel could not confine it.
    #[error("an extractor process could not be confined: {0}; `exhibit doctor` says what is missing")]
    NotConfined(String),
    /// It cannot work, for example because a program is missing.
    #[error("extractor {extractor} cannot work: {detail}")]
    Unable {
        /// The extractor.
        extractor: String,
        /// Why.
        detail: String,
    },
    /// It ended or spoke another protocol.
    #[error("extractor {extractor} did not start: {detail}")]
    Failed {
        /// The extractor.
        extractor: String,
        /// Why.
        detail: String,
    },
    /// Something outside ended it before it was ready; another one may live.
    #[error("extractor {extractor} was ended while it started: {detail}")]
    Killed {
        /// The extractor.
        extractor: String,
        /// How.
        detail: String,
    },
    /// The host was told to stop.
    #[error("stopped")]
    Stopped,
    /// The system refused.
    #[error("extractor process: {0}")]
    System(#[from] io::Error),
}

impl StartError {
    /// The word for units of a plug-in that does not start; `None` when it is not the fault of the plug-in.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Unable { .. } => Some("extractor-unable"),
            Self::Failed { .. } => Some("extractor-not-started"),
            Self::Killed { .. } => Some("extractor-crashed"),
            Self::System(error) if error.kind() == io::ErrorKind::BrokenPipe => Some("extractor-crashed"),
            Self::System(error) if error.kind() == io::ErrorKind::TimedOut => Some("time-limit"),
            Self::System(_) | Self::NotConfined(_) | Self::Stopped => None,
        }
    }

    /// True when something outside ended the process before it was ready: that says nothing about the next one.
    pub fn is_killed(&self) -> bool {
        match self {
            Self::Killed { .. } => true,
            Self::System(error) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

/// What came from the process.
#[derive(Debug)]
pub enum Received {
    /// A message.
    Message(FromExtractor),
    /// It closed its output: it ended or is about to.
    Closed,
    /// Nothing came in time.
    TimedOut,
    /// The host was told to stop.
    Stopped,
    /// It does not keep to the protocol.
    Bad(String),
}

/// A running extractor process. Dropping it ends it and everything below it.
pub struct ExtractorProcess {
    process: SupervisedProcess,
    output: std::process::ChildStdout,
    buffer: Vec<u8>,
    searched: usize,
    log: Arc<Mutex<Vec<u8>>>,
    scratch_path: PathBuf,
    scratch: OwnedFd,
    next_unit: u64,
    meter: Option<(Arc<Meter>, Instant)>,
    line_bytes: usize,
    /// The process of a plug-in, whose CPU time is limited from here.
    program: Option<Pid>,
    /// Who answered.
    pub ready: Ready,
}

impl Drop for ExtractorProcess {
    fn drop(&mut self) {
        self.note_usage();
        // What it is doing is not wanted any more. The group ends here already, so that nobody writes while scratch goes.
        if self.process.kill_group().and_then(|()| self.process.wait().map(|_| ())).is_ok() {
            crate::scratch::remove_all(&self.scratch_path).ok();
        }
    }
}

impl ExtractorProcess {
    /// Starts the process and waits until it is ready. `spec.scratch` must be an empty folder; it goes with the process.
    ///
    /// # Errors
    /// When it cannot be confined or cannot work.
    pub fn start(
        exe: &Path,
        spec: &SupervisorSpec,
        known: &Known,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, StartError> {
        let mut process = spawn(exe, spec)?;
        let missing = || io::Error::other("a pipe of the process is missing");
        // A process that does not read must not hold the host up, see `send`.
        let input = process.stdin.as_ref().ok_or_else(missing)?;
        fcntl_setfl(input, fcntl_getfl(input).map_err(io::Error::from)? | OFlags::NONBLOCK).map_err(io::Error::from)?;
        let output = process.stdout.take().ok_or_else(missing)?;
        let log = Arc::new(Mutex::new(Vec::new()));
        drain_log(process.stderr.take().ok_or_else(missing)?, Arc::clone(&log))?;
        let scratch_path = PathBuf::from(&spec.scratch);
        let scratch = crate::originals::open_root(&scratch_path)?;
        let ready = Ready { version: String::new(), tools: BTreeMap::new() };
        let mut started = Self {
            process,
            output,
            buffer: Vec::new(),
            searched: 0,
            log,
            scratch_path,
            scratch,
            next_unit: 0,
            line_bytes: 0,
            program: None,
            meter: None,
            ready,
        };
        started.ready = started.wait_until_ready(known, stop)?;
        if known.plugin.is_some() {
            started.program = cpu::child_of(started.process.pid());
        }
        Ok(started)
    }

    fn wait_until_ready(&mut self, known: &Known, stop: &dyn Fn() -> bool) -> Result<Ready, StartError> {
        let name = known.descriptor.name;
        let failed = |detail: String| StartError::Failed { extractor: name.to_owned(), detail };
        let start_max = match &known.plugin {
            // Starting is no harder than a unit may be.
            Some(_) => START_MAX.min(Duration::from_secs(known.descriptor.limits.unit_wall_s)),
            None => START_MAX,
        };
        match self.receive(Instant::now() + start_max, stop) {
            Received::Message(FromExtractor::Ready { protocol, extractor, version, tools }) => {
                ready::check_ready(known, protocol, &extractor, &version, tools).map_err(failed)
            }
            Received::Message(FromExtractor::Unable { detail }) => {
                Err(StartError::Unable { extractor: name.to_owned(), detail })
            }
            Received::Message(_) => Err(failed("its first line is not `ready`".to_owned())),
            Received::Closed => match self.end() {
                (Ended::NotConfined, log) => Err(StartError::NotConfined(log)),
                (ended @ Ended::Signal(_), _) => {
                    Err(StartError::Killed { extractor: name.to_owned(), detail: ended.to_string() })
                }
                (ended, log) => Err(failed(format!("{ended}: {log}"))),
            },
            Received::TimedOut => Err(failed(format!("it was not ready after {} s", start_max.as_secs()))),
            Received::Stopped => Err(StartError::Stopped),
            Received::Bad(detail) => Err(failed(detail)),
        }
    }

    /// Tells `meter` what the process uses from now on.
    pub fn measure(&mut self, meter: Arc<Meter>) {
        self.meter = Some((meter, Instant::now()));
    }

    fn look_at_usage(&mut self) {
        if let Some((meter, looked)) = &mut self.meter
            && looked.elapsed() >= MEASURE_EVERY
            && !self.process.is_reaped()
        {
            *looked = Instant::now();
            meter.saw(of_tree(self.process.pid()));
        }
    }

    /// Says once what was used, while the kernel can still be asked.
    fn note_usage(&mut self) {
        if let Some((meter, _)) = self.meter.take_if(|_| !self.process.is_reaped()) {
            meter.ended(of_tree(self.process.pid()));
        }
    }

    /// A number for the next unit, unique in this process.
    pub fn number_unit(&mut self) -> u64 {
        self.next_unit += 1;
        self.next_unit
    }

    /// The folder of its scratch.
    pub fn scratch(&self) -> std::os::fd::BorrowedFd<'_> {
        self.scratch.as_fd()
    }

    /// Path of the folder of its scratch.
    pub fn scratch_path(&self) -> &Path {
        &self.scratch_path
    }

    /// Sends messages. The caller keeps what is outstanding below the size of a pipe, so that this waits only where pipes are small or the
    /// first message is large.
    ///
    /// # Errors
    /// When the process has closed its input, which means that it ended, or does not read it.
    pub fn send(&mut self, mut lines: &[u8]) -> io::Result<()> {
        let Some(input) = &mut self.process.stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let deadline = Instant::now() + SEND_MAX;
        while !lines.is_empty() {
            match input.write(lines) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => lines = &lines[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if Instant::now() >= deadline {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    let pause = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK_EVERY.subsec_nanos()) };
                    match poll(&mut [PollFd::new(input, PollFlags::OUT)], Some(&pause)) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Before a unit begins: gives the process of a plug-in the CPU seconds of one unit. Built-in extractors do that themselves.
    pub fn begin_unit(&self, unit_cpu_s: u64) {
        if let Some(program) = self.program {
            // A process that ended, or lowered its own limit, is told by its pipe or by the wall clock.
            cpu::arm(program, unit_cpu_s).ok();
        }
    }

    /// Bytes of the message that was received last.
    pub fn line_bytes(&self) -> usize {
        self.line_bytes
    }

    /// Waits for the next message.
    pub fn receive(&mut self, deadline: Instant, stop: &dyn Fn() -> bool) -> Received {
        loop {
            match self.take_line() {
                Ok(Some(line)) => return parse(&line),
                Ok(None) => {}
                Err(problem) => return Received::Bad(problem),
            }
            if stop() {
                return Received::Stopped;
            }
            self.look_at_usage();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Received::TimedOut;
            }
            match self.fill(left.min(LOOK_EVERY)) {
                Ok(true) => {}
                Ok(false) => return Received::Closed,
                Err(error) => return Received::Bad(format!("its output cannot be read: {error}")),
            }
        }
    }

    /// True when a whole message waits in the buffer.
    pub fn has_message(&mut self) -> bool {
        self.buffer[self.searched..].contains(&b'\n')
    }

    fn take_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        if let Some(place) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
            let end = self.searched + place;
            let line = self.buffer[..end].to_vec();
            self.buffer.drain(..=end);
            self.searched = 0;
            self.line_bytes = end;
            return Ok(Some(line));
        }
        self.searched = self.buffer.len();
        if self.buffer.len() > LINE_BYTES_MAX {
            return Err(format!("it sent a line of more than {LINE_BYTES_MAX} bytes"));
        }
        Ok(None)
    }

    /// Reads what is there, waiting at most `timeout`. False: there will be no more.
    fn fill(&mut self, timeout: Duration) -> io::Result<bool> {
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(timeout.subsec_nanos()) };
        let mut ready = [PollFd::new(&self.output, PollFlags::IN)];
        match poll(&mut ready, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(true),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut piece = [0; 64 * 1024];
        let count = self.output.read(&mut piece)?;
        self.buffer.extend_from_slice(&piece[..count]);
        Ok(count > 0)
    }

    /// Ends the process if it still runs, and says how it ended and what its log says last.
    pub fn end(&mut self) -> (Ended, String) {
        drop(self.process.stdin.take());
        let ended = match self.process.try_wait() {
            Ok(Some(ended)) => Ok(ended),
            // It closed its output and is about to end, or has to be ended: wait for the first, briefly, then make sure.
            _ => self.wait_briefly(),
        };
        let ended = ended.unwrap_or(Ended::Signal(0));
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        (ended, String::from_utf8_lossy(&log).trim().to_owned())
    }

    fn wait_briefly(&mut self) -> io::Result<Ended> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.process.pid()).unwrap_or(0));
        if let Some(pid) = pid
            && let Ok(handle) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
        {
            let mut ready = [PollFd::new(&handle, PollFlags::IN)];
            poll(&mut ready, Some(&Timespec { tv_sec: 2, tv_nsec: 0 })).ok();
        }
        if let Some(ended) = self.process.try_wait()? {
            return Ok(ended);
        }
        self.process.kill_group()?;
        self.process.wait()
    }

    /// Ends the process now.
    pub fn kill(&mut self) {
        self.note_usage();
        // A refusal means that it is gone already.
        self.process.kill_group().ok();
    }
}

fn parse(line: &[u8]) -> Received {
    match protocol::read_line(line) {
        Ok(message) => Received::Message(message),
        Err(reason) => Received::Bad(reason),
    }
}

/// Keeps the last bytes of the log. The thread ends with the process, because every writer of the pipe is below the supervisor.
fn drain_log(mut stderr: std::process::ChildStderr, log: Arc<Mutex<Vec<u8>>>) -> io::Result<()> {
    let work = move || {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut piece) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.extend_from_slice(&piece[..count]);
            let surplus = log.len().saturating_sub(LOG_BYTES_MAX);
            log.drain(..surplus);
        }
    };
    std::thread::Builder::new().name("extractor-log".to_owned()).spawn(work).map(|_| ())
}
