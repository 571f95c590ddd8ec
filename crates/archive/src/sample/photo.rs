//! Plans and encodes the photos of a sample: which device took it when, in which folder it lies, and its bytes.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};

use super::chance::Chance;
use super::draw::{self, Canvas};
use super::exif;
use super::moment::{Local, local_time};
use super::truth::{CameraTruth, CaptureSource, CaptureTruth, ImageTruth};

/// A file before it is written.
pub(super) struct Made {
    /// Raw bytes relative to the root.
    pub(super) path: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    pub(super) media_type: &'static str,
    /// Microseconds since 1970.
    pub(super) mtime_us: i64,
    pub(super) image: Option<ImageTruth>,
    pub(super) camera: Option<CameraTruth>,
    /// `None` where the time of the file is all there is.
    pub(super) capture: Option<CaptureTruth>,
}

/// Photos that were taken on one occasion lie in one folder.
const PHOTOS_PER_OCCASION: u32 = 12;
const FIRST_YEAR: u32 = 2009;
const MONTHS: u32 = 16 * 12;
const JPEG_QUALITY: u8 = 85;

struct Device {
    folder: &'static str,
    prefix: &'static str,
    ending: &'static str,
    make: &'static str,
    model: &'static str,
    lens: Option<&'static str>,
    years: (u32, u32),
    big_endian: bool,
    knows_offset: bool,
    knows_place: bool,
}

const DEVICES: &[Device] = &[
    Device {
        folder: "coolpix",
        prefix: "DSCN",
        ending: "JPG",
        make: "NIKON",
        model: "COOLPIX S210",
        lens: None,
        years: (2009, 2012),
        big_endian: true,
        knows_offset: false,
        knows_place: false,
    },
    Device {
        folder: "eos-450d",
        prefix: "IMG_",
        ending: "JPG",
        make: "Canon",
        model: "Canon EOS 450D",
        lens: Some("EF-S18-55mm f/3.5-5.6 IS"),
        years: (2009, 2015),
        big_endian: false,
        knows_offset: false,
        knows_place: false,
    },
    Device {
        folder: "iphone-4s",
        prefix: "IMG_",
        ending: "JPG",
        make: "Apple",
        model: "iPhone 4S",
        lens: None,
        years: (2012, 2016),
        big_endian: true,
        knows_offset: false,
        knows_place: true,
    },
    Device {
        folder: "galaxy-s7",
        prefix: "2016_",
        ending: "jpg",
        make: "samsung",
        model: "SM-G930F",
        lens: None,
        years: (2016, 2019),
        big_endian: false,
        knows_offset: false,
        knows_place: true,
    },
    Device {
        folder: "iphone-11",
        prefix: "IMG_",
        ending: "jpeg",
        make: "Apple",
        model: "iPhone 11",
        lens: Some("iPhone 11 back dual wide camera 4.25mm f/1.8"),
        years: (2019, 2024),
        big_endian: true,
        knows_offset: true,
        knows_place: true,
    },
    Device {
        folder: "x-t30",
        prefix: "DSCF",
        ending: "JPG",
        make: "FUJIFILM",
        model: "X-T30",
        lens: Some("XF35mmF2 R WR"),
        years: (2019, 2024),
        big_endian: false,
        knows_offset: true,
        knows_place: false,
    },
];

/// Minutes east of UTC of the places where occasions happened, with latitude and longitude in hundredths of a second of
/// arc.
const PLACES: &[(i32, i64, i64)] = &[
    (60, 17_048_016, 3_075_912),
    (120, 13_674_240, 8_541_000),
    (-300, 14_656_608, -26_642_160),
    (540, 12_844_416, 50_288_184),
    (330, 6_831_360, 26_237_880),
    (-180, -8_248_284, -15_559_452),
];

const SIZES: &[(u32, u32)] = &[(800, 600), (1024, 768), (1200, 800), (1280, 960), (1600, 1200)];
/// One photo in fifty is as large as those of real cameras.
const LARGE: (u32, u32) = (4000, 3000);

/// What is special about the photos at each place of a round of 24. The others are JPEGs whose orientations go round
/// from 1 to 8.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variety {
    Jpeg,
    AlphaPng,
    GreyJpeg,
    Tiff,
    DeepPng,
    /// Messengers strip everything.
    BareJpeg,
    /// A clock that was never set.
    ZeroDateJpeg,
}

