//! What is streamed: downloads, evidence packs, tiles.

use crate::support::{get, sha256};
use crate::world::{PART, World};
use comptroller_ledger::pack::verify_pack;
use comptroller_ledger::{SignedCheckpoint, Trust, VerifierKey};
use serde_json::json;
use std::io::Cursor;

#[test]
fn a_download_goes_on_where_it_was_cut() {
    let world = World::with_people();
    let content: Vec<u8> = (0..PART + 100_000).map(|index| (index * 7 % 256) as u8).collect();
    let digest = world.upload(&content);
    let path = format!("/artifacts/{digest}/content");
    let whole = world.send(&world.get("auditor", &path));
    assert_eq!((whole.status, whole.body.len()), (200, content.len()));
    assert_eq!(sha256(&whole.body), digest);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("content-length"), content.len().to_string());
    assert!(whole.header("content-disposition").starts_with("attachment"));
    assert!(whole.header("content-security-policy").contains("sandbox"));

    let last = content.len() - 1;
    for start in [0, 1, PART - 1, PART, PART + 1, last] {
        let rest = world.send(&world.get("auditor", &path).header("Range", &format!("bytes={start}-")));
        assert_eq!(rest.status, 206, "{start}");
        assert_eq!(rest.header("content-range"), format!("bytes {start}-{last}/{}", content.len()));
        assert!(rest.body == content[start..], "{start}");
    }
    let outside =
        world.send(&world.get("auditor", &path).header("Range", &format!("bytes={}-", content.len())));
    outside.problem(416);
    assert_eq!(outside.header("content-range"), format!("bytes */{}", content.len()));
    for ignored in ["bytes=0-5", "bytes=-5", "lines=1-", "bytes=x-"] {
        let answer = world.send(&world.get("auditor", &path).header("Range", ignored));
        assert_eq!((answer.status, answer.body.len()), (200, content.len()), "{ignored}");
    }
}

#[test]
fn a_pack_verifies_with_the_keys_of_the_log() {
    let world = World::complete();
    world.server.publish();
    let pack = world.send(&world.post("auditor", "/evidence/pack", &json!({})));
    assert_eq!((pack.status, pack.header("content-type")), (200, "application/x-tar"));
    assert_eq!(pack.header("content-length"), pack.body.len().to_string());
    let log = world.ok(&get("/api/v1/ledger"));
    let key: VerifierKey = log["vkeys"][0].as_str().unwrap().parse().unwrap();
    let trust = Trust::of_keys([key]);
    let report = verify_pack(Cursor::new(&pack.body), &trust).unwrap();
    assert!(report.log.size >= 20, "{report:?}");

    let mut damaged = pack.body.clone();
    let at = find(&damaged, b"version.registered");
    damaged[at] ^= 1;
    verify_pack(Cursor::new(&damaged), &trust).unwrap_err();
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).expect("the pack holds the event")
}

#[test]
fn the_log_is_served_as_tiles() {
    let world = World::with_people();
    world.send(&get("/log/checkpoint")).problem(404);
    world.server.publish();
    let checkpoint = world.send(&get("/log/checkpoint"));
    assert_eq!(checkpoint.header("content-type"), "text/plain; charset=utf-8");
    let signed = SignedCheckpoint::parse(&checkpoint.body).unwrap();
    let size = world.server.size();
    assert_eq!(signed.checkpoint().size, size);
    let tile = world.send(&get(&format!("/log/tile/0/000.p/{size}")));
    assert_eq!((tile.status, tile.body.len() as u64), (200, size * 32));
    assert!(tile.header("cache-control").contains("immutable"));
    world.send(&get(&format!("/log/tile/0/000.p/{}", size + 1))).problem(404);
    let path = format!("/log/tile/entries/000.p/{size}");
    world.send(&get(&path)).problem(401);
    let bundle = world.send(&get(&path).by(world.token("auditor")));
    assert_eq!((bundle.status, bundle.header("cache-control")), (200, "no-store"));
    let length = usize::from(u16::from_be_bytes([bundle.body[0], bundle.body[1]]));
    let leaf = comptroller_ledger::leaf_hash(&bundle.body[2..2 + length]);
    assert_eq!(leaf.to_string(), hex(&tile.body[..32]));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
