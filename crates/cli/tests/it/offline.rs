//! Verification and maintenance of what is not there or not what it should be.

use crate::support::{Server, run};
use crate::walk::person;

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
fn timelines_and_oscal_come_from_a_pack_without_a_server() {
    let server = Server::start();
    let vkey = server.call("", &["ledger", "status"]).json()["vkeys"][0].as_str().unwrap().to_owned();
    let owner = server.bootstrap();
    let (_, risk) = person(&server, &owner, "arne", &["risk-officer"]);
    let (_, auditor) = person(&server, &owner, "ali", &["auditor"]);
    let adopted = server.call(&risk, &["control", "adopt", "CTL-ACCESS-01", "CTL-AUDIT-01"]);
    assert_eq!(adopted.code, Some(0), "{adopted:?}");
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let (from, to) = (today.yesterday().unwrap().to_string(), today.tomorrow().unwrap().to_string());
    let window = ["--from", &from, "--to", &to, "--framework", "soc2"];
    let ask = |words: &[&str]| server.call(&auditor, &[words, &window[..]].concat());
    let online = ask(&["control", "timeline"]).json();
    assert_eq!(online["criteria"].as_array().unwrap().len(), 61, "each criterion has a row: {online}");
    assert_eq!(online["controls"].as_array().unwrap().len(), 2, "{online}");
    let runs = online["controls"][0]["runs"].as_array().unwrap();
    assert_eq!(
        (&runs[0]["from"], &runs[0]["state"]),
        (&from.clone().into(), &"not-in-operation".into()),
        "{runs:?}"
    );
    ask(&["evidence", "pack", "--out", "pack.tar"]).json();
    // The pack holds that it was made, which is an occurrence itself.
    let online = ask(&["control", "timeline"]).json();

    let folder = server.stop();
    let offline = |words: &[&str]| run(folder.path(), &[words, &["--key", &vkey], &window].concat());
    // More is on record in the pack, but no day changed.
    let mut packed =
        offline(&["control", "timeline", "pack.tar", "--html", "days.html", "--format", "json"]).json();
    assert!(packed["result"].is_string());
    packed["result"] = online["result"].clone();
    assert_eq!((&packed["criteria"], &packed["controls"]), (&online["criteria"], &online["controls"]));
    let page = std::fs::read_to_string(folder.path().join("days.html")).unwrap();
    assert!(page.contains("CTL-AUDIT-01") && page.contains("<svg") && !page.contains("<script"));
    let text = offline(&["control", "timeline", "pack.tar"]);
    assert!(text.stdout.contains("CRITERIA") && text.stdout.contains("one sign for each day"), "{text:?}");

    let ended = offline(&["control", "test", "pack.tar", "--oscal", "made/oscal", "--format", "json"]);
    let result = ended.json()["result"]["digest"].as_str().unwrap().to_owned();
    let results = folder.path().join("made/oscal/oscal-assessment-results.json");
    assert!(std::fs::read_to_string(&results).unwrap().contains(&result), "it is about this test");
    let tar = std::process::Command::new("tar")
        .args(["-xf", "pack.tar", "controls"])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(tar.success());
    for file in std::fs::read_dir(folder.path().join("made/oscal")).unwrap() {
        let file = file.unwrap();
        let packed = std::fs::read(folder.path().join("controls").join(file.file_name())).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), packed, "{:?}", file.file_name());
    }
    // Without a pack there is nothing to verify, and nothing is written.
    let refused = run(folder.path(), &[&["control", "test", "--oscal", "other"][..], &window].concat());
    assert!(refused.code == Some(5) || refused.code == Some(2), "{refused:?}");
    assert!(!folder.path().join("other").exists());
    let wrong = offline(&["control", "timeline", "made/oscal/oscal-assessment-results.json"]);
    assert_eq!(wrong.code, Some(10), "{wrong:?}");
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
