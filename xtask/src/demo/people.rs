//! Chapter: the first start, the one-time credential, people with roles and tokens.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::server::bootstrap_token;
use super::walk::{Walk, index_of, items, text};

/// Who takes part: name of the token, display name, roles.
const PEOPLE: &[(&str, &str, &[&str])] = &[
    ("owner", "Olga Owner", &["owner"]),
    ("admin", "Adam Admin", &["admin"]),
    // An approver too, so that only the separation of duties stops the builder's vote, and not a missing role.
    ("builder", "Bea Builder", &["developer", "approver"]),
    ("approver-one", "Anna Approver", &["approver"]),
    ("approver-two", "Arne Approver", &["approver"]),
    ("risk-officer", "Rosa Risk", &["risk-officer"]),
    ("risk-officer-two", "Rolf Risk", &["risk-officer"]),
    ("deployer", "Dora Deployer", &["deployer"]),
    ("auditor", "Ali Auditor", &["auditor"]),
];
/// The program that serves the credit model.
const RUNTIME: &str = "credit-runtime";

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    first_start(walk)?;
    add_people(walk)?;
    end_of_bootstrap(walk)?;
    environment_tokens(walk)
}

fn first_start(walk: &mut Walk) -> Result<()> {
    let log = walk.ok("nobody", &["ledger", "status"])?;
    let vkey = log["vkeys"][0].as_str().context("the log has no verifier key")?.to_owned();
    ensure!(
        log["size"].as_u64().is_some_and(|size| size > 0),
        "the log is empty after the first start: {log}"
    );
    walk.note("vkey", &vkey);
    walk.step(
        "The server made the organisation, its keys, its log and a one-time credential.",
        &[0],
        "Entry 0 names the organisation, the log's origin and the key that signs it; an auditor keeps that key.",
    );
    let file = bootstrap_token(&walk.folder);
    let token =
        std::fs::read_to_string(&file).with_context(|| format!("no credential at {}", file.display()))?;
    walk.keep_token("bootstrap", token.trim())?;
    let me = walk.ok("bootstrap", &["whoami"])?;
    ensure!(me["kind"] == "service-account", "the bootstrap credential is not a program's: {me}");
    Ok(())
}

fn add_people(walk: &mut Walk) -> Result<()> {
    for (who, name, roles) in PEOPLE {
        // The first person becomes owner by the bootstrap; everybody else is added by a person.
        let by = if *who == "owner" { "bootstrap" } else { "owner" };
        let email = format!("{who}@demo-bank.example");
        let person = walk.ok(by, &["person", "add", "--name", name, "--email", &email])?;
        let id = text(&person, "id")?.to_owned();
        let mut entries = vec![index_of(&person)?];
        for role in *roles {
            entries.push(walk.act(by, &["role", "grant", &id, role])?);
        }
        entries.extend(enrol(walk, by, who, &id)?);
        walk.note(&format!("person {who}"), &id);
        let what = format!("{name} added as {}, and made a token from an invitation.", roles.join(" and "));
        walk.step(
            &what,
            &entries,
            "Name and address are encrypted under the person's own key. An invitation works once: nobody else has the token.",
        );
    }
    Ok(())
}

fn end_of_bootstrap(walk: &mut Walk) -> Result<()> {
    let index = walk.act("owner", &["service-account", "disable", "bootstrap"])?;
    walk.refused("bootstrap", &["system", "list"], 6)?;
    walk.step(
        "The owner disabled the bootstrap account, and its token was refused at once.",
        &[index],
        "From here on every act has a person or a named program behind it.",
    );
    Ok(())
}

/// Tokens that are good for one environment each, and the runtime's account.
fn environment_tokens(walk: &mut Walk) -> Result<()> {
    let deployer = walk.noted("person deployer")?;
    // An administrator cannot make a credential of somebody else, not even with every role.
    walk.refused("admin", &["token", "issue", &deployer, "--label", "mine"], 5)?;
    let mut entries = Vec::new();
    for environment in ["dev", "staging", "production"] {
        let who = format!("deployer-{environment}");
        entries.push(issue(walk, "deployer", &who, "--own", environment)?);
    }
    let account = walk.ok("admin", &["service-account", "add", RUNTIME])?;
    entries.push(index_of(&account)?);
    entries.push(walk.act("admin", &["role", "grant", RUNTIME, "deployer"])?);
    entries.push(issue(walk, "admin", "runtime", RUNTIME, "production")?);
    let tokens = walk.ok("admin", &["token", "list", "--principal", &deployer])?;
    ensure!(items(&tokens)?.iter().all(no_secret), "a list of tokens shows a secret: {tokens}");
    walk.step(
        "The deployer made one token per environment; the admin, who may not, gave the runtime a production token.",
        &entries,
        "A token works in one environment. Only its hash is stored, and nobody makes one for another person.",
    );
    Ok(())
}

fn no_secret(token: &Value) -> bool {
    token["secret"].is_null() && token["expires_at"].is_string()
}

/// Invites the person and accepts in their name; keeps the token under the name `who`. Answers the entries.
pub(crate) fn enrol(walk: &mut Walk, by: &str, who: &str, person: &str) -> Result<[u64; 2]> {
    let invited = walk.ok(by, &["invitation", "issue", person])?;
    let invitation = format!("{who}-invitation");
    walk.keep_token(&invitation, text(&invited, "secret")?)?;
    let words = ["invitation", "accept", "--label", who, "--days", "1"];
    let accepted = walk.ok(&invitation, &words)?;
    walk.keep_token(who, text(&accepted, "secret")?)?;
    // It has done its work, and works no second time.
    let again = walk.refused(&invitation, &words, 6)?.json;
    ensure!(text(&again, "detail")?.contains("used already"), "another refusal: {again}");
    walk.forget_token(&invitation)?;
    Ok([index_of(&invited)?, index_of(&accepted)?])
}

/// Issues a token for a day in one environment and keeps it under the name `who`. Answers the entry.
fn issue(walk: &mut Walk, by: &str, who: &str, account: &str, environment: &str) -> Result<u64> {
    let words = ["token", "issue", account, "--label", who, "--days", "1", "--environment", environment];
    let issued = walk.ok(by, &words)?;
    let secret = text(&issued, "secret")?.to_owned();
    walk.keep_token(who, &secret)?;
    index_of(&issued)
}
