//! AR-17: one picture in every format, and what comes of it.

use std::path::Path;

use super::{Outcomes, QUARTERS, SIZE, assert_quarters, blob, decoded, quarters, run, write_ppm};
use crate::world::{Backend, World, text};

both_backends! {
    ar_17_every_format_is_shown_or_says_why_not,
    ar_17_facts_name_only_the_tools_that_made_them,
    copies_of_one_picture_have_hashes_that_are_near,
}

/// A row of the table: file, how it is made of `quarters.ppm` (program and arguments), method, part, tolerance of colours.
type Row = (&'static str, &'static str, &'static str, &'static str, u8);

/// What is made with tools; `{}` stands for the file.
const SHOWN: &[Row] = &[
    ("plain.jpg", "convert quarters.ppm -quality 95 {}", "turbojpeg", "whole", 8),
    ("progressive.jpg", "convert quarters.ppm -interlace Plane -quality 95 {}", "turbojpeg", "whole", 8),
    ("grey-sampled.jpg", "convert quarters.ppm -sampling-factor 4:2:0 -quality 95 {}", "turbojpeg", "whole", 8),
    // Adobe's inks, which are stored inverted; without a profile they look more vivid than they were.
    ("inks.jpg", "convert quarters.ppm -colorspace CMYK -quality 95 {}", "turbojpeg", "whole", 12),
    ("plain.png", "convert quarters.ppm PNG24:{}", "decode", "whole", 4),
    ("deep.png", "convert quarters.ppm -depth 16 PNG48:{}", "decode", "whole", 4),
    ("palette.png", "convert quarters.ppm PNG8:{}", "decode", "whole", 4),
    ("interlaced.png", "convert quarters.ppm -interlace PNG PNG24:{}", "decode", "whole", 4),
    ("still.gif", "convert quarters.ppm {}", "decode", "whole", 8),
    ("moving.gif", "convert quarters.ppm other.ppm -loop 0 {}", "decode", "first-frame", 8),
    ("moving.png", "ffmpeg -v error -i moving.gif -f apng -plays 0 {}", "decode", "first-frame", 8),
    ("still.webp", "ffmpeg -v error -i quarters.ppm -c:v libwebp -quality 95 {}", "decode", "whole", 8),
    ("moving.webp", "ffmpeg -v error -i moving.gif -c:v libwebp_anim -quality 95 {}", "decode", "first-frame", 12),
    ("plain.bmp", "convert quarters.ppm BMP3:{}", "decode", "whole", 4),
    ("icon.ico", "convert quarters.ppm -resize 96x64! {}", "decode", "whole", 4),
    ("plain.tif", "convert quarters.ppm -compress None {}", "decode", "whole", 4),
    ("lzw.tif", "convert quarters.ppm -compress LZW {}", "decode", "whole", 4),
    ("zip.tif", "convert quarters.ppm -compress Zip {}", "decode", "whole", 4),
    ("deep.tif", "convert quarters.ppm -depth 16 -compress LZW {}", "decode", "whole", 4),
    ("pages.tif", "convert quarters.ppm other.ppm -compress LZW {}", "decode", "first-page", 4),
    ("jpeg.tif", "convert quarters.ppm -compress JPEG -quality 95 {}", "decode", "whole", 12),
    ("inks.tif", "convert quarters.ppm -colorspace CMYK -compress LZW {}", "decode", "whole", 12),
    ("plain.heic", "heif-enc -q 95 quarters.png -o {}", "heif-convert", "whole", 10),
    ("plain.avif", "heif-enc -q 95 -A quarters.png -o {}", "heif-convert", "whole", 10),
    ("deep.heic", "heif-enc -q 95 -b 10 deep.png -o {}", "heif-convert", "whole", 10),
    ("moving.avif", "ffmpeg -v error -i moving.gif -c:v libaom-av1 -cpu-used 8 {}", "heif-convert", "first-frame", 12),
    ("several.heic", "heif-enc -q 95 quarters.png other.png -o {}", "heif-convert", "primary-item", 10),
];

