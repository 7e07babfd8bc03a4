//! `comptroller risk assess` of a system of a server: shown, recorded, and stale when the registry says something else.

use crate::support::{Ended, Server, ended, run};
use comptroller_core::Clock as _;
use comptroller_core::time::SystemClock;

/// Answers to everything that the registry does not know, said today.
fn facts(server: &Server) {
    let template = run(server.folder(), &["risk", "questions", "--assess"]).stdout;
    let today: String = SystemClock.now().to_string().chars().take(10).collect();
    let mut text =
        format!("[stated]\nsource = \"human\"\nby = \"Ada Example\"\non = \"{today}\"\n[answers]\n");
    for (question, answer) in [
        ("data.kind", "personal"),
        ("data.children", "no"),
        ("data.amount", "thousands"),
        ("autonomy.decides", "decision-reviewed"),
        ("autonomy.acts", "no"),
        ("autonomy.stop", "yes"),
        ("impact.effect", "money-or-opportunity"),
        ("impact.people", "thousands"),
        ("impact.reversible", "with-effort"),
        ("bias.groups", "yes"),
        ("bias.attributes", "proxies"),
        ("bias.tested", "inconclusive"),
        ("law.sector", "yes"),
        ("law.transfers", "no"),
    ] {
        assert!(template.contains(&format!("\"{question}\"")), "{question}");
        text.push_str(&format!("\"{question}\" = \"{answer}\"\n"));
    }
    std::fs::write(server.path("facts.toml"), text).unwrap();
}

/// A member with these roles; their token.
fn member(server: &Server, owner: &str, roles: &[&str]) -> String {
    let email = format!("{}@example.org", roles[0]);
    let words = ["person", "add", "--name", roles[0], "--email", &email];
    let id = server.call(owner, &words).json()["id"].as_str().unwrap().to_owned();
    for role in roles {
        server.call(owner, &["role", "grant", &id, role]).json();
    }
    let secret =
        server.call(owner, &["invitation", "issue", &id]).json()["secret"].as_str().unwrap().to_owned();
    let issued = server.call(&secret, &["invitation", "accept", "--label", "test", "--days", "1"]).json();
    issued["secret"].as_str().unwrap().to_owned()
}

#[test]
fn a_system_is_assessed_from_the_record_and_a_file() {
    let server = Server::start();
    let owner = server.bootstrap();
    let (developer, officer) =
        (member(&server, &owner, &["developer"]), member(&server, &owner, &["risk-officer"]));
    server.call(&owner, &["team", "create", "lending"]).json();
    let words =
        ["system", "register", "credit", "--team", "lending", "--title", "Credit", "--purpose", "Decide."];
    server.call(&developer, &words).json();
    let assess = |token: &str, more: &[&str]| -> Ended {
        ended(&mut server.command(token, &[&["risk", "assess"][..], more].concat()))
    };
    let none = assess(&developer, &["credit"]);
    assert!(none.code == Some(4) && none.stdout.contains("credit was not assessed yet"), "{none:?}");
    assert!(server.call(&developer, &["system", "show", "credit"]).json()["assessment"].is_null());

    facts(&server);
    let without = assess(&developer, &["credit", "--facts", "facts.toml"]);
    assert!(without.code == Some(5) && without.stderr.contains("--reason"), "{without:?}");
    // The tier is neither on record nor said: a range, which ends with 4.
    let reason = ["credit", "--facts", "facts.toml", "--reason", "before it is used"];
    let recorded = assess(&developer, &reason);
    assert_eq!(recorded.code, Some(0), "{recorded:?}");
    let open = assess(&developer, &["credit"]);
    assert!(open.stdout.contains("Open questions law.tier"), "{open:?}");

    server.call(&officer, &["system", "classify", "credit", "high", "--reason", "Annex III 5(b)"]).json();
    let stale = assess(&developer, &["credit"]);
    assert!(stale.stdout.contains("law.tier: unknown then, today high (registry of "), "{stale:?}");
    assert!(stale.stdout.contains("With what is on record today\nrisk     high"), "{stale:?}");
    let shown = server.call(&developer, &["system", "show", "credit"]).json();
    assert_eq!(shown["assessment"]["state"], "assessment stale");

    assess(&developer, &reason);
    let shown = assess(&developer, &["credit"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for line in [
        "state       stands",
        "risk     high",
        "total    53 of 100",
        "How much law reaches into it (20 %): 65 of 100",
        "50 points, 10.00 in total",
        "Which tier of the AI Act does it have?: high",
        "registry: classification, entry ",
        "human: Ada Example, ",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {shown:?}");
    }

    // What contradicts the record is named with the entry; a file that is not there is no system.
    let text = std::fs::read_to_string(server.path("facts.toml")).unwrap() + "\"law.tier\" = \"minimal\"\n";
    std::fs::write(server.path("other.toml"), text).unwrap();
    let refused = assess(&developer, &["credit", "--facts", "other.toml", "--reason", "again"]);
    assert!(refused.stderr.contains("law.tier: minimal contradicts high (registry of "), "{refused:?}");
    let alone = run(server.folder(), &["risk", "assess", "other.toml"]);
    assert!(alone.code == Some(0) && alone.stdout.starts_with("risk     "), "{alone:?}");
    let missing = assess(&developer, &["credit.toml"]);
    assert!(missing.code == Some(5) && missing.stderr.contains("credit.toml"), "{missing:?}");
}
