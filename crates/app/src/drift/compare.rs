//! The comparison: every column of the reference judged against the current rows, then put together.

use comptroller_lake::Source;
use comptroller_lake::roles::{Stated, Taken};
use comptroller_stats::cells::Block;
use comptroller_stats::column::{Current, Reference};
use comptroller_stats::dependence::{MAX_COLUMNS, Pairs, Quartiles};
use comptroller_stats::drift::{Compared, Inputs, Report, RoleView, Settings, Side as SideView, report};
use comptroller_stats::gather::Gathered;
use comptroller_stats::grid::{Grid, Kind};
use comptroller_stats::outcomes::Outcomes;
use comptroller_stats::profile::{Binned, Profile, Role};

use super::gathered::{count, gather};
use super::outcomes;
use super::side::Side;
use super::{DriftError, Plan, cores, parallel};

/// What to compare.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The reference: a file, a folder, a pattern, or a stored profile.
    pub reference: String,
    /// The current rows: the same.
    pub current: String,
    /// What is known about columns.
    pub stated: Stated,
    /// The label that counts as "it came true".
    pub positive: Option<String>,
    /// Under which rules.
    pub settings: Settings,
}

/// Compares both sides.
pub fn compare(request: &Request) -> Result<Report, DriftError> {
    let (reference, current) = (Side::open(&request.reference)?, Side::open(&request.current)?);
    let inputs = match (reference, current) {
        (Side::Data(reference), Side::Data(current)) => of_data(request, &reference, &current)?,
        (Side::Profile(reference), Side::Data(current)) => of_profile(request, &reference, &current)?,
        (Side::Profile(reference), Side::Profile(current)) => of_profiles(request, &reference, &current)?,
        (Side::Data(_), Side::Profile(_)) => {
            return Err(DriftError::invalid(
                format!("{} is a profile, {} is not", request.current, request.reference),
                "profile the reference first, and the current rows with --grid of that profile",
            ));
        }
    };
    if inputs.columns.is_empty() {
        return Err(nothing(request, &inputs.roles));
    }
    Ok(report(inputs, &request.settings))
}

fn nothing(request: &Request, roles: &[RoleView]) -> DriftError {
    let taken: Vec<String> = roles
        .iter()
        .take(5)
        .map(|role| format!("{} ({}: {})", role.column, role.role.as_str(), role.why))
        .collect();
    DriftError::invalid(
        format!("{} has no column that can be compared: {}", request.reference, taken.join("; ")),
        "say what the columns are with --numeric, --categorical, --score, --prediction or --label",
    )
}

/// What became of one column.
struct Done {
    role: RoleView,
    compared: Option<Compared>,
    /// Levels of the sampled rows of both sides, of number features.
    levels: Option<(Vec<u8>, Vec<u8>)>,
    /// Rows of both sides, of the model's own columns.
    own: Option<(Block, Option<Block>)>,
    is_sampled: bool,
}

/// A column to compare: its name, its place in the current rows, and what the reference says about it.
struct Task<'a> {
    name: &'a str,
    current: Option<usize>,
    reference: Known<'a>,
}

enum Known<'a> {
    /// To be read from the place.
    Place(usize),
    /// Stored.
    Stored(&'a comptroller_stats::profile::Column, &'a Binned),
}

fn of_data(request: &Request, reference: &Source, current: &Source) -> Result<Inputs, DriftError> {
    check_stated(
        &request.stated,
        |name| reference.columns().iter().any(|column| column.name == name),
        &request.reference,
    )?;
    let tasks: Vec<Task<'_>> = reference
        .columns()
        .iter()
        .enumerate()
        .map(|(at, column)| Task {
            name: &column.name,
            current: place(current, &column.name),
            reference: Known::Place(at),
        })
        .collect();
    require_common(&tasks, request)?;
    let plan = Plan::of(
        tasks.len(),
        reference.known_rows().zip(current.known_rows()).map(|(a, b)| a.max(b)),
        reference.is_columnar() && current.is_columnar(),
    );
    let (done, rows) = run(request, &tasks, Some(reference), current, plan)?;
    let inputs = assemble(request, done, None, current, rows)?;
    Ok(inputs)
}

