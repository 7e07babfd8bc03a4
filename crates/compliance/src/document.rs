//! Templates of documents: which facts a document shows, in which order, and what it asks of people where no fact is.
//!
//! A template is one TOML file in `documents/`. Each block has a key. One that begins with `system.`, `live.`, `version.`,
//! `dataset.` or `table.` names a fact on record; any other is answered by people. A fact that is not on record is asked
//! for by the question of its block; without one it is shown as none.

use crate::digest::of_bytes;
use comptroller_core::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version of the format.
const SCHEMA: u32 = 1;
/// Largest template, in bytes.
const MAX_FILE: usize = 64 << 10;
/// Most blocks of a template.
const MAX_BLOCKS: usize = 200;

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// An AI system.
    System,
    /// A version of a model.
    Version,
    /// A version of a dataset.
    Dataset,
    /// The organisation.
    Organisation,
}

impl SubjectKind {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Version => "version",
            Self::Dataset => "dataset",
            Self::Organisation => "organisation",
        }
    }

    /// The facts that can be shown about such a subject.
    pub const fn facts(self) -> &'static [&'static str] {
        match self {
            Self::System => &[
                "system.title",
                "system.purpose",
                "system.intended-use",
                "system.populations",
                "system.data-sources",
                "system.kind",
                "system.owner",
                "system.tier",
                "system.assessment",
                "live.training",
                "live.hyperparameters",
                "live.artifacts",
                "live.inputs",
                "live.metrics",
                "table.versions",
                "table.datasets",
                "table.evidence",
                "table.deployments",
                "table.monitors",
                "table.windows",
                "table.alarms",
                "table.incidents",
                "table.remediations",
                "table.risks",
                "table.retention",
                "table.controls",
                "table.vendors",
            ],
            Self::Version => &[
                "system.purpose",
                "system.intended-use",
                "system.populations",
                "version.name",
                "version.training",
                "version.artifacts",
                "version.hyperparameters",
                "version.inputs",
                "version.outputs",
                "version.metrics",
                "table.version-evidence",
                "table.version-datasets",
            ],
            Self::Dataset => &[
                "dataset.description",
                "dataset.owner",
                "dataset.rows",
                "dataset.personal-data",
                "dataset.origin",
                "dataset.collection",
                "dataset.legal-basis",
                "dataset.consent",
                "dataset.transformations",
                "dataset.licence",
                "dataset.retention",
                "table.dataset-files",
                "table.dataset-parents",
                "table.dataset-uses",
            ],
            Self::Organisation => &[
                "table.systems",
                "table.people",
                "table.processing",
                "table.incidents",
                "table.controls",
                "table.vendors",
                "table.retention",
            ],
        }
    }
}

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name, for example `annex-iv`.
    pub kind: String,
    /// The title of the document.
    pub title: String,
    /// What it is about.
    pub subject: SubjectKind,
    /// What asks for it.
    pub basis: String,
    /// The framework whose gaps name it when it is stale; none: all.
    pub framework: Option<String>,
    /// What a reader must know besides.
    pub note: String,
    /// Its sections.
    pub sections: Vec<TemplateSection>,
    /// SHA-256 of the file.
    pub digest: Digest,
}

/// A section of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateSection {
    /// Its headline.
    pub title: String,
    /// What asks for it; may be empty.
    pub source: String,
    /// Its blocks.
    #[serde(rename = "block")]
    pub blocks: Vec<TemplateBlock>,
}

/// A block of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateBlock {
    /// A fact, or the name under which people answer.
    pub key: String,
    /// What is asked where no fact is on record.
    #[serde(default)]
    pub ask: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    schema: u32,
    title: String,
    subject: SubjectKind,
    basis: String,
    framework: Option<String>,
    note: String,
    #[serde(rename = "section")]
    sections: Vec<TemplateSection>,
}

