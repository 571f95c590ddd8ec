//! The texts in an MP4 or QuickTime file: user data, item lists and the keys of phones and cameras.

use super::bmff::{BoxAt, Walk};
use super::payload::{MediaMetadata, TAGS_MAX, TEXT_BYTES_MAX, Warning};
use super::source::{Damage, be16, be32};
use super::xmp_packet::PACKET_BYTES_MAX;

/// The name of the box at the top of an MP4 that holds an XMP packet (ISO 16684-3, 6.3.3).
pub(crate) const XMP_UUID: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

/// Bytes read of one text box: what is kept and its headers.
const TEXT_BOX_BYTES_MAX: usize = TEXT_BYTES_MAX + 64;
/// Type numbers of values (QuickTime File Format, "Well-known types"). Pairs of numbers (track 3 of 12) have none.
const TYPE_NONE: u32 = 0;
const TYPE_UTF8: u32 = 1;
const TYPE_SIGNED: u32 = 21;
const TYPE_UNSIGNED: u32 = 22;

/// Reads `udta`: QuickTime texts whose name starts with a copyright sign, and the item list of MP4. Gives the XMP packet that
/// QuickTime keeps there.
pub(crate) fn read_user_data(
    walk: &mut Walk<'_>,
    list: BoxAt,
    facts: &mut MediaMetadata,
) -> Result<Option<Vec<u8>>, Damage> {
    let mut packet = None;
    let mut at = list.body;
    while let Some(inner) = walk.next(at, list.end)? {
        if inner.kind == *b"meta" {
            read_meta(walk, inner, facts)?;
        } else if inner.kind == *b"XMP_" {
            packet = read_packet(walk, inner.body, inner.end, facts)?;
        } else if inner.kind[0] == 0xA9 {
            let bytes = walk.content(inner, TEXT_BOX_BYTES_MAX)?;
            let length = be16(&bytes, 0).map_or(0, usize::from);
            let text = bytes.get(4..).map(|rest| &rest[..length.min(rest.len())]).unwrap_or_default();
            facts.put_tag("UserData", &name(inner.kind), &String::from_utf8_lossy(text));
        }
        at = inner.end;
    }
    Ok(packet)
}

/// The XMP packet in a box that is named by a number, if it is that one.
pub(crate) fn read_uuid_xmp(
    walk: &Walk<'_>,
    inner: BoxAt,
    facts: &mut MediaMetadata,
) -> Result<Option<Vec<u8>>, Damage> {
    if walk.content(inner, 16)? == XMP_UUID { read_packet(walk, inner.body + 16, inner.end, facts) } else { Ok(None) }
}

fn read_packet(walk: &Walk<'_>, start: u64, end: u64, facts: &mut MediaMetadata) -> Result<Option<Vec<u8>>, Damage> {
    if end - start > PACKET_BYTES_MAX as u64 {
        facts.warnings.insert(Warning::XmpDropped);
        return Ok(None);
    }
    walk.source.long_bytes(start, end - start, PACKET_BYTES_MAX).map(Some)
}

/// Reads `meta`: a list of keys with their values, or an item list whose box names are the keys.
pub(crate) fn read_meta(walk: &mut Walk<'_>, meta: BoxAt, facts: &mut MediaMetadata) -> Result<(), Damage> {
    // In MP4 four bytes of version and flags come first, in QuickTime the first inner box does.
    let start = walk.content(meta, 8)?;
    let body = if start.get(4..8) == Some(b"hdlr") { meta.body } else { (meta.body + 4).min(meta.end) };
    let meta = BoxAt { body, ..meta };
    let keys = match walk.find(meta, b"keys")? {
        Some(keys) => read_keys(walk, keys)?,
        None => Vec::new(),
    };
    let Some(list) = walk.find(meta, b"ilst")? else { return Ok(()) };
    let mut at = list.body;
    while let Some(item) = walk.next(at, list.end)? {
        let index = u32::from_be_bytes(item.kind) as usize;
        let key = index.checked_sub(1).and_then(|index| keys.get(index));
        if let Some(value) = read_value(walk, item)? {
            match key {
                Some(key) => facts.put_tag("Keys", key, &value),
                // A number without a key is no name.
                None if item.kind[0] == 0 => {}
                None => facts.put_tag("ItemList", &name(item.kind), &value),
            }
        }
        at = item.end;
    }
    Ok(())
}

/// The names of the keys: size, name space, text.
fn read_keys(walk: &Walk<'_>, keys: BoxAt) -> Result<Vec<String>, Damage> {
    let bytes = walk.content(keys, usize::MAX)?;
    let mut rest = bytes.get(8..).unwrap_or_default();
    let mut names = Vec::new();
    while names.len() < TAGS_MAX {
        let Some(size) = be32(rest, 0).map(|size| size as usize) else { break };
        let Some(text) = rest.get(8..size) else { break };
        names.push(String::from_utf8_lossy(text).into_owned());
        rest = &rest[size..];
    }
    Ok(names)
}

/// The first value of an item, if it is a text or a whole number.
fn read_value(walk: &mut Walk<'_>, item: BoxAt) -> Result<Option<String>, Damage> {
    let Some(data) = walk.find(item, b"data")? else { return Ok(None) };
    let bytes = walk.content(data, TEXT_BOX_BYTES_MAX)?;
    let Some(value) = bytes.get(8..) else { return Ok(None) };
    let unsigned = || value.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(match be32(&bytes, 0) {
        Some(TYPE_UTF8) => Some(String::from_utf8_lossy(value).into_owned()),
        // Two zero bytes, the number, how many there are, two zero bytes.
        Some(TYPE_NONE) if matches!(&item.kind, b"trkn" | b"disk") => {
            let (number, all) = (be16(value, 2).unwrap_or(0), be16(value, 4).unwrap_or(0));
            (number > 0).then(|| if all > 0 { format!("{number}/{all}") } else { number.to_string() })
        }
        Some(TYPE_UNSIGNED) if (1..=8).contains(&value.len()) => Some(unsigned().to_string()),
        Some(TYPE_SIGNED) if (1..=8).contains(&value.len()) => {
            let shift = 64 - 8 * value.len() as u32;
            Some(((unsigned() << shift) as i64 >> shift).to_string())
        }
        _ => None,
    })
}

/// The name of a box as text; its first byte is often 0xA9, the copyright sign of Mac Roman.
fn name(kind: [u8; 4]) -> String {
    kind.iter()
        .map(|byte| match byte {
            0xA9 => '\u{A9}',
            0x20..=0x7E => char::from(*byte),
            _ => '?',
        })
        .collect()
}
