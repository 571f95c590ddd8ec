//! The Merkle tree of RFC 9162: hashes, the growing right edge, and proofs that need only complete subtrees.

use crate::digest::Digest;

/// Bits of a tree size, hence the most hashes that a frontier or a path can hold.
pub const LEVELS_MAX: usize = 64;

/// The hash of a leaf: SHA-256(0x00 || bytes) (RFC 9162, section 2.1.1).
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], bytes])
}

/// The hash of an inner node: SHA-256(0x01 || left || right) (RFC 9162, section 2.1.1).
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [1_u8; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Digest::of(&bytes)
}

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// The root over leaf hashes.
pub fn root_of(leaves: &[Digest]) -> Digest {
    if leaves.is_empty() {
        return empty_root();
    }
    // Pairing level by level and carrying an odd last node up gives the same tree as the recursive definition.
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        let pairs = level.len() / 2;
        for pair in 0..pairs {
            level[pair] = node_hash(&level[2 * pair], &level[2 * pair + 1]);
        }
        if level.len() % 2 == 1 {
            level[pairs] = level[level.len() - 1];
            level.truncate(pairs + 1);
        } else {
            level.truncate(pairs);
        }
    }
    level[0]
}

/// A complete subtree: `2^level` leaves from leaf `index * 2^level` on. Level 0 are the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Height above the leaves.
    pub level: u8,
    /// Place among the nodes of its level, from 0.
    pub index: u64,
    /// Its hash.
    pub hash: Digest,
}

/// The right edge of a growing tree: one hash for each complete subtree, largest first. All that appending needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    len: u64,
    edge: Vec<Digest>,
}

/// Bytes are no frontier of a tree of that size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the frontier of a tree of {len} leaves has {expected} bytes, not {found}")]
pub struct FrontierError {
    /// The size of the tree.
    pub len: u64,
    /// The bytes it has to have.
    pub expected: usize,
    /// The bytes that were given.
    pub found: usize,
}

impl Frontier {
    /// The frontier of the empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves the tree has.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True when the tree has no leaf.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a leaf hash and returns the complete nodes that this made, the leaf itself first.
    pub fn push(&mut self, leaf: Digest) -> Vec<Node> {
        let mut nodes = vec![Node { level: 0, index: self.len, hash: leaf }];
        let (mut hash, mut level) = (leaf, 0_u8);
        // Each trailing one bit of the old size is a subtree that the new leaf completes into a larger one.
        while (self.len >> level) & 1 == 1 {
            let Some(left) = self.edge.pop() else { break };
            hash = node_hash(&left, &hash);
            level += 1;
            nodes.push(Node { level, index: self.len >> level, hash });
        }
        self.edge.push(hash);
        self.len += 1;
        nodes
    }

    /// The root of the tree.
    pub fn root(&self) -> Digest {
        let mut hashes = self.edge.iter().rev();
        let Some(smallest) = hashes.next() else { return empty_root() };
        hashes.fold(*smallest, |right, left| node_hash(left, &right))
    }

    /// The hashes one after the other, largest subtree first: 32 bytes for each one bit of [`Frontier::len`].
    pub fn to_bytes(&self) -> Vec<u8> {
        self.edge.iter().flat_map(|hash| hash.0).collect()
    }

    /// Reads what [`Frontier::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the number of bytes does not fit `len`.
    pub fn from_bytes(len: u64, bytes: &[u8]) -> Result<Self, FrontierError> {
        let expected = len.count_ones() as usize * 32;
        let wrong = || FrontierError { len, expected, found: bytes.len() };
        if bytes.len() != expected {
            return Err(wrong());
        }
        let edge = bytes.chunks_exact(32).map(|hash| Digest::from_slice(hash).map_err(|_| wrong()));
        Ok(Self { len, edge: edge.collect::<Result<_, _>>()? })
    }
}

/// A proof could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError<E> {
    /// The tree does not have what was asked for.
    #[error("{asked} lies outside a tree of {size} leaves")]
    OutOfRange {
        /// The leaf or the older size.
        asked: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The node reader failed.
    #[error("a node of the tree could not be read: {0}")]
    Read(E),
}

