//! Why records are refused: which one, which part of it, and what to do.

/// Records that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no record.
    #[error("the batch holds no record")]
    Empty,
    /// Too many records.
    #[error("the batch holds {rows} records, more than the {} of one batch", super::MAX_BATCH_ROWS)]
    TooMany {
        /// How many.
        rows: usize,
    },
    /// Too many columns.
    #[error("the records have {columns} columns, more than the {} that are kept", super::MAX_ROW_COLUMNS)]
    TooManyColumns {
        /// How many.
        columns: usize,
    },
    /// Too many bytes.
    #[error("the records take more than {} bytes in memory", super::MAX_BATCH_BYTES)]
    TooLarge,
    /// Not of the format.
    #[error("{place}: {problem}")]
    Format {
        /// Where.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A record is not as it must be.
    #[error("record {row}, {field:?}: {problem}")]
    Record {
        /// Which, from 1.
        row: usize,
        /// Which part.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// What was written by ourselves cannot be read.
    #[error("stored records: {0}")]
    Stored(String),
}

impl RecordError {
    /// The record in place `row`, from 0.
    pub(crate) fn at(row: usize, field: &str, problem: impl Into<String>) -> Self {
        Self::Record { row: row + 1, field: field.to_owned(), problem: problem.into() }
    }

    pub(crate) fn format(place: impl Into<String>, problem: impl ToString) -> Self {
        Self::Format { place: place.into(), problem: problem.to_string() }
    }

    pub(crate) fn own(error: impl ToString) -> Self {
        Self::Stored(error.to_string())
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Empty => "send at least one record",
            Self::TooMany { .. } | Self::TooLarge => "send smaller batches, each under a batch id of its own",
            Self::TooManyColumns { .. } => "leave out what the model does not use",
            Self::Format { .. } => "send the format that Content-Type names",
            Self::Record { .. } => "correct the record; nothing of the batch was taken",
            Self::Stored(_) => "run `comptroller doctor`, and restore the file from a backup",
        }
    }
}
