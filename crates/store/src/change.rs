//! Changes of the database as values: what is to be written, before it is sent.
//!
//! A projection says what it changes and runs nothing, so the writer decides when that is sent. Equal INSERTs in a row
//! go as one with several rows, and to SQLite several statements go as one text: each that is sent alone costs two
//! switches between threads, which is more than the statement itself costs (ADR 0001).

use crate::StoreError;
use crate::types::{Micros, Text};
use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};
use std::fmt::Display;

/// Most changes of one text: at 16 values each far below what either database allows.
const SCRIPT: usize = 256;
/// A text of at most this many changes is kept prepared; longer ones rarely come a second time.
const KEPT: usize = 16;

/// A value of a change, by the type of its column.
#[derive(Debug, PartialEq)]
pub(crate) enum Bind {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(bool),
}

/// One static SQL text with its values.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) sql: &'static str,
    pub(crate) binds: Vec<Bind>,
}

/// Adds one static SQL text with its values to a list of changes.
macro_rules! change {
    ($changes:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        $changes.push($crate::change::Change {
            sql: $sql,
            binds: vec![$($crate::change::Bind::from($bind)),*],
        })
    };
}
pub(crate) use change;

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<&str>> for Bind {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl<T: Display> From<Text<T>> for Bind {
    fn from(value: Text<T>) -> Self {
        Self::Text(Some(value.0.to_string()))
    }
}

impl<T: Display> From<Option<Text<T>>> for Bind {
    fn from(value: Option<Text<T>>) -> Self {
        Self::Text(value.map(|text| text.0.to_string()))
    }
}

impl From<i64> for Bind {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Bind {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<Micros> for Bind {
    fn from(moment: Micros) -> Self {
        Self::Int(Some(moment.0.micros()))
    }
}

impl From<bool> for Bind {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// Runs changes as one text, whose parameters are written by `$parameter`.
macro_rules! run {
    ($conn:expr, $changes:expr, $parameter:expr) => {{
        let (text, binds) = script($changes, $parameter);
        // Safe: static texts, in which nothing but the parameters is written anew.
        let mut query = sqlx::query(AssertSqlSafe(text)).persistent($changes.len() <= KEPT);
        for bind in binds {
            query = match bind {
                Bind::Text(text) => query.bind(text),
                Bind::Int(number) => query.bind(number),
                Bind::Bool(truth) => query.bind(truth),
            };
        }
        query.execute(&mut *$conn).await?
    }};
}

/// Sends changes to SQLite in their order; the first that fails ends it, and what came before it stays done.
pub(crate) async fn to_sqlite(conn: &mut SqliteConnection, changes: &[Change]) -> Result<(), StoreError> {
    for some in changes.chunks(SCRIPT) {
        // SQLite looks a parameter with a name up by going through all names, so they get none.
        run!(conn, some, |_| "?".to_owned());
    }
    Ok(())
}

/// Sends changes to PostgreSQL as [`to_sqlite`]; its protocol takes one statement with values at a time.
pub(crate) async fn to_postgres(conn: &mut PgConnection, changes: &[Change]) -> Result<(), StoreError> {
    for some in changes.chunks(SCRIPT) {
        for statement in some.chunk_by(are_rows_of_one) {
            run!(conn, statement, |place| format!("${place}"));
        }
    }
    Ok(())
}

/// Whether two changes in a row can be one INSERT.
fn are_rows_of_one(one: &Change, next: &Change) -> bool {
    one.sql == next.sql && rows_of(one.sql).is_some()
}

/// Splits an INSERT that ends with its one row of values before that row.
fn rows_of(sql: &str) -> Option<(&str, &str)> {
    let (head, row) = sql.strip_prefix("INSERT ")?.rsplit_once(" VALUES ")?;
    (row.ends_with(')') && !row.contains("ON CONFLICT")).then_some((head, row))
}

/// The statements one after the other, and the values of all their parameters in the order of the text.
fn script(changes: &[Change], parameter: impl Fn(usize) -> String) -> (String, Vec<&Bind>) {
    let mut text = String::with_capacity(changes.iter().map(|change| change.sql.len() + 16).sum());
    let mut values = Vec::with_capacity(changes.iter().map(|change| change.binds.len()).sum());
    for statement in changes.chunk_by(are_rows_of_one) {
        for (place, change) in statement.iter().enumerate() {
            let next_row = rows_of(change.sql).filter(|_| place > 0);
            if next_row.is_some() {
                text.push_str(", ");
            }
            let mut pieces = next_row.map_or(change.sql, |(_, row)| row).split('$');
            text.push_str(pieces.next().unwrap_or_default());
            for piece in pieces {
                let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
                let number: usize = piece[..digits].parse().unwrap_or_default();
                // A parameter without its value is an error of the database.
                values.extend(change.binds.get(number.wrapping_sub(1)));
                text.push_str(&parameter(values.len()));
                text.push_str(&piece[digits..]);
            }
        }
        text.push_str(";\n");
    }
    (text, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(changes: &[Change]) -> Vec<String> {
        script(changes, |place| format!("${place}")).0.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_parameters_of_a_script_follow_each_other_with_their_values() {
        let mut changes = Vec::new();
        change!(&mut changes, "SAVEPOINT request");
        change!(changes, "INSERT INTO a (x, y, z) VALUES ($1, $2, $2)", 1, "two");
        change!(changes, "UPDATE b SET x = $2 WHERE y = $1", "three", true);
        let expected = [
            "SAVEPOINT request;",
            "INSERT INTO a (x, y, z) VALUES ($1, $2, $3);",
            "UPDATE b SET x = $4 WHERE y = $5;",
        ];
        assert_eq!(texts(&changes), expected);
        let (text, values) = script(&changes, |_| "?".to_owned());
        assert!(text.ends_with("UPDATE b SET x = ? WHERE y = ?;\n"), "{text}");
        let two = || Bind::from("two");
        assert_eq!(values, [&Bind::from(1), &two(), &two(), &Bind::from(true), &Bind::from("three")]);
    }

    #[test]
    fn equal_inserts_in_a_row_are_one_unless_they_say_more_than_rows() {
        let mut changes = Vec::new();
        change!(&mut changes, "INSERT INTO a (x, y) VALUES ($1, FALSE)", 1);
        change!(changes, "INSERT INTO a (x, y) VALUES ($1, FALSE)", 2);
        change!(changes, "INSERT INTO b (x) VALUES ($1) ON CONFLICT (x) DO NOTHING", 3);
        change!(changes, "INSERT INTO b (x) VALUES ($1) ON CONFLICT (x) DO NOTHING", 4);
        change!(changes, "INSERT INTO a (x, y) VALUES ($1, FALSE)", 5);
        let expected = [
            "INSERT INTO a (x, y) VALUES ($1, FALSE), ($2, FALSE);",
            "INSERT INTO b (x) VALUES ($3) ON CONFLICT (x) DO NOTHING;",
            "INSERT INTO b (x) VALUES ($4) ON CONFLICT (x) DO NOTHING;",
            "INSERT INTO a (x, y) VALUES ($5, FALSE);",
        ];
        assert_eq!(texts(&changes), expected);
    }
}
