//! What an entry says to people: a title, a sentence, and the roles that have to do something.

use crate::AppError;
use crate::monitors::{advice, date};
use comptroller_core::event::{AuditEvent, Event};
use comptroller_core::ids::{DecisionId, VersionId};
use comptroller_core::vocab::{AlarmTopic, Outcome, ReminderKind};
use comptroller_core::{Role, Slug};
use comptroller_ledger::Entry;
use comptroller_store::areas::{approvals, models, systems};
use comptroller_store::{Conn, journal};

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) title: String,
    pub(super) text: String,
    /// Who has to do something; nobody in particular if empty.
    pub(super) roles: Vec<Role>,
}

/// The words for an entry; none for one of which nobody has to know, such as a daily decision that changed nothing.
pub(super) async fn words(conn: &mut Conn, entry: &Entry) -> Result<Option<Words>, AppError> {
    let Ok(event) = Event::from_parts(&entry.kind, &entry.data) else { return Ok(Some(plain(entry))) };
    let system = system_name(conn, entry).await?;
    let words = match event {
        Event::OperationDecided { outcome, previous, decision, asks_for, began, trigger, .. } => {
            let is_as_before = previous == Some(outcome) && began.is_empty();
            if is_as_before || (previous.is_none() && outcome == Outcome::Allow) {
                return Ok(None);
            }
            if outcome == Outcome::Allow {
                Words::new(
                    format!("{system}: in order again"),
                    "What runs in production satisfies the policies.",
                )
            } else {
                let rules = fired(conn, decision).await?;
                let asks = asks_for.map_or_else(String::new, |asked| format!(" They ask for: {asked}."));
                let began: Vec<String> = began.iter().map(|rule| format!("`{rule}`")).collect();
                let new = if began.is_empty() {
                    String::new()
                } else {
                    format!(" New by {trigger}: {}.", began.join(", "))
                };
                let text = format!(
                    "Rules that fire: {}.{new}{asks} See `comptroller deployments running`.",
                    rules.join(", ")
                );
                let title = if previous == Some(outcome) {
                    format!("{system}: more stands against what runs in production")
                } else {
                    format!("{system}: what runs in production is no longer in order")
                };
                Words::new(title, text).to(&[Role::Deployer, Role::RiskOfficer])
            }
        }
        Event::RuntimeReported { matches: true, .. } | Event::FairnessJudged { alarms: false, .. } => {
            return Ok(None);
        }
        Event::RuntimeReported { environment, instance, .. } => Words::new(
            format!("{system}: {environment} runs other artifacts than those on record"),
            format!("The runtime {instance} has loaded something else."),
        )
        .to(&[Role::Deployer]),
        Event::AlarmRaised {
            alarm,
            version,
            environment,
            topic,
            day,
            since,
            coefficient_ppm,
            band,
            pillar,
            playbook,
            again,
            ..
        } => {
            let name = version_name(conn, version).await?;
            let what = match (topic, coefficient_ppm, pillar) {
                (AlarmTopic::Drift, Some(ppm), pillar) => {
                    let by = pillar.map_or_else(String::new, |pillar| format!(" by {pillar}"));
                    format!("coefficient {:.2}{by}. To do: {}", f64::from(ppm) / 1e6, advice(band, pillar))
                }
                _ => format!("its {topic} is not as on other days"),
            };
            let still = if again { "still: " } else { "" };
            Words::new(
                format!("{system}: {still}{topic} asks for {band}"),
                format!(
                    "{name} in {environment} on {}, since {}: {what}. `comptroller playbook show {playbook}` says what to \
                     do, `comptroller monitor report {name} {environment} {}` shows why, `comptroller monitor \
                     acknowledge {alarm}` says that you look after it.",
                    date(day.into()),
                    date(since.into()),
                    date(day.into())
                ),
            )
            .to(&[Role::Deployer, Role::RiskOfficer])
        }
        Event::AlarmCleared { alarm, day, .. } => Words::new(
            format!("{system}: an alarm ended"),
            format!("{} is clear again, since {}.", alarm, date(day.into())),
        ),
        Event::RollbackProposed { version, environment, to, .. } => {
            let name = version_name(conn, version).await?;
            let text = match to {
                Some(to) => format!(
                    "{name} in {environment} should give way to {}: `comptroller rollback`, unless a rule does it.",
                    version_name(conn, to).await?
                ),
                None => format!(
                    "{name} in {environment} should give way, and no earlier version is good: hand the decisions to people."
                ),
            };
            Words::new(format!("{system}: a rollback is proposed"), text)
                .to(&[Role::Deployer, Role::RiskOfficer])
        }
        Event::FairnessJudged { version, environment, .. } => {
            let name = version_name(conn, version).await?;
            Words::new(
                format!("{system}: decisions differ between groups"),
                format!(
                    "{name} in {environment}: a criterion that was laid down is shown not to hold. \
                     `comptroller monitor fairness {name} --env {environment}` shows which, `comptroller playbook show \
                     fairness` what to do."
                ),
            )
            .to(&[Role::Developer, Role::RiskOfficer])
        }
        Event::EmergencyOpened { emergency, version, environment, ticket, .. } => Words::new(
            format!("{system}: an emergency was declared"),
            format!(
                "{} is to go to {environment} past the gate, ticket {ticket}. If it is one: \
                 `comptroller emergency confirm {emergency}`.",
                version_name(conn, version).await?
            ),
        )
        .to(&[Role::Approver, Role::RiskOfficer]),
        Event::EmergencyConfirmed { emergency, review_due_at, .. } => Words::new(
            format!("{system}: an emergency was confirmed"),
            format!("It must be reviewed by {review_due_at}: `comptroller emergency review {emergency}`."),
        )
        .to(&[Role::RiskOfficer]),
        Event::EmergencyUsed { bypassed, .. } => {
            let rules: Vec<&str> = bypassed.iter().map(Slug::as_str).collect();
            Words::new(
                format!("{system}: deployed past the gate"),
                format!("Rules that stood against it: {}.", rules.join(", ")),
            )
        }
        Event::ReminderRaised { kind, subject, .. } => reminder(&system, kind, &subject),
        Event::ApprovalRequested { approval, version, environment, .. } => Words::new(
            format!("{system}: approval is asked for"),
            format!(
                "{} is to go to {environment}: `comptroller approval show {approval}`.",
                version_name(conn, version).await?
            ),
        )
        .to(&[Role::Approver, Role::RiskOfficer]),
        Event::DelegationCreated { delegator, delegate, ends_at, .. } => Words::new(
            format!("{system}: votes are delegated"),
            format!(
                "{delegate} may vote in the stead of {delegator} until {ends_at}: `comptroller delegation list`."
            ),
        ),
        Event::WaiverRequested { waiver, rule, version, environment, .. } => Words::new(
            format!("{system}: a waiver is asked for"),
            format!(
                "Of {rule}, for {} in {environment}: `comptroller waiver decide {waiver}`.",
                version_name(conn, version).await?
            ),
        )
        .to(&[Role::RiskOfficer]),
        Event::RemediationOpened { remediation, version, cause, .. } => Words::new(
            format!("{system}: something must be put right"),
            format!(
                "A finding about {} ({cause}) has no plan: `comptroller remediation plan {remediation}`.",
                version_name(conn, version).await?
            ),
        )
        .to(&[Role::Developer, Role::RiskOfficer]),
        Event::RemediationClosed { remediation, end, .. } => Words::new(
            format!("{system}: a finding is closed"),
            format!("It is {end}: `comptroller remediation show {remediation}`."),
        ),
        Event::Audit(event) => match audited(event) {
            Some(words) => words,
            None => return Ok(None),
        },
        Event::PolicyProposed { proposal, .. } => Words::new(
            "Policies are proposed",
            format!("`comptroller policy proposal {proposal}` shows what they would change."),
        )
        .to(&[Role::Owner, Role::RiskOfficer]),
        Event::NotificationAbandoned { channel, index } => Words::new(
            "A message was given up",
            format!("The channel {channel} did not take the message about entry {index} for a day."),
        )
        .to(&[Role::Admin]),
        _ => plain(entry),
    };
    Ok(Some(words))
}

