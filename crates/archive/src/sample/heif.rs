//! Makes HEIC and AVIF through `heif-enc`, and turns them as phones do: the picture stays as the sensor saw it, and a property (`irot`) says
//! how to turn it (ISO 23008-12, 6.5.10).

use std::path::Path;

use super::SampleError;
use super::draw::{self, Canvas};
use super::tool::{HEIF_ENC, Workplace, words};
use super::{encode, exif};

/// The quality of the JPEG that goes in: what it loses is little beside what is lost afterwards.
const SOURCE_QUALITY: i32 = 97;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Hevc,
    Av1,
}

impl Codec {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Hevc => "image/heic",
            Self::Av1 => "image/avif",
        }
    }
}

/// Encodes `upright` with the facts of a camera; an orientation of 3, 6 or 8 is stored turned. `name` belongs to one thread alone.
pub(super) fn encode(
    workplace: &Workplace,
    name: &str,
    codec: Codec,
    upright: &Canvas,
    facts: &exif::Facts,
) -> Result<Vec<u8>, SampleError> {
    let stored = draw::stored(upright, facts.orientation);
    let jpeg = encode::jpeg_of_quality(&stored, SOURCE_QUALITY)?;
    let source = workplace.file(&format!("{name}.jpg"));
    let target = workplace.file(&format!("{name}.heif"));
    workplace.put(&source, &exif::insert(&jpeg, &exif::segment(facts)))?;
    // One thread each: the same release writes the same bytes again.
    let mut arguments = match codec {
        Codec::Hevc => {
            words(&["-q", "60", "-p", "preset=ultrafast", "-p", "x265:pools=none", "-p", "x265:frame-threads=1"])
        }
        Codec::Av1 => words(&["-A", "-q", "60", "-p", "speed=9", "-p", "threads=1"]),
    };
    arguments.extend([source.clone().into(), "-o".into(), target.clone().into()]);
    HEIF_ENC.run(&arguments, &target, None)?;
    workplace.take(&source)?;
    let bytes = workplace.take(&target)?;
    turned(bytes, facts.orientation, &target)
}

/// Quarter turns against the clock that show a picture of this EXIF orientation upright.
fn quarter_turns(orientation: u16) -> u8 {
    match orientation {
        3 => 2,
        6 => 3,
        8 => 1,
        _ => 0,
    }
}

fn turned(bytes: Vec<u8>, orientation: u16, target: &Path) -> Result<Vec<u8>, SampleError> {
    let turns = quarter_turns(orientation);
    if turns == 0 {
        return Ok(bytes);
    }
    insert_turn(&bytes, turns).ok_or_else(|| SampleError::Tool {
        program: HEIF_ENC.program,
        path: target.to_owned(),
        detail: "the file is not built as expected".to_owned(),
    })
}

/// Bytes that the new property takes, and the one that ties it to the picture.
const PROPERTY_BYTES: usize = 9;

/// Adds the property to the list, ties it to the first item, which is the picture, and moves what lies behind by as much.
fn insert_turn(file: &[u8], turns: u8) -> Option<Vec<u8>> {
    let meta = find(file, 0, file.len(), b"meta")?;
    // The box `meta` begins with a version and flags.
    let inside = meta.start + 12;
    let places = find(file, inside, meta.end, b"iloc")?;
    let properties = find(file, inside, meta.end, b"iprp")?;
    let list = find(file, properties.start + 8, properties.end, b"ipco")?;
    let ties = find(file, properties.start + 8, properties.end, b"ipma")?;
    let mut count = 0;
    let mut at = list.start + 8;
    while at < list.end {
        at = box_at(file, at, list.end)?.end;
        count += 1;
    }
    // Version 0 and no flags: items of two bytes, properties of one.
    if file.get(ties.start + 8..ties.start + 12)? != [0; 4] || list.end > ties.start || places.start > properties.start
    {
        return None;
    }
    let tie_count = ties.start + 18;
    let last_tie = tie_count + 1 + usize::from(*file.get(tie_count)?);
    let mut turned = file.get(..list.end)?.to_vec();
    turned.extend([0, 0, 0, PROPERTY_BYTES as u8]);
    turned.extend(b"irot");
    turned.push(turns);
    turned.extend(file.get(list.end..last_tie)?);
    // The highest bit: a reader that does not know the property must not show the picture.
    turned.push(0x80 | (count + 1));
    turned.extend(file.get(last_tie..)?);
    *turned.get_mut(tie_count + PROPERTY_BYTES)? += 1;
    let more = PROPERTY_BYTES as u32 + 1;
    grow(&mut turned, meta.start, more)?;
    grow(&mut turned, properties.start, more)?;
    grow(&mut turned, list.start, PROPERTY_BYTES as u32)?;
    grow(&mut turned, ties.start + PROPERTY_BYTES, 1)?;
    move_places(&mut turned, places.start, more)?;
    Some(turned)
}

/// Adds to the place of every item. `heif-enc` writes it as a base of four bytes, from which the pieces of the item count.
fn move_places(file: &mut [u8], start: usize, by: u32) -> Option<()> {
    const VERSION_0: [u8; 4] = [0; 4];
    const FOUR_BYTES_EACH_AND_NO_INDEX: [u8; 2] = [0x44, 0x40];
    if file.get(start + 8..start + 12)? != VERSION_0
        || file.get(start + 12..start + 14)? != FOUR_BYTES_EACH_AND_NO_INDEX
    {
        return None;
    }
    let half = |file: &[u8], at: usize| Some(u16::from_be_bytes(file.get(at..at + 2)?.try_into().ok()?));
    let mut at = start + 16;
    for _ in 0..half(file, start + 14)? {
        // The item and its file, which is always this one; the base; how many pieces; a place and a length for each.
        grow(file, at + 4, by)?;
        at += 10 + usize::from(half(file, at + 8)?) * 8;
    }
    Some(())
}

/// Adds to the four bytes at a place.
fn grow(file: &mut [u8], at: usize, by: u32) -> Option<()> {
    let slot = file.get_mut(at..at + 4)?;
    let value = u32::from_be_bytes([slot[0], slot[1], slot[2], slot[3]]) + by;
    slot.copy_from_slice(&value.to_be_bytes());
    Some(())
}

struct BoxAt {
    start: usize,
    end: usize,
}

fn box_at(file: &[u8], start: usize, limit: usize) -> Option<BoxAt> {
    let size = u32::from_be_bytes(file.get(start..start + 4)?.try_into().ok()?) as usize;
    (size >= 8 && start + size <= limit).then_some(BoxAt { start, end: start + size })
}

fn find(file: &[u8], start: usize, limit: usize, name: &[u8; 4]) -> Option<BoxAt> {
    let mut at = start;
    while at < limit {
        let found = box_at(file, at, limit)?;
        if file.get(at + 4..at + 8)? == name {
            return Some(found);
        }
        at = found.end;
    }
    None
}
