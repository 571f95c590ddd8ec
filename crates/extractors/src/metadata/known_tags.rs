//! Facts behind well-known tags of containers: camera, place and time, in the words of Apple, Android and others.

use super::capture_time;
use super::payload::{Camera, Captured, Gps, MediaMetadata, rounded};

/// Groups of raw tags, best first: QuickTime keys, QuickTime user data, MP4 item list, what `ffprobe` calls format tags.
const GROUPS: [&str; 4] = ["Keys", "UserData", "ItemList", "Format"];

const MAKES: [&str; 4] = ["com.apple.quicktime.make", "com.android.manufacturer", "\u{A9}mak", "make"];
const MODELS: [&str; 4] = ["com.apple.quicktime.model", "com.android.model", "\u{A9}mod", "model"];
const PLACES: [&str; 3] = ["com.apple.quicktime.location.ISO6709", "\u{A9}xyz", "location"];
/// Local time with an offset: better than the movie header, which has the instant only (and, from some cameras, wrongly).
const LOCAL_TIMES: [&str; 2] = ["com.apple.quicktime.creationdate", "\u{A9}day"];
/// The instant, as `ffprobe` prints it.
const INSTANTS: [&str; 1] = ["creation_time"];

/// Fills camera and place from the raw tags.
pub(crate) fn read_camera_and_place(facts: &mut MediaMetadata) {
    let camera = Camera {
        make: find(facts, &MAKES).map(|found| found.1.to_owned()),
        model: find(facts, &MODELS).map(|found| found.1.to_owned()),
        ..Camera::default()
    };
    if camera != Camera::default() {
        facts.camera = Some(camera);
    }
    facts.gps = find(facts, &PLACES).and_then(|found| parse_iso6709(found.1));
}

/// The local time with its offset, if a tag states both.
pub(crate) fn local_time(facts: &MediaMetadata) -> Option<Captured> {
    LOCAL_TIMES.iter().find_map(|name| time(facts, name))
}

/// The instant, if a tag states it.
pub(crate) fn instant(facts: &MediaMetadata) -> Option<Captured> {
    INSTANTS.iter().find_map(|name| time(facts, name))
}

fn time(facts: &MediaMetadata, name: &str) -> Option<Captured> {
    let (tag, text) = find(facts, &[name])?;
    capture_time::from_container_text(tag, text)
}

fn find<'a>(facts: &'a MediaMetadata, names: &[&str]) -> Option<(&'a str, &'a str)> {
    names.iter().find_map(|name| {
        GROUPS.iter().find_map(|group| {
            let (key, value) = facts.tags.get_key_value(&format!("{group}:{name}"))?;
            Some((key.as_str(), value.as_str()))
        })
    })
}

/// Reads `+27.5916+086.5640+8850/` (ISO 6709, annex H): degrees with decimals, then metres. The forms with minutes
/// and seconds have more digits before the point and are not met; they are no place here.
fn parse_iso6709(text: &str) -> Option<Gps> {
    let text = text.trim().trim_end_matches('/');
    let starts: Vec<usize> = text.match_indices(['+', '-']).map(|(at, _)| at).collect();
    let (first, second) = (*starts.first()?, *starts.get(1)?);
    // What follows the height (`CRSWGS_84`) is not needed.
    let third = starts.get(2).copied();
    if first != 0 {
        return None;
    }
    let latitude = decimal(&text[..second], 2)?;
    let longitude = decimal(&text[second..third.unwrap_or(text.len())], 3)?;
    let altitude = third.and_then(|at| {
        let end = text[at + 1..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(text.len(), |end| at + 1 + end);
        decimal(&text[at..end], 7)
    });
    (latitude.abs() <= 90.0 && longitude.abs() <= 180.0).then_some(Gps {
        latitude: rounded(latitude, 8)?,
        longitude: rounded(longitude, 8)?,
        altitude_m: altitude.and_then(|metres| rounded(metres, 3)),
    })
}

/// A sign, up to `digits_max` digits, and decimals.
fn decimal(text: &str, digits_max: usize) -> Option<f64> {
    let digits = text.get(1..)?;
    let whole = digits.split('.').next()?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !plain || whole.is_empty() || whole.len() > digits_max {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_phones_write_them() {
        let read = |text| parse_iso6709(text).map(|gps| (gps.latitude, gps.longitude, gps.altitude_m));
        assert_eq!(read("+27.5916+086.5640+8850/"), Some((27.5916, 86.564, Some(8850.0))));
        assert_eq!(read("-33.8568+151.2153/"), Some((-33.8568, 151.2153, None)));
        assert_eq!(read("+48.2082+016.3738+151.300/"), Some((48.2082, 16.3738, Some(151.3))));
        assert_eq!(read("+48.2082+016.3738-002.5CRSWGS_84/"), Some((48.2082, 16.3738, Some(-2.5))));
        for refused in ["", "/", "+", "+-", "48.2+16.3/", "+91.0+000.0/", "+4812.5+01622.4/", "+1+2e5/", "+nan+inf/"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }
}
