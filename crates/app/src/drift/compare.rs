//! The comparison: every column of the reference judged against the current rows, then put together.

use comptroller_lake::Source;
use comptroller_lake::roles::Stated;
use comptroller_stats::column::{Current, Reference};
use comptroller_stats::drift::{Compared, Inputs, Report, RoleView, Settings, Side as SideView, report};
use comptroller_stats::embedding;
use comptroller_stats::profile::{Profile, Role};

use super::assemble::assemble;
use super::columns::{Known, Task, role_of, run};
use super::side::Side;
use super::{DriftError, Plan, derived};

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
    check_weights(request, &inputs.roles)?;
    Ok(report(inputs, &request.settings))
}

pub(super) fn nothing(request: &Request, roles: &[RoleView]) -> DriftError {
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

fn of_data(request: &Request, reference: &Source, current: &Source) -> Result<Inputs, DriftError> {
    check_named(request, |name| reference.columns().iter().any(|column| column.name == name))?;
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
    let mut inputs = assemble(request, done, None, current, rows)?;
    derived::of_data(&mut inputs, reference, current, plan)?;
    Ok(inputs)
}

fn of_profile(request: &Request, profile: &Profile, current: &Source) -> Result<Inputs, DriftError> {
    check_named(request, |name| profile.column(name).is_some())?;
    check_kinds(request, profile)?;
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
    derived::of_profile(&mut inputs, profile, current, plan)?;
    Ok(inputs)
}

fn place(source: &Source, name: &str) -> Option<usize> {
    source.columns().iter().position(|column| column.name == name)
}

/// Every column that an argument names is one of the reference: a misspelt one would change nothing in silence.
fn check_named(request: &Request, has: impl Fn(&str) -> bool) -> Result<(), DriftError> {
    let Request { stated, settings, reference, .. } = request;
    let stated = stated.roles.iter().map(|(name, _)| name).chain(stated.kinds.iter().map(|(name, _)| name));
    for name in stated.chain(settings.weights.keys()) {
        if !has(name) {
            return Err(DriftError::invalid(
                format!("{reference} has no column {name:?}"),
                "name columns as the file has them, with upper and lower case",
            ));
        }
    }
    Ok(())
}

/// A weight is one of a feature: of anything else it would count for nothing.
fn check_weights(request: &Request, roles: &[RoleView]) -> Result<(), DriftError> {
    for name in request.settings.weights.keys() {
        let role = roles.iter().find(|role| role.column == *name).map(|role| role.role);
        let Some(role) = role.filter(|role| !matches!(role, Role::Feature | Role::Text | Role::Embedding))
        else {
            continue;
        };
        return Err(DriftError::invalid(
            format!("--weight {name}: it is no feature but of the role {}", role.as_str()),
            "give weights to features alone; other roles have pillars of their own",
        ));
    }
    Ok(())
}

/// A profile holds what its columns were taken for; what is said otherwise would change nothing.
fn check_kinds(request: &Request, profile: &Profile) -> Result<(), DriftError> {
    for (name, kind) in &request.stated.kinds {
        let bins = profile.column(name).and_then(|column| column.bins.as_ref());
        if bins.is_some_and(|bins| bins.grid.kind() == *kind) {
            continue;
        }
        return Err(DriftError::invalid(
            format!("the profile {} does not hold {name:?} as {}", request.reference, kind.as_str()),
            "say it where the profile is made: comptroller profile takes the same options",
        ));
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

/// Two stored profiles on one grid.
pub(super) fn of_profiles(
    request: &Request,
    reference: &Profile,
    current: &Profile,
) -> Result<Inputs, DriftError> {
    check_named(request, |name| reference.column(name).is_some())?;
    check_kinds(request, reference)?;
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
    let mut embeddings = Vec::new();
    for (name, before) in &reference.vectors {
        let Some(now) = current.vectors.get(name) else { continue };
        let (found, column) = embedding::of_profiles(name, before, now);
        embeddings.push(found);
        columns.extend(column);
    }
    Ok(Inputs {
        embeddings,
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
        ..Inputs::default()
    })
}
