//! The report: columns judged, pillars measured, the headline taken from the largest of them.

use std::collections::BTreeMap;

use crate::coefficient::{Band, Bands, contributions, cubic_mean, percents};
use crate::dependence::{self, Break, Pairs};
use crate::embedding::Embedding;
use crate::measures::Balanced;
use crate::outcomes::{self, Outcomes, Performance};
use crate::profile::Role;

use super::causes;
use super::compared::Compared;
use super::diagnosis;
use super::report::{
    Cause, Code, Column, Evidence, Finding, FindingKind, Headline, Method, Pillar, PillarName, Report,
    RoleView, Side,
};
use super::{since, swap};

/// Families of tests of one comparison, among which the chance of a false alarm is divided: columns, quality,
/// dependence, concept.
const FAMILIES: f64 = 4.0;
/// Level at which a column counts as stable: a drift of the first band would have been seen but for this chance.
const STABLE_ALPHA: f64 = 0.05;
/// V up to which a column's own distribution stayed, for the dependence of columns.
const STAYED: f64 = 0.2;
/// Rows of either side below which nothing is judged, whatever they hold: a handful of probes is no window. And labels
/// below which no performance is measured.
const MIN_ROWS: u64 = 30;

/// Under which rules to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Chance that a comparison without any drift reports one, at most; within 0..1.
    pub alpha: f64,
    /// Where the bands begin.
    pub bands: Bands,
    /// Weight of features by name; the others weigh 1.
    pub weights: BTreeMap<String, f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { alpha: 0.05, bands: Bands::default(), weights: BTreeMap::new() }
    }
}

/// What a report is made from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The compared columns, in the order of the file.
    pub columns: Vec<Compared>,
    /// How columns move together: reference, current.
    pub pairs: Option<(Pairs, Pairs)>,
    /// Scores and decisions beside labels: of the reference, and of the current rows if they have labels.
    pub outcomes: (Option<Outcomes>, Option<Outcomes>),
    /// The reference.
    pub reference: Side,
    /// The current rows.
    pub current: Side,
    /// What every column was taken for.
    pub roles: Vec<RoleView>,
    /// Columns of vectors; the part of them that enters the coefficient is among the columns.
    pub embeddings: Vec<Embedding>,
    /// The current sampled rows in the order of time.
    pub time: Option<TimeOrder>,
    /// What the reader has to know.
    pub notes: Vec<String>,
}

/// The sampled current rows in the order of time.
#[derive(Clone, Debug, Default)]
pub struct TimeOrder {
    /// Sampled rows that there are, with a time or without.
    pub rows: usize,
    /// Places of the rows with a time, the earliest first.
    pub order: Vec<usize>,
    /// The time of each of `order`, for people.
    pub times: Vec<String>,
}

/// Makes the report.
pub fn report(mut inputs: Inputs, settings: &Settings) -> Report {
    let sides = [&inputs.outcomes.0, &inputs.outcomes.1];
    let has_too_many = |outcomes: &Outcomes| outcomes.too_many_classes && outcomes.residuals.is_none();
    if sides.iter().any(|side| side.as_ref().is_some_and(has_too_many)) {
        inputs.notes.push(format!(
            "more than {} decisions or labels: their accuracy is not measured",
            outcomes::MAX_CLASSES
        ));
    }
    if let Some(few) = inputs.outcomes.1.as_ref().filter(|now| (1..MIN_ROWS).contains(&now.labelled)) {
        let note = format!("{} labels: performance is measured from {MIN_ROWS} on", few.labelled);
        inputs.notes.push(note);
    }
    let family = settings.alpha / FAMILIES;
    let gate = family / crate::num::size(inputs.columns.len().max(1));
    let bands = settings.bands;
    let all_causes: Vec<Vec<Cause>> =
        inputs.columns.iter().map(|column| causes::of(column, gate, bands.watch / 2.0)).collect();
    let swaps = swap::find(&inputs.columns, gate);
    let breaks = breaks(&inputs, family);
    let performance = performance(&inputs);
    let findings = diagnosis::findings(&diagnosis::Evidence {
        columns: &inputs.columns,
        causes: &all_causes,
        swaps: &swaps,
        breaks: &breaks,
        performance: performance.as_ref(),
        gate: family,
        least: bands.watch,
    });
    let mut columns: Vec<Column> = inputs
        .columns
        .iter()
        .zip(&all_causes)
        .map(|(column, causes)| judged(column, causes.clone(), gate, settings))
        .collect();
    for finding in findings.iter().filter(|finding| finding.code == Code::SwappedColumns) {
        name_swap(&mut columns, &finding.columns);
    }
    contribute(&mut columns);
    let is_concept = findings.iter().any(|finding| finding.kind == FindingKind::ConceptDrift);
    let onset = since::onset(&inputs, &columns, is_concept);
    let pillars = pillars(&columns, performance.as_ref(), family, bands);
    let seen = Seen {
        rows: inputs.reference.rows.min(inputs.current.rows),
        raised: raised(&findings, &columns, &breaks, bands),
        has_fault: findings.iter().any(|finding| finding.kind == FindingKind::PipelineFault),
        most_broken: if is_harmless(performance.as_ref()) { broken(&findings, &columns) } else { 1.0 },
    };
    let headline = headline(&pillars, &columns, bands, &seen);
    columns.sort_by(|a, b| {
        b.contribution
            .total_cmp(&a.contribution)
            .then(b.coefficient.total_cmp(&a.coefficient))
            .then(b.v.total_cmp(&a.v))
    });
    Report {
        format: "comptroller-drift",
        version: 1,
        headline,
        pillars,
        findings,
        columns,
        embeddings: inputs.embeddings,
        onset,
        performance,
        reference: inputs.reference,
        current: inputs.current,
        roles: inputs.roles,
        notes: inputs.notes,
        method: Method { alpha: settings.alpha, bands, definitions: super::definitions() },
    }
}

