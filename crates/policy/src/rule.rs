//! What a rule says about itself: the annotations that every policy must carry.
//!
//! The rule's logic is Cedar's; this module only reads and checks the words beside it.

use crate::card::Group;
use crate::error::BundleError;
use cedar_policy::{ActionConstraint, Policy};
use comptroller_core::{Role, Slug};
use serde::{Deserialize, Serialize};

/// Which of the two sets a rule belongs to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RuleSet {
    /// Never overridable.
    Hard,
    /// An approval satisfies it.
    Review,
}

impl RuleSet {
    /// The word, as in the file name of the set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Review => "review",
        }
    }

    /// The name of the set's file.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Hard => "hard.cedar",
            Self::Review => "review.cedar",
        }
    }
}

/// What a rule does when it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Lets some roles do an act.
    Permit,
    /// Refuses, or asks for review, whatever a permit says.
    Forbid,
}

/// A rule of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RuleInfo {
    /// Its name, unique in the bundle.
    pub id: Slug,
    /// The set it belongs to.
    pub set: RuleSet,
    /// What it does when it matches.
    pub effect: Effect,
    /// What is wrong when it fires; for a permit, what it lets happen.
    pub reason: String,
    /// Our own control ids that it serves.
    pub control: Vec<String>,
    /// Who can put it right, and how.
    pub remedy: String,
    /// For a permit: the roles it is for. Empty for a forbid.
    pub roles: Vec<Role>,
    /// The acts it names; empty means every act.
    pub actions: Vec<String>,
    /// The pack it comes from; none for a rule in Cedar.
    pub pack: Option<String>,
    /// What must not be concluded from its being satisfied.
    pub does_not_prove: Option<String>,
    /// Whether a waiver can take its place for a time. Review rules only.
    pub waivable: bool,
    /// What a running deployment that no longer satisfies it asks for: alert, rollback or stop.
    pub lapse: Lapse,
    /// The people whose approval satisfies it; each human counts once.
    pub approvals: Vec<Group>,
    /// After how much silence they are reminded; none: as the server is configured.
    pub silence: Option<Silence>,
}

/// After how much silence people are reminded of a request for their approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Hours until those who may approve are reminded.
    pub remind_hours: u32,
    /// Hours until those who answer for the system are told.
    pub escalate_hours: u32,
}

impl Silence {
    /// Longest silence that can be stated: as long as a request can wait.
    const MAX_HOURS: u32 = 720;

    /// What is wrong with the numbers.
    pub(crate) fn finding(self) -> Option<String> {
        let Self { remind_hours, escalate_hours } = self;
        let valid = (1..=Self::MAX_HOURS).contains(&remind_hours)
            && (remind_hours..=Self::MAX_HOURS).contains(&escalate_hours);
        (!valid).then(|| {
            format!(
                "silence: {remind_hours} and {escalate_hours} hours; give 1 to {} hours, and escalate no earlier than \
                 you remind",
                Self::MAX_HOURS
            )
        })
    }
}

/// What happens when a running deployment no longer satisfies a rule.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Lapse {
    /// An alert.
    #[default]
    Alert,
    /// An alert that asks for a rollback.
    Rollback,
    /// An alert that asks for the deployment to be stopped.
    Stop,
}

impl Lapse {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Rollback => "rollback",
            Self::Stop => "stop",
        }
    }
}

/// A rule that fired: a reason why the answer is not a plain allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FiredRule {
    /// The rule, or `no-permit`.
    pub id: Slug,
    /// What is wrong.
    pub reason: String,
    /// Our own control ids.
    pub control: Vec<String>,
    /// Who can put it right, and how.
    pub remedy: String,
    /// The set that it belongs to.
    pub set: RuleSet,
    /// Whether a waiver can take its place for a time.
    pub waivable: bool,
}

/// What every policy says about itself, whatever it is for.
pub(crate) struct Described {
    pub(crate) id: Slug,
    pub(crate) reason: String,
    pub(crate) control: Vec<String>,
}

impl Described {
    /// Reads the annotations. Until it has read the id, it names the policy as Cedar does, by its place in the file.
    pub(crate) fn read(file: &'static str, policy: &Policy) -> Result<Self, BundleError> {
        let position = policy.id().to_string();
        let id: Slug = text(file, &position, policy, "id")?.parse().map_err(|error| {
            BundleError::BadAnnotation { file, rule: position, annotation: "id", detail: format!("{error}") }
        })?;
        let rule = id.to_string();
        let reason = text(file, &rule, policy, "reason")?;
        Ok(Self { id, reason, control: list(file, &rule, policy, "control")? })
    }
}

impl RuleInfo {
    /// Reads the annotations of a policy.
    pub(crate) fn read(set: RuleSet, policy: &Policy) -> Result<Self, BundleError> {
        let file = set.file();
        let Described { id, reason, control } = Described::read(file, policy)?;
        let rule = id.to_string();
        let effect = match policy.effect() {
            cedar_policy::Effect::Permit => Effect::Permit,
            cedar_policy::Effect::Forbid => Effect::Forbid,
        };
        let roles = match effect {
            Effect::Permit => roles(file, &rule, &list(file, &rule, policy, "roles")?)?,
            Effect::Forbid => Vec::new(),
        };
        let actions = match policy.action_constraint() {
            ActionConstraint::Any => Vec::new(),
            ActionConstraint::Eq(one) => vec![one.id().unescaped().to_owned()],
            ActionConstraint::In(many) => many.iter().map(|a| a.id().unescaped().to_owned()).collect(),
        };
        let waivable = policy.annotation("waivable").is_some();
        if waivable && set == RuleSet::Hard {
            let detail =
                "nothing overrides a hard rule: move it to review.cedar or drop @waivable".to_owned();
            return Err(BundleError::BadAnnotation { file, rule, annotation: "waivable", detail });
        }
        Ok(Self {
            set,
            effect,
            pack: policy.annotation("pack").map(str::to_owned),
            does_not_prove: policy.annotation("does_not_prove").map(str::to_owned),
            waivable,
            lapse: lapse(file, &rule, policy)?,
            approvals: approvals(file, &rule, policy)?,
            silence: silence(file, &rule, policy)?,
            reason,
            control,
            remedy: text(file, &rule, policy, "remedy")?,
            roles,
            actions,
            id,
        })
    }

