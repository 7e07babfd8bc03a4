//! The columns of an audit as one table, from one file or from two that share a key.

use super::{AuditError, Join};
use comptroller_lake::Source;
use comptroller_stats::cells::{Block, BlockBuilder, Cell, number_name};
use std::collections::HashMap;

/// Most rows that are read: every named column of them is held at once, some gigabytes at this number.
const MAX_ROWS: usize = 50_000_000;

/// Columns of equal length.
pub(super) struct Table {
    columns: Vec<(String, Block)>,
    /// Rows without a partner in the joined file; they are not in the table.
    pub(super) unmatched: u64,
}

impl Table {
    /// Reads the named columns. A column that the first file lacks is taken from the joined one.
    ///
    /// # Errors
    /// For files that cannot be read, columns in neither file, and keys that name several rows.
    pub(super) fn read(data: &str, join: Option<&Join>, names: &[String]) -> Result<Self, AuditError> {
        let first = Source::open(data)?;
        let (mine, others): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| place(&first, name).is_some());
        let Some(join) = join else {
            if let Some(name) = others.first() {
                return Err(lost(name, &[&first]));
            }
            return Ok(Self { columns: scan(&first, &mine)?, unmatched: 0 });
        };
        let second = Source::open(&join.file)?;
        for source in [&first, &second] {
            if place(source, &join.on).is_none() {
                return Err(lost(&join.on, &[source]));
            }
        }
        if let Some(name) = others.iter().find(|name| place(&second, name).is_none()) {
            return Err(lost(name, &[&first, &second]));
        }
        let with_key = |names: &[&String]| -> Vec<String> {
            let mut all: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
            if !all.contains(&join.on) {
                all.push(join.on.clone());
            }
            all
        };
        let (mine, others) = (with_key(&mine), with_key(&others));
        let left = scan(&first, &mine.iter().collect::<Vec<_>>())?;
        let right = scan(&second, &others.iter().collect::<Vec<_>>())?;
        joined(left, right, join)
    }

    /// A column by its name.
    ///
    /// # Errors
    /// When it was not read.
    pub(super) fn column(&self, name: &str) -> Result<&Block, AuditError> {
        let found = self.columns.iter().find(|(column, _)| column == name);
        found.map(|(_, block)| block).ok_or_else(|| {
            AuditError::invalid(format!("the column {name:?} was not read"), "report this as an error")
        })
    }
}

fn place(source: &Source, name: &str) -> Option<usize> {
    source.columns().iter().position(|column| column.name == name)
}

fn lost(name: &str, sources: &[&Source]) -> AuditError {
    let files: Vec<&str> = sources.iter().map(|source| source.name()).collect();
    let known: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.columns())
        .map(|column| column.name.as_str())
        .take(30)
        .collect();
    AuditError::invalid(
        format!("{} has no column {name:?}; it has {}", files.join(" with "), known.join(", ")),
        "name columns as the file has them, with upper and lower case; --join FILE --on COLUMN adds those of a second",
    )
}

fn scan(source: &Source, names: &[&String]) -> Result<Vec<(String, Block)>, AuditError> {
    let places: Vec<usize> = names.iter().filter_map(|name| place(source, name)).collect();
    let mut builders: Vec<BlockBuilder> = vec![BlockBuilder::default(); places.len()];
    let mut rows = 0;
    source.scan(&places, &mut |blocks| {
        rows += blocks.first().map_or(0, Block::len);
        // Beyond the bound rows are counted and not kept; the error follows.
        if rows <= MAX_ROWS {
            for (builder, block) in builders.iter_mut().zip(blocks) {
                builder.extend(block);
            }
        }
        Ok(())
    })?;
    if rows > MAX_ROWS {
        return Err(AuditError::invalid(
            format!("{} has {rows} rows, at most {MAX_ROWS} are audited at once", source.name()),
            "audit it in parts, or a random sample of it",
        ));
    }
    if rows == 0 {
        return Err(AuditError::invalid(
            format!("{} has no rows", source.name()),
            "give a file with a header and at least one row",
        ));
    }
    Ok(names.iter().map(|name| (*name).clone()).zip(builders.into_iter().map(BlockBuilder::finish)).collect())
}

/// The name by which a key is compared; nothing for a missing one, which belongs to nobody.
fn key(cell: Cell<'_>) -> Option<String> {
    match cell {
        Cell::Number(number) if !number.is_nan() => Some(number_name(number)),
        Cell::Text(text) => Some(text.to_owned()),
        Cell::Number(_) | Cell::Null | Cell::Other => None,
    }
}

fn joined(left: Vec<(String, Block)>, right: Vec<(String, Block)>, join: &Join) -> Result<Table, AuditError> {
    let of = |columns: &[(String, Block)]| -> Vec<Option<String>> {
        let found = columns.iter().find(|(name, _)| *name == join.on);
        found.map(|(_, block)| block.cells().map(key).collect()).unwrap_or_default()
    };
    let mut partner: HashMap<String, usize> = HashMap::new();
    for (row, key) in of(&right).into_iter().enumerate() {
        let Some(key) = key else { continue };
        if let Some(before) = partner.insert(key, row) {
            return Err(AuditError::invalid(
                format!("rows {} and {} of {} have the same `{}`", before + 1, row + 1, join.file, join.on),
                "join on a column that names each row of the joined file once",
            ));
        }
    }
    let rows: Vec<Option<usize>> =
        of(&left).iter().map(|key| key.as_ref().and_then(|key| partner.get(key)).copied()).collect();
    let unmatched = rows.iter().filter(|row| row.is_none()).count() as u64;
    if unmatched == rows.len() as u64 {
        return Err(AuditError::invalid(
            format!("no row has a partner in {} by `{}`", join.file, join.on),
            "look whether both columns hold the same identifiers, written alike",
        ));
    }
    let pick = |block: &Block, places: &mut dyn Iterator<Item = usize>| {
        let mut builder = BlockBuilder::default();
        for row in places {
            builder.push(block.cell(row));
        }
        builder.finish()
    };
    let kept: Vec<(usize, usize)> =
        rows.iter().enumerate().filter_map(|(row, other)| other.map(|other| (row, other))).collect();
    let mut columns = Vec::new();
    for (name, block) in left {
        columns.push((name, pick(&block, &mut kept.iter().map(|pair| pair.0))));
    }
    for (name, block) in right.into_iter().filter(|(name, _)| *name != join.on) {
        columns.push((name, pick(&block, &mut kept.iter().map(|pair| pair.1))));
    }
    Ok(Table { columns, unmatched })
}
