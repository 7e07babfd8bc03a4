//! `cargo xtask demo [--exit] [--out DIR]`: build the product as a user would and walk through it.
//!
//! The walk starts the real server and drives it through the real command line, so it tests both. It looks into no
//! database and calls no function of the product. A step that does not do what it says ends the walk with an error;
//! nothing passes by default.

mod access;
mod audit;
mod client;
mod controls;
mod data;
mod emergency;
mod example;
mod fairness;
mod inventory;
mod monitors;
mod outside;
mod people;
mod policy;
mod predictions;
mod production;
mod quality;
mod release;
mod rollback;
mod runtime;
mod screen;
pub(crate) mod server;
mod statistics;
mod verify;
mod walk;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::interrupted;
use crate::product;
use crate::workspace::Workspace;
use client::Client;
use screen::Screen;
use server::Server;
use walk::Walk;

/// One chapter: its headline and what it does.
struct Chapter {
    title: &'static str,
    run: fn(&mut Walk) -> Result<()>,
}

const CHAPTERS: &[Chapter] = &[
    Chapter { title: "People and credentials", run: people::run },
    Chapter { title: "Controls in operation", run: controls::adopt },
    Chapter { title: "The inventory: three real systems", run: inventory::run },
    Chapter { title: "Datasets and their lineage", run: data::run },
    Chapter { title: "Models, files and immutable versions", run: release::run },
    Chapter { title: "From the gate to production, with two people in between", run: production::run },
    Chapter { title: "What really runs", run: runtime::run },
    Chapter { title: "A second version that must not go live", run: quality::run },
    Chapter { title: "Back to the version before, rehearsed and for real", run: rollback::run },
    Chapter { title: "Drift and fairness, measured on four years of real data", run: statistics::run },
    Chapter { title: "What a model said, record by record", run: predictions::run },
    Chapter { title: "What ran was watched, and one year alarmed", run: monitors::run },
    Chapter { title: "Decisions watched across groups, and a finding", run: fairness::run },
    Chapter { title: "Stricter policies, proven before they are in force", run: policy::run },
    Chapter { title: "An emergency at night, judged in the morning", run: emergency::run },
    Chapter { title: "A wrong credential, and the right to be forgotten", run: access::run },
    Chapter { title: "The auditor's questions", run: audit::run },
    Chapter { title: "An auditor from outside, for a day", run: outside::run },
    Chapter { title: "A window of controls, every occurrence tested", run: controls::tested },
    Chapter { title: "The evidence, verified without us", run: verify::run },
];

/// What the command was asked to do.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Stop after the walk.
    exit: bool,
    /// Where the data go; a temporary folder if not given.
    out: Option<PathBuf>,
}

/// Builds the release binary and walks through every chapter. False when a step did not do what it says.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    let options = parse(arguments)?;
    let temporary = tempfile::Builder::new().prefix("comptroller-demo-").tempdir()?;
    let folder = match &options.out {
        Some(out) => empty_folder(out)?,
        None => temporary.path().to_path_buf(),
    };
    println!("building the product (the first time takes some minutes) ...");
    let binary = product::build(workspace)?;
    let server = Server::start(&binary, &folder)?;
    let client = Client::new(&binary, &server.url, &folder)?;
    let mut walk = Walk::new(workspace, client, &folder);
    let done = walk_through(&mut walk);
    walk.screen.summary();
    match done {
        Ok(()) if options.exit => Ok(true),
        Ok(()) => {
            look_around(&walk, &server, options.out.is_some());
            Ok(true)
        }
        Err(error) => {
            walk.screen.failed(&error);
            println!("the server's log ends:\n{}", server.log_end());
            Ok(false)
        }
    }
}

fn walk_through(walk: &mut Walk) -> Result<()> {
    for chapter in CHAPTERS {
        walk.screen.chapter(chapter.title);
        (chapter.run)(walk).with_context(|| format!("chapter \"{}\"", chapter.title))?;
    }
    Ok(())
}

fn look_around(walk: &Walk, server: &Server, kept: bool) {
    let folder = walk.folder.display();
    println!("The server goes on. To look around, in another terminal:\n");
    println!("  {}/docs                     the API's reference, in a browser", server.url);
    println!("  export COMPTROLLER_URL={}", server.url);
    println!("  export COMPTROLLER_TOKEN_FILE={folder}/tokens/auditor     (or builder, risk-officer, ...)");
    println!("  {} system list", walk.client.binary().display());
    println!("  {} ledger entries --limit 20", walk.client.binary().display());
    println!("  tar tf {folder}/evidence.tar");
    println!("  {folder}/reports            drift and fairness as pages, for a browser\n");
    let then =
        if kept { "stops the server; the folder stays" } else { "stops the server and removes the folder" };
    println!("ctrl-c {then}.");
    while !interrupted() {
        thread::sleep(Duration::from_millis(100));
    }
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--exit" => options.exit = true,
            "--out" => {
                let folder = words.next().context("`--out` needs a folder")?;
                options.out = Some(PathBuf::from(folder));
            }
            _ => bail!("`demo` takes `--exit` and `--out DIR`, found `{word}`"),
        }
    }
    Ok(options)
}

/// Makes the folder if it is missing. A folder with something in it is refused: the demo overwrites nothing.
fn empty_folder(folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    if std::fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty; name a new folder", folder.display());
    }
    folder.canonicalize().with_context(|| format!("cannot find {}", folder.display()))
}

/// The headline of the walk's screen, for one place to know the terminal.
fn screen() -> Screen {
    Screen::for_terminal(CHAPTERS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_are_read_and_mistakes_refused() {
        let options = parse(&words("--exit --out a/b")).unwrap();
        assert_eq!(options, Options { exit: true, out: Some(PathBuf::from("a/b")) });
        assert!(parse(&words("--out")).unwrap_err().to_string().contains("needs a folder"));
        assert!(parse(&words("--quiet")).unwrap_err().to_string().contains("--quiet"));
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(empty_folder(&folder.path().join("new")).is_ok());
        assert!(empty_folder(folder.path()).unwrap_err().to_string().contains("not empty"));
    }
}
