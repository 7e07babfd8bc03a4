//! What the chapters share: the client, the screen, tokens and ids, and short ways to read an answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::client::{Answer, Client};
use super::screen::Screen;
use crate::workspace::Workspace;

/// The state of the walk.
pub(crate) struct Walk<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) client: Client,
    pub(crate) screen: Screen,
    /// Where everything of this run is.
    pub(crate) folder: PathBuf,
    tokens: BTreeMap<String, String>,
    notes: BTreeMap<String, String>,
}

impl<'a> Walk<'a> {
    /// At the beginning.
    pub(crate) fn new(workspace: &'a Workspace, client: Client, folder: &Path) -> Walk<'a> {
        let (tokens, notes) = (BTreeMap::new(), BTreeMap::new());
        Walk { workspace, client, screen: super::screen(), folder: folder.to_path_buf(), tokens, notes }
    }

    /// Runs a command that must succeed, as `who`; `nobody` has no token.
    pub(crate) fn ok(&self, who: &str, words: &[&str]) -> Result<Value> {
        self.client.ok(self.token(who)?, words).with_context(|| format!("as {who}"))
    }

    /// Runs a command that must fail with this exit code, as `who`.
    pub(crate) fn refused(&self, who: &str, words: &[&str], code: i32) -> Result<Answer> {
        self.client.refused(self.token(who)?, words, code).with_context(|| format!("as {who}"))
    }

    /// Runs a command that must succeed and answers the index that it left in the log.
    pub(crate) fn act(&self, who: &str, words: &[&str]) -> Result<u64> {
        index_of(&self.ok(who, words)?)
    }

    /// Prints a step that was done.
    pub(crate) fn step(&mut self, what: &str, entries: &[u64], proves: &str) {
        self.screen.step(what, entries, proves);
    }

    /// Keeps a token, also as a file that the reader of the demo can use.
    pub(crate) fn keep_token(&mut self, who: &str, token: &str) -> Result<()> {
        let folder = self.folder.join("tokens");
        std::fs::create_dir_all(&folder)?;
        write_private(&folder.join(who), token)?;
        self.tokens.insert(who.to_owned(), token.to_owned());
        Ok(())
    }

    /// Forgets a credential that is used up.
    pub(crate) fn forget_token(&mut self, who: &str) -> Result<()> {
        self.tokens.remove(who);
        Ok(std::fs::remove_file(self.folder.join("tokens").join(who))?)
    }

    /// The token of `who`; none for `nobody`.
    pub(crate) fn token(&self, who: &str) -> Result<&str> {
        if who == "nobody" {
            return Ok("");
        }
        self.tokens.get(who).map(String::as_str).with_context(|| format!("the demo gave no token to {who}"))
    }

    /// Remembers an id or another short text for later chapters.
    pub(crate) fn note(&mut self, name: &str, value: &str) {
        self.notes.insert(name.to_owned(), value.to_owned());
    }

    /// What was remembered.
    pub(crate) fn noted(&self, name: &str) -> Result<String> {
        self.notes.get(name).cloned().with_context(|| format!("no earlier step noted {name}"))
    }
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    Ok(())
}

/// The ledger index of an answer.
pub(crate) fn index_of(answer: &Value) -> Result<u64> {
    answer["ledger_index"].as_u64().with_context(|| format!("no ledger_index in the answer: {answer}"))
}

/// A text member of an answer or of a registration file.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value[name].as_str().with_context(|| format!("no text `{name}` in: {value}"))
}

/// The items of a list, whether it came as a page or bare.
pub(crate) fn items(value: &Value) -> Result<&Vec<Value>> {
    let list = if value.is_array() { value } else { &value["items"] };
    list.as_array().with_context(|| format!("no list in: {value}"))
}

/// The ids of the rules that an answer names.
pub(crate) fn rule_ids(value: &Value) -> Vec<String> {
    let rules = value["rules"].as_array().into_iter().flatten();
    rules.filter_map(|rule| rule["id"].as_str().map(str::to_owned)).collect()
}

/// The rules that an answer names, as lines for the reader: id, set, what is wrong, who can put it right.
pub(crate) fn rule_lines(value: &Value) -> Vec<String> {
    let rules = value["rules"].as_array().into_iter().flatten();
    let word = |rule: &Value, name: &str| rule[name].as_str().unwrap_or_default().to_owned();
    rules
        .map(|rule| {
            let (id, set) = (word(rule, "id"), word(rule, "set"));
            format!("{id} ({set}): {}. {}.", word(rule, "reason"), word(rule, "remedy"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_read_or_the_missing_part_is_named() {
        assert_eq!(index_of(&json!({"ledger_index": 7})).unwrap(), 7);
        assert!(index_of(&json!({})).unwrap_err().to_string().contains("ledger_index"));
        assert_eq!(items(&json!({"items": [1], "next": null})).unwrap().len(), 1);
        assert_eq!(items(&json!([1, 2])).unwrap().len(), 2);
        assert!(items(&json!({})).is_err());
        let refusal = json!({"rules": [{"id": "a", "set": "hard", "reason": "r", "remedy": "m"}]});
        assert_eq!(rule_ids(&refusal), ["a"]);
        assert_eq!(rule_lines(&refusal), ["a (hard): r. m."]);
        assert!(rule_ids(&json!({})).is_empty());
    }
}
