//! Monitor cards: how closely what runs is watched, by tier and environment.
//!
//! They decide nothing about acts, so they become no Cedar. Where several apply, the strictest of each of their numbers
//! holds; a baseline may be stricter still, never laxer.

use super::compile::rank;
use super::requirement::Threshold;
use crate::error::BundleError;
use comptroller_core::Slug;
use comptroller_core::vocab::{Environment, RiskTier};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most windows that an alarm looks at.
pub const MAX_WINDOWS: u32 = 12;
/// One, in millionths.
const ONE: i64 = 1_000_000;

/// One statement about how closely versions are watched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitorCard {
    /// The environments it is about; every one if not given.
    #[serde(default)]
    pub environment: Vec<Environment>,
    /// The tier from which on it applies. A system without a tier counts as having the highest.
    #[serde(default)]
    pub tier: Option<RiskTier>,
    /// Where the bands of the drift coefficient begin, as texts such as "0.3".
    pub watch: String,
    /// See `watch`.
    pub investigate: String,
    /// See `watch`.
    pub rollback: String,
    /// Below this coefficient an alarm ends; at most `investigate`.
    pub clear: String,
    /// So many of the last `windows` days make an alarm. A day of band rollback makes one by itself.
    pub breaches: u32,
    /// See `breaches`.
    pub windows: u32,
    /// Where that comes from.
    pub reason: String,
    /// The controls that it serves.
    pub control: Vec<String>,
}

/// How a version is watched, by every card together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The cards that apply, in the order of their names.
    pub rules: Vec<Slug>,
    /// Where the bands begin at the latest, in millionths: watch, investigate, roll back.
    pub bands_ppm: [u32; 3],
    /// Below this coefficient an alarm ends, in millionths.
    pub clear_ppm: u32,
    /// So many of the last `windows` days make an alarm.
    pub breaches: u32,
    /// See `breaches`.
    pub windows: u32,
}

/// A card whose numbers were read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stated {
    environment: Vec<Environment>,
    tier: Option<RiskTier>,
    bands_ppm: [u32; 3],
    clear_ppm: u32,
    breaches: u32,
    windows: u32,
}

/// What a bundle says about watching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Monitors(BTreeMap<Slug, Stated>);

impl MonitorCard {
    fn read(&self) -> Result<Stated, String> {
        let number = |name: &str, text: &String| {
            let ppm = Threshold::try_from(text.clone())?.ppm;
            let in_range = (1..=ONE).contains(&ppm);
            u32::try_from(ppm)
                .ok()
                .filter(|_| in_range)
                .ok_or_else(|| format!("{name} is {text:?}, not above 0 and at most 1"))
        };
        let bands_ppm = [
            number("watch", &self.watch)?,
            number("investigate", &self.investigate)?,
            number("rollback", &self.rollback)?,
        ];
        let clear_ppm = number("clear", &self.clear)?;
        if !bands_ppm.is_sorted_by(|one, next| one < next) {
            return Err("watch, investigate and rollback do not rise".to_owned());
        }
        if clear_ppm > bands_ppm[1] {
            return Err("clear is above investigate: an alarm would end where it begins".to_owned());
        }
        if self.breaches == 0 || self.breaches > self.windows || self.windows > MAX_WINDOWS {
            return Err(format!(
                "{} breaches of {} windows are not 1 or more of at most {MAX_WINDOWS}",
                self.breaches, self.windows
            ));
        }
        let (environment, tier) = (self.environment.clone(), self.tier);
        Ok(Stated { environment, tier, bands_ppm, clear_ppm, breaches: self.breaches, windows: self.windows })
    }

    pub(super) fn findings(&self, id: &str) -> Vec<String> {
        let mut findings = Vec::new();
        if id.parse::<Slug>().is_err() {
            findings.push("the name is not one of a-z, 0-9, `.`, `_` and `-`".to_owned());
        }
        if self.reason.trim().is_empty() || self.control.is_empty() {
            findings.push("`reason` or `control` is empty: say where it comes from".to_owned());
        }
        findings.extend(self.read().err());
        findings
    }
}

impl Stated {
    fn applies(&self, tier: Option<RiskTier>, environment: Environment) -> bool {
        let is_here = self.environment.is_empty() || self.environment.contains(&environment);
        // A system that nobody has classified is not thereby outside the card.
        let is_high = match (self.tier, tier) {
            (Some(from), Some(tier)) => rank(tier) >= rank(from),
            _ => true,
        };
        is_here && is_high
    }
}

impl Monitors {
    /// What the cards of some files, each under its file's name, say together.
    ///
    /// # Errors
    /// [`BundleError::Card`] for a name that stands twice, and for numbers that make no sense.
    pub(crate) fn of<'c>(
        cards: impl Iterator<Item = (&'c str, &'c str, &'c MonitorCard)>,
    ) -> Result<Self, BundleError> {
        let mut monitors = Self::default();
        for (file, id, card) in cards {
            let refuse = |finding: String| BundleError::Card {
                file: file.to_owned(),
                findings: vec![format!("monitor {id}: {finding}")],
            };
            let name: Slug = id.parse().map_err(|_| refuse("not a name".to_owned()))?;
            if monitors.0.insert(name, card.read().map_err(refuse)?).is_some() {
                return Err(refuse("the name stands twice in this bundle".to_owned()));
            }
        }
        Ok(monitors)
    }

