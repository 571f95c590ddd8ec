//! Known words at known times: `flite` speaks phrases, which are put into silence one after the other.

use super::SampleError;
use super::tool::{FLITE, Workplace, words};
use super::truth::TimedText;

/// Samples per second of what `flite` speaks.
pub(super) const RATE: u32 = 16_000;
/// The voice.
const VOICE: &str = "rms";
/// A sample as loud as this is no silence any more: about a hundredth of the loudest there can be.
const LOUD: u16 = 300;
/// Silence before, between and after phrases, in milliseconds.
const PAUSE_MS: u64 = 700;

/// Sentences that are spoken as a whole.
pub(super) const SENTENCES: &[&str] = &[
    "the red boat leaves the harbour",
    "we found the key under the stone",
    "the train to the mountains is late",
    "grandmother bakes bread every sunday",
    "the garden is full of yellow flowers",
    "please close the window tonight",
    "seven birds are sitting on the roof",
    "the old clock stopped at noon",
];
/// Words that are spoken alone, so that each has its own times.
pub(super) const WORDS: &[&str] =
    &["harbour", "window", "seven", "garden", "mountain", "bread", "yellow", "station", "morning", "letter"];

/// What was spoken.
pub(super) struct Speech {
    /// One channel at [`RATE`].
    pub(super) samples: Vec<i16>,
    pub(super) spoken: Vec<TimedText>,
}

impl Speech {
    pub(super) fn duration_ms(&self) -> u64 {
        to_ms(self.samples.len())
    }

    /// As a WAV file.
    pub(super) fn wav(&self) -> Vec<u8> {
        let data: Vec<u8> = self.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let length = data.len() as u32;
        let mut file = b"RIFF".to_vec();
        file.extend((length + 36).to_le_bytes());
        file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        file.extend(RATE.to_le_bytes());
        file.extend((RATE * 2).to_le_bytes());
        file.extend(b"\x02\0\x10\0data");
        file.extend(length.to_le_bytes());
        file.extend(data);
        file
    }
}

/// Speaks phrases one after the other. `name` belongs to one thread alone.
pub(super) fn speak(workplace: &Workplace, name: &str, phrases: &[&str]) -> Result<Speech, SampleError> {
    let pause = (PAUSE_MS * u64::from(RATE) / 1000) as usize;
    let mut speech = Speech { samples: vec![0; pause], spoken: Vec::new() };
    for (index, phrase) in phrases.iter().enumerate() {
        let target = workplace.file(&format!("{name}-{index}.wav"));
        let mut arguments = words(&["-voice", VOICE, "-t", phrase, "-o"]);
        arguments.push(target.clone().into());
        FLITE.run(&arguments, &target, None)?;
        let file = workplace.take(&target)?;
        let Some(samples) = samples(&file) else {
            let detail = "it is not one channel of 16 bits at 16 kHz, or silent".to_owned();
            return Err(SampleError::Tool { program: FLITE.program, path: target, detail });
        };
        let start_ms = to_ms(speech.samples.len());
        speech.samples.extend(samples);
        let end_ms = to_ms(speech.samples.len());
        speech.spoken.push(TimedText { text: (*phrase).to_owned(), start_ms, end_ms });
        speech.samples.resize(speech.samples.len() + pause, 0);
    }
    Ok(speech)
}

fn to_ms(samples: usize) -> u64 {
    samples as u64 * 1000 / u64::from(RATE)
}

/// What is heard in a WAV file, without the silence around it.
fn samples(file: &[u8]) -> Option<Vec<i16>> {
    let mut at = 12;
    let mut has_format = false;
    while let Some(header) = file.get(at..at + 8) {
        let length = u32::from_le_bytes(header[4..].try_into().ok()?) as usize;
        let body = &file[at + 8..file.len().min(at + 8 + length)];
        match &header[..4] {
            b"fmt " => has_format = body.get(2..8)? == [1, 0, 0x80, 0x3e, 0, 0] && body.get(14..16)? == [16, 0],
            b"data" if has_format => {
                let pairs = body.chunks_exact(2);
                let samples: Vec<i16> = pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
                let first = samples.iter().position(|sample| sample.unsigned_abs() >= LOUD)?;
                let last = samples.iter().rposition(|sample| sample.unsigned_abs() >= LOUD)?;
                return Some(samples[first..=last].to_vec());
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
    None
}
