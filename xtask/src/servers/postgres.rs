//! A PostgreSQL server of our own for one test run.
//!
//! Password authentication (SCRAM) on loopback and on the socket, a superuser of ours, durable writes off unless
//! `COMPTROLLER_TEST_POSTGRES_FSYNC=on`. It never touches a cluster that exists on the machine.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::daemon::{Daemon, RunAs, command};
use super::{free_ports, random_text};
use crate::process::{find_program, run, run_quiet};
use crate::tools;

const INIT_LIMIT: Duration = Duration::from_mins(2);
const QUERY_LIMIT: Duration = Duration::from_secs(10);
const USER: &str = "comptroller";
const DATABASE: &str = "comptroller_test";
/// Debian starts a cluster of its own on installation unless this file says no.
const NO_MAIN_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/comptroller-tests.conf";

/// The running server.
pub(crate) struct Postgres {
    /// `postgres://user:password@127.0.0.1:port/database`; the user may create databases.
    pub(crate) url: String,
    // Fields drop in this order: the server ends before its folder goes.
    pub(crate) daemon: Daemon,
    _folder: TempDir,
}

impl Postgres {
    /// Makes a fresh cluster in a temporary folder and starts it.
    pub(crate) fn start() -> Result<Postgres> {
        let programs = find_or_install()?;
        let run_as = if tools::is_root() { Some(unprivileged_user()?) } else { None };
        let folder = tempfile::Builder::new().prefix("comptroller-postgres-").tempdir()?;
        let password = random_text::<16>()?;
        let password_file = folder.path().join("password");
        std::fs::write(&password_file, &password)?;
        if let Some(RunAs { user, group }) = run_as {
            chown(folder.path(), Some(user), Some(group))?;
            chown(&password_file, Some(user), Some(group))?;
        }
        let data = folder.path().join("data");
        let mut init = command(&programs.join("initdb"), run_as, None)?;
        init.current_dir(folder.path()).arg("-D").arg(&data).args(["-U", USER, "-E", "UTF8", "--locale=C"]);
        init.args(["--auth=scram-sha-256", "--no-sync"]).arg("--pwfile").arg(&password_file);
        run_quiet(&mut init, INIT_LIMIT)?;
        std::fs::remove_file(&password_file)?;

        let [port] = free_ports()?;
        let fsync = fsync_setting()?;
        let mut server = command(&programs.join("postgres"), run_as, Some("INT"))?;
        server.current_dir(folder.path()).arg("-D").arg(&data).args([
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ]);
        server.arg("-k").arg(folder.path());
        server.args(["-c", "max_connections=200", "-c", fsync]);
        let psql = |database: &str, sql: &str| {
            let mut client = Command::new(programs.join("psql"));
            client.env("PGPASSWORD", &password).env("PGCONNECT_TIMEOUT", "5").args([
                "-X",
                "-q",
                "-h",
                "127.0.0.1",
            ]);
            client.args(["-p", &port.to_string(), "-U", USER, "-d", database, "-c", sql]);
            client
        };
        let answers = || {
            run(&mut psql("postgres", "SELECT 1"), QUERY_LIMIT, false)
                .is_ok_and(|finished| finished.status.success())
        };
        // SIGINT is the fast shutdown: it ends open connections instead of waiting for them.
        let daemon = Daemon::start("PostgreSQL", server, folder.path().join("server.log"), "INT", answers)?;
        run_quiet(&mut psql("postgres", &format!("CREATE DATABASE {DATABASE}")), QUERY_LIMIT)
            .with_context(|| format!("the server's log ends:\n{}", daemon.log_end()))?;
        let url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/{DATABASE}");
        Ok(Postgres { url, daemon, _folder: folder })
    }
}

fn fsync_setting() -> Result<&'static str> {
    match std::env::var("COMPTROLLER_TEST_POSTGRES_FSYNC").as_deref() {
        Ok("on") => Ok("fsync=on"),
        Ok("off" | "") | Err(_) => Ok("fsync=off"),
        Ok(other) => bail!("COMPTROLLER_TEST_POSTGRES_FSYNC is `{other}`; it must be `on` or `off`"),
    }
}

fn find_or_install() -> Result<PathBuf> {
    if let Some(programs) = find_programs() {
        return Ok(programs);
    }
    install()?;
    find_programs()
        .context("the PostgreSQL packages are installed, but no folder with initdb and postgres is there")
}

fn install() -> Result<()> {
    tools::apt_install(&["postgresql-common"])?;
    let folder = Path::new(NO_MAIN_CLUSTER).parent().context("the path is absolute")?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(NO_MAIN_CLUSTER, "create_main_cluster = false\n")?;
    let installed = tools::apt_install(&["postgresql"]);
    std::fs::remove_file(NO_MAIN_CLUSTER)?;
    installed
}

/// The folder with `initdb`, `postgres` and `psql`: the newest of Debian's, else the one on `PATH`.
fn find_programs() -> Option<PathBuf> {
    let mut folders: Vec<(u32, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        if let Ok(version) = entry.file_name().to_string_lossy().parse() {
            folders.push((version, entry.path().join("bin")));
        }
    }
    folders.sort();
    folders.reverse();
    let on_path = find_program("initdb").and_then(|file| Some((0, file.parent()?.to_path_buf())));
    folders.extend(on_path);
    let complete =
        |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file());
    folders.into_iter().map(|(_, folder)| folder).find(complete)
}

/// The user the superuser hands the server to, which refuses to run as root.
fn unprivileged_user() -> Result<RunAs> {
    let users = std::fs::read_to_string("/etc/passwd").context("cannot read the list of users")?;
    for wanted in ["postgres", "nobody"] {
        if let Some(found) = find_user(&users, wanted) {
            return Ok(found);
        }
    }
    bail!(
        "there is neither a user `postgres` nor `nobody` to run PostgreSQL as; add one or run as another user"
    )
}

fn find_user(users: &str, wanted: &str) -> Option<RunAs> {
    for line in users.lines() {
        let mut fields = line.split(':');
        if fields.next() != Some(wanted) {
            continue;
        }
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        return Some(RunAs { user, group });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_by_their_exact_name() {
        let users = "root:x:0:0:root:/:/bin/sh\npostgres2:x:7:8::/:\npostgres:x:104:112:x:/:/bin/sh\n";
        let found = find_user(users, "postgres").unwrap();
        assert_eq!((found.user, found.group), (104, 112));
        assert!(find_user(users, "nobody").is_none());
    }
}
