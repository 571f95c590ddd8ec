//! Previews in RAW files that are built like TIFF (TIFF 6.0, section 2; the tags of EXIF 2.32 and DNG 1.4).

use std::fs::File;

use super::raw::{Contents, bytes_at};

/// Directories of one file; the largest number seen is 9.
const DIRECTORIES_MAX: usize = 32;

/// Entries of one directory; maker's notes have up to 120.
const ENTRIES_MAX: u16 = 512;

/// Directories below one entry.
const CHILDREN_MAX: u32 = 8;

const NEW_SUBFILE_TYPE: u16 = 0x00fe;
const WIDTH: u16 = 0x0100;
const HEIGHT: u16 = 0x0101;
const COMPRESSION: u16 = 0x0103;
const PHOTOMETRIC: u16 = 0x0106;
const STRIP_OFFSETS: u16 = 0x0111;
const ORIENTATION: u16 = 0x0112;
const STRIP_BYTES: u16 = 0x0117;
const SUB_DIRECTORIES: u16 = 0x014a;
const JPEG_OFFSET: u16 = 0x0201;
const JPEG_BYTES: u16 = 0x0202;
const EXIF: u16 = 0x8769;
const MAKER_NOTE: u16 = 0x927c;
/// RW2: the JPEG itself is the value.
const PANASONIC_JPEG: u16 = 0x002e;
/// ORF, in the maker's note: a directory of camera settings, and in it place and length of the preview.
const OLYMPUS_SETTINGS: u16 = 0x2020;
const OLYMPUS_PREVIEW_OFFSET: u16 = 0x0101;
const OLYMPUS_PREVIEW_BYTES: u16 = 0x0102;

/// Photometric interpretations of raw pixels: a colour filter array, and linear raw.
const RAW_PIXELS: [u32; 2] = [32_803, 34_892];

/// Compressions whose strips are JPEG files.
const JPEG_COMPRESSIONS: [u32; 2] = [6, 7];

/// One entry of a directory.
#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    /// The four bytes that are the value, or say where it lies.
    value: [u8; 4],
    /// Where those four bytes lie.
    value_at: u64,
}

/// A file with its byte order.
struct Tiff<'a> {
    file: &'a File,
    little: bool,
    /// What offsets are counted from.
    base: u64,
}

impl Tiff<'_> {
    fn u16(&self, bytes: [u8; 2]) -> u16 {
        if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    /// The entries of a directory and the place of the next one (0 = none). `None`: cut off.
    fn directory(&self, offset: u64) -> Option<(Vec<Entry>, u32)> {
        let at = self.base.checked_add(offset)?;
        let count = self.u16(bytes_at(self.file, at)?).min(ENTRIES_MAX);
        let mut entries = Vec::with_capacity(count.into());
        for index in 0..u64::from(count) {
            let entry_at = at + 2 + index * 12;
            let [t0, t1, k0, k1, c0, c1, c2, c3, v0, v1, v2, v3] = bytes_at::<12>(self.file, entry_at)?;
            entries.push(Entry {
                tag: self.u16([t0, t1]),
                kind: self.u16([k0, k1]),
                count: self.u32([c0, c1, c2, c3]),
                value: [v0, v1, v2, v3],
                value_at: entry_at + 8,
            });
        }
        let next = bytes_at(self.file, at + 2 + u64::from(count) * 12).map_or(0, |next| self.u32(next));
        Some((entries, next))
    }

    /// The first value of an entry of type SHORT, LONG or IFD.
    fn number(&self, entry: &Entry) -> Option<u32> {
        match (entry.kind, entry.count) {
            (3, 1..=2) => Some(u32::from(self.u16(*entry.value.first_chunk()?))),
            (4 | 13, 1) => Some(self.u32(entry.value)),
            _ => None,
        }
    }

    /// Where the bytes of an entry lie.
    fn place(&self, entry: &Entry) -> u64 {
        let unit = match entry.kind {
            3 => 2,
            4 | 9 | 13 => 4,
            5 | 10 => 8,
            _ => 1,
        };
        if u64::from(entry.count) * unit <= 4 { entry.value_at } else { self.base + u64::from(self.u32(entry.value)) }
    }
}

