//! Asking a bound filter: pages of candidates, patterns decided on them, samples drawn.

use std::collections::{BTreeMap, BinaryHeap};

use exhibit_model::digest::{Digest, DigestHasher};

use super::ast::{Sample, TextField};
use super::bind::{Bound, Leaf, Node};
use super::compile::{Statement, compile};
use crate::error::StoreError;
use crate::session::Read;
use crate::sql::assets;

/// Candidates of one page whose patterns are decided here: some MiB with their paths.
const PAGE_CANDIDATES: i64 = 4_096;

/// Assets of one page that the statement found alone.
const PAGE_FOUND: i64 = 65_536;

/// One candidate, with what patterns need.
struct Candidate {
    key: i64,
    sha256: Digest,
    decided: Vec<bool>,
    make: Option<String>,
    model: Option<String>,
    lens: Option<String>,
    paths: Vec<String>,
}

impl Bound {
    /// Keys of assets that fulfil the filter, in order, after the asset with the key `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn page(&self, read: &Read<'_>, after: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
        if self.sample.is_some() {
            let mut keys = self.every(read)?;
            keys.retain(|key| *key > after);
            keys.truncate(limit);
            return Ok(keys);
        }
        let mut keys = Vec::new();
        self.each(read, after, limit, &mut |key, _| {
            keys.push(key);
            keys.len() < limit
        })?;
        Ok(keys)
    }

    /// Keys of all assets that fulfil the filter, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn every(&self, read: &Read<'_>) -> Result<Vec<i64>, StoreError> {
        let Some(Sample { count, seed }) = self.sample else { return self.page(read, 0, usize::MAX) };
        let count = count as usize;
        // The largest of the smallest lies on top.
        let mut drawn: BinaryHeap<(Digest, i64)> = BinaryHeap::new();
        self.each(read, 0, usize::MAX, &mut |key, sha256| {
            drawn.push((lot(seed, sha256), key));
            if drawn.len() > count {
                drawn.pop();
            }
            count > 0
        })?;
        let mut keys: Vec<i64> = drawn.into_iter().map(|(_, key)| key).collect();
        keys.sort_unstable();
        keys.truncate(count);
        Ok(keys)
    }

    /// Calls `visit` for each asset until it says no.
    fn each(
        &self,
        read: &Read<'_>,
        after: i64,
        limit: usize,
        visit: &mut dyn FnMut(i64, Digest) -> bool,
    ) -> Result<(), StoreError> {
        let mut after = after;
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX);
        loop {
            let mut statement = compile(self, read.backend(), after, 0);
            let page = if statement.has_patterns { PAGE_CANDIDATES } else { wanted.min(PAGE_FOUND) };
            statement.params[1] = page.into();
            let mut candidates = candidates(read, &statement)?;
            if statement.needs_paths {
                add_paths(read, &mut candidates)?;
            }
            for candidate in &candidates {
                let fulfils = !statement.has_patterns || holds(&self.root, candidate, &mut candidate.decided.iter());
                if fulfils && !visit(candidate.key, candidate.sha256) {
                    return Ok(());
                }
            }
            match candidates.last() {
                Some(last) if candidates.len() as i64 == page => after = last.key,
                _ => return Ok(()),
            }
        }
    }

    /// The plan of the statement, for tests that hold it to its indexes.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn explain(&self, read: &Read<'_>) -> Result<String, StoreError> {
        let statement = compile(self, read.backend(), 0, PAGE_FOUND);
        read.explain(&statement.sql, &statement.params)
    }
}

/// The lot of an asset: SHA-256 of the seed (8 bytes, big-endian) and the asset's SHA-256. The smallest are drawn.
pub(super) fn lot(seed: u64, sha256: Digest) -> Digest {
    let mut hasher = DigestHasher::new();
    hasher.update(&seed.to_be_bytes());
    hasher.update(&sha256.0);
    hasher.finish()
}

fn candidates(read: &Read<'_>, statement: &Statement) -> Result<Vec<Candidate>, StoreError> {
    let mut found = Vec::new();
    read.each_once(&statement.sql, &statement.params, &mut |row| {
        let texts = 2 + statement.decided;
        let text = |offset: usize| if statement.has_texts { row.get(texts + offset) } else { Ok(None) };
        found.push(Candidate {
            key: row.get(0)?,
            sha256: row.get(1)?,
            decided: (2..texts).map(|index| row.get(index)).collect::<Result<_, _>>()?,
            make: text(0)?,
            model: text(1)?,
            lens: text(2)?,
            paths: Vec::new(),
        });
        Ok(())
    })?;
    Ok(found)
}

/// Present and missing paths; those of history do not count. Bytes that are no text become U+FFFD.
fn add_paths(read: &Read<'_>, candidates: &mut [Candidate]) -> Result<(), StoreError> {
    let keys: Vec<i64> = candidates.iter().map(|candidate| candidate.key).collect();
    let mut by_asset: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    assets::each_path_of(read, &keys, &mut |asset, path| {
        by_asset.entry(asset).or_default().push(String::from_utf8_lossy(path).into_owned());
    })?;
    for candidate in candidates {
        candidate.paths = by_asset.remove(&candidate.key).unwrap_or_default();
    }
    Ok(())
}

/// Whether the conditions hold. Goes through all of them, because `decided` runs along.
fn holds<'a>(node: &Node, candidate: &Candidate, decided: &mut impl Iterator<Item = &'a bool>) -> bool {
    match node {
        Node::All(parts) => parts.iter().filter(|part| !holds(part, candidate, decided)).count() == 0,
        Node::Any(parts) => parts.iter().filter(|part| holds(part, candidate, decided)).count() > 0,
        Node::Not(inner) => !holds(inner, candidate, decided),
        Node::Leaf(Leaf::Pattern(None | Some(TextField::Path), pattern)) => {
            candidate.paths.iter().any(|path| pattern.matches(path))
        }
        Node::Leaf(Leaf::Pattern(Some(TextField::Camera), pattern)) => {
            let both =
                candidate.make.as_ref().zip(candidate.model.as_ref()).map(|(make, model)| format!("{make} {model}"));
            [&candidate.make, &candidate.model, &both].into_iter().flatten().any(|name| pattern.matches(name))
        }
        Node::Leaf(Leaf::Pattern(Some(TextField::Lens), pattern)) => {
            candidate.lens.as_ref().is_some_and(|lens| pattern.matches(lens))
        }
        Node::Leaf(_) => decided.next().copied().unwrap_or(false),
    }
}
