//! JPEG: read in one go, scaled while decoding.
//!
//! The decoder reports anything odd as a warning and goes on; here a warning means that the picture is damaged. Four oddities that real
//! cameras and editors write lie outside the picture data and change nothing in it, but their warning would hide a later, real one. They
//! are put right in our copy of the bytes before decoding:
//! - a colour profile with missing pieces (profiles are read here, and hidden from the decoder),
//! - an unknown major version in the JFIF header,
//! - an unknown colour transform in the Adobe segment (the decoder then takes the usual one),
//! - progression parameters in the scan header of a baseline image (many Samsung phones).
//!
//! One warning is accepted: stray bytes between the end of the picture data and the end marker, which cameras write as padding. All
//! picture data has been decoded without complaint when it is given.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};

use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp};

use super::raster::PROFILE_BYTES_MAX;
use super::resample::{Decoded, Layout};
use super::{Method, Part, Refusal, check_size};
use crate::orientation::{UPRIGHT, read_first_directory};

/// Bytes of the largest JPEG file that is read. 200 megapixels at the best quality take about 150 MB, and phones append a video to some.
pub const FILE_BYTES_MAX: u64 = 512 << 20;

/// Segments looked at before the picture data; the largest number seen in a real file (an extended profile and XMP) is about 60.
const SEGMENTS_MAX: usize = 2048;

/// Scans of a progressive image. Encoders write about 10; each costs a pass over the whole image.
const SCANS_MAX: u32 = 100;

/// DCT scaling, in eighths, that libjpeg-turbo has vector code for.
const FAST_EIGHTHS: [usize; 3] = [1, 2, 4];

/// Where the colour transform lies in the body of Adobe's segment.
const ADOBE_TRANSFORM: usize = 11;

/// The warning that is accepted, see the module.
const PADDING_WARNING: &str = "extraneous bytes before marker 0xd9";

/// Decodes JPEG files, with buffers that are kept from file to file.
#[derive(Default)]
pub struct JpegReader {
    decompressor: Option<Decompressor>,
    file: Vec<u8>,
    pixels: Vec<u8>,
}

/// What the segments before the picture data say.
#[derive(Debug, Default)]
struct Header {
    orientation: Option<u8>,
    profile: ProfilePieces,
    adobe: bool,
    precision: u8,
    /// Width and height in pixels.
    size: (u16, u16),
    lossless: bool,
    /// All coefficients are held in memory before a pixel comes out.
    several_scans: bool,
}

#[derive(Debug, Default)]
struct ProfilePieces {
    pieces: Vec<(u8, Vec<u8>)>,
    announced: u8,
    bytes: usize,
}