fn variety(index: u32) -> Variety {
    match index % 24 {
        8 => Variety::AlphaPng,
        9 => Variety::GreyJpeg,
        10 => Variety::Tiff,
        11 => Variety::DeepPng,
        12 => Variety::BareJpeg,
        13 => Variety::ZeroDateJpeg,
        _ => Variety::Jpeg,
    }
}

/// Photo number `index` of `count`.
pub(super) fn make(seed: u64, index: u32, count: u32) -> Result<Made, ImageError> {
    let occasion = index / PHOTOS_PER_OCCASION;
    let (month, device, place) = occasion_facts(seed, occasion, count.div_ceil(PHOTOS_PER_OCCASION));
    let mut chance = Chance::new(seed, "photo", u64::from(index));
    let (year, month) = (FIRST_YEAR + month / 12, month % 12 + 1);
    let taken = Local {
        year,
        month,
        day: 1 + occasion % 28,
        hour: chance.between(7, 21),
        minute: chance.below(60),
        second: chance.below(60),
    };
    let variety = variety(index);
    let upright = draw_upright(index, variety, &mut chance);
    let folder = format!("{year}/{month:02}/{}", device.folder);
    let microseconds = i64::from(chance.below(1_000_000));
    let mtime_us = local_time(&taken, place.0) + microseconds;
    let made = |name: String, bytes: Vec<u8>, image| Made {
        path: format!("{folder}/{name}").into_bytes(),
        bytes,
        media_type: match variety {
            Variety::AlphaPng | Variety::DeepPng => "image/png",
            Variety::Tiff => "image/tiff",
            _ => "image/jpeg",
        },
        mtime_us,
        image: Some(image),
        camera: None,
        capture: None,
    };
    let level = upright_truth(&upright, 1);
    match variety {
        Variety::AlphaPng => Ok(made(format!("Screenshot_{index:04}.png"), alpha_png(&upright)?, level)),
        Variety::DeepPng => Ok(made(format!("render_{index:04}.png"), deep_png(&upright)?, level)),
        Variety::Tiff => Ok(made(format!("scan_{index:04}.tif"), tiff(&upright)?, level)),
        Variety::BareJpeg => Ok(made(format!("IMG-{index:04}-WA.jpg"), jpeg(&upright)?, level)),
        Variety::Jpeg | Variety::GreyJpeg | Variety::ZeroDateJpeg => {
            let orientation = if variety == Variety::Jpeg { (index % 8 + 1) as u16 } else { 1 };
            let name = format!("{}{index:04}.{}", device.prefix, device.ending);
            let is_dated = variety != Variety::ZeroDateJpeg;
            let facts = camera_facts(device, &upright, orientation, is_dated.then_some(&taken), place, &mut chance);
            let stored = draw::stored(&upright, orientation);
            let plain = if variety == Variety::GreyJpeg { grey_jpeg(&stored)? } else { jpeg(&stored)? };
            let bytes = exif::insert(&plain, &exif::segment(&facts));
            let mut made = made(name, bytes, upright_truth(&upright, orientation));
            made.camera = Some(camera_truth(&facts));
            made.capture = is_dated.then(|| capture_truth(&taken, facts.offset.as_deref()));
            Ok(made)
        }
    }
}

/// The month since the first year, the device and the place of an occasion.
fn occasion_facts(seed: u64, occasion: u32, occasions: u32) -> (u32, &'static Device, (i32, i64, i64)) {
    let mut chance = Chance::new(seed, "occasion", u64::from(occasion));
    let month = (u64::from(occasion) * u64::from(MONTHS) / u64::from(occasions.max(1))) as u32;
    let year = FIRST_YEAR + month / 12;
    let in_use: Vec<&Device> =
        DEVICES.iter().filter(|device| (device.years.0..=device.years.1).contains(&year)).collect();
    (month, chance.pick(&in_use), chance.pick(PLACES))
}

fn draw_upright(index: u32, variety: Variety, chance: &mut Chance) -> Canvas {
    let (wide, high) = match variety {
        Variety::DeepPng | Variety::Tiff => (400, 300),
        Variety::AlphaPng => (640, 480),
        _ if index % 50 == 25 => LARGE,
        _ => chance.pick(SIZES),
    };
    let is_portrait = chance.below(3) == 0;
    let (width, height) = if is_portrait { (high, wide) } else { (wide, high) };
    draw::picture(width, height, u64::from(index), chance)
}

