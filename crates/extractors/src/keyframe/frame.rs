//! One frame of a video, scaled and upright, with its presentation time.

use std::io;
use std::path::Path;

use exhibit_engine::extractor::Job;

use super::probe::Video;
use super::{DESCRIPTOR, Refusal};
use crate::still::Transfer;
use crate::tool::{self, Ran};
use crate::webp_blob::Picture;

/// Bytes before the pixels of a PPM file: `P6`, two sizes, a maximum.
const PPM_HEADER_BYTES_MAX: u64 = 64;

/// Pixels of the largest frame that ffmpeg may decode: three times 8K.
const FRAME_PIXELS_MAX: &str = "100000000";

/// Luminance of a white page, in candela per square metre, that becomes the white of the picture (ITU-R BT.2408).
const WHITE_NITS: u32 = 203;

/// The brightest light that keeps its shape, as a multiple of white: 1000 candela per square metre. What files claim about theirs is
/// often wrong, so nothing of it is used.
const PEAK_TIMES_WHITE: &str = "4.926";

/// A decoded frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// The picture, opaque.
    pub picture: Picture,
    /// Presentation time in milliseconds from the start of the container's presentation timeline.
    pub at_ms: u64,
    /// A high dynamic range was mapped to an ordinary one.
    pub tone_mapped: bool,
}

/// Where frames come from.
pub struct Source<'a> {
    input: &'a Path,
    scratch: &'a Path,
    stream: u32,
    /// How to map the range; `None` when there is nothing to map, or this ffmpeg cannot.
    high_range: Option<Transfer>,
}

impl<'a> Source<'a> {
    /// The frames of one video stream.
    pub fn new(job: &'a Job<'_>, video: &Video) -> Self {
        Self { input: &job.input_path, scratch: job.scratch, stream: video.stream, high_range: video.transfer }
    }

    /// The last keyframe at or before a time after the start of the container, or where seeking to it ends.
    pub fn keyframe_before(&mut self, wanted_ms: u64, edge: u32) -> io::Result<Result<Frame, Refusal>> {
        self.decode(edge, &["-skip_frame", "nokey", "-noaccurate_seek", "-ss", &seconds(wanted_ms)])
    }

    /// The frame that is shown at a time; all since the last keyframe are decoded.
    pub fn exactly(&mut self, wanted_ms: u64, edge: u32) -> io::Result<Result<Frame, Refusal>> {
        self.decode(edge, &["-ss", &seconds(wanted_ms)])
    }

    /// The first frame that decodes.
    pub fn first(&mut self, edge: u32) -> io::Result<Result<Frame, Refusal>> {
        self.decode(edge, &[])
    }

    fn decode(&mut self, edge: u32, how: &[&str]) -> io::Result<Result<Frame, Refusal>> {
        let frame = self.run(edge, how, self.high_range)?;
        if frame.is_ok() || self.high_range.is_none() {
            return Ok(frame);
        }
        let plain = self.run(edge, how, None)?;
        if plain.is_ok() {
            // This ffmpeg has no zimg, or the frames are not what they are marked as: that stays so for the whole file.
            self.high_range = None;
        }
        Ok(plain)
    }

