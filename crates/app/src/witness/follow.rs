//! When witnesses are asked: before the first write, then at an interval, and before an evidence pack is written.
//!
//! Each has a task of its own, so a slow one holds up nobody. What a conversation leads to is acted on in
//! one place, `visit`.

use super::exchange::Outcome;
use super::{Peer, Witnesses};
use crate::App;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How the question before the first write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Witnesses that are asked.
    pub witnesses: usize,
    /// Those that gave an answer of use.
    pub answered: usize,
}

impl App {
    /// Asks every witness once, all at the same time, whether it agrees with the newest signed head. Call it before
    /// the first write: a database that was put back is found here. Takes about 20 s at most.
    pub async fn ask_witnesses(&self) -> Asked {
        let Some(witnesses) = &self.witnesses else { return Asked { witnesses: 0, answered: 0 } };
        let visits = witnesses.peers.iter().map(|peer| self.visit(witnesses, peer, true));
        let answered = join_all(visits).await.into_iter().filter(|answered| *answered).count();
        Asked { witnesses: witnesses.peers.len(), answered }
    }

    /// Has the newest signed head cosigned now by the witnesses that do not rest after failures.
    pub(crate) async fn cosign_now(&self) {
        let Some(witnesses) = &self.witnesses else { return };
        let awake = witnesses.peers.iter().filter(|peer| !peer.rests());
        join_all(awake.map(|peer| self.visit(witnesses, peer, false))).await;
    }

    /// One task per witness; all end when `stop` changes.
    pub(crate) fn spawn_witness_followers(&self, stop: &watch::Receiver<bool>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for peer in self.witnesses.iter().flat_map(|witnesses| &witnesses.peers) {
            tasks.spawn(self.clone().follow_witness(Arc::clone(peer), stop.clone()));
        }
        tasks
    }

    async fn follow_witness(self, peer: Arc<Peer>, mut stop: watch::Receiver<bool>) {
        let Some(witnesses) = self.witnesses.clone() else { return };
        loop {
            let round = async {
                tokio::time::sleep(pause(&witnesses, &peer)).await;
                self.visit(&witnesses, &peer, false).await;
            };
            tokio::select! {
                () = round => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// Holds one conversation and acts on it; whether it was of use. A read-only store asks nobody.
    async fn visit(&self, witnesses: &Witnesses, peer: &Peer, always: bool) -> bool {
        let _turn = peer.turn.lock().await;
        if self.store.is_read_only() {
            return false;
        }
        let name = peer.key.name();
        match self.exchange(peer, always).await {
            Ok(Outcome::Cosigned | Outcome::NothingNew | Outcome::Overtaken) => peer.succeeded(),
            // INVARIANT (append-only): whoever outside has seen more than this database has, or something else, is
            // right until a person has looked.
            Ok(Outcome::Ahead { witness, database }) => {
                self.store.freeze();
                peer.failed(
                    format!("it has cosigned {witness} entries, this database has {database}"),
                    witnesses.every,
                );
                tracing::error!(
                    witness.name = name,
                    witness.size = witness,
                    database.size = database,
                    "a witness has cosigned a longer log than this database holds: the store is read-only; restore \
                     the newer database, or, if the witness is wrong, take it out of the policy and start again"
                );
            }
            Ok(Outcome::Fork { size }) => {
                self.store.freeze();
                peer.failed(
                    format!("it has cosigned another history than the head of {size}"),
                    witnesses.every,
                );
                tracing::error!(
                    witness.name = name,
                    refused.size = size,
                    "a witness has cosigned another history than this database holds: the store is read-only; \
                     compare the heads, or, if the witness is wrong, take it out of the policy and start again"
                );
            }
            Err(error) => {
                tracing::warn!(witness.name = name, %error, "a witness did not cosign");
                peer.failed(error.to_string(), witnesses.every);
                return false;
            }
        }
        true
    }
}

/// Time until the next question: the interval, or what is left of the pause after failures.
fn pause(witnesses: &Witnesses, peer: &Peer) -> Duration {
    let rest = peer.state().rest_until;
    rest.map_or(witnesses.every, |until| until.saturating_duration_since(std::time::Instant::now()))
}
