//! Holds the payload types and the kind file together, and guards the version by golden output.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::payload::*;
use super::test_files::{self, Order};
use super::*;

/// A payload with every optional field set.
fn full() -> MediaMetadata {
    let ratio = Rational { num: 30_000, den: 1001 };
    MediaMetadata {
        container: "mov".into(),
        width: Some(640),
        height: Some(360),
        oriented_width: Some(360),
        oriented_height: Some(640),
        orientation: Some(6),
        exif_orientation: Some(1),
        duration_ms: Some(SAFE_INTEGER_MAX),
        streams: vec![Stream {
            index: 0,
            kind: StreamKind::Video,
            codec: Some("h264".into()),
            width: Some(640),
            height: Some(360),
            rotation: Some(90),
            pixel_format: Some("yuv420p".into()),
            frame_rate: Some(ratio),
            variable_frame_rate: Some(false),
            duration_ms: Some(2002),
            channels: Some(2),
            sample_rate: Some(48_000),
            start_ms: Some(40),
            language: Some("deu".into()),
            colour: Some(Colour {
                primaries: Some("bt2020".into()),
                transfer: Some("smpte2084".into()),
                matrix: Some("bt2020nc".into()),
                range: Some("limited".into()),
                content_max_nits: Some(1000),
                frame_average_max_nits: Some(400),
                mastering_min_nits: Some(0.005),
                mastering_max_nits: Some(1000.0),
                dolby_vision_profile: Some(8),
            }),
        }],
        camera: Some(Camera {
            make: Some("Acme".into()),
            model: Some("Box 1".into()),
            lens_make: Some("Glass".into()),
            lens_model: Some("Glass 26".into()),
            software: Some("Dark Room 3".into()),
        }),
        exposure: Some(Exposure {
            time_s: Some(Rational { num: 1, den: 200 }),
            f_number: Some(2.8),
            iso: Some(400),
            focal_length_mm: Some(4.25),
            focal_length_35mm: Some(26),
        }),
        gps: Some(Gps {
            latitude: -33.8568,
            longitude: 151.2153,
            altitude_m: Some(-2.5),
            direction_deg: Some(271.5),
            direction_reference: Some(North::True),
            at: Some("2019-05-04T11:22:00Z".into()),
            source: GpsSource::Exif,
        }),
        captured: Some(Captured {
            at: "2019-05-04T13:22:01.5+02:00".into(),
            sort_at: "2019-05-04T11:22:01.5Z".into(),
            source: CapturedSource::ExifOffset,
            tag: "DateTimeOriginal".into(),
            floating: false,
            offset: Some("+02:00".into()),
            offset_method: Some(OffsetMethod::Stated),
        }),
        description: Some(Description {
            title: Some("Opera".into()),
            text: Some("The opera from the ferry".into()),
            creators: vec!["Ann".into(), "Ben".into()],
            copyright: Some("Ann".into()),
            keywords: vec!["harbour".into()],
            keyword_paths: vec!["Places|Australia|Sydney".into()],
            rating: Some(-1),
            label: Some("Red".into()),
        }),
        music: Some(Music {
            artist: Some("The Band".into()),
            album: Some("The Album".into()),
            album_artist: Some("All".into()),
            composer: Some("Clara".into()),
            genre: Some("Lied".into()),
            released: Some("1838".into()),
            track: Some(3),
            disc: Some(1),
        }),
        motion_photo: Some(MotionPhoto {
            form: MotionForm::MicroVideo,
            offset_bytes: 1000,
            length_bytes: 2000,
            still_at_us: Some(500_000),
        }),
        content_identifier: Some("6F0A4C4E".into()),
        sidecar_for_extension: Some("DNG".into()),
        tags: BTreeMap::from([("IFD0:Make".into(), "Acme".into())]),
        warnings: [
            Warning::ExifDamaged,
            Warning::GpsRefused,
            Warning::MotionVideoMissing,
            Warning::RotationOdd,
            Warning::StreamsDropped,
            Warning::StructureDamaged,
            Warning::TagsDropped,
            Warning::Truncated,
            Warning::XmpDamaged,
            Warning::XmpDropped,
        ]
        .into(),
        method: [
            Method::Exif,
            Method::Ffprobe,
            Method::Heif,
            Method::ImageHeader,
            Method::Isobmff,
            Method::RawHeader,
            Method::Xmp,
        ]
        .into(),
    }
}

