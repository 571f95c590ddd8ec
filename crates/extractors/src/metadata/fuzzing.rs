//! The readers of metadata for fuzz targets: the same choice by media type, over bytes in memory, without outside programs.

use super::payload::MediaMetadata;
use super::probe::{self, Probed};
use super::source::Source;
use super::{Read, Reader, Refusal};
use super::{cr3, heif, movie, raw, reader, sidecar, still};

/// What is said of an original of that media type; `None` for types that no reader of this crate opens.
pub fn metadata(media_type: &str, bytes: &[u8]) -> Option<String> {
    let source = Source::Memory(bytes);
    let read: Read = match reader(media_type) {
        Reader::Image(format) => still::read_still(format, source),
        Reader::Heif => heif::read_heif(source),
        Reader::Raw(container) => raw::read_tiff_raw(container, source),
        Reader::Raf => raw::read_raf(source),
        Reader::Cr3 => cr3::read_cr3(source),
        Reader::Sidecar => sidecar::read_sidecar(source),
        Reader::Movie => movie::read_boxes(source).map(|(facts, captured, _)| (facts, captured)),
        Reader::Ffprobe | Reader::Unsupported => return None,
    };
    Some(match read {
        Ok((mut facts, captured)) => {
            facts.captured = captured;
            said(&facts)
        }
        Err(Refusal::Unsupported(why) | Refusal::Corrupt(why)) => format!("refused: {why}"),
        Err(Refusal::LimitReached(which)) => format!("limit: {which}"),
        Err(Refusal::Unreadable(error)) => format!("unreadable: {error}"),
    })
}

/// What is taken over from the output of `ffprobe`, which repeats what the file says.
pub fn probe_report(report: &[u8], media_type: &str) -> String {
    let mut facts = MediaMetadata::default();
    match probe::read_report(report, "", media_type, &mut facts) {
        Probed::Found => said(&facts),
        Probed::Corrupt(why) | Probed::Unsupported(why) => format!("refused: {why}"),
        Probed::LimitReached(which) => format!("limit: {which}"),
    }
}

/// The payload as it would be emitted.
fn said(facts: &MediaMetadata) -> String {
    serde_json::to_string(facts).unwrap_or_else(|error| format!("no JSON: {error}"))
}
