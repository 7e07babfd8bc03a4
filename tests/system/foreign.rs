//! Programs that we did not write judge a log that our server made: they accept it whole, and refuse what is broken.
//!
//! The judges: our own `verify`, the Go project's `note` and `tlog` packages (`tests/foreign/verify.go`), a Python
//! verifier of C2SP logs, and the Rust crates `signed_note` and `tlog_tiles`.

use crate::api::{Api, set_up};
use crate::servers::provided;
use crate::support::{Server, run};
use comptroller_ledger::tile::decode_bundle;
use comptroller_ledger::{Checkpoint, EntryBundle, Hash, SignedCheckpoint, SigningKey};
use serde_json::json;
use signed_note::{StandardVerifier, VerifierList};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tlog_tiles::{TileHashReader, TileReader};

/// Two full bundles and tiles, and a partial one.
const LEAST: u64 = 520;
/// The entry that is tampered with; every judge is asked about it.
const VICTIM: usize = 300;

/// The judges, in the order of their verdicts.
const JUDGES: [&str; 4] = ["ours", "go", "python", "crates"];

/// A way to break a log, and whether each judge checks what it breaks.
struct Damage {
    name: &'static str,
    /// Changes the log folder, and answers the key to verify with if it is another one.
    apply: fn(&Scene, &Path) -> Option<String>,
    refused_by: [bool; 4],
}

const DAMAGES: [Damage; 6] = [
    Damage { name: "flipped entry byte", apply: flip_entry, refused_by: [true; 4] },
    // The Python program reads those tiles only that its proofs need; the flipped hash is one of them.
    Damage { name: "flipped tile byte", apply: flip_tile, refused_by: [true; 4] },
    Damage { name: "wrong key", apply: wrong_key, refused_by: [true; 4] },
    Damage { name: "swapped index", apply: swap_entries, refused_by: [true; 4] },
    Damage { name: "truncated log", apply: truncate, refused_by: [true; 4] },
    Damage { name: "forked head", apply: fork, refused_by: [true; 4] },
];

/// A log that a server made, its keys, and the programs that judge it.
struct Scene {
    folder: tempfile::TempDir,
    url: String,
    vkey: String,
    /// The log's real signing key: what an evil operator has.
    key: SigningKey,
    go: String,
    python: String,
}

#[test]
fn others_accept_our_log_and_refuse_what_is_broken() {
    let (Some(go), Some(python)) =
        (provided("COMPTROLLER_TEST_GO_VERIFY"), provided("COMPTROLLER_TEST_PYTHON"))
    else {
        return;
    };
    let server = Server::start();
    let scene = scene(&server, go, python);
    let original = scene.folder.path().join("original/log");
    for (judge, verdict) in JUDGES.iter().zip(scene.judge(&original, &scene.vkey)) {
        verdict.unwrap_or_else(|said| panic!("{judge} refuses a good log: {said}"));
    }
    served(&scene);
    for damage in DAMAGES {
        let broken = scene.folder.path().join(damage.name.replace(' ', "-"));
        let copied = Command::new("cp").arg("-r").arg(original.parent().unwrap()).arg(&broken).status();
        assert!(copied.unwrap().success());
        let log = broken.join("log");
        let vkey = (damage.apply)(&scene, &log).unwrap_or_else(|| scene.vkey.clone());
        let verdicts = scene.judge(&log, &vkey);
        for ((judge, verdict), refused) in JUDGES.iter().zip(verdicts).zip(damage.refused_by) {
            assert_eq!(verdict.is_err(), refused, "{judge} on a {}: {verdict:?}", damage.name);
        }
    }
}

/// The same log over HTTP, as anybody may read it: checkpoint and tiles, and no entries without the right to.
fn served(scene: &Scene) {
    let nobody = Api::new(&scene.url, "none");
    let (status, note) = nobody.read("/log/checkpoint");
    let head = SignedCheckpoint::parse(&note).unwrap().checkpoint().clone();
    assert!(status == 200 && head.size >= LEAST, "{head:?}");
    assert_eq!(nobody.read("/log/tile/entries/000").0, 401);
    let tiles = format!("{}/log", scene.url);
    let leaf = leaf(&scene.folder.path().join("original/log"), head.size, VICTIM);
    let prefix = ["--tiles", &tiles, "--log-key", &scene.vkey, "--origin", &head.origin];
    inclusion(&scene.python, &prefix, VICTIM, &leaf).unwrap();
}

/// Makes a log of some hundred entries by using a server, exports it, and stops nothing.
fn scene(server: &Server, go: String, python: String) -> Scene {
    let tokens = set_up(server);
    let owner = Api::new(&server.url, &tokens.owner);
    for number in 0..LEAST {
        owner.post("/teams", &format!("team-{number}"), &json!({"slug": format!("team-{number}")}));
    }
    server.call(&tokens.auditor, &["evidence", "pack", "--out", "pack.tar"]).json();
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    std::fs::create_dir(&original).unwrap();
    let tar = Command::new("tar").arg("-xf").arg(server.path("pack.tar")).arg("-C").arg(&original).status();
    assert!(tar.unwrap().success());
    let status = server.call("", &["ledger", "status"]).json();
    let secret = std::fs::read_to_string(server.path("comptroller-data/keys/log.key")).unwrap();
    Scene {
        folder,
        url: server.url.clone(),
        vkey: status["vkeys"][0].as_str().unwrap().to_owned(),
        key: SigningKey::from_secret_text(secret.trim()).unwrap(),
        go,
        python,
    }
}

impl Scene {
    /// What each judge says about a log folder.
    fn judge(&self, log: &Path, vkey: &str) -> [Result<(), String>; 4] {
        let ended = run(log.parent().unwrap(), &["verify", ".", "--key", vkey]);
        let ours = if ended.code == Some(0) { Ok(()) } else { Err(ended.stderr) };
        [ours, self.go(log, vkey), self.python(log, vkey), crates(log, vkey)]
    }

