//! Reminders: what waits for people becomes an event of its own, once, so that whoever is told about events is told.
//!
//! Silence has a second step: what nobody has answered is raised again, for those who answer for the system.

use crate::{App, AppError, assessments, systems};
use comptroller_core::ids::{ApprovalId, SystemId};
use comptroller_core::vocab::{ReminderKind, Vote};
use comptroller_core::{Event, Slug, Timestamp};
use comptroller_policy::{Bundle, Silence};
use comptroller_store::areas::{approvals, audits, remediations, reminders, subject_requests};
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, Draft};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

/// How often it is looked for what waits.
pub(crate) const REMIND_EVERY: Duration = Duration::from_mins(1);
/// Most of one kind that are looked at in one turn.
const MOST: i64 = 1_000;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const MICROS: i64 = 1_000_000;
/// Days before a data subject has to be answered.
const SUBJECT_DAYS: i64 = 7;
/// Days before the end of a waiver, the tightest first.
const WAIVER_DAYS: [(i64, ReminderKind); 3] = [
    (3, ReminderKind::WaiverThreeDays),
    (14, ReminderKind::WaiverFourteenDays),
    (30, ReminderKind::WaiverThirtyDays),
];

/// After how much silence people are reminded, where no rule that waits for them says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReminderSettings {
    /// Of a request for approval.
    pub remind: Duration,
    /// Of the same request, those who answer for the system.
    pub escalate: Duration,
}

impl Default for ReminderSettings {
    fn default() -> Self {
        Self { remind: Duration::from_hours(24), escalate: Duration::from_hours(72) }
    }
}

/// Something that waits.
struct Waiting {
    kind: ReminderKind,
    subject: String,
    system: Option<SystemId>,
}

impl Waiting {
    fn new(kind: ReminderKind, noun: &str, id: &impl Display, system: SystemId) -> Self {
        Self { system: Some(system), ..Self::of_nobody(kind, noun, id) }
    }

    /// Something that no system is about.
    fn of_nobody(kind: ReminderKind, noun: &str, id: &impl Display) -> Self {
        Self { kind, subject: format!("{noun}/{id}"), system: None }
    }
}

impl App {
    /// Says after how much silence people are reminded.
    #[must_use]
    pub fn with_reminders(mut self, settings: ReminderSettings) -> Self {
        self.reminders = settings;
        self
    }

    /// Raises every reminder that is due, each once. Answers how many.
    pub async fn remind(&self) -> Result<usize, AppError> {
        let mut conn = self.store.read().await?;
        let now = self.store.clock().now();
        let bundle = self.policies.in_force(&mut conn, self.store.key()).await?;
        let mut due = approvals_waiting(&mut conn, now, &self.reminders, &bundle).await?;
        due.extend(waivers_ending(&mut conn, now).await?);
        due.extend(reviews_waiting(&mut conn, now).await?);
        due.extend(remediations_waiting(&mut conn, now, &self.reminders).await?);
        due.extend(outsiders_waiting(&mut conn, now).await?);
        due.extend(assessments_stale(&mut conn, self.store.key(), now).await?);
        drop(conn);
        if due.is_empty() {
            return Ok(0);
        }
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let mut count = 0;
                    for Waiting { kind, subject, system } in due {
                        // Another server may have been faster.
                        if reminders::raised(tx.conn(), &subject, kind).await? {
                            continue;
                        }
                        let event = Event::ReminderRaised { kind, subject: subject.clone(), system };
                        let draft = Draft::new("system", event);
                        let draft = match subject.split_once('/') {
                            Some((noun, id)) => draft.about(noun, &id),
                            None => draft,
                        };
                        tx.record(draft).await?;
                        count += 1;
                    }
                    Ok::<usize, AppError>(count)
                })
            })
            .await
    }
}

async fn approvals_waiting(
    conn: &mut Conn,
    now: Timestamp,
    settings: &ReminderSettings,
    bundle: &Bundle,
) -> Result<Vec<Waiting>, AppError> {
    let stated: BTreeMap<&Slug, Silence> =
        bundle.rules().filter_map(|rule| Some((&rule.id, rule.silence?))).collect();
    let mut due = Vec::new();
    for (kind, usual, hours) in [
        (ReminderKind::ApprovalWaiting, settings.remind, remind as fn(&Silence) -> u32),
        (ReminderKind::ApprovalEscalated, settings.escalate, escalate),
    ] {
        let usual = usual.as_secs() as i64;
        let seconds = |silence: &Silence| i64::from(hours(silence)) * HOUR;
        let shortest = stated.values().map(seconds).chain([usual]).min().unwrap_or(usual);
        let before = now.plus_seconds(-shortest);
        for row in reminders::waiting_approvals(conn, kind, before, now, MOST).await? {
            let plan: BTreeMap<Slug, u32> = serde_json::from_str(&row.plan)?;
            // The most impatient of the rules that wait for it; without one, as the server is configured.
            let patience =
                plan.keys().filter_map(|rule| stated.get(rule)).map(seconds).min().unwrap_or(usual);
            let is_due = row.requested_at.0.plus_seconds(patience) <= now;
            if is_due && waits_for_people(conn, row.id.0, &plan).await? {
                due.push(Waiting::new(kind, "approval", &row.id.0, row.system.0));
            }
        }
    }
    Ok(due)
}

