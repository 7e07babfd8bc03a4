//! Data subjects, and keys of the log.

use super::super::columns::{int, maybe_int, table, text};
use super::super::{Class, Table};

pub(super) const TABLES: &[Table] = &[
    table(Class::State, "data_subject", 1, &[text("id"), maybe_int("private_at"), int("registered_at")]),
    table(Class::State, "subject_dataset", 2, &[text("subject"), text("dataset_version")]),
    table(
        Class::State,
        "erasure",
        1,
        &[text("subject"), text("basis"), int("payloads"), int("idx"), int("erased_at")],
    ),
    table(Class::State, "log_key", 1, &[int("from_size"), text("vkey")]),
];
