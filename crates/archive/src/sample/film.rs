//! Makes the videos of a sample: frames drawn here with cuts at known times, encoded by `ffmpeg`, turned by a display
//! matrix.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::SampleError;
use super::chance::Chance;
use super::draw::{self, Canvas};
use super::moment::{Local, local_time};
use super::truth::VideoTruth;

const PROGRAM: &str = "ffmpeg";
const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
/// Bytes of complaints that are kept.
const COMPLAINTS_BYTES_MAX: u64 = 16 * 1024;

/// What a video will be, before it is encoded.
pub(super) struct Film {
    /// Relative to the root.
    pub(super) path: String,
    pub(super) mtime_us: i64,
    pub(super) truth: VideoTruth,
    /// The container's creation time, UTC.
    pub(super) created: Local,
    seed: u64,
    index: u32,
    /// Frames of each piece between cuts.
    pieces: Vec<u32>,
    is_quicktime: bool,
    /// Otherwise the index lies at the end of the file.
    is_fast_start: bool,
}

/// First line of what `ffmpeg -version` says.
pub(super) fn version() -> Result<String, SampleError> {
    let output = Command::new(PROGRAM).arg("-version").stdin(Stdio::null()).output();
    let output = output.map_err(|source| SampleError::ToolMissing { program: PROGRAM, source })?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

/// Video number `index` of `count`.
pub(super) fn plan(seed: u64, index: u32, count: u32) -> Film {
    let mut chance = Chance::new(seed, "film", u64::from(index));
    let frame_rate = if index % 4 == 3 { 50 } else { 25 };
    let pieces: Vec<u32> = (0..chance.between(2, 4)).map(|_| chance.between(4, 8) * frame_rate / 5).collect();
    let at_ms = |frame: u32| u64::from(frame) * 1000 / u64::from(frame_rate);
    let mut frames = 0;
    let mut cuts_ms = Vec::new();
    for piece in &pieces {
        if frames > 0 {
            cuts_ms.push(at_ms(frames));
        }
        frames += piece;
    }
    let rotation_clockwise = index % 4 * 90;
    let is_turned = rotation_clockwise % 180 == 90;
    let (upright_width, upright_height) = if is_turned { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
    let is_quicktime = index % 5 == 4;
    let has_sound = index % 6 != 5;
    let codecs: &[&str] = if has_sound { &["h264", "aac"] } else { &["h264"] };
    let month = (u64::from(index) * 192 / u64::from(count.max(1))) as u32;
    let created = Local {
        year: 2009 + month / 12,
        month: month % 12 + 1,
        day: 1 + index % 28,
        hour: chance.below(24),
        minute: chance.below(60),
        second: chance.below(60),
    };
    let ending = if is_quicktime { "MOV" } else { "mp4" };
    Film {
        path: format!("{}/{:02}/clips/VID_{index:04}.{ending}", created.year, created.month),
        mtime_us: local_time(&created, 0) + i64::from(chance.below(1_000_000)),
        truth: VideoTruth {
            stored_width: WIDTH,
            stored_height: HEIGHT,
            upright_width,
            upright_height,
            rotation_clockwise,
            frame_rate,
            frames,
            duration_ms: at_ms(frames),
            cuts_ms,
            has_sound,
            codecs: codecs.iter().map(|codec| (*codec).to_owned()).collect(),
        },
        created,
        seed,
        index,
        pieces,
        is_quicktime,
        is_fast_start: index % 2 == 1,
    }
}

impl Film {
    /// Encodes it into `target` and returns its bytes as they shall be there; the file may still lack its rotation.
    pub(super) fn encode(&self, target: &Path) -> Result<Vec<u8>, SampleError> {
        let failed = |source| SampleError::Write { path: target.to_owned(), source };
        let mut child = self.command(target).spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SampleError::ToolMissing { program: PROGRAM, source },
            _ => failed(source),
        })?;
        let (fed, complaints) = self.feed(&mut child);
        let status = child.wait().map_err(failed)?;
        if !status.success() || fed.is_err() {
            let detail = format!("{status}; {}", complaints.trim());
            return Err(SampleError::Tool { program: PROGRAM, path: target.to_owned(), detail });
        }
        let mut bytes = std::fs::read(target).map_err(failed)?;
        if turn(&mut bytes, self.truth.rotation_clockwise).is_none() {
            let detail = "the file has no track header".to_owned();
            return Err(SampleError::Tool { program: PROGRAM, path: target.to_owned(), detail });
        }
        Ok(bytes)
    }

    fn command(&self, target: &Path) -> Command {
        let truth = &self.truth;
        let mut command = Command::new(PROGRAM);
        command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
        command.args(["-f", "rawvideo", "-pixel_format", "rgb24", "-framerate", &truth.frame_rate.to_string()]);
        command.args(["-video_size", &format!("{WIDTH}x{HEIGHT}"), "-i", "pipe:0"]);
        if truth.has_sound {
            let seconds = truth.duration_ms as f64 / 1000.0;
            let tone = 220 + self.index % 12 * 40;
            let source = format!("sine=frequency={tone}:sample_rate=44100:duration={seconds:.3}");
            command.args(["-f", "lavfi", "-i", &source, "-map", "1:a", "-c:a", "aac", "-b:a", "64k"]);
        }
        command.args(["-map", "0:v", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "23", "-pix_fmt", "yuv420p"]);
        // One thread and no dates or version texts of the muxer: the same ffmpeg writes the same bytes again.
        command.args(["-g", "50", "-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]);
        command.args(["-flags:a", "+bitexact", "-map_metadata", "-1"]);
        command.args(["-metadata", &format!("creation_time={}Z", self.created)]);
        if self.is_fast_start {
            command.args(["-movflags", "+faststart"]);
        }
        command.args(["-f", if self.is_quicktime { "mov" } else { "mp4" }]);
        // The prefix keeps a folder's name from being read as an option or a protocol.
        let mut output = OsString::from("file:");
        output.push(target);
        command.arg(output).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Writes all frames while somebody listens to the complaints, so that neither side waits for the other.
    fn feed(&self, child: &mut Child) -> (io::Result<()>, String) {
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        std::thread::scope(|scope| {
            let listener = scope.spawn(move || {
                let mut complaints = Vec::new();
                let read = stderr.map(|stderr| stderr.take(COMPLAINTS_BYTES_MAX).read_to_end(&mut complaints));
                let broken = matches!(read, Some(Err(_)));
                let text = String::from_utf8_lossy(&complaints).into_owned();
                if broken { format!("{text} (cut off)") } else { text }
            });
            let fed = match stdin {
                Some(mut pipe) => self.write_frames(&mut pipe),
                None => Ok(()),
            };
            (fed, listener.join().unwrap_or_default())
        })
    }

    fn write_frames(&self, pipe: &mut dyn Write) -> io::Result<()> {
        let orientation = match self.truth.rotation_clockwise {
            90 => 6,
            180 => 3,
            270 => 8,
            _ => 1,
        };
        let mut number = 0;
        for (piece, frames) in self.pieces.iter().enumerate() {
            let mut chance = Chance::new(self.seed, "piece", u64::from(self.index) * 16 + piece as u64);
            let label = u64::from(self.index) * 10 + piece as u64;
            let upright = draw::picture(self.truth.upright_width, self.truth.upright_height, label, &mut chance);
            let upright = tint(upright, piece + self.index as usize);
            for _ in 0..*frames {
                let mut frame = upright.clone();
                // A block that wanders along the lower edge: without it a still would do.
                let x = number * 3 % i64::from(frame.width - 12);
                let y = i64::from(frame.height) - 16;
                frame.rectangle(x, y, 12, 12, [255, 255, 0]);
                pipe.write_all(&draw::stored(&frame, orientation).pixels)?;
                number += 1;
            }
        }
        Ok(())
    }
}

/// Neighbouring pieces differ strongly in one channel, so that a cut is a cut for any detector.
fn tint(mut canvas: Canvas, piece: usize) -> Canvas {
    for pixel in canvas.pixels.chunks_exact_mut(3) {
        for (channel, value) in pixel.iter_mut().enumerate() {
            let keep = channel == piece % 3;
            *value = if keep { 128 + *value / 2 } else { *value / 3 };
        }
    }
    canvas
}

/// Writes the rotation into the matrix of the picture track (ISO 14496-12, 8.3.2). Newer releases of ffmpeg took away
/// the tag that did it.
fn turn(file: &mut [u8], clockwise: u32) -> Option<()> {
    const ONE: i32 = 1 << 16;
    let (wide, high) = (WIDTH as i32 * ONE, HEIGHT as i32 * ONE);
    let movie = child_boxes(file, 0..file.len()).into_iter().find(|(name, _)| name == b"moov")?.1;
    for (name, track) in child_boxes(file, movie) {
        if &name != b"trak" {
            continue;
        }
        let header = child_boxes(file, track).into_iter().find(|(name, _)| name == b"tkhd")?.1;
        let bytes = file.get_mut(header)?;
        let start = if bytes.first()? == &1 { 52 } else { 40 };
        let width = bytes.get(start + 36..start + 40)?;
        if width == [0; 4] {
            continue;
        }
        let [a, b, c, d, x, y] = match clockwise {
            90 => [0, ONE, -ONE, 0, high, 0],
            180 => [-ONE, 0, 0, -ONE, wide, high],
            270 => [0, -ONE, ONE, 0, 0, wide],
            _ => [ONE, 0, 0, ONE, 0, 0],
        };
        let matrix = [a, b, 0, c, d, 0, x, y, 1 << 30];
        for (slot, value) in bytes.get_mut(start..start + 36)?.chunks_exact_mut(4).zip(matrix) {
            slot.copy_from_slice(&value.to_be_bytes());
        }
        return Some(());
    }
    None
}

/// Names and contents of the boxes in a range of a file that ffmpeg has just written.
fn child_boxes(file: &[u8], range: std::ops::Range<usize>) -> Vec<([u8; 4], std::ops::Range<usize>)> {
    let mut boxes = Vec::new();
    let mut at = range.start;
    while let Some(header) = file.get(at..at + 8).filter(|_| at + 8 <= range.end) {
        let size = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if size < 8 || size > range.end - at {
            break;
        }
        boxes.push(([header[4], header[5], header[6], header[7]], at + 8..at + size));
        at += size;
    }
    boxes
}