fn of_profile(request: &Request, profile: &Profile, current: &Source) -> Result<Inputs, DriftError> {
    check_stated(&request.stated, |name| profile.column(name).is_some(), &request.reference)?;
    let tasks: Vec<Task<'_>> = profile
        .columns
        .iter()
        .filter_map(|column| {
            let stated = request.stated.roles.iter().find(|(name, _)| *name == column.name);
            let bins = column.bins.as_ref().filter(|_| stated.is_none_or(|(_, role)| role.is_compared()))?;
            Some(Task {
                name: &column.name,
                current: place(current, &column.name),
                reference: Known::Stored(column, bins),
            })
        })
        .collect();
    require_common(&tasks, request)?;
    let plan = Plan::of(tasks.len(), current.known_rows(), current.is_columnar());
    let (done, rows) = run(request, &tasks, None, current, plan)?;
    let mut inputs = assemble(request, done, Some(profile), current, (profile.rows, rows.1))?;
    for column in profile.columns.iter().filter(|column| column.bins.is_none()) {
        inputs.roles.push(role_of(&column.name, column.role, None, &column.why));
    }
    Ok(inputs)
}

fn place(source: &Source, name: &str) -> Option<usize> {
    source.columns().iter().position(|column| column.name == name)
}

fn check_stated(stated: &Stated, has: impl Fn(&str) -> bool, side: &str) -> Result<(), DriftError> {
    let names = stated.roles.iter().map(|(name, _)| name).chain(stated.kinds.iter().map(|(name, _)| name));
    for name in names {
        if !has(name) {
            return Err(DriftError::invalid(
                format!("{side} has no column {name:?}"),
                "name columns as the file has them, with upper and lower case",
            ));
        }
    }
    Ok(())
}

