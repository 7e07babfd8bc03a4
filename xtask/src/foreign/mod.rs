//! Verifiers that we did not write, for the tests that check our log with them.
//!
//! Go's `golang.org/x/mod/sumdb` packages, two Python packages for C2SP logs, and OpenSSL with an RFC 3161 client; and
//! strace, which makes file calls fail; cvc5, with which proofs about policies are made; a browser and two identity
//! providers; validators of OSCAL. They are checks and never dependencies of the product; only `comptroller policy` calls
//! cvc5, where it is.

mod browser;
mod go;
mod oscal;
mod python;

use anyhow::{Context, Result, bail};

use crate::process::find_program;
use crate::tools::apt_install;
use crate::workspace::Workspace;

/// Installs what is missing and returns the variables that the tests read, as (name, value).
///
/// `COMPTROLLER_TEST_GO` is the `go` program and `COMPTROLLER_TEST_GO_VERIFY` the built `tests/foreign/verify.go`;
/// `COMPTROLLER_TEST_PYTHON` is a Python with the packages; `COMPTROLLER_TEST_OPENSSL`, `COMPTROLLER_TEST_STRACE`
/// and `COMPTROLLER_TEST_CVC5` are the programs of these names; those of [`browser::install`] and [`oscal::install`]
/// follow.
pub(crate) fn install(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let mut variables = go::install(workspace).context("cannot install the Go verifier")?;
    let python = python::install(&workspace.cache).context("cannot install the Python verifiers")?;
    variables.push(("COMPTROLLER_TEST_PYTHON".to_owned(), python));
    variables.push(("COMPTROLLER_TEST_OPENSSL".to_owned(), debian_program("openssl")?));
    variables.push(("COMPTROLLER_TEST_STRACE".to_owned(), debian_program("strace")?));
    variables.push(("COMPTROLLER_TEST_CVC5".to_owned(), debian_program("cvc5")?));
    variables.extend(browser::install(&workspace.cache).context("cannot install the browser tests")?);
    variables.extend(oscal::install(&workspace.cache).context("cannot install the validators of OSCAL")?);
    Ok(variables)
}

/// The built Go verifier, if Go and its packages are on this machine already. Installs nothing.
pub(crate) fn go_verifier_if_present(workspace: &Workspace) -> Result<Option<std::path::PathBuf>> {
    go::build_if_present(workspace)
}

/// A program that stands in the Debian package of its own name.
fn debian_program(name: &str) -> Result<String> {
    if find_program(name).is_none() {
        apt_install(&[name])?;
    }
    match find_program(name) {
        Some(path) => Ok(path.to_string_lossy().into_owned()),
        None => bail!("the Debian package {name} is installed, but `{name}` is not on PATH"),
    }
}
