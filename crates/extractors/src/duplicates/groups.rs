//! Groups of hashes that differ in few bits.
//!
//! Pairs are found by the pigeonhole principle: two hashes of 64 bits that differ in at most `d` bits agree in at least one of `d + 1` bands,
//! so only hashes that share a band are compared (Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index Hashing", 2012,
//! section 3). A group is what a chain of such pairs connects.

use std::collections::HashMap;

/// Comparisons that one search may make: about a minute. A collection in which very many pictures share bands would take longer.
pub const COMPARISONS_MAX: u64 = 20_000_000_000;

/// More comparisons than [`COMPARISONS_MAX`] would be needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// Groups of at least two places of `hashes`, each in order, the groups in the order of their first place.
///
/// # Errors
/// When the hashes lie so close together that comparing them would take too long.
pub fn groups(hashes: &[u64], distance_max: u32) -> Result<Vec<Vec<usize>>, TooMany> {
    let mut sets = Sets::new(hashes.len());
    let mut comparisons = 0_u64;
    let bands = u64::from(distance_max.min(63)) + 1;
    for band in 0..bands {
        let (from, to) = (64 * band / bands, 64 * (band + 1) / bands);
        let mask = u64::MAX.checked_shl((to - from) as u32).map_or(u64::MAX, |above| !above);
        let mut buckets: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, hash) in hashes.iter().enumerate() {
            buckets.entry((hash >> from) & mask).or_default().push(place);
        }
        for bucket in buckets.values() {
            let size = bucket.len() as u64;
            comparisons = comparisons.saturating_add(size * size.saturating_sub(1) / 2);
            if comparisons > COMPARISONS_MAX {
                return Err(TooMany);
            }
            for (index, first) in bucket.iter().enumerate() {
                for second in &bucket[index + 1..] {
                    if (hashes[*first] ^ hashes[*second]).count_ones() <= distance_max {
                        sets.join(*first, *second);
                    }
                }
            }
        }
    }
    Ok(sets.groups())
}

/// Disjoint sets of places; the smallest place of a set stands for it.
struct Sets {
    parents: Vec<usize>,
}

impl Sets {
    fn new(count: usize) -> Self {
        Self { parents: (0..count).collect() }
    }

    fn root(&mut self, mut place: usize) -> usize {
        while self.parents[place] != place {
            // Halving the path keeps later walks short.
            self.parents[place] = self.parents[self.parents[place]];
            place = self.parents[place];
        }
        place
    }

    fn join(&mut self, first: usize, second: usize) {
        let (first, second) = (self.root(first), self.root(second));
        let (low, high) = (first.min(second), first.max(second));
        self.parents[high] = low;
    }

    fn groups(mut self) -> Vec<Vec<usize>> {
        let mut groups: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
        for place in 0..self.parents.len() {
            groups.entry(self.root(place)).or_default().push(place);
        }
        groups.into_values().filter(|group| group.len() > 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::groups;

    /// Every pair compared, and chains followed, as simply as possible.
    fn simply(hashes: &[u64], distance_max: u32) -> Vec<Vec<usize>> {
        let mut group_of: Vec<usize> = (0..hashes.len()).collect();
        for first in 0..hashes.len() {
            for second in 0..first {
                if (hashes[first] ^ hashes[second]).count_ones() <= distance_max {
                    let (old, new) = (group_of[first], group_of[second]);
                    group_of.iter_mut().filter(|group| **group == old).for_each(|group| *group = new);
                }
            }
        }
        let mut found: Vec<Vec<usize>> = (0..hashes.len())
            .map(|group| (0..hashes.len()).filter(|place| group_of[*place] == group).collect::<Vec<usize>>())
            .filter(|group| group.len() > 1)
            .collect();
        found.sort();
        found
    }

    #[test]
    fn pairs_at_the_limit_are_found_and_pairs_beyond_are_not() {
        let far = 0xffff_0000_ffff_0000;
        assert_eq!(groups(&[0, 0b111_111, far], 6), Ok(vec![vec![0, 1]]));
        assert_eq!(groups(&[0, 0b111_1111, far], 6), Ok(vec![]));
        assert_eq!(groups(&[7, 7, 7], 0), Ok(vec![vec![0, 1, 2]]));
        assert_eq!(groups(&[], 6), Ok(vec![]));
    }

    proptest! {
        /// The bands lose no pair: the same groups as comparing all with all.
        #[test]
        fn bands_lose_nothing(
            seeds in prop::collection::vec(any::<u64>(), 1..6),
            flips in prop::collection::vec((0_usize..6, prop::collection::vec(0_u32..64, 0..9)), 0..40),
            distance_max in 0_u32..17,
        ) {
            let mut hashes = seeds.clone();
            for (seed, bits) in flips {
                hashes.push(bits.iter().fold(seeds[seed % seeds.len()], |hash, bit| hash ^ (1 << bit)));
            }
            prop_assert_eq!(groups(&hashes, distance_max), Ok(simply(&hashes, distance_max)));
        }
    }
}
