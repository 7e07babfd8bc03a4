//! The log and what proves it.

use super::super::columns::{int, table, text};
use super::super::{Class, Table};

pub(super) const TABLES: &[Table] = &[
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
];
