//! Example values, made from schemas: stated examples first, then what a field of that name usually holds.

use super::schema::resolve;
use super::text;
use serde_json::{Map, Value, json};

/// Deepest example. A shape that contains itself ends here.
const MAX_DEPTH: usize = 8;
const ID: &str = "01990b2e-7c4f-7a31-9a44-5d3c8f1e2b60";

/// What fields of these names hold, where the schema says no more than "text".
const BY_NAME: [(&str, &str); 40] = [
    ("actor", "principal/01990b2e-7c4f-7a31-9a44-5d3c8f1e2b60"),
    ("comment", "Metrics and documentation are complete."),
    ("consent", "Public statistics; no consent needed."),
    ("contact", "ai-incidents@vendor.example"),
    ("dataset", "census-income"),
    ("datasets", "census-income@2018"),
    ("derived_from", "census-raw@2018"),
    ("description", "Yearly survey of households."),
    ("email", "ada@example.org"),
    ("hyperparameters", "0.05"),
    ("intended_use", "Ranks applications for review by a person."),
    ("kind", "double"),
    ("model", "income-classifier"),
    ("name", "Ada Example"),
    ("notes", "Fitted on the 2018 survey."),
    ("origin", "Statistical office, table 12, read 2026-07-01"),
    ("owner_team", "credit-risk"),
    ("populations", "applicants"),
    ("data_sources", "application form"),
    ("principal", ID),
    ("purpose", "Decides which applications a person looks at first."),
    ("q", "credit"),
    ("reason", "Version 2 passed its tests."),
    ("reference", "customer 4711"),
    ("reproduce", "python train.py --seed 7"),
    ("resource", "version/01990b2e-7c4f-7a31-9a44-5d3c8f1e2b60"),
    ("stream", "org"),
    ("subject", "subject/01990b2e-7c4f-7a31-9a44-5d3c8f1e2b60"),
    ("system", "credit-scoring"),
    ("tag", "high-risk"),
    ("team", "credit-risk"),
    ("text", "Checked against the holdout of 2019."),
    ("title", "Credit scoring"),
    ("to_system", "income-verification"),
    ("to_vendor", "acme-models"),
    ("transformations", "dropped rows without income"),
    ("type", "double"),
    ("vendor", "acme-models"),
    ("version", "income-classifier@2.1.0"),
    ("path", "0/000"),
];

/// An example of a schema. `name` is the field that holds it.
pub(super) fn of(document: &Value, schema: &Value, name: &str) -> Value {
    build(document, schema, name, 0)
}

fn build(document: &Value, schema: &Value, name: &str, depth: usize) -> Value {
    let schema = resolve(document, schema);
    let stated = [&schema["example"], &schema["examples"][0], &schema["const"], &schema["enum"][0]];
    if let Some(value) = stated.into_iter().find(|value| !value.is_null()) {
        return value.clone();
    }
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        let parts = schema[word].as_array();
        if let Some(part) = parts.into_iter().flatten().find(|part| part["type"] != "null") {
            return build(document, part, name, depth + 1);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).find(|kind| *kind != "null").unwrap_or_default(),
        other => text(other),
    };
    match kind {
        "object" => object(document, schema, depth),
        "array" if schema["prefixItems"].is_array() => {
            let parts = schema["prefixItems"].as_array().into_iter().flatten();
            parts.map(|part| build(document, part, name, depth + 1)).collect()
        }
        "array" => json!([build(document, &schema["items"], name, depth + 1)]),
        "integer" => json!(schema["minimum"].as_i64().unwrap_or(1).max(1)),
        "number" => json!(0.86),
        "boolean" => json!(true),
        "string" => json!(string(schema, name)),
        _ => json!(by_name(name)),
    }
}

fn object(document: &Value, schema: &Value, depth: usize) -> Value {
    let mut fields = Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        fields.insert(name.clone(), build(document, property, name, depth + 1));
    }
    if schema["additionalProperties"].is_object() {
        let value = build(document, &schema["additionalProperties"], "hyperparameters", depth + 1);
        fields.insert("auc".to_owned(), value);
    }
    Value::Object(fields)
}

fn string<'s>(schema: &Value, name: &'s str) -> &'s str {
    match text(&schema["format"]) {
        "uuid" => ID,
        "date-time" => "2026-07-27T12:00:00Z",
        _ => by_name(name),
    }
}

fn by_name(name: &str) -> &'static str {
    BY_NAME.iter().find(|(known, _)| *known == name).map_or("text", |(_, example)| example)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_bodies_are_accepted_as_commands() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let example =
            |name: &str| of(&document, &json!({"$ref": format!("#/components/schemas/{name}")}), "");
        fn check<T: serde::de::DeserializeOwned>(value: Value) {
            if let Err(error) = serde_json::from_value::<T>(value.clone()) {
                panic!("{error}: {value}");
            }
        }
        check::<comptroller_app::people::AddPerson>(example("AddPerson"));
        check::<comptroller_app::people::ChangeRole>(example("ChangeRole"));
        check::<comptroller_app::access::IssueToken>(example("IssueToken"));
        check::<comptroller_app::systems::RegisterSystem>(example("RegisterSystem"));
        check::<comptroller_app::datasets::RegisterDatasetVersion>(example("RegisterDatasetVersion"));
        check::<comptroller_app::models::RegisterVersion>(example("RegisterVersion"));
        check::<comptroller_app::artifacts::BeginUpload>(example("BeginUpload"));
        check::<comptroller_app::approvals::CastVote>(example("CastVote"));
        check::<comptroller_app::deploy::Rollback>(example("Rollback"));
        check::<comptroller_app::runtime::ReportRuntime>(example("ReportRuntime"));
        check::<comptroller_app::subjects::EraseSubject>(example("EraseSubject"));
    }

    #[test]
    fn a_shape_that_contains_itself_ends() {
        let document = json!({"components": {"schemas": {"Node": {
            "type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}
        }}}});
        let example = of(&document, &json!({"$ref": "#/components/schemas/Node"}), "");
        assert!(example["next"]["next"].is_object());
    }
}
