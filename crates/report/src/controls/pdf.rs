//! The tests of controls as PDF, in the order of the page.
//!
//! INVARIANT (no-conclusion): the field for the conclusion is empty.

use super::html::{SHOWN, state};
use super::strip::{days, excerpt, said};
use super::timeline::{due, stands};
use super::{TIMELINE_MEANING, minute, noted, percent};
use crate::pdf::{Column, Days, Hand, Part, PdfError, Shade, Sheet, Table, Text, Tone, print};
use comptroller_compliance::sample::Sample;
use comptroller_compliance::window::result::{DayState, Run};
use comptroller_compliance::window::{ControlException, ControlResult, Timeline, TimelineRow, WindowResult};

/// Exceptions of one control that are listed; the rest stands in the CSV. On paper more are read by nobody.
const EXCEPTIONS: usize = 200;

/// The tests of controls as tagged PDF; the same result gives the same bytes.
///
/// Its date is the moment until which evidence counts, its id the digest of the result.
///
/// # Errors
/// [`PdfError::TooLong`] of tests with too many pages.
pub fn pdf(result: &WindowResult, samples: &[Sample], timelines: &Timeline) -> Result<Vec<u8>, PdfError> {
    let about = result.framework.as_deref().unwrap_or("all frameworks");
    let mut parts = vec![Part::Text(Text::plain(format!(
        "{} to {} (UTC). Computed from every entry of the log: no sample stands for the rest, and no opinion stands here. \
         The columns for conclusions are the auditor's.",
        minute(result.from),
        minute(result.to)
    )))];
    first(&mut parts, result);
    tests(&mut parts, result);
    criteria(&mut parts, timelines);
    for control in &result.controls {
        let sample = samples.iter().find(|sample| sample.control == control.id);
        self::control(&mut parts, result, control, sample);
    }
    receipts(&mut parts, result);
    print(&Sheet {
        title: format!("Tests of controls: {about}"),
        about: format!("{} to {}", minute(result.from), minute(result.to)),
        date: Some(result.evidence_until),
        digest: result.digest.clone(),
        parts,
    })
}

fn first(parts: &mut Vec<Part>, result: &WindowResult) {
    let all = result.controls.iter().map(|control| control.exceptions.len()).sum::<usize>();
    let open = result.controls.iter().map(|control| control.point.open).sum::<u64>();
    let expected = result.controls.iter().map(|control| control.period.expected).sum::<u64>();
    parts.push(Part::Section("To know first".into()));
    let text = Text::strong(all.to_string())
        .then(Hand::Plain, " exceptions among ")
        .then(Hand::Strong, expected.to_string())
        .then(Hand::Plain, format!(" expected occurrences of {} controls; ", result.controls.len()))
        .then(Hand::Strong, open.to_string())
        .then(Hand::Plain, " are open at the end.");
    parts.push(Part::Text(text));
    let with = result.controls.iter().filter(|control| !control.exceptions.is_empty());
    let items: Vec<Text> = with
        .map(|control| {
            let (count, expected) = (control.exceptions.len(), control.period.expected);
            Text::plain(format!("{} {}: {count} of {expected}", control.id, control.title))
        })
        .collect();
    if !items.is_empty() {
        parts.push(Part::List(items));
    }
    if !result.not_in_operation.is_empty() {
        parts.push(Part::Text(Text::plain(format!(
            "Not in operation in the window, and therefore not tested: {}.",
            result.not_in_operation.join(", ")
        ))));
    }
}