    fn run(&self, edge: u32, how: &[&str], high_range: Option<Transfer>) -> io::Result<Result<Frame, Refusal>> {
        let mut command = tool::command("ffmpeg", &DESCRIPTOR.limits)?;
        command.args([
            "-nostdin",
            "-hide_banner",
            "-nostats",
            "-loglevel",
            "level+info",
            "-protocol_whitelist",
            "file,pipe",
        ]);
        // Timestamps stay those of the container, less its start. One thread: the result of a frame does not wait for its successors.
        command.args(["-copyts", "-start_at_zero", "-threads", "1", "-max_pixels", FRAME_PIXELS_MAX]);
        command.args(how).arg("-i").arg(tool::file_argument(self.input));
        command.args(["-map", &format!("0:{}", self.stream), "-frames:v", "1", "-fps_mode", "passthrough"]);
        command.args(["-filter_threads", "1", "-vf", &filters(edge, high_range)]);
        command.args(["-map_metadata", "-1", "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "pipe:1"]);
        let bytes_max = u64::from(edge) * u64::from(edge) * 3 + PPM_HEADER_BYTES_MAX;
        let ran = tool::run(command, self.scratch, bytes_max)?;
        Ok(understood(&ran).map(|frame| Frame { tone_mapped: high_range.is_some(), ..frame }))
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Square pixels, fitted into `edge`, never enlarged; exact arithmetic, so that every processor gives the same bytes. Then a high range is
/// mapped, on few pixels. The time is told last.
fn filters(edge: u32, high_range: Option<Transfer>) -> String {
    let fit = format!("min(1,{edge}/max(iw*sar,ih))");
    let width = format!("max(1,round(iw*sar*{fit}))");
    let height = format!("max(1,round(ih*{fit}))");
    let scale = format!("scale=w='{width}':h='{height}':flags=lanczos+accurate_rnd+full_chroma_int+bitexact,setsar=1");
    let mapped = high_range.map(|transfer| {
        let curve = match transfer {
            Transfer::Pq => "smpte2084",
            Transfer::Hlg => "arib-std-b67",
        };
        format!(
            ",zscale=tin={curve}:pin=bt2020:min=bt2020nc:t=linear:p=bt2020:m=gbr:r=full:npl={WHITE_NITS},format=gbrpf32le,\
             zscale=p=bt709:npl={WHITE_NITS},tonemap=tonemap=mobius:param=0.6:peak={PEAK_TIMES_WHITE}:desat=0,\
             zscale=t=iec61966-2-1:npl={WHITE_NITS},format=gbrp"
        )
    });
    format!("{scale}{},showinfo=checksum=0", mapped.unwrap_or_default())
}

fn understood(ran: &Ran) -> Result<Frame, Refusal> {
    let frame = ran.stdout.as_deref().and_then(read_ppm).zip(presentation_ms(&ran.log));
    match (frame, ran.signal()) {
        (Some((picture, at_ms)), None) => Ok(Frame { picture, at_ms, tone_mapped: false }),
        (_, Some(signal)) if ran.stdout.is_some() => {
            Err(Refusal::ToolEnded(format!("ffmpeg was ended by signal {signal}")))
        }
        _ if ran.log.contains("not found for input stream") || ran.log.contains("[error] Decoder (codec") => {
            Err(Refusal::Unsupported(ran.complaint()))
        }
        _ => Err(Refusal::Corrupt(ran.complaint())),
    }
}

/// The presentation time of the frame in a log of the `showinfo` filter: ticks times the time base. (`pts_time` beside it has six digits
/// only, too few after three hours.)
fn presentation_ms(log: &str) -> Option<u64> {
    let mut told = log.lines().filter(|line| line.starts_with("[Parsed_showinfo"));
    let base = told.by_ref().find_map(|line| line.split_once("config in time_base: "))?.1;
    let (numerator, denominator) = base.split(',').next()?.trim().split_once('/')?;
    let ticks = told.find_map(|line| line.split_once(" pts:"))?.1.split_whitespace().next()?;
    let (numerator, denominator): (i128, i128) = (numerator.parse().ok()?, denominator.parse().ok()?);
    let ticks: i64 = ticks.parse().ok()?;
    let scaled = i128::from(ticks).checked_mul(1000)?.checked_mul(numerator)?;
    // Half a millisecond up; a frame before the start of the timeline (an edit list cut it) is shown at the start.
    let rounded = scaled.checked_mul(2)?.checked_add(denominator)?.checked_div_euclid(denominator.checked_mul(2)?)?;
    u64::try_from(rounded.max(0)).ok()
}

/// A binary PPM file with 8 bits per channel, as ffmpeg writes it.
fn read_ppm(bytes: &[u8]) -> Option<Picture> {
    let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
    let (magic, size, maximum, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if magic != b"P6" || maximum != b"255" {
        return None;
    }
    let (width, height) = std::str::from_utf8(size).ok()?.split_once(' ')?;
    let (width, height): (u32, u32) = (width.parse().ok()?, height.parse().ok()?);
    let expected = u64::from(width).checked_mul(u64::from(height))?.checked_mul(3)?;
    if expected == 0 || u64::try_from(rest.len()).ok()? != expected {
        return None;
    }
    let pixels = rest.as_chunks::<3>().0.iter().map(|&[r, g, b]| [r, g, b, u8::MAX]).collect();
    Some(Picture { width, height, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(base: &str, ticks: &str) -> String {
        format!(
            "[info] Input #0, mov\n[Parsed_showinfo_2 @ 0x55] [info] config in time_base: {base}, frame_rate: 25/1\n\
             [Parsed_showinfo_2 @ 0x55] [info] config out time_base: 0/0, frame_rate: 0/0\n\
             [Parsed_showinfo_2 @ 0x55] [info] n:   0 pts: {ticks:>6} pts_time:0 pos: 1\n"
        )
    }

    #[test]
    fn the_time_is_ticks_times_time_base_rounded_to_a_millisecond() {
        let cases = [
            ("1/25000", "0", Some(0)),
            ("1/12800", "12800", Some(1000)),
            ("1/90000", "45", Some(1)),
            ("1/90000", "44", Some(0)),
            ("1001/30000", "1", Some(33)),
            ("1/1000", "123456789", Some(123_456_789)),
            ("1/1000", "-40", Some(0)),
            ("1/1000", "NOPTS", None),
            ("0/0", "5", None),
            ("1/1000", "9223372036854775807", Some(9_223_372_036_854_775_807)),
        ];
        for (base, ticks, expected) in cases {
            assert_eq!(presentation_ms(&log(base, ticks)), expected, "{ticks} of {base}");
        }
        assert_eq!(presentation_ms("[info] title : [Parsed_showinfo_2 @ 0x55] pts: 5"), None);
    }

    #[test]
    fn a_ppm_file_is_read_only_when_it_is_whole() {
        let whole = b"P6\n2 1\n255\n\x0a\x0b\x0c\n\x0e\x0f";
        let picture = Picture { width: 2, height: 1, pixels: vec![[10, 11, 12, 255], [10, 14, 15, 255]] };
        assert_eq!(read_ppm(whole), Some(picture));
        for end in 0..whole.len() {
            assert_eq!(read_ppm(&whole[..end]), None, "cut at {end}");
        }
        assert_eq!(read_ppm(b"P6\n0 1\n255\n"), None);
        assert_eq!(read_ppm(b"P6\n4294967295 4294967295\n255\n\x01"), None);
        assert_eq!(read_ppm(b"P5\n1 1\n255\n\x01\x02\x03"), None);
    }
}
