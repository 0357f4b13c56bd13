//! Test of the memory of gatepost while a page of the console is open for a day.

use serde_json::Value;

use crate::console::{ORIGIN, cookie, get, send};
use crate::support::*;
use crate::template_api::TOKEN_LINE;

/// Number of polls of a page on a quiet day: one every 25 s, the longest wait of a poll.
const QUIET_POLLS: usize = 24 * 3600 / 25;

/// Number of polls of a page in a busy hour: one every 250 ms, because the page pauses for 250 ms
/// after each response.
const BUSY_POLLS: usize = 3600 * 4;

/// Number of polls between two visits of another operator. The day and the hour together have 357
/// visits, more than the number of sessions that gatepost keeps.
const POLLS_PER_VISIT: usize = 50;

/// Number of equal parts into which the test divides the polls. The test compares the memory after
/// each part.
const TENTHS: usize = 10;

/// Largest permitted median of the growths from part to part. A leak of 300 bytes in each poll
/// exceeds this bound. The memory also rises and falls by a few hundred KiB, and the allocator
/// takes pages from the system in a few steps. The median ignores these changes.
const BOUND_KIB: u64 = 300;

/// A page of callbacks in a browser: its connection, its session, and the last callback in its list.
struct OpenPage {
    connection: Client,
    cookie: String,
    last: u64,
}

impl OpenPage {
    fn new(gate: &Gatepost) -> Self {
        Self { connection: Client::new(connect(gate.admin)), cookie: cookie(gate, TOKEN), last: 0 }
    }

    /// Polls as the script of the page does. Also calls `arrive`, which sends a callback: on a
    /// quiet day, while gatepost waits for a callback; in a busy hour, before the poll.
    fn poll(&mut self, is_quiet: bool, arrive: impl FnOnce()) {
        let Self { connection, cookie, last } = self;
        let target = format!("/console/feed?after={last}&wait=25");
        let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
        if is_quiet {
            connection.write(head.as_bytes());
            arrive();
        } else {
            arrive();
            connection.write(head.as_bytes());
        }
        let response = connection.read();
        assert_eq!(response.status, 200, "{}", response.text());
        let page: Value = serde_json::from_slice(&response.body).unwrap();
        *last = page["last"].as_u64().unwrap();
    }
}

/// Logs in, and opens each page. Every second operator leaves without a logout.
fn visit(gate: &Gatepost, number: usize) {
    let cookie = cookie(gate, TOKEN);
    for page in ["", "templates", "templates/prod-live", "domains", "send", "status"] {
        assert_eq!(get(gate, &format!("/console/{page}"), &cookie).status, 200, "{page}");
    }
    if number.is_multiple_of(2) {
        let headers = format!("{ORIGIN}cookie: {cookie}\r\n");
        assert_eq!(send(gate, "/console/logout", &headers, "").status, 303);
    }
}

#[test]
#[ignore = "takes more than 10 s"]
fn memory_does_not_grow_while_page_is_open_for_a_day() {
    let app = App::answering(200, "{}");
    // The inspector keeps 100 callbacks, so it is full before the first measurement.
    let top = format!("{TOKEN_LINE}\n[inspector]\nkeep = 100");
    let gate = Gatepost::serve(&top, &templates(&app));
    let mut page = OpenPage::new(&gate);
    let mut platform = gate.connect();
    let refused = post("/callbacks/tencent", &with_flipped_sign(&push()));
    let resend = pushed();
    let polls = QUIET_POLLS + BUSY_POLLS;
    let mut sizes = Vec::new();
    for number in 1..=polls {
        // Every fourth callback is a resend of one push, and gatepost refuses the others. gatepost
        // remembers each new push, up to a maximum that is not the subject of this test.
        let callback = match number % 4 {
            0 => &resend,
            _ => &refused,
        };
        let is_quiet = number * QUIET_POLLS % polls < QUIET_POLLS;
        page.poll(is_quiet, || drop(platform.send(callback)));
        if number % POLLS_PER_VISIT == 0 {
            visit(&gate, number / POLLS_PER_VISIT);
            // The session of the page must not become the oldest of the sessions.
            page.cookie = cookie(&gate, TOKEN);
        }
        if number % (polls / TENTHS) == 0 {
            sizes.push(gate.resident_kib());
        }
    }
    assert_eq!(page.last, polls as u64, "number of the last callback");
    let mut growths: Vec<_> =
        sizes.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    growths.sort_unstable();
    let median = growths[growths.len() / 2];
    assert!(
        median < BOUND_KIB,
        "expected a median growth of less than {BOUND_KIB} KiB, found these sizes: {sizes:?}"
    );
}
