//! The shapes of answers that several use cases share.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a recorded act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Id of what was made or changed.
    pub id: String,
    /// Index of the event in the log; `/api/v1/ledger/entries/{index}` shows and proves it.
    pub ledger_index: u64,
}

impl Receipt {
    /// The receipt of an act on `id`.
    pub fn new(id: impl ToString, ledger_index: u64) -> Self {
        Self { id: id.to_string(), ledger_index }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass as `after` to get the next page; none = this was the last.
    pub next: Option<String>,
}

/// Most items of one page.
pub const MAX_PAGE: i64 = 200;
/// Items of one page if the caller does not say.
pub const DEFAULT_PAGE: i64 = 50;

/// How much of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Slice {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// 1 to 200, 50 if not given.
    pub limit: Option<i64>,
}

impl Slice {
    /// The limit, within bounds.
    pub fn limit(&self) -> Result<i64, crate::AppError> {
        match self.limit {
            None => Ok(DEFAULT_PAGE),
            Some(limit) if (1..=MAX_PAGE).contains(&limit) => Ok(limit),
            Some(limit) => {
                Err(crate::AppError::invalid("limit", format!("{limit} is not between 1 and {MAX_PAGE}")))
            }
        }
    }

    /// The key to go on after; empty = from the start.
    pub fn after(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }

    /// The index to go back from, for lists that run from new to old.
    pub fn before(&self) -> Result<i64, crate::AppError> {
        match self.after.as_deref() {
            None => Ok(i64::MAX),
            Some(text) => text
                .parse()
                .map_err(|_| crate::AppError::invalid("after", "use the `next` of the page before")),
        }
    }
}

/// Cuts `limit + 1` rows to a page whose key is given by `key`.
pub fn page<T>(mut items: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(key) } else { None };
    Page { items, next }
}
