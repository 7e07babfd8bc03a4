//! The scale of the risk register: likelihood and severity in five steps each, and bands of their product.

use super::Band;
use crate::framework::DataError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The version of the format.
const SCHEMA: u32 = 1;
/// Steps of likelihood and of severity.
pub const STEPS: u8 = 5;

/// The scale.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterScale {
    schema: u32,
    /// What each step of likelihood is called, the least first.
    pub likelihood: Vec<String>,
    /// What each step of severity is called, the least first.
    pub severity: Vec<String>,
    /// From which product a band begins.
    pub bands: BTreeMap<Band, u32>,
}

impl RegisterScale {
    /// The scale that ships with the product.
    ///
    /// # Errors
    /// [`DataError`] if the shipped file were broken; a test reads it.
    pub fn builtin() -> Result<Self, DataError> {
        let file = "frameworks/risk/register.toml";
        Self::parse(file, include_str!("../../../../frameworks/risk/register.toml"))
    }

    /// Reads a scale; `file` is how errors call it.
    ///
    /// # Errors
    /// [`DataError`] for anything that is not in order.
    pub fn parse(file: &str, text: &str) -> Result<Self, DataError> {
        let scale: Self = toml::from_str(text).map_err(|error| {
            DataError::new(
                file,
                "",
                error.to_string().trim_end(),
                "docs/RISK.md has the form of the register",
            )
        })?;
        let refuse = |place: &str, remedy: &str| {
            Err(DataError::new(file, place, format!("{place} is not in order"), remedy))
        };
        if scale.schema != SCHEMA {
            return refuse("schema", "write schema = 1");
        }
        for (place, steps) in [("likelihood", &scale.likelihood), ("severity", &scale.severity)] {
            if steps.len() != usize::from(STEPS) || steps.iter().any(|step| step.trim().is_empty()) {
                return refuse(place, "name five steps, the least first");
            }
        }
        let starts: Vec<u32> = scale.bands.values().copied().collect();
        let rising = starts.first() == Some(&1) && starts.windows(2).all(|pair| pair[0] < pair[1]);
        if starts.len() != 4 || !rising || starts.iter().any(|start| *start > 25) {
            return refuse(
                "bands",
                "give low = 1, medium, high and critical, each above the one before, at most 25",
            );
        }
        Ok(scale)
    }

    /// The band of a likelihood and a severity, each 1 to 5.
    pub fn band(&self, likelihood: u8, severity: u8) -> Band {
        let product = u32::from(likelihood) * u32::from(severity);
        self.bands.iter().rev().find(|(_, start)| product >= **start).map_or(Band::Low, |(band, _)| *band)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_rises_with_likelihood_and_severity_and_meets_its_borders() {
        let scale = RegisterScale::builtin().unwrap();
        for likelihood in 1..=STEPS {
            for severity in 1..STEPS {
                assert!(scale.band(likelihood, severity) <= scale.band(likelihood, severity + 1));
                assert!(scale.band(severity, likelihood) <= scale.band(severity + 1, likelihood));
            }
        }
        let bands = [(1, 4), (1, 5), (3, 3), (2, 5), (4, 4), (4, 5)].map(|(l, s)| scale.band(l, s));
        assert_eq!(bands, [Band::Low, Band::Medium, Band::Medium, Band::High, Band::High, Band::Critical]);
    }

    #[test]
    fn a_scale_that_is_not_in_order_is_refused_with_the_place() {
        let good = include_str!("../../../../frameworks/risk/register.toml");
        for (from, to, place) in [
            ("schema = 1", "schema = 2", "schema"),
            ("\"rare\", ", "", "likelihood"),
            ("\"severe\"", "\" \"", "severity"),
            ("medium = 5", "medium = 1", "bands"),
            ("critical = 17", "critical = 26", "bands"),
        ] {
            let error = RegisterScale::parse("register.toml", &good.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(place), "{from}: {error}");
        }
    }
}
