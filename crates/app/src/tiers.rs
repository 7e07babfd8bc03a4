//! The tier of a system by the rules of the AI Act: computed from stated facts, recorded with what it rests on, and made
//! again whenever somebody looks.
//!
//! A tier that a person states without facts stays possible (`classify`), and is shown as made by hand.

use crate::act::{Act, Call};
use crate::classify::built_a_version;
use crate::systems::find;
use crate::view::Receipt;
use crate::{App, AppError, Caller};
use comptroller_compliance::classify::{Classification, FRAMEWORK, Facts as Stated, classify};
use comptroller_compliance::framework::{Catalogue, Day, Framework};
use comptroller_core::event::TierBasis;
use comptroller_core::ids::SystemId;
use comptroller_core::private::{TierText, check_text};
use comptroller_core::vocab::RiskTier;
use comptroller_core::{Event, Label, Slug, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::systems::SystemRow;
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::OnceLock;
use utoipa::ToSchema;

/// Most open questions that a refusal names.
const MAX_NAMED: usize = 10;
/// Most rows that a basis names.
const MAX_PROVISIONS: usize = 64;

/// Classifies a system by the rules, from stated facts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassifyByRules {
    /// The answers, as `comptroller risk questions` asks for them: `stated` and `answers`.
    #[schema(value_type = Object)]
    pub facts: Value,
    /// The day for which it is computed, YYYY-MM-DD; today without.
    #[serde(default)]
    pub as_of: Option<String>,
    /// The day on which the law must have been known; the day of `as_of` without.
    #[serde(default)]
    pub known: Option<String>,
    /// What else a reader should know.
    #[serde(default)]
    pub reason: String,
}

/// The classification of a system as it is recorded, and as the rules see it today.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClassificationView {
    /// The system.
    pub system: SystemId,
    /// Its short name.
    pub slug: Slug,
    /// Its tier; none until somebody classified it.
    pub tier: Option<RiskTier>,
    /// Whether a person stated the tier, and no rules computed it.
    pub by_hand: bool,
    /// Index of the event that recorded it.
    pub ledger_index: Option<u64>,
    /// What a computed tier rests on.
    pub basis: Option<TierBasis>,
    /// The reason that was given.
    pub reason: Option<String>,
    /// Whether the recorded answers still give the recorded tier for the recorded days; none if it was made by hand or
    /// its answers were erased.
    pub reproduced: Option<bool>,
    /// Why it should be made again; empty while it stands.
    pub stale: Vec<String>,
    /// The same answers by today's data for today, whole.
    #[schema(value_type = Option<Object>)]
    pub now: Option<Value>,
}

/// The AI Act of the shipped data, read once.
pub(crate) fn act_data() -> Result<&'static Framework, AppError> {
    framework_data(FRAMEWORK)
}

/// A framework of the shipped data, read once.
pub(crate) fn framework_data(id: &str) -> Result<&'static Framework, AppError> {
    let catalogue = all_data()?;
    catalogue.framework(id).ok_or_else(|| {
        let known: Vec<&str> = catalogue.frameworks().iter().map(|framework| framework.id.as_str()).collect();
        AppError::invalid("framework", format!("{id:?} is none of {}", known.join(", ")))
    })
}

/// The frameworks of the shipped data, read once.
pub(crate) fn all_data() -> Result<&'static Catalogue, AppError> {
    static DATA: OnceLock<Result<Catalogue, String>> = OnceLock::new();
    DATA.get_or_init(|| Catalogue::builtin().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| AppError::Internal(format!("framework data: {error}")))
}

pub(crate) fn day(field: &'static str, text: &str) -> Result<Day, AppError> {
    text.parse().map_err(|problem: String| AppError::invalid(field, problem))
}

impl App {
    /// Classifies a system by the rules. Refused while an open question could change the tier.
    pub async fn classify_by_rules(
        &self,
        call: &Call,
        name: String,
        command: ClassifyByRules,
    ) -> Result<Receipt, AppError> {
        self.act(call, "system.classify-by-rules", (name, command), |act, (name, command)| {
            Box::pin(record(act, name, command))
        })
        .await
    }

