//! Tells the media type of a file from its first bytes.
//!
//! The name is never asked first. Only where one container serves several types (a TIFF that is a camera's raw image,
//! an MP4 that holds sound alone) the ending of the name chooses among the types that the bytes allow.

#[cfg(test)]
mod tests;
mod text;
mod tiff;

/// Bytes from the beginning of a file that [`detect`] looks at; more are ignored.
pub const SNIFF_BYTES: usize = 4096;
/// What is said of bytes that nothing here knows.
pub const UNKNOWN: &str = "application/octet-stream";
/// What is said of a file without bytes.
pub const EMPTY: &str = "application/x-empty";

/// The media type of a file that begins with `head` and is called `name`. Give [`SNIFF_BYTES`] bytes, or all when there
/// are fewer.
pub fn detect(head: &[u8], name: &[u8]) -> &'static str {
    let head = &head[..head.len().min(SNIFF_BYTES)];
    if head.is_empty() {
        return EMPTY;
    }
    let by_content = RULES.iter().find_map(|rule| rule.apply(head));
    let found = by_content.or_else(|| text::detect(head)).unwrap_or(UNKNOWN);
    refine(found, name)
}

/// One row of the table: the bytes that must be at an offset, and what they mean.
struct Rule {
    offset: usize,
    bytes: &'static [u8],
    meaning: Meaning,
}

