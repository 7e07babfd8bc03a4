//! Why one column drifts, from its own bins and quantiles.

use crate::column::POINTS;
use crate::counts::Counts;
use crate::grid::{CategoryGrid, Grid, NumberGrid, shown};
use crate::measures::Balanced;
use crate::num::{real, share};
use crate::profile::Role;

use super::compared::Compared;
use super::report::{Cause, Code};
use super::units::{Scale, scale_change};

/// New categories that a text names.
const NAMED: usize = 3;
/// Part of the mass of unseen categories that another spelling must explain.
const SPELLING_SHARE: f64 = 0.8;

/// The causes of a column, the strongest first; none if nothing differs more than by chance at level `alpha`, or by
/// less than `least`.
pub(super) fn of(column: &Compared, alpha: f64, least: f64) -> Vec<Cause> {
    if column.is_absent {
        // Labels come late: that none has come is nothing about the data.
        let text =
            if column.role == Role::Label { "no label has come yet" } else { "the column is not there" };
        return vec![Cause { code: Code::MissingColumn, text: text.to_owned(), strength: 1.0 }];
    }
    let Some(scored) = &column.scored else { return Vec::new() };
    let counts = |found: &Option<Balanced>| found.filter(|v| v.passes(alpha) && v.corrected >= least);
    let mut causes = Vec::new();
    for (at, found) in scored.special.iter().enumerate() {
        if let Some(found) = counts(found) {
            causes.push(special(column, at, found.corrected));
        }
    }
    if let Some(found) = counts(&scored.values) {
        causes.push(of_values(column, found.corrected));
    }
    causes.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    causes
}

fn special(column: &Compared, at: usize, strength: f64) -> Cause {
    let rates = |counts: &Counts| share(counts.special()[at], counts.rows());
    let (before, now) = (rates(&column.reference), rates(&column.current));
    let (code, what) = match at {
        0 => (Code::MissingValues, "are missing"),
        1 => (Code::NotFinite, "are not a number (NaN)"),
        2 => (Code::NotFinite, "are minus infinity"),
        3 => (Code::NotFinite, "are infinite"),
        _ => (Code::WrongType, "are texts where the reference has numbers"),
    };
    let text = format!("{} of the values {what} ({} in the reference)", percent(now), percent(before));
    Cause { code, text, strength }
}

/// What happened to the values that there are.
fn of_values(column: &Compared, strength: f64) -> Cause {
    if let Some(text) = &column.about {
        return Cause { code: Code::Shift, text: text.clone(), strength };
    }
    if let Some(value) = &column.constant_now
        && column.constant_before.is_none()
    {
        let text = format!("constant: every value is {value}");
        return Cause { code: Code::Constant, text, strength };
    }
    match &column.grid {
        Grid::Categorical(grid) => of_categories(column, grid, strength),
        Grid::Numeric(grid) => of_numbers(column, grid, strength),
    }
}

fn of_numbers(column: &Compared, grid: &NumberGrid, strength: f64) -> Cause {
    if let Some((before, now)) = &column.quantiles
        && let Some(scale) = scale_change(before, now, column.current.valid())
    {
        return Cause { code: Code::UnitChange, text: unit_text(&scale), strength };
    }
    let outside = column.current.outside(&column.grid);
    let valid = column.current.valid();
    let (below, above) = (share(outside.below, valid), share(outside.above, valid));
    // Where most of the difference is mass outside of the range, that says more than a median.
    if below + above > 0.5
        && let Some((least, greatest)) = grid.range()
    {
        let (part, side, end) = if above >= below {
            (above, "above the reference's largest", greatest)
        } else {
            (below, "below the reference's smallest", least)
        };
        let text = format!("{} of the values lie {side}, {}", percent(part), shown(end));
        return Cause { code: Code::OutOfRange, text, strength };
    }
    Cause { code: Code::Shift, text: shift_text(column, grid), strength }
}

fn unit_text(scale: &Scale) -> String {
    let factor = shown(scale.slope);
    let offset = if scale.offset == 0.0 {
        String::new()
    } else {
        let sign = if scale.offset < 0.0 { '-' } else { '+' };
        format!(" {sign} {}", shown(scale.offset.abs()))
    };
    match scale.known_as {
        Some(name) => format!("unit change: current = {factor} x reference{offset} ({name})"),
        None => format!("other scale: current is about {factor} x reference{offset}"),
    }
}

