//! `comptroller policy recheck`: the decisions and proofs of an evidence pack, made again offline.
//!
//! INVARIANT (as-of): every decision in the log names its policies by digest and holds its facts, and the policies stand
//! in the pack; so whoever holds the pack can decide it all again, without the server and without trust in it.

use super::{SolverArgs, progress, progress_done};
use crate::client::Answer;
use crate::commands::verify::{VerifyArgs, trust};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Screen, Style, clean};
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use comptroller_app::population::{self, Changes};
use comptroller_core::ids::PrincipalId;
use comptroller_core::{Digest, Event, Slug, Timestamp};
use comptroller_ledger::pack::Opening;
use comptroller_ledger::tile::decode_bundle;
use comptroller_ledger::verify_pack;
use comptroller_policy::prove::{self, Again, Report};
use comptroller_policy::{Action, Bundle, Package, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

/// Where entries stand in a pack.
const ENTRIES: &str = "log/tile/entries/";
/// What is kept of the log: a long one does not fit into memory.
const KINDS: [&str; 4] = ["decision.recorded", "policy.analysed", "policy.proposed", "policy.shipped"];
/// Where the populations stand that the log can make again: changes of production, deployments everywhere.
const POPULATIONS: [&str; 2] = ["populations/changes.csv", "populations/deployments.csv"];
/// Most differences that are shown, of each kind.
const SHOWN: usize = 20;
/// Decisions between two lines of progress.
const STEP: usize = 256;

#[derive(Debug, Args)]
pub(crate) struct RecheckArgs {
    #[command(flatten)]
    verify: VerifyArgs,
    /// Only the decision with this id.
    #[arg(long, value_name = "ID")]
    decision: Option<String>,
    /// Make the proofs about changes of policies again too. Needs the solver cvc5.
    #[arg(long)]
    proofs: bool,
    #[command(flatten)]
    solver: SolverArgs,
}

/// The private part of an event that made policies known.
#[derive(Default, Deserialize)]
struct Files {
    #[serde(default)]
    package: Option<String>,
}

/// What a pack says about policies.
#[derive(Default)]
struct Contents {
    packages: BTreeMap<Digest, Package>,
    decisions: Vec<(u64, String, Event)>,
    analyses: Vec<(u64, Event, Report)>,
    /// What the log says changed production.
    changes: Changes,
    /// The populations of the pack, by their place.
    populations: BTreeMap<String, String>,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Rechecked {
    /// Decisions made again.
    decisions: usize,
    /// Those that come out the same, to the last fact.
    same: usize,
    /// Those whose policies are not in the pack.
    without_policies: usize,
    /// Proofs made again.
    proofs: usize,
    /// Those whose report is the same, byte for byte.
    same_proofs: usize,
    /// Those whose report is another one, and contradicts nothing on record.
    agreeing_proofs: usize,
    /// Changes of production in the log.
    changes: usize,
    /// Rows of populations that are missing, added or other than the log makes them, and populations that are missing.
    population_differences: usize,
    /// What was unproven on record, and is known now.
    settled: Vec<String>,
    /// What is on record as proven or refuted, and was unproven this time.
    not_again: Vec<String>,
    /// What came out otherwise.
    differences: Vec<String>,
}

pub(super) fn run(screen: Screen, arguments: &RecheckArgs) -> Result<Exit> {
    let path = arguments.verify.path();
    let open = || {
        File::open(path).map_err(|error| {
            Failure::usage(format!("{}: {error}", path.display()), "name a pack that can be read")
        })
    };
    // First what everything else rests on: that this is the log, whole, and that what is shown is what it holds.
    let report = verify_pack(open()?, &trust(&arguments.verify)?).map_err(Failure::Verify)?;
    let contents = read(open()?).with_context(|| path.display().to_string())?;
    let mut found = Rechecked::default();
    let mut bundles = BTreeMap::new();
    for (at, (index, actor, event)) in contents.decisions.iter().enumerate() {
        if at % STEP == 0 {
            progress(&format!("decision {at} of {}", contents.decisions.len()));
        }
        decide(*index, actor, event, arguments.decision.as_deref(), &contents, &mut bundles, &mut found)?;
    }
    progress_done();
    compare_populations(&contents, &mut found);
    if arguments.decision.is_some() && found.decisions + found.without_policies == 0 {
        return Err(Failure::usage("the pack has no such decision", "name the id of a decision in the log"));
    }
    if arguments.proofs {
        prove_again(&contents, &arguments.solver, &mut found)?;
    }
    let exit = match (found.differences.is_empty(), found.not_again.is_empty()) {
        (false, _) => Exit::DENY,
        (true, false) => Exit::UNKNOWN,
        (true, true) => Exit::OK,
    };
    let value = serde_json::json!({ "size": report.log.size, "root": report.log.root.to_string(), "rechecked": found });
    screen.print(&Answer::of_value(value), |_| text(report.log.size, &found, screen.style))?;
    Ok(exit)
}

/// Reads entries and shown payloads. The pack was verified before: this is what the log holds.
fn read(file: File) -> Result<Contents> {
    let (mut entries, mut shown) = (BTreeMap::new(), BTreeMap::new());
    let mut contents = Contents::default();
    let mut archive = tar::Archive::new(file);
    for member in archive.entries()? {
        let mut member = member?;
        let path = member.path()?.to_string_lossy().into_owned();
        let is_population = POPULATIONS.contains(&path.as_str());
        if !path.starts_with(ENTRIES) && !path.starts_with("openings/") && !is_population {
            continue;
        }
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes)?;
        if is_population {
            let text = String::from_utf8(bytes).with_context(|| path.clone())?;
            contents.populations.insert(path, text);
        } else if let Some(place) = path.strip_prefix("log/").filter(|_| path.starts_with(ENTRIES)) {
            let bundle = comptroller_ledger::EntryBundle::parse(place)?;
            let first = bundle.index * 256;
            for (at, entry) in decode_bundle(&bytes)?.into_iter().enumerate() {
                let (index, entry): (u64, Value) = (first + at as u64, serde_json::from_slice(entry)?);
                let kind = entry["type"].as_str().unwrap_or_default();
                if population::KINDS.contains(&kind) {
                    let time = Timestamp::from_micros(entry["recorded_at"].as_i64().unwrap_or_default());
                    let actor = entry["actor"].as_str().unwrap_or_default();
                    contents.changes.take(index, actor, time, &Event::from_parts(kind, &entry["data"])?);
                }
                if KINDS.contains(&kind) {
                    entries.insert(index, entry);
                }
            }
        } else {
            // The names of a pack rise, so the entries came before.
            for opening in serde_json::from_slice::<Vec<Opening>>(&bytes)? {
                if !entries.contains_key(&opening.index) {
                    continue;
                }
                shown.insert(opening.index, STANDARD.decode(&opening.payload)?);
            }
        }
    }
    let builtin = Package::builtin()?;
    contents.packages.insert(builtin.digest(), builtin);
    for (index, entry) in entries {
        let kind = entry["type"].as_str().unwrap_or_default();
        let event = Event::from_parts(kind, &entry["data"])?;
        let payload = shown.get(&index);
        match &event {
            Event::PolicyShipped { .. } | Event::PolicyProposed { .. } => {
                let files: Files =
                    payload.map_or(Ok(Files::default()), |bytes| serde_json::from_slice(bytes))?;
                if let Some(text) = files.package {
                    let package = Package::from_json(text.as_bytes())?;
                    contents.packages.insert(package.digest(), package);
                }
            }
            Event::PolicyAnalysed { .. } => {
                if let Some(bytes) = payload {
                    contents.analyses.push((index, event, serde_json::from_slice(bytes)?));
                }
            }
            _ => {
                let actor = entry["actor"].as_str().unwrap_or_default().to_owned();
                contents.decisions.push((index, actor, event));
            }
        }
    }
    Ok(contents)
}

/// A population is complete and right if it is, to the byte, what the log makes of itself.
fn compare_populations(contents: &Contents, found: &mut Rechecked) {
    found.changes = contents.changes.rows().len();
    let before = found.differences.len();
    for entry in contents.changes.unexplained() {
        found
            .differences
            .push(format!("entry {entry} changed production by a decision that is not in the log"));
    }
    let made = [contents.changes.csv(), contents.changes.deployments_csv()];
    for (path, made) in POPULATIONS.into_iter().zip(made) {
        match contents.populations.get(path) {
            Some(file) => {
                let wrong = population::differences(file, &made);
                found.differences.extend(wrong.into_iter().map(|what| format!("{path}: {what}")));
            }
            None => found.differences.push(format!("{path} is not in the pack")),
        }
    }
    found.population_differences = found.differences.len() - before;
}

fn bundle<'b>(
    contents: &Contents,
    bundles: &'b mut BTreeMap<Digest, Bundle>,
    digest: &Digest,
) -> Result<Option<&'b Bundle>> {
    if !bundles.contains_key(digest) {
        let Some(package) = contents.packages.get(digest) else { return Ok(None) };
        bundles.insert(digest.clone(), Bundle::of(package)?);
    }
    Ok(bundles.get(digest))
}

