//! Camera RAW: the JPEG that the camera left inside for its own display.
//!
//! Developing the raw pixels is not this program's work. Cameras leave one to three previews of different sizes; the smallest that covers
//! the wanted edge is taken, else the largest, and the method says which of the two it was. The orientation of the RAW holds for its
//! previews; where it states none, the preview's own does. Where previews lie:
//!
//! | container | formats | previews |
//! |---|---|---|
//! | TIFF | CR2, NEF, ARW, DNG, PEF, SRW, 3FR, ORF, RW2 | JPEG entries and JPEG strips of all directories; ORF: maker's note; RW2: tag 0x2e |
//! | ISO-BMFF | CR3 | the first track, and `PRVW` |
//! | its own | RAF | named in the header; carries its own EXIF |

use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt;

use super::jpeg::FILE_BYTES_MAX;
use super::raw_tiff;
use super::{Refusal, check_size};
use crate::orientation::read_first_directory;

/// Segments of a preview that are stepped over in search of its size.
const SEGMENTS_MAX: usize = 64;

/// Boxes of one level of a CR3 that are looked at; cameras write about ten.
const BOXES_MAX: usize = 64;

/// Bytes of the TIFF structure of a CR3 that states the orientation; cameras write about 400.
const CMT1_BYTES_MAX: u64 = 64 << 10;

/// The box of a CR3 that holds the camera's facts.
const CANON: [u8; 16] = 0x85c0_b687_820f_11e0_8111_f4ce_462b_6a48_u128.to_be_bytes();

/// The box of a CR3 that holds the preview.
const CANON_PREVIEW: [u8; 16] = 0xeaf4_2b5e_1c98_4b88_b9fb_b7dc_406e_4d16_u128.to_be_bytes();

/// How a RAW is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Directories as in TIFF.
    Tiff,
    /// Boxes as in MP4.
    Cr3,
    /// Fuji's own header.
    Raf,
}

impl Family {
    /// The family of a media type.
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "image/x-canon-cr2"
            | "image/x-nikon-nef"
            | "image/x-sony-arw"
            | "image/x-adobe-dng"
            | "image/x-pentax-pef"
            | "image/x-samsung-srw"
            | "image/x-hasselblad-3fr"
            | "image/x-olympus-orf"
            | "image/x-panasonic-rw2" => Some(Self::Tiff),
            "image/x-canon-cr3" => Some(Self::Cr3),
            "image/x-fuji-raf" => Some(Self::Raf),
            _ => None,
        }
    }
}

/// A preview, and what it is the preview of.
#[derive(Debug, PartialEq, Eq)]
pub struct Preview {
    /// First byte of the JPEG in the file.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// Width of the preview in pixels.
    pub width: u32,
    /// Height of the preview in pixels.
    pub height: u32,
    /// What the RAW says, 1 to 8; `None`: the preview's own orientation holds.
    pub orientation: Option<u8>,
    /// Width of the largest picture that the RAW names, in pixels.
    pub source_width: u32,
    /// Height of the largest picture that the RAW names, in pixels.
    pub source_height: u32,
}

/// What a container says.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Places and lengths of what may be previews.
    pub(super) candidates: Vec<(u64, u64)>,
    /// 1 to 8.
    pub(super) orientation: Option<u8>,
    /// The largest size in pixels that any picture in it has.
    pub(super) size: (u32, u32),
}

/// True when a TIFF begins with a preview of something that TIFF readers do not show.
pub(super) fn is_tiff_with_preview(mut file: &File) -> Result<bool, Refusal> {
    let first = read_first_directory(&mut file).map_err(|error| Refusal::unreadable(&error))?;
    Ok(first.is_some_and(|first| first.preview_only))
}

/// The preview that suits an edge.
pub(super) fn preview(file: &File, family: Family, edge: u32) -> Result<Preview, Refusal> {
    let contents = match family {
        Family::Tiff => raw_tiff::read(file),
        Family::Cr3 => read_cr3(file),
        Family::Raf => read_raf(file),
    };
    let contents = contents.ok_or_else(|| Refusal::Corrupt("the structure of this camera RAW is damaged".into()))?;
    let mut best: Option<Preview> = None;
    for (offset, bytes) in contents.candidates {
        let Some((width, height)) = jpeg_size(file, offset, bytes) else { continue };
        let longest = width.max(height);
        let better = best.as_ref().is_none_or(|best| {
            let known = best.width.max(best.height);
            if known >= edge { longest >= edge && longest < known } else { longest > known }
        });
        if better && bytes <= FILE_BYTES_MAX {
            let (source_width, source_height) = contents.size;
            let orientation = contents.orientation;
            best = Some(Preview { offset, bytes, width, height, orientation, source_width, source_height });
        }
    }
    let mut found =
        best.ok_or_else(|| Refusal::Unsupported("there is no preview in this camera RAW that can be read".to_owned()))?;
    if u64::from(found.source_width) * u64::from(found.source_height) < u64::from(found.width) * u64::from(found.height)
    {
        (found.source_width, found.source_height) = (found.width, found.height);
    }
    check_size(found.width, found.height, 0)?;
    Ok(found)
}

/// Exactly `N` bytes at a place.
pub(super) fn bytes_at<const N: usize>(file: &File, offset: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // What cannot be read is not there; a disk that fails will also fail when the preview is read, and is told then.
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}

