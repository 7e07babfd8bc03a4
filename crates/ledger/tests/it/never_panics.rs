//! Parsers take any bytes without a panic, and what they accept they write back unchanged.

use std::io::Cursor;
use std::sync::OnceLock;

use comptroller_ledger::pack::verify_pack;
use comptroller_ledger::tile::{decode_bundle, decode_tile, encode_bundle, encode_tile};
use comptroller_ledger::timestamp;
use comptroller_ledger::witness::{AddCheckpointRequest, parse_conflict, parse_response};
use comptroller_ledger::{
    Anchors, Checkpoint, Entry, EntryBundle, Frontier, Hash, KeyHistory, Note, Policy, Query,
    SignedCheckpoint, SigningKey, Tile, TlogProof, Trust, VerifierKey,
};
use proptest::prelude::*;

use crate::authority::{Authority, GOOD, openssl};
use crate::support::{TestLog, key};

/// An authority's certificate, its answer to [`query`] and the token in it; none without OpenSSL.
static STAMPED: OnceLock<Option<[Vec<u8>; 3]>> = OnceLock::new();

fn query() -> Query {
    Query::new(b"text", [1; 8])
}

fn stamped() -> Option<&'static [Vec<u8>; 3]> {
    let make = || {
        let authority = Authority::new(openssl()?, GOOD);
        let answer = authority.answer(&query().to_der());
        let token = authority.token(&answer);
        Some([authority.ca(), answer, token])
    };
    STAMPED.get_or_init(make).as_ref()
}

/// Runs every parser over the same bytes.
fn parse_all(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(note) = Note::parse(bytes) {
        prop_assert_eq!(note.to_string().into_bytes(), bytes);
    }
    if let Ok(signed) = SignedCheckpoint::parse(bytes) {
        prop_assert_eq!(signed.to_string().into_bytes(), bytes);
    }
    if let Ok(proof) = TlogProof::parse(bytes) {
        prop_assert_eq!(proof.to_string().into_bytes(), bytes);
    }
    if let Ok(request) = AddCheckpointRequest::parse(bytes) {
        prop_assert_eq!(request.to_string().into_bytes(), bytes);
    }
    if let Ok(entries) = decode_bundle(bytes) {
        prop_assert_eq!(encode_bundle(&entries).unwrap(), bytes);
    }
    if let Ok(hashes) = decode_tile(bytes) {
        prop_assert_eq!(encode_tile(&hashes), bytes);
    }
    if let Ok(entry) = Entry::from_bytes(bytes) {
        prop_assert_eq!(entry.to_bytes().unwrap(), bytes);
    }
    let _ = Policy::parse(bytes);
    let _ = timestamp::verify(bytes, b"text", None);
    let _ = Anchors::from_pem(bytes);
    if let Some([ca, _, _]) = stamped() {
        let anchors = Anchors::from_pem(ca).unwrap();
        let _ = query().accept(bytes, &anchors);
        let _ = timestamp::verify(bytes, b"text", Some(&anchors));
    }
    let _ = parse_conflict(bytes);
    let _ = verify_pack(Cursor::new(bytes), &Trust::default());
    let _ = parse_response(bytes, &TestLog::of(1).signed(), &[key(1).verifier_key()]);
    let text = String::from_utf8_lossy(bytes);
    if let Ok(tile) = Tile::parse(&text) {
        prop_assert_eq!(tile.path(), text.as_ref());
    }
    if let Ok(bundle) = EntryBundle::parse(&text) {
        prop_assert_eq!(bundle.path(), text.as_ref());
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        prop_assert_eq!(key.to_string(), text.as_ref());
    }
    if let Ok(checkpoint) = Checkpoint::parse(&text) {
        prop_assert_eq!(checkpoint.to_string(), text.as_ref());
    }
    let _ = SigningKey::from_secret_text(&text);
    let _ = KeyHistory::parse(&text);
    let _ = Hash::from_base64(&text);
    let _ = text.parse::<Hash>();
    let _ = Frontier::decode(bytes.len() as u64, &text);
    Ok(())
}

/// Well-formed inputs to be mutated.
fn seeds() -> Vec<Vec<u8>> {
    let log = TestLog::of(5);
    let files = log.files();
    let proof = TlogProof {
        extra: Some(vec![1]),
        index: 3,
        hashes: log.log.prove_inclusion(3, 5).unwrap(),
        checkpoint: log.signed(),
    };
    let request = AddCheckpointRequest {
        old_size: 3,
        proof: log.log.prove_consistency(3, 5).unwrap(),
        checkpoint: log.signed(),
    };
    let mut seeds: Vec<Vec<u8>> = files.0.into_values().collect();
    seeds.push(log.log.entry(2).unwrap().to_vec());
    seeds.push(proof.to_string().into_bytes());
    seeds.push(request.to_string().into_bytes());
    seeds.push(format!("log {}\nquorum none\n", log.vkey()).into_bytes());
    seeds.push(KeyHistory::new(log.vkey()).to_string().into_bytes());
    seeds.push(log.vkey().to_string().into_bytes());
    seeds.push(log.key.to_secret_text().as_bytes().to_vec());
    seeds.extend(stamped().into_iter().flatten().cloned());
    seeds.push(b"tile/0/x001/234.p/5".to_vec());
    seeds.push(b"tile/entries/x001/234.p/5".to_vec());
    seeds
}

#[test]
fn seeds_are_accepted_unchanged() {
    for seed in seeds() {
        parse_all(&seed).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        parse_all(&bytes)?;
    }

    #[test]
    fn mutated_seeds(which in any::<prop::sample::Index>(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6)) {
        let seeds = seeds();
        let mut bytes = seeds[which.index(seeds.len())].clone();
        for (at, byte, edit) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        parse_all(&bytes)?;
    }
}
