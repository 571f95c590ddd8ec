//! Stills whose header is read here: size, EXIF data, XMP packet and film put together.

use super::exif::{self, ExifFacts};
use super::image_header::{self, Header, ImageFormat};
use super::jpeg_segments::extended_packet;
use super::motion_photo;
use super::payload::{Captured, MediaMetadata, Method, Warning};
use super::raw;
use super::source::{Damage, Source};
use super::xmp;
use super::{Read, Refusal};

/// A still gives facts when its size or its EXIF data can be read, whatever happened to the rest.
pub(crate) fn read_still(format: ImageFormat, source: Source<'_>) -> Read {
    let mut facts = MediaMetadata { container: format.as_str().to_owned(), ..MediaMetadata::default() };
    let mut header = Header::default();
    let mut damage = None;
    match image_header::read_header(format, source, &mut header, &mut facts) {
        Ok(()) => {}
        Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
        Err(found) => {
            facts.warnings.insert(match found {
                Damage::PastEnd => Warning::Truncated,
                _ => Warning::StructureDamaged,
            });
            damage = Some(found);
        }
    }
    let exif_source = match format {
        ImageFormat::Tiff => Some(source),
        _ => header.exif.as_deref().map(Source::Memory),
    };
    let mut found = ExifFacts::default();
    if let Some(exif_source) = exif_source {
        match exif::read_exif(exif_source, &mut facts) {
            Ok(read) => found = read,
            Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
            Err(broken) => {
                facts.warnings.insert(Warning::ExifDamaged);
                damage = damage.or(Some(broken));
            }
        }
    }
    if format == ImageFormat::Tiff {
        header.size = found.size;
        if found.raw {
            // The name did not say so, the directories do: the first one holds a preview.
            header.size = raw::largest_picture(source).map_err(Refusal::of)?;
            facts.container = if found.negative { "dng" } else { "tiff" }.to_owned();
        }
    }
    let captured = read_xmp_and_film(source, &header, &mut found, &mut facts).map_err(Refusal::of)?;
    if let Some((width, height)) = header.size {
        facts.set_size(width, height);
        if facts.width.is_some() && format != ImageFormat::Tiff {
            facts.method.insert(Method::ImageHeader);
        }
    }
    // A TIFF structure without a picture size says nothing that can be believed.
    let nothing = facts.width.is_none() && (format == ImageFormat::Tiff || facts.method.is_empty());
    if nothing {
        let why = damage.map_or_else(|| "the picture has no size".to_owned(), |damage| damage.to_string());
        return Err(Refusal::Corrupt(why));
    }
    Ok((facts, captured))
}

/// The best time of EXIF and XMP.
fn read_xmp_and_film(
    source: Source<'_>,
    header: &Header,
    found: &mut ExifFacts,
    facts: &mut MediaMetadata,
) -> Result<Option<Captured>, Damage> {
    let mut captured = found.captured.take();
    let mut claim = None;
    if let Some(packet) = header.xmp.as_deref().or(found.xmp.as_deref()) {
        let said = xmp::read_xmp(packet, facts);
        captured = best(captured, said.captured);
        claim = said.motion;
        if let Some(name) = said.extended {
            match extended_packet(source, &header.extensions, &name)? {
                Some(packet) => {
                    let more = xmp::read_xmp(&packet, facts);
                    captured = best(captured, more.captured);
                    claim = claim.or(more.motion);
                }
                None => {
                    facts.warnings.insert(Warning::XmpDropped);
                }
            }
        }
    }
    motion_photo::read_film(source, claim, None, facts)?;
    Ok(captured)
}

/// The better of two times; of two alike the first.
pub(crate) fn best(one: Option<Captured>, other: Option<Captured>) -> Option<Captured> {
    [one, other].into_iter().flatten().min_by_key(|captured| captured.source)
}
