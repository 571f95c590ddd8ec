//! Tests of `video.keyframe` with clips that ffmpeg makes.

use std::fs;
use std::process::Command;

use exhibit_engine::extractor::Outcome;
use serde_json::json;

use super::*;
use crate::testing::{self, Original, Unit};
use crate::webp_blob::Picture;

/// A clip made by ffmpeg from the given arguments; `name` ends with the wanted container.
fn clip(name: &str, arguments: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join(name);
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(&output)
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(made.success(), "ffmpeg {arguments}");
    fs::read(&output).unwrap()
}

/// The poster alone.
fn keyframe(bytes: &[u8], mut params: serde_json::Value) -> Unit {
    params["strip_max"] = json!(0);
    whole(bytes, params)
}

/// Poster and strip.
fn whole(bytes: &[u8], params: serde_json::Value) -> Unit {
    testing::run(make().as_mut(), &DESCRIPTOR, Original::of(bytes, "video/mp4"), params)
}

fn payload(unit: &Unit) -> Keyframe {
    assert_eq!(unit.outcome, Outcome::Done);
    assert_eq!(unit.facts.len(), 1);
    told(unit, 0)
}

fn told(unit: &Unit, fact: usize) -> Keyframe {
    let payload: Keyframe = serde_json::from_value(unit.facts[fact].payload.clone()).unwrap();
    assert_eq!(unit.facts[fact].span_ms, Some((payload.at_ms as i64, payload.at_ms as i64)));
    let picture = unit.picture(fact);
    assert_eq!((payload.width, payload.height), (picture.width, picture.height));
    payload
}

/// Presentation times in milliseconds of all keyframes, as ffprobe lists packets.
fn keyframe_times(bytes: &[u8]) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip");
    fs::write(&file, bytes).unwrap();
    let arguments = "-v error -select_streams v:0 -show_entries packet=pts_time,flags -of csv=p=0";
    let listed = Command::new("ffprobe").args(arguments.split(' ')).arg(&file).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    let keys = text.lines().filter_map(|line| line.split_once(",K")).map(|(time, _)| time.parse::<f64>().unwrap());
    keys.map(|seconds| (seconds * 1000.0).round() as u64).collect()
}

fn assert_near(found: [u8; 4], expected: [u8; 3], what: &str) {
    let near = found.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 24);
    assert!(near, "{what}: {found:?} instead of {expected:?}");
}

fn at(picture: &Picture, x: f32, y: f32) -> [u8; 4] {
    let (x, y) = ((picture.width as f32 * x) as usize, (picture.height as f32 * y) as usize);
    picture.pixels[y * picture.width as usize + x]
}

const TEN_SECONDS: &str =
    "-f lavfi -i testsrc2=size=320x180:rate=25:duration=10 -c:v libx264 -preset ultrafast -g 10 -pix_fmt yuv420p";

/// Red above blue.
const RED_OVER_BLUE: &str = "-f lavfi -i color=red:size=320x180:rate=25:duration=1,drawbox=y=90:h=90:color=blue:t=fill";

#[test]
fn the_keyframe_before_a_tenth_of_the_duration_is_taken() {
    let bytes = clip("a.mp4", TEN_SECONDS);
    let unit = keyframe(&bytes, json!({}));
    let found = payload(&unit);
    assert_eq!((found.at_ms, found.width, found.height), (800, 320, 180), "never enlarged");
    assert_eq!((found.rotation_applied, found.method), (0, Method::KeyframeSeek));
    assert!(keyframe_times(&bytes).contains(&800));
    assert_eq!(unit.facts[0].blob, Some(("poster.webp".to_owned(), "image/webp")));
    assert_eq!(fs::read_dir(unit.scratch.path()).unwrap().count(), 1, "only the poster is left");
    let found = payload(&keyframe(&bytes, json!({"at_permille": 999, "edge": 64})));
    assert_eq!((found.at_ms, found.width, found.height), (9600, 64, 36));
    assert_eq!(payload(&keyframe(&bytes, json!({"at_permille": 0}))).at_ms, 0);
}

#[test]
fn the_same_clip_gives_the_same_bytes() {
    let bytes = clip("a.mp4", TEN_SECONDS);
    assert_eq!(keyframe(&bytes, json!({})).blob(0), keyframe(&bytes, json!({})).blob(0));
}

