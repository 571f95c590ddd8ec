//! The one fact that is read in the notes of camera makers: what Apple calls the content identifier.

use super::payload::text_fact;
use super::source::Source;
use super::tiff::{Directory, Tiff};

/// Longest notes of a maker that are read, in bytes; those of Apple have about 2 KiB.
const NOTE_BYTES_MAX: usize = 1 << 16;
/// What the notes of Apple begin with; two bytes of version and two of byte order follow, then a directory.
const APPLE: &[u8] = b"Apple iOS\0";
const APPLE_DIRECTORY_AT: u64 = 14;
const CONTENT_IDENTIFIER: u16 = 0x0011;

/// The identifier that the picture and the film of a Live Photo share. Other makers, and notes that are damaged, say none.
pub(crate) fn content_identifier(source: Source<'_>, settings: &Directory) -> Option<String> {
    let (at, bytes) = settings.block(0x927C)?;
    let note = source.long_bytes(at, bytes, NOTE_BYTES_MAX).ok()?;
    if !note.starts_with(APPLE) || note.get(12..14) != Some(b"MM") {
        return None;
    }
    let tiff = Tiff::big_endian(Source::Memory(&note), APPLE_DIRECTORY_AT);
    let directory = tiff.directory(tiff.first).ok()?;
    text_fact(directory.get(CONTENT_IDENTIFIER)?.text()?)
}
