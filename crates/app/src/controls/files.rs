//! What a pack holds of a test of controls: the result, its tables, its page and PDF, and what it was asked by.

use super::ControlTest;
use crate::AppError;
use comptroller_core::Timestamp;
use comptroller_report::controls::{
    assessment_results, exceptions_csv, html, pdf, population_csv, samples_csv, tests_csv,
};
use std::collections::BTreeMap;

/// The folder in a pack.
const FOLDER: &str = "controls";

/// The files, by their names in the pack.
pub(crate) fn control_files(
    test: &ControlTest,
    made: Timestamp,
) -> Result<BTreeMap<String, Vec<u8>>, AppError> {
    let mut files = BTreeMap::new();
    let mut add = |path: &str, bytes: Vec<u8>| files.insert(format!("{FOLDER}/{path}"), bytes);
    for (digest, text) in &test.definitions {
        add(&format!("definitions/{digest}.toml"), text.clone().into_bytes());
    }
    for control in &test.result.controls {
        add(&format!("populations/{}.csv", control.id), population_csv(control).into_bytes());
    }
    add("result.json", serde_json_canonicalizer::to_vec(test)?);
    add("exceptions.csv", exceptions_csv(&test.result).into_bytes());
    add("samples.csv", samples_csv(&test.samples).into_bytes());
    add("tests-of-controls.csv", tests_csv(&test.result).into_bytes());
    add("tests-of-controls.html", html(&test.result, &test.samples).into_bytes());
    let printed = pdf(&test.result, &test.samples).map_err(|error| AppError::Internal(error.to_string()))?;
    add("tests-of-controls.pdf", printed);
    let oscal = assessment_results(&test.result, &test.samples, made);
    add("oscal-assessment-results.json", serde_json_canonicalizer::to_vec(&oscal)?);
    Ok(files)
}
