//! All frameworks at hand: the shipped ones, custom ones, licensed texts laid over them, and crosswalks between them.

use super::builtin;
use super::data::{Framework, Mapping, digest_of};
use super::error::{DataError, shown};
use super::read::{self, HEAD};
use super::words::Relation;
use comptroller_core::Digest;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Name of a file with licensed texts.
const OVERLAY: &str = "overlay.toml";
/// Name of a file with relations between frameworks.
const CROSSWALK: &str = "crosswalk.toml";
/// The version of these formats.
const SCHEMA: u32 = 1;
/// Most relations of a crosswalk.
const MAX_MAPPINGS: usize = 20_000;
/// Longest licensed text of a row, in bytes.
const MAX_TEXT: usize = 20_000;
/// Most frameworks at once.
const MAX_FRAMEWORKS: usize = 100;

/// The files of a folder as the caller read them.
#[derive(Clone, Debug)]
pub struct Folder {
    /// How errors call it.
    pub name: String,
    /// Text by file name; only files that end in `.toml`.
    pub files: BTreeMap<String, String>,
}

impl Folder {
    /// Most files that a folder may hold.
    pub const MAX_FILES: usize = read::MAX_FILES + 3;
    /// Largest file, in bytes.
    pub const MAX_FILE: usize = read::MAX_FILE;
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Overlay {
    schema: u32,
    framework: String,
    licence: String,
    text: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Crosswalk {
    schema: u32,
    id: String,
    #[serde(default, rename = "note")]
    _note: String,
    map: Vec<RawMapping>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    from: String,
    to: String,
    relation: Relation,
    rationale: String,
}

/// Licensed texts of one framework.
#[derive(Clone, Debug)]
struct Texts {
    licence: String,
    by_row: BTreeMap<String, String>,
}

/// Frameworks, texts and crosswalks, checked against each other.
#[derive(Clone, Debug)]
pub struct Catalogue {
    frameworks: Vec<Framework>,
    texts: BTreeMap<String, Texts>,
    mappings: Vec<Mapping>,
}

impl Catalogue {
    /// What ships with the product.
    ///
    /// # Errors
    /// [`DataError`] if the shipped files were broken; a test reads them.
    pub fn builtin() -> Result<Self, DataError> {
        let mut catalogue = Self { frameworks: Vec::new(), texts: BTreeMap::new(), mappings: Vec::new() };
        for (name, files) in builtin::FRAMEWORKS.iter().chain(builtin::CROSSWALKS) {
            let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            catalogue.add(&Folder { name: format!("frameworks/{name}"), files })?;
        }
        Ok(catalogue)
    }

    /// Adds what a folder holds: a framework, licensed texts, a crosswalk, or several of them.
    ///
    /// # Errors
    /// [`DataError`] for anything that is not in order, with file, row and remedy. The catalogue is then of no use.
    pub fn add(&mut self, folder: &Folder) -> Result<(), DataError> {
        let has = |name: &str| folder.files.contains_key(name);
        if !has(HEAD) && !has(OVERLAY) && !has(CROSSWALK) {
            let remedy =
                format!("put {HEAD} (a framework), {OVERLAY} (licensed texts) or {CROSSWALK} into it");
            return Err(DataError::new(&folder.name, "", "the folder holds no framework data", remedy));
        }
        if has(HEAD) {
            self.add_framework(folder)?;
        }
        if has(OVERLAY) {
            self.add_texts(folder)?;
        }
        if has(CROSSWALK) {
            self.add_crosswalk(folder)?;
        }
        Ok(())
    }

    fn add_framework(&mut self, folder: &Folder) -> Result<(), DataError> {
        let framework = read::framework(&folder.name, &folder.files)?;
        let file = read::path(&folder.name, HEAD);
        if self.frameworks.iter().any(|known| known.id == framework.id) {
            let problem = format!("there is a framework {} already", framework.id);
            let remedy =
                format!("choose another id; to lay your licensed text over it, write an {OVERLAY} instead");
            return Err(DataError::new(&file, "id", problem, remedy));
        }
        if self.frameworks.len() >= MAX_FRAMEWORKS {
            let problem = format!("more than {MAX_FRAMEWORKS} frameworks");
            return Err(DataError::new(&file, "", problem, "name fewer folders"));
        }
        self.frameworks.push(framework);
        Ok(())
    }

    fn add_texts(&mut self, folder: &Folder) -> Result<(), DataError> {
        let overlay: Overlay = read::parse(&folder.name, OVERLAY, &folder.files)?;
        let file = read::path(&folder.name, OVERLAY);
        schema(&file, overlay.schema)?;
        if overlay.licence.trim().is_empty() {
            let remedy = "say under which licence you hold the text";
            return Err(DataError::new(&file, "licence", "the licence is empty", remedy));
        }
        let Some(framework) = self.framework(&overlay.framework) else {
            return Err(self.unknown(&file, "framework", &overlay.framework));
        };
        let rows: BTreeSet<&str> = framework.rows.iter().map(|row| row.id.as_str()).collect();
        for (row, text) in &overlay.text {
            if !rows.contains(row.as_str()) {
                let problem = format!("{} has no row {:?}", framework.id, shown(row));
                let remedy =
                    format!("`comptroller framework criteria --framework {}` lists them", framework.id);
                return Err(DataError::new(&file, shown(row), problem, remedy));
            }
            if text.len() > MAX_TEXT {
                let problem = format!("{} bytes are more than the {MAX_TEXT} that are allowed", text.len());
                return Err(DataError::new(&file, row, problem, "shorten the text"));
            }
        }
        if self.texts.contains_key(&overlay.framework) {
            let problem = format!("texts of {} were given before", overlay.framework);
            return Err(DataError::new(&file, "framework", problem, "name one folder with texts of it"));
        }
        let texts = Texts { licence: overlay.licence, by_row: overlay.text };
        self.texts.insert(overlay.framework, texts);
        Ok(())
    }

    fn add_crosswalk(&mut self, folder: &Folder) -> Result<(), DataError> {
        let crosswalk: Crosswalk = read::parse(&folder.name, CROSSWALK, &folder.files)?;
        let file = read::path(&folder.name, CROSSWALK);
        schema(&file, crosswalk.schema)?;
        if crosswalk.map.len() + self.mappings.len() > MAX_MAPPINGS {
            let problem = format!("more than {MAX_MAPPINGS} relations");
            return Err(DataError::new(&file, "map", problem, "name fewer crosswalks"));
        }
        for raw in crosswalk.map {
            let place = format!("{} to {}", shown(&raw.from), shown(&raw.to));
            self.check_end(&file, &place, &raw.from)?;
            self.check_end(&file, &place, &raw.to)?;
            if raw.from.split(':').next() == raw.to.split(':').next() {
                let remedy = "relate rows of two frameworks";
                return Err(DataError::new(&file, place, "both rows are of one framework", remedy));
            }
            if raw.rationale.trim().is_empty() || raw.rationale.len() > MAX_TEXT {
                return Err(DataError::new(&file, place, "the rationale is empty or too long", "say why"));
            }
            let twice = |known: &Mapping| known.from == raw.from && known.to == raw.to;
            if self.mappings.iter().any(twice) {
                let remedy = "keep one relation of two rows";
                return Err(DataError::new(&file, place, "these rows are related already", remedy));
            }
            self.mappings.push(Mapping {
                crosswalk: crosswalk.id.clone(),
                from: raw.from,
                to: raw.to,
                relation: raw.relation,
                rationale: raw.rationale,
            });
        }
        Ok(())
    }

    fn check_end(&self, file: &str, place: &str, end: &str) -> Result<(), DataError> {
        let Some((framework, row)) = end.split_once(':') else {
            let problem = format!("{:?} names no row", shown(end));
            return Err(DataError::new(file, place, problem, "write FRAMEWORK:ROW"));
        };
        let Some(found) = self.framework(framework) else {
            return Err(self.unknown(file, place, framework));
        };
        if found.rows.iter().any(|known| known.id == row) {
            return Ok(());
        }
        let problem = format!("{framework} has no row {:?}", shown(row));
        let remedy = format!("`comptroller framework criteria --framework {framework}` lists them");
        Err(DataError::new(file, place, problem, remedy))
    }

    fn unknown(&self, file: &str, place: &str, framework: &str) -> DataError {
        let problem = format!("there is no framework {:?}", shown(framework));
        let names: Vec<&str> = self.frameworks.iter().map(|known| known.id.as_str()).collect();
        DataError::new(file, place, problem, format!("use {}", names.join(", ")))
    }

    /// Every framework: the shipped ones in their order, then the added ones.
    pub fn frameworks(&self) -> &[Framework] {
        &self.frameworks
    }

    /// A framework by its short name.
    pub fn framework(&self, id: &str) -> Option<&Framework> {
        self.frameworks.iter().find(|framework| framework.id == id)
    }

    /// The licensed text of a row, if one was added.
    pub fn text(&self, framework: &str, row: &str) -> Option<&str> {
        self.texts.get(framework)?.by_row.get(row).map(String::as_str)
    }

    /// Under which licence texts of a framework were added.
    pub fn licence_of_texts(&self, framework: &str) -> Option<&str> {
        self.texts.get(framework).map(|texts| texts.licence.as_str())
    }

    /// Every relation between rows of two frameworks.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The relations of one row, from either end.
    pub fn mappings_of(&self, framework: &str, row: &str) -> Vec<&Mapping> {
        let end = format!("{framework}:{row}");
        self.mappings.iter().filter(|mapping| mapping.from == end || mapping.to == end).collect()
    }

    /// SHA-256 over the digests of all frameworks and over all relations. Licensed texts do not count: they change no
    /// duty.
    pub fn digest(&self) -> Digest {
        let frameworks: BTreeMap<&str, Digest> =
            self.frameworks.iter().map(|framework| (framework.id.as_str(), framework.digest())).collect();
        digest_of(&(frameworks, &self.mappings))
    }
}

fn schema(file: &str, given: u32) -> Result<(), DataError> {
    if given == SCHEMA {
        return Ok(());
    }
    let problem = format!("schema {given} is not known");
    Err(DataError::new(file, "schema", problem, format!("write schema = {SCHEMA}")))
}