/// A function that reads the hash of the complete node (level, index).
pub type NodeReader<'a, E> = dyn FnMut(u8, u64) -> Result<Digest, E> + 'a;

/// The inclusion path of leaf `index` within `leaves`; `None` when there is no such leaf.
pub fn inclusion_path(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    let nodes = CompleteNodes::of(leaves);
    inclusion_path_from(leaves.len() as u64, index as u64, &mut |level, index| nodes.get(level, index)).ok()
}

/// The inclusion path (RFC 9162, section 2.1.3.1) of leaf `index` in the tree of the first `size` leaves.
///
/// # Errors
/// When there is no such leaf, or when `read` fails.
pub fn inclusion_path_from<E>(
    size: u64,
    index: u64,
    read: &mut NodeReader<'_, E>,
) -> Result<Vec<Digest>, ProofError<E>> {
    if index >= size {
        return Err(ProofError::OutOfRange { asked: index, size });
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range_root(middle, end, read)?);
            end = middle;
        } else {
            path.push(range_root(start, middle, read)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` proves that `leaf` is number `index` of the `size` leaves under `root` (RFC 9162, section 2.1.3.2).
pub fn verify_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size || path.len() > LEVELS_MAX {
        return false;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A node without a right neighbour was carried up unchanged; skip those levels.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The consistency path (RFC 9162, section 2.1.4.1) between the trees of the first `old` and the first `new` leaves. It is empty when
/// `old` is 0 or equal to `new`.
///
/// # Errors
/// When `old` is larger than `new`, or when `read` fails.
pub fn consistency_path_from<E>(
    old: u64,
    new: u64,
    read: &mut NodeReader<'_, E>,
) -> Result<Vec<Digest>, ProofError<E>> {
    if old > new {
        return Err(ProofError::OutOfRange { asked: old, size: new });
    }
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Ok(path);
    }
    // `start..end` always holds the border `old`; `whole` says that the old tree of this range is the old tree itself, whose root the
    // verifier has.
    let (mut start, mut end, mut whole) = (0, new, true);
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range_root(middle, end, read)?);
            end = middle;
        } else {
            path.push(range_root(start, middle, read)?);
            start = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(range_root(start, end, read)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` proves that the tree of `new` leaves under `new_root` starts with the `old` leaves under `old_root` (RFC 9162, section
/// 2.1.4.2). Every tree extends the empty one.
pub fn verify_consistency(old: u64, old_root: &Digest, new: u64, new_root: &Digest, path: &[Digest]) -> bool {
    if old > new || path.len() > LEVELS_MAX + 1 {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root && (new != 0 || *new_root == empty_root());
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let (mut place, mut last) = (old - 1, new - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    // When the old size is a power of two, the old root itself is the first node and is not sent.
    let (first, rest) = match path.split_first() {
        _ if old.is_power_of_two() => (old_root, path),
        Some((first, rest)) => (first, rest),
        None => return false,
    };
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The root over the leaves `start..end` (at least one), from complete nodes alone. Recurses once for each one bit of the count.
fn range_root<E>(start: u64, end: u64, read: &mut NodeReader<'_, E>) -> Result<Digest, ProofError<E>> {
    let count = end - start;
    if count.is_power_of_two() {
        // Ranges that a proof asks for start at a multiple of their largest complete part.
        let level = count.trailing_zeros() as u8;
        return read(level, start >> level).map_err(ProofError::Read);
    }
    let middle = start + split(count);
    let left = range_root(start, middle, read)?;
    let right = range_root(middle, end, read)?;
    Ok(node_hash(&left, &right))
}

/// All complete nodes over some leaves, level by level.
struct CompleteNodes(Vec<Vec<Digest>>);

impl CompleteNodes {
    fn of(leaves: &[Digest]) -> Self {
        let mut levels = vec![leaves.to_vec()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let level = below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            levels.push(level);
        }
        Self(levels)
    }

    fn get(&self, level: u8, index: u64) -> Result<Digest, ()> {
        let hash = self.0.get(usize::from(level)).and_then(|nodes| nodes.get(usize::try_from(index).ok()?));
        hash.copied().ok_or(())
    }
}

#[cfg(test)]
#[path = "merkle_tests.rs"]
mod tests;
