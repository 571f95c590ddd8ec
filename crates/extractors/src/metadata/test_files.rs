//! Small files made byte by byte, so that a test shows what it is about. Stills with XMP, films or items are in `test_stills.rs`.

pub(super) use super::test_stills::*;

/// Byte order of a TIFF structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    fn two(self, value: u16) -> [u8; 2] {
        if self == Self::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn four(self, value: u32) -> [u8; 4] {
        if self == Self::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }
}

/// The value of an entry of a TIFF directory.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Text(&'static str),
    Short(u16),
    Long(u32),
    Byte(u8),
    Rationals(Vec<(u32, u32)>),
    Undefined(Vec<u8>),
    /// The directory of this number among those given.
    Directory(usize),
}

/// A TIFF structure: the first directory is the main one.
pub(super) fn tiff(order: Order, directories: &[Vec<(u16, Entry)>]) -> Vec<u8> {
    let sizes = directories.iter().map(|entries| 2 + 12 * entries.len() as u32 + 4);
    let starts: Vec<u32> = sizes
        .scan(8, |at, size| {
            *at += size;
            Some(*at - size)
        })
        .collect();
    let mut values_at: u32 = 8 + directories.iter().map(|entries| 2 + 12 * entries.len() as u32 + 4).sum::<u32>();
    let mut bytes = if order == Order::Little { b"II".to_vec() } else { b"MM".to_vec() };
    bytes.extend(order.two(42));
    bytes.extend(order.four(8));
    let mut values = Vec::new();
    for entries in directories {
        bytes.extend(order.two(entries.len() as u16));
        for (tag, entry) in entries {
            let (kind, count, mut value) = match entry {
                Entry::Text(text) => (2, text.len() as u32 + 1, [text.as_bytes(), &[0]].concat()),
                Entry::Short(number) => (3, 1, order.two(*number).to_vec()),
                Entry::Long(number) => (4, 1, order.four(*number).to_vec()),
                Entry::Byte(number) => (1, 1, vec![*number]),
                Entry::Undefined(bytes) => (7, bytes.len() as u32, bytes.clone()),
                Entry::Directory(index) => (4, 1, order.four(starts[*index]).to_vec()),
                Entry::Rationals(list) => {
                    let bytes = list.iter().flat_map(|(num, den)| [order.four(*num), order.four(*den)]).flatten();
                    (5, list.len() as u32, bytes.collect())
                }
            };
            bytes.extend(order.two(*tag));
            bytes.extend(order.two(kind));
            bytes.extend(order.four(count));
            if value.len() <= 4 {
                value.resize(4, 0);
                bytes.extend(value);
            } else {
                bytes.extend(order.four(values_at));
                values_at += value.len() as u32;
                values.extend(value);
            }
        }
        bytes.extend(order.four(0));
    }
    bytes.extend(values);
    bytes
}

/// EXIF data with every fact that is read.
pub(super) fn full_exif(order: Order) -> Vec<u8> {
    tiff(order, &full_exif_directories())
}

/// The directories of [`full_exif`]: main, settings, place.
pub(super) fn full_exif_directories() -> [Vec<(u16, Entry)>; 3] {
    use Entry::{Byte, Directory, Rationals, Short, Text, Undefined};
    [
        vec![
            (0x010F, Text("Acme")),
            (0x0110, Text("Box 1")),
            (0x0112, Short(6)),
            (0x8769, Directory(1)),
            (0x8825, Directory(2)),
        ],
        vec![
            (0x829A, Rationals(vec![(10, 2000)])),
            (0x829D, Rationals(vec![(28, 10)])),
            (0x8827, Short(400)),
            (0x9003, Text("2019:05:04 13:22:01")),
            (0x9011, Text("+02:00")),
            (0x920A, Rationals(vec![(425, 100)])),
            (0x9286, Undefined(b"ASCII\0\0\0hello".to_vec())),
            (0x9291, Text("5")),
            (0xA405, Short(26)),
            (0xA433, Text("Glass")),
            (0xA434, Text("Glass 26")),
            (0xEEEE, Short(7)),
        ],
        vec![
            (1, Text("S")),
            (2, Rationals(vec![(33, 1), (51, 1), (2448, 100)])),
            (3, Text("E")),
            (4, Rationals(vec![(151, 1), (12, 1), (5508, 100)])),
            (5, Byte(1)),
            (6, Rationals(vec![(25, 10)])),
        ],
    ]
}

