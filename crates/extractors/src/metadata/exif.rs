//! The facts in EXIF data (CIPA DC-008): camera, settings, place, time, orientation, words, and all tags as text.

use std::fmt::Write as _;

use super::capture_time;
use super::exif_tags::{Group, name};
use super::gps;
use super::maker_note;
use super::payload::{
    Camera, Captured, Description, Exposure, MediaMetadata, Method, Rational, SETTING_MAX, Warning, rounded, text_fact,
};
use super::source::{Damage, Source};
use super::tiff::{Directory, Tiff, Value};
use super::words;
use super::xmp_packet::PACKET_BYTES_MAX;

/// Bytes of an unknown binary value shown as hexadecimal digits; longer ones are only counted.
const SHOWN_BYTES_MAX: u64 = 32;

/// The directories that facts are read from.
#[derive(Debug, Default)]
pub(crate) struct Directories {
    /// The first one.
    pub(crate) main: Directory,
    /// The settings of the camera.
    pub(crate) exif: Directory,
    /// The place.
    pub(crate) gps: Directory,
}

/// What the EXIF data says beyond what goes straight into the payload.
#[derive(Debug, Default)]
pub(crate) struct ExifFacts {
    /// When the picture was taken.
    pub(crate) captured: Option<Captured>,
    /// Size from the first directory; only a TIFF means its picture by it.
    pub(crate) size: Option<(u32, u32)>,
    /// Whether this is the frame of a camera RAW: the first directory is a preview, the picture is elsewhere.
    pub(crate) raw: bool,
    /// Whether it says to be a digital negative (DNG).
    pub(crate) negative: bool,
    /// An XMP packet that lies in it.
    pub(crate) xmp: Option<Vec<u8>>,
}

/// Reads the EXIF data in `source`, which starts with a TIFF header, into `facts`.
pub(crate) fn read_exif(source: Source<'_>, facts: &mut MediaMetadata) -> Result<ExifFacts, Damage> {
    let tiff = Tiff::open(source)?;
    let main = tiff.directory(tiff.first)?;
    let exif = linked(&tiff, &main, 0x8769)?;
    let gps = linked(&tiff, &main, 0x8825)?;
    let xmp = match main.block(0x02BC) {
        Some((at, bytes)) => match source.long_bytes(at, bytes, PACKET_BYTES_MAX) {
            Ok(packet) => Some(packet),
            Err(Damage::Io(error)) => return Err(Damage::Io(error)),
            Err(_) => {
                facts.warnings.insert(Warning::XmpDropped);
                None
            }
        },
        None => None,
    };
    let identifier = maker_note::content_identifier(tiff.source(), &exif);
    facts.content_identifier = identifier.or(facts.content_identifier.take());
    Ok(ExifFacts { xmp, ..take(&Directories { main, exif, gps }, facts) })
}

/// Takes the facts of directories into `facts`.
pub(crate) fn take(directories: &Directories, facts: &mut MediaMetadata) -> ExifFacts {
    let Directories { main, exif, gps } = directories;
    if main.damaged || exif.damaged || gps.damaged {
        facts.warnings.insert(Warning::ExifDamaged);
    }
    facts.method.insert(Method::Exif);
    facts.orientation = main.get(0x0112).and_then(orientation);
    facts.camera = camera(main, exif);
    facts.exposure = exposure(exif);
    facts.gps = gps::read_place(gps, facts);
    facts.description = description(main, exif);
    for (group, directory) in [(Group::Main, main), (Group::Exif, exif), (Group::Gps, gps)] {
        for (tag, value) in &directory.entries {
            put_tag(facts, group, *tag, value);
        }
    }
    let side = |tag| main.get(tag).and_then(Value::unsigned).and_then(|side| u32::try_from(side).ok());
    let preview = main.get(0x00FE).and_then(Value::unsigned).is_some_and(|kind| kind & 1 == 1);
    let negative = main.get(0xC612).is_some();
    ExifFacts {
        captured: captured(main, exif, gps),
        size: side(0x0100).zip(side(0x0101)),
        // A preview first, with the picture in a sub-directory (NEF, ARW, PEF, ...).
        raw: negative || (preview && main.get(0x014A).is_some()),
        negative,
        xmp: None,
    }
}

/// The directory that an entry of the main one points to; empty when there is none or it cannot be read.
fn linked(tiff: &Tiff<'_>, main: &Directory, tag: u16) -> Result<Directory, Damage> {
    let Some(value) = main.get(tag) else { return Ok(Directory::default()) };
    match value.unsigned().map(|offset| tiff.directory(offset)) {
        Some(Ok(directory)) => Ok(directory),
        Some(Err(Damage::Io(error))) => Err(Damage::Io(error)),
        Some(Err(_)) | None => Ok(Directory::broken()),
    }
}

fn orientation(value: &Value) -> Option<u8> {
    value.unsigned().and_then(|value| u8::try_from(value).ok()).filter(|value| (1..=8).contains(value))
}

fn text(directory: &Directory, tag: u16) -> Option<String> {
    directory.get(tag).and_then(Value::text).and_then(text_fact)
}

fn camera(main: &Directory, exif: &Directory) -> Option<Camera> {
    let camera = Camera {
        make: text(main, 0x010F),
        model: text(main, 0x0110),
        lens_make: text(exif, 0xA433),
        lens_model: text(exif, 0xA434),
        software: text(main, 0x0131),
    };
    (camera != Camera::default()).then_some(camera)
}

