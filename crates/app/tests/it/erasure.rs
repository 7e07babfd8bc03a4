//! Erasing a person and a data subject.

use crate::world::World;
use comptroller_app::Call;
use comptroller_app::evidence::ExportPack;
use comptroller_app::subjects::{EraseSubject, RegisterSubject};
use comptroller_core::Role;
use comptroller_core::vocab::ErasureBasis;
use comptroller_ledger::pack::verify_pack;
use comptroller_ledger::verify::Trust;
use std::path::Path;

/// Files under `folder` that contain `needle`.
fn grep(folder: &Path, needle: &[u8], found: &mut Vec<String>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            grep(&path, needle, found);
        } else if std::fs::read(&path).unwrap().windows(needle.len()).any(|part| part == needle) {
            found.push(path.display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_subject_is_unreadable_everywhere_and_every_proof_still_holds() {
    // INVARIANT (no-personal-data-in-entries)
    let world = World::new().await;
    let app = &world.app;
    let builder = world.person("builder", &[Role::Developer], None).await;
    let officer = world.person("officer", &[Role::RiskOfficer], None).await;
    let auditor = world.person("auditor", &[Role::Auditor], None).await;
    world.system(&builder).await;
    world.version(&builder, "1", 0.9).await;
    let reference = "customer-4711-Zaphod";
    let register = RegisterSubject { reference: reference.into(), datasets: vec!["loans@1".into()] };
    let subject = app.register_subject(&Call::new(officer.clone()), register).await.unwrap();
    let seen = app.subject(&officer, subject.id.parse().unwrap()).await.unwrap();
    assert_eq!(seen.reference.as_deref(), Some(reference));

    let erase = EraseSubject {
        subject: format!("subject/{}", subject.id),
        basis: ErasureBasis::SubjectRequest,
        key_backups_expire_at: None,
    };
    let report = app.erase_subject(&Call::new(officer.clone()), erase).await.unwrap();
    assert_eq!((report.payloads, report.versions.len()), (1, 1));
    let seen = app.subject(&officer, subject.id.parse().unwrap()).await.unwrap();
    assert!(seen.reference.is_none() && seen.erased_at.is_some());

    let person = EraseSubject {
        subject: format!("person/{}", builder.principal),
        basis: ErasureBasis::SubjectRequest,
        key_backups_expire_at: None,
    };
    app.erase_subject(&Call::new(officer.clone()), person).await.unwrap();
    assert!(app.principal(&auditor, &builder.principal.to_string()).await.unwrap().person.is_none());

    let pack =
        app.export_pack(&auditor, ExportPack { include_personal_data: true, controls: None }).await.unwrap();
    let key = app.store().signer().vkey().parse().unwrap();
    verify_pack(pack.file, &Trust::of_keys([key])).unwrap();
    for needle in [reference, "builder@example.org"] {
        let mut found = Vec::new();
        grep(world.folder.path(), needle.as_bytes(), &mut found);
        assert!(found.is_empty(), "{needle} in {found:?}");
    }
}
