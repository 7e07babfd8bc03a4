//! What was computed about controls, in four models of OSCAL 1.2: assessment results, component definition, mapping
//! collection, and plan of action and milestones.
//!
//! OSCAL has no words for population, occurrence, sample and cadence; they stand in properties under a namespace of our
//! own. What OSCAL does not allow to be empty is left out: a plan needs an item, a mapping needs an entry.
//!
//! INVARIANT (no-conclusion): none of the documents has a finding, an attestation or a status of an implementation. A
//! finding states whether an objective is satisfied, and that is the auditor's to say.

mod assessment_results;
mod component_definition;
mod mapping;
mod poam;
mod text;

#[cfg(test)]
mod tests;

use comptroller_compliance::control::{Control, Relation, Serves};
use comptroller_compliance::digest;
use comptroller_compliance::framework::Catalogue;
use comptroller_compliance::sample::Sample;
use comptroller_compliance::window::{ControlResult, WindowResult};
use comptroller_core::{Digest, Role, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use text::{markup, string};

/// The namespace of our properties.
const NAMESPACE: &str = "https://comptroller.example/ns/oscal";
/// The version of OSCAL that the documents are written and tested for.
const VERSION: &str = "1.2.1";

/// What the documents are made of.
#[derive(Clone, Copy, Debug)]
pub struct OscalSource<'a> {
    /// The id of the organisation: what stays the same from document to document has its ids from it.
    pub org: &'a str,
    /// The test of controls.
    pub result: &'a WindowResult,
    /// The samples of their populations.
    pub samples: &'a [Sample],
    /// The definitions that were in operation, by digest.
    pub definitions: &'a BTreeMap<Digest, Control>,
    /// The frameworks at hand.
    pub frameworks: &'a Catalogue,
    /// What the notes on exceptions say, by entry, as far as it may be shown.
    pub notes: &'a BTreeMap<u64, String>,
    /// When the documents are made.
    pub made: Timestamp,
}

