//! Tests controls on an evidence pack, offline: the same engine over the same entries, and the same documents of OSCAL.

use super::files::{FOLDER, RESULT, computed, noted, oscal};
use super::reading::Reading;
use super::{ControlTest, TestControls, library};
use crate::AppError;
use comptroller_compliance::control::Control;
use comptroller_core::Timestamp;
use comptroller_core::private::Note;
use comptroller_ledger::pack::{MANIFEST_PATH, Manifest, PackReader};
use std::collections::BTreeMap;
use std::io::{Read, Seek};

/// Largest list of the files of a pack, in bytes.
const MAX_MANIFEST: usize = 512 << 20;

/// How entries that define a control end: in canonical form the type stands before the version, which is last.
const DEFINING: [&[u8]; 2] = [br#""type":"control.adopted","v":1}"#, br#""type":"control.changed","v":1}"#];
/// Largest file of a test that is compared.
const MAX_SHOWN: usize = 256 << 20;

/// Tests controls on a pack. Verify it first: this reads what stands there.
///
/// # Errors
/// When the pack cannot be read, or the window is none.
pub fn test_pack<R: Read + Seek>(pack: &PackReader<R>, asked: TestControls) -> Result<ControlTest, AppError> {
    let broken = |error: &dyn std::fmt::Display| AppError::invalid("pack", error.to_string());
    let mut marked = Vec::new();
    pack.for_each_leaf(|index, leaf| {
        if DEFINING.iter().any(|end| leaf.ends_with(end)) {
            marked.push(index);
        }
        Ok(())
    })
    .map_err(|error| broken(&error))?;
    let mut definitions: Vec<Control> = library()?.iter().cloned().collect();
    for index in marked {
        for payload in pack.openings(index).map_err(|error| broken(&error))? {
            if let Ok(note) = serde_json::from_slice::<Note>(&payload) {
                definitions.extend(Control::parse("definition", &note.text));
            }
        }
    }
    let mut reading = Reading::new(asked, definitions);
    let mut failed = Ok(());
    pack.for_each_entry(|leaf, entry| {
        if failed.is_ok() {
            failed = reading.push(leaf, &entry);
        }
    })
    .map_err(|error| broken(&error))?;
    failed?;
    reading.finish()
}

/// The documents of OSCAL about a test of controls on a pack, by the names of their files. Of the window of the pack they
/// are those that the pack holds, byte for byte.
///
/// # Errors
/// When the pack cannot be read.
pub fn pack_oscal<R: Read + Seek>(
    pack: &PackReader<R>,
    test: &ControlTest,
) -> Result<BTreeMap<&'static str, Vec<u8>>, AppError> {
    let broken = |error: &dyn std::fmt::Display| AppError::invalid("pack", error.to_string());
    let listed = pack.file(MANIFEST_PATH, MAX_MANIFEST).map_err(|error| broken(&error))?;
    let listed = listed.ok_or_else(|| broken(&format!("{MANIFEST_PATH} is missing")))?;
    let manifest: Manifest =
        serde_json::from_slice(&listed).map_err(|error| broken(&format!("{MANIFEST_PATH}: {error}")))?;
    let mut notes = BTreeMap::new();
    for index in noted(test) {
        for payload in pack.openings(index).map_err(|error| broken(&error))? {
            if let Ok(note) = serde_json::from_slice::<Note>(&payload) {
                notes.insert(index, note.text);
            }
        }
    }
    oscal(test, &manifest.org, &notes, Timestamp::from_micros(manifest.created_at))
}

/// The engine that made the test of controls that a pack shows, if it shows one: SHA-256 over its source.
///
/// # Errors
/// When the pack cannot be read.
pub fn engine_of<R: Read + Seek>(pack: &PackReader<R>) -> Result<Option<comptroller_core::Digest>, AppError> {
    let shown = pack.file(&format!("{FOLDER}/{RESULT}"), MAX_SHOWN);
    let shown = shown.map_err(|error| AppError::invalid("pack", error.to_string()))?;
    let test = shown.and_then(|bytes| serde_json::from_slice::<ControlTest>(&bytes).ok());
    Ok(test.map(|test| test.result.engine))
}

/// What a pack shows of a test of controls, against the same test made again from its entries: the files that are not
/// what follows from them. None if it shows no test, or one of another window.
///
/// Signatures and proofs cover the entries of a pack and not what was computed from them, so this is how such files are
/// checked. Files of another version of the program may differ too; the digest of the engine in the result tells.
///
/// # Errors
/// When the pack cannot be read.
pub fn altered_files<R: Read + Seek>(
    pack: &PackReader<R>,
    test: &ControlTest,
) -> Result<Option<Vec<String>>, AppError> {
    let broken = |error: &dyn std::fmt::Display| AppError::invalid("pack", error.to_string());
    let read = |path: &str| pack.file(path, MAX_SHOWN).map_err(|error| broken(&error));
    let Some(shown) = read(&format!("{FOLDER}/{RESULT}"))? else { return Ok(None) };
    if let Ok(shown) = serde_json::from_slice::<ControlTest>(&shown) {
        let window = |of: &ControlTest| {
            let result = &of.result;
            (result.from, result.to, result.framework.clone(), result.control.clone())
        };
        if window(&shown) != window(test) {
            return Ok(None);
        }
    }
    let mut files = computed(test)?;
    for (name, document) in pack_oscal(pack, test)? {
        files.insert(format!("{FOLDER}/{name}"), document);
    }
    let mut altered = Vec::new();
    for (path, bytes) in files {
        if read(&path)?.as_deref() != Some(&bytes[..]) {
            altered.push(path);
        }
    }
    Ok(Some(altered))
}
