//! The tutorial as a test: the `sh` blocks of docs/tutorial.md, in order, in one shell, against the built product.
//!
//! The reader's preparation is given from outside: the program on PATH, the example, an empty folder, and a free port
//! instead of the default one. Nothing else may differ from what the reader types.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::Context;
use super::report::Verdict;
use crate::process::{find_program, last_lines, run};
use crate::product;
use crate::servers::free_ports;

const TUTORIAL: &str = "docs/tutorial.md";
const LIMIT: Duration = Duration::from_mins(5);

/// Runs the blocks; the first command that fails fails the step.
pub(super) fn run_tutorial(context: &Context) -> Result<Verdict> {
    if !context.workspace.has_package(product::PACKAGE) {
        return Ok(Verdict::Skipped(format!("no package `{}` yet", product::PACKAGE)));
    }
    let text = std::fs::read_to_string(context.workspace.root.join(TUTORIAL))
        .with_context(|| format!("cannot read {TUTORIAL}"))?;
    let blocks = blocks(&text);
    ensure!(blocks.len() > 5, "{TUTORIAL} has only {} `sh` blocks; were the fences changed?", blocks.len());
    let shell = find_program("bash").context("the tutorial needs bash")?;
    let binary = product::build(context.workspace)?;
    let programs = binary.parent().context("the product's binary has no folder")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = tempfile::Builder::new().prefix("comptroller-tutorial-").tempdir()?;
    let script = folder.path().join("tutorial.sh");
    std::fs::write(&script, blocks.join("\n"))?;
    let [port] = free_ports::<1>()?;
    let mut command = Command::new(shell);
    command
        .arg(&script)
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("CREDIT", context.workspace.root.join("examples/credit"))
        .env("COMPTROLLER__SERVER__LISTEN", format!("127.0.0.1:{port}"))
        .env("COMPTROLLER_URL", format!("http://127.0.0.1:{port}"));
    let finished = run(&mut command, LIMIT, false)?;
    if !finished.status.success() {
        let said = format!("{}{}", finished.stdout, finished.stderr);
        bail!("a command of {TUTORIAL} failed ({}):\n{}", finished.status, last_lines(&said, 30));
    }
    Ok(Verdict::Passed(format!("{} blocks", blocks.len())))
}

/// The contents of the fenced `sh` blocks, in order.
fn blocks(markdown: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in markdown.lines() {
        match &mut block {
            None if line.trim_end() == "```sh" => block = Some(String::new()),
            Some(text) if line.trim_end() == "```" => {
                blocks.push(std::mem::take(text));
                block = None;
            }
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sh_blocks_are_taken() {
        let text = "a\n```sh\none\ntwo\n```\nb\n```console\n$ no\n```\n```sh\nthree\n```\n";
        assert_eq!(blocks(text), ["one\ntwo\n", "three\n"]);
        assert!(blocks("```sh\nnever closed\n").is_empty());
    }
}
