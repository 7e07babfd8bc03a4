//! Running other programs: bounded in time, stopped with everything they started, ended by ctrl-c.
//!
//! Each program gets a process group of its own. A ctrl-c on the terminal therefore reaches only us, and we stop
//! the running step first and the servers after it, in that order, by ordinary `Drop`.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

const POLL: Duration = Duration::from_millis(50);
const GRACE: Duration = Duration::from_secs(5);

/// Turns ctrl-c, SIGTERM and SIGHUP into a flag, so that `Drop` still runs.
pub(crate) fn catch_interrupts() -> Result<()> {
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst))
        .context("cannot install the ctrl-c handler")
}

/// Whether someone asked us to stop.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// How a finished program ended and what it printed (standard output first, then standard error).
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end and keeps its output; `echo` also prints it line by line as it comes.
///
/// Fails when the program cannot start, takes longer than `limit`, or when we are asked to stop. An exit code
/// other than 0 is not an error here: the caller reads `status`.
pub(crate) fn run(command: &mut Command, limit: Duration, echo: bool) -> Result<Finished> {
    let shown = describe(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
    let stdout = collect(child.stdout.take(), echo);
    let stderr = collect(child.stderr.take(), echo);
    let waited = wait(&mut child, limit);
    // Whatever the program left behind goes too; it would also keep the pipes open for ever.
    signal_group(child.id(), "KILL");
    let stdout = stdout.join().unwrap_or_default();
    let stderr = stderr.join().unwrap_or_default();
    let status = waited.with_context(|| format!("`{shown}`"))?;
    Ok(Finished { status, stdout, stderr })
}

/// Like [`run`], quiet, and an exit code other than 0 is an error that carries the end of the output.
pub(crate) fn run_quiet(command: &mut Command, limit: Duration) -> Result<String> {
    let shown = describe(command);
    let finished = run(command, limit, false)?;
    if !finished.status.success() {
        let said = format!("{}{}", finished.stdout, finished.stderr);
        bail!("`{shown}` ended with {}:\n{}", finished.status, last_lines(&said, 30));
    }
    Ok(finished.stdout)
}

/// Sends a signal to one process. The shell's own `kill` does it, which every system has.
pub(crate) fn signal(process: u32, name: &str) {
    kill(&process.to_string(), name);
}

/// Sends a signal to a process group that [`run`] or a server made.
pub(crate) fn signal_group(leader: u32, name: &str) {
    kill(&format!("-{leader}"), name);
}

fn kill(target: &str, name: &str) {
    // An error means that the process is gone already, which is what we want.
    let _gone = Command::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", name, target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// The last `count` lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Whether a program of that name is on `PATH`, and where.
pub(crate) fn find_program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if interrupted() {
            stop_group(child)?;
            bail!("interrupted");
        }
        if started.elapsed() > limit {
            stop_group(child)?;
            bail!("took longer than its limit of {} s and was stopped", limit.as_secs());
        }
        thread::sleep(POLL);
    }
}

fn stop_group(child: &mut Child) -> Result<()> {
    signal_group(child.id(), "TERM");
    let started = Instant::now();
    while started.elapsed() < GRACE {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        thread::sleep(POLL);
    }
    signal_group(child.id(), "KILL");
    child.wait()?;
    Ok(())
}

fn collect(pipe: Option<impl Read + Send + 'static>, echo: bool) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut kept = String::new();
        let Some(pipe) = pipe else { return kept };
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while let Ok(count) = reader.read_until(b'\n', &mut line) {
            if count == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            if echo {
                print!("{text}");
            }
            kept.push_str(&text);
            line.clear();
        }
        kept
    })
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_exit_code_come_back() {
        let finished = run(&mut shell("echo out; echo err >&2; exit 3"), GRACE, false).unwrap();
        assert_eq!(finished.stdout, "out\n");
        assert_eq!(finished.stderr, "err\n");
        assert_eq!(finished.status.code(), Some(3));
    }

    #[test]
    fn a_program_over_its_limit_is_stopped_with_its_children() {
        let started = Instant::now();
        let error = run(&mut shell("sleep 60 & sleep 60"), Duration::from_millis(200), false).err().unwrap();
        assert!(format!("{error:#}").contains("longer than its limit"), "{error:#}");
        assert!(started.elapsed() < Duration::from_secs(20), "the children held the pipe");
    }

    #[test]
    fn a_child_left_behind_does_not_hold_us() {
        let started = Instant::now();
        let finished = run(&mut shell("sleep 60 & echo done"), GRACE, false).unwrap();
        assert_eq!(finished.stdout, "done\n");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_failing_program_is_quoted() {
        let error = run_quiet(&mut shell("echo the cause >&2; exit 1"), GRACE).err().unwrap();
        assert!(error.to_string().contains("the cause"), "{error}");
    }
}
