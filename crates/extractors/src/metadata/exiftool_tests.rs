//! Side by side with other readers: files that ffmpeg draws and `exiftool` tags, read by `exiftool`, by `ffprobe` and here.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::test_files::{self, Heic};
use super::*;
use crate::testing::{self, Original};

/// Words that a person searches for, and where a camera stood; `exiftool` writes them into every format that can hold them.
const STILL_TAGS: &str = "-XMP-dc:Title=Opera -XMP-dc:Subject=harbour -XMP-dc:Subject=sea -XMP-xmp:Rating=4 -XMP-xmp:Label=Red \
    -XMP-dc:Creator=Ann -XMP-lr:HierarchicalSubject=Places|Sydney -EXIF:Make=Acme -EXIF:Model=Box \
    -EXIF:DateTimeOriginal=2019:05:04~13:22:01 -EXIF:OffsetTimeOriginal=+02:00 -EXIF:ISO=400 -EXIF:FNumber=2.8 \
    -EXIF:ExposureTime=1/200 -EXIF:FocalLength=4.25 -GPSLatitude=33.8568 -GPSLatitudeRef=S -GPSLongitude=151.2153 \
    -GPSLongitudeRef=E -GPSAltitude=2.5 -GPSAltitudeRef#=1 -GPSImgDirection=271.5 -GPSImgDirectionRef=T -EXIF:Orientation#=6";
const FILM_TAGS: &str = "-XMP-dc:Title=Opera -XMP-dc:Subject=harbour -XMP-dc:Subject=sea -XMP-xmp:Rating=4 -XMP-xmp:Label=Red \
    -XMP-dc:Creator=Ann -XMP-lr:HierarchicalSubject=Places|Sydney -Keys:CreationDate=2019:05:04~13:22:01+02:00 \
    -Keys:GPSCoordinates=-33.8568,151.2153,12.5 -Keys:Make=Acme -Keys:Model=Box";

fn run(program: &str, folder: &Path, arguments: &str, file: &str) -> String {
    // A blank inside an argument is written as `~`.
    let arguments = arguments.split_whitespace().map(|word| word.replace('~', " "));
    let output = Command::new(program).args(arguments).arg(file).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program} {file}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A file that ffmpeg draws and `exiftool` tags: what `exiftool` reads of it, and what is read here.
fn read_both(name: &str, drawn: &str, tags: &str, media_type: &str) -> (Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    run("ffmpeg", folder.path(), &format!("-nostdin -v error -y {drawn}"), name);
    run("exiftool", folder.path(), &format!("-q -overwrite_original {tags}"), name);
    let theirs: Value = serde_json::from_str(&run("exiftool", folder.path(), "-j -n -G0", name)).unwrap();
    (theirs[0].clone(), read_here(&folder.path().join(name), media_type))
}

fn read_here(file: &Path, media_type: &str) -> Value {
    let bytes = fs::read(file).unwrap();
    let unit = testing::run(make().as_mut(), &DESCRIPTOR, Original::of(&bytes, media_type), serde_json::json!({}));
    assert_eq!(unit.outcome, Outcome::Done, "{file:?}");
    unit.facts[0].payload.clone()
}

#[track_caller]
fn assert_near(ours: &Value, theirs: &Value) {
    let (ours, theirs) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
    assert!((ours - theirs).abs() < 1e-5, "{ours} and {theirs}");
}

#[track_caller]
fn assert_same_words(name: &str, theirs: &Value, ours: &Value) {
    let said = &ours["description"];
    assert_eq!(said["title"], theirs["XMP:Title"], "{name}");
    assert_eq!(said["keywords"], theirs["XMP:Subject"], "{name}");
    assert_eq!(said["keyword_paths"][0], theirs["XMP:HierarchicalSubject"], "{name}");
    assert_eq!(said["creators"][0], theirs["XMP:Creator"], "{name}");
    assert_eq!((&said["rating"], &said["label"]), (&theirs["XMP:Rating"], &theirs["XMP:Label"]), "{name}");
    assert_eq!(ours["warnings"], serde_json::json!([]), "{name}");
}