fn remind(silence: &Silence) -> u32 {
    silence.remind_hours
}

fn escalate(silence: &Silence) -> u32 {
    silence.escalate_hours
}

/// Whether fewer people have approved than some rule of the plan needs.
async fn waits_for_people(
    conn: &mut Conn,
    id: ApprovalId,
    plan: &BTreeMap<Slug, u32>,
) -> Result<bool, AppError> {
    let votes = approvals::votes(conn, id).await?;
    let given = votes.iter().filter(|vote| vote.vote.0 == Vote::Approve).count();
    Ok(given < plan.values().copied().max().unwrap_or(0) as usize)
}

async fn waivers_ending(conn: &mut Conn, now: Timestamp) -> Result<Vec<Waiting>, AppError> {
    let mut due = Vec::new();
    let mut from = now;
    for (days, kind) in WAIVER_DAYS {
        let to = now.plus_seconds(days * DAY);
        for (id, system) in reminders::ending_waivers(conn, kind, from, to, days * DAY * MICROS, MOST).await?
        {
            due.push(Waiting::new(kind, "waiver", &id.0, system.0));
        }
        from = to;
    }
    Ok(due)
}

async fn remediations_waiting(
    conn: &mut Conn,
    now: Timestamp,
    settings: &ReminderSettings,
) -> Result<Vec<Waiting>, AppError> {
    let before = now.plus_seconds(-(settings.remind.as_secs() as i64));
    let mut due = Vec::new();
    for (id, system) in remediations::unplanned(conn, before, MOST).await? {
        due.push(Waiting::new(ReminderKind::RemediationUnplanned, "remediation", &id.0, system.0));
    }
    for (id, system) in remediations::overdue(conn, now, MOST).await? {
        due.push(Waiting::new(ReminderKind::RemediationOverdue, "remediation", &id.0, system.0));
    }
    Ok(due)
}

/// Assessments are not written to when something behind them changes: each is looked at, until it is stale once.
async fn assessments_stale(conn: &mut Conn, key: &OrgKey, now: Timestamp) -> Result<Vec<Waiting>, AppError> {
    let mut due = Vec::new();
    for (id, system) in reminders::last_assessments(conn, MOST).await? {
        let row = systems::find(conn, &system.0.to_string()).await?;
        if !assessments::stands(conn, key, now, &row).await? {
            due.push(Waiting::new(ReminderKind::AssessmentStale, "evidence", &id.0, system.0));
        }
    }
    Ok(due)
}

async fn reviews_waiting(conn: &mut Conn, now: Timestamp) -> Result<Vec<Waiting>, AppError> {
    let mut due = Vec::new();
    let ever = Timestamp::from_micros(0);
    for (kind, from, to) in
        [(ReminderKind::ReviewOverdue, ever, now), (ReminderKind::ReviewDue, now, now.plus_seconds(DAY))]
    {
        for (id, system) in reminders::unreviewed_emergencies(conn, kind, from, to, MOST).await? {
            due.push(Waiting::new(kind, "emergency", &id.0, system.0));
        }
    }
    Ok(due)
}

/// What auditors and data subjects wait for, and versions that should have been retrained or retired.
async fn outsiders_waiting(conn: &mut Conn, now: Timestamp) -> Result<Vec<Waiting>, AppError> {
    let mut due = Vec::new();
    for id in audits::overdue(conn, now, MOST).await? {
        due.push(Waiting::of_nobody(ReminderKind::EvidenceOverdue, "evidence-request", &id.0));
    }
    let ever = Timestamp::from_micros(0);
    for (kind, from, to) in [
        (ReminderKind::SubjectRequestOverdue, ever, now),
        (ReminderKind::SubjectRequestDue, now, now.plus_seconds(SUBJECT_DAYS * DAY)),
    ] {
        for id in subject_requests::due(conn, kind, from, to, MOST).await? {
            due.push(Waiting::of_nobody(kind, "subject-request", &id.0));
        }
    }
    for id in subject_requests::late_versions(conn, now, MOST).await? {
        due.push(Waiting::of_nobody(ReminderKind::AffectedVersionOverdue, "version", &id.0));
    }
    Ok(due)
}
