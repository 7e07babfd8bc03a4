//! Runs the product's command line and reads its JSON, as a user's script would.
//!
//! Tokens go through the environment or a file, never through arguments. An exit code other than the expected one is
//! an error that quotes what the program said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::server::without_settings;
use crate::process::{last_lines, run};

/// Longest command: the export of a pack, with room.
const LIMIT: Duration = Duration::from_mins(2);

/// The command line, aimed at one server.
pub(crate) struct Client {
    binary: PathBuf,
    url: String,
    /// Where command files are written.
    folder: PathBuf,
}

/// How a command ended.
pub(crate) struct Answer {
    /// Exit code.
    pub(crate) code: i32,
    /// What it printed, as JSON; null if it printed none.
    pub(crate) json: Value,
    /// Everything that it printed.
    pub(crate) text: String,
}

impl Client {
    /// For the server at `url`; command files go below `folder`.
    pub(crate) fn new(binary: &Path, url: &str, folder: &Path) -> Result<Client> {
        let commands = folder.join("commands");
        std::fs::create_dir_all(&commands)?;
        Ok(Client { binary: binary.to_path_buf(), url: url.to_owned(), folder: commands })
    }

    /// The program.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// Runs a command in the name of the token and answers whatever came of it.
    pub(crate) fn call(&self, token: &str, words: &[&str]) -> Result<Answer> {
        let mut command = Command::new(&self.binary);
        without_settings(&mut command);
        command.args(words).args(["--format", "json"]).env("COMPTROLLER_URL", &self.url);
        if !token.is_empty() {
            command.env("COMPTROLLER_TOKEN", token);
        }
        let finished = run(&mut command, LIMIT, false)?;
        // Answers stand on standard output, errors on standard error.
        let json =
            [&finished.stdout, &finished.stderr].iter().find_map(|text| json_of(text)).unwrap_or(Value::Null);
        let code = finished.status.code().context("the command was killed")?;
        Ok(Answer { code, json, text: format!("{}{}", finished.stdout, finished.stderr) })
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, token: &str, words: &[&str]) -> Result<Value> {
        let answer = self.call(token, words)?;
        if answer.code != 0 {
            bail!(
                "`comptroller {}` ended with {}:\n{}",
                words.join(" "),
                answer.code,
                last_lines(&answer.text, 20)
            );
        }
        Ok(answer.json)
    }

    /// Runs a command that must fail with this exit code.
    pub(crate) fn refused(&self, token: &str, words: &[&str], code: i32) -> Result<Answer> {
        let answer = self.call(token, words)?;
        ensure!(
            answer.code == code,
            "`comptroller {}` should have ended with {code}, and ended with {}:\n{}",
            words.join(" "),
            answer.code,
            last_lines(&answer.text, 20)
        );
        Ok(answer)
    }

    /// Writes a command's body to a file and returns its path, for `--file`.
    pub(crate) fn file(&self, name: &str, body: &Value) -> Result<String> {
        let path = self.folder.join(format!("{name}.json"));
        std::fs::write(&path, format!("{body:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.to_string_lossy().into_owned())
    }
}

/// The first JSON object or list of a text, which may have other lines around it.
fn json_of(text: &str) -> Option<Value> {
    let start = text.find(['{', '['])?;
    serde_json::Deserializer::from_str(&text[start..]).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_among_other_lines() {
        assert_eq!(json_of("note\n{\"a\": [1]}\nmore").unwrap()["a"][0], 1);
        assert_eq!(json_of("[1, 2]").unwrap()[1], 2);
        assert!(json_of("no json").is_none());
        assert!(json_of("{broken").is_none());
    }
}
