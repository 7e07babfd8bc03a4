//! What a change of the law does: which systems change tier, which duties they gain and lose, which deadlines move, and of
//! which of these duties the evidence is short.

use crate::gaps::AskGaps;
use crate::tiers::{act_data, computed, day};
use crate::{App, AppError, Caller, ORG};
use comptroller_compliance::classify::{Difference, compare};
use comptroller_compliance::framework::{Day, Framework};
use comptroller_compliance::gap::{GapRow, Standing};
use comptroller_core::Slug;
use comptroller_core::ids::SystemId;
use comptroller_policy::Action;
use comptroller_store::areas::systems::{self, SystemFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Systems of one step through all of them.
const STEP: i64 = 200;

/// What a change of the law does to a system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SystemChange {
    /// The system.
    pub system: SystemId,
    /// Its short name.
    pub slug: Slug,
    /// Tiers, duties and deadlines that differ.
    #[schema(value_type = Object)]
    pub difference: Value,
}

/// A duty that a change of the law touches, whose evidence is short.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShortDuty {
    /// The duty.
    pub duty: String,
    /// What it asks, in our own words.
    pub label: String,
    /// How it stands.
    #[schema(value_type = String)]
    pub standing: Standing,
    /// Why.
    pub because: Vec<String>,
    /// What to type.
    pub next: Vec<String>,
}

/// What a change of the law does to every system with recorded answers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LawChanges {
    /// The framework.
    pub framework: String,
    /// Digest of its data.
    pub data: comptroller_core::Digest,
    /// The first day.
    pub before: String,
    /// The second day.
    pub after: String,
    /// Systems for which something differs.
    pub changed: Vec<SystemChange>,
    /// Names of systems for which nothing differs.
    pub same: Vec<Slug>,
    /// Names of systems about which nothing can be said: classified by hand, never, or with erased answers.
    pub without_answers: Vec<Slug>,
    /// What each duty asks that is named here, in our own words, by id.
    #[serde(default)]
    pub duties: BTreeMap<String, String>,
    /// Those of them whose evidence is short today, over all systems; none if the caller may not read the log.
    #[serde(default)]
    pub short: Option<Vec<ShortDuty>>,
}

impl App {
    /// What the change of the law between two days does to every system, by its recorded answers.
    pub async fn law_changes(
        &self,
        caller: &Caller,
        before: &str,
        after: &str,
    ) -> Result<LawChanges, AppError> {
        self.may_read(caller, Action::SystemRead, ORG, None, None).await?;
        let (first, second) = (day("before", before)?, day("after", after)?);
        let data = act_data()?;
        let since = data.known_since().unwrap_or(first);
        if first < since || second < since {
            return Err(AppError::invalid(
                "before",
                format!("nothing was known then: name days from {since} on"),
            ));
        }
        let mut changes = LawChanges {
            framework: data.id.clone(),
            data: data.digest(),
            before: first.to_string(),
            after: second.to_string(),
            changed: Vec::new(),
            same: Vec::new(),
            without_answers: Vec::new(),
            duties: BTreeMap::new(),
            short: None,
        };
        let mut named = BTreeSet::new();
        let mut conn = self.store.read().await?;
        let mut last = String::new();
        loop {
            let rows = systems::systems(&mut conn, &SystemFilter::default(), &last, STEP).await?;
            let Some(end) = rows.last() else { break };
            last = end.slug.0.to_string();
            for row in rows {
                let answers = self.tier_text(&mut conn, &row).await?.and_then(|text| text.answers);
                let (system, slug) = (row.id.0, row.slug.0);
                // Answers that no longer fit the questions say nothing, as if there were none.
                match answers.and_then(|answers| between(data, &answers, first, second).ok()) {
                    None => changes.without_answers.push(slug),
                    Some(difference) if difference.is_empty() => changes.same.push(slug),
                    Some(difference) => {
                        named.extend(difference.duties().map(str::to_owned));
                        let difference = serde_json::to_value(&difference)?;
                        changes.changed.push(SystemChange { system, slug, difference });
                    }
                }
            }
        }
        drop(conn);
        let label =
            |id: &String| data.rows.iter().rev().find(|row| row.id == *id).map(|row| row.label.clone());
        changes.duties = named.iter().filter_map(|id| Some((id.clone(), label(id)?))).collect();
        changes.short = self.short(caller, &data.id, &named).await?;
        Ok(changes)
    }

    /// Which of these duties do not hold today, over all systems; none if the caller may not read the log.
    async fn short(
        &self,
        caller: &Caller,
        framework: &str,
        duties: &BTreeSet<String>,
    ) -> Result<Option<Vec<ShortDuty>>, AppError> {
        if duties.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let asked = AskGaps { framework: framework.to_owned(), system: None, as_of: None };
        let gaps = match self.gaps(caller, asked).await {
            Err(AppError::Denied { .. }) => return Ok(None),
            gaps => gaps?,
        };
        let short = |row: &&GapRow| {
            duties.contains(&row.id) && !matches!(row.standing, Standing::Holds | Standing::NotApplicable)
        };
        let next = |row: &GapRow| {
            let steps = gaps.steps.iter().filter(|step| row.steps.contains(&step.id));
            steps.map(|step| step.command.clone()).collect()
        };
        let rows = gaps.rows.iter().filter(short).map(|row| ShortDuty {
            duty: row.id.clone(),
            label: row.label.clone(),
            standing: row.standing,
            because: row.because.clone(),
            next: next(row),
        });
        Ok(Some(rows.collect()))
    }
}

fn between(data: &Framework, answers: &Value, first: Day, second: Day) -> Result<Difference, AppError> {
    let (_, before) = computed(data, answers, first, first)?;
    let (_, after) = computed(data, answers, second, second)?;
    Ok(compare(&before, &after))
}
