//! Operations as HTML: what one does, takes and answers, with a request to copy.

use super::schema::{fields, kind, resolve, row};
use super::{escape, example, prose, text};
use serde_json::Value;

/// The address in examples: the default one of a server.
const BASE: &str = "http://127.0.0.1:8440";

/// Operations under one tag.
pub(super) struct Group<'d> {
    pub(super) name: &'d str,
    pub(super) description: &'d str,
    pub(super) operations: Vec<Operation<'d>>,
}

/// One operation.
pub(super) struct Operation<'d> {
    method: &'d str,
    path: &'d str,
    value: &'d Value,
}

/// The operations, in the order of the document's tags and then by path.
pub(super) fn groups(document: &Value) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = text(&tag["name"]);
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, value) in item.as_object().into_iter().flatten() {
                if value["tags"][0] == *name {
                    operations.push(Operation { method, path, value });
                }
            }
        }
        groups.push(Group { name, description: text(&tag["description"]), operations });
    }
    groups
}

/// The problems that every operation shares, told once.
pub(super) fn problems(document: &Value) -> String {
    let mut rows = String::new();
    for response in document["components"]["responses"].as_object().into_iter().flatten() {
        let (name, response) = response;
        let words = escape(&name.to_lowercase());
        rows.push_str(&format!(
            "<tr data-words=\"{words}\"><th scope=\"row\">{}</th><td>{}</td></tr>\n",
            escape(name),
            prose(text(&response["description"]))
        ));
    }
    format!(
        "<section class=\"group\" id=\"problems\"><h2>Problems</h2>\
         <p class=\"lead\">Errors are <code>application/problem+json</code> with the shape \
         <a href=\"#schema-Problem\">Problem</a>. <code>code</code> is stable; <code>remedy</code> says what to do.</p>\n\
         <table><tbody>\n{rows}</tbody></table></section>\n"
    )
}