/// What is refused: file, bytes at its beginning, reason.
const REFUSED: &[(&str, &[u8], &str, &str)] = &[
    ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ", "unsupported", "JPEG 2000"),
    ("a.jxl", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "unsupported", "JPEG XL"),
    ("a.psd", b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\x01\0", "unsupported", "Photoshop"),
    ("a.x3f", b"FOVb\0\0\x02\0", "unsupported", "x-sigma-x3f"),
    ("bare.raf", b"FUJIFILMCCD-RAW 0201FF", "corrupt", "camera RAW"),
    ("burst.heif", b"\0\0\0\x14ftypmsf1\0\0\0\0msf1\0\0\0\x08moov", "unsupported", "image sequence"),
];

/// Makes every file of the tables in the archive.
fn make_all(world: &World) {
    let folder = world.archive();
    std::fs::create_dir(&folder).expect("a folder");
    let work = world.path().join("work");
    std::fs::create_dir(&work).expect("a folder");
    write_ppm(&work.join("quarters.ppm"), SIZE);
    run(&work, "convert", &["-size", &format!("{}x{}", SIZE.0, SIZE.1), "xc:gray", "other.ppm"]);
    run(&work, "convert", &["quarters.ppm", "PNG24:quarters.png"]);
    run(&work, "convert", &["other.ppm", "PNG24:other.png"]);
    for (name, recipe, ..) in SHOWN {
        let recipe = recipe.replace("{}", name);
        let words: Vec<&str> = recipe.split(' ').collect();
        run(&work, words[0], &words[1..]);
        std::fs::copy(work.join(name), folder.join(name)).expect("a copy");
    }
    for (name, bytes, ..) in REFUSED {
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
    std::fs::write(folder.join("clear.svg"), svg("")).expect("a file");
    write_alpha(&work, &folder);
    write_raw(&work, &folder);
}

fn svg(more: &str) -> String {
    let [red, green, blue, white] = QUARTERS.map(|[r, g, b]| format!("rgb({r},{g},{b})"));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 48 32\">\
         <rect width=\"24\" height=\"16\" fill=\"{red}\"/><rect x=\"24\" width=\"24\" height=\"16\" fill=\"{green}\"/>\
         <rect y=\"16\" width=\"24\" height=\"16\" fill=\"{blue}\"/><rect x=\"24\" y=\"16\" width=\"24\" height=\"16\" fill=\"{white}\"/>\
         {more}</svg>"
    )
}

/// A PNG and an AVIF whose lower right quarter cannot be seen.
fn write_alpha(work: &Path, folder: &Path) {
    let pixels = quarters(SIZE.0, SIZE.1);
    let rgba: Vec<u8> =
        pixels.iter().flat_map(|&[r, g, b]| [r, g, b, if [r, g, b] == QUARTERS[3] { 0 } else { 255 }]).collect();
    std::fs::write(work.join("alpha.rgba"), rgba).expect("a file");
    let size = format!("{}x{}", SIZE.0, SIZE.1);
    run(work, "convert", &["-size", &size, "-depth", "8", "alpha.rgba", "PNG32:alpha.png"]);
    run(work, "heif-enc", &["-q", "95", "-A", "alpha.png", "-o", "alpha.avif"]);
    for name in ["alpha.png", "alpha.avif"] {
        std::fs::copy(work.join(name), folder.join(name)).expect("a copy");
    }
}

/// A camera's RAW in the frame of a TIFF: a preview that lies on its side, and no pixels.
fn write_raw(work: &Path, folder: &Path) {
    run(work, "convert", &["quarters.ppm", "-rotate", "270", "-quality", "95", "preview.jpg"]);
    let preview = std::fs::read(work.join("preview.jpg")).expect("a preview");
    let length = u32::try_from(preview.len()).expect("short");
    let entries: [(u16, u16, u32, u32); 5] =
        [(0xfe, 4, 1, 1), (0x10f, 2, 6, 200), (0x112, 3, 1, 6), (0x201, 4, 1, 300), (0x202, 4, 1, length)];
    let mut raw = b"II*\0\x08\0\0\0\x05\0".to_vec();
    for (tag, kind, count, value) in entries {
        raw.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        raw.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    raw.resize(200, 0);
    raw.extend(b"NIKON\0");
    raw.resize(300, 0);
    raw.extend(preview);
    // Told by its contents: the name says nothing.
    std::fs::write(folder.join("photo.dat"), raw).expect("a file");
}

/// AR-17: each of the table is upright in its colours, with what was shown of it, and the rest says why not.
fn ar_17_every_format_is_shown_or_says_why_not(backend: Backend) {
    let world = World::new(backend);
    make_all(&world);
    let outcomes = Outcomes::of(&world, "basics");
    for (name, _, method, part, tolerance) in SHOWN {
        let fact = outcomes.thumbnail(name);
        let payload = &fact["payload"];
        assert_eq!((payload["method"].as_str(), payload["part"].as_str()), (Some(*method), Some(*part)), "{name}");
        assert_eq!(
            payload["width"].as_i64().map(|w| w * 2),
            payload["height"].as_i64().map(|h| h * 3),
            "{name}: {payload}"
        );
        assert_quarters(&world, fact, *tolerance, name);
    }
    for (name, _, reason, word) in REFUSED {
        let (found, detail, facts) = outcomes.at(name);
        assert_eq!(found, reason, "{name}: {detail}");
        assert!(detail.contains(word), "{name}: {detail}");
        assert!(facts.iter().all(|fact| fact["kind"] != "image.thumbnail"), "{name}");
    }
    let raw = outcomes.thumbnail("photo.dat");
    assert_eq!(
        (&raw["payload"]["method"], &raw["payload"]["orientation"]),
        (&"embedded-preview-small".into(), &6.into())
    );
    assert_quarters(&world, raw, 10, "camera RAW");
    let drawing = outcomes.thumbnail("clear.svg");
    assert_eq!((&drawing["payload"]["method"], &drawing["payload"]["width"]), (&"rsvg-convert".into(), &1024.into()));
    assert_quarters(&world, drawing, 6, "drawing");
    for name in ["alpha.png", "alpha.avif"] {
        let (width, height, pixels) = decoded(&world, outcomes.thumbnail(name));
        let (visible, clear) = (pixels[height / 4 * width + width / 4], pixels[height * 3 / 4 * width + width * 3 / 4]);
        assert!(
            visible[3] == 255 && visible[0].abs_diff(QUARTERS[0][0]) < 12 && clear[3] == 0,
            "{name}: {visible:?} {clear:?}"
        );
    }
    let kinds = outcomes.at("plain.heic").2.iter().filter(|fact| fact["kind"] == "image.thumbnail").count();
    assert_eq!(kinds, 2, "one picture for each edge");
    assert!(blob(&world, drawing).is_file());
    world.verify_clean();
    assert_eq!(world.scratch(), Vec::<std::path::PathBuf>::new());
}

/// The lineage of a thumbnail names the tools of its media type and no others.
fn ar_17_facts_name_only_the_tools_that_made_them(backend: Backend) {
    let world = World::new(backend);
    let (folder, work) = (world.archive(), world.path().join("work"));
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::create_dir(&work).expect("a folder");
    write_ppm(&work.join("quarters.ppm"), SIZE);
    run(&work, "convert", &["quarters.ppm", "a.jpg"]);
    run(&work, "convert", &["quarters.ppm", "a.png"]);
    run(&work, "heif-enc", &["a.png", "-o", "a.heic"]);
    for name in ["a.jpg", "a.heic"] {
        std::fs::copy(work.join(name), folder.join(name)).expect("a copy");
    }
    std::fs::write(folder.join("a.svg"), svg("")).expect("a file");
    let outcomes = Outcomes::of(&world, "basics");
    for (name, tool) in [("a.jpg", None), ("a.heic", Some("heif-convert")), ("a.svg", Some("rsvg-convert"))] {
        let artifact = text(&outcomes.thumbnail(name)["artifact_id"]);
        let explained = world.json(&["explain", &artifact]).to_string();
        for known in ["heif-convert", "rsvg-convert", "ffmpeg"] {
            assert_eq!(explained.contains(&format!("+{known}.")), Some(known) == tool, "{name}: {explained}");
        }
    }
}

/// The pipeline `similar`: the same picture in other formats is near, another one is far.
fn copies_of_one_picture_have_hashes_that_are_near(backend: Backend) {
    let world = World::new(backend);
    let (folder, work) = (world.archive(), world.path().join("work"));
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::create_dir(&work).expect("a folder");
    let draw = |source: &str, name: &str| {
        run(&work, "ffmpeg", &["-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", name]);
    };
    draw("mandelbrot=size=600x400:start_scale=0.8", "one.png");
    draw("testsrc2=size=600x400", "other.png");
    run(&work, "convert", &["one.png", "-quality", "60", "one.jpg"]);
    run(&work, "ffmpeg", &["-v", "error", "-i", "one.png", "-vf", "scale=300:200", "small.webp"]);
    run(&work, "heif-enc", &["one.png", "-o", "one.heic"]);
    let names = ["one.png", "one.jpg", "small.webp", "one.heic", "other.png"];
    for name in names {
        std::fs::copy(work.join(name), folder.join(name)).expect("a copy");
    }
    world.scan();
    assert_eq!(world.json(&["run", "similar"])["state"], "completed");
    let outcomes = Outcomes::look(&world);
    let hashes = names.map(|name| {
        let mut facts = outcomes.at(name).2.clone();
        facts.retain(|fact| fact["kind"] == "image.perceptual_hash");
        assert_eq!(facts.len(), 1, "{name}: {facts:?}");
        u64::from_str_radix(&text(&facts[0]["payload"]["hash"]), 16).expect("hexadecimal")
    });
    let distances = hashes.map(|hash| (hash ^ hashes[0]).count_ones());
    assert!(distances[..4].iter().all(|bits| *bits <= 6) && distances[4] >= 16, "{distances:?}");
    world.verify_clean();
}
