//! HEIF and AVIF (ISO/IEC 23008-12): the primary picture, which way its boxes turn it, its EXIF data, XMP packet and film.

use super::bmff::{BoxAt, Walk};
use super::bmff_codec;
use super::bmff_colour;
use super::bmff_matrix::{Matrix, rotation};
use super::exif;
use super::heif_items::{self, Items};
use super::motion_photo;
use super::payload::{Captured, MediaMetadata, Method, Stream, StreamKind, Warning};
use super::source::{Damage, Source, be32};
use super::still::best;
use super::xmp;
use super::xmp_packet::PACKET_BYTES_MAX;
use super::{Read, Refusal};

/// Pieces that one item may lie in; writers use one, the standard allows 65,535.
const PIECES_MAX: usize = 64;

/// What the boxes say of the primary picture.
#[derive(Debug, Default)]
struct Primary {
    size: Option<(u32, u32)>,
    /// Size that is left by its clean aperture.
    left: Option<(u32, u32)>,
    matrix: Option<Matrix>,
    codec: Option<String>,
    pixel_format: Option<String>,
    colour: bmff_colour::Tags,
}

/// Reads a HEIF or AVIF picture.
pub(crate) fn read_heif(source: Source<'_>) -> Read {
    let mut facts = MediaMetadata { container: "heif".to_owned(), ..MediaMetadata::default() };
    let mut captured = None;
    let mut walk = Walk::new(source);
    let result = read_top(&mut walk, &mut facts, &mut captured);
    if walk.was_cut() || matches!(result, Err(Damage::PastEnd)) {
        facts.warnings.insert(Warning::Truncated);
    }
    match result {
        Ok(()) | Err(Damage::PastEnd) => {}
        Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
        Err(Damage::Malformed(_)) => facts.warnings.extend([Warning::StructureDamaged]),
    }
    if facts.width.is_none() {
        return Err(Refusal::Corrupt("the picture has no size".to_owned()));
    }
    Ok((facts, captured))
}

fn read_top(walk: &mut Walk<'_>, facts: &mut MediaMetadata, captured: &mut Option<Captured>) -> Result<(), Damage> {
    let (mut meta, mut film) = (None, None);
    let mut at = 0;
    while let Some(inner) = walk.next(at, walk.source.len())? {
        match &inner.kind {
            b"ftyp" => facts.container = container(&walk.content(inner, 256)?).to_owned(),
            b"meta" if meta.is_none() => meta = Some(inner),
            b"mpvd" => film = Some((inner.body, inner.end - inner.body)),
            _ => {}
        }
        at = inner.end;
    }
    let Some(meta) = meta else { return Err(Damage::Malformed("no box of items")) };
    // Four bytes of version and flags come first.
    let meta = BoxAt { body: (meta.body + 4).min(meta.end), ..meta };
    let items = heif_items::read_items(walk, meta)?;
    let primary = read_primary(walk, meta, &items)?;
    if let Some(item) = items.about_primary(|item| item.kind == *b"Exif") {
        *captured = read_exif(walk, meta, item.id, facts)?;
    }
    // The boxes turn the picture; what EXIF says of it only informs.
    facts.exif_orientation = facts.orientation.take();
    put_picture(primary, facts);
    let mut claim = None;
    if let Some(item) = items.about_primary(heif_items::Item::is_xmp) {
        match content(walk, meta, item.id)? {
            Some(packet) => {
                let said = xmp::read_xmp(&packet, facts);
                *captured = best(captured.take(), said.captured);
                claim = said.motion;
            }
            None => facts.warnings.extend([Warning::XmpDropped]),
        }
    }
    motion_photo::read_film(walk.source, claim, film, facts)
}

fn container(brands: &[u8]) -> &'static str {
    let known = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some("avif"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some("heic"),
        _ => None,
    };
    let own = brands.get(..4).and_then(known);
    let others = || brands.get(8..).unwrap_or_default().chunks_exact(4).find_map(known);
    own.or_else(others).unwrap_or("heif")
}

/// EXIF data: a length, so many bytes, then a TIFF structure.
fn read_exif(
    walk: &mut Walk<'_>,
    meta: BoxAt,
    item: u32,
    facts: &mut MediaMetadata,
) -> Result<Option<Captured>, Damage> {
    let bytes = content(walk, meta, item)?.unwrap_or_default();
    let tiff = be32(&bytes, 0).and_then(|before| bytes.get(4..)?.get(before as usize..)).unwrap_or_default();
    match exif::read_exif(Source::Memory(tiff), facts) {
        Ok(found) => Ok(found.captured),
        Err(Damage::Io(error)) => Err(Damage::Io(error)),
        Err(_) => {
            facts.warnings.insert(Warning::ExifDamaged);
            Ok(None)
        }
    }
}

