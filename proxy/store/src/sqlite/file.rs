//! The file of a store: its mode and settings, the check of its integrity, and the migration of its
//! schema.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatepost::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{OpenError, error_of};
use super::log_check::{self, LogDamage, log_of};
use super::shared;

/// The changes from each schema to the next. The first change creates schema 1.
const MIGRATIONS: [&str; 6] = [
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
];

/// Newest schema that this program supports.
const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// First schema with a checksum of each shared value.
const WITH_CHECKSUMS_OF_VALUES: i64 = 5;

/// Number in the header of each store file: `gpst` in ASCII.
const APPLICATION_ID: i64 = 0x6770_7374;

/// Maximum wait for the lock of another process, for example during an upgrade.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Query that finds contradictions in the values that no checksum covers: the heads of the lines,
/// the due time of an event behind a head, and the totals. These values may be wrong after a change
/// by hand, and after `REINDEX` of a damaged file.
const CONTRADICTS: &str = "SELECT EXISTS (
        SELECT 1 FROM event WHERE state = 'pending' AND is_head = 0
            AND (subject IS NULL OR due_ms > queued_ms + 60000))
    OR EXISTS (
        -- `is_head` is the value of the row with the lowest number.
        SELECT min(number), is_head FROM event WHERE state = 'pending' AND subject IS NOT NULL
        GROUP BY source, subject HAVING is_head <> 1 OR sum(is_head) <> 1)
    OR (SELECT count(*) FROM total) <> 3
    OR EXISTS (
        SELECT 1 FROM total LEFT JOIN (
            SELECT state, count(*) AS found, sum(bytes) AS size FROM event GROUP BY state) USING (state)
        WHERE count <> coalesce(found, 0) OR bytes <> coalesce(size, 0))";

/// Statements that compute the heads, due times and totals again.
const CORRECT: &str = "
    UPDATE event SET due_ms = queued_ms WHERE state = 'pending' AND is_head = 0 AND due_ms > queued_ms;
    UPDATE event SET is_head = subject IS NULL OR number = (
        SELECT min(other.number) FROM event AS other WHERE other.source = event.source
            AND other.subject = event.subject AND other.state = 'pending'
            AND other.subject IS NOT NULL) WHERE state = 'pending';
    DELETE FROM total;
    INSERT INTO total VALUES ('pending', 0, 0), ('delivered', 0, 0), ('dead', 0, 0);
    UPDATE total SET count = found, bytes = size FROM (
        SELECT state AS s, count(*) AS found, sum(bytes) AS size FROM event GROUP BY state)
        WHERE state = s;";

/// Opens or creates a file for writing. Checks the integrity of an existing file, and migrates its
/// schema.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let unusable = |source| OpenError::File { path: path.into(), source };
    create_private(path).map_err(unusable)?;
    check_log(path)?;
    let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let wrong = |source| error_of(path, source);
    // Until the check has passed, closing the connection must not change the file.
    keep_log(&db, true).map_err(wrong)?;
    if schema_of(&db, path)? > 0 {
        check_integrity(&db, path)?;
    }
    set_up(&db).map_err(wrong)?;
    migrate(&mut db).map_err(wrong)?;
    check_schema(&db, path)?;
    correct(&mut db).map_err(wrong)?;
    shared::remove_damaged(&db).map_err(wrong)?;
    keep_log(&db, false).map_err(wrong)?;
    Ok(db)
}

/// Sets whether SQLite leaves the log as it is when the last connection closes.
fn keep_log(db: &Connection, keeps: bool) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps).map(drop)
}

/// Corrects heads, due times and totals that contradict the events.
fn correct(db: &mut Connection) -> rusqlite::Result<()> {
    if !db.query_row(CONTRADICTS, [], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute_batch(CORRECT)?;
    change.commit()?;
    tracing::warn!(
        "corrected the heads, due times or totals of the store, which contradicted its events"
    );
    Ok(())
}

/// Returns an error if the log is damaged. SQLite drops the events behind the damage, even if
/// the process only reads and closes the file.
fn check_log(path: &Path) -> Result<(), OpenError> {
    match log_check::find_damage(path) {
        Ok(None) => Ok(()),
        Ok(Some(LogDamage { frame, behind })) => {
            Err(OpenError::DamagedLog { path: path.into(), frame, behind })
        }
        Err(source) => Err(OpenError::File { path: path.into(), source }),
    }
}

/// Opens an existing file for writing. Checks only its log and its schema.
pub(super) fn attach(path: &Path) -> Result<Connection, OpenError> {
    if path.try_exists().unwrap_or(true) {
        check_log(path)?;
    }
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let found = schema_of(&db, path)?;
    if found < SCHEMA {
        return Err(OpenError::Older { path: path.into(), known: SCHEMA, found });
    }
    set_up(&db).map_err(|source| error_of(path, source))?;
    Ok(db)
}

/// Opens an existing file for reading.
pub(super) fn read_only(path: &Path) -> Result<Connection, OpenError> {
    // A reader of a write-ahead log writes to the file with the suffix `-shm`, so this function
    // opens the database for writing. `query_only` forbids changes of the events.
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let set = db.pragma_update(None, "query_only", true);
    set.map_err(|source| error_of(path, source))?;
    Ok(db)
}

/// Creates the file so that other users cannot read it. SQLite gives its other files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Identities of the files of an open store. They show the removal or replacement of a file.
///
/// SQLite continues to write to a removed file. The system deletes this file, with its events, at
/// the end of the process.
#[derive(Debug)]
pub(super) struct OpenFiles([OpenFile; 2]);

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    identity: FileIdentity,
}

