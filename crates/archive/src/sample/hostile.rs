//! The hostile files of a sample: small files that claim to be huge, go in circles or are two things at once, and names that trip shells
//! and terminals.
//!
//! All of them are harmless: they carry no code and name nothing that exists outside the sample. What they attack is a reader that believes
//! what a file says about itself.

use super::made::{Health, Made};
use super::tiff::{self, Value};
use super::{SampleError, encode, exif, odd};

pub(super) mod bombs;
mod boxes;

const JPEG: &str = "image/jpeg";

/// Nothing of it can be believed.
const REFUSED: Health = Health::Hostile(
    &["failed(corrupt)", "done", "skipped(unsupported)"],
    &["failed(corrupt)", "skipped(unsupported)", "skipped(no-video)", "failed(too-many-pixels)", "failed(too-large)"],
);
/// Its facts can be read; its picture is too large for anybody.
const TOO_MANY_PIXELS: Health = Health::Hostile(
    &["done", "failed(corrupt)"],
    &["failed(too-many-pixels)", "failed(corrupt)", "skipped(unsupported)"],
);
/// Strange, and still a good picture.
const STRANGE: Health = Health::Hostile(&["done"], &["done", "failed(corrupt)"]);
/// Read by some, refused by others; never obeyed.
const NEVER_OBEYED: Health = Health::Hostile(
    &["skipped(unsupported)", "done", "failed(corrupt)"],
    &["skipped(unsupported)", "done", "failed(corrupt)", "failed(too-complex)"],
);

/// All of them.
pub(super) fn make(seed: u64) -> Result<Vec<Made>, SampleError> {
    let mut made = Vec::new();
    let mut add = |name: &[u8], media_type: &'static str, bytes: Vec<u8>, health: Health, note: &'static str| {
        let path = [&b"odd/hostile/"[..], name].concat();
        let mtime_us = odd::time(500 + made.len() as u32);
        made.push(Made { health, note: Some(note), ..Made::new(path, bytes, media_type, mtime_us) });
    };
    for (name, media_type, bytes, note) in bombs::make() {
        add(name.as_bytes(), media_type, bytes, TOO_MANY_PIXELS, note);
    }
    for (name, bytes, note) in boxes::make() {
        add(name.as_bytes(), "video/mp4", bytes, REFUSED, note);
    }
    for (name, bytes, note) in tiffs() {
        add(name.as_bytes(), "image/tiff", bytes, REFUSED, note);
    }
    let picture = encode::jpeg(&odd::picture(seed, 9300))?;
    for (name, bytes, note) in strange_jpegs(&picture) {
        add(name.as_bytes(), JPEG, bytes, STRANGE, note);
    }
    for (name, media_type, text, note) in texts() {
        add(name.as_bytes(), media_type, text.into_bytes(), NEVER_OBEYED, note);
    }
    for (index, (name, note)) in NAMES.iter().enumerate() {
        let drawing = odd::picture(seed, 9400 + index as u64);
        let mut file = Made::new(
            [&b"odd/names/"[..], name].concat(),
            encode::jpeg(&drawing)?,
            JPEG,
            odd::time(400 + index as u32),
        );
        (file.image, file.note) = (Some(odd::size_of(&drawing)), Some(*note));
        made.push(file);
    }
    Ok(made)
}

/// Names that do harm where a program hands them to a shell, a terminal, a table or a format string.
const NAMES: &[(&[u8], &str)] = &[
    (b"$(touch broken).jpg", "a name that a shell would run"),
    (b"; touch broken #.jpg", "a name that ends a command of a shell"),
    (b"`touch broken`.jpg", "a name that an older shell would run"),
    (b"=cmd()'!A1.jpg", "a name that a table would compute"),
    (b"%s%n%x.jpg", "a name that a format string would fill in"),
    (b"\x1b]0;title\x07\x1b[31mred.jpg", "a name that a terminal would obey"),
    (b"\xe2\x80\xaegpj.exe", "a name that is shown from right to left: exe.jpg"),
    (b".hidden.jpg", "a hidden name"),
    (b"...jpg", "a name of dots"),
    (b"tab\tand \"quotes\".jpg", "a tab and quotation marks in its name"),
    (b"back\\slash.jpg", "a backslash in its name"),
    (b"<b>bold&amp;.jpg", "a name that a web page would show in bold"),
    (b"\xf0\x9f\x93\xb7\xe2\x80\x8d.jpg", "a picture letter and an invisible one in its name"),
    (b"CON.jpg", "a name that another system keeps for itself"),
];