fn breaks(inputs: &Inputs, alpha: f64) -> Vec<Break> {
    let Some((reference, current)) = &inputs.pairs else { return Vec::new() };
    let v = |name: &str| inputs.columns.iter().find(|column| column.name == name).map_or(1.0, Compared::v);
    dependence::compare(reference, current, alpha, |name| v(name) < STAYED)
}

fn performance(inputs: &Inputs) -> Option<Performance> {
    let reference = inputs.outcomes.0.as_ref()?;
    let mut performance = match &inputs.outcomes.1 {
        Some(current) if current.labelled >= MIN_ROWS => outcomes::compare(reference, current),
        _ => Performance::default(),
    };
    if let Some(current) = &inputs.outcomes.1 {
        (performance.expected, performance.estimated) = outcomes::estimate(reference, current);
    }
    Some(performance)
}

fn judged(column: &Compared, causes: Vec<Cause>, gate: f64, settings: &Settings) -> Column {
    let nothing = Balanced { v: 0.0, corrected: 0.0, bins: 0, noise: 1.0, p: 1.0 };
    let whole = column.scored.as_ref().map_or(nothing, |scored| scored.whole);
    // The calendar of two windows differs by what they are, and labels come late: both are shown and count for nothing.
    let is_shown_only = column.role == Role::Time || (column.role == Role::Label && column.is_absent);
    let differs = whole.passes(gate) && whole.corrected > 0.0;
    let coefficient = if differs && !is_shown_only { whole.corrected } else { 0.0 };
    let evidence = if differs {
        Evidence::Differs
    } else if whole.is_below(settings.bands.watch, STABLE_ALPHA) {
        Evidence::Stable
    } else {
        Evidence::NotEnough
    };
    let quality =
        column.quality.filter(|quality| quality.passes(gate)).map_or(0.0, |quality| quality.corrected);
    let weight = if column.role == Role::Feature {
        settings.weights.get(&column.name).copied().unwrap_or(1.0).max(0.0) * column.share
    } else {
        0.0
    };
    Column {
        name: column.name.clone(),
        role: column.role,
        kind: column.grid.kind(),
        v: whole.v,
        corrected: whole.corrected,
        coefficient,
        band: (evidence != Evidence::NotEnough).then(|| settings.bands.of(coefficient)),
        evidence,
        p: whole.p,
        gate,
        bins: whole.bins,
        weight,
        contribution: 0.0,
        percent: 0.0,
        causes,
        quality,
        rates: column.rates,
        measures: column.measures.clone(),
        histogram: column.histogram.clone(),
    }
}

fn name_swap(columns: &mut [Column], pair: &[String]) {
    for column in columns.iter_mut() {
        let Some(other) = pair.iter().find(|name| pair.contains(&column.name) && **name != column.name)
        else {
            continue;
        };
        let text = format!("swapped with {other}");
        column.causes.insert(0, Cause { code: Code::SwappedColumns, text, strength: column.v });
    }
}

fn contribute(columns: &mut [Column]) {
    let weighed: Vec<(f64, f64)> = columns.iter().map(|column| (column.weight, column.coefficient)).collect();
    let parts = contributions(&weighed);
    let percents = percents(&parts);
    for ((column, part), percent) in columns.iter_mut().zip(parts).zip(percents) {
        (column.contribution, column.percent) = (part, percent);
    }
}

