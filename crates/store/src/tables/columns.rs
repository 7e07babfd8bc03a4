//! Short forms in which the list of tables is written.

use super::{Class, Column, ColumnKind, Table};

pub(super) const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text, nullable: false }
}

pub(super) const fn maybe_text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text, nullable: true }
}

pub(super) const fn int(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Int, nullable: false }
}

pub(super) const fn maybe_int(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Int, nullable: true }
}

pub(super) const fn bool(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Bool, nullable: false }
}

pub(super) const fn table(class: Class, name: &'static str, key: usize, columns: &'static [Column]) -> Table {
    Table { name, class, columns, key }
}
