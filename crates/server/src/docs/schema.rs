//! Schemas as HTML: a type in a word or two, a table of fields, and the list of all of them.

use super::{escape, prose, text};
use serde_json::Value;

/// The last part of a reference such as `#/components/schemas/Receipt`.
fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// The type of a schema in a word or two, with links to the schemas it names.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escape(name_of(reference));
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[word].as_array() {
            let parts: Vec<String> = parts.iter().map(kind).collect();
            return parts.join(" or ");
        }
    }
    if schema["enum"].is_array() {
        return "one of".to_owned();
    }
    match &schema["type"] {
        Value::Array(types) => {
            let words: Vec<String> = types.iter().map(|kind| one_kind(text(kind), schema)).collect();
            words.join(" or ")
        }
        Value::String(word) => one_kind(word, schema),
        _ => "any JSON".to_owned(),
    }
}

fn one_kind(word: &str, schema: &Value) -> String {
    match (word, text(&schema["format"])) {
        ("array", _) if schema["prefixItems"].is_array() => {
            let parts: Vec<String> =
                schema["prefixItems"].as_array().into_iter().flatten().map(kind).collect();
            format!("list of {}", parts.join(", "))
        }
        ("array", _) => format!("list of {}", kind(&schema["items"])),
        ("object", _) if schema["additionalProperties"].is_object() => {
            format!("map of text to {}", kind(&schema["additionalProperties"]))
        }
        ("string", "") => "text".to_owned(),
        ("string", "date-time") => "time (RFC 3339)".to_owned(),
        ("string", "uuid") => "UUID".to_owned(),
        ("string", format) => escape(format),
        (other, _) => escape(other),
    }
}

/// Values and bounds that a schema states, as HTML; empty if none.
pub(super) fn bounds(schema: &Value) -> String {
    let mut notes = Vec::new();
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> =
            values.iter().map(|value| format!("<code>{}</code>", escape(text(value)))).collect();
        notes.push(values.join(" "));
    }
    let (low, high) = (&schema["minimum"], &schema["maximum"]);
    match (low.as_i64(), high.as_i64().filter(|high| *high < (1 << 53) - 1)) {
        (Some(low), Some(high)) => notes.push(format!("{low} to {high}")),
        (Some(low), None) if low >= 0 => notes.push(format!("at least {low}")),
        (None, Some(high)) => notes.push(format!("at most {high}")),
        _ => {}
    }
    match (schema["minLength"].as_u64(), schema["maxLength"].as_u64()) {
        (Some(low), Some(high)) if low == high => notes.push(format!("{low} characters")),
        (Some(low), Some(high)) => notes.push(format!("{low} to {high} characters")),
        _ => {}
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        notes.push(format!("<code class=\"pattern\">{}</code>", escape(pattern)));
    }
    notes.join(" · ")
}

/// The table of a schema's fields; empty if it has none.
pub(super) fn fields(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else { return String::new() };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut rows = String::new();
    for (name, property) in properties {
        let need =
            if required.contains(&name.as_str()) { "" } else { " <span class=\"optional\">optional</span>" };
        rows.push_str(&row(name, need, property, text(&property["description"])));
    }
    format!("<table class=\"fields\"><tbody>\n{rows}</tbody></table>\n")
}

/// One row: a name, its type and what it means.
pub(super) fn row(name: &str, need: &str, schema: &Value, description: &str) -> String {
    let bounds = bounds(schema);
    let bounds = if bounds.is_empty() { bounds } else { format!("<small>{bounds}</small>") };
    format!(
        "<tr><th scope=\"row\"><code>{}</code>{need}</th><td class=\"kind\">{}</td><td>{} {bounds}</td></tr>\n",
        escape(name),
        kind(schema),
        prose(description),
    )
}

/// Every schema, by name.
pub(super) fn all(document: &Value) -> String {
    let mut out = String::from(
        "<section class=\"group\" id=\"schemas\"><h2>Schemas</h2>\
         <p class=\"lead\">The shapes of bodies and answers, by name. Unknown fields are refused.</p>\n",
    );
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let fields = fields(schema);
        let detail = if fields.is_empty() {
            format!("<p class=\"shape\">{} {}</p>\n", kind(schema), bounds(schema))
        } else {
            fields
        };
        let title = escape(name);
        let words = escape(&name.to_lowercase());
        out.push_str(&format!(
            "<article class=\"schema\" id=\"schema-{title}\" data-words=\"{words}\"><h3>{title}</h3>\n\
             <p>{}</p>\n{detail}</article>\n",
            prose(text(&schema["description"])),
        ));
    }
    out.push_str("</section>\n");
    out
}

/// The schema that a reference names; the schema itself if it is none.
pub(super) fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => &document["components"]["schemas"][name_of(reference)],
        None => schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_type_is_said_in_words() {
        assert_eq!(kind(&json!({"type": ["string", "null"]})), "text or null");
        assert_eq!(kind(&json!({"type": "array", "items": {"type": "integer"}})), "list of integer");
        let reference = json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Slug"}]});
        assert_eq!(kind(&reference), "null or <a href=\"#schema-Slug\">Slug</a>");
        assert_eq!(
            kind(&json!({"type": "object", "additionalProperties": {"type": "number"}})),
            "map of text to number"
        );
    }
}
