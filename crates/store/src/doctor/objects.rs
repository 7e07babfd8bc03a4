//! Checks what lies outside the database: the guard file, published tiles, bundles and heads, and artifact parts.

use super::log::Log;
use crate::artifacts::{Part, hash_all, part_name, plain_bytes};
use crate::findings::Findings;
use crate::objects::ObjectsError;
use crate::tables::{self, Row};
use crate::{Conn, Store, StoreError, journal};
use comptroller_core::ids::UploadId;
use comptroller_ledger::tile::{bundles_of, encode_tile, tiles_of};
use comptroller_ledger::{EntryBundle, Tile};
use futures_util::TryStreamExt;
use std::collections::BTreeSet;

const RESTORE_OBJECT: &str = "restore the object from a backup or a mirror of the log; it is never rewritten";

/// Marks outside the database, read before it.
#[derive(Debug)]
pub(super) struct Outside {
    guard: Result<Option<(i64, String)>, StoreError>,
    objects: BTreeSet<String>,
}

impl Outside {
    pub(super) async fn read(store: &Store) -> Result<Self, StoreError> {
        let guard = store.inner.publisher.guard.read();
        let mut objects = BTreeSet::new();
        let mut listed = std::pin::pin!(store.objects().list("log")?);
        while let Some(object) = listed.try_next().await? {
            objects.insert(object.name);
        }
        Ok(Self { guard, objects })
    }
}

/// Guard, tiles, bundles and published heads.
pub(super) async fn check_published(
    store: &Store,
    conn: &mut Conn,
    outside: &Outside,
    log: &Log,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    check_guard(conn, outside, log, findings).await?;
    let mut known = BTreeSet::new();
    let signed = log.signed.unsigned_abs();
    for tile in tiles_of(signed).filter(Tile::is_full) {
        let bytes = journal::tile(conn, tile).await.map(|hashes| encode_tile(&hashes));
        check_object(store, &mut known, &tile.path(), bytes, findings).await?;
    }
    for bundle in bundles_of(signed).filter(EntryBundle::is_full) {
        let bytes = journal::bundle(conn, bundle).await;
        check_object(store, &mut known, &bundle.path(), bytes, findings).await?;
    }
    for name in outside.objects.difference(&known) {
        check_surplus(store, conn, name, log, findings).await?;
    }
    Ok(())
}

async fn check_guard(
    conn: &mut Conn,
    outside: &Outside,
    log: &Log,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let place = "guard file";
    match &outside.guard {
        Err(error) => {
            findings.damage(
                place,
                error.to_string(),
                "restore the file from the newest published checkpoint",
            );
        }
        Ok(None) if log.signed > 0 => {
            let remedy =
                "publish once, and find out who removed it: without it a restored backup is not noticed";
            findings.warning(place, "missing, although heads were signed", remedy);
        }
        Ok(None) => {}
        Ok(Some((size, _))) if *size > log.signed => {
            let place = format!("guard file, table checkpoint size {size}");
            let what = format!("a signed log of {size} entries was seen, the database has {}", log.signed);
            findings.damage(place, what, "restore the newer database; this one must not sign");
        }
        Ok(Some((size, root))) => {
            let row = tables::row(conn, tables::table("checkpoint")?, &[*size]).await?;
            if row.is_none_or(|row| row[1].text() != root) {
                let what = format!("has seen another head of {size} entries than table checkpoint holds");
                findings.damage(
                    place,
                    what,
                    "find out which of the two was shown to others before signing again",
                );
            }
        }
    }
    Ok(())
}

/// Compares one object byte for byte with what the database makes of it.
async fn check_object(
    store: &Store,
    known: &mut BTreeSet<String>,
    path: &str,
    expected: Result<Vec<u8>, StoreError>,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let name = format!("log/{path}");
    // What the database cannot make was reported where the row is.
    if let Ok(expected) = expected {
        findings.count("tiles and bundles", 1);
        compare(store, &name, &expected, findings).await?;
    }
    known.insert(name);
    Ok(())
}

