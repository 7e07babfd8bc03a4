//! The registration facts of `examples/*/system.toml`, turned into the commands of the API.
//!
//! Nothing is invented here: what the API has no field for goes into its texts, whole. The legal basis is the one
//! judgement, and its reasons are written into the record.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::walk::text;

/// One example: its folder and its facts.
pub(crate) struct Example {
    folder: PathBuf,
    pub(crate) facts: Value,
}

/// What the demo's organisation states about its use of a dataset.
struct Terms {
    collection: &'static str,
    legal_basis: &'static str,
    personal_data: &'static [&'static str],
    /// Why, in words: the basis is a judgement, and a judgement needs its reasons on record.
    why: &'static str,
}

const TERMS: &[(&str, Terms)] = &[
    (
        "acs-ma-employment",
        Terms {
            collection: "survey",
            legal_basis: "public-task",
            personal_data: &["demographic", "employment", "ethnicity", "health"],
            why: "Stated basis of our use: public task, since a public job-search programme decides whom to invite. \
                  The sample has no direct identifiers, but age, sex, race, disability and household together could \
                  single somebody out, so it is treated as personal data and its special categories are named.",
        },
    ),
    (
        "statlog-german-credit",
        Terms {
            collection: "operational",
            legal_basis: "legitimate-interests",
            personal_data: &["demographic", "employment", "financial"],
            why: "Stated basis of our use: legitimate interests of a lender in sound decisions. The basis of the \
                  collection in 1973 to 1975 is not recorded. The rows have no identifiers and are half a century old, \
                  but age, amount, duration, housing and job describe one person each, so they are treated as \
                  personal data by precaution.",
        },
    ),
];

impl Example {
    /// Reads an example of the repository by the name of its folder.
    pub(crate) fn read(root: &Path, name: &str) -> Result<Example> {
        let folder = root.join("examples").join(name);
        let file = folder.join("system.toml");
        let toml =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let facts: Value =
            toml::from_str(&toml).with_context(|| format!("cannot understand {}", file.display()))?;
        Ok(Example { folder, facts })
    }

    /// The list under a name; empty if it is not there.
    pub(crate) fn list(&self, name: &str) -> &[Value] {
        self.facts[name].as_array().map_or(&[], Vec::as_slice)
    }

    /// The version of that label.
    pub(crate) fn version(&self, label: &str) -> Result<&Value> {
        let found = self.list("versions").iter().find(|version| version["version"] == label);
        found.with_context(|| format!("{} has no version {label}", self.folder.display()))
    }

    /// A file of the example.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// The command that registers the system.
    pub(crate) fn system(&self) -> Result<Value> {
        let system = &self.facts["system"];
        let status = match text(system, "deployment_status")? {
            "production" => "in-use",
            other => other,
        };
        let vendor = match text(system, "kind")? {
            "third-party-api" => self.list("vendors").first().map(|vendor| vendor["slug"].clone()),
            _ => None,
        };
        let use_text = format!(
            "{}\n\nNot for: {}\n\nHuman oversight: {}\n\nKnown limits:\n{}",
            text(system, "intended_use")?,
            text(system, "not_for")?,
            text(system, "human_oversight")?,
            bullets(&system["known_limits"]),
        );
        Ok(json!({
            "slug": system["slug"],
            "kind": system["kind"],
            "status": status,
            "owner_team": system["owner_team"],
            "vendor": vendor,
            "text": {
                "title": system["name"],
                "purpose": system["purpose"],
                "intended_use": use_text,
                "populations": system["populations_affected"],
                "data_sources": system["data_sources"],
            },
        }))
    }

    /// The command that registers a version of a dataset.
    pub(crate) fn dataset_version(&self, version: &Value) -> Result<Value> {
        let slug = text(version, "dataset")?;
        let dataset = self.list("datasets").iter().find(|dataset| dataset["slug"] == slug);
        let dataset = dataset.with_context(|| format!("no dataset {slug}"))?;
        let Some((_, terms)) = TERMS.iter().find(|(name, _)| *name == slug) else {
            bail!("the demo states no legal basis for the dataset {slug}")
        };
        let sources = version["derived_from"].as_array().map_or(&[][..], Vec::as_slice);
        let mut derived_from = Vec::new();
        let mut steps = vec![format!("digest of: {}", text(version, "digest_of")?)];
        for source in sources {
            derived_from.push(format!("{}@{}", text(source, "dataset")?, text(source, "version")?));
            steps.push(text(source, "transformation")?.to_owned());
        }
        let label = text(version, "version")?;
        let (name, bytes) = if let Some(path) = version["file"].as_str() {
            (file_name(path)?, std::fs::metadata(self.file(path))?.len())
        } else {
            // Not kept, since it can be made again; its digest and size are on record.
            let bytes = version["bytes"].as_u64().with_context(|| format!("{slug}@{label}: no size"))?;
            (label.to_owned(), bytes)
        };
        let why = format!(
            "{}\n\nIn the publisher's words: {} {}",
            terms.why,
            text(dataset, "legal_basis")?,
            text(dataset, "consent")?
        );
        let origin = format!(
            "{}; {}; retrieved on {}. {}",
            text(dataset, "origin")?,
            text(dataset, "origin_url")?,
            text(dataset, "retrieved_on")?,
            text(dataset, "licence_note")?
        );
        Ok(json!({
            "label": label,
            "files": [{ "name": name, "digest": hex_digest(text(version, "digest")?), "bytes": bytes }],
            "rows": version["rows"],
            "licence": dataset["licence"],
            "collection": if derived_from.is_empty() { terms.collection } else { "derived" },
            "legal_basis": terms.legal_basis,
            "personal_data": terms.personal_data,
            "retention_days": dataset["retention_days"],
            "derived_from": derived_from,
            "text": { "origin": origin, "consent": why, "transformations": steps },
        }))
    }

