//! What a filter shows: an order, and the months in it.

use std::sync::Arc;

use exhibit_model::digest::{Digest, DigestHasher};
use exhibit_model::time::Timestamp;

use super::index::{Entry, Index};

/// A month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// `2019-07`
    pub name: String,
    /// The place of its first item in the order.
    pub start: usize,
    /// How many items it has.
    pub count: usize,
}

/// Assets in the order of time, newest first.
#[derive(Debug)]
pub struct View {
    index: Arc<Index>,
    order: Vec<u32>,
    /// Newest first.
    pub buckets: Vec<Bucket>,
    /// Another text when the order or a shape is another.
    pub version: String,
}

impl View {
    /// Sorts what is shown. `keys` are in order; without them it is everything.
    pub(super) fn make(index: Arc<Index>, keys: Option<Vec<i64>>, missing_too: bool) -> Self {
        let shown = |entry: &Entry| {
            (missing_too || entry.present) && keys.as_ref().is_none_or(|keys| keys.binary_search(&entry.key).is_ok())
        };
        let places = index.entries.iter().enumerate().filter(|(_, entry)| shown(entry));
        let mut order: Vec<u32> = places.filter_map(|(place, _)| u32::try_from(place).ok()).collect();
        let entry = |place: &u32| &index.entries[*place as usize];
        // The digest decides between what was taken at one moment, so that the order is the same in every home.
        order.sort_unstable_by(|left, right| {
            let (left, right) = (entry(left), entry(right));
            (right.at_us, right.sha256).cmp(&(left.at_us, left.sha256))
        });
        let mut buckets: Vec<Bucket> = Vec::new();
        let mut hasher = DigestHasher::new();
        let mut month = Month::default();
        for (place, entry) in order.iter().map(entry).enumerate() {
            hasher.update(&entry.key.to_be_bytes());
            hasher.update(&entry.ratio.to_be_bytes());
            if !month.holds(entry.at_us) {
                month = Month::of(entry.at_us);
                buckets.push(Bucket { name: month.name.clone(), start: place, count: 0 });
            }
            if let Some(bucket) = buckets.last_mut() {
                bucket.count += 1;
            }
        }
        buckets.iter().for_each(|bucket| hasher.update(bucket.name.as_bytes()));
        let version = hasher.finish().to_hex()[..16].to_owned();
        Self { index, order, buckets, version }
    }

    /// How many assets it shows.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The asset at a place of the order.
    pub fn get(&self, place: usize) -> Option<&Entry> {
        self.order.get(place).map(|place| &self.index.entries[*place as usize])
    }

    /// The shapes of a month, in order.
    pub fn ratios(&self, bucket: &Bucket) -> Vec<u16> {
        (bucket.start..bucket.start + bucket.count)
            .filter_map(|place| self.get(place))
            .map(|entry| entry.ratio)
            .collect()
    }

    /// The month with a name.
    pub fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.iter().find(|bucket| bucket.name == name)
    }

    /// The month of a place in the order.
    pub fn bucket_at(&self, place: usize) -> Option<&Bucket> {
        let after = self.buckets.partition_point(|bucket| bucket.start <= place);
        self.buckets.get(after.checked_sub(1)?)
    }

    /// The place of an asset.
    pub fn place_of(&self, sha256: Digest) -> Option<usize> {
        (0..self.len()).find(|place| self.get(*place).is_some_and(|entry| entry.sha256 == sha256))
    }

    /// The media type of an entry.
    pub fn media_type(&self, entry: &Entry) -> &str {
        self.index.media_type(entry)
    }
}

/// A month and the microseconds that it holds.
#[derive(Default)]
struct Month {
    name: String,
    start_us: i64,
    end_us: i64,
}

const DAY_US: i64 = 86_400 * 1_000_000;

impl Month {
    fn holds(&self, at_us: i64) -> bool {
        (self.start_us..self.end_us).contains(&at_us)
    }

    /// Proleptic Gregorian, UTC; a moment that no calendar prints is in the year 0.
    fn of(at_us: i64) -> Self {
        let text = Timestamp(at_us).to_string();
        let day_of_month = text.get(8..10).and_then(|day| day.parse::<i64>().ok());
        let is_date = text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-');
        let (Some(day_of_month), true) = (day_of_month, is_date) else {
            return Self { name: "0000-01".to_owned(), start_us: at_us, end_us: at_us.saturating_add(1) };
        };
        let start_us = (at_us.div_euclid(DAY_US) - (day_of_month - 1)) * DAY_US;
        let month = text[5..7].parse::<u8>().unwrap_or(1);
        let year = text[..4].parse::<i64>().unwrap_or(0);
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        Self { name: text[..7].to_owned(), start_us, end_us: start_us + days * DAY_US }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_holds_its_days_and_no_other() {
        let at = |text: &str| Timestamp::parse(text).unwrap().0;
        for (inside, name, first, last) in [
            ("2020-02-15T12:00:00Z", "2020-02", "2020-02-01T00:00:00Z", "2020-02-29T23:59:59.999999Z"),
            ("1900-02-01T00:00:00Z", "1900-02", "1900-02-01T00:00:00Z", "1900-02-28T23:59:59.999999Z"),
            ("1969-12-31T23:59:59Z", "1969-12", "1969-12-01T00:00:00Z", "1969-12-31T23:59:59.999999Z"),
        ] {
            let month = Month::of(at(inside));
            assert_eq!(month.name, name);
            assert!(month.holds(at(first)) && month.holds(at(last)), "{name}");
            assert!(!month.holds(at(first) - 1) && !month.holds(at(last) + 1), "{name}");
        }
        assert_eq!(Month::of(i64::MAX).name, "0000-01");
    }
}