fn pillars(columns: &[Column], performance: Option<&Performance>, gate: f64, bands: Bands) -> Vec<Pillar> {
    let pillar = |name, value: Option<f64>, note: String| Pillar {
        name,
        value,
        band: value.map(|v| bands.of(v)),
        note,
    };
    let features: Vec<&Column> = columns.iter().filter(|column| column.role == Role::Feature).collect();
    let weighed: Vec<(f64, f64)> =
        features.iter().map(|column| (column.weight, column.coefficient)).collect();
    let peak = features.iter().max_by(|a, b| a.coefficient.total_cmp(&b.coefficient));
    let data = peak.map(|_| cubic_mean(&weighed));
    let data_note = match peak {
        None => "no feature to compare".to_owned(),
        Some(peak) if peak.coefficient > 0.0 => {
            let over = features.iter().filter(|column| column.coefficient >= bands.watch).count();
            format!(
                "{over} of {} features at {} or above; peak {} {:.2}",
                features.len(),
                bands.watch,
                peak.name,
                peak.coefficient
            )
        }
        Some(_) => format!("none of {} features differs by more than chance", features.len()),
    };
    let model = columns.iter().filter(|column| matches!(column.role, Role::Score | Role::Prediction));
    let predicted = model.max_by(|a, b| a.coefficient.total_cmp(&b.coefficient));
    let worst = columns
        .iter()
        .filter(|column| !matches!(column.role, Role::Label | Role::Time))
        .max_by(|a, b| a.quality.total_cmp(&b.quality));
    let (skill, skill_note) = skill(performance);
    let concept = performance.and_then(|all| all.concept);
    vec![
        pillar(PillarName::Data, data, data_note),
        pillar(
            PillarName::Prediction,
            predicted.map(|column| column.coefficient),
            predicted.map_or_else(|| "no score or decision".to_owned(), |column| column.name.clone()),
        ),
        pillar(
            PillarName::Quality,
            worst.map(|column| column.quality),
            worst.filter(|column| column.quality > 0.0).map_or_else(
                || "nothing beyond chance is missing, malformed, unseen or out of range".to_owned(),
                |column| format!("worst {}", column.name),
            ),
        ),
        pillar(PillarName::Performance, skill, skill_note),
        pillar(
            PillarName::Concept,
            concept.map(|found| if found.p < gate { found.corrected } else { 0.0 }),
            concept.map_or_else(
                || "needs labels and a score or decision on both sides".to_owned(),
                |found| format!("the label within {} groups of equal score", found.groups),
            ),
        ),
    ]
}

/// The lower bound of the skill lost, measured if there are labels, else expected from the scores.
fn skill(performance: Option<&Performance>) -> (Option<f64>, String) {
    let Some(loss) = performance.and_then(|all| all.measured.or(all.estimated)) else {
        let has_labels = performance.is_some();
        let why = if has_labels {
            "nothing to compare: too few labels now, or no skill in the reference that could be lost"
        } else {
            "needs labels, and scores or decisions, of the reference"
        };
        return (None, why.to_owned());
    };
    let how = if loss.is_estimated { "estimated without labels" } else { "measured" };
    let note = format!(
        "{how}: {} {:.3} to {:.3}, skill lost {:.2}, at least {:.2}",
        loss.measure,
        loss.before,
        loss.now,
        loss.loss.clamp(0.0, 1.0),
        loss.lower.clamp(0.0, 1.0)
    );
    (Some(loss.lower.clamp(0.0, 1.0)), note)
}

/// The band that findings ask for by themselves. A fault of the pipeline is judged by the column that has it and not by
/// the mean of all; columns that changed places or rows have no V of their own, and neither has a correlation, of which
/// half the change counts. Inputs alone: never a rollback.
fn raised(findings: &[Finding], columns: &[Column], breaks: &[Break], bands: Bands) -> Band {
    let faults = findings.iter().filter(|finding| finding.kind == FindingKind::PipelineFault);
    let of_fault = |finding: &Finding| match finding.code {
        Code::SwappedColumns | Code::DetachedColumn => Band::Investigate,
        _ => {
            let own = columns.iter().filter(|column| finding.columns.contains(&column.name));
            bands.of(own.map(|column| column.coefficient).fold(0.0, f64::max))
        }
    };
    let changed = breaks.iter().filter_map(|found| match found {
        Break::Changed { before, now, .. } => Some(bands.of((before - now).abs() / 2.0)),
        // Faults of the pipeline, see above.
        Break::Swapped { .. } | Break::Detached { .. } => None,
    });
    faults.map(of_fault).chain(changed).max().unwrap_or(Band::Normal).min(Band::Investigate)
}