enum Meaning {
    /// The bytes alone decide.
    Is(&'static str),
    /// The bytes say where to look next.
    Ask(fn(&[u8]) -> Option<&'static str>),
}

impl Rule {
    fn apply(&self, head: &[u8]) -> Option<&'static str> {
        if !has_at(head, self.offset, self.bytes) {
            return None;
        }
        match self.meaning {
            Meaning::Is(media_type) => Some(media_type),
            Meaning::Ask(ask) => ask(head),
        }
    }
}

const fn is(offset: usize, bytes: &'static [u8], media_type: &'static str) -> Rule {
    Rule { offset, bytes, meaning: Meaning::Is(media_type) }
}

const fn ask(offset: usize, bytes: &'static [u8], ask: fn(&[u8]) -> Option<&'static str>) -> Rule {
    Rule { offset, bytes, meaning: Meaning::Ask(ask) }
}

/// The first row that answers wins: long signatures stand before short ones, weak ones last.
const RULES: &[Rule] = &[
    is(0, b"\xff\xd8\xff", "image/jpeg"),
    is(0, b"\x89PNG\r\n\x1a\n", "image/png"),
    is(0, b"GIF87a", "image/gif"),
    is(0, b"GIF89a", "image/gif"),
    ask(0, b"RIFF", riff),
    ask(0, b"RF64", riff),
    is(0, b"FUJIFILMCCD-RAW ", "image/x-fuji-raf"),
    is(0, b"IIRO", "image/x-olympus-orf"),
    is(0, b"IIRS", "image/x-olympus-orf"),
    is(0, b"MMOR", "image/x-olympus-orf"),
    is(0, b"IIU\0", "image/x-panasonic-rw2"),
    is(0, b"II\x1a\0\0\0HEAPCCDR", "image/x-canon-crw"),
    is(0, b"\0MRM", "image/x-minolta-mrw"),
    is(0, b"FOVb", "image/x-sigma-x3f"),
    ask(0, b"II*\0", tiff::detect),
    ask(0, b"MM\0*", tiff::detect),
    is(0, b"II+\0\x08\0\0\0", "image/tiff"),
    is(0, b"MM\0+\0\x08\0\0", "image/tiff"),
    is(0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    is(0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    is(0, b"8BPS", "image/vnd.adobe.photoshop"),
    ask(4, b"ftyp", file_type_box),
    ask(4, b"moov", old_quicktime),
    ask(4, b"mdat", old_quicktime),
    ask(4, b"wide", old_quicktime),
    ask(4, b"free", old_quicktime),
    ask(4, b"skip", old_quicktime),
    ask(4, b"pnot", old_quicktime),
    ask(0, b"\x1a\x45\xdf\xa3", matroska),
    is(0, b"FLV\x01", "video/x-flv"),
    is(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "video/x-ms-asf"),
    is(0, b"\0\0\x01\xba", "video/mpeg"),
    is(0, b"\0\0\x01\xb3", "video/mpeg"),
    is(0, b"fLaC", "audio/flac"),
    ask(0, b"OggS", ogg),
    ask(0, b"FORM", form),
    is(0, b"#!AMR-WB\n", "audio/amr-wb"),
    is(0, b"#!AMR\n", "audio/amr"),
    is(0, b"caff\0\x01", "audio/x-caf"),
    is(0, b"MThd\0\0\0\x06", "audio/midi"),
    is(0, b"ID3", "audio/mpeg"),
    is(0, b"%PDF-", "application/pdf"),
    is(0, b"PK\x03\x04", "application/zip"),
    is(0, b"PK\x05\x06", "application/zip"),
    is(0, b"\x1f\x8b\x08", "application/gzip"),
    is(0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    is(0, b"Rar!\x1a\x07", "application/vnd.rar"),
    is(0, b"\xfd7zXZ\0", "application/x-xz"),
    is(0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    is(0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    is(257, b"ustar", "application/x-tar"),
    ask(0, b"BM", bitmap),
    ask(0, b"\0\0\x01\0", icon),
    ask(0, b"G", transport_stream),
    ask(4, b"G", transport_stream),
    ask(0, b"\xff", audio_frames),
    is(0, b"\xff\x0a", "image/jxl"),
];

/// The brands of ISO 14496-12 `ftyp` boxes, by their beginning. A file's own brand is asked first, then those it says
/// it is compatible with.
const BRANDS: &[(&[u8], &str)] = &[
    (b"crx ", "image/x-canon-cr3"),
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"heim", "image/heic"),
    (b"heis", "image/heic"),
    (b"hevc", "image/heic"),
    (b"hevx", "image/heic"),
    (b"hevm", "image/heic"),
    (b"hevs", "image/heic"),
    (b"mif1", "image/heif"),
    (b"mif2", "image/heif"),
    (b"msf1", "image/heif"),
    (b"qt  ", "video/quicktime"),
    (b"M4A ", "audio/mp4"),
    (b"M4B ", "audio/mp4"),
    (b"M4P ", "audio/mp4"),
    (b"M4V", "video/x-m4v"),
    (b"3gp", "video/3gpp"),
    (b"3ge", "video/3gpp"),
    (b"3gg", "video/3gpp"),
    (b"3g2", "video/3gpp2"),
    (b"jp2 ", "image/jp2"),
    (b"jxl ", "image/jxl"),
];

/// What an ending of the name may make of a type that the bytes leave open.
const REFINEMENTS: &[(&str, &str, &str)] = &[
    ("image/tiff", "nef", "image/x-nikon-nef"),
    ("image/tiff", "nrw", "image/x-nikon-nef"),
    ("image/tiff", "arw", "image/x-sony-arw"),
    ("image/tiff", "sr2", "image/x-sony-arw"),
    ("image/tiff", "srf", "image/x-sony-arw"),
    ("image/tiff", "dng", "image/x-adobe-dng"),
    ("image/tiff", "pef", "image/x-pentax-pef"),
    ("image/tiff", "srw", "image/x-samsung-srw"),
    ("image/tiff", "3fr", "image/x-hasselblad-3fr"),
    ("image/tiff", "orf", "image/x-olympus-orf"),
    ("image/tiff", "rw2", "image/x-panasonic-rw2"),
    ("image/tiff", "cr2", "image/x-canon-cr2"),
    ("video/mp4", "m4a", "audio/mp4"),
    ("video/mp4", "m4b", "audio/mp4"),
    ("video/mp4", "m4v", "video/x-m4v"),
    ("video/x-matroska", "mka", "audio/x-matroska"),
    ("video/x-ms-asf", "wma", "audio/x-ms-wma"),
    ("video/x-ms-asf", "wmv", "video/x-ms-wmv"),
    ("audio/mpeg", "aac", "audio/aac"),
    ("audio/mpeg", "flac", "audio/flac"),
];

fn refine(found: &'static str, name: &[u8]) -> &'static str {
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else { return found };
    let ending = &name[dot + 1..];
    let row = REFINEMENTS.iter().find(|(from, to, _)| *from == found && ending.eq_ignore_ascii_case(to.as_bytes()));
    row.map_or(found, |(_, _, refined)| refined)
}

fn has_at(head: &[u8], offset: usize, bytes: &[u8]) -> bool {
    head.get(offset..).is_some_and(|rest| rest.starts_with(bytes))
}

fn word_be(head: &[u8], offset: usize) -> Option<usize> {
    let bytes: [u8; 4] = head.get(offset..offset.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

fn riff(head: &[u8]) -> Option<&'static str> {
    match head.get(8..12)? {
        b"WEBP" => Some("image/webp"),
        b"AVI " | b"AVIX" => Some("video/x-msvideo"),
        b"WAVE" => Some("audio/wav"),
        _ => None,
    }
}

fn form(head: &[u8]) -> Option<&'static str> {
    matches!(head.get(8..12)?, b"AIFF" | b"AIFC").then_some("audio/aiff")
}

/// The header lengths of the known versions of the format; two letters alone would claim many texts.
fn bitmap(head: &[u8]) -> Option<&'static str> {
    matches!(head.get(14..18)?, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]).then_some("image/bmp")
}

/// An icon: a small number of pictures, then a row of sixteen bytes for each, of which the fourth is 0 and the picture has bytes.
fn icon(head: &[u8]) -> Option<&'static str> {
    let [count, 0, _, _, _, 0, _, _, _, _, length @ ..] = head.get(4..18)? else { return None };
    ((1..=64).contains(count) && length[..4] != [0; 4]).then_some("image/vnd.microsoft.icon")
}

fn file_type_box(head: &[u8]) -> Option<&'static str> {
    let known = |brand: &[u8]| BRANDS.iter().find(|(prefix, _)| brand.starts_with(prefix)).map(|(_, found)| *found);
    let own = head.get(8..12)?;
    let end = word_be(head, 0)?.min(head.len());
    let compatible = || head.get(16..end).unwrap_or_default().chunks_exact(4).filter_map(known);
    match known(own) {
        // `mif1` only says that there are images; the compatible brands say how they are coded.
        Some("image/heif") => {
            let coded = compatible().find(|found| matches!(*found, "image/avif" | "image/heic"));
            Some(coded.unwrap_or("image/heif"))
        }
        Some(found) => Some(found),
        None if own.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') => {
            let images = compatible().find(|found| found.starts_with("image/"));
            Some(images.unwrap_or("video/mp4"))
        }
        None => None,
    }
}

/// Films from before `ftyp` existed begin with another box, which is at least as long as its own header.
fn old_quicktime(head: &[u8]) -> Option<&'static str> {
    let size = word_be(head, 0)?;
    (size >= 8 || size <= 1).then_some("video/quicktime")
}

