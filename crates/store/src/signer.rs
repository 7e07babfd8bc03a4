//! The log's signing keys: files beside the organisation key, never in the database.
//!
//! `log.key` signs. During a rotation's overlap `log.next.key` signs too, so that a reader who knows either key can
//! verify; [`LogSigner::finish_rotation`] makes the new key the only one and destroys the old.

use crate::StoreError;
use comptroller_ledger::dsse::IN_TOTO;
use comptroller_ledger::{Checkpoint, Envelope, RotationStatement, SignedCheckpoint, SigningKey};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use zeroize::Zeroizing;

const CURRENT: &str = "log.key";
const NEXT: &str = "log.next.key";

struct Keys {
    current: SigningKey,
    next: Option<SigningKey>,
}

/// Signs checkpoints. Cheap to clone; all clones see a rotation.
#[derive(Clone)]
pub struct LogSigner {
    folder: PathBuf,
    keys: Arc<RwLock<Keys>>,
}

impl LogSigner {
    /// Reads the keys of `folder`; makes the first one for `origin` if there is none.
    pub fn open(folder: &Path, origin: &str) -> Result<Self, StoreError> {
        let current = match read_key(&folder.join(CURRENT))? {
            Some(key) => key,
            None => create_key(&folder.join(CURRENT), origin)?,
        };
        if current.name() != origin {
            return Err(StoreError::Key(format!(
                "{} signs for {:?}, but this log is {origin:?}; put the right key file there",
                folder.join(CURRENT).display(),
                current.name()
            )));
        }
        let next = read_key(&folder.join(NEXT))?;
        Ok(Self { folder: folder.to_owned(), keys: Arc::new(RwLock::new(Keys { current, next })) })
    }

    /// The verification key in use, as a C2SP vkey.
    pub fn vkey(&self) -> String {
        self.read(|keys| keys.current.verifier_key().to_string())
    }

    /// Every verification key that signs now: one, or two during an overlap.
    pub fn vkeys(&self) -> Vec<String> {
        self.read(|keys| {
            let next = keys.next.as_ref().map(|key| key.verifier_key().to_string());
            std::iter::once(keys.current.verifier_key().to_string()).chain(next).collect()
        })
    }

    /// Signs a checkpoint with every key in use; the signed note as text.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, StoreError> {
        self.read(|keys| {
            let mut signing = vec![&keys.current];
            signing.extend(keys.next.as_ref());
            SignedCheckpoint::sign(checkpoint, &signing)
                .map(|signed| signed.to_string())
                .map_err(|error| StoreError::Key(error.to_string()))
        })
    }

    /// Signs an in-toto statement with every key in use. It cannot pass for a checkpoint, see
    /// [`comptroller_ledger::dsse`].
    pub fn sign_statement(&self, statement: &[u8]) -> Result<Envelope, StoreError> {
        self.read(|keys| {
            let mut signing = vec![&keys.current];
            signing.extend(keys.next.as_ref());
            Envelope::sign(IN_TOTO, statement, &signing).map_err(|error| StoreError::Key(error.to_string()))
        })
    }

    /// Begins a rotation: makes the next key, durably, and a statement that both keys signed.
    ///
    /// A next key that is there already is taken up: its statement may not have become durable.
    pub fn begin_rotation(&self, from_size: u64) -> Result<RotationStatement, StoreError> {
        let mut keys = self.keys.write().map_err(|_| StoreError::Stopped)?;
        let next = match keys.next.take() {
            Some(next) => next,
            None => create_key(&self.folder.join(NEXT), keys.current.name())?,
        };
        let statement = RotationStatement::sign(&keys.current, &next, from_size);
        keys.next = Some(next);
        statement.map_err(|error| StoreError::Key(error.to_string()))
    }

    /// Ends the overlap: only the new key signs from now on. The old private key is overwritten and gone.
    pub fn finish_rotation(&self) -> Result<String, StoreError> {
        let mut keys = self.keys.write().map_err(|_| StoreError::Stopped)?;
        let Some(next) = keys.next.take() else {
            return Err(StoreError::Config("no key rotation is under way; begin one first".into()));
        };
        fs::rename(self.folder.join(NEXT), self.folder.join(CURRENT))
            .and_then(|()| File::open(&self.folder)?.sync_all())
            .map_err(|error| StoreError::file(&self.folder, &error))?;
        keys.current = next;
        Ok(keys.current.verifier_key().to_string())
    }

    fn read<T>(&self, look: impl FnOnce(&Keys) -> T) -> T {
        let keys = self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&keys)
    }
}

impl std::fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogSigner({})", self.vkey())
    }
}

fn read_key(path: &Path) -> Result<Option<SigningKey>, StoreError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::file(path, &error)),
    };
    SigningKey::from_secret_text(text.trim())
        .map(Some)
        .map_err(|error| StoreError::Key(format!("{}: {error}", path.display())))
}

fn create_key(path: &Path, origin: &str) -> Result<SigningKey, StoreError> {
    let random = Zeroizing::new(crate::keys::random::<32>()?);
    let key = SigningKey::new_note(origin, &random).map_err(|error| StoreError::Key(error.to_string()))?;
    let text = key.to_secret_text();
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|error| StoreError::file(path, &error))?;
    Ok(key)
}
