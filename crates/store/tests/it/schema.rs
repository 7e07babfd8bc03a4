//! The list of tables is the migrated schema, on both databases.

use crate::support::{Bed, Kind, on_both};
use comptroller_store::tables::{ColumnKind, TABLES};
use comptroller_store::{DbConfig, Link};
use std::collections::BTreeMap;

on_both!(every_table_is_listed_as_it_is);

/// Columns by table: name, kind, nullable, position in the primary key or 0.
type Schema = BTreeMap<String, Vec<(String, ColumnKind, bool, i64)>>;

async fn every_table_is_listed_as_it_is(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let mut listed = Schema::new();
    for table in TABLES {
        let columns = table.columns.iter().enumerate().map(|(at, column)| {
            let key = if at < table.key { at as i64 + 1 } else { 0 };
            (column.name.to_owned(), column.kind, column.nullable, key)
        });
        listed.insert(table.name.to_owned(), columns.collect());
    }
    assert_eq!(listed.len(), TABLES.len(), "each table once");
    let found = match store.read().await?.ready().await? {
        Link::Sqlite(conn) => sqlite(conn).await?,
        Link::Postgres(conn) => postgres(conn).await?,
    };
    assert_eq!(found, listed);
    assert_eq!(bed.kind == Kind::Sqlite, matches!(bed.config.db, DbConfig::Sqlite(_)));
    Ok(())
}

async fn sqlite(conn: &mut sqlx::SqliteConnection) -> anyhow::Result<Schema> {
    let rows: Vec<(String, String, String, i64, i64)> = sqlx::query_as(
        "SELECT m.name, c.name, c.type, c.\"notnull\", c.pk FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '_sqlx%' ORDER BY m.name, c.cid",
    )
    .fetch_all(conn)
    .await?;
    let mut schema = Schema::new();
    for (table, column, kind, not_null, key) in rows {
        schema.entry(table).or_default().push((column, parse(&kind)?, not_null == 0 && key == 0, key));
    }
    Ok(schema)
}

async fn postgres(conn: &mut sqlx::PgConnection) -> anyhow::Result<Schema> {
    let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
        "SELECT CAST(c.table_name AS TEXT), CAST(c.column_name AS TEXT), CAST(c.data_type AS TEXT), \
         CAST(c.is_nullable AS TEXT), COALESCE((SELECT CAST(k.ordinal_position AS BIGINT) \
         FROM information_schema.key_column_usage k JOIN information_schema.table_constraints t \
         ON t.constraint_name = k.constraint_name AND t.table_name = k.table_name \
         WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_name = c.table_name AND k.column_name = c.column_name), 0) \
         FROM information_schema.columns c \
         WHERE c.table_schema = 'public' AND c.table_name NOT LIKE '!_sqlx%' ESCAPE '!' \
         ORDER BY c.table_name, c.ordinal_position",
    )
    .fetch_all(conn)
    .await?;
    let mut schema = Schema::new();
    for (table, column, kind, nullable, key) in rows {
        schema.entry(table).or_default().push((column, parse(&kind)?, nullable == "YES", key));
    }
    Ok(schema)
}

fn parse(kind: &str) -> anyhow::Result<ColumnKind> {
    Ok(match kind.to_uppercase().as_str() {
        "TEXT" => ColumnKind::Text,
        "BIGINT" => ColumnKind::Int,
        "BOOLEAN" => ColumnKind::Bool,
        other => anyhow::bail!("a column of type {other}: only TEXT, BIGINT and BOOLEAN are in the list"),
    })
}
