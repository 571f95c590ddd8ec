//! SVG: drawn by `rsvg-convert` to a PNG.
//!
//! The drawing comes in on stdin, so librsvg has no base address: a reference to any other file or address is not followed, only `data:`
//! addresses are. It runs no scripts and no animations. A drawing has no pixels of its own: it is fitted into the largest wanted edge,
//! enlarged or not; what it leaves open stays transparent. Text is set in the fonts that this machine has, so drawings with text may differ
//! between machines.

use std::fs::File;
use std::io::{self, Seek};
use std::process::Stdio;

use exhibit_engine::extractor::{Job, Limits};

use super::{LIMITS, Refusal, Stop, ended_by_signal};
use crate::tool;

/// The tool.
pub const PROGRAM: &str = "rsvg-convert";

/// Bytes of the largest drawing that is read; maps of whole cities have about 30 MB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// CPU seconds for one drawing. Real ones, maps of cities among them, take up to 3 s.
const DRAW_CPU_S: u64 = 10;

/// Name of the drawn picture in scratch.
const OUTPUT: &str = "drawn.png";

/// The version of the tool.
///
/// # Errors
/// When it is missing or does not say; the text is for people.
pub fn version() -> Result<String, String> {
    tool::version(PROGRAM, "librsvg2-bin", &LIMITS, &["--version"])
}

/// The drawing as a PNG file, its longer side `edge` pixels.
pub(super) fn draw(job: &Job<'_>, edge: u32) -> Result<File, Stop> {
    if job.size_bytes > FILE_BYTES_MAX {
        let detail = format!("a drawing of {} bytes; at most {FILE_BYTES_MAX} are read", job.size_bytes);
        return Err(Refusal::TooLarge(detail).into());
    }
    let mut input = job.input.try_clone()?;
    input.rewind().map_err(|error| Refusal::unreadable(&error))?;
    let mut command = tool::command(PROGRAM, &Limits { unit_cpu_s: DRAW_CPU_S, ..LIMITS })?;
    let edge = edge.to_string();
    command.args(["--format", "png", "--keep-aspect-ratio", "--width", &edge, "--height", &edge, "--output", OUTPUT]);
    command.args(["--accept-language", "en"]).stdin(Stdio::from(input));
    let ran = tool::run(command, job.scratch, 0)?;
    if let Some(refusal) = ended_by_signal(PROGRAM, &ran) {
        return Err(refusal.into());
    }
    if !ran.status.success() {
        let said = ran.said();
        return Err(refusal(said).into());
    }
    open_output(job, OUTPUT, PROGRAM)
}

/// Words of librsvg and libxml2 about drawings that are built to take for ever.
const LIMIT_WORDS: [&str; 5] = ["exceeded", "excessive", "limit", "reference loop", "too large"];

fn refusal(said: String) -> Refusal {
    let lower = said.to_lowercase();
    if lower.contains("no dimensions") {
        Refusal::Unsupported("the drawing has neither a size nor anything to draw".into())
    } else if LIMIT_WORDS.iter().any(|word| lower.contains(word)) {
        Refusal::TooComplex(said)
    } else {
        Refusal::Corrupt(said)
    }
}

/// What a tool wrote to scratch. The name is gone at once: only blobs stay there.
pub(super) fn open_output(job: &Job<'_>, name: &str, program: &str) -> Result<File, Stop> {
    let path = job.scratch.join(name);
    match File::open(&path) {
        Ok(file) => {
            std::fs::remove_file(&path)?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Refusal::Corrupt(format!("{program} wrote no picture")).into())
        }
        Err(error) => Err(error.into()),
    }
}
