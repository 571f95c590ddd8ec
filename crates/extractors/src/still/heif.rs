//! HEIC and AVIF: sized by our own reading of the boxes, then decoded by `heif-convert`, which also turns the picture.
//!
//! Sizes are those that the boxes claim (`ispe`), of the picture and of each of its parts; what a coded picture has beyond its claim meets
//! the limits of the process. `irot` and `imir` alone turn a picture (libheif applies them); EXIF orientation is information only. Embedded
//! thumbnails are never used: they are not turned.
//!
//! `heif-convert` decodes every picture that is not hidden, and no file that calls itself a sequence. Where a file shows several pictures
//! (bursts, collections), a copy in scratch hides all but the primary: one bit for each; the copy of a sequence with a still picture in it
//! calls itself a still. Photos of 8 bits without alpha that are much larger than what is wanted come out as JPEG of the best
//! quality, in a third of the time; all others as PNG, which keeps 16 bits and alpha.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use exhibit_engine::extractor::Job;
use moxcms::{CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};

use super::heif_boxes::{META_BYTES_MAX, Meta, MirrorAxis, Property, read_meta};
use super::svg::open_output;
use super::tone::HighRange;
use super::{LIMITS, Part, Refusal, Stop, Transfer, check_size, ended_by_signal};
use crate::tool;

/// The tool.
pub const PROGRAM: &str = "heif-convert";

/// Bytes of the largest file that is read; the largest seen, a 48-megapixel burst, has 90 MB.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Boxes at the top of a file that are looked at for `meta`.
const BOXES_MAX: usize = 64;

/// Types of items that are pictures.
const PICTURES: [&[u8; 4]; 8] = [b"hvc1", b"av01", b"grid", b"iovl", b"iden", b"jpeg", b"avc1", b"tmap"];

/// Parts of one picture; 800 tiles of 512 x 512 make 200 megapixels.
const PARTS_MAX: usize = 2_048;

/// A JPEG is good enough when the picture has this many times the wanted edge.
const JPEG_TIMES_EDGE: u32 = 2;

/// Name of the copy in scratch.
const COPY: &str = "one.heif";

/// Bytes that the tool may say on stdout: a line for each picture.
const SAID_BYTES_MAX: u64 = 64 << 10;

/// What the tool was asked to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intermediate {
    /// 8 bits without alpha.
    Jpeg,
    /// Everything else.
    Png,
}

/// A decoded picture in a file that has no name any more.
pub struct Converted {
    /// The file.
    pub file: File,
    /// Its length.
    pub bytes: u64,
    /// What it holds.
    pub format: Intermediate,
    /// Width before turning, in pixels.
    pub width: u32,
    /// Height before turning, in pixels.
    pub height: u32,
    /// The turn that was applied, 1 to 8 as in EXIF.
    pub orientation: u8,
    /// A profile made of the numbers that name the colours, for want of one in the file.
    pub profile: Option<Vec<u8>>,
    /// A high dynamic range.
    pub high_range: Option<HighRange>,
    /// Whether the file shows more than this.
    pub part: Part,
}

/// The picture to show, as the boxes describe it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Planned {
    width: u32,
    height: u32,
    orientation: u8,
    deep: bool,
    alpha: bool,
    numbers: Option<(u16, u16)>,
    /// Where flags lie in the `meta` box that hide the other pictures.
    hide: Vec<usize>,
    /// It has more than one frame or picture.
    part: Part,
}

/// The version of the tool.
///
/// # Errors
/// When it is missing or does not say; the text is for people.
pub fn version() -> Result<String, String> {
    tool::version(PROGRAM, "libheif-examples", &LIMITS, &[])
}