/// TIFF structures that lead nowhere, to themselves, or to more than there is.
fn tiffs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let size = |width: u32, height: u32| {
        vec![(0x0100, Value::Long(width)), (0x0101, Value::Long(height)), (0x0103, Value::Short(vec![1]))]
    };
    // The directory begins at 8 and has three entries; behind them stands where the next one begins: here, again.
    let mut circle = tiff::file(false, &[], &[size(10, 10)]);
    circle[8 + 2 + 36..8 + 2 + 40].copy_from_slice(&8_u32.to_le_bytes());
    let mut nested = tiff::file(false, &[], &[vec![(0x014a, Value::Long(8))]]);
    nested.resize(64, 0);
    let mut many = b"II*\0\x08\0\0\0\xff\xff".to_vec();
    many.resize(200, 0xff);
    let outside = b"MM\0*\xff\xff\xff\xf0".to_vec();
    vec![
        ("directory-circle.tif", circle, "its directory is followed by itself"),
        ("directory-in-itself.tif", nested, "a directory that holds itself"),
        ("too-many-tags.tif", many, "65,535 tags in 200 bytes"),
        ("directory-outside.tif", outside, "a directory behind the end of the file"),
    ]
}

/// Good pictures with segments that lie.
fn strange_jpegs(picture: &[u8]) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let with = |block: Vec<u8>| exif::insert(picture, &exif::app1(&[&b"Exif\0\0"[..], &block].concat()));
    let escapes = tiff::file(
        true,
        &[],
        &[vec![(0x010f, text("\x1b[2J\x1b]0;title\x07\nCamera")), (0x0110, text("<b>&amp;\u{202e}'\";--"))]],
    );
    let mut lying = tiff::file(true, &[], &[vec![(0x010f, text("A camera whose name is somewhere else"))]]);
    // The first entry: its count, then where its value lies.
    lying[8 + 2 + 4..8 + 2 + 12].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0]);
    let mut circle = tiff::file(true, &[], &[vec![(0x0112, Value::Short(vec![1]))]]);
    circle[8 + 2 + 12..8 + 2 + 16].copy_from_slice(&8_u32.to_be_bytes());
    let orientation = tiff::file(true, &[], &[vec![(0x0112, Value::Short(vec![77]))]]);
    let zip = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let page = b"<html><body onload=\"document.title='run'\">%PDF-1.4\n%%EOF\n</body></html>";
    let comment = [&[0xff, 0xfe][..], &(page.len() as u16 + 2).to_be_bytes(), page].concat();
    vec![
        ("escapes-in-exif.jpg", with(escapes), "its camera's name would clear a terminal"),
        ("exif-outside.jpg", with(lying), "a tag of four gigabytes behind the end of the file"),
        ("exif-circle.jpg", with(circle), "its EXIF directory is followed by itself"),
        ("orientation-77.jpg", with(orientation), "an orientation that does not exist"),
        ("also-a-zip.jpg", [picture, &zip[..]].concat(), "a picture that is a ZIP archive, too"),
        ("also-a-page.jpg", exif::insert(picture, &comment), "a picture that is a web page and a document, too"),
    ]
}

/// Texts that ask their reader to open other files, or to grow without end. What they name does not exist.
fn texts() -> Vec<(&'static str, &'static str, String, &'static str)> {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20\" height=\"20\">";
    let mut growing = "<?xml version=\"1.0\"?>\n<!DOCTYPE svg [<!ENTITY a0 \"ha\">".to_owned();
    for level in 1..12 {
        let before = format!("&a{};", level - 1).repeat(10);
        growing.push_str(&format!("<!ENTITY a{level} \"{before}\">"));
    }
    growing.push_str(&format!("]>\n{svg}<text>&a11;</text></svg>\n"));
    let asking = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE svg [<!ENTITY other SYSTEM \"file:///nowhere/secret\">]>\n\
         {svg}<text>&other;</text><image href=\"http://nowhere.invalid/pixel.png\"/></svg>\n"
    );
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///nowhere/secret\n#EXTINF:10,\nhttp://nowhere.invalid/a.ts\n#EXT-X-ENDLIST\n";
    vec![
        ("growing.svg", "image/svg+xml", growing, "a few lines that would become a hundred billion words"),
        ("asking.svg", "image/svg+xml", asking, "a drawing that asks for files and pages that do not exist"),
        ("list.m3u8", "text/plain", list.to_owned(), "a list that asks for files and pages that do not exist"),
    ]
}
