//! One track of an MP4 or QuickTime file: what it carries, how long, how fast, and which way up.

use super::bmff::{BoxAt, Walk};
use super::bmff_codec::{self, SampleEntry};
use super::bmff_matrix::{Matrix, rotation};
use super::payload::{MediaMetadata, Rational, Stream, StreamKind, Warning, to_millis};
use super::source::{Damage, READ_BYTES_MAX, be16, be32, be64};

/// Entries of a sample-time or edit table that are read; 24 hours of variable 60 fps are 5 million samples, and beyond
/// this the frame rate is left to `ffprobe`.
const TABLE_ENTRIES_MAX: u64 = 1 << 20;

/// Creation time, time scale and duration, as `mvhd` and `mdhd` begin.
pub(crate) struct Times {
    /// Seconds since 1904.
    pub(crate) created: u64,
    /// Units in a second.
    pub(crate) scale: u32,
    /// `None` when the header says "unknown" (all bits set) or 0.
    pub(crate) duration: Option<u64>,
    /// Where the rest of the header begins.
    pub(crate) rest: usize,
}

impl Times {
    /// Reads the content of either box.
    pub(crate) fn read(header: &[u8]) -> Option<Self> {
        let (created, scale, duration, unknown, rest) = if *header.first()? == 1 {
            (be64(header, 4)?, be32(header, 20)?, be64(header, 24)?, u64::MAX, 32)
        } else {
            (be32(header, 4)?.into(), be32(header, 12)?, be32(header, 16)?.into(), u64::from(u32::MAX), 20)
        };
        let duration = Some(duration).filter(|duration| *duration != 0 && *duration != unknown);
        Some(Self { created, scale, duration, rest })
    }
}

/// What the boxes of one track say.
#[derive(Debug, Default)]
pub(crate) struct Track {
    handler: [u8; 4],
    entry: SampleEntry,
    matrix: Option<Matrix>,
    scale: u32,
    duration: Option<u64>,
    timing: Option<Timing>,
    edits: Option<Edits>,
    /// How much later than it is decoded the first picture is shown, in the time scale of the track.
    first_delay: i64,
    language: Option<String>,
}

/// What a list of edits says.
#[derive(Debug, Default, Clone, Copy)]
struct Edits {
    /// Sum of the edits that show something, in the time scale of the movie.
    shown: u64,
    /// Sum of the edits before the first one that shows something, in the time scale of the movie.
    empty_before: u64,
}

/// The distances between samples.
#[derive(Debug, Default, Clone, Copy)]
struct Timing {
    samples: u64,
    total: u64,
    /// Smallest and largest distance, the last sample left out: its length is often made up.
    shortest: u32,
    longest: u32,
}

impl Track {
    /// Reads a `trak` box.
    pub(crate) fn read(walk: &mut Walk<'_>, trak: BoxAt) -> Result<Self, Damage> {
        let mut track = Self::default();
        let mut at = trak.body;
        while let Some(inner) = walk.next(at, trak.end)? {
            match &inner.kind {
                b"tkhd" => {
                    let header = walk.content(inner, 128)?;
                    let before = if header.first() == Some(&1) { 52 } else { 40 };
                    track.matrix = Matrix::read(&header, before);
                }
                b"edts" => {
                    if let Some(list) = walk.find(inner, b"elst")? {
                        track.edits = read_edits(walk, list)?;
                    }
                }
                b"mdia" => read_mdia(walk, inner, &mut track)?,
                _ => {}
            }
            at = inner.end;
        }
        Ok(track)
    }

    /// The stream, and the orientation of its picture.
    pub(crate) fn into_stream(
        self,
        index: u32,
        movie_scale: u32,
        movie_matrix: Option<Matrix>,
        facts: &mut MediaMetadata,
    ) -> (Stream, Option<u8>) {
        let kind = kind(&self);
        let mut orientation = None;
        if kind == StreamKind::Video {
            let matrix = self.matrix.map(|matrix| matrix.then(movie_matrix.unwrap_or(Matrix::IDENTITY)));
            orientation = matrix.and_then(Matrix::orientation);
            if matrix.is_some() && orientation.is_none() {
                facts.warnings.insert(Warning::RotationOdd);
            }
        }
        let media_length = self.duration.or(self.timing.map(|timing| timing.total));
        let media_ms = media_length.and_then(|length| to_millis(length, u64::from(self.scale)));
        let edited_ms = self.edits.and_then(|edits| to_millis(edits.shown, u64::from(movie_scale)));
        let duration_ms = match (media_ms, edited_ms) {
            (Some(media), Some(edited)) => Some(media.min(edited)),
            (media, edited) => media.or(edited),
        };
        let start_ms = match self.edits {
            Some(edits) => to_millis(edits.empty_before, u64::from(movie_scale)),
            // Without edits the first picture decides; before the start there is nothing.
            None => u64::try_from(self.first_delay).map_or(Some(0), |delay| to_millis(delay, u64::from(self.scale))),
        };
        let timing = self.timing.filter(|timing| kind == StreamKind::Video && timing.samples > 1);
        let stream = Stream {
            index,
            kind,
            codec: self.entry.codec,
            width: self.entry.width,
            height: self.entry.height,
            rotation: orientation.map(rotation),
            pixel_format: self.entry.pixel_format,
            frame_rate: timing.and_then(|timing| timing.rate(self.scale)),
            // One tick apart is the rounding of the time base (33 and 34 ms for 29.97 frames per second).
            variable_frame_rate: timing.map(|timing| timing.longest - timing.shortest > 1),
            duration_ms,
            channels: self.entry.channels,
            sample_rate: self.entry.sample_rate,
            start_ms,
            language: self.language,
            colour: self.entry.colour.into_colour().filter(|_| kind == StreamKind::Video),
        };
        (stream, orientation)
    }
}

