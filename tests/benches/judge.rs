//! The core's own cost: judges the same Tencent push N times, from head to reply.
//!
//! Instructions per callback, which repeat to the digit: run it under
//! `valgrind --tool=callgrind` with two counts, and divide the difference.

use std::hint::black_box;

use gatepost::{Admission, Answer, Gate, Head, Next, Sender, Timestamp};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

const BODY: &[u8] = include_bytes!("../vectors/tencent-css/push/body");
const NOW: Timestamp = Timestamp::from_secs(1_703_731_478);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1000), |count| count.parse())?;
    let gate = Gate::builder()
        .file("tests/vectors/gate.toml")
        .variable("KOLLUS_TOKEN", "vector-token")
        .variable("TENCENT_KEY", "test")
        .variable("TENCENT_OLDER_KEY", "older-key")
        .build()?;
    let uri = Uri::from_static("/callbacks/tencent");
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("gate.test"));
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("content-length", HeaderValue::from(BODY.len()));
    let head = Head::new(&Method::POST, &uri, &headers);
    for _ in 0..count {
        let Admission::Callback(mut intake) = gate.admit(&head, NOW) else {
            return Err("this is no callback path".into());
        };
        intake.push(BODY.into())?;
        let accepted = intake.finish(NOW)?;
        if let Next::Ask(question) = accepted.next(NOW) {
            black_box(accepted.request(&head, &Sender::default(), NOW));
            let body = Some(Default::default());
            let answer = Answer::Response { status: StatusCode::OK, body };
            black_box(question.conclude(&answer, NOW));
        }
    }
    Ok(())
}
