//! The controls that come with the product, one file each in `controls/`, and libraries of others.

use super::{Control, ControlError};
use crate::digest;
use crate::framework::Catalogue;
use comptroller_core::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// Most controls of a library.
const MAX_CONTROLS: usize = 1_000;

/// Controls by id.
#[derive(Clone, Debug, Default)]
pub struct Library {
    controls: BTreeMap<String, Control>,
}

impl Library {
    /// Reads files: name and text of each.
    ///
    /// # Errors
    /// The first file that is wrong, or whose id another one has.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ControlError> {
        let mut library = Self::default();
        for (file, text) in files {
            library.add(file, Control::parse(file, text)?)?;
        }
        Ok(library)
    }

    fn add(&mut self, file: &str, control: Control) -> Result<(), ControlError> {
        let problem = if self.controls.len() == MAX_CONTROLS {
            format!("a library has at most {MAX_CONTROLS} controls")
        } else if self.controls.contains_key(&control.id) {
            format!("another file has the id {} already", control.id)
        } else {
            self.controls.insert(control.id.clone(), control);
            return Ok(());
        };
        Err(ControlError::Key { file: file.to_owned(), key: "id".to_owned(), problem })
    }

    /// The control of an id.
    pub fn get(&self, id: &str) -> Option<&Control> {
        self.controls.get(id)
    }

    /// All controls by id.
    pub fn iter(&self) -> impl Iterator<Item = &Control> {
        self.controls.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.controls.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.controls.is_empty()
    }

    /// Digest over the ids and digests of all controls.
    pub fn digest(&self) -> Digest {
        let parts: Vec<String> =
            self.iter().map(|control| format!("{} {}", control.id, control.digest)).collect();
        digest::of_parts(&parts.iter().map(String::as_bytes).collect::<Vec<_>>())
    }
}

macro_rules! shipped {
    ($($id:literal),+ $(,)?) => {
        /// Name and text of every control that comes with the product.
        const FILES: &[(&str, &str)] = &[$((
            concat!("controls/", $id, ".toml"),
            include_str!(concat!("../../../../controls/", $id, ".toml")),
        )),+];
    };
}

shipped!(
    "CTL-ACCESS-01",
    "CTL-ACCESS-02",
    "CTL-ACCESS-03",
    "CTL-ACCESS-04",
    "CTL-ACCESS-05",
    "CTL-AUDIT-01",
    "CTL-AUDIT-02",
    "CTL-AUDIT-03",
    "CTL-AUDIT-04",
    "CTL-AUDIT-05",
    "CTL-AVAILABILITY-01",
    "CTL-CHANGE-01",
    "CTL-CHANGE-02",
    "CTL-CHANGE-03",
    "CTL-CHANGE-04",
    "CTL-CHANGE-05",
    "CTL-CONFIDENTIALITY-01",
    "CTL-DATA-01",
    "CTL-DATA-02",
    "CTL-DOCUMENT-01",
    "CTL-EMERGENCY-01",
    "CTL-EMERGENCY-02",
    "CTL-EVALUATION-01",
    "CTL-EVIDENCE-01",
    "CTL-EXCEPTION-01",
    "CTL-FAIRNESS-01",
    "CTL-FAIRNESS-02",
    "CTL-INCIDENT-01",
    "CTL-INCIDENT-02",
    "CTL-INTEGRITY-01",
    "CTL-INVENTORY-01",
    "CTL-MONITOR-01",
    "CTL-MONITOR-02",
    "CTL-MONITOR-03",
    "CTL-MONITOR-04",
    "CTL-OVERSIGHT-01",
    "CTL-POLICY-01",
    "CTL-POLICY-02",
    "CTL-PRIVACY-01",
    "CTL-PRIVACY-02",
    "CTL-PRIVACY-03",
    "CTL-PRIVACY-04",
    "CTL-RETENTION-01",
    "CTL-RETENTION-02",
    "CTL-RETENTION-03",
    "CTL-RISK-01",
    "CTL-SECURITY-01",
    "CTL-SECURITY-02",
    "CTL-SOD-01",
    "CTL-VENDOR-01",
);

/// The controls that come with the product.
///
/// # Errors
/// Never for a product whose tests pass: they read every file.
pub fn shipped() -> Result<Library, ControlError> {
    Library::parse(FILES.iter().copied())
}

/// What a rule of policy can say it serves: the controls that come with the product, and as `framework:row` the criteria
/// of its frameworks, of whatever day.
///
/// # Errors
/// Never for a product whose tests pass: they read every file.
pub fn references() -> Result<BTreeSet<String>, String> {
    let library = shipped().map_err(|error| error.to_string())?;
    let catalogue = Catalogue::builtin().map_err(|error| error.to_string())?;
    let mut known: BTreeSet<String> = library.iter().map(|control| control.id.clone()).collect();
    for framework in catalogue.frameworks() {
        known.extend(framework.rows.iter().map(|row| format!("{}:{}", framework.id, row.id)));
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_shipped_under_its_id() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../controls");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let names: BTreeSet<String> = names.map(|name| name.into_string().unwrap()).collect();
        let library = shipped().unwrap();
        let controls: BTreeSet<String> = names
            .iter()
            .filter_map(|name| name.strip_suffix(".toml"))
            .filter(|name| name.starts_with("CTL-"))
            .filter(|name| name.strip_suffix(".cases").is_none())
            .map(str::to_owned)
            .collect();
        let ids: BTreeSet<String> = library.iter().map(|control| control.id.clone()).collect();
        assert_eq!(controls, ids);
        for (file, text) in FILES {
            assert!(file.ends_with(&format!("/{}.toml", Control::parse(file, text).unwrap().id)), "{file}");
        }
        for id in &ids {
            assert!(names.contains(&format!("{id}.cases.toml")), "{id} has no test data beside it");
        }
    }

    #[test]
    fn the_policies_name_no_control_or_criterion_that_there_is_not() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies");
        let known = references().unwrap();
        let mut named = BTreeSet::new();
        for folder in ["base", "packs"] {
            for entry in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
                let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
                let cards = text.lines().filter_map(|line| line.strip_prefix("control = ["));
                let cedar = text.lines().filter_map(|line| line.strip_prefix("@control("));
                let quoted = cards.chain(cedar).flat_map(|line| line.split('"').skip(1).step_by(2));
                named.extend(quoted.flat_map(|one| one.split(',')).map(|one| one.trim().to_owned()));
            }
        }
        assert!(named.len() > 50, "{named:?}");
        let unknown: Vec<&String> = named.iter().filter(|one| !known.contains(*one)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn an_id_is_there_once() {
        let (file, text) = FILES[0];
        let error = Library::parse([(file, text), ("again.toml", text)]).unwrap_err();
        assert!(error.to_string().starts_with("again.toml: id: another file has the id"), "{error}");
    }
}
