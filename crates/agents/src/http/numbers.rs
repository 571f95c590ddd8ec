//! What the room counts for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Documents that were refused, by code and by version of the contract: few of both; and fields that were left out of bare ones.
#[derive(Debug, Default)]
pub struct Rejections {
    counts: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    dropped_fields: AtomicU64,
}

impl Rejections {
    /// Counts one; a version that could not be read is `unknown`.
    pub fn count(&self, code: &'static str, version: Option<&'static str>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((code, version.unwrap_or("unknown"))).or_default() += 1;
    }

    /// Counts unknown fields that were left out of a bare document.
    pub fn drop_fields(&self, fields: u64) {
        self.dropped_fields.fetch_add(fields, Ordering::Relaxed);
    }

    /// Everything as text.
    pub fn text(&self) -> String {
        let name = "contract_rejection_total";
        let mut text = format!("# HELP {name} Documents of agents that were refused.\n# TYPE {name} counter\n");
        for ((code, version), count) in self.counts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // Writing to a text cannot fail.
            writeln!(text, "{name}{{code=\"{code}\",version=\"{version}\"}} {count}").ok();
        }
        let (name, fields) = ("contract_dropped_fields_total", self.dropped_fields.load(Ordering::Relaxed));
        let help = "Unknown fields that were left out of documents without an envelope.";
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {fields}").ok();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_were_left_out_are_counted() {
        let counted = Rejections::default();
        counted.drop_fields(2);
        counted.drop_fields(1);
        counted.count("INVALID_JSON", None);
        let text = counted.text();
        assert!(text.ends_with("\ncontract_dropped_fields_total 3\n"), "{text}");
        assert!(text.contains("{code=\"INVALID_JSON\",version=\"unknown\"} 1\n"), "{text}");
    }
}
