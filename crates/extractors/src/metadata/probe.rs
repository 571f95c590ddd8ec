//! Asks `ffprobe` about audio and video that the readers of this crate do not finish.

use std::collections::BTreeMap;
use std::io::{Read, Result as IoResult};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use exhibit_engine::extractor::Limits;
use exhibit_engine::supervisor::tool_command;
use serde::Deserialize;

use super::payload::{
    Colour, MediaMetadata, Method, Rational, SAFE_INTEGER_MAX, STREAMS_MAX, Stream, StreamKind, Warning, rounded,
    text_fact,
};

/// Longest report that is read, in bytes; one stream takes about 2 KiB.
const REPORT_BYTES_MAX: usize = 1 << 20;
/// Bytes kept of what `ffprobe` complains about.
const COMPLAINT_BYTES_MAX: usize = 4096;
/// Longest time `ffprobe` may take. It reads 5 MB or 5 s of a file unless told otherwise, which takes well under 1 s.
const PROBE_WALL_MAX: Duration = Duration::from_secs(30);
/// The formats it may open. Playlists and lists of files are missing on purpose: they name other files.
const DEMUXERS: &str = "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dhav,dsf,dts,dv,eac3,flac,flv,gxf,h263,h264,hevc,ivf,matroska,\
                        mjpeg,mov,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,tta,vc1,voc,w64,wav,wtv,wv";
const PROGRAM: &str = "ffprobe";

/// How asking ended.
pub(crate) enum Probed {
    /// The report, taken into the payload.
    Found,
    /// `ffprobe` could not make sense of the file; its words.
    Corrupt(String),
    /// A format that is not on the list.
    Unsupported(String),
    /// It took longer than [`PROBE_WALL_MAX`] or said more than [`REPORT_BYTES_MAX`]; which of them.
    LimitReached(&'static str),
}

/// The version of the installed program, as its first line of output states it.
pub(crate) fn version(limits: &Limits) -> Result<String, String> {
    let missing = |why: String| format!("{PROGRAM} cannot be run ({why}); install it with: apt-get install ffmpeg");
    let mut command = tool_command(PROGRAM, limits).map_err(|error| missing(error.to_string()))?;
    command.arg("-version");
    let ran = run(&mut command, PROBE_WALL_MAX).map_err(|error| missing(error.to_string()))?;
    let Ran::Ended { success: true, report, .. } = ran else { return Err(missing("it failed".to_owned())) };
    let text = String::from_utf8_lossy(&report);
    let mut words = text.lines().next().unwrap_or_default().split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(PROGRAM), Some("version"), Some(version)) => Ok(version.to_owned()),
        _ => Err(missing("it does not say its version".to_owned())),
    }
}