/// EBML (RFC 8794): the element DocType, 0x4282, lies in the header at the beginning of the file.
fn matroska(head: &[u8]) -> Option<&'static str> {
    let header = &head[..head.len().min(256)];
    let at = header.windows(2).position(|pair| pair == [0x42, 0x82])?;
    let value = header.get(at + 3..)?;
    if value.starts_with(b"webm") {
        Some("video/webm")
    } else if value.starts_with(b"matroska") {
        Some("video/x-matroska")
    } else {
        None
    }
}

fn ogg(head: &[u8]) -> Option<&'static str> {
    let segments = usize::from(*head.get(26)?);
    let packet = head.get(27 + segments..)?;
    let audio: [&[u8]; 4] = [b"OpusHead", b"\x01vorbis", b"\x7fFLAC", b"Speex   "];
    if audio.iter().any(|mark| packet.starts_with(mark)) {
        Some("audio/ogg")
    } else if packet.starts_with(b"\x80theora") {
        Some("video/ogg")
    } else {
        Some("application/ogg")
    }
}

/// MPEG-2 transport streams (ISO 13818-1): a sync byte in every 188 bytes, or 192 with a camera's time stamp before
/// each packet.
fn transport_stream(head: &[u8]) -> Option<&'static str> {
    let every = |start: usize, step: usize| {
        let places = 3;
        (0..places).all(|index| head.get(start + index * step) == Some(&b'G'))
    };
    (every(0, 188) || every(4, 192)).then_some("video/mp2t")
}

