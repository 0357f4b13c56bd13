//! Replacement for the functions `fsync` and `fdatasync` of the C library, for `LD_PRELOAD`.
//!
//! Environment variables select the files and the faults:
//!
//! | variable | meaning |
//! |---|---|
//! | `DISK_FOLDER` | the folder with the watched files |
//! | `DISK_SYNCED` | a folder for a copy of each file as of its last sync: the state after a power loss that discards all unsynced writes |
//! | `DISK_KILL` | `before:SUFFIX:N` or `after:SUFFIX:N`: kills the process with SIGKILL before or after the Nth sync of a file whose name ends in SUFFIX |

#![allow(clippy::disallowed_methods, reason = "a library without other input")]

use std::ffi::c_int;
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, process, thread};

/// Makes the data of a file durable.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(file: c_int) -> c_int {
    sync(file)
}

/// Makes a file durable.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: c_int) -> c_int {
    sync(file)
}

fn sync(file: c_int) -> c_int {
    let Some(path) = watched(file) else { return real_sync(file) };
    let kill = Kill::of(&path);
    if kill == Some(Kill::Before) {
        end();
    }
    let result = sync_and_keep(file, &path);
    if kill == Some(Kill::After) {
        end();
    }
    result
}

/// Syncs a file. Calls the kernel directly, because this library replaces the function of the C
/// library.
fn real_sync(file: c_int) -> c_int {
    // SAFETY: the call reads no memory of this process.
    let result = unsafe { libc::syscall(libc::SYS_fdatasync, file) };
    if result == 0 { 0 } else { -1 }
}

/// Returns the path of an open file in `DISK_FOLDER`, or `None` for any other file.
fn watched(file: c_int) -> Option<PathBuf> {
    let folder = env::var_os("DISK_FOLDER")?;
    let path = fs::read_link(format!("/proc/self/fd/{file}")).ok()?;
    (path.parent() == Some(Path::new(&folder)) && path.is_file()).then_some(path)
}

/// Syncs a file, then copies it. During an upgrade, two processes sync the same files. The lock
/// keeps the older of two copies from replacing the newer copy.
fn sync_and_keep(file: c_int, path: &Path) -> c_int {
    let (Some(folder), Some(name)) = (env::var_os("DISK_SYNCED"), path.file_name()) else {
        return real_sync(file);
    };
    let folder = PathBuf::from(folder);
    let lock = File::options().create(true).append(true).open(folder.join("lock"));
    let Ok(lock) = lock.and_then(|lock| lock.lock().map(|()| lock)) else { process::abort() };
    let result = real_sync(file);
    let new = folder.join("new");
    // Rename the complete copy. After a crash before the rename, the earlier copy is in place.
    let kept = || fs::write(&new, read(file)?).and_then(|()| fs::rename(&new, folder.join(name)));
    if result == 0 && kept().is_err() {
        process::abort();
    }
    drop(lock);
    result
}

/// Reads an open file. Does not open the path, because the close of a second descriptor ends the
/// locks with which SQLite protects the file from the other process: POSIX releases the locks of a
/// process when the process closes any descriptor of the file.
fn read(file: c_int) -> io::Result<Vec<u8>> {
    // SAFETY: the descriptor is open during this call, and `ManuallyDrop` does not close it.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(file) });
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read_at(&mut chunk, bytes.len() as u64)? {
            0 => return Ok(bytes),
            length => bytes.extend_from_slice(&chunk[..length]),
        }
    }
}

/// Moment of the kill: before or after a sync.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kill {
    Before,
    After,
}

impl Kill {
    fn of(path: &Path) -> Option<Self> {
        static SYNCS: AtomicU64 = AtomicU64::new(0);
        let rule = env::var("DISK_KILL").ok()?;
        let [when, suffix, nth] = rule.split(':').collect::<Vec<_>>().try_into().ok()?;
        if !path.to_str()?.ends_with(suffix) {
            return None;
        }
        let is_now = SYNCS.fetch_add(1, Ordering::SeqCst) + 1 == nth.parse().ok()?;
        is_now.then_some(if when == "before" { Self::Before } else { Self::After })
    }
}

fn end() -> ! {
    // SAFETY: the call reads no memory of this process.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    loop {
        thread::park();
    }
}