/// Asks about the file at `path`; streams, container, duration and tags of `facts` are replaced or added to.
pub(crate) fn probe(path: &Path, media_type: &str, limits: &Limits, facts: &mut MediaMetadata) -> IoResult<Probed> {
    let mut input = std::ffi::OsString::from("file:");
    input.push(path);
    let mut command = tool_command(PROGRAM, limits)?;
    command
        .args(["-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS])
        .args(["-print_format", "json", "-show_format", "-show_streams", "-i"])
        .arg(input);
    let (success, report, complaint) = match run(&mut command, PROBE_WALL_MAX)? {
        Ran::Ended { success, report, complaint } => (success, report, complaint),
        Ran::LimitReached(which) => return Ok(Probed::LimitReached(which)),
    };
    let complaint = without_path(&complaint, path);
    if !success {
        let unsupported = complaint.contains("not on whitelist");
        return Ok(if unsupported { Probed::Unsupported(complaint) } else { Probed::Corrupt(complaint) });
    }
    Ok(read_report(&report, &complaint, media_type, facts))
}

/// Takes over what the program wrote to its output.
pub(crate) fn read_report(report: &[u8], complaint: &str, media_type: &str, facts: &mut MediaMetadata) -> Probed {
    match serde_json::from_slice::<Report>(report) {
        Ok(report) if !report.streams.is_empty() => {
            take_report(report, media_type, facts);
            Probed::Found
        }
        Ok(_) => Probed::Corrupt(format!("no streams. {complaint}")),
        Err(error) => Probed::Corrupt(format!("the report of {PROGRAM} is not readable: {error}")),
    }
}

/// How a program ended.
enum Ran {
    Ended { success: bool, report: Vec<u8>, complaint: String },
    LimitReached(&'static str),
}

/// Runs a program with bounded output and time. Both pipes are read by threads of their own, so that neither can block it.
fn run(command: &mut Command, wall_max: Duration) -> IoResult<Ran> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let ended = collect(&mut child, wall_max);
    if !matches!(ended, Ok(Ran::Ended { .. })) {
        // It may be gone already; `wait` below tells.
        child.kill().ok();
    }
    let status = child.wait()?;
    Ok(match ended? {
        Ran::Ended { report, complaint, .. } => Ran::Ended { success: status.success(), report, complaint },
        limit @ Ran::LimitReached(_) => limit,
    })
}

fn collect(child: &mut Child, wall_max: Duration) -> IoResult<Ran> {
    let deadline = Instant::now() + wall_max;
    let (sender, receiver) = mpsc::channel();
    let mut expected = 0;
    if let Some(pipe) = child.stdout.take() {
        read_apart(pipe, REPORT_BYTES_MAX, false, sender.clone());
        expected += 1;
    }
    if let Some(pipe) = child.stderr.take() {
        read_apart(pipe, COMPLAINT_BYTES_MAX, true, sender);
        expected += 1;
    }
    let (mut report, mut complaint) = (Vec::new(), String::new());
    for _ in 0..expected {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Piece { complaint: true, bytes, .. }) => complaint = String::from_utf8_lossy(&bytes?).trim().to_owned(),
            Ok(Piece { too_much: true, .. }) => return Ok(Ran::LimitReached("output")),
            Ok(Piece { bytes, .. }) => report = bytes?,
            Err(_) => return Ok(Ran::LimitReached("time")),
        }
    }
    Ok(Ran::Ended { success: true, report, complaint })
}

/// What one pipe said.
struct Piece {
    complaint: bool,
    bytes: IoResult<Vec<u8>>,
    too_much: bool,
}

/// Reads a pipe to its end and keeps `bytes_max` of it. A report that is longer ends at once, a complaint is read on:
/// a program that is cut off in the middle of one would fail for that alone.
fn read_apart(mut pipe: impl Read + Send + 'static, bytes_max: usize, complaint: bool, sender: mpsc::Sender<Piece>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let first = pipe.by_ref().take(bytes_max as u64 + 1).read_to_end(&mut bytes);
        let too_much = bytes.len() > bytes_max;
        bytes.truncate(bytes_max);
        let mut result = first.map(|_| bytes);
        if complaint && too_much {
            result = result.and_then(|bytes| std::io::copy(&mut pipe, &mut std::io::sink()).map(|_| bytes));
        }
        // The receiver is gone when the time was up: nobody wants the text any more.
        sender.send(Piece { complaint, bytes: result, too_much }).ok();
    });
}