/// Whether labels show that no skill is lost. Without labels nobody knows what a model makes of values it has not seen.
fn is_harmless(performance: Option<&Performance>) -> bool {
    performance.and_then(|all| all.measured).is_some_and(|skill| skill.loss < diagnosis::HARM)
}

/// The quality of the worst column that a fault of the pipeline broke. Values that are merely new, or beyond what the
/// reference holds, may be a change of the world.
fn broken(findings: &[Finding], columns: &[Column]) -> f64 {
    let is_broken = |name: &String| {
        let faults = findings.iter().filter(|finding| finding.kind == FindingKind::PipelineFault);
        faults.into_iter().any(|fault| fault.columns.contains(name))
    };
    columns.iter().filter(|column| is_broken(&column.name)).map(|column| column.quality).fold(0.0, f64::max)
}

/// What the headline heeds beside the pillars.
struct Seen {
    /// Rows of the smaller side.
    rows: u64,
    raised: Band,
    has_fault: bool,
    /// The most that quality can ask for: that of what is broken, where labels show that the rest does no harm.
    most_broken: f64,
}

fn headline(pillars: &[Pillar], columns: &[Column], bands: Bands, seen: &Seen) -> Headline {
    let value = |pillar: &Pillar| pillar.value.unwrap_or(0.0);
    let top = pillars.iter().max_by(|a, b| value(a).total_cmp(&value(b)));
    let coefficient = top.map_or(0.0, value);
    let full = bands.of(coefficient);
    // Inputs and predictions that drift alone may do no harm: nobody is rolled back for them.
    let hard = pillars
        .iter()
        .filter_map(|pillar| match pillar.name {
            PillarName::Data | PillarName::Prediction => None,
            PillarName::Quality => Some(value(pillar).min(seen.most_broken)),
            PillarName::Performance | PillarName::Concept => Some(value(pillar)),
        })
        .map(|value| bands.of(value))
        .max()
        .unwrap_or(Band::Normal);
    let is_capped = full == Band::Rollback && hard < Band::Rollback;
    let own = if is_capped { Band::Investigate } else { full };
    let (band, is_raised) = (own.max(seen.raised), seen.raised > own);
    // Hours and weekdays are shown and decide nothing.
    let judged = || columns.iter().filter(|column| column.role.is_compared());
    let compared = judged().count();
    let unsure = judged().filter(|column| column.evidence == Evidence::NotEnough).count();
    let has_rows = seen.rows >= MIN_ROWS;
    let has_evidence = has_rows && (band > Band::Normal || (compared > 0 && unsure * 2 < compared));
    let pillar = top.filter(|top| value(top) > 0.0).map(|top| top.name);
    let text = if has_evidence {
        match words(band, is_capped, is_raised, seen.has_fault) {
            RETRAIN if pillar == Some(PillarName::Quality) => QUALITY.to_owned(),
            text => text.to_owned(),
        }
    } else if has_rows {
        format!(
            "not enough evidence: {unsure} of {compared} columns have too few rows to tell a drift from chance"
        )
    } else {
        format!("not enough evidence: {} rows, where a verdict takes {MIN_ROWS} on either side", seen.rows)
    };
    let band = has_evidence.then_some(band);
    Headline { coefficient, pillar, band, is_capped, is_raised, has_evidence, text }
}

/// What to do about drift of the band, if nothing else is known.
const RETRAIN: &str = "investigate, and retrain if the world changed";
/// The same where it is the values themselves that are not sound.
const QUALITY: &str =
    "investigate where the missing, new or out-of-range values come from before anything is retrained";

fn words(band: Band, is_capped: bool, is_raised: bool, has_fault: bool) -> &'static str {
    match (band, has_fault) {
        (Band::Normal, true) => "no drift that matters, but a fault of the pipeline",
        (Band::Normal, false) => "no drift that matters",
        (Band::Watch, true) => "watch, and repair the pipeline",
        (Band::Watch, false) if is_raised => "watch it: columns move together otherwise than before",
        (Band::Watch, false) => "watch it",
        (Band::Investigate, true) => "investigate: repair the pipeline, do not retrain on it",
        (Band::Investigate, false) if is_raised => "investigate: columns move together otherwise than before",
        (Band::Investigate, false) if is_capped => {
            "investigate, retrain if it harms (inputs alone never ask for a rollback)"
        }
        (Band::Investigate, false) => RETRAIN,
        (Band::Rollback, true) => "roll back, and repair the pipeline",
        (Band::Rollback, false) => "roll back",
    }
}
