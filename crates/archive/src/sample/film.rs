//! Plans the videos of a sample: pictures drawn here with cuts at known times, sounds, words that are said or shown, and the many ways in
//! which cameras put them into a file.

use super::chance::Chance;
use super::device::{FIRST_YEAR, MONTHS};
use super::made::{Batch, Made};
use super::moment::{Local, local_time};
use super::speech::{self, SENTENCES, Speech};
use super::tool::Workplace;
use super::truth::{CaptureSource, CaptureTruth, TimedText, VideoTruth};
use super::{Formats, SampleError, SampleOptions};

mod encode;
mod matrix;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
/// The first videos are plain ones, so that small samples need few tools and little time.
const PLAIN_FIRST: u32 = 6;
/// Sentences in a video with speech.
const SENTENCES_PER_FILM: usize = 2;
/// How long a piece between cuts is, in fifths of a second.
const PIECE_FIFTHS: (u32, u32) = (4, 8);
/// How long a piece with words to read is, in fifths of a second.
const LINE_FIFTHS: (u32, u32) = (12, 20);
/// How late the sound of some videos begins, in milliseconds.
const LATE_SOUND_MS: u64 = 480;
/// Lines that can be read in videos, in the order of their pieces.
const SCREEN_LINES: &[&str] =
    &["OPEN AT NINE", "PLATFORM 4", "HAPPY BIRTHDAY", "EXIT TO LAKE", "MENU OF THE DAY", "GATE B12"];
/// Times of four neighbouring frames of unevenly spaced ones, and of the fifth, in milliseconds.
const UNEVEN_MS: [u64; 5] = [0, 40, 120, 140, 260];

/// What is special about a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Frames are not evenly spaced.
    Uneven,
    /// Sound begins after the picture.
    LateSound,
    /// In fragments, with an index that does not say how long it is.
    Fragmented,
    /// Written while it was sent, as Matroska, which says neither its length nor where its parts are.
    Streamed,
    /// HEVC of ten bits, tagged with the transfer function PQ.
    Hdr,
    /// Motion JPEG in AVI, as cameras wrote it before 2010.
    Avi,
    WebM,
    Speech,
    ScreenText,
}

fn kind(options: &SampleOptions, index: u32) -> Kind {
    let has_all = options.formats == Formats::All;
    if index < PLAIN_FIRST {
        return Kind::Plain;
    }
    match index % 12 {
        1 => Kind::Avi,
        2 => Kind::WebM,
        3 if has_all => Kind::ScreenText,
        4 | 7 if has_all => Kind::Speech,
        6 => Kind::Uneven,
        8 => Kind::LateSound,
        9 => Kind::Fragmented,
        10 => Kind::Streamed,
        11 => Kind::Hdr,
        _ => Kind::Plain,
    }
}

/// What a video will be, before it is encoded.
pub(super) struct Film {
    kind: Kind,
    truth: VideoTruth,
    /// The container's creation time, UTC.
    created: Local,
    capture: CaptureTruth,
    seed: u64,
    /// Tells it from the other films of a sample, in its pictures and in passing files.
    name: String,
    number: u32,
    /// Frames of each piece between cuts.
    pieces: Vec<u32>,
    is_quicktime: bool,
    /// Otherwise the index lies at the end of the file.
    is_fast_start: bool,
    /// Further keys of QuickTime.
    keys: Vec<(String, String)>,
    speech: Option<Speech>,
}

