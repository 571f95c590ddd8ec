//! Reads one directory (IFD) of a TIFF structure, the form in which EXIF data is kept; TIFF 6.0 and BigTIFF.
//!
//! Which directories are read is fixed by the caller and none is followed from another, so there are no loops.

use super::payload::TEXT_BYTES_MAX;
use super::source::{Damage, READ_BYTES_MAX, Source};

/// Entries of one directory. Cameras write fewer than 100; the standard allows 65,535.
const ENTRIES_MAX: u64 = 1024;
/// Numbers in one entry; longer lists are tables of the picture data, not facts, and kept as bytes.
const NUMBERS_MAX: u64 = 16;
/// Bytes kept of one text: what fits a payload and a little, so that cutting is noticed.
const BYTES_MAX: u64 = TEXT_BYTES_MAX as u64 + 16;

/// The value of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text; anything after a zero byte is dropped, bytes that are not UTF-8 are replaced.
    Text(String),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Fractions as stored, numerator and denominator.
    Fractions(Vec<(i64, i64)>),
    /// Floating-point numbers.
    Floats(Vec<f64>),
    /// Bytes without a type or of a long list, at most the first 1,040, and how many there are.
    Bytes(Vec<u8>, u64),
}

impl Value {
    /// The text.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The first whole number, if it is not negative.
    pub(crate) fn unsigned(&self) -> Option<u64> {
        if let Self::Integers(numbers) = self { u64::try_from(*numbers.first()?).ok() } else { None }
    }

    /// The `index`th number, whatever its form; `None` for a fraction with denominator 0.
    pub(crate) fn number(&self, index: usize) -> Option<f64> {
        let number = match self {
            Self::Integers(numbers) => *numbers.get(index)? as f64,
            Self::Fractions(fractions) => {
                let (num, den) = *fractions.get(index)?;
                if den == 0 {
                    return None;
                }
                num as f64 / den as f64
            }
            Self::Floats(numbers) => *numbers.get(index)?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }
}

/// Tags whose values are whole structures of their own: XMP and the notes of the maker.
const BLOCK_TAGS: [u16; 2] = [0x02BC, 0x927C];

/// One directory.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// Tags and values, in the order of the file.
    pub(crate) entries: Vec<(u16, Value)>,
    /// Where the values of [`BLOCK_TAGS`] lie: tag, offset and length in bytes.
    blocks: Vec<(u16, u64, u64)>,
    /// Where the next directory of the chain is; 0 when this is the last one.
    pub(crate) next: u64,
    /// Whether entries had to be left out.
    pub(crate) damaged: bool,
}

impl Directory {
    /// A directory of which nothing could be read.
    pub(crate) fn broken() -> Self {
        Self { damaged: true, ..Self::default() }
    }

    /// The first entry with this tag.
    pub(crate) fn get(&self, tag: u16) -> Option<&Value> {
        self.entries.iter().find(|(known, _)| *known == tag).map(|(_, value)| value)
    }

    /// Offset and length of the first value with this tag, one of [`BLOCK_TAGS`].
    pub(crate) fn block(&self, tag: u16) -> Option<(u64, u64)> {
        self.blocks.iter().find(|(known, ..)| *known == tag).map(|(_, at, bytes)| (*at, *bytes))
    }
}

/// A TIFF structure whose header was read.
pub(crate) struct Tiff<'a> {
    source: Source<'a>,
    little_endian: bool,
    big: bool,
    /// Where the first directory is.
    pub(crate) first: u64,
}

impl<'a> Tiff<'a> {
    /// Reads the header.
    pub(crate) fn open(source: Source<'a>) -> Result<Self, Damage> {
        let start = source.array::<8>(0)?;
        let little_endian = match &start[..2] {
            b"II" => true,
            b"MM" => false,
            _ => return Err(Damage::Malformed("no TIFF byte order")),
        };
        let mut tiff = Self { source, little_endian, big: false, first: 0 };
        match tiff.number(&start[2..4]) {
            // The other two are the marks of Olympus.
            42 | 0x4F52 | 0x5352 => tiff.first = tiff.number(&start[4..8]),
            43 => {
                tiff.big = true;
                tiff.first = tiff.number(&source.array::<8>(8)?);
            }
            _ => return Err(Damage::Malformed("no TIFF version number")),
        }
        Ok(tiff)
    }

    /// A structure without a header: big-endian, with offsets that count from the start of `source`.
    pub(crate) fn big_endian(source: Source<'a>, first: u64) -> Self {
        Self { source, little_endian: false, big: false, first }
    }

