//! Prints how long an evidence pack with the tests of all controls takes over a year of a million events, how much
//! memory it needs, and how fast it verifies. Asserts nothing: numbers of one machine are no test.
//!
//! `cargo bench -p comptroller-app --bench year -- [EVENTS [INCOMPLETE]]`. The year: every day each system has a window
//! judged, a decision about what runs, three blocks of records sealed and eight reports of its runtime; every other week
//! a version is registered, tested, staged, approved and deployed. Of INCOMPLETE releases (100 if not given) one leaves
//! out steps that controls ask for, each of which is an exception; 1: every release does, 0: none.

#[path = "fill/store.rs"]
mod fill;
#[path = "fill/year.rs"]
mod made;

use anyhow::Context as _;
use comptroller_app::access::IssueOwnToken;
use comptroller_app::controls::{AdoptControl, TestControls, test_pack};
use comptroller_app::evidence::ExportPack;
use comptroller_app::invitations::InvitePerson;
use comptroller_app::people::{AddPerson, ChangeRole};
use comptroller_app::{App, Call, Caller};
use comptroller_compliance::control::shipped;
use comptroller_core::{Role, Timestamp};
use comptroller_ledger::pack::{PackReader, verify_pack};
use comptroller_ledger::verify::Trust;
use comptroller_store::Store;
use made::{BEGIN, DAY, DAYS, YEARLY, YearClock, year};
use std::io::{Seek as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let testing = std::env::args().all(|argument| argument != "--bench");
    let mut asked = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let events = asked.next().unwrap_or(if testing { 6_000 } else { 1_000_000 });
    let incomplete = asked.next().unwrap_or(100);
    let folder = tempfile::tempdir()?;
    let clock = Arc::new(YearClock(AtomicI64::new(BEGIN - DAY)));
    let store = Store::open(&fill::config(folder.path())?, clock.clone()).await?;
    let app = App::new(store.clone())?;
    let (officer, auditor) = people(&app).await?;
    let mut out = std::io::stdout().lock();
    let start = Instant::now();
    for control in shipped()?.iter() {
        let command = AdoptControl { control: control.id.parse()?, definition: None };
        app.adopt_control(&Call::new(officer.clone()), command).await?;
    }
    let systems = events.div_ceil(YEARLY);
    year(&store, &clock, systems, incomplete).await?;
    let size = store.publish().await?.context("a log")?.size;
    writeln!(out, "{size} events of {systems} systems written in {:.1?}", start.elapsed())?;

    let (from, to) = (Timestamp::from_micros(BEGIN), Timestamp::from_micros(BEGIN + DAYS * DAY));
    let asked = TestControls { from, to, framework: Some("soc2".into()), control: None };
    let before = peak();
    let start = Instant::now();
    let command = ExportPack { include_personal_data: false, controls: Some(asked.clone()) };
    let mut pack = app.export_pack(&auditor, command).await?;
    writeln!(
        out,
        "evidence pack: {:.1?}, {} MB; peak of the process {before} before, {} after",
        start.elapsed(),
        pack.bytes >> 20,
        peak()
    )?;
    let vkey = app.log().await?.vkeys.remove(0);
    let start = Instant::now();
    let verified = verify_pack(&mut pack.file, &Trust::of_keys([vkey.parse()?]))?;
    let taken = start.elapsed();
    let rate = u128::from(verified.log.size) * 1_000 / taken.as_millis().max(1);
    writeln!(out, "verified: {taken:.1?}, {rate} entries/s; {}", peak())?;
    pack.file.rewind()?;
    let start = Instant::now();
    let test = test_pack(&PackReader::open(&mut pack.file)?, asked)?;
    let expected: u64 = test.result.controls.iter().map(|control| control.period.expected).sum();
    let exceptions: usize = test.result.controls.iter().map(|control| control.exceptions.len()).sum();
    writeln!(
        out,
        "tested again offline: {:.1?}, {} controls, {expected} occurrences, {exceptions} exceptions; {}",
        start.elapsed(),
        test.result.controls.len(),
        peak()
    )?;
    for control in test.result.controls.iter().filter(|control| !control.exceptions.is_empty()) {
        writeln!(out, "  {}: {} of {}", control.id, control.exceptions.len(), control.period.expected)?;
    }
    Ok(())
}

/// The most memory that the process ever held, as the system says it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or_else(
        || "unknown".to_owned(),
        |line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "),
    )
}

/// A risk officer and an auditor.
async fn people(app: &App) -> anyhow::Result<(Caller, Caller)> {
    let token = app.bootstrap().await?.context("a new store")?;
    let owner = Call::new(app.authenticate(&token).await?);
    let mut people = Vec::new();
    for (name, role) in [("officer", Role::RiskOfficer), ("auditor", Role::Auditor)] {
        let person = AddPerson { name: name.to_owned(), email: format!("{name}@example.org") };
        let person = app.add_person(&owner, person).await?.id;
        app.grant_role(&owner, ChangeRole { principal: person.clone(), role, system: None }).await?;
        let invited = app.invite(&owner, InvitePerson { person, days: 1 }).await?;
        let caller = app.authenticate_invitation(&invited.secret.context("a secret")?).await?;
        let terms = IssueOwnToken { environment: None, label: "bench".parse()?, days: 1 };
        let token = app.accept_invitation(&Call::new(caller), terms).await?;
        people.push(app.authenticate(&token.secret.context("a secret")?).await?);
    }
    let auditor = people.pop().context("two people")?;
    Ok((people.pop().context("two people")?, auditor))
}
