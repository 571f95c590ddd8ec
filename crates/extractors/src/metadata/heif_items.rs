//! The tables of a HEIF file: items, what they refer to, their properties, and where their bytes lie (ISO/IEC 14496-12, 8.11).

use std::collections::BTreeMap;

use super::bmff::{BoxAt, Walk};
use super::source::{Damage, be16, be32};

/// Longest table that is read, in bytes; a picture of 1,000 tiles has tables of 20 KiB.
const TABLE_BYTES_MAX: usize = 1 << 20;
/// Items of one file; a picture of 200 megapixels has about 800 tiles.
const ITEMS_MAX: usize = 8192;
/// Properties of one file.
const PROPERTIES_MAX: usize = 4096;
/// Pieces of all items; their numbers may take no bytes at all, so the length of the table bounds nothing.
const ALL_PIECES_MAX: u32 = 1 << 16;
/// Longest entry of an item that is read, in bytes: its name and type.
const ENTRY_BYTES_MAX: usize = 512;

/// An item: a picture, or something about one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its number.
    pub(crate) id: u32,
    /// Its type.
    pub(crate) kind: [u8; 4],
    /// For `mime` items: the media type.
    content_type: Vec<u8>,
}

impl Item {
    /// Whether it is an XMP packet.
    pub(crate) fn is_xmp(&self) -> bool {
        self.kind == *b"mime" && self.content_type == b"application/rdf+xml"
    }
}

/// The items of a file.
#[derive(Debug, Default)]
pub(crate) struct Items {
    /// Number of the picture to show.
    pub(crate) primary: u32,
    items: BTreeMap<u32, Item>,
    /// Items that describe the primary picture.
    describing: Vec<u32>,
    /// The first picture that the primary one is put together from.
    tile: Option<u32>,
}

impl Items {
    /// The item with that number.
    pub(crate) fn item(&self, id: u32) -> Option<&Item> {
        self.items.get(&id)
    }

    /// The first item of that sort that describes the primary picture, else the first of that sort at all.
    pub(crate) fn about_primary(&self, is_sort: impl Fn(&Item) -> bool) -> Option<&Item> {
        let describing = self.describing.iter().filter_map(|id| self.items.get(id)).find(|item| is_sort(item));
        describing.or_else(|| self.items.values().find(|item| is_sort(item)))
    }

    /// The first picture that the primary one is put together from.
    pub(crate) fn first_tile(&self) -> Option<u32> {
        let made = self.item(self.primary).is_some_and(|item| matches!(&item.kind, b"grid" | b"iden" | b"iovl"));
        self.tile.filter(|_| made)
    }
}

/// Reads the tables of items and references.
pub(crate) fn read_items(walk: &mut Walk<'_>, meta: BoxAt) -> Result<Items, Damage> {
    let mut items = Items::default();
    if let Some(primary) = walk.find(meta, b"pitm")? {
        let bytes = walk.content(primary, 8)?;
        items.primary = id(&bytes, 4, bytes.first() != Some(&0)).unwrap_or(0);
    }
    if let Some(list) = walk.find(meta, b"iinf")? {
        let head = walk.content(list, 8)?;
        let mut at = list.body + if head.first() == Some(&0) { 6 } else { 8 };
        while let Some(inner) = walk.next(at, list.end)? {
            if inner.kind == *b"infe"
                && items.items.len() < ITEMS_MAX
                && let Some(item) = read_entry(&walk.content(inner, ENTRY_BYTES_MAX)?)
            {
                items.items.entry(item.id).or_insert(item);
            }
            at = inner.end;
        }
    }
    if let Some(references) = walk.find(meta, b"iref")? {
        read_references(walk, references, &mut items)?;
    }
    Ok(items)
}

/// An entry of the second or third version: number, protection, type, name, and for `mime` a media type.
fn read_entry(bytes: &[u8]) -> Option<Item> {
    let long = match bytes.first()? {
        2 => false,
        3 => true,
        _ => return None,
    };
    let number = id(bytes, 4, long)?;
    let rest = bytes.get(if long { 10 } else { 8 }..)?;
    let kind = *rest.first_chunk::<4>()?;
    let mut texts = rest[4..].split(|byte| *byte == 0);
    let content_type = texts.nth(1).filter(|_| kind == *b"mime").unwrap_or_default().to_vec();
    Some(Item { id: number, kind, content_type })
}

fn read_references(walk: &mut Walk<'_>, references: BoxAt, items: &mut Items) -> Result<(), Damage> {
    let long = walk.content(references, 1)?.first() != Some(&0);
    let step = if long { 4 } else { 2 };
    let mut at = references.body + 4;
    while let Some(inner) = walk.next(at, references.end)? {
        let bytes = walk.content(inner, TABLE_BYTES_MAX)?;
        let from = id(&bytes, 0, long);
        let count = be16(&bytes, step).map_or(0, usize::from);
        let mut to = (0..count).map_while(|index| id(&bytes, step + 2 + index * step, long));
        match &inner.kind {
            b"cdsc" if to.any(|to| to == items.primary) && items.describing.len() < ITEMS_MAX => {
                items.describing.extend(from);
            }
            b"dimg" if from == Some(items.primary) => items.tile = items.tile.or(to.next()),
            _ => {}
        }
        at = inner.end;
    }
    Ok(())
}

