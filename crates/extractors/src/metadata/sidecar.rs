//! An XMP sidecar: what it says of the picture that it stands beside. No size, because it has none.

use super::payload::{MediaMetadata, Warning};
use super::source::Source;
use super::xmp;
use super::xmp_packet::PACKET_BYTES_MAX;
use super::{Read, Refusal};

/// Reads a sidecar.
pub(crate) fn read_sidecar(source: Source<'_>) -> Read {
    let mut facts = MediaMetadata { container: "xmp".to_owned(), ..MediaMetadata::default() };
    if source.len() > PACKET_BYTES_MAX as u64 {
        return Err(Refusal::Unsupported("an XMP sidecar of more than 1 MiB".to_owned()));
    }
    let packet = source.long_bytes(0, source.len(), PACKET_BYTES_MAX).map_err(Refusal::of)?;
    let said = xmp::read_xmp(&packet, &mut facts);
    facts.sidecar_for_extension = said.for_extension;
    if facts.method.is_empty() {
        let damaged = facts.warnings.contains(&Warning::XmpDamaged);
        let why = if damaged { "no XML of the form that XMP has" } else { "no properties in it" };
        return Err(Refusal::Corrupt(why.to_owned()));
    }
    Ok((facts, said.captured))
}
