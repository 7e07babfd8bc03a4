//! Gap analysis: what of a framework the record shows today, for the organisation or one system, and what to do next.
//!
//! Computed from the log and the classifications whenever it is asked; what is recorded is only that somebody stated a row
//! not to be applicable, and why.

use crate::act::Call;
use crate::controls::{TestControls, entries_of, library};
use crate::tiers::framework_data;
use crate::view::Receipt;
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_compliance::framework::Day;
use comptroller_compliance::gap::{GapAnalysis, GapQuestion, SystemDuties, analyse};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::ReadKind;
use comptroller_core::{Event, Timestamp};
use comptroller_ledger::Entry;
use comptroller_policy::Action;
use comptroller_store::areas::systems::SystemFilter;
use comptroller_store::journal::{self, Opened};
use comptroller_store::{Conn, areas};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The gap analysis as one page, and its rows as CSV.
pub use comptroller_report::gap::{csv as gap_csv, html as gap_html};

/// How far back the record is looked at, in seconds: a year.
const LOOKED_AT: i64 = 365 * 86_400;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Systems that are read at a time.
const STEP: i64 = 200;

/// Asks for an analysis.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskGaps {
    /// The framework, for example `soc2`.
    pub framework: String,
    /// Only this system, by name or id.
    #[serde(default)]
    pub system: Option<String>,
    /// The day, `YYYY-MM-DD`; none: today.
    #[serde(default)]
    pub as_of: Option<String>,
}

/// States whether a row of a framework is applicable to the organisation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeCriterion {
    /// The framework, for example `iso-27001`.
    pub framework: String,
    /// The row, by its id within the framework.
    pub criterion: String,
    /// Whether it is applicable.
    pub applicable: bool,
    /// Why.
    pub reason: String,
}

impl App {
    /// Analyses a framework. Reading the log is recorded first.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for an unknown framework or day; [`AppError::NotFound`] for an unknown system.
    pub async fn gaps(&self, caller: &Caller, asked: AskGaps) -> Result<GapAnalysis, AppError> {
        self.may_read(caller, Action::AuditRead, ORG, None, None).await?;
        let framework = framework_data(&asked.framework)?;
        let now = self.store.clock().now();
        let today = Day::of(now);
        let as_of = match &asked.as_of {
            None => today,
            Some(text) => text.parse().map_err(|problem: String| AppError::invalid("as_of", problem))?,
        };
        if as_of > today {
            return Err(AppError::invalid("as_of", format!("{as_of} is to come: name a day up to {today}")));
        }
        self.note_read(caller, ReadKind::AuditLog, ORG, 0).await?;
        let mut conn = self.store.read().await?;
        let system = match &asked.system {
            None => None,
            Some(name) => Some(systems::find(&mut conn, name).await?),
        };
        let duties = match &system {
            Some(row) => vec![SystemDuties {
                slug: row.slug.0.to_string(),
                classification: self.classified_on(&mut conn, row, as_of).await?,
            }],
            None => self.duties_of_all(&mut conn, as_of).await?,
        };
        // What is stale is so today.
        let stale = if as_of == today {
            self.what_is_stale(&mut conn, system.as_ref()).await?.renewals(&framework.id)
        } else {
            Vec::new()
        };
        drop(conn);
        let end = as_of.start().plus_seconds(DAY).min(now);
        let excluded = self.excluded(&framework.id, end).await?;
        let signed = self.store.publish().await?;
        let signed = signed.ok_or_else(|| AppError::Conflict("the log is empty".into()))?;
        let window = TestControls {
            from: end.plus_seconds(-LOOKED_AT),
            to: end,
            framework: Some(framework.id.clone()),
            control: None,
        };
        let id = system.as_ref().map(|row| row.id.0.to_string());
        let tested = self.test_until(window, &signed, id.as_deref()).await?.result;
        Ok(analyse(&GapQuestion {
            framework,
            as_of,
            system: duties.first().filter(|_| system.is_some()).map(|duties| duties.slug.as_str()),
            library: &library()?,
            tested: &tested,
            excluded: &excluded,
            systems: &duties,
            stale: &stale,
        }))
    }

    /// States whether a row of a framework is applicable to the organisation.
    pub async fn scope_criterion(&self, call: &Call, command: ScopeCriterion) -> Result<Receipt, AppError> {
        self.act(call, "criterion.scope", command, |mut act, command| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let ScopeCriterion { framework, criterion, applicable, reason } = command;
                let data = framework_data(&framework)?;
                if data.row(&criterion, Day::of(act.now())).is_none() {
                    return Err(AppError::not_found(
                        "row of the framework",
                        format!("{framework}:{criterion}"),
                    ));
                }
                let about = format!("criterion/{framework}:{criterion}");
                act.may(Action::ControlManage, &about, None).await?;
                let event = Event::CriterionScoped {
                    framework: framework.parse()?,
                    criterion: criterion.parse()?,
                    applicable,
                };
                let draft = act.draft(event).private("reason", &Note { text: reason })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(format!("{framework}:{criterion}"), index))
            })
        })
        .await
    }

    /// Rows of a framework that were stated not to be applicable before `end`, with the reason.
    async fn excluded(&self, framework: &str, end: Timestamp) -> Result<BTreeMap<String, String>, AppError> {
        let mut conn = self.store.read().await?;
        let mut excluded = BTreeMap::new();
        for row in entries_of(&mut conn, "criterion.scoped").await? {
            let entry: Entry = serde_json::from_str(&row.entry)?;
            let Event::CriterionScoped { framework: of, criterion, applicable } =
                Event::from_parts(&entry.kind, &entry.data)?
            else {
                continue;
            };
            if of.as_str() != framework || entry.recorded_at >= end.micros() {
                continue;
            }
            if applicable {
                excluded.remove(criterion.as_str());
                continue;
            }
            let reason = match journal::payload(&mut conn, self.store.key(), row.idx).await? {
                Opened::Readable { plain, .. } => serde_json::from_slice::<Note>(&plain)?.text,
                _ => "the reason was erased".to_owned(),
            };
            let at = Timestamp::from_micros(entry.recorded_at);
            excluded.insert(criterion.to_string(), format!("{reason} (entry {}, {})", row.idx, Day::of(at)));
        }
        Ok(excluded)
    }

    /// What the AI Act says of every system.
    async fn duties_of_all(&self, conn: &mut Conn, as_of: Day) -> Result<Vec<SystemDuties>, AppError> {
        let (mut duties, mut last) = (Vec::new(), String::new());
        loop {
            let rows = areas::systems::systems(conn, &SystemFilter::default(), &last, STEP).await?;
            let Some(end) = rows.last() else { return Ok(duties) };
            last = end.slug.0.to_string();
            for row in rows {
                let classification = self.classified_on(conn, &row, as_of).await?;
                duties.push(SystemDuties { slug: row.slug.0.to_string(), classification });
            }
        }
    }
}
