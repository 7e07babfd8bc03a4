//! Installing third-party tools for the tests: Debian packages and Python environments.
//!
//! Only named packages of the public registries, through their ordinary clients, at pinned versions where the
//! registry allows it. Nothing is installed when a fitting program is on the machine already.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{find_program, run_quiet};

const INSTALL_LIMIT: Duration = Duration::from_mins(15);
const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// Installs Debian packages, or says which ones a person has to install.
pub(crate) fn apt_install(packages: &[&str]) -> Result<()> {
    let wanted = packages.join(" ");
    if find_program("apt-get").is_none() {
        bail!("missing programs: install the equivalent of the Debian packages `{wanted}` and run again");
    }
    if !is_root() {
        bail!("missing programs: run `sudo apt-get install {wanted}` and run again");
    }
    println!("installing Debian packages: {wanted}");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        run_quiet(&mut command, INSTALL_LIMIT)
    };
    apt(&["-q", "update"])?;
    let mut install = vec!["-q", "install", "-y", "--no-install-recommends"];
    install.extend(packages);
    apt(&install).with_context(|| format!("run `apt-get install {wanted}` by hand to see more"))?;
    Ok(())
}

/// Whether this process runs as the superuser, who must not run PostgreSQL but may install packages.
pub(crate) fn is_root() -> bool {
    // The owner of our own entry in /proc is our effective user, with no call outside the standard library.
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

/// A Python environment in the cache that holds exactly `packages` (each `name==version`) and what they need.
///
/// Returns its folder; programs are in `bin`. `oldest` is the lowest accepted Python, as (major, minor).
pub(crate) fn python_environment(
    cache: &Path,
    name: &str,
    oldest: (u32, u32),
    packages: &[&str],
) -> Result<PathBuf> {
    std::fs::create_dir_all(cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let folder = cache.join(name);
    let stamp = folder.join("installed.txt");
    let wanted = packages.join("\n");
    // Two checkouts may run at once; the second one waits and finds the work done.
    let lock = File::create(cache.join(format!("{name}.lock")))?;
    lock.lock()?;
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted)
        && folder.join("bin/python").exists()
    {
        return Ok(folder);
    }
    let python = find_python(oldest)?;
    println!("installing from PyPI into {name}: {}", packages.join(" "));
    run_quiet(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder), INSTALL_LIMIT)?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    run_quiet(&mut pip, INSTALL_LIMIT)?;
    std::fs::write(&stamp, wanted)?;
    Ok(folder)
}

/// The newest Python on the machine that is at least `oldest` and can make environments.
fn find_python(oldest: (u32, u32)) -> Result<PathBuf> {
    let (major, minor) = oldest;
    let probe = format!("import sys, venv, ensurepip; sys.exit(sys.version_info[:2] < ({major}, {minor}))");
    for candidate in python_candidates() {
        let mut command = Command::new(&candidate);
        command.args(["-c", &probe]);
        // A launcher that has no such version behind it fails here too, and is passed over.
        if run_quiet(&mut command, PROBE_LIMIT).is_ok() {
            return Ok(candidate);
        }
    }
    bail!(
        "no Python >= {major}.{minor} with the modules venv and ensurepip found on PATH or under pyenv; install \
         one (Debian: python3-venv) and run again"
    )
}

fn python_candidates() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let pyenv = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
    for version in ["3.14", "3.13", "3.12", "3.11", "3.10"] {
        found.extend(find_program(&format!("python{version}")));
        let Some(versions) = pyenv.as_ref().and_then(|root| std::fs::read_dir(root.join("versions")).ok())
        else {
            continue;
        };
        for entry in versions.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&format!("{version}.")) {
                found.push(entry.path().join("bin/python3"));
            }
        }
    }
    found.extend(find_program("python3"));
    found
}
