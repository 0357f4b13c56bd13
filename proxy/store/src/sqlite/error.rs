//! Errors of opening a file, and of operations on it.

use std::io;
use std::path::{Path, PathBuf};

use gatepost::StoreError;
use rusqlite::{Connection, Error, ErrorCode};

/// Reason why a store does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The integrity check found a fault.
    #[error(
        "{path}: expected an intact store, found a fault: {fault}; keep a copy of the file; if the fault \
         names an index, run `sqlite3 {path} REINDEX`, otherwise recover the events as the section \
         Damage of the manual page queue shows"
    )]
    Corrupt {
        /// Path of the file.
        path: PathBuf,
        /// First fault.
        fault: String,
    },
    /// A byte of the write-ahead log has changed. gatepost does not open the file, because SQLite
    /// then drops the events behind this byte.
    #[error(
        "{path}-wal: expected an intact log, found a damaged {}, with {behind} frames of acknowledged events \
         behind it; before any other command, copy {path} and {path}-wal; then restore a backup, or give \
         up these events with `sqlite3 {path} 'PRAGMA wal_checkpoint(TRUNCATE)'`",
        place(*frame)
    )]
    DamagedLog {
        /// Path of the file.
        path: PathBuf,
        /// Number of the damaged frame, from 1; 0 for the header of the log.
        frame: u64,
        /// Number of the frames behind the damaged frame.
        behind: u64,
    },
    /// SQLite cannot use the file.
    #[error(
        "{path}: expected a usable store, found an error: {source}; check the folder, its free space and \
         the file's mode"
    )]
    Database {
        /// Path of the file.
        path: PathBuf,
        /// Error of SQLite.
        source: rusqlite::Error,
    },
    /// gatepost cannot create, open or read the file.
    #[error(
        "{path}: expected a file that gatepost can create and write, found an error: {source}; let \
         gatepost write to the folder and to the file"
    )]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The file is a database of another program.
    #[error("{path}: expected a store of gatepost, found another database; choose another file")]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// A newer gatepost has written the file.
    #[error(
        "{path}: expected a store with schema {known} or older, found schema {found}; run the newer \
         gatepost that wrote it"
    )]
    Newer {
        /// Path of the file.
        path: PathBuf,
        /// Newest schema that this gatepost supports.
        known: i64,
        /// Schema of the file.
        found: i64,
    },
    /// The store on NATS does not open.
    #[cfg(feature = "nats")]
    #[error(transparent)]
    Nats(#[from] crate::NatsError),
    /// The program has no support for NATS.
    #[error(
        "expected a gatepost with the feature nats for this url, found a gatepost without this feature; \
         install a gatepost with this feature, or write url = \"sqlite:FILE\""
    )]
    NoNats,
    /// The URL names a store that this program does not support.
    #[error(
        "expected a store that this gatepost supports, found another; write url = \"sqlite:FILE\""
    )]
    Unsupported,
    /// An older gatepost has written the file, and no gatepost has migrated it.
    #[error(
        "{path}: expected a store with schema {known}, found schema {found}; start gatepost once"
    )]
    Older {
        /// Path of the file.
        path: PathBuf,
        /// Newest schema that this gatepost supports.
        known: i64,
        /// Schema of the file.
        found: i64,
    },
}

impl OpenError {
    /// Returns the stable code, for example `store_damaged`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } | Self::DamagedLog { .. } => "store_damaged",
            Self::Database { .. } | Self::File { .. } => "store_file_unusable",
            Self::Foreign { .. } => "store_foreign",
            Self::Newer { .. } | Self::Older { .. } => "store_schema_unknown",
            Self::NoNats | Self::Unsupported => "store_unsupported",
            #[cfg(feature = "nats")]
            Self::Nats(error) => error.code(),
        }
    }
}

fn place(frame: u64) -> String {
    match frame {
        0 => "header".into(),
        frame => format!("frame {frame}"),
    }
}

/// Converts an error of SQLite that occurs while gatepost opens a file.
pub(super) fn error_of(path: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path: path.into() },
        Some(ErrorCode::DatabaseCorrupt) => {
            OpenError::Corrupt { path: path.into(), fault: source.to_string() }
        }
        _ => OpenError::Database { path: path.into(), source },
    }
}

/// Converts an error of SQLite that occurs in an operation.
pub(super) fn failed(error: &rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        // gatepost's statements fit the schema and satisfy its constraints. If a statement does not
        // fit the schema, SQLite reports an unknown error. An unknown error or a violated
        // constraint therefore shows a damaged schema.
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::ConstraintViolation
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::Unknown,
        ) => StoreError::Failed(text),
        // gatepost writes no value of another type, so the file is damaged.
        None if matches!(error, Error::InvalidColumnType(..)) => StoreError::Failed(text),
        Some(ErrorCode::DiskFull) => StoreError::Unavailable(format!(
            "expected free space for the store, found none: {text}; free space on the disk of the \
             store, and gatepost continues by itself"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unavailable(format!(
                "expected a store without a long lock of another process, found a lock: {text}; end \
                 the process that holds it"
            ))
        }
        _ => StoreError::Unavailable(format!(
            "expected a store that carries out the operation, found an error: {text}; check the disk"
        )),
    }
}

/// Adds the path of the file to an error of an operation on it. The other errors do not concern the
/// file, or contain the path already.
pub(super) fn at_file(error: StoreError, db: &Connection) -> StoreError {
    let Some(path) = db.path().filter(|path| !path.is_empty()) else { return error };
    if let StoreError::Failed(text) = &error {
        return StoreError::Failed(format!("{path}: {text}"));
    }
    if let StoreError::Unavailable(text) = &error {
        return StoreError::Unavailable(format!("{path}: {text}"));
    }
    error
}