/// The clip with the display matrix of its only track set to a clockwise turn (ISO/IEC 14496-12 section 8.3.2: 44 bytes after the name
/// of the `tkhd` box of version 0; a point (x, y) of the stored frame is shown at (ax + cy, bx + dy)).
fn turned(plain: &[u8], degrees: u16) -> Vec<u8> {
    let [a, b, c, d]: [i32; 4] = match degrees {
        90 => [0, 1, -1, 0],
        180 => [-1, 0, 0, -1],
        _ => [0, -1, 1, 0],
    };
    let one = 1 << 16;
    let matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30];
    let at = plain.windows(4).position(|name| name == b"tkhd").unwrap() + 44;
    let mut bytes = plain.to_vec();
    bytes[at..at + 36].copy_from_slice(matrix.map(i32::to_be_bytes).as_flattened());
    bytes
}

#[test]
fn a_rotated_clip_is_upright() {
    let plain = clip("plain.mp4", &format!("{RED_OVER_BLUE} -c:v libx264 -pix_fmt yuv420p"));
    // Where the red top and the blue bottom of the stored frame must lie.
    for (degrees, size, red, blue) in [
        (90, (180, 320), (0.9, 0.5), (0.1, 0.5)),
        (180, (320, 180), (0.5, 0.9), (0.5, 0.1)),
        (270, (180, 320), (0.1, 0.5), (0.9, 0.5)),
    ] {
        let unit = keyframe(&turned(&plain, degrees), json!({}));
        let found = payload(&unit);
        assert_eq!((found.rotation_applied, (found.width, found.height)), (degrees, size));
        let picture = unit.picture(0);
        assert_near(at(&picture, red.0, red.1), [254, 0, 0], &format!("red after {degrees}"));
        assert_near(at(&picture, blue.0, blue.1), [0, 0, 254], &format!("blue after {degrees}"));
    }
}

#[test]
fn anamorphic_pixels_become_square() {
    let arguments = format!("{RED_OVER_BLUE} -vf scale=720:576,setsar=64/45 -c:v libx264 -pix_fmt yuv420p");
    let found = payload(&keyframe(&clip("pal.mp4", &arguments), json!({})));
    assert_eq!((found.width, found.height), (1024, 576));
}

#[test]
fn a_variable_rate_gives_the_time_of_the_frame_itself() {
    let arguments = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=6 -vf select='not(mod(n\\,3))+lt(n\\,40)' -vsync vfr \
                     -c:v libx264 -preset ultrafast -g 7 -pix_fmt yuv420p";
    let bytes = clip("vfr.mkv", arguments);
    let times = keyframe_times(&bytes);
    for permille in [0, 300, 700, 999] {
        let found = payload(&keyframe(&bytes, json!({"at_permille": permille})));
        let near = times.iter().any(|time| time.abs_diff(found.at_ms) <= 1);
        assert!(near, "{} is the time of no keyframe: {times:?}", found.at_ms);
    }
}

#[test]
fn a_late_start_is_counted_from_the_start_of_the_container() {
    // Sound from the start, the picture two seconds later.
    let late = "-f lavfi -i sine=duration=6 -itsoffset 2 -f lavfi -i testsrc2=size=160x90:rate=25:duration=4 -map 0:a -map 1:v \
                -c:v libx264 -preset ultrafast -g 25 -c:a aac -pix_fmt yuv420p";
    let bytes = clip("late.mkv", late);
    let found = payload(&keyframe(&bytes, json!({})));
    assert!(found.at_ms.abs_diff(2000) <= 30, "{found:?}");
    let found = payload(&keyframe(&bytes, json!({"at_permille": 700})));
    assert!(found.at_ms.abs_diff(4000) <= 30, "{found:?}");
    // A transport stream starts at 1.4 s of its own clock; its timeline starts there.
    let stream = clip("a.ts", &format!("{TEN_SECONDS} -f mpegts"));
    let found = payload(&keyframe(&stream, json!({"at_permille": 0})));
    assert_eq!(found.at_ms, 0);
    let found = payload(&keyframe(&stream, json!({"at_permille": 500})));
    // It has no index, so seeking may end at the keyframe after the wanted time; the time told is that of the frame all the same.
    assert!((4000..=6000).contains(&found.at_ms) && found.at_ms.is_multiple_of(400), "{found:?}");
}

