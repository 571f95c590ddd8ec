//! `noop`: the hello world of pipelines. It reads nothing, says what it was told of the original, and fails, waits, crashes or fills memory as
//! asked.
//!
//! It measures what a unit costs when the work costs nothing, and the drills use it because every outcome can be asked for. What it does
//! depends on the asset and the parameters only, so the same units fail in every run, whatever the number of workers.

use std::thread;
use std::time::Duration;

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Limits, MediaClass, Outcome, Sink};
use serde::{Deserialize, Serialize};

/// The kind that it emits.
pub const ECHO: (&str, u32) = ("noop.echo", 1);

/// The kind file of [`ECHO`].
pub const ECHO_KIND_FILE: &str = include_str!("../../../../schemas/kinds/noop.echo.v1.json");

/// What the host knows of it.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "noop",
    version: "1",
    about: "Does nothing, and waits, fails, crashes or fills memory when asked to; for trying and measuring runs.",
    media: &[MediaClass::Image, MediaClass::Video, MediaClass::Audio, MediaClass::Other],
    emits: &[ECHO],
    params_schema: PARAMS_SCHEMA,
    tools: &[],
    reads: &[],
    reads_file_time: false,
    writes_files: false,
    limits: Limits {
        // It computes nothing; a second of CPU in one unit would already be a defect.
        unit_cpu_s: 10,
        // Twice the longest `sleep_ms`.
        unit_wall_s: 120,
        // It writes no file; room for a line of log.
        file_bytes_max: 1 << 20,
        // The program itself maps about 100 MiB.
        address_space_bytes: 1 << 30,
    },
};

const PARAMS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "sleep_ms": {"type": "integer", "minimum": 0, "maximum": 60000, "default": 0, "description": "Milliseconds to sleep in each unit."},
    "fail_every": {"type": "integer", "minimum": 0, "maximum": 1000000000, "default": 0, "description": "Fail when the asset's number is divisible by this; 0 = never."},
    "empty_every": {"type": "integer", "minimum": 0, "maximum": 1000000000, "default": 0, "description": "Find nothing when the asset's number is divisible by this; 0 = never."},
    "crash_every": {"type": "integer", "minimum": 0, "maximum": 1000000000, "default": 0, "description": "Abort the process when the asset's number is divisible by this; 0 = never."},
    "memory_every": {"type": "integer", "minimum": 0, "maximum": 1000000000, "default": 0, "description": "Fill memory when the asset's number is divisible by this; 0 = never."},
    "memory_mib": {"type": "integer", "minimum": 0, "maximum": 65536, "default": 0, "description": "How much memory to fill, in MiB; it is held while the unit sleeps."},
    "emit": {"type": "boolean", "default": true, "description": "Emit a fact."}
  }
}"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    sleep_ms: u64,
    fail_every: u64,
    empty_every: u64,
    crash_every: u64,
    memory_every: u64,
    memory_mib: usize,
    emit: bool,
}

/// The payload of `noop.echo` v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Echo {
    /// Size of the original when it was cataloged, in bytes.
    pub size_bytes: u64,
    /// Media type found when it was cataloged.
    pub media_type: String,
}

/// Makes the worker.
pub fn make() -> Box<dyn Extractor> {
    Box::new(Noop)
}

/// The number of an asset that `fail_every` and the others divide: the last 60 bits of its SHA-256.
///
/// An id that is not `ast_` and hexadecimal digits has the number that its digits give; one without digits has 0.
pub fn number_of(asset_id: &str) -> u64 {
    let digits = asset_id.strip_prefix("ast_").unwrap_or(asset_id);
    let last = digits.char_indices().rev().nth(14).map_or(digits, |(start, _)| &digits[start..]);
    last.chars().filter_map(|digit| digit.to_digit(16)).fold(0, |number, digit| number << 4 | u64::from(digit))
}

struct Noop;

impl Extractor for Noop {
    fn extract(&mut self, job: &Job<'_>, sink: &mut dyn Sink) -> std::io::Result<Outcome> {
        let params: Params = crate::params(job)?;
        let number = number_of(job.asset_id);
        let hits = |every: u64| every != 0 && number.is_multiple_of(every);
        let memory = if hits(params.memory_every) { vec![1_u8; params.memory_mib << 20] } else { Vec::new() };
        if params.sleep_ms > 0 {
            thread::sleep(Duration::from_millis(params.sleep_ms));
        }
        drop(std::hint::black_box(memory));
        if hits(params.crash_every) {
            std::process::abort();
        }
        if hits(params.fail_every) {
            return Ok(Outcome::Failed {
                reason: "asked-to-fail",
                detail: format!("the asset's number {number} is divisible by fail_every = {}", params.fail_every),
                retryable: true,
            });
        }
        if params.emit && !hits(params.empty_every) {
            let echo = Echo { size_bytes: job.size_bytes, media_type: job.media_type.to_owned() };
            sink.emit(Emitted { kind: ECHO, span_ms: None, payload: serde_json::to_value(echo)?, blob: None })?;
        }
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests;
