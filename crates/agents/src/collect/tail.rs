//! Reads a growing file of lines from where it was left, and notices when it is another file.
//!
//! Nothing is written and no lock is taken: the file belongs to the agent. The position is a value that the caller keeps, in the transaction that
//! also takes in what the lines said; so after a crash the lines come again, and are known by their ids.

use std::io::{self, Read, Seek, SeekFrom};

use exhibit_model::digest::Digest;

use super::{BadLine, LineParser};
use crate::contract::Document;

/// Bytes that are read at once: some hundred lines of an agent, and a bound on what one transaction holds.
pub const READ_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Longest line in bytes. A line with pasted pictures has a few MiB; a longer one holds something that is no message.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes at the start of a file that tell it from another: the first line of each format has an id and a time in them.
pub const HEAD_BYTES_MAX: usize = 1_024;

/// How far a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes that were read, up to the end of a line.
    pub offset: u64,
    /// SHA-256 of the first bytes that were read, at most [`HEAD_BYTES_MAX`] of them.
    pub head_hash: Digest,
}

impl Position {
    /// The start of a file of which nothing was read.
    pub fn start() -> Self {
        Self { offset: 0, head_hash: Digest::of(b"") }
    }

    fn head_bytes(&self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX).min(HEAD_BYTES_MAX)
    }
}

/// What a reading found.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// Whole lines, perhaps none. `more` says that the end of the file was not reached.
    Lines {
        /// They.
        lines: Lines,
        /// Whether to read on at once.
        more: bool,
    },
    /// The file is shorter than what was read of it, or begins otherwise: it is read from its start with the next call, by a parser that
    /// has seen nothing.
    Restarted,
}

/// Whole lines of a file, and how many were too long to be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Lines longer than [`LINE_BYTES_MAX`], which were passed over.
    pub too_long: u64,
}

impl Lines {
    /// The lines without their ends; empty ones are left out.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        lines.filter(|line| !line.is_empty())
    }

    /// Gives the lines to a parser: the documents that they make, and how many lines were bad.
    pub fn parse(&self, parser: &mut dyn LineParser) -> (Vec<Document>, u64) {
        let (mut documents, mut bad) = (Vec::new(), self.too_long);
        for line in self.iter() {
            if line.len() > LINE_BYTES_MAX {
                bad += 1;
                continue;
            }
            let mut outcome = parser.line(line);
            if outcome == Err(BadLine::Full) {
                documents.extend(parser.take());
                outcome = parser.line(line);
            }
            bad += u64::from(outcome.is_err());
        }
        documents.extend(parser.take());
        (documents, bad)
    }
}

/// One file that is read as it grows.
#[derive(Debug)]
pub struct Tail {
    position: Position,
    /// Inside of a line that is too long.
    is_skipping: bool,
    /// Where to stop: not beyond what was read before.
    limit: u64,
}

impl Tail {
    /// Goes on from a position.
    pub fn new(position: Position) -> Self {
        Self { position, is_skipping: false, limit: u64::MAX }
    }

    /// Goes on from a position that was stored, with a parser that has seen nothing: gives it the lines before the position, whose documents
    /// were taken in long ago. `None` when the file is not the one that was read; then it is read from its start, by a new parser.
    ///
    /// # Errors
    /// What the file system says.
    pub fn resume(
        file: &mut (impl Read + Seek),
        position: Position,
        parser: &mut dyn LineParser,
    ) -> io::Result<Option<Self>> {
        if !Self::new(position).is_same(file)? {
            return Ok(None);
        }
        let mut tail = Self { limit: position.offset, ..Self::new(Position::start()) };
        while tail.position.offset < position.offset {
            let before = tail.position.offset;
            match tail.read(file)? {
                Reading::Lines { lines, .. } if tail.position.offset > before => {
                    let _known = lines.parse(parser);
                }
                // The position is inside of a line, or the file changed meanwhile.
                _ => return Ok(None),
            }
        }
        tail.limit = u64::MAX;
        Ok(Some(tail))
    }

    /// Where the next reading begins; to be kept with what the lines said.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Reads the lines that are whole by now; a half line at the end waits. At most [`READ_BYTES_MAX`] bytes, or one line.
    ///
    /// # Errors
    /// What the file system says; the position stays, so that the same can be tried again.
    pub fn read(&mut self, file: &mut (impl Read + Seek)) -> io::Result<Reading> {
        if !self.is_same(file)? {
            *self = Self::new(Position::start());
            return Ok(Reading::Restarted);
        }
        file.seek(SeekFrom::Start(self.position.offset))?;
        let mut bytes = Vec::new();
        let mut lines = Lines::default();
        // The bound on a line is a multiple of the bound on a reading, so this ends after a few rounds.
        loop {
            let rest = self.limit.saturating_sub(self.position.offset);
            let rest = usize::try_from(rest).unwrap_or(usize::MAX).saturating_sub(bytes.len());
            let wanted = rest.min(READ_BYTES_MAX);
            let found = file.by_ref().take(u64::try_from(wanted).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
            let is_end = found < READ_BYTES_MAX;
            if let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') {
                bytes.truncate(last + 1);
                self.advance(file, bytes.len())?;
                lines.bytes = self.without_rest(bytes);
                return Ok(Reading::Lines { lines, more: !is_end });
            }
            if self.is_skipping || bytes.len() > LINE_BYTES_MAX {
                lines.too_long = u64::from(!self.is_skipping);
                self.advance(file, bytes.len())?;
                self.is_skipping = true;
                return Ok(Reading::Lines { lines, more: !is_end });
            }
            if is_end {
                return Ok(Reading::Lines { lines, more: false });
            }
        }
    }

    /// Drops the rest of a line that was too long.
    fn without_rest(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.is_skipping
            && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
        {
            bytes.drain(..=end);
            self.is_skipping = false;
        }
        bytes
    }

    fn is_same(&self, file: &mut (impl Read + Seek)) -> io::Result<bool> {
        if file.seek(SeekFrom::End(0))? < self.position.offset {
            return Ok(false);
        }
        Ok(head_hash(file, self.position.head_bytes())? == Some(self.position.head_hash))
    }

    fn advance(&mut self, file: &mut (impl Read + Seek), bytes: usize) -> io::Result<()> {
        let mut position = self.position;
        position.offset = position.offset.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.position.head_bytes() < HEAD_BYTES_MAX {
            let changed = || io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read");
            position.head_hash = head_hash(file, position.head_bytes())?.ok_or_else(changed)?;
        }
        self.position = position;
        Ok(())
    }
}

/// The hash of the first `bytes` bytes; `None` when there are fewer.
fn head_hash(file: &mut (impl Read + Seek), bytes: usize) -> io::Result<Option<Digest>> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(bytes);
    file.by_ref().take(u64::try_from(bytes).unwrap_or(u64::MAX)).read_to_end(&mut head)?;
    Ok((head.len() == bytes).then(|| Digest::of(&head)))
}

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
