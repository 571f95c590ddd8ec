//! Plans the photos of a sample: which device took which of them when, in which folder it lies, what is special about it, and what lies
//! beside it.

use super::chance::Chance;
use super::companion;
use super::device::{self, Device, Occasion, Place};
use super::draw::{self, Canvas};
use super::heif::{self, Codec};
use super::made::{Batch, Made};
use super::moment::{Local, local_time};
use super::raw::{self, RawKind};
use super::tool::Workplace;
use super::truth::{CameraTruth, CaptureSource, CaptureTruth, ImageTruth, NearDuplicate, PathTruth};
use super::{Formats, SampleError, SampleOptions, encode, exif};

/// Photos that were taken on one occasion.
const PHOTOS_PER_OCCASION: u32 = 12;
/// After so many photos the varieties begin again.
const ROUND: u32 = 48;
/// The quality of a photo that went through a messenger.
const MESSENGER_QUALITY: i32 = 45;

/// Most photos are small for their time, so that thousands are made and read in minutes.
const SIZES: &[(u32, u32)] =
    &[(800, 600), (1024, 768), (1200, 800), (1280, 960), (1600, 1200), (1600, 1200), (1920, 1280), (2048, 1536)];
/// One photo in fifty is as large as those of real cameras.
const LARGE: (u32, u32) = (4000, 3000);

/// What is special about the photos at each place of a round. The others are JPEGs whose orientations go round from 1 to 8.
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
    ProgressiveJpeg,
    CmykJpeg,
    WebP,
    MovingWebP,
    Gif,
    Bmp,
    /// A local time without offset, and the time of the satellites.
    SatelliteJpeg,
    Svg,
    Raw(RawKind),
    Sidecar,
    /// Two sidecars by two rules of naming.
    TwoSidecars,
    Resized,
    Recompressed,
    Heif(Codec, u16),
    LiveHeic,
    LiveJpeg,
    MotionPhoto,
    MicroVideo,
}

fn variety(index: u32, options: &SampleOptions) -> Variety {
    let (has_all, has_films) = (options.formats == Formats::All, options.videos > 0);
    match index % ROUND {
        8 => Variety::AlphaPng,
        9 => Variety::GreyJpeg,
        10 => Variety::Tiff,
        11 => Variety::DeepPng,
        12 => Variety::BareJpeg,
        13 => Variety::ZeroDateJpeg,
        14 => Variety::ProgressiveJpeg,
        15 => Variety::CmykJpeg,
        16 => Variety::WebP,
        17 => Variety::Gif,
        18 => Variety::Bmp,
        19 => Variety::SatelliteJpeg,
        20 => Variety::MovingWebP,
        21 => Variety::Svg,
        22 => Variety::Raw(RawKind::Dng),
        23 => Variety::Raw(RawKind::Cr2),
        24 => Variety::Raw(RawKind::Nef),
        26 => Variety::Sidecar,
        27 => Variety::TwoSidecars,
        28 => Variety::Resized,
        29 => Variety::Recompressed,
        32 if has_all => Variety::Heif(Codec::Hevc, 1),
        33 if has_all => Variety::Heif(Codec::Hevc, 6),
        34 if has_all => Variety::Heif(Codec::Av1, 1),
        35 if has_all => Variety::Heif(Codec::Hevc, 3),
        36 if has_all => Variety::Heif(Codec::Av1, 8),
        37 if has_all && has_films => Variety::LiveHeic,
        38 if has_all && has_films => Variety::LiveJpeg,
        39 if has_all && has_films => Variety::MotionPhoto,
        40 if has_all && has_films => Variety::MicroVideo,
        _ => Variety::Jpeg,
    }
}

/// A photo before it is encoded.
pub(super) struct Photo {
    pub(super) seed: u64,
    pub(super) index: u32,
    /// The folder and the name without its ending.
    pub(super) stem: String,
    pub(super) ending: &'static str,
    pub(super) mtime_us: i64,
    pub(super) taken: Local,
    pub(super) upright: Canvas,
    pub(super) facts: exif::Facts,
    minutes_east: i32,
}

