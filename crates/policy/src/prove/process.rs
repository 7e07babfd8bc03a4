//! One question to a solver: one process, started for it and gone after it.
//!
//! A solver that is kept for several questions can get out of step, and a stale `unsat` read as the answer to a later
//! question would be a false proof. So nothing is kept, and an answer counts only between two echoes that name the
//! question's digest: what the solver said before it read the question, or after a complaint, is no answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Most bytes of an answer that are read; a model of a slice has some kilobytes.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;
/// Most characters of an unexpected answer that are shown.
const MAX_SHOWN: usize = 200;
/// Sets the limits, then becomes the solver. Where the system knows no limit of memory, the others still hold.
const LIMITED: &str = r#"ulimit -v "$1" 2>/dev/null; ulimit -t "$2" && shift 2 && exec "$@""#;

/// What one question may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall time, and processor time rounded up to whole seconds.
    pub time: Duration,
    /// Memory in bytes.
    pub memory: u64,
}

impl Default for Limits {
    /// 60 seconds and 2 GiB; the shipped bundle needs a tenth of a second and 60 MiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), memory: 2 << 30 }
    }
}

/// What the solver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is none.
    Unsat,
    /// There is one; the model in SMT-LIB if it was wanted.
    Sat(String),
    /// The solver gave up.
    Unknown,
}

/// Asks a question that ends in `(check-sat)`; `name` is its digest.
// INVARIANT (unproven-by-default): one answer between the two echoes, or none.
///
/// # Errors
/// Why there is no answer: a text that follows "the solver".
pub(super) fn ask(
    program: &Path,
    limits: Limits,
    name: &str,
    question: &str,
    model: bool,
) -> Result<Answer, String> {
    let mut running = Running::start(program, limits)?;
    running.say(format!("(echo \"begin {name}\")\n{question}(echo \"end {name}\")\n"));
    running.expect(&format!("begin {name}"))?;
    let verdict = running.line()?;
    let answer = match verdict.as_str() {
        "unsat" => Answer::Unsat,
        "sat" => Answer::Sat(String::new()),
        "unknown" => Answer::Unknown,
        other => return Err(format!("answered {} instead of sat or unsat", shown(other))),
    };
    running.expect(&format!("end {name}"))?;
    if !model || answer != Answer::Sat(String::new()) {
        return Ok(answer);
    }
    running.say(format!("(get-model)\n(echo \"model {name}\")\n"));
    let mut text = String::new();
    loop {
        let line = running.line()?;
        if is_echo(&line, &format!("model {name}")) {
            return Ok(Answer::Sat(text));
        }
        text.push_str(&line);
        text.push('\n');
    }
}

/// The first line that `program --version` prints.
///
/// # Errors
/// Why it printed none.
pub(super) fn version(program: &Path) -> Result<String, String> {
    let limits = Limits { time: Duration::from_secs(10), ..Limits::default() };
    let mut running = Running::with_arguments(program, limits, &["--version"])?;
    running.line()
}

/// A solver at work; killed when this is dropped, whatever happened.
struct Running {
    child: Child,
    input: Sender<String>,
    output: Receiver<String>,
    until: Instant,
    limits: Limits,
}

impl Running {
    fn start(program: &Path, limits: Limits) -> Result<Self, String> {
        Self::with_arguments(program, limits, &["--lang", "smt2"])
    }

    fn with_arguments(program: &Path, limits: Limits, arguments: &[&str]) -> Result<Self, String> {
        let seconds = limits.time.as_secs() + u64::from(limits.time.subsec_nanos() > 0);
        let mut child = Command::new("sh")
            .args(["-c", LIMITED, "sh"])
            .args([(limits.memory / 1024).to_string(), seconds.max(1).to_string()])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot be started: {error}"))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("was started without pipes".to_owned());
        };
        Ok(Self {
            child,
            input: writer(stdin),
            output: reader(stdout),
            until: Instant::now() + limits.time,
            limits,
        })
    }

    /// A solver that stopped reading is noticed when its answer does not come.
    fn say(&self, text: String) {
        let _ = self.input.send(text);
    }

    fn line(&mut self) -> Result<String, String> {
        match self.output.recv_timeout(self.until.saturating_duration_since(Instant::now())) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("gave no answer within {} s", self.limits.time.as_secs_f32()))
            }
            Err(RecvTimeoutError::Disconnected) => Err(match self.child.wait() {
                Ok(status) => format!("ended in the middle ({status})"),
                Err(error) => format!("ended in the middle ({error})"),
            }),
        }
    }

    fn expect(&mut self, echo: &str) -> Result<(), String> {
        let line = self.line()?;
        if is_echo(&line, echo) { Ok(()) } else { Err(format!("answered {} out of step", shown(&line))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already; a process that is not waited for would stay as a zombie.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes in a thread of its own, so that a solver that does not read cannot hold us beyond the time limit.
fn writer(mut stdin: ChildStdin) -> Sender<String> {
    let (sender, texts) = channel::<String>();
    std::thread::spawn(move || {
        for text in texts {
            if stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).is_err() {
                break;
            }
        }
    });
    sender
}

/// Reads lines in a thread of its own. The end of the lines is the end of the solver, or of what we read of it.
fn reader(stdout: ChildStdout) -> Receiver<String> {
    let (lines, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout.take(MAX_ANSWER)).lines() {
            let Ok(line) = line else { break };
            if lines.send(line.trim_end().to_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Newer versions print an echo without its quotes.
fn is_echo(line: &str, text: &str) -> bool {
    line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line) == text
}

fn shown(line: &str) -> String {
    let short: String = line.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
    format!("`{short}`")
}
