//! Every table of the database: class, columns and primary key, and the generic reading and writing of rows.
//!
//! Used by the doctor, the rebuild check and the copy, which treat tables alike. Nothing here knows what a row means.
//! SQL text is built from the names below only, never from data or input. A test compares this list with the
//! migrated schema of both databases, so a new table cannot be forgotten.

mod columns;
mod list;

pub use list::TABLES;

use crate::StoreError;
use crate::db::{Conn, Link};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, TypeInfo, ValueRef};
use std::fmt;

/// Most rows of one INSERT: with 16 columns still under SQLite's 32,766 binds.
const ROWS: usize = 500;

/// What a table is to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The truth: entries, their hashes and signatures, encrypted payloads.
    Journal,
    /// What others said about the log: each row proves itself. Which time-stamps there must be is in the log; which
    /// cosignatures, nothing says.
    Evidence,
    /// Rebuilt from the journal by replaying it.
    State,
    /// Keys, hashes and look-up digests; not in the journal.
    Secret,
    /// Work in progress that nobody relies on after a restart.
    Passing,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// TEXT.
    Text,
    /// BIGINT.
    Int,
    /// BOOLEAN.
    Bool,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What it is to the system.
    pub class: Class,
    /// Its columns, in the order of the migration.
    pub columns: &'static [Column],
    /// The primary key is the first so many columns.
    pub key: usize,
}

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A text; a value that SQLite holds in a storage class which no column has is shown as `<CLASS>`.
    Text(String),
}

/// The values of one row, in column order.
pub type Row = Vec<Value>;

impl Value {
    /// The number, if it is one.
    pub fn int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// The text; empty if it is none.
    pub fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => truth.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl Table {
    /// The primary key of a row, for messages: `idx 7`, or `level 1, idx 0`.
    pub fn key_of(&self, row: &[Value]) -> String {
        let parts = self.columns.iter().zip(row).take(self.key).map(|(column, value)| match value {
            Value::Text(text) => format!("{} {text}", column.name),
            other => format!("{} {other}", column.name),
        });
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The value of a column. An unknown name is a mistake in this crate and gives NULL.
    pub fn cell<'r>(&self, row: &'r [Value], name: &str) -> &'r Value {
        let at = self.columns.iter().position(|column| column.name == name);
        at.and_then(|at| row.get(at)).unwrap_or(&Value::Null)
    }

    fn select(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        format!("SELECT {} FROM \"{}\"", columns.join(", "), self.name)
    }

    /// Byte order on both databases, whatever the collation of a PostgreSQL database.
    fn order(&self, conn: &Conn) -> String {
        let parts =
            self.columns.iter().take(self.key).map(|column| match (conn.is_postgres(), column.kind) {
                (true, ColumnKind::Text) => format!("\"{}\" COLLATE \"C\"", column.name),
                _ => format!("\"{}\"", column.name),
            });
        format!(" ORDER BY {}", parts.collect::<Vec<_>>().join(", "))
    }
}

/// The table of that name.
///
/// # Errors
/// A name that is not in [`TABLES`].
pub fn table(name: &str) -> Result<&'static Table, StoreError> {
    let found = TABLES.iter().find(|table| table.name == name);
    found.ok_or_else(|| StoreError::Config(format!("there is no table {name:?}")))
}

/// All rows in primary key order, streamed: memory does not grow with the table.
pub fn rows<'c>(conn: &'c mut Conn, table: &'static Table) -> BoxStream<'c, Result<Row, StoreError>> {
    let sql = format!("{}{}", table.select(), table.order(conn));
    // Safe: built from the static names of TABLES.
    match conn.link() {
        Link::Sqlite(c) => {
            sqlx::query(AssertSqlSafe(sql)).fetch(&mut **c).map(move |row| sqlite_row(table, &row?)).boxed()
        }
        Link::Postgres(c) => {
            sqlx::query(AssertSqlSafe(sql)).fetch(&mut **c).map(move |row| postgres_row(table, &row?)).boxed()
        }
    }
}

/// Rows whose first key column, a number, is in `from..to`, in primary key order, at most `limit`.
pub async fn rows_between(
    conn: &mut Conn,
    table: &'static Table,
    from: i64,
    to: i64,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let column = table.columns[0].name;
    let order = table.order(conn);
    let sql = format!("{} WHERE \"{column}\" >= $1 AND \"{column}\" < $2{order} LIMIT $3", table.select());
    select(conn, table, sql, &[from, to, limit]).await
}

/// The row with this primary key, all of whose columns are numbers.
pub async fn row(conn: &mut Conn, table: &'static Table, key: &[i64]) -> Result<Option<Row>, StoreError> {
    let columns = table.columns.iter().take(table.key).enumerate();
    let wanted: Vec<String> =
        columns.map(|(at, column)| format!("\"{}\" = ${}", column.name, at + 1)).collect();
    let sql = format!("{} WHERE {}", table.select(), wanted.join(" AND "));
    Ok(select(conn, table, sql, key).await?.pop())
}

