//! Every name that the kernel allows becomes one that every system allows, and no two become one.

use std::collections::BTreeSet;

use exhibit_model::digest::Digest;
use exhibit_model::ids::AssetId;
use proptest::prelude::*;

use super::{NAME_BYTES_MAX, Names, PART_BYTES_MAX, is_safe};

fn asset(number: usize) -> AssetId {
    AssetId(Digest::of(&number.to_le_bytes()))
}

fn named(path: &[u8]) -> String {
    Names::default().take(asset(1), "photos", path)
}

#[test]
fn odd_names_are_escaped_and_plain_ones_stay() {
    let cases: &[(&[u8], &str)] = &[
        (b"2024/IMG 1.jpg", "2024/IMG 1.jpg"),
        ("Ausflüge/Käse 🧀.jpg".as_bytes(), "Ausflüge/Käse 🧀.jpg"),
        (b"\xff\xfe.jpg", "%FF%FE.jpg"),
        (b"100%.jpg", "100%25.jpg"),
        (b"new\nline\r.jpg", "new%0Aline%0D.jpg"),
        (b"back\\slash", "back%5Cslash"),
        (b"c:con", "c%3Acon"),
        (b"aux.jpg", "%61ux.jpg"),
        (b"COM1", "%43OM1"),
        (b"comet.jpg", "comet.jpg"),
        (b"ends. ", "ends.%20"),
        (b"..", "%2E%2E"),
        (b"~by-asset/x", "%7Eby-asset/x"),
        ("gpj.\u{202e}exe".as_bytes(), "gpj.%E2%80%AEexe"),
    ];
    for (path, expected) in cases {
        assert_eq!(named(path), format!("originals/photos/{expected}"), "{path:?}");
    }
}

#[test]
fn what_is_too_long_or_the_same_in_other_case_is_called_by_its_asset() {
    let mut names = Names::default();
    assert_eq!(names.take(asset(1), "s", b"A/x.jpg"), "originals/s/A/x.jpg");
    let by_asset = |number: usize, ending: &str| format!("originals/~by-asset/{}{ending}", asset(number).0.to_hex());
    assert_eq!(names.take(asset(2), "s", b"a/X.JPG"), by_asset(2, ".JPG"));
    // A file where another has a folder, and the other way round.
    assert_eq!(names.take(asset(3), "s", b"a"), by_asset(3, ""));
    assert_eq!(names.take(asset(4), "s", b"A/X.jpg/y.png"), by_asset(4, ".png"));
    assert_eq!(names.take(asset(5), "s", &[b'n'; 256]), by_asset(5, ""));
    assert_eq!(names.take(asset(6), "s", &[b"d/".repeat(2_000), b"e.gif".to_vec()].concat()), by_asset(6, ".gif"));
    assert_eq!(names.take(asset(7), "s", b"../../etc/passwd"), "originals/s/%2E%2E/%2E%2E/etc/passwd");
}

proptest! {
    #[test]
    fn names_are_safe_and_unique(paths in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 1..40), 1..30)) {
        let mut names = Names::default();
        let mut taken = BTreeSet::new();
        for (number, path) in paths.iter().enumerate() {
            // As the kernel has them: no NUL, no empty part.
            let path: Vec<u8> = path.iter().map(|byte| if *byte == 0 { b'a' } else { *byte }).collect();
            let path: Vec<u8> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b'/');
            let name = names.take(asset(number), "s", &path);
            prop_assert!(name.len() <= NAME_BYTES_MAX && name.starts_with("originals/"));
            for part in name.split('/') {
                prop_assert!(!part.is_empty() && part.len() <= PART_BYTES_MAX && part != "." && part != "..");
                prop_assert!(part.chars().all(|letter| is_safe(letter) || letter == '%'));
            }
            prop_assert!(taken.insert(name.to_lowercase()), "{name} twice");
        }
    }
}
