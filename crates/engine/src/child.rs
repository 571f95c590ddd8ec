//! The loop inside the confined process: it reads units, opens their originals, runs the extractor and answers.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value as Json};

use crate::extractor::{BuiltIn, CollectionJob, Emitted, Extractor, Job, Outcome, Sink};
use crate::originals::{Links, open_beneath, open_root};
use crate::protocol::{
    BlobMessage, CollectionMessage, EndOutcome, FactMessage, FromExtractor, LINE_BYTES_MAX, PROTOCOL_VERSION,
    ToExtractor, UnitMessage,
};
use crate::supervisor::ChildContext;

/// Answers wait at most this long before they are sent while more units are at hand.
const FLUSH_AFTER: Duration = Duration::from_millis(5);

/// Characters of a detail that are kept.
const DETAIL_CHARS_MAX: usize = 500;

/// Serves units until the host closes the pipe. Returns the exit code of the process.
pub fn serve(built_in: &BuiltIn, context: &ChildContext) -> i32 {
    match Server::new(built_in, context).and_then(|mut server| server.run()) {
        Ok(()) => 0,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            // Standard error is the log of this process; if it is gone there is nobody to tell.
            writeln!(io::stderr(), "extractor {}: {error}", built_in.descriptor.name).ok();
            1
        }
    }
}

struct Server<'a> {
    built_in: &'a BuiltIn,
    context: &'a ChildContext,
    roots: BTreeMap<String, OwnedFd>,
    extractor: Box<dyn Extractor>,
    out: BufWriter<io::Stdout>,
    params: Map<String, Json>,
    profile: String,
}

impl<'a> Server<'a> {
    fn new(built_in: &'a BuiltIn, context: &'a ChildContext) -> io::Result<Self> {
        let mut roots = BTreeMap::new();
        for (source, root) in &context.sources {
            roots.insert(source.clone(), open_root(root)?);
        }
        Ok(Self {
            built_in,
            context,
            roots,
            extractor: (built_in.make)(),
            out: BufWriter::with_capacity(256 * 1024, io::stdout()),
            params: Map::new(),
            profile: String::new(),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let descriptor = self.built_in.descriptor;
        match self.tools() {
            Ok(tools) => {
                let (extractor, version) = (descriptor.name.to_owned(), descriptor.version.to_owned());
                say(&mut self.out, &FromExtractor::Ready { protocol: PROTOCOL_VERSION, extractor, version, tools })?;
                self.out.flush()?;
            }
            Err(detail) => {
                say(&mut self.out, &FromExtractor::Unable { detail })?;
                return self.out.flush();
            }
        }
        let mut input = BufReader::with_capacity(256 * 1024, io::stdin());
        let mut line = Vec::new();
        let mut flushed = Instant::now();
        while read_line(&mut input, &mut line)? {
            match serde_json::from_slice(&line).map_err(io::Error::other)? {
                ToExtractor::Step { params, profile, sources: _ } => (self.params, self.profile) = (params, profile),
                ToExtractor::Unit(unit) => {
                    let outcome = self.extract(&unit)?;
                    self.end(unit.unit, outcome)?;
                }
                ToExtractor::Collection(collection) => {
                    let outcome = self.aggregate(&collection)?;
                    self.end(collection.unit, outcome)?;
                }
            }
            // An extractor that writes files takes its time with each unit: its answers must not wait for the next one.
            let slow = descriptor.writes_files;
            if slow || input.buffer().is_empty() || flushed.elapsed() >= FLUSH_AFTER {
                self.out.flush()?;
                flushed = Instant::now();
            }
        }
        self.out.flush()
    }

    /// Versions of the tools that are there. Those that are not needed for everything may be missing.
    fn tools(&mut self) -> Result<BTreeMap<String, String>, String> {
        let mut found = BTreeMap::new();
        for tool in self.built_in.descriptor.tools {
            match self.extractor.tool_version(tool) {
                Ok(version) => drop(found.insert(tool.name.to_owned(), version)),
                Err(detail) if tool.required => return Err(detail),
                Err(_) => {}
            }
        }
        Ok(found)
    }

    fn end(&mut self, unit: u64, outcome: Outcome) -> io::Result<()> {
        let end = match outcome {
            Outcome::Done => (EndOutcome::Done, None, None, false),
            Outcome::Skipped { reason, detail } => (EndOutcome::Skipped, Some(reason), Some(detail), false),
            Outcome::Failed { reason, detail, retryable } => {
                (EndOutcome::Failed, Some(reason), Some(detail), retryable)
            }
        };
        let (outcome, reason, detail, retryable) = end;
        let detail = detail.map(|detail| detail.chars().take(DETAIL_CHARS_MAX).collect());
        let end = FromExtractor::End { unit, outcome, reason: reason.map(str::to_owned), detail, retryable };
        say(&mut self.out, &end)
    }

    fn aggregate(&mut self, collection: &CollectionMessage) -> io::Result<Outcome> {
        let inputs = self.context.scratch.join(&collection.inputs);
        self.context.arm_unit_cpu()?;
        let job = CollectionJob { params: &self.params, profile: &self.profile, inputs: &inputs };
        let mut sink = Facts { unit: collection.unit, out: &mut self.out };
        self.extractor.aggregate(&job, &mut sink)
    }

    fn extract(&mut self, unit: &UnitMessage) -> io::Result<Outcome> {
        let Some(root) = self.roots.get(&unit.source) else {
            return Err(io::Error::other(format!("source {} is not one of this process", unit.source)));
        };
        let path = BASE64_STANDARD.decode(&unit.path_b64).map_err(io::Error::other)?;
        let input = match open_beneath(root.as_fd(), &path, Links::Refuse) {
            Ok(input) => input,
            Err(error) => {
                let detail = format!("the original cannot be opened: {error}");
                return Ok(Outcome::Failed { reason: "unreadable", detail, retryable: true });
            }
        };
        let scratch = self.context.scratch.join(unit.unit.to_string());
        if self.built_in.descriptor.writes_files {
            std::fs::create_dir(&scratch)?;
        }
        self.context.arm_unit_cpu()?;
        let job = Job {
            params: &self.params,
            profile: &self.profile,
            media_type: &unit.media_type,
            asset_id: &unit.asset_id,
            size_bytes: unit.size_bytes,
            mtime_ns: unit.mtime_ns.parse().map_err(io::Error::other)?,
            input_path: PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), input.as_raw_fd())),
            input: &input,
            scratch: &scratch,
        };
        let mut sink = Facts { unit: unit.unit, out: &mut self.out };
        let outcome = self.extractor.extract(&job, &mut sink)?;
        Ok(without_path(outcome, &job.input_path.to_string_lossy()))
    }
}

