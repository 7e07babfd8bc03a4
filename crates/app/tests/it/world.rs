//! A small organisation: people, tokens, a system, a model and a stored artifact.

use bytes::Bytes;
use comptroller_app::access::{IssueOwnToken, IssueToken};
use comptroller_app::artifacts::BeginUpload;
use comptroller_app::datasets::{RegisterDataset, RegisterDatasetVersion};
use comptroller_app::evidence::ExportPack;
use comptroller_app::invitations::InvitePerson;
use comptroller_app::models::{NameArtifact, NameDataset, RegisterModel, RegisterVersion};
use comptroller_app::people::{AddPerson, AddServiceAccount, ChangeRole, CreateTeam};
use comptroller_app::predictions::IngestSettings;
use comptroller_app::systems::RegisterSystem;
use comptroller_app::{App, Call, Caller};
use comptroller_core::event::DatasetFile;
use comptroller_core::private::{DatasetText, DatasetVersionText, Port, SystemText, VersionText};
use comptroller_core::time::SystemClock;
use comptroller_core::vocab::{CollectionMethod, DatasetUse, LegalBasis, SystemKind, SystemStatus};
use comptroller_core::{Clock, Digest, Environment, Role, Timestamp};
use comptroller_ledger::pack::PackReader;
use comptroller_store::objects::ObjectsConfig;
use comptroller_store::{DbConfig, Store, StoreConfig};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The clock of the machine, shifted at will.
#[derive(Debug, Default)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) owner: Caller,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn config(folder: &Path) -> StoreConfig {
    StoreConfig {
        db: DbConfig::Sqlite(folder.join("db/comptroller.db")),
        objects: ObjectsConfig::Local { path: folder.join("objects") },
        keys: folder.join("keys"),
        guard: folder.join("guard"),
        host: "log.example.org".into(),
        organisation: "example".parse().unwrap(),
    }
}

