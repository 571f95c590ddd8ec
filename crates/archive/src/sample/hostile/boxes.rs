//! MP4 files whose boxes (ISO 14496-12, 4.2) lie about their sizes or go on for ever.

/// Boxes in each other; readers that call themselves for each run out of stack.
const DEPTH: usize = 20_000;
/// Empty boxes one after the other; readers that read anew for each take for ever.
const EMPTY_BOXES: usize = 50_000;

/// Name, bytes and what is wrong with them.
pub(super) fn make() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let start = b"\0\0\0\x18ftypisom\0\0\x02\0isommp42";
    let file = |rest: &[u8]| [&start[..], rest].concat();
    let mut deep = Vec::new();
    for level in 0..DEPTH {
        deep.extend(((DEPTH - level) as u32 * 8).to_be_bytes());
        deep.extend(if level == 0 { b"moov" } else { b"trak" });
    }
    let empty = b"\0\0\0\x08free".repeat(EMPTY_BOXES);
    let huge = [&b"\0\0\0\x01moov"[..], &(1_u64 << 62).to_be_bytes(), &[0; 40]].concat();
    let mut tracks = b"\0\0\0\0moov".to_vec();
    tracks.extend(b"\0\0\0\x08trak".repeat(10_000));
    vec![
        ("deep.mp4", file(&deep), "20,000 boxes in each other"),
        ("four-gigabytes.mp4", file(b"\xff\xff\xff\xffmoov\0\0\0\x10mvhd\0\0\0\0\0\0\0\0"), "a box of four gigabytes"),
        ("exabytes.mp4", file(&huge), "a box of four exabytes"),
        (
            "size-zero.mp4",
            file(b"\0\0\0\x04moov\0\0\0\0"),
            "a box that is shorter than its own header: who adds it up stays where he is",
        ),
        ("empty-boxes.mp4", file(&empty), "50,000 boxes of nothing"),
        ("tracks.mp4", file(&tracks), "10,000 empty tracks in a box to the end of the file"),
    ]
}