    /// Where it is read from.
    pub(crate) fn source(&self) -> Source<'a> {
        self.source
    }

    /// Reads the directory at `offset`. Entries that lie outside the file or have an unknown type are left out.
    pub(crate) fn directory(&self, offset: u64) -> Result<Directory, Damage> {
        let (count_bytes, entry_bytes) = if self.big { (8, 20) } else { (2, 12) };
        let count = self.number(&self.source.bytes(offset, count_bytes)?);
        let start = offset.checked_add(count_bytes).ok_or(Damage::PastEnd)?;
        let room = self.source.len().saturating_sub(start) / entry_bytes;
        let readable = count.min(ENTRIES_MAX).min(room);
        debug_assert!(ENTRIES_MAX * entry_bytes <= READ_BYTES_MAX as u64, "a directory is read in one piece");
        let table = self.source.bytes(start, readable * entry_bytes)?;
        let mut directory = Directory { damaged: readable < count, ..Directory::default() };
        for (index, entry) in table.chunks_exact(entry_bytes as usize).enumerate() {
            let tag = self.number(&entry[..2]) as u16;
            match self.value(entry, start + index as u64 * entry_bytes) {
                Ok((value, at, bytes)) => {
                    directory.entries.push((tag, value));
                    if BLOCK_TAGS.contains(&tag) {
                        directory.blocks.push((tag, at, bytes));
                    }
                }
                Err(Damage::Io(error)) => return Err(Damage::Io(error)),
                Err(_) => directory.damaged = true,
            }
        }
        // Many EXIF blocks end without the link to a next directory.
        let link = self.source.bytes(start + readable * entry_bytes, if self.big { 8 } else { 4 });
        directory.next = link.map_or(0, |link| self.number(&link));
        Ok(directory)
    }

    /// The value of an entry, which lies in the entry itself when it is small enough; with its offset and length.
    fn value(&self, entry: &[u8], entry_at: u64) -> Result<(Value, u64, u64), Damage> {
        let kind = self.number(&entry[2..4]);
        let (count, field) = if self.big { (&entry[4..12], 12) } else { (&entry[4..8], 8) };
        let count = self.number(count);
        let item_bytes: u64 = match kind {
            1 | 2 | 6 | 7 | 129 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => return Err(Damage::Malformed("an entry of unknown type")),
        };
        let total = count.checked_mul(item_bytes).ok_or(Damage::PastEnd)?;
        let inline = total <= (entry.len() - field) as u64;
        let at = if inline { entry_at + field as u64 } else { self.number(&entry[field..]) };
        // The whole value must lie in the file, not only the part that is kept.
        if at.checked_add(total).is_none_or(|end| end > self.source.len()) {
            return Err(Damage::PastEnd);
        }
        let bytes = self.source.bytes(at, total.min(BYTES_MAX))?;
        let is_text = matches!(kind, 2 | 129);
        // The XP tags of Windows are texts in UTF-16, stored as bytes of the type for numbers.
        let is_bytes = kind == 7 || matches!(self.number(&entry[..2]), 0x9C9B..=0x9C9F);
        if is_bytes || (!is_text && count > NUMBERS_MAX) {
            return Ok((Value::Bytes(bytes, total), at, total));
        }
        let items = bytes.chunks_exact(item_bytes as usize);
        let value = match kind {
            _ if is_text => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Value::Text(String::from_utf8_lossy(&bytes[..end]).into_owned())
            }
            5 | 10 => Value::Fractions(items.map(|item| self.fraction(item, kind == 10)).collect()),
            11 | 12 => Value::Floats(items.map(|item| self.float(item)).collect()),
            6 | 8 | 9 | 17 => Value::Integers(items.map(|item| self.signed(item)).collect()),
            _ => Value::Integers(items.map(|item| i64::try_from(self.number(item)).unwrap_or(i64::MAX)).collect()),
        };
        Ok((value, at, total))
    }

    fn fraction(&self, item: &[u8], signed: bool) -> (i64, i64) {
        let (num, den) = item.split_at(item.len() / 2);
        if signed { (self.signed(num), self.signed(den)) } else { (self.number(num) as i64, self.number(den) as i64) }
    }

    fn float(&self, item: &[u8]) -> f64 {
        let bits = self.number(item);
        if item.len() == 4 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
    }

    fn signed(&self, item: &[u8]) -> i64 {
        let shift = 64 - 8 * item.len() as u32;
        (self.number(item) << shift) as i64 >> shift
    }

    /// An unsigned number of up to eight bytes in the byte order of the file.
    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.little_endian { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }
}
