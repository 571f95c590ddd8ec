//! Writes RAW-like files: the directories, previews and marks of DNG, CR2 and NEF around a small mosaic of sensor data.
//!
//! They are made to test readers of camera RAW without the photos of strangers. The mosaic is a real one, but the notes of the makers and
//! their own compressions are missing, so programs that develop RAW files may refuse all but the DNG.

use super::draw::Canvas;
use super::exif::{self, Facts};
use super::tiff::{self, Directory, Value};
use super::{SampleError, encode};

/// Whose RAW it is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RawKind {
    Dng,
    Cr2,
    Nef,
}

/// Edge of the small picture that lists show, in pixels.
const STAMP_WIDTH: u32 = 160;

impl RawKind {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Dng => "image/x-adobe-dng",
            Self::Cr2 => "image/x-canon-cr2",
            Self::Nef => "image/x-nikon-nef",
        }
    }

    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Dng => "DNG",
            Self::Cr2 => "CR2",
            Self::Nef => "NEF",
        }
    }
}

/// A file whose sensor saw `stored`, with a preview of the same size.
pub(super) fn file(kind: RawKind, stored: &Canvas, facts: &Facts) -> Result<Vec<u8>, SampleError> {
    let preview = encode::jpeg(stored)?;
    match kind {
        RawKind::Dng => Ok(dng(stored, facts, preview)),
        RawKind::Cr2 => cr2(stored, facts, preview),
        RawKind::Nef => Ok(nef(stored, facts, preview)),
    }
}

fn dng(stored: &Canvas, facts: &Facts, preview: Vec<u8>) -> Vec<u8> {
    const JPEG: u16 = 7;
    let mut first = vec![(0x00fe, Value::Long(1))];
    first.extend(size(stored));
    first.extend([(0x0102, Value::Short(vec![8; 3])), (0x0103, short(JPEG)), (0x0106, short(6))]);
    let length = preview.len() as u32;
    first.extend(strip(facts, stored, preview, length, 3));
    let mut rest = exif::pointers(facts);
    rest.insert(1, (0x014a, Value::Directories(vec![mosaic(stored)])));
    first.extend(rest);
    first.extend([
        (0xc612, Value::Bytes(vec![1, 4, 0, 0])),
        (0xc613, Value::Bytes(vec![1, 1, 0, 0])),
        (0xc614, Value::Text(format!("{} {}", facts.make, facts.model))),
        // Colours of the sensor under daylight, by XYZ: those of sRGB.
        (0xc65a, short(21)),
    ]);
    tiff::file(false, &[], &[first])
}

fn nef(stored: &Canvas, facts: &Facts, preview: Vec<u8>) -> Vec<u8> {
    let stamp = stamp(stored);
    let mut first = vec![(0x00fe, Value::Long(1))];
    first.extend(size(&stamp));
    first.extend([(0x0102, Value::Short(vec![8; 3])), (0x0103, short(1)), (0x0106, short(2))]);
    let length = stamp.pixels.len() as u32;
    first.extend(strip(facts, &stamp, stamp.pixels.clone(), length, 3));
    let length = preview.len() as u32;
    let full = vec![
        (0x00fe, Value::Long(1)),
        (0x0103, short(6)),
        (0x0201, Value::Data(preview)),
        (0x0202, Value::Long(length)),
        (0x0213, short(2)),
    ];
    let mut rest = exif::pointers(facts);
    rest.insert(1, (0x014a, Value::Directories(vec![full, mosaic(stored)])));
    first.extend(rest);
    tiff::file(true, &[], &[first])
}

/// Four directories, as Canon lays them: a preview, a stamp, a small picture without compression, the sensor.
fn cr2(stored: &Canvas, facts: &Facts, preview: Vec<u8>) -> Result<Vec<u8>, SampleError> {
    let mut first: Directory = size(stored).into();
    first.extend([(0x0102, Value::Short(vec![8; 3])), (0x0103, short(6))]);
    let length = preview.len() as u32;
    let mut rest = strip(facts, stored, preview, length, 3);
    // Canon says neither how many channels nor how many rows.
    rest.retain(|(tag, _)| !matches!(tag, 0x0115 | 0x0116));
    first.extend(rest);
    first.extend(exif::pointers(facts));
    let stamp = stamp(stored);
    let small = encode::jpeg(&stamp)?;
    let length = small.len() as u32;
    let second = vec![(0x0201, Value::Data(small)), (0x0202, Value::Long(length))];
    let mut third: Directory = size(&stamp).into();
    third.extend([(0x0102, Value::Short(vec![8; 3])), (0x0103, short(1)), (0x0106, short(2))]);
    third.extend(data(stamp.pixels.clone(), &stamp, 3));
    let values = filtered(stored);
    let sensor = encode::lossless_jpeg(stored.width, stored.height, &values)?;
    let length = sensor.len() as u32;
    let fourth = vec![(0x0103, short(6)), (0x0111, Value::Data(sensor)), (0x0117, Value::Long(length))];
    Ok(tiff::file(false, b"CR\x02\0\0\0\0\0", &[first, second, third, fourth]))
}

fn short(value: u16) -> Value {
    Value::Short(vec![value])
}

fn size(canvas: &Canvas) -> [(u16, Value); 2] {
    [(0x0100, Value::Long(canvas.width)), (0x0101, Value::Long(canvas.height))]
}

/// The camera and one strip of picture data, in the order of their tags.
fn strip(facts: &Facts, shape: &Canvas, bytes: Vec<u8>, length: u32, channels: u16) -> Directory {
    let mut tags = exif::camera(facts);
    tags.insert(2, (0x0111, Value::Data(bytes)));
    tags.extend([(0x0115, short(channels)), (0x0116, Value::Long(shape.height)), (0x0117, Value::Long(length))]);
    tags
}

fn data(bytes: Vec<u8>, shape: &Canvas, channels: u16) -> Directory {
    let length = bytes.len() as u32;
    vec![
        (0x0111, Value::Data(bytes)),
        (0x0115, short(channels)),
        (0x0116, Value::Long(shape.height)),
        (0x0117, Value::Long(length)),
    ]
}

/// What a sensor behind a Bayer filter (red, green, green, blue) measures: one value of sixteen bits for each pixel.
fn mosaic(stored: &Canvas) -> Directory {
    let values = filtered(stored);
    // The directory lies in files of both byte orders; a value with equal bytes reads the same in both.
    let bytes: Vec<u8> = values.iter().flat_map(|value| [*value, *value]).collect();
    let mut tags = vec![(0x00fe, Value::Long(0))];
    tags.extend(size(stored));
    tags.extend([(0x0102, short(16)), (0x0103, short(1)), (0x0106, short(32_803))]);
    tags.extend(data(bytes, stored, 1));
    tags.extend([(0x828d, Value::Short(vec![2, 2])), (0x828e, Value::Bytes(vec![0, 1, 1, 2]))]);
    tags
}

fn filtered(stored: &Canvas) -> Vec<u8> {
    let stride = stored.width as usize;
    let channel = |index: usize| match ((index / stride) % 2, (index % stride) % 2) {
        (0, 0) => 0,
        (1, 1) => 2,
        _ => 1,
    };
    stored.pixels.chunks_exact(3).enumerate().map(|(index, pixel)| pixel[channel(index)]).collect()
}

/// The picture again, small.
fn stamp(stored: &Canvas) -> Canvas {
    let step = (stored.width / STAMP_WIDTH).max(1);
    stored.every(step)
}