impl TemplateBlock {
    /// Whether its key names a fact on record.
    pub fn is_fact(&self) -> bool {
        self.key.contains('.')
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub fn parse(kind: &str, text: &str) -> Result<Self, String> {
        if text.len() > MAX_FILE {
            return Err(format!("{kind}: {} bytes are more than {MAX_FILE}", text.len()));
        }
        let raw: Raw = toml::from_str(text).map_err(|error| format!("{kind}: {error}"))?;
        if raw.schema != SCHEMA {
            return Err(format!("{kind}: schema {} is not known; write schema = {SCHEMA}", raw.schema));
        }
        let template = Self {
            kind: kind.to_owned(),
            title: raw.title,
            subject: raw.subject,
            basis: raw.basis,
            framework: raw.framework,
            note: raw.note,
            sections: raw.sections,
            digest: of_bytes(text.as_bytes()),
        };
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let blocks: Vec<&TemplateBlock> = self.blocks().collect();
        if blocks.is_empty() || blocks.len() > MAX_BLOCKS {
            return Err(format!("{}: a template has 1 to {MAX_BLOCKS} blocks", self.kind));
        }
        for block in blocks {
            let key = &block.key;
            if !seen.insert(key) {
                return Err(format!("{}: the key {key} stands twice", self.kind));
            }
            if block.is_fact() && !self.subject.facts().contains(&key.as_str()) {
                let known = self.subject.facts().join(", ");
                return Err(format!(
                    "{}: {key} is no fact about a {}: {known}",
                    self.kind,
                    self.subject.as_str()
                ));
            }
            if !block.is_fact() && block.ask.is_none() {
                return Err(format!("{}: {key} is no fact, so it needs a question (ask)", self.kind));
            }
            let is_name = key.bytes().all(|byte| byte.is_ascii_lowercase() || b"-.".contains(&byte));
            if key.is_empty() || key.len() > 64 || !is_name {
                return Err(format!("{}: {key:?} is no key; use a-z and -", self.kind));
            }
        }
        Ok(())
    }

    /// Every block, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &TemplateBlock> {
        self.sections.iter().flat_map(|section| &section.blocks)
    }

    /// The block of a key.
    pub fn block(&self, key: &str) -> Option<&TemplateBlock> {
        self.blocks().find(|block| block.key == key)
    }
}

macro_rules! templates {
    ($($kind:literal),+ $(,)?) => {
        const SHIPPED: &[(&str, &str)] =
            &[$(($kind, include_str!(concat!("../../../documents/", $kind, ".toml")))),+];
    };
}

templates! {
    "annex-iv", "instructions-for-use", "eu-declaration", "model-card", "dataset-sheet", "system-description",
    "post-market-plan", "post-market-report", "processing-record", "fria", "dpia", "iso-42001-impact", "nist-profile",
}

/// The templates that come with the product.
///
/// # Errors
/// If one of them were broken; a test reads them.
pub fn shipped() -> Result<Vec<Template>, String> {
    SHIPPED.iter().map(|(kind, text)| Template::parse(kind, text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_template_is_in_order_and_every_fact_is_shown_by_one() {
        let templates = shipped().unwrap();
        assert_eq!(templates.len(), 13);
        for subject in
            [SubjectKind::System, SubjectKind::Version, SubjectKind::Dataset, SubjectKind::Organisation]
        {
            for fact in subject.facts() {
                let shown = templates.iter().any(|one| one.subject == subject && one.block(fact).is_some());
                assert!(shown, "no template about a {} shows {fact}", subject.as_str());
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_template_is_named() {
        let head = "schema = 1\ntitle = \"T\"\nsubject = \"system\"\nbasis = \"\"\nnote = \"\"\n";
        let with =
            |block: &str| format!("{head}[[section]]\ntitle = \"S\"\nsource = \"\"\nblock = [{block}]\n");
        assert!(Template::parse("t", &with("{ key = \"a\", ask = \"A?\" }")).is_ok());
        for (block, says) in [
            ("{ key = \"a\" }", "needs a question"),
            ("{ key = \"system.colour\" }", "no fact about a system"),
            ("{ key = \"dataset.rows\" }", "no fact about a system"),
            ("{ key = \"a\", ask = \"A?\" }, { key = \"a\", ask = \"B?\" }", "stands twice"),
            ("{ key = \"A b\", ask = \"A?\" }", "is no key"),
            ("", "1 to 200 blocks"),
            ("{ key = \"a\", asks = \"A?\" }", "unknown field"),
        ] {
            let error = Template::parse("t", &with(block)).unwrap_err();
            assert!(error.contains(says), "{block}: {error}");
        }
        assert!(
            Template::parse("t", &with("").replace("schema = 1", "schema = 2"))
                .unwrap_err()
                .contains("schema 2")
        );
        assert!(Template::parse("t", &"x".repeat(MAX_FILE + 1)).unwrap_err().contains("bytes"));
    }
}
