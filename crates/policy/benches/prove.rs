//! Prints how long proofs about the shipped bundle take; needs cvc5. Asserts nothing: numbers of one machine are no
//! test.

use comptroller_policy::prove::{self, Limits, Query, Solver};
use comptroller_policy::{Bundle, Package, builtin};
use std::io::Write as _;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let solver = Solver::find(None, Limits::default());
    if let Some(problem) = solver.problem() {
        return writeln!(out, "not measured: {problem}");
    }
    let read =
        |review: &str| Bundle::parse(builtin::SCHEMA, builtin::HARD, review).map_err(std::io::Error::other);
    let bundle = read(builtin::REVIEW)?;
    let weaker =
        read(&builtin::REVIEW.replace("context.approvals_valid < 2", "context.approvals_valid < 1"))?;
    let quiet = |_: &str| {};
    let mut show = |name: &str, start: Instant, queries: usize| {
        writeln!(out, "{name:34} {:>9.1?}  {queries} questions", start.elapsed())
    };
    let count = |queries: &[Query]| queries.len();

    let start = Instant::now();
    let rules = prove::never_errors(&bundle, &solver, &quiet);
    show("no rule errors", start, rules.iter().map(|rule| count(&rule.queries)).sum())?;
    let start = Instant::now();
    let invariants = prove::invariants(&bundle, prove::BUILTIN_INVARIANTS, &solver, &quiet);
    let invariants = invariants.map_err(std::io::Error::other)?;
    show("invariants", start, invariants.iter().map(|one| count(&one.queries)).sum())?;
    for (name, old, new) in [("compare, looser", &bundle, &weaker), ("compare, stricter", &weaker, &bundle)] {
        let start = Instant::now();
        let comparison = prove::compare(old, new, &solver, &quiet);
        show(name, start, comparison.slices.iter().map(|slice| count(&slice.queries)).sum())?;
    }
    let (old, new) = (many(0)?, many(1)?);
    let rules = old.rules().count();
    for (name, old, new) in [("looser", &old, &new), ("stricter", &new, &old), ("the same", &old, &old)] {
        let start = Instant::now();
        let comparison = prove::compare(old, new, &solver, &quiet);
        let questions = comparison.slices.iter().map(|slice| count(&slice.queries)).sum();
        show(&format!("compare {rules} rules, {name}"), start, questions)?;
    }
    Ok(())
}

/// The base policies with 100 cards; `eased` moves the threshold of one by a millionth.
fn many(eased: u32) -> std::io::Result<Bundle> {
    let mut cards = "title = \"Many\"\nsource = \"a bench\"\n".to_owned();
    for rule in 0..100 {
        let requires = match rule % 4 {
            0 => {
                let ppm = 800_000 + rule * 1_000 - if rule == 40 { eased } else { 0 };
                format!("{{ measure = \"auc\", at_least = \"0.{ppm}\" }}")
            }
            1 => format!("{{ measure = \"impact-ratio\", at_least = \"0.7{rule:02}\" }}"),
            2 => format!("{{ evidence = \"evaluation\", max_age_days = {} }}", rule + 1),
            _ => "{ fact = \"served_in_staging\", is = true }".to_owned(),
        };
        cards.push_str(&format!(
            "[rule.many-{rule}]\nset = \"review\"\non = [\"promotion\", \"operation\"]\n\
             environment = [\"production\"]\nreason = \"a threshold\"\nremedy = \"a better version\"\n\
             control = [\"CTL-EVALUATION-01\"]\ndoes_not_prove = \"anything\"\nwaivable = true\n\
             require = [{requires}]\n[rule.many-{rule}.test]\npasses = [{{}}]\nfails = [{{}}]\n"
        ));
    }
    let mut files = Package::builtin().map_err(std::io::Error::other)?.files().clone();
    files.insert("cards/many.toml".to_owned(), cards);
    Package::new(files).and_then(|package| Bundle::of(&package)).map_err(std::io::Error::other)
}
