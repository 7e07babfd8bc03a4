//! Rotating the key of the log.

use crate::world::World;
use comptroller_app::evidence::ExportPack;
use comptroller_app::{AppError, Call};
use comptroller_core::Role;
use comptroller_ledger::pack::verify_pack;
use comptroller_ledger::verify::Trust;
use std::io::Seek as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_whose_event_was_lost_is_taken_up_and_never_retires_the_old_key_unrecorded() {
    let world = World::new().await;
    let app = &world.app;
    let auditor = world.person("auditor", &[Role::Auditor], None).await;
    let signer = app.store().signer();
    let old = signer.vkey();
    // What a failed commit leaves: the next key is there and signs, and the log does not say so.
    let lost = signer.begin_rotation(0).unwrap().new_vkey;
    app.store().publish().await.unwrap();
    let refused = app.retire_key(&world.owner()).await.unwrap_err();
    assert!(matches!(refused, AppError::Conflict(_)), "{refused}");
    assert_eq!(signer.vkeys(), [old.clone(), lost.clone()], "nothing was destroyed");

    assert_eq!(app.rotate_key(&world.owner()).await.unwrap().id, lost);
    let refused = app.rotate_key(&world.owner()).await.unwrap_err();
    assert!(matches!(refused, AppError::Conflict(_)), "{refused}");

    let call = Call::keyed(world.owner.clone(), Some("retire".into())).unwrap();
    let retired = app.retire_key(&call).await.unwrap();
    assert_eq!((&retired.vkey, signer.vkeys()), (&lost, vec![lost.clone()]));
    let again = app.retire_key(&call).await.unwrap();
    assert_eq!(again.ledger_index, retired.ledger_index, "a repeated call is answered and not done twice");
    assert!(app.retire_key(&world.owner()).await.is_err());

    // INVARIANT (keys-from-the-auditor): who knows the old key only follows the recorded hand-over.
    let pack = app.export_pack(&auditor, ExportPack::default()).await.unwrap();
    for vkey in [old, lost] {
        // Both handles share one position.
        (&pack.file).rewind().unwrap();
        verify_pack(pack.file.try_clone().unwrap(), &Trust::of_keys([vkey.parse().unwrap()])).unwrap();
    }
}
