//! The report over time: the coefficient of every judged day with its bands, what carries it, and the alarms.

mod charts;
mod html;
#[cfg(test)]
mod tests;

pub use html::html;

/// Days that are drawn, at most: the newest.
pub const MAX_DAYS: usize = 120;

/// A judged day.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// Days since some fixed day, so that gaps are gaps in the picture.
    pub number: i64,
    /// The coefficient, 0..=1; none: not enough evidence.
    pub coefficient: Option<f64>,
    /// Its band; none: no verdict.
    pub band: Option<String>,
    /// The pillar that drifts most.
    pub pillar: Option<String>,
    /// Records.
    pub rows: u64,
    /// Those with a label.
    pub labelled: u64,
    /// What carries it: name and share, 0..=1, largest first.
    pub carriers: Vec<(String, f64)>,
    /// What was noted about it.
    pub notes: Vec<String>,
}

/// An alarm.
#[derive(Clone, Debug, Default)]
pub struct Alarm {
    /// What it is about.
    pub topic: String,
    /// What it asks for.
    pub band: String,
    /// The day since which it shows.
    pub since: String,
    /// The day that raised it.
    pub day: String,
    /// Days since the same fixed day as of [`Day::number`].
    pub number: i64,
    /// Where it stands: open, acknowledged, snoozed, cleared.
    pub state: String,
    /// The playbook that it names.
    pub playbook: String,
}

/// What the report shows.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The version, as people name it.
    pub version: String,
    /// Where it runs.
    pub environment: String,
    /// Where the bands begin: watch, investigate, roll back.
    pub bands: [f64; 3],
    /// How alarms begin and end, in a sentence.
    pub rule: String,
    /// The judged days, oldest first.
    pub days: Vec<Day>,
    /// Its alarms, newest first.
    pub alarms: Vec<Alarm>,
}
