//! The sample description of an MP4 or QuickTime track: codec, size, channels, sample rate, pixel format.

use super::bmff_colour;
use super::payload::{StreamKind, clean_text};
use super::source::{be16, be32, be64};

/// Names of sample entries in the words of FFmpeg.
const CODECS: &[(&[u8; 4], &str)] = &[
    (b".mp3", "mp3"),
    (b"Opus", "opus"),
    (b"ac-3", "ac3"),
    (b"ac-4", "ac4"),
    (b"alac", "alac"),
    (b"alaw", "pcm_alaw"),
    (b"ap4h", "prores"),
    (b"ap4x", "prores"),
    (b"apch", "prores"),
    (b"apcn", "prores"),
    (b"apco", "prores"),
    (b"apcs", "prores"),
    (b"av01", "av1"),
    (b"avc1", "h264"),
    (b"avc2", "h264"),
    (b"avc3", "h264"),
    (b"avc4", "h264"),
    (b"c608", "eia_608"),
    (b"dvh1", "hevc"),
    (b"dvhe", "hevc"),
    (b"ec-3", "eac3"),
    (b"fLaC", "flac"),
    (b"hev1", "hevc"),
    (b"hvc1", "hevc"),
    (b"ima4", "adpcm_ima_qt"),
    (b"jpeg", "mjpeg"),
    (b"mjpa", "mjpeg"),
    (b"mp4a", "aac"),
    (b"mp4v", "mpeg4"),
    (b"png ", "png"),
    (b"rle ", "qtrle"),
    (b"s263", "h263"),
    (b"samr", "amr_nb"),
    (b"sawb", "amr_wb"),
    (b"sowt", "pcm_s16le"),
    (b"stpp", "ttml"),
    (b"text", "mov_text"),
    (b"twos", "pcm_s16be"),
    (b"tx3g", "mov_text"),
    (b"ulaw", "pcm_mulaw"),
    (b"vp08", "vp8"),
    (b"vp09", "vp9"),
    (b"wvtt", "webvtt"),
];

/// Samples per second by the index of an AAC header (ISO/IEC 14496-3, table 1.18).
const AAC_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// What a sample entry says.
#[derive(Debug, Default)]
pub(crate) struct SampleEntry {
    pub(crate) codec: Option<String>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) pixel_format: Option<String>,
    pub(crate) channels: Option<u32>,
    pub(crate) sample_rate: Option<u32>,
    pub(crate) colour: bmff_colour::Tags,
}

/// Reads the first entry of the content of an `stsd` box; what does not fit its form is left out.
pub(crate) fn read_sample_entry(table: &[u8], kind: StreamKind) -> SampleEntry {
    let mut entry = SampleEntry::default();
    let Some((format, body)) = table.get(8..).and_then(|rest| boxes(rest).next()) else { return entry };
    let inner_at = match kind {
        StreamKind::Video => {
            entry.width = be16(body, 24).map(u32::from).filter(|side| *side > 0);
            entry.height = be16(body, 26).map(u32::from).filter(|side| *side > 0);
            78
        }
        StreamKind::Audio => read_audio(body, &mut entry),
        _ => 8,
    };
    let inner = body.get(inner_at..).unwrap_or_default();
    let original = protected(inner).unwrap_or(format);
    entry.codec = codec_name(&original);
    for (name, content) in boxes(inner).chain(boxes(inner).filter(|(name, _)| name == b"wave").flat_map(|w| boxes(w.1)))
    {
        match &name {
            b"esds" => read_descriptor(content, &mut entry),
            b"dac3" => entry.channels = ac3_channels(content, 10).or(entry.channels),
            b"dec3" => entry.channels = ac3_channels(content, 28).or(entry.channels),
            b"avcC" | b"hvcC" | b"vpcC" | b"av1C" => entry.pixel_format = pixels(&name, content),
            b"colr" => entry.colour.read_colr(content),
            b"mdcv" => entry.colour.read_mdcv(content),
            b"clli" => entry.colour.read_clli(content),
            b"dvcC" | b"dvvC" => entry.colour.read_dolby_vision(content),
            _ => {}
        }
    }
    entry
}

