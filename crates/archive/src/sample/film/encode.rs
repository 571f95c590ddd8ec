//! Encodes a film: its pictures go through a pipe to `ffmpeg`, which mixes in sound and shown words.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use super::matrix::turn;
use super::{Film, HEIGHT, Kind, LATE_SOUND_MS, UNEVEN_MS, WIDTH};
use crate::sample::SampleError;
use crate::sample::chance::Chance;
use crate::sample::draw::{self, Canvas};
use crate::sample::tool::{FFMPEG, FONT, Workplace, as_url, words};

impl Film {
    /// The bytes of the file.
    pub(super) fn encode(&self, workplace: &Workplace) -> Result<Vec<u8>, SampleError> {
        let target = workplace.file(&format!("{}.out", self.name));
        let mut sound = None;
        if let Some(speech) = &self.speech {
            let path = workplace.file(&format!("{}.wav", self.name));
            workplace.put(&path, &speech.wav())?;
            sound = Some(path);
        }
        let arguments = self.arguments(sound.as_deref(), &target);
        FFMPEG.run(&arguments, &target, Some(&mut |pipe| self.write_frames(pipe)))?;
        if let Some(path) = &sound {
            workplace.take(path)?;
        }
        let mut bytes = workplace.take(&target)?;
        let has_matrix = !matches!(self.kind, Kind::Avi | Kind::WebM | Kind::Streamed);
        if has_matrix && turn(&mut bytes, self.truth.rotation_clockwise).is_none() {
            let detail = "the file has no track header".to_owned();
            return Err(SampleError::Tool { program: FFMPEG.program, path: target, detail });
        }
        Ok(bytes)
    }

    fn arguments(&self, sound: Option<&Path>, target: &Path) -> Vec<OsString> {
        let mut arguments = words(&["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
        // Unevenly spaced frames get their times, in milliseconds, from a filter.
        let rate = self.truth.frame_rate.unwrap_or(1000).to_string();
        arguments.extend(words(&["-f", "rawvideo", "-pixel_format", "rgb24", "-framerate", &rate]));
        arguments.extend(words(&["-video_size", &format!("{WIDTH}x{HEIGHT}"), "-i", "pipe:0"]));
        self.add_sound(&mut arguments, sound);
        arguments.extend(words(&["-map", "0:v"]));
        if let Some(filter) = self.filter() {
            arguments.extend(words(&["-vf", &filter]));
        }
        self.add_codec(&mut arguments);
        // One thread and no dates or version texts of the muxer: the same ffmpeg writes the same bytes again.
        arguments.extend(words(&["-g", "50", "-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]));
        arguments.extend(words(&["-flags:a", "+bitexact", "-map_metadata", "-1"]));
        arguments.extend(words(&["-metadata", &format!("creation_time={}Z", self.created)]));
        self.add_container(&mut arguments);
        arguments.push(as_url(target));
        arguments
    }

    fn add_sound(&self, arguments: &mut Vec<OsString>, sound: Option<&Path>) {
        if !self.truth.has_sound {
            return;
        }
        let starts_ms = self.truth.sound_starts_ms.unwrap_or(0);
        if self.kind == Kind::LateSound {
            arguments.extend(words(&["-itsoffset", &format!("0.{LATE_SOUND_MS:03}")]));
        }
        if let Some(path) = sound {
            arguments.push("-i".into());
            arguments.push(as_url(path));
        } else {
            let seconds = (self.truth.duration_ms - starts_ms) as f64 / 1000.0;
            let tone = 220 + self.number % 12 * 40;
            // Opus knows no other rate.
            let rate = if self.kind == Kind::WebM { 48_000 } else { 44_100 };
            let source = format!("sine=frequency={tone}:sample_rate={rate}:duration={seconds:.3}");
            arguments.extend(words(&["-f", "lavfi", "-i", &source]));
        }
        arguments.extend(words(match self.kind {
            Kind::Avi => &["-map", "1:a", "-c:a", "pcm_s16le"],
            Kind::WebM => &["-map", "1:a", "-c:a", "libopus", "-b:a", "32k"],
            _ => &["-map", "1:a", "-c:a", "aac", "-b:a", "64k"],
        }));
    }

    fn filter(&self) -> Option<String> {
        match self.kind {
            Kind::Uneven => {
                let [_, second, third, fourth, round] = UNEVEN_MS;
                Some(format!(
                    "setpts=floor(N/4)*{round}+eq(mod(N\\,4)\\,1)*{second}+eq(mod(N\\,4)\\,2)*{third}+eq(mod(N\\,4)\\,3)*{fourth}"
                ))
            }
            Kind::ScreenText => {
                let line = |(first, last, line): (u32, u32, super::TimedText)| {
                    format!(
                        "drawtext=fontfile={}:text='{}':fontsize=28:fontcolor=white:box=1:boxcolor=black:boxborderw=10:\
                         x=(w-text_w)/2:y=(h-text_h)/2:enable='between(n,{first},{last})'",
                        FONT.0, line.text
                    )
                };
                Some(self.lines().map(line).collect::<Vec<_>>().join(","))
            }
            _ => None,
        }
    }

    fn add_codec(&self, arguments: &mut Vec<OsString>) {
        let mut add = |more: &[&str]| arguments.extend(words(more));
        match self.kind {
            Kind::Avi => add(&["-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj422p"]),
            Kind::WebM => add(&["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k"]),
            Kind::Hdr => {
                add(&["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"]);
                add(&["-x265-params", "log-level=error:pools=none:frame-threads=1"]);
                add(&["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"]);
            }
            _ => add(&["-c:v", "libx264", "-preset", "ultrafast", "-crf", "23", "-pix_fmt", "yuv420p"]),
        }
        if self.kind == Kind::Uneven {
            add(&["-fps_mode", "passthrough"]);
        }
    }

    fn add_container(&self, arguments: &mut Vec<OsString>) {
        let mut add = |more: &[&str]| arguments.extend(words(more));
        match self.kind {
            Kind::Avi => return add(&["-f", "avi"]),
            Kind::WebM => return add(&["-f", "webm"]),
            Kind::Streamed => return add(&["-live", "1", "-f", "matroska"]),
            Kind::Fragmented => add(&["-movflags", "+frag_keyframe+empty_moov+default_base_moof"]),
            _ if !self.keys.is_empty() => add(&["-movflags", "+faststart+use_metadata_tags"]),
            _ if self.is_fast_start => add(&["-movflags", "+faststart"]),
            _ => {}
        }
        for (key, value) in &self.keys {
            add(&["-metadata", &format!("{key}={value}")]);
        }
        add(&["-f", if self.is_quicktime { "mov" } else { "mp4" }]);
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
            let mut chance = Chance::new(self.seed, "piece", u64::from(self.number) * 16 + piece as u64);
            let label = u64::from(self.number) * 10 + piece as u64;
            let upright = draw::picture(self.truth.upright_width, self.truth.upright_height, label, &mut chance);
            let upright = tint(upright, piece + self.number as usize);
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
