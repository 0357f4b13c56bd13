//! Checks that the gate does not pass on a request whose path a server reads as the path of a
//! callback or as the address of an event.
//!
//! Input: three lines: the path of a route, the path of an event's address, and the path of the
//! request.

#![no_main]

use std::cell::RefCell;
use std::collections::HashMap;

use gatepost::{Admission, Gate, Head, Timestamp};
use gatepost_fuzz::paths::{SERVERS, reads_as};
use http::{HeaderMap, Method, Uri};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static GATES: RefCell<HashMap<String, Option<Gate>>> = RefCell::default();
}

const MAX_GATES: usize = 4096;

fn gate(route: &str, address: &str) -> Option<Gate> {
    GATES.with_borrow_mut(|gates| {
        if gates.len() > MAX_GATES {
            gates.clear();
        }
        let build = || {
            let token = if route.contains("{token}") { "token = 'a'" } else { "" };
            let text = format!(
                "[[route]]\npath = '{route}'\nprovider = 'ovenmediaengine'\n{token}\n\
                 [[template]]\nname = 'a'\nprovider = 'ovenmediaengine'\nkeys = ['k']\n\
                 bind = ['*']\n[template.on]\n'*' = 'http://app.test{address}'\n"
            );
            Gate::builder().toml(text).build().ok()
        };
        gates.entry(format!("{route} {address}")).or_insert_with(build).clone()
    })
}

fn is_plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/.-_~{}".contains(&b);
    (2..40).contains(&text.len()) && text.bytes().all(plain)
}

const NOW: Timestamp = Timestamp::from_secs(0);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(3, '\n');
    let (Some(route), Some(address), Some(path)) = (lines.next(), lines.next(), lines.next())
    else {
        return;
    };
    if !is_plain(route) || !is_plain(address) || address.contains(['{', '}']) {
        return;
    }
    // Clients can reach an address whose path has only slashes, and `gatepost check` warns of it.
    if address.bytes().all(|byte| byte == b'/') {
        return;
    }
    let Some(gate) = gate(route, address) else { return };
    let Ok(uri) = path.parse::<Uri>() else { return };
    let headers = HeaderMap::new();
    if !matches!(gate.admit(&Head::new(&Method::POST, &uri, &headers), NOW), Admission::Other) {
        return;
    }
    for (server, steps) in SERVERS {
        for pattern in [route, address] {
            let is_read = reads_as(uri.path(), steps, pattern);
            assert!(
                !is_read,
                "expected a refusal of {:?}, which {server} reads as {pattern}, found none",
                uri.path()
            );
        }
    }
});