/// A JPEG with an optional EXIF segment, a frame header and a little picture data.
pub(super) fn jpeg(exif: Option<&[u8]>, width: u16, height: u16) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8];
    if let Some(exif) = exif {
        segment(&mut bytes, 0xE1, &[b"Exif\0\0", exif].concat());
    }
    segment(&mut bytes, 0xDB, &[0; 65]);
    let ([h1, h0], [w1, w0]) = (height.to_be_bytes(), width.to_be_bytes());
    segment(&mut bytes, 0xC2, &[8, h1, h0, w1, w0, 1, 1, 0x11, 0]);
    segment(&mut bytes, 0xDA, &[1, 1, 0, 0, 63, 0]);
    bytes.extend([0x12, 0x34, 0xFF, 0xD9]);
    bytes
}

pub(super) fn segment(bytes: &mut Vec<u8>, marker: u8, content: &[u8]) {
    bytes.extend([0xFF, marker]);
    bytes.extend((content.len() as u16 + 2).to_be_bytes());
    bytes.extend(content);
}

/// A PNG with these chunks between header and end; checksums are zero, nobody reads them here.
pub(super) fn png(width: u32, height: u32, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [(b"IHDR", &header[..])].iter().chain(chunks).chain(&[(b"IEND", &[][..])]) {
        bytes.extend((content.len() as u32).to_be_bytes());
        bytes.extend(*kind);
        bytes.extend(*content);
        bytes.extend([0; 4]);
    }
    bytes
}

/// A WebP of these chunks.
pub(super) fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
    for (kind, content) in chunks {
        bytes.extend(*kind);
        bytes.extend((content.len() as u32).to_le_bytes());
        bytes.extend(*content);
        bytes.extend(vec![0; content.len() % 2]);
    }
    bytes
}

/// A box of an MP4.
pub(super) fn mp4_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = (content.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend(content);
    bytes
}

/// A box that holds boxes.
pub(super) fn mp4_boxes(kind: &[u8; 4], inner: &[Vec<u8>]) -> Vec<u8> {
    mp4_box(kind, &inner.concat())
}

pub(super) fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// The first two numbers of each row of a display matrix that turns clockwise by 0, 90, 180 or 270 degrees.
pub(super) fn turn(degrees: u32) -> [i32; 4] {
    match degrees {
        90 => [0, 1, -1, 0],
        180 => [-1, 0, 0, -1],
        270 => [0, -1, 1, 0],
        _ => [1, 0, 0, 1],
    }
}

fn matrix([a, b, c, d]: [i32; 4]) -> Vec<u8> {
    let fixed = |number: i32| (number << 16) as u32;
    words(&[fixed(a), fixed(b), 0, fixed(c), fixed(d), 0, 0, 0, 1 << 30])
}

/// How a video track of [`mp4`] is made.
#[derive(Debug, Clone)]
pub(super) struct VideoTrack {
    pub(super) matrix: [i32; 4],
    pub(super) scale: u32,
    /// Pairs of count and distance.
    pub(super) times: Vec<(u32, u32)>,
    /// Pairs of duration (in units of the movie, 1000 in a second) and media time; -1 shows nothing.
    pub(super) edits: Vec<(u32, i32)>,
}

impl Default for VideoTrack {
    fn default() -> Self {
        Self { matrix: turn(0), scale: 30_000, times: vec![(60, 1001)], edits: Vec::new() }
    }
}

/// Seconds since 1904 of 2018-04-19T22:46:00Z.
pub(super) const CREATED: u32 = 3_607_022_760;

/// The header of a movie of two seconds.
pub(super) fn mvhd(created: u32, duration_ms: u32) -> Vec<u8> {
    let head = words(&[0, created, created, 1000, duration_ms, 0x10000, 0x0100_0000, 0, 0]);
    mp4_box(b"mvhd", &[head, matrix(turn(0)), words(&[0; 6]), words(&[3])].concat())
}

/// A track of 640 x 360 H.264 pictures.
pub(super) fn video_trak(track: &VideoTrack) -> Vec<u8> {
    let total: u32 = track.times.iter().map(|(count, distance)| count * distance).sum();
    let tkhd =
        [words(&[3, CREATED, CREATED, 1, 0, 2000, 0, 0, 0, 0]), matrix(track.matrix), words(&[640 << 16, 360 << 16])];
    // Profile 100 (High), chroma format 1, bit depth 8: bits 1 010 1 1 after profile, flags and level.
    let avcc = [1, 100, 0, 30, 0xFF, 0xE1, 0, 5, 0x67, 100, 0, 30, 0b1010_1100, 1, 0, 0];
    let mut entry = vec![0; 78];
    entry[7] = 1;
    entry[24..28].copy_from_slice(&[2, 128, 1, 104]);
    entry.extend(mp4_box(b"avcC", &avcc));
    let stsd = [words(&[0, 1]), mp4_box(b"avc1", &entry)].concat();
    let times = track.times.iter().flat_map(|(count, distance)| [*count, *distance]);
    let stts = words(&[0, track.times.len() as u32].into_iter().chain(times).collect::<Vec<_>>());
    let edits = track.edits.iter().flat_map(|(duration, start)| [*duration, *start as u32, 0x10000]);
    let elst = words(&[0, track.edits.len() as u32].into_iter().chain(edits).collect::<Vec<_>>());
    let mut inner = vec![mp4_box(b"tkhd", &tkhd.concat())];
    if !track.edits.is_empty() {
        inner.push(mp4_boxes(b"edts", &[mp4_box(b"elst", &elst)]));
    }
    inner.push(media(track.scale, total, b"vide", &stsd, &stts));
    mp4_boxes(b"trak", &inner)
}

