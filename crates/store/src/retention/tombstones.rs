//! Which payloads are known to be gone: what all tombstones together name.

use serde::Deserialize;

use crate::error::StoreError;
use crate::kinds::Kinds;
use crate::room::Seq;
use crate::session::Read;
use crate::sql::records::{self, StoredRecord};

/// The versions of the kind: of what runs made, and of what came from outside.
const VERSIONS: [u32; 2] = [1, 2];

/// Places in the ledger whose payload went.
#[derive(Debug, Clone, Default)]
pub struct Tombstones {
    /// First and last, in order, not touching each other.
    ranges: Vec<(Seq, Seq)>,
}

#[derive(Deserialize)]
struct Body {
    records: Vec<(Seq, Seq)>,
}

/// The places that one body names; none where it cannot be read.
fn places(body: &[u8]) -> Vec<(Seq, Seq)> {
    serde_json::from_slice::<Body>(body).map_or_else(|_| Vec::new(), |body| body.records)
}

impl Tombstones {
    /// Reads all tombstones. One whose body cannot be read names nothing; the check of its own record says that it is damaged.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn read(read: &Read<'_>, kinds: &Kinds) -> Result<Self, StoreError> {
        let mut named = Vec::new();
        for kind in VERSIONS.iter().filter_map(|version| kinds.get("evidence.tombstone", *version)) {
            records::each_body_of_kind(read, kind.key, &mut |body| {
                named.extend(places(body));
                Ok(())
            })?;
        }
        Ok(Self::of(named))
    }

    /// What these bodies of tombstones name together, without a database.
    pub fn of_bodies<'a>(bodies: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::of(bodies.into_iter().flat_map(places).collect())
    }

    /// What a check of one record needs: all of them, when its payload is gone, and none otherwise.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn for_record(read: &Read<'_>, kinds: &Kinds, record: &StoredRecord) -> Result<Self, StoreError> {
        if record.body.is_some() { Ok(Self::default()) } else { Self::read(read, kinds) }
    }

    fn of(mut named: Vec<(Seq, Seq)>) -> Self {
        named.sort_unstable();
        let mut ranges: Vec<(Seq, Seq)> = Vec::new();
        for (first, last) in named {
            match ranges.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
                _ => ranges.push((first, last)),
            }
        }
        Self { ranges }
    }

    /// Whether one of them names the record at that place.
    pub fn names(&self, seq: Seq) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= seq);
        after > 0 && self.ranges[after - 1].1 >= seq
    }
}

#[cfg(test)]
mod tests {
    use super::Tombstones;

    #[test]
    fn places_within_a_range_are_named_and_no_others() {
        let stones = Tombstones::of(vec![(10, 12), (1, 3), (4, 4), (11, 20), (30, 30)]);
        let named: Vec<i64> = (0..=31).filter(|seq| stones.names(*seq)).collect();
        let expected: Vec<i64> = (1..=4).chain(10..=20).chain([30]).collect();
        assert_eq!(named, expected);
        assert!(!Tombstones::default().names(1));
    }
}
