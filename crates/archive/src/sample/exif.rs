//! Writes EXIF: the facts of a camera as a TIFF structure, and as the APP1 segment of a JPEG (EXIF 2.32).

use super::moment::Local;
use super::tiff::{self, Directory, Value};

/// What a camera writes down with a picture.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) make: &'static str,
    pub(super) model: &'static str,
    pub(super) lens: Option<&'static str>,
    /// Byte order: Motorola when true, Intel when false.
    pub(super) big_endian: bool,
    /// 1 to 8.
    pub(super) orientation: u16,
    /// `YYYY:MM:DD HH:MM:SS`.
    pub(super) taken: String,
    /// `+HH:MM`, of cameras that know it.
    pub(super) offset: Option<String>,
    /// Exposure time is one over this many seconds.
    pub(super) exposure_divisor: u32,
    /// F-number times ten.
    pub(super) f_number_tenths: u32,
    pub(super) iso: u16,
    pub(super) focal_length_mm: u32,
    /// Latitude and longitude in hundredths of a second of arc, north and east positive.
    pub(super) place: Option<(i64, i64)>,
    /// The time of the satellites, UTC; written where there is a place.
    pub(super) satellites: Option<Local>,
    /// What a still and its film have in common, in the note of Apple's cameras.
    pub(super) content_id: Option<String>,
    /// The stored size in pixels.
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The APP1 segment, marker and length included.
pub(super) fn segment(facts: &Facts) -> Vec<u8> {
    app1(&[b"Exif\0\0", &block(facts)[..]].concat())
}

/// An APP1 segment. What is written here takes at most a few kilobytes, so the 16 bits of its length always hold it.
pub(super) fn app1(body: &[u8]) -> Vec<u8> {
    [&[0xff, 0xe1][..], &(body.len() as u16 + 2).to_be_bytes(), body].concat()
}

/// Puts a segment straight behind a JPEG's first marker, where cameras put it.
pub(super) fn insert(jpeg: &[u8], segment: &[u8]) -> Vec<u8> {
    let (start, rest) = jpeg.split_at(2);
    [start, segment, rest].concat()
}

/// The TIFF structure alone, as WebP wants it.
pub(super) fn block(facts: &Facts) -> Vec<u8> {
    let mut tags = camera(facts);
    tags.extend([
        (0x011a, Value::Rational(vec![(72, 1)])),
        (0x011b, Value::Rational(vec![(72, 1)])),
        (0x0128, Value::Short(vec![2])),
    ]);
    tags.extend(pointers(facts));
    tiff::file(facts.big_endian, &[], &[tags])
}

/// Maker, model and orientation, for the first directory.
pub(super) fn camera(facts: &Facts) -> Directory {
    vec![
        (0x010f, Value::Text(facts.make.to_owned())),
        (0x0110, Value::Text(facts.model.to_owned())),
        (0x0112, Value::Short(vec![facts.orientation])),
    ]
}

/// Date, and the directories of EXIF and place, for the first directory.
pub(super) fn pointers(facts: &Facts) -> Directory {
    let mut tags =
        vec![(0x0132, Value::Text(facts.taken.clone())), (0x8769, Value::Directories(vec![exif_directory(facts)]))];
    if let Some(place) = facts.place {
        tags.push((0x8825, Value::Directories(vec![place_directory(place, facts.satellites.as_ref())])));
    }
    tags
}

fn exif_directory(facts: &Facts) -> Directory {
    let mut tags = vec![
        (0x829a, Value::Rational(vec![(1, facts.exposure_divisor)])),
        (0x829d, Value::Rational(vec![(facts.f_number_tenths, 10)])),
        (0x8827, Value::Short(vec![facts.iso])),
        (0x9000, Value::Undefined(b"0232".to_vec())),
        (0x9003, Value::Text(facts.taken.clone())),
        (0x9004, Value::Text(facts.taken.clone())),
    ];
    if let Some(offset) = &facts.offset {
        tags.push((0x9010, Value::Text(offset.clone())));
        tags.push((0x9011, Value::Text(offset.clone())));
        tags.push((0x9012, Value::Text(offset.clone())));
    }
    tags.push((0x9209, Value::Short(vec![0])));
    tags.push((0x920a, Value::Rational(vec![(facts.focal_length_mm, 1)])));
    if let Some(id) = &facts.content_id {
        // Apple's note: its name, a version, its byte order, one directory; tag 0x11 is the content identifier.
        let note = tiff::note(true, b"Apple iOS\0\0\x01MM", &vec![(0x0011, Value::Text(id.clone()))]);
        tags.push((0x927c, Value::Undefined(note)));
    }
    tags.push((0xa001, Value::Short(vec![1])));
    tags.push((0xa002, Value::Long(facts.width)));
    tags.push((0xa003, Value::Long(facts.height)));
    if let Some(lens) = facts.lens {
        tags.push((0xa434, Value::Text(lens.to_owned())));
    }
    tags
}

fn place_directory((latitude, longitude): (i64, i64), satellites: Option<&Local>) -> Directory {
    let sides =
        |value: i64, positive: &str, negative: &str| if value < 0 { negative.to_owned() } else { positive.to_owned() };
    let parts = |value: i64| {
        let value = value.unsigned_abs() as u32;
        vec![(value / 360_000, 1), (value / 6000 % 60, 1), (value % 6000, 100)]
    };
    let mut tags = vec![
        (0x0000, Value::Bytes(vec![2, 3, 0, 0])),
        (0x0001, Value::Text(sides(latitude, "N", "S"))),
        (0x0002, Value::Rational(parts(latitude))),
        (0x0003, Value::Text(sides(longitude, "E", "W"))),
        (0x0004, Value::Rational(parts(longitude))),
    ];
    if let Some(at) = satellites {
        tags.push((0x0007, Value::Rational(vec![(at.hour, 1), (at.minute, 1), (at.second, 1)])));
        tags.push((0x001d, Value::Text(at.exif()[..10].to_owned())));
    }
    tags
}