/// Decodes the primary picture, turned upright.
pub(super) fn convert(job: &Job<'_>, edge: u32) -> Result<Converted, Stop> {
    if job.size_bytes > FILE_BYTES_MAX {
        let detail = format!("a HEIF file of {} bytes; at most {FILE_BYTES_MAX} are read", job.size_bytes);
        return Err(Refusal::TooLarge(detail).into());
    }
    let found = find_meta(job.input)?;
    let parsed =
        read_meta(&found.meta).ok_or_else(|| Refusal::Corrupt("the boxes of the pictures are damaged".into()))?;
    let planned = plan(&parsed)?;
    let much_larger = planned.width.max(planned.height) / JPEG_TIMES_EDGE >= edge;
    let format = match planned.deep || planned.alpha || !much_larger {
        true => Intermediate::Png,
        false => Intermediate::Jpeg,
    };
    let output = if format == Intermediate::Png { "decoded.png" } else { "decoded.jpg" };
    let copied = !planned.hide.is_empty() || found.still_brand.is_some();
    let mut command = tool::command(PROGRAM, &LIMITS)?;
    command.args(["--quiet", "-q", "100"]);
    if copied {
        copy_with_one_picture(job, &found, &planned.hide)?;
        command.arg(COPY);
    } else {
        command.arg(&job.input_path);
    }
    command.arg(output);
    let ran = tool::run(command, job.scratch, SAID_BYTES_MAX)?;
    if copied {
        std::fs::remove_file(job.scratch.join(COPY))?;
    }
    if let Some(refusal) = ended_by_signal(PROGRAM, &ran) {
        return Err(refusal.into());
    }
    if !ran.status.success() {
        return Err(refusal(ran.said()).into());
    }
    let file = open_output(job, output, PROGRAM)?;
    Ok(Converted {
        bytes: file.metadata()?.len(),
        file,
        format,
        width: planned.width,
        height: planned.height,
        orientation: planned.orientation,
        profile: planned.numbers.and_then(|(primaries, transfer)| profile(primaries, transfer)),
        high_range: planned
            .numbers
            .and_then(|(primaries, transfer)| high_range(transfer).map(|transfer| HighRange { transfer, primaries })),
        part: if found.sequence { Part::FirstFrame } else { planned.part },
    })
}

/// libheif says what it cannot do in its own words.
fn refusal(said: String) -> Refusal {
    if said.contains("Unsupported") || said.contains("unsupported") || said.contains("not supported") {
        Refusal::Unsupported(said)
    } else if said.contains("ecurity limit") || said.contains("emory allocation") {
        Refusal::TooManyPixels(said)
    } else {
        Refusal::Corrupt(said)
    }
}

/// What lies at the top of a file.
pub(super) struct Top {
    /// The contents of the `meta` box.
    pub(super) meta: Vec<u8>,
    /// Where they begin in the file.
    meta_at: u64,
    /// There is a film, too.
    sequence: bool,
    /// The brand that the file should have instead of that of a sequence.
    still_brand: Option<[u8; 4]>,
}

/// Brands of sequences, and those of the stills that are coded alike.
const SEQUENCE_BRANDS: [(&[u8; 4], &[u8; 4]); 6] = [
    (b"avis", b"avif"),
    (b"msf1", b"mif1"),
    (b"hevc", b"heic"),
    (b"hevx", b"heix"),
    (b"hevm", b"heim"),
    (b"hevs", b"heis"),
];

/// Where the brand of a file lies: behind the size and the name of its first box.
const BRAND_AT: u64 = 8;

pub(super) fn find_meta(mut file: &File) -> Result<Top, Refusal> {
    let mut top = Top { meta: Vec::new(), meta_at: 0, sequence: false, still_brand: None };
    let mut at = 0_u64;
    for _ in 0..BOXES_MAX {
        let mut head = [0; 16];
        file.seek(SeekFrom::Start(at)).map_err(|error| Refusal::unreadable(&error))?;
        let read = read_up_to(file, &mut head).map_err(|error| Refusal::unreadable(&error))?;
        let Some((size, rest)) = head[..read].split_first_chunk::<4>() else { break };
        let Some((kind, rest)) = rest.split_first_chunk::<4>() else { break };
        let (header, size) = match u32::from_be_bytes(*size) {
            0 => (8, META_BYTES_MAX),
            1 if read == 16 => (16, u64::from_be_bytes(*head.last_chunk().unwrap_or(&[0; 8]))),
            short => (8, u64::from(short)),
        };
        let Some(inside) = size.checked_sub(header) else { break };
        match kind {
            b"ftyp" if at == 0 => {
                let still = SEQUENCE_BRANDS.iter().find(|(brand, _)| rest.starts_with(*brand));
                top.still_brand = still.map(|(_, still)| **still);
            }
            b"moov" => top.sequence = true,
            b"meta" if top.meta.is_empty() => {
                if inside > META_BYTES_MAX {
                    return Err(Refusal::TooLarge(format!("{inside} bytes that describe pictures")));
                }
                file.seek(SeekFrom::Start(at + header)).map_err(|error| Refusal::unreadable(&error))?;
                file.take(inside).read_to_end(&mut top.meta).map_err(|error| Refusal::unreadable(&error))?;
                top.meta_at = at + header;
            }
            _ => {}
        }
        at = at.saturating_add(size);
    }
    match (top.meta.is_empty(), top.sequence) {
        (false, _) => Ok(top),
        (true, true) => Err(Refusal::Unsupported("an image sequence without a still picture".into())),
        (true, false) => Err(Refusal::Corrupt("no box that describes pictures".into())),
    }
}

