//! Rows in memory, counted on a stored profile: a part of a window, to be merged with others and compared.

use std::collections::BTreeMap;

use comptroller_stats::cells::{Block, BlockBuilder, Cell};
use comptroller_stats::column::Reference;
use comptroller_stats::counts::Counts;
use comptroller_stats::dependence::{Pairs, Quartiles};
use comptroller_stats::drift::{Report, Settings, report};
use comptroller_stats::embedding::Moments;
use comptroller_stats::grid::{Grid, Kind};
use comptroller_stats::profile::{Binned, Column, FORMAT, Profile, Role, VERSION};

use super::compare::{Request, of_profiles};
use super::outcomes::{self, Own};
use super::{DriftError, compare};

/// The profile as it is watched: labels come late, so what they are is no distribution to be compared; what they say
/// beside the scores is.
pub(crate) fn watched(profile: &Profile) -> Profile {
    let mut watched = profile.clone();
    for column in watched.columns.iter_mut().filter(|column| column.role == Role::Label) {
        column.bins = None;
    }
    watched
}

/// Counts rows on the bins of `profile`. `columns` are named as the profile names them; one that is missing counts as
/// missing in every row. `vectors` are summed already. `labels` stand in the order of the rows, empty where none has come.
pub(crate) fn count_part(
    profile: &Profile,
    columns: &BTreeMap<String, Block>,
    vectors: BTreeMap<String, Moments>,
    labels: Option<&Block>,
    rows: usize,
) -> Profile {
    let nothing = missing(rows);
    let block = |column: &Column| match column.role {
        Role::Label => labels.unwrap_or(&nothing).clone(),
        _ => match (columns.get(&column.name), &column.bins) {
            (None, _) => nothing.clone(),
            (Some(block), Some(bins))
                if bins.grid.kind() == Kind::Numeric && column.role != Role::Feature =>
            {
                as_numbers(block)
            }
            (Some(block), _) => block.clone(),
        },
    };
    let mut counted = Vec::with_capacity(profile.columns.len());
    let mut own: Vec<(&Column, &Grid, Block)> = Vec::new();
    for column in &profile.columns {
        let mut bins = None;
        if let Some(known) = &column.bins {
            let block = block(column);
            let mut counts = Counts::empty(&known.grid);
            counts.add(&known.grid, &block);
            if matches!(column.role, Role::Score | Role::Prediction | Role::Label) {
                own.push((column, &known.grid, block));
            }
            bins = (column.role != Role::Label).then(|| Binned { grid: known.grid.clone(), counts });
        }
        counted.push(Column { name: column.name.clone(), role: column.role, why: column.why.clone(), bins });
    }
    let own: Vec<Own<'_>> = own
        .iter()
        .map(|(column, grid, rows)| Own { name: &column.name, role: column.role, grid, rows })
        .collect();
    let outcomes =
        profile.outcomes.as_ref().and_then(|known| outcomes::count(&own, known.positive.as_deref()));
    Profile {
        format: FORMAT.to_owned(),
        version: VERSION,
        rows: rows as u64,
        columns: counted,
        pairs: pairs(profile, columns, &nothing),
        outcomes,
        vectors,
    }
}

/// Compares the parts of a window, merged, with what they were counted on.
pub(crate) fn judge(
    reference: &Profile,
    current: &Profile,
    names: (&str, &str),
    settings: &Settings,
) -> Result<Report, DriftError> {
    let request = Request {
        reference: names.0.to_owned(),
        current: names.1.to_owned(),
        settings: settings.clone(),
        ..Request::default()
    };
    let inputs = of_profiles(&request, &watched(reference), current)?;
    if inputs.columns.is_empty() {
        return Err(compare::nothing(&request, &inputs.roles));
    }
    Ok(report(inputs, settings))
}

fn missing(rows: usize) -> Block {
    let mut builder = BlockBuilder::default();
    for _ in 0..rows {
        builder.null();
    }
    builder.finish()
}

/// What a model said is kept as text; where the profile knows it as a number, it is read as one.
fn as_numbers(block: &Block) -> Block {
    let mut builder = BlockBuilder::default();
    for cell in block.cells() {
        match cell {
            Cell::Text(text) => match text.parse() {
                Ok(number) => builder.number(number),
                Err(_) => builder.push(cell),
            },
            other => builder.push(other),
        }
    }
    builder.finish()
}

/// How number columns move together in these rows.
fn pairs(profile: &Profile, columns: &BTreeMap<String, Block>, nothing: &Block) -> Pairs {
    let mut levels: Vec<(&str, Vec<u8>)> = Vec::new();
    for name in profile.pairs.columns() {
        let bins = profile.column(name).and_then(|column| column.bins.as_ref());
        let quartiles =
            bins.and_then(|bins| Quartiles::of(&Reference::stored(bins.grid.clone(), bins.counts.clone())));
        if let Some(quartiles) = quartiles {
            levels.push((name, quartiles.levels(columns.get(name).unwrap_or(nothing))));
        }
    }
    let levels: Vec<(&str, &[u8])> = levels.iter().map(|(name, levels)| (*name, levels.as_slice())).collect();
    Pairs::of(&levels)
}
