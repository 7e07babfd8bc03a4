//! Controls from adoption to the pack that an auditor tests again, offline.

use crate::world::Desk;
use comptroller_app::assess::Because;
use comptroller_app::controls::{
    AdoptControl, NoteException, TestControls, altered_files, pack_oscal, test_pack,
};
use comptroller_app::datasets::RegisterDatasetVersion;
use comptroller_app::evidence::ExportPack;
use comptroller_app::gaps::{AskGaps, ScopeCriterion};
use comptroller_app::systems::RegisterSystem;
use comptroller_app::{AppError, Call};
use comptroller_compliance::control::shipped;
use comptroller_compliance::gap::{GapAnalysis, Standing};
use comptroller_core::event::DatasetFile;
use comptroller_core::private::{DatasetVersionText, SystemText};
use comptroller_core::vocab::{CollectionMethod, ExceptionStep, LegalBasis, SystemKind, SystemStatus};
use comptroller_core::{Digest, Timestamp};
use comptroller_ledger::pack::{PackReader, verify_pack};
use comptroller_ledger::verify::Trust;
use std::io::Seek as _;

const HOUR: i64 = 3_600;
const CONTROL: &str = "CTL-DATA-01";

impl Desk {
    fn now(&self) -> Timestamp {
        self.world.app.store().clock().now()
    }

    /// The day before today, `YYYY-MM-DD`.
    fn day_before(&self) -> String {
        self.now().plus_seconds(-24 * HOUR).to_string().chars().take(10).collect()
    }

    async fn adopt(&self, definition: Option<String>) -> Result<u64, AppError> {
        let command = AdoptControl { control: CONTROL.parse().unwrap(), definition };
        Ok(self.world.app.adopt_control(&Call::new(self.risk.clone()), command).await?.ledger_index)
    }

    async fn data(&self, label: &str, legal_basis: LegalBasis) {
        let digest = Digest::from_bytes([7; 32]);
        let files = vec![DatasetFile { name: "a.csv".parse().unwrap(), digest, bytes: 10 }];
        let version = RegisterDatasetVersion {
            label: label.parse().unwrap(),
            files,
            rows: 1,
            licence: "CC0".parse().unwrap(),
            collection: CollectionMethod::Public,
            legal_basis,
            personal_data: Vec::new(),
            retention_days: None,
            derived_from: Vec::new(),
            text: DatasetVersionText { origin: "published".into(), ..DatasetVersionText::default() },
        };
        let call = Call::new(self.developer.clone());
        self.world.app.register_dataset_version(&call, "loans".into(), version).await.unwrap();
    }
}

fn window(from: Timestamp, to: Timestamp) -> TestControls {
    TestControls { from, to, framework: Some("soc2".into()), control: None }
}

