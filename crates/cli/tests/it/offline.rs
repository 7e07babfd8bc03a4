//! Verification and maintenance of what is not there or not what it should be.

use crate::support::{Server, run};

#[test]
fn a_log_folder_is_verified_with_the_auditor_s_key_only() {
    let server = Server::start();
    let status = server.call("", &["ledger", "status"]).json();
    let vkey = status["vkeys"][0].as_str().unwrap().to_owned();
    let owner = server.bootstrap();
    for n in 0..3 {
        server.call(&owner, &["team", "create", &format!("team-{n}")]).json();
    }
    // An auditor exports; an owner does not.
    server.call(&owner, &["service-account", "add", "audit"]).json();
    server.call(&owner, &["role", "grant", "audit", "auditor"]).json();
    server.call(&owner, &["token", "issue", "audit", "--label", "t", "--out", "audit"]).json();
    let words = ["evidence", "pack", "--out", "pack.tar", "--token-file", "audit"];
    server.call("", &words).json();
    let folder = server.folder().to_owned();
    std::fs::create_dir(folder.join("unpacked")).unwrap();
    let mut tar = std::process::Command::new("tar");
    let unpacked = tar.args(["-xf", "pack.tar", "-C", "unpacked"]).current_dir(&folder).status().unwrap();
    assert!(unpacked.success(), "other programs read the pack");

    let good = run(&folder, &["verify", "unpacked", "--key", &vkey, "--format", "json"]).json();
    assert!(good["size"].as_u64().unwrap() >= 10, "{good}");
    // INVARIANT (keys-from-the-auditor): the pack carries its keys, and they prove nothing.
    assert!(folder.join("unpacked/keys/history").exists());
    assert_eq!(run(&folder, &["verify", "unpacked"]).code, Some(5));

    // Each kind of damage has its class.
    let verify = || run(&folder, &["verify", "unpacked", "--key", &vkey, "--format", "json"]);
    let checkpoint = folder.join("unpacked/log/checkpoint");
    let text = std::fs::read_to_string(&checkpoint).unwrap();
    std::fs::write(&checkpoint, text.replacen("/1\n", "/2\n", 1)).unwrap();
    assert_eq!(verify().refused(11)["code"], "key");
    std::fs::write(&checkpoint, "no checkpoint").unwrap();
    assert_eq!(verify().refused(10)["code"], "malformed");
    std::fs::write(&checkpoint, &text).unwrap();
    std::fs::remove_dir_all(folder.join("unpacked/log/tile/entries")).unwrap();
    assert_eq!(verify().refused(14)["code"], "truncated");
}

#[test]
fn the_doctor_never_makes_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["doctor"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.stderr.contains("there is no database"), "{ended:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_store_is_copied_and_the_copy_is_sound() {
    let server = Server::start();
    let owner = server.bootstrap();
    server.call(&owner, &["team", "create", "lending"]).json();
    let folder = server.stop();
    let write = |name: &str, database: &str, objects: &str| {
        let keys = "keys_dir = \"comptroller-data/keys\"\nguard_dir = \"comptroller-data/guard\"";
        let text = format!("[store]\ndatabase = {database:?}\nobjects = {objects:?}\n{keys}\n");
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    write("from.toml", "comptroller-data/db/comptroller.db", "comptroller-data/objects");
    write("to.toml", "copy/db/comptroller.db", "copy/objects");
    let words = ["store", "copy", "--from", "from.toml", "--to", "to.toml", "--format", "json"];
    let copied = run(folder.path(), &words).json();
    assert!(copied["size"].as_i64().unwrap() > 3, "{copied}");
    let doctor = ["doctor", "--rebuild-check", "--deep", "--config", "to.toml", "--format", "json"];
    assert_eq!(run(folder.path(), &doctor).json()["found"], serde_json::json!([]));
    // A target that is not empty is refused.
    assert_eq!(run(folder.path(), &words).code, Some(1));
}