/// Location, spread, or the bin that gained most.
fn shift_text(column: &Compared, grid: &NumberGrid) -> String {
    if let Some((before, now)) = &column.quantiles {
        let spread = |points: &[f64; POINTS]| points[14] - points[4];
        let (wide, moved) = (spread(before), now[9] - before[9]);
        let (ratio, step) = (spread(now) / wide, moved / wide);
        if wide > 0.0 && step.abs() >= 0.1 && step.abs() >= (ratio.ln() / 2.0).abs() {
            let way = if moved > 0.0 { "higher" } else { "lower" };
            return format!("values are {way}: median {} instead of {}", shown(now[9]), shown(before[9]));
        }
        if wide > 0.0 && !(0.87..1.15).contains(&ratio) {
            let way = if ratio > 1.0 { "wider" } else { "narrower" };
            let (now, before) = (shown(spread(now)), shown(wide));
            return format!("values are spread {way}: the middle half spans {now} instead of {before}");
        }
    }
    let (before, now) =
        (grid.scored_counts(&column.reference.bins), grid.scored_counts(&column.current.bins));
    let (n1, n2) = (column.reference.valid(), column.current.valid());
    let gain = |at: usize| share(now[at], n2) - share(before[at], n1);
    let most = (0..before.len()).max_by(|a, b| gain(*a).abs().total_cmp(&gain(*b).abs())).unwrap_or(0);
    let borders = grid.scored_borders();
    let place = match (most.checked_sub(1).and_then(|at| borders.get(at)), borders.get(most)) {
        (None, Some(end)) => format!("below {}", shown(end.next_up())),
        (Some(start), None) => format!("above {}", shown(*start)),
        (Some(start), Some(end)) if start.next_up() >= *end => format!("at {}", shown(*end)),
        (Some(start), Some(end)) => format!("from {} to {}", shown(*start), shown(*end)),
        (None, None) => "anywhere".to_owned(),
    };
    format!(
        "{} of the values {place} instead of {}",
        percent(share(now[most], n2)),
        percent(share(before[most], n1))
    )
}

fn of_categories(column: &Compared, grid: &CategoryGrid, strength: f64) -> Cause {
    let rows = column.current.valid();
    let unseen = column.current.outside(&column.grid).unseen;
    if let (Some(novel), true) = (&column.current.novel, unseen > 0) {
        let pairs: Vec<(&str, &str)> = novel
            .keys()
            .filter_map(|name| Some((known_spelling(grid, column, name)?, name.as_str())))
            .collect();
        let explained: u64 = pairs.iter().filter_map(|(_, name)| novel.get(*name)).sum();
        if real(explained) >= SPELLING_SHARE * real(unseen) && share(unseen, rows) > 0.05 {
            let (known, name) = pairs[0];
            let text = format!("categories are written otherwise: {} is now {}", quoted(known), quoted(name));
            return Cause { code: Code::Spelling, text, strength };
        }
    }
    let expected = share(
        grid.scored_counts(&column.reference.bins, true).last().copied().unwrap_or(0),
        column.reference.valid(),
    );
    let largest = largest_move(column, grid);
    let new = share(unseen, rows);
    if new - expected > largest.as_ref().map_or(0.0, |(_, before, now)| (now - before).abs() / 2.0) {
        let text = format!("new categories: {} of the values{}", percent(new), names(&column.current, rows));
        return Cause { code: Code::NewCategories, text, strength };
    }
    let text = match largest {
        Some((name, before, now)) => {
            format!("{} has {} instead of {}", quoted(&name), percent(now), percent(before))
        }
        None => "the shares of the categories changed".to_owned(),
    };
    Cause { code: Code::Shift, text, strength }
}

/// The known category whose share moved most: its name, share before and now.
fn largest_move(column: &Compared, grid: &CategoryGrid) -> Option<(String, f64, f64)> {
    let (n1, n2) = (column.reference.valid(), column.current.valid());
    let of = |bin: usize| (share(column.reference.bins[bin], n1), share(column.current.bins[bin], n2));
    let gap = |bin: usize| (of(bin).0 - of(bin).1).abs();
    let bin = (0..grid.names().len()).max_by(|a, b| gap(*a).total_cmp(&gap(*b)))?;
    let (before, now) = of(bin);
    Some((grid.names()[bin].clone(), before, now))
}

/// The known category that is the same but for case, blanks and signs, and that has become rare itself.
fn known_spelling<'a>(grid: &'a CategoryGrid, column: &Compared, name: &str) -> Option<&'a str> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let number = name.trim().parse::<f64>().ok();
    let at = grid.names().iter().position(|known| {
        (!wanted.is_empty() && plain(known) == wanted)
            || number.is_some_and(|number| {
                known.trim().parse::<f64>().is_ok_and(|other| other.total_cmp(&number).is_eq())
            })
    })?;
    let (before, now) = (column.reference.bins[at], column.current.bins[at]);
    (share(now, column.current.rows()) < share(before, column.reference.rows()) / 2.0)
        .then(|| grid.names()[at].as_str())
}

fn names(current: &Counts, rows: u64) -> String {
    let Some(novel) = &current.novel else { return ", more than can be named".to_owned() };
    let mut all: Vec<(&String, &u64)> = novel.iter().collect();
    all.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|(name, count)| format!("{} ({})", quoted(name), percent(share(**count, rows))))
        .collect();
    let more = all.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    if shown.is_empty() { String::new() } else { format!(": {}{rest}", shown.join(", ")) }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// A share for people.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        "0 %".to_owned()
    } else if percent < 0.1 {
        "<0.1 %".to_owned()
    } else if percent < 10.0 {
        format!("{percent:.1} %")
    } else if !(99.5..100.0).contains(&percent) {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}
