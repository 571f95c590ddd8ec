//! Walks the segments of a JPEG: its size, its EXIF data, its XMP packet and the packet that goes on with it.

use super::image_header::{Header, read_to_end};
use super::source::{Damage, Source};
use super::xmp_packet::PACKET_BYTES_MAX;

/// Segments before the picture data; the largest colour profile takes 255, a depth map about 100.
const SEGMENTS_MAX: u32 = 4096;
/// Bytes of rubbish skipped between segments.
const RUBBISH_MAX: u32 = 4096;
/// What an XMP packet begins with (ISO 16684-3, 6.3.1).
const XMP: &[u8; 29] = b"http://ns.adobe.com/xap/1.0/\0";
/// What a piece of a further packet begins with.
const EXTENSION: &[u8; 35] = b"http://ns.adobe.com/xmp/extension/\0";
/// The name of the further packet, its length and the place of this piece in it.
const EXTENSION_HEAD: u64 = 32 + 4 + 4;

/// A piece of a further packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    name: [u8; 32],
    packet_bytes: u32,
    place: u32,
    at: u64,
    bytes: u64,
}

/// Walks the segments up to the picture data; the frame header (SOF) may come before or after the EXIF segment.
pub(crate) fn read_jpeg(source: Source<'_>, header: &mut Header) -> Result<(), Damage> {
    if source.array::<2>(0)? != [0xFF, 0xD8] {
        return Err(Damage::Malformed("no JPEG start marker"));
    }
    let mut at = 2;
    let mut rubbish = 0;
    for _ in 0..SEGMENTS_MAX {
        let mut marker = source.array::<2>(at)?;
        // Fill bytes (0xFF) are allowed before a marker, rubbish is not but is met.
        while marker[0] != 0xFF || matches!(marker[1], 0xFF | 0x00) {
            rubbish += 1;
            if rubbish > RUBBISH_MAX {
                return Err(Damage::Malformed("rubbish between JPEG segments"));
            }
            at += 1;
            marker = source.array::<2>(at)?;
        }
        match marker[1] {
            0xD9 | 0xDA => return Ok(()),
            0x01 | 0xD0..=0xD8 => {
                at += 2;
                continue;
            }
            _ => {}
        }
        let length = u64::from(u16::from_be_bytes(source.array::<2>(at + 2)?));
        if length < 2 {
            return Err(Damage::Malformed("a JPEG segment without a length"));
        }
        match marker[1] {
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF => {
                let [_, h1, h0, w1, w0] = source.array::<5>(at + 4)?;
                let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
                header.size = header.size.or(Some((width.into(), height.into())));
            }
            0xE1 if header.exif.is_none() && length >= 8 && source.array::<5>(at + 4)? == *b"Exif\0" => {
                header.exif = Some(read_to_end(source, at + 10, length - 8)?);
            }
            0xE1 => read_packet(source, at + 4, length - 2, header)?,
            _ => {}
        }
        at += 2 + length;
    }
    Err(Damage::Malformed("too many JPEG segments"))
}

fn read_packet(source: Source<'_>, at: u64, length: u64, header: &mut Header) -> Result<(), Damage> {
    let starts_with = |mark: &[u8]| -> Result<bool, Damage> {
        let marked = length >= mark.len() as u64;
        Ok(marked && read_to_end(source, at, mark.len() as u64)? == mark)
    };
    if header.xmp.is_none() && starts_with(XMP)? {
        let mark = XMP.len() as u64;
        header.xmp = Some(read_to_end(source, at + mark, length - mark)?);
    } else if length >= EXTENSION.len() as u64 + EXTENSION_HEAD && starts_with(EXTENSION)? {
        let start = at + EXTENSION.len() as u64;
        let [l3, l2, l1, l0, p3, p2, p1, p0] = source.array::<8>(start + 32)?;
        header.extensions.push(Extension {
            name: source.array::<32>(start)?,
            packet_bytes: u32::from_be_bytes([l3, l2, l1, l0]),
            place: u32::from_be_bytes([p3, p2, p1, p0]),
            at: start + EXTENSION_HEAD,
            bytes: length - EXTENSION.len() as u64 - EXTENSION_HEAD,
        });
    }
    Ok(())
}

/// Puts the further packet of that name together: `None` when a piece is missing or it is longer than is read.
pub(crate) fn extended_packet(
    source: Source<'_>,
    extensions: &[Extension],
    name: &str,
) -> Result<Option<Vec<u8>>, Damage> {
    let mut pieces: Vec<&Extension> = extensions.iter().filter(|piece| piece.name == name.as_bytes()).collect();
    pieces.sort_by_key(|piece| piece.place);
    let Some(wanted) = pieces.first().map(|piece| piece.packet_bytes as usize) else { return Ok(None) };
    let mut packet = Vec::new();
    for piece in pieces {
        let follows = piece.place as usize == packet.len();
        if !follows || wanted > PACKET_BYTES_MAX || packet.len() as u64 + piece.bytes > wanted as u64 {
            return Ok(None);
        }
        packet.extend(source.bytes(piece.at, piece.bytes)?);
    }
    Ok((packet.len() == wanted).then_some(packet))
}
