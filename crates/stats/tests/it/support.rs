//! Tables in memory, and random numbers that are the same in every run.

use comptroller_stats::cells::{Block, BlockBuilder};
use comptroller_stats::column::{Current, Reference};
use comptroller_stats::dependence::{Pairs, Quartiles};
use comptroller_stats::drift::{Column, Compared, Inputs, Report, Settings, Side, report};
use comptroller_stats::gather::{Gather, Gathered};
use comptroller_stats::grid::Kind;
use comptroller_stats::outcomes::{Columns, Outcomes};
use comptroller_stats::profile::Role;

/// A generator of SplitMix64: small, seeded, good enough for what tests draw.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (2.0 * std::f64::consts::PI * self.unit()).cos()
    }

    pub(crate) fn normals(&mut self, rows: usize, mean: f64, deviation: f64) -> Vec<f64> {
        (0..rows).map(|_| mean + deviation * self.normal()).collect()
    }
}

/// A column of a table in memory.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) kind: Kind,
    pub(crate) block: Block,
}

pub(crate) fn numeric(name: &str, values: Vec<f64>) -> Data {
    Data { name: name.to_owned(), role: Role::Feature, kind: Kind::Numeric, block: Block::of_numbers(values) }
}

pub(crate) fn of_role(role: Role, data: Data) -> Data {
    let kind = if role == Role::Label { Kind::Categorical } else { data.kind };
    Data { role, kind, ..data }
}

pub(crate) fn texts<S: AsRef<str>>(name: &str, values: impl IntoIterator<Item = S>) -> Data {
    let mut builder = BlockBuilder::default();
    for value in values {
        builder.text(value.as_ref());
    }
    let block = builder.finish();
    Data { name: name.to_owned(), role: Role::Feature, kind: Kind::Categorical, block }
}

/// Numbers, of which some are missing.
pub(crate) fn with_nulls(name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Data {
    let mut builder = BlockBuilder::default();
    for value in values {
        match value {
            Some(number) => builder.number(number),
            None => builder.null(),
        }
    }
    let block = builder.finish();
    Data { name: name.to_owned(), role: Role::Feature, kind: Kind::Numeric, block }
}

pub(crate) fn gathered(block: &Block) -> Gathered {
    let mut gather = Gather::new(usize::MAX);
    gather.push(block);
    gather.finish()
}

/// Compares two tables as the application does, with the default settings.
pub(crate) fn compare(reference: &[Data], current: &[Data]) -> Report {
    let rows = |table: &[Data]| table.first().map_or(0, |column| column.block.len() as u64);
    let mut columns = Vec::new();
    let (mut before_levels, mut now_levels) = (Vec::new(), Vec::new());
    for column in reference {
        let now = current.iter().find(|other| other.name == column.name);
        let side = Reference::of(&gathered(&column.block), column.kind);
        let current_side = now.map(|now| Current::of(&gathered(&now.block), &side.grid, None, 8192));
        if let (Some(quartiles), Some(now), Role::Feature) = (Quartiles::of(&side), now, column.role) {
            before_levels.push((column.name.as_str(), quartiles.levels(&column.block)));
            now_levels.push((column.name.as_str(), quartiles.levels(&now.block)));
        }
        columns.push(Compared::of(&column.name, column.role, side, current_side, rows(current)));
    }
    let pairs = |levels: &[(&str, Vec<u8>)]| {
        let all: Vec<(&str, &[u8])> =
            levels.iter().map(|(name, levels)| (*name, levels.as_slice())).collect();
        Pairs::of(&all)
    };
    let outcomes = (outcomes(reference, &columns), outcomes(current, &columns));
    let side =
        |name: &str, table: &[Data]| Side { name: name.to_owned(), rows: rows(table), is_profile: false };
    let inputs = Inputs {
        pairs: Some((pairs(&before_levels), pairs(&now_levels))),
        outcomes,
        reference: side("reference", reference),
        current: side("current", current),
        columns,
        ..Inputs::default()
    };
    report(inputs, &Settings::default())
}

/// As the application counts them: where the labels are not there, every row is without one.
fn outcomes(table: &[Data], columns: &[Compared]) -> Option<Outcomes> {
    let grid = |role: Role| columns.iter().find(|column| column.role == role).map(|column| &column.grid);
    let of = |role: Role| Some((grid(role)?, &table.iter().find(|column| column.role == role)?.block));
    let unlabelled = Block::of_nulls(table.first()?.block.len());
    let label = of(Role::Label).or(Some((grid(Role::Label)?, &unlabelled)))?;
    let columns = Columns { score: of(Role::Score), decision: of(Role::Prediction), by_class: &[], label };
    Some(Outcomes::of(&columns, Some("1")))
}

/// The only column of a report of one column.
pub(crate) fn single(reference: Data, current: Data) -> (Report, Column) {
    let report = compare(&[reference], &[current]);
    let column = report.columns[0].clone();
    (report, column)
}
