//! The HTTP interface against its own document: schemathesis makes requests from the OpenAPI document of a running
//! server, and no answer may be a server error or one that the document does not describe.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::Context;
use super::report::Verdict;
use crate::demo::server::{Server, bootstrap_token};
use crate::process::{last_lines, run};
use crate::product;
use crate::tools::python_environment;

const OLDEST_PYTHON: (u32, u32) = (3, 10);
const PACKAGES: &[&str] = &["schemathesis==4.32.5"];
const LIMIT: Duration = Duration::from_mins(8);
const START: Duration = Duration::from_secs(30);
/// What an answer is held to.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Requests made for each operation.
const EXAMPLES: &str = "15";
/// The same requests in every run, so that a red run can be repeated.
const SEED: &str = "20261126";
/// Acts by which the caller would take away its own right to call.
const NOT_CALLED: &str = "revoke|disable";

/// Runs schemathesis in the owner's name; the first start's credential is the owner's.
pub(super) fn run_schemathesis(context: &Context) -> Result<Verdict> {
    let environment = python_environment(&context.workspace.cache, "schemathesis", OLDEST_PYTHON, PACKAGES)?;
    let binary = product::build(context.workspace)?;
    let folder = tempfile::Builder::new().prefix("comptroller-api-").tempdir()?;
    let server = Server::start(&binary, folder.path())?;
    let token = first_credential(&bootstrap_token(folder.path()))?;
    let mut command = Command::new(environment.join("bin/schemathesis"));
    command.current_dir(folder.path()).arg("run").arg(format!("{}/api/v1/openapi.json", server.url));
    command.args(["--header", &format!("Authorization: Bearer {token}"), "--checks", CHECKS]);
    command.args(["--phases", "examples,fuzzing", "--max-examples", EXAMPLES, "--seed", SEED]);
    command.args(["--exclude-path-regex", NOT_CALLED, "--workers", "2", "--no-color"]);
    let finished = run(&mut command, LIMIT, false)?;
    let said = format!("{}{}", finished.stdout, finished.stderr);
    if !finished.status.success() {
        println!("{}\n---- the server's log ends:\n{}", last_lines(&said, 80), server.log_end());
        bail!("schemathesis found answers that must not be; see above");
    }
    let generated = said
        .lines()
        .find(|line| line.contains(" generated, ") || line.ends_with(" generated"))
        .unwrap_or_default();
    Ok(Verdict::Passed(generated.trim().to_owned()))
}

/// The first start accepts connections before it has made its store, and the credential comes last.
fn first_credential(file: &Path) -> Result<String> {
    let begun = Instant::now();
    loop {
        let token = std::fs::read_to_string(file).unwrap_or_default();
        if token.ends_with('\n') {
            return Ok(token.trim().to_owned());
        }
        ensure!(begun.elapsed() < START, "no credential at {}", file.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}
