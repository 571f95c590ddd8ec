//! Companions: what `show` says of files that belong together, and that looking opens none of them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::world::{Backend, World, items, text};

both_backends! {
    files_that_belong_together_are_shown_and_nothing_is_hidden,
    a_live_photo_is_told_by_its_identifier_wherever_its_parts_lie,
    a_sidecar_is_asked_for_its_ending_when_a_pipeline_read_it,
}

fn write(world: &World, path: &str, bytes: &[u8]) {
    let path = world.archive().join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
}

/// A JPEG that differs from every other by its comment.
fn jpeg(comment: &str, parts: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u16::try_from(bytes + 2).expect("short").to_be_bytes();
    let comment = [&[0xFF, 0xFE][..], &length(comment.len()), comment.as_bytes()].concat();
    let frame = [0xFF, 0xC0, 0, 11, 8, 0, 30, 0, 40, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF, 0xD9];
    [&[0xFF, 0xD8][..], parts, &comment, &frame].concat()
}

/// A DNG: a TIFF with the mark of one, and a size.
fn dng() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let entries =
        [entry(0x100, 3, 1, [64, 0, 0, 0]), entry(0x101, 3, 1, [48, 0, 0, 0]), entry(0xC612, 1, 4, [1, 4, 0, 0])];
    [b"II*\0\x08\0\0\0\x03\0".to_vec(), entries.concat(), vec![0; 4]].concat()
}

fn sidecar(attributes: &str) -> Vec<u8> {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' \
         xmp:Rating='3' {attributes}/></rdf:RDF></x:xmpmeta>"
    )
    .into_bytes()
}

/// An EXIF segment with the notes of Apple, which hold a content identifier of 36 letters.
fn apple_exif(identifier: &str) -> Vec<u8> {
    let mut note = b"Apple iOS\0\0\x01MM\0\x01\0\x11\0\x02\0\0\0\x25\0\0\0\x20\0\0\0\0".to_vec();
    note.extend(identifier.as_bytes());
    note.push(0);
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0".to_vec();
    exif.extend(b"\0\x01\x92\x7c\0\x07\0\0\0");
    exif.push(u8::try_from(note.len()).expect("short"));
    exif.extend(b"\0\0\0\x2c\0\0\0\0");
    exif.extend(note);
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    [&[0xFF, 0xE1][..], &length, &exif].concat()
}

/// A QuickTime film that ffmpeg makes, with a content identifier where one is given.
fn film(path: &Path, identifier: Option<&str>) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=0.4"]);
    command.args(["-c:v", "mjpeg", "-movflags", "use_metadata_tags"]);
    if let Some(identifier) = identifier {
        command.args(["-metadata", &format!("com.apple.quicktime.content.identifier={identifier}")]);
    }
    assert!(command.arg(path).status().expect("ffmpeg starts").success());
}

fn asset_at(world: &World, path: &str) -> String {
    let all = items(world.json(&["ls", "--limit", "1000"]));
    let found = all.iter().find(|item| item["path"] == path);
    text(&found.unwrap_or_else(|| panic!("no asset at {path}: {all:#?}"))["asset_id"])
}

/// Path, relation, confidence and rule of every companion, and the warnings.
fn companions(world: &World, path: &str) -> (Vec<[String; 4]>, Vec<String>) {
    let view = world.json(&["show", &asset_at(world, path)]);
    let list = |name: &str| view[name].as_array().unwrap_or_else(|| panic!("{name} in {view}")).clone();
    let line = |item: &Value| ["path", "relation", "confidence", "rule"].map(|name| text(&item[name]));
    (list("companions").iter().map(line).collect(), list("companion_warnings").iter().map(text).collect())
}

fn line(path: &str, relation: &str, confidence: &str, rule: &str) -> [String; 4] {
    [path, relation, confidence, rule].map(str::to_owned)
}

