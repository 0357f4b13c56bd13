//! Search for damage in the write-ahead log, before SQLite opens the log.
//!
//! SQLite takes the first frame with a wrong checksum for the end of the log, and drops the frames
//! after it without an error. After a crash this is correct: the frame is an incomplete write. A
//! changed byte in an earlier frame looks the same, so this module also reads the frames behind the
//! first wrong frame:
//!
//! 1. Each frame has a checksum that continues the checksum of the frame before. A frame is intact
//!    if it continues the checksum that the frame before it contains. The frame behind the first
//!    wrong frame may also continue the correct checksum, because the wrong byte may be in the
//!    stored one.
//! 2. SQLite syncs a transaction before it writes the next transaction. Two intact commits behind a
//!    wrong frame therefore show that the frame was once correct. SQLite does not sync transactions
//!    that contain only shared state, so the two commits count only if all frames from the first
//!    commit to the second are intact. After an incomplete write, more frames are missing.
//! 3. In the last transaction, the wrong frame is damaged if it is correct apart from one byte, and
//!    all frames behind it are intact, up to the commit. One wrong byte alone is no sign of damage:
//!    a disk that loses a sector keeps the sector's old bytes. SQLite overwrites the frames of an
//!    earlier log, and the old frame often contains the same page with another counter.
//!
//! <https://sqlite.org/walformat.html> specifies the format.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// First word of the header; its lowest bit is 1 if checksums read big-endian words.
const MAGIC: u32 = 0x377F_0682;

const VERSION: u32 = 3_007_000;

/// Damage in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogDamage {
    /// Number of the damaged frame, from 1; 0 for the header.
    pub(super) frame: u64,
    /// Count of the frames behind the damaged frame that belong to the same log.
    pub(super) behind: u64,
}

/// The running checksum of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum(u32, u32);

/// Function that reads one word of a checksum in the byte order of the log.
type Word = fn([u8; 4]) -> u32;

