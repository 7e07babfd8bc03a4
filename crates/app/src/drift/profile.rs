//! Profiles: made from data, on the grid of another one if asked, and merged.

use std::collections::BTreeMap;
use std::path::Path;

use comptroller_lake::roles::Stated;
use comptroller_lake::{ColumnInfo, Declared, Source};
use comptroller_stats::cells::Block;
use comptroller_stats::column::Reference;
use comptroller_stats::counts::Counts;
use comptroller_stats::dependence::{MAX_COLUMNS, Pairs, Quartiles};
use comptroller_stats::embedding::Moments;
use comptroller_stats::gather::Gathered;
use comptroller_stats::profile::{Binned, Column, FORMAT, Profile, Role, VERSION};

use super::gathered::{count, gather};
use super::outcomes::{self, Own};
use super::side::{Side, profile_bytes};
use super::{DriftError, Plan, cores, derived, parallel};

/// What to profile.
#[derive(Clone, Debug, Default)]
pub struct ProfileRequest {
    /// A file, a folder or a pattern.
    pub data: String,
    /// What is known about columns.
    pub stated: Stated,
    /// The label that counts as "it came true".
    pub positive: Option<String>,
}

/// Makes a profile: on the bins of `grid`, or on bins frozen from the data itself.
pub fn profile(request: &ProfileRequest, grid: Option<&Profile>) -> Result<Profile, DriftError> {
    let source = match Side::open(&request.data)? {
        Side::Data(source) => source,
        Side::Profile(_) => {
            return Err(DriftError::invalid(
                format!("{} is a profile already", request.data),
                "name data, or several profiles on one grid to merge them",
            ));
        }
    };
    let has = |name: &str| source.columns().iter().any(|column| column.name == name);
    // Labels come late: rows without that column are rows without a label.
    let is_late = |column: &&Column| column.role == Role::Label && !has(&column.name);
    let names: Vec<String> = match grid {
        Some(grid) => {
            grid.columns.iter().filter(|column| !is_late(column)).map(|column| column.name.clone()).collect()
        }
        None => source.columns().iter().map(|column| column.name.clone()).collect(),
    };
    let mut places = Vec::new();
    for name in &names {
        let place = source.columns().iter().position(|column| column.name == *name).ok_or_else(|| {
            DriftError::invalid(
                format!("{} lacks the column {name:?} of the grid", request.data),
                "profile files of the schema that the grid has",
            )
        })?;
        places.push(place);
    }
    let plan = Plan::of(places.len(), source.known_rows(), source.is_columnar());
    let groups: Vec<&[usize]> = places.chunks(plan.group).collect();
    let results = parallel(&groups, plan.groups_at_once, |group| {
        group_of(request, &source, group, grid, plan, cores() / plan.groups_at_once)
    });
    let mut done = Vec::new();
    for result in results {
        done.extend(result?);
    }
    let rows = done.iter().map(|column| column.rows).max().unwrap_or(0);
    if rows == 0 {
        return Err(DriftError::invalid(
            format!("{}: it holds no rows", request.data),
            "give a file with a header and at least one row",
        ));
    }
    if let Some((at, label)) =
        grid.and_then(|grid| grid.columns.iter().enumerate().find(|(_, column)| is_late(column)))
    {
        done.insert(at.min(done.len()), unlabelled(label, &done, rows));
    }
    let mut profile = assemble(request, done, grid, rows)?;
    for column in profile.columns.iter().filter(|column| column.role == Role::Embedding) {
        if let Some(place) = source.columns().iter().position(|other| other.name == column.name) {
            let dims = grid.and_then(|grid| grid.vectors.get(&column.name)).map(Moments::dims);
            let found = derived::vectors(&source, place, dims)?;
            profile.vectors.insert(column.name.clone(), found.moments);
        }
    }
    Ok(profile)
}

/// A column of labels none of which has come.
fn unlabelled(label: &Column, done: &[Done], rows: u64) -> Done {
    let bins = label.bins.as_ref().map(|bins| {
        let counts = Counts { missing: rows, ..Counts::empty(&bins.grid) };
        Binned { grid: bins.grid.clone(), counts }
    });
    let held = done.iter().filter_map(|column| column.own.as_ref()).map(Block::len).max();
    Done {
        column: Column { name: label.name.clone(), role: label.role, why: label.why.clone(), bins },
        rows,
        levels: None,
        own: Some(Block::of_nulls(held.unwrap_or(0))),
    }
}

/// One profiled column with what is needed of its rows.
struct Done {
    column: Column,
    rows: u64,
    levels: Option<Vec<u8>>,
    own: Option<Block>,
}

fn group_of(
    request: &ProfileRequest,
    source: &Source,
    places: &[usize],
    grid: Option<&Profile>,
    plan: Plan,
    threads: usize,
) -> Result<Vec<Done>, DriftError> {
    let gathered = gather(source, places, plan.capacity)?;
    let work: Vec<(&usize, &Gathered)> = places.iter().zip(&gathered).collect();
    let done = parallel(&work, threads, |(place, gathered)| {
        column(request, source, **place, gathered, grid, plan.sample)
    });
    done.into_iter().collect()
}