impl JpegReader {
    /// Decodes an original, scaled down as far as the longest side stays at or above `edge` pixels.
    pub fn read(&mut self, file: &File, size_bytes: u64, edge: u32) -> Result<Decoded<'_>, Refusal> {
        let length = self.load(file, size_bytes, true)?;
        self.decode(length, edge)
    }

    /// Decodes the JPEG that lies in the middle of a file.
    pub fn read_part(&mut self, mut file: &File, offset: u64, bytes: u64, edge: u32) -> Result<Decoded<'_>, Refusal> {
        file.seek(SeekFrom::Start(offset)).map_err(|error| Refusal::unreadable(&error))?;
        let length = self.load(file, bytes, false)?;
        self.decode(length, edge)
    }

    fn decode(&mut self, length: usize, edge: u32) -> Result<Decoded<'_>, Refusal> {
        let data = &mut self.file[..length];
        let header =
            read_segments(data).ok_or_else(|| Refusal::Corrupt("the segments of the JPEG are damaged".into()))?;
        if header.precision != 8 || header.lossless {
            let coding = if header.lossless { "lossless " } else { "" };
            return Err(Refusal::Unsupported(format!("{coding}JPEG with {} bits per sample", header.precision)));
        }
        // The decoder has a limit of its own for sides, which it calls damage.
        check_size(header.size.0.into(), header.size.1.into(), 0)?;
        if self.decompressor.is_none() {
            let mut fresh = Decompressor::new().map_err(corrupt)?;
            fresh.set_scan_limit(SCANS_MAX).map_err(corrupt)?;
            self.decompressor = Some(fresh);
        }
        let Some(decompressor) = self.decompressor.as_mut() else {
            return Err(Refusal::Corrupt("no JPEG decoder".into()));
        };
        let stored = decompressor.read_header(data).map_err(corrupt)?;
        let (width, height) = (side(stored.width)?, side(stored.height)?);
        let coefficients = if header.several_scans { coefficient_bytes(width, height, stored.subsamp) } else { 0 };
        check_size(width, height, coefficients)?;

        let factor = scaling(width.max(height), edge);
        decompressor.set_scaling_factor(factor).map_err(corrupt)?;
        let scaled = stored.scaled(factor);
        let (format, layout) = match stored.colorspace {
            Colorspace::Gray => (PixelFormat::GRAY, Layout::Gray8),
            Colorspace::CMYK | Colorspace::YCCK => (PixelFormat::CMYK, Layout::Cmyk8),
            _ => (PixelFormat::RGBA, Layout::Rgbx8),
        };
        let pitch = scaled.width * format.size();
        let needed = pitch * scaled.height;
        check_size(width, height, needed as u64)?;
        if self.pixels.len() < needed {
            self.pixels.resize(needed, 0);
        }
        let pixels = &mut self.pixels[..needed];
        let target = Image { pixels: &mut *pixels, width: scaled.width, pitch, height: scaled.height, format };
        match decompressor.decompress(data, target) {
            Err(turbojpeg::Error::TurboJpegError(text)) if text.contains(PADDING_WARNING) => {}
            other => other.map_err(corrupt)?,
        }
        // Adobe's programs, which write nearly all of them, store inks inverted and mark the file as theirs.
        if layout == Layout::Cmyk8 && header.adobe {
            pixels.iter_mut().for_each(|ink| *ink = u8::MAX - *ink);
        }
        Ok(Decoded {
            stored_width: width,
            stored_height: height,
            width: side(scaled.width)?,
            height: side(scaled.height)?,
            layout,
            bytes: pixels,
            orientation: header.orientation.unwrap_or(UPRIGHT),
            profile: header.profile.joined(),
            high_range: None,
            part: Part::Whole,
            method: if factor == ScalingFactor::ONE { Method::Turbojpeg } else { Method::TurbojpegDct },
        })
    }

    /// Reads the file from where it stands into the kept buffer; gives the length. `to_end`: it must end where it is expected to.
    fn load(&mut self, mut file: &File, size_bytes: u64, to_end: bool) -> Result<usize, Refusal> {
        let too_large =
            || Refusal::TooLarge(format!("a JPEG of {size_bytes} bytes; at most {FILE_BYTES_MAX} are read"));
        if size_bytes > FILE_BYTES_MAX {
            return Err(too_large());
        }
        // One byte more than announced, so that the read that fills it is also the one that sees the end.
        let expected = usize::try_from(size_bytes).map_err(|_| too_large())?.saturating_add(usize::from(to_end));
        if self.file.len() < expected {
            self.file.resize(expected, 0);
        }
        let mut length = 0;
        while length < expected {
            match file.read(&mut self.file[length..expected]) {
                Ok(0) => return Ok(length),
                Ok(count) => length += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Refusal::Unreadable(error.to_string())),
            }
        }
        if !to_end {
            return Ok(length);
        }
        Err(Refusal::Unreadable(format!("longer than the {size_bytes} bytes it had when it was cataloged")))
    }

    /// Frees buffers that are above `bytes_max`.
    pub fn give_back_above(&mut self, bytes_max: usize) {
        for buffer in [&mut self.file, &mut self.pixels] {
            if buffer.capacity() > bytes_max {
                *buffer = Vec::new();
            }
        }
    }
}

fn corrupt(error: turbojpeg::Error) -> Refusal {
    match error {
        turbojpeg::Error::TurboJpegError(text) => Refusal::Corrupt(text),
        other => Refusal::Corrupt(other.to_string()),
    }
}

fn side(pixels: usize) -> Result<u32, Refusal> {
    u32::try_from(pixels).map_err(|_| Refusal::Corrupt(format!("a side of {pixels} pixels")))
}

/// The smallest fast scale at which `longest` pixels are still at least `edge`.
fn scaling(longest: u32, edge: u32) -> ScalingFactor {
    FAST_EIGHTHS
        .into_iter()
        .map(|eighths| ScalingFactor::new(eighths, 8))
        .find(|factor| factor.scale(longest as usize) >= edge as usize)
        .unwrap_or(ScalingFactor::ONE)
}

/// Bytes of all DCT coefficients: two per sample.
fn coefficient_bytes(width: u32, height: u32, subsampling: Subsamp) -> u64 {
    let bytes_per_pixel = match subsampling {
        Subsamp::Gray => 2,
        Subsamp::Sub2x2 => 3,
        Subsamp::Sub2x1 | Subsamp::Sub1x2 => 4,
        Subsamp::None => 6,
        _ => 8,
    };
    u64::from(width) * u64::from(height) * bytes_per_pixel
}

