//! What is known of every asset.

use std::collections::BTreeMap;

use exhibit_model::digest::Digest;
use exhibit_store::kinds::Kinds;
use exhibit_store::sql::sources;
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::sql::library as sql;

/// Kinds whose records change which facts count.
const TURNING: [&str; 2] = ["run.promotion", "evidence.tombstone"];

/// Width by height of what nobody has measured, in hundredths.
const SQUARE: u16 = 100;

/// The narrowest and the widest shape that is drawn as it is, in hundredths.
const RATIOS: (i64, i64) = (20, 1_000);

/// What a media type is, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Sound alone.
    Audio,
    /// Anything else.
    Other,
}

impl Class {
    fn of(media_type: &str) -> Self {
        match media_type.split('/').next() {
            Some("image") => Self::Image,
            Some("video") => Self::Video,
            Some("audio") => Self::Audio,
            _ => Self::Other,
        }
    }
}

/// What the grid needs of an asset.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its key.
    pub key: i64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// What it is.
    pub class: Class,
    /// Its media type, as a number of [`Index::media_type`].
    media_type: u16,
    /// Whether a path of it is present.
    pub present: bool,
    /// When it was taken; else when its file was changed; else when it was first seen. Microseconds.
    pub at_us: i64,
    /// Whether its metadata said so.
    captured: bool,
    /// Width by height, upright, in hundredths.
    pub ratio: u16,
    /// Mean colour of its thumbnail.
    pub colour: Option<[u8; 3]>,
    /// Whether a picture stands for it.
    pub has_picture: bool,
    /// Duration in milliseconds.
    pub duration_ms: Option<i64>,
}

/// How far the database had come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mark {
    assets: i64,
    records: i64,
    /// Key, end of the last scan, and whether it can be reached, for each source.
    sources: Vec<(i64, Option<i64>, bool)>,
}

impl Mark {
    pub(super) fn read(read: &Read<'_>) -> Result<Self, StoreError> {
        let (assets, records) = sql::newest(read)?;
        let sources = sources::all(read)?;
        let sources = sources.into_iter().map(|source| (source.key, source.scanned_us, source.online)).collect();
        Ok(Self { assets, records, sources })
    }
}

/// Every asset, in the order of keys.
#[derive(Debug, Default, Clone)]
pub struct Index {
    pub(super) mark: Mark,
    /// Another number for everything that changed.
    pub(super) generation: u64,
    pub(super) entries: Vec<Entry>,
    media_types: Vec<String>,
}

impl Index {
    /// The media type of an entry.
    pub fn media_type(&self, entry: &Entry) -> &str {
        self.media_types.get(usize::from(entry.media_type)).map_or("application/octet-stream", String::as_str)
    }

    /// The place of the asset with a key.
    pub(super) fn place(&self, key: i64) -> Option<usize> {
        self.entries.binary_search_by_key(&key, |entry| entry.key).ok()
    }

    /// This index with what came since.
    pub(super) fn with_news(&self, read: &Read<'_>, kinds: &Kinds, mark: Mark) -> Result<Self, StoreError> {
        let turning = turning_kinds(kinds);
        let turned = self.mark.records > 0 && sql::records_of_kinds(read, self.mark.records, &turning)? > 0;
        let mut next = if turned || self.mark == Mark::default() { Self::default() } else { self.clone() };
        next.generation = self.generation + 1;
        let (assets, records) = (next.mark.assets, next.mark.records);
        for (key, sha256, media_type, first_seen_us) in sql::assets(read, assets)? {
            next.add(key, sha256, &media_type, first_seen_us);
        }
        // After a scan any path may be another one.
        let paths_after = if next.mark.sources == mark.sources { assets } else { 0 };
        next.set_present(paths_after, &sql::present(read, paths_after)?);
        for (key, captured_us, width, height, duration_ms) in sql::metadata(read, records)? {
            next.change(key, |entry| {
                if let Some(at_us) = captured_us {
                    (entry.at_us, entry.captured) = (at_us, true);
                }
                entry.duration_ms = duration_ms;
                if let Some((width, height)) = width.zip(height) {
                    entry.ratio = ratio(width, height);
                }
            });
        }
        for (key, colour, width, height) in sql::thumbnails(read, records)? {
            next.change(key, |entry| {
                entry.has_picture = true;
                entry.colour = parse_colour(&colour);
                entry.ratio = ratio(width, height);
            });
        }
        for (key, width, height) in sql::posters(read, records)? {
            next.change(key, |entry| {
                entry.has_picture = true;
                entry.ratio = ratio(width, height);
            });
        }
        next.mark = mark;
        Ok(next)
    }

    fn add(&mut self, key: i64, sha256: Digest, media_type: &str, first_seen_us: i64) {
        let known = self.media_types.iter().position(|known| known == media_type).unwrap_or_else(|| {
            self.media_types.push(media_type.to_owned());
            self.media_types.len() - 1
        });
        self.entries.push(Entry {
            key,
            sha256,
            class: Class::of(media_type),
            media_type: u16::try_from(known).unwrap_or(u16::MAX),
            present: false,
            at_us: first_seen_us,
            captured: false,
            ratio: SQUARE,
            colour: None,
            has_picture: false,
            duration_ms: None,
        });
    }

    fn set_present(&mut self, after: i64, present: &[(i64, i64)]) {
        let present: BTreeMap<i64, i64> = present.iter().copied().collect();
        let from = self.entries.partition_point(|entry| entry.key <= after);
        for entry in self.entries.iter_mut().skip(from) {
            let mtime_ns = present.get(&entry.key);
            entry.present = mtime_ns.is_some();
            if let Some(mtime_ns) = mtime_ns.filter(|_| !entry.captured) {
                entry.at_us = mtime_ns.div_euclid(1_000);
            }
        }
    }

    fn change(&mut self, key: i64, change: impl FnOnce(&mut Entry)) {
        if let Some(place) = self.place(key) {
            change(&mut self.entries[place]);
        }
    }
}

fn turning_kinds(kinds: &Kinds) -> Vec<i64> {
    kinds.every().iter().filter(|kind| TURNING.contains(&kind.name())).map(|kind| kind.key).collect()
}

fn ratio(width: i64, height: i64) -> u16 {
    if width <= 0 || height <= 0 {
        return SQUARE;
    }
    let hundredths = (width.saturating_mul(100) / height).clamp(RATIOS.0, RATIOS.1);
    u16::try_from(hundredths).unwrap_or(SQUARE)
}

fn parse_colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([number[1], number[2], number[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_colours_are_kept_in_bounds() {
        assert_eq!(ratio(3, 2), 150);
        assert_eq!(ratio(0, 2), SQUARE);
        assert_eq!(ratio(100_000, 1), 1_000);
        assert_eq!(ratio(1, 100_000), 20);
        assert_eq!(parse_colour("#0a0bff"), Some([10, 11, 255]));
        assert_eq!(parse_colour("0a0bff"), None);
        assert_eq!(parse_colour("#zzzzzz"), None);
    }
}