/// The documents, by the names of their files.
pub fn oscal_documents(source: &OscalSource<'_>) -> BTreeMap<&'static str, Value> {
    let documents = [
        ("oscal-assessment-results.json", Some(assessment_results::document(source))),
        ("oscal-component-definition.json", component_definition::document(source)),
        ("oscal-mapping-collection.json", mapping::document(source)),
        ("oscal-poam.json", poam::document(source)),
    ];
    documents.into_iter().filter_map(|(name, document)| Some((name, document?))).collect()
}

/// Controls that serve a criterion, with what each says about it.
type Serving<'a> = Vec<(&'a ControlResult, &'a Serves)>;

impl<'a> OscalSource<'a> {
    /// The metadata of a document, with the roles that it names.
    fn metadata(&self, title: &str, roles: &BTreeSet<Role>) -> Value {
        let mut metadata = json!({
            "title": title,
            "last-modified": self.made.to_string(),
            "version": "1",
            "oscal-version": VERSION,
            "props": [
                prop("result-digest", self.result.digest.as_str()),
                prop("window-from", &self.result.from.to_string()),
                prop("window-to", &self.result.to.to_string()),
                prop("ledger-size", &self.result.ledger.size.to_string()),
                prop("ledger-root", self.result.ledger.root.as_str()),
            ],
            "remarks": "Facts out of the log of the organisation. No conclusion: that is the auditor's.",
        });
        let roles: Vec<Value> =
            roles.iter().map(|role| json!({ "id": role.as_str(), "title": role.as_str() })).collect();
        set(&mut metadata, "roles", roles);
        metadata
    }

    /// A UUID of this document and no other: of the test, and of the log as it was then.
    fn document_uuid(&self, name: &str) -> String {
        let result = self.result;
        uuid(&["document", result.digest.as_str(), result.ledger.root.as_str(), name])
    }

    /// A UUID of a thing that is the same in every document about this organisation.
    fn subject_uuid(&self, kind: &str, name: &str) -> String {
        uuid(&["subject", self.org, kind, name])
    }

    /// The controls in operation, by framework and criterion.
    ///
    /// Of a test that was narrowed to a framework only that one: of the others not all controls are in it.
    fn by_criterion(&self) -> BTreeMap<&'a str, BTreeMap<&'a str, Serving<'a>>> {
        let mut all: BTreeMap<&str, BTreeMap<&str, Serving<'_>>> = BTreeMap::new();
        for control in &self.result.controls {
            let narrowed = self.result.framework.as_deref();
            let wanted = |serves: &&Serves| narrowed.is_none_or(|wanted| serves.framework() == wanted);
            for serves in control.serves.iter().filter(wanted) {
                let criteria = all.entry(serves.framework()).or_default();
                criteria.entry(criterion_id(serves)).or_default().push((control, serves));
            }
        }
        all
    }

    /// The last definition by which a control was in operation, if it can be read.
    fn definition(&self, control: &ControlResult) -> Option<&'a Control> {
        let change = control.changes.last()?;
        self.definitions.get(&change.definition)
    }

    /// A resource for the data of a framework, and the reference to it.
    fn framework(&self, id: &str) -> (String, Value) {
        let uuid = self.subject_uuid("framework", id);
        let mut props = vec![prop("framework", id)];
        let mut resource = json!({ "uuid": uuid });
        if let Some(framework) = self.frameworks.framework(id) {
            resource["title"] = json!(markup(&framework.name));
            resource["description"] = json!(
                "Ids and duties in words of our own, with the days on which they apply. The digest is SHA-256 over \
                 the canonical JSON of these data."
            );
            resource["citation"] = json!({ "text": markup(&framework.reference) });
            props.push(prop("framework-digest", framework.digest().as_str()));
            if framework.uri.starts_with("https://") || framework.uri.starts_with("http://") {
                resource["rlinks"] = json!([{ "href": framework.uri }]);
            }
        } else {
            resource["title"] = json!(markup(id));
            resource["description"] =
                json!("A framework of the organisation's own, whose data are not at hand.");
        }
        resource["props"] = json!(props);
        (format!("#{uuid}"), resource)
    }

    /// A resource for the definitions that were in operation, and the reference to it.
    fn controls(&self) -> (String, Value) {
        let uuid = self.document_uuid("controls");
        let mut resource = json!({
            "uuid": uuid,
            "title": "Controls in operation",
            "description": "Each definition that was in operation, as it was: population, joins and tests.",
            "props": [prop("engine-digest", self.result.engine.as_str())],
        });
        let link = |digest: &Digest| {
            json!({
                "href": format!("definitions/{digest}.toml"),
                "media-type": "application/toml",
                "hashes": [{ "algorithm": "SHA-256", "value": digest.as_str() }],
            })
        };
        set(&mut resource, "rlinks", self.definitions.keys().map(link).collect());
        (format!("#{uuid}"), resource)
    }

    /// The program that computed everything, as a component, and as the origin of what it computed.
    fn tool(&self) -> (Value, Value) {
        let uuid = uuid(&["tool", self.result.engine.as_str()]);
        let component = json!({
            "uuid": uuid,
            "type": "software",
            "title": "Comptroller",
            "description": "Computes every expected occurrence of a control, and every exception, from the log.",
            "props": [prop("engine-digest", self.result.engine.as_str())],
            "status": { "state": "operational" },
        });
        (component, json!([{ "actors": [{ "type": "tool", "actor-uuid": uuid }] }]))
    }
}

/// The id of a criterion within its framework.
fn criterion_id(serves: &Serves) -> &str {
    serves.criterion.split_once(':').map_or(serves.criterion.as_str(), |(_, id)| id)
}

/// The word of the mapping model, OSCAL 1.2: from the control to the criterion.
const fn relationship(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "equal-to",
        Relation::Subset => "subset-of",
        Relation::Superset => "superset-of",
        Relation::Intersects => "intersects-with",
    }
}

fn prop(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NAMESPACE, "value": string(value) })
}

/// A property of one control among several.
fn prop_of(control: &str, name: &str, value: &str) -> Value {
    let mut prop = prop(name, value);
    prop["group"] = json!(text::token(control));
    prop
}

/// Sets a list; OSCAL allows no empty ones.
fn set(object: &mut Value, key: &str, list: Vec<Value>) {
    if !list.is_empty() {
        object[key] = json!(list);
    }
}

/// A UUID out of the digest of names: the same document has the same ids.
///
/// OSCAL allows versions 4 and 5 of RFC 9562 and no other. Version 5 is SHA-1; so the bits of SHA-256 stand here as the
/// pseudo-random ones of version 4.
fn uuid(names: &[&str]) -> String {
    let mut parts: Vec<&[u8]> = vec![b"oscal/2"];
    parts.extend(names.iter().map(|name| name.as_bytes()));
    let hex = digest::of_parts(&parts).to_string();
    format!("{}-{}-4{}-a{}-{}", &hex[0..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