/// The properties of a file, in their order; associations count from 1.
pub(crate) fn read_properties(walk: &mut Walk<'_>, properties: BoxAt) -> Result<Vec<BoxAt>, Damage> {
    let mut found = Vec::new();
    let Some(list) = walk.find(properties, b"ipco")? else { return Ok(found) };
    let mut at = list.body;
    while let Some(inner) = walk.next(at, list.end)? {
        if found.len() >= PROPERTIES_MAX {
            return Err(Damage::Malformed("too many properties"));
        }
        found.push(inner);
        at = inner.end;
    }
    Ok(found)
}

/// Places in the list of properties that belong to an item, in the order in which they apply.
pub(crate) fn properties_of(walk: &mut Walk<'_>, properties: BoxAt, item: u32) -> Result<Vec<usize>, Damage> {
    let mut found = Vec::new();
    let mut at = properties.body;
    while let Some(inner) = walk.next(at, properties.end)? {
        at = inner.end;
        if inner.kind != *b"ipma" {
            continue;
        }
        let bytes = table(walk, inner)?;
        let (long_id, long_index) = (bytes.first() != Some(&0), bytes.get(3).is_some_and(|flags| flags & 1 == 1));
        let step = if long_index { 2 } else { 1 };
        let mut place = 8;
        // The claimed number is not believed: entries end where the table does.
        for _ in 0..be32(&bytes, 4).unwrap_or(0) {
            let (Some(owner), head) = (id(&bytes, place, long_id), if long_id { 5 } else { 3 }) else { break };
            let Some(count) = bytes.get(place + head - 1).copied().map(usize::from) else { break };
            let list = bytes.get(place + head..).unwrap_or_default();
            if owner == item {
                let index = |entry: &[u8]| match entry {
                    [high, low] => usize::from(high & 0x7F) << 8 | usize::from(*low),
                    [one] => usize::from(one & 0x7F),
                    _ => 0,
                };
                found.extend(list.chunks_exact(step).take(count).filter_map(|entry| index(entry).checked_sub(1)));
            }
            place += head + count * step;
        }
    }
    Ok(found)
}

/// Offset in the file and length of the pieces of an item; none when it is not listed or kept in another file.
pub(crate) fn pieces(
    walk: &mut Walk<'_>,
    meta: BoxAt,
    item: u32,
    pieces_max: usize,
) -> Result<Vec<(u64, u64)>, Damage> {
    let Some(list) = walk.find(meta, b"iloc")? else { return Ok(Vec::new()) };
    let bytes = table(walk, list)?;
    let Some(place) = locate(&bytes, item, pieces_max) else { return Ok(Vec::new()) };
    let shift = match place.method {
        0 => 0,
        1 => walk.find(meta, b"idat")?.map_or(u64::MAX, |data| data.body),
        _ => return Ok(Vec::new()),
    };
    let pieces = place.pieces.iter().map(|(at, bytes)| Some((shift.checked_add(*at)?, *bytes)));
    Ok(pieces.collect::<Option<Vec<_>>>().unwrap_or_default())
}

struct Place {
    method: u64,
    pieces: Vec<(u64, u64)>,
}

/// Walks the table of places up to an item.
fn locate(bytes: &[u8], item: u32, pieces_max: usize) -> Option<Place> {
    let version = *bytes.first()?;
    let mut cursor = Cursor { bytes, at: 4 };
    let sizes = cursor.number(2)?;
    let size = |shift: u32| (sizes >> shift & 15) as usize;
    let (offset_bytes, length_bytes, base_bytes) = (size(12), size(8), size(4));
    let index_bytes = if version == 0 { 0 } else { size(0) };
    let id_bytes = if version < 2 { 2 } else { 4 };
    let count = cursor.number(id_bytes)?;
    let mut pieces_left = ALL_PIECES_MAX;
    for _ in 0..count {
        let id = cursor.number(id_bytes)?;
        let method = if version == 0 { 0 } else { cursor.number(2)? & 15 };
        let elsewhere = cursor.number(2)? != 0;
        let base = cursor.number(base_bytes)?;
        let mut found = Place { method, pieces: Vec::new() };
        for _ in 0..cursor.number(2)? {
            pieces_left = pieces_left.checked_sub(1)?;
            cursor.number(index_bytes)?;
            let (offset, length) = (cursor.number(offset_bytes)?, cursor.number(length_bytes)?);
            if id == u64::from(item) {
                if found.pieces.len() >= pieces_max {
                    return None;
                }
                found.pieces.push((base.checked_add(offset)?, length));
            }
        }
        if id == u64::from(item) {
            return (!elsewhere).then_some(found);
        }
    }
    None
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// A big-endian number of up to eight bytes; of none it is 0.
    fn number(&mut self, count: usize) -> Option<u64> {
        let piece = self.bytes.get(self.at..)?.get(..count).filter(|_| count <= 8)?;
        self.at += count;
        Some(piece.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }
}

fn table(walk: &Walk<'_>, list: BoxAt) -> Result<Vec<u8>, Damage> {
    walk.source.long_bytes(list.body, list.end - list.body, TABLE_BYTES_MAX)
}

fn id(bytes: &[u8], at: usize, long: bool) -> Option<u32> {
    if long { be32(bytes, at) } else { be16(bytes, at).map(u32::from) }
}
