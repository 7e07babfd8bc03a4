//! Second factors of people: what was enrolled, its secret, and how often somebody guessed.
//!
//! Secrets stand in a table of their own, sealed under the key of the person, so that erasure destroys them too. The
//! counter beside a secret says which code, or which use of a passkey, was the last one; it is no state, because a
//! replay of the log must not bring a used code back.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::keys::{OrgKey, open_payload, random, seal_payload};
use crate::tx::{At, Tx};
use crate::types::{Micros, Text};
use comptroller_core::ids::{FactorId, PrincipalId};
use comptroller_core::vocab::FactorKind;
use comptroller_core::{Digest, Event, Slug, Timestamp};
use zeroize::Zeroizing;

/// An enrolled factor, without its secret.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FactorRow {
    /// Its id.
    pub id: Text<FactorId>,
    /// Whose it is.
    pub principal: Text<PrincipalId>,
    /// What it is.
    pub kind: Text<FactorKind>,
    /// What its owner calls it.
    pub label: Text<Slug>,
    /// Digest of a passkey's credential id.
    pub credential: Option<Text<Digest>>,
    /// When it was enrolled.
    pub enrolled_at: Micros,
    /// When it was removed.
    pub removed_at: Option<Micros>,
}

/// Something that was begun with a factor and is finished with another request: an enrolment, or a challenge.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Whose it is.
    pub principal: PrincipalId,
    /// What exactly may be done with it, once.
    pub purpose: String,
    /// A secret that goes with it, sealed for its place.
    pub sealed: Option<String>,
    /// Until when.
    pub expires_at: Timestamp,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::FactorEnrolled { factor, principal, kind, label, credential } => {
            change!(
                changes,
                "INSERT INTO factor (id, principal, kind, label, credential, enrolled_at, removed_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, NULL)",
                Text(factor),
                Text(principal),
                Text(kind),
                Text(label),
                credential.as_ref().map(Text),
                now
            );
        }
        Event::FactorRemoved { factor } => {
            change!(
                changes,
                "UPDATE factor SET removed_at = $1 WHERE id = $2 AND removed_at IS NULL",
                now,
                Text(factor)
            );
        }
        _ => {}
    }
}

/// The factors of a person that were not removed, in the order of their enrolment.
pub async fn live(conn: &mut Conn, principal: PrincipalId) -> Result<Vec<FactorRow>, StoreError> {
    fetch_all!(
        conn,
        FactorRow,
        "SELECT id, principal, kind, label, credential, enrolled_at, removed_at FROM factor \
         WHERE principal = $1 AND removed_at IS NULL ORDER BY id",
        Text(principal)
    )
}

/// Whether some live factor has this credential.
pub async fn has_credential(conn: &mut Conn, credential: &Digest) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT id FROM factor WHERE credential = $1 AND removed_at IS NULL LIMIT 1",
        Text(credential)
    )?;
    Ok(row.is_some())
}

fn place(factor: FactorId) -> String {
    format!("factor/{factor}")
}

/// Seals a secret of a factor under the key of its owner.
pub async fn seal(
    tx: &mut Tx,
    principal: PrincipalId,
    factor: FactorId,
    secret: &[u8],
) -> Result<String, StoreError> {
    let key = tx.data_key(&format!("person/{principal}")).await?;
    Ok(seal_payload(&key, place(factor).as_bytes(), &random()?, secret)?)
}

/// Opens what [`seal`] made for the same owner and factor.
pub async fn open(
    tx: &mut Tx,
    principal: PrincipalId,
    factor: FactorId,
    sealed: &str,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let key = tx.data_key(&format!("person/{principal}")).await?;
    Ok(open_payload(&key, place(factor).as_bytes(), sealed)?.1)
}

/// Binds a secret and the counter of its last use to its factor, under the organisation's key: whoever can write to the
/// database cannot let a code be used again.
pub(crate) fn row_seal(key: &OrgKey, factor: &str, sealed: &str, counter: i64) -> String {
    key.lookup_digest("seal/factor", &format!("{factor}\n{counter}\n{sealed}"))
}

/// Keeps the sealed secret of a factor, with the counter of its last use.
pub async fn put_secret(tx: &mut Tx, factor: FactorId, sealed: &str, counter: i64) -> Result<(), StoreError> {
    let seal = row_seal(tx.key(), &factor.to_string(), sealed, counter);
    execute!(
        tx.conn(),
        "INSERT INTO factor_secret (factor, sealed, counter, seal) VALUES ($1, $2, $3, $4)",
        Text(factor),
        sealed,
        counter,
        seal
    )?;
    Ok(())
}