    /// How a system is classified, whether that still stands, and what the rules say today.
    pub async fn classification(&self, caller: &Caller, name: &str) -> Result<ClassificationView, AppError> {
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, name).await?;
        let id = row.id.0;
        let text = self.tier_text(&mut conn, &row).await?;
        drop(conn);
        self.may_read(caller, Action::SystemRead, &format!("system/{id}"), Some(id), None).await?;
        let today = Day::of(self.store.clock().now());
        view(row, text, today)
    }

    /// How the recorded answers of a system classify it on a day; none: it was never classified by rules, its answers were
    /// erased, or they no longer fit the questions.
    pub(crate) async fn classified_on(
        &self,
        conn: &mut Conn,
        row: &SystemRow,
        on: Day,
    ) -> Result<Option<Classification>, AppError> {
        let answers = self.tier_text(conn, row).await?.and_then(|text| text.answers);
        let Some(answers) = answers else { return Ok(None) };
        Ok(computed(act_data()?, &answers, on, on).ok().map(|(_, found)| found))
    }

    pub(crate) async fn tier_text(
        &self,
        conn: &mut Conn,
        row: &SystemRow,
    ) -> Result<Option<TierText>, AppError> {
        Ok(journal::private(conn, self.store.key(), row.classified_in).await?)
    }
}

async fn record(mut act: Act<'_>, name: String, command: ClassifyByRules) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, true)?;
    let today = Day::of(act.now());
    let as_of = command.as_of.as_deref().map_or(Ok(today), |text| day("as_of", text))?;
    let known = command.known.as_deref().map_or(Ok(as_of), |text| day("known", text))?;
    if command.known.is_some() && known > today {
        return Err(AppError::invalid(
            "known",
            format!("{known} is in the future: nobody knows the law of that day"),
        ));
    }
    let (facts, found) = computed(act_data()?, &command.facts, as_of, known)?;
    not_ahead(&facts, today)?;
    if let Some(problem) = facts.contradiction() {
        return Err(AppError::invalid("facts", problem));
    }
    let Some(tier) = found.tier else { return Err(open(&found)) };
    if as_of != today {
        let (_, by_now) = computed(act_data()?, &command.facts, today, today)?;
        if by_now.lowest > tier {
            let problem = format!(
                "by the rules of {as_of} the tier is {tier}, by those of today {}: what is recorded holds from now on, so \
                 leave the day out",
                by_now.lowest
            );
            return Err(AppError::invalid("as_of", problem));
        }
    }
    let row = find(act.conn(), &name).await?;
    let system = row.id.0;
    let previous = row.risk_tier.map(|tier| tier.0);
    let caller = act.caller.principal;
    let builder = built_a_version(act.conn(), system, caller).await?;
    let asked = Facts::new()
        .bool("lowers", previous.is_some_and(|previous| tier < previous))
        .bool("actor_is_builder", builder);
    act.authorise(Action::SystemClassify, &format!("system/{system}"), Some(system), None, asked).await?;
    let basis = Some(basis(&found)?);
    let event = Event::SystemClassified { system, tier, previous, basis };
    let text = TierText { text: command.reason, answers: Some(serde_json::to_value(&facts)?) };
    let draft = act.draft(event).about("system", &system).private("basis", &text)?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(system, index))
}

/// The tier that a system is treated by: the recorded one, or a higher one that the same answers have by the rules of
/// today. So a prohibition holds from its first day, whoever has looked since.
pub(crate) async fn tier_in_force(
    conn: &mut Conn,
    key: &OrgKey,
    row: &SystemRow,
    now: Timestamp,
) -> Result<Option<RiskTier>, AppError> {
    let recorded = row.risk_tier.as_ref().map(|tier| tier.0);
    let text: Option<TierText> = journal::private(conn, key, row.classified_in).await?;
    let Some(answers) = text.and_then(|text| text.answers) else { return Ok(recorded) };
    Ok(recorded.max(lowest_by(&answers, now)?))
}