/// What people learn of an audit; none of what the auditor reads, which is in the log.
fn audited(event: AuditEvent) -> Option<Words> {
    let words = match event {
        AuditEvent::Read { .. } => return None,
        AuditEvent::Engaged { engagement, terms, .. } => Words::new(
            "An auditor was given access",
            format!("Until {}: `comptroller audit show {engagement}`.", terms.until),
        ),
        AuditEvent::Ended { engagement } => Words::new(
            "The access of an auditor was ended",
            format!("`comptroller audit show {engagement}` says why."),
        ),
        AuditEvent::RequestOpened { request, due_at, .. } => Words::new(
            "An auditor asks for evidence",
            format!("Until {due_at}: `comptroller audit request show {request}`."),
        )
        .to(&[Role::RiskOfficer, Role::Owner]),
        AuditEvent::RequestAnswered { request, .. } => Words::new(
            "What an auditor asked for was answered",
            format!("`comptroller audit request show {request}`."),
        )
        .to(&[Role::Auditor]),
        AuditEvent::RequestJudged { request, accepted: true } => Words::new(
            "An auditor accepted what was handed over",
            format!("`comptroller audit request show {request}`."),
        ),
        AuditEvent::RequestJudged { request, accepted: false } => Words::new(
            "An auditor flagged what was handed over",
            format!("`comptroller audit request show {request}` says why."),
        )
        .to(&[Role::RiskOfficer, Role::Owner]),
        AuditEvent::RequestWithdrawn { request } => Words::new(
            "An auditor no longer asks",
            format!("`comptroller audit request show {request}` says why."),
        ),
    };
    Some(words)
}

