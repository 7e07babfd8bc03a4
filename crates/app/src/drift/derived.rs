//! Columns that are made from others: what describes free texts, the calendar of times, and the score of a classifier on
//! vectors. Each is read in a visit of its own, and compared like any other column.

use comptroller_lake::{Declared, Raw, Source};
use comptroller_stats::cells::{Block, BlockBuilder};
use comptroller_stats::column::{Current, Reference};
use comptroller_stats::drift::{Compared, Inputs, RoleView};
use comptroller_stats::embedding::{self, VectorGather, Vectors};
use comptroller_stats::gather::{Gather, Gathered};
use comptroller_stats::grid::Kind;
use comptroller_stats::profile::{Profile, Role};
use comptroller_stats::text::Vocabulary;

use super::times::{self, Times};
use super::{DriftError, Plan};

/// Rows of a derived column that are compared, at most: an even sample of all.
pub(super) const ROWS: usize = 1 << 18;

/// Columns that are made from a column of text.
const OF_TEXT: [(&str, Kind); 5] = [
    ("length", Kind::Numeric),
    ("words", Kind::Numeric),
    ("signs", Kind::Numeric),
    ("unknown words", Kind::Numeric),
    ("script", Kind::Categorical),
];

/// Adds what is derived from both sides.
pub(super) fn of_data(
    inputs: &mut Inputs,
    reference: &Source,
    current: &Source,
    plan: Plan,
) -> Result<(), DriftError> {
    for role in inputs.roles.clone() {
        let Some(before) = place(reference, &role.column) else { continue };
        if !matches!(role.role, Role::Text | Role::Embedding | Role::Time) {
            continue;
        }
        let Some(now) = place(current, &role.column) else {
            inputs.columns.push(absent(&role, inputs.current.rows));
            continue;
        };
        match role.role {
            Role::Text => inputs.columns.extend(of_text(&role.column, (reference, before), (current, now))?),
            Role::Embedding => {
                let (before, now) = (vectors(reference, before, None)?, vectors(current, now, None)?);
                let (found, column) = embedding::compare(&role.column, &before, &now);
                inputs.embeddings.push(found);
                inputs.columns.extend(column);
            }
            _ => of_time(inputs, &role.column, (reference, before), (current, now), plan)?,
        }
    }
    Ok(())
}

/// Adds what a profile can be compared with: sums of vectors, and the order of the current rows.
pub(super) fn of_profile(
    inputs: &mut Inputs,
    profile: &Profile,
    current: &Source,
    plan: Plan,
) -> Result<(), DriftError> {
    for (name, moments) in &profile.vectors {
        if let Some(now) = place(current, name) {
            let found = vectors(current, now, Some(moments.dims()))?;
            let (found, column) = embedding::of_profiles(name, moments, &found.moments);
            inputs.embeddings.push(found);
            inputs.columns.extend(column);
        }
    }
    let of_role = |role: Role| profile.columns.iter().filter(move |column| column.role == role);
    if let Some((name, at)) =
        of_role(Role::Time).find_map(|time| Some((&time.name, place(current, &time.name)?)))
    {
        let now = times_of(current, at, plan)?;
        inputs.notes.extend(now.range().map(|range| format!("{name}: the current rows are from {range}")));
        inputs.time = Some(now.order(plan.sample));
    }
    let texts: Vec<&str> = of_role(Role::Text).map(|column| column.name.as_str()).collect();
    if !texts.is_empty() {
        inputs.notes.push(format!("a profile keeps no texts: {} not compared", texts.join(", ")));
    }
    Ok(())
}

/// The vectors of a column; `dims` is their length if it is known, else that of the first.
pub(super) fn vectors(source: &Source, place: usize, dims: Option<usize>) -> Result<Vectors, DriftError> {
    let mut gather = VectorGather::new(dims);
    source.visit(&[place], &mut |_, cell| {
        gather.push(match cell {
            Raw::Vector(vector) => Some(vector),
            _ => None,
        });
    })?;
    Ok(gather.finish())
}

fn place(source: &Source, name: &str) -> Option<usize> {
    source.columns().iter().position(|column| column.name == name)
}

/// A column that the current rows lack.
fn absent(role: &RoleView, rows: u64) -> Compared {
    let nothing = Reference::of(&whole(Block::of_nulls(0)), Kind::Categorical);
    let own = if role.role == Role::Time { Role::Time } else { Role::Feature };
    Compared::of(&role.column, own, nothing, None, rows)
}