    pub(crate) fn fired(&self) -> FiredRule {
        FiredRule {
            id: self.id.clone(),
            reason: self.reason.clone(),
            control: self.control.clone(),
            remedy: self.remedy.clone(),
            set: self.set,
            waivable: self.waivable,
        }
    }

    /// Whether the rule is about this act.
    pub(crate) fn covers(&self, action: &str) -> bool {
        self.actions.is_empty() || self.actions.iter().any(|a| a == action)
    }
}

/// A non-empty annotation of at most 1,000 bytes.
fn text(
    file: &'static str,
    rule: &str,
    policy: &Policy,
    annotation: &'static str,
) -> Result<String, BundleError> {
    let value = policy.annotation(annotation).unwrap_or_default().trim();
    if value.is_empty() {
        return Err(BundleError::MissingAnnotation { file, rule: rule.to_owned(), annotation });
    }
    if value.len() > 1_000 {
        let detail = format!("{} bytes are more than the 1000 that are allowed", value.len());
        return Err(BundleError::BadAnnotation { file, rule: rule.to_owned(), annotation, detail });
    }
    Ok(value.to_owned())
}

/// A comma-separated annotation without empty members.
fn list(
    file: &'static str,
    rule: &str,
    policy: &Policy,
    annotation: &'static str,
) -> Result<Vec<String>, BundleError> {
    let members: Vec<String> =
        text(file, rule, policy, annotation)?.split(',').map(|m| m.trim().to_owned()).collect();
    if members.iter().any(String::is_empty) {
        let detail = "it has an empty member between commas".to_owned();
        return Err(BundleError::BadAnnotation { file, rule: rule.to_owned(), annotation, detail });
    }
    Ok(members)
}

fn roles(file: &'static str, rule: &str, names: &[String]) -> Result<Vec<Role>, BundleError> {
    let mut roles = Vec::new();
    for name in names {
        let role = name.parse().map_err(|error: comptroller_core::InvalidValue| {
            let detail = error.to_string();
            BundleError::BadAnnotation { file, rule: rule.to_owned(), annotation: "roles", detail }
        })?;
        roles.push(role);
    }
    Ok(roles)
}

fn lapse(file: &'static str, rule: &str, policy: &Policy) -> Result<Lapse, BundleError> {
    match policy.annotation("lapse") {
        None | Some("alert") => Ok(Lapse::Alert),
        Some("rollback") => Ok(Lapse::Rollback),
        Some("stop") => Ok(Lapse::Stop),
        Some(other) => {
            let detail = format!("{other:?} is not alert, rollback or stop");
            Err(BundleError::BadAnnotation { file, rule: rule.to_owned(), annotation: "lapse", detail })
        }
    }
}

/// The groups of `@approvals`: `2 of approver|risk-officer, 1 of risk-officer`.
fn approvals(file: &'static str, rule: &str, policy: &Policy) -> Result<Vec<Group>, BundleError> {
    let annotation = "approvals";
    if policy.annotation(annotation).is_none() {
        return Ok(Vec::new());
    }
    let mut groups = Vec::new();
    for part in list(file, rule, policy, annotation)? {
        let group = part.split_once(" of ").and_then(|(count, names)| {
            let count = count.trim().parse().ok().filter(|count| (1..=10).contains(count))?;
            let roles: Result<Vec<Role>, _> = names.split('|').map(|name| name.trim().parse()).collect();
            Some(Group { roles: roles.ok()?, count })
        });
        let Some(group) = group else {
            let detail = format!("{part:?} is not of the form \"2 of approver|risk-officer\"");
            return Err(BundleError::BadAnnotation { file, rule: rule.to_owned(), annotation, detail });
        };
        groups.push(group);
    }
    Ok(groups)
}

/// The hours of `@silence`: `8, 24`.
fn silence(file: &'static str, rule: &str, policy: &Policy) -> Result<Option<Silence>, BundleError> {
    let annotation = "silence";
    let Some(text) = policy.annotation(annotation) else { return Ok(None) };
    let refuse = |detail| BundleError::BadAnnotation { file, rule: rule.to_owned(), annotation, detail };
    let hours = text.split_once(',').and_then(|(remind, escalate)| {
        Some(Silence {
            remind_hours: remind.trim().parse().ok()?,
            escalate_hours: escalate.trim().parse().ok()?,
        })
    });
    let hours = hours.ok_or_else(|| refuse(format!("{text:?} is not of the form \"8, 24\"")))?;
    if policy.annotation("approvals").is_none() {
        return Err(refuse("it is about requests for approval: name @approvals too".to_owned()));
    }
    match hours.finding() {
        Some(finding) => Err(refuse(finding)),
        None => Ok(Some(hours)),
    }
}