impl Operation<'_> {
    fn id(&self) -> String {
        escape(text(&self.value["operationId"]))
    }

    fn is_public(&self) -> bool {
        self.value["security"].is_array()
    }

    /// The entry of the contents.
    pub(super) fn link(&self) -> String {
        format!(
            "<li><a href=\"#{}\"><b class=\"verb {method}\">{method}</b> {}</a></li>\n",
            self.id(),
            escape(text(&self.value["summary"])),
            method = escape(self.method),
        )
    }

    /// The whole operation.
    pub(super) fn article(&self, document: &Value) -> String {
        let summary = text(&self.value["summary"]);
        let words = escape(&format!("{} {} {summary}", self.method, self.path).to_lowercase());
        let credential = if self.is_public() { "<span class=\"public\">public</span>" } else { "" };
        format!(
            "<article class=\"operation\" id=\"{id}\" data-words=\"{words}\">\n\
             <h3>{summary} <a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to this operation\">#</a></h3>\n\
             <p class=\"address\"><b class=\"verb {method}\">{method}</b> <code>{path}</code> {credential}</p>\n\
             <p>{description}</p>\n{parameters}{body}<h4>Request</h4>\n<pre><code>{curl}</code></pre>\n{answers}\
             </article>\n",
            id = self.id(),
            summary = escape(summary),
            method = escape(self.method),
            path = breakable(self.path),
            description = prose(text(&self.value["description"])),
            parameters = self.parameters(),
            body = self.body(document),
            curl = escape(&self.curl(document)),
            answers = self.answers(document),
        )
    }

    fn parameters(&self) -> String {
        let mut rows = String::new();
        for parameter in self.value["parameters"].as_array().into_iter().flatten() {
            let place = escape(text(&parameter["in"]));
            let optional =
                if parameter["required"] == true { "" } else { " <span class=\"optional\">optional</span>" };
            let need = format!(" <span class=\"place\">{place}</span>{optional}");
            rows.push_str(&row(
                text(&parameter["name"]),
                &need,
                &parameter["schema"],
                text(&parameter["description"]),
            ));
        }
        if rows.is_empty() {
            return rows;
        }
        format!("<h4>Parameters</h4>\n<table class=\"fields\"><tbody>\n{rows}</tbody></table>\n")
    }

    fn content(&self) -> Option<(&String, &Value)> {
        self.value["requestBody"]["content"].as_object()?.iter().next()
    }

    fn body(&self, document: &Value) -> String {
        let Some((media_type, content)) = self.content() else { return String::new() };
        let schema = &content["schema"];
        let note = if media_type == "application/json" {
            format!("<p class=\"shape\">{} as <code>{}</code></p>\n", kind(schema), escape(media_type))
        } else {
            format!("<p class=\"shape\">Bytes as <code>{}</code></p>\n", escape(media_type))
        };
        format!("<h4>Body</h4>\n{note}{}", fields(resolve(document, schema)))
    }

    /// A request to copy into a shell.
    fn curl(&self, document: &Value) -> String {
        let mut path = self.path.to_owned();
        let mut query = Vec::new();
        let mut headers = Vec::new();
        for parameter in self.value["parameters"].as_array().into_iter().flatten() {
            let name = text(&parameter["name"]);
            let value = match example::of(document, &parameter["schema"], name) {
                Value::String(value) => value,
                other => other.to_string(),
            };
            match text(&parameter["in"]) {
                "path" => path = path.replace(&format!("{{{name}}}"), &value),
                "query" if parameter["required"] == true => query.push(format!("{name}={value}")),
                "header" if name == "Idempotency-Key" => headers.push(format!("{name}: $(uuidgen)")),
                _ => {}
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let mut lines = match self.method {
            "get" => vec![format!("curl '{BASE}{path}'")],
            method => vec![format!("curl -X {} '{BASE}{path}'", method.to_uppercase())],
        };
        if !self.is_public() {
            lines.push("-H \"Authorization: Bearer $COMPTROLLER_TOKEN\"".to_owned());
        }
        lines.extend(headers.into_iter().map(|header| format!("-H \"{header}\"")));
        if let Some((media_type, content)) = self.content() {
            lines.push(format!("-H 'Content-Type: {media_type}'"));
            if media_type == "application/json" {
                let body = example::of(document, &content["schema"], "");
                lines.push(format!("-d '{}'", pretty(&body)));
            } else {
                lines.push("--data-binary @part-1".to_owned());
            }
        }
        if let Some((_, content)) =
            self.success().and_then(|(_, response)| response["content"].as_object()?.iter().next())
            && content["schema"]["items"]["format"] == "int32"
        {
            lines.push("-o FILE".to_owned());
        }
        lines.join(" \\\n  ")
    }

    fn success(&self) -> Option<(&String, &Value)> {
        self.value["responses"].as_object()?.iter().find(|(status, _)| status.starts_with('2'))
    }

    fn answers(&self, document: &Value) -> String {
        let mut out = String::from("<h4>Answers</h4>\n<table class=\"answers\"><tbody>\n");
        let mut problems = Vec::new();
        for (status, response) in self.value["responses"].as_object().into_iter().flatten() {
            if let Some(reference) = response["$ref"].as_str() {
                let name = escape(reference.rsplit('/').next().unwrap_or_default());
                problems.push(format!("<a href=\"#problems\" title=\"{name}\">{status}</a>"));
                continue;
            }
            let content = response["content"].as_object().and_then(|content| content.iter().next());
            let shape = content.map_or_else(String::new, |(media_type, content)| {
                if media_type == "application/json" {
                    kind(&content["schema"])
                } else {
                    format!("<code>{}</code>", escape(media_type))
                }
            });
            out.push_str(&format!(
                "<tr><th scope=\"row\">{status}</th><td class=\"kind\">{shape}</td><td>{}</td></tr>\n",
                prose(text(&response["description"]))
            ));
        }
        out.push_str(&format!(
            "<tr><th scope=\"row\">else</th><td class=\"kind\"><a href=\"#schema-Problem\">Problem</a></td>\
             <td>{}</td></tr>\n</tbody></table>\n",
            problems.join(" ")
        ));
        let content = self.success().map(|(_, response)| &response["content"]["application/json"]["schema"]);
        if let Some(schema) = content.filter(|schema| !schema.is_null()) {
            let answer = escape(&pretty(&example::of(document, schema, "")));
            out.push_str(&format!(
                "<details><summary>Example answer</summary><pre><code>{answer}</code></pre></details>\n"
            ));
        }
        out
    }
}

/// A path that a narrow screen may break after each slash.
fn breakable(path: &str) -> String {
    escape(path).replace('/', "/<wbr>")
}

fn pretty(value: &Value) -> String {
    // A JSON value always has a JSON text; `{:#}` is its indented one.
    format!("{value:#}")
}
