//! The lists of prices of an installation, and which of them holds when.

use exhibit_model::time::Timestamp;

use super::snapshot::Snapshot;
use super::version::PricingVersion;

/// Lists of prices, in the order in which they come into force.
#[derive(Debug, Clone, Default)]
pub struct PriceBook {
    /// By start, then by name; none twice.
    snapshots: Vec<Snapshot>,
}

impl PriceBook {
    /// A book of these lists. One that is there twice counts once.
    pub fn new(snapshots: impl IntoIterator<Item = Snapshot>) -> Self {
        let mut snapshots: Vec<Snapshot> = snapshots.into_iter().collect();
        snapshots.sort_by(|one, other| order(one).cmp(&order(other)));
        snapshots.dedup_by(|one, other| one.pricing_version() == other.pricing_version());
        Self { snapshots }
    }

    /// Adds a list; false when it was there.
    pub fn add(&mut self, snapshot: Snapshot) -> bool {
        match self.snapshots.binary_search_by(|known| order(known).cmp(&order(&snapshot))) {
            Ok(_) => false,
            Err(place) => {
                self.snapshots.insert(place, snapshot);
                true
            }
        }
    }

    /// The list that holds at a moment: the one that came into force last, and of two at once the one with the greater name.
    pub fn in_force(&self, at: Timestamp) -> Option<&Snapshot> {
        let after = self.snapshots.partition_point(|snapshot| snapshot.head().effective_from <= at);
        self.snapshots.get(after.checked_sub(1)?)
    }

    /// The list of this name.
    pub fn get(&self, version: &PricingVersion) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.pricing_version() == version)
    }

    /// All lists, in the order in which they come into force.
    pub fn iter(&self) -> std::slice::Iter<'_, Snapshot> {
        self.snapshots.iter()
    }
}

fn order(snapshot: &Snapshot) -> (Timestamp, &PricingVersion) {
    (snapshot.head().effective_from, snapshot.pricing_version())
}
