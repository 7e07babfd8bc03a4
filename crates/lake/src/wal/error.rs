//! Why a write-ahead log cannot be used: which file, and what the operating system says.

use std::path::{Path, PathBuf};

/// Why the log cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WalError {
    /// The operating system refused.
    #[error("{}: cannot {operation}: {problem}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The disk, or what may be used of it, is full.
    #[error("{}: the disk is full: {problem}", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        problem: String,
    },
    /// Another process has it.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A frame is damaged although others follow it.
    #[error("{}: frame {frame} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which.
        frame: u32,
    },
    /// More waits than is held.
    #[error("more records wait to be written than are held in memory")]
    Full,
    /// The writer has ended.
    #[error("the writer of the log has ended")]
    Ended,
    /// The frame could not be made.
    #[error("{0}")]
    Frame(String),
}

pub(super) fn failed(operation: &'static str, path: &Path, error: &std::io::Error) -> WalError {
    use std::io::ErrorKind;
    let (path, problem) = (path.to_owned(), error.to_string());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            WalError::DiskFull { path, problem }
        }
        _ => WalError::File { operation, path, problem },
    }
}