fn exposure(exif: &Directory) -> Option<Exposure> {
    let positive = |tag, digits| {
        exif.get(tag)
            .and_then(|value| value.number(0))
            .and_then(|number| rounded(number, digits))
            .filter(|n| (0.0..=SETTING_MAX).contains(n) && *n > 0.0)
    };
    let exposure = Exposure {
        time_s: exif.get(0x829A).and_then(|value| match value {
            Value::Fractions(fractions) => {
                let (num, den) = *fractions.first()?;
                Rational::reduced(u64::try_from(num).ok()?, u64::try_from(den).ok()?)
            }
            _ => None,
        }),
        f_number: positive(0x829D, 4),
        iso: iso(exif),
        focal_length_mm: positive(0x920A, 4),
        focal_length_35mm: whole(exif, 0xA405),
    };
    (exposure != Exposure::default()).then_some(exposure)
}

/// The words that Windows and cameras keep in EXIF.
fn description(main: &Directory, exif: &Directory) -> Option<Description> {
    let windows = |tag| match main.get(tag).or_else(|| exif.get(tag))? {
        Value::Bytes(bytes, _) => text_fact(&utf16_text(bytes)),
        _ => None,
    };
    let mut description = Description {
        title: windows(0x9C9B),
        text: text(main, 0x010E).or_else(|| windows(0x9C9C)),
        copyright: text(main, 0x8298),
        rating: main.get(0x4746).and_then(Value::unsigned).and_then(|stars| words::rating(&stars.to_string())),
        ..Description::default()
    };
    let artists = text(main, 0x013B).or_else(|| windows(0x9C9D));
    words::add_words(&mut description.creators, artists.iter().flat_map(|names| names.split(';')));
    let keywords = windows(0x9C9E);
    words::add_words(&mut description.keywords, keywords.iter().flat_map(|list| list.split(';')));
    (description != Description::default()).then_some(description)
}

/// A whole number above 0: the first of a list, because some writers put a 0 before it or repeat it.
fn whole(directory: &Directory, tag: u16) -> Option<u32> {
    match directory.get(tag)? {
        Value::Integers(numbers) => numbers.iter().find_map(|number| u32::try_from(*number).ok().filter(|n| *n > 0)),
        _ => None,
    }
}

/// PhotographicSensitivity; 65535 stands for "more than fits, see the longer tags".
fn iso(exif: &Directory) -> Option<u32> {
    let short = whole(exif, 0x8827);
    if short == Some(65535) {
        whole(exif, 0x8833).or(whole(exif, 0x8832)).or(whole(exif, 0x8831)).or(short)
    } else {
        short
    }
}

/// The moment of exposure, else of digitisation, else of the last change, each with its own offset tag. The time of the
/// satellites is that of the exposure alone.
fn captured(main: &Directory, exif: &Directory, place: &Directory) -> Option<Captured> {
    let text = |directory: &Directory, tag| directory.get(tag).and_then(Value::text).map(str::to_owned);
    let candidates = [
        ("DateTimeOriginal", text(exif, 0x9003), 0x9291, 0x9011),
        ("DateTimeDigitized", text(exif, 0x9004), 0x9292, 0x9012),
        ("DateTime", text(main, 0x0132), 0x9290, 0x9010),
    ];
    let found = candidates.into_iter().find_map(|(tag, date, subsecond, offset)| {
        capture_time::from_exif(tag, &date?, text(exif, subsecond).as_deref(), text(exif, offset).as_deref())
    })?;
    let gps_at = gps::time(place).filter(|_| found.tag == "DateTimeOriginal");
    Some(match gps_at {
        Some(gps_at) => capture_time::with_gps_time(found, &gps_at),
        None => found,
    })
}

fn put_tag(facts: &mut MediaMetadata, group: Group, tag: u16, value: &Value) {
    // The pointers to other directories say nothing about the picture.
    if group != Group::Gps && matches!(tag, 0x8769 | 0x8825 | 0xA005) {
        return;
    }
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Integers(numbers) => joined(numbers.iter()),
        Value::Fractions(fractions) => joined(fractions.iter().map(|(num, den)| format!("{num}/{den}"))),
        Value::Floats(numbers) => joined(numbers.iter()),
        Value::Bytes(bytes, count) => bytes_text(tag, bytes, *count),
    };
    match name(group, tag) {
        Some(name) => facts.put_tag(group.as_str(), name, &text),
        None => facts.put_tag(group.as_str(), &format!("0x{tag:04x}"), &text),
    }
}

fn joined(values: impl Iterator<Item = impl ToString>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}

/// A binary value as text: comments by their character code, printable bytes as they are, few others in hexadecimal.
fn bytes_text(tag: u16, bytes: &[u8], count: u64) -> String {
    if matches!(tag, 0x9286 | 0x001B | 0x001C) {
        if let Some(text) = bytes.strip_prefix(b"ASCII\0\0\0").or_else(|| bytes.strip_prefix(&[0; 8])) {
            return String::from_utf8_lossy(text).into_owned();
        }
        if let Some(text) = bytes.strip_prefix(b"UNICODE\0") {
            return utf16_text(text);
        }
    }
    if matches!(tag, 0x9C9B..=0x9C9F) {
        return utf16_text(bytes);
    }
    let printable = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    if count <= bytes.len() as u64 && !printable.is_empty() && printable.iter().all(|b| (0x20..0x7F).contains(b)) {
        return String::from_utf8_lossy(printable).into_owned();
    }
    if count > SHOWN_BYTES_MAX {
        return format!("({count} bytes)");
    }
    bytes.iter().fold("0x".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// UTF-16 in the byte order in which more high halves are zero: writers do not keep to the order of the file.
fn utf16_text(bytes: &[u8]) -> String {
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let big_endian = zeros(0) > zeros(1);
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let units = bytes.chunks_exact(2).map(unit);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