/// Runs text that was built from the static names of [`TABLES`].
async fn select(
    conn: &mut Conn,
    table: &'static Table,
    sql: String,
    binds: &[i64],
) -> Result<Vec<Row>, StoreError> {
    macro_rules! fetch {
        ($c:expr, $decode:expr) => {{
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for bind in binds {
                query = query.bind(*bind);
            }
            query.fetch_all(&mut **$c).await?.iter().map(|row| $decode(table, row)).collect()
        }};
    }
    match conn.ready().await? {
        Link::Sqlite(c) => fetch!(c, sqlite_row),
        Link::Postgres(c) => fetch!(c, postgres_row),
    }
}

/// Number of rows.
pub async fn count(conn: &mut Conn, table: &'static Table) -> Result<i64, StoreError> {
    // Safe: built from the static names of TABLES.
    let sql = AssertSqlSafe(format!("SELECT CAST(COUNT(*) AS BIGINT) FROM \"{}\"", table.name));
    Ok(match conn.ready().await? {
        Link::Sqlite(c) => sqlx::query_scalar(sql).fetch_one(&mut **c).await?,
        Link::Postgres(c) => sqlx::query_scalar(sql).fetch_one(&mut **c).await?,
    })
}

/// Inserts rows as they are. A value that does not fit its column is an error that names both.
pub async fn insert(conn: &mut Conn, table: &'static Table, rows: &[Row]) -> Result<(), StoreError> {
    for row in rows {
        check(table, row)?;
    }
    let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let head = format!("INSERT INTO \"{}\" ({}) ", table.name, columns.join(", "));
    macro_rules! insert_chunk {
        ($db:ty, $c:expr, $chunk:expr) => {{
            let mut query = QueryBuilder::<$db>::new(head.as_str());
            query.push_values($chunk, |mut b, row| {
                for (column, value) in table.columns.iter().zip(row) {
                    match (value, column.kind) {
                        (Value::Bool(truth), _) => b.push_bind(*truth),
                        (Value::Int(number), _) => b.push_bind(*number),
                        (Value::Text(text), _) => b.push_bind(text.as_str()),
                        (Value::Null, ColumnKind::Bool) => b.push_bind(None::<bool>),
                        (Value::Null, ColumnKind::Int) => b.push_bind(None::<i64>),
                        (Value::Null, ColumnKind::Text) => b.push_bind(None::<&str>),
                    };
                }
            });
            query.build().execute(&mut **$c).await?;
        }};
    }
    for chunk in rows.chunks(ROWS) {
        match conn.ready().await? {
            Link::Sqlite(c) => insert_chunk!(sqlx::Sqlite, c, chunk),
            Link::Postgres(c) => insert_chunk!(sqlx::Postgres, c, chunk),
        }
    }
    Ok(())
}

fn check(table: &'static Table, row: &[Value]) -> Result<(), StoreError> {
    for (column, value) in table.columns.iter().zip(row) {
        let fits = match value {
            Value::Null => column.nullable,
            Value::Bool(_) => column.kind == ColumnKind::Bool,
            Value::Int(_) => column.kind == ColumnKind::Int,
            Value::Text(_) => column.kind == ColumnKind::Text,
        };
        if !fits {
            return Err(StoreError::Damaged(format!(
                "table {}, {}: column {} holds a value of another type",
                table.name,
                table.key_of(row),
                column.name
            )));
        }
    }
    Ok(())
}

/// SQLite lets any value stand in any column, so what is really stored decides.
fn sqlite_row(table: &'static Table, row: &SqliteRow) -> Result<Row, StoreError> {
    let mut values = Row::with_capacity(table.columns.len());
    for (at, column) in table.columns.iter().enumerate() {
        let raw = row.try_get_raw(at)?;
        let class = if raw.is_null() { "NULL".to_owned() } else { raw.type_info().name().to_owned() };
        values.push(match class.as_str() {
            "NULL" => Value::Null,
            "INTEGER" => match row.try_get_unchecked::<i64, _>(at)? {
                number @ 0..=1 if column.kind == ColumnKind::Bool => Value::Bool(number == 1),
                number => Value::Int(number),
            },
            "TEXT" => match String::from_utf8(row.try_get_unchecked::<Vec<u8>, _>(at)?) {
                Ok(text) => Value::Text(text),
                Err(_) => Value::Text("<not UTF-8>".to_owned()),
            },
            other => Value::Text(format!("<{other}>")),
        });
    }
    Ok(values)
}

fn postgres_row(table: &'static Table, row: &PgRow) -> Result<Row, StoreError> {
    let mut values = Row::with_capacity(table.columns.len());
    for (at, column) in table.columns.iter().enumerate() {
        let value = match column.kind {
            ColumnKind::Text => row.try_get::<Option<String>, _>(at)?.map(Value::Text),
            ColumnKind::Int => row.try_get::<Option<i64>, _>(at)?.map(Value::Int),
            ColumnKind::Bool => row.try_get::<Option<bool>, _>(at)?.map(Value::Bool),
        };
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(values)
}
