//! The files of a bundle as one value: what is reviewed, signed for, stored and hashed.
//!
//! A package is only text. [`crate::Bundle::of`] says whether it holds policies that can be used.

use crate::builtin;
use crate::error::BundleError;
use comptroller_core::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Name of the format; it is part of what is hashed.
const FORMAT: &str = "comptroller-policy-bundle/2";
/// Most files of a package.
const MAX_FILES: usize = 32;
/// Largest package, in bytes of text.
const MAX_TOTAL: usize = 1024 * 1024;

/// The schema.
pub(crate) const SCHEMA: &str = "schema.cedarschema";
/// Rules that nothing overrides, in Cedar.
pub(crate) const HARD: &str = "hard.cedar";
/// Rules that people's approval satisfies, in Cedar.
pub(crate) const REVIEW: &str = "review.cedar";
/// What must hold for every request, whatever the rules say.
pub(crate) const INVARIANTS: &str = "invariants.cedar";
/// Cases of the Cedar rules.
pub(crate) const TESTS: &str = "tests.toml";
/// Folder of the rule cards.
const CARDS: &str = "cards/";

/// The packs that ship with the product: name and text.
pub const PACKS: [(&str, &str); 5] = [
    ("baseline", include_str!("../../../policies/packs/baseline.toml")),
    ("soc2", include_str!("../../../policies/packs/soc2.toml")),
    ("eu-ai-act-high-risk", include_str!("../../../policies/packs/eu-ai-act-high-risk.toml")),
    ("iso-42001", include_str!("../../../policies/packs/iso-42001.toml")),
    ("nist-ai-rmf", include_str!("../../../policies/packs/nist-ai-rmf.toml")),
];

/// The files of a bundle by name: `schema.cedarschema`, `hard.cedar`, `review.cedar`, and optionally
/// `invariants.cedar`, `tests.toml` and `cards/NAME.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    files: BTreeMap<String, String>,
}

impl Package {
    /// The files of a bundle apart from its cards.
    pub const FILES: &[&str] = &[SCHEMA, HARD, REVIEW, INVARIANTS, TESTS];

    /// Takes the files of a package.
    ///
    /// # Errors
    /// [`BundleError::Package`] for a file that is missing or unknown, and for too many or too large ones.
    pub fn new(files: BTreeMap<String, String>) -> Result<Self, BundleError> {
        let refuse = |detail: String| Err(BundleError::Package { detail });
        if files.len() > MAX_FILES {
            return refuse(format!("{} files are more than the {MAX_FILES} that are allowed", files.len()));
        }
        let bytes: usize = files.values().map(String::len).sum();
        if bytes > MAX_TOTAL {
            return refuse(format!("{bytes} bytes are more than the {MAX_TOTAL} that are allowed"));
        }
        for name in [SCHEMA, HARD, REVIEW] {
            if !files.contains_key(name) {
                return refuse(format!(
                    "there is no {name}: copy it from the base policies and go on from there"
                ));
            }
        }
        for name in files.keys() {
            let known = Self::FILES.contains(&name.as_str());
            if !known && card_name(name).is_none() {
                let shown: String = name.chars().take(80).filter(|c| !c.is_control()).collect();
                return refuse(format!(
                    "{shown:?} is not a file of a bundle: it holds {SCHEMA}, {HARD}, {REVIEW}, {INVARIANTS}, {TESTS} \
                     and {CARDS}NAME.toml, with a name of a-z, 0-9 and -"
                ));
            }
        }
        Ok(Self { files })
    }

