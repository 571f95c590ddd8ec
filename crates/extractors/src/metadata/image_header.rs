//! Size of a still from the first bytes of its file, and its EXIF data and XMP packet.

use super::jpeg_segments::{Extension, read_jpeg};
use super::payload::{MediaMetadata, Warning};
use super::source::{Damage, READ_BYTES_MAX, Source};
use super::xmp_packet::PACKET_BYTES_MAX;

/// Chunks of a WebP; an animation has one for each frame.
const CHUNKS_MAX: u32 = 4096;
/// Chunks of a PNG: a 100-megapixel picture in chunks of 8 KiB has about 50,000.
const PNG_CHUNKS_MAX: u32 = 1 << 16;
/// Longest PNG text chunk that is read, in bytes, unless it holds XMP.
const PNG_TEXT_BYTES_MAX: u64 = 4096;
/// Name of the PNG text that holds XMP.
const PNG_XMP: &[u8] = b"XML:com.adobe.xmp";

/// The formats whose headers are read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// TIFF; its size is among its tags, see `exif.rs`.
    Tiff,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
    /// Windows bitmap.
    Bmp,
}

impl ImageFormat {
    /// The word for `container`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Tiff => "tiff",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
        }
    }
}

/// What a header says.
#[derive(Debug, Default)]
pub(crate) struct Header {
    /// Width and height in pixels.
    pub(crate) size: Option<(u32, u32)>,
    /// The TIFF structure that holds the EXIF data.
    pub(crate) exif: Option<Vec<u8>>,
    /// The XMP packet.
    pub(crate) xmp: Option<Vec<u8>>,
    /// Pieces of further packets in a JPEG.
    pub(crate) extensions: Vec<Extension>,
}

/// Reads the header; what could be read before the damage stays in `header`, tags go to `facts`.
pub(crate) fn read_header(
    format: ImageFormat,
    source: Source<'_>,
    header: &mut Header,
    facts: &mut MediaMetadata,
) -> Result<(), Damage> {
    match format {
        ImageFormat::Jpeg => read_jpeg(source, header),
        ImageFormat::Png => read_png(source, header, facts),
        ImageFormat::WebP => read_webp(source, header, facts),
        ImageFormat::Gif => read_gif(source, header),
        ImageFormat::Bmp => read_bmp(source, header),
        ImageFormat::Tiff => Ok(()),
    }
}

/// As many of the `count` bytes as the file still has: a cut EXIF block may hold what is wanted.
pub(crate) fn read_to_end(source: Source<'_>, at: u64, count: u64) -> Result<Vec<u8>, Damage> {
    source.bytes(at, count.min(source.len().saturating_sub(at)))
}

/// Walks all chunks: the EXIF chunk may come after the picture data.
fn read_png(source: Source<'_>, header: &mut Header, facts: &mut MediaMetadata) -> Result<(), Damage> {
    if source.array::<8>(0)? != *b"\x89PNG\r\n\x1a\n" {
        return Err(Damage::Malformed("no PNG signature"));
    }
    let mut at = 8;
    for _ in 0..PNG_CHUNKS_MAX {
        let [l3, l2, l1, l0, kind @ ..] = source.array::<8>(at)?;
        let length = u64::from(u32::from_be_bytes([l3, l2, l1, l0]));
        match &kind {
            b"IHDR" if header.size.is_none() => {
                let size = source.array::<8>(at + 8)?;
                let [w, h] = [[size[0], size[1], size[2], size[3]], [size[4], size[5], size[6], size[7]]];
                header.size = Some((u32::from_be_bytes(w), u32::from_be_bytes(h)));
            }
            b"eXIf" if header.exif.is_none() && length <= READ_BYTES_MAX as u64 => {
                header.exif = Some(read_to_end(source, at + 8, length)?);
            }
            b"tEXt" if length <= PNG_TEXT_BYTES_MAX => {
                let bytes = source.bytes(at + 8, length)?;
                if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
                    // Latin-1: each byte is the character of that number.
                    let latin = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
                    facts.put_tag("PNG", &latin(&bytes[..nul]), &latin(&bytes[nul + 1..]));
                }
            }
            b"iTXt" => read_png_text(source, at + 8, length, header, facts)?,
            b"IEND" => return Ok(()),
            _ if header.size.is_none() => return Err(Damage::Malformed("the first PNG chunk is not IHDR")),
            b"eXIf" | b"tEXt" => {
                facts.warnings.insert(Warning::TagsDropped);
            }
            _ => {}
        }
        at += 12 + length;
    }
    Err(Damage::Malformed("too many PNG chunks"))
}

