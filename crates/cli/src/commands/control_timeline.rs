//! `comptroller control timeline`: controls and criteria day by day, as bars that fit the terminal.
//!
//! A sign stands for a day, or for as many as it takes, and is then the worst of them.

use crate::client::Answer;
use crate::failure::Failure;
use crate::output::{Screen, Style, clean, columns, write_file};
use comptroller_app::controls::timeline_html;
use comptroller_compliance::control::shipped;
use comptroller_compliance::framework::{Catalogue, Day};
use comptroller_compliance::window::result::{DayState, Run};
use comptroller_compliance::window::{Timeline, TimelineRow, WindowResult, timeline};
use std::fmt::Write as _;
use std::path::Path;

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Most days that are drawn: more than the longest window has.
const MOST: usize = 11 * 366 + 1;

/// Shows the timelines of a result; with `html`, writes them as a page too.
pub(super) fn show(screen: Screen, result: &WindowResult, html: Option<&Path>) -> anyhow::Result<()> {
    let catalogue = Catalogue::builtin()?;
    let framework = result.framework.as_deref().and_then(|id| catalogue.framework(id));
    let rows = timeline(result, &shipped()?, framework);
    if let Some(file) = html {
        write_file(file, timeline_html(&rows).as_bytes()).map_err(|error| {
            Failure::usage(format!("{}: {error}", file.display()), "name a file that can be written")
        })?;
    }
    let answer = Answer::of_value(serde_json::to_value(&rows)?);
    screen.print(&answer, |_| text(&rows, screen.style, columns()))
}

fn text(rows: &Timeline, style: Style, columns: usize) -> String {
    let days = days(&rows.from, &rows.through);
    let ids = rows.controls.iter().chain(&rows.criteria).map(|row| row.id.chars().count()).max();
    let label = ids.unwrap_or(0).min(columns / 3).max(8);
    let room = columns.saturating_sub(label + 2).max(10);
    let each = days.len().div_ceil(room).max(1);
    let mut out = format!("{} to {}, {}\n", rows.from, rows.through, scale(each));
    for state in DayState::ALL {
        let _ = write!(out, "{} {}   ", painted(state, style, &state.sign().to_string()), state.as_str());
    }
    out.push('\n');
    // Of a single control nothing is said of criteria, and without a framework they would be those of all.
    if rows.framework.is_some() && !rows.criteria.is_empty() {
        let _ = writeln!(out, "\n{:label$}  {}", "CRITERIA", style.dim(&months(&days, each)));
        rows.criteria.iter().for_each(|row| one(&mut out, row, style, (label, each)));
    }
    if !rows.controls.is_empty() {
        let _ = writeln!(out, "\n{:label$}  {}", "CONTROLS", style.dim(&months(&days, each)));
        rows.controls.iter().for_each(|row| one(&mut out, row, style, (label, each)));
    }
    if !rows.not_in_operation.is_empty() {
        let _ = writeln!(out, "\nnot in operation: {}", rows.not_in_operation.join(", "));
    }
    if rows.framework.is_none() && rows.control.is_none() {
        out.push_str(
            "\n`--framework soc2` shows the criteria of a framework, each with the controls that serve it\n",
        );
    }
    if let Some(lapse) = &rows.lapse {
        let _ =
            writeln!(out, "\nlapses first: {}, {} of {}", lapse.day, clean(&lapse.occurrence), lapse.control);
    }
    let _ = writeln!(out, "{}", style.dim(&format!("result {}", rows.result)));
    out
}

/// A row: its bar, and below it what it is, how it stands since when, and what is due next.
fn one(out: &mut String, row: &TimelineRow, style: Style, (label, each): (usize, usize)) {
    let id: String = clean(&row.id).chars().take(label).collect();
    let _ = writeln!(out, "{}  {}", style.strong(&format!("{id:<label$}")), bar(&row.runs, each, style));
    let mut said = vec![clean(&row.title)];
    said.extend(row.last().map(|(state, since)| format!("{} since {since}", state.as_str())));
    if !row.not_in_operation.is_empty() {
        said.push(format!("not in operation: {}", row.not_in_operation.join(", ")));
    }
    let what = row.lapse.as_ref();
    said.extend(
        what.map(|lapse| format!("due by {}: {} of {}", lapse.day, clean(&lapse.occurrence), lapse.control)),
    );
    said.retain(|part| !part.is_empty());
    let _ = writeln!(out, "{:label$}  {}", "", style.dim(&said.join("; ")));
}

/// One sign for `each` days, the worst of them.
fn bar(runs: &[Run], each: usize, style: Style) -> String {
    let states: Vec<DayState> = runs
        .iter()
        .flat_map(|run| std::iter::repeat_n(run.state, days(&run.from, &run.through).len()))
        .collect();
    let worst = states.chunks(each).filter_map(|days| days.iter().max().copied()).collect::<Vec<_>>();
    let same = worst.chunk_by(|one, other| one == other);
    same.map(|same| painted(same[0], style, &same[0].sign().to_string().repeat(same.len()))).collect()
}

