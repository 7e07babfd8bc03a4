//! Columns one after the other: each group of them is gathered from both sides, then every column is judged.

use comptroller_lake::Source;
use comptroller_lake::roles::Taken;
use comptroller_stats::cells::Block;
use comptroller_stats::column::{Current, Reference};
use comptroller_stats::dependence::Quartiles;
use comptroller_stats::drift::{Compared, RoleView};
use comptroller_stats::gather::Gathered;
use comptroller_stats::grid::Kind;
use comptroller_stats::profile::{Binned, Role};

use super::compare::Request;
use super::gathered::{count, gather};
use super::{DriftError, Plan, cores, parallel};

/// What became of one column.
pub(super) struct Done {
    pub(super) role: RoleView,
    pub(super) compared: Option<Compared>,
    /// Levels of the sampled rows of both sides, of number features.
    pub(super) levels: Option<(Vec<u8>, Vec<u8>)>,
    /// Rows of both sides, of the model's own columns.
    pub(super) own: Option<(Block, Option<Block>)>,
    pub(super) is_sampled: bool,
}

/// A column to compare: its name, its place in the current rows, and what the reference says about it.
pub(super) struct Task<'a> {
    pub(super) name: &'a str,
    pub(super) current: Option<usize>,
    pub(super) reference: Known<'a>,
}

pub(super) enum Known<'a> {
    /// To be read from the place.
    Place(usize),
    /// Stored.
    Stored(&'a comptroller_stats::profile::Column, &'a Binned),
}

