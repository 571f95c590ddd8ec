//! The readers in front of the decoders of pictures, for fuzz targets: boxes of HEIF, previews of camera RAW, segments of JPEG.

use std::fs::File;
use std::io::Cursor;

use super::heif_boxes::read_meta;
use super::{heif, jpeg, raw};
use crate::orientation::read_first_directory;

/// Which picture of a HEIF or AVIF would be shown, and how.
pub fn heif_plan(file: &File) -> String {
    match heif::find_meta(file) {
        Ok(top) => match read_meta(&top.meta) {
            Some(meta) => format!("{:?}", heif::plan(&meta)),
            None => "no sense".to_owned(),
        },
        Err(refusal) => format!("{refusal:?}"),
    }
}

/// Which preview of a camera RAW would be shown at that edge, for each way in which a RAW is built.
pub fn raw_preview(file: &File, edge: u32) -> String {
    let families = [raw::Family::Tiff, raw::Family::Cr3, raw::Family::Raf];
    let said = families.map(|family| match raw::preview(file, family, edge) {
        Ok(found) => format!("{} {} {:?}", found.offset, found.bytes, (found.width, found.height, found.orientation)),
        Err(refusal) => format!("{refusal:?}"),
    });
    said.join("; ")
}

/// What the segments of a JPEG say, and its bytes after oddities were put right.
pub fn jpeg_segments(bytes: &[u8]) -> (String, Vec<u8>) {
    let mut bytes = bytes.to_vec();
    let said = jpeg::segments_for_fuzzing(&mut bytes);
    (said, bytes)
}

/// What the first directory of a TIFF structure says.
pub fn first_directory(bytes: &[u8]) -> String {
    match read_first_directory(&mut Cursor::new(bytes)) {
        Ok(Some(first)) => {
            format!("{} {} {} {:?}", first.orientation, first.preview_only, first.more_follow, first.size)
        }
        Ok(None) => "none".to_owned(),
        Err(error) => format!("unreadable: {error}"),
    }
}