/// Photo number `index`, and what lies beside it.
pub(super) fn make(options: &SampleOptions, index: u32, workplace: &Workplace) -> Result<Batch, SampleError> {
    let seed = options.seed;
    let variety = variety(index, options);
    let occasion_number = index / PHOTOS_PER_OCCASION;
    let occasion = device::occasion(seed, occasion_number, options.photos.div_ceil(PHOTOS_PER_OCCASION));
    let mut chance = Chance::new(seed, "photo", u64::from(index));
    let taken = Local {
        year: device::FIRST_YEAR + occasion.month / 12,
        month: occasion.month % 12 + 1,
        day: 1 + occasion_number % 28,
        hour: chance.between(7, 21),
        minute: chance.below(60),
        second: chance.below(60),
    };
    let upright = draw_upright(index, variety, &mut chance);
    let mtime_us = local_time(&taken, occasion.place.0) + i64::from(chance.below(1_000_000));
    let device = device_for(variety, occasion.device);
    let is_dated = variety != Variety::ZeroDateJpeg;
    let orientation = orientation(variety, index);
    let facts = camera_facts(device, &upright, orientation, is_dated.then_some(&taken), occasion.place, &mut chance);
    let stem = stem(variety, device, &occasion, &taken, index);
    let minutes_east = occasion.place.0;
    let photo = Photo { seed, index, stem, ending: device.ending, mtime_us, taken, upright, facts, minutes_east };
    finish(photo, variety, workplace)
}

fn finish(mut photo: Photo, variety: Variety, workplace: &Workplace) -> Result<Batch, SampleError> {
    let upright = &photo.upright;
    match variety {
        Variety::AlphaPng => Ok(photo.plain("png", "image/png", encode::alpha_png(upright)?).into()),
        Variety::DeepPng => Ok(photo.plain("png", "image/png", encode::deep_png(upright)?).into()),
        Variety::Tiff => Ok(photo.plain("tif", "image/tiff", encode::tiff(upright)?).into()),
        Variety::Bmp => Ok(photo.plain("bmp", "image/bmp", encode::bmp(upright)?).into()),
        Variety::BareJpeg => Ok(photo.plain("jpg", "image/jpeg", encode::jpeg(upright)?).into()),
        Variety::Gif => Ok(photo.plain("gif", "image/gif", encode::gif(&photo.moving())?).into()),
        Variety::MovingWebP => Ok(photo.plain("webp", "image/webp", encode::moving_webp(&photo.moving())?).into()),
        Variety::Svg => {
            let bytes = encode::svg(upright.width, upright.height, photo.index);
            Ok(photo.plain("svg", "image/svg+xml", bytes).into())
        }
        Variety::WebP => {
            let bytes = encode::webp(upright, Some(exif::block(&photo.facts)))?;
            Ok(photo.with_camera("webp", "image/webp", bytes).into())
        }
        Variety::ProgressiveJpeg => photo.jpeg(encode::progressive_jpeg).map(Batch::from),
        Variety::CmykJpeg => photo.jpeg(encode::cmyk_jpeg).map(Batch::from),
        Variety::GreyJpeg => photo.jpeg(encode::grey_jpeg).map(Batch::from),
        Variety::Jpeg | Variety::ZeroDateJpeg => photo.jpeg(encode::jpeg).map(Batch::from),
        Variety::SatelliteJpeg => {
            photo.facts.satellites = Some(photo.taken.shifted(-photo.minutes_east));
            photo.jpeg(encode::jpeg).map(Batch::from)
        }
        Variety::Raw(kind) => {
            let stored = draw::stored(&photo.upright, photo.facts.orientation);
            let made = photo.with_camera(kind.ending(), kind.media_type(), raw::file(kind, &stored, &photo.facts)?);
            let made =
                Made { note: Some("RAW-like: previews, tags and a mosaic, without the notes of its maker"), ..made };
            companion::raw_and_jpeg(&photo, made)
        }
        Variety::Sidecar => companion::sidecar(&photo, false),
        Variety::TwoSidecars => companion::sidecar(&photo, true),
        Variety::Resized | Variety::Recompressed => photo.with_likeness(variety == Variety::Resized),
        Variety::Heif(codec, _) => photo.heif(codec, workplace).map(Batch::from),
        Variety::LiveHeic => companion::live_photo(photo, true, workplace),
        Variety::LiveJpeg => companion::live_photo(photo, false, workplace),
        Variety::MotionPhoto => companion::motion_photo(&photo, false, workplace),
        Variety::MicroVideo => companion::motion_photo(&photo, true, workplace),
    }
}