fn decide(
    index: u64,
    actor: &str,
    event: &Event,
    wanted: Option<&str>,
    contents: &Contents,
    bundles: &mut BTreeMap<Digest, Bundle>,
    found: &mut Rechecked,
) -> Result<()> {
    let Event::DecisionRecorded {
        decision,
        action,
        resource,
        environment,
        outcome,
        bundle: digest,
        facts,
        rules,
        ..
    } = event
    else {
        return Ok(());
    };
    if wanted.is_some_and(|wanted| wanted != decision.to_string()) {
        return Ok(());
    }
    let Some(bundle) = bundle(contents, bundles, digest)? else {
        found.without_policies += 1;
        found.differences.push(format!("entry {index}: the pack does not hold the policies {digest}"));
        return Ok(());
    };
    let principal: PrincipalId = match actor.strip_prefix("principal/") {
        Some(id) => id.parse()?,
        None => PrincipalId::new(Timestamp::from_micros(0), [0; 10]),
    };
    let action: Action = action.as_str().parse()?;
    found.decisions += 1;
    let again = match Request::replay(principal, action, resource, *environment, facts) {
        Ok(request) => bundle.decide(&request),
        Err(error) => {
            found.differences.push(format!("entry {index}: {error}"));
            return Ok(());
        }
    };
    let fired: Vec<Slug> = again.rules.iter().map(|rule| rule.id.clone()).collect();
    if again.outcome == *outcome && fired == *rules && again.facts == *facts {
        found.same += 1;
    } else {
        found.differences.push(format!("entry {index}: {outcome} on record, {} again", again.outcome));
    }
    Ok(())
}