/// The size that a JPEG states, when it is of a kind that is decoded here (8 bits, not lossless).
fn jpeg_size(file: &File, offset: u64, bytes: u64) -> Option<(u32, u32)> {
    if bytes_at::<2>(file, offset)? != [0xff, 0xd8] {
        return None;
    }
    let end = offset.checked_add(bytes)?;
    let mut at = offset + 2;
    for _ in 0..SEGMENTS_MAX {
        let [mark, marker, high, low] = bytes_at::<4>(file, at)?;
        if mark != 0xff || at >= end {
            return None;
        }
        if matches!(marker, 0xc0..=0xc2) {
            let [precision, h0, h1, w0, w1] = bytes_at::<5>(file, at + 4)?;
            let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
            return (precision == 8 && width > 0 && height > 0).then_some((width.into(), height.into()));
        }
        if matches!(marker, 0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xda | 0xd9) {
            return None;
        }
        at += 2 + u64::from(u16::from_be_bytes([high, low]));
    }
    None
}

/// The header of a RAF: 16 bytes of name, camera and versions, then place and length of the preview.
fn read_raf(file: &File) -> Option<Contents> {
    let [o0, o1, o2, o3, l0, l1, l2, l3] = bytes_at::<8>(file, 84)?;
    let place = (u32::from_be_bytes([o0, o1, o2, o3]).into(), u32::from_be_bytes([l0, l1, l2, l3]).into());
    Some(Contents { candidates: vec![place], ..Contents::default() })
}

/// A box of an ISO-BMFF file: its type, where its contents begin and end.
struct FileBox {
    kind: [u8; 4],
    start: u64,
    end: u64,
}

/// The boxes between two places. A box that claims more than that ends the list.
fn boxes(file: &File, mut at: u64, end: u64) -> Vec<FileBox> {
    let mut found = Vec::new();
    while found.len() < BOXES_MAX && at.saturating_add(8) <= end {
        let Some([s0, s1, s2, s3, k0, k1, k2, k3]) = bytes_at::<8>(file, at) else { break };
        let (header, size) = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => (8, end - at),
            1 => match bytes_at::<8>(file, at + 8) {
                Some(long) => (16, u64::from_be_bytes(long)),
                None => break,
            },
            short => (8, u64::from(short)),
        };
        let Some(next) = at.checked_add(size).filter(|next| size >= header && *next <= end) else { break };
        found.push(FileBox { kind: [k0, k1, k2, k3], start: at + header, end: next });
        at = next;
    }
    found
}

fn read_cr3(file: &File) -> Option<Contents> {
    let length = file.metadata().ok()?.len();
    let mut contents = Contents::default();
    for top in boxes(file, 0, length) {
        match &top.kind {
            b"moov" => read_movie(file, &top, &mut contents),
            b"uuid" if bytes_at::<16>(file, top.start)? == CANON_PREVIEW => {
                // Eight bytes of unknown meaning stand before the box in the box.
                let inner = boxes(file, top.start + 24, top.end);
                let preview = inner.iter().find(|inner| &inner.kind == b"PRVW");
                let place = preview.and_then(|preview| {
                    // Twelve bytes of sizes and flags, then the length of the JPEG that follows.
                    let length = u32::from_be_bytes(bytes_at::<4>(file, preview.start + 12)?);
                    Some((preview.start + 16, u64::from(length)))
                });
                contents.candidates.extend(place);
            }
            _ => {}
        }
    }
    Some(contents)
}

fn read_movie(file: &File, movie: &FileBox, contents: &mut Contents) {
    let inner = boxes(file, movie.start, movie.end);
    for canon in inner.iter().filter(|inner| &inner.kind == b"uuid" && bytes_at::<16>(file, inner.start) == Some(CANON))
    {
        for facts in boxes(file, canon.start + 16, canon.end).iter().filter(|facts| &facts.kind == b"CMT1") {
            let mut bytes = vec![0; usize::try_from((facts.end - facts.start).min(CMT1_BYTES_MAX)).unwrap_or(0)];
            if file.read_exact_at(&mut bytes, facts.start).is_ok() {
                // Nothing but an end of the data can go wrong in memory, and that is `None`.
                let first = read_first_directory(&mut Cursor::new(bytes)).ok().flatten();
                contents.orientation = first.map(|first| first.orientation);
            }
        }
    }
    // The first track is the full-size JPEG; the others are raw pixels and time codes, and are told from it by their first bytes.
    for track in inner.iter().filter(|inner| &inner.kind == b"trak") {
        contents.candidates.extend(first_sample(file, track));
    }
}

/// Place and length of the first sample of a track.
fn first_sample(file: &File, track: &FileBox) -> Option<(u64, u64)> {
    let mut tables = boxes(file, track.start, track.end);
    for name in [b"mdia", b"minf", b"stbl"] {
        let inner = tables.iter().find(|inner| &inner.kind == name)?;
        tables = boxes(file, inner.start, inner.end);
    }
    let table = |name: &[u8; 4]| tables.iter().find(|table| &table.kind == name).map(|table| table.start);
    let sizes = table(b"stsz")?;
    let length = match u32::from_be_bytes(bytes_at::<4>(file, sizes + 4)?) {
        0 => u32::from_be_bytes(bytes_at::<4>(file, sizes + 12)?),
        same => same,
    };
    let offset = match table(b"co64") {
        Some(long) => u64::from_be_bytes(bytes_at::<8>(file, long + 8)?),
        None => u32::from_be_bytes(bytes_at::<4>(file, table(b"stco")? + 8)?).into(),
    };
    Some((offset, length.into()))
}

#[cfg(test)]
#[path = "raw_tests.rs"]
mod tests;
