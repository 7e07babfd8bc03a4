//! Checks private parts, their keys, and the secrets that can be checked at all.
//!
//! A token's or session's hash, and which subject a key belongs to, stand nowhere else: an edit of those makes a
//! credential fail or an erasure incomplete, but cannot be told from the stored data.

use super::log::RESTORE;
use crate::areas::access::{hash_seal, identity_seal};
use crate::areas::factors::row_seal;
use crate::db::fetch_all;
use crate::findings::Findings;
use crate::keys::{DataKey, OrgKey, open_payload};
use crate::purge::PURGED;
use crate::tables::{self, Row};
use crate::{Conn, Store, StoreError, journal};
use comptroller_ledger::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// State of the pass over the private parts.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Tombstones by subject: how many, and the first and last entry.
    tombstones: BTreeMap<String, (u64, i64, i64)>,
    /// Erasures by subject: the entry and the number of payloads it says.
    erasures: BTreeMap<String, (i64, u64)>,
    /// Entries whose private part is blank for its age, and whose purge has not been met yet.
    purged: BTreeSet<i64>,
    rows: i64,
}

/// Payload rows and wrapped keys of one page of entries.
#[derive(Debug, Default)]
pub(super) struct Page {
    rows: BTreeMap<i64, Row>,
    wrapped: HashMap<String, String>,
}

impl Pass {
    pub(super) async fn page(
        &mut self,
        conn: &mut Conn,
        from: i64,
        to: i64,
        findings: &mut Findings,
    ) -> Result<Page, StoreError> {
        let table = tables::table("payload")?;
        let rows = tables::rows_between(conn, table, from, to, to - from).await?;
        self.rows += rows.len() as i64;
        findings.count("private parts", rows.len() as u64);
        let wrapped = fetch_all!(
            conn,
            (String, String),
            "SELECT key_id, wrapped FROM data_key \
             WHERE key_id IN (SELECT key_id FROM payload WHERE idx >= $1 AND idx < $2)",
            from,
            to
        )?;
        let rows = rows.into_iter().filter_map(|row| Some((row[0].int()?, row))).collect();
        Ok(Page { rows, wrapped: wrapped.into_iter().collect() })
    }

    /// Checks the private part of one entry; `entry` is none where it cannot be read.
    pub(super) fn entry(
        &mut self,
        store: &Store,
        idx: i64,
        entry: Option<&Entry>,
        page: &mut Page,
        findings: &mut Findings,
    ) {
        let row = page.rows.remove(&idx);
        let Some(entry) = entry else { return };
        if entry.kind == "subject.erased" {
            let subject = entry.data.get("subject").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let payloads = entry.data.get("payloads").and_then(serde_json::Value::as_u64).unwrap_or(0);
            self.erasures.insert(subject, (idx, payloads));
        }
        if entry.kind == "data.purged" {
            self.purge(idx, entry, findings);
        }
        let place = format!("table payload, idx {idx}");
        let (row, commitment) = match (row, entry.commitments.first()) {
            (None, None) => return,
            (Some(row), Some(commitment)) => (row, commitment),
            (None, Some(_)) => {
                findings.damage(place, "the entry commits to a private part, but there is no row", RESTORE);
                return;
            }
            (Some(_), None) => {
                findings.damage(place, "there is a row, but the entry commits to nothing", "delete the row");
                return;
            }
        };
        let (name, key_id, ciphertext) = (row[1].text(), row[2].text(), row[3].text());
        if name != commitment.name {
            let what = format!("named {name:?}, but the entry commits to {:?}", commitment.name);
            findings.damage(format!("{place}, column name"), what, RESTORE);
            return;
        }
        if ciphertext.is_empty() && key_id == PURGED {
            self.purged.insert(idx);
            return;
        }
        if ciphertext.is_empty() {
            let seen = self.tombstones.entry(key_id.to_owned()).or_insert((0, idx, idx));
            *seen = (seen.0 + 1, seen.1, idx);
            return;
        }
        let Some(key) = page.wrapped.get(key_id) else {
            let what = format!("its key {key_id} is gone, and no erasure left a tombstone");
            findings.damage(format!("{place}, column key_id"), what, RESTORE);
            return;
        };
        let Ok(key) = unwrap(store, key_id, key) else {
            // Why is said by the pass over the keys.
            findings.damage(format!("{place}, column key_id"), "its key does not open", RESTORE);
            return;
        };
        let wrong = match open_payload(&key, format!("payload/{idx}/{name}").as_bytes(), ciphertext) {
            Ok((salt, plain)) if commitment.opens_with(&salt, &plain) => return,
            Ok(_) => "opens, but is not what the entry committed to".to_owned(),
            Err(error) => error.to_string(),
        };
        findings.damage(format!("{place}, column ciphertext"), wrong, RESTORE);
    }

    /// A purge explains the blank private parts that it names, and only those.
    fn purge(&mut self, idx: i64, entry: &Entry, findings: &mut Findings) {
        for named in entry.data["entries"].as_array().into_iter().flatten() {
            let named = named.as_i64().unwrap_or(-1);
            if !self.purged.remove(&named) {
                let what = format!("entry {idx} says that it was purged, but it is not blank");
                findings.damage(format!("table payload, idx {named}"), what, RESTORE);
            }
        }
    }

