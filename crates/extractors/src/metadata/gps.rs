//! The place in EXIF data: coordinates, height, direction and the time of the satellites, each with its reference.

use super::capture_time;
use super::payload::{ALTITUDE_MAX_M, Gps, GpsSource, MediaMetadata, North, Warning, rounded};
use super::tiff::{Directory, Value};

/// Reads the directory of the place. A place that is stated but cannot be believed leaves a warning.
pub(crate) fn read_place(gps: &Directory, facts: &mut MediaMetadata) -> Option<Gps> {
    let stated = gps.get(2).is_some() || gps.get(4).is_some();
    let place = place(gps);
    if stated && place.is_none() {
        facts.warnings.insert(Warning::GpsRefused);
    }
    place
}

/// A place needs both coordinates with their hemispheres: a half of the earth is not made up.
fn place(gps: &Directory) -> Option<Gps> {
    let direction = direction(gps);
    Some(Gps {
        latitude: angle(gps, 2, 1, ('N', 'S'), 90.0)?,
        longitude: angle(gps, 4, 3, ('E', 'W'), 180.0)?,
        altitude_m: altitude(gps),
        direction_deg: direction.map(|(degrees, _)| degrees),
        direction_reference: direction.map(|(_, north)| north),
        at: time(gps),
        source: GpsSource::Exif,
    })
}

/// The time of the satellites, UTC by definition; asked also where there is no place.
pub(crate) fn time(gps: &Directory) -> Option<String> {
    let clock = gps.get(7)?;
    capture_time::gps_instant(text(gps, 0x1D)?, [clock.number(0)?, clock.number(1)?, clock.number(2)?])
}

fn text(gps: &Directory, tag: u16) -> Option<&str> {
    gps.get(tag)?.text().map(str::trim)
}

/// Degrees, minutes and seconds with their hemisphere. Minutes or seconds may be absent; 0/0 in their place is no number.
fn angle(gps: &Directory, value: u16, reference: u16, signs: (char, char), limit: f64) -> Option<f64> {
    let value = gps.get(value)?;
    let count = match value {
        Value::Fractions(list) => list.len(),
        Value::Integers(list) => list.len(),
        Value::Floats(list) => list.len(),
        Value::Text(_) | Value::Bytes(..) => return None,
    };
    let part = |index: usize| if index < count { value.number(index) } else { Some(0.0) };
    let (degrees, minutes, seconds) = (value.number(0)?, part(1)?, part(2)?);
    if degrees < 0.0 || !(0.0..60.0).contains(&minutes) || !(0.0..=60.0).contains(&seconds) {
        return None;
    }
    let degrees = degrees + minutes / 60.0 + seconds / 3600.0;
    let reference = text(gps, reference)?.chars().next()?.to_ascii_uppercase();
    let signed = match reference {
        letter if letter == signs.0 => degrees,
        letter if letter == signs.1 => -degrees,
        _ => return None,
    };
    rounded(signed, 8).filter(|degrees| degrees.abs() <= limit)
}

/// 1 and 3 stand for "below" (the sea, the ellipsoid).
fn altitude(gps: &Directory) -> Option<f64> {
    let reference = match gps.get(5) {
        Some(Value::Bytes(bytes, _)) => bytes.first().copied().map(u64::from),
        Some(other) => other.unsigned(),
        None => None,
    };
    let metres = gps.get(6)?.number(0)?;
    let below = matches!(reference, Some(1 | 3));
    rounded(if below { -metres } else { metres }, 3).filter(|metres| metres.abs() <= ALTITUDE_MAX_M)
}

/// A direction without its north is none: the two differ by up to tens of degrees.
fn direction(gps: &Directory) -> Option<(f64, North)> {
    let north = match text(gps, 0x10)? {
        "T" => North::True,
        "M" => North::Magnetic,
        _ => return None,
    };
    let degrees = gps.get(0x11)?.number(0).and_then(|degrees| rounded(degrees, 4))?;
    match degrees {
        // A full turn is met as 360.
        360.0 => Some((0.0, north)),
        degrees if (0.0..360.0).contains(&degrees) => Some((degrees, north)),
        _ => None,
    }
}
