//! Editing any value of any table, or any byte of a tile, is found, and the finding names the place.
//!
//! Cites the invariants rebuildable, append-only and one-transaction.

use crate::authority::openssl;
use crate::support::{Bed, on_both};
use crate::world::{self, World};
use anyhow::Context;
use comptroller_store::tables::{self, Class, Column, Row, TABLES, Table, Value};
use comptroller_store::{Findings, Store};
use futures_util::TryStreamExt;

on_both!(
    an_untouched_store_is_clean,
    every_column_of_the_journal_and_its_keys_is_checked,
    rebuildable_every_column_of_the_state_is_compared,
    rows_added_or_removed_are_found,
    append_only_every_part_of_tiles_and_bundles_is_checked,
    a_tombstone_without_an_erasure_is_found,
);

/// One full tile and bundle, and a partial one.
const ENTRIES: u64 = 300;

async fn opened(bed: &Bed) -> anyhow::Result<(Store, World)> {
    let store = bed.open().await?;
    let world = world::build(bed, &store, ENTRIES).await?;
    Ok((store, world))
}

async fn an_untouched_store_is_clean(bed: Bed) -> anyhow::Result<()> {
    let (store, _) = opened(&bed).await?;
    let findings = store.doctor(true).await?;
    assert!(findings.is_clean(), "{findings:#?}");
    for (kind, least) in [
        ("entries", ENTRIES),
        ("checkpoints", 2),
        ("cosignatures", 1),
        ("time-stamps", u64::from(openssl().is_some())),
        ("private parts", 10),
        ("data keys", 10),
        ("subtree roots", 1),
        ("tiles and bundles", 2),
        ("published heads", 1),
        ("artifacts hashed", 1),
    ] {
        assert!(findings.checked.get(kind).copied().unwrap_or(0) >= least, "{kind}: {:?}", findings.checked);
    }
    let findings = store.rebuild_check().await?;
    assert!(findings.is_clean(), "{findings:#?}");
    assert_eq!(findings.checked.get("events replayed"), Some(&ENTRIES));
    Ok(())
}

async fn every_column_of_the_journal_and_its_keys_is_checked(bed: Bed) -> anyhow::Result<()> {
    let (store, _) = opened(&bed).await?;
    for table in TABLES
        .iter()
        .filter(|table| matches!(table.class, Class::Journal | Class::Evidence | Class::Secret))
        // Without OpenSSL nobody makes a token.
        .filter(|table| table.name != "timestamp_token" || openssl().is_some())
    {
        // Which subject a key belongs to stands nowhere else; see the module of the check.
        for column in
            table.columns.iter().filter(|column| (table.name, column.name) != ("data_key", "subject"))
        {
            let place = edited(&bed, &store, table, column, || store.doctor(false)).await?;
            assert!(place.starts_with(&format!("table {}", table.name)), "{place}");
        }
    }
    assert!(store.doctor(true).await?.is_clean(), "every edit was undone");
    Ok(())
}

async fn rebuildable_every_column_of_the_state_is_compared(bed: Bed) -> anyhow::Result<()> {
    let (store, _) = opened(&bed).await?;
    for table in TABLES.iter().filter(|table| table.class == Class::State) {
        for column in table.columns {
            edited(&bed, &store, table, column, || store.rebuild_check()).await?;
        }
    }
    assert!(store.rebuild_check().await?.is_clean(), "every edit was undone");
    Ok(())
}