fn kind_file() -> Value {
    serde_json::from_str(METADATA_KIND_FILE).unwrap()
}

/// Every object of the sample has exactly the fields that its schema declares, and refuses another.
fn assert_same_fields(schema: &Value, sample: &Value, path: &str) {
    if let Some(items) = sample.as_array() {
        items.iter().for_each(|item| assert_same_fields(&schema["items"], item, path));
    }
    let (Some(object), Some(declared)) = (sample.as_object(), schema["properties"].as_object()) else { return };
    assert_eq!(schema["additionalProperties"], false, "{path}");
    assert_eq!(declared.keys().collect::<Vec<_>>(), object.keys().collect::<Vec<_>>(), "fields of {path}");
    for (name, value) in object {
        assert_same_fields(&declared[name], value, &format!("{path}/{name}"));
    }
}

#[test]
fn the_types_and_the_kind_file_have_the_same_fields() {
    let kind = kind_file();
    assert_eq!((&kind["kind"], &kind["version"]), (&json!(METADATA.0), &json!(METADATA.1)));
    let sample = serde_json::to_value(full()).unwrap();
    assert_same_fields(&kind["schema"], &sample, "");
    assert_eq!(serde_json::from_value::<MediaMetadata>(sample.clone()).unwrap(), full());
    for column in kind["projection"]["columns"].as_array().unwrap() {
        assert!(sample.pointer(column["pointer"].as_str().unwrap()).is_some(), "{column}");
    }
    let mut more = sample;
    more["surprise"] = json!(1);
    assert!(serde_json::from_value::<MediaMetadata>(more).is_err());
}

#[test]
fn every_word_of_an_enumeration_is_in_the_schema() {
    let schema = &kind_file()["schema"]["properties"];
    let words = |value: Value| value.as_array().unwrap().clone();
    let of = |list: &Value| words(list["items"]["enum"].clone());
    assert_eq!(of(&schema["warnings"]), words(json!(full().warnings)));
    assert_eq!(of(&schema["method"]), words(json!(full().method)));
    let kinds = [StreamKind::Video, StreamKind::Audio, StreamKind::Subtitle, StreamKind::Picture, StreamKind::Data]
        .map(|k| json!(k));
    assert_eq!(words(schema["streams"]["items"]["properties"]["kind"]["enum"].clone()), kinds);
    let captured = &schema["captured"]["properties"];
    let sources = [
        CapturedSource::ExifOffset,
        CapturedSource::ExifInferred,
        CapturedSource::ExifFloating,
        CapturedSource::ContainerOffset,
        CapturedSource::XmpOffset,
        CapturedSource::XmpFloating,
        CapturedSource::ContainerUtc,
        CapturedSource::FileTime,
    ];
    assert!(sources.is_sorted(), "the best one comes first");
    assert_eq!(words(captured["source"]["enum"].clone()), sources.map(|s| json!(s)));
    let methods = [OffsetMethod::Stated, OffsetMethod::GpsTime];
    assert_eq!(words(captured["offset_method"]["enum"].clone()), methods.map(|m| json!(m)));
    let gps = &schema["gps"]["properties"];
    let sources = [GpsSource::Exif, GpsSource::Container, GpsSource::Xmp];
    assert_eq!(words(gps["source"]["enum"].clone()), sources.map(|s| json!(s)));
    assert_eq!(words(gps["direction_reference"]["enum"].clone()), [North::True, North::Magnetic].map(|n| json!(n)));
    let forms = [
        MotionForm::ContainerDirectory,
        MotionForm::MicroVideo,
        MotionForm::MotionPhotoBox,
        MotionForm::SamsungTrailer,
    ];
    assert_eq!(words(schema["motion_photo"]["properties"]["form"]["enum"].clone()), forms.map(|f| json!(f)));
}