fn read_up_to(mut file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

pub(super) fn plan(meta: &Meta) -> Result<Planned, Refusal> {
    let corrupt = |what: &str| Refusal::Corrupt(what.to_owned());
    let primary = meta.primary.ok_or_else(|| corrupt("no picture is named as the primary one"))?;
    let item = meta.items.get(&primary).ok_or_else(|| corrupt("the primary picture is missing"))?;
    if !PICTURES.contains(&&item.kind) {
        let kind = String::from_utf8_lossy(&item.kind).into_owned();
        return Err(Refusal::Unsupported(format!("a primary picture of type {}", kind.escape_default())));
    }
    if item.parts.len() > PARTS_MAX {
        return Err(Refusal::TooManyPixels(format!("{} parts in one picture", item.parts.len())));
    }
    let (width, height) = size_of(meta, primary).ok_or_else(|| corrupt("the primary picture has no size"))?;
    let deep = std::iter::once(&primary).chain(&item.parts).any(|item| is_deep(meta, *item));
    let bytes_per_pixel = if deep { 8 } else { 4 };
    check_size(width, height, u64::from(width) * u64::from(height) * bytes_per_pixel)?;
    let mut parts = 0_u64;
    for part in &item.parts {
        let (width, height) = size_of(meta, *part).unwrap_or((0, 0));
        parts += u64::from(width) * u64::from(height);
        let side = |pixels: u64| u32::try_from(pixels).unwrap_or(u32::MAX);
        check_size(side(parts.max(1)), 1, parts * bytes_per_pixel)?;
    }
    let alpha = meta.items.iter().any(|(number, item)| {
        item.belongs_to == Some(primary) && meta.of(*number).any(|known| *known == Property::Alpha)
    });
    let shown = |(number, other): &(&u32, &super::heif_boxes::Item)| {
        **number != primary && !other.hidden && other.belongs_to.is_none() && PICTURES.contains(&&other.kind)
    };
    let others: Vec<usize> = meta.items.iter().filter(shown).map(|(_, other)| other.flags_at).collect();
    // Parts of a picture are hidden in well-made files; where they are not, they are no pictures of their own.
    let several = meta.items.iter().filter(shown).any(|(number, _)| !is_part(meta, *number));
    Ok(Planned {
        width,
        height,
        orientation: orientation(meta, primary),
        deep,
        alpha,
        numbers: numbers(meta, primary, &item.parts),
        hide: others,
        part: if several { Part::PrimaryItem } else { Part::Whole },
    })
}

fn is_part(meta: &Meta, number: u32) -> bool {
    meta.items.values().any(|item| item.parts.contains(&number))
}

fn size_of(meta: &Meta, item: u32) -> Option<(u32, u32)> {
    meta.of(item).find_map(|property| match property {
        Property::Size(width, height) => Some((*width, *height)),
        _ => None,
    })
}

fn is_deep(meta: &Meta, item: u32) -> bool {
    meta.of(item).any(|property| matches!(property, Property::Bits(bits) if *bits > 8))
}

/// The numbers that name the colours of a picture, unless it carries a profile.
fn numbers(meta: &Meta, primary: u32, parts: &[u32]) -> Option<(u16, u16)> {
    let mut all = std::iter::once(&primary).chain(parts.first()).flat_map(|item| meta.of(*item));
    all.find_map(|property| match property {
        Property::Numbers(primaries, transfer) => Some((*primaries, *transfer)),
        _ => None,
    })
}

/// Turns and mirrors one after the other, as the EXIF orientation that means the same.
fn orientation(meta: &Meta, item: u32) -> u8 {
    meta.of(item).fold(1, |turned, property| match property {
        Property::Turn(quarters) => (0..*quarters).fold(turned, |turned, _| then(turned, 8)),
        Property::Mirror(MirrorAxis::Vertical) => then(turned, 2),
        Property::Mirror(MirrorAxis::Horizontal) => then(turned, 4),
        _ => turned,
    })
}

/// The orientation that applies `first` and then `second`. Each is a matrix that takes a stored place to the upright one.
fn then(first: u8, second: u8) -> u8 {
    const MATRICES: [[i8; 4]; 8] = [
        [1, 0, 0, 1],
        [-1, 0, 0, 1],
        [-1, 0, 0, -1],
        [1, 0, 0, -1],
        [0, 1, 1, 0],
        [0, -1, 1, 0],
        [0, -1, -1, 0],
        [0, 1, -1, 0],
    ];
    let matrix = |orientation: u8| MATRICES[usize::from(orientation - 1) % MATRICES.len()];
    let ([a, b, c, d], [e, f, g, h]) = (matrix(second), matrix(first));
    let product = [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h];
    (1_u8..).zip(MATRICES).find(|(_, known)| *known == product).map_or(1, |(orientation, _)| orientation)
}

/// Transfer characteristics 16 and 18 of ITU-T H.273.
fn high_range(transfer: u16) -> Option<Transfer> {
    match transfer {
        16 => Some(Transfer::Pq),
        18 => Some(Transfer::Hlg),
        _ => None,
    }
}

/// A profile for colours that are named by numbers: `None` for those of sRGB, and where the range is high (a profile would make it black).
fn profile(primaries: u16, transfer: u16) -> Option<Vec<u8>> {
    let wide = |number| match number {
        5 => Some(CicpColorPrimaries::Bt470Bg),
        6 => Some(CicpColorPrimaries::Bt601),
        9 => Some(CicpColorPrimaries::Bt2020),
        11 => Some(CicpColorPrimaries::Smpte431),
        12 => Some(CicpColorPrimaries::Smpte432),
        _ => None,
    };
    let transfer_characteristics = match transfer {
        8 => TransferCharacteristics::Linear,
        4 => TransferCharacteristics::Bt470M,
        16 | 18 => return None,
        _ => TransferCharacteristics::Srgb,
    };
    let color_primaries = match wide(primaries) {
        Some(primaries) => primaries,
        None if transfer_characteristics == TransferCharacteristics::Srgb => return None,
        None => CicpColorPrimaries::Bt709,
    };
    let numbers = CicpProfile {
        color_primaries,
        transfer_characteristics,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    };
    ColorProfile::new_from_cicp(numbers).encode().ok()
}

/// A copy of the original in scratch that calls itself a still, and in which only the primary picture is not hidden.
fn copy_with_one_picture(job: &Job<'_>, top: &Top, hide: &[usize]) -> Result<(), Stop> {
    let mut input = job.input;
    input.rewind().map_err(|error| Refusal::unreadable(&error))?;
    let mut copy = File::options().read(true).write(true).create_new(true).open(job.scratch.join(COPY))?;
    let copied = io::copy(&mut input.take(FILE_BYTES_MAX + 1), &mut copy)?;
    if copied > FILE_BYTES_MAX {
        return Err(Refusal::Unreadable("longer than it was when it was cataloged".into()).into());
    }
    for flags_at in hide {
        // The flags were read from these bytes.
        let hidden = top.meta.get(*flags_at).map_or(1, |flags| flags | 1);
        copy.write_all_at(&[hidden], top.meta_at + *flags_at as u64)?;
    }
    if let Some(brand) = top.still_brand {
        copy.write_all_at(&brand, BRAND_AT)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "heif_tests.rs"]
mod tests;