/// A track of AAC sound: the sample entry says 2 channels and 24 kHz, the descriptor 1 channel and 48 kHz.
pub(super) fn audio_trak() -> Vec<u8> {
    let tkhd = [words(&[3, CREATED, CREATED, 2, 0, 2000, 0, 0, 0, 0]), matrix(turn(0)), words(&[0, 0])];
    let esds = [
        &[0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 0x1B, 0, 1, 0, 4, 0x13, 0x40, 0x15, 0, 0, 0][..],
        &[0; 8],
        &[5, 2, 0b0001_0001, 0b1000_1000, 6, 1, 2],
    ];
    let mut entry = vec![0; 28];
    entry[7] = 1;
    entry[17] = 2;
    entry[24..26].copy_from_slice(&24_000u16.to_be_bytes());
    entry.extend(mp4_box(b"esds", &esds.concat()));
    let stsd = [words(&[0, 1]), mp4_box(b"mp4a", &entry)].concat();
    let stts = words(&[0, 1, 94, 1024]);
    mp4_boxes(b"trak", &[mp4_box(b"tkhd", &tkhd.concat()), media(48_000, 96_000, b"soun", &stsd, &stts)])
}

fn media(scale: u32, duration: u32, handler: &[u8; 4], stsd: &[u8], stts: &[u8]) -> Vec<u8> {
    let hdlr = [words(&[0, 0]), handler.to_vec(), vec![0; 13]].concat();
    let stbl = mp4_boxes(b"stbl", &[mp4_box(b"stsd", stsd), mp4_box(b"stts", stts)]);
    mp4_boxes(
        b"mdia",
        &[
            mp4_box(b"mdhd", &words(&[0, CREATED, CREATED, scale, duration, 0])),
            mp4_box(b"hdlr", &hdlr),
            mp4_boxes(b"minf", &[stbl]),
        ],
    )
}

/// The keys of a phone with their texts.
pub(super) fn keys(texts: &[(&str, &str)]) -> Vec<u8> {
    let key = |name: &str| [words(&[name.len() as u32 + 8]), b"mdta".to_vec(), name.as_bytes().to_vec()].concat();
    let names: Vec<u8> = texts.iter().flat_map(|(name, _)| key(name)).collect();
    let values = (1u32..).zip(texts).map(|(index, (_, text))| {
        let data = mp4_box(b"data", &[words(&[1, 0]), text.as_bytes().to_vec()].concat());
        mp4_box(&index.to_be_bytes(), &data)
    });
    mp4_boxes(
        b"meta",
        &[
            mp4_box(b"hdlr", &[words(&[0, 0]), b"mdta".to_vec(), vec![0; 13]].concat()),
            mp4_box(b"keys", &[words(&[0, texts.len() as u32]), names].concat()),
            mp4_boxes(b"ilst", &values.collect::<Vec<_>>()),
        ],
    )
}

/// A QuickTime file with these boxes in its movie box, which comes last.
pub(super) fn movie(brand: &[u8; 4], inner: &[Vec<u8>]) -> Vec<u8> {
    let ftyp = mp4_box(b"ftyp", &[&brand[..], &[0, 0, 0, 0], &brand[..]].concat());
    [ftyp, mp4_box(b"mdat", &[7; 40]), mp4_boxes(b"moov", inner)].concat()
}

/// A movie with a picture and a sound track and the keys of a phone.
pub(super) fn full_movie() -> Vec<u8> {
    let texts = [
        ("com.apple.quicktime.make", "Acme"),
        ("com.apple.quicktime.model", "Phone 7"),
        ("com.apple.quicktime.creationdate", "2019-05-04T13:22:01+0200"),
        ("com.apple.quicktime.location.ISO6709", "+27.5916+086.5640+8850.000/"),
    ];
    let video = VideoTrack { matrix: turn(90), ..VideoTrack::default() };
    movie(b"qt  ", &[mvhd(CREATED, 2002), video_trak(&video), audio_trak(), keys(&texts)])
}