/// Returns the path of the write-ahead log of a database.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Looks for damage in the log of a database. Another process may write to the log at the same
/// time.
pub(super) fn find_damage(database: &Path) -> io::Result<Option<LogDamage>> {
    let path = log_of(database);
    let page = page_size(database)?;
    let walk = || match File::open(&path) {
        Ok(file) => walk(&mut BufReader::with_capacity(1 << 18, file), page),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let Some(found) = walk()? else { return Ok(None) };
    // A frame that another process was writing is complete now.
    Ok(walk()?.filter(|again| again.frame == found.frame))
}

/// Reads the page size from the header of the database, for a log without a correct header.
fn page_size(database: &Path) -> io::Result<usize> {
    let mut header = [0; 18];
    let is_whole = read_whole(&mut File::open(database)?, &mut header)?;
    let size = usize::from(u16::from_be_bytes([header[16], header[17]]));
    Ok(match size {
        1 => 65_536,
        512.. if is_whole => size,
        _ => 4096,
    })
}

fn walk(log: &mut (impl Read + Seek), page: usize) -> io::Result<Option<LogDamage>> {
    let mut header = [0; HEADER];
    if !read_whole(log, &mut header)? {
        return Ok(None);
    }
    let word: Word = if header[3] & 1 == 1 { u32::from_be_bytes } else { u32::from_le_bytes };
    let sum = Sum::default().add(word, &header[..24]);
    let size = usize::try_from(number(&header, 8)).unwrap_or_default();
    let is_valid = number(&header, 0) | 1 == MAGIC | 1
        && number(&header, 4) == VERSION
        && (512..=65_536).contains(&size)
        && size.is_power_of_two()
        && sum == Sum::stored(&header, 24);
    let salts = salts(&header, 16);
    if is_valid {
        return Walk { word, salts, sum, ..Walk::new() }.run(log, size);
    }
    // The wrong byte may be the byte that gives the order of the bytes.
    for word in [u32::from_be_bytes as Word, u32::from_le_bytes] {
        log.seek(SeekFrom::Start(HEADER as u64))?;
        let wrong = Some(Wrong { frame: 0, finding: Finding::Incomplete });
        let found = Walk { word, salts, wrong, ..Walk::new() }.run(log, page)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// State of a walk over the frames.
struct Walk {
    word: Word,
    salts: [u8; 8],
    /// Checksum that the next frame continues.
    sum: Sum,
    /// Correct checksum of the wrong frame. The frame behind it continues this checksum if the wrong
    /// byte is in the stored checksum.
    correct: Option<Sum>,
    frame: u64,
    wrong: Option<Wrong>,
    /// Number of frames of this log behind the wrong frame.
    behind: u64,
    /// Number of commits in the current unbroken run of intact frames behind the wrong frame.
    commits: u64,
}

/// The first frame that is not intact, or the header.
struct Wrong {
    frame: u64,
    finding: Finding,
}

/// Reason why a frame is not intact, as far as the walk has read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// An incomplete write.
    Incomplete,
    /// A damaged frame, if the frames behind it are intact up to the commit.
    OneByte,
    Damaged,
}

impl Walk {
    fn new() -> Self {
        let (salts, sum) = Default::default();
        let (frame, behind, commits) = (0, 0, 0);
        let (wrong, correct) = (None, None);
        Self { word: u32::from_le_bytes, salts, sum, correct, frame, wrong, behind, commits }
    }

    fn run(mut self, log: &mut impl Read, page: usize) -> io::Result<Option<LogDamage>> {
        let mut frame = vec![0; FRAME_HEADER + page];
        while read_whole(log, &mut frame)? {
            self.step(&frame);
        }
        let damaged = self.wrong.filter(|wrong| wrong.finding == Finding::Damaged);
        Ok(damaged.map(|Wrong { frame, .. }| LogDamage { frame, behind: self.behind }))
    }

    fn step(&mut self, frame: &[u8]) {
        self.frame += 1;
        let (found, stored) = (salts(frame, 8), Sum::stored(frame, 16));
        let is_first = self.frame == 1;
        if is_first && self.wrong.is_some() && different(&found, &self.salts) <= 1 {
            // The wrong byte of the header may be in the salts.
            self.salts = found;
        }
        let after =
            |sum: Sum| sum.add(self.word, &frame[..8]).add(self.word, &frame[FRAME_HEADER..]);
        let sum = after(self.sum);
        let continues =
            sum == stored || self.correct.take().is_some_and(|sum| after(sum) == stored);
        let is_intact = found == self.salts && continues;
        let is_commit = number(frame, 4) != 0;
        if let Some(wrong) = &mut self.wrong {
            self.behind += u64::from(found == self.salts);
            self.commits = if is_intact { self.commits + u64::from(is_commit) } else { 0 };
            wrong.read_on(is_intact, self.commits);
        } else if !is_intact {
            let is_one_byte = match different(&found, &self.salts) {
                0 => sum.differs_in_one_byte(stored, frame.len() - 16),
                1 => sum == stored,
                _ => false,
            };
            let finding = match (is_one_byte, is_commit) {
                (false, _) => Finding::Incomplete,
                (true, false) => Finding::OneByte,
                (true, true) => Finding::Damaged,
            };
            self.wrong = Some(Wrong { frame: self.frame, finding });
            self.correct = Some(sum);
        }
        self.sum = stored;
    }
}

impl Wrong {
    /// Takes the next frame into account. `commits` is the number of commits in the current
    /// unbroken run of intact frames.
    fn read_on(&mut self, is_intact: bool, commits: u64) {
        let enough = match (self.frame, self.finding) {
            (0, _) | (_, Finding::OneByte) => 1,
            (_, Finding::Incomplete | Finding::Damaged) => 2,
        };
        if commits >= enough {
            self.finding = Finding::Damaged;
        } else if !is_intact && self.finding == Finding::OneByte {
            self.finding = Finding::Incomplete;
        }
    }
}

impl Sum {
    fn stored(bytes: &[u8], at: usize) -> Self {
        Self(number(bytes, at), number(bytes, at + 4))
    }

    fn add(self, word: Word, bytes: &[u8]) -> Self {
        let (pairs, _) = bytes.as_chunks::<8>();
        pairs.iter().fold(self, |Self(first, second), pair| {
            let [a, b, c, d, e, f, g, h] = *pair;
            let first = first.wrapping_add(word([a, b, c, d])).wrapping_add(second);
            Self(first, second.wrapping_add(word([e, f, g, h])).wrapping_add(first))
        })
    }

    /// Returns true if one changed byte explains the difference between the computed checksum of a
    /// frame and its `stored` checksum: a byte of the stored checksum, or one of the `length` bytes
    /// that the checksum covers.
    fn differs_in_one_byte(self, stored: Self, length: usize) -> bool {
        let difference = |a: u32, b: u32| different(&a.to_be_bytes(), &b.to_be_bytes());
        if difference(self.0, stored.0) + difference(self.1, stored.1) == 1 {
            return true;
        }
        let wanted = (stored.0.wrapping_sub(self.0), stored.1.wrapping_sub(self.1));
        // The checksum is linear: a change of a word by 1 changes the checksum by the word's
        // effect. The loop begins with the last pair of words. Each step computes the effects of
        // the pair before it.
        let mut effects = [(1_u32, 1_u32), (0, 1)];
        for _ in 0..length / 8 {
            for effect in &mut effects {
                let is_cause =
                    |by: u32| (effect.0.wrapping_mul(by), effect.1.wrapping_mul(by)) == wanted;
                if changes_of_a_byte().any(is_cause) {
                    return true;
                }
                effect.0 = effect.0.wrapping_add(effect.1);
                effect.1 = effect.1.wrapping_add(effect.0);
            }
        }
        false
    }
}

/// Returns each possible difference between two words that differ in one byte.
fn changes_of_a_byte() -> impl Iterator<Item = u32> {
    let changes = [0, 8, 16, 24].into_iter().flat_map(|bit| (1..=255_u32).map(move |by| by << bit));
    changes.flat_map(|by| [by, by.wrapping_neg()])
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().copied().map_or(0, u32::from_be_bytes)
}

fn salts(bytes: &[u8], at: usize) -> [u8; 8] {
    bytes[at..].first_chunk().copied().unwrap_or_default()
}

/// Returns the number of bytes that differ.
fn different(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

/// Fills the buffer. Returns false at the end of the file.
fn read_whole(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