/// MPEG audio and AAC frames begin with the same eleven bits; a second frame where the first one ends makes it sure.
fn audio_frames(head: &[u8]) -> Option<&'static str> {
    if let Some(length) = adts_frame_bytes(head) {
        return follows(head, length, adts_frame_bytes).then_some("audio/aac");
    }
    let length = mpeg_frame_bytes(head)?;
    // Layer I begins like the byte-order mark of UTF-16: there a second frame must be seen.
    if head.starts_with(b"\xff\xfe") && head.len() <= length {
        return None;
    }
    follows(head, length, mpeg_frame_bytes).then_some("audio/mpeg")
}

fn follows(head: &[u8], length: usize, frame: fn(&[u8]) -> Option<usize>) -> bool {
    match head.get(length..) {
        // The file is shorter than, or exactly, one frame: the header was well formed, that must do.
        None | Some([]) => true,
        Some(rest) if rest.len() < 8 => head.len() == SNIFF_BYTES,
        Some(rest) => frame(rest).is_some(),
    }
}

/// Length of an ADTS frame (ISO 13818-7, 6.2).
fn adts_frame_bytes(frame: &[u8]) -> Option<usize> {
    let header: &[u8; 7] = frame.get(..7)?.try_into().ok()?;
    if header[0] != 0xff || header[1] & 0xf6 != 0xf0 || (header[2] >> 2) & 15 > 12 {
        return None;
    }
    let length = usize::from(header[3] & 3) << 11 | usize::from(header[4]) << 3 | usize::from(header[5]) >> 5;
    (length >= 7).then_some(length)
}

/// Kilobits per second of MPEG-1 layer I, II, III and MPEG-2 layer I, II or III, by index (ISO 11172-3, 2.4.2.3; ISO
/// 13818-3).
const MPEG_KILOBITS: [[usize; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Length of an MPEG audio frame. Free-format streams (bit rate index 0) are not recognised: nothing but noise uses
/// them.
fn mpeg_frame_bytes(frame: &[u8]) -> Option<usize> {
    let header: &[u8; 4] = frame.get(..4)?.try_into().ok()?;
    if header[0] != 0xff || header[1] & 0xe0 != 0xe0 {
        return None;
    }
    let (version, layer) = ((header[1] >> 3) & 3, (header[1] >> 1) & 3);
    let (rate_index, hertz_index) = (usize::from(header[2] >> 4), usize::from((header[2] >> 2) & 3));
    if version == 1 || layer == 0 || !(1..=14).contains(&rate_index) || hertz_index == 3 {
        return None;
    }
    let is_first_version = version == 3;
    let row = match (is_first_version, layer) {
        (true, 3) => 0,
        (true, 2) => 1,
        (true, _) => 2,
        (false, 3) => 3,
        (false, _) => 4,
    };
    let hertz = [44_100, 48_000, 32_000][hertz_index] >> (3 - version).min(2);
    let bits_per_second = MPEG_KILOBITS[row][rate_index - 1] * 1000;
    let padding = usize::from((header[2] >> 1) & 1);
    Some(match layer {
        3 => (12 * bits_per_second / hertz + padding) * 4,
        1 if !is_first_version => 72 * bits_per_second / hertz + padding,
        _ => 144 * bits_per_second / hertz + padding,
    })
}
