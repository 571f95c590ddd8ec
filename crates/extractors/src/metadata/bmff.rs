//! Reads the boxes of MP4 and QuickTime files (ISO/IEC 14496-12, QuickTime File Format) that carry facts.
//!
//! The boxes that are entered are fixed by name and level (`moov/trak/mdia/minf/stbl` is the deepest path), so nested
//! rubbish costs nothing; what is counted is how many boxes are looked at.

use super::bmff_matrix::Matrix;
use super::bmff_text;
use super::bmff_track::{Times, Track};
use super::payload::{MediaMetadata, STREAMS_MAX, Stream, StreamKind, Warning, to_millis};
use super::source::{Damage, READ_BYTES_MAX, Source};

/// Boxes looked at in one file; a two-hour film with ten tracks has about 300.
const BOXES_MAX: u32 = 10_000;
/// What the boxes say.
#[derive(Debug, Default)]
pub(crate) struct Movie {
    /// `mov`, `mp4`, `m4a`, `m4v` or `3gp`.
    pub(crate) container: &'static str,
    /// Whether the brand is one of HEIF, AVIF or camera RAW: not a movie.
    pub(crate) still: Option<StillBrand>,
    /// The streams, in the order of the file.
    pub(crate) streams: Vec<Stream>,
    /// How to turn the first video stream upright, 1 to 8 as in EXIF.
    pub(crate) orientation: Option<u8>,
    /// Length of the presentation.
    pub(crate) duration_ms: Option<u64>,
    /// Creation time of the movie header, seconds since 1904 UTC.
    pub(crate) created_1904_s: Option<u64>,
    /// An XMP packet.
    pub(crate) xmp: Option<Vec<u8>>,
    /// True when everything was there: a whole movie box without fragments.
    pub(crate) finished: bool,
}

/// What a file with the brand of a still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StillBrand {
    /// HEIF or AVIF.
    Heif,
    /// Canon's RAW.
    Cr3,
}

/// A box: its name and where its content starts and ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoxAt {
    /// Its name.
    pub(crate) kind: [u8; 4],
    /// Where its content starts.
    pub(crate) body: u64,
    /// Where its content ends.
    pub(crate) end: u64,
}

/// A walk through boxes with a common allowance.
pub(crate) struct Walk<'a> {
    /// The file.
    pub(crate) source: Source<'a>,
    boxes_left: u32,
    /// Whether a box claimed to go beyond its parent or the file.
    cut: bool,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    pub(crate) fn new(source: Source<'a>) -> Self {
        Self { source, boxes_left: BOXES_MAX, cut: false }
    }

    /// Whether a box claimed to go beyond its parent or the file.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut
    }

    /// The box at `at` inside a parent that ends at `end`; `None` where no further one fits. A box that claims to go
    /// beyond its parent is cut there.
    pub(crate) fn next(&mut self, at: u64, end: u64) -> Result<Option<BoxAt>, Damage> {
        if end.saturating_sub(at) < 8 {
            return Ok(None);
        }
        self.boxes_left = self.boxes_left.checked_sub(1).ok_or(Damage::Malformed("too many boxes"))?;
        let [s3, s2, s1, s0, kind @ ..] = self.source.array::<8>(at)?;
        let (size, header) = match u32::from_be_bytes([s3, s2, s1, s0]) {
            0 => (end - at, 8),
            1 => (u64::from_be_bytes(self.source.array::<8>(at + 8)?), 16),
            size => (u64::from(size), 8),
        };
        if size < header {
            return Err(Damage::Malformed("a box smaller than its header"));
        }
        let claimed = at.checked_add(size);
        self.cut |= claimed.is_none_or(|claimed| claimed > end);
        let box_end = claimed.unwrap_or(end).min(end);
        Ok(Some(BoxAt { kind, body: (at + header).min(box_end), end: box_end }))
    }

    /// The first box of a kind inside `parent`.
    pub(crate) fn find(&mut self, parent: BoxAt, kind: &[u8; 4]) -> Result<Option<BoxAt>, Damage> {
        let mut at = parent.body;
        while let Some(inner) = self.next(at, parent.end)? {
            if inner.kind == *kind {
                return Ok(Some(inner));
            }
            at = inner.end;
        }
        Ok(None)
    }

    /// The content of a box, at most its first `bytes_max` bytes.
    pub(crate) fn content(&self, inner: BoxAt, bytes_max: usize) -> Result<Vec<u8>, Damage> {
        self.source.bytes(inner.body, (inner.end - inner.body).min(bytes_max.min(READ_BYTES_MAX) as u64))
    }
}