/// Tools name the descriptor that they were given, which holds a process id: the same bad input must give the same words every time (I8).
fn without_path(outcome: Outcome, path: &str) -> Outcome {
    let clean = |detail: String| detail.replace(&format!("file:{path}"), "the original").replace(path, "the original");
    match outcome {
        Outcome::Done => Outcome::Done,
        Outcome::Skipped { reason, detail } => Outcome::Skipped { reason, detail: clean(detail) },
        Outcome::Failed { reason, detail, retryable } => Outcome::Failed { reason, detail: clean(detail), retryable },
    }
}

struct Facts<'a> {
    unit: u64,
    out: &'a mut BufWriter<io::Stdout>,
}

impl Facts<'_> {
    fn say(&mut self, asset_id: Option<&str>, fact: Emitted) -> io::Result<()> {
        let message = FactMessage {
            unit: self.unit,
            asset_id: asset_id.map(str::to_owned),
            kind: fact.kind.0.to_owned(),
            schema_version: fact.kind.1,
            span_start_ms: fact.span_ms.map(|span| span.0),
            span_end_ms: fact.span_ms.map(|span| span.1),
            payload: fact.payload,
            blob: fact.blob.map(|(file, media_type)| BlobMessage { file, media_type: media_type.to_owned() }),
        };
        say(self.out, &FromExtractor::Fact(message))
    }
}

impl Sink for Facts<'_> {
    fn emit(&mut self, fact: Emitted) -> io::Result<()> {
        self.say(None, fact)
    }

    fn emit_about(&mut self, asset_id: &str, fact: Emitted) -> io::Result<()> {
        self.say(Some(asset_id), fact)
    }
}

fn say(out: &mut impl Write, message: &FromExtractor) -> io::Result<()> {
    serde_json::to_writer(&mut *out, message)?;
    out.write_all(b"\n")
}

/// Reads one line without its end; false at the end of the input.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let limit = LINE_BYTES_MAX as u64 + 1;
    let count = input.take(limit).read_until(b'\n', line)?;
    if count as u64 == limit {
        return Err(io::Error::other("the host sent a line that is too long"));
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(count > 0)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, without_path};

    #[test]
    fn a_detail_never_names_a_process() {
        let path = "/proc/6724/fd/4";
        let detail = format!("file:{path}: Invalid data; cannot open {path}");
        let outcome = Outcome::Failed { reason: "corrupt", detail, retryable: false };
        let Outcome::Failed { detail, .. } = without_path(outcome, path) else { panic!("another outcome") };
        assert_eq!(detail, "the original: Invalid data; cannot open the original");
    }
}