    /// The base policies with the cards of some packs, by name.
    ///
    /// # Errors
    /// [`BundleError::Package`] for a pack that does not exist.
    pub fn with_packs(packs: &[&str]) -> Result<Self, BundleError> {
        let mut files: BTreeMap<String, String> = [
            (SCHEMA, builtin::SCHEMA),
            (HARD, builtin::HARD),
            (REVIEW, builtin::REVIEW),
            (INVARIANTS, builtin::INVARIANTS),
            (TESTS, builtin::TESTS),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into();
        for pack in packs {
            let Some((name, text)) = PACKS.iter().find(|(name, _)| name == pack) else {
                let names = PACKS.map(|(name, _)| name).join(", ");
                return Err(BundleError::Package {
                    detail: format!("there is no pack {pack:?}: use {names}"),
                });
            };
            files.insert(format!("{CARDS}{name}.toml"), (*text).to_owned());
        }
        Self::new(files)
    }

    /// What is in force before anything else was activated: the base policies, without a pack.
    ///
    /// # Errors
    /// [`BundleError::Package`] if the shipped files were broken; a test reads them.
    pub fn builtin() -> Result<Self, BundleError> {
        Self::with_packs(&[])
    }

    /// Reads the canonical JSON of a package, as [`Self::to_json`] writes it.
    ///
    /// # Errors
    /// [`BundleError::Package`] for anything else.
    pub fn from_json(bytes: &[u8]) -> Result<Self, BundleError> {
        let refuse = |detail: String| BundleError::Package { detail };
        let stored: Stored = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        if stored.format != FORMAT {
            return Err(refuse(format!("the format is {:?}, not {FORMAT:?}", stored.format)));
        }
        Self::new(stored.files)
    }

    /// RFC 8785 canonical JSON: the bytes that are stored, and whose SHA-256 is the bundle's digest.
    pub fn to_json(&self) -> Vec<u8> {
        let stored = Stored { format: FORMAT.to_owned(), files: self.files.clone() };
        // Proof: an object of strings always has a canonical form.
        serde_json_canonicalizer::to_vec(&stored).expect("canonical JSON of an object of strings")
    }

    /// SHA-256 of [`Self::to_json`].
    // INVARIANT (as-of): one digest, one meaning; any change to a byte of a file or to its name changes it.
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(Sha256::digest(self.to_json()).into())
    }

    /// The files by name.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// The same without rule cards.
    #[must_use]
    pub fn without_cards(&self) -> Self {
        let files = self.files.iter().filter(|(name, _)| card_name(name).is_none());
        Self { files: files.map(|(name, text)| (name.clone(), text.clone())).collect() }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.files.get(name).map_or("", String::as_str)
    }

    /// The files of rule cards: file name, name of the pack, text.
    pub(crate) fn cards(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.files.iter().filter_map(|(file, text)| Some((file.as_str(), card_name(file)?, text.as_str())))
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    files: BTreeMap<String, String>,
}

/// The name of a file of cards; none for any other file.
fn card_name(file: &str) -> Option<&str> {
    let name = file.strip_prefix(CARDS)?.strip_suffix(".toml")?;
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    ((1..=64).contains(&name.len()) && name.bytes().all(word)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_reads_back_with_its_digest() {
        let package = Package::builtin().unwrap();
        let again = Package::from_json(&package.to_json()).unwrap();
        assert_eq!(again.digest(), package.digest());
        let mut files = package.files().clone();
        files.get_mut(HARD).unwrap().push('\n');
        assert_ne!(Package::new(files).unwrap().digest(), package.digest());
    }

    #[test]
    fn a_package_names_what_is_wrong_with_it() {
        let mut files = Package::builtin().unwrap().files().clone();
        files.insert("cards/../hard.toml".into(), String::new());
        let error = Package::new(files.clone()).unwrap_err().to_string();
        assert!(error.contains("cards/../hard.toml"), "{error}");
        files.remove("cards/../hard.toml");
        files.remove(REVIEW);
        let error = Package::new(files).unwrap_err().to_string();
        assert!(error.contains("no review.cedar"), "{error}");
        assert!(Package::with_packs(&["soc3"]).unwrap_err().to_string().contains("soc2"));
        assert!(Package::from_json(b"{}").is_err());
    }
}
