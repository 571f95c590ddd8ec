//! AR-18 and drill F: originals that claim, hide or swallow too much end with a reason, and their neighbours do not notice.

use std::path::Path;

use super::{Outcomes, SIZE, assert_quarters, run, write_ppm};
use crate::world::{Backend, World};

both_backends! {
    ar_18_bombs_end_with_a_reason_and_neighbours_finish,
}

/// A file and the reasons it may end with.
const BOMBS: &[(&str, &str)] = &[
    ("claims.jpg", "too-many-pixels"),
    ("claims.png", "too-many-pixels"),
    ("claims.gif", "too-many-pixels"),
    ("claims.tif", "too-many-pixels"),
    ("claims.heic", "too-many-pixels"),
    ("claims.webp", "too-many-pixels"),
    ("claims.bmp", "too-many-pixels"),
    ("inflates.png", "too-many-pixels"),
    ("nested.svg", "too-complex"),
    ("entities.svg", "too-complex"),
    ("deep.svg", "too-complex"),
    ("endless.svg", "too-complex"),
    ("outside.svg", ""),
    ("cut.jpg", "corrupt"),
    ("cut.png", "corrupt"),
    ("cut.heic", "corrupt"),
    ("cut.svg", "corrupt"),
    ("letters.jpg", "corrupt"),
];

fn patched(original: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut out = original.to_vec();
    out[at..at + bytes.len()].copy_from_slice(bytes);
    out
}

fn place(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).position(|found| found == mark).expect("the mark is there")
}

/// The check sum of PNG chunks (ISO 3309), one bit at a time.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// A PNG of another size than it was made for.
fn claiming_png(original: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut out = patched(original, 16, &[width.to_be_bytes(), height.to_be_bytes()].concat());
    let sum = crc32(&out[12..29]);
    out[29..33].copy_from_slice(&sum.to_be_bytes());
    out
}