pub(crate) fn ingest(folder: &Path) -> IngestSettings {
    IngestSettings {
        wal: folder.join("wal"),
        seal_after: Duration::from_secs(60),
        memory: 16 << 20,
        filters: 16 << 20,
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::default());
        let store = Store::open(&config(folder.path()), clock.clone()).await.unwrap();
        let app = App::new(store).unwrap().with_ingest(ingest(folder.path())).await.unwrap();
        let token = app.bootstrap().await.unwrap().unwrap();
        assert_eq!(app.bootstrap().await.unwrap(), None);
        let owner = app.authenticate(&token).await.unwrap();
        app.create_team(&Call::new(owner.clone()), CreateTeam { slug: "risk".parse().unwrap() })
            .await
            .unwrap();
        Self { app, clock, owner, folder }
    }

    /// The population of changes that an evidence pack holds.
    pub(crate) async fn changes_of_pack(&self) -> String {
        let command = ExportPack { include_personal_data: false, controls: None };
        let pack = PackReader::open(self.app.export_pack(&self.owner, command).await.unwrap().file).unwrap();
        let changes = pack.file("populations/changes.csv", 1 << 20).unwrap().unwrap();
        String::from_utf8(changes).unwrap()
    }

    pub(crate) fn owner(&self) -> Call {
        Call::new(self.owner.clone())
    }

    /// A person with roles and a token; the token may be bound to an environment.
    pub(crate) async fn person(
        &self,
        name: &str,
        roles: &[Role],
        environment: Option<Environment>,
    ) -> Caller {
        let email = format!("{name}@example.org");
        let person = AddPerson { name: name.to_owned(), email };
        let added = self.app.add_person(&self.owner(), person).await.unwrap();
        for role in roles {
            let grant = ChangeRole { principal: added.id.clone(), role: *role, system: None };
            self.app.grant_role(&self.owner(), grant).await.unwrap();
        }
        let caller = self.enrol(&added.id).await;
        if environment.is_none() {
            return caller;
        }
        let issue = IssueOwnToken { environment, label: "bound".parse().unwrap(), days: 1 };
        let token = self.app.issue_own_token(&Call::new(caller), issue).await.unwrap();
        self.app.authenticate(&token.secret.unwrap()).await.unwrap()
    }

    /// Invites the person and accepts in their name.
    pub(crate) async fn enrol(&self, person: &str) -> Caller {
        let invite = InvitePerson { person: person.to_owned(), days: 1 };
        let invited = self.app.invite(&self.owner(), invite).await.unwrap();
        let caller = self.app.authenticate_invitation(&invited.secret.unwrap()).await.unwrap();
        let terms = IssueOwnToken { environment: None, label: "first".parse().unwrap(), days: 1 };
        let token = self.app.accept_invitation(&Call::new(caller), terms).await.unwrap();
        self.app.authenticate(&token.secret.unwrap()).await.unwrap()
    }

    /// The service account of a runtime, with the deployer's role.
    pub(crate) async fn runtime(&self) -> Caller {
        let add = AddServiceAccount { slug: "runtime".parse().unwrap() };
        let added = self.app.add_service_account(&self.owner(), add).await.unwrap();
        let grant = ChangeRole { principal: added.id.clone(), role: Role::Deployer, system: None };
        self.app.grant_role(&self.owner(), grant).await.unwrap();
        let issue =
            IssueToken { principal: added.id, environment: None, label: "test".parse().unwrap(), days: 1 };
        let token = self.app.issue_token(&self.owner(), issue).await.unwrap();
        self.app.authenticate(&token.secret.unwrap()).await.unwrap()
    }

    /// Registers the system `scoring` with the model `scorer`, and a dataset version `loans@1`.
    pub(crate) async fn system(&self, builder: &Caller) {
        let call = Call::new(builder.clone());
        let text = SystemText { title: "Scoring".into(), purpose: "Scores".into(), ..SystemText::default() };
        let system = RegisterSystem {
            slug: "scoring".parse().unwrap(),
            kind: SystemKind::Own,
            status: SystemStatus::Development,
            owner_team: "risk".into(),
            vendor: None,
            text,
        };
        self.app.register_system(&call, system).await.unwrap();
        let model = RegisterModel { system: "scoring".into(), slug: "scorer".parse().unwrap() };
        self.app.register_model(&call, model).await.unwrap();
        let dataset = RegisterDataset {
            slug: "loans".parse().unwrap(),
            owner_team: "risk".into(),
            text: DatasetText { title: "Loans".into(), description: String::new() },
        };
        self.app.register_dataset(&call, dataset).await.unwrap();
        let version = RegisterDatasetVersion {
            label: "1".parse().unwrap(),
            files: vec![DatasetFile {
                name: "loans.csv".parse().unwrap(),
                digest: Digest::from_bytes([7; 32]),
                bytes: 10,
            }],
            rows: 1,
            licence: "CC-BY-4.0".parse().unwrap(),
            collection: CollectionMethod::Public,
            legal_basis: LegalBasis::NotPersonal,
            personal_data: Vec::new(),
            retention_days: None,
            derived_from: Vec::new(),
            text: DatasetVersionText { origin: "published".into(), ..DatasetVersionText::default() },
        };
        self.app.register_dataset_version(&call, "loans".into(), version).await.unwrap();
    }

    /// Stores `content` as an artifact.
    pub(crate) async fn artifact(&self, builder: &Caller, content: &[u8]) -> Digest {
        let digest = digest(content);
        let begin = BeginUpload {
            digest: digest.clone(),
            bytes: content.len() as u64,
            media_type: "text/plain".parse().unwrap(),
        };
        let call = Call::new(builder.clone());
        let upload = self.app.begin_upload(&call, begin).await.unwrap();
        self.app.put_part(builder, upload.id, 1, Bytes::copy_from_slice(content)).await.unwrap();
        self.app.complete_upload(&call, upload.id).await.unwrap();
        digest
    }

    /// Registers `scorer@label` with one artifact and one metric.
    pub(crate) async fn version(&self, builder: &Caller, label: &str, auc: f64) -> Digest {
        let digest = self.artifact(builder, format!("model {label}").as_bytes()).await;
        let command = version(label, &digest, auc);
        self.app.register_version(&Call::new(builder.clone()), "scorer".into(), command).await.unwrap();
        digest
    }
}

pub(crate) fn version(label: &str, digest: &Digest, auc: f64) -> RegisterVersion {
    let port = |name: &str| Port { name: name.into(), kind: "double".into(), required: true };
    let now = SystemClock.now();
    RegisterVersion {
        label: label.parse().unwrap(),
        builders: Vec::new(),
        artifacts: vec![NameArtifact { name: "model.txt".parse().unwrap(), digest: digest.clone() }],
        training_started: now.plus_seconds(-20),
        training_ended: now.plus_seconds(-10),
        code_commit: "abcdef1".parse().unwrap(),
        datasets: vec![NameDataset { version: "loans@1".into(), purpose: DatasetUse::Training }],
        metrics: BTreeMap::from([("auc".to_owned(), auc)]),
        seed: Some(1),
        text: VersionText { inputs: vec![port("x")], outputs: vec![port("y")], ..VersionText::default() },
    }
}

pub(crate) fn digest(content: &[u8]) -> Digest {
    comptroller_ledger::digest(content).to_string().parse().unwrap()
}

/// A world with the people of whom most acts of governance are made.
pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) risk: Caller,
    pub(crate) developer: Caller,
    pub(crate) auditor: Caller,
}

impl Desk {
    /// With the system `scoring`, which nobody has built a version of yet.
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let risk = world.person("risk", &[Role::RiskOfficer], None).await;
        let developer = world.person("dev", &[Role::Developer], None).await;
        let auditor = world.person("auditor", &[Role::Auditor], None).await;
        world.system(&developer).await;
        Self { world, risk, developer, auditor }
    }
}
