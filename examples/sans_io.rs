//! The core without tower or Pingora. The example judges a callback, and writes the reply from an
//! answer.
//!
//! ```sh
//! cargo run --no-default-features --example sans_io
//! ```

#![allow(clippy::print_stdout, reason = "an example prints each result")]

use gatepost::{Admission, Answer, Gate, Head, Next, RequestContext, StoreStep, Timestamp};
use http::{HeaderMap, Method, StatusCode, Uri};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = Gate::from_toml_file("examples/gatepost.toml")?;

    // A server takes the head from the connection, and the time from its clock.
    let uri = Uri::from_static("/callbacks/kollus/try-me");
    let headers = HeaderMap::new();
    let head = Head::new(&Method::POST, &uri, &headers);
    let now = Timestamp::from_secs(1_703_731_478);
    let Admission::Callback(mut intake) = gate.admit(&head, now) else {
        return Err("expected a callback, found another request".into());
    };

    // A server reads the body in chunks of any size.
    for chunk in [&b"kind=100&client_user_id=user01&media_"[..], b"content_key=m&channel_key=c"] {
        intake.push(chunk.into())?;
    }

    // After the last chunk, `finish` returns the verdict.
    let accepted = intake.finish(now)?;
    println!("event  {}", String::from_utf8_lossy(accepted.event().data()));

    let conclusion = match accepted.next(now) {
        Next::Reply(conclusion) => conclusion,
        Next::Store(step) => match *step {
            // If the config queues events of the kind, append `enqueue.event(…)` to a store first.
            StoreStep::Append(enqueue) => enqueue.conclude(None),
            // If machines share their state, insert `claim.value(…)` first.
            StoreStep::Claim(claim) => claim.give_up(now),
            // If machines share a rate limit, see `limit.without_shared_state(…)`.
            StoreStep::Limit(limit) => limit.give_up(now),
        },
        Next::Wait(wait) => wait.give_up(now),
        Next::Ask(question) => {
            let (_headers, _body) = accepted.request(&head, &RequestContext::default(), now);
            println!("ask    {} within {:?}", question.url().unwrap_or(&uri), question.timeout());
            let body = Some(br#"{"allow":true}"#[..].into());
            question.conclude(&Answer::response(StatusCode::OK, body), now)
        }
    };
    println!("reply  {}", String::from_utf8_lossy(conclusion.reply.body()));
    Ok(())
}