/// Edits one value, checks that the finding names table, row and (unless it is the key) column, and undoes it.
async fn edited<F: Future<Output = Result<Findings, comptroller_store::StoreError>>>(
    bed: &Bed,
    store: &Store,
    table: &'static Table,
    column: &Column,
    check: impl Fn() -> F,
) -> anyhow::Result<String> {
    let rows: Vec<Row> = tables::rows(&mut store.read().await?, table).try_collect().await?;
    let row = rows.get(rows.len() / 2).with_context(|| format!("table {} has no row", table.name))?;
    let at = table.columns.iter().position(|c| c == column).context("a column of the table")?;
    let changed = altered(column, &row[at]);
    let mut after = row.clone();
    after[at] = changed;
    let set = |to: &Row, of: &Row| {
        let keys = table.columns.iter().zip(of).take(table.key);
        let wanted: Vec<String> =
            keys.map(|(column, value)| format!("\"{}\" = {}", column.name, sql(value))).collect();
        format!(
            "UPDATE \"{}\" SET \"{}\" = {} WHERE {}",
            table.name,
            column.name,
            sql(&to[at]),
            wanted.join(" AND ")
        )
    };
    anyhow::ensure!(bed.sql(&set(&after, row)).await? == 1, "{} was not edited", column.name);
    let findings = check().await?;
    let (before, now) = (table.key_of(row), table.key_of(&after));
    let named = findings.found.iter().find(|finding| {
        finding.place.starts_with(&format!("table {}", table.name))
            && (finding.place.contains(&before) || finding.place.contains(&now))
            && (at < table.key
                || table.key == 0
                || names_column(&finding.place, column.name)
                || !finding.place.contains("column"))
    });
    anyhow::ensure!(
        named.is_some(),
        "{}.{} of {before}: {} -> {} gave {:#?}",
        table.name,
        column.name,
        row[at],
        after[at],
        findings.found
    );
    anyhow::ensure!(bed.sql(&set(row, &after)).await? == 1, "{} was not put back", column.name);
    Ok(named.map(|finding| finding.place.clone()).unwrap_or_default())
}

fn names_column(place: &str, column: &str) -> bool {
    place.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == column)
}

fn altered(column: &Column, value: &Value) -> Value {
    match value {
        Value::Null if column.kind == tables::ColumnKind::Int => Value::Int(7),
        Value::Null => Value::Text("x".into()),
        Value::Bool(truth) => Value::Bool(!truth),
        // A signing time is no part of what is signed: only an order that cannot be is found.
        Value::Int(number) if column.name == "signed_at" => Value::Int(number - 3_600_000_000),
        Value::Int(number) => Value::Int(number + 1_000_000),
        // One character in the middle of the text.
        Value::Text(text) => {
            let mut chars: Vec<char> = text.chars().collect();
            let middle = chars.len() / 2;
            match chars.get_mut(middle) {
                Some(c) => *c = if *c == '0' { '1' } else { '0' },
                None => chars.push('x'),
            }
            Value::Text(chars.into_iter().collect())
        }
    }
}

fn sql(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Bool(truth) => truth.to_string().to_uppercase(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
    }
}

async fn rows_added_or_removed_are_found(bed: Bed) -> anyhow::Result<()> {
    let (store, _) = opened(&bed).await?;
    // A removed cosignature leaves no trace; a removed time-stamp does, in the log.
    let checked = |table: &&Table| match table.class {
        Class::Journal | Class::State => true,
        Class::Evidence => table.name == "timestamp_token" && openssl().is_some(),
        Class::Secret | Class::Passing => false,
    };
    for table in TABLES.iter().filter(checked) {
        let rows: Vec<Row> = tables::rows(&mut store.read().await?, table).try_collect().await?;
        let row = rows.get(rows.len() / 2).with_context(|| format!("table {} has no row", table.name))?;
        let keys = table.columns.iter().zip(row).take(table.key);
        let wanted: Vec<String> =
            keys.map(|(column, value)| format!("\"{}\" = {}", column.name, sql(value))).collect();
        let columns: Vec<String> =
            table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let insert = |row: &Row| {
            let values: Vec<String> = row.iter().map(sql).collect();
            format!("INSERT INTO \"{}\" ({}) VALUES ({})", table.name, columns.join(", "), values.join(", "))
        };
        let delete = format!("DELETE FROM \"{}\" WHERE {}", table.name, wanted.join(" AND "));

        bed.sql(&delete).await?;
        found(&store, table, "a removed row").await?;
        bed.sql(&insert(row)).await?;

        // A second row that is like the first one but for what must be unique.
        let mut twin = row.clone();
        for (column, value) in table.columns.iter().zip(&mut twin) {
            let unique = ["id", "slug", "label", "stream_seq"].contains(&column.name);
            if unique || table.columns.iter().take(table.key).any(|key| key == column) {
                *value = altered(column, value);
            }
        }
        bed.sql(&insert(&twin)).await.with_context(|| format!("table {}", table.name))?;
        found(&store, table, "an added row").await?;
        let keys = table.columns.iter().zip(&twin).take(table.key);
        let wanted: Vec<String> =
            keys.map(|(column, value)| format!("\"{}\" = {}", column.name, sql(value))).collect();
        bed.sql(&format!("DELETE FROM \"{}\" WHERE {}", table.name, wanted.join(" AND "))).await?;
    }
    assert!(store.doctor(false).await?.is_clean(), "every edit was undone");
    Ok(())
}

