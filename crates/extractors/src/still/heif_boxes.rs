//! What the boxes of a HEIF file (ISO/IEC 23008-12 in the frame of ISO/IEC 14496-12) say of its pictures, before anything is decoded.

use std::collections::BTreeMap;

/// Bytes of the `meta` box that are read; a file with thousands of tiles has about 200 KB.
pub const META_BYTES_MAX: u64 = 8 << 20;

/// Items of one file. A 200-megapixel picture in tiles of 512 x 512 has about 800.
const ITEMS_MAX: usize = 16_384;

/// Properties and associations of one file.
const PROPERTIES_MAX: usize = 65_536;

/// One picture or other item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Its type: `hvc1`, `av01`, `grid`, `Exif`, ...
    pub kind: [u8; 4],
    /// Where in the box its flags end: setting bit 0 of that byte hides it.
    pub flags_at: usize,
    /// It says that it is not to be shown.
    pub hidden: bool,
    /// Its properties, in the order in which they apply.
    pub properties: Vec<usize>,
    /// Items that it is put together from.
    pub parts: Vec<u32>,
    /// The item that this one is a thumbnail of, or an auxiliary picture (alpha, depth) of.
    pub belongs_to: Option<u32>,
}

/// A property that means something here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    /// `ispe`: width and height in pixels, before turning.
    Size(u32, u32),
    /// `irot`: quarter turns counter-clockwise.
    Turn(u8),
    /// `imir`: about a vertical axis (left and right change places), or a horizontal one.
    Mirror(MirrorAxis),
    /// `pixi`: the most bits of a channel.
    Bits(u8),
    /// `colr` of type `nclx`: primaries, transfer, matrix, all by the numbers of ITU-T H.273.
    Numbers(u16, u16),
    /// `colr` with an ICC profile.
    Profile,
    /// `auxC`: an auxiliary picture is alpha.
    Alpha,
    /// Anything else.
    Other,
}

/// The axis of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirrorAxis {
    /// Left and right change places.
    Vertical,
    /// Top and bottom change places.
    Horizontal,
}

/// What a `meta` box says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The item to show.
    pub primary: Option<u32>,
    /// Items by number.
    pub items: BTreeMap<u32, Item>,
    /// Properties by number from 1, which lies at index 0.
    pub properties: Vec<Property>,
}

impl Meta {
    /// The properties of an item, in order.
    pub fn of(&self, item: u32) -> impl Iterator<Item = &Property> {
        let numbers = self.items.get(&item).map_or(&[][..], |item| &item.properties);
        numbers.iter().filter_map(|number| self.properties.get(number.checked_sub(1)?))
    }
}

/// Bytes with a place, read in big-endian order. `None` = past the end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<u32> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// The next box inside: type, first byte of its contents counted from the start of `bytes`, contents. `None` at the end, or where a box
    /// claims more than is there.
    fn next_box(&mut self) -> Option<([u8; 4], usize, &'a [u8])> {
        let start = self.at;
        let size = usize::try_from(self.number(4)?).ok()?;
        let kind: [u8; 4] = self.take(4)?.try_into().ok()?;
        let end = match size {
            0 => self.bytes.len(),
            1 => {
                let long = self.take(8)?;
                start.checked_add(usize::try_from(u64::from_be_bytes(long.try_into().ok()?)).ok()?)?
            }
            _ => start.checked_add(size)?,
        };
        let contents = self.bytes.get(self.at..end)?;
        let contents_at = self.at;
        self.at = end;
        Some((kind, contents_at, contents))
    }
}

/// Reads the contents of a `meta` box. `None`: they make no sense.
pub fn read_meta(bytes: &[u8]) -> Option<Meta> {
    let mut meta = Meta::default();
    let mut reader = Reader { bytes, at: 4 };
    let mut later = Vec::new();
    while let Some((kind, at, contents)) = reader.next_box() {
        match &kind {
            b"pitm" => meta.primary = read_primary(contents),
            b"iinf" => read_items(contents, at, &mut meta)?,
            b"iprp" => read_properties(contents, &mut meta, &mut later)?,
            b"iref" => later.push((kind, contents)),
            _ => {}
        }
    }
    // Associations and references name items, which may be told after them.
    for (kind, contents) in later {
        match &kind {
            b"iref" => read_references(contents, &mut meta)?,
            _ => read_associations(contents, &mut meta)?,
        }
    }
    Some(meta)
}

fn read_primary(contents: &[u8]) -> Option<u32> {
    let mut reader = Reader { bytes: contents, at: 0 };
    let version = reader.number(4)? >> 24;
    reader.number(if version == 0 { 2 } else { 4 })
}

