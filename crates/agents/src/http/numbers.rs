//! What the room counts for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// Documents that were refused, by code and by version of the contract: few of both.
#[derive(Debug, Default)]
pub struct Rejections(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl Rejections {
    /// Counts one; a version that could not be read is `unknown`.
    pub fn count(&self, code: &'static str, version: Option<&'static str>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((code, version.unwrap_or("unknown"))).or_default() += 1;
    }

    /// Everything as text.
    pub fn text(&self) -> String {
        let name = "contract_rejection_total";
        let mut text = format!("# HELP {name} Documents of agents that were refused.\n# TYPE {name} counter\n");
        for ((code, version), count) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // Writing to a text cannot fail.
            writeln!(text, "{name}{{code=\"{code}\",version=\"{version}\"}} {count}").ok();
        }
        text
    }
}