/// An international text (PNG, 11.3.3.4): name, two bytes about compression, language, name in that language, text.
fn read_png_text(
    source: Source<'_>,
    at: u64,
    length: u64,
    header: &mut Header,
    facts: &mut MediaMetadata,
) -> Result<(), Damage> {
    let head = source.bytes(at, length.min(PNG_XMP.len() as u64 + 1))?;
    let is_xmp = head.strip_prefix(PNG_XMP) == Some(&[0]);
    let bytes_max = if is_xmp { PACKET_BYTES_MAX as u64 } else { PNG_TEXT_BYTES_MAX };
    let bytes = if length <= bytes_max { source.long_bytes(at, length, PACKET_BYTES_MAX)? } else { Vec::new() };
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (name, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let text = match rest {
        [0, _, rest @ ..] => rest.splitn(3, |byte| *byte == 0).nth(2),
        // Compressed texts are not read: XMP may not be.
        _ => None,
    };
    match text {
        Some(packet) if is_xmp => header.xmp = header.xmp.take().or_else(|| Some(packet.to_vec())),
        Some(text) => facts.put_tag("PNG", &String::from_utf8_lossy(name), &String::from_utf8_lossy(text)),
        None => {
            facts.warnings.insert(if is_xmp { Warning::XmpDropped } else { Warning::TagsDropped });
        }
    }
    Ok(())
}

/// Walks the RIFF chunks. The canvas of `VP8X` counts where there is one, else the first frame.
fn read_webp(source: Source<'_>, header: &mut Header, facts: &mut MediaMetadata) -> Result<(), Damage> {
    let [r, i, f, f2, _, _, _, _, w, e, b, p] = source.array::<12>(0)?;
    if [r, i, f, f2, w, e, b, p] != *b"RIFFWEBP" {
        return Err(Damage::Malformed("no WebP signature"));
    }
    let mut at = 12;
    for _ in 0..CHUNKS_MAX {
        if at >= source.len() {
            return Ok(());
        }
        let [kind @ .., l0, l1, l2, l3] = source.array::<8>(at)?;
        let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
        match &kind {
            b"VP8X" => {
                let [.., w0, w1, w2, h0, h1, h2] = source.array::<10>(at + 8)?;
                let (width, height) = (u32::from_le_bytes([w0, w1, w2, 0]), u32::from_le_bytes([h0, h1, h2, 0]));
                header.size = Some((width + 1, height + 1));
            }
            b"VP8L" if header.size.is_none() => {
                let [signature, bits @ ..] = source.array::<5>(at + 8)?;
                let bits = u32::from_le_bytes(bits);
                if signature == 0x2F {
                    header.size = Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1));
                }
            }
            b"VP8 " if header.size.is_none() => {
                let [_, _, _, s0, s1, s2, w0, w1, h0, h1] = source.array::<10>(at + 8)?;
                if [s0, s1, s2] == [0x9D, 0x01, 0x2A] {
                    let (width, height) = (u16::from_le_bytes([w0, w1]), u16::from_le_bytes([h0, h1]));
                    header.size = Some((u32::from(width & 0x3FFF), u32::from(height & 0x3FFF)));
                }
            }
            b"XMP " if length > PACKET_BYTES_MAX as u64 => {
                facts.warnings.insert(Warning::XmpDropped);
            }
            b"XMP " if header.xmp.is_none() => {
                header.xmp = Some(source.long_bytes(at + 8, length, PACKET_BYTES_MAX)?);
            }
            b"EXIF" if length > READ_BYTES_MAX as u64 => {
                facts.warnings.insert(Warning::TagsDropped);
            }
            b"EXIF" if header.exif.is_none() => {
                let bytes = read_to_end(source, at + 8, length)?;
                // Some writers keep the six bytes that introduce EXIF data in a JPEG.
                header.exif = Some(bytes.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec).unwrap_or(bytes));
            }
            _ => {}
        }
        at += 8 + length + (length & 1);
    }
    Err(Damage::Malformed("too many WebP chunks"))
}

fn read_gif(source: Source<'_>, header: &mut Header) -> Result<(), Damage> {
    let [g, i, f, v, _, a, w0, w1, h0, h1] = source.array::<10>(0)?;
    if [g, i, f, v, a] != *b"GIF8a" {
        return Err(Damage::Malformed("no GIF signature"));
    }
    header.size = Some((u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into()));
    Ok(())
}

/// A height below zero means that the rows are stored from the top.
fn read_bmp(source: Source<'_>, header: &mut Header) -> Result<(), Damage> {
    if source.array::<2>(0)? != *b"BM" {
        return Err(Damage::Malformed("no BMP signature"));
    }
    header.size = Some(match u32::from_le_bytes(source.array::<4>(14)?) {
        12 => {
            let [w0, w1, h0, h1] = source.array::<4>(18)?;
            (u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())
        }
        16.. => {
            let [w0, w1, w2, w3, h0, h1, h2, h3] = source.array::<8>(18)?;
            let width = i32::from_le_bytes([w0, w1, w2, w3]);
            (width.unsigned_abs(), i32::from_le_bytes([h0, h1, h2, h3]).unsigned_abs())
        }
        _ => return Err(Damage::Malformed("a BMP header of unknown length")),
    });
    Ok(())
}
