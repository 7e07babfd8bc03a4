//! Reads a folder of policies: the one place that knows which files it holds.

use crate::failure::Failure;
use crate::input::read_text;
use comptroller_policy::{Bundle, builtin};
use std::path::Path;

/// Largest file of a folder, in bytes; what reads it has its own, smaller limits.
const MAX_FILE: u64 = 2 << 20;

/// The texts of a folder.
pub(super) struct Texts {
    pub(super) schema: String,
    pub(super) hard: String,
    pub(super) review: String,
    pub(super) invariants: Option<String>,
    pub(super) cases: Option<String>,
}

/// Reads a folder; `None` stands for the policies of this program.
pub(super) fn read(folder: Option<&Path>) -> anyhow::Result<Texts> {
    let Some(folder) = folder else {
        return Ok(Texts {
            schema: builtin::SCHEMA.to_owned(),
            hard: builtin::HARD.to_owned(),
            review: builtin::REVIEW.to_owned(),
            invariants: Some(builtin::INVARIANTS.to_owned()),
            cases: Some(builtin::TESTS.to_owned()),
        });
    };
    if !folder.is_dir() {
        return Err(Failure::usage(
            format!("{} is not a folder", folder.display()),
            "name the folder that holds schema.cedarschema, hard.cedar and review.cedar",
        ));
    }
    let needed = |name: &str| read_text(&folder.join(name), MAX_FILE);
    let optional = |name: &str| folder.join(name).exists().then(|| needed(name)).transpose();
    Ok(Texts {
        schema: needed("schema.cedarschema")?,
        hard: needed("hard.cedar")?,
        review: needed("review.cedar")?,
        invariants: optional("invariants.cedar")?,
        cases: optional("tests.toml")?,
    })
}

impl Texts {
    /// The bundle; an error ends with code 1, as everything that is wrong with policies does.
    pub(super) fn bundle(&self) -> anyhow::Result<Bundle> {
        Ok(Bundle::parse(&self.schema, &self.hard, &self.review)?)
    }
}