    /// How a version of a system of this tier is watched in an environment; none if no card speaks about it.
    pub fn of_version(&self, tier: Option<RiskTier>, environment: Environment) -> Option<Watch> {
        let mut watch: Option<Watch> = None;
        for (id, card) in self.0.iter().filter(|(_, card)| card.applies(tier, environment)) {
            match &mut watch {
                None => {
                    let Stated { bands_ppm, clear_ppm, breaches, windows, .. } = *card;
                    watch = Some(Watch { rules: vec![id.clone()], bands_ppm, clear_ppm, breaches, windows });
                }
                Some(watch) => {
                    watch.rules.push(id.clone());
                    for (held, stated) in watch.bands_ppm.iter_mut().zip(card.bands_ppm) {
                        *held = stated.min(*held);
                    }
                    watch.clear_ppm = watch.clear_ppm.min(card.clear_ppm);
                    watch.breaches = watch.breaches.min(card.breaches);
                    watch.windows = watch.windows.max(card.windows);
                }
            }
        }
        watch
    }

    /// What is watched less closely than by `old`, in words.
    pub fn watches_less_than(&self, old: &Self) -> Vec<String> {
        let mut less = Vec::new();
        for environment in Environment::ALL {
            for tier in RiskTier::ALL {
                let (before, after) =
                    (old.of_version(Some(*tier), *environment), self.of_version(Some(*tier), *environment));
                let is_laxer = match (&before, &after) {
                    (None, _) => false,
                    (Some(_), None) => true,
                    (Some(before), Some(after)) => {
                        after.bands_ppm.iter().zip(before.bands_ppm).any(|(new, old)| *new > old)
                            || after.clear_ppm > before.clear_ppm
                            || after.breaches > before.breaches
                            || after.windows < before.windows
                    }
                };
                if is_laxer {
                    less.push(format!("{tier} systems in {environment} are watched less closely"));
                }
            }
        }
        less
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(text: &str) -> MonitorCard {
        let rest = "reason = \"r\"\ncontrol = [\"C\"]";
        toml::from_str(&format!("{text}\n{rest}")).unwrap()
    }

    const PLAIN: &str = "watch = \"0.1\"\ninvestigate = \"0.3\"\nrollback = \"0.5\"\nclear = \"0.2\"\nbreaches = 2\nwindows = 3";

    fn monitors(cards: &[(&str, &MonitorCard)]) -> Result<Monitors, BundleError> {
        Monitors::of(cards.iter().map(|(id, card)| ("cards/a.toml", *id, *card)))
    }

    #[test]
    fn the_strictest_number_of_every_card_that_applies_holds() {
        let plain = card(PLAIN);
        let high = card(
            "tier = \"high\"\nenvironment = [\"production\"]\nwatch = \"0.05\"\ninvestigate = \"0.4\"\nrollback = \
             \"0.45\"\nclear = \"0.3\"\nbreaches = 1\nwindows = 2",
        );
        let both = monitors(&[("high", &high), ("plain", &plain)]).unwrap();
        let watch = both.of_version(Some(RiskTier::High), Environment::Production).unwrap();
        assert_eq!(watch.rules, ["high".parse().unwrap(), "plain".parse().unwrap()]);
        assert_eq!(watch.bands_ppm, [50_000, 300_000, 450_000]);
        assert_eq!((watch.clear_ppm, watch.breaches, watch.windows), (200_000, 1, 3));
        assert_eq!(
            both.of_version(None, Environment::Production),
            Some(watch),
            "not classified: the highest"
        );
        for (tier, place) in
            [(RiskTier::Limited, Environment::Production), (RiskTier::High, Environment::Dev)]
        {
            assert_eq!(both.of_version(Some(tier), place).unwrap().rules.len(), 1, "{tier} {place}");
        }
        let only = monitors(&[("high", &high)]).unwrap();
        assert_eq!(only.of_version(Some(RiskTier::Minimal), Environment::Production), None);
        assert!(both.watches_less_than(&only).is_empty());
        assert!(!only.watches_less_than(&both).is_empty(), "nothing watches minimal systems any more");
        assert!(monitors(&[("a", &plain), ("a", &plain)]).is_err());
    }

    #[test]
    fn numbers_that_make_no_sense_are_named() {
        for (from, to, says) in [
            ("watch = \"0.1\"", "watch = \"0.4\"", "do not rise"),
            ("rollback = \"0.5\"", "rollback = \"1.5\"", "at most 1"),
            ("clear = \"0.2\"", "clear = \"0.31\"", "would end where it begins"),
            ("breaches = 2", "breaches = 4", "4 breaches of 3 windows"),
            ("breaches = 2", "breaches = 0", "0 breaches"),
            ("watch = \"0.1\"", "watch = \"a\"", "decimal"),
        ] {
            let findings = card(&PLAIN.replace(from, to)).findings("a").join("; ");
            assert!(findings.contains(says), "{to}: {findings}");
        }
        assert!(card(PLAIN).findings("a").is_empty());
    }
}
