//! EXIF orientation: where it is written, and how pixels are turned upright.

use std::io::{self, Read, Seek, SeekFrom};

/// The orientation of a picture that needs no turning, and of one that says nothing.
pub const UPRIGHT: u8 = 1;

/// Entries looked at in the first directory; cameras write 10 to 60, the TIFF of a scanner about 20.
const ENTRIES_MAX: u16 = 512;

/// Bytes of one directory entry (TIFF 6.0, section 2).
const ENTRY_BYTES: usize = 12;

const TAG_NEW_SUBFILE_TYPE: u16 = 0x00fe;
const TAG_WIDTH: u16 = 0x0100;
const TAG_HEIGHT: u16 = 0x0101;
const TAG_ORIENTATION: u16 = 0x0112;
const TAG_DNG_VERSION: u16 = 0xc612;

/// What the first directory of a TIFF structure (a TIFF file, or an EXIF block) says about how its picture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstDirectory {
    /// 1 to 8 as in EXIF 2.32 section 4.6.4; 1 when absent or out of range.
    pub orientation: u8,
    /// The first picture is only a preview, as in DNG and other camera raw files that are built on TIFF.
    pub preview_only: bool,
    /// Another directory follows: more pages.
    pub more_follow: bool,
    /// Width and height in pixels; 0 where it does not say.
    pub size: (u32, u32),
}

/// Reads the first directory of a TIFF structure that starts at offset 0 of `source`.
///
/// `None` when it is no classic TIFF structure, or cut off before the end of its directory.
///
/// # Errors
/// When reading fails for a reason other than the end of the data.
pub fn read_first_directory(source: &mut (impl Read + Seek)) -> io::Result<Option<FirstDirectory>> {
    match read_directory(source) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other,
    }
}

fn read_directory(source: &mut (impl Read + Seek)) -> io::Result<Option<FirstDirectory>> {
    let mut header = [0; 8];
    source.seek(SeekFrom::Start(0))?;
    source.read_exact(&mut header)?;
    let [b0, b1, m0, m1, o0, o1, o2, o3] = header;
    let order = match [b0, b1] {
        [b'I', b'I'] => ByteOrder::Little,
        [b'M', b'M'] => ByteOrder::Big,
        _ => return Ok(None),
    };
    if order.u16([m0, m1]) != 42 {
        return Ok(None);
    }
    source.seek(SeekFrom::Start(u64::from(order.u32([o0, o1, o2, o3]))))?;
    let mut count = [0; 2];
    source.read_exact(&mut count)?;
    let mut found = FirstDirectory { orientation: UPRIGHT, preview_only: false, more_follow: false, size: (0, 0) };
    for _ in 0..order.u16(count).min(ENTRIES_MAX) {
        let mut entry = [0; ENTRY_BYTES];
        source.read_exact(&mut entry)?;
        let [t0, t1, k0, k1, _, _, _, _, v0, v1, v2, v3] = entry;
        let value = match order.u16([k0, k1]) {
            3 => u32::from(order.u16([v0, v1])),
            4 => order.u32([v0, v1, v2, v3]),
            _ => 0,
        };
        match order.u16([t0, t1]) {
            TAG_ORIENTATION => found.orientation = checked(value),
            TAG_NEW_SUBFILE_TYPE => found.preview_only |= value & 1 == 1,
            TAG_WIDTH => found.size.0 = value,
            TAG_HEIGHT => found.size.1 = value,
            TAG_DNG_VERSION => found.preview_only = true,
            _ => {}
        }
    }
    let mut next = [0; 4];
    // An EXIF block may end with its directory.
    if source.read_exact(&mut next).is_ok() {
        found.more_follow = order.u32(next) != 0;
    }
    Ok(Some(found))
}

