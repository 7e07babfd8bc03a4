//! A decision for others: a signed statement that programs which are not ours can check without us.
//!
//! An in-toto Statement v1 with the predicate of SLSA's verification summary (VSA v1), in a DSSE envelope that the log's
//! keys sign. Its subjects are the version's artifacts by digest, so whoever has the files can look for their own. It is
//! made from the log alone: the same decision gives the same statement, for whoever may read it.

use crate::decisions::DecisionRecord;
use crate::models::{facts, find_version};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::Environment;
use comptroller_core::event::VersionFacts;
use comptroller_core::ids::{DecisionId, EvidenceId};
use comptroller_core::vocab::Outcome;
use comptroller_ledger::Envelope;
use comptroller_policy::Action;
use comptroller_store::Conn;
use comptroller_store::areas::evidence;
use comptroller_store::journal::{self, EntryFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The type of the statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The type of its predicate.
pub const VERIFICATION_SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// The name of what we say besides the standard's fields.
pub const DECISION: &str = "urn:comptroller:decision:v1";

/// A DSSE envelope: a payload, its type, and signatures over both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedStatement {
    /// The in-toto statement, base64.
    pub payload: String,
    /// `application/vnd.in-toto+json`.
    pub payload_type: String,
    /// The signatures: one, or two while the log's key changes.
    pub signatures: Vec<StatementSignature>,
}

/// A signature over payload type and payload (DSSE v1 pre-authentication encoding), Ed25519.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementSignature {
    /// Name and identifier of the log's key, as its vkey begins.
    pub keyid: String,
    /// The signature, base64.
    pub sig: String,
}

impl From<Envelope> for SignedStatement {
    fn from(envelope: Envelope) -> Self {
        let signature = |one: comptroller_ledger::dsse::EnvelopeSignature| StatementSignature {
            keyid: one.keyid.unwrap_or_default(),
            sig: one.sig,
        };
        Self {
            payload: envelope.payload,
            payload_type: envelope.payload_type,
            signatures: envelope.signatures.into_iter().map(signature).collect(),
        }
    }
}

impl App {
    /// The statement about a decision of the gate or on a deployment, signed.
    ///
    /// # Errors
    /// A decision of another kind: an allowed read says nothing about artifacts.
    pub async fn decision_statement(
        &self,
        caller: &Caller,
        id: DecisionId,
    ) -> Result<SignedStatement, AppError> {
        self.may_read(caller, Action::ApprovalRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let record = self.decision_record(&mut conn, id).await?;
        let (version, environment) = subject_of(&record)?;
        let (model, row) = find_version(&mut conn, version).await?;
        let inputs = inputs(&mut conn, self.store.origin(), &record).await?;
        let about = About {
            origin: self.store.origin(),
            version,
            label: format!("{}@{}", model.slug.0, row.label.0),
            environment,
        };
        let statement = statement(&about, &record, &facts(&row)?, inputs);
        let bytes = serde_json_canonicalizer::to_vec(&statement)?;
        Ok(self.store.signer().sign_statement(&bytes)?.into())
    }
}

/// What a statement is about.
struct About<'a> {
    origin: &'a str,
    version: &'a str,
    label: String,
    environment: Environment,
}

/// The version and environment that a decision lets together.
fn subject_of(record: &DecisionRecord) -> Result<(&str, Environment), AppError> {
    let acts = [Action::GateCheck, Action::Deploy];
    let judged = acts.iter().any(|action| action.slug() == record.action);
    match (judged, record.resource.strip_prefix("version/"), record.environment) {
        (true, Some(version), Some(environment)) => Ok((version, environment)),
        _ => Err(AppError::invalid(
            "id",
            format!(
                "decision {} is about {} on {}; statements are made about gate.check and deploy of a version",
                record.id, record.action, record.resource
            ),
        )),
    }
}

/// The evidence that the facts rest on: each with the digest of the log entry that recorded it.
async fn inputs(conn: &mut Conn, origin: &str, record: &DecisionRecord) -> Result<Vec<Value>, AppError> {
    let used: BTreeSet<EvidenceId> =
        record.sources.values().flat_map(|source| source.evidence.iter().copied()).collect();
    let mut inputs = Vec::new();
    for id in used {
        let filter = EntryFilter {
            kind: "evidence.recorded".to_owned(),
            subject: format!("evidence/{id}"),
            ..EntryFilter::default()
        };
        let found = journal::search(conn, &filter, i64::MAX, 1).await?;
        let entry = found.first().ok_or_else(|| AppError::Internal(format!("evidence {id} has no entry")))?;
        let document = evidence::evidence(conn, id).await?.and_then(|row| row.document);
        inputs.push(json!({
            "uri": format!("comptroller://{origin}/evidence/{id}"),
            "digest": {"sha256": comptroller_ledger::digest(entry.entry.as_bytes()).to_string()},
            DECISION: {"ledgerIndex": entry.idx, "document": document.map(|digest| digest.0)},
        }));
    }
    Ok(inputs)
}

fn statement(
    about: &About<'_>,
    record: &DecisionRecord,
    version: &VersionFacts,
    inputs: Vec<Value>,
) -> Value {
    let About { origin, environment, .. } = about;
    let subjects: Vec<Value> = version
        .artifacts
        .iter()
        .map(|artifact| json!({"name": artifact.name, "digest": {"sha256": artifact.digest}}))
        .collect();
    let is_allowed = record.outcome == Outcome::Allow;
    let level = format!("COMPTROLLER_GATE_{}", environment.as_str().to_uppercase());
    let rules: Vec<Value> = record
        .rules
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id, "set": rule.set, "reason": rule.reason, "controls": rule.control,
                "clauses": rule.clauses,
            })
        })
        .collect();
    json!({
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": VERIFICATION_SUMMARY,
        "predicate": {
            "verifier": {
                "id": format!("comptroller://{origin}"),
                "version": {"comptroller": env!("CARGO_PKG_VERSION")},
            },
            "timeVerified": record.decided_at,
            // With the environment: whoever wants production must not be content with staging.
            "resourceUri": format!("comptroller://{origin}/versions/{}/environments/{environment}", about.version),
            "policy": {
                "uri": format!("comptroller://{origin}/policy-bundles/{}", record.bundle),
                "digest": {"sha256": record.bundle},
            },
            "inputAttestations": inputs,
            "verificationResult": if is_allowed { "PASSED" } else { "FAILED" },
            "verifiedLevels": [if is_allowed { level.as_str() } else { "FAILED" }],
            DECISION: {
                "decision": record.id,
                "ledgerIndex": record.ledger_index,
                "log": origin,
                "action": record.action,
                "environment": environment,
                "version": about.version,
                "label": about.label,
                "outcome": record.outcome,
                "rules": rules,
            },
        },
    })
}