/// Video number `index`.
pub(super) fn make(options: &SampleOptions, index: u32, workplace: &Workplace) -> Result<Batch, SampleError> {
    let kind = kind(options, index);
    let mut speech = None;
    if kind == Kind::Speech {
        let mut chance = Chance::new(options.seed, "speech", u64::from(index));
        let said: Vec<&str> = (0..SENTENCES_PER_FILM).map(|_| chance.pick(SENTENCES)).collect();
        speech = Some(speech::speak(workplace, &format!("film-{index}"), &said)?);
    }
    let film = plan(options, index, kind, speech);
    let (year, month) = (film.created.year, film.created.month);
    let mut chance = Chance::new(options.seed, "film time", u64::from(index));
    let mtime_us = local_time(&film.created, 0) + i64::from(chance.below(1_000_000));
    let (name, ending) = match kind {
        Kind::Avi => ("MVI", "AVI"),
        Kind::WebM => ("VID", "webm"),
        Kind::Streamed => ("stream", "mkv"),
        _ if film.is_quicktime => ("VID", "MOV"),
        _ => ("VID", "mp4"),
    };
    let path = format!("{year}/{month:02}/clips/{name}_{index:04}.{ending}");
    Ok(film.make(path, mtime_us, workplace)?.into())
}

fn plan(options: &SampleOptions, index: u32, kind: Kind, speech: Option<Speech>) -> Film {
    let mut chance = Chance::new(options.seed, "film", u64::from(index));
    let frame_rate = if index % 4 == 3 && kind == Kind::Plain { 50 } else { 25 };
    // Words take a while to be read.
    let (shortest, longest) = if kind == Kind::ScreenText { LINE_FIFTHS } else { PIECE_FIFTHS };
    let mut pieces: Vec<u32> =
        (0..chance.between(2, 4)).map(|_| chance.between(shortest, longest) * frame_rate / 5).collect();
    if let (Some(speech), Some(last)) = (&speech, pieces.last_mut()) {
        let needed = (speech.duration_ms() * u64::from(frame_rate)).div_ceil(1000) as u32;
        *last += needed;
    }
    let month = (u64::from(index) * u64::from(MONTHS) / u64::from(options.videos.max(1))) as u32;
    let created = Local {
        year: FIRST_YEAR + month / 12,
        month: month % 12 + 1,
        day: 1 + index % 28,
        hour: chance.below(24),
        minute: chance.below(60),
        second: chance.below(60),
    };
    let is_turned = matches!(kind, Kind::Plain | Kind::Uneven | Kind::LateSound | Kind::Fragmented | Kind::Hdr);
    let capture = CaptureTruth { at: format!("{created}Z"), source: CaptureSource::Container, satellites: None };
    let mut film = Film {
        kind,
        truth: truth(kind, &pieces, frame_rate, if is_turned { index % 4 * 90 } else { 0 }),
        created,
        capture,
        seed: options.seed,
        name: format!("film-{index}"),
        number: index,
        pieces,
        is_quicktime: kind == Kind::Plain && index % 5 == 4,
        is_fast_start: index % 2 == 1,
        keys: Vec::new(),
        speech,
    };
    film.truth.has_sound = kind != Kind::Uneven && (kind != Kind::Plain || index % 6 != 5);
    film.finish()
}

/// A film of one second without sound, around a photo.
pub(super) fn short(seed: u64, photo: u32, taken: &Local, is_quicktime: bool) -> Film {
    let pieces = vec![25];
    let film = Film {
        kind: Kind::Plain,
        truth: truth(Kind::Plain, &pieces, 25, 0),
        created: *taken,
        capture: CaptureTruth { at: format!("{taken}Z"), source: CaptureSource::Container, satellites: None },
        seed,
        name: format!("photo-{photo}-film"),
        number: photo,
        pieces,
        is_quicktime,
        is_fast_start: true,
        keys: Vec::new(),
        speech: None,
    };
    film.finish()
}