impl Photo {
    fn path(&self, ending: &str) -> String {
        format!("{}.{ending}", self.stem)
    }

    /// A picture that says nothing about its camera, upright as it is.
    fn plain(&self, ending: &str, media_type: &'static str, bytes: Vec<u8>) -> Made {
        let image = Some(upright_truth(&self.upright, 1));
        Made { image, ..Made::new(self.path(ending), bytes, media_type, self.mtime_us) }
    }

    /// A picture with the facts of its camera.
    pub(super) fn with_camera(&self, ending: &str, media_type: &'static str, bytes: Vec<u8>) -> Made {
        let is_dated = !self.facts.taken.starts_with("0000");
        Made {
            image: Some(upright_truth(&self.upright, self.facts.orientation)),
            camera: Some(camera_truth(&self.facts)),
            capture: is_dated.then(|| capture_truth(&self.taken, &self.facts)),
            ..Made::new(self.path(ending), bytes, media_type, self.mtime_us)
        }
    }

    /// A JPEG of some kind, with the facts of its camera.
    pub(super) fn jpeg(&self, encode: impl Fn(&Canvas) -> Result<Vec<u8>, SampleError>) -> Result<Made, SampleError> {
        let stored = draw::stored(&self.upright, self.facts.orientation);
        let bytes = exif::insert(&encode(&stored)?, &exif::segment(&self.facts));
        Ok(self.with_camera(self.ending, "image/jpeg", bytes))
    }

    pub(super) fn heif(&self, codec: Codec, workplace: &Workplace) -> Result<Made, SampleError> {
        let name = format!("photo-{}", self.index);
        let bytes = heif::encode(workplace, &name, codec, &self.upright, &self.facts)?;
        let ending = if codec == Codec::Hevc { "HEIC" } else { "avif" };
        Ok(self.with_camera(ending, codec.media_type(), bytes))
    }

    /// Three pictures in which a ball moves along the lower edge.
    fn moving(&self) -> Vec<Canvas> {
        let step = i64::from(self.upright.width) / 4;
        let picture = |number: i64| {
            let mut picture = self.upright.clone();
            picture.rectangle(step * number, i64::from(picture.height) - 30, 24, 24, [250, 230, 30]);
            picture
        };
        (0..3).map(picture).collect()
    }

    /// The photo, and what a messenger makes of it: smaller or coarser, without a word about the camera.
    fn with_likeness(&self, is_resized: bool) -> Result<Batch, SampleError> {
        let original = self.jpeg(encode::jpeg)?;
        let (bytes, image, how) = if is_resized {
            let half = self.upright.half();
            (encode::jpeg(&half)?, upright_truth(&half, 1), "resized")
        } else {
            let bytes = encode::jpeg_of_quality(&self.upright, MESSENGER_QUALITY)?;
            (bytes, upright_truth(&self.upright, 1), "recompressed")
        };
        let name = messenger_path(&self.taken, self.index);
        let copy = Made::new(format!("{name}.jpg"), bytes, "image/jpeg", self.mtime_us + 60_000_000);
        let copy = Made { image: Some(image), ..copy };
        let near = NearDuplicate {
            original: PathTruth::new(&original.path),
            copy: PathTruth::new(&copy.path),
            how: how.to_owned(),
        };
        Ok(Batch { made: vec![original, copy], near_duplicates: vec![near], ..Batch::default() })
    }
}

