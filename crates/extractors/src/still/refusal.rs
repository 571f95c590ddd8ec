//! Why there is no picture: the refusals of all readers of stills, and the size check that comes before every decoder.

use std::io;

use exhibit_engine::extractor::Outcome;

use super::{DECODED_BYTES_MAX, LIMITS, PIXELS_MAX};
use crate::tool::{Ended, Ran};

/// Why there is no picture.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not a format or a kind of file that is read here.
    Unsupported(String),
    /// Damaged.
    Corrupt(String),
    /// Too large in memory.
    TooManyPixels(String),
    /// Too large a file.
    TooLarge(String),
    /// Takes too long to draw.
    TooComplex(String),
    /// A tool fell over it.
    ToolCrashed(String),
    /// A tool was ended from outside.
    ToolEnded(String),
    /// The file system refused.
    Unreadable(String),
}

impl Refusal {
    /// How a tool ended that was ended by a signal.
    fn of_signal(program: &str, ended: Ended) -> Self {
        match ended {
            Ended::OutOfTime => Self::TooComplex(format!("{program} used up its CPU time")),
            Ended::OutOfRoom => Self::TooLarge(format!("{program} wrote more than {} bytes", LIMITS.file_bytes_max)),
            Ended::Crashed(signal) => {
                Self::ToolCrashed(format!("{program} was ended by signal {signal}, its own fault"))
            }
            Ended::Killed(signal) => Self::ToolEnded(format!("{program} was ended by signal {signal}")),
        }
    }

    pub(super) fn unreadable(error: &io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let failed = |reason, detail, retryable| Self::Failed { reason, detail, retryable };
        match refusal {
            Refusal::Unsupported(detail) => Self::Skipped { reason: "unsupported", detail },
            Refusal::Corrupt(detail) => failed("corrupt", detail, false),
            Refusal::TooManyPixels(detail) => failed("too-many-pixels", detail, false),
            Refusal::TooLarge(detail) => failed("too-large", detail, false),
            Refusal::TooComplex(detail) => failed("too-complex", detail, false),
            Refusal::ToolCrashed(detail) => failed("tool-crashed", detail, false),
            Refusal::ToolEnded(detail) => failed("tool-ended", detail, true),
            Refusal::Unreadable(detail) => failed("unreadable", detail, true),
        }
    }
}

/// Refuses sizes that would take too long or too much memory, before anything is allocated.
pub(super) fn check_size(width: u32, height: u32, decoded_bytes: u64) -> Result<(), Refusal> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Refusal::Corrupt(format!("{width} x {height} pixels")));
    }
    if pixels > PIXELS_MAX {
        return Err(Refusal::TooManyPixels(format!("{width} x {height} pixels; at most {PIXELS_MAX} are decoded")));
    }
    if decoded_bytes > DECODED_BYTES_MAX {
        return Err(Refusal::TooManyPixels(format!(
            "{width} x {height} pixels take {decoded_bytes} bytes to decode; at most {DECODED_BYTES_MAX} are used"
        )));
    }
    Ok(())
}

/// Why a unit stops before its end.
pub(super) enum Stop {
    /// Because of the original.
    Refused(Refusal),
    /// Because scratch cannot be written or a tool cannot be started.
    Broken(io::Error),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// What a tool that ran left to be said when it did not succeed: the refusal by its signal, else `None`.
pub(super) fn ended_by_signal(program: &str, ran: &Ran) -> Option<Refusal> {
    ran.ended().map(|ended| Refusal::of_signal(program, ended))
}
