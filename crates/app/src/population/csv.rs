//! The files of a pack with changes of production and deployments, and in what such a file differs from the log.

use super::log::Deployed;
use super::{Approver, ChangeView, Changes};
use comptroller_core::Timestamp;
use std::collections::BTreeMap;

/// The first line of changes.
const CHANGES: &str = "entry,deployment,kind,system,model,version,label,artifacts,builders,approval,requested_by,\
                       requested_at,approvers,evidence,waived,decision,outcome,policies,decision_entry,deployed_by,\
                       deployed_at,live_until,emergency,confirmed_by\n";
/// That of deployments.
const DEPLOYMENTS: &str = "ledger_index,deployment,system,model,version,environment,kind,actor,approval,decision,\
                           live_from,live_until\n";

impl Changes {
    /// The changes as CSV, oldest first. The first column is the entry of the log that proves the row: the file is
    /// complete if, and only if, it has a row for every `deployment.created` of production, as the log makes it.
    pub fn csv(&self) -> String {
        changes_csv(self.rows())
    }

    /// Every deployment in any environment as CSV, oldest first.
    pub fn deployments_csv(&self) -> String {
        let mut csv = DEPLOYMENTS.to_owned();
        for Deployed { line, until, .. } in self.deployments() {
            csv.push_str(line);
            csv.push(',');
            csv.push_str(&moment(*until));
            csv.push('\n');
        }
        csv
    }
}

/// Changes as CSV, in their order.
pub fn changes_csv(rows: &[ChangeView]) -> String {
    let mut csv = CHANGES.to_owned();
    for row in rows {
        csv.push_str(&line(row));
        csv.push('\n');
    }
    csv
}

/// In what a file of a pack differs from the one that the log makes, in words; empty if it is the same, to the byte.
pub fn differences(file: &str, log: &str) -> Vec<String> {
    if file == log {
        return Vec::new();
    }
    let (mut said, mut right) = (file.lines(), log.lines());
    let (head, wanted) = (said.next().unwrap_or_default(), right.next().unwrap_or_default());
    if head != wanted {
        return vec![format!("its columns are {head:?} and not {wanted:?}")];
    }
    let entry = |row: &str| row.split(',').next().unwrap_or_default().to_owned();
    let mut rows: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for row in said {
        rows.entry(entry(row)).or_default().push(row);
    }
    let mut found = Vec::new();
    for wanted in right {
        let entry = entry(wanted);
        let Some(shown) = rows.remove(&entry) else {
            found.push(format!("no row for entry {entry}, which belongs there"));
            continue;
        };
        if shown.len() > 1 {
            found.push(format!("{} rows for entry {entry}", shown.len()));
        }
        for row in shown.into_iter().filter(|row| *row != wanted) {
            found.push(format!("row of entry {entry}: {}", wrong(head, row, wanted)));
        }
    }
    found.extend(rows.keys().map(|entry| format!("a row for entry {entry}, which does not belong there")));
    if found.is_empty() {
        found.push("its rows are those of the log, in another order or with other ends of lines".to_owned());
    }
    found
}

/// Which values of a row are not those of the log.
fn wrong(head: &str, row: &str, wanted: &str) -> String {
    let fields: Vec<&str> = row.split(',').collect();
    let columns = head.split(',').zip(wanted.split(',')).enumerate();
    let wrong = columns.filter_map(|(place, (name, right))| {
        let said = fields.get(place).copied().unwrap_or_default();
        (said != right).then(|| format!("{name} is {said:?} where the log says {right:?}"))
    });
    let mut wrong: Vec<String> = wrong.collect();
    if fields.len() > head.split(',').count() {
        wrong.push("it has more values than columns".to_owned());
    }
    wrong.join("; ")
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.to_string())
}

fn line(c: &ChangeView) -> String {
    let list = |items: Vec<String>| items.join(" ");
    // Every value is an id, a digest, a word, a label or a time: none has a comma or a quote.
    let fields = [
        c.ledger_index.to_string(),
        c.deployment.to_string(),
        c.kind.to_string(),
        c.system.to_string(),
        c.model.to_string(),
        c.version.to_string(),
        c.label.to_string(),
        c.artifacts.to_string(),
        list(c.builders.iter().map(ToString::to_string).collect()),
        c.approval.map_or_else(String::new, |id| id.to_string()),
        c.requested_by.clone().unwrap_or_default(),
        moment(c.requested_at),
        list(c.approvers.iter().map(Approver::to_csv).collect()),
        list(c.evidence.iter().map(ToString::to_string).collect()),
        list(c.waived.clone()),
        c.decision.to_string(),
        c.outcome.to_string(),
        c.policies.to_string(),
        c.decision_index.to_string(),
        c.deployed_by.clone(),
        c.deployed_at.to_string(),
        moment(c.live_until),
        c.emergency.map_or_else(String::new, |id| id.to_string()),
        c.confirmed_by.map_or_else(String::new, |id| id.to_string()),
    ];
    fields.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_missing_added_doubled_changed_or_elsewhere_is_named() {
        let log = "entry,by,until\n3,anna,\n7,bela,t\n9,cleo,\n";
        assert!(differences(log, log).is_empty());
        let cases = [
            ("entry,by,until\n3,anna,\n9,cleo,\n", "no row for entry 7, which belongs there"),
            ("entry,by,until\n3,anna,\n7,bela,t\n7,bela,t\n9,cleo,\n", "2 rows for entry 7"),
            (
                "entry,by,until\n3,anna,\n7,dora,t\n9,cleo,\n",
                "row of entry 7: by is \"dora\" where the log says \"bela\"",
            ),
            (
                "entry,by,until\n3,anna,\n7,bela\n9,cleo,\n",
                "row of entry 7: until is \"\" where the log says \"t\"",
            ),
            (
                "entry,by,until\n3,anna,\n7,bela,t,x\n9,cleo,\n",
                "row of entry 7: it has more values than columns",
            ),
            (
                "entry,by,until\n3,anna,\n7,bela,t\n8,x,\n9,cleo,\n",
                "a row for entry 8, which does not belong there",
            ),
            (
                "entry,by,until\n7,bela,t\n3,anna,\n9,cleo,\n",
                "its rows are those of the log, in another order or with other ends of lines",
            ),
            ("entry,until\n3,\n7,t\n9,\n", "its columns are \"entry,until\" and not \"entry,by,until\""),
            ("", "its columns are \"\" and not \"entry,by,until\""),
        ];
        for (file, expected) in cases {
            assert_eq!(differences(file, log), [expected], "{file}");
        }
    }
}