fn camera_facts(
    device: &Device,
    upright: &Canvas,
    orientation: u16,
    taken: Option<&Local>,
    place: (i32, i64, i64),
    chance: &mut Chance,
) -> exif::Facts {
    let (width, height) =
        if orientation >= 5 { (upright.height, upright.width) } else { (upright.width, upright.height) };
    let mut near = |around: i64| around + i64::from(chance.below(20_000)) - 10_000;
    let place_of_photo = device.knows_place.then(|| (near(place.1), near(place.2)));
    exif::Facts {
        make: device.make,
        model: device.model,
        lens: device.lens,
        big_endian: device.big_endian,
        orientation,
        taken: taken.map_or_else(|| "0000:00:00 00:00:00".to_owned(), Local::exif),
        offset: (device.knows_offset && taken.is_some()).then(|| offset_text(place.0)),
        exposure_divisor: chance.pick(&[30, 60, 125, 250, 500, 1000]),
        f_number_tenths: chance.pick(&[18, 28, 40, 56, 80]),
        iso: chance.pick(&[80, 100, 200, 400, 800, 1600]),
        focal_length_mm: chance.pick(&[4, 18, 35, 50]),
        place: place_of_photo,
        width,
        height,
    }
}

fn offset_text(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

fn camera_truth(facts: &exif::Facts) -> CameraTruth {
    CameraTruth {
        make: facts.make.to_owned(),
        model: facts.model.to_owned(),
        lens: facts.lens.map(str::to_owned),
        iso: facts.iso,
        exposure_divisor: facts.exposure_divisor,
        f_number_tenths: facts.f_number_tenths,
        focal_length_mm: facts.focal_length_mm,
        latitude_centiseconds: facts.place.map(|place| place.0),
        longitude_centiseconds: facts.place.map(|place| place.1),
    }
}

fn capture_truth(taken: &Local, offset: Option<&str>) -> CaptureTruth {
    match offset {
        Some(offset) => CaptureTruth { at: format!("{taken}{offset}"), source: CaptureSource::ExifOffset },
        None => CaptureTruth { at: taken.to_string(), source: CaptureSource::ExifFloating },
    }
}

fn upright_truth(upright: &Canvas, orientation: u16) -> ImageTruth {
    let (width, height) = (upright.width, upright.height);
    let (stored_width, stored_height) = if orientation >= 5 { (height, width) } else { (width, height) };
    ImageTruth { stored_width, stored_height, upright_width: width, upright_height: height, orientation }
}

pub(super) fn jpeg(canvas: &Canvas) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    encoder.encode(&canvas.pixels, canvas.width, canvas.height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

fn grey_jpeg(canvas: &Canvas) -> Result<Vec<u8>, ImageError> {
    // ITU-R BT.601 luma in 16-bit fixed point.
    let luma = |pixel: &[u8]| {
        ((u32::from(pixel[0]) * 19_595 + u32::from(pixel[1]) * 38_470 + u32::from(pixel[2]) * 7_471) >> 16) as u8
    };
    let grey: Vec<u8> = canvas.pixels.chunks_exact(3).map(luma).collect();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    encoder.encode(&grey, canvas.width, canvas.height, ExtendedColorType::L8)?;
    Ok(bytes)
}

pub(super) fn png(canvas: &Canvas) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(&canvas.pixels, canvas.width, canvas.height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

/// Fades out towards the lower edge.
fn alpha_png(canvas: &Canvas) -> Result<Vec<u8>, ImageError> {
    let stride = canvas.width as usize;
    let with_alpha = |(index, pixel): (usize, &[u8])| {
        let row = (index / stride) as u32;
        [pixel[0], pixel[1], pixel[2], (255 - row * 255 / canvas.height) as u8]
    };
    let pixels: Vec<u8> = canvas.pixels.chunks_exact(3).enumerate().flat_map(with_alpha).collect();
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(&pixels, canvas.width, canvas.height, ExtendedColorType::Rgba8)?;
    Ok(bytes)
}

/// Sixteen bits per channel; the encoder takes them in the byte order of the machine and writes them big-endian.
fn deep_png(canvas: &Canvas) -> Result<Vec<u8>, ImageError> {
    let pixels: Vec<u8> = canvas.pixels.iter().flat_map(|value| (u16::from(*value) * 257).to_ne_bytes()).collect();
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(&pixels, canvas.width, canvas.height, ExtendedColorType::Rgb16)?;
    Ok(bytes)
}

fn tiff(canvas: &Canvas) -> Result<Vec<u8>, ImageError> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let encoder = TiffEncoder::new(&mut bytes);
    encoder.write_image(&canvas.pixels, canvas.width, canvas.height, ExtendedColorType::Rgb8)?;
    Ok(bytes.into_inner())
}