async fn found(store: &Store, table: &Table, what: &str) -> anyhow::Result<()> {
    let findings =
        if table.class == Class::State { store.rebuild_check().await? } else { store.doctor(false).await? };
    let place = format!("table {}", table.name);
    anyhow::ensure!(
        findings.found.iter().any(|f| f.place.contains(&place)),
        "{what} of {place}: {findings:#?}"
    );
    Ok(())
}

async fn append_only_every_part_of_tiles_and_bundles_is_checked(bed: Bed) -> anyhow::Result<()> {
    let (store, _) = opened(&bed).await?;
    for name in ["log/tile/0/000", "log/tile/entries/000"] {
        let path = bed.dir.path().join("objects").join(name);
        let good = std::fs::read(&path).with_context(|| path.display().to_string())?;
        // The length prefix and the first bytes of an entry, the edges of a hash, the middle, the end.
        let places = [0, 1, 2, 3, 31, 32, 33, good.len() / 2, good.len() - 1];
        let mut edits: Vec<Vec<u8>> = places
            .iter()
            .map(|at| {
                let mut bytes = good.clone();
                bytes[*at] ^= 1;
                bytes
            })
            .collect();
        edits.push(good[..good.len() - 1].to_vec());
        edits.push([good.as_slice(), b"x"].concat());
        edits.push(Vec::new());
        for bytes in edits {
            replace(&path, Some(&bytes))?;
            let findings = store.doctor(false).await?;
            let place = format!("object {name}");
            assert!(findings.found.iter().any(|f| f.place == place), "{findings:#?}");
        }
        replace(&path, None)?;
        assert!(store.doctor(false).await?.is_damaged(), "a missing object is found");
        replace(&path, Some(&good))?;
    }
    // A tile that the log never had: what a fork or a newer database would leave.
    let surplus = bed.dir.path().join("objects/log/tile/0/009");
    replace(&surplus, Some(&[7; 8192]))?;
    let findings = store.doctor(false).await?;
    assert!(findings.found.iter().any(|f| f.place == "object log/tile/0/009"), "{findings:#?}");
    replace(&surplus, None)?;

    let guard = std::fs::read_dir(bed.dir.path().join("guard"))?
        .filter_map(Result::ok)
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|end| end == "head"))
        .context("a guard file")?;
    let good = std::fs::read(&guard)?;
    for bytes in [b"garbage".to_vec(), good.iter().map(|b| if *b == b'3' { b'4' } else { *b }).collect()] {
        replace(&guard, Some(&bytes))?;
        assert!(store.doctor(false).await?.found.iter().any(|f| f.place.starts_with("guard file")));
    }
    replace(&guard, Some(&good))?;
    assert!(store.doctor(false).await?.is_clean(), "every edit was undone");
    Ok(())
}

fn replace(path: &std::path::Path, bytes: Option<&[u8]>) -> anyhow::Result<()> {
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    if let Some(bytes) = bytes {
        std::fs::write(path, bytes)?;
    }
    Ok(())
}

async fn a_tombstone_without_an_erasure_is_found(bed: Bed) -> anyhow::Result<()> {
    let (store, world) = opened(&bed).await?;
    let subject = format!("subject/{}", world.subject);
    let key = format!("(SELECT key_id FROM data_key WHERE subject = '{subject}')");
    bed.sql(&format!("UPDATE payload SET ciphertext = '', key_id = '{subject}' WHERE key_id = {key}"))
        .await?;
    let findings = store.doctor(false).await?;
    assert!(findings.found.iter().any(|f| f.what.contains("no event erased it")), "{findings:#?}");
    // Hiding behind the erasure of somebody else does not add up either.
    let erased = format!("(SELECT MIN(subject) FROM erasure WHERE subject <> '{subject}')");
    bed.sql(&format!("UPDATE payload SET key_id = {erased} WHERE key_id = '{subject}'")).await?;
    let findings = store.doctor(false).await?;
    assert!(findings.found.iter().any(|f| f.what.contains("tombstones")), "{findings:#?}");
    Ok(())
}
