//! The devices of a sample: what they write down, how they name their files, and in which folders those end up.

use super::chance::Chance;
use super::moment::Local;
use super::raw::RawKind;

/// A camera or phone.
pub(super) struct Device {
    pub(super) folder: &'static str,
    pub(super) prefix: &'static str,
    pub(super) ending: &'static str,
    /// The folder on its card.
    card: &'static str,
    pub(super) make: &'static str,
    pub(super) model: &'static str,
    pub(super) lens: Option<&'static str>,
    years: (u32, u32),
    pub(super) big_endian: bool,
    pub(super) knows_offset: bool,
    pub(super) knows_place: bool,
    pub(super) raw: Option<RawKind>,
}

/// Where an occasion happened: minutes east of UTC, latitude and longitude in hundredths of a second of arc.
pub(super) type Place = (i32, i64, i64);

const PLACES: &[Place] = &[
    (60, 17_048_016, 3_075_912),
    (120, 13_674_240, 8_541_000),
    (-300, 14_656_608, -26_642_160),
    (540, 12_844_416, 50_288_184),
    (330, 6_831_360, 26_237_880),
    (-180, -8_248_284, -15_559_452),
];

const BASE: Device = Device {
    folder: "",
    prefix: "IMG_",
    ending: "JPG",
    card: "",
    make: "",
    model: "",
    lens: None,
    years: (FIRST_YEAR, FIRST_YEAR),
    big_endian: false,
    knows_offset: false,
    knows_place: false,
    raw: None,
};

const DEVICES: &[Device] = &[
    Device {
        folder: "coolpix",
        prefix: "DSCN",
        card: "100NIKON",
        make: "NIKON",
        model: "COOLPIX S210",
        years: (2004, 2012),
        big_endian: true,
        ..BASE
    },
    Device {
        folder: "d70",
        prefix: "DSC_",
        card: "100NCD70",
        make: "NIKON CORPORATION",
        model: "NIKON D70",
        years: (2004, 2010),
        big_endian: true,
        raw: Some(RawKind::Nef),
        ..BASE
    },
    Device {
        folder: "eos-450d",
        card: "100CANON",
        make: "Canon",
        model: "Canon EOS 450D",
        lens: Some("EF-S18-55mm f/3.5-5.6 IS"),
        years: (2008, 2015),
        raw: Some(RawKind::Cr2),
        ..BASE
    },
    Device {
        folder: "iphone-4s",
        card: "100APPLE",
        make: "Apple",
        model: "iPhone 4S",
        years: (2012, 2016),
        big_endian: true,
        knows_place: true,
        ..BASE
    },
    Device {
        folder: "galaxy-s7",
        prefix: "2016_",
        ending: "jpg",
        card: "Camera",
        make: "samsung",
        model: "SM-G930F",
        years: (2016, 2019),
        knows_place: true,
        ..BASE
    },
    Device {
        folder: "iphone-11",
        ending: "jpeg",
        card: "101APPLE",
        make: "Apple",
        model: "iPhone 11",
        lens: Some("iPhone 11 back dual wide camera 4.25mm f/1.8"),
        years: (2019, 2025),
        big_endian: true,
        knows_offset: true,
        knows_place: true,
        ..BASE
    },
    Device {
        folder: "x-t30",
        prefix: "DSCF",
        card: "100_FUJI",
        make: "FUJIFILM",
        model: "X-T30",
        lens: Some("XF35mmF2 R WR"),
        years: (2019, 2025),
        knows_offset: true,
        ..BASE
    },
    Device {
        folder: "q2",
        prefix: "L100",
        card: "100LEICA",
        make: "LEICA CAMERA AG",
        model: "LEICA Q2",
        lens: Some("SUMMILUX 1:1.7/28 ASPH."),
        years: (2020, 2025),
        knows_offset: true,
        raw: Some(RawKind::Dng),
        ..BASE
    },
];

/// The first year of a sample.
pub(super) const FIRST_YEAR: u32 = 2004;
/// Months that a sample spans, to December 2025.
pub(super) const MONTHS: u32 = 22 * 12;

/// Photos that were taken on one occasion, with one device at one place.
pub(super) struct Occasion {
    pub(super) device: &'static Device,
    pub(super) place: Place,
    /// Months since the first of [`FIRST_YEAR`].
    pub(super) month: u32,
    /// How its owner keeps the files: 0 by year and month, 1 as the card was copied.
    habit: u32,
}

/// Occasion number `index` of `count`.
pub(super) fn occasion(seed: u64, index: u32, count: u32) -> Occasion {
    let mut chance = Chance::new(seed, "occasion", u64::from(index));
    let month = (u64::from(index) * u64::from(MONTHS) / u64::from(count.max(1))) as u32;
    let year = FIRST_YEAR + month / 12;
    let in_use: Vec<&Device> =
        DEVICES.iter().filter(|device| (device.years.0..=device.years.1).contains(&year)).collect();
    Occasion { device: chance.pick(&in_use), place: chance.pick(PLACES), month, habit: chance.below(2) }
}

/// A device that writes this kind of RAW.
pub(super) fn with_raw(kind: RawKind) -> &'static Device {
    DEVICES.iter().find(|device| device.raw == Some(kind)).unwrap_or(&DEVICES[0])
}

/// A device of that name; the first one where there is none.
pub(super) fn named(folder: &str) -> &'static Device {
    DEVICES.iter().find(|device| device.folder == folder).unwrap_or(&DEVICES[0])
}

/// The folder of what a device took: by year and month, as phones keep it, or one for each time a card was copied.
pub(super) fn folder(device: &Device, occasion: &Occasion, taken: &Local) -> String {
    let Device { folder, card, .. } = device;
    let (year, month, day) = (taken.year, taken.month, taken.day);
    match (occasion.habit, device.knows_place) {
        (0, _) => format!("{year}/{month:02}/{folder}"),
        (_, true) => format!("phones/{folder}/DCIM/{card}"),
        (_, false) => format!("imports/{year}-{month:02}-{day:02} {folder}/DCIM/{card}"),
    }
}
