//! `duplicates`: the pictures of a collection that look alike, and the originals that lie at several paths.
//!
//! It works on a whole collection: on the perceptual hashes of its members (`image.perceptual_hash`) and on how many present paths each has,
//! never on an original. [`groups`] says how pictures that look alike are found.

pub mod groups;

use std::collections::BTreeMap;
use std::io;

use exhibit_engine::extractor::{CollectionJob, Descriptor, Emitted, Extractor, Job, Limits, Outcome, Sink};
use serde::{Deserialize, Serialize};

use crate::perceptual_hash::{PERCEPTUAL_HASH, PerceptualHash};

/// The kind that it emits.
pub const DUPLICATE: (&str, u32) = ("asset.duplicate", 1);

/// The kind file of [`DUPLICATE`].
pub const DUPLICATE_KIND_FILE: &str = include_str!("../../../../schemas/kinds/asset.duplicate.v1.json");

/// What the host knows of it.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "duplicates",
    version: "1",
    about: "Pictures of a collection that look alike, and originals that lie at several paths.",
    media: &[],
    emits: &[DUPLICATE],
    reads: &[PERCEPTUAL_HASH],
    params_schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "distance_max": {
      "type": "integer", "minimum": 0, "maximum": 16, "default": 6,
      "description": "Pictures whose hashes differ in at most so many of 64 bits look alike."
    },
    "contrast_min": {
      "type": "integer", "minimum": 0, "maximum": 255, "default": 16,
      "description": "Pictures with less contrast are not compared: their hashes are noise."
    }
  }
}"#,
    tools: &[],
    reads_file_time: false,
    writes_files: false,
    limits: Limits {
        unit_cpu_s: 600,
        unit_wall_s: 1_200,
        file_bytes_max: 1024 * 1024,
        address_space_bytes: 8 * 1024 * 1024 * 1024,
    },
};

/// The payload of `asset.duplicate` v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    /// `exact`: the same bytes at several paths. `similar`: another original looks alike.
    pub method: Method,
    /// For `exact`: present paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u64>,
    /// For `similar`: the member that stands for the group, the smallest asset id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// For `similar`: members of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<u64>,
    /// For `similar`: bits in which the hash differs from that of the member that stands for the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<u32>,
}

/// How a duplicate was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The same bytes.
    Exact,
    /// A perceptual hash that differs in few bits.
    Similar,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    distance_max: u32,
    contrast_min: u8,
}

/// Makes the worker.
pub fn make() -> Box<dyn Extractor> {
    Box::new(Duplicates)
}

struct Duplicates;

impl Extractor for Duplicates {
    fn extract(&mut self, _job: &Job<'_>, _sink: &mut dyn Sink) -> io::Result<Outcome> {
        let detail = "it works on a collection, not on one original".to_owned();
        Ok(Outcome::Failed { reason: "not-an-asset", detail, retryable: false })
    }

    fn aggregate(&mut self, job: &CollectionJob<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let params: Params = crate::params_of(job.params)?;
        let mut copies: BTreeMap<String, u64> = BTreeMap::new();
        let mut pictures: BTreeMap<String, u64> = BTreeMap::new();
        for member in job.members()? {
            let member = member?;
            if member.paths > 1 {
                copies.insert(member.asset_id.clone(), member.paths);
            }
            for fact in member.facts {
                let seen: PerceptualHash = serde_json::from_value(fact.payload)?;
                if seen.contrast >= params.contrast_min
                    && let Ok(hash) = u64::from_str_radix(&seen.hash, 16)
                {
                    pictures.insert(member.asset_id.clone(), hash);
                }
            }
        }
        for (asset, copies) in copies {
            let found =
                Duplicate { method: Method::Exact, copies: Some(copies), group: None, members: None, distance: None };
            emit(sink, &asset, &found)?;
        }
        let (names, hashes): (Vec<String>, Vec<u64>) = pictures.into_iter().unzip();
        let Ok(groups) = groups::groups(&hashes, params.distance_max) else {
            let detail =
                "too many pictures lie too close together; lower distance_max or raise contrast_min".to_owned();
            return Ok(Outcome::Failed { reason: "too-many-comparisons", detail, retryable: false });
        };
        for group in groups {
            // Places are in the order of asset ids, so the first is the smallest.
            let first = group[0];
            for place in &group {
                let found = Duplicate {
                    method: Method::Similar,
                    copies: None,
                    group: Some(names[first].clone()),
                    members: Some(group.len() as u64),
                    distance: Some((hashes[*place] ^ hashes[first]).count_ones()),
                };
                emit(sink, &names[*place], &found)?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn emit(sink: &mut dyn Sink, asset_id: &str, found: &Duplicate) -> io::Result<()> {
    sink.emit_about(
        asset_id,
        Emitted { kind: DUPLICATE, span_ms: None, payload: serde_json::to_value(found)?, blob: None },
    )
}