/// Reads all directories. `None`: it is no such file, or cut off in its first directory.
pub(super) fn read(file: &File) -> Option<Contents> {
    let [b0, b1, m0, m1, o0, o1, o2, o3] = bytes_at::<8>(file, 0)?;
    let tiff = Tiff { file, little: b0 == b'I', base: 0 };
    let magic = tiff.u16([m0, m1]);
    // TIFF; `RO` and `RS` of Olympus; `U` of Panasonic.
    if b0 != b1 || !(b0 == b'I' || b0 == b'M') || ![42, 0x4f52, 0x5352, 0x55].contains(&magic) {
        return None;
    }
    let mut contents = Contents::default();
    let first = u64::from(tiff.u32([o0, o1, o2, o3]));
    let mut waiting = vec![first];
    let mut seen = Vec::new();
    while let Some(offset) = waiting.pop() {
        if offset == 0 || seen.contains(&offset) || seen.len() >= DIRECTORIES_MAX {
            continue;
        }
        seen.push(offset);
        match tiff.directory(offset) {
            Some((entries, next)) => {
                read_directory(&tiff, &entries, offset == first, &mut contents, &mut waiting);
                waiting.push(next.into());
            }
            None if offset == first => return None,
            // The others are extra: a damaged one hides its own preview only.
            None => {}
        }
    }
    Some(contents)
}

fn read_directory(tiff: &Tiff<'_>, entries: &[Entry], is_first: bool, contents: &mut Contents, waiting: &mut Vec<u64>) {
    let find = |tag: u16| entries.iter().find(|entry| entry.tag == tag);
    let number = |tag: u16| find(tag).and_then(|entry| tiff.number(entry));
    if is_first {
        let stated = number(ORIENTATION).and_then(|value| u8::try_from(value).ok());
        contents.orientation = stated.filter(|value| (1..=8).contains(value));
    }
    let size = (number(WIDTH).unwrap_or(0), number(HEIGHT).unwrap_or(0));
    let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    if area(size) > area(contents.size) {
        contents.size = size;
    }
    if let (Some(offset), Some(bytes)) = (number(JPEG_OFFSET), number(JPEG_BYTES)) {
        contents.candidates.push((tiff.base + u64::from(offset), bytes.into()));
    }
    let is_jpeg = number(COMPRESSION).is_some_and(|kind| JPEG_COMPRESSIONS.contains(&kind));
    let is_raw = number(PHOTOMETRIC).is_some_and(|kind| RAW_PIXELS.contains(&kind));
    // Without a mark the only pixels of the file may be meant, which are raw in all but the first directory.
    let marked = number(NEW_SUBFILE_TYPE).is_some_and(|kind| kind & 1 == 1) || is_first;
    if is_jpeg
        && !is_raw
        && marked
        && let (Some(offset), Some(bytes)) = (number(STRIP_OFFSETS), number(STRIP_BYTES))
    {
        contents.candidates.push((tiff.base + u64::from(offset), bytes.into()));
    }
    if let Some(jpeg) = find(PANASONIC_JPEG).filter(|entry| entry.kind == 7) {
        contents.candidates.push((tiff.place(jpeg), jpeg.count.into()));
    }
    if let Some(children) = find(SUB_DIRECTORIES).filter(|entry| matches!(entry.kind, 4 | 13)) {
        let place = tiff.place(children);
        let all =
            (0..children.count.min(CHILDREN_MAX)).filter_map(|index| bytes_at(tiff.file, place + u64::from(index) * 4));
        waiting.extend(all.map(|offset| u64::from(tiff.u32(offset))));
    }
    waiting.extend(number(EXIF).map(u64::from));
    if let Some(note) = find(MAKER_NOTE) {
        contents.candidates.extend(olympus_preview(tiff, note));
    }
}

/// The preview that the maker's note of an Olympus names. Its offsets are counted from the note.
fn olympus_preview(tiff: &Tiff<'_>, note: &Entry) -> Option<(u64, u64)> {
    let base = tiff.place(note);
    let name = bytes_at::<16>(tiff.file, base)?;
    let (start, order) = if name.starts_with(b"OLYMPUS\0") {
        (12, name[8])
    } else if name.starts_with(b"OM SYSTEM\0") {
        (16, name[12])
    } else {
        return None;
    };
    let note = Tiff { file: tiff.file, little: order == b'I', base };
    let (entries, _) = note.directory(start)?;
    let settings = entries.iter().find(|entry| entry.tag == OLYMPUS_SETTINGS)?;
    let (settings, _) = note.directory(u64::from(note.u32(settings.value)))?;
    let number = |tag: u16| settings.iter().find(|entry| entry.tag == tag).and_then(|entry| note.number(entry));
    let offset = base + u64::from(number(OLYMPUS_PREVIEW_OFFSET)?);
    Some((offset, number(OLYMPUS_PREVIEW_BYTES)?.into()))
}
