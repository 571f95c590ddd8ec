//! The facts in an XMP packet: words, stars, times, place, settings, and what it says of films and other parts.

use super::capture_time;
use super::motion_photo::MotionClaim;
use super::payload::{
    ALTITUDE_MAX_M, Camera, Captured, Description, Exposure, Gps, GpsSource, MediaMetadata, Method, Rational,
    SETTING_MAX, Warning, rounded, text_fact,
};
use super::words;
use super::xmp_packet::{Leaf, Stop, read_packet};

/// Items of a container directory; phones write up to five.
const ITEMS_MAX: usize = 64;

/// What a packet says beyond what goes straight into the payload.
#[derive(Debug, Default)]
pub(crate) struct XmpFacts {
    /// When the original was taken.
    pub(crate) captured: Option<Captured>,
    /// That the file holds a film, and where.
    pub(crate) motion: Option<MotionClaim>,
    /// In a sidecar: the ending of its original.
    pub(crate) for_extension: Option<String>,
    /// The name of a second packet that goes on with this one.
    pub(crate) extended: Option<String>,
}

/// Reads a packet into `facts`. What EXIF or the container says already stays: XMP is where editors write, cameras write there.
pub(crate) fn read_xmp(packet: &[u8], facts: &mut MediaMetadata) -> XmpFacts {
    let (leaves, stop) = read_packet(packet);
    facts.warnings.extend(stop.map(|stop| match stop {
        Stop::Damaged => Warning::XmpDamaged,
        Stop::TooMuch => Warning::XmpDropped,
    }));
    if leaves.is_empty() {
        return XmpFacts::default();
    }
    facts.method.insert(Method::Xmp);
    let xmp = Xmp { leaves: &leaves };
    describe(&xmp, facts);
    let camera = facts.camera.take().unwrap_or_default();
    let camera = Camera {
        make: camera.make.or_else(|| xmp.text("tiff:Make")),
        model: camera.model.or_else(|| xmp.text("tiff:Model")),
        lens_make: camera.lens_make.or_else(|| xmp.text("exifEX:LensMake")),
        lens_model: camera.lens_model.or_else(|| xmp.text("exifEX:LensModel")).or_else(|| xmp.text("aux:Lens")),
        software: camera.software.or_else(|| xmp.text("tiff:Software")),
    };
    facts.camera = (camera != Camera::default()).then_some(camera);
    let exposure = exposure(&xmp, facts.exposure.take().unwrap_or_default());
    facts.exposure = (exposure != Exposure::default()).then_some(exposure);
    facts.gps = facts.gps.take().or_else(|| place(&xmp));
    for leaf in &leaves {
        facts.put_tag("XMP", &leaf.place, &leaf.value);
    }
    XmpFacts {
        captured: captured(&xmp),
        motion: motion(&xmp),
        for_extension: xmp.text("photoshop:SidecarForExtension"),
        extended: xmp.text("xmpNote:HasExtendedXMP"),
    }
}

/// The values of a packet, by name.
struct Xmp<'a> {
    leaves: &'a [Leaf],
}

impl<'a> Xmp<'a> {
    /// The values of a property: itself, or the items of its list.
    fn values(&self, name: &str) -> impl Iterator<Item = &'a Leaf> {
        self.leaves.iter().filter(move |leaf| {
            leaf.place.strip_prefix(name).is_some_and(|rest| {
                let item = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                rest.is_empty() || item.is_some_and(|item| item.bytes().all(|byte| byte.is_ascii_digit()))
            })
        })
    }

    /// The first value of a property, in the default language where there are several.
    fn text(&self, name: &str) -> Option<String> {
        let default = self.values(name).find(|leaf| leaf.language.as_deref() == Some("x-default"));
        default.or_else(|| self.values(name).next()).and_then(|leaf| text_fact(&leaf.value))
    }

    fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.values(name).map(|leaf| leaf.value.as_str())
    }

    /// The first value above 0 that is a whole number: lists are met where one is meant, and so is a 0 before it.
    fn whole(&self, name: &str) -> Option<u32> {
        self.texts(name).find_map(|text| text.trim().parse().ok().filter(|number| *number > 0))
    }

    /// The first value as a fraction, `1/200` or `28/10`; a whole number is one, too.
    fn fraction(&self, name: &str) -> Option<Rational> {
        let text = self.texts(name).next()?.trim();
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        Rational::reduced(num.parse().ok()?, den.parse().ok()?)
    }

    fn positive(&self, name: &str) -> Option<f64> {
        rounded(self.fraction(name)?.as_f64(), 4).filter(|number| *number > 0.0 && *number <= SETTING_MAX)
    }
}

