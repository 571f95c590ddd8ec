//! Recordings of sound alone: words spoken one by one, as WAV, M4A and MP3.

use super::chance::Chance;
use super::device::{FIRST_YEAR, MONTHS};
use super::made::{Batch, Made};
use super::moment::{Local, local_time};
use super::speech::{self, RATE, WORDS};
use super::tool::{FFMPEG, Workplace, as_url, words};
use super::truth::{AudioTruth, CaptureSource, CaptureTruth};
use super::{Formats, SampleError, SampleOptions};

/// One recording for so many videos.
const VIDEOS_PER_RECORDING: u32 = 4;

/// How many recordings a sample has.
pub(super) fn count(options: &SampleOptions) -> u32 {
    if options.formats == Formats::All { options.videos.div_ceil(VIDEOS_PER_RECORDING) } else { 0 }
}

/// Recording number `index`.
pub(super) fn make(options: &SampleOptions, index: u32, workplace: &Workplace) -> Result<Batch, SampleError> {
    let mut chance = Chance::new(options.seed, "recording", u64::from(index));
    let month = (u64::from(index) * u64::from(MONTHS) / u64::from(count(options).max(1))) as u32;
    let made = Local {
        year: FIRST_YEAR + month / 12,
        month: month % 12 + 1,
        day: 1 + index % 28,
        hour: chance.between(8, 20),
        minute: chance.below(60),
        second: chance.below(60),
    };
    let said: Vec<&str> = (0..chance.between(3, 5)).map(|_| chance.pick(WORDS)).collect();
    let name = format!("recording-{index}");
    let speech = speech::speak(workplace, &name, &said)?;
    let (ending, media_type, codec) = match index % 3 {
        0 => ("wav", "audio/wav", "pcm_s16le"),
        1 => ("m4a", "audio/mp4", "aac"),
        _ => ("mp3", "audio/mpeg", "mp3"),
    };
    let bytes = if ending == "wav" { speech.wav() } else { encoded(&speech, &made, ending, &name, workplace)? };
    let path = format!("phones/recorder/Recordings/REC_{index:04}.{ending}");
    let file = Made::new(path, bytes, media_type, local_time(&made, 0));
    let has_time = ending == "m4a";
    let capture = CaptureTruth { at: format!("{made}Z"), source: CaptureSource::Container, satellites: None };
    let duration_ms = speech.duration_ms();
    let audio =
        AudioTruth { codec: codec.to_owned(), channels: 1, sample_rate: RATE, duration_ms, spoken: speech.spoken };
    Ok(Made { audio: Some(audio), capture: has_time.then_some(capture), ..file }.into())
}

fn encoded(
    speech: &speech::Speech,
    made: &Local,
    ending: &str,
    name: &str,
    workplace: &Workplace,
) -> Result<Vec<u8>, SampleError> {
    let (source, target) = (workplace.file(&format!("{name}.wav")), workplace.file(&format!("{name}.{ending}")));
    workplace.put(&source, &speech.wav())?;
    let mut arguments = words(&["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i"]);
    arguments.push(as_url(&source));
    let codec = if ending == "m4a" { ["-c:a", "aac", "-b:a", "64k"] } else { ["-c:a", "libmp3lame", "-b:a", "48k"] };
    arguments.extend(words(&codec));
    let form = if ending == "m4a" { "ipod" } else { "mp3" };
    arguments.extend(words(&["-threads", "1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]));
    if ending == "m4a" {
        arguments.extend(words(&["-metadata", &format!("creation_time={made}Z")]));
    }
    arguments.extend(words(&["-f", form]));
    arguments.push(as_url(&target));
    FFMPEG.run(&arguments, &target, None)?;
    workplace.take(&source)?;
    workplace.take(&target)
}
