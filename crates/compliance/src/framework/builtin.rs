//! The data that ship with the product, as text.

macro_rules! files {
    ($folder:literal: $($file:literal),+) => {
        ($folder, &[$(($file, include_str!(concat!("../../../../frameworks/", $folder, "/", $file)))),+])
    };
}

/// The files of a folder: name and text.
type Files = &'static [(&'static str, &'static str)];

/// The frameworks: folder and files.
pub(crate) const FRAMEWORKS: &[(&str, Files)] = &[
    files!("soc2": "framework.toml", "criteria.toml"),
    files!("iso-42001": "framework.toml", "annex-a.toml", "clauses.toml"),
    files!("iso-27001": "framework.toml", "annex-a.toml"),
    files!(
        "eu-ai-act": "framework.toml", "dates.toml", "practices.toml", "use-cases.toml", "questions.toml",
        "duties.toml", "penalties.toml"
    ),
    files!("gdpr": "framework.toml", "duties.toml"),
    files!("hipaa": "framework.toml", "duties.toml"),
    files!("nist-ai-rmf": "framework.toml", "subcategories.toml"),
];

/// The crosswalks.
pub(crate) const CROSSWALKS: &[(&str, Files)] = &[files!("crosswalks/ai": "crosswalk.toml")];
