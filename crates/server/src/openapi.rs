//! The OpenAPI document: what the annotations say, and what holds for every route alike.
//!
//! The problems a route can answer follow from its shape (a body, a credential, a write), so they are added here and
//! not repeated on each handler.

mod forms;

use crate::problem::{PROBLEM_JSON, ProblemBody};
use crate::routes;
use crate::state::Limits;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Components, Object, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};

/// What the annotations of the handlers are put into.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Comptroller",
        description = "The system of record and the control plane for an organisation's AI.\n\n\
            Every write is an event of a signed, append-only ledger, and its answer names the event's index. Errors \
            are problem details (RFC 9457) with a stable `code` and a `remedy`. Lists are read in pages: pass `next` \
            as `after`. Unknown fields are refused. A write is safe to repeat with an `Idempotency-Key`. Every answer \
            carries an `x-request-id`, which names the request in the server's log.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody)),
    tags(
        (name = "People", description = "People, service accounts, roles and teams."),
        (name = "Access", description = "Tokens: at most 90 days, and bound to one environment if so issued."),
        (name = "Inventory", description = "AI systems, vendors, links and tags."),
        (name = "Datasets", description = "Datasets, their immutable versions, and the lineage between them."),
        (name = "Artifacts", description = "Files of any size: uploaded in parts, content-addressed, encrypted."),
        (name = "Models", description = "Models and their immutable versions."),
        (name = "Policies", description = "The policies in force, and how they change: proposed, proven, approved, activated."),
        (name = "Governance", description = "The gate, approvals, and the rules and decisions behind them."),
        (name = "Deployment", description = "Deployments, rollbacks, drills, and what runtimes report."),
        (name = "Monitoring", description = "Prediction records and labels, baselines, and what each day of records came to."),
        (name = "Privacy", description = "Data subjects, their requests with the time that the law gives, erasure, and what it came to."),
        (name = "Audits", description = "Auditors from outside: access for a time, what they ask for, and what they see first."),
        (name = "Retention", description = "What is kept how long, what goes when, and legal holds."),
        (name = "Documents", description = "Documents made of facts: what is open in them, answers, issues, and what changed."),
        (name = "Controls", description = "Controls in operation, what a window shows of them, and what is done about exceptions."),
        (name = "Ledger", description = "The audit log with its proofs, its key, and evidence packs."),
        (name = "Log", description = "The same log as plain tiles (C2SP tlog-tiles), for independent verifiers."),
        (name = "Operations", description = "Health, metrics, and this document.")
    )
)]
pub(crate) struct Document;

/// The OpenAPI 3.1 document of the interface. Needs no application: generators call it too.
pub fn openapi() -> OpenApi {
    finish(routes::all(Limits::default().max_part).into_openapi())
}

/// Adds what holds for every route alike.
pub(crate) fn finish(mut document: OpenApi) -> OpenApi {
    let security = ["token", "basic"].map(|name| SecurityRequirement::new::<_, [&str; 0], &str>(name, []));
    document.security = Some(security.to_vec());
    let paths = std::mem::take(&mut document.paths.paths);
    for (path, mut item) in paths {
        let has_variables = path.contains('{');
        for (method, operation) in operations(&mut item) {
            add_problems(operation, method, has_variables);
        }
        // `{*path}` is how the router spells a variable with slashes; OpenAPI has no word for it.
        document.paths.paths.insert(path.replace("{*", "{"), item);
    }
    let components = document.components.get_or_insert_with(Components::new);
    add_schemes(components);
    for problem in PROBLEMS {
        components.responses.insert(problem.name.to_owned(), RefOr::T(response(&problem)));
    }
    forms::describe(components);
    document
}

fn add_schemes(components: &mut Components) {
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("cmp_<environment>_<id>_<secret>_<check>")
        .description(Some("A token: `Authorization: Bearer TOKEN`."))
        .build();
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some(
            "The token as the password, under any user name, for clients that know nothing else.",
        ))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    components.add_security_scheme("basic", SecurityScheme::Http(basic));
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// When a route can answer a problem.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// With a credential in the head, or in the body.
    Authenticates,
    WithCredential,
    /// A public act asks the issuer of what it is given.
    AsksOutside,
    NamesThings,
    HasBody,
    HasRecords,
    Writes,
    HasRange,
}

struct CommonProblem {
    status: &'static str,
    name: &'static str,
    when: When,
    description: &'static str,
    header: Option<(&'static str, &'static str)>,
}

