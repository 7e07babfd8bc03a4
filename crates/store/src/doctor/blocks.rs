//! Checks the sealed blocks of prediction records: every part is there, and with `deep` the file is the one on record.

use super::log::RESTORE;
use crate::artifacts::{MAX_PART_BYTES, Part, hash_all, part_name, plain_bytes};
use crate::db::fetch_all;
use crate::findings::Findings;
use crate::objects::ObjectsError;
use crate::{Conn, Store, StoreError};
use comptroller_core::ids::UploadId;

const RESTORE_OBJECT: &str = "restore the object from a backup; a block is never rewritten";

#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: String,
    version: String,
    environment: String,
    day: i64,
    digest: String,
    bytes: i64,
    filter_bytes: i64,
    records: i64,
    file: String,
    place: i64,
}

/// Bytes of the index of so many records, as `lake/src/index.rs` writes it.
const fn index_bytes(rows: u64) -> u64 {
    8 + 8 * rows
}

/// Every block's parts exist and have the right size; `deep` opens and hashes them.
pub(super) async fn check(
    store: &Store,
    conn: &mut Conn,
    deep: bool,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let page = fetch_all!(
            conn,
            Row,
            "SELECT id, version, environment, day, digest, bytes, filter_bytes, row_count AS records, file, place \
             FROM prediction_block WHERE id > $1 \
             ORDER BY id LIMIT 256",
            after.as_str()
        )?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        for row in page {
            findings.count("blocks of records", 1);
            check_block(store, &row, deep, findings).await?;
        }
    }
}

async fn check_block(
    store: &Store,
    row: &Row,
    deep: bool,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let place = format!("table prediction_block, id {}", row.id);
    let Ok(upload) = row.file.parse::<UploadId>() else {
        findings.damage(format!("{place}, column file"), "not an id", RESTORE);
        return Ok(());
    };
    let parts = parts_of(row.bytes.unsigned_abs());
    // Behind the file stand the filter and the index of each block in it.
    let behind = u32::try_from(row.place.unsigned_abs() * 2).unwrap_or(u32::MAX);
    let filter = Part {
        number: (parts.len() as u32 + 1).saturating_add(behind),
        bytes: row.filter_bytes.unsigned_abs(),
    };
    let index = Part { number: filter.number + 1, bytes: index_bytes(row.records.unsigned_abs()) };
    let mut whole = true;
    for part in parts.iter().chain([&filter, &index]) {
        let name = part_name(upload, part.number);
        let problem = match store.objects().head(&name).await {
            Ok(object) if plain_bytes(object.bytes) == Some(part.bytes) => continue,
            Ok(_) => format!("it has not the size of {} bytes", part.bytes),
            Err(ObjectsError::NotFound { .. }) => format!("missing, a part of block {}", row.id),
            Err(error) => return Err(error.into()),
        };
        findings.damage(format!("object {name}"), problem, RESTORE_OBJECT);
        whole = false;
    }
    // A file of several blocks is hashed with the first of them.
    if !deep || !whole || row.place > 0 {
        return Ok(());
    }
    let Row { version, environment, day, .. } = row;
    let Some(key) = store.data_key(&format!("predictions/{version}/{environment}/{day}")).await? else {
        findings.damage(place, "its data key is missing", "restore table data_key from a backup");
        return Ok(());
    };
    match hash_all(store.objects(), &key, upload, &parts).await {
        Ok((digest, _)) if digest.as_str() == row.digest => {}
        Ok((digest, _)) => {
            findings.damage(place, format!("the stored file has digest {digest}"), RESTORE_OBJECT);
        }
        Err(error) => findings.damage(place, error.to_string(), RESTORE_OBJECT),
    }
    findings.count("blocks hashed", 1);
    Ok(())
}

/// The parts that a file of so many bytes stands in.
fn parts_of(bytes: u64) -> Vec<Part> {
    let count = u32::try_from(bytes.div_ceil(MAX_PART_BYTES)).unwrap_or(u32::MAX);
    (1..=count)
        .map(|number| {
            let before = u64::from(number - 1) * MAX_PART_BYTES;
            Part { number, bytes: (bytes - before).min(MAX_PART_BYTES) }
        })
        .collect()
}