fn require_common(tasks: &[Task<'_>], request: &Request) -> Result<(), DriftError> {
    if tasks.iter().any(|task| task.current.is_some()) {
        return Ok(());
    }
    let names = tasks.iter().take(5).map(|task| task.name).collect::<Vec<_>>().join(", ");
    Err(DriftError::invalid(
        format!(
            "{} and {} have no column in common: the reference has {names}",
            request.reference, request.current
        ),
        "compare files of one schema; names must be the same, with upper and lower case",
    ))
}

/// Works through all groups; answers every column and the rows of both sides.
fn run(
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

fn role_of(column: &str, role: Role, kind: Option<Kind>, why: &str) -> RoleView {
    RoleView { column: column.to_owned(), role, kind, why: why.to_owned() }
}

/// Puts the columns together with what needs several of them.
fn assemble(
    request: &Request,
    done: Vec<Done>,
    profile: Option<&Profile>,
    current: &Source,
    (rows_before, rows_now): (u64, u64),
) -> Result<Inputs, DriftError> {
    let pairs = pairs(&done, profile);
    let outcomes = outcomes_of(request, &done, profile)?;
    let mut notes = notes(&done, profile, current);
    if let (Some(reference), current) = (&outcomes.0, &outcomes.1) {
        notes.extend(label_notes(reference, current.as_ref()));
    }
    let (mut columns, mut roles) = (Vec::new(), Vec::new());
    for column in done {
        roles.push(column.role);
        columns.extend(column.compared);
    }
    let side = |name: &str, rows, is_profile| SideView { name: name.to_owned(), rows, is_profile };
    Ok(Inputs {
        columns,
        pairs,
        outcomes,
        reference: side(&request.reference, rows_before, profile.is_some()),
        current: side(&request.current, rows_now, false),
        roles,
        notes,
    })
}

fn pairs(done: &[Done], profile: Option<&Profile>) -> Option<(Pairs, Pairs)> {
    if let Some(profile) = profile {
        let levels = |name: &String| {
            let found = done.iter().find(|column| column.role.column == *name)?;
            found.levels.as_ref().map(|(_, now)| (found.role.column.as_str(), now.as_slice()))
        };
        // A column that is not there takes its pairs with it; the rest cannot be told apart from another set of pairs.
        let columns: Option<Vec<(&str, &[u8])>> = profile.pairs.columns().iter().map(levels).collect();
        return columns.map(|columns| (profile.pairs.clone(), Pairs::of(&columns)));
    }
    let (mut before, mut now) = (Vec::new(), Vec::new());
    for column in done {
        let Some((first, second)) = &column.levels else { continue };
        before.push((column.role.column.as_str(), first.as_slice()));
        now.push((column.role.column.as_str(), second.as_slice()));
        if before.len() == MAX_COLUMNS {
            break;
        }
    }
    Some((Pairs::of(&before), Pairs::of(&now)))
}

/// Joint counters of both sides.
fn outcomes_of(
    request: &Request,
    done: &[Done],
    profile: Option<&Profile>,
) -> Result<(Option<Outcomes>, Option<Outcomes>), DriftError> {
    let own: Vec<(Role, &Grid, &Block, Option<&Block>)> = done
        .iter()
        .filter_map(|column| {
            let (before, now) = column.own.as_ref()?;
            Some((column.role.role, &column.compared.as_ref()?.grid, before, now.as_ref()))
        })
        .collect();
    let Some((_, label, ..)) = own.iter().find(|(role, ..)| *role == Role::Label) else {
        return Ok((profile.and_then(|profile| profile.outcomes.clone()), None));
    };
    let positive = match profile.and_then(|profile| profile.outcomes.as_ref()) {
        Some(stored) => stored.positive.clone(),
        None => outcomes::positive(label, request.positive.as_deref())?,
    };
    let before: Vec<outcomes::Own<'_>> =
        own.iter().map(|(role, grid, before, _)| (*role, *grid, *before)).collect();
    let now: Option<Vec<outcomes::Own<'_>>> =
        own.iter().map(|(role, grid, _, now)| Some((*role, *grid, (*now)?))).collect();
    let reference = match profile {
        Some(profile) => profile.outcomes.clone(),
        None => outcomes::count(&before, positive.as_deref()),
    };
    Ok((reference, now.and_then(|now| outcomes::count(&now, positive.as_deref()))))
}

fn notes(done: &[Done], profile: Option<&Profile>, current: &Source) -> Vec<String> {
    let mut notes = Vec::new();
    let known = |name: &str| {
        done.iter().any(|column| column.role.column == name)
            || profile.is_some_and(|profile| profile.column(name).is_some())
    };
    let new: Vec<&str> =
        current.columns().iter().map(|column| column.name.as_str()).filter(|name| !known(name)).collect();
    if !new.is_empty() {
        let first = new.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if new.len() > 5 { format!(" and {} more", new.len() - 5) } else { String::new() };
        notes.push(format!("schema change: columns that the reference lacks, not compared: {first}{more}"));
    }
    if done.iter().any(|column| column.is_sampled) {
        notes.push(
            "more values than are held at once: every row is counted, bins were frozen from an even sample, KS and \
             Wasserstein-1 are from the stored bins, labels were compared on the sample"
                .to_owned(),
        );
    }
    if profile.is_some() {
        notes.push("the reference is a profile: KS and Wasserstein-1 are from its stored bins".to_owned());
    }
    notes
}

fn label_notes(reference: &Outcomes, current: Option<&Outcomes>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(positive) = &reference.positive {
        notes.push(format!("the label {positive:?} counts as \"it came true\""));
    }
    match current {
        Some(current) if current.labelled > 0 && current.labelled < current.rows => notes.push(format!(
            "labels cover {} of {} current rows; those that come early may differ from the rest",
            current.labelled, current.rows
        )),
        Some(current) if current.labelled > 0 => {}
        _ => notes.push(
            "no labels on the current side: skill is estimated from the scores, if there are any".to_owned(),
        ),
    }
    notes
}

/// Two stored profiles on one grid.
fn of_profiles(request: &Request, reference: &Profile, current: &Profile) -> Result<Inputs, DriftError> {
    let mut columns = Vec::new();
    let mut roles = Vec::new();
    for column in &reference.columns {
        let kind = column.bins.as_ref().map(|bins| bins.grid.kind());
        roles.push(role_of(&column.name, column.role, kind, &column.why));
        let Some(bins) = &column.bins else { continue };
        let now = match current.column(&column.name).map(|other| &other.bins) {
            None => None,
            Some(Some(other)) if other.grid == bins.grid => Some(Current::stored(other.counts.clone())),
            Some(_) => {
                return Err(DriftError::invalid(
                    format!(
                        "column {:?} has other bins in {} than in {}",
                        column.name, request.current, request.reference
                    ),
                    format!("profile the current rows with --grid {}", request.reference),
                ));
            }
        };
        let before = Reference::stored(bins.grid.clone(), bins.counts.clone());
        columns.push(Compared::of(&column.name, column.role, before, now, current.rows));
    }
    let side = |name: &str, rows| SideView { name: name.to_owned(), rows, is_profile: true };
    Ok(Inputs {
        columns,
        pairs: Some((reference.pairs.clone(), current.pairs.clone())),
        outcomes: (reference.outcomes.clone(), current.outcomes.clone()),
        reference: side(&request.reference, reference.rows),
        current: side(&request.current, current.rows),
        roles,
        notes: vec![
            "both sides are profiles: KS and Wasserstein-1 are from the stored bins, and a change of unit or swapped \
             columns of different distributions cannot be told"
                .to_owned(),
        ],
    })
}