fn reminder(system: &str, kind: ReminderKind, subject: &str) -> Words {
    let (title, text, roles): (_, _, &[Role]) = match kind {
        ReminderKind::ApprovalWaiting => {
            ("an approval waits", "Nobody has decided about it yet.", &[Role::Approver, Role::RiskOfficer])
        }
        ReminderKind::ApprovalEscalated => (
            "an approval still waits",
            "Those who should decide are silent.",
            &[Role::RiskOfficer, Role::Owner],
        ),
        ReminderKind::WaiverThirtyDays => (
            "a waiver ends in less than 30 days",
            "Its rule fires again then.",
            &[Role::Developer, Role::RiskOfficer],
        ),
        ReminderKind::WaiverFourteenDays => (
            "a waiver ends in less than 14 days",
            "Its rule fires again then.",
            &[Role::Developer, Role::RiskOfficer],
        ),
        ReminderKind::WaiverThreeDays => (
            "a waiver ends in less than 3 days",
            "Its rule fires again then.",
            &[Role::Developer, Role::RiskOfficer],
        ),
        ReminderKind::ReviewDue => (
            "an emergency must be reviewed within a day",
            "Nothing is promoted if it is not.",
            &[Role::RiskOfficer],
        ),
        ReminderKind::ReviewOverdue => (
            "the review of an emergency is overdue",
            "Nothing of the system is promoted until it is made.",
            &[Role::RiskOfficer, Role::Owner],
        ),
        ReminderKind::RemediationUnplanned => (
            "a finding has no plan",
            "Nobody has said who does what about it: `comptroller remediation plan`.",
            &[Role::Developer, Role::RiskOfficer],
        ),
        ReminderKind::RemediationOverdue => (
            "a finding is past its time",
            "What was to be done about it is not on record as done: `comptroller remediation show`.",
            &[Role::Developer, Role::RiskOfficer],
        ),
        ReminderKind::EvidenceOverdue => (
            "an auditor waits for evidence, and its time has passed",
            "See `comptroller audit request show`.",
            &[Role::RiskOfficer, Role::Owner],
        ),
        ReminderKind::SubjectRequestDue => (
            "a data subject must be answered within a week",
            "See `comptroller subject request show`.",
            &[Role::RiskOfficer],
        ),
        ReminderKind::SubjectRequestOverdue => (
            "a data subject was not answered in time",
            "See `comptroller subject request show`.",
            &[Role::RiskOfficer, Role::Owner],
        ),
        ReminderKind::AffectedVersionOverdue => (
            "a version serves that should have been retrained or retired",
            "Somebody in its data was to be erased: `comptroller subject deletion-report`.",
            &[Role::RiskOfficer, Role::Developer],
        ),
        ReminderKind::AssessmentStale => (
            "the risk assessment is stale",
            "What it rests on is no longer so: `comptroller risk assess SYSTEM` says what.",
            &[Role::RiskOfficer],
        ),
    };
    Words::new(format!("{system}: {title}"), format!("{text} It is {subject}.")).to(roles)
}

/// Words for an entry that has none of its own.
fn plain(entry: &Entry) -> Words {
    Words::new(entry.kind.clone(), format!("About {}.", entry.subjects.join(", ")))
}

impl Words {
    fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), roles: Vec::new() }
    }

    fn to(mut self, roles: &[Role]) -> Self {
        self.roles = roles.to_vec();
        self
    }
}

/// The rules that a decision names.
async fn fired(conn: &mut Conn, decision: DecisionId) -> Result<Vec<String>, AppError> {
    let Some(row) = approvals::decision(conn, decision).await? else { return Ok(Vec::new()) };
    let rows = journal::entries(conn, row.idx, row.idx + 1).await?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let entry: Entry = serde_json::from_str(&row.entry)?;
    Ok(serde_json::from_value(entry.data["rules"].clone()).unwrap_or_default())
}

async fn system_name(conn: &mut Conn, entry: &Entry) -> Result<String, AppError> {
    let Some(id) = entry.stream.strip_prefix("system/") else { return Ok("the organisation".to_owned()) };
    let row = systems::system(conn, id).await?;
    Ok(row.map_or_else(|| id.to_owned(), |row| row.slug.0.to_string()))
}

async fn version_name(conn: &mut Conn, id: VersionId) -> Result<String, AppError> {
    let Some(version) = models::version(conn, id).await? else { return Ok(id.to_string()) };
    let model = models::model(conn, version.model.0).await?;
    Ok(model.map_or_else(|| id.to_string(), |model| format!("{}@{}", model.slug.0, version.label.0)))
}