#[test]
fn stills_say_here_what_exiftool_reads() {
    for (name, media_type) in [
        ("a.jpg", "image/jpeg"),
        ("a.png", "image/png"),
        ("a.tiff", "image/tiff"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
    ] {
        let drawn = "-f lavfi -i testsrc=size=64x48:rate=1 -frames:v 1";
        let (theirs, ours) = read_both(name, drawn, STILL_TAGS, media_type);
        assert_same_words(name, &theirs, &ours);
        assert_eq!((&ours["width"], &ours["height"]), (&Value::from(64), &Value::from(48)), "{name}");
        assert_eq!((&ours["camera"]["make"], &ours["camera"]["model"]), (&theirs["EXIF:Make"], &theirs["EXIF:Model"]));
        let exposure = &ours["exposure"];
        assert_eq!(exposure["iso"], theirs["EXIF:ISO"], "{name}");
        assert_near(&exposure["f_number"], &theirs["EXIF:FNumber"]);
        assert_near(&exposure["focal_length_mm"], &theirs["EXIF:FocalLength"]);
        let time = exposure["time_s"]["num"].as_f64().unwrap() / exposure["time_s"]["den"].as_f64().unwrap();
        assert_near(&time.into(), &theirs["EXIF:ExposureTime"]);
        let gps = &ours["gps"];
        assert_near(&gps["latitude"], &theirs["Composite:GPSLatitude"]);
        assert_near(&gps["longitude"], &theirs["Composite:GPSLongitude"]);
        assert_near(&gps["altitude_m"], &theirs["Composite:GPSAltitude"]);
        assert_near(&gps["direction_deg"], &theirs["EXIF:GPSImgDirection"]);
        let captured = theirs["Composite:SubSecDateTimeOriginal"].as_str().unwrap();
        let (date, time) = captured.split_once(' ').unwrap();
        assert_eq!(ours["captured"]["at"], format!("{}T{time}", date.replace(':', "-")), "{name}");
        let stated = if name == "a.avif" { &ours["exif_orientation"] } else { &ours["orientation"] };
        assert_eq!(stated, &theirs["EXIF:Orientation"], "{name}");
        let upright = if name == "a.avif" { 64 } else { 48 };
        assert_eq!(ours["oriented_width"], upright, "{name}");
    }
}

#[test]
fn films_say_here_what_exiftool_reads() {
    for (name, media_type) in [("a.mp4", "video/mp4"), ("a.mov", "video/quicktime")] {
        let drawn = "-f lavfi -i testsrc=size=64x48:rate=10:duration=1 -f lavfi -i sine=duration=1 -c:v libx264 \
                     -pix_fmt yuv420p";
        let (theirs, ours) = read_both(name, drawn, FILM_TAGS, media_type);
        assert_same_words(name, &theirs, &ours);
        assert_eq!(
            (&ours["width"], &ours["height"]),
            (&theirs["QuickTime:ImageWidth"], &theirs["QuickTime:ImageHeight"])
        );
        assert_eq!(ours["camera"]["make"], theirs["QuickTime:Make"], "{name}");
        assert_near(&ours["gps"]["latitude"], &theirs["Composite:GPSLatitude"]);
        assert_near(&ours["gps"]["altitude_m"], &theirs["Composite:GPSAltitude"]);
        assert_eq!(theirs["QuickTime:CreationDate"], "2019:05:04 13:22:01+02:00");
        assert_eq!(
            (&ours["captured"]["at"], &ours["captured"]["source"]),
            (&"2019-05-04T13:22:01+02:00".into(), &"container_offset".into())
        );
        let seconds = theirs["QuickTime:Duration"].as_f64().unwrap();
        assert_eq!(ours["duration_ms"].as_f64().unwrap(), (seconds * 1000.0).round(), "{name}");
    }
}

/// The box reader and `ffprobe` say the same of streams that start late, are turned, vary, or glow.
#[test]
fn streams_are_the_same_whether_boxes_or_ffprobe_tell() {
    let source = "-f lavfi -i testsrc=size=64x48:rate=10:duration=1";
    let cases = [
        ("late", format!("{source} -itsoffset 0.5 -f lavfi -i sine=duration=1 -map 0 -map 1 -c:v libx264")),
        ("turned", format!("{source} -c:v libx264")),
        ("varying", format!("{source} -vf select='not(eq(n,3)+eq(n,4))' -vsync vfr -c:v libx264")),
        (
            "hdr",
            format!(
                "{source} -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc \
                 -color_range tv -movflags +write_colr -c:v libx264"
            ),
        ),
    ];
    for (name, drawn) in cases {
        let folder = tempfile::tempdir().unwrap();
        run("ffmpeg", folder.path(), &format!("-nostdin -v error -y {drawn}"), "a.mp4");
        let mut file = folder.path().join("a.mp4");
        if name == "turned" {
            // Only a copy keeps the turn.
            let copy = "-nostdin -v error -i a.mp4 -c copy -metadata:s:v rotate=90 -metadata:s:v language=deu";
            run("ffmpeg", folder.path(), copy, "b.mp4");
            file.set_file_name("b.mp4");
        }
        let boxes = read_here(&file, "video/mp4");
        let probed = read_here(&file, "video/x-matroska");
        assert_eq!((&boxes["method"][0], &probed["method"][0]), (&"isobmff".into(), &"ffprobe".into()));
        for (ours, theirs) in boxes["streams"].as_array().unwrap().iter().zip(probed["streams"].as_array().unwrap()) {
            let mut fields = vec![
                "codec",
                "width",
                "height",
                "pixel_format",
                "variable_frame_rate",
                "channels",
                "sample_rate",
                "colour",
            ];
            if name == "turned" {
                fields.extend(["rotation", "language"]);
            }
            for field in fields {
                assert_eq!(ours[field], theirs[field], "{name}: {field} of {ours}");
            }
            let starts = [&ours["start_ms"], &theirs["start_ms"]].map(|start| start.as_f64().unwrap());
            assert!((starts[0] - starts[1]).abs() <= 1.0, "{name}: {ours} and {theirs}");
        }
        match name {
            "late" => assert!(boxes["streams"][1]["start_ms"].as_u64().unwrap() >= 470, "{boxes}"),
            "turned" => assert_eq!((&boxes["oriented_width"], &probed["oriented_width"]), (&48.into(), &48.into())),
            "varying" => assert_eq!(boxes["streams"][0]["variable_frame_rate"], true),
            _ => assert_eq!(boxes["streams"][0]["colour"]["transfer"], "smpte2084"),
        }
    }
}

#[test]
fn recordings_say_what_is_played() {
    let tags = "-metadata title=Opening -metadata artist=Band -metadata album=Songs -metadata album_artist=All \
                -metadata track=3/12 -metadata disc=1 -metadata genre=Lied -metadata date=1838 -metadata composer=Clara";
    for (name, media_type) in [
        ("a.m4a", "audio/mp4"),
        ("a.mp3", "audio/mpeg"),
        ("a.ogg", "audio/ogg"),
        ("a.flac", "audio/flac"),
        ("a.mka", "audio/x-matroska"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        run("ffmpeg", folder.path(), &format!("-nostdin -v error -y -f lavfi -i sine=duration=0.2 {tags}"), name);
        let ours = read_here(&folder.path().join(name), media_type);
        let music = serde_json::json!({"artist": "Band", "album": "Songs", "album_artist": "All", "composer": "Clara",
            "genre": "Lied", "released": "1838", "track": 3, "disc": 1});
        assert_eq!((&ours["music"], &ours["description"]["title"]), (&music, &"Opening".into()), "{name}: {ours}");
        // The year of an album is not when it was recorded.
        assert_ne!(ours["captured"]["tag"], "ItemList:\u{A9}day", "{name}");
    }
}

#[test]
fn the_title_of_a_track_is_not_the_title_of_the_film() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = "-nostdin -v error -y -f lavfi -i sine=duration=0.2 -metadata:s:a:0 title=Commentary -metadata:s:a:0 language=eng";
    run("ffmpeg", folder.path(), drawn, "a.mka");
    let ours = read_here(&folder.path().join("a.mka"), "audio/x-matroska");
    assert_eq!((&ours["description"], &ours["music"]), (&Value::Null, &Value::Null), "{ours}");
    assert_eq!(
        (&ours["streams"][0]["language"], &ours["tags"]["Stream0:title"]),
        (&"eng".into(), &"Commentary".into())
    );
}

/// The files that are made byte by byte for the tests of this folder are what their names say, in the eyes of another reader.
#[test]
fn exiftool_reads_the_files_that_are_made_for_these_tests() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, media_type) in [
        ("a.heic", test_files::heic(&Heic::full()), "image/heic"),
        ("a.cr3", test_files::cr3(), "image/x-canon-cr3"),
        ("a.raf", test_files::raf(), "image/x-fuji-raf"),
        (
            "a.jpg",
            test_files::with_xmp(&test_files::jpeg(Some(&test_files::full_exif(test_files::Order::Big)), 40, 30)),
            "image/jpeg",
        ),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
        let theirs: Value = serde_json::from_str(&run("exiftool", folder.path(), "-j -n -G0", name)).unwrap();
        let (theirs, ours) = (&theirs[0], read_here(&folder.path().join(name), media_type));
        assert_eq!(
            (&ours["camera"]["make"], &ours["camera"]["model"]),
            (&theirs["EXIF:Make"], &theirs["EXIF:Model"]),
            "{name}"
        );
        assert_eq!(ours["exposure"]["iso"], theirs["EXIF:ISO"], "{name}");
        assert_near(&ours["gps"]["latitude"], &theirs["Composite:GPSLatitude"]);
        assert_near(&ours["gps"]["altitude_m"], &theirs["Composite:GPSAltitude"]);
        let at = ours["captured"]["at"].as_str().unwrap();
        let local = at.split_once('.').unwrap().0.replace('-', ":").replace('T', " ");
        assert_eq!(local, theirs["EXIF:DateTimeOriginal"], "{name}");
        if name != "a.raf" {
            assert_eq!(ours["description"]["rating"], theirs["XMP:Rating"], "{name}");
            assert_eq!(ours["description"]["creators"], theirs["XMP:Creator"], "{name}");
        }
        if name.ends_with("heic") {
            assert_eq!((&ours["width"], &ours["height"]), (&theirs["File:ImageWidth"], &theirs["File:ImageHeight"]));
            assert_eq!(ours["streams"][0]["rotation"], 90);
            // Both count from the boxes; `exiftool` prints the turn that is needed, in degrees.
            assert_eq!(theirs["QuickTime:Rotation"], 270, "{theirs}");
        }
    }
    fs::write(folder.path().join("m.jpg"), test_files::samsung_jpeg()).unwrap();
    let theirs: Value = serde_json::from_str(&run("exiftool", folder.path(), "-j -n -G0", "m.jpg")).unwrap();
    let ours = read_here(&folder.path().join("m.jpg"), "image/jpeg");
    let length = ours["motion_photo"]["length_bytes"].to_string();
    let said = theirs[0]["MakerNotes:EmbeddedVideoFile"].as_str().unwrap_or_default();
    assert!(said.contains(&format!(" {length} bytes")), "{theirs}");
}