/// `ffprobe` repeats the name it was given, which is of this process and differs from run to run.
fn without_path(complaint: &str, path: &Path) -> String {
    let path = path.to_string_lossy();
    let text = complaint.replace(&format!("file:{path}: "), "").replace(&*path, "the file");
    // Some lines start with a part's name and an address: "[mov,mp4 @ 0x55e0a7c0] moov atom not found".
    let line =
        |line: &str| match line.split_once(" @ 0x").and_then(|(part, rest)| Some((part, rest.split_once(']')?.1))) {
            Some((part, rest)) => format!("{part}]{rest}"),
            None => line.to_owned(),
        };
    text.lines().map(line).collect::<Vec<_>>().join("; ")
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<StreamReport>,
    #[serde(default)]
    format: FormatReport,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FormatReport {
    format_name: String,
    duration: Option<String>,
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StreamReport {
    codec_name: Option<String>,
    codec_tag_string: Option<String>,
    codec_type: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    pix_fmt: Option<String>,
    r_frame_rate: Option<String>,
    avg_frame_rate: Option<String>,
    duration: Option<String>,
    channels: Option<u32>,
    sample_rate: Option<String>,
    start_time: Option<String>,
    color_range: Option<String>,
    color_space: Option<String>,
    color_transfer: Option<String>,
    color_primaries: Option<String>,
    disposition: BTreeMap<String, i64>,
    tags: BTreeMap<String, String>,
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
    max_content: Option<u32>,
    max_average: Option<u32>,
    min_luminance: Option<String>,
    max_luminance: Option<String>,
    dv_profile: Option<u8>,
}

fn take_report(report: Report, media_type: &str, facts: &mut MediaMetadata) {
    facts.method.insert(Method::Ffprobe);
    if facts.container.is_empty() {
        facts.container = container(&report.format.format_name, media_type);
    }
    let duration_ms = report.format.duration.as_deref().and_then(seconds_to_millis);
    for (name, value) in &report.format.tags {
        facts.put_tag("Format", name, value);
    }
    if report.streams.len() > STREAMS_MAX {
        facts.warnings.insert(Warning::StreamsDropped);
    }
    let (mut streams, mut starts) = (Vec::new(), Vec::new());
    for (index, stream) in (0..).zip(report.streams.into_iter().take(STREAMS_MAX)) {
        for (name, value) in &stream.tags {
            facts.put_tag(&format!("Stream{index}"), name, value);
        }
        starts.push(stream.start_time.as_deref().and_then(|text| text.parse::<f64>().ok()).filter(|s| s.is_finite()));
        streams.push(stream.into_stream(index, facts));
    }
    let earliest = starts.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    for (stream, start) in streams.iter_mut().zip(starts) {
        stream.start_ms = start.and_then(|start| millis(start - earliest));
    }
    facts.duration_ms = duration_ms.or_else(|| streams.iter().filter_map(|stream| stream.duration_ms).max());
    facts.streams = streams;
}

/// The first word of FFmpeg's list, with the usual word where that differs.
fn container(format_name: &str, media_type: &str) -> String {
    let webm = media_type.ends_with("/webm");
    match format_name.split(',').next().unwrap_or_default() {
        "matroska" if webm => "webm".to_owned(),
        "matroska" => "mkv".to_owned(),
        "mov" if media_type == "video/quicktime" => "mov".to_owned(),
        "mov" => "mp4".to_owned(),
        other => {
            let word = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_';
            let text: String = other.chars().filter(word).take(32).collect();
            if text.is_empty() { "unknown".to_owned() } else { text }
        }
    }
}

impl StreamReport {
    fn into_stream(self, index: u32, facts: &mut MediaMetadata) -> Stream {
        let kind = match self.codec_type.as_deref() {
            Some("video") if self.disposition.get("attached_pic") == Some(&1) => StreamKind::Picture,
            Some("video") => StreamKind::Video,
            Some("audio") => StreamKind::Audio,
            Some("subtitle") => StreamKind::Subtitle,
            _ => StreamKind::Data,
        };
        let video = kind == StreamKind::Video;
        let average = self.avg_frame_rate.as_deref().and_then(fraction);
        let lowest = self.r_frame_rate.as_deref().and_then(fraction);
        let tag = self.codec_tag_string.as_ref().filter(|tag| !tag.starts_with("[0]")).cloned();
        let colour = self.colour().filter(|_| video);
        Stream {
            index,
            kind,
            codec: self.codec_name.filter(|name| name != "unknown").or(tag).and_then(|name| text_fact(&name)),
            width: self.width.filter(|side| *side > 0),
            height: self.height.filter(|side| *side > 0),
            rotation: if video { rotation(&self.side_data_list, &self.tags, facts) } else { None },
            pixel_format: self.pix_fmt.filter(|name| name != "unknown").and_then(|name| text_fact(&name)),
            frame_rate: average.or(lowest).filter(|_| video),
            variable_frame_rate: average.zip(lowest).filter(|_| video).map(|(average, lowest)| varies(average, lowest)),
            // Matroska keeps the length of a stream in a tag.
            duration_ms: self
                .duration
                .as_deref()
                .and_then(seconds_to_millis)
                .or_else(|| self.tags.get("DURATION").and_then(|text| clock_to_millis(text))),
            channels: self.channels.filter(|channels| *channels > 0),
            sample_rate: self.sample_rate.and_then(|rate| rate.parse().ok()).filter(|rate| *rate > 0),
            // Known once all streams are.
            start_ms: None,
            language: self.tags.get("language").filter(|text| *text != "und").and_then(|text| text_fact(text)),
            colour,
        }
    }

    fn colour(&self) -> Option<Colour> {
        let name = |text: &Option<String>| {
            let said = text.as_deref().filter(|text| !matches!(*text, "unknown" | "reserved" | "unspecified"));
            said.and_then(text_fact)
        };
        let side = |find: fn(&SideData) -> Option<f64>| self.side_data_list.iter().find_map(find);
        let nits = |text: &Option<String>| {
            let fraction = fraction(text.as_deref()?)?;
            rounded(fraction.as_f64(), 4)
        };
        let whole = |nits: Option<f64>| nits.filter(|nits| *nits > 0.0).map(|nits| nits as u32);
        Colour {
            primaries: name(&self.color_primaries),
            transfer: name(&self.color_transfer),
            matrix: name(&self.color_space),
            range: name(&self.color_range).and_then(|range| match range.as_str() {
                "tv" => Some("limited".to_owned()),
                "pc" => Some("full".to_owned()),
                _ => None,
            }),
            content_max_nits: whole(side(|data| data.max_content.map(f64::from))),
            frame_average_max_nits: whole(side(|data| data.max_average.map(f64::from))),
            mastering_min_nits: self.side_data_list.iter().find_map(|data| nits(&data.min_luminance)),
            mastering_max_nits: self.side_data_list.iter().find_map(|data| nits(&data.max_luminance)),
            dolby_vision_profile: self.side_data_list.iter().find_map(|data| data.dv_profile),
        }
        .if_any()
    }
}

/// The clockwise turn: the display matrix (counted counter-clockwise) where there is one, else the tag of old files.
fn rotation(side_data: &[SideData], tags: &BTreeMap<String, String>, facts: &mut MediaMetadata) -> Option<u16> {
    let matrix = side_data.iter().find_map(|data| data.rotation).map(|degrees| -degrees);
    let degrees = matrix.or_else(|| tags.get("rotate").and_then(|text| text.parse().ok()))?;
    let turned = degrees.rem_euclid(360.0);
    for quarter in [0u16, 90, 180, 270] {
        if (turned - f64::from(quarter)).abs() < 0.5 {
            return Some(quarter);
        }
    }
    facts.warnings.insert(Warning::RotationOdd);
    None
}

/// Whether the average differs by more than 1 % from the lowest rate that fits all time stamps. Twice the average is
/// the field rate of interlaced pictures, not another frame rate.
fn varies(average: Rational, lowest: Rational) -> bool {
    let ratio = lowest.as_f64() / average.as_f64();
    (ratio - 1.0).abs() > 0.01 && (ratio - 2.0).abs() > 0.02
}

/// `30000/1001`; `0/0` is none.
fn fraction(text: &str) -> Option<Rational> {
    let (num, den) = text.split_once('/')?;
    Rational::reduced(num.parse().ok()?, den.parse().ok()?)
}

/// `1.566000` seconds.
fn seconds_to_millis(text: &str) -> Option<u64> {
    millis(text.parse::<f64>().ok()?)
}

fn millis(seconds: f64) -> Option<u64> {
    let millis = (seconds * 1000.0).round();
    (millis.is_finite() && (0.0..=SAFE_INTEGER_MAX as f64).contains(&millis)).then_some(millis as u64)
}

/// `00:00:01.566000000`.
fn clock_to_millis(text: &str) -> Option<u64> {
    let mut parts = text.trim().split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let whole: u64 = hours.parse::<u32>().ok().map(u64::from)? * 3_600_000;
    Some(whole + minutes.parse::<u32>().ok().map(u64::from)? * 60_000 + seconds_to_millis(seconds)?)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
