//! The zip file of an export under way. One that is given up is not written any more: the crate would otherwise try to end it, on a disk that
//! is full, and complain on standard error.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zip::ZipWriter;

/// Bytes that wait to be written.
const BUFFER_BYTES: usize = 256 * 1024;

/// A zip that is either ended or given up.
pub(super) struct Zip {
    writer: Option<ZipWriter<Tape>>,
    given_up: Arc<AtomicBool>,
}

impl Zip {
    pub(super) fn new(file: File) -> Self {
        let given_up = Arc::new(AtomicBool::new(false));
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let tape = Tape { file, position: 0, end: 0, given_up: Arc::clone(&given_up) };
        Self { writer: Some(ZipWriter::new(tape)), given_up }
    }

    /// The writer; `None` only while [`Zip::end`] takes all of it.
    pub(super) fn writer(&mut self) -> Option<&mut ZipWriter<Tape>> {
        self.writer.as_mut()
    }

    /// Writes the directory of the zip. Bytes of a file that was taken back at its very end are cut off.
    pub(super) fn end(mut self) -> io::Result<()> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let mut tape = writer.finish()?;
        tape.flush()?;
        tape.file.get_ref().set_len(tape.position)
    }
}

impl Drop for Zip {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

/// A file with its position, which a seek to where it stands does not disturb.
pub(super) struct Tape {
    file: BufWriter<File>,
    position: u64,
    end: u64,
    given_up: Arc<AtomicBool>,
}

impl Tape {
    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = if self.is_given_up() { bytes.len() } else { self.file.write(bytes)? };
        self.position += count as u64;
        self.end = self.end.max(self.position);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_given_up() { Ok(()) } else { self.file.flush() }
    }
}

impl Seek for Tape {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.end.checked_add_signed(distance),
        };
        let position = position.ok_or(io::ErrorKind::InvalidInput)?;
        if position != self.position && !self.is_given_up() {
            self.file.seek(SeekFrom::Start(position))?;
        }
        self.position = position;
        Ok(position)
    }
}