fn column(
    request: &ProfileRequest,
    source: &Source,
    place: usize,
    gathered: &Gathered,
    grid: Option<&Profile>,
    sample: usize,
) -> Result<Done, DriftError> {
    let info = &source.columns()[place];
    let (role, why, reference) = match grid.and_then(|grid| grid.column(&info.name)) {
        Some(known) => {
            let counted = known.bins.as_ref().map(|bins| {
                let mut counts = Counts::empty(&bins.grid);
                if gathered.is_complete() {
                    counts.add(&bins.grid, &gathered.block);
                }
                Reference::stored(bins.grid.clone(), counts)
            });
            (known.role, known.why.clone(), counted)
        }
        None => {
            if let Some((said, remedy)) = request.stated.contradiction(info, &gathered.block) {
                return Err(DriftError::invalid(format!("{}: {said}", request.data), remedy));
            }
            let taken = request.stated.take(info, &gathered.block);
            let reference = taken.role.is_compared().then(|| Reference::of(gathered, taken.kind));
            (taken.role, taken.why, reference)
        }
    };
    let Some(mut reference) = reference else {
        let column = Column { name: info.name.clone(), role, why, bins: None };
        return Ok(Done { column, rows: gathered.rows, levels: None, own: None });
    };
    if !gathered.is_complete() {
        reference.counts = count(source, &[(place, &reference.grid)])?.swap_remove(0);
    }
    // On a given grid the levels are those of the grid's own rows, so that parts count alike.
    let quartiles = match grid.and_then(|grid| grid.column(&info.name)).and_then(|known| known.bins.as_ref())
    {
        Some(bins) => Quartiles::of(&Reference::stored(bins.grid.clone(), bins.counts.clone())),
        None => Quartiles::of(&reference),
    };
    let levels = quartiles
        .filter(|_| role == Role::Feature)
        .map(|quartiles| quartiles.levels(&gathered.thinned(sample)));
    let own = matches!(role, Role::Score | Role::Prediction | Role::Label).then(|| gathered.block.clone());
    let bins = Some(Binned { grid: reference.grid, counts: reference.counts });
    Ok(Done { column: Column { name: info.name.clone(), role, why, bins }, rows: gathered.rows, levels, own })
}

fn assemble(
    request: &ProfileRequest,
    done: Vec<Done>,
    grid: Option<&Profile>,
    rows: u64,
) -> Result<Profile, DriftError> {
    let with: Vec<(&str, &[u8])> = done
        .iter()
        .filter_map(|column| Some((column.column.name.as_str(), column.levels.as_deref()?)))
        .take(MAX_COLUMNS)
        .collect();
    let pairs = Pairs::of(&with);
    let own: Vec<Own<'_>> = done
        .iter()
        .filter_map(|done| {
            let Column { name, role, bins, .. } = &done.column;
            Some(Own { name, role: *role, grid: &bins.as_ref()?.grid, rows: done.own.as_ref()? })
        })
        .collect();
    let positive = match (
        grid.and_then(|grid| grid.outcomes.as_ref()),
        own.iter().find(|own| own.role == Role::Label),
    ) {
        (Some(known), _) => known.positive.clone(),
        (None, Some(label)) => outcomes::positive(label.grid, request.positive.as_deref())?,
        (None, None) => None,
    };
    let outcomes = outcomes::count(&own, positive.as_deref());
    let columns = done.into_iter().map(|column| column.column).collect();
    Ok(Profile {
        format: FORMAT.to_owned(),
        version: VERSION,
        rows,
        columns,
        pairs,
        outcomes,
        vectors: BTreeMap::new(),
    })
}

/// A profile of columns in memory, with bins frozen from them. A role that is given is not guessed; what has none is an
/// input, unless it tells rows apart.
pub(crate) fn of_blocks(
    columns: Vec<(String, Option<Role>, Block)>,
    rows: u64,
) -> Result<Profile, DriftError> {
    let sample = Plan::of(columns.len(), Some(rows), false).sample;
    let mut done = Vec::new();
    for (name, given, block) in columns {
        let roles = given.map(|role| (name.clone(), role)).into_iter().collect();
        let stated = Stated { roles, kinds: Vec::new() };
        let info = ColumnInfo { name: name.clone(), declared: Declared::Plain };
        let taken = stated.take(&info, &block);
        let role = match (given, taken.role) {
            (None, Role::Prediction | Role::Score | Role::Label) => Role::Feature,
            (_, role) => role,
        };
        let why = taken.why;
        if !role.is_compared() {
            done.push(Done { column: Column { name, role, why, bins: None }, rows, levels: None, own: None });
            continue;
        }
        let gathered = Gathered { block, rows, level: 0 };
        let reference = Reference::of(&gathered, taken.kind);
        let levels = Quartiles::of(&reference)
            .filter(|_| role == Role::Feature)
            .map(|quartiles| quartiles.levels(&gathered.thinned(sample)));
        let own =
            matches!(role, Role::Score | Role::Prediction | Role::Label).then(|| gathered.block.clone());
        let bins = Some(Binned { grid: reference.grid, counts: reference.counts });
        done.push(Done { column: Column { name, role, why, bins }, rows, levels, own });
    }
    assemble(&ProfileRequest::default(), done, None, rows)
}

/// Reads a stored profile.
pub fn read_profile(path: &Path) -> Result<Profile, DriftError> {
    let name = path.display().to_string();
    match Side::open(&name)? {
        Side::Profile(profile) => Ok(*profile),
        Side::Data(_) => Err(DriftError::invalid(
            format!("{name} is no profile"),
            "make one with `comptroller profile DATA --out PROFILE.json`",
        )),
    }
}

/// Merges stored profiles that were counted on one grid; nothing if one of the files is no profile.
pub fn merge(files: &[String]) -> Result<Option<Profile>, DriftError> {
    for file in files {
        if profile_bytes(Path::new(file))?.is_none() {
            return Ok(None);
        }
    }
    let mut merged: Option<Profile> = None;
    for file in files {
        let next = read_profile(Path::new(file))?;
        match &mut merged {
            None => merged = Some(next),
            Some(sum) => {
                sum.merge(&next).map_err(|source| DriftError::Profile { name: file.clone(), source })?;
            }
        }
    }
    Ok(merged)
}
