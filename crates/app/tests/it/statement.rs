//! A statement names the evidence that its decision rests on, each by the digest of its entry in the log.

use crate::world::World;
use comptroller_app::Call;
use comptroller_app::assess::RecordEvidence;
use comptroller_app::gate::CheckGate;
use comptroller_core::vocab::EvidenceKind;
use comptroller_core::{Clock as _, Environment, Role};
use comptroller_ledger::dsse::IN_TOTO;
use comptroller_ledger::{Envelope, VerifierKey};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_an_input_and_a_rotation_signs_with_both_keys() {
    let world = World::new().await;
    let app = &world.app;
    let builder = world.person("builder", &[Role::Developer, Role::RiskOfficer], None).await;
    world.system(&builder).await;
    let artifact = world.version(&builder, "1", 0.9).await;
    let report = world.artifact(&builder, b"report").await;
    let record = RecordEvidence {
        kind: EvidenceKind::BiasTest,
        system: None,
        version: Some("scorer@1".into()),
        observed_at: world.clock.now(),
        passed: true,
        measures: BTreeMap::new(),
        document: Some(report.clone()),
        subject: None,
        note: String::new(),
    };
    let recorded = app.record_evidence(&Call::new(builder.clone()), record).await.unwrap();
    let question =
        CheckGate { version: "scorer@1".into(), environment: Environment::Production, certify: false };
    let answer = app.check_gate(&Call::new(builder.clone()), question).await.unwrap();

    let first: VerifierKey = app.log().await.unwrap().vkeys[0].parse().unwrap();
    app.rotate_key(&world.owner()).await.unwrap();
    let second: VerifierKey = app.log().await.unwrap().vkeys[1].parse().unwrap();
    let signed = app.decision_statement(&builder, answer.decision).await.unwrap();
    let envelope = Envelope::parse(&serde_json::to_vec(&signed).unwrap()).unwrap();
    for key in [&first, &second] {
        envelope.verify(IN_TOTO, std::slice::from_ref(key)).unwrap();
    }
    let verified = envelope.verify(IN_TOTO, &[first, second]).unwrap();
    assert_eq!(verified.signed_by.len(), 2);

    let statement: Value = serde_json::from_slice(&verified.payload).unwrap();
    assert_eq!(statement["subject"], json!([{"name": "model.txt", "digest": {"sha256": artifact}}]));
    let inputs = statement["predicate"]["inputAttestations"].as_array().unwrap();
    assert_eq!(inputs.len(), 1, "{inputs:?}");
    let uri = inputs[0]["uri"].as_str().unwrap();
    assert!(uri.ends_with(&format!("/evidence/{}", recorded.id)), "{uri}");
    let ours = &inputs[0]["urn:comptroller:decision:v1"];
    assert_eq!((&ours["ledgerIndex"], &ours["document"]), (&json!(recorded.ledger_index), &json!(report)));
    // Whoever holds the log finds the entry by its digest.
    let entry = app.entry(&world.owner, recorded.ledger_index).await.unwrap();
    let bytes = serde_json_canonicalizer::to_vec(&entry.entry.entry).unwrap();
    assert_eq!(inputs[0]["digest"]["sha256"], comptroller_ledger::digest(&bytes).to_string());

    // Only what was decided about a version and an environment can be stated so.
    let refused =
        app.decision_statement(&builder, comptroller_core::ids::DecisionId::new(world.clock.now(), [0; 10]));
    assert_eq!(refused.await.unwrap_err().code(), "not-found");
}