/// What describes the texts of both sides; together they weigh as much as one feature.
fn of_text(
    name: &str,
    (reference, before): (&Source, usize),
    (current, now): (&Source, usize),
) -> Result<Vec<Compared>, DriftError> {
    let mut known = Vocabulary::default();
    reference.visit(&[before], &mut |_, cell| {
        if let Raw::Text(text) = cell {
            known.add(text);
        }
    })?;
    let before = described(reference, before, &known)?;
    let now = described(current, now, &known)?;
    let mut columns = Vec::new();
    for (((what, kind), before), now) in OF_TEXT.iter().zip(before).zip(now) {
        let mut column = both(&format!("{name}: {what}"), Role::Feature, *kind, before, now);
        column.share = 1.0 / to_real(OF_TEXT.len());
        columns.push(column);
    }
    Ok(columns)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
fn to_real(count: usize) -> f64 {
    count as f64
}

/// The five columns of a side, in the order of [`OF_TEXT`].
fn described(source: &Source, place: usize, known: &Vocabulary) -> Result<Vec<Block>, DriftError> {
    let mut columns: Vec<Column> = OF_TEXT.iter().map(|_| Column::default()).collect();
    source.visit(&[place], &mut |_, cell| {
        let found = match cell {
            Raw::Text(text) => Some(known.describe(text)),
            Raw::Number(number) => Some(known.describe(&number.to_string())),
            Raw::Nothing | Raw::Vector(_) => None,
        };
        let numbers =
            found.map(|found| [Some(found.length), Some(found.words), Some(found.other), found.unknown]);
        for (column, number) in columns.iter_mut().zip(numbers.unwrap_or_default()) {
            column.push(|row| match number {
                Some(number) => row.number(number),
                None => row.null(),
            });
        }
        if let Some(script) = columns.last_mut() {
            script.push(|row| match found {
                Some(found) => row.text(found.script),
                None => row.null(),
            });
        }
    })?;
    Ok(columns.into_iter().map(Column::finish).collect())
}

/// Hour and weekday of both sides, and the seconds between rows: shown, and outside of the coefficient, because two
/// windows differ in their calendar by what they are.
fn of_time(
    inputs: &mut Inputs,
    name: &str,
    (reference, before): (&Source, usize),
    (current, now): (&Source, usize),
    plan: Plan,
) -> Result<(), DriftError> {
    let (before, now) = (times_of(reference, before, plan)?, times_of(current, now, plan)?);
    if let (Some(first), Some(second)) = (before.range(), now.range()) {
        inputs
            .notes
            .push(format!("{name}: the reference is from {first}, the current rows are from {second}"));
    }
    for (what, kind, of) in times::COLUMNS {
        if let (Some(before), Some(now)) = (of(&before), of(&now)) {
            inputs.columns.push(both(&format!("{name}: {what}"), Role::Time, kind, before, now));
        }
    }
    if inputs.time.is_none() {
        inputs.time = Some(now.order(plan.sample));
    }
    Ok(())
}

fn times_of(source: &Source, place: usize, plan: Plan) -> Result<Times, DriftError> {
    let is_time = source.columns()[place].declared == Declared::Time;
    let mut gather = Gather::new(plan.capacity);
    let mut rows = BlockBuilder::default();
    source.visit(&[place], &mut |_, cell| {
        let micros = match cell {
            Raw::Number(number) if is_time => Some(number),
            Raw::Number(number) => Some(times::of_number(number)),
            Raw::Text(text) => times::of_text(text),
            Raw::Nothing | Raw::Vector(_) => None,
        };
        match micros {
            Some(micros) => rows.number(micros),
            None => rows.null(),
        }
        if rows.len() >= BATCH {
            gather.push(&std::mem::take(&mut rows).finish());
        }
    })?;
    gather.push(&rows.finish());
    Ok(Times::of(gather.finish()))
}

fn both(name: &str, role: Role, kind: Kind, before: Block, now: Block) -> Compared {
    let rows = now.len() as u64;
    let side = Reference::of(&whole(before), kind);
    let current = Current::of(&whole(now), &side.grid, None, 0);
    Compared::of(name, role, side, Some(current), rows)
}

/// Rows that stand for all of them.
fn whole(block: Block) -> Gathered {
    Gathered { rows: block.len() as u64, level: 0, block }
}

/// Rows that are gathered at a time.
const BATCH: usize = 1 << 12;

/// A derived column while it is made.
struct Column {
    gather: Gather,
    rows: BlockBuilder,
}

impl Default for Column {
    fn default() -> Self {
        Self { gather: Gather::new(ROWS), rows: BlockBuilder::default() }
    }
}

impl Column {
    fn push(&mut self, add: impl FnOnce(&mut BlockBuilder)) {
        add(&mut self.rows);
        if self.rows.len() >= BATCH {
            self.gather.push(&std::mem::take(&mut self.rows).finish());
        }
    }

    fn finish(mut self) -> Block {
        self.gather.push(&self.rows.finish());
        self.gather.finish().block
    }
}