fn truth(kind: Kind, pieces: &[u32], frame_rate: u32, rotation_clockwise: u32) -> VideoTruth {
    let frames: u32 = pieces.iter().sum();
    let at_ms = |frame: u32| match kind {
        Kind::Uneven => u64::from(frame / 4) * UNEVEN_MS[4] + UNEVEN_MS[frame as usize % 4],
        _ => u64::from(frame) * 1000 / u64::from(frame_rate),
    };
    let starts = pieces.iter().scan(0, |sum, piece| {
        *sum += piece;
        Some(*sum)
    });
    let cuts: Vec<u32> = starts.take(pieces.len() - 1).collect();
    let is_turned = rotation_clockwise % 180 == 90;
    let (upright_width, upright_height) = if is_turned { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
    let is_uneven = kind == Kind::Uneven;
    VideoTruth {
        stored_width: WIDTH,
        stored_height: HEIGHT,
        upright_width,
        upright_height,
        rotation_clockwise,
        container: String::new(),
        frame_rate: (!is_uneven).then_some(frame_rate),
        frame_times_ms: if is_uneven { (0..frames).map(at_ms).collect() } else { Vec::new() },
        frames,
        // The last of unevenly spaced frames is shown for as long as the smallest step of their clock.
        duration_ms: if is_uneven { at_ms(frames - 1) + 1 } else { at_ms(frames) },
        says_duration: !matches!(kind, Kind::Fragmented | Kind::Streamed),
        cuts_ms: cuts.into_iter().map(at_ms).collect(),
        has_sound: false,
        sound_starts_ms: (kind == Kind::LateSound).then_some(LATE_SOUND_MS),
        codecs: Vec::new(),
        transfer: (kind == Kind::Hdr).then(|| "smpte2084".to_owned()),
        spoken: Vec::new(),
        screen_text: Vec::new(),
    }
}

impl Film {
    /// Fills in what follows from the rest.
    fn finish(mut self) -> Self {
        let (container, picture, sound) = match self.kind {
            Kind::Avi => ("avi", "mjpeg", "pcm_s16le"),
            Kind::WebM => ("webm", "vp8", "opus"),
            Kind::Streamed => ("mkv", "h264", "aac"),
            Kind::Hdr => ("mp4", "hevc", "aac"),
            _ if self.is_quicktime => ("mov", "h264", "aac"),
            _ => ("mp4", "h264", "aac"),
        };
        self.truth.container = container.to_owned();
        self.truth.codecs = vec![picture.to_owned()];
        if self.truth.has_sound {
            self.truth.codecs.push(sound.to_owned());
        }
        self.truth.spoken = self.speech.as_ref().map(|speech| speech.spoken.clone()).unwrap_or_default();
        if self.kind == Kind::ScreenText {
            self.truth.screen_text = self.lines().map(|(_, _, line)| line).collect();
        }
        self
    }

    /// First frame, last frame and words of each line that is shown: one in each piece, from its second fifth on.
    fn lines(&self) -> impl Iterator<Item = (u32, u32, TimedText)> + '_ {
        let rate = self.truth.frame_rate.unwrap_or(25);
        let at_ms = move |frame: u32| u64::from(frame) * 1000 / u64::from(rate);
        let mut start = 0;
        self.pieces.iter().enumerate().map(move |(index, frames)| {
            let (first, end) = (start + frames / 5, start + frames);
            start = end;
            let text = SCREEN_LINES[(self.number as usize + index) % SCREEN_LINES.len()].to_owned();
            (first, end - 1, TimedText { text, start_ms: at_ms(first), end_ms: at_ms(end) })
        })
    }

    /// Adds keys of QuickTime, of which one says the local time of the capture.
    pub(super) fn with_keys(mut self, keys: &[(&str, String)], at: String) -> Self {
        self.keys = keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.capture.at = at;
        self
    }

    /// Encodes it.
    pub(super) fn make(self, path: String, mtime_us: i64, workplace: &Workplace) -> Result<Made, SampleError> {
        let bytes = self.encode(workplace)?;
        let media_type = match self.kind {
            Kind::Avi => "video/x-msvideo",
            Kind::WebM => "video/webm",
            Kind::Streamed => "video/x-matroska",
            _ if self.is_quicktime => "video/quicktime",
            _ => "video/mp4",
        };
        // AVI has no place for a time that readers agree on.
        let capture = (self.kind != Kind::Avi).then_some(self.capture);
        Ok(Made { video: Some(self.truth), capture, ..Made::new(path, bytes, media_type, mtime_us) })
    }
}
