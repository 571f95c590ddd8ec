//! Tests of films, recordings and speech: what ffmpeg and ffprobe find in them is what the truth says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::*;

fn run(program: &str, arguments: &[&str], path: &Path) -> Vec<u8> {
    let (before, after) = arguments.split_at(arguments.iter().position(|word| *word == "FILE").unwrap());
    let output = Command::new(program).args(before).arg(path).args(&after[1..]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn videos_have_their_rotation_and_cuts_where_the_truth_says() {
    let (dir, truth) = sample(0, 6, 3);
    let mut rotations = BTreeSet::new();
    for file in truth.files.iter().filter(|file| file.video.is_some()) {
        let (video, path) = (file.video.as_ref().unwrap(), at(dir.path(), &file.at.raw()));
        let report = run("ffprobe", &["-v", "error", "-of", "json", "-show_streams", "-show_format", "FILE"], &path);
        let report: Value = serde_json::from_slice(&report).unwrap();
        let streams = report["streams"].as_array().unwrap();
        let picture = streams.iter().find(|stream| stream["codec_type"] == "video").unwrap();
        let turned = picture["side_data_list"][0]["rotation"].as_i64().unwrap_or(0);
        assert_eq!((-turned).rem_euclid(360), i64::from(video.rotation_clockwise));
        assert_eq!(picture["width"], video.stored_width);
        assert_eq!(picture["nb_frames"], video.frames.to_string());
        assert_eq!(streams.len(), if video.has_sound { 2 } else { 1 });
        let created = report["format"]["tags"]["creation_time"].as_str().unwrap();
        assert_eq!(Timestamp::parse(created), Timestamp::parse(&file.capture.as_ref().unwrap().at));
        let small = ["-v", "error", "-i", "FILE", "-vf", "scale=8:8", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"];
        let frames = run("ffmpeg", &small, &path);
        let frames: Vec<&[u8]> = frames.chunks_exact(8 * 8 * 3).collect();
        assert_eq!(frames.len(), video.frames as usize);
        let jump = |pair: &[&[u8]]| {
            let sum: u32 = pair[0].iter().zip(pair[1]).map(|(left, right)| u32::from(left.abs_diff(*right))).sum();
            sum / 192 > 20
        };
        let cuts = frames.windows(2).enumerate().filter(|(_, pair)| jump(pair));
        let cuts: Vec<u64> =
            cuts.map(|(index, _)| (index as u64 + 1) * 1000 / u64::from(video.frame_rate.unwrap())).collect();
        assert_eq!(cuts, video.cuts_ms, "{:?}", file.at);
        rotations.insert(video.rotation_clockwise);
    }
    assert_eq!(rotations.into_iter().collect::<Vec<_>>(), [0, 90, 180, 270]);
    assert!(truth.tools["ffmpeg"].starts_with("ffmpeg version"));
}

/// Makes one film and writes it where ffmpeg can read it.
fn film(index: u32) -> (tempfile::TempDir, std::path::PathBuf, Made) {
    let dir = tempfile::tempdir().unwrap();
    let workplace = Workplace { folder: dir.path().to_owned() };
    let options = SampleOptions { photos: 0, videos: 24, seed: 5, formats: Formats::All };
    let made = film::make(&options, index, &workplace).unwrap().made.remove(0);
    let path = dir.path().join("film");
    std::fs::write(&path, &made.bytes).unwrap();
    (dir, path, made)
}

/// Times in milliseconds of the packets of a stream, and the report of ffprobe.
fn packets(path: &Path, stream: &str) -> Vec<f64> {
    let arguments =
        ["-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time", "-of", "csv=p=0", "FILE"];
    let text = String::from_utf8(run("ffprobe", &arguments, path)).unwrap();
    let time = |line: &str| line.trim_matches(',').parse::<f64>().map(|seconds| seconds * 1000.0);
    text.lines().filter_map(|line| time(line).ok()).collect()
}

fn report(path: &Path) -> Value {
    let report = run("ffprobe", &["-v", "error", "-of", "json", "-show_streams", "-show_format", "FILE"], path);
    serde_json::from_slice(&report).unwrap()
}

#[test]
fn unevenly_spaced_frames_have_the_times_that_the_truth_says() {
    let (_dir, path, made) = film(6);
    let truth = made.video.unwrap();
    let mut times = packets(&path, "v");
    times.sort_by(f64::total_cmp);
    assert_eq!(times.len(), truth.frame_times_ms.len());
    for (found, expected) in times.iter().zip(&truth.frame_times_ms) {
        assert!((found - *expected as f64).abs() < 0.5, "{found} is not {expected}");
    }
    assert_eq!((truth.frame_rate, truth.has_sound), (None, false));
    let steps: BTreeSet<u64> = truth.frame_times_ms.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps.into_iter().collect::<Vec<_>>(), [20, 40, 80, 120]);
}

#[test]
fn late_sound_begins_late() {
    let (_dir, path, made) = film(8);
    let starts = made.video.unwrap().sound_starts_ms.unwrap() as f64;
    // The first packet of AAC is a lead-in that is not played.
    let first = packets(&path, "a")[0];
    assert!((first - starts).abs() < 30.0, "{first}");
    assert!(packets(&path, "v")[0].abs() < 1.0);
}

#[test]
fn what_says_no_length_says_none_and_high_range_is_tagged() {
    let (_dir, path, made) = film(10);
    assert!(!made.video.unwrap().says_duration);
    assert_eq!(report(&path)["format"]["duration"], Value::Null, "a stream that was written while it was sent");
    let (_dir, _, made) = film(9);
    assert!(made.bytes.windows(4).any(|name| name == b"moof") && !made.bytes.windows(4).any(|name| name == b"mehd"));
    let (_dir, path, made) = film(11);
    let stream = report(&path)["streams"].as_array().unwrap().iter().find(|one| one["codec_type"] == "video").cloned();
    let stream = stream.unwrap();
    assert_eq!(stream["color_transfer"], made.video.unwrap().transfer.unwrap());
    assert_eq!((&stream["codec_name"], &stream["pix_fmt"]), (&"hevc".into(), &"yuv420p10le".into()));
}

#[test]
fn containers_and_codecs_are_those_of_the_truth() {
    for index in [10, 11, 13, 14] {
        let (_dir, path, made) = film(index);
        let streams = report(&path)["streams"].as_array().unwrap().clone();
        let mut codecs: Vec<String> =
            streams.iter().map(|one| one["codec_name"].as_str().unwrap().to_owned()).collect();
        codecs.sort_by_key(|codec| !["h264", "hevc", "mjpeg", "vp8"].contains(&codec.as_str()));
        let truth = made.video.unwrap();
        assert_eq!(codecs, truth.codecs, "film {index}");
        let head = &made.bytes[..made.bytes.len().min(SNIFF_BYTES)];
        assert_eq!(detect(head, &made.path), made.media_type, "film {index}");
        assert_eq!(packets(&path, "v").len(), truth.frames as usize, "film {index}");
    }
}

/// How loud each millisecond of a file's sound is, 0 to 32767.
fn loudness(path: &Path) -> Vec<u16> {
    let raw = run("ffmpeg", &["-v", "error", "-i", "FILE", "-ac", "1", "-ar", "16000", "-f", "s16le", "pipe:1"], path);
    let samples: Vec<u16> =
        raw.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs()).collect();
    samples.chunks(16).map(|window| window.iter().copied().max().unwrap_or(0)).collect()
}

/// What codecs and containers may move, in milliseconds: a frame of MP3 or AAC at 16 kHz and its lead-in.
const SLACK_MS: usize = 160;

#[track_caller]
fn is_heard(loud: &[u16], spoken: &[TimedText]) {
    let mut silence_from = 0;
    for phrase in spoken {
        let (start, end) = (phrase.start_ms as usize, phrase.end_ms as usize);
        assert!(end > start + 150 && start > silence_from, "{phrase:?}");
        let said = loud[start..end.min(loud.len())].iter().filter(|loud| **loud > 300).count();
        assert!(said * 3 > end - start, "{phrase:?} is heard");
        let quiet = &loud[silence_from..start - SLACK_MS];
        assert!(quiet.iter().all(|loud| *loud < 300), "before {phrase:?} nothing is heard");
        silence_from = end + SLACK_MS;
    }
    assert!(!spoken.is_empty());
}

#[test]
fn known_words_are_heard_when_the_truth_says() {
    let (_dir, path, made) = film(7);
    let truth = made.video.unwrap();
    is_heard(&loudness(&path), &truth.spoken);
    assert!(truth.spoken.last().unwrap().end_ms < truth.duration_ms);
    let options = SampleOptions { photos: 0, videos: 12, seed: 5, formats: Formats::All };
    assert_eq!(recording::count(&options), 3);
    let dir = tempfile::tempdir().unwrap();
    let workplace = Workplace { folder: dir.path().to_owned() };
    let mut codecs = Vec::new();
    for index in 0..3 {
        let made = recording::make(&options, index, &workplace).unwrap().made.remove(0);
        let path = dir.path().join("recording");
        std::fs::write(&path, &made.bytes).unwrap();
        let (audio, report) = (made.audio.unwrap(), report(&path));
        is_heard(&loudness(&path), &audio.spoken);
        assert_eq!(report["streams"][0]["codec_name"], audio.codec.as_str());
        assert_eq!(report["streams"][0]["sample_rate"], audio.sample_rate.to_string());
        let seconds: f64 = report["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!((seconds * 1000.0 - audio.duration_ms as f64).abs() < 200.0, "{seconds}");
        codecs.push(audio.codec);
    }
    assert_eq!(codecs, ["pcm_s16le", "aac", "mp3"]);
}

#[test]
fn words_are_on_the_screen_when_the_truth_says() {
    let (_dir, path, made) = film(15);
    let truth = made.video.unwrap();
    let rate = u64::from(truth.frame_rate.unwrap());
    // White letters on a black box in the middle: a frame with neither shows no words.
    let arguments = ["-v", "error", "-i", "FILE", "-vf", "crop=100:30", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"];
    let frames = run("ffmpeg", &arguments, &path);
    let shows = |frame: &[u8]| {
        let count = |test: &dyn Fn(u8) -> bool| frame.iter().filter(|value| test(**value)).count();
        count(&|value| value > 225) > 150 && count(&|value| value < 30) > 600
    };
    let found: Vec<bool> = frames.chunks_exact(100 * 30).map(shows).collect();
    assert_eq!(found.len(), truth.frames as usize);
    for (frame, shown) in found.iter().enumerate() {
        let at = frame as u64 * 1000 / rate;
        let expected = truth.screen_text.iter().any(|line| (line.start_ms..line.end_ms).contains(&at));
        assert_eq!(*shown, expected, "frame {frame} at {at} ms: {:?}", truth.screen_text);
    }
    assert!(found.contains(&true) && found.contains(&false));
}
