//! Camera RAW: the size of its picture, which lies deeper than that of its preview, and its EXIF data.

use super::exif::{self, Directories};
use super::image_header::{self, Header, ImageFormat};
use super::payload::{Captured, MediaMetadata, Method, Warning};
use super::source::{Damage, READ_BYTES_MAX, Source, be16, be32, optional};
use super::still::best;
use super::tiff::{Directory, Tiff, Value};
use super::xmp;
use super::{Read, Refusal};

/// Directories of one chain that are looked at; Canon writes four.
const CHAIN_MAX: usize = 8;
/// Directories below one; cameras write up to five.
const BELOW_MAX: usize = 16;
/// Entries of the sensor table of a RAF; cameras write about 20.
const RAF_ENTRIES_MAX: u32 = 256;

/// RAW that is a TIFF, with this word for `container`.
pub(crate) fn read_tiff_raw(container: &'static str, source: Source<'_>) -> Read {
    let mut facts = MediaMetadata { container: container.to_owned(), ..MediaMetadata::default() };
    let mut found = exif::read_exif(source, &mut facts).map_err(Refusal::of)?;
    let size = largest_picture(source).map_err(Refusal::of)?;
    let captured = take_xmp(found.xmp.as_deref(), found.captured.take(), &mut facts);
    sized(facts, size, captured)
}

/// RAW of Fujifilm: a JPEG with the EXIF data, whose place stands at byte 84, and a table of the sensor, at byte 92.
pub(crate) fn read_raf(source: Source<'_>) -> Read {
    let mut facts = MediaMetadata { container: "raf".to_owned(), ..MediaMetadata::default() };
    let head = source.array::<100>(0).map_err(Refusal::of)?;
    if !head.starts_with(b"FUJIFILMCCD-RAW ") {
        return Err(Refusal::Corrupt("no RAF signature".to_owned()));
    }
    let place = |at: usize| Some((u64::from(be32(&head, at)?), u64::from(be32(&head, at + 4)?)));
    let mut preview = Header::default();
    let mut captured = None;
    if let Some((at, bytes)) = place(84) {
        let found = source.part(at, bytes).and_then(|part| {
            image_header::read_header(ImageFormat::Jpeg, part, &mut preview, &mut facts)?;
            preview.exif.as_deref().map(|exif| exif::read_exif(Source::Memory(exif), &mut facts)).transpose()
        });
        match found {
            Ok(found) => captured = found.and_then(|found| found.captured),
            Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
            Err(_) => {
                facts.warnings.insert(Warning::ExifDamaged);
            }
        }
    }
    let captured = take_xmp(preview.xmp.as_deref(), captured, &mut facts);
    let size = match place(92).map(|(at, bytes)| raf_size(source, at, bytes)) {
        Some(Ok(size)) => size,
        Some(Err(Damage::Io(error))) => return Err(Refusal::Unreadable(error)),
        Some(Err(_)) | None => None,
    };
    if size.is_some() {
        facts.method.insert(Method::RawHeader);
    }
    sized(facts, size, captured)
}

/// The table of the sensor: a count, then number, length and content of each entry; 0x0100 is its full height and width.
fn raf_size(source: Source<'_>, at: u64, bytes: u64) -> Result<Option<(u32, u32)>, Damage> {
    let table = source.bytes(at, bytes.min(READ_BYTES_MAX as u64))?;
    let count = be32(&table, 0).unwrap_or(0).min(RAF_ENTRIES_MAX);
    let mut at = 4;
    for _ in 0..count {
        let (Some(tag), Some(length)) = (be16(&table, at), be16(&table, at + 2)) else { break };
        if tag == 0x0100 {
            let side = |from| be16(&table, from).map(u32::from);
            return Ok(side(at + 6).zip(side(at + 4)));
        }
        at += 4 + usize::from(length);
    }
    Ok(None)
}

/// Facts of the EXIF parts of a Canon CR3, each of which is a TIFF structure of one directory.
pub(crate) fn take_parts(parts: [Option<&[u8]>; 3], facts: &mut MediaMetadata) -> Option<Captured> {
    let mut read = |part: Option<&[u8]>| {
        let tiff = part.map(|bytes| Tiff::open(Source::Memory(bytes)));
        match tiff.map(|tiff| tiff.and_then(|tiff| tiff.directory(tiff.first))) {
            Some(Ok(directory)) => directory,
            Some(Err(_)) => Directory::broken(),
            None => Directory::default(),
        }
    };
    let [main, exif, gps] = parts.map(&mut read);
    exif::take(&Directories { main, exif, gps }, facts).captured
}

/// The size of the largest picture of a TIFF structure: in its chain of directories, in those below the first, or as EXIF
/// states it. How many are looked at is fixed, so a chain that leads back to itself ends.
pub(crate) fn largest_picture(source: Source<'_>) -> Result<Option<(u32, u32)>, Damage> {
    let tiff = Tiff::open(source)?;
    let mut sizes = Vec::new();
    let mut at = tiff.first;
    for place in 0..CHAIN_MAX {
        let Some(directory) = optional(tiff.directory(at))? else { break };
        sizes.extend(size(&directory, 0x0100, 0x0101));
        if place == 0 {
            let below = match directory.get(0x014A) {
                Some(Value::Integers(list)) => list.as_slice(),
                _ => &[],
            };
            for at in below.iter().take(BELOW_MAX).filter_map(|at| u64::try_from(*at).ok()) {
                sizes.extend(optional(tiff.directory(at))?.and_then(|below| size(&below, 0x0100, 0x0101)));
            }
            if let Some(at) = directory.get(0x8769).and_then(Value::unsigned) {
                sizes.extend(optional(tiff.directory(at))?.and_then(|exif| size(&exif, 0xA002, 0xA003)));
            }
        }
        if directory.next == 0 {
            break;
        }
        at = directory.next;
    }
    Ok(sizes.into_iter().max_by_key(|(width, height)| u64::from(*width) * u64::from(*height)))
}

fn size(directory: &Directory, width: u16, height: u16) -> Option<(u32, u32)> {
    let side = |tag| directory.get(tag).and_then(Value::unsigned).and_then(|side| u32::try_from(side).ok());
    side(width).zip(side(height)).filter(|(width, height)| *width > 0 && *height > 0)
}

/// Reads a packet, and gives the better of its time and that of EXIF.
pub(crate) fn take_xmp(
    packet: Option<&[u8]>,
    captured: Option<Captured>,
    facts: &mut MediaMetadata,
) -> Option<Captured> {
    match packet {
        Some(packet) => best(captured, xmp::read_xmp(packet, facts).captured),
        None => captured,
    }
}

/// RAW gives facts when it states a size.
pub(crate) fn sized(mut facts: MediaMetadata, size: Option<(u32, u32)>, captured: Option<Captured>) -> Read {
    if let Some((width, height)) = size {
        facts.set_size(width, height);
    }
    if facts.width.is_none() {
        return Err(Refusal::Corrupt("the picture has no size".to_owned()));
    }
    Ok((facts, captured))
}
