//! Witnesses: parties that the operator does not control cosign the log's heads.
//!
//! Here: which witnesses there are, what is known of each, and what people are shown. One conversation is
//! [`exchange`], when they are held is [`follow`], and which head is shown to others is [`served`].
//! A witness that has seen a longer or another log than this database holds is the third mark of the restore guard,
//! beside the guard file and the published objects: the store turns read-only (append-only).

mod exchange;
mod follow;
mod served;

pub use follow::Asked;
pub(crate) use served::cosigned;

use crate::outbound::{self, OutboundError, back_off};
use crate::{App, AppError};
use comptroller_core::Timestamp;
use comptroller_ledger::{Policy, VerifierKey};
use comptroller_store::{Conn, cosignatures};
use serde::{Deserialize, Serialize};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// How the log is witnessed.
#[derive(Clone, Debug)]
pub struct WitnessSettings {
    /// The witnesses and their quorum. Those with a URL are asked; the others count if a line of theirs is there.
    pub policy: Policy,
    /// Time between two questions to one witness.
    pub every: Duration,
    /// Whether only a head that reached the quorum is shown to others.
    pub require_quorum: bool,
}

/// What is known of one witness. Public: it holds no address.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WitnessView {
    /// Name of its key.
    pub name: String,
    /// Its key, as a C2SP vkey.
    pub vkey: String,
    /// Whether this server asks it; without a submission address in the policy it does not.
    pub asked: bool,
    /// Size it cosigned last; absent if it never did.
    pub cosigned_size: Option<u64>,
    /// When it cosigned that size, by its own clock.
    #[schema(value_type = Option<String>)]
    pub cosigned_at: Option<Timestamp>,
    /// Signed entries that it has not cosigned yet.
    pub lag: u64,
    /// What went wrong at the last attempt of this server; absent if that succeeded.
    pub last_error: Option<String>,
}

/// The witnesses of a running server.
#[derive(Debug)]
pub(crate) struct Witnesses {
    policy: Policy,
    every: Duration,
    require_quorum: bool,
    peers: Vec<Arc<Peer>>,
    /// The largest size that this process has seen reach the quorum; 0 if none.
    witnessed_size: AtomicI64,
}

/// One witness that is asked.
#[derive(Debug)]
struct Peer {
    key: VerifierKey,
    /// Where `add-checkpoint` is posted to.
    endpoint: String,
    state: Mutex<PeerState>,
    /// One conversation at a time.
    turn: tokio::sync::Mutex<()>,
}

/// What this process remembers of a witness.
#[derive(Debug, Default)]
struct PeerState {
    /// Size that the witness said it cosigned last, if that is not what the database says.
    told: Option<u64>,
    last_error: Option<String>,
    failures: u32,
    /// Not asked before this moment.
    rest_until: Option<Instant>,
}

impl App {
    /// Has the log witnessed as `settings` say.
    ///
    /// # Errors
    /// An address that may not be asked.
    pub fn with_witnesses(mut self, settings: WitnessSettings) -> Result<Self, AppError> {
        let mut peers = Vec::new();
        for party in settings.policy.witnesses() {
            let Some(url) = &party.url else { continue };
            outbound::check_url(url)
                .map_err(|error| AppError::invalid("policy", format!("{}: {error}", party.key.name())))?;
            peers.push(Arc::new(Peer {
                key: party.key.clone(),
                endpoint: format!("{}/add-checkpoint", url.trim_end_matches('/')),
                state: Mutex::default(),
                turn: tokio::sync::Mutex::default(),
            }));
        }
        let WitnessSettings { policy, every, require_quorum } = settings;
        self.witnesses = Some(Arc::new(Witnesses {
            policy,
            every,
            require_quorum,
            peers,
            witnessed_size: AtomicI64::new(0),
        }));
        Ok(self)
    }

    /// What is known of each witness of the policy, in the order of the file.
    pub(crate) async fn witness_views(
        &self,
        conn: &mut Conn,
        signed_size: u64,
    ) -> Result<Vec<WitnessView>, AppError> {
        let Some(witnesses) = &self.witnesses else { return Ok(Vec::new()) };
        let mut views = Vec::new();
        for party in witnesses.policy.witnesses() {
            let vkey = party.key.to_string();
            let newest = cosignatures::newest_of(conn, &vkey).await?;
            let peer = witnesses.peers.iter().find(|peer| peer.key == party.key);
            let cosigned_size = newest.as_ref().map(|row| row.size.unsigned_abs());
            views.push(WitnessView {
                name: party.key.name().to_owned(),
                vkey,
                asked: peer.is_some(),
                cosigned_size,
                cosigned_at: newest.map(|row| Timestamp::from_micros(row.cosigned_at)),
                lag: signed_size.saturating_sub(cosigned_size.unwrap_or(0)),
                last_error: peer.and_then(|peer| peer.state().last_error.clone()),
            });
        }
        Ok(views)
    }
}

impl Peer {
    fn state(&self) -> MutexGuard<'_, PeerState> {
        // Whatever a panic left behind is only a memory of the last attempt.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self) {
        let mut state = self.state();
        state.last_error = None;
        state.failures = 0;
        state.rest_until = None;
    }

    fn failed(&self, problem: String, every: Duration) {
        let mut state = self.state();
        state.last_error = Some(problem);
        state.failures = state.failures.saturating_add(1);
        state.rest_until = Some(Instant::now() + back_off(every, state.failures));
    }

    /// Whether the last attempts failed and the pause after them is not over.
    fn rests(&self) -> bool {
        self.state().rest_until.is_some_and(|until| until > Instant::now())
    }
}

/// Why a witness gave nothing of use. Shown to the public, so it names no address.
#[derive(Debug, thiserror::Error)]
enum WitnessError {
    #[error("{0}")]
    Outbound(#[from] OutboundError),
    #[error("it answered with HTTP status {status}{}", hint(*status))]
    Status { status: u16 },
    #[error("its answer is not a cosignature of this head by its key: {0}")]
    Answer(#[from] comptroller_ledger::witness::WitnessResponseError),
    #[error("its answer to the conflict is not a size")]
    Size,
    #[error("it contradicts itself about the size that it cosigned last")]
    Contradiction,
    #[error("this server could not read its own log")]
    Own(#[from] AppError),
}

fn hint(status: u16) -> &'static str {
    match status {
        404 => ": it does not know this log, ask its operator to add the origin and the key",
        403 => ": it does not accept the log's signature, give its operator the present key",
        _ => "",
    }
}
