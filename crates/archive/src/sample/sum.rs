//! Sums the files of a sample up: what is expected of each, counts, groups of equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::made::Health;
use super::truth::{CaptureSource, CaptureTruth, Duplicate, FileTruth, LinkTruth, PathTruth, Totals, Truth};
use super::{Found, SampleOptions, moment};
use crate::walk::path_order;

/// What is not for an extractor.
const UNSUPPORTED: &str = "skipped(unsupported)";

/// What the extractors of the pipeline `basics` should say of a file: the best outcome, and others that are right.
pub(super) fn expected(media_type: &str, health: Health) -> (BTreeMap<String, String>, BTreeMap<String, Vec<String>>) {
    let pictures = match media_type.split('/').next() {
        Some("image") => Some("image.thumbnail"),
        Some("video") => Some("video.keyframe"),
        Some("audio") => None,
        _ => return (BTreeMap::new(), BTreeMap::new()),
    };
    let (facts, picture): (&[&str], &[&str]) = match health {
        // A drawing says nothing of itself, but can be shown.
        Health::Sound if media_type == "image/svg+xml" => (&[UNSUPPORTED], &["done"]),
        Health::Sound => (&["done"], &["done"]),
        Health::PictureBroken => (&["done"], &["failed(corrupt)"]),
        Health::Broken => (&["failed(corrupt)"], &["failed(corrupt)"]),
        Health::Foreign => (&[UNSUPPORTED], &[UNSUPPORTED]),
        Health::Hostile(facts, picture) => (facts, picture),
    };
    let (mut expected, mut also) = (BTreeMap::new(), BTreeMap::new());
    for (extractor, words) in [(Some("media.metadata"), facts), (pictures, picture)] {
        let (Some(extractor), Some((best, others))) = (extractor, words.split_first()) else { continue };
        expected.insert(extractor.to_owned(), (*best).to_owned());
        if !others.is_empty() {
            also.insert(extractor.to_owned(), others.iter().map(|word| (*word).to_owned()).collect());
        }
    }
    (expected, also)
}

/// The capture time of what has none but that of its file.
pub(super) fn file_time(mtime_us: i64) -> CaptureTruth {
    CaptureTruth { at: moment::utc_text(mtime_us), source: CaptureSource::FileTime, satellites: None }
}

/// Puts everything in order and counts it.
pub(super) fn sum_up(
    options: &SampleOptions,
    tools: BTreeMap<String, String>,
    mut found: Found,
    links: Vec<LinkTruth>,
) -> Truth {
    let mut files = std::mem::take(&mut found.files);
    files.sort_by_cached_key(|file| {
        file.at.raw().into_iter().map(|byte| if byte == b'/' { 0 } else { byte }).collect::<Vec<_>>()
    });
    let mut truth = Truth {
        format: "exhibit.sample.truth".to_owned(),
        version: 1,
        seed: options.seed,
        photos: options.photos,
        videos: options.videos,
        formats: options.formats,
        tools,
        totals: Totals::default(),
        duplicates: Vec::new(),
        near_duplicates: found.near_duplicates,
        companions: found.companions,
        links,
        files,
    };
    truth.near_duplicates.sort_by(|left, right| path_order(&left.copy.raw(), &right.copy.raw()));
    truth.companions.sort_by(|left, right| path_order(&left.paths[0].raw(), &right.paths[0].raw()));
    let mut by_bytes: BTreeMap<&str, Vec<&FileTruth>> = BTreeMap::new();
    for file in &truth.files {
        by_bytes.entry(&file.sha256).or_default().push(file);
    }
    let mut totals = Totals {
        files: truth.files.len() as u64,
        bytes: truth.files.iter().map(|file| file.size_bytes).sum(),
        assets: by_bytes.len() as u64,
        directories: folders(&truth).len() as u64,
        links: truth.links.len() as u64,
        ..Totals::default()
    };
    let mut duplicates = Vec::new();
    for (sha256, files) in by_bytes {
        let first = files[0];
        *totals.assets_by_media_type.entry(first.media_type.clone()).or_default() += 1;
        for (extractor, outcome) in &first.expected {
            *totals.expected.entry(extractor.clone()).or_default().entry(outcome.clone()).or_default() += 1;
        }
        if files.len() > 1 {
            let paths: Vec<PathTruth> = files.iter().map(|file| file.at.clone()).collect();
            duplicates.push(Duplicate { sha256: sha256.to_owned(), paths });
        }
    }
    duplicates.sort_by(|left, right| path_order(&left.paths[0].raw(), &right.paths[0].raw()));
    truth.totals = totals;
    truth.duplicates = duplicates;
    truth
}

/// All folders below the root, raw bytes.
pub(super) fn folders(truth: &Truth) -> BTreeSet<Vec<u8>> {
    let paths = truth.files.iter().map(|file| &file.at).chain(truth.links.iter().map(|link| &link.at));
    let mut folders = BTreeSet::new();
    for path in paths {
        let raw = path.raw();
        for (at, _) in raw.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            folders.insert(raw[..at].to_vec());
        }
    }
    folders
}
