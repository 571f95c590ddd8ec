//! Readers of originals: first bytes, EXIF, boxes, headers, XMP and camera RAW, without the decoders of pixels.

use std::fs::File;
use std::io::Write as _;

use exhibit_archive::media_type::{SNIFF_BYTES, detect};
use exhibit_extractors::fuzzing;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::same;

/// Longest fact as JSON: every list and text in it has a limit, so what a file of any size says has one too.
const FACT_BYTES_MAX: usize = 1024 * 1024;

/// Reads the bytes as each of these media types.
fn read_as(media_types: &[&str], bytes: &[u8]) {
    for media_type in media_types {
        let said = same(|| fuzzing::metadata(media_type, bytes)).expect("a type that is read here");
        assert!(said.len() <= FACT_BYTES_MAX, "{media_type}: {} bytes of facts", said.len());
        assert!(!said.starts_with("no JSON") && !said.starts_with("limit"), "{media_type}: {said}");
        assert!(!said.starts_with("unreadable"), "{media_type}: memory cannot fail: {said}");
    }
}

/// The bytes as a file that lies in memory.
fn file(bytes: &[u8]) -> File {
    let descriptor = memfd_create("input", MemfdFlags::CLOEXEC).expect("a file in memory");
    let mut file = File::from(descriptor);
    file.write_all(bytes).expect("room in memory");
    file
}

/// Types from first bytes: nothing after the first bytes counts, and a name only chooses among what the bytes allow.
pub fn media_type(bytes: &[u8]) {
    let head = &bytes[..bytes.len().min(SNIFF_BYTES)];
    for name in ["", "a", "a.jpg", "a.CR2", "a.nef", "a.m4a", "a.mov", "a.svg", "a.xmp", "a.\u{fffd}"] {
        let found = same(|| detect(bytes, name.as_bytes()));
        assert_eq!(found, detect(head, name.as_bytes()), "more than the first bytes counts");
        assert!(found.contains('/'), "{found} is no media type");
    }
}

/// TIFF structures, in which EXIF data is kept.
pub fn exif(bytes: &[u8]) {
    read_as(&["image/tiff", "image/x-adobe-dng"], bytes);
    let said = same(|| fuzzing::first_directory(bytes));
    assert!(!said.starts_with("unreadable"), "memory cannot fail: {said}");
}

/// Boxes of MP4 and QuickTime.
pub fn boxes(bytes: &[u8]) {
    read_as(&["video/mp4"], bytes);
}

/// HEIF and AVIF: metadata, and which picture would be shown.
pub fn heif(bytes: &[u8]) {
    read_as(&["image/heic"], bytes);
    let file = file(bytes);
    same(|| fuzzing::heif_plan(&file));
}

/// Headers of JPEG, PNG, GIF, WebP and BMP, and what stands in front of the decoder of JPEG.
pub fn image_headers(bytes: &[u8]) {
    read_as(&["image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp"], bytes);
    let (_, mended) = same(|| fuzzing::jpeg_segments(bytes));
    assert_eq!(mended.len(), bytes.len(), "oddities are put right in place");
}

/// XMP packets, as sidecars.
pub fn xmp(bytes: &[u8]) {
    read_as(&["application/rdf+xml"], bytes);
}

/// Camera RAW of every build: metadata, and which preview would be shown.
pub fn raw(bytes: &[u8]) {
    read_as(&["image/x-canon-cr2", "image/x-olympus-orf", "image/x-fuji-raf", "image/x-canon-cr3"], bytes);
    let file = file(bytes);
    for edge in [256, 4096] {
        same(|| fuzzing::raw_preview(&file, edge));
    }
}

/// What `ffprobe` wrote, which repeats what a file says.
pub fn probe_report(bytes: &[u8]) {
    let said = same(|| fuzzing::probe_report(bytes, "video/x-matroska"));
    assert!(said.len() <= FACT_BYTES_MAX, "{} bytes of facts", said.len());
}