    /// Tombstones against erasures and purges, and rows outside the log.
    pub(super) async fn end(self, conn: &mut Conn, findings: &mut Findings) -> Result<(), StoreError> {
        for (subject, (count, first, last)) in &self.tombstones {
            let place = format!("table payload, idx {first}");
            match self.erasures.get(subject) {
                None => {
                    let what = format!("{count} rows are tombstones of {subject:?}, but no event erased it");
                    findings.damage(place, what, RESTORE);
                }
                Some((erased, _)) if last >= erased => {
                    let what = format!(
                        "a tombstone of {subject} at idx {last} is newer than its erasure at {erased}"
                    );
                    findings.damage(format!("table payload, idx {last}"), what, RESTORE);
                }
                Some(_) => {}
            }
        }
        for idx in &self.purged {
            let what = "it is blank as if it were purged, but no event purged it";
            findings.damage(format!("table payload, idx {idx}"), what, RESTORE);
        }
        for (subject, (idx, payloads)) in &self.erasures {
            let found = self.tombstones.get(subject).map_or(0, |seen| seen.0);
            if found != *payloads {
                let what =
                    format!("erased {payloads} private parts of {subject}, but there are {found} tombstones");
                findings.damage(format!("table payload, erasure at idx {idx}"), what, RESTORE);
            }
        }
        let rows = tables::count(conn, tables::table("payload")?).await?;
        if rows != self.rows {
            let what = format!("{} rows stand outside the log", rows - self.rows);
            findings.damage("table payload, idx outside the log", what, "delete the rows");
        }
        Ok(())
    }
}

impl Page {
    /// Reports the rows of the page that no entry asked for.
    pub(super) fn end(self, findings: &mut Findings) {
        for idx in self.rows.into_keys() {
            let place = format!("table payload, idx {idx}");
            findings.damage(place, "there is a row, but no such entry", "delete the row");
        }
    }
}

fn unwrap(store: &Store, key_id: &str, wrapped: &str) -> Result<DataKey, StoreError> {
    Ok(store.key().unwrap(journal::key_id(key_id)?, wrapped)?)
}

/// Every data key opens under the organisation key, and its id carries the time of its making.
pub(super) async fn check_keys(
    store: &Store,
    conn: &mut Conn,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    use futures_util::TryStreamExt;
    let table = tables::table("data_key")?;
    let mut rows = tables::rows(conn, table);
    while let Some(row) = rows.try_next().await? {
        findings.count("data keys", 1);
        let place = format!("table data_key, {}", table.key_of(&row));
        if let Err(error) = unwrap(store, row[0].text(), table.cell(&row, "wrapped").text()) {
            let remedy = "restore the row, or the organisation key file, from a backup";
            findings.damage(format!("{place}, column wrapped"), error.to_string(), remedy);
        }
        let created = table.cell(&row, "created_at").int().map(|micros| micros / 1_000);
        if created != made_at_millis(row[0].text()) {
            findings.damage(format!("{place}, column created_at"), "not the time in the key's id", RESTORE);
        }
    }
    Ok(())
}

/// The millisecond in a UUIDv7: its first 48 bits.
fn made_at_millis(id: &str) -> Option<i64> {
    let digits: String = id.chars().filter(|c| *c != '-').take(12).collect();
    i64::from_str_radix(&digits, 16).ok()
}

fn edited(findings: &mut Findings, place: String) {
    let what = "was not written by this store: its seal does not fit";
    findings.damage(
        place,
        what,
        "revoke the credential, reset the factor, or unlink the person, and find out who edited the row",
    );
}

/// Secrets belong to something that exists, and each row has the seal of the organisation's key.
pub(super) async fn check_secrets(
    conn: &mut Conn,
    key: &OrgKey,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let orphans = [
        (
            "credential_secret, credential",
            fetch_all!(
                conn,
                (String,),
                "SELECT credential FROM credential_secret WHERE credential NOT IN \
                 (SELECT id FROM token UNION ALL SELECT id FROM session UNION ALL SELECT id FROM invitation)"
            )?,
        ),
        (
            "factor_secret, factor",
            fetch_all!(
                conn,
                (String,),
                "SELECT factor FROM factor_secret WHERE factor NOT IN (SELECT id FROM factor WHERE removed_at IS NULL)"
            )?,
        ),
        (
            "identity, lookup",
            fetch_all!(
                conn,
                (String,),
                "SELECT lookup FROM identity i WHERE NOT EXISTS (SELECT 1 FROM principal p WHERE p.id = i.principal)"
            )?,
        ),
    ];
    for (place, rows) in orphans {
        for (key,) in rows {
            let what = "belongs to nothing that exists";
            findings.damage(
                format!("table {place} {key}"),
                what,
                "restore the row from a backup, or delete it",
            );
        }
    }
    let hashes =
        fetch_all!(conn, (String, String, String), "SELECT credential, hash, seal FROM credential_secret")?;
    for (credential, hash, seal) in hashes {
        if seal != hash_seal(key, &credential, &hash) {
            edited(findings, format!("table credential_secret, credential {credential}"));
        }
    }
    let factors = fetch_all!(
        conn,
        (String, String, i64, String),
        "SELECT factor, sealed, counter, seal FROM factor_secret"
    )?;
    for (factor, sealed, counter, seal) in factors {
        if seal != row_seal(key, &factor, &sealed, counter) {
            edited(findings, format!("table factor_secret, factor {factor}"));
        }
    }
    let identities = fetch_all!(
        conn,
        (String, String, Option<String>, String),
        "SELECT lookup, principal, issuer, seal FROM identity"
    )?;
    for (lookup, principal, issuer, seal) in identities {
        if seal != identity_seal(key, &lookup, &principal, issuer.as_deref()) {
            edited(findings, format!("table identity, lookup {lookup}"));
        }
    }
    Ok(())
}