#[test]
fn the_schema_accepts_what_the_types_make_and_refuses_the_rest() {
    let validator = jsonschema::draft202012::new(&kind_file()["schema"]).unwrap();
    let sample = serde_json::to_value(full()).unwrap();
    let small =
        MediaMetadata { container: "gif".into(), method: [Method::ImageHeader].into(), ..MediaMetadata::default() };
    for value in [&sample, &json!(small)] {
        let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let bad = [
        ("/width", json!(0)),
        ("/width", json!(1.5)),
        ("/orientation", json!(9)),
        ("/duration_ms", json!(SAFE_INTEGER_MAX + 1)),
        ("/streams/0/kind", json!("film")),
        ("/streams/0/rotation", json!(45)),
        ("/streams/0/frame_rate", json!({"num": 1, "den": 0})),
        ("/exposure/time_s", json!({"num": 1, "den": 2, "more": 3})),
        ("/gps/latitude", json!(90.1)),
        ("/captured/sort_at", json!("2019-05-04T11:22:01")),
        ("/captured/offset", json!("Z")),
        ("/tags", json!({"": "x"})),
        ("/tags", json!({"a:b": 1})),
        ("/gps/direction_deg", json!(360)),
        ("/gps/source", json!("guess")),
        ("/description/rating", json!(6)),
        ("/description/keywords", json!(["twice", "twice"])),
        ("/description/keywords", json!([])),
        ("/motion_photo/length_bytes", json!(0)),
        ("/music/track", json!(0)),
        ("/content_identifier", json!("")),
        ("/streams/0/colour/range", json!("tv")),
        ("/streams/0/start_ms", json!(-1)),
        ("/warnings", json!(["odd"])),
        ("/method", json!([])),
        ("/container", json!("JPEG")),
    ];
    for (pointer, value) in bad {
        let mut changed = sample.clone();
        *changed.pointer_mut(pointer).unwrap() = value.clone();
        assert!(!validator.is_valid(&changed), "{pointer} = {value}");
    }
}

#[test]
fn the_schema_has_no_reference_and_only_linear_patterns() {
    let text = METADATA_KIND_FILE;
    assert!(text.len() < 64 * 1024 && !text.contains("$ref"));
    // `$schema` is the one address; look-around and back references are what is not linear.
    assert_eq!(text.matches("https://").count(), 1);
    assert!(!text.contains("(?") && !text.contains("\\\\"));
}

/// What version 2 says of known bytes. When this test fails because the output is meant to change, raise
/// `DESCRIPTOR.version` with it: results that are kept say which version made them.
#[test]
fn version_2_says_the_same_of_the_same_bytes() {
    let mut read = serde_json::Map::new();
    let image = |format, bytes: &[u8]| {
        let Ok((mut facts, captured)) = still::read_still(format, Source::Memory(bytes)) else { panic!("refused") };
        facts.captured = captured;
        json!(facts)
    };
    let exif = test_files::full_exif(Order::Big);
    read.insert("jpeg".into(), image(ImageFormat::Jpeg, &test_files::jpeg(Some(&exif), 40, 30)));
    read.insert("jpeg_with_xmp".into(), image(ImageFormat::Jpeg, &test_files::with_xmp(&test_files::motion_jpeg())));
    let heif = heif::read_heif(Source::Memory(&test_files::heic(&test_files::Heic::full())));
    let raw = cr3::read_cr3(Source::Memory(&test_files::cr3()));
    for (name, found) in [("heic", heif), ("cr3", raw)] {
        let Ok((mut facts, captured)) = found else { panic!("refused") };
        facts.captured = captured;
        read.insert(name.into(), json!(facts));
    }
    let Ok((mut facts, captured, true)) = movie::read_boxes(Source::Memory(&test_files::full_movie())) else {
        panic!("refused")
    };
    facts.captured = captured;
    read.insert("movie".into(), json!(facts));
    read.insert("version".into(), json!(DESCRIPTOR.version));
    let golden: Value = serde_json::from_str(include_str!("testdata/golden.v2.json")).unwrap();
    let read = Value::Object(read);
    assert_eq!(read, golden, "now:\n{}", serde_json::to_string_pretty(&read).unwrap());
}
