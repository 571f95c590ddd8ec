//! What a result depends on, as digests: config hash, input hash and work key (I7). None of them holds a run, time, worker or path.

use exhibit_model::canonical::canonical_of;
use exhibit_model::digest::Digest;
use serde_json::json;

use crate::pipeline::Step;
use crate::process::Ready;

/// SHA-256 of RFC 8785 {params, profile}, as the pipeline computed it.
pub fn config_of(step: &Step) -> Digest {
    step.config_hash
}

/// SHA-256 of the RFC 8785 array of the sorted content hashes of all inputs.
pub fn input_hash(inputs: &[Digest]) -> Digest {
    let mut sorted = inputs.to_vec();
    sorted.sort_unstable();
    let mut text = String::with_capacity(sorted.len() * 67 + 2);
    text.push('[');
    for (index, input) in sorted.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push('"');
        text.push_str(&input.to_hex());
        text.push('"');
    }
    text.push(']');
    Digest::of(text.as_bytes())
}

/// SHA-256 of RFC 8785 {config_hash, extractor, file_time_ns?, inputs, tools, version}: the same key, the same result. The modification
/// time (decimal text) is there only for extractors whose facts depend on it.
pub fn work_key(step: &Step, ready: &Ready, inputs: &[Digest], file_time_ns: Option<i64>) -> Digest {
    let mut inputs = inputs.to_vec();
    inputs.sort_unstable();
    let mut key = json!({
        "config_hash": step.config_hash,
        "extractor": step.extractor,
        "inputs": inputs,
        "tools": ready.tools,
        "version": ready.version,
    });
    if let Some(time) = file_time_ns {
        key["file_time_ns"] = time.to_string().into();
    }
    // Strings only: such a value always has a canonical form.
    Digest::of(&canonical_of(&key).unwrap_or_default())
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
