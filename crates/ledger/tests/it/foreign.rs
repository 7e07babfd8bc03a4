//! Programs that we did not write verify what we produce, and we verify what they produce.

use std::cell::Cell;

use comptroller_ledger::memory::{LogFiles, MemoryLog};
use comptroller_ledger::{
    Checkpoint, LogSource as _, Note, SignedCheckpoint, SigningKey, VerifierKey, leaf_hash,
};
use signed_note::{StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{TileHashReader, TileReader};

const ORIGIN: &str = "ledger.example/log";

fn theirs(hash: &comptroller_ledger::Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(*hash.as_bytes())
}

/// Serves our files to the foreign tile reader, which has the tile height in its paths.
struct Files<'f>(&'f LogFiles, Cell<usize>);

impl TileReader for Files<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            self.0.read(&path, 8192).unwrap().unwrap_or_else(|| panic!("we have no {path}"))
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, tiles: &[tlog_tiles::Tile], _: &[Vec<u8>]) {
        self.1.set(self.1.get() + tiles.len());
    }
}

fn log(size: u64) -> (MemoryLog, LogFiles, SigningKey) {
    let key = SigningKey::new_note(ORIGIN, &[5; 32]).unwrap();
    let mut log = MemoryLog::new();
    for i in 0..size {
        log.append(format!("entry {i}"));
    }
    let signed = SignedCheckpoint::sign(&log.checkpoint(ORIGIN), &[&key]).unwrap();
    let files = log.files(&signed).unwrap();
    (log, files, key)
}

#[test]
fn tlog_tiles_verifies_our_log_of_70000_leaves() {
    const SIZE: u64 = 70_000;
    let (log, files, _) = log(SIZE);
    let root = theirs(&log.checkpoint(ORIGIN).root);
    let tiles = Files(&files, Cell::new(0));
    let reader = TileHashReader::new(SIZE, root, &tiles);
    assert_eq!(tlog_tiles::tree_hash(SIZE, &reader).unwrap(), root);
    for index in [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999] {
        let leaf = tlog_tiles::record_hash(log.entry(index).unwrap());
        let proof = tlog_tiles::prove_record(SIZE, index, &reader).unwrap();
        tlog_tiles::check_record(&proof, SIZE, root, index, leaf).unwrap();
        let ours = log.prove_inclusion(index, SIZE).unwrap();
        assert_eq!(proof, ours.iter().map(theirs).collect::<Vec<_>>());
        assert!(tlog_tiles::check_record(&proof, SIZE, root, index ^ 1, leaf).is_err());
    }
    for old in [1, 255, 256, 257, 65_536, 69_999] {
        let proof: Vec<_> = log.prove_consistency(old, SIZE).unwrap().iter().map(theirs).collect();
        let mut frontier = comptroller_ledger::Frontier::new();
        (0..old).for_each(|i| frontier.append(leaf_hash(log.entry(i).unwrap())));
        tlog_tiles::check_tree(&proof, SIZE, root, old, theirs(&frontier.root())).unwrap();
    }
    assert!(tiles.1.get() > 0, "the foreign reader authenticated tiles");
}

#[test]
fn tlog_tiles_refuses_flipped_bytes() {
    const SIZE: u64 = 1000;
    let (log, mut files, _) = log(SIZE);
    let root = theirs(&log.checkpoint(ORIGIN).root);
    let leaf = tlog_tiles::record_hash(log.entry(256).unwrap());
    // The sibling of entry 256 is entry 257, the second hash of the tile.
    files.0.get_mut("tile/0/001").unwrap()[32 + 17] ^= 1;
    let tiles = Files(&files, Cell::new(0));
    let reader = TileHashReader::new(SIZE, root, &tiles);
    // Its reader does not always compare a full tile with its parent, but then the proof is refused.
    let refused = match tlog_tiles::prove_record(SIZE, 256, &reader) {
        Ok(proof) => tlog_tiles::check_record(&proof, SIZE, root, 256, leaf).is_err(),
        Err(_) => true,
    };
    assert!(refused);
    let proof: Vec<_> = log.prove_inclusion(256, SIZE).unwrap().iter().map(theirs).collect();
    tlog_tiles::check_record(&proof, SIZE, root, 256, leaf).unwrap();
    let changed = tlog_tiles::record_hash(b"entry 2560");
    assert!(tlog_tiles::check_record(&proof, SIZE, root, 256, changed).is_err());
}

#[test]
fn signed_note_verifies_ours() {
    let (log, files, key) = log(300);
    let note = signed_note::Note::from_bytes(&files.0["checkpoint"]).unwrap();
    let known = |vkey: String| VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
    let (verified, unverified) = note.verify(&known(key.verifier_key().to_string())).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    let other = SigningKey::new_note(ORIGIN, &[6; 32]).unwrap().verifier_key();
    assert!(note.verify(&known(other.to_string())).is_err());
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), (ORIGIN, 300));
    assert_eq!(*checkpoint.hash(), theirs(&log.checkpoint(ORIGIN).root));
}

#[test]
fn we_verify_what_signed_note_signs() {
    let key = SigningKey::new_note(ORIGIN, &[8; 32]).unwrap();
    // Their signer reads our secret text.
    let signer = StandardSigner::new(&key.to_secret_text()).unwrap();
    let text = Checkpoint::new(ORIGIN, 0, comptroller_ledger::EMPTY_ROOT).to_string();
    let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[&signer]).unwrap();
    let bytes = note.to_bytes();
    let vkey: VerifierKey = key.verifier_key();
    assert_eq!(Note::parse(&bytes).unwrap().verify(std::slice::from_ref(&vkey)).unwrap().len(), 1);
    assert_eq!(SignedCheckpoint::parse(&bytes).unwrap().verify(&[vkey]).unwrap().len(), 1);
}
