//! One server process: start, wait until it answers, stop, show its log when it fails.
//!
//! It knows nothing of databases. It must not leave a process behind, whatever happens.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{find_program, interrupted, last_lines, signal, signal_group};

const START_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// A numeric user and group to run as.
#[derive(Clone, Copy)]
pub(crate) struct RunAs {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// A running server. Dropping it stops the server and waits for its end.
pub(crate) struct Daemon {
    name: &'static str,
    child: Child,
    log: PathBuf,
    stop_signal: &'static str,
}

impl Daemon {
    /// Starts `command` (made by [`command`]) with its output in `log`, and waits until `answers` is true.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        log: PathBuf,
        stop_signal: &'static str,
        mut answers: impl FnMut() -> bool,
    ) -> Result<Daemon> {
        let file = File::create(&log).with_context(|| format!("cannot create the log {}", log.display()))?;
        let errors = file.try_clone()?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors).process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let mut daemon = Daemon { name, child, log, stop_signal };
        let started = Instant::now();
        while !answers() {
            if let Some(status) = daemon.child.try_wait()? {
                bail!("{name} ended with {status} while starting; its log ends:\n{}", daemon.log_end());
            }
            if interrupted() {
                bail!("interrupted");
            }
            if started.elapsed() > START_LIMIT {
                bail!(
                    "{name} did not answer within {} s; its log ends:\n{}",
                    START_LIMIT.as_secs(),
                    daemon.log_end()
                );
            }
            thread::sleep(POLL);
        }
        Ok(daemon)
    }

    /// The last lines of the server's log.
    pub(crate) fn log_end(&self) -> String {
        last_lines(&std::fs::read_to_string(&self.log).unwrap_or_default(), 30)
    }

    fn stop(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            eprintln!("{} had ended by itself with {status}; its log ends:\n{}", self.name, self.log_end());
            return;
        }
        signal(self.child.id(), self.stop_signal);
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && started.elapsed() < STOP_LIMIT {
            thread::sleep(POLL);
        }
        signal_group(self.child.id(), "KILL");
        let _reaped = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A command for `program`, as another user if asked, that gets `death_signal` when we die by any cause.
///
/// Both need util-linux's `setpriv`. Without it the server still stops in `Drop`, but not when we are killed.
pub(crate) fn command(program: &Path, run_as: Option<RunAs>, death_signal: Option<&str>) -> Result<Command> {
    let Some(setpriv) = find_program("setpriv") else {
        if run_as.is_some() {
            bail!("`setpriv` (util-linux) is missing; without it the superuser cannot start this server");
        }
        return Ok(Command::new(program));
    };
    let mut command = Command::new(setpriv);
    if let Some(RunAs { user, group }) = run_as {
        command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
    }
    if let Some(name) = death_signal {
        command.args(["--pdeathsig", name]);
    }
    command.arg("--").arg(program);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(process: u32) -> bool {
        Path::new(&format!("/proc/{process}")).exists()
    }

    #[test]
    fn dropping_stops_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(Path::new("/bin/sleep"), None, Some("KILL")).unwrap();
        command.arg("60");
        let daemon = Daemon::start("sleep", command, folder.path().join("log"), "TERM", || true).unwrap();
        let process = daemon.child.id();
        assert!(running(process));
        drop(daemon);
        assert!(!running(process));
    }

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(Path::new("/bin/sh"), None, None).unwrap();
        command.args(["-c", "echo no licence to run; exit 7"]);
        let started = Daemon::start("shell", command, folder.path().join("log"), "TERM", || false);
        let error = started.err().unwrap().to_string();
        assert!(error.contains("no licence to run") && error.contains('7'), "{error}");
    }
}
