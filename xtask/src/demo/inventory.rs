//! Chapter: teams, vendors, the three systems of the examples, links and tags.

use anyhow::{Result, ensure};

use super::example::Example;
use super::walk::{Walk, index_of, items, text};

/// The folders of `examples/`.
pub(crate) const EXAMPLES: [&str; 3] = ["employment", "credit", "support-summaries"];

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let mut examples = Vec::new();
    for name in EXAMPLES {
        examples.push(Example::read(&walk.workspace.root, name)?);
    }
    teams_and_vendors(walk, &examples)?;
    for example in &examples {
        register(walk, example)?;
    }
    links_and_tags(walk, &examples)?;
    find_again(walk)
}

fn teams_and_vendors(walk: &mut Walk, examples: &[Example]) -> Result<()> {
    let builder = walk.noted("person builder")?;
    let mut entries = Vec::new();
    for team in examples.iter().flat_map(|example| example.list("teams")) {
        let slug = text(team, "slug")?;
        entries.push(walk.act("admin", &["team", "create", slug])?);
        entries.push(walk.act("admin", &["team", "add-member", slug, &builder])?);
    }
    walk.step(
        "Three teams made, with the builder as a member.",
        &entries,
        "Every system and dataset has an owner.",
    );
    let mut entries = Vec::new();
    for vendor in examples.iter().flat_map(|example| example.list("vendors")) {
        let (slug, name) = (text(vendor, "slug")?, text(vendor, "name")?);
        let contact = format!("{}. {}", text(vendor, "role")?, text(vendor, "terms")?);
        entries
            .push(walk.act("builder", &["vendor", "register", slug, "--name", name, "--contact", &contact])?);
    }
    walk.step("The vendors that the systems depend on registered.", &entries, "Third parties are on record.");
    Ok(())
}

fn register(walk: &mut Walk, example: &Example) -> Result<()> {
    let command = example.system()?;
    let (slug, kind) = (text(&command, "slug")?, text(&command, "kind")?);
    let file = walk.client.file(&format!("system-{slug}"), &command)?;
    let receipt = walk.ok("builder", &["system", "register", "--file", &file])?;
    walk.note(&format!("system {slug}"), text(&receipt, "id")?);
    let shown = walk.ok("auditor", &["system", "show", slug])?;
    ensure!(shown["text"] == command["text"], "{slug} reads back differently: {shown}");
    let what = format!("System {slug} ({kind}) registered from its system.toml.");
    let proves =
        "Purpose, intended use, limits and affected people are on record, encrypted, with a commitment.";
    walk.step(&what, &[index_of(&receipt)?], proves);
    Ok(())
}

fn links_and_tags(walk: &mut Walk, examples: &[Example]) -> Result<()> {
    let mut entries = Vec::new();
    for example in examples {
        let slug = text(&example.facts["system"], "slug")?;
        for vendor in example.list("vendors") {
            let words = ["system", "link", slug, "supplied-by", "--to-vendor", text(vendor, "slug")?];
            entries.push(walk.act("builder", &words)?);
        }
        for tag in example.facts["system"]["tags"].as_array().into_iter().flatten() {
            if let Some(tag) = tag.as_str() {
                entries.push(walk.act("builder", &["system", "tag", slug, tag, "yes"])?);
            }
        }
    }
    walk.step(
        "Systems linked to their vendors, and tagged.",
        &entries,
        "Dependencies and search keys are events too.",
    );
    Ok(())
}

fn find_again(walk: &mut Walk) -> Result<()> {
    let fair = walk.ok("auditor", &["system", "list", "--tag", "fairness"])?;
    let bought = walk.ok("auditor", &["system", "list", "--kind", "third-party-api"])?;
    let (fair, bought) = (items(&fair)?.len(), items(&bought)?.len());
    ensure!(
        fair == 2 && bought == 1,
        "expected 2 systems tagged fairness and 1 bought, found {fair} and {bought}"
    );
    walk.step(
        "The auditor found two systems by the tag `fairness`, and one that is a third party's.",
        &[],
        "The inventory answers questions; reading it changes nothing.",
    );
    Ok(())
}
