//! The way in and the filter language.

use exhibit_model::canonical::to_canonical;
use exhibit_store::Gate;
use exhibit_store::filter::Filter;
use exhibit_store::retention::Tombstones;

use crate::{same, text};

/// Candidates as documents: each answer is the same twice, and a candidate that is taken has a canonical payload.
pub fn gate(bytes: &[u8]) {
    let Ok(decoded) = same(|| Gate::decode(bytes)) else { return };
    to_canonical(&decoded.draft.payload).expect("the payload of strict JSON has a canonical form");
    if let Some(lineage) = decoded.lineage {
        assert_eq!(lineage.canonical(), lineage.clone().canonical(), "a lineage with two forms");
        assert_eq!(
            lineage.hash(),
            exhibit_model::digest::Digest::of(&lineage.canonical()),
            "its hash is that of its form"
        );
    }
}

/// Filters: the printed form is read as the same filter, and printed the same again.
pub fn filter(bytes: &[u8]) {
    let filter = match same(|| Filter::parse(bytes)) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error says something");
            return;
        }
    };
    assert_eq!(Some(filter.text()), text(bytes), "the text is kept as it was given");
    let printed = filter.to_string();
    if printed.len() > exhibit_store::filter::FILTER_BYTES_MAX {
        return;
    }
    let again = Filter::parse(printed.as_bytes()).unwrap_or_else(|error| panic!("`{printed}` is refused: {error}"));
    assert_eq!(again, filter, "`{printed}` means something else");
    assert_eq!(again.to_string(), printed, "printed in two ways");
}

/// Bodies of tombstones: what they name does not depend on how often or in which order they are read.
pub fn tombstone(bytes: &[u8]) {
    const OTHER: &[u8] = br#"{"records":[[100,200]]}"#;
    let one = same(|| Tombstones::of_bodies([bytes]));
    let twice = Tombstones::of_bodies([bytes, bytes]);
    let (before, after) = (Tombstones::of_bodies([OTHER, bytes]), Tombstones::of_bodies([bytes, OTHER]));
    for seq in [i64::MIN, -1, 0, 1, 2, 50, 99, 100, 150, 200, 201, 1 << 40, i64::MAX] {
        assert_eq!(one.names(seq), twice.names(seq), "read twice, {seq}");
        assert_eq!(before.names(seq), after.names(seq), "in another order, {seq}");
        assert!(!(100..=200).contains(&seq) || after.names(seq), "a tombstone hides another one at {seq}");
    }
}