fn files_that_belong_together_are_shown_and_nothing_is_hidden(backend: Backend) {
    let world = World::new(backend);
    write(&world, "trip/1.jpg", &jpeg("one", &[]));
    write(&world, "trip/1.DNG", &dng());
    write(&world, "trip/1.jpg.xmp", &sidecar("xmp:Label='a'"));
    write(&world, "trip/1.xmp", &sidecar("xmp:Label='b'"));
    write(&world, "other/1.jpg", &jpeg("elsewhere", &[]));
    write(&world, "trip/2.jpg", &jpeg("two", &[]));
    write(&world, "trip/2.xmp", &sidecar("xmp:Label='c'"));
    film(&world.archive().join("trip/2.mov"), None);
    world.scan();
    // No run was made yet: names alone say this much.
    let (found, warnings) = companions(&world, "trip/1.jpg");
    let raw = line("trip/1.DNG", "raw-picture", "certain", "same-name");
    assert_eq!(found, [raw, line("trip/1.jpg.xmp", "sidecar", "certain", "sidecar-of-name")]);
    assert!(warnings.is_empty());
    let (found, _) = companions(&world, "trip/1.DNG");
    assert_eq!(found[1], line("trip/1.xmp", "sidecar", "certain", "sidecar-of-stem"));
    assert_eq!(companions(&world, "other/1.jpg"), (vec![], vec![]));
    let (found, warnings) = companions(&world, "trip/2.jpg");
    let pair = line("trip/2.mov", "live-photo", "probable", "same-name");
    assert_eq!(found, [pair, line("trip/2.xmp", "sidecar", "ambiguous", "sidecar-of-stem")]);
    let warning = "the sidecar trip/2.xmp may belong to any of trip/2.jpg, trip/2.mov";
    assert_eq!(warnings, [warning]);
    let shown = world.ok(&["show", &asset_at(&world, "trip/2.jpg")]);
    assert!(shown.contains("live-photo (film)") && shown.contains(&format!("undecided: {warning}")), "{shown}");
    // Nothing is hidden: all eight are listed.
    assert_eq!(items(world.json(&["ls"])).len(), 8);
    // What is gone is no companion.
    std::fs::remove_file(world.archive().join("trip/1.DNG")).expect("removed");
    world.scan();
    assert!(!companions(&world, "trip/1.jpg").0.iter().any(|line| line[1] == "raw-picture"));
}

fn a_live_photo_is_told_by_its_identifier_wherever_its_parts_lie(backend: Backend) {
    let world = World::new(backend);
    let (one, two) = ("6F0A4C4E-1111-4222-8333-444455556666", "6F0A4C4E-1111-4222-8333-444455557777");
    write(&world, "phone/3.jpg", &jpeg("three", &apple_exif(one)));
    film(&world.archive().join("films/renamed.mov"), Some(one));
    film(&world.archive().join("phone/3.mov"), Some(two));
    world.scan();
    // Before anything was read, the name is all there is.
    let probable = line("phone/3.mov", "live-photo", "probable", "same-name");
    assert_eq!(companions(&world, "phone/3.jpg").0, [probable]);
    world.json(&["run", "basics"]);
    let certain = line("films/renamed.mov", "live-photo", "certain", "content-identifier");
    assert_eq!(companions(&world, "phone/3.jpg").0, [certain]);
    let certain = line("phone/3.jpg", "live-photo", "certain", "content-identifier");
    assert_eq!(companions(&world, "films/renamed.mov").0, [certain]);
    assert_eq!(companions(&world, "phone/3.mov").0, Vec::<[String; 4]>::new());
    // It is computed from what there is, so rebuilding what is derived changes nothing.
    world.ok(&["projections", "rebuild"]);
    assert_eq!(companions(&world, "phone/3.jpg").0.len(), 1);
    // Reading never reads an original: they may be gone.
    std::fs::rename(world.archive(), world.path().join("unplugged")).expect("renamed");
    assert_eq!(companions(&world, "phone/3.jpg").0.len(), 1);
}

fn a_sidecar_is_asked_for_its_ending_when_a_pipeline_read_it(backend: Backend) {
    let world = World::new(backend);
    write(&world, "4.jpg", &jpeg("four", &[]));
    write(&world, "4.dng", &dng());
    write(&world, "4.xmp", &sidecar("photoshop:SidecarForExtension='DNG'"));
    world.scan();
    assert_eq!(companions(&world, "4.xmp").0[0][2], "ambiguous");
    let pipeline = "name = \"facts\"\nversion = \"1\"\nabout = \"Facts of everything.\"\n\n[[step]]\nname = \"metadata\"\n\
                    extractor = \"media.metadata\"\nmedia = [\"image\", \"other\"]\n";
    let file = world.path().join("facts.toml");
    std::fs::write(&file, pipeline).expect("a pipeline");
    world.json(&["run", &file.display().to_string()]);
    let (found, warnings) = companions(&world, "4.xmp");
    assert_eq!((found, warnings), (vec![line("4.dng", "sidecar", "certain", "sidecar-for-extension")], vec![]));
}