/// The lowest tier that answers can mean by the rules of today. Answers that no longer fit the questions say nothing.
pub(crate) fn lowest_by(answers: &Value, now: Timestamp) -> Result<Option<RiskTier>, AppError> {
    let today = Day::of(now);
    Ok(computed(act_data()?, answers, today, today).ok().map(|(_, found)| found.lowest))
}

/// Reads the facts and applies the rules.
pub(crate) fn computed(
    data: &Framework,
    facts: &Value,
    as_of: Day,
    known: Day,
) -> Result<(Stated, Classification), AppError> {
    let refuse = |error: comptroller_compliance::framework::DataError| {
        AppError::invalid("facts", format!("{error}; {}", error.remedy))
    };
    let facts = Stated::of_value("facts", facts, data).map_err(refuse)?;
    let found = classify(data, &facts, as_of, known).map_err(refuse)?;
    Ok((facts, found))
}

/// Refuses answers that rest on a day to come.
fn not_ahead(facts: &Stated, today: Day) -> Result<(), AppError> {
    for question in facts.answers().keys() {
        if let Some(from) = facts.stated(question).filter(|from| from.on > today) {
            let problem = format!("{question}: {} is in the future: say since when it is so", from.on);
            return Err(AppError::invalid("facts", problem));
        }
    }
    Ok(())
}

/// A tier that open questions could change is not recorded.
fn open(found: &Classification) -> AppError {
    let named: Vec<&str> = found.open.iter().take(MAX_NAMED).map(String::as_str).collect();
    AppError::invalid(
        "facts",
        format!(
            "the tier is open between {} and {}: answer {}{}",
            found.lowest,
            found.highest,
            named.join(", "),
            if found.open.len() > MAX_NAMED { " and others" } else { "" }
        ),
    )
}

fn basis(found: &Classification) -> Result<TierBasis, AppError> {
    let mut provisions: Vec<Label> = Vec::new();
    for step in found.path.iter().filter(|step| step.answer == comptroller_compliance::classify::Tri::Yes) {
        if provisions.len() < MAX_PROVISIONS {
            provisions.push(step.question.parse()?);
        }
    }
    Ok(TierBasis {
        framework: found.framework.parse()?,
        data: found.framework_digest.clone(),
        answers: found.facts_digest.clone(),
        as_of: found.as_of.start(),
        known: found.known.start(),
        provisions,
    })
}

fn view(row: SystemRow, text: Option<TierText>, today: Day) -> Result<ClassificationView, AppError> {
    let basis: Option<TierBasis> = row.basis.as_deref().map(serde_json::from_str).transpose()?;
    let tier = row.risk_tier.map(|tier| tier.0);
    let (reason, answers) = text.map_or((None, None), |text| (Some(text.text), text.answers));
    let mut view = ClassificationView {
        system: row.id.0,
        slug: row.slug.0,
        tier,
        by_hand: tier.is_some() && basis.is_none(),
        ledger_index: row.classified_in.and_then(|index| u64::try_from(index).ok()),
        basis,
        reason,
        reproduced: None,
        stale: Vec::new(),
        now: None,
    };
    if row.private_at > row.classified_in && tier.is_some() {
        view.stale.push("the description of the system changed since".to_owned());
    }
    let (Some(basis), Some(answers)) = (&view.basis, answers) else { return Ok(view) };
    let data = act_data()?;
    let (facts, then) = match computed(data, &answers, Day::of(basis.as_of), Day::of(basis.known)) {
        Ok(found) => found,
        Err(error) => {
            view.reproduced = Some(false);
            view.stale.push(format!("the recorded answers no longer fit the questions: {error}"));
            return Ok(view);
        }
    };
    view.reproduced = Some(then.tier == tier && facts.digest() == basis.answers);
    if basis.data != data.digest() {
        view.stale.push("the framework data changed since: duties and dates may differ".to_owned());
    }
    let (_, now) = computed(data, &answers, today, today)?;
    if now.tier != tier {
        let shown = now.tier.map_or("open", RiskTier::as_str);
        view.stale.push(format!("for today the same answers come to another tier: {shown}"));
    }
    view.now = Some(serde_json::to_value(&now)?);
    Ok(view)
}