/// Makes each proof again by the policies in the pack. A report that is the same, byte for byte, needs no more words;
/// of another one it is said what it contradicts, what it proves that was unproven, and what it leaves unproven.
fn prove_again(contents: &Contents, arguments: &SolverArgs, found: &mut Rechecked) -> Result<()> {
    let mut bundles = BTreeMap::new();
    for (at, (index, event, recorded)) in contents.analyses.iter().enumerate() {
        let Event::PolicyAnalysed { bundle: digest, against, report, verdict, .. } = event else { continue };
        let (Some(package), true) =
            (contents.packages.get(digest), bundle(contents, &mut bundles, against)?.is_some())
        else {
            found
                .differences
                .push(format!("entry {index}: the pack does not hold the policies that were compared"));
            continue;
        };
        let new = Bundle::of(package)?;
        let old = &bundles[against];
        // One for each report: what failed too often for one is asked again for the next.
        let solver = arguments.find()?;
        if let (Some(problem), Some(then)) = (solver.problem(), &recorded.solver) {
            return Err(Failure::usage(
                format!("entry {index} was proven by {then}, and here is no solver: {problem}"),
                "install cvc5, or leave --proofs out",
            ));
        }
        let place = format!("proof {} of {}, entry {index}", at + 1, contents.analyses.len());
        let again =
            prove::analyse(old, &new, package, &solver, &|what| progress(&format!("{place}: {what}")))?;
        progress_done();
        found.proofs += 1;
        let before = found.differences.len();
        let said = recorded.comparison.as_ref().map(|comparison| comparison.verdict);
        if recorded.digest() != *report || said.is_some_and(|said| said != *verdict) {
            found.differences.push(format!("entry {index}: the report in the pack is not the one on record"));
        }
        let compared = Again::of(recorded, &again);
        let named = |what: &String| format!("entry {index}: {what}");
        found.differences.extend(compared.contradicted.iter().map(named));
        found.settled.extend(compared.settled.iter().map(named));
        found.not_again.extend(compared.not_again.iter().map(named));
        if found.differences.len() == before {
            let same = again.digest() == *report;
            found.same_proofs += usize::from(same);
            found.agreeing_proofs += usize::from(!same);
        }
    }
    Ok(())
}

fn text(size: u64, found: &Rechecked, style: Style) -> String {
    let mut text = format!("{} {size} entries\n", style.good("verified:"));
    let _ =
        writeln!(text, "{} of {} decisions come out the same, to the last fact", found.same, found.decisions);
    let _ = match found.population_differences {
        0 => {
            writeln!(text, "the population of {} changes of production is what the log makes", found.changes)
        }
        wrong => {
            writeln!(text, "{} the populations differ from the log in {wrong} places", style.bad("not so:"))
        }
    };
    if found.proofs > 0 {
        let _ = writeln!(
            text,
            "{} of {} proofs give the same report, byte for byte",
            found.same_proofs, found.proofs
        );
    }
    if found.agreeing_proofs > 0 {
        let _ = writeln!(text, "{} give another report that contradicts nothing", found.agreeing_proofs);
    }
    shown(&mut text, &style.good("settled:"), &found.settled);
    shown(&mut text, &style.caution("not proven again:"), &found.not_again);
    shown(&mut text, &style.bad("differs:"), &found.differences);
    text
}

/// The first of a list, and how many more there are.
fn shown(text: &mut String, label: &str, list: &[String]) {
    for one in list.iter().take(SHOWN) {
        let _ = writeln!(text, "{label} {}", clean(one));
    }
    if list.len() > SHOWN {
        let _ = writeln!(text, "{label} and {} more", list.len() - SHOWN);
    }
}
