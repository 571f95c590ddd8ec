//! What a comparison names when it cannot name everything.

use exhibit_model::digest::Digest;
use exhibit_model::ids::AssetId;

use super::{Difference, Listed};

/// How many of each sort are named when `counts` were found one sort after the other, and at most `examples` may be.
fn named(examples: usize, counts: [usize; 3]) -> [usize; 3] {
    let mut listed = Listed { examples, ..Listed::default() };
    for (sort, count) in counts.into_iter().enumerate() {
        for number in 0..count {
            if listed.wants(sort) {
                let asset_id = AssetId(Digest::of(&number.to_be_bytes()));
                let kind = sort.to_string();
                listed.add(sort, Difference { asset_id, kind, span_ms: None, first: Vec::new(), second: Vec::new() });
            }
        }
    }
    let all = listed.fair();
    [0, 1, 2].map(|sort| all.iter().filter(|difference| difference.kind == sort.to_string()).count())
}

#[test]
fn a_few_that_differ_are_not_lost_behind_many_that_one_run_lacks() {
    assert_eq!(named(20, [3, 2, 1]), [3, 2, 1], "all of them where there is room");
    assert_eq!(named(20, [2, 1_000, 0]), [2, 18, 0]);
    assert_eq!(named(20, [0, 1_000, 1_000]), [0, 10, 10]);
    assert_eq!(named(1, [5, 5, 5]), [1, 0, 0]);
    assert_eq!(named(0, [5, 5, 5]), [0, 0, 0]);
}
