//! Which tier of the EU AI Act a system has, by rules, with the path of questions and provisions.
//!
//! // INVARIANT (as-of): the same framework data, facts and days give the same classification, byte for byte; it holds
//! the digests of both.
//!
//! An engineering aid, not advice: it applies the rows of the framework data to stated facts, and knows nothing else.

mod compare;
mod duties;
mod facts;
mod interview;
mod questions;
mod result;
mod roles;
mod tier;
mod tri;

pub use crate::statements::{MAX_FACTS, Origin, Stated};
pub use compare::{Difference, MovedDeadline, compare};
pub use facts::Facts;
pub use questions::{Question, questions, template};
pub use result::{Classification, Deadline, Decides, Duty, Finding, Role, Standing, Step, Upcoming, Way};
pub use tri::Tri;

use crate::framework::{DataError, Day, Framework};
use interview::Interview;

/// The framework by which systems are classified.
pub const FRAMEWORK: &str = "eu-ai-act";

/// What every classification says besides.
const NOTES: [&str; 3] = [
    "An engineering aid, not advice. It applies the framework data to the stated facts and knows nothing else.",
    "The exclusions of Art. 2 are not modelled.",
    "High-risk systems that are on the market before their date are caught on a significant change of their design \
     (Art. 111(2)); nothing here decides whether there was one.",
];

/// Classifies a system for a day, by the law as known on another.
///
/// # Errors
/// [`DataError`] if nothing of the framework was known on that day.
pub fn classify(act: &Framework, facts: &Facts, as_of: Day, known: Day) -> Result<Classification, DataError> {
    if act.known_since().is_none_or(|since| known < since) {
        let since = act.known_since().map(|day| day.to_string()).unwrap_or_default();
        let problem = format!("nothing of {} was known on {known}", act.name);
        return Err(DataError::new(&act.id, "", problem, format!("ask for a day from {since} on")));
    }
    let mut interview = Interview::new(act, known, facts);
    let tiers = tier::tiers(&mut interview, as_of);
    let (lowest, highest) = tiers.bounds();
    let roles = roles::roles(&mut interview, tiers.high);
    let mut notes: Vec<String> = NOTES.map(str::to_owned).into();
    let duties = if tiers.prohibited == Tri::Yes {
        notes.insert(0, "It may not be placed on the market, put into service or used (Art. 5).".to_owned());
        Vec::new()
    } else {
        duties::duties(&mut interview, &tiers, &roles, as_of)
    };
    let mut open: Vec<&Step> = interview.steps.iter().filter(|step| step.answer == Tri::Unknown).collect();
    open.sort_by_key(|step| step.decides);
    let open = open.into_iter().map(|step| step.question.clone()).collect();
    Ok(Classification {
        framework: act.id.clone(),
        framework_digest: act.digest(),
        facts_digest: facts.digest(),
        as_of,
        known,
        tier: (lowest == highest).then_some(lowest),
        lowest,
        highest,
        ways: tiers.ways,
        exempt: tiers.exempt,
        general_purpose: tiers.general_purpose,
        roles,
        findings: interview.findings,
        path: interview.steps,
        open,
        upcoming: tiers.upcoming,
        duties,
        notes,
    })
}
