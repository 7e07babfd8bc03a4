//! The tree against published vectors and against an independent implementation (ct-merkle).

use comptroller_ledger::memory::MemoryLog;
use comptroller_ledger::proof::{ConsistencyPlan, InclusionPlan, verify_consistency, verify_inclusion};
use comptroller_ledger::tile::{encode_tile, new_full_tiles, tiles_of};
use comptroller_ledger::{EMPTY_ROOT, Frontier, Hash, Tile, leaf_hash};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, digest};
use proptest::prelude::*;
use sha2::Sha256;

/// The eight leaves of the Certificate Transparency test vectors.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// Roots of the first 1 to 8 of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn vector_log() -> MemoryLog {
    let mut log = MemoryLog::new();
    for leaf in LEAVES {
        log.append(hex::decode(leaf).unwrap());
    }
    log
}

fn hashes(texts: &[&str]) -> Vec<Hash> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn roots_of_the_published_vectors() {
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), EMPTY_ROOT);
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        frontier.append(leaf_hash(&hex::decode(leaf).unwrap()));
        assert_eq!(frontier.root().to_string(), root);
    }
}

#[test]
fn proofs_of_the_published_vectors() {
    let log = vector_log();
    let expected = hashes(&[
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]);
    assert_eq!(log.prove_inclusion(0, 8).unwrap(), expected);
    let expected = hashes(&[
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    assert_eq!(log.prove_consistency(6, 8).unwrap(), expected);
}

#[test]
fn plans_name_few_tiles_even_in_a_huge_log() {
    let size = 100_000_007;
    let plan = InclusionPlan::new(71_234_567, size).unwrap();
    assert!(plan.tiles().len() <= 8, "{:?}", plan.tiles());
    assert!(plan.tiles().iter().all(|tile| tiles_exist(*tile, size)));
    let plan = ConsistencyPlan::new(70_000_001, size).unwrap();
    assert!(plan.tiles().len() <= 8, "{:?}", plan.tiles());
    let beyond = ConsistencyPlan::new(1, (1 << 63) - 1).unwrap();
    assert!(beyond.tiles().len() <= 16, "two per level at most");
    assert!(InclusionPlan::new(8, 8).is_err());
    assert!(InclusionPlan::new(0, 1 << 63).is_err());
    assert!(ConsistencyPlan::new(9, 8).is_err());
}

fn tiles_exist(tile: Tile, size: u64) -> bool {
    Tile::in_tree(tile.level, tile.index, size) == Some(tile)
}

/// Two trees over the same leaves: ours, and the independent one.
fn both(size: u64) -> (MemoryLog, MemoryBackedTree<Sha256, Vec<u8>>) {
    let (mut log, mut oracle) = (MemoryLog::new(), MemoryBackedTree::new());
    for i in 0..size {
        let leaf = i.to_be_bytes().repeat(1 + (i % 3) as usize);
        log.append(leaf.clone());
        oracle.push(leaf);
    }
    (log, oracle)
}

fn output(hash: &Hash) -> digest::Output<Sha256> {
    digest::Output::<Sha256>::from(*hash.as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn inclusion_agrees_with_the_oracle(size in 1_u64..1500, at in any::<prop::sample::Index>(), swap in 1_u64..1500) {
        let index = at.index(size as usize) as u64;
        let (log, oracle) = both(size);
        let root = log.checkpoint("o").root;
        let their_root = oracle.root();
        prop_assert_eq!(root.as_bytes().as_slice(), their_root.as_bytes().as_slice());
        let proof = log.prove_inclusion(index, size).unwrap();
        let their_proof = oracle.prove_inclusion(index as usize);
        prop_assert_eq!(encode_tile(&proof), their_proof.as_bytes());
        let leaf = leaf_hash(log.entry(index).unwrap());
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        let outputs: Vec<_> = proof.iter().map(output).collect();
        let theirs = InclusionProof::<Sha256>::from_digests(outputs.iter());
        let entry = log.entry(index).unwrap().to_vec();
        prop_assert!(oracle.root().verify_inclusion(&entry, index, &theirs).is_ok());
        // Another index, a hash more and a hash fewer must all fail.
        let other = (index + swap) % size;
        if other != index {
            prop_assert!(verify_inclusion(&leaf, other, size, &proof, &root).is_err());
        }
        let longer = [proof.as_slice(), &[root]].concat();
        prop_assert!(verify_inclusion(&leaf, index, size, &longer, &root).is_err());
        if let Some((_, shorter)) = proof.split_last() {
            prop_assert!(verify_inclusion(&leaf, index, size, shorter, &root).is_err());
        }
        for spoiled in 0..proof.len() {
            let mut changed = proof.clone();
            changed[spoiled] = leaf_hash(b"another");
            prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
        }
    }

    #[test]
    fn consistency_agrees_with_the_oracle(new in 1_u64..1500, part in any::<prop::sample::Index>()) {
        let old = 1 + part.index(new as usize) as u64;
        let (log, oracle) = both(new);
        let (old_log, old_oracle) = both(old);
        let (old_root, new_root) = (old_log.checkpoint("o").root, log.checkpoint("o").root);
        let proof = log.prove_consistency(old, new).unwrap();
        let their_proof = oracle.prove_consistency((new - old) as usize);
        prop_assert_eq!(encode_tile(&proof), their_proof.as_bytes());
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
        let outputs: Vec<_> = proof.iter().map(output).collect();
        let theirs = ConsistencyProof::<Sha256>::from_digests(outputs.iter());
        prop_assert!(oracle.root().verify_consistency(&old_oracle.root(), &theirs).is_ok());
        let wrong = leaf_hash(b"another");
        prop_assert!(verify_consistency(old, &wrong, new, &new_root, &proof).is_err());
        prop_assert!(verify_consistency(old, &old_root, new, &wrong, &proof).is_err());
        for spoiled in 0..proof.len() {
            let mut changed = proof.clone();
            changed[spoiled] = wrong;
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &changed).is_err());
        }
    }

    /// proof-shape: a proof fits no other pair of sizes or roots than its own.
    #[test]
    fn proof_shape(new in 2_u64..600, old in 1_u64..600, extra in 0_usize..3) {
        let old = old.min(new - 1);
        let (log, _) = both(new);
        let mut proof = log.prove_consistency(old, new).unwrap();
        let (old_log, _) = both(old);
        proof.extend(vec![EMPTY_ROOT; extra]);
        let (old_root, new_root) = (old_log.checkpoint("o").root, log.checkpoint("o").root);
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof).is_ok(), extra == 0);
        if !proof.is_empty() {
            prop_assert!(verify_consistency(new, &new_root, new, &new_root, &proof).is_err());
            prop_assert!(verify_consistency(0, &EMPTY_ROOT, new, &new_root, &proof).is_err());
        }
    }

    #[test]
    fn tiles_follow_from_growth(old in 0_u64..200_000, more in 0_u64..200_000) {
        let new = old + more;
        let full = |size| tiles_of(size).filter(Tile::is_full).collect::<std::collections::BTreeSet<_>>();
        let gained: std::collections::BTreeSet<_> = new_full_tiles(old, new).collect();
        prop_assert_eq!(&full(new) - &full(old), gained);
        for tile in tiles_of(new) {
            prop_assert_eq!(Tile::parse(&tile.path()), Ok(tile));
        }
    }

    #[test]
    fn a_stored_frontier_continues(size in 0_u64..3000, more in 0_u64..300) {
        let (log, _) = both(size + more);
        let mut frontier = Frontier::new();
        for i in 0..size {
            frontier.append(leaf_hash(log.entry(i).unwrap()));
        }
        let mut again = Frontier::decode(size, &frontier.encode()).unwrap();
        for i in size..size + more {
            again.append(leaf_hash(log.entry(i).unwrap()));
        }
        prop_assert_eq!(again.root(), log.checkpoint("o").root);
    }
}
