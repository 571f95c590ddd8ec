//! The originals of a trial: small files of every class, broken ones among them, and a file that a person names.

use std::path::{Path, PathBuf};

use exhibit_archive::sample::{Formats, SampleError, SampleOptions, generate};

use crate::error::CliError;

/// What a plug-in is tried on.
#[derive(Debug, Clone)]
pub enum Samples {
    /// One tiny file of each class: enough to see that it answers.
    Tiny,
    /// Those, photos and a video as `exhibit sample` makes them, odd and damaged files, and perhaps a copy of a file.
    Full(Option<PathBuf>),
}

/// One pixel, 8 bit grey.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDAT\x78\xda\x63\x68\0\0\0\x82\0\x81\
\xda\x45\x08\x3b\0\0\0\0IEND\xae\x42\x60\x82";

/// The first box of a video and nothing behind it.
const CUT_VIDEO: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";

/// The beginning of a photo, and then bytes that are none.
const DAMAGED_PHOTO: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0 these bytes are no picture";

impl Samples {
    /// Makes them in an empty folder. Returns what could not be made here.
    pub fn make(&self, folder: &Path) -> Result<Option<String>, CliError> {
        std::fs::write(folder.join("tiny.png"), PNG)?;
        std::fs::write(folder.join("tiny.mp4"), CUT_VIDEO)?;
        std::fs::write(folder.join("tiny.wav"), wav())?;
        std::fs::write(folder.join("tiny.txt"), "one line\nanother line\n")?;
        let Self::Full(on) = self else { return Ok(None) };
        std::fs::write(folder.join("damaged.jpg"), DAMAGED_PHOTO)?;
        std::fs::write(folder.join("empty"), "")?;
        if let Some(file) = on {
            copy(file, folder)?;
        }
        let options = SampleOptions { photos: 3, videos: 1, seed: 1, formats: Formats::Common };
        match generate(&folder.join("sample"), &options, &mut |_| {}) {
            Ok(_) => Ok(None),
            // Without ffmpeg there are no videos to be made; all else is tried.
            Err(error @ (SampleError::ToolMissing { .. } | SampleError::Tool { .. })) => {
                let without = SampleOptions { videos: 0, ..options };
                generate(&folder.join("sample-without-videos"), &without, &mut |_| {})?;
                Ok(Some(format!("tried without a real video: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn copy(file: &Path, folder: &Path) -> Result<(), CliError> {
    let wrong = |reason: String| CliError::usage(format!("{} cannot be tried: {reason}", file.display()));
    let found = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if !found.is_file() {
        return Err(wrong("it is not a file".to_owned()));
    }
    let folder = folder.join("given");
    std::fs::create_dir(&folder)?;
    let name = file.file_name().ok_or_else(|| wrong("it has no name".to_owned()))?;
    std::fs::copy(file, folder.join(name)).map_err(|error| wrong(error.to_string()))?;
    Ok(())
}

/// A tenth of a second of silence: 8 kHz, 8 bit, one channel.
fn wav() -> Vec<u8> {
    const SAMPLES: u32 = 800;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + SAMPLES).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data");
    bytes.extend(SAMPLES.to_le_bytes());
    bytes.extend(std::iter::repeat_n(0x80, SAMPLES as usize));
    bytes
}