#[test]
fn clips_of_one_frame_and_without_a_duration_have_posters() {
    let one = clip("one.mp4", "-f lavfi -i color=red:size=64x48:rate=25 -frames:v 1 -c:v libx264 -pix_fmt yuv420p");
    let unit = keyframe(&one, json!({}));
    assert_eq!(payload(&unit).at_ms, 0);
    assert_near(at(&unit.picture(0), 0.5, 0.5), [254, 0, 0], "one frame");
    // A raw stream has neither duration nor index.
    let raw = clip("raw.h264", &format!("{TEN_SECONDS} -f h264"));
    let found = payload(&keyframe(&raw, json!({})));
    assert_eq!((found.width, found.height), (320, 180));
}

#[test]
fn the_strip_has_one_frame_for_each_so_many_seconds() {
    let bytes = clip("a.mp4", TEN_SECONDS);
    let times = |unit: &Unit| {
        let strip: Vec<Keyframe> = (1..unit.facts.len()).map(|fact| told(unit, fact)).collect();
        assert!(strip.iter().all(|frame| frame.role == Role::Strip && (frame.width, frame.height) == (64, 36)));
        strip.iter().map(|frame| frame.at_ms).collect::<Vec<u64>>()
    };
    let unit = whole(&bytes, json!({"strip_every_s": 2, "strip_edge": 64}));
    assert_eq!((told(&unit, 0).role, told(&unit, 0).width), (Role::Poster, 320));
    assert_eq!(times(&unit), [0, 2000, 4000, 6000, 8000]);
    assert_eq!(fs::read_dir(unit.scratch.path()).unwrap().count(), 6, "only blobs are left");
    // Fewer than would be needed are spread over all of it.
    assert_eq!(
        times(&whole(&bytes, json!({"strip_every_s": 1, "strip_max": 4, "strip_edge": 64}))),
        [0, 2400, 4800, 7200]
    );
    assert_eq!(times(&whole(&bytes, json!({"strip_edge": 64}))), [0]);
    // Without a duration it goes on to where nothing new comes.
    let raw = clip("live.mkv", &format!("{TEN_SECONDS} -live 1 -f matroska"));
    let found = times(&whole(&raw, json!({"strip_every_s": 3, "strip_edge": 64})));
    assert!(found.starts_with(&[0, 2800, 6000]), "{found:?}");
}

#[test]
fn rare_keyframes_do_not_pin_everything_to_the_start() {
    let rare =
        "-f lavfi -i testsrc2=size=160x90:rate=25:duration=20 -c:v libx264 -preset ultrafast -g 1000 -pix_fmt yuv420p";
    let unit = whole(&clip("rare.mp4", rare), json!({"at_permille": 500, "strip_every_s": 5}));
    let found: Vec<(u64, Method)> =
        (0..unit.facts.len()).map(|fact| told(&unit, fact)).map(|k| (k.at_ms, k.method)).collect();
    let exact = Method::AccurateSeek;
    let start = Method::KeyframeSeek;
    assert_eq!(found, [(10_000, exact), (0, start), (5_000, exact), (10_000, exact), (15_000, exact)]);
    // What the work may cost is bounded: a second of 8K is within it, a minute is not.
    let video = Video { stream: 0, rotation: 0, width: 7680, height: 4320, transfer: None, duration_ms: None };
    let mut budget = Budget::default();
    assert!(budget.allows(&video, 1_000) && !budget.allows(&video, 60_000) && budget.allows(&video, 1_000));
}

#[test]
fn a_poster_shows_something_where_anything_does() {
    let source = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=10,drawbox=t=fill:color=black:enable='lt(t\\,5)'";
    let bytes = clip("dark.mp4", &format!("{source} -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p"));
    assert_eq!(payload(&keyframe(&bytes, json!({}))).at_ms, 6000, "the first of the places after the dark");
    let black =
        clip("black.mp4", "-f lavfi -i color=black:size=64x48:rate=25:duration=10 -c:v libx264 -g 25 -pix_fmt yuv420p");
    assert_eq!(payload(&keyframe(&black, json!({}))).at_ms, 1000, "all are alike: the wanted one");
}

