//! What a pack holds of a test of controls: the result, its tables, its page and PDF, OSCAL, and what it was asked by.

use super::{ControlTest, library};
use crate::tiers::all_data;
use crate::{App, AppError};
use comptroller_compliance::control::Control;
use comptroller_compliance::window::timeline;
use comptroller_core::private::Note;
use comptroller_core::{Digest, Timestamp};
use comptroller_report::controls::{
    OscalSource, exceptions_csv, html, oscal_documents, pdf, population_csv, samples_csv, tests_csv,
};
use comptroller_store::Conn;
use comptroller_store::journal::{self, Opened};
use std::collections::BTreeMap;

/// The folder in a pack.
pub(super) const FOLDER: &str = "controls";
/// The result, with its window, in that folder.
pub(super) const RESULT: &str = "result.json";

/// The documents of OSCAL about a test of controls, by the names of their files.
pub(super) fn oscal(
    test: &ControlTest,
    org: &str,
    notes: &BTreeMap<u64, String>,
    made: Timestamp,
) -> Result<BTreeMap<&'static str, Vec<u8>>, AppError> {
    let mut definitions: BTreeMap<Digest, Control> = BTreeMap::new();
    for (digest, text) in &test.definitions {
        let control = Control::parse("definition", text)
            .map_err(|error| AppError::Internal(format!("definition {digest}: {error}")))?;
        definitions.insert(digest.clone(), control);
    }
    let documents = oscal_documents(&OscalSource {
        org,
        result: &test.result,
        samples: &test.samples,
        definitions: &definitions,
        frameworks: all_data()?,
        notes,
        made,
    });
    let mut files = BTreeMap::new();
    for (name, document) in documents {
        files.insert(name, serde_json_canonicalizer::to_vec(&document)?);
    }
    Ok(files)
}

/// The entries of the notes on the exceptions of a test.
pub(super) fn noted(test: &ControlTest) -> Vec<u64> {
    let found = test.result.controls.iter().flat_map(|control| &control.exceptions);
    let notes = found.filter_map(|exception| test.result.notes.get(&exception.id)).flatten();
    notes.map(|note| note.index).collect()
}

/// The files of a test that follow from its result alone, by their names in the pack.
pub(super) fn computed(test: &ControlTest) -> Result<BTreeMap<String, Vec<u8>>, AppError> {
    let frameworks = all_data()?;
    let mut files = BTreeMap::new();
    let mut add = |path: &str, bytes: Vec<u8>| files.insert(format!("{FOLDER}/{path}"), bytes);
    for (digest, text) in &test.definitions {
        add(&format!("definitions/{digest}.toml"), text.clone().into_bytes());
    }
    for control in &test.result.controls {
        add(&format!("populations/{}.csv", control.id), population_csv(control).into_bytes());
    }
    add(RESULT, serde_json_canonicalizer::to_vec(test)?);
    add("exceptions.csv", exceptions_csv(&test.result).into_bytes());
    add("samples.csv", samples_csv(&test.samples).into_bytes());
    add("tests-of-controls.csv", tests_csv(&test.result).into_bytes());
    let framework = test.result.framework.as_deref().and_then(|id| frameworks.framework(id));
    let rows = timeline(&test.result, &library()?, framework);
    add("tests-of-controls.html", html(&test.result, &test.samples, &rows).into_bytes());
    let printed =
        pdf(&test.result, &test.samples, &rows).map_err(|error| AppError::Internal(error.to_string()))?;
    add("tests-of-controls.pdf", printed);
    Ok(files)
}

impl App {
    /// The files of a test of controls, by their names in the pack.
    pub(crate) async fn control_files(
        &self,
        test: &ControlTest,
        made: Timestamp,
    ) -> Result<BTreeMap<String, Vec<u8>>, AppError> {
        let mut conn = self.store.read().await?;
        let notes = self.note_texts(&mut conn, test).await?;
        drop(conn);
        let mut files = computed(test)?;
        for (name, document) in oscal(test, &self.store.org().to_string(), &notes, made)? {
            files.insert(format!("{FOLDER}/{name}"), document);
        }
        Ok(files)
    }

    /// What the notes on the exceptions say, by entry; one that was erased is left out.
    async fn note_texts(
        &self,
        conn: &mut Conn,
        test: &ControlTest,
    ) -> Result<BTreeMap<u64, String>, AppError> {
        let mut texts = BTreeMap::new();
        for index in noted(test) {
            let idx = i64::try_from(index).unwrap_or(i64::MAX);
            if let Opened::Readable { plain, .. } = journal::payload(conn, self.store.key(), idx).await? {
                let said: Note = serde_json::from_slice(&plain)?;
                texts.insert(index, said.text);
            }
        }
        Ok(texts)
    }
}
