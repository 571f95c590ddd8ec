//! Bounded reads at any place of an original or of a piece of it in memory.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Largest single read, in bytes. A JPEG segment has at most 64 KiB; nothing else that is read whole is longer.
pub(crate) const READ_BYTES_MAX: usize = 1 << 16;

/// Why a piece of a file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    /// The piece lies past the end of the file.
    #[error("the file ends too early")]
    PastEnd,
    /// The bytes do not follow their format.
    #[error("{0}")]
    Malformed(&'static str),
    /// The disk or the network failed; says nothing about the file.
    #[error("the file could not be read")]
    Io(#[source] std::io::Error),
}

/// Bytes that are read piece by piece.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A piece that is in memory already.
    Memory(&'a [u8]),
    /// A piece of an open file: where it starts and its length, in bytes.
    File(&'a File, u64, u64),
}

impl<'a> Source<'a> {
    /// The whole of an open file.
    pub(crate) fn of_file(file: &'a File) -> Result<Self, Damage> {
        Ok(Self::File(file, 0, file.metadata().map_err(Damage::Io)?.len()))
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, _, len) => *len,
        }
    }

    /// The `count` bytes from `offset` as a source of their own.
    pub(crate) fn part(&self, offset: u64, count: u64) -> Result<Self, Damage> {
        let end = offset.checked_add(count).filter(|end| *end <= self.len()).ok_or(Damage::PastEnd)?;
        Ok(match self {
            Self::Memory(bytes) => {
                let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
                Self::Memory(range.and_then(|(start, end)| bytes.get(start..end)).ok_or(Damage::PastEnd)?)
            }
            Self::File(file, start, _) => Self::File(file, start + offset, count),
        })
    }

    /// Fills `buffer` from `offset`.
    pub(crate) fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Damage> {
        let end = offset.checked_add(buffer.len() as u64).ok_or(Damage::PastEnd)?;
        if end > self.len() {
            return Err(Damage::PastEnd);
        }
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).map_err(|_| Damage::PastEnd)?;
                let piece = bytes.get(start..).and_then(|rest| rest.get(..buffer.len())).ok_or(Damage::PastEnd)?;
                buffer.copy_from_slice(piece);
                Ok(())
            }
            Self::File(file, start, _) => {
                file.read_exact_at(buffer, start + offset).map_err(|error| match error.kind() {
                    // The file shrank since it was opened.
                    std::io::ErrorKind::UnexpectedEof => Damage::PastEnd,
                    _ => Damage::Io(error),
                })
            }
        }
    }

    /// `N` bytes from `offset`.
    pub(crate) fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N], Damage> {
        let mut bytes = [0; N];
        self.fill(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// `count` bytes from `offset`, at most [`READ_BYTES_MAX`].
    pub(crate) fn bytes(&self, offset: u64, count: u64) -> Result<Vec<u8>, Damage> {
        self.long_bytes(offset, count, READ_BYTES_MAX)
    }

    /// `count` bytes from `offset`, at most `bytes_max`.
    pub(crate) fn long_bytes(&self, offset: u64, count: u64, bytes_max: usize) -> Result<Vec<u8>, Damage> {
        if offset.checked_add(count).is_none_or(|end| end > self.len()) {
            return Err(Damage::PastEnd);
        }
        let count = usize::try_from(count).ok().filter(|count| *count <= bytes_max);
        let mut bytes = vec![0; count.ok_or(Damage::Malformed("a part is larger than it may be"))?];
        self.fill(offset, &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads a big-endian `u16` at `at`.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// Reads a big-endian `u32` at `at`.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// Reads a big-endian `u64` at `at`.
pub(crate) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// What cannot be read is not there; only a failing disk is an error.
pub(crate) fn optional<T>(read: Result<T, Damage>) -> Result<Option<T>, Damage> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Damage::Io(error)) => Err(Damage::Io(error)),
        Err(Damage::PastEnd | Damage::Malformed(_)) => Ok(None),
    }
}
