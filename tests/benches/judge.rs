//! The core's own cost: judges the same Tencent push N times, from head to reply, as a genuine one
//! or as one that is refused for the reason that is named.
//!
//! ```sh
//! judge 1000 signature_mismatch
//! ```
//!
//! Instructions per callback, which repeat to the digit: run it under
//! `valgrind --tool=callgrind` with two counts, and divide the difference.

use std::hint::black_box;

use bytes::Bytes;
use gatepost::{Admission, Answer, Gate, Head, Next, Refusal, Sender, Timestamp};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

const BODY: &str = include_str!("../vectors/tencent-css/push/body");
const NOW: Timestamp = Timestamp::from_secs(1_703_731_478);

/// A callback, and where it goes wrong.
struct Case {
    gate: Gate,
    path: Uri,
    peer: [u8; 4],
    body: Bytes,
    now: Timestamp,
}

type Failure = Box<dyn std::error::Error>;

impl Case {
    fn genuine(route: &str) -> Result<Self, Failure> {
        let config = format!(
            "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n{route}\n\
             [[route]]\npath = '/hooks/{{token}}'\nprovider = 'tencent-css'\ntoken = {{ env = 'TOKEN' }}\n\
             [[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nkeys = [{{ env = 'KEY' }}]\n\
             bind = ['test.domain.com']\non.push = 'http://app.test/live/push'\n"
        );
        let gate = Gate::builder().toml(config).variable("KEY", "test").variable("TOKEN", "t0ken");
        Ok(Self {
            gate: gate.build()?,
            path: Uri::from_static("/callbacks/tencent"),
            peer: [192, 0, 2, 1],
            body: BODY.into(),
            now: NOW,
        })
    }

    fn named(name: &str) -> Result<Self, Failure> {
        let guarded = "allow = ['192.0.2.0/24', '198.51.100.0/24']\n\
                       source_limit = { per_second = 1000000 }\nlimit = { per_second = 1000000 }";
        let genuine = Self::genuine("")?;
        let path = |path| Uri::from_static(path);
        let body = |body: String| Bytes::from(body);
        Ok(match name {
            "accepted" => genuine,
            "accepted_guarded" => Self::genuine(guarded)?,
            "path_ambiguous" => Self { path: path("/callbacks//%74encent"), ..genuine },
            "path_ambiguous_long" => {
                let path = format!("/callbacks/tencent;{}", "%2525252525".repeat(700));
                Self { path: path.parse()?, ..genuine }
            }
            "source_not_allowed" => Self { peer: [203, 0, 113, 1], ..Self::genuine(guarded)? },
            "rate_limited" => Self::genuine("source_limit = { per_second = 1 }")?,
            "token_mismatch" => Self { path: path("/hooks/guess"), ..genuine },
            "body_too_large" => Self::genuine("max_body_bytes = 100")?,
            "json_malformed" => Self { body: body(format!("{BODY},")), ..genuine },
            "field_duplicate" => Self { body: body(BODY.replacen('{', "{\"t\":1,", 1)), ..genuine },
            "tenant_unknown" => {
                Self { body: body(BODY.replace("test.domain.com", "x.domain.com")), ..genuine }
            }
            "signature_mismatch" => {
                Self { body: body(BODY.replace("bc31454d", "bc31454e")), ..genuine }
            }
            "timestamp_expired" => Self { now: Timestamp::from_secs(1_703_739_999), ..genuine },
            "timestamp_too_far_ahead" => Self { now: Timestamp::from_secs(0), ..genuine },
            _ => return Err(format!("there is no case {name}").into()),
        })
    }

    /// The body of another event: a resend of the same one would not be asked about.
    fn body(&self, number: usize) -> Bytes {
        const KEY: &[u8] = b"\"sequence\":\"";
        let mut body = self.body.to_vec();
        let digits = body.windows(KEY.len()).position(|window| window == KEY);
        if let Some(digits) = digits.and_then(|at| body.get_mut(at + KEY.len()..)) {
            let number = format!("{number:012}");
            digits.iter_mut().zip(number.bytes()).for_each(|(digit, new)| *digit = new);
        }
        body.into()
    }

    fn judge(&self, headers: &HeaderMap, number: usize) -> Result<(), Refusal> {
        let head = Head::new(&Method::POST, &self.path, headers).with_peer(self.peer.into());
        let mut intake = match self.gate.admit(&head, self.now) {
            Admission::Callback(intake) => intake,
            Admission::Refused(refusal) => return Err(refusal),
            Admission::Other | Admission::Shadow(_) => return Ok(()),
        };
        intake.push(self.body(number))?;
        let accepted = intake.finish(self.now)?;
        if let Next::Ask(question) = accepted.next(self.now) {
            black_box(accepted.request(&head, &Sender::default(), self.now));
            let body = Some(Bytes::default());
            let answer = Answer::Response { status: StatusCode::OK, body };
            black_box(question.conclude(&answer, self.now));
        }
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(1000), |count| count.parse())?;
    let name = arguments.next().unwrap_or_else(|| "accepted".into());
    let case = Case::named(&name)?;
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("gate.test"));
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("content-length", HeaderValue::from(case.body.len()));
    let mut last = "accepted";
    for number in 0..count {
        last = match case.judge(&headers, number) {
            Ok(()) => "accepted",
            Err(refusal) => {
                black_box(refusal.reply());
                refusal.kind().as_str()
            }
        };
    }
    if count > 1 && !name.starts_with(last) {
        return Err(format!("{name} was judged {last}").into());
    }
    Ok(())
}