/// Reads the boxes of `source`; tags, camera and place go to `facts`. What was read before a damage stays in `movie`.
pub(crate) fn read_movie(source: Source<'_>, movie: &mut Movie, facts: &mut MediaMetadata) -> Result<(), Damage> {
    let mut walk = Walk::new(source);
    let result = read_top(&mut walk, movie, facts);
    if walk.cut || matches!(result, Err(Damage::PastEnd)) {
        facts.warnings.insert(Warning::Truncated);
    }
    result
}

/// Walks the top level. The movie box may come last; after it the walk goes on to see whether the file is whole.
fn read_top(walk: &mut Walk<'_>, movie: &mut Movie, facts: &mut MediaMetadata) -> Result<(), Damage> {
    movie.container = "mov";
    let mut at = 0;
    let mut seen = false;
    while let Some(inner) = walk.next(at, walk.source.len())? {
        match &inner.kind {
            b"ftyp" => {
                let brand = walk.content(inner, 4)?;
                movie.container = container(&brand);
                movie.still = still(&brand);
                if movie.still.is_some() {
                    return Ok(());
                }
            }
            b"moov" if !seen => {
                seen = true;
                let was_cut = walk.cut;
                movie.finished = read_moov(walk, inner, movie, facts)? && walk.cut == was_cut;
                if !movie.finished {
                    return Ok(());
                }
            }
            b"uuid" if movie.xmp.is_none() => movie.xmp = bmff_text::read_uuid_xmp(walk, inner, facts)?,
            b"moof" if seen => {
                movie.finished = false;
                return Ok(());
            }
            _ => {}
        }
        at = inner.end;
    }
    // One to seven bytes that are no box, after all others, do no harm and are met.
    if seen { Ok(()) } else { Err(Damage::Malformed("no movie box")) }
}

fn container(brand: &[u8]) -> &'static str {
    match brand {
        b"qt  " => "mov",
        b"M4A " | b"M4B " | b"M4P " => "m4a",
        b"M4V " | b"M4VH" | b"M4VP" => "m4v",
        [b'3', b'g', b'p' | b'2', _] => "3gp",
        _ => "mp4",
    }
}

fn still(brand: &[u8]) -> Option<StillBrand> {
    match brand {
        b"crx " => Some(StillBrand::Cr3),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" | b"avif" | b"avis" => {
            Some(StillBrand::Heif)
        }
        _ => None,
    }
}

/// Reads the movie box; false when the rest of the facts are in fragments.
fn read_moov(walk: &mut Walk<'_>, moov: BoxAt, movie: &mut Movie, facts: &mut MediaMetadata) -> Result<bool, Damage> {
    let mut scale = 0;
    let mut matrix = None;
    let mut fragmented = false;
    let mut tracks: u32 = 0;
    let mut at = moov.body;
    while let Some(inner) = walk.next(at, moov.end)? {
        match &inner.kind {
            b"mvhd" => {
                let header = walk.content(inner, 128)?;
                let times = Times::read(&header).ok_or(Damage::PastEnd)?;
                scale = times.scale;
                movie.created_1904_s = Some(times.created);
                movie.duration_ms = times.duration.and_then(|duration| to_millis(duration, u64::from(scale)));
                matrix = Matrix::read(&header, times.rest + 16);
            }
            b"trak" if movie.streams.len() >= STREAMS_MAX => {
                facts.warnings.insert(Warning::StreamsDropped);
            }
            b"trak" => {
                let (stream, orientation) = Track::read(walk, inner)?.into_stream(tracks, scale, matrix, facts);
                if stream.kind == StreamKind::Video && !movie.streams.iter().any(|s| s.kind == StreamKind::Video) {
                    movie.orientation = orientation;
                }
                movie.streams.push(stream);
                tracks += 1;
            }
            b"mvex" => fragmented = true,
            b"udta" => {
                let packet = bmff_text::read_user_data(walk, inner, facts)?;
                movie.xmp = movie.xmp.take().or(packet);
            }
            b"meta" => bmff_text::read_meta(walk, inner, facts)?,
            _ => {}
        }
        at = inner.end;
    }
    let earliest = movie.streams.iter().filter_map(|stream| stream.start_ms).min().unwrap_or(0);
    for stream in &mut movie.streams {
        stream.start_ms = stream.start_ms.map(|start| start - earliest);
    }
    if movie.duration_ms.is_none() {
        movie.duration_ms = movie.streams.iter().filter_map(|stream| stream.duration_ms).max();
    }
    Ok(!fragmented && tracks > 0 && movie.duration_ms.is_some())
}
