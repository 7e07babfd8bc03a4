//! Why a file cannot be read: which file, where in it, and what to do.

use std::path::PathBuf;

/// A data file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// Nothing is there.
    #[error("{argument}: there is no such file, folder or pattern that matches one")]
    NotFound {
        /// What was asked for.
        argument: String,
    },
    /// A pattern that is none.
    #[error("{argument}: not a pattern of file names: {problem}")]
    Pattern {
        /// What was asked for.
        argument: String,
        /// What is wrong.
        problem: String,
    },
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No known format.
    #[error("{}: not a file of Parquet, Arrow IPC, CSV or lines of JSON", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// The file breaks its format.
    #[error("{}: {place}: {problem}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line, row or part.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no row or no column.
    #[error("{}: it holds no {what}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Rows or columns.
        what: &'static str,
    },
    /// A file of several lacks a column that the first has.
    #[error("{}: it lacks the column {column:?}, which {} has", path.display(), first.display())]
    OtherColumns {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The file that has it.
        first: PathBuf,
    },
    /// More than is read.
    #[error("{}: {what}", path.display())]
    TooMuch {
        /// The file.
        path: PathBuf,
        /// What there is too much of, with the bound.
        what: String,
    },
}

impl LakeError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "name a file, a folder, or a pattern such as 'data/*.parquet' in quotes",
            Self::Pattern { .. } => {
                "use * and ? for parts of names, ** for folders, and [] around signs themselves"
            }
            Self::Io { .. } => "make the file readable for this user",
            Self::Unknown { .. } => {
                "name it .parquet, .arrow, .csv, .tsv or .ndjson after what it holds, unpacked and in UTF-8"
            }
            Self::Broken { .. } => "write the file again, or repair it at this place",
            Self::Empty { .. } => "give a file with a header and at least one row",
            Self::OtherColumns { .. } => "compare files of one schema, or compare them one by one",
            Self::TooMuch { .. } => "split what there is into smaller files or folders",
        }
    }
}