/// Works through all groups; answers every column and the rows of both sides.
pub(super) fn run(
    request: &Request,
    tasks: &[Task<'_>],
    reference: Option<&Source>,
    current: &Source,
    plan: Plan,
) -> Result<(Vec<Done>, (u64, u64)), DriftError> {
    let groups: Vec<&[Task<'_>]> = tasks.chunks(plan.group).collect();
    let results = parallel(&groups, plan.groups_at_once, |group| {
        group_of(request, group, reference, current, plan, cores() / plan.groups_at_once)
    });
    let mut done = Vec::new();
    let mut rows = (0, 0);
    for result in results {
        let (columns, (before, now)) = result?;
        rows = (rows.0.max(before), rows.1.max(now));
        done.extend(columns);
    }
    for (count, name) in [(rows.0, &request.reference), (rows.1, &request.current)] {
        if count == 0 && (reference.is_some() || *name == request.current) {
            return Err(DriftError::invalid(
                format!("{name}: it holds no rows"),
                "give a file with a header and at least one row",
            ));
        }
    }
    Ok((done, rows))
}

/// One group: both sides gathered, then each column judged.
fn group_of(
    request: &Request,
    group: &[Task<'_>],
    reference: Option<&Source>,
    current: &Source,
    plan: Plan,
    threads: usize,
) -> Result<(Vec<Done>, (u64, u64)), DriftError> {
    let before_places: Vec<usize> = group
        .iter()
        .filter_map(|task| match task.reference {
            Known::Place(at) => Some(at),
            Known::Stored(..) => None,
        })
        .collect();
    let now_places: Vec<usize> = group.iter().filter_map(|task| task.current).collect();
    let read_before =
        || reference.map_or(Ok(Vec::new()), |source| gather(source, &before_places, plan.capacity));
    let read_now = || gather(current, &now_places, plan.capacity);
    // Where a format is read row by row, both sides are read at a time.
    let (before, now) = if threads > 1 {
        std::thread::scope(|scope| {
            let other = scope.spawn(read_before);
            let now = read_now();
            (other.join(), now)
        })
    } else {
        (Ok(read_before()), read_now())
    };
    let before = before
        .map_err(|_| DriftError::invalid("reading the reference stopped", "report this as an error"))??;
    let mut now = now?.into_iter();
    let mut before = before.into_iter();
    let mut work = Vec::new();
    for task in group {
        let gathered = match task.reference {
            Known::Place(_) => before.next(),
            Known::Stored(..) => None,
        };
        work.push((task, gathered, task.current.and_then(|_| now.next())));
    }
    let rows_before =
        work.iter().filter_map(|(_, before, _)| before.as_ref()).map(|side| side.rows).max().unwrap_or(0);
    // A group of columns that the current rows lack still has to know how many rows there are.
    let rows_now = match work.iter().filter_map(|(_, _, now)| now.as_ref()).map(|side| side.rows).max() {
        Some(rows) => rows,
        None => rows_of(current)?,
    };
    let done = parallel(&work, threads, |(task, before, now)| {
        column(
            request,
            task,
            before.as_ref(),
            now.as_ref(),
            Sides { reference, current },
            (plan.sample, rows_now),
        )
    });
    Ok((done.into_iter().collect::<Result<_, _>>()?, (rows_before, rows_now)))
}

#[derive(Clone, Copy)]
struct Sides<'a> {
    reference: Option<&'a Source>,
    current: &'a Source,
}

fn rows_of(source: &Source) -> Result<u64, DriftError> {
    if let Some(rows) = source.known_rows() {
        return Ok(rows);
    }
    Ok(gather(source, &[0], 1)?.first().map_or(0, |gathered| gathered.rows))
}

/// One column.
fn column(
    request: &Request,
    task: &Task<'_>,
    before: Option<&Gathered>,
    now: Option<&Gathered>,
    sides: Sides<'_>,
    (sample, rows): (usize, u64),
) -> Result<Done, DriftError> {
    let (taken, mut reference) = match (&task.reference, before) {
        (Known::Stored(column, bins), _) => {
            let stated = request.stated.roles.iter().find(|(name, _)| *name == column.name);
            let taken = Taken {
                role: stated.map_or(column.role, |(_, role)| *role),
                kind: bins.grid.kind(),
                why: if stated.is_some() { "as stated".to_owned() } else { column.why.clone() },
            };
            (taken, Some(Reference::stored(bins.grid.clone(), bins.counts.clone())))
        }
        (Known::Place(at), Some(gathered)) => {
            let info = &sides.reference.unwrap_or(sides.current).columns()[*at];
            if let Some((said, remedy)) = request.stated.contradiction(info, &gathered.block) {
                return Err(DriftError::invalid(format!("{}: {said}", request.reference), remedy));
            }
            let taken = request.stated.take(info, &gathered.block);
            let reference = taken.role.is_compared().then(|| Reference::of(gathered, taken.kind));
            (taken, reference)
        }
        (Known::Place(_), None) => {
            (Taken { role: Role::Ignored, kind: Kind::Numeric, why: String::new() }, None)
        }
    };
    let kind = reference.as_ref().map(|_| taken.kind);
    let role = role_of(task.name, taken.role, kind, &taken.why);
    let mut is_sampled = false;
    let Some(mut reference) = reference.take() else {
        return Ok(Done { role, compared: None, levels: None, own: None, is_sampled });
    };
    if let (Known::Place(at), Some(source), Some(gathered)) = (&task.reference, sides.reference, before)
        && !gathered.is_complete()
    {
        is_sampled = true;
        reference.counts = count(source, &[(*at, &reference.grid)])?.swap_remove(0);
    }
    let current = match (now, task.current) {
        (Some(gathered), Some(at)) => {
            let counts = if gathered.is_complete() {
                None
            } else {
                is_sampled = true;
                Some(count(sides.current, &[(at, &reference.grid)])?.swap_remove(0))
            };
            Some(Current::of(gathered, &reference.grid, counts, sample))
        }
        _ => None,
    };
    let levels = Quartiles::of(&reference).filter(|_| taken.role == Role::Feature).zip(current.as_ref()).map(
        |(quartiles, current)| {
            let before =
                before.map(|gathered| quartiles.levels(&gathered.thinned(sample))).unwrap_or_default();
            (before, quartiles.levels(&current.sample))
        },
    );
    let is_own = matches!(taken.role, Role::Score | Role::Prediction | Role::Label);
    let own = is_own.then(|| {
        (
            before.map(|gathered| gathered.block.clone()).unwrap_or_default(),
            now.map(|gathered| gathered.block.clone()),
        )
    });
    let compared = Compared::of(task.name, taken.role, reference, current, rows);
    Ok(Done { role, compared: Some(compared), levels, own, is_sampled })
}

pub(super) fn role_of(column: &str, role: Role, kind: Option<Kind>, why: &str) -> RoleView {
    RoleView { column: column.to_owned(), role, kind, why: why.to_owned() }
}
