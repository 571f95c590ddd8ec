//! Writes the rotation of a film into its display matrix. Newer releases of ffmpeg took away the tag that did it.

use std::ops::Range;

use super::{HEIGHT, WIDTH};

/// Writes the rotation into the matrix of the picture track (ISO 14496-12, 8.3.2).
pub(super) fn turn(file: &mut [u8], clockwise: u32) -> Option<()> {
    const ONE: i32 = 1 << 16;
    let (wide, high) = (WIDTH as i32 * ONE, HEIGHT as i32 * ONE);
    let movie = child_boxes(file, 0..file.len()).into_iter().find(|(name, _)| name == b"moov")?.1;
    for (name, track) in child_boxes(file, movie) {
        if &name != b"trak" {
            continue;
        }
        let header = child_boxes(file, track).into_iter().find(|(name, _)| name == b"tkhd")?.1;
        let bytes = file.get_mut(header)?;
        let start = if bytes.first()? == &1 { 52 } else { 40 };
        let width = bytes.get(start + 36..start + 40)?;
        if width == [0; 4] {
            continue;
        }
        let [a, b, c, d, x, y] = match clockwise {
            90 => [0, ONE, -ONE, 0, high, 0],
            180 => [-ONE, 0, 0, -ONE, wide, high],
            270 => [0, -ONE, ONE, 0, 0, wide],
            _ => [ONE, 0, 0, ONE, 0, 0],
        };
        let matrix = [a, b, 0, c, d, 0, x, y, 1 << 30];
        for (slot, value) in bytes.get_mut(start..start + 36)?.chunks_exact_mut(4).zip(matrix) {
            slot.copy_from_slice(&value.to_be_bytes());
        }
        return Some(());
    }
    None
}

/// Names and contents of the boxes in a range of a file that ffmpeg has just written.
fn child_boxes(file: &[u8], range: Range<usize>) -> Vec<([u8; 4], Range<usize>)> {
    let mut boxes = Vec::new();
    let mut at = range.start;
    while let Some(header) = file.get(at..at + 8).filter(|_| at + 8 <= range.end) {
        let size = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if size < 8 || size > range.end - at {
            break;
        }
        boxes.push(([header[4], header[5], header[6], header[7]], at + 8..at + size));
        at += size;
    }
    boxes
}