fn tests(parts: &mut Vec<Part>, result: &WindowResult) {
    parts.push(Part::Section("Tests of controls".into()));
    let columns = vec![
        Column::words("Criterion"),
        Column::words("Control"),
        Column::words("Test"),
        Column::number("Population"),
        Column::number("Exceptions"),
        Column::words("Result"),
        Column::field("Conclusion"),
    ];
    let mut rows = Vec::new();
    for criterion in &result.criteria {
        for control in result.controls.iter().filter(|control| criterion.controls.contains(&control.id)) {
            let period = &control.period;
            let pending =
                if period.pending > 0 { format!(", {} not due yet", period.pending) } else { String::new() };
            rows.push(vec![
                criterion.criterion.clone(),
                format!("{} {}", control.id, control.title),
                format!("Every occurrence, {}: all tests of the definition", control.rhythm),
                period.expected.to_string(),
                period.exceptions.to_string(),
                format!(
                    "{} of {} met ({}){pending}",
                    period.met,
                    period.met + period.exceptions,
                    percent(period.met_ppm)
                ),
                // INVARIANT (no-conclusion): the last cell stays empty.
                String::new(),
            ]);
        }
    }
    let summary =
        "What was tested of each control for each criterion, with a field for the conclusion".into();
    parts.push(Part::Table(Table { caption: None, summary, columns, rows }));
}

fn control(parts: &mut Vec<Part>, result: &WindowResult, control: &ControlResult, sample: Option<&Sample>) {
    parts.push(Part::Section(format!("{} {}", control.id, control.title)));
    parts.push(Part::Text(Text::plain(&control.objective)));
    parts.push(Part::Text(Text::dim(format!(
        "Owner: {}. Expected {}. Own rule: {} over the period.",
        control.owner,
        control.rhythm,
        percent(Some(control.period.rule_ppm))
    ))));
    for finding in &control.findings {
        let text = Text::strong(&finding.kind).then(Hand::Plain, format!(": {}", finding.says));
        parts.push(Part::Text(text));
    }
    timeline(parts, control);
    for exception in control.exceptions.iter().take(EXCEPTIONS) {
        self::exception(parts, result, exception);
    }
    if control.exceptions.len() > EXCEPTIONS {
        let more = control.exceptions.len() - EXCEPTIONS;
        let text = format!("{more} more exceptions stand in exceptions.csv.");
        parts.push(Part::Text(Text::plain(text).in_tone(Tone::Wrong)));
    }
    occurrences(parts, control);
    if let Some(sample) = sample {
        let text = Text::strong(format!("Sample: {} of {}. ", sample.drawn.len(), sample.population));
        parts.push(Part::Text(text.then(
            Hand::Plain,
            format!("Seed {}, fixed by the log with {} entries.", sample.seed, sample.seal.size),
        )));
        parts.push(Part::Text(Text::plain(sample.drawn.join(", "))));
    }
    let blind = format!("What it cannot see: {}", control.blind_spots.join(" "));
    parts.push(Part::Text(Text::dim(blind)));
}

/// Every criterion day by day; the days of a control stand with it.
fn criteria(parts: &mut Vec<Part>, timelines: &Timeline) {
    if timelines.criteria.is_empty() {
        return;
    }
    parts.push(Part::Section("Timelines of criteria".into()));
    parts.push(Part::Text(Text::dim(TIMELINE_MEANING)));
    let mut legend = Text::strong("Days. ");
    for state in DayState::ALL {
        let looks = match state {
            DayState::Clear => "half as high, filled",
            DayState::NotEvidenced => "half as high, an outline",
            DayState::NotInOperation => "a thin line",
            DayState::Open => "as high as the strip",
        };
        let end = if state == DayState::Open { "." } else { "; " };
        legend = legend.then(Hand::Plain, format!("{} ({}): {looks}{end}", state.as_str(), state.sign()));
    }
    parts.push(Part::Text(legend));
    for row in &timelines.criteria {
        criterion(parts, row);
    }
}

fn criterion(parts: &mut Vec<Part>, row: &TimelineRow) {
    let mut text = Text::strong(&row.id).then(Hand::Plain, format!(" {}\n{}", row.title, stands(row)));
    if let Some(lapse) = &row.lapse {
        text = text.then(Hand::Plain, format!("; due next {}", due(lapse)));
    }
    // The strip stands close above its words.
    strip(parts, &row.runs);
    parts.push(Part::Text(text));
}

fn timeline(parts: &mut Vec<Part>, control: &ControlResult) {
    if control.timeline.is_empty() {
        return;
    }
    strip(parts, &control.timeline);
    parts.push(Part::Text(Text::dim(excerpt(&said(&control.timeline)))));
}