async fn compare(
    store: &Store,
    name: &str,
    expected: &[u8],
    findings: &mut Findings,
) -> Result<(), StoreError> {
    match store.objects().get(name).await {
        Ok(found) if found == expected => {}
        Ok(found) => {
            let differs = found
                .iter()
                .zip(expected)
                .position(|(a, b)| a != b)
                .unwrap_or(found.len().min(expected.len()));
            let what = format!("{} bytes, differs from the database at byte {differs}", found.len());
            findings.damage(format!("object {name}"), what, RESTORE_OBJECT);
        }
        Err(ObjectsError::NotFound { .. }) => {
            findings.damage(format!("object {name}"), "missing", RESTORE_OBJECT);
        }
        Err(error @ ObjectsError::TooLarge { .. }) => {
            findings.damage(format!("object {name}"), error.to_string(), RESTORE_OBJECT);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// An object below `log/` that the signed log does not call for: a published head, what a crash left, or a stranger.
async fn check_surplus(
    store: &Store,
    conn: &mut Conn,
    name: &str,
    log: &Log,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let path = name.strip_prefix("log/").unwrap_or(name);
    if let Some(size) = path.strip_prefix("checkpoints/") {
        findings.count("published heads", 1);
        let size = size.parse::<i64>().unwrap_or(-1);
        let row = tables::row(conn, tables::table("checkpoint")?, &[size]).await?;
        if let Some(row) = row {
            return compare(store, name, row[3].text().as_bytes(), findings).await;
        }
        let what = "a published head that table checkpoint does not hold";
        findings.damage(format!("object {name}"), what, "restore the newer database; this one must not sign");
        return Ok(());
    }
    // A crash between writing tiles and signing leaves tiles of entries that are there but not signed yet.
    let entries = log.size.unsigned_abs();
    if let Ok(tile) = Tile::parse(path)
        && tile.is_full()
        && Tile::in_tree(tile.level, tile.index, entries) == Some(tile)
    {
        let bytes = encode_tile(&journal::tile(conn, tile).await?);
        return compare(store, name, &bytes, findings).await;
    }
    if let Ok(bundle) = EntryBundle::parse(path)
        && bundle.is_full()
        && EntryBundle::in_tree(bundle.index, entries) == Some(bundle)
    {
        let bytes = journal::bundle(conn, bundle).await?;
        return compare(store, name, &bytes, findings).await;
    }
    let what = format!("not part of the log of {entries} entries");
    findings.damage(
        format!("object {name}"),
        what,
        "restore the newer database, or find out who wrote the object",
    );
    Ok(())
}

/// Every artifact's parts exist and have the right size; `deep` opens and hashes them.
pub(super) async fn check_artifacts(
    store: &Store,
    conn: &mut Conn,
    deep: bool,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let table = tables::table("artifact")?;
    let mut after = String::new();
    // Read by pages, because each row leads to other queries on the same connection.
    loop {
        let page = artifact_page(conn, &after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.0.clone();
        for (digest, upload, bytes, parts) in page {
            findings.count("artifacts", 1);
            let row = vec![tables::Value::Text(digest)];
            check_artifact(store, &row, &upload, (bytes, parts), deep, &table.key_of(&row), findings).await?;
        }
    }
}

/// Of a purged file neither the key nor the bytes are there, and that is as it should be.
pub(super) async fn check_purged(
    store: &Store,
    conn: &mut Conn,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let rows = crate::db::fetch_all!(
        conn,
        (String, String),
        "SELECT a.digest, k.key_id FROM artifact a JOIN data_key k ON k.subject = 'artifact/' || a.upload \
         WHERE a.purged_at IS NOT NULL"
    )?;
    for (digest, key) in rows {
        let what = format!("it was purged, but its data key {key} is there");
        findings.damage(format!("table artifact, digest {digest}"), what, "delete the row of table data_key");
    }
    let mut after = String::new();
    loop {
        let purged = crate::db::fetch_all!(
            conn,
            (String, String),
            "SELECT digest, upload FROM artifact WHERE purged_at IS NOT NULL AND digest > $1 \
             ORDER BY digest LIMIT 256",
            after.as_str()
        )?;
        let Some(last) = purged.last() else { return Ok(()) };
        after = last.0.clone();
        findings.count("purged artifacts", purged.len() as u64);
        for (digest, upload) in purged {
            let mut left = std::pin::pin!(store.objects().list(&format!("artifacts/{upload}"))?);
            if left.try_next().await?.is_some() {
                let what =
                    format!("purged, and its key is destroyed, but objects of upload {upload} are there");
                let remedy = "the next purge deletes them: comptroller retention run";
                findings.warning(format!("table artifact, digest {digest}"), what, remedy);
            }
        }
    }
}

async fn artifact_page(conn: &mut Conn, after: &str) -> Result<Vec<(String, String, i64, i64)>, StoreError> {
    crate::db::fetch_all!(
        conn,
        (String, String, i64, i64),
        "SELECT digest, upload, bytes, parts FROM artifact WHERE digest > $1 AND purged_at IS NULL \
         ORDER BY digest LIMIT 256",
        after
    )
}

async fn check_artifact(
    store: &Store,
    row: &Row,
    upload: &str,
    (bytes, parts): (i64, i64),
    deep: bool,
    key: &str,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let place = format!("table artifact, {key}");
    let Ok(upload) = upload.parse::<UploadId>() else {
        findings.damage(format!("{place}, column upload"), "not an upload id", super::log::RESTORE);
        return Ok(());
    };
    let mut found = Vec::new();
    for number in 1..=u32::try_from(parts).unwrap_or(0) {
        let name = part_name(upload, number);
        match store.objects().head(&name).await {
            Ok(object) => match plain_bytes(object.bytes) {
                Some(bytes) => found.push(Part { number, bytes }),
                None => findings.damage(format!("object {name}"), "no part has that size", RESTORE_OBJECT),
            },
            Err(ObjectsError::NotFound { .. }) => {
                findings.damage(
                    format!("object {name}"),
                    format!("missing, a part of artifact {key}"),
                    RESTORE_OBJECT,
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    if found.len() as i64 != parts {
        return Ok(());
    }
    let total: u64 = found.iter().map(|part| part.bytes).sum();
    if total != bytes.unsigned_abs() {
        findings.damage(place, format!("{total} bytes are stored, the row says {bytes}"), RESTORE_OBJECT);
        return Ok(());
    }
    if deep {
        let Some(key) = store.data_key(&format!("artifact/{upload}")).await? else {
            findings.damage(place, "its data key is missing", "restore table data_key from a backup");
            return Ok(());
        };
        let hashed = hash_all(store.objects(), &key, upload, &found).await;
        let wrong = match hashed {
            Ok((digest, _)) if digest.as_str() == row[0].text() => None,
            Ok((digest, _)) => Some(format!("the stored content has digest {digest}")),
            Err(error) => Some(error.to_string()),
        };
        if let Some(what) = wrong {
            findings.damage(place, what, RESTORE_OBJECT);
        }
        findings.count("artifacts hashed", 1);
    }
    Ok(())
}