/// The pixel format that the configuration of a codec states.
pub(crate) fn pixels(name: &[u8; 4], configuration: &[u8]) -> Option<String> {
    match name {
        b"avcC" => h264_pixels(configuration),
        b"hvcC" => hevc_pixels(configuration),
        b"vpcC" => vp9_pixels(configuration),
        b"av1C" => av1_pixels(configuration),
        _ => None,
    }
}

/// The fixed part of a sound entry; gives back where its inner boxes start. QuickTime has three versions of it.
fn read_audio(body: &[u8], entry: &mut SampleEntry) -> usize {
    let version = be16(body, 8);
    if version == Some(2) {
        entry.channels = be32(body, 40).filter(|channels| *channels > 0);
        let rate = be64(body, 32).map(f64::from_bits).filter(|rate| (1.0..=f64::from(u32::MAX)).contains(rate));
        entry.sample_rate = rate.map(|rate| rate as u32);
        return 64;
    }
    entry.channels = be16(body, 16).map(u32::from).filter(|channels| *channels > 0);
    // 16.16 fixed point.
    entry.sample_rate = be32(body, 24).map(|rate| rate >> 16).filter(|rate| *rate > 0);
    if version == Some(1) { 44 } else { 28 }
}

/// The name of a sample entry or of a type of item, in the words of FFmpeg where it has one.
pub(crate) fn codec_name(format: &[u8; 4]) -> Option<String> {
    if let Some((_, name)) = CODECS.iter().find(|(known, _)| *known == format) {
        return Some((*name).to_owned());
    }
    let text: String = format.iter().map(|byte| char::from(*byte)).filter(|c| c.is_ascii_graphic()).collect();
    Some(clean_text(&text, 4).text).filter(|text| !text.is_empty())
}

/// The format before encryption (`sinf/frma`).
fn protected(inner: &[u8]) -> Option<[u8; 4]> {
    let (_, scheme) = boxes(inner).find(|(name, _)| name == b"sinf")?;
    let (_, format) = boxes(scheme).find(|(name, _)| name == b"frma")?;
    format.first_chunk().copied()
}

/// The boxes in a piece of memory; ends at the first one that does not fit.
pub(crate) fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let size = usize::try_from(be32(rest, 0)?).ok()?;
        let kind = rest.get(4..8)?.first_chunk().copied()?;
        // The last box may claim 0, "to the end".
        let size = if size == 0 { rest.len() } else { size };
        let content = rest.get(8..size)?;
        rest = &rest[size..];
        Some((kind, content))
    })
}

/// The elementary stream descriptor (ISO/IEC 14496-1): the true codec, and for AAC the true rate and channels.
fn read_descriptor(content: &[u8], entry: &mut SampleEntry) {
    let Some((3, stream)) = content.get(4..).and_then(descriptor) else { return };
    let flags = stream.get(2).copied().unwrap_or(0);
    let mut skip = 3;
    if flags & 0x80 != 0 {
        skip += 2;
    }
    if flags & 0x40 != 0 {
        skip += 1 + usize::from(stream.get(skip).copied().unwrap_or(0));
    }
    if flags & 0x20 != 0 {
        skip += 2;
    }
    let Some((4, config)) = stream.get(skip..).and_then(descriptor) else { return };
    let name = match config.first() {
        Some(0x20) => "mpeg4",
        Some(0x60..=0x65) => "mpeg2video",
        Some(0x6A) => "mpeg1video",
        Some(0x6C) => "mjpeg",
        Some(0x40 | 0x66..=0x68) => "aac",
        Some(0x69 | 0x6B) => "mp3",
        Some(0xA9) => "dts",
        Some(0xDD) => "vorbis",
        _ => return,
    };
    entry.codec = Some(name.to_owned());
    if name == "mp3" {
        // Writers put 2 here whatever the stream holds.
        entry.channels = None;
    }
    if name == "mpeg4" {
        // MPEG-4 part 2 in a camera or phone is always 4:2:0 with 8 bits; other profiles are not met in MP4.
        entry.pixel_format = Some("yuv420p".to_owned());
    }
    if name == "aac"
        && let Some((5, specific)) = config.get(13..).and_then(descriptor)
    {
        read_aac(specific, entry);
    }
}

/// Tag and content of a descriptor; its length has up to four bytes of seven bits.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let tag = *bytes.first()?;
    let mut length = 0usize;
    for (index, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length = length << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            let content = &bytes[index + 2..];
            // A length beyond the box is met; what is there counts.
            return Some((tag, &content[..length.min(content.len())]));
        }
    }
    None
}

/// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) as far as rate and channels.
fn read_aac(config: &[u8], entry: &mut SampleEntry) {
    let mut bits = Bits { bytes: config, at: 0 };
    let mut read = || -> Option<(u32, u32)> {
        let object = aac_object(&mut bits)?;
        let mut rate = aac_rate(&mut bits)?;
        let mut channels = bits.take(4)?;
        // Spectral band replication doubles the rate, parametric stereo makes two channels of one.
        if object == 5 || object == 29 {
            rate = aac_rate(&mut bits)?;
            if object == 29 && channels == 1 {
                channels = 2;
            }
        }
        Some((rate, if channels == 7 { 8 } else { channels }))
    };
    if let Some((rate, channels)) = read() {
        entry.sample_rate = Some(rate).filter(|rate| *rate > 0).or(entry.sample_rate);
        entry.channels = Some(channels).filter(|channels| (1..=8).contains(channels)).or(entry.channels);
    }
}

/// Channels of AC-3 and E-AC-3 from the coding mode and the low-frequency bit (ETSI TS 102 366, annex F), which start at
/// bit `at`; in E-AC-3 those of the first independent stream.
fn ac3_channels(config: &[u8], at: usize) -> Option<u32> {
    let mut bits = Bits { bytes: config, at };
    let full = [2, 1, 2, 3, 3, 4, 4, 5].get(bits.take(3)? as usize)?;
    Some(full + bits.take(1)?)
}

fn aac_object(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(5)? {
        31 => Some(32 + bits.take(6)?),
        object => Some(object),
    }
}

fn aac_rate(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(4)? {
        15 => bits.take(24),
        index => AAC_RATES.get(index as usize).copied(),
    }
}

/// Sub-sampling and depth of the first sequence parameter set (ITU-T H.264, 7.3.2.1.1).
fn h264_pixels(config: &[u8]) -> Option<String> {
    let length = usize::from(be16(config, 6)?);
    let set = config.get(8..)?.get(..length)?;
    let profile = *set.get(1)?;
    if !matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        return pixel_format(1, 8);
    }
    let mut bits = Bits { bytes: set.get(4..)?, at: 0 };
    bits.golomb()?;
    let chroma = bits.golomb()?;
    if chroma == 3 {
        bits.take(1)?;
    }
    pixel_format(chroma, 8 + bits.golomb()?)
}

/// `hvcC` holds both directly (ISO/IEC 14496-15, 8.3.3.1).
fn hevc_pixels(config: &[u8]) -> Option<String> {
    pixel_format(u32::from(config.get(16)? & 3), 8 + u32::from(config.get(17)? & 7))
}

/// `vpcC`: depth in the high half of the byte after profile and level, sub-sampling in three bits of it.
fn vp9_pixels(config: &[u8]) -> Option<String> {
    let packed = *config.get(6)?;
    let chroma = match packed >> 1 & 7 {
        0 | 1 => 1,
        2 => 2,
        3 => 3,
        _ => return None,
    };
    pixel_format(chroma, u32::from(packed >> 4))
}

/// `av1C`: one byte of flags after profile and level.
fn av1_pixels(config: &[u8]) -> Option<String> {
    let flags = *config.get(2)?;
    let depth = match (flags & 0x40 != 0, flags & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    let chroma = match (flags & 0x10 != 0, flags & 8 != 0, flags & 4 != 0) {
        (true, ..) => 0,
        (_, true, true) => 1,
        (_, true, false) => 2,
        (_, false, _) => 3,
    };
    pixel_format(chroma, depth)
}

/// FFmpeg's name for planar YUV (or grey) with this sub-sampling and depth.
fn pixel_format(chroma: u32, depth: u32) -> Option<String> {
    let base = match chroma {
        0 => "gray",
        1 => "yuv420p",
        2 => "yuv422p",
        3 => "yuv444p",
        _ => return None,
    };
    match (depth, base) {
        (8, _) => Some(base.to_owned()),
        (9..=14, "gray") => Some(format!("gray{depth}le")),
        (9..=14, _) => Some(format!("{base}{depth}le")),
        _ => None,
    }
}

/// Bits of a byte string, high bit first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// An unsigned Exp-Golomb number of up to 16 leading zeros.
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 16 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}
