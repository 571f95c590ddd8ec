//! Facts behind well-known tags of containers: camera, place, time, words and music, as Apple, Android and others write them.

use super::capture_time;
use super::payload::{
    Camera, Captured, Description, Gps, GpsSource, MediaMetadata, Music, Warning, rounded, text_fact,
};
use super::words;

/// Groups of raw tags, best first: QuickTime keys, QuickTime user data, MP4 item list, what `ffprobe` calls format tags.
const GROUPS: [&str; 5] = ["Keys", "UserData", "ItemList", "Format", "Stream0"];

const MAKES: [&str; 4] = ["com.apple.quicktime.make", "com.android.manufacturer", "\u{A9}mak", "make"];
const MODELS: [&str; 4] = ["com.apple.quicktime.model", "com.android.model", "\u{A9}mod", "model"];
const SOFTWARE: [&str; 2] = ["com.apple.quicktime.software", "\u{A9}swr"];
const PLACES: [&str; 3] = ["com.apple.quicktime.location.ISO6709", "\u{A9}xyz", "location"];
const IDENTIFIERS: [&str; 1] = ["com.apple.quicktime.content.identifier"];
const TITLES: [&str; 4] = ["com.apple.quicktime.title", "com.apple.quicktime.displayname", "\u{A9}nam", "title"];
const TEXTS: [&str; 6] = ["com.apple.quicktime.description", "ldes", "desc", "description", "\u{A9}des", "comment"];
const COPYRIGHTS: [&str; 3] = ["com.apple.quicktime.copyright", "cprt", "copyright"];
const KEYWORDS: [&str; 2] = ["com.apple.quicktime.keywords", "keywords"];
/// Local time with an offset: better than the movie header, which has the instant only (and, from some cameras, wrongly).
/// The date of the item list is when an album appeared.
const LOCAL_TIMES: [&str; 3] =
    ["Keys:com.apple.quicktime.creationdate", "Format:com.apple.quicktime.creationdate", "UserData:\u{A9}day"];
/// The instant, as `ffprobe` prints it.
const INSTANTS: [&str; 1] = ["Format:creation_time"];

/// Fills camera, place, words and music from the raw tags.
pub(crate) fn read_facts(facts: &mut MediaMetadata) {
    let text = |names: &[&str]| find(facts, names).and_then(|found| text_fact(found.1));
    let camera = Camera { make: text(&MAKES), model: text(&MODELS), software: text(&SOFTWARE), ..Camera::default() };
    let mut description = Description {
        title: text(&TITLES),
        text: text(&TEXTS),
        copyright: text(&COPYRIGHTS),
        ..Description::default()
    };
    let keywords = text(&KEYWORDS);
    words::add_words(&mut description.keywords, keywords.iter().flat_map(|list| list.split([',', ';'])));
    let number = |names: &[&str]| text(names)?.split('/').next()?.trim().parse().ok().filter(|number| *number > 0);
    let music = Music {
        artist: text(&["\u{A9}ART", "artist"]),
        album: text(&["\u{A9}alb", "album"]),
        album_artist: text(&["aART", "album_artist"]),
        composer: text(&["\u{A9}wrt", "composer"]),
        genre: text(&["\u{A9}gen", "genre"]),
        released: find_in(facts, &["ItemList"], &["\u{A9}day"])
            .or_else(|| find_in(facts, groups(facts, &["Format", "Stream0"]), &["date", "year"]))
            .and_then(|found| text_fact(found.1)),
        track: number(&["trkn", "track"]),
        disc: number(&["disk", "disc"]),
    };
    let place = find(facts, &PLACES).and_then(|found| parse_iso6709(found.1));
    let refused = place.is_none() && find(facts, &PLACES).is_some();
    let identifier = text(&IDENTIFIERS);
    facts.warnings.extend(refused.then_some(Warning::GpsRefused));
    facts.content_identifier = identifier.or(facts.content_identifier.take());
    facts.gps = place.or(facts.gps.take());
    facts.camera = (camera != Camera::default()).then_some(camera).or(facts.camera.take());
    facts.description = (description != Description::default()).then_some(description).or(facts.description.take());
    facts.music = (music != Music::default()).then_some(music).or(facts.music.take());
}

/// The local time with its offset, if a tag states both.
pub(crate) fn local_time(facts: &MediaMetadata) -> Option<Captured> {
    time(facts, &LOCAL_TIMES)
}

/// The instant, if a tag states it.
pub(crate) fn instant(facts: &MediaMetadata) -> Option<Captured> {
    time(facts, &INSTANTS)
}

fn time(facts: &MediaMetadata, tags: &[&str]) -> Option<Captured> {
    tags.iter().find_map(|tag| capture_time::from_container_text(tag, facts.tags.get(*tag)?))
}

fn find<'a>(facts: &'a MediaMetadata, names: &[&str]) -> Option<(&'a str, &'a str)> {
    find_in(facts, groups(facts, &GROUPS), names)
}

/// In Ogg the tags of a recording are those of its first stream; elsewhere they are about that stream alone.
fn groups<'a, 'b>(facts: &MediaMetadata, groups: &'b [&'a str]) -> &'b [&'a str] {
    if facts.container == "ogg" { groups } else { groups.strip_suffix(&["Stream0"]).unwrap_or(groups) }
}

/// The first of these tags. Matroska and Ogg write theirs in capitals.
fn find_in<'a>(facts: &'a MediaMetadata, groups: &[&str], names: &[&str]) -> Option<(&'a str, &'a str)> {
    names.iter().find_map(|name| {
        groups.iter().find_map(|group| {
            let exact = facts.tags.get_key_value(&format!("{group}:{name}"));
            let capitals = || facts.tags.get_key_value(&format!("{group}:{}", name.to_ascii_uppercase()));
            let (key, value) = exact.or_else(|| capitals().filter(|_| name.is_ascii()))?;
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
        direction_deg: None,
        direction_reference: None,
        at: None,
        source: GpsSource::Container,
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
