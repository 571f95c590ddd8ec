//! Films and recordings: the boxes of MP4 and QuickTime, and `ffprobe` for what they leave and for everything else.

use std::io::Result as IoResult;

use exhibit_engine::extractor::Job;

use super::bmff::{self, StillBrand};
use super::payload::{Captured, MediaMetadata, Method, StreamKind, Warning};
use super::probe::{self, Probed};
use super::source::{Damage, Source};
use super::still::best;
use super::{DESCRIPTOR, Read, Refusal};
use super::{capture_time, cr3, heif, known_tags, xmp};

/// Reads an MP4 or QuickTime file.
pub(crate) fn read_movie(job: &Job<'_>) -> IoResult<Read> {
    let source = match Source::of_file(job.input) {
        Ok(source) => source,
        Err(damage) => return Ok(Err(Refusal::of(damage))),
    };
    let (facts, captured, finished) = match read_boxes(source) {
        Ok(read) => read,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if finished {
        return Ok(Ok((facts, captured)));
    }
    let known = !facts.streams.is_empty() || facts.duration_ms.is_some();
    match read_with_ffprobe(job, facts.clone())? {
        Ok((probed, time)) => Ok(Ok((probed, best(captured, time)))),
        // What the boxes said before they broke off is better than nothing.
        Err(Refusal::Corrupt(_)) if known => Ok(Ok((facts, captured))),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Facts of the boxes, the capture time in them, and whether they are all there is.
pub(crate) fn read_boxes(source: Source<'_>) -> Result<(MediaMetadata, Option<Captured>, bool), Refusal> {
    let mut facts = MediaMetadata::default();
    let mut movie = bmff::Movie::default();
    let result = bmff::read_movie(source, &mut movie, &mut facts);
    match movie.still {
        Some(StillBrand::Heif) => return heif::read_heif(source).map(|(facts, captured)| (facts, captured, true)),
        Some(StillBrand::Cr3) => return cr3::read_cr3(source).map(|(facts, captured)| (facts, captured, true)),
        None => {}
    }
    match result {
        Ok(()) | Err(Damage::PastEnd) => {}
        Err(Damage::Io(error)) => return Err(Refusal::Unreadable(error)),
        Err(Damage::Malformed(_)) => {
            facts.warnings.insert(Warning::StructureDamaged);
        }
    }
    if !movie.streams.is_empty() || movie.created_1904_s.is_some() {
        facts.method.insert(Method::Isobmff);
        facts.container = movie.container.to_owned();
    }
    facts.duration_ms = movie.duration_ms;
    facts.streams = movie.streams;
    facts.orientation = movie.orientation;
    set_size_of_video(&mut facts);
    known_tags::read_facts(&mut facts);
    let mut captured = best(
        known_tags::local_time(&facts),
        movie
            .created_1904_s
            .and_then(|seconds| capture_time::from_quicktime_seconds("mvhd", seconds).filter(|_| seconds > 0)),
    );
    if let Some(packet) = movie.xmp {
        captured = best(captured, xmp::read_xmp(&packet, &mut facts).captured);
    }
    Ok((facts, captured, movie.finished))
}

/// Asks `ffprobe`, which adds to what is known already.
pub(crate) fn read_with_ffprobe(job: &Job<'_>, mut facts: MediaMetadata) -> IoResult<Read> {
    Ok(match probe::probe(&job.input_path, job.media_type, &DESCRIPTOR.limits, &mut facts)? {
        Probed::Found => {
            set_size_of_video(&mut facts);
            known_tags::read_facts(&mut facts);
            let captured = best(known_tags::local_time(&facts), known_tags::instant(&facts));
            Ok((facts, captured))
        }
        Probed::Corrupt(detail) => Err(Refusal::Corrupt(detail)),
        Probed::Unsupported(detail) => Err(Refusal::Unsupported(detail)),
        Probed::LimitReached(which) => Err(Refusal::LimitReached(which)),
    })
}

/// The picture of a video is its first video stream; a turn that only `ffprobe` knows becomes its orientation.
fn set_size_of_video(facts: &mut MediaMetadata) {
    let Some(video) = facts.streams.iter().find(|stream| stream.kind == StreamKind::Video) else { return };
    let (size, turn) = (video.width.zip(video.height), video.rotation);
    facts.orientation = facts.orientation.or(match turn {
        Some(90) => Some(6),
        Some(180) => Some(3),
        Some(270) => Some(8),
        _ => None,
    });
    if let Some((width, height)) = size {
        facts.set_size(width, height);
    }
}