/// INVARIANT (nobody-chooses): what is recorded later changes neither the result nor the draw.
#[tokio::test]
async fn an_auditor_computes_the_same_digest_from_a_pack() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let from = desk.now();
    desk.adopt(None).await.unwrap();
    desk.data("2", LegalBasis::NotPersonal).await;
    desk.data("3", LegalBasis::Unstated).await;
    let to = desk.now().plus_seconds(HOUR);
    desk.world.clock.pass(2 * HOUR);
    let asked = window(from, to);
    let test = app.test_controls(&desk.auditor, asked.clone()).await.unwrap();
    let control = &test.result.controls[0];
    assert_eq!((control.period.expected, control.period.met, control.period.exceptions), (2, 1, 1));
    assert_eq!(control.exceptions[0].causes[0].test, "basis");
    assert_eq!(test.samples[0].drawn.len(), 2, "fewer than the table says: all are drawn");
    // The developer says what was done; that changes what is known, and not what was found.
    let note = NoteException {
        control: CONTROL.parse().unwrap(),
        occurrence: control.exceptions[0].occurrence.clone(),
        step: ExceptionStep::Remediation,
        text: "registered again with its basis".into(),
        due_days: Some(30),
    };
    let asked_at = desk.now();
    for (step, days) in
        [(ExceptionStep::Cause, 30), (ExceptionStep::Remediation, 0), (ExceptionStep::Remediation, 367)]
    {
        let wrong = NoteException { step, due_days: Some(days), ..note.clone() };
        let refused = app.note_exception(&Call::new(desk.developer.clone()), wrong).await.unwrap_err();
        assert!(matches!(&refused, AppError::Invalid { field: "due_days", .. }), "{refused}");
    }
    let nowhere = NoteException { occurrence: "dataset_version/of-somewhere-else".into(), ..note.clone() };
    let refused = app.note_exception(&Call::new(desk.developer.clone()), nowhere).await.unwrap_err();
    assert!(matches!(&refused, AppError::Invalid { field: "occurrence", .. }), "{refused}");
    let retest = NoteException { step: ExceptionStep::RetestPassed, due_days: None, ..note.clone() };
    let refused = app.note_exception(&Call::new(desk.developer.clone()), retest.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("nothing was done about it on record"), "{refused}");
    let noted = app.note_exception(&Call::new(desk.developer.clone()), note).await.unwrap();
    let refused = app.note_exception(&Call::new(desk.developer.clone()), retest).await.unwrap_err();
    assert!(refused.to_string().contains("whoever remedied it does not retest it"), "{refused}");
    assert_eq!(noted.id, control.exceptions[0].id.to_string());
    let again = app.test_controls(&desk.auditor, asked.clone()).await.unwrap();
    assert_eq!(again.result.digest, test.result.digest);
    assert_eq!(again.samples, test.samples, "later entries do not draw another sample");
    assert_eq!(again.result.notes.len(), 1);
    let due = again.result.notes[&control.exceptions[0].id][0].due_at.unwrap();
    assert!(due >= asked_at.plus_seconds(30 * 24 * HOUR) && due < desk.now().plus_seconds(30 * 24 * HOUR));
    // The pack holds all of it, verifies, and gives the same again without the server.
    let command = ExportPack { include_personal_data: false, controls: Some(asked.clone()) };
    let mut pack = app.export_pack(&desk.auditor, command).await.unwrap().file;
    let vkey = app.log().await.unwrap().vkeys.remove(0);
    let verified = verify_pack(&mut pack, &Trust::of_keys([vkey.parse().unwrap()])).unwrap();
    assert_eq!(verified.period.unwrap().from, from.micros());
    pack.rewind().unwrap();
    let reader = PackReader::open(&mut pack).unwrap();
    let offline = test_pack(&reader, asked).unwrap();
    assert_eq!(offline.result.digest, test.result.digest);
    assert_eq!(offline.samples, test.samples);
    let documents = pack_oscal(&reader, &offline).unwrap();
    assert_eq!(documents.len(), 4);
    for (name, document) in &documents {
        let packed = reader.file(&format!("controls/{name}"), 1 << 20).unwrap().unwrap();
        assert_eq!(*document, packed, "{name} is not what the pack holds");
    }
    assert!(
        String::from_utf8_lossy(&documents["oscal-poam.json"]).contains("registered again with its basis")
    );
    // What was computed and put beside the entries is compared; of another window nothing can be said.
    assert_eq!(altered_files(&reader, &offline).unwrap(), Some(Vec::new()));
    let mut fewer = offline.clone();
    for control in &mut fewer.result.controls {
        control.exceptions.clear();
    }
    let altered = altered_files(&reader, &fewer).unwrap().unwrap();
    assert!(altered.iter().any(|path| path == "controls/exceptions.csv"), "{altered:?}");
    fewer.result.framework = Some("gdpr".into());
    assert_eq!(altered_files(&reader, &fewer).unwrap(), None);
    let file = |path: &str| String::from_utf8(reader.file(path, 1 << 20).unwrap().unwrap()).unwrap();
    let table = file("controls/tests-of-controls.csv");
    assert!(table.lines().skip(1).all(|line| line.ends_with(',')), "a conclusion: {table}");
    assert!(file("controls/result.json").contains(test.result.digest.as_str()));
    assert!(file("controls/tests-of-controls.html").contains("nobody stated on what legal basis"));
    let printed = reader.file("controls/tests-of-controls.pdf", 1 << 20).unwrap().unwrap();
    assert!(printed.starts_with(b"%PDF-1.7"));
    assert_eq!(file(&format!("controls/populations/{CONTROL}.csv")).lines().count(), 3);
    let held = shipped().unwrap().get(CONTROL).unwrap().digest.clone();
    assert!(file(&format!("controls/definitions/{held}.toml")).contains(CONTROL));
    // The plan has the remediation in words, and leads to the entry and its opening; others judge its form elsewhere.
    let plan: serde_json::Value = serde_json::from_str(&file("controls/oscal-poam.json")).unwrap();
    let plan = &plan["plan-of-action-and-milestones"];
    assert_eq!(plan["system-id"]["id"], app.store().org().to_string());
    let remediation = &plan["risks"][0]["remediations"][0];
    assert_eq!(plan["risks"][0]["deadline"], due.to_string());
    assert_eq!(remediation["lifecycle"], "planned");
    assert_eq!(remediation["description"], "registered again with its basis");
    assert_eq!(remediation["links"][0]["href"], format!("../openings/{}.json", noted.ledger_index));
    assert_eq!(reader.openings(noted.ledger_index).unwrap().len(), 1, "it leads to nothing");
    let folder = tempfile::tempdir().unwrap();
    for name in ["assessment-results", "component-definition", "mapping-collection", "poam"] {
        let text = file(&format!("controls/oscal-{name}.json"));
        assert!(name == "poam" || text.contains(held.as_str()), "{name} does not name the definition");
        std::fs::write(folder.path().join(format!("{name}.json")), text).unwrap();
    }
    others_accept_oscal(folder.path());
}

