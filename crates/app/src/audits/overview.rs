//! What an auditor sees first: what went wrong, what the record cannot show, then what there is, and what was asked for.
//!
//! Computed from the log whenever it is asked, over the period of the engagement, for its systems and frameworks. It says
//! what the record shows, and draws no conclusion (no-conclusion).

use super::requests::EvidenceRequestView;
use super::{EngagementView, NOUN};
use crate::controls::{TestControls, library};
use crate::tiers::framework_data;
use crate::{App, AppError, Caller, systems};
use comptroller_compliance::control::Control;
use comptroller_compliance::framework::{Day, Framework};
use comptroller_compliance::gap::{GapQuestion, Standing, analyse};
use comptroller_compliance::window::{ControlException, ControlResult, LedgerPosition, WindowResult};
use comptroller_core::ids::EngagementId;
use comptroller_core::vocab::ReadKind;
use comptroller_core::{Digest, Role, Slug, Timestamp};
use comptroller_store::areas::audits;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Name of the format of an [`AuditOverview`].
pub const OVERVIEW_FORMAT: &str = "comptroller-audit-overview/v1";
/// Requests that are shown; the list has all.
const REQUESTS: i64 = 1_000;

/// What an auditor sees first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditOverview {
    /// [`OVERVIEW_FORMAT`].
    pub format: String,
    /// The engagement.
    pub engagement: EngagementView,
    /// First moment of what was looked at.
    pub from: Timestamp,
    /// First moment after it: the end of the period, or now.
    pub to: Timestamp,
    /// Where the log was looked at.
    #[schema(value_type = Object)]
    pub ledger: LedgerPosition,
    /// What does not meet a test of a control: what is open first, then the latest.
    pub exceptions: Vec<ExceptionLine>,
    /// What the record cannot show.
    pub blind_spots: Vec<BlindSpot>,
    /// The controls in operation that serve the frameworks.
    pub controls: Vec<ControlLine>,
    /// How many requests are in which state.
    pub counts: RequestCounts,
    /// What was asked for, what waits longest first.
    pub requests: Vec<EvidenceRequestView>,
}

/// An occurrence that does not meet a test of a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionLine {
    /// Its id; it stays the same whenever it is asked.
    pub id: Digest,
    /// The control.
    pub control: String,
    /// The system that was looked at; none: the whole organisation.
    pub system: Option<Slug>,
    /// The occurrence.
    pub occurrence: String,
    /// Since when it is an exception.
    pub since: Timestamp,
    /// When it was none any more; none = it is open.
    pub closed: Option<Timestamp>,
    /// What is wrong.
    pub says: Vec<String>,
    /// Entries of the log that show it.
    pub shown_by: Vec<u64>,
    /// What the organisation recorded about it: `cause`, `remediation` and so on.
    pub noted: Vec<String>,
}

/// What the record cannot show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct BlindSpot {
    /// `no-control`: no control serves the row; `not-in-operation`: a control of the library does not run;
    /// `finding`: something about a control that no occurrence shows; `cannot-see`: what a control says of itself.
    pub kind: String,
    /// The row or the control.
    pub about: String,
    /// In words.
    pub says: String,
}

/// A control in operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ControlLine {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The role that answers for it.
    pub owner: Role,
    /// The system that was looked at; none: the whole organisation.
    pub system: Option<Slug>,
    /// Rows of the frameworks that it serves.
    pub serves: Vec<String>,
    /// Expected occurrences.
    pub expected: u64,
    /// Those that meet every test.
    pub met: u64,
    /// Those that do not.
    pub exceptions: u64,
    /// Exceptions that are open.
    pub open: u64,
    /// Those that may still happen.
    pub pending: u64,
}

/// How many requests are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestCounts {
    /// Not answered yet.
    pub open: u64,
    /// Answered, and the auditor has said nothing yet.
    pub answered: u64,
    /// Taken.
    pub accepted: u64,
    /// Not taken.
    pub flagged: u64,
    /// No longer asked for.
    pub withdrawn: u64,
    /// Waiting for the organisation though their time has passed.
    pub overdue: u64,
}

