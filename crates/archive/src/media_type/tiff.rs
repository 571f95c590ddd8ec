//! Tells camera RAW from pictures that TIFF readers show: the container is the same.

use super::has_at;

/// Entries of the first directory that are looked at; cameras write 10 to 60.
const ENTRIES_MAX: usize = 256;

const NEW_SUBFILE_TYPE: u16 = 0x00fe;
const MAKE: u16 = 0x010f;
const DNG_VERSION: u16 = 0xc612;

/// What the makers call themselves, in lower case, and the type of the files that begin with a preview. A scanner of the same maker writes
/// no preview first, so its TIFF stays a TIFF.
const MAKERS: [(&str, &str); 7] = [
    ("nikon", "image/x-nikon-nef"),
    ("sony", "image/x-sony-arw"),
    ("pentax", "image/x-pentax-pef"),
    ("ricoh", "image/x-pentax-pef"),
    ("samsung", "image/x-samsung-srw"),
    ("hasselblad", "image/x-hasselblad-3fr"),
    ("canon", "image/x-canon-cr2"),
];

/// The type of a file that begins like a TIFF.
pub(super) fn detect(head: &[u8]) -> Option<&'static str> {
    if has_at(head, 8, b"CR\x02") {
        return Some("image/x-canon-cr2");
    }
    Some(raw(head).unwrap_or("image/tiff"))
}

/// The type by the first directory; `None`: no mark of a camera's RAW in what was read of it.
fn raw(head: &[u8]) -> Option<&'static str> {
    let little = head.starts_with(b"II");
    let half = |offset: usize| {
        let bytes: [u8; 2] = *head.get(offset..)?.first_chunk()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let word = |offset: usize| {
        let bytes: [u8; 4] = *head.get(offset..)?.first_chunk()?;
        usize::try_from(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    };
    let first = word(4)?;
    let (mut preview, mut maker) = (false, None);
    for index in 0..usize::from(half(first)?).min(ENTRIES_MAX) {
        let entry = first.checked_add(2 + index * 12)?;
        // The directory may go on beyond what was read.
        let Some(tag) = half(entry) else { break };
        match tag {
            DNG_VERSION => return Some("image/x-adobe-dng"),
            NEW_SUBFILE_TYPE => preview = word(entry + 8)? & 1 == 1,
            MAKE => maker = word(entry + 8).and_then(|at| maker_at(head, at)),
            _ => {}
        }
    }
    maker.filter(|_| preview)
}

fn maker_at(head: &[u8], at: usize) -> Option<&'static str> {
    let name = head.get(at..)?;
    let known = |(maker, _): &&(&str, &str)| {
        name.get(..maker.len()).is_some_and(|start| start.eq_ignore_ascii_case(maker.as_bytes()))
    };
    MAKERS.iter().find(known).map(|(_, found)| *found)
}