/// NIST's schema and compliance-trestle accept every document of a folder, as the pack has it.
#[expect(clippy::print_stderr, reason = "a skipped check must say so")]
fn others_accept_oscal(folder: &std::path::Path) {
    let names = ["COMPTROLLER_TEST_OSCAL", "COMPTROLLER_TEST_OSCAL_SCHEMA"];
    let [Some(python), Some(schema)] = names.map(std::env::var_os) else {
        assert!(std::env::var_os("CI").is_none(), "CI needs {names:?}");
        eprintln!("SKIPPED: {names:?} are not set");
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/foreign/oscal.py");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut judge = std::process::Command::new(python);
    let ended = judge.arg("-B").arg(script).arg(schema).args(files).output().unwrap();
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    assert_eq!((ended.status.code(), said.lines().count()), (Some(0), 4), "{said}");
}

#[tokio::test]
async fn a_control_changes_with_a_record_or_not_at_all() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let from = desk.now();
    desk.adopt(None).await.unwrap();
    let same = desk.adopt(None).await.unwrap_err();
    assert!(matches!(&same, AppError::Conflict(text) if text.contains("exactly this definition")), "{same}");
    let shipped = shipped().unwrap();
    let text = &shipped.get(CONTROL).unwrap().text;
    let wrong = desk.adopt(Some(text.replace(CONTROL, "CTL-OTHER-01"))).await.unwrap_err();
    assert!(wrong.to_string().contains("its id is CTL-OTHER-01"), "{wrong}");
    let wrong = desk.adopt(Some(text.replace("= unstated", "== unstated"))).await.unwrap_err();
    assert!(matches!(&wrong, AppError::Invalid { field: "definition", .. }), "{wrong}");
    let own = text.replace("period = \"100%\"", "period = \"90%\"");
    desk.adopt(Some(own)).await.unwrap();
    let listed = app.controls(&desk.auditor).await.unwrap();
    let row = listed.iter().find(|row| row.id.as_str() == CONTROL).unwrap();
    assert_eq!(row.other_in_library.as_ref(), Some(&shipped.get(CONTROL).unwrap().digest));
    assert_eq!(listed.iter().filter(|row| row.since.is_some()).count(), 1);
    let to = desk.now().plus_seconds(1);
    let test = app.test_controls(&desk.auditor, window(from, to)).await.unwrap();
    let kinds: Vec<&str> = test.result.controls[0].findings.iter().map(|one| one.kind.as_str()).collect();
    assert!(
        kinds.contains(&"changed-in-window") && kinds.contains(&"other-definition-in-library"),
        "{kinds:?}"
    );
    assert_eq!(test.result.controls[0].period.rule_ppm, 900_000);
    let because = || Because { reason: "another one takes its place".into() };
    let call = Call::new(desk.risk.clone());
    app.retire_control(&call, CONTROL.parse().unwrap(), because()).await.unwrap();
    let gone = app.retire_control(&call, CONTROL.parse().unwrap(), because()).await.unwrap_err();
    assert!(matches!(gone, AppError::Conflict(_)));
    // Whoever builds does not say by which controls it is tested.
    let command = AdoptControl { control: CONTROL.parse().unwrap(), definition: None };
    let denied = app.adopt_control(&Call::new(desk.developer.clone()), command).await.unwrap_err();
    assert!(matches!(denied, AppError::Denied { .. }));
}

