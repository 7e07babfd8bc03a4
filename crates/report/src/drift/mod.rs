//! The report of a drift comparison in the forms that people and pipelines read.

mod charts;
mod html;
mod junit;
mod markdown;
#[cfg(test)]
mod tests;

pub use html::html;
pub use junit::junit;
pub use markdown::markdown;

use comptroller_stats::drift::{Evidence, Headline, percent};

/// The verdict in one line.
fn verdict(headline: &Headline) -> String {
    let pillar = headline.pillar.map(|pillar| format!(" ({})", pillar.as_str())).unwrap_or_default();
    let band = if headline.has_evidence { headline.band.as_str() } else { "not enough evidence" };
    format!("drift coefficient {:.2}{pillar}: {band}", headline.coefficient)
}

/// Whether the rows of a column suffice, in words.
fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Differs => "differs",
        Evidence::Stable => "stable",
        Evidence::NotEnough => "not enough rows",
    }
}

/// A share, or a dash for nothing.
fn part(share: f64) -> String {
    if share > 0.0 { percent(share) } else { "-".to_owned() }
}
