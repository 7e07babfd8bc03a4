//! The tier: prohibited practices, both ways to high risk, transparency. The order is that of the Act.

use super::interview::Interview;
use super::result::{Decides, Upcoming, Way};
use super::tri::Tri;
use crate::framework::{Day, Kind, Route, Row};
use comptroller_core::vocab::RiskTier;

/// The use case from which verification is excluded, and the question.
const VERIFICATION: (&str, &str) = ("III.1.a", "exclusion.verification");
/// The use case from which fraud detection is excluded, and the question.
const FRAUD: (&str, &str) = ("III.5.b", "exclusion.fraud");
/// The questions of Art. 50.
const TRANSPARENCY: [&str; 4] =
    ["transparency.interacts", "transparency.generates", "transparency.recognises", "transparency.deep-fake"];

/// What the questions about the tier came to.
pub(crate) struct Tiers {
    pub(crate) prohibited: Tri,
    pub(crate) upcoming: Vec<Upcoming>,
    pub(crate) ways: Vec<Way>,
    pub(crate) high: Tri,
    pub(crate) exempt: Tri,
    pub(crate) transparency: Tri,
    pub(crate) general_purpose: Tri,
}

impl Tiers {
    /// The lowest tier, whatever the open questions come to, and the highest.
    pub(crate) fn bounds(&self) -> (RiskTier, RiskTier) {
        let by = |counts: fn(Tri) -> bool| {
            if counts(self.prohibited) {
                RiskTier::Prohibited
            } else if counts(self.high) {
                RiskTier::High
            } else if counts(self.transparency) {
                RiskTier::Limited
            } else {
                RiskTier::Minimal
            }
        };
        (by(|holds| holds == Tri::Yes), by(|holds| holds != Tri::No))
    }
}

/// Asks everything that decides about the tier.
pub(crate) fn tiers(interview: &mut Interview<'_>, as_of: Day) -> Tiers {
    let (prohibited, upcoming) = prohibited(interview, as_of);
    let annex_i = annex_i(interview);
    let (mut ways, exempt) = annex_iii(interview);
    if annex_i != Tri::No {
        ways.insert(0, Way { route: Route::AnnexI, use_case: None, holds: annex_i });
    }
    let high = ways.iter().fold(Tri::No, |high, way| high.or(way.holds));
    let mut transparency = Tri::No;
    for question in TRANSPARENCY {
        transparency = transparency.or(interview.ask(question, Decides::Tier));
    }
    let says = "it has a duty of transparency by what it does";
    interview.find("Art. 50", says, transparency, &TRANSPARENCY);
    let general_purpose = interview.ask("gpai.model", Decides::Duty);
    Tiers { prohibited, upcoming, ways, high, exempt, transparency, general_purpose }
}

/// Whether it does what is prohibited on the day, and what of it will be.
fn prohibited(interview: &mut Interview<'_>, as_of: Day) -> (Tri, Vec<Upcoming>) {
    let (act, known) = (interview.act, interview.known);
    let (mut prohibited, mut upcoming) = (Tri::No, Vec::new());
    let mut because = Vec::new();
    for row in act.of_kind(Kind::Prohibition, known) {
        let holds = interview.ask_row(row, Decides::Tier);
        if holds == Tri::No {
            continue;
        }
        let dates = act.dates_of(row, known);
        if dates.iter().any(|date| date.applies(as_of)) {
            prohibited = prohibited.or(holds);
            because.push(row.id.as_str());
        } else if let Some(from) = dates.iter().map(|date| date.valid_from).min() {
            upcoming.push(Upcoming { practice: row.id.clone(), text: row.label.clone(), holds, from });
        }
    }
    interview.find("Art. 5(1)", "it does what is prohibited on the day", prohibited, &because);
    (prohibited, upcoming)
}

/// The way by products.
fn annex_i(interview: &mut Interview<'_>) -> Tri {
    let mut holds = interview.ask("annex-i.product", Decides::Tier);
    if holds != Tri::No {
        holds = holds.and(interview.ask("annex-i.third-party", Decides::Tier));
    }
    let because = ["annex-i.product", "annex-i.third-party"];
    interview.find("Art. 6(1)", "it is high-risk as a product under Annex I", holds, &because);
    holds
}

/// The way by use cases, and whether one is exempt.
fn annex_iii(interview: &mut Interview<'_>) -> (Vec<Way>, Tri) {
    let (act, known) = (interview.act, interview.known);
    let mut claimed: Vec<(&Row, Tri)> = Vec::new();
    for row in act.of_kind(Kind::UseCase, known) {
        let mut holds = interview.ask_row(row, Decides::Tier);
        for (case, question) in [VERIFICATION, FRAUD] {
            if row.id == case && holds != Tri::No {
                let excluded = interview.ask(question, Decides::Tier);
                interview.find(&row.source, "the use is excluded from it", excluded, &[case, question]);
                holds = holds.and(!excluded);
            }
        }
        if holds != Tri::No {
            claimed.push((row, holds));
        }
    }
    if claimed.is_empty() {
        interview.find("Art. 6(2)", "it has a use case of Annex III", Tri::No, &[]);
        return (Vec::new(), Tri::No);
    }
    let exemption = exemption(interview);
    let mut exempt = Tri::No;
    let mut ways = Vec::new();
    for (row, claims) in claimed {
        exempt = exempt.or(claims.and(exemption));
        let holds = claims.and(!exemption);
        interview.find(&row.source, format!("it is high-risk: {}", row.label), holds, &[&row.id]);
        if holds != Tri::No {
            ways.push(Way { route: Route::AnnexIii, use_case: Some(row.id.clone()), holds });
        }
    }
    (ways, exempt)
}

/// Whether Art. 6(3) lets a use case off: one of four cases, no significant risk, and never with profiling.
fn exemption(interview: &mut Interview<'_>) -> Tri {
    let profiling = interview.ask("profiling", Decides::Tier);
    if profiling == Tri::Yes {
        interview.find(
            "Art. 6(3), last subparagraph",
            "it profiles people, so no exemption counts",
            Tri::Yes,
            &["profiling"],
        );
        return Tri::No;
    }
    let (act, known) = (interview.act, interview.known);
    let risk = interview.ask("significant-risk", Decides::Tier);
    let mut case = Tri::No;
    let mut because = vec!["profiling", "significant-risk"];
    for row in act.of_kind(Kind::Exemption, known) {
        case = case.or(interview.ask_row(row, Decides::Tier));
        because.push(&row.id);
    }
    let exempt = case.and(!risk).and(!profiling);
    interview.find(
        "Art. 6(3)",
        "it is exempt: one of the four cases, without significant risk",
        exempt,
        &because,
    );
    exempt
}
