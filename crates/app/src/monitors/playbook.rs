//! What to do about an alarm, in the order to do it in: files that people can read, named by cause.

use crate::drift::Report;
use crate::drift::report::{Code, PillarName};
use comptroller_core::vocab::{DriftBand, DriftPillar};

/// A playbook: its name and its text.
#[derive(Clone, Copy, Debug)]
pub struct Playbook {
    /// Its name, by which alarms name it.
    pub name: &'static str,
    /// Its text, Markdown; the first line is its title.
    pub text: &'static str,
}

macro_rules! playbooks {
    ($($name:literal),+ $(,)?) => {
        /// Every playbook, by cause.
        pub const PLAYBOOKS: &[Playbook] =
            &[$(Playbook { name: $name, text: include_str!(concat!("../../../../playbooks/", $name, ".md")) }),+];
    };
}

playbooks! {
    "data-drift", "concept-drift", "schema-change", "missing-feature", "unit-change", "constant", "swapped-columns",
    "quality", "performance", "fairness", "latency", "access",
}

impl Playbook {
    /// The playbook of a name.
    pub fn named(name: &str) -> Option<Self> {
        PLAYBOOKS.iter().copied().find(|playbook| playbook.name == name)
    }

    /// What it is about.
    pub fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches("# ")
    }

    /// Its second paragraph: what is wrong, in a sentence.
    pub fn about(&self) -> &'static str {
        self.text.lines().nth(2).unwrap_or_default()
    }
}

/// The playbook for a report: that of the likeliest fault, else that of the pillar which drifts most.
pub(super) fn of_report(report: &Report) -> &'static str {
    let fault = report.findings.first().and_then(|finding| match finding.code {
        Code::MissingColumn | Code::WrongType | Code::Spelling => Some("schema-change"),
        Code::MissingValues | Code::NotFinite => Some("missing-feature"),
        Code::Constant => Some("constant"),
        Code::UnitChange => Some("unit-change"),
        Code::SwappedColumns | Code::DetachedColumn => Some("swapped-columns"),
        Code::Concept => Some("concept-drift"),
        Code::NewCategories | Code::OutOfRange | Code::Shift | Code::Dependence => None,
    });
    fault.unwrap_or(match report.headline.pillar {
        Some(PillarName::Quality) => "quality",
        Some(PillarName::Performance) => "performance",
        Some(PillarName::Concept) => "concept-drift",
        Some(PillarName::Data | PillarName::Prediction) | None => "data-drift",
    })
}

/// The next step for a band and the pillar behind it, in a sentence.
pub fn advice(band: DriftBand, pillar: Option<DriftPillar>) -> &'static str {
    match (band, pillar) {
        (DriftBand::Normal, _) | (_, None) => "nothing is to be done",
        (DriftBand::Watch, _) => "look at the columns that carry it; nothing is to be changed yet",
        (_, Some(DriftPillar::Quality)) => {
            "find what broke on the way of the data (the findings name it) and repair it; do not retrain on it; if \
             decisions rest on it now, stop or roll back"
        }
        (DriftBand::Rollback, Some(DriftPillar::Performance | DriftPillar::Concept)) => {
            "roll back to a version that held, or hand the decisions to people; then retrain on labelled data of now"
        }
        (_, Some(DriftPillar::Performance | DriftPillar::Concept)) => {
            "check the labels, then retrain on labelled data of now and have the new version tested"
        }
        // Inputs and scores alone never ask for this: a fault or a loss of skill stands behind them.
        (DriftBand::Rollback, Some(DriftPillar::Data | DriftPillar::Prediction)) => {
            "a fault or a loss of skill stands behind it: roll back or stop, and repair what the findings name"
        }
        (_, Some(DriftPillar::Data | DriftPillar::Prediction)) => {
            "ask whether the people or the source changed, get labels for a sample, and measure whether it harms"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_playbook_has_a_title_says_what_is_wrong_and_gives_steps() {
        for playbook in PLAYBOOKS {
            assert!(playbook.text.starts_with("# ") && playbook.title().len() > 3, "{}", playbook.name);
            assert!(playbook.about().ends_with('.'), "{}", playbook.name);
            assert!(playbook.text.contains("\n1. ") && playbook.text.contains("\n2. "), "{}", playbook.name);
            assert!(playbook.text.contains("**Do not** "), "{}", playbook.name);
            assert!(playbook.name.parse::<comptroller_core::Slug>().is_ok());
        }
        assert!(Playbook::named("unit-change").is_some() && Playbook::named("none").is_none());
    }
}
