//! Chromium with its driver, what builds the page in `verifier/`, and two identity providers of different origin: one on
//! Node.js, one in Python.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::{find_program, run_quiet};
use crate::tools::{apt_install, python_environment};

/// `canaille` needs this one.
const OLDEST_PYTHON: (u32, u32) = (3, 10);
const CANAILLE: &str = "canaille[front,oidc]==0.3.6";
/// The last two build `verifier/`; its `package.json` names the same versions, and the build fails if they differ.
const MODULES: [&str; 4] =
    ["oidc-provider@9.13.3", "puppeteer-core@24.8.2", "esbuild@0.28.2", "typescript@7.0.2"];
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// Installs what is missing and returns the variables that the tests read, as (name, value).
///
/// `COMPTROLLER_TEST_NODE_MODULES` is a folder of Node.js modules, `COMPTROLLER_TEST_CHROMIUM` the browser, and
/// `COMPTROLLER_TEST_CANAILLE` a Python that has Canaille.
pub(super) fn install(cache: &Path) -> Result<Vec<(String, String)>> {
    let modules = node_modules(cache)?;
    if find_program("chromium").is_none() {
        apt_install(&["chromium"])?;
    }
    let chromium =
        find_program("chromium").context("Chromium is installed, but `chromium` is not on PATH")?;
    let canaille = python_environment(cache, "canaille", OLDEST_PYTHON, &[CANAILLE])?.join("bin/python");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    Ok(vec![
        ("COMPTROLLER_TEST_NODE_MODULES".to_owned(), modules),
        ("COMPTROLLER_TEST_CHROMIUM".to_owned(), text(&chromium)),
        ("COMPTROLLER_TEST_CANAILLE".to_owned(), text(&canaille)),
    ])
}

/// A folder of exactly [`MODULES`] and what they need.
fn node_modules(cache: &Path) -> Result<String> {
    let Some(npm) = find_program("npm") else {
        bail!("missing program: install Node.js 20 or newer with npm and run again");
    };
    let folder = cache.join("node");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Two checkouts may run at once; the second one waits and finds the work done.
    let lock = File::create(cache.join("node.lock"))?;
    lock.lock()?;
    let (stamp, wanted) = (folder.join("installed.txt"), MODULES.join("\n"));
    if !std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        println!("installing from npm: {}", MODULES.join(" "));
        let mut install = Command::new(npm);
        install.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        run_quiet(install.arg(&folder).args(MODULES), INSTALL_LIMIT)?;
        std::fs::write(&stamp, wanted)?;
    }
    Ok(folder.join("node_modules").to_string_lossy().into_owned())
}
