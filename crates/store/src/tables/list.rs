//! The list of tables. One row per column, in the order of the migration.

use super::{Class, Column, ColumnKind, Table};

const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text, nullable: false }
}

const fn maybe_text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text, nullable: true }
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Int, nullable: false }
}

const fn maybe_int(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Int, nullable: true }
}

const fn bool(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Bool, nullable: false }
}

const fn table(class: Class, name: &'static str, key: usize, columns: &'static [Column]) -> Table {
    Table { name, class, columns, key }
}

/// Every table: journal first, then what can be rebuilt from it, then the rest.
pub static TABLES: &[Table] = &[
    table(
        Class::Journal,
        "log_head",
        1,
        &[int("id"), text("origin"), int("size"), text("root"), text("frontier"), int("recorded_at")],
    ),
    table(
        Class::Journal,
        "journal",
        1,
        &[
            int("idx"),
            text("stream"),
            int("stream_seq"),
            text("kind"),
            int("recorded_at"),
            text("actor"),
            text("entry"),
            text("leaf_hash"),
        ],
    ),
    table(Class::Journal, "payload", 1, &[int("idx"), text("name"), text("key_id"), text("ciphertext")]),
    table(Class::Journal, "tile_hash", 2, &[int("level"), int("idx"), text("hash")]),
    table(
        Class::Journal,
        "checkpoint",
        1,
        &[int("size"), text("root"), text("frontier"), text("note"), int("signed_at")],
    ),
    table(
        Class::Evidence,
        "cosignature",
        2,
        &[int("size"), text("witness"), text("line"), int("cosigned_at")],
    ),
    table(
        Class::Evidence,
        "timestamp_token",
        1,
        &[int("size"), text("authority"), text("token"), int("stamped_at")],
    ),
    table(Class::State, "stream_head", 1, &[text("stream"), int("count"), int("last_idx")]),
    table(Class::State, "journal_subject", 2, &[text("subject"), int("idx")]),
    table(Class::State, "org", 1, &[text("id"), text("slug"), int("created_at")]),
    table(
        Class::State,
        "principal",
        1,
        &[
            text("id"),
            text("kind"),
            maybe_text("slug"),
            text("status"),
            maybe_int("private_at"),
            int("added_at"),
        ],
    ),
    table(
        Class::State,
        "role_grant",
        3,
        &[text("principal"), text("role"), text("system"), int("granted_at")],
    ),
    table(Class::State, "team", 1, &[text("id"), text("slug"), int("created_at")]),
    table(Class::State, "team_member", 2, &[text("team"), text("principal")]),
    table(
        Class::State,
        "token",
        1,
        &[
            text("id"),
            text("principal"),
            maybe_text("environment"),
            text("label"),
            text("origin"),
            int("issued_at"),
            int("expires_at"),
            maybe_int("revoked_at"),
        ],
    ),
    table(
        Class::State,
        "invitation",
        1,
        &[text("id"), text("principal"), int("issued_at"), int("expires_at"), maybe_int("ended_at")],
    ),
    table(
        Class::State,
        "workload_trust",
        1,
        &[
            text("id"),
            text("principal"),
            text("issuer"),
            maybe_text("environment"),
            maybe_int("private_at"),
            int("trusted_at"),
            maybe_int("distrusted_at"),
        ],
    ),
    table(
        Class::State,
        "session",
        1,
        &[
            text("id"),
            text("principal"),
            text("method"),
            int("opened_at"),
            int("expires_at"),
            maybe_int("closed_at"),
        ],
    ),
    table(
        Class::State,
        "vendor",
        1,
        &[text("id"), text("slug"), maybe_int("private_at"), int("registered_at")],
    ),
    table(
        Class::State,
        "system",
        1,
        &[
            text("id"),
            text("slug"),
            text("kind"),
            text("status"),
            text("owner_team"),
            maybe_text("vendor"),
            maybe_int("private_at"),
            int("registered_at"),
            int("updated_at"),
        ],
    ),
    table(Class::State, "system_link", 3, &[text("system"), text("relation"), text("target")]),
    table(Class::State, "tag", 2, &[text("subject"), text("tag_key"), text("tag_value")]),
    table(
        Class::State,
        "dataset",
        1,
        &[text("id"), text("slug"), text("owner_team"), maybe_int("private_at"), int("registered_at")],
    ),
    table(
        Class::State,
        "dataset_version",
        1,
        &[
            text("id"),
            text("dataset"),
            text("label"),
            text("files"),
            int("row_count"),
            text("licence"),
            text("collection"),
            text("legal_basis"),
            text("personal_data"),
            maybe_int("retention_days"),
            text("record_digest"),
            maybe_int("private_at"),
            int("registered_at"),
        ],
    ),
    table(Class::State, "dataset_parent", 2, &[text("child"), text("parent")]),
    table(
        Class::State,
        "artifact",
        1,
        &[text("digest"), int("bytes"), text("media_type"), text("upload"), int("parts"), int("stored_at")],
    ),
    table(Class::State, "model", 1, &[text("id"), text("system"), text("slug"), int("registered_at")]),
    table(
        Class::State,
        "version",
        1,
        &[
            text("id"),
            text("model"),
            text("label"),
            text("facts"),
            text("registered_by"),
            maybe_int("private_at"),
            int("registered_at"),
        ],
    ),
    table(Class::State, "version_artifact", 2, &[text("version"), text("name"), text("digest")]),
    table(Class::State, "version_dataset", 3, &[text("version"), text("dataset_version"), text("purpose")]),
    table(Class::State, "version_note", 2, &[text("version"), int("private_at")]),
    table(
        Class::State,
        "decision",
        1,
        &[
            text("id"),
            text("action"),
            text("resource"),
            maybe_text("environment"),
            text("outcome"),
            text("bundle"),
            text("actor"),
            int("idx"),
            int("decided_at"),
        ],
    ),
    table(
        Class::State,
        "approval",
        1,
        &[
            text("id"),
            text("version"),
            text("environment"),
            text("artifacts"),
            text("bundle"),
            int("needed"),
            text("requested_by"),
            int("requested_at"),
            int("expires_at"),
            bool("denied"),
            maybe_int("private_at"),
        ],
    ),
    table(
        Class::State,
        "vote",
        2,
        &[
            text("approval"),
            text("voter"),
            text("vote"),
            text("decision"),
            int("voted_at"),
            maybe_int("private_at"),
        ],
    ),
    table(
        Class::State,
        "deployment",
        1,
        &[
            text("id"),
            text("system"),
            text("model"),
            text("version"),
            text("environment"),
            text("kind"),
            text("artifacts"),
            maybe_text("approval"),
            text("decision"),
            maybe_text("replaces"),
            maybe_text("drill"),
            text("actor"),
            int("live_from"),
            maybe_int("live_until"),
            maybe_int("private_at"),
            int("idx"),
        ],
    ),
    table(
        Class::State,
        "drill",
        1,
        &[
            text("id"),
            text("system"),
            text("environment"),
            text("from_deployment"),
            text("to_deployment"),
            text("restored"),
            int("verified_artifacts"),
            int("millis"),
            int("drilled_at"),
        ],
    ),
    table(
        Class::State,
        "runtime",
        3,
        &[
            text("system"),
            text("environment"),
            text("instance"),
            text("loaded"),
            maybe_text("expected"),
            bool("matches"),
            int("reported_at"),
        ],
    ),
    table(Class::State, "data_subject", 1, &[text("id"), maybe_int("private_at"), int("registered_at")]),
    table(Class::State, "subject_dataset", 2, &[text("subject"), text("dataset_version")]),
    table(
        Class::State,
        "erasure",
        1,
        &[text("subject"), text("basis"), int("payloads"), int("idx"), int("erased_at")],
    ),
    table(Class::State, "log_key", 1, &[int("from_size"), text("vkey")]),
    table(
        Class::Secret,
        "data_key",
        1,
        &[text("key_id"), maybe_text("subject"), text("wrapped"), int("created_at")],
    ),
    table(Class::Secret, "credential_secret", 1, &[text("credential"), text("hash"), text("seal")]),
    table(
        Class::Secret,
        "identity",
        1,
        &[text("lookup"), text("principal"), maybe_text("issuer"), text("seal")],
    ),
    table(
        Class::Passing,
        "idempotency",
        2,
        &[text("principal"), text("idem_key"), text("request_digest"), text("response"), int("created_at")],
    ),
    table(Class::Passing, "workload_seen", 1, &[text("digest"), int("expires_at")]),
    table(Class::Passing, "session_seen", 1, &[text("session"), int("seen_at")]),
    table(
        Class::Passing,
        "upload",
        1,
        &[
            text("id"),
            text("principal"),
            text("digest"),
            int("bytes"),
            text("media_type"),
            int("part_bytes"),
            int("created_at"),
            bool("completed"),
        ],
    ),
    table(Class::Passing, "upload_part", 2, &[text("upload"), int("part"), int("bytes")]),
    table(Class::Passing, "lease", 1, &[text("name"), text("holder"), int("epoch"), int("expires_at")]),
];
