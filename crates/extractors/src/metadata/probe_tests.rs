//! Tests of asking `ffprobe`: the report as it prints it, and programs that do not behave.

use serde_json::json;

use super::*;

fn taken(report: serde_json::Value, media_type: &str) -> MediaMetadata {
    let mut facts = MediaMetadata::default();
    take_report(serde_json::from_value(report).unwrap(), media_type, &mut facts);
    facts
}

fn shell(script: &str, wall_max: Duration) -> Ran {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdin(Stdio::null());
    run(&mut command, wall_max).unwrap()
}

#[test]
fn a_report_becomes_streams_duration_and_tags() {
    let facts = taken(
        json!({
            "streams": [
                {
                    "codec_name": "h264", "codec_type": "video", "width": 640, "height": 480, "pix_fmt": "yuvj420p",
                    "r_frame_rate": "24000/1001", "avg_frame_rate": "3840000/239239",
                    "tags": {"DURATION": "00:01:01.566000000", "language": "eng"},
                    "side_data_list": [{"side_data_type": "Display Matrix", "rotation": -90}]
                },
                {"codec_name": "aac", "codec_type": "audio", "channels": 2, "sample_rate": "48000", "duration": "1.5004"},
                {"codec_name": "mjpeg", "codec_type": "video", "width": 9, "height": 9, "disposition": {"attached_pic": 1}},
                {"codec_tag_string": "tmcd", "codec_type": "data"},
                {"codec_name": "subrip", "codec_type": "subtitle"}
            ],
            "format": {"format_name": "matroska,webm", "duration": "61.566000", "tags": {"ENCODER": "Lavf\u{0}58"}}
        }),
        "video/x-matroska",
    );
    assert_eq!((facts.container.as_str(), facts.duration_ms), ("mkv", Some(61_566)));
    let kinds: Vec<StreamKind> = facts.streams.iter().map(|stream| stream.kind).collect();
    let expected = [StreamKind::Video, StreamKind::Audio, StreamKind::Picture, StreamKind::Data, StreamKind::Subtitle];
    assert_eq!(kinds, expected);
    let video = &facts.streams[0];
    assert_eq!((video.rotation, video.variable_frame_rate, video.duration_ms), (Some(90), Some(true), Some(61_566)));
    assert_eq!(video.frame_rate, Some(Rational { num: 3_840_000, den: 239_239 }));
    assert_eq!((facts.streams[1].sample_rate, facts.streams[1].duration_ms), (Some(48_000), Some(1500)));
    assert_eq!(facts.streams[3].codec.as_deref(), Some("tmcd"));
    assert_eq!(facts.tags["Format:ENCODER"], "Lavf\u{FFFD}58");
    assert_eq!(facts.tags["Stream0:language"], "eng");
}

#[test]
fn what_a_report_does_not_know_is_absent() {
    let facts = taken(
        json!({"streams": [{"codec_type": "video", "codec_tag_string": "[0][0][0][0]", "width": 0, "r_frame_rate": "0/0",
            "avg_frame_rate": "0/0", "duration": "N/A", "sample_rate": "x"}], "format": {"format_name": "Ünknown!"}}),
        "video/x-odd",
    );
    let video = &facts.streams[0];
    assert_eq!((video.width, video.frame_rate, video.variable_frame_rate, video.duration_ms), (None, None, None, None));
    assert_eq!((video.codec.as_deref(), video.rotation, facts.duration_ms), (None, None, None));
    assert_eq!(facts.container, "nknown");
}

#[test]
fn turns_are_quarters_and_counted_clockwise() {
    let mut facts = MediaMetadata::default();
    let of = |degrees: f64, facts: &mut MediaMetadata| {
        rotation(&[SideData { rotation: Some(degrees), ..SideData::default() }], &BTreeMap::new(), facts)
    };
    for (degrees, turn) in [(0.0, 0), (-90.0, 90), (90.0, 270), (180.0, 180), (-180.0, 180), (270.0, 90), (359.9, 0)] {
        let turn = if degrees == 359.9 { None } else { Some(turn) };
        assert_eq!(of(degrees, &mut MediaMetadata::default()), turn.or(Some(0)), "{degrees}");
    }
    assert!(facts.warnings.is_empty());
    assert_eq!(of(30.0, &mut facts), None);
    assert_eq!(facts.warnings, [Warning::RotationOdd].into());
    let tags = BTreeMap::from([("rotate".to_owned(), "90".to_owned())]);
    assert_eq!(rotation(&[], &tags, &mut facts), Some(90));
}

#[test]
fn field_rates_are_no_variable_frame_rate() {
    let rate = |num| Rational { num, den: 1 };
    assert!(!varies(rate(25), rate(25)) && !varies(rate(25), rate(50)));
    assert!(varies(rate(24), rate(90_000)) && varies(rate(20), rate(30)));
}

#[test]
fn numbers_that_are_none_are_refused() {
    for text in ["", "N/A", "nan", "inf", "-1", "1e300"] {
        assert_eq!(seconds_to_millis(text), None, "{text}");
    }
    for text in ["", "1:2", "x:0:0", "0:-1:0", "99999999999:0:0"] {
        assert_eq!(clock_to_millis(text), None, "{text}");
    }
    for text in ["0/0", "1/0", "25", "-1/2", "99999999999/1"] {
        assert_eq!(fraction(text), None, "{text}");
    }
}

#[test]
fn a_program_that_never_ends_or_never_stops_talking_is_stopped() {
    assert!(matches!(shell("exec tail -f /dev/null", Duration::from_millis(50)), Ran::LimitReached("time")));
    assert!(matches!(shell("exec yes", Duration::from_secs(60)), Ran::LimitReached("output")));
    let Ran::Ended { success, report, complaint } =
        shell("head -c 200000 /dev/zero | tr '\\0' e >&2; echo fine; exit 3", Duration::from_secs(60))
    else {
        panic!("stopped")
    };
    assert_eq!((success, report.as_slice(), complaint.len()), (false, &b"fine\n"[..], COMPLAINT_BYTES_MAX));
}

#[test]
fn complaints_do_not_name_this_process() {
    let path = Path::new("/proc/4711/fd/9");
    let complaint = "[mov,mp4 @ 0x55e0a7c0] moov atom not found\nfile:/proc/4711/fd/9: Invalid data found";
    assert_eq!(without_path(complaint, path), "[mov,mp4] moov atom not found; Invalid data found");
}