    /// The command that registers a model version with its artifacts; `extra` metrics are added to the stated ones.
    pub(crate) fn model_version(&self, label: &str, extra: &[(&str, f64)]) -> Result<Value> {
        let version = self.version(label)?;
        let mut artifacts = Vec::new();
        for artifact in version["artifacts"].as_array().context("no artifacts")? {
            let name = file_name(text(artifact, "path")?)?;
            artifacts.push(json!({ "name": name, "digest": artifact["sha256"] }));
        }
        let mut metrics = Map::new();
        for (name, value) in version["metrics"].as_object().context("no metrics")? {
            if value.is_number() {
                metrics.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in extra {
            metrics.insert((*name).to_owned(), json!(value));
        }
        let signature = self.signature(version)?;
        let notes = format!(
            "{}\nScope: {}\nMetrics are of: {}\nDecision: {}",
            text(version, "summary")?,
            text(version, "scope")?,
            text(&version["metrics"], "evaluation_set")?,
            signature["decision"]
        );
        Ok(json!({
            "label": label,
            "artifacts": artifacts,
            "training_started": version["training_started_at"],
            "training_ended": version["training_finished_at"],
            // The examples name their training code by a digest over its files, which is accepted as a commit.
            "code_commit": hex_digest(text(version, "code_digest")?),
            "datasets": datasets_used(version)?,
            "metrics": metrics,
            "seed": version["hyperparameters"]["seed"],
            "text": {
                "hyperparameters": version["hyperparameters"],
                "inputs": ports(&signature["inputs"], true)?,
                "outputs": ports(&signature["outputs"], false)?,
                "reproduce": format!(
                    "python {}/train.py --check, in an environment of requirements.lock; made with {}",
                    self.folder.file_name().unwrap_or_default().to_string_lossy(),
                    version["runtime"]
                ),
                "notes": notes,
            },
        }))
    }

    fn signature(&self, version: &Value) -> Result<Value> {
        let artifacts = version["artifacts"].as_array().context("no artifacts")?;
        let found =
            artifacts.iter().find(|artifact| artifact["role"] == "signature").context("no signature")?;
        let file = self.file(text(found, "path")?);
        let json =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(serde_json::from_str(&json)?)
    }
}

/// What a version was trained and measured on. Data that it only met later in production is no part of its making.
fn datasets_used(version: &Value) -> Result<Vec<Value>> {
    let mut used = Vec::new();
    for dataset in version["datasets"].as_array().context("no datasets")? {
        let purpose = match text(dataset, "role")? {
            "training" => "training",
            "evaluation" => "test",
            "production" => continue,
            other => bail!("the demo does not know the dataset role `{other}`"),
        };
        let name = format!("{}@{}", text(dataset, "dataset")?, text(dataset, "version")?);
        used.push(json!({ "version": name, "purpose": purpose }));
    }
    Ok(used)
}

fn ports(list: &Value, required: bool) -> Result<Vec<Value>> {
    let mut ports = Vec::new();
    for port in list.as_array().context("the signature has no list of ports")? {
        let required = port["required"].as_bool().unwrap_or(required);
        ports.push(json!({ "name": port["name"], "type": port["type"], "required": required }));
    }
    Ok(ports)
}

fn bullets(list: &Value) -> String {
    let lines = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")
}

fn file_name(path: &str) -> Result<String> {
    let name = Path::new(path).file_name().with_context(|| format!("{path} names no file"))?;
    Ok(name.to_string_lossy().into_owned())
}

fn hex_digest(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
    }

    #[test]
    fn every_example_becomes_commands() {
        for name in ["employment", "credit", "support-summaries"] {
            let example = Example::read(&root(), name).unwrap();
            let system = example.system().unwrap();
            assert!(system["text"]["intended_use"].as_str().unwrap().contains("Human oversight: "));
            for version in example.list("dataset_versions") {
                let command = example.dataset_version(version).unwrap();
                assert_eq!(command["files"][0]["digest"].as_str().unwrap().len(), 64);
                assert!(command["files"][0]["bytes"].as_u64().unwrap() > 0, "{command}");
            }
            for version in example.list("versions") {
                let command = example.model_version(version["version"].as_str().unwrap(), &[]).unwrap();
                assert!(command["metrics"]["auc"].as_f64().unwrap() > 0.5);
                assert!(!command["text"]["inputs"].as_array().unwrap().is_empty());
                assert_eq!(command["datasets"].as_array().unwrap().len(), 2);
            }
        }
    }

    #[test]
    fn a_dataset_without_stated_terms_is_refused() {
        let mut example = Example::read(&root(), "credit").unwrap();
        example.facts["datasets"][0]["slug"] = json!("other");
        let version = json!({ "dataset": "other", "version": "raw" });
        assert!(example.dataset_version(&version).unwrap_err().to_string().contains("legal basis"));
    }
}