/// The sealed secret of a factor, and the counter of its last use; none if there is none, or if its row was not written
/// by this store.
pub async fn secret(tx: &mut Tx, factor: FactorId) -> Result<Option<(String, i64)>, StoreError> {
    let row = fetch_optional!(
        tx.conn(),
        (String, i64, String),
        "SELECT sealed, counter, seal FROM factor_secret WHERE factor = $1",
        Text(factor)
    )?;
    let Some((sealed, counter, seal)) = row else { return Ok(None) };
    if seal != row_seal(tx.key(), &factor.to_string(), &sealed, counter) {
        tracing::error!(%factor, "table factor_secret: somebody edited this row; run `comptroller doctor`");
        return Ok(None);
    }
    Ok(Some((sealed, counter)))
}

/// Notes the use of a factor whose sealed secret is `sealed`.
pub async fn count_use(tx: &mut Tx, factor: FactorId, sealed: &str, counter: i64) -> Result<(), StoreError> {
    let seal = row_seal(tx.key(), &factor.to_string(), sealed, counter);
    execute!(
        tx.conn(),
        "UPDATE factor_secret SET counter = $1, seal = $2 WHERE factor = $3",
        counter,
        seal,
        Text(factor)
    )?;
    Ok(())
}

/// Destroys the secret of a factor.
pub async fn drop_secret(conn: &mut Conn, factor: FactorId) -> Result<(), StoreError> {
    execute!(conn, "DELETE FROM factor_secret WHERE factor = $1", Text(factor))?;
    Ok(())
}

/// Takes one of `most` attempts that a person has within `span` microseconds of the last one. False if none is left.
pub async fn take_attempt(
    conn: &mut Conn,
    principal: PrincipalId,
    now: Timestamp,
    most: i64,
    span: i64,
) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64, i64),
        "SELECT attempts, last_at FROM factor_attempt WHERE principal = $1",
        Text(principal)
    )?;
    let before = row.filter(|(_, last)| now.micros() - last < span).map_or(0, |(attempts, _)| attempts);
    if before >= most {
        return Ok(false);
    }
    execute!(
        conn,
        "INSERT INTO factor_attempt (principal, attempts, last_at) VALUES ($1, $2, $3) \
         ON CONFLICT (principal) DO UPDATE SET attempts = excluded.attempts, last_at = excluded.last_at",
        Text(principal),
        before + 1,
        now.micros()
    )?;
    Ok(true)
}

/// Forgets the attempts of a person who has succeeded.
pub async fn forget_attempts(conn: &mut Conn, principal: PrincipalId) -> Result<(), StoreError> {
    execute!(conn, "DELETE FROM factor_attempt WHERE principal = $1", Text(principal))?;
    Ok(())
}

/// Keeps what was begun under a name, and forgets what is over.
pub async fn begin(conn: &mut Conn, name: &str, begun: &Begun, now: Timestamp) -> Result<(), StoreError> {
    execute!(conn, "DELETE FROM factor_begun WHERE expires_at <= $1", now.micros())?;
    execute!(
        conn,
        "INSERT INTO factor_begun (name, principal, purpose, sealed, expires_at) VALUES ($1, $2, $3, $4, $5)",
        name,
        Text(begun.principal),
        begun.purpose.as_str(),
        begun.sealed.as_deref(),
        begun.expires_at.micros()
    )?;
    Ok(())
}

/// How many things a person has begun that are not over.
pub async fn open_begun(conn: &mut Conn, principal: PrincipalId, now: Timestamp) -> Result<i64, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT COUNT(*) FROM factor_begun WHERE principal = $1 AND expires_at > $2",
        Text(principal),
        now.micros()
    )?;
    Ok(row.map_or(0, |row| row.0))
}

/// Takes what was begun, so that nobody takes it again; none if it is unknown, over, or somebody else's.
pub async fn take_begun(
    conn: &mut Conn,
    name: &str,
    principal: PrincipalId,
    now: Timestamp,
) -> Result<Option<Begun>, StoreError> {
    let row = fetch_optional!(
        conn,
        (Text<PrincipalId>, String, Option<String>, Micros),
        "SELECT principal, purpose, sealed, expires_at FROM factor_begun WHERE name = $1",
        name
    )?;
    let Some((owner, purpose, sealed, expires_at)) = row else { return Ok(None) };
    if owner.0 != principal || expires_at.0 <= now {
        return Ok(None);
    }
    execute!(conn, "DELETE FROM factor_begun WHERE name = $1", name)?;
    Ok(Some(Begun { principal, purpose, sealed, expires_at: expires_at.0 }))
}