/// `iinf` holds one `infe` per item: version 2 has 16-bit numbers, version 3 has 32-bit ones; older ones have no type.
fn read_items(contents: &[u8], contents_at: usize, meta: &mut Meta) -> Option<()> {
    let mut reader = Reader { bytes: contents, at: 0 };
    let version = reader.number(4)? >> 24;
    reader.number(if version == 0 { 2 } else { 4 })?;
    while let Some((kind, at, entry)) = reader.next_box() {
        let mut entry = Reader { bytes: entry, at: 0 };
        let head = entry.number(4)?;
        let number_bytes = match (&kind, head >> 24) {
            (b"infe", 2) => 2,
            (b"infe", 3) => 4,
            _ => continue,
        };
        let number = entry.number(number_bytes)?;
        entry.number(2)?;
        let kind: [u8; 4] = entry.take(4)?.try_into().ok()?;
        let flags_at = contents_at + at + 3;
        meta.items.insert(number, Item { kind, flags_at, hidden: head & 1 == 1, ..Item::default() });
        if meta.items.len() > ITEMS_MAX {
            return None;
        }
    }
    Some(())
}

fn read_properties<'a>(contents: &'a [u8], meta: &mut Meta, later: &mut Vec<([u8; 4], &'a [u8])>) -> Option<()> {
    let mut reader = Reader { bytes: contents, at: 0 };
    while let Some((kind, _, inside)) = reader.next_box() {
        match &kind {
            b"ipco" => {
                let mut properties = Reader { bytes: inside, at: 0 };
                while let Some((kind, _, property)) = properties.next_box() {
                    meta.properties.push(read_property(kind, property).unwrap_or(Property::Other));
                    if meta.properties.len() > PROPERTIES_MAX {
                        return None;
                    }
                }
            }
            b"ipma" => later.push((kind, inside)),
            _ => {}
        }
    }
    Some(())
}

fn read_property(kind: [u8; 4], contents: &[u8]) -> Option<Property> {
    let mut reader = Reader { bytes: contents, at: 0 };
    Some(match &kind {
        b"ispe" => {
            reader.number(4)?;
            Property::Size(reader.number(4)?, reader.number(4)?)
        }
        b"irot" => Property::Turn(*contents.first()? & 3),
        b"imir" if *contents.first()? & 1 == 1 => Property::Mirror(MirrorAxis::Vertical),
        b"imir" => Property::Mirror(MirrorAxis::Horizontal),
        b"pixi" => Property::Bits(contents.get(5..)?.iter().copied().max()?),
        b"colr" => match reader.take(4)? {
            b"nclx" => {
                Property::Numbers(u16::try_from(reader.number(2)?).ok()?, u16::try_from(reader.number(2)?).ok()?)
            }
            b"prof" | b"rICC" => Property::Profile,
            _ => Property::Other,
        },
        b"auxC" if contents.windows(5).any(|word| word == b"alpha") || contents.ends_with(b"auxid:1\0") => {
            Property::Alpha
        }
        _ => Property::Other,
    })
}

/// `ipma`: for each item the numbers of its properties.
fn read_associations(contents: &[u8], meta: &mut Meta) -> Option<()> {
    let mut reader = Reader { bytes: contents, at: 0 };
    let head = reader.number(4)?;
    let (number_bytes, index_bytes) = (if head >> 24 == 0 { 2 } else { 4 }, if head & 1 == 1 { 2 } else { 1 });
    let mut associations = 0;
    for _ in 0..reader.number(4)? {
        let number = reader.number(number_bytes)?;
        for _ in 0..reader.number(1)? {
            let index = reader.number(index_bytes)?;
            // The highest bit says that the property is essential.
            let index = index & if index_bytes == 2 { 0x7fff } else { 0x7f };
            if let Some(item) = meta.items.get_mut(&number) {
                item.properties.push(usize::try_from(index).ok()?);
            }
            associations += 1;
            if associations > PROPERTIES_MAX {
                return None;
            }
        }
    }
    Some(())
}

/// `iref`: `dimg` from a derived picture to its parts, `thmb` and `auxl` from a picture to the one it belongs to.
fn read_references(contents: &[u8], meta: &mut Meta) -> Option<()> {
    let mut reader = Reader { bytes: contents, at: 0 };
    let number_bytes = if reader.number(4)? >> 24 == 0 { 2 } else { 4 };
    while let Some((kind, _, inside)) = reader.next_box() {
        let mut inside = Reader { bytes: inside, at: 0 };
        let from = inside.number(number_bytes)?;
        let count = inside.number(2)?;
        let targets: Option<Vec<u32>> = (0..count).map(|_| inside.number(number_bytes)).collect();
        let Some(item) = meta.items.get_mut(&from) else { continue };
        match &kind {
            b"dimg" => item.parts = targets?,
            b"thmb" | b"auxl" => item.belongs_to = targets?.first().copied(),
            _ => {}
        }
    }
    Some(())
}
