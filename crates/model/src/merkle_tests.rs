//! Tests of the Merkle tree: published roots, all small trees, and proofs that were tampered with.

use proptest::prelude::*;

use super::*;

const SIZES: u64 = 40;

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// The definition of RFC 9162, section 2.1.1, word by word.
fn recursive_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [leaf] => *leaf,
        _ => {
            let middle = split(leaves.len() as u64) as usize;
            node_hash(&recursive_root(&leaves[..middle]), &recursive_root(&leaves[middle..]))
        }
    }
}

fn consistency_path(leaves: &[Digest], old: u64) -> Vec<Digest> {
    let nodes = CompleteNodes::of(leaves);
    consistency_path_from(old, leaves.len() as u64, &mut |level, index| nodes.get(level, index)).unwrap()
}

#[test]
fn roots_of_the_certificate_transparency_test_tree() {
    let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    assert_eq!(root_of(&[]).to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut hashes = Vec::new();
    for (input, root) in inputs.iter().zip(roots) {
        let bytes: Vec<u8> = input
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        hashes.push(leaf_hash(&bytes));
        assert_eq!(root_of(&hashes).to_hex(), root);
    }
}

#[test]
fn the_frontier_has_the_root_and_the_nodes_of_every_tree() {
    let mut frontier = Frontier::new();
    assert!(frontier.is_empty());
    assert_eq!(frontier.root(), root_of(&[]));
    let all = leaves(SIZES * 4);
    let mut made = Vec::new();
    for (index, leaf) in all.iter().enumerate() {
        made.extend(frontier.push(*leaf));
        let size = index as u64 + 1;
        assert_eq!(frontier.len(), size);
        assert_eq!(frontier.root(), recursive_root(&all[..=index]));
        assert_eq!(root_of(&all[..=index]), recursive_root(&all[..=index]));
        let read = Frontier::from_bytes(size, &frontier.to_bytes()).unwrap();
        assert_eq!(read, frontier);
    }
    let nodes = CompleteNodes::of(&all);
    assert!(made.iter().all(|node| nodes.get(node.level, node.index) == Ok(node.hash)));
    assert_eq!(made.len(), nodes.0.iter().map(Vec::len).sum::<usize>(), "each complete node is made exactly once");
}

#[test]
fn a_frontier_of_another_size_is_refused() {
    let error = Frontier::from_bytes(5, &[0; 32]).unwrap_err();
    assert_eq!(error, FrontierError { len: 5, expected: 64, found: 32 });
    assert!(Frontier::from_bytes(0, &[]).unwrap().is_empty());
    assert!(Frontier::from_bytes(u64::MAX, &[0; 64 * 32]).is_ok());
    assert!(Frontier::from_bytes(1, &[0; 33]).is_err());
}

#[test]
fn every_leaf_of_every_small_tree_is_included_and_nowhere_else() {
    for size in 1..=SIZES {
        let all = leaves(size);
        let root = root_of(&all);
        for index in 0..size {
            let path = inclusion_path(&all, index as usize).unwrap();
            assert!(verify_inclusion(&all[index as usize], index, size, &path, &root), "{index} of {size}");
            for other in (0..size + 2).filter(|other| *other != index) {
                assert!(
                    !verify_inclusion(&all[index as usize], other, size, &path, &root),
                    "{index} as {other} of {size}"
                );
            }
        }
        assert_eq!(inclusion_path(&all, size as usize), None);
    }
    assert!(!verify_inclusion(&leaf_hash(b""), 0, 0, &[], &root_of(&[])));
}

#[test]
fn every_small_tree_extends_every_smaller_one() {
    for new in 0..=SIZES {
        let all = leaves(new);
        let root = root_of(&all);
        for old in 0..=new {
            let old_root = root_of(&all[..old as usize]);
            let path = consistency_path(&all, old);
            assert!(verify_consistency(old, &old_root, new, &root, &path), "{old} to {new}");
            assert!(!verify_consistency(new + 1, &root, new, &root, &path));
            let rewritten = Digest::of(b"rewritten");
            assert!(!verify_consistency(old, &rewritten, new, &root, &path), "{old} to {new}");
            if old > 0 {
                assert!(!verify_consistency(old, &old_root, new, &rewritten, &path), "{old} to {new}");
            }
        }
    }
}

#[test]
fn a_rewritten_leaf_breaks_consistency() {
    for new in 2..=SIZES {
        let all = leaves(new);
        for old in 1..new {
            let old_root = root_of(&all[..old as usize]);
            let mut rewritten = all.clone();
            rewritten[old as usize - 1] = leaf_hash(b"another");
            let path = consistency_path(&rewritten, old);
            assert!(!verify_consistency(old, &old_root, new, &root_of(&rewritten), &path), "{old} to {new}");
        }
    }
}

#[test]
fn proofs_outside_the_tree_are_refused_and_read_errors_are_passed_on() {
    let mut never = |_: u8, _: u64| Err::<Digest, &str>("unread");
    let outside = ProofError::OutOfRange { asked: 3, size: 3 };
    assert_eq!(inclusion_path_from(3, 3, &mut never), Err(outside));
    assert_eq!(consistency_path_from(4, 3, &mut never), Err(ProofError::OutOfRange { asked: 4, size: 3 }));
    assert_eq!(inclusion_path_from(3, 0, &mut never), Err(ProofError::Read("unread")));
    assert_eq!(consistency_path_from(0, 3, &mut never), Ok(Vec::new()));
    let mut largest = |_: u8, _: u64| Ok::<Digest, ()>(Digest::of(b"x"));
    assert!(inclusion_path_from(u64::MAX, u64::MAX - 1, &mut largest).unwrap().len() <= LEVELS_MAX);
    assert!(consistency_path_from(u64::MAX - 2, u64::MAX, &mut largest).unwrap().len() <= LEVELS_MAX + 1);
}

/// All proofs that differ from `path` a little: one bit flipped, one hash dropped, one doubled, one swapped with its neighbour.
fn tampered(path: &[Digest], bit: usize) -> Vec<Vec<Digest>> {
    let mut all = vec![[path, &[Digest::of(b"more")]].concat()];
    for place in 0..path.len() {
        let mut flipped = path.to_vec();
        flipped[place].0[bit / 8] ^= 1 << (bit % 8);
        let mut dropped = path.to_vec();
        dropped.remove(place);
        let mut doubled = path.to_vec();
        doubled.insert(place, path[place]);
        all.extend([flipped, dropped, doubled]);
        if place > 0 {
            let mut swapped = path.to_vec();
            swapped.swap(place - 1, place);
            all.push(swapped);
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tampered_proofs_fail(size in 1_u64..600, at in any::<prop::sample::Index>(), bit in 0_usize..256) {
        let all = leaves(size);
        let root = root_of(&all);
        let index = at.index(size as usize);
        let path = inclusion_path(&all, index).unwrap();
        prop_assert!(verify_inclusion(&all[index], index as u64, size, &path, &root));
        for bad in tampered(&path, bit) {
            prop_assert!(!verify_inclusion(&all[index], index as u64, size, &bad, &root));
        }
        let old = index as u64 + 1;
        let old_root = root_of(&all[..old as usize]);
        let path = consistency_path(&all, old);
        prop_assert!(verify_consistency(old, &old_root, size, &root, &path));
        for bad in tampered(&path, bit) {
            prop_assert!(!verify_consistency(old, &old_root, size, &root, &bad));
        }
    }

    #[test]
    fn random_proofs_never_panic(
        index in any::<u64>(), size in any::<u64>(), hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let path: Vec<Digest> = hashes.into_iter().map(Digest).collect();
        let hash = Digest::of(b"");
        prop_assert!(!verify_inclusion(&hash, index, size, &path, &hash) || path.is_empty());
        prop_assert!(!verify_consistency(index, &hash, size, &hash, &path) || path.is_empty());
    }
}