/// A test picture of ordinary range, as a film of high range whose white is a white page.
fn high_range(curve: &str) -> Vec<u8> {
    let filters = format!(
        "format=gbrp,zscale=tin=iec61966-2-1:pin=bt709:min=gbr:rin=full:t=linear:p=bt709:m=gbr:r=full:npl=203,format=gbrpf32le,\
         zscale=p=bt2020:npl=203,zscale=t={curve}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    );
    let tags = format!("-color_trc {curve} -color_primaries bt2020 -colorspace bt2020nc");
    clip("high.mkv", &format!("{RED_OVER_BLUE} -vf {filters} {tags} -c:v ffv1"))
}

#[test]
fn a_high_range_is_mapped_with_its_colours() {
    for (curve, transfer) in [("smpte2084", Transfer::Pq), ("arib-std-b67", Transfer::Hlg)] {
        let unit = keyframe(&high_range(curve), json!({}));
        let found = payload(&unit);
        assert_eq!((found.transfer, found.tone_mapped), (Some(transfer), Some(true)), "{curve}");
        let (red, blue) = (at(&unit.picture(0), 0.5, 0.25), at(&unit.picture(0), 0.5, 0.75));
        assert!(red[0] > 200 && red[1] < 60 && red[2] < 60, "{curve}: {red:?}");
        assert!(blue[2] > 200 && blue[0] < 60 && blue[1] < 60, "{curve}: {blue:?}");
    }
    let plain = payload(&keyframe(&clip("a.mp4", TEN_SECONDS), json!({})));
    assert_eq!((plain.transfer, plain.tone_mapped), (None, None));
}

#[test]
fn deep_colours_become_eight_bits() {
    let ten_bits =
        clip("deep.mkv", "-f lavfi -i color=blue:size=64x48:rate=25:duration=1 -c:v ffv1 -pix_fmt yuv420p10le");
    let unit = keyframe(&ten_bits, json!({}));
    payload(&unit);
    assert_near(at(&unit.picture(0), 0.5, 0.5), [0, 0, 254], "ten bits");
}

#[test]
fn sound_alone_is_skipped_also_with_a_cover() {
    let sound = clip("sound.mp4", "-f lavfi -i sine=duration=1 -c:a aac");
    assert!(matches!(keyframe(&sound, json!({})).outcome, Outcome::Skipped { reason: "no-video", .. }));
    let cover = "-f lavfi -i sine=duration=1 -f lavfi -i color=red:size=64x64:rate=1:duration=1 -map 0 -map 1 -c:a aac -c:v mjpeg \
                 -pix_fmt yuvj420p -disposition:v:0 attached_pic";
    assert!(matches!(
        keyframe(&clip("cover.mp4", cover), json!({})).outcome,
        Outcome::Skipped { reason: "no-video", .. }
    ));
}

#[test]
fn damaged_clips_are_corrupt_and_leave_nothing() {
    let whole = clip("a.mp4", TEN_SECONDS);
    // The index lies at the end of this file, so half of it has none.
    for bytes in [&whole[..whole.len() / 2], &whole[..40], b"", b"not a video at all, only letters"] {
        let unit = keyframe(bytes, json!({}));
        assert!(
            matches!(&unit.outcome, Outcome::Failed { reason: "corrupt", detail, retryable: false } if !detail.is_empty())
        );
        assert!(unit.facts.is_empty() && fs::read_dir(unit.scratch.path()).unwrap().next().is_none());
    }
}

#[test]
fn a_keyframe_that_is_destroyed_falls_back_to_what_decodes() {
    let mut bytes = clip("a.mkv", &format!("{TEN_SECONDS} -x264-params keyint=250"));
    // The only keyframe lies at the start; a clip that opens on garbage still shows something, or says that it cannot.
    let start = bytes.len() / 200;
    bytes[start..start + 400].fill(0);
    let unit = keyframe(&bytes, json!({}));
    assert!(unit.outcome == Outcome::Done || unit.reason() == Some("corrupt"));
}

#[test]
fn a_playlist_cannot_reach_other_protocols() {
    let list = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n";
    assert_eq!(keyframe(list, json!({})).reason(), Some("corrupt"));
}

#[test]
fn the_tools_say_their_versions() {
    for tool in DESCRIPTOR.tools {
        let version = make().tool_version(tool).unwrap();
        assert!(!version.is_empty() && !version.contains(char::is_whitespace), "{version:?}");
    }
}

#[test]
fn the_kind_file_says_what_the_type_says() {
    let full = Keyframe {
        role: Role::Poster,
        at_ms: 12_345,
        width: 1024,
        height: 1,
        rotation_applied: 270,
        method: Method::KeyframeSeek,
        transfer: Some(Transfer::Hlg),
        tone_mapped: Some(false),
    };
    let others = [Method::AccurateSeek, Method::FirstFrame].map(|method| Keyframe {
        role: Role::Strip,
        method,
        transfer: None,
        tone_mapped: None,
        ..full.clone()
    });
    let samples = [vec![full], others.to_vec()].concat();
    testing::assert_kind_matches(KEYFRAME_KIND_FILE, KEYFRAME, &samples);
}
