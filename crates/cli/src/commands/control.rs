//! `comptroller control`: the library of controls, which are in operation, and what a window shows of them.
//!
//! `list`, `show`, `test PACK` and `timeline PACK` need no server. A test prints what was found; it concludes nothing (no-conclusion).

use super::verify::{VerifyArgs, trust};
use super::{Context, control_timeline};
use crate::args::Noun;
use crate::client::{Answer, path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{one_of, read_text};
use crate::output::{Screen, Style, clean, note, print, write_file};
use clap::{Args, Subcommand};
use comptroller_app::assess::Because;
use comptroller_app::controls::{
    AdoptControl, ControlTest, NoteException, TestControls, altered_files, engine_of, pack_oscal, test_pack,
};
use comptroller_compliance::control::{Control, MAX_FILE_BYTES, Serves, shipped};
use comptroller_compliance::window::ControlResult;
use comptroller_core::Timestamp;
use comptroller_core::name::ControlId;
use comptroller_core::vocab::ExceptionStep;
use comptroller_ledger::pack::PackReader;
use comptroller_ledger::verify::{FailureClass, VerifyError};
use comptroller_ledger::verify_pack;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Exceptions of one control that are shown as text.
const SHOWN: usize = 20;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the controls that come with this program. Needs no server.
    List {
        /// Only those that serve this framework, for example `soc2`.
        #[arg(long)]
        framework: Option<String>,
    },
    /// Show the definition of a control that comes with this program. Needs no server.
    Show {
        /// Its id, for example CTL-CHANGE-02.
        control: String,
    },
    /// List which controls are in operation on the server, since when, and by which definition.
    Status,
    /// Put controls in operation; each counts from then on. A control in operation gets the new definition.
    Adopt {
        /// Their ids.
        #[arg(required = true)]
        controls: Vec<ControlId>,
        /// An own definition, for one control: a TOML file.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Take a control out of operation.
    Retire {
        /// Its id.
        control: ControlId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Test controls over a window: on the server, or offline on an evidence pack.
    Test(Box<TestArgs>),
    /// Show day by day how controls and the criteria of a framework stood over a window, and what lapses next.
    Timeline(Box<TimelineArgs>),
    /// List the exceptions of a window, each with its cause and its id.
    Exceptions(Window),
    /// Record cause, effect, remediation, retest or management's response of an exception.
    Note {
        /// The control.
        control: ControlId,
        /// The occurrence, as `control exceptions` names it.
        occurrence: String,
        /// What is recorded.
        #[arg(long, value_parser = one_of(ExceptionStep::ALL, ExceptionStep::as_str))]
        step: ExceptionStep,
        /// In words.
        #[arg(long)]
        text: String,
        /// Of a remediation that is still to be done: in how many days from now, up to 366.
        #[arg(long, value_name = "DAYS")]
        due_days: Option<u32>,
    },
}

/// Which controls, and over which window.
#[derive(Clone, Debug, Args)]
pub(crate) struct Window {
    /// First day or moment: 2026-01-01 or RFC 3339, UTC.
    #[arg(long, value_parser = moment)]
    from: Timestamp,
    /// First day or moment after it.
    #[arg(long, value_parser = moment)]
    to: Timestamp,
    /// Only controls that serve this framework, for example `soc2`.
    #[arg(long)]
    framework: Option<String>,
    /// Only this control.
    #[arg(long)]
    control: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// An evidence pack to test offline, with --key; without it, the server's own log.
    #[arg(value_name = "PACK", requires = "key")]
    pack: Option<PathBuf>,
    #[command(flatten)]
    window: Window,
    /// Print the table of tests as CSV; its last column, the conclusion, is the auditor's.
    #[arg(long)]
    csv: bool,
    /// Write the documents of OSCAL about it to this folder, those that an evidence pack holds. Of a pack only.
    #[arg(long, value_name = "FOLDER", requires = "pack")]
    oscal: Option<PathBuf>,
    /// Verification key of the log that you trust, for a pack.
    #[arg(long, value_name = "VKEY")]
    key: Vec<comptroller_ledger::VerifierKey>,
}

#[derive(Debug, Args)]
pub(crate) struct TimelineArgs {
    /// An evidence pack to read offline, with --key; without it, the server's own log.
    #[arg(value_name = "PACK", requires = "key")]
    pack: Option<PathBuf>,
    #[command(flatten)]
    window: Window,
    /// Write the timelines as a page to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Verification key of the log that you trust, for a pack.
    #[arg(long, value_name = "VKEY")]
    key: Vec<comptroller_ledger::VerifierKey>,
}

pub(crate) fn run(screen: Screen, noun: Noun<Verb>) -> anyhow::Result<Exit> {
    let api = noun.api;
    match noun.verb {
        Verb::List { framework } => list(screen, framework.as_deref())?,
        Verb::Show { control } => show(screen, &control)?,
        Verb::Test(arguments) => {
            let TestArgs { pack, window, csv, oscal, key } = *arguments;
            let Some(pack) = pack else {
                let test = online(&Context::new(&api, screen)?, &window)?;
                return report(screen, &test, csv).map(|()| Exit::OK);
            };
            let reader = verified(&pack, &key)?;
            let test = test_pack(&reader, window.asked())?;
            if let Some(folder) = &oscal {
                write_oscal(folder, &pack_oscal(&reader, &test)?)?;
            }
            report(screen, &test, csv)?;
            return compare(&reader, &test);
        }
        Verb::Timeline(arguments) => {
            let TimelineArgs { pack, window, html, key } = *arguments;
            let test = match pack {
                Some(pack) => test_pack(&verified(&pack, &key)?, window.asked())?,
                None => online(&Context::new(&api, screen)?, &window)?,
            };
            control_timeline::show(screen, &test.result, html.as_deref())?;
        }
        Verb::Exceptions(window) => {
            let test = online(&Context::new(&api, screen)?, &window)?;
            let all: Vec<_> = test.result.controls.iter().flat_map(|control| &control.exceptions).collect();
            screen.table(
                &Answer::of_value(serde_json::json!({ "items": all })),
                &[
                    ("CONTROL", "/control"),
                    ("OCCURRENCE", "/occurrence"),
                    ("SINCE", "/since"),
                    ("CLOSED", "/closed"),
                    ("CAUSE", "/causes/0/says"),
                    ("EXCEPTION", "/id"),
                ],
            )?;
        }
        verb => change(&Context::new(&api, screen)?, verb)?,
    }
    Ok(Exit::OK)
}

/// What is done on the server.
fn change(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Adopt { controls, file } => {
            if file.is_some() && controls.len() != 1 {
                return Err(Failure::usage(
                    "--file is the definition of one control",
                    "name exactly one control",
                ));
            }
            let definition = file.map(|file| read_text(&file, MAX_FILE_BYTES as u64)).transpose()?;
            for control in controls {
                let command = AdoptControl { control, definition: definition.clone() };
                screen.object(&client.post(&path(&["controls"]), &command)?)?;
            }
            Ok(())
        }
        Verb::Retire { control, reason } => screen
            .object(&client.post(&path(&["controls", control.as_str(), "retire"]), &Because { reason })?),
        Verb::Note { control, occurrence, step, text, due_days } => {
            let command = NoteException { control, occurrence, step, text, due_days };
            screen.object(&client.post(&path(&["exceptions"]), &command)?)
        }
        _ => {
            let answer = client.get(&path(&["controls"]), &[])?;
            let items = Answer::of_value(serde_json::json!({ "items": answer.value }));
            screen.table(
                &items,
                &[
                    ("ID", "/id"),
                    ("TITLE", "/title"),
                    ("EXPECTED", "/rhythm"),
                    ("SINCE", "/since"),
                    ("OTHER IN LIBRARY", "/other_in_library"),
                ],
            )
        }
    }
}

fn list(screen: Screen, framework: Option<&str>) -> anyhow::Result<()> {
    let library = shipped()?;
    let serves = |control: &&Control| framework.is_none_or(|framework| control.serves_framework(framework));
    let item = |control: &Control| {
        let criteria: Vec<&str> = control.serves.iter().map(|serves| serves.criterion.as_str()).collect();
        serde_json::json!({
            "id": control.id, "title": control.title, "area": control.area, "owner": control.owner,
            "expected": control.rhythm(), "criteria": criteria, "definition": control.digest,
        })
    };
    let items: Vec<_> = library.iter().filter(serves).map(item).collect();
    if let (Some(framework), true) = (framework, items.is_empty()) {
        let known: BTreeSet<&str> =
            library.iter().flat_map(|control| &control.serves).map(Serves::framework).collect();
        let known: Vec<&str> = known.into_iter().collect();
        return Err(Failure::usage(
            format!("no control of the library serves a framework {framework:?}"),
            format!("use one of {}", known.join(", ")),
        ));
    }
    screen.table(
        &Answer::of_value(serde_json::json!({ "items": items })),
        &[
            ("ID", "/id"),
            ("AREA", "/area"),
            ("EXPECTED", "/expected"),
            ("OWNER", "/owner"),
            ("TITLE", "/title"),
        ],
    )
}

fn show(screen: Screen, id: &str) -> anyhow::Result<()> {
    let library = shipped()?;
    let control = library.get(id).ok_or_else(|| {
        Failure::usage(format!("no control is called {id:?}"), "`comptroller control list` names them all")
    })?;
    let value = serde_json::json!({
        "id": control.id, "title": control.title, "area": control.area, "owner": control.owner,
        "definition": control.digest, "text": control.text,
    });
    screen.print(&Answer::of_value(value), |_| {
        format!("{}\n# SHA-256 {}\n", control.text.trim_end(), control.digest)
    })
}

fn online(context: &Context, window: &Window) -> anyhow::Result<ControlTest> {
    let query = [
        ("from", Some(window.from.to_string())),
        ("to", Some(window.to.to_string())),
        ("framework", window.framework.clone()),
        ("control", window.control.clone()),
    ];
    Ok(serde_json::from_value(context.client.get(&path(&["control-tests"]), &query)?.value)?)
}

impl Window {
    /// What is asked of a pack.
    fn asked(self) -> TestControls {
        let Self { from, to, framework, control } = self;
        TestControls { from, to, framework, control }
    }
}

/// A pack to read from, after it was verified.
fn verified(pack: &Path, key: &[comptroller_ledger::VerifierKey]) -> anyhow::Result<PackReader<File>> {
    let open = || {
        File::open(pack).map_err(|error| {
            Failure::usage(format!("{}: {error}", pack.display()), "name a pack that can be read")
        })
    };
    // INVARIANT (keys-from-the-auditor): first that the pack is what the key signed, then what is in it.
    verify_pack(open()?, &trust(&VerifyArgs::of_keys(key.to_vec()))?).map_err(Failure::Verify)?;
    Ok(PackReader::open(open()?).map_err(Failure::Verify)?)
}

/// Says whether what a pack shows of this test is what its entries give.
///
/// # Errors
/// When a file of it is not.
fn compare(pack: &PackReader<File>, test: &ControlTest) -> anyhow::Result<Exit> {
    let Some(altered) = altered_files(pack, test)? else {
        note("the pack shows no test of this window, so nothing that it shows was compared");
        return Ok(Exit::OK);
    };
    if altered.is_empty() {
        note("what the pack shows under controls/ is what its entries give");
        return Ok(Exit::OK);
    }
    // Tables and definitions do not name the engine; the result and what is printed from it do.
    let names_no_engine =
        |path: &String| Path::new(path).extension().is_some_and(|kind| kind == "csv" || kind == "toml");
    let is_other = engine_of(pack)?.is_some_and(|engine| engine != test.result.engine);
    if is_other && !altered.iter().any(names_no_engine) {
        note(
            "another version of this program made the pack: every table under controls/ is what its entries give, and \
             documents that name the version were not compared; ends with 4",
        );
        return Ok(Exit::UNKNOWN);
    }
    let problem = "not what the entries of the pack give: altered, or made by another version of this program; rely on \
                   what was computed here"
        .to_owned();
    Err(Failure::Verify(VerifyError { class: FailureClass::Malformed, place: altered.join(", "), problem })
        .into())
}

/// Writes documents to a folder, which is made if it is not there.
fn write_oscal(folder: &Path, documents: &BTreeMap<&'static str, Vec<u8>>) -> anyhow::Result<()> {
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::usage(format!("{}: {error}", path.display()), "name a folder that can be written to")
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for (name, document) in documents {
        let file = folder.join(name);
        write_file(&file, document).map_err(|error| failed(&file, &error))?;
    }
    Ok(())
}

fn report(screen: Screen, test: &ControlTest, csv: bool) -> anyhow::Result<()> {
    if csv {
        return print(&comptroller_app::controls::tests_csv(&test.result));
    }
    let answer = Answer::of_value(serde_json::to_value(test)?);
    screen.print(&answer, |_| text(test, screen.style))
}

fn text(test: &ControlTest, style: Style) -> String {
    let result = &test.result;
    let mut out = format!("{} to {}\n\n", result.from, result.to);
    for control in &result.controls {
        control_text(&mut out, control, style);
    }
    if !result.not_in_operation.is_empty() {
        let _ = writeln!(out, "not in operation: {}", result.not_in_operation.join(", "));
    }
    let due = result.controls.iter().filter_map(|control| control.next_due.as_ref()).min();
    if let Some(due) = due {
        let _ = writeln!(out, "next due: {} {} by {}", due.control, clean(&due.occurrence), minute(due.at));
    }
    if test.seal.is_none() {
        let _ =
            writeln!(out, "no samples yet: the first entry after {} fixes the seed of the draw", result.to);
    }
    let _ = writeln!(out, "{}", style.dim(&format!("result {}", result.digest)));
    let ledger = format!("log of {} entries, root {}", result.ledger.size, result.ledger.root);
    let _ = writeln!(out, "{}", style.dim(&ledger));
    out
}

fn control_text(out: &mut String, control: &ControlResult, style: Style) {
    let period = &control.period;
    let pending =
        if period.pending > 0 { format!(", {} not due yet", period.pending) } else { String::new() };
    let _ = writeln!(
        out,
        "{}  {}: {} expected, {} met, {} {}{pending}",
        style.strong(&format!("{:<24}", control.id)),
        clean(&control.title),
        period.expected,
        period.met,
        period.exceptions,
        if period.exceptions == 1 { "exception" } else { "exceptions" }
    );
    for exception in control.exceptions.iter().take(SHOWN) {
        let causes: Vec<String> = exception.causes.iter().map(|cause| clean(&cause.says)).collect();
        let state = exception.closed.map_or_else(|| "open".to_owned(), |at| format!("closed {}", minute(at)));
        let _ = writeln!(
            out,
            "    {} {}, since {}, {state}: {}",
            style.bad("exception"),
            clean(&exception.occurrence),
            minute(exception.since),
            causes.join("; ")
        );
    }
    if control.exceptions.len() > SHOWN {
        let _ = writeln!(out, "    {} more; `--format json` lists them", control.exceptions.len() - SHOWN);
    }
    for finding in control.findings.iter().filter(|finding| finding.kind != "no-occurrence") {
        let _ = writeln!(out, "    {} {}", style.caution(&finding.kind), clean(&finding.says));
    }
    for spot in &control.blind_spots {
        let _ = writeln!(out, "    {} {}", style.dim("not seen:"), clean(spot));
    }
}

/// A moment to the minute, UTC.
fn minute(at: Timestamp) -> String {
    at.to_string().chars().take(16).collect::<String>().replace('T', " ")
}

/// A day, or a moment.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().map_err(|_| "expected a day such as 2026-01-01, or a time in RFC 3339".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_at_midnight_or_at_a_moment() {
        assert_eq!(moment("2026-01-01").unwrap().to_string(), "2026-01-01T00:00:00.000000Z");
        assert!(moment("2026-01-01T10:00:00Z").is_ok());
        for wrong in ["", "2026", "01.01.2026", "2026-13-01"] {
            assert!(moment(wrong).unwrap_err().contains("such as 2026-01-01"), "{wrong}");
        }
    }
}