fn painted(state: DayState, style: Style, text: &str) -> String {
    match state {
        DayState::Clear => style.good(text),
        DayState::NotEvidenced => style.caution(text),
        DayState::NotInOperation => style.dim(text),
        DayState::Open => style.bad(text),
    }
}

fn scale(each: usize) -> String {
    match each {
        1 => "one sign for each day".to_owned(),
        7 => "one sign for each week, the worst day of it".to_owned(),
        days => format!("one sign for {days} days, the worst of them"),
    }
}

/// The days from one to another, both counted.
fn days(from: &str, through: &str) -> Vec<Day> {
    let (Ok(from), Ok(through)) = (from.parse::<Day>(), through.parse::<Day>()) else { return Vec::new() };
    let mut days = Vec::new();
    let mut day = from;
    while day <= through && days.len() < MOST {
        days.push(day);
        day = Day::of(day.start().plus_seconds(DAY));
    }
    days
}

/// The months over a bar: each where it begins, if there is room for its name.
fn months(days: &[Day], each: usize) -> String {
    let mut line = String::new();
    for (place, part) in days.chunks(each).enumerate() {
        let first = part.iter().map(ToString::to_string).find(|day| day.ends_with("-01"));
        if let Some(month) = first.as_deref().and_then(|day| day.get(..7))
            && (line.is_empty() || line.chars().count() < place)
        {
            let _ = write!(line, "{:width$}{month}", "", width = place - line.chars().count());
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_compliance::window::Lapse;

    fn run(from: &str, through: &str, state: DayState) -> Run {
        Run { from: from.into(), through: through.into(), state, open: u64::from(state == DayState::Open) }
    }

    fn rows() -> Timeline {
        let lapse = Lapse {
            day: "2027-03-31".into(),
            at: "2027-04-01T00:00:00Z".parse().unwrap(),
            control: "CTL-X-01".into(),
            occurrence: "organisation/2027-01-01".into(),
        };
        let row = |id: &str, title: &str| TimelineRow {
            id: id.into(),
            title: title.into(),
            controls: vec!["CTL-X-01".into()],
            not_in_operation: Vec::new(),
            runs: vec![
                run("2026-01-01", "2026-03-31", DayState::NotEvidenced),
                run("2026-04-01", "2026-06-30", DayState::Clear),
                run("2026-07-01", "2026-07-01", DayState::Open),
                run("2026-07-02", "2026-12-31", DayState::Clear),
            ],
            lapse: Some(lapse.clone()),
        };
        Timeline {
            format: String::new(),
            from: "2026-01-01".into(),
            through: "2026-12-31".into(),
            framework: Some("soc2".into()),
            control: None,
            result: "0".repeat(64).parse().unwrap(),
            controls: vec![row("CTL-X-01", "A \u{1b}[2Jtitle")],
            criteria: vec![row("soc2:CC8.1", "Changes")],
            not_in_operation: vec!["CTL-Y-01".into()],
            lapse: Some(lapse.clone()),
        }
    }

    #[test]
    fn a_bar_fits_the_terminal_and_shows_the_worst_day() {
        for columns in [40, 72, 100, 400] {
            let text = text(&rows(), Style::plain(), columns);
            let bars: Vec<&str> = text.lines().filter(|line| line.contains("==")).collect();
            assert_eq!(bars.len(), 2, "{text}");
            for bar in bars {
                assert!(bar.chars().count() <= columns, "{bar}");
                // One day of 365 is there, in one sign.
                assert_eq!(bar.matches('X').count() - bar.matches("CTL-X").count(), 1, "{bar}");
                assert!(bar.contains('?'), "{bar}");
            }
        }
        let text = text(&rows(), Style::plain(), 400);
        assert!(text.contains("one sign for each day"), "{text}");
        let line = text.lines().find(|line| line.starts_with("CTL-X-01")).unwrap();
        assert_eq!(line.trim_start_matches("CTL-X-01").trim().chars().count(), 365);
    }

    #[test]
    fn a_row_says_since_when_and_what_is_due() {
        let text = text(&rows(), Style::plain(), 100);
        assert!(text.contains(
            "no exception open since 2026-07-02; due by 2027-03-31: organisation/2027-01-01 of CTL-X-01"
        ));
        assert!(text.contains("not in operation: CTL-Y-01"));
        assert!(text.contains("lapses first: 2027-03-31"));
        assert!(!text.contains('\u{1b}'), "a title steers the terminal");
        let months = text.lines().find(|line| line.starts_with("CRITERIA")).unwrap();
        assert!(months.contains("2026-01") && months.contains("2026-07"), "{months}");
    }
}
