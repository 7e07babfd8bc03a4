//! The report of a drift comparison in the forms that people and pipelines read.

mod charts;
mod estimated;
mod html;
mod junit;
mod markdown;
#[cfg(test)]
mod tests;
mod vectors;

pub use html::html;
pub use junit::junit;
pub use markdown::markdown;

use comptroller_stats::coefficient::Band;
use comptroller_stats::drift::{Column, Evidence, Report, percent};
use comptroller_stats::stream::Onset;

/// The verdict in one line.
fn verdict(report: &Report) -> String {
    let headline = &report.headline;
    let pillar = headline.pillar.map(|pillar| format!(" ({})", pillar.as_str())).unwrap_or_default();
    let band = headline.band.map_or("not enough evidence", Band::as_str);
    format!("drift coefficient {}{pillar}: {band}", report.method.bands.shown(headline.coefficient))
}

/// Since when, in words.
fn since(onset: &Onset) -> String {
    let when = if onset.before > 0.0 {
        format!("{}, {} of the rows came before", onset.time, percent(onset.before))
    } else {
        format!("{}, the first of the current rows", onset.time)
    };
    format!("since {when} (dated by {} on {}, {} rows)", onset.detector, onset.column, onset.rows)
}

/// Whether the rows of a column suffice, in words.
fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Differs => "differs",
        Evidence::Stable => "stable",
        Evidence::NotEnough => "not enough rows",
    }
}

/// What a column carries, always with one decimal so that all of them add to 100; a dash for nothing.
fn part(column: &Column) -> String {
    if column.contribution > 0.0 { format!("{:.1} %", column.percent) } else { "-".to_owned() }
}