fn describe(xmp: &Xmp<'_>, facts: &mut MediaMetadata) {
    let old = facts.description.take().unwrap_or_default();
    let mut new = Description {
        title: xmp.text("dc:title").or(old.title),
        text: xmp.text("dc:description").or(old.text),
        copyright: xmp.text("dc:rights").or(old.copyright),
        rating: xmp.texts("xmp:Rating").find_map(words::rating).or(old.rating),
        label: xmp.text("xmp:Label"),
        ..Description::default()
    };
    words::add_words(&mut new.creators, xmp.texts("dc:creator"));
    if new.creators.is_empty() {
        new.creators = old.creators;
    }
    words::add_words(&mut new.keywords, xmp.texts("dc:subject"));
    words::add_words(&mut new.keywords, old.keywords.iter().map(String::as_str));
    words::add_words(&mut new.keyword_paths, xmp.texts("lr:hierarchicalSubject"));
    // digiKam parts with a stroke that may stand in a word of the other list.
    let paths: Vec<String> = xmp.texts("digiKam:TagsList").map(|path| path.replace('/', "|")).collect();
    words::add_words(&mut new.keyword_paths, paths.iter().filter(|path| path.contains('|')).map(String::as_str));
    facts.description = (new != Description::default()).then_some(new);
}

fn exposure(xmp: &Xmp<'_>, known: Exposure) -> Exposure {
    let iso = || xmp.whole("exifEX:PhotographicSensitivity").or_else(|| xmp.whole("exif:ISOSpeedRatings"));
    Exposure {
        time_s: known.time_s.or_else(|| xmp.fraction("exif:ExposureTime")),
        f_number: known.f_number.or_else(|| xmp.positive("exif:FNumber")),
        iso: known.iso.or_else(iso),
        focal_length_mm: known.focal_length_mm.or_else(|| xmp.positive("exif:FocalLength")),
        focal_length_35mm: known.focal_length_35mm.or_else(|| xmp.whole("exif:FocalLengthIn35mmFilm")),
    }
}

fn captured(xmp: &Xmp<'_>) -> Option<Captured> {
    ["exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"]
        .into_iter()
        .find_map(|name| capture_time::from_xmp(&format!("XMP:{name}"), xmp.texts(name).next()?))
}

fn place(xmp: &Xmp<'_>) -> Option<Gps> {
    let angle = |name, signs, limit| parse_angle(xmp.texts(name).next()?, signs, limit);
    let metres = xmp.fraction("exif:GPSAltitude").and_then(|metres| rounded(metres.as_f64(), 3));
    let below = matches!(xmp.texts("exif:GPSAltitudeRef").next().map(str::trim), Some("1" | "3"));
    Some(Gps {
        latitude: angle("exif:GPSLatitude", ('N', 'S'), 90.0)?,
        longitude: angle("exif:GPSLongitude", ('E', 'W'), 180.0)?,
        altitude_m: metres
            .filter(|metres| *metres <= ALTITUDE_MAX_M)
            .map(|metres| if below { -metres } else { metres }),
        direction_deg: None,
        direction_reference: None,
        at: None,
        source: GpsSource::Xmp,
    })
}

/// `48,12.492N` or `48,12,29.5N`: degrees, minutes with decimals or minutes and seconds, and the hemisphere.
fn parse_angle(text: &str, (plus, minus): (char, char), limit: f64) -> Option<f64> {
    let text = text.trim();
    let letter = text.chars().next_back()?.to_ascii_uppercase();
    let numbers = text.get(..text.len() - 1).filter(|_| letter.is_ascii_alphabetic())?;
    let mut degrees = 0.0;
    for (index, part) in numbers.split(',').enumerate() {
        let scale = [1.0, 60.0, 3600.0].get(index)?;
        let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number: f64 = part.parse().ok().filter(|_| plain)?;
        if index > 0 && number >= 60.0 {
            return None;
        }
        degrees += number / scale;
    }
    let signed = if letter == plus {
        degrees
    } else if letter == minus {
        -degrees
    } else {
        return None;
    };
    rounded(signed, 8).filter(|degrees| degrees.abs() <= limit)
}

/// What Google's phones, and others after them, say of a film behind the still.
fn motion(xmp: &Xmp<'_>) -> Option<MotionClaim> {
    let number = |name: &str| xmp.texts(name).next().and_then(|text| text.trim().parse::<i64>().ok());
    // -1 stands for "not known".
    let moment = |name: &str| number(name).and_then(|at| u64::try_from(at).ok());
    let item = |index: usize, field: &str| {
        let name = format!("Container:Directory[{index}]/Container:Item/Item:{field}");
        xmp.texts(&name).next().map(str::trim)
    };
    if number("GCamera:MotionPhoto") == Some(1) {
        let length = |index, field| item(index, field).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let mut after = 0u64;
        let count = (1..=ITEMS_MAX).take_while(|index| item(*index, "Mime").is_some()).last().unwrap_or(0);
        for index in (2..=count).rev() {
            after = after.saturating_add(length(index, "Length")).saturating_add(length(index, "Padding"));
            let is_film = item(index, "Semantic") == Some("MotionPhoto");
            if is_film {
                let still_at_us = moment("GCamera:MotionPhotoPresentationTimestampUs");
                return Some(MotionClaim::Directory { from_end: after, length: length(index, "Length"), still_at_us });
            }
        }
    }
    let offset = number("GCamera:MicroVideoOffset").and_then(|offset| u64::try_from(offset).ok())?;
    let is_film = number("GCamera:MicroVideo") == Some(1) && offset > 0;
    let still_at_us = moment("GCamera:MicroVideoPresentationTimestampUs");
    is_film.then_some(MotionClaim::MicroVideo { from_end: offset, still_at_us })
}
