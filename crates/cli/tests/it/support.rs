//! Runs the binary, alone or against a server of its own in a temporary folder.

use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The answer of a command that had to succeed.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error of a command that had to end with `code`.
    pub(crate) fn refused(&self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "{self:?}");
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The binary with nothing of this machine's settings.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comptroller"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COMPTROLLER") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).env("COLUMNS", "100").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Runs the binary in `folder`.
pub(crate) fn run(folder: &Path, words: &[&str]) -> Ended {
    ended(command(folder).args(words))
}

/// Runs a prepared command to its end.
pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(name: &str, process: u32) {
    let status = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(status.success());
}

/// A server of its own, on a free port, with its data in a temporary folder.
pub(crate) struct Server {
    pub(crate) child: Option<Child>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) url: String,
    /// What it printed before it was ready.
    pub(crate) greeting: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    /// Starts again on what an earlier one left.
    pub(crate) fn start_in(folder: tempfile::TempDir) -> Self {
        let working = folder.path().to_owned();
        Self::spawn(folder, &working, &[])
    }

    /// Starts in `working` with settings, given as variables of the environment; `folder` goes when the server goes.
    pub(crate) fn spawn(folder: tempfile::TempDir, working: &Path, settings: &[(&str, &str)]) -> Self {
        let mut serve = command(working);
        serve.args(["serve", "--log-level", "warn"]).stderr(Stdio::piped());
        if settings.iter().all(|(name, _)| *name != "COMPTROLLER__SERVER__LISTEN") {
            serve.args(["--listen", "127.0.0.1:0"]);
        }
        serve.envs(settings.iter().copied());
        let mut child = serve.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (mut greeting, mut url) = (String::new(), None);
        while url.is_none() {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the server ended: {greeting}");
            url = line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned);
            greeting.push_str(&line);
        }
        // Whatever else it logs must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child: Some(child), folder, url: url.unwrap(), greeting }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn bootstrap(&self) -> String {
        std::fs::read_to_string(self.path("comptroller-data/bootstrap-token")).unwrap().trim().to_owned()
    }

    /// A command in the name of `token`.
    pub(crate) fn command(&self, token: &str, words: &[&str]) -> Command {
        let mut command = command(self.folder());
        command.args(words).env("COMPTROLLER_URL", &self.url).env("COMPTROLLER_TOKEN", token);
        command
    }

    /// Runs a command with JSON output in the name of `token`.
    pub(crate) fn call(&self, token: &str, words: &[&str]) -> Ended {
        ended(self.command(token, words).args(["--format", "json"]))
    }

    /// Stops it as an operator would; answers its folder.
    pub(crate) fn stop(mut self) -> tempfile::TempDir {
        let mut child = self.child.take().unwrap();
        signal("TERM", child.id());
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
                panic!("the server did not stop");
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(0), "an orderly stop ends with 0");
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
