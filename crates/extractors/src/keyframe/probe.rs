//! What `ffprobe` says of a video: which stream, how long, how turned.

use std::io;
use std::path::Path;

use serde::Deserialize;

use super::{DESCRIPTOR, Refusal};

use crate::still::Transfer;
use crate::tool::{self, Ran};

/// Bytes of ffprobe's answer; one video stream takes about 300.
const ANSWER_BYTES_MAX: u64 = 256 << 10;

/// Longest duration that is believed, in seconds: 100 years.
const DURATION_S_MAX: f64 = 3.2e9;

/// The video stream that posters are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// Number of the stream in the file, from 0.
    pub stream: u32,
    /// Degrees clockwise that make the stored frames upright, 0 to 359.
    pub rotation: u16,
    /// Width of the stored frames in pixels; 0 when it is not known.
    pub width: u32,
    /// Height of the stored frames in pixels; 0 when it is not known.
    pub height: u32,
    /// How a high dynamic range is coded.
    pub transfer: Option<Transfer>,
    /// Duration of the file (else of the stream) in milliseconds, when the container knows it.
    pub duration_ms: Option<u64>,
}

// Output of another program: fields that it adds are nothing to us.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default)]
struct Format {
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    index: u32,
    codec_name: Option<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    color_transfer: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

/// Asks ffprobe about the video streams of a file.
pub fn probe(input: &Path, scratch: &Path) -> io::Result<Result<Video, Refusal>> {
    let mut command = tool::command("ffprobe", &DESCRIPTOR.limits)?;
    command.args([
        "-hide_banner",
        "-loglevel",
        "level+error",
        "-protocol_whitelist",
        "file,pipe",
        "-select_streams",
        "v",
    ]);
    command.args([
        "-show_entries",
        "format=duration:stream=index,codec_name,width,height,color_transfer,duration:stream_disposition=attached_pic:stream_side_data=rotation",
    ]);
    command.args(["-of", "json"]).arg("-i").arg(tool::file_argument(input));
    let ran = tool::run(command, scratch, ANSWER_BYTES_MAX)?;
    Ok(understood(&ran))
}

fn understood(ran: &Ran) -> Result<Video, Refusal> {
    if let (Some(signal), Some(_)) = (ran.signal(), &ran.stdout) {
        return Err(Refusal::ToolEnded(format!("ffprobe was ended by signal {signal}")));
    }
    let Some(answer) = ran.stdout.as_ref().filter(|_| ran.status.success()) else {
        return Err(Refusal::Corrupt(ran.complaint()));
    };
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|error| Refusal::Corrupt(format!("ffprobe's answer cannot be read: {error}")))?;
    let Some(stream) = answer.streams.iter().find(|stream| stream.disposition.attached_pic == 0) else {
        let what = if answer.streams.is_empty() { "no video stream" } else { "only attached pictures" };
        return Err(Refusal::NoVideo(what.into()));
    };
    if stream.codec_name.is_none() {
        return Err(Refusal::Unsupported(format!("the codec of video stream {} is not known to ffmpeg", stream.index)));
    }
    let turned = stream.side_data_list.iter().find_map(|side| side.rotation);
    Ok(Video {
        stream: stream.index,
        rotation: turned.map_or(0, clockwise),
        width: stream.width,
        height: stream.height,
        transfer: match stream.color_transfer.as_deref() {
            Some("smpte2084") => Some(Transfer::Pq),
            Some("arib-std-b67") => Some(Transfer::Hlg),
            _ => None,
        },
        duration_ms: answer.format.duration.as_deref().or(stream.duration.as_deref()).and_then(milliseconds),
    })
}

/// ffprobe gives degrees counter-clockwise, -180 to 180.
fn clockwise(counter_clockwise: f64) -> u16 {
    // A float that is no number becomes 0.
    let degrees = (-counter_clockwise.round() as i64).rem_euclid(360);
    u16::try_from(degrees).unwrap_or(0)
}

fn milliseconds(seconds: &str) -> Option<u64> {
    let seconds: f64 = seconds.parse().ok()?;
    (seconds > 0.0 && seconds < DURATION_S_MAX).then_some((seconds * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn ran(status: i32, stdout: &str) -> Ran {
        Ran { status: ExitStatus::from_raw(status), stdout: Some(stdout.as_bytes().to_vec()), log: String::new() }
    }

    #[test]
    fn the_first_stream_that_is_no_attached_picture_is_taken() {
        let answer = r#"{"programs": [], "streams": [
            {"index": 0, "codec_name": "mjpeg", "disposition": {"attached_pic": 1}},
            {"index": 2, "codec_name": "h264", "width": 640, "height": 360, "color_transfer": "smpte2084", "duration": "9.0",
             "disposition": {"attached_pic": 0}, "side_data_list": [{}, {"rotation": -90}]}
          ], "format": {"duration": "10.5"}}"#;
        assert_eq!(
            understood(&ran(0, answer)),
            Ok(Video {
                stream: 2,
                rotation: 90,
                width: 640,
                height: 360,
                transfer: Some(Transfer::Pq),
                duration_ms: Some(10_500),
            })
        );
    }

    #[test]
    fn a_duration_that_is_absent_or_absurd_is_none() {
        for duration in
            ["", r#""duration": "N/A""#, r#""duration": "-3""#, r#""duration": "nan""#, r#""duration": "1e300""#]
        {
            let answer = format!(r#"{{"streams": [{{"index": 0, "codec_name": "h264"}}], "format": {{{duration}}}}}"#);
            assert_eq!(understood(&ran(0, &answer)).unwrap().duration_ms, None, "{duration}");
        }
    }

    #[test]
    fn turns_are_told_clockwise() {
        for (counter, expected) in
            [(0.0, 0), (-90.0, 90), (90.0, 270), (180.0, 180), (-180.0, 180), (-0.4, 0), (f64::NAN, 0)]
        {
            assert_eq!(clockwise(counter), expected, "{counter}");
        }
    }

    #[test]
    fn what_has_no_video_is_skipped_and_what_cannot_be_read_is_corrupt() {
        let only_cover = r#"{"streams": [{"index": 1, "codec_name": "png", "disposition": {"attached_pic": 1}}]}"#;
        assert!(matches!(understood(&ran(0, only_cover)), Err(Refusal::NoVideo(_))));
        assert!(matches!(understood(&ran(0, r#"{"streams": []}"#)), Err(Refusal::NoVideo(_))));
        assert!(matches!(understood(&ran(0, r#"{"streams": [{"index": 0}]}"#)), Err(Refusal::Unsupported(_))));
        assert!(matches!(understood(&ran(256, "{}")), Err(Refusal::Corrupt(_))));
        assert!(matches!(understood(&ran(0, "{")), Err(Refusal::Corrupt(_))));
        assert!(matches!(understood(&ran(24, "{}")), Err(Refusal::ToolEnded(_))));
    }
}