impl App {
    /// The overview of an engagement; without an id, of the only open one of the caller.
    ///
    /// # Errors
    /// [`AppError::Conflict`] if the period has not begun.
    pub async fn audit_overview(
        &self,
        caller: &Caller,
        id: Option<EngagementId>,
    ) -> Result<AuditOverview, AppError> {
        let id = self.meant(caller, id).await?;
        let row = self.followed(caller, id).await?;
        // The log is read for it, by people of the organisation too.
        self.note_read(caller, ReadKind::AuditLog, &format!("{NOUN}/{id}"), 0).await?;
        let (frameworks, scope) = (row.frameworks()?, row.systems()?);
        let (from, to) = (row.from_at.0, row.to_at.0.min(self.store.clock().now()));
        if from >= to {
            return Err(AppError::Conflict(format!(
                "the period that is audited begins on {}",
                Day::of(from)
            )));
        }
        let mut conn = self.store.read().await?;
        let engagement = self.engagement_view(&mut conn, row).await?;
        let mut places = Vec::new();
        for system in scope {
            places.push(Some(systems::find(&mut conn, &system.to_string()).await?));
        }
        if places.is_empty() {
            places.push(None);
        }
        drop(conn);
        let signed = self.store.publish().await?;
        let signed = signed.ok_or_else(|| AppError::Conflict("the log is empty".into()))?;
        let mut found = Found::default();
        let mut ledger = None;
        for place in &places {
            let window = TestControls { from, to, framework: None, control: None };
            let id = place.as_ref().map(|row| row.id.0.to_string());
            let tested = self.test_until(window, &signed, id.as_deref()).await?.result;
            let slug = place.as_ref().map(|row| row.slug.0.clone());
            found.add(&tested, &frameworks, slug.as_ref());
            found.missing(&tested, &frameworks)?;
            for framework in &frameworks {
                found.unserved(framework_data(framework.as_str())?, Day::of(to), &tested)?;
            }
            ledger = Some(tested.ledger);
        }
        let ledger = ledger.ok_or_else(|| AppError::Internal("nothing was looked at".into()))?;
        let (counts, requests) = self.requests_of(id).await?;
        let Found { mut exceptions, blind_spots, controls } = found;
        exceptions
            .sort_by(|a, b| (a.closed.is_some(), b.since, &a.id).cmp(&(b.closed.is_some(), a.since, &b.id)));
        Ok(AuditOverview {
            format: OVERVIEW_FORMAT.to_owned(),
            engagement,
            from,
            to,
            ledger,
            exceptions,
            blind_spots: blind_spots.into_iter().collect(),
            controls,
            counts,
            requests,
        })
    }

    async fn requests_of(
        &self,
        id: EngagementId,
    ) -> Result<(RequestCounts, Vec<EvidenceRequestView>), AppError> {
        let mut counts = RequestCounts::default();
        let mut requests = Vec::new();
        let mut conn = self.store.read().await?;
        for row in audits::requests(&mut conn, &id.to_string(), "", "", REQUESTS).await? {
            let view = self.evidence_request_view(&mut conn, row).await?;
            counts.overdue += u64::from(view.overdue);
            *match view.state.as_str() {
                "answered" => &mut counts.answered,
                "accepted" => &mut counts.accepted,
                "flagged" => &mut counts.flagged,
                "withdrawn" => &mut counts.withdrawn,
                _ => &mut counts.open,
            } += 1;
            requests.push(view);
        }
        requests.sort_by_key(|view| {
            let over = matches!(view.state.as_str(), "accepted" | "withdrawn");
            (over, view.due_at, view.id)
        });
        Ok((counts, requests))
    }
}

#[derive(Default)]
struct Found {
    exceptions: Vec<ExceptionLine>,
    blind_spots: BTreeSet<BlindSpot>,
    controls: Vec<ControlLine>,
}

