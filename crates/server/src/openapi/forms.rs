//! The forms of the checked texts and the bounds of numbers, which the types of core enforce but do not state in their
//! schemas. A test holds every pattern against core's own check.

use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Components, Schema, SchemaFormat};
use utoipa::openapi::{KnownFormat, RefOr};

/// Largest integer that JSON carries exactly everywhere (RFC 8785): 2^53 - 1.
const MAX_SAFE: i64 = (1 << 53) - 1;

/// The form of a checked text.
struct Form {
    schema: &'static str,
    pattern: &'static str,
    lengths: (usize, usize),
    example: &'static str,
}

const FORMS: [Form; 7] = [
    Form { schema: "Slug", pattern: "^[a-z0-9][a-z0-9._-]*$", lengths: (1, 64), example: "credit-scoring" },
    Form { schema: "Label", pattern: "^[A-Za-z0-9][A-Za-z0-9._+-]*$", lengths: (1, 64), example: "2.1.0" },
    Form {
        schema: "TagText",
        pattern: r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$",
        lengths: (1, 64),
        example: "high-risk",
    },
    Form {
        schema: "Digest",
        pattern: "^[0-9a-f]{64}$",
        lengths: (64, 64),
        example: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    },
    Form {
        schema: "ControlId",
        pattern: "^CTL-[A-Z0-9-]{3,40}$",
        lengths: (7, 44),
        example: "CTL-CHANGE-02",
    },
    Form {
        schema: "Commit",
        pattern: "^[0-9a-f]{7,64}$",
        lengths: (7, 64),
        example: "9fceb02d0ae598e95dc970b74767f19372d61af8",
    },
    Form {
        schema: "MediaType",
        pattern: "^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+$",
        lengths: (3, 127),
        example: "application/octet-stream",
    },
];

/// Fields whose type is a checked text but whose schema is a plain string: the schema, the field, and the form.
const FIELDS: [(&str, &str, &str); 3] = [
    ("RegisterVersion", "code_commit", "Commit"),
    ("BeginUpload", "media_type", "MediaType"),
    ("ArtifactView", "media_type", "MediaType"),
];

/// States forms and bounds in the schemas.
pub(crate) fn describe(components: &mut Components) {
    for schema in components.schemas.values_mut() {
        bound(schema);
    }
    for form in &FORMS {
        if let Some(RefOr::T(schema)) = components.schemas.get_mut(form.schema) {
            state(schema, form);
        }
    }
    for (name, field, form) in FIELDS {
        let form = FORMS.iter().find(|known| known.schema == form);
        if let (Some(RefOr::T(Schema::Object(object))), Some(form)) = (components.schemas.get_mut(name), form)
            && let Some(RefOr::T(schema)) = object.properties.get_mut(field)
        {
            state(schema, form);
        }
    }
}

fn state(schema: &mut Schema, form: &Form) {
    if let Schema::Object(object) = schema {
        object.pattern = Some(form.pattern.to_owned());
        object.min_length = Some(form.lengths.0);
        object.max_length = Some(form.lengths.1);
        object.examples = vec![form.example.into()];
    }
}

/// Gives every 64-bit integer in a schema the bounds within which JSON is exact.
fn bound(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            let integer = matches!(object.format, Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
            if integer {
                object.maximum.get_or_insert_with(|| MAX_SAFE.into());
                object.minimum.get_or_insert_with(|| (-MAX_SAFE).into());
            }
            object.properties.values_mut().for_each(bound);
            if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
                bound(values);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                bound(items);
            }
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(bound),
        Schema::AllOf(all) => all.items.iter_mut().for_each(bound),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(bound),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_core::name::{Commit, ControlId, MediaType};
    use comptroller_core::{Digest, Label, Slug, TagText};

    fn core_accepts(schema: &str, text: &str) -> bool {
        match schema {
            "Slug" => text.parse::<Slug>().is_ok(),
            "Label" => text.parse::<Label>().is_ok(),
            "TagText" => text.parse::<TagText>().is_ok(),
            "Digest" => text.parse::<Digest>().is_ok(),
            "ControlId" => text.parse::<ControlId>().is_ok(),
            "Commit" => text.parse::<Commit>().is_ok(),
            "MediaType" => text.parse::<MediaType>().is_ok(),
            other => panic!("{other} is not a checked text"),
        }
    }

    #[test]
    fn forms_agree_with_the_checks_of_core() {
        let hex64 = "ab".repeat(32);
        let (long, too_long) = ("a".repeat(64), "a".repeat(65));
        let texts = [
            "",
            "a",
            "A",
            "0",
            ".a",
            "-a",
            "a.b_c-d",
            "a b",
            " a",
            "a ",
            "a\u{7}b",
            "ü",
            "ü ü",
            "1.0+x",
            "a/b",
            "A/b",
            "text/csv",
            "a/b/c",
            "/a",
            "0123abc",
            "0123ab",
            "0123ABC",
            "\u{85}",
            "tag\u{a0}",
            &hex64,
            &long,
            &too_long,
        ];
        for form in &FORMS {
            let pattern = regex::Regex::new(form.pattern).unwrap();
            let stated = |text: &str| {
                let length = text.chars().count();
                pattern.is_match(text) && (form.lengths.0..=form.lengths.1).contains(&length)
            };
            assert!(core_accepts(form.schema, form.example), "{}", form.schema);
            for text in texts.iter().copied().chain([form.example]) {
                assert_eq!(stated(text), core_accepts(form.schema, text), "{} {text:?}", form.schema);
            }
        }
    }

    #[test]
    fn forms_stand_in_the_document() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let schemas = &document["components"]["schemas"];
        for form in FORMS.iter().filter(|form| !["Commit", "MediaType"].contains(&form.schema)) {
            assert_eq!(schemas[form.schema]["pattern"], form.pattern, "{}", form.schema);
        }
        for (schema, field, _) in FIELDS {
            assert!(schemas[schema]["properties"][field]["pattern"].is_string(), "{schema}.{field}");
        }
        assert_eq!(schemas["Receipt"]["properties"]["ledger_index"]["maximum"], MAX_SAFE);
    }
}
