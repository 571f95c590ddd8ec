//! Lineage: which tool, version, parameters and inputs made an artifact; the same for all artifacts of a unit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canonical::append_string;
use crate::digest::Digest;
use crate::findings::Findings;

/// Bytes of a producer's name.
pub const PRODUCER_BYTES_MAX: usize = 64;

/// Bytes of a producer's version: room for several tools and a digest each.
pub const PRODUCER_VERSION_BYTES_MAX: usize = 128;

/// Inputs of one unit. An aggregate over a collection reads one record of each asset; above a million of them it is split.
pub const INPUTS_MAX: usize = 1 << 20;

/// The strength of a model run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelProfile {
    /// The quickest.
    Fast,
    /// The usual one.
    Balanced,
    /// The best, at any price.
    HighQuality,
}

impl ModelProfile {
    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::HighQuality => "high_quality",
        }
    }
}

impl std::fmt::Display for ModelProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for ModelProfile {
    type Err = Findings;

    fn from_str(text: &str) -> Result<Self, Findings> {
        match text {
            "fast" => Ok(Self::Fast),
            "balanced" => Ok(Self::Balanced),
            "high_quality" => Ok(Self::HighQuality),
            _ => Err(Findings::one("/model_profile", "bad_lineage", "a profile is fast, balanced or high_quality")),
        }
    }
}

/// The parts of a lineage, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineageParts {
    /// Name of the extractor: `[a-z0-9._-]`, 1 to 64 bytes.
    pub producer: String,
    /// Its version and those of the outside tools it ran: 1 to 128 bytes.
    pub producer_version: String,
    /// The strength of the run.
    pub model_profile: ModelProfile,
    /// SHA-256 of the RFC 8785 form of all parameters that affect results.
    pub config_hash: Digest,
    /// SHA-256 that stands for all bytes that were read.
    pub input_hash: Digest,
    /// Content hashes of the records that were read, in any order.
    pub inputs: Vec<Digest>,
}

/// How something was found. It holds neither run, id, time nor worker, so the same work has the same lineage everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Lineage(LineageParts);

impl Lineage {
    /// Checks the parts and sorts the inputs. An input that was read twice is named twice.
    ///
    /// # Errors
    /// `bad_lineage` at each field that is empty, too long or has characters that are not allowed.
    pub fn new(mut parts: LineageParts) -> Result<Self, Findings> {
        let mut findings = Findings::new();
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let producer_fits = (1..=PRODUCER_BYTES_MAX).contains(&parts.producer.len());
        if !producer_fits || !parts.producer.bytes().all(is_name) {
            findings.add("/producer", "bad_lineage", "a producer is named by a-z, 0-9, dot, dash and _, 1 to 64 bytes");
        }
        let version_fits = (1..=PRODUCER_VERSION_BYTES_MAX).contains(&parts.producer_version.len());
        if !version_fits || parts.producer_version.chars().any(char::is_control) {
            let message = "a version has 1 to 128 bytes and no control characters";
            findings.add("/producer_version", "bad_lineage", message);
        }
        if parts.inputs.len() > INPUTS_MAX {
            findings.add("/inputs", "bad_lineage", format!("more than {INPUTS_MAX} inputs"));
        }
        parts.inputs.sort_unstable();
        findings.into_result(Self(parts))
    }

    /// The parts, with the inputs sorted.
    pub fn parts(&self) -> &LineageParts {
        &self.0
    }

    /// The parts, to be kept.
    pub fn into_parts(self) -> LineageParts {
        self.0
    }

    /// RFC 8785 of {config_hash, input_hash, inputs, model_profile, producer, producer_version}.
    pub fn canonical(&self) -> Vec<u8> {
        let parts = &self.0;
        let mut out = Vec::with_capacity(384 + parts.inputs.len() * 67);
        out.extend_from_slice(b"{\"config_hash\":");
        append_string(&mut out, &parts.config_hash.to_hex());
        out.extend_from_slice(b",\"input_hash\":");
        append_string(&mut out, &parts.input_hash.to_hex());
        out.extend_from_slice(b",\"inputs\":[");
        for (index, input) in parts.inputs.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            append_string(&mut out, &input.to_hex());
        }
        out.extend_from_slice(b"],\"model_profile\":");
        append_string(&mut out, parts.model_profile.as_str());
        out.extend_from_slice(b",\"producer\":");
        append_string(&mut out, &parts.producer);
        out.extend_from_slice(b",\"producer_version\":");
        append_string(&mut out, &parts.producer_version);
        out.push(b'}');
        out
    }

    /// SHA-256 of [`Lineage::canonical`]: how it was found, as one digest.
    pub fn hash(&self) -> Digest {
        Digest::of(&self.canonical())
    }
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