#[tokio::test]
async fn gaps_of_a_framework_follow_what_is_in_operation_and_what_is_stated() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let ask = async |framework: &str, system: Option<&str>| {
        let asked = AskGaps { framework: framework.into(), system: system.map(str::to_owned), as_of: None };
        app.gaps(&desk.auditor, asked).await
    };
    let row = |found: &GapAnalysis, id: &str| found.rows.iter().find(|row| row.id == id).unwrap().clone();
    let criterion = shipped()
        .unwrap()
        .get(CONTROL)
        .unwrap()
        .serves
        .iter()
        .find_map(|serves| serves.criterion.strip_prefix("gdpr:").map(str::to_owned));
    let criterion = criterion.unwrap();
    let before = ask("gdpr", None).await.unwrap();
    let waits = row(&before, &criterion);
    assert_eq!(waits.standing, Standing::CannotBeEvidenced);
    assert!(waits.steps.contains(&format!("adopt {CONTROL}")), "{waits:?}");
    desk.adopt(None).await.unwrap();
    desk.data("2", LegalBasis::Unstated).await;
    desk.world.clock.pass(HOUR);
    let after = row(&ask("gdpr", None).await.unwrap(), &criterion);
    assert_eq!(after.standing, Standing::DoesNot, "{after:?}");
    let other = RegisterSystem {
        slug: "hiring".parse().unwrap(),
        kind: SystemKind::Own,
        status: SystemStatus::Development,
        owner_team: "risk".into(),
        vendor: None,
        text: SystemText { title: "Hiring".into(), purpose: "Hires".into(), ..SystemText::default() },
    };
    app.register_system(&Call::new(desk.developer.clone()), other).await.unwrap();
    assert_ne!(
        ask("gdpr", Some("hiring")).await.unwrap().system,
        None,
        "others have entries in the log as well"
    );
    assert_ne!(
        ask("gdpr", Some("scoring")).await.unwrap().system,
        None,
        "one system, whose stream is looked at beside that of the organisation"
    );

    let scope = |applicable, criterion: &str| ScopeCriterion {
        framework: "soc2".into(),
        criterion: criterion.into(),
        applicable,
        reason: "no personal data is held".into(),
    };
    let risk = Call::new(desk.risk.clone());
    app.scope_criterion(&risk, scope(false, "P1.1")).await.unwrap();
    let stated = row(&ask("soc2", None).await.unwrap(), "P1.1");
    assert_eq!(stated.standing, Standing::NotApplicable);
    assert!(stated.because[0].contains("no personal data is held"), "{stated:?}");
    let yesterday = AskGaps { framework: "soc2".into(), system: None, as_of: Some(desk.day_before()) };
    let then = row(&app.gaps(&desk.auditor, yesterday).await.unwrap(), "P1.1");
    assert_ne!(then.standing, Standing::NotApplicable, "it was stated later");
    app.scope_criterion(&risk, scope(true, "P1.1")).await.unwrap();
    assert_ne!(row(&ask("soc2", None).await.unwrap(), "P1.1").standing, Standing::NotApplicable);

    let unknown = app.scope_criterion(&risk, scope(false, "P99")).await.unwrap_err();
    assert!(unknown.to_string().contains("soc2:P99"), "{unknown}");
    let denied = app.scope_criterion(&Call::new(desk.developer.clone()), scope(false, "P1.1")).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })));
    let wrong = ask("soc3", None).await.unwrap_err();
    assert!(wrong.to_string().contains("iso-42001"), "the frameworks are named: {wrong}");
    let to_come = AskGaps { framework: "soc2".into(), system: None, as_of: Some("2999-01-01".into()) };
    assert!(app.gaps(&desk.auditor, to_come).await.unwrap_err().to_string().contains("to come"));
}
