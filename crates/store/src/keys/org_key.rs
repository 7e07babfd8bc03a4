//! The organisation key: the root of encryption at rest, kept outside the database.
//!
//! Whoever holds it and the database can read everything; whoever lost it can read nothing. It is never derived from
//! a password and never stored in the database; its fingerprint may be.

use super::data_key::{self, DataKey};
use super::derive::{hmac, sub_key};
use super::{KEY_BYTES, KeysError, random, random_key};
use crate::durable;
use comptroller_core::ids::KeyId;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// How the text of an organisation key starts; a mark that secret scanners can look for.
const FORM: &str = "comptroller-org-key-1:";
/// Longest text that is looked at.
const MAX_TEXT: u64 = 256;

/// The root key of one organisation.
#[derive(Clone)]
pub struct OrgKey {
    wrapping: Zeroizing<[u8; KEY_BYTES]>,
    root: Zeroizing<[u8; KEY_BYTES]>,
    fingerprint: [u8; 8],
}

impl OrgKey {
    fn from_root(root: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&hmac(&root, &[b"comptroller/fingerprint/1", &[1]])[..8]);
        Self { wrapping: sub_key(&root, "comptroller/wrap/1"), root, fingerprint }
    }

    /// A new random key that is not stored anywhere.
    pub fn generate() -> Result<Self, KeysError> {
        Ok(Self::from_root(random_key()?))
    }

    /// Reads the text form: `comptroller-org-key-1:` and 64 lower-case hexadecimal digits; a final newline is fine.
    pub fn from_text(text: &str) -> Result<Self, KeysError> {
        let not_a_key = || KeysError::NotAKey { form: FORM };
        let digits = text.trim_end().strip_prefix(FORM).ok_or_else(not_a_key)?;
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(not_a_key());
        }
        let mut root = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(digits, root.as_mut_slice()).map_err(|_| not_a_key())?;
        Ok(Self::from_root(root))
    }

    /// Makes a new key and stores it in a file that must not exist, readable by this user only.
    ///
    /// The file appears whole and durable or not at all.
    pub fn create_file(path: &Path) -> Result<Self, KeysError> {
        let failed = |source| KeysError::File { operation: "create", path: path.to_path_buf(), source };
        let key = Self::generate()?;
        let name = path.file_name().ok_or_else(|| failed(io::Error::other("not a file name")))?;
        let aside = format!(".{}.{}", name.to_string_lossy(), hex::encode(random::<8>()?));
        let text = Zeroizing::new(format!("{FORM}{}\n", *key.hex()));
        let created = durable::create_new(&path.with_file_name(aside), path, text.as_bytes(), 0o600);
        if created.map_err(failed)? {
            return Ok(key);
        }
        Err(KeysError::FileExists { path: path.to_path_buf() })
    }

    /// Reads the key from a file; one that other users may read or write is refused.
    pub fn read_file(path: &Path) -> Result<Self, KeysError> {
        let failed = |source| KeysError::File { operation: "read", path: path.to_path_buf(), source };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeysError::FileMode { path: path.to_path_buf(), mode });
        }
        // Room for the whole text, so that no cleared copy is left by a growing buffer.
        let mut text = Zeroizing::new(String::with_capacity(MAX_TEXT as usize + 1));
        file.take(MAX_TEXT).read_to_string(&mut text).map_err(failed)?;
        Self::from_text(&text)
    }

    /// Reads the key file, or creates it if there is none. Only for a first start: with data present, a missing key
    /// file is a loss that a new key would hide.
    pub fn read_or_create_file(path: &Path) -> Result<Self, KeysError> {
        if fs::exists(path).is_ok_and(|exists| !exists) {
            match Self::create_file(path) {
                // Another process was first.
                Err(KeysError::FileExists { .. }) => {}
                created => return created,
            }
        }
        Self::read_file(path)
    }

    /// 16 hexadecimal digits that tell keys apart and reveal nothing: store it to notice a wrong key at start-up.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.fingerprint)
    }

    /// Encrypts a data key for storage, bound to its id. Returns 108 characters of base64.
    pub fn wrap(&self, id: KeyId, key: &DataKey) -> Result<String, KeysError> {
        data_key::wrap(&self.wrapping, self.fingerprint, id, key)
    }

    /// Decrypts a stored data key; `id` must be the one that it was wrapped for.
    pub fn unwrap(&self, id: KeyId, wrapped: &str) -> Result<DataKey, KeysError> {
        data_key::unwrap(&self.wrapping, self.fingerprint, id, wrapped)
    }

    /// Keyed digest (64 hexadecimal digits) by which an encrypted identifier, such as an e-mail address, is found.
    ///
    /// `domain` separates kinds of identifiers, so that equal texts of two kinds do not match. The text is used as it
    /// is: callers normalise. Without the key a guess cannot be tested against a stolen database.
    pub fn lookup_digest(&self, domain: &str, text: &str) -> String {
        let key = sub_key(&self.root, &format!("comptroller/lookup/1/{domain}"));
        hex::encode(hmac(&key, &[text.as_bytes()]))
    }

    fn hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.root.as_slice()))
    }
}

impl fmt::Debug for OrgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrgKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;

    #[test]
    fn the_file_is_created_once_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("org.key");
        let key = OrgKey::read_or_create_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(OrgKey::read_file(&path).unwrap().fingerprint(), key.fingerprint());
        assert_eq!(OrgKey::read_or_create_file(&path).unwrap().fingerprint(), key.fingerprint());
        assert!(matches!(OrgKey::create_file(&path), Err(KeysError::FileExists { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn a_file_open_to_others_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("org.key");
        OrgKey::create_file(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let error = OrgKey::read_file(&path).unwrap_err().to_string();
        assert!(error.contains("640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_damaged_key_text_is_refused_without_being_shown() {
        let good = format!("{FORM}{}", "0f".repeat(32));
        assert!(OrgKey::from_text(&format!("{good}\n")).is_ok());
        for bad in [
            "",
            FORM,
            &good[..good.len() - 1],
            &format!("{good}0"),
            &good.replace('f', "F"),
            &"0f".repeat(32),
        ] {
            let error = OrgKey::from_text(bad).unwrap_err().to_string();
            assert!(!error.contains("0f0f"), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_key_byte() {
        let key = OrgKey::generate().unwrap();
        let shown = format!("{key:?}");
        for secret in [&key.root, &key.wrapping] {
            assert!(!shown.contains(&hex::encode(&secret[..4])), "{shown}");
        }
    }

    #[test]
    fn look_up_digests_depend_on_key_domain_and_text_only() {
        let (one, two) = (OrgKey::from_root([1; 32].into()), OrgKey::from_root([2; 32].into()));
        let digest = one.lookup_digest("email", "a@example.org");
        assert_eq!(digest, one.lookup_digest("email", "a@example.org"));
        assert_eq!(digest.len(), 64);
        for other in [
            two.lookup_digest("email", "a@example.org"),
            one.lookup_digest("oidc-subject", "a@example.org"),
            one.lookup_digest("email", "b@example.org"),
        ] {
            assert_ne!(digest, other);
        }
    }
}