/// Device and inode of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl OpenFiles {
    /// Notes the identities of the file and its log. The connection must have read the file,
    /// because SQLite opens the log with the first read. While a connection is open, no other
    /// process that respects the locks of SQLite removes the log.
    pub(super) fn at(path: &Path) -> Result<Self, OpenError> {
        let open = |path: PathBuf| match FileIdentity::of(&path) {
            Ok(identity) => Ok(OpenFile { path, identity }),
            Err(source) => Err(OpenError::File { path, source }),
        };
        Ok(Self([open(path.into())?, open(log_of(path))?]))
    }

    /// Returns an error if the path of the file or of its log leads to another file, or to none.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let Self(files) = self;
        let gone = files.iter().find(|file| {
            !FileIdentity::of(&file.path).is_ok_and(|identity| identity == file.identity)
        });
        gone.map_or(Ok(()), |file| Err(StoreError::Removed(file.path.display().to_string())))
    }
}

impl FileIdentity {
    // Read only the metadata: a process that opens and closes the file releases SQLite's locks of
    // this process.
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let wrong = |source| error_of(path, source);
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(wrong)?;
    db.busy_timeout(BUSY_TIMEOUT).map_err(wrong)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn set_up(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // With `NORMAL`, SQLite does not sync each commit.
    db.pragma_update(None, "synchronous", "full")?;
    // After a checkpoint, SQLite shrinks a log file that is larger than this limit.
    db.pragma_update_and_check(None, "journal_size_limit", 67_108_864, |_| Ok(()))?;
    // A commit that reaches this number of pages in the log copies them into the database. With
    // SQLite's 1,000 pages, one commit in fifty did so, and took 3 ms instead of 0.6 ms.
    db.pragma_update_and_check(None, "wal_autocheckpoint", 4000, |_| Ok(()))?;
    db.pragma_update(None, "recursive_triggers", false)
}

/// Returns the schema of a file; 0 for an empty file. Returns an error for the database of another
/// program, and for a newer schema.
fn schema_of(db: &Connection, path: &Path) -> Result<i64, OpenError> {
    let read = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let wrong = |source| error_of(path, source);
    let found = read("user_version").map_err(wrong)?;
    let application = read("application_id").map_err(wrong)?;
    let tables: i64 =
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(wrong)?;
    if application != APPLICATION_ID && (tables > 0 || found > 0) {
        return Err(OpenError::Foreign { path: path.into() });
    }
    if found > SCHEMA {
        return Err(OpenError::Newer { path: path.into(), known: SCHEMA, found });
    }
    Ok(found)
}

fn check_integrity(db: &Connection, path: &Path) -> Result<(), OpenError> {
    // `quick_check` does not compare the indexes with the tables. With a wrong index, an event may
    // never be due.
    let checked = db.pragma_query_value(None, "integrity_check", |row| row.get::<_, String>(0));
    match checked {
        Ok(word) if word == "ok" => Ok(()),
        Ok(fault) => Err(OpenError::Corrupt { path: path.into(), fault }),
        Err(source) => Err(error_of(path, source)),
    }
}

/// Compares the triggers and the indexes with those of a new file. `integrity_check` does not
/// compare them, and a changed trigger may leave a line without a head.
fn check_schema(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let compare = || -> rusqlite::Result<Option<String>> {
        let new = Connection::open_in_memory()?;
        MIGRATIONS.iter().try_for_each(|migration| new.execute_batch(migration))?;
        let mut wanted = new.prepare(
            "SELECT name, sql FROM sqlite_schema WHERE type IN ('trigger', 'index') AND sql IS NOT NULL",
        )?;
        let mut exists = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1 AND sql = ?2")?;
        let mut rows = wanted.query([])?;
        while let Some(row) = rows.next()? {
            let (name, sql): (String, String) = (row.get(0)?, row.get(1)?);
            if !exists.exists([&name, &sql])? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    };
    match compare() {
        Ok(None) => Ok(()),
        Ok(Some(name)) => Err(OpenError::Corrupt {
            path: path.into(),
            fault: format!("the trigger or index {name} differs from that of gatepost"),
        }),
        Err(source) => Err(error_of(path, source)),
    }
}

/// Migrates the file to the newest schema. Two processes may run this migration at the same time.
fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = change.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
    let missing = MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or_default());
    missing.into_iter().try_for_each(|migration| change.execute_batch(migration))?;
    if found < WITH_CHECKSUMS_OF_VALUES {
        shared::add_checksums(&change)?;
    }
    if found != SCHEMA {
        change.pragma_update(None, "application_id", APPLICATION_ID)?;
        change.pragma_update(None, "user_version", SCHEMA)?;
    }
    change.commit()
}
