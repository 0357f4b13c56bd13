//! The points at which the program kills gatepost.

use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};

use super::process::Gatepost;

/// A point at which the program kills gatepost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A random time under load.
    AnyTime,
    /// A random time after the start of the process, most often before the process listens.
    Start,
    /// The moment after a client has written its request.
    RequestSent,
    /// The moment after a client has read its acknowledgement.
    Acknowledged,
    /// The moment after the app has read an event, and before the app answers.
    EventRead,
    /// The moment after the app has answered an event.
    EventAnswered,
    /// The moment before gatepost syncs the write-ahead log of the store.
    BeforeLogSync,
    /// The moment after gatepost has synced the write-ahead log, and before an acknowledgement.
    AfterLogSync,
    /// The moment before gatepost syncs the database file of the store, at the end of a checkpoint.
    BeforeFileSync,
    /// The moment after gatepost has synced the database file of the store.
    AfterFileSync,
    /// A random time after the start of a process that takes over the listeners.
    Upgrade,
}

pub const POINTS: [Point; 11] = [
    Point::AnyTime,
    Point::Start,
    Point::RequestSent,
    Point::Acknowledged,
    Point::EventRead,
    Point::EventAnswered,
    Point::BeforeLogSync,
    Point::AfterLogSync,
    Point::BeforeFileSync,
    Point::AfterFileSync,
    Point::Upgrade,
];

impl Point {
    /// Returns the rule for the library that replaces `fsync`. Returns `None` if the point is not a
    /// sync.
    pub fn disk_rule(self, random: &mut Rng) -> Option<String> {
        let (when, suffix, most) = match self {
            Self::BeforeLogSync => ("before", "-wal", 60),
            Self::AfterLogSync => ("after", "-wal", 60),
            // SQLite makes a checkpoint every thousand pages.
            Self::BeforeFileSync => ("before", ".db", 2),
            Self::AfterFileSync => ("after", ".db", 2),
            Self::AnyTime
            | Self::Start
            | Self::RequestSent
            | Self::Acknowledged
            | Self::EventRead
            | Self::EventAnswered
            | Self::Upgrade => return None,
        };
        Some(format!("{when}:{suffix}:{}", random.u32(1..=most)))
    }
}

/// A trigger that kills the process as soon as a client or the app has reached a point a given number
/// of times.
#[derive(Default)]
pub struct Trigger(Mutex<Option<Armed>>);

struct Armed {
    point: Point,
    left: u32,
    process: Pid,
}

impl Trigger {
    /// Arms the trigger. If the point is a random time, waits and kills the process instead.
    pub fn arm(&self, point: Point, gatepost: &Gatepost, random: &mut Rng) {
        let process = gatepost.pid();
        let wait = match point {
            Point::AnyTime | Point::Upgrade => {
                gatepost.wait_until_it_listens();
                random.u64(1..600)
            }
            Point::Start => random.u64(1..60),
            Point::RequestSent
            | Point::Acknowledged
            | Point::EventRead
            | Point::EventAnswered
            | Point::BeforeLogSync
            | Point::AfterLogSync
            | Point::BeforeFileSync
            | Point::AfterFileSync => {
                let left = random.u32(1..60);
                *self.0.lock().unwrap() = Some(Armed { point, left, process });
                return;
            }
        };
        std::thread::sleep(Duration::from_millis(wait));
        let _gone = kill_process(process, Signal::KILL);
    }

    pub fn disarm(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// Records that a client or the app has reached a point. Kills the process if this is the last
    /// time that the trigger requires.
    pub fn reach(&self, point: Point) {
        let mut armed = self.0.lock().unwrap();
        let Some(own) = armed.as_mut().filter(|armed| armed.point == point) else { return };
        own.left -= 1;
        if own.left == 0 {
            let _gone = kill_process(own.process, Signal::KILL);
            *armed = None;
        }
    }
}