impl Found {
    fn add(&mut self, tested: &WindowResult, frameworks: &[Slug], system: Option<&Slug>) {
        for control in &tested.controls {
            let serves = served(control.serves.iter().map(|serves| serves.criterion.as_str()), frameworks);
            if serves.is_empty() {
                continue;
            }
            for says in &control.blind_spots {
                self.spot("cannot-see", &control.id, says);
            }
            for finding in &control.findings {
                self.spot("finding", &control.id, &finding.says);
            }
            self.exceptions.extend(exceptions(control, tested, system));
            self.controls.push(ControlLine {
                id: control.id.clone(),
                title: control.title.clone(),
                owner: control.owner,
                system: system.cloned(),
                serves,
                expected: control.period.expected,
                met: control.period.met,
                exceptions: control.period.exceptions,
                open: control.point.open,
                pending: control.period.pending,
            });
        }
    }

    /// Controls of the library that would serve the frameworks and do not run.
    fn missing(&mut self, tested: &WindowResult, frameworks: &[Slug]) -> Result<(), AppError> {
        let library = library()?;
        for id in &tested.not_in_operation {
            let Some(control) = library.get(id) else { continue };
            let serves = criteria_of(control, frameworks);
            if !serves.is_empty() {
                let says =
                    format!("{} is not in operation; it would serve {}", control.title, serves.join(", "));
                self.spot("not-in-operation", id, &says);
            }
        }
        Ok(())
    }

    /// Rows that no control serves: they have to be shown by other means.
    fn unserved(&mut self, framework: &Framework, day: Day, tested: &WindowResult) -> Result<(), AppError> {
        let analysis = analyse(&GapQuestion {
            framework,
            as_of: day,
            system: None,
            library: &library()?,
            tested,
            excluded: &BTreeMap::new(),
            systems: &[],
            stale: &[],
        });
        for row in analysis.rows {
            if row.standing == Standing::CannotBeEvidenced && row.controls.is_empty() {
                let says = format!("no control serves it: {}", row.label);
                self.spot("no-control", &format!("{}:{}", framework.id, row.id), &says);
            }
        }
        Ok(())
    }

    fn spot(&mut self, kind: &str, about: &str, says: &str) {
        let spot = BlindSpot { kind: kind.to_owned(), about: about.to_owned(), says: says.to_owned() };
        self.blind_spots.insert(spot);
    }
}

fn criteria_of(control: &Control, frameworks: &[Slug]) -> Vec<String> {
    served(control.serves.iter().map(|serves| serves.criterion.as_str()), frameworks)
}

/// Those of the criteria that belong to one of the frameworks.
fn served<'a>(criteria: impl Iterator<Item = &'a str>, frameworks: &[Slug]) -> Vec<String> {
    let of = |criterion: &&str| {
        let framework = criterion.split_once(':').map_or("", |(framework, _)| framework);
        frameworks.iter().any(|audited| audited.as_str() == framework)
    };
    criteria.filter(of).map(str::to_owned).collect()
}

fn exceptions(control: &ControlResult, tested: &WindowResult, system: Option<&Slug>) -> Vec<ExceptionLine> {
    let line = |found: &ControlException| {
        let shown: BTreeSet<u64> =
            found.causes.iter().flat_map(|cause| cause.shown_by.iter().copied()).collect();
        let notes = tested.notes.get(&found.id).into_iter().flatten();
        ExceptionLine {
            id: found.id.clone(),
            control: control.id.clone(),
            system: system.cloned(),
            occurrence: found.occurrence.clone(),
            since: found.since,
            closed: found.closed,
            says: found.causes.iter().map(|cause| cause.says.clone()).collect(),
            shown_by: shown.into_iter().collect(),
            noted: notes.map(|note| note.step.to_string()).collect(),
        }
    };
    control.exceptions.iter().map(line).collect()
}
