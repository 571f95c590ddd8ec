//! Companions: files that belong together although each is an original of its own: RAW and picture, the picture and the film
//! of a Live Photo, a sidecar and what it describes.
//!
//! Nothing of it is stored: it is computed from the paths of the catalog and the newest `media.metadata` when somebody looks,
//! so it can never be out of date, and reading opens no original. Who shares a name is looked up by the hashes of all names
//! that it could have, so a folder of a million files costs no more than one of ten. A film inside a still (motion photo) is a
//! fact of that still and no companion.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exhibit_model::ids::AssetId;
use exhibit_store::sql::assets::{Asset, AssetPath, PathState};
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{base64_of, printable};
use crate::sql::companions::{self as sql, Member};

mod rules;
#[cfg(test)]
mod tests;

pub use rules::{Confidence, Relation, Rule};

/// Paths of one asset whose neighbours are looked up; more copies than that are listed, but not looked around.
const PATHS_MAX: usize = 64;

/// A file that belongs to an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Companion {
    /// Its asset.
    pub asset_id: AssetId,
    /// How the two belong together.
    pub relation: Relation,
    /// What it is of the two.
    pub role: Cow<'static, str>,
    /// How sure that is.
    pub confidence: Confidence,
    /// What says so.
    pub rule: Rule,
    /// Its source, by name.
    pub source: String,
    /// Its path, for people.
    pub path: String,
    /// The same, raw bytes in base64.
    pub path_b64: String,
}

/// What belongs to an asset, and what could not be decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Companions {
    /// By relation, the surest first.
    pub found: Vec<Companion>,
    /// For people: sidecars that may belong to several files, or two sidecars for one.
    pub warnings: Vec<String>,
}

/// Looks for everything that belongs to an asset. `sources` has the names of sources by key.
///
/// # Errors
/// When the database cannot be read.
pub fn of_asset(
    read: &Read<'_>,
    asset: &Asset,
    paths: &[AssetPath],
    sources: &BTreeMap<i64, String>,
) -> Result<Companions, StoreError> {
    let mut found: BTreeMap<(Relation, AssetId), Companion> = BTreeMap::new();
    let mut warnings = Vec::new();
    let mut keep = |member: &Member, relation, confidence, rule| {
        let companion = Companion {
            asset_id: AssetId(member.sha256),
            relation,
            role: rules::role(&member.media_type, &member.path).as_str().into(),
            confidence,
            rule,
            source: sources.get(&member.source).cloned().unwrap_or_default(),
            path: printable(&member.path),
            path_b64: base64_of(&member.path),
        };
        let known = found.entry((relation, companion.asset_id)).or_insert_with(|| companion.clone());
        if companion.confidence < known.confidence {
            *known = companion;
        }
    };
    let mut partners = false;
    if let Some(identifier) = sql::content_identifier(read, asset.key)? {
        for member in sql::by_content_identifier(read, &identifier, asset.key)? {
            if rules::is_live_pair(&asset.media_type, &member.media_type) {
                partners = true;
                keep(&member, Relation::LivePhoto, Confidence::Certain, Rule::ContentIdentifier);
            }
        }
    }
    for path in paths.iter().filter(|path| path.state == PathState::Present).take(PATHS_MAX) {
        let Some(names) = rules::family_names(&path.path) else { continue };
        let family = sql::by_paths(read, path.source, &names)?;
        let Some(own) = family.iter().position(|member| member.path == path.path) else { continue };
        let related = rules::relate(&family, own);
        for link in related.links {
            let member = &family[link.member];
            let by_name = link.relation == Relation::LivePhoto;
            // A picture that has found its film is not paired by name with another one.
            if member.asset != asset.key && !(by_name && partners) {
                keep(member, link.relation, link.confidence, link.rule);
            }
        }
        warnings.extend(related.warnings);
    }
    warnings.sort();
    warnings.dedup();
    let mut found: Vec<Companion> = found.into_values().collect();
    found.sort_by(|a, b| (a.relation, a.confidence, &a.path_b64).cmp(&(b.relation, b.confidence, &b.path_b64)));
    Ok(Companions { found, warnings })
}
