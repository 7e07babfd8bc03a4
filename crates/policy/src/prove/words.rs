//! What a report found, in lines for people: the worst first, and what has one cause once.

use super::report::{Finding, Report, Standing, Totality};
use comptroller_core::vocab::BundleVerdict;

/// Most names that stand in one line.
const NAMED: usize = 5;

impl Report {
    /// What lets something happen that was refused, or breaks what must hold.
    pub fn refuted(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for one in self.invariants.iter().filter(|one| matches!(one.verdict, Standing::Violated { .. })) {
            lines.push(format!("invariant {} is violated", one.id));
        }
        for rule in self.rules.iter().filter(|rule| matches!(rule.verdict, Totality::CanError { .. })) {
            lines.push(format!("rule {} can error", rule.rule));
        }
        let Some(comparison) = &self.comparison else { return lines };
        let slices = comparison.slices.iter().filter(|slice| slice.verdict == BundleVerdict::Looser);
        let looser: Vec<String> =
            slices.map(|slice| format!("{} by {}", slice.action, slice.principal)).collect();
        if !looser.is_empty() {
            lines.push(format!("looser, something new is let in: {}", named(&looser)));
        }
        lines.extend(comparison.goes_earlier.iter().map(|what| format!("looser: {what}")));
        lines.extend(comparison.watches_less.iter().map(|what| format!("looser: {what}")));
        lines
    }

    /// What is neither proven nor refuted, with its cause.
    pub fn unproven(&self) -> Vec<String> {
        let mut found: Vec<(&'static str, String, &str)> = Vec::new();
        for one in &self.invariants {
            if let Standing::Unproven { why } = &one.verdict {
                found.push(("invariant", one.id.to_string(), why));
            }
        }
        for slice in self.comparison.iter().flat_map(|comparison| &comparison.slices) {
            if let Finding::Unproven { why } = &slice.lets_in {
                found.push(("what is let in at", format!("{} by {}", slice.action, slice.principal), why));
            }
        }
        for rule in &self.rules {
            if let Totality::Unproven { why } = &rule.verdict {
                found.push(("that it never errs, of rule", rule.rule.to_string(), why));
            }
        }
        by_cause(found)
    }
}

/// One line for all things of a kind that have the same cause.
fn by_cause(found: Vec<(&'static str, String, &str)>) -> Vec<String> {
    let mut groups: Vec<(&'static str, &str, Vec<String>)> = Vec::new();
    for (kind, name, why) in found {
        match groups.iter_mut().find(|(other, cause, _)| (*other, *cause) == (kind, why)) {
            Some((_, _, names)) => names.push(name),
            None => groups.push((kind, why, vec![name])),
        }
    }
    groups.into_iter().map(|(kind, why, names)| format!("{kind} {}: {why}", named(&names))).collect()
}

/// The first names, and how many there are.
fn named(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_cause_is_said_once_with_its_number() {
        let mut found: Vec<_> = (0..162).map(|n| ("rule", format!("r{n}"), "there is no solver")).collect();
        found.push(("rule", "slow".to_owned(), "it took longer than 20 s"));
        let lines = by_cause(found);
        assert_eq!(
            lines,
            [
                "rule r0, r1, r2, r3, r4 and 157 more: there is no solver",
                "rule slow: it took longer than 20 s"
            ]
        );
    }
}