fn strip(parts: &mut Vec<Part>, runs: &[Run]) {
    let shaded = |run: &Run| {
        let shade = match run.state {
            DayState::Clear => Shade::Good,
            DayState::Open => Shade::Bad,
            DayState::NotEvidenced => Shade::Unseen,
            DayState::NotInOperation => Shade::None,
        };
        (days(run), shade)
    };
    parts.push(Part::Days(Days { runs: runs.iter().map(shaded).collect(), says: said(runs) }));
}

fn exception(parts: &mut Vec<Part>, result: &WindowResult, exception: &ControlException) {
    let closed = exception.closed.map_or_else(|| "open".to_owned(), |at| format!("closed {}", minute(at)));
    let text = Text::strong("Exception ").then(
        Hand::Plain,
        format!(
            "{}\n{} on {}; since {}, {closed}.",
            &exception.id.as_str()[..12],
            exception.occurrence,
            minute(exception.at),
            minute(exception.since)
        ),
    );
    parts.push(Part::Text(text.in_tone(Tone::Wrong)));
    let mut items = Vec::new();
    for cause in &exception.causes {
        let late = cause.late.map_or_else(String::new, |at| format!(" It was there on {}.", minute(at)));
        let shown: Vec<String> = cause.shown_by.iter().map(u64::to_string).collect();
        let shown = if shown.is_empty() { String::new() } else { format!(" Entries {}.", shown.join(", ")) };
        items.push(format!("Cause: {}.{late}{shown}", cause.says));
    }
    items.push(format!("Effect to guard against: {}", exception.effect));
    for note in result.notes.get(&exception.id).map_or(&[][..], Vec::as_slice) {
        items.push(noted(note));
    }
    parts.push(Part::List(items.into_iter().map(|item| Text::plain(item).in_tone(Tone::Wrong)).collect()));
}

fn occurrences(parts: &mut Vec<Part>, control: &ControlResult) {
    let mut text = Text::strong(format!("Population: {}. ", control.population.len()));
    if !control.excluded.is_empty() {
        let excluded = control.excluded.iter().map(|one| format!("{} ({})", one.why, one.count));
        let excluded = excluded.collect::<Vec<String>>().join("; ");
        text = text.then(Hand::Plain, format!("Not in it, with the reason: {excluded}."));
    }
    parts.push(Part::Text(text));
    if control.population.is_empty() {
        return;
    }
    let rows = control.population.iter().take(SHOWN).map(|one| {
        let entries: Vec<String> = one.evidence.iter().map(u64::to_string).collect();
        vec![one.key.clone(), minute(one.at), state(one.state).to_owned(), entries.join(" ")]
    });
    parts.push(Part::Table(Table {
        caption: None,
        summary: format!("The occurrences of {}", control.id),
        columns: ["Occurrence", "When", "State", "Entries"].map(Column::words).into(),
        rows: rows.collect(),
    }));
    if control.population.len() > SHOWN {
        let more = control.population.len() - SHOWN;
        let text = format!("{more} more stand in populations/{}.csv.", control.id);
        parts.push(Part::Text(Text::plain(text)));
    }
}

fn receipts(parts: &mut Vec<Part>, result: &WindowResult) {
    parts.push(Part::Section("How to make it again".into()));
    parts.push(Part::Text(Text::plain(format!(
        "Result {}, engine {}, evidence until {}. Log of {} entries with the root {}. comptroller control test PACK \
         computes the same digest from the entries, offline.",
        result.digest,
        result.engine,
        minute(result.evidence_until),
        result.ledger.size,
        result.ledger.root
    ))));
    let rows = result.receipts.iter().map(|receipt| {
        vec![
            receipt.control.clone(),
            receipt.list.clone(),
            receipt.rows.to_string(),
            receipt.excluded.to_string(),
            receipt.digest.to_string(),
        ]
    });
    parts.push(Part::Table(Table {
        caption: Some("Receipts".into()),
        summary: "How complete each list is".into(),
        columns: vec![
            Column::words("Control"),
            Column::words("List"),
            Column::number("Rows"),
            Column::number("Excluded"),
            Column::words("Digest"),
        ],
        rows: rows.collect(),
    }));
}