fn read_mdia(walk: &mut Walk<'_>, mdia: BoxAt, track: &mut Track) -> Result<(), Damage> {
    let mut at = mdia.body;
    while let Some(inner) = walk.next(at, mdia.end)? {
        match &inner.kind {
            b"mdhd" => {
                let header = walk.content(inner, 64)?;
                let times = Times::read(&header).ok_or(Damage::PastEnd)?;
                (track.scale, track.duration) = (times.scale, times.duration);
                track.language = be16(&header, times.rest).and_then(language);
            }
            b"hdlr" => {
                let header = walk.content(inner, 12)?;
                track.handler = header.get(8..12).and_then(|kind| kind.try_into().ok()).unwrap_or_default();
            }
            b"minf" => {
                if let Some(tables) = walk.find(inner, b"stbl")? {
                    read_stbl(walk, tables, track)?;
                }
            }
            _ => {}
        }
        at = inner.end;
    }
    Ok(())
}

fn read_stbl(walk: &mut Walk<'_>, tables: BoxAt, track: &mut Track) -> Result<(), Damage> {
    let mut at = tables.body;
    while let Some(inner) = walk.next(at, tables.end)? {
        match &inner.kind {
            // The handler comes before the tables in every file that follows the standard.
            b"stsd" => track.entry = bmff_codec::read_sample_entry(&walk.content(inner, READ_BYTES_MAX)?, kind(track)),
            b"stts" => track.timing = read_timing(walk, inner)?,
            // Flags, the number of entries, then how many pictures and by how much.
            b"ctts" => {
                track.first_delay = be32(&walk.content(inner, 16)?, 12).map_or(0, |delay| i64::from(delay as i32))
            }
            _ => {}
        }
        at = inner.end;
    }
    Ok(())
}

/// Three letters of five bits each; `und` says nothing, and smaller numbers are codes of the Macintosh.
fn language(code: u16) -> Option<String> {
    let letter = |shift: u16| char::from((code >> shift & 31) as u8 + 0x60);
    let text: String = [10, 5, 0].map(letter).iter().collect();
    (text.bytes().all(|letter| letter.is_ascii_lowercase()) && text != "und").then_some(text)
}

fn kind(track: &Track) -> StreamKind {
    match &track.handler {
        b"vide" => StreamKind::Video,
        b"soun" => StreamKind::Audio,
        b"sbtl" | b"subt" | b"text" | b"clcp" => StreamKind::Subtitle,
        _ => StreamKind::Data,
    }
}

/// Calls `entry` with each entry of a table: version and flags, a count, then entries of `bytes` each. False when the
/// table is longer than it may be or than its box.
fn each_entry(walk: &Walk<'_>, table: BoxAt, bytes: u64, mut entry: impl FnMut(&[u8])) -> Result<bool, Damage> {
    let head = walk.content(table, 8)?;
    let count = be32(&head, 4).map(u64::from).unwrap_or(u64::MAX);
    let start = table.body + 8;
    if count > TABLE_ENTRIES_MAX || start + count * bytes > table.end {
        return Ok(false);
    }
    let per_read = READ_BYTES_MAX as u64 / bytes;
    let mut done = 0;
    while done < count {
        let now = per_read.min(count - done);
        walk.source.bytes(start + done * bytes, now * bytes)?.chunks_exact(bytes as usize).for_each(&mut entry);
        done += now;
    }
    Ok(true)
}

fn read_timing(walk: &Walk<'_>, table: BoxAt) -> Result<Option<Timing>, Damage> {
    let mut timing = Timing::default();
    let mut range = (u32::MAX, 0);
    let mut previous: Option<(u32, u32)> = None;
    let widen = |range: (u32, u32), delta: u32| (range.0.min(delta), range.1.max(delta));
    let whole = each_entry(walk, table, 8, |entry| {
        let (count, delta) = (be32(entry, 0).unwrap_or(0), be32(entry, 4).unwrap_or(0));
        if count == 0 {
            return;
        }
        timing.samples += u64::from(count);
        timing.total = timing.total.saturating_add(u64::from(count) * u64::from(delta));
        if let Some((_, delta)) = previous.replace((count, delta)) {
            range = widen(range, delta);
        }
    })?;
    if let Some((count, delta)) = previous
        && (count > 1 || range.1 == 0)
    {
        range = widen(range, delta);
    }
    (timing.shortest, timing.longest) = range;
    Ok((whole && timing.total > 0 && timing.longest < 1 << 31).then_some(timing))
}

/// The durations of the edits that show media, and of those before them (a media time of -1 shows nothing).
fn read_edits(walk: &Walk<'_>, list: BoxAt) -> Result<Option<Edits>, Damage> {
    let long = walk.content(list, 1)?.first() == Some(&1);
    let mut edits = Edits::default();
    let whole = each_entry(walk, list, if long { 20 } else { 12 }, |entry| {
        let (duration, empty) = if long {
            (be64(entry, 0), be64(entry, 8) == Some(u64::MAX))
        } else {
            (be32(entry, 0).map(u64::from), be32(entry, 4) == Some(u32::MAX))
        };
        let duration = duration.unwrap_or(0);
        if !empty {
            edits.shown = edits.shown.saturating_add(duration);
        } else if edits.shown == 0 {
            edits.empty_before = edits.empty_before.saturating_add(duration);
        }
    })?;
    Ok((whole && edits.shown > 0).then_some(edits))
}

impl Timing {
    fn rate(self, scale: u32) -> Option<Rational> {
        if self.shortest == self.longest {
            return Rational::reduced(scale.into(), self.longest.into());
        }
        Rational::reduced(self.samples.checked_mul(scale.into())?, self.total)
    }
}