    fn go(&self, log: &Path, vkey: &str) -> Result<(), String> {
        let output = Command::new(&self.go).arg(log).arg(vkey).output().unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
    }

    /// The signature, and the inclusion of the first entry, the last one and the victim.
    fn python(&self, log: &Path, vkey: &str) -> Result<(), String> {
        let head = head(log);
        let folder = log.to_str().unwrap();
        let common = ["--log-key", vkey, "--origin", &head.origin, "--tiles", folder];
        python(&self.python, &[&["verify-checkpoint"], &common[..]].concat(), b"")?;
        for index in [0, VICTIM, head.size as usize - 1] {
            let leaf = leaf(log, head.size, index);
            inclusion(&self.python, &common, index, &leaf)?;
        }
        Ok(())
    }
}

fn inclusion(program: &str, log: &[&str], index: usize, leaf: &[u8]) -> Result<(), String> {
    let index = index.to_string();
    python(program, &[&["verify-inclusion"], log, &["--index", &index, "--leaf", "-"]].concat(), leaf)
}

fn python(program: &str, words: &[&str], input: &[u8]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(["-m", "aics_tlog"]).args(words).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that does not want the leaf closes its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

fn head(log: &Path) -> Checkpoint {
    let note = std::fs::read(log.join("checkpoint")).unwrap();
    SignedCheckpoint::parse(&note).unwrap().checkpoint().clone()
}

/// The bytes of one entry as they stand in the folder; empty where the folder has none.
fn leaf(log: &Path, size: u64, index: usize) -> Vec<u8> {
    let bundle = EntryBundle::in_tree(index as u64 / 256, size).unwrap();
    let Ok(bytes) = std::fs::read(log.join(bundle.path())) else { return Vec::new() };
    decode_bundle(&bytes).unwrap()[index % 256].to_vec()
}

/// The crates' reader wants the tile height in its paths.
struct Folder<'f>(&'f Path);

impl TileReader for Folder<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            std::fs::read(self.0.join(tile.path().replacen("tile/8/", "tile/", 1))).unwrap_or_default()
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// Signature, root of all tiles, and the inclusion of every entry, by the Rust crates.
fn crates(log: &Path, vkey: &str) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let note = signed_note::Note::from_bytes(&std::fs::read(log.join("checkpoint")).unwrap())
        .map_err(|e| said(&e))?;
    let verifier = StandardVerifier::new(vkey).map_err(|e| said(&e))?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|e| said(&e))?;
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).map_err(|e| said(&e))?;
    let (size, root) = (checkpoint.size(), *checkpoint.hash());
    let folder = Folder(log);
    let reader = TileHashReader::new(size, root, &folder);
    if tlog_tiles::tree_hash(size, &reader).map_err(|e| said(&e))? != root {
        return Err("another root".to_owned());
    }
    for index in 0..size {
        let record = tlog_tiles::record_hash(&leaf(log, size, usize::try_from(index).unwrap()));
        let proof = tlog_tiles::prove_record(size, index, &reader).map_err(|e| said(&e))?;
        tlog_tiles::check_record(&proof, size, root, index, record)
            .map_err(|e| format!("entry {index}: {e:?}"))?;
    }
    Ok(())
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Where an entry begins inside its bundle, behind its length.
fn position(bytes: &[u8], index: usize) -> usize {
    let entries = decode_bundle(bytes).unwrap();
    entries[..index % 256].iter().map(|entry| entry.len() + 2).sum::<usize>() + 2
}

fn flip_entry(_: &Scene, log: &Path) -> Option<String> {
    edit(&log.join("tile/entries/001"), |bytes| {
        let at = position(bytes, VICTIM) + 20;
        bytes[at] ^= 1;
    });
    None
}

/// The hash next to the victim's, which every proof of the victim needs.
fn flip_tile(_: &Scene, log: &Path) -> Option<String> {
    edit(&log.join("tile/0/001"), |bytes| bytes[((VICTIM % 256) ^ 1) * 32] ^= 1);
    None
}

#[expect(clippy::unnecessary_wraps, reason = "one of several ways to break a log, of one type")]
fn wrong_key(scene: &Scene, _: &Path) -> Option<String> {
    let other = SigningKey::new_note(scene.key.name(), &[9; 32]).unwrap();
    Some(other.verifier_key().to_string())
}

/// The victim and its neighbour change places; everything else stays.
fn swap_entries(_: &Scene, log: &Path) -> Option<String> {
    edit(&log.join("tile/entries/001"), |bytes| {
        let mut entries: Vec<Vec<u8>> = decode_bundle(bytes).unwrap().iter().map(|e| e.to_vec()).collect();
        entries.swap(VICTIM % 256, VICTIM % 256 + 1);
        *bytes = comptroller_ledger::tile::encode_bundle(&entries).unwrap();
    });
    None
}

/// The real key signs a head of more entries than the folder has.
fn truncate(scene: &Scene, log: &Path) -> Option<String> {
    let head = head(log);
    sign(scene, log, &Checkpoint::new(head.origin, head.size + 100, head.root))
}

/// The real key signs another history of the same size.
fn fork(scene: &Scene, log: &Path) -> Option<String> {
    let head = head(log);
    sign(scene, log, &Checkpoint::new(head.origin, head.size, Hash::new([7; 32])))
}

fn sign(scene: &Scene, log: &Path, checkpoint: &Checkpoint) -> Option<String> {
    let signed = SignedCheckpoint::sign(checkpoint, &[&scene.key]).unwrap();
    std::fs::write(log.join("checkpoint"), signed.to_string()).unwrap();
    None
}