const PROBLEMS: [CommonProblem; 15] = [
    problem(
        "400",
        "InvalidInput",
        When::Always,
        "The input is not valid: wrong syntax, shape or value. Code `invalid-input`.",
    ),
    CommonProblem {
        header: Some(("WWW-Authenticate", "How to authenticate.")),
        ..problem(
            "401",
            "Unauthenticated",
            When::Authenticates,
            "No credential, or not a valid one. Code `unauthenticated`.",
        )
    },
    problem(
        "403",
        "Denied",
        When::WithCredential,
        "Policy does not allow it; `rules` names every rule that stands against it. The refusal is recorded. Code `denied`.",
    ),
    problem(
        "404",
        "NotFound",
        When::NamesThings,
        "Something named in the request does not exist. Code `not-found`.",
    ),
    problem(
        "408",
        "Timeout",
        When::Always,
        "Not answered in time; a write may still take effect. Code `timeout`.",
    ),
    problem("409", "Conflict", When::Writes, "It contradicts the present state. Code `conflict`."),
    problem("413", "TooLarge", When::HasBody, "The body is too large. Code `too-large`."),
    problem(
        "415",
        "UnsupportedMediaType",
        When::HasBody,
        "The media type is not accepted. Code `unsupported-media-type`.",
    ),
    CommonProblem {
        header: Some(("Content-Range", "`bytes */` and the length of the content.")),
        ..problem(
            "416",
            "RangeNotSatisfiable",
            When::HasRange,
            "The range begins outside the content. Code `range-not-satisfiable`.",
        )
    },
    CommonProblem {
        header: Some(("Retry-After", "Seconds after which to send the same again.")),
        ..problem("429", "Busy", When::HasRecords, "More is waiting than the server holds. Code `busy`.")
    },
    problem("431", "HeadTooLarge", When::Always, "The head of the request is too large. No body."),
    problem(
        "500",
        "Internal",
        When::Always,
        "The server failed. The log has the cause under the request id. Code `internal`.",
    ),
    problem(
        "502",
        "Outside",
        When::AsksOutside,
        "Another party that the act needs did not answer as it should. Code `outside`.",
    ),
    CommonProblem {
        header: Some(("Retry-After", "Seconds after which to try again.")),
        ..problem(
            "503",
            "Unavailable",
            When::Always,
            "The store takes no writes, or too many requests are under way. Codes `read-only`, `overloaded`, `not-ready`.",
        )
    },
    CommonProblem {
        header: Some(("Retry-After", "Seconds after which to send the same again.")),
        ..problem(
            "507",
            "StorageFull",
            When::HasRecords,
            "The disk of the write-ahead log is full; nothing was taken. Code `storage-full`.",
        )
    },
];

const fn problem(
    status: &'static str,
    name: &'static str,
    when: When,
    description: &'static str,
) -> CommonProblem {
    CommonProblem { status, name, when, description, header: None }
}

fn add_problems(operation: &mut Operation, method: &str, has_variables: bool) {
    // `security(())` on a handler is the empty requirement: everybody may.
    let public = operation.security.as_ref().is_some_and(|list| !list.is_empty());
    let has_body = operation.request_body.is_some();
    let has_records = operation.request_body.as_ref().is_some_and(
        |body| matches!(body, RefOr::T(body) if body.content.contains_key("application/vnd.apache.parquet")),
    );
    let has_range = operation.responses.responses.contains_key("206");
    for problem in PROBLEMS {
        let can = match problem.when {
            When::Always => true,
            When::Authenticates => !public || has_body,
            When::WithCredential => !public,
            When::AsksOutside => public && has_body,
            When::NamesThings => !public || has_variables,
            When::HasBody => has_body,
            When::HasRecords => has_records,
            When::Writes => method != "get",
            When::HasRange => has_range,
        };
        if can {
            let reference = RefOr::Ref(Ref::from_response_name(problem.name));
            operation.responses.responses.insert(problem.status.to_owned(), reference);
        }
    }
}

fn response(problem: &CommonProblem) -> Response {
    let mut response = ResponseBuilder::new().description(problem.description);
    if problem.status != "431" {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        response = response.content(PROBLEM_JSON, content);
    }
    if let Some((name, description)) = problem.header {
        let mut header = Header::new(Object::with_type(Type::String));
        header.description = Some(description.to_owned());
        response = response.header(name, header);
    }
    response.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_an_id_of_its_own_a_summary_and_its_problems() {
        let mut document = openapi();
        let mut ids = std::collections::BTreeSet::new();
        let mut count = 0;
        for (path, item) in &mut document.paths.paths {
            assert!(!path.contains('*'), "{path}");
            for (method, operation) in operations(item) {
                count += 1;
                let place = format!("{method} {path}");
                assert!(ids.insert(operation.operation_id.clone().expect(&place)), "{place}: id is taken");
                assert!(operation.summary.as_ref().is_some_and(|text| text.len() > 5), "{place}: no summary");
                assert!(operation.tags.is_some(), "{place}: no tag");
                let statuses = &operation.responses.responses;
                assert!(statuses.contains_key("500") && statuses.contains_key("200"), "{place}");
            }
        }
        assert!(count >= 60, "only {count} operations");
    }
}
