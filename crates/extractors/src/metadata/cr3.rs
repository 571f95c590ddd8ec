//! Canon's CR3: the frame of a QuickTime file around a RAW picture.

use super::bmff::{BoxAt, Walk};
use super::bmff_text::XMP_UUID;
use super::bmff_track::Track;
use super::payload::{MediaMetadata, Method, Warning};
use super::raw;
use super::source::{Damage, Source};
use super::xmp_packet::PACKET_BYTES_MAX;
use super::{Read, Refusal};

/// The name of the box that holds the EXIF parts.
const CANON_UUID: [u8; 16] = *b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
/// Longest EXIF part that is read, in bytes; cameras write below 64 KiB.
const PART_BYTES_MAX: usize = 1 << 18;

/// What is found in the boxes.
#[derive(Debug, Default)]
struct Found {
    main: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
    gps: Option<Vec<u8>>,
    xmp: Option<Vec<u8>>,
    sizes: Vec<(u32, u32)>,
}

/// Reads a CR3. Its size is that of its largest track.
pub(crate) fn read_cr3(source: Source<'_>) -> Read {
    let mut facts = MediaMetadata { container: "cr3".to_owned(), ..MediaMetadata::default() };
    let mut found = Found::default();
    let mut walk = Walk::new(source);
    match read_boxes(&mut walk, &mut found) {
        Ok(()) => {}
        Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
        Err(Damage::PastEnd) => facts.warnings.extend([Warning::Truncated]),
        Err(Damage::Malformed(_)) => facts.warnings.extend([Warning::StructureDamaged]),
    }
    if walk.was_cut() {
        facts.warnings.insert(Warning::Truncated);
    }
    let captured = raw::take_parts([&found.main, &found.exif, &found.gps].map(Option::as_deref), &mut facts);
    let captured = raw::take_xmp(found.xmp.as_deref(), captured, &mut facts);
    let size = found.sizes.into_iter().max_by_key(|(width, height)| u64::from(*width) * u64::from(*height));
    facts.method.extend(size.map(|_| Method::RawHeader));
    raw::sized(facts, size, captured)
}

fn read_boxes(walk: &mut Walk<'_>, found: &mut Found) -> Result<(), Damage> {
    let mut at = 0;
    while let Some(inner) = walk.next(at, walk.source.len())? {
        match &inner.kind {
            b"moov" => read_moov(walk, inner, found)?,
            b"uuid" if is_named(walk, inner, &XMP_UUID)? => {
                let bytes = inner.end - inner.body - 16;
                found.xmp = Some(walk.source.long_bytes(inner.body + 16, bytes, PACKET_BYTES_MAX)?);
            }
            _ => {}
        }
        at = inner.end;
    }
    Ok(())
}

fn read_moov(walk: &mut Walk<'_>, moov: BoxAt, found: &mut Found) -> Result<(), Damage> {
    let mut at = moov.body;
    while let Some(inner) = walk.next(at, moov.end)? {
        match &inner.kind {
            b"uuid" if is_named(walk, inner, &CANON_UUID)? => {
                let mut at = inner.body + 16;
                while let Some(part) = walk.next(at, inner.end)? {
                    let place = match &part.kind {
                        b"CMT1" => Some(&mut found.main),
                        b"CMT2" => Some(&mut found.exif),
                        b"CMT4" => Some(&mut found.gps),
                        _ => None,
                    };
                    if let Some(place) = place {
                        *place = Some(walk.source.long_bytes(part.body, part.end - part.body, PART_BYTES_MAX)?);
                    }
                    at = part.end;
                }
            }
            b"trak" => {
                // What is odd about the track of a still is nothing to warn of.
                let (stream, _) = Track::read(walk, inner)?.into_stream(0, 0, None, &mut MediaMetadata::default());
                found.sizes.extend(stream.width.zip(stream.height));
            }
            _ => {}
        }
        at = inner.end;
    }
    Ok(())
}

fn is_named(walk: &Walk<'_>, inner: BoxAt, name: &[u8; 16]) -> Result<bool, Damage> {
    Ok(walk.content(inner, 16)? == name)
}