/// Reads the segments up to the picture data, and puts right the oddities that the module names. `None`: they make no sense.
fn read_segments(data: &mut [u8]) -> Option<Header> {
    let mut header = Header::default();
    let mut components = 0;
    let mut baseline = false;
    let mut adobe_transform_at = None;
    if data.get(..2)? != [0xff, 0xd8] {
        return None;
    }
    let mut at = 2;
    for _ in 0..SEGMENTS_MAX {
        // Stray bytes and fill bytes before a marker are skipped, as the decoder does.
        at += data.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        at += data.get(at..)?.iter().position(|byte| *byte != 0xff)?;
        let marker = *data.get(at)?;
        at += 1;
        if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*data.get(at..)?.first_chunk()?));
        let body = data.get_mut(at + 2..at + length)?;
        match marker {
            0xe0 => mend_jfif(body),
            0xe1 => header.orientation = header.orientation.or_else(|| exif_orientation(body)),
            0xe2 => header.profile.take_out(body),
            0xee if body.len() > ADOBE_TRANSFORM && body.starts_with(b"Adobe") => {
                header.adobe = true;
                adobe_transform_at = Some(at + 2 + ADOBE_TRANSFORM);
            }
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                header.precision = *body.first()?;
                header.size = match *body {
                    [_, h0, h1, w0, w1, ..] => (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1])),
                    _ => return None,
                };
                header.lossless = matches!(marker, 0xc3 | 0xc7 | 0xcb | 0xcf);
                header.several_scans = !matches!(marker, 0xc0 | 0xc1 | 0xc9);
                baseline = marker <= 0xc1;
                components = *body.get(5)?;
            }
            0xda => {
                header.several_scans |= *body.first()? < components;
                if baseline {
                    mend_scan(body);
                }
                if let Some(transform) = adobe_transform_at.and_then(|at| data.get_mut(at)) {
                    mend_adobe(transform, components);
                }
                return Some(header);
            }
            0xd9 => return None,
            _ => {}
        }
        at += length;
    }
    None
}

/// What [`read_segments`] says, for fuzz targets.
#[cfg(feature = "fuzzing")]
pub(super) fn segments_for_fuzzing(data: &mut [u8]) -> String {
    format!("{:?}", read_segments(data))
}

fn exif_orientation(body: &[u8]) -> Option<u8> {
    let tiff = body.strip_prefix(b"Exif\0\0").or_else(|| body.strip_prefix(b"Exif\0\xff"))?;
    read_first_directory(&mut Cursor::new(tiff)).ok().flatten().map(|first| first.orientation)
}

/// JFIF 1.x is all there is.
fn mend_jfif(body: &mut [u8]) {
    if let Some([b'J', b'F', b'I', b'F', 0, major, ..]) = body.first_chunk_mut::<6>() {
        *major = 1;
    }
}

/// What the decoder takes anyway, after a warning: YCbCr for three components, YCCK for four.
fn mend_adobe(transform: &mut u8, components: u8) {
    match (components, *transform) {
        (3, 2..) => *transform = 1,
        (4, 1 | 3..) => *transform = 2,
        _ => {}
    }
}

/// A baseline scan has no progression: spectral selection 0 to 63, no successive approximation.
fn mend_scan(body: &mut [u8]) {
    if let Some(tail) = body.last_chunk_mut::<3>() {
        *tail = [0, 63, 0];
    }
}

impl ProfilePieces {
    /// A piece of the profile (ICC.1 annex B.4): name, number from 1, count, bytes. It is hidden from the decoder, which makes no use of
    /// it but complains when a piece is missing.
    fn take_out(&mut self, body: &mut [u8]) {
        let Some([number, count, bytes @ ..]) = body.strip_prefix(b"ICC_PROFILE\0") else { return };
        self.announced = *count;
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes <= PROFILE_BYTES_MAX {
            self.pieces.push((*number, bytes.to_vec()));
        }
        body[0] = 0;
    }

    /// The whole profile; empty when pieces are missing, doubled or too large together.
    fn joined(mut self) -> Option<Vec<u8>> {
        if self.bytes == 0 {
            return None;
        }
        self.pieces.sort_by_key(|(number, _)| *number);
        let complete = self.bytes <= PROFILE_BYTES_MAX
            && self.pieces.len() == usize::from(self.announced)
            && self.pieces.iter().zip(1_u8..).all(|((number, _), expected)| *number == expected);
        Some(if complete { self.pieces.into_iter().flat_map(|(_, bytes)| bytes).collect() } else { Vec::new() })
    }
}