fn write_bombs(work: &Path, folder: &Path) {
    write_ppm(&work.join("quarters.ppm"), SIZE);
    for name in ["a.jpg", "a.png", "a.gif", "a.bmp"] {
        run(work, "convert", &["quarters.ppm", name]);
    }
    run(work, "convert", &["quarters.ppm", "-compress", "None", "a.tif"]);
    run(work, "convert", &["quarters.ppm", "neighbour.jpg"]);
    run(work, "heif-enc", &["a.png", "-o", "a.heic"]);
    let read = |name: &str| std::fs::read(work.join(name)).expect("a file");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("a file");
    let (jpeg, png, gif, bmp, tiff, heic) =
        (read("a.jpg"), read("a.png"), read("a.gif"), read("a.bmp"), read("a.tif"), read("a.heic"));
    write("claims.jpg", &patched(&jpeg, place(&jpeg, b"\xff\xc0") + 5, &[0xff, 0xf0, 0xff, 0xf0]));
    write("claims.png", &claiming_png(&png, 1 << 20, 1 << 20));
    // Within the pixels allowed, but not in 16 bits with alpha: 180 million times eight bytes.
    let mut wide = claiming_png(&png, 18_000, 10_000);
    wide[24..26].copy_from_slice(&[16, 6]);
    let sum = crc32(&wide[12..29]);
    wide[29..33].copy_from_slice(&sum.to_be_bytes());
    write("inflates.png", &wide);
    let frame = place(&gif, b"\x2c\0\0\0\0");
    write("claims.gif", &patched(&patched(&gif, 6, &[0xff; 4]), frame + 5, &[0xff; 4]));
    write("claims.bmp", &patched(&bmp, 18, &[0, 0, 4, 0, 0, 0, 4, 0]));
    write("claims.webp", b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xfe\xbf\xff\x0f\0\0\0\0\0\0\0\0\0");
    write("claims.heic", &patched(&heic, place(&heic, b"ispe") + 8, &[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]));
    write("claims.tif", &claiming_tiff(&tiff));
    for (name, whole) in [("cut.jpg", &jpeg), ("cut.png", &png), ("cut.heic", &heic)] {
        write(name, &whole[..whole.len() / 2]);
    }
    write("letters.jpg", &[&jpeg[..20], &[0x41; 50_000]].concat());
    write("neighbour.jpg", &read("neighbour.jpg"));
    write_drawings(folder);
}

/// The width and length of the first directory become large, whatever their type.
fn claiming_tiff(tiff: &[u8]) -> Vec<u8> {
    assert!(tiff.starts_with(b"II"), "ImageMagick writes this order");
    let word = |at: usize| u32::from_le_bytes(tiff[at..at + 4].try_into().expect("four")) as usize;
    let first = word(4);
    let count = usize::from(u16::from_le_bytes(tiff[first..first + 2].try_into().expect("two")));
    let mut out = tiff.to_vec();
    for entry in (0..count).map(|index| first + 2 + index * 12) {
        if matches!(u16::from_le_bytes(tiff[entry..entry + 2].try_into().expect("two")), 0x100 | 0x101) {
            out[entry + 2..entry + 12].copy_from_slice(&[4, 0, 1, 0, 0, 0, 0x40, 0x9c, 0, 0]);
        }
    }
    out
}

fn write_drawings(folder: &Path) {
    let head =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 30 20\">";
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("a file");
    let mut nested = format!("{head}<defs><g id=\"a0\"><rect width=\"1\" height=\"1\"/></g>");
    for level in 1..12 {
        let uses = format!("<use xlink:href=\"#a{}\"/>", level - 1).repeat(10);
        nested.push_str(&format!("<g id=\"a{level}\">{uses}</g>"));
    }
    write("nested.svg", format!("{nested}</defs><use xlink:href=\"#a11\"/></svg>"));
    let mut entities = "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY e0 \"aaaaaaaaaaaaaaaaaaaaaaaa\">".to_owned();
    for level in 1..10 {
        let uses = format!("&e{};", level - 1).repeat(10);
        entities.push_str(&format!("<!ENTITY e{level} \"{uses}\">"));
    }
    write("entities.svg", format!("{entities}]>{head}<text y=\"5\">&e9;</text></svg>"));
    write("deep.svg", format!("{head}{}{}</svg>", "<g>".repeat(50_000), "</g>".repeat(50_000)));
    let noise = "<filter id=\"f\"><feTurbulence baseFrequency=\"0.01\" numOctaves=\"1000000\"/></filter>";
    write("endless.svg", format!("{head}{noise}<rect width=\"30\" height=\"20\" filter=\"url(#f)\"/></svg>"));
    // It names its neighbour, which it must not find.
    let outside = "<rect width=\"30\" height=\"20\" fill=\"#0000ff\"/>\
                   <image xlink:href=\"neighbour.jpg\" width=\"30\" height=\"20\"/>\
                   <script>while (true) {}</script>";
    write("outside.svg", format!("{head}{outside}</svg>"));
    write("cut.svg", format!("{head}<rect width=\"30\""));
}

/// AR-18, drill F: bombs, lies, cuts.
fn ar_18_bombs_end_with_a_reason_and_neighbours_finish(backend: Backend) {
    let world = World::new(backend);
    let work = world.path().join("work");
    std::fs::create_dir(&work).expect("a folder");
    std::fs::create_dir(world.archive()).expect("a folder");
    write_bombs(&work, &world.archive());
    let outcomes = Outcomes::of(&world, "basics");
    let wrong: Vec<String> = BOMBS
        .iter()
        .filter_map(|(name, reason)| {
            let (found, detail, facts) = outcomes.at(name);
            let pictures = facts.iter().filter(|fact| fact["kind"] == "image.thumbnail").count();
            let right = found == reason && (pictures == 0) != reason.is_empty();
            (!right).then(|| format!("{name}: {found} instead of {reason}, {pictures} pictures: {detail}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_quarters(&world, outcomes.thumbnail("neighbour.jpg"), 10, "neighbour");
    let (_, _, pixels) = super::decoded(&world, outcomes.thumbnail("outside.svg"));
    assert!(pixels.iter().all(|[r, g, b, _]| *r < 8 && *g < 8 && *b > 240), "the drawing shows another file");
    world.verify_clean();
}

/// AR-18: a picture of 100 megapixels, as JPEG and as PNG, stays within the memory of a process and becomes a thumbnail.
#[test]
fn ar_18_a_hundred_megapixels_stay_within_the_limits() {
    let world = World::new(Backend::Sqlite);
    std::fs::create_dir(world.archive()).expect("a folder");
    for name in ["large.jpg", "large.png"] {
        let source = "testsrc2=size=11600x8700";
        let arguments = ["-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-compression_level", "1"];
        run(
            &world.archive(),
            "ffmpeg",
            &[&arguments[..], &["-pix_fmt", if name == "large.png" { "rgb24" } else { "yuvj420p" }, name]].concat(),
        );
    }
    let outcomes = Outcomes::of(&world, "basics");
    for name in ["large.jpg", "large.png"] {
        let payload = &outcomes.thumbnail(name)["payload"];
        assert_eq!((&payload["source_width"], &payload["width"]), (&11_600.into(), &1024.into()), "{name}");
    }
}
