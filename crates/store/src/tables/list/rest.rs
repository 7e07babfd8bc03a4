//! Secrets, and what nobody relies on after a restart.

use super::super::columns::{bool, int, maybe_int, maybe_text, table, text};
use super::super::{Class, Table};

pub(super) const TABLES: &[Table] = &[
    table(
        Class::Secret,
        "data_key",
        1,
        &[text("key_id"), maybe_text("subject"), text("wrapped"), int("created_at")],
    ),
    table(Class::Secret, "credential_secret", 1, &[text("credential"), text("hash"), text("seal")]),
    table(Class::Secret, "factor_secret", 1, &[text("factor"), text("sealed"), int("counter"), text("seal")]),
    table(
        Class::Secret,
        "identity",
        1,
        &[text("lookup"), text("principal"), maybe_text("issuer"), text("seal")],
    ),
    table(
        Class::Passing,
        "prediction_batch",
        4,
        &[
            text("version"),
            text("environment"),
            text("records"),
            text("batch"),
            text("digest"),
            int("row_count"),
            int("sealed_at"),
        ],
    ),
    table(Class::Passing, "labels_unread", 1, &[text("block")]),
    table(
        Class::Passing,
        "labelled_day",
        3,
        &[text("version"), text("environment"), int("day"), int("through")],
    ),
    table(
        Class::Passing,
        "block_summary",
        2,
        &[text("block"), text("name"), int("labels"), text("upload"), int("bytes")],
    ),
    table(
        Class::Passing,
        "idempotency",
        2,
        &[text("principal"), text("idem_key"), text("request_digest"), text("response"), int("created_at")],
    ),
    table(Class::Passing, "workload_seen", 1, &[text("digest"), int("expires_at")]),
    table(Class::Passing, "factor_attempt", 1, &[text("principal"), int("attempts"), int("last_at")]),
    table(
        Class::Passing,
        "factor_begun",
        1,
        &[text("name"), text("principal"), text("purpose"), maybe_text("sealed"), int("expires_at")],
    ),
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
    table(Class::Passing, "unswept", 1, &[text("upload"), int("purged_at")]),
    table(
        Class::Passing,
        "delivery",
        1,
        &[text("channel"), int("next_idx"), text("holder"), int("held_until"), maybe_int("failing_since")],
    ),
];