fn checked(value: u32) -> u8 {
    u8::try_from(value).ok().filter(|value| (1..=8).contains(value)).unwrap_or(UPRIGHT)
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// Width and height after `orientation` was applied.
pub fn turned_size(width: u32, height: u32, orientation: u8) -> (u32, u32) {
    if orientation >= 5 { (height, width) } else { (width, height) }
}

/// Turns RGBA pixels upright. `width` and `height` are those of `pixels` as stored, in pixels.
///
/// The eight cases of EXIF 2.32 section 4.6.4, written as "which stored pixel lies at (x, y) of the upright picture".
pub fn turn_upright(pixels: Vec<[u8; 4]>, width: u32, height: u32, orientation: u8) -> Vec<[u8; 4]> {
    if !(2..=8).contains(&orientation) {
        return pixels;
    }
    let (w, h) = (width as usize, height as usize);
    let (out_w, out_h) = turned_size(width, height, orientation);
    let mut upright = Vec::with_capacity(pixels.len());
    for y in 0..out_h as usize {
        // Along an output row the stored position moves by a fixed step, so one start and one step per row are enough.
        let (start, step) = match orientation {
            2 => (y * w + (w - 1), -1),
            3 => ((h - 1 - y) * w + (w - 1), -1),
            4 => ((h - 1 - y) * w, 1),
            5 => (y, signed(w)),
            6 => ((h - 1) * w + y, -signed(w)),
            7 => ((h - 1) * w + (w - 1 - y), -signed(w)),
            _ => (w - 1 - y, signed(w)),
        };
        upright.extend((0..out_w as usize).map(|x| pixels[start.wrapping_add_signed(step * signed(x))]));
    }
    upright
}

/// Pictures have at most 2^28 pixels here, far below the limit of the type.
fn signed(value: usize) -> isize {
    value as isize
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn directory(order: &[u8; 2], entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let little = order == b"II";
        let two = |v: u16| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let four = |v: u32| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let mut bytes = order.to_vec();
        bytes.extend(two(42));
        bytes.extend(four(8));
        bytes.extend(two(entries.len() as u16));
        for &(tag, kind, value) in entries {
            bytes.extend(two(tag));
            bytes.extend(two(kind));
            bytes.extend(four(1));
            match kind {
                3 => bytes.extend([two(value as u16), [0, 0]].concat()),
                _ => bytes.extend(four(value)),
            }
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<FirstDirectory> {
        read_first_directory(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn both_byte_orders_and_both_integer_types_are_read() {
        for order in [b"II", b"MM"] {
            for kind in [3, 4] {
                let bytes = directory(order, &[(0x010f, 2, 0), (TAG_ORIENTATION, kind, 6)]);
                assert_eq!(
                    read(&bytes),
                    Some(FirstDirectory { orientation: 6, preview_only: false, more_follow: false, size: (0, 0) })
                );
            }
        }
    }

    #[test]
    fn an_orientation_out_of_range_counts_as_upright() {
        for value in [0, 9, 260, 65535] {
            assert_eq!(read(&directory(b"MM", &[(TAG_ORIENTATION, 3, value)])).unwrap().orientation, UPRIGHT);
        }
    }

    #[test]
    fn camera_raw_is_told_by_its_preview() {
        assert!(read(&directory(b"II", &[(TAG_NEW_SUBFILE_TYPE, 4, 1)])).unwrap().preview_only);
        assert!(read(&directory(b"II", &[(TAG_DNG_VERSION, 1, 0)])).unwrap().preview_only);
        assert!(!read(&directory(b"II", &[(TAG_NEW_SUBFILE_TYPE, 4, 2)])).unwrap().preview_only);
    }

    #[test]
    fn a_directory_that_is_cut_off_anywhere_is_none() {
        let bytes = directory(b"II", &[(TAG_ORIENTATION, 3, 6)]);
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(read(b"II\x2a\0\xff\xff\xff\xff"), None);
        assert_eq!(read(b"PK\x03\x04aaaaaaaa"), None);
    }

    /// The letter F, 3 x 5, as it looks upright; stored forms follow from the picture in every EXIF tutorial.
    #[test]
    fn the_letter_f_is_upright_from_all_eight_orientations() {
        let upright = ["###", "#..", "##.", "#..", "#.."];
        let stored: [(u8, &[&str]); 8] = [
            (1, &["###", "#..", "##.", "#..", "#.."]),
            (2, &["###", "..#", ".##", "..#", "..#"]),
            (3, &["..#", "..#", ".##", "..#", "###"]),
            (4, &["#..", "#..", "##.", "#..", "###"]),
            (5, &["#####", "#.#..", "#...."]),
            (6, &["#....", "#.#..", "#####"]),
            (7, &["....#", "..#.#", "#####"]),
            (8, &["#####", "..#.#", "....#"]),
        ];
        let pixels = |rows: &[&str]| rows.concat().bytes().map(|b| [b; 4]).collect::<Vec<_>>();
        for (orientation, rows) in stored {
            let (width, height) = (rows[0].len() as u32, rows.len() as u32);
            assert_eq!(turned_size(width, height, orientation), (3, 5));
            assert_eq!(turn_upright(pixels(rows), width, height, orientation), pixels(&upright), "{orientation}");
        }
    }
}
