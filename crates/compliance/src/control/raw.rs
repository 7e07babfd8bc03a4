//! The file of a control as TOML has it, before anything in it is read; unknown keys are refused.

use super::span::Cadence;
use super::{Area, PointRule, Serves};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawControl {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) area: Area,
    pub(super) objective: String,
    pub(super) owner: comptroller_core::Role,
    pub(super) evidence: Vec<String>,
    pub(super) prevents: String,
    pub(super) blind_spots: Vec<String>,
    pub(super) serves: Vec<Serves>,
    pub(super) population: RawPopulation,
    #[serde(default)]
    pub(super) join: Vec<RawJoin>,
    pub(super) test: Vec<RawTest>,
    pub(super) pass: RawPass,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPopulation {
    pub(super) event: Option<String>,
    #[serde(default, rename = "where")]
    pub(super) conditions: Vec<String>,
    #[serde(default)]
    pub(super) distinct: Vec<String>,
    pub(super) every: Option<Cadence>,
    pub(super) subject: Option<RawSubject>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSubject {
    pub(super) begins: RawPattern,
    pub(super) ends: Option<RawPattern>,
    pub(super) key: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPattern {
    pub(super) event: String,
    #[serde(default, rename = "where")]
    pub(super) conditions: Vec<String>,
    pub(super) unless: Option<Box<RawPattern>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJoin {
    pub(super) name: String,
    pub(super) event: String,
    #[serde(rename = "where")]
    pub(super) conditions: Vec<String>,
    #[serde(default)]
    pub(super) anywhen: bool,
    #[serde(default)]
    pub(super) first: bool,
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTest {
    pub(super) id: String,
    pub(super) says: String,
    #[serde(default)]
    pub(super) only_if: Vec<String>,
    pub(super) for_each: Option<String>,
    pub(super) holds: Option<Vec<String>>,
    pub(super) any: Option<Vec<RawPattern>>,
    pub(super) none: Option<Vec<RawPattern>>,
    pub(super) when: Option<String>,
    pub(super) at_least: Option<u32>,
    pub(super) distinct: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPass {
    pub(super) point: PointRule,
    pub(super) period: String,
}
