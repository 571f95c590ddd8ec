//! Every input of every corpus holds, and so do its beginnings and its neighbours: what libFuzzer once found stays found.
#![expect(clippy::expect_used, reason = "a test says with it what it takes for granted")]

use std::fs;
use std::path::{Path, PathBuf};

use exhibit_fuzz::{TARGETS, Target};

/// Beginnings of an input that are tried, and bytes of it that are changed.
const CUTS: usize = 48;
const CHANGES: usize = 96;

fn corpus(target: &Target) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut inputs: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    inputs.sort();
    inputs
}

/// The places that are changed: spread over the input, and the same ones each time.
fn places(len: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count.min(len)).map(move |index| index * len / count.min(len))
}

fn replay(target: &Target) {
    let inputs = corpus(target);
    assert!(inputs.len() >= 3, "{} has only {} inputs", target.name, inputs.len());
    (target.run)(b"");
    for path in inputs {
        println!("{}", path.display());
        let bytes = fs::read(&path).expect("an input");
        (target.run)(&bytes);
        for end in places(bytes.len(), CUTS) {
            (target.run)(&bytes[..end]);
        }
        for (index, at) in places(bytes.len(), CHANGES).enumerate() {
            let mut changed = bytes.clone();
            changed[at] = match index % 3 {
                0 => changed[at].wrapping_add(1),
                1 => 0xff,
                _ => changed[at] ^ 0x20,
            };
            (target.run)(&changed);
        }
    }
}

/// Each target is a test of its own, and every target has one.
macro_rules! replayed {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            let target = TARGETS.iter().find(|target| target.name == stringify!($name));
            replay(target.expect("a target of that name"));
        })*

        #[test]
        fn every_target_is_replayed_and_every_folder_has_a_target() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
            let mut folders: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"))
                .expect("the corpora")
                .map(|entry| entry.expect("an entry").file_name().into_string().expect("plain names"))
                .collect();
            folders.sort();
            let mut sorted = names;
            sorted.sort_unstable();
            assert_eq!(folders, sorted);
        }
    };
}

replayed!(
    json,
    kind_file,
    checkpoint_note,
    ids,
    gate,
    filter,
    tombstone,
    pipeline,
    plugin_manifest,
    plugin_schemas,
    protocol,
    media_type,
    exif,
    boxes,
    heif,
    image_headers,
    xmp,
    raw,
    probe_report,
    older_file,
);

/// A seed that no parser takes tries next to nothing: these are good, and are taken.
#[test]
fn good_inputs_are_taken() {
    let read = |place: &str| {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(place))
            .unwrap_or_else(|error| panic!("{place}: {error}"))
    };
    let said = [
        ("image/tiff", "exif/little.tif", &["\"EOS 80D\"", "48.2", "2019-06-01T10:30:00"][..]),
        ("image/tiff", "exif/big.tif", &["\"EOS 80D\"", "48.2", "2019-06-01T10:30:00"]),
        ("image/tiff", "exif/bigtiff.tif", &["640", "480"]),
        ("video/mp4", "boxes/film.mp4", &["1920", "h264", "2019-06-01T10:30:00"]),
        ("video/mp4", "boxes/xmp.mp4", &["\"rating\":4"]),
        ("image/heic", "heif/photo.heic", &["\"EOS 80D\"", "\"rating\":4", "hevc"]),
        ("image/jpeg", "image_headers/exif-xmp.jpg", &["\"EOS 80D\"", "\"rating\":4", "64"]),
        ("image/jpeg", "image_headers/extended-xmp.jpg", &["\"rating\":4"]),
        ("image/png", "image_headers/exif.png", &["\"EOS 80D\"", "\"rating\":4"]),
        ("image/webp", "image_headers/x.webp", &["\"EOS 80D\"", "\"rating\":4"]),
        ("image/gif", "image_headers/a.gif", &["64", "48"]),
        ("image/bmp", "image_headers/a.bmp", &["64", "48"]),
        ("application/rdf+xml", "xmp/all.xmp", &["\"rating\":4", "48.2"]),
        ("application/rdf+xml", "xmp/utf16.xmp", &["\"rating\":4"]),
        ("image/x-canon-cr2", "raw/a.cr2", &["6000"]),
        ("image/x-olympus-orf", "raw/a.orf", &["\"EOS 80D\""]),
        ("image/x-fuji-raf", "raw/a.raf", &["6000", "\"EOS 80D\""]),
    ];
    for (media_type, place, words) in said {
        let found = exhibit_extractors::fuzzing::metadata(media_type, &read(place)).expect("a type that is read");
        for word in words {
            assert!(found.contains(word), "{place} does not say {word}: {found}");
        }
    }
    let (totals, sessions) = exhibit_agents::import::preview(&read("older_file/whole.json")).expect("a file of V3");
    assert_eq!((totals.runs, totals.total_tokens, sessions), (6, 12_904, 6));
    assert!(exhibit_store::Gate::decode(&read("gate/artifact.json")).is_ok());
    assert!(exhibit_store::Gate::decode(&read("gate/span-and-blob.json")).is_ok());
    for place in ["filter/all", "filter/sample", "filter/in", "filter/glob", "filter/range"] {
        exhibit_store::filter::Filter::parse(&read(place)).unwrap_or_else(|error| panic!("{place}: {error}"));
    }
    let text = |place| String::from_utf8(read(place)).expect("text");
    assert!(text("checkpoint_note/note").parse::<exhibit_model::note::SignedNote>().is_ok());
    assert!(text("checkpoint_note/key").parse::<exhibit_model::note::VerifierKey>().is_ok());
    let built_in = exhibit_engine::registry::ExtractorSet::of(exhibit_extractors::built_in());
    for place in ["pipeline/basics.toml", "pipeline/noop-params.toml", "pipeline/params.toml"] {
        exhibit_engine::pipeline::Pipeline::parse(&text(place), &[], &built_in)
            .unwrap_or_else(|error| panic!("{place}: {error}"));
    }
    for name in ["ready", "fact", "end", "unable"] {
        exhibit_engine::protocol::read_line(&read(&format!("protocol/{name}.json")))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