fn put_picture(primary: Primary, facts: &mut MediaMetadata) {
    facts.method.insert(Method::Heif);
    let orientation = primary.matrix.map_or(Some(1), Matrix::orientation);
    facts.orientation = orientation;
    let mut stream = Stream::new(0, StreamKind::Picture);
    (stream.codec, stream.pixel_format) = (primary.codec, primary.pixel_format);
    (stream.width, stream.height) = primary.size.unzip();
    stream.rotation = orientation.map(rotation);
    stream.colour = primary.colour.into_colour();
    facts.streams = vec![stream];
    if let Some(size) = primary.size {
        facts.set_cropped_size(size, primary.left.unwrap_or(size));
    }
}

/// The properties of the primary picture, in the order in which they are to be applied.
fn read_primary(walk: &mut Walk<'_>, meta: BoxAt, items: &Items) -> Result<Primary, Damage> {
    let mut found = Primary::default();
    let Some(properties) = walk.find(meta, b"iprp")? else { return Ok(found) };
    let boxes = heif_items::read_properties(walk, properties)?;
    for property in heif_items::properties_of(walk, properties, items.primary)? {
        let Some(property) = boxes.get(property) else { continue };
        let bytes = walk.content(*property, 4096)?;
        match &property.kind {
            b"ispe" => found.size = be32(&bytes, 4).zip(be32(&bytes, 8)).filter(|(w, h)| *w > 0 && *h > 0),
            b"clap" => found.left = aperture(&bytes),
            b"irot" => found.turn(bytes.first().map(|byte| turn(byte & 3))),
            b"imir" => found.turn(bytes.first().map(|byte| mirror(byte & 1))),
            b"colr" => found.colour.read_colr(&bytes),
            b"mdcv" => found.colour.read_mdcv(&bytes),
            b"clli" => found.colour.read_clli(&bytes),
            _ => {}
        }
    }
    // A picture of tiles has the coding of its first one.
    let coded = items.first_tile().unwrap_or(items.primary);
    found.codec = items.item(coded).and_then(|item| bmff_codec::codec_name(&item.kind));
    for property in heif_items::properties_of(walk, properties, coded)? {
        if let Some(property) = boxes.get(property) {
            let bytes = walk.content(*property, 4096)?;
            found.pixel_format = bmff_codec::pixels(&property.kind, &bytes).or(found.pixel_format);
        }
    }
    if let (Some(size), Some(left)) = (found.size, found.left) {
        found.left = Some((left.0.min(size.0), left.1.min(size.1)));
    }
    Ok(found)
}

impl Primary {
    fn turn(&mut self, next: Option<Matrix>) {
        if let Some(next) = next {
            self.matrix = Some(self.matrix.unwrap_or(Matrix::IDENTITY).then(next));
        }
    }
}

/// Quarter turns against the clock.
fn turn(quarters: u8) -> Matrix {
    match quarters {
        1 => Matrix::of(0, -1, 1, 0),
        2 => Matrix::of(-1, 0, 0, -1),
        3 => Matrix::of(0, 1, -1, 0),
        _ => Matrix::IDENTITY,
    }
}

/// 0 exchanges top and bottom, 1 left and right.
fn mirror(axis: u8) -> Matrix {
    if axis == 0 { Matrix::of(1, 0, 0, -1) } else { Matrix::of(-1, 0, 0, 1) }
}

/// Width and height of a clean aperture, each a fraction.
fn aperture(bytes: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| be32(bytes, at)?.checked_div(be32(bytes, at + 4)?).filter(|side| *side > 0);
    side(0).zip(side(8))
}

/// The bytes of an item; `None` when they are not there, too long, or kept in a way that no writer uses for them.
fn content(walk: &mut Walk<'_>, meta: BoxAt, item: u32) -> Result<Option<Vec<u8>>, Damage> {
    let found = heif_items::pieces(walk, meta, item, PIECES_MAX)?;
    let total = found.iter().try_fold(0u64, |sum, (_, bytes)| sum.checked_add(*bytes));
    if found.is_empty() || total.is_none_or(|total| total > PACKET_BYTES_MAX as u64) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    for (at, count) in found {
        match walk.source.long_bytes(at, count, PACKET_BYTES_MAX) {
            Ok(piece) => bytes.extend(piece),
            Err(Damage::Io(error)) => return Err(Damage::Io(error)),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(bytes))
}