fn orientation(variety: Variety, index: u32) -> u16 {
    match variety {
        Variety::Jpeg | Variety::ProgressiveJpeg => (index % 8 + 1) as u16,
        Variety::Heif(_, orientation) => orientation,
        Variety::LiveHeic => 6,
        Variety::Raw(RawKind::Nef) => 8,
        Variety::Resized => 6,
        _ => 1,
    }
}

fn device_for(variety: Variety, of_occasion: &'static Device) -> &'static Device {
    match variety {
        Variety::Raw(kind) => device::with_raw(kind),
        Variety::Heif(..) | Variety::LiveHeic | Variety::LiveJpeg => device::named("iphone-11"),
        Variety::SatelliteJpeg => device::named("iphone-4s"),
        Variety::MotionPhoto | Variety::MicroVideo => device::named("galaxy-s7"),
        _ => of_occasion,
    }
}

/// The path without its ending.
fn stem(variety: Variety, device: &Device, occasion: &Occasion, taken: &Local, index: u32) -> String {
    let folder = device::folder(device, occasion, taken);
    let (year, month, day) = (taken.year, taken.month, taken.day);
    match variety {
        Variety::AlphaPng => {
            // Cameras take no picture of their screen; what is beside their photos then comes from a computer.
            let of =
                if device.knows_place { format!("phones/{}/Pictures", device.folder) } else { "desktop".to_owned() };
            format!("{of}/Screenshots/Screenshot_{year}{month:02}{day:02}_{index:06}")
        }
        Variety::Tiff => format!("scans/album-{}/scan_{index:04}", index / 480 + 1),
        Variety::BareJpeg => messenger_path(taken, index),
        Variety::DeepPng | Variety::WebP | Variety::Bmp | Variety::Svg => format!("{folder}/render_{index:04}"),
        Variety::Gif | Variety::MovingWebP => format!("{folder}/animation_{index:04}"),
        Variety::MotionPhoto | Variety::MicroVideo => format!("{folder}/MVIMG_{year}{month:02}{day:02}_{index:06}"),
        _ => format!("{folder}/{}{index:04}", device.prefix),
    }
}

fn messenger_path(taken: &Local, index: u32) -> String {
    let Local { year, month, day, .. } = taken;
    format!("phones/messenger/WhatsApp/Media/WhatsApp Images/IMG-{year}{month:02}{day:02}-WA{index:04}")
}

fn draw_upright(index: u32, variety: Variety, chance: &mut Chance) -> Canvas {
    let (wide, high) = match variety {
        Variety::DeepPng | Variety::Tiff | Variety::Bmp | Variety::WebP => (400, 300),
        Variety::Gif | Variety::MovingWebP | Variety::Svg => (240, 180),
        Variety::AlphaPng | Variety::Heif(..) | Variety::LiveHeic | Variety::Raw(_) => (640, 480),
        Variety::CmykJpeg => (800, 600),
        _ if index % 50 == 45 => LARGE,
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
    place: Place,
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
        satellites: None,
        content_id: None,
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

fn capture_truth(taken: &Local, facts: &exif::Facts) -> CaptureTruth {
    let satellites = facts.satellites.filter(|_| facts.place.is_some()).map(|at| format!("{at}Z"));
    match &facts.offset {
        Some(offset) => CaptureTruth { at: format!("{taken}{offset}"), source: CaptureSource::ExifOffset, satellites },
        None => CaptureTruth { at: taken.to_string(), source: CaptureSource::ExifFloating, satellites },
    }
}

pub(super) fn upright_truth(upright: &Canvas, orientation: u16) -> ImageTruth {
    let (width, height) = (upright.width, upright.height);
    let (stored_width, stored_height) = if orientation >= 5 { (height, width) } else { (width, height) };
    ImageTruth { stored_width, stored_height, upright_width: width, upright_height: height, orientation }
}
