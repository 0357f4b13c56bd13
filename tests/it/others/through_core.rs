//! Tests of the core with the vectors of other projects.

use gatepost::{Gate, Head, RequestContext, Timestamp};

use super::table::{self, Case};
use crate::core::judge;

/// The verdict on a case: the code and status of the refusal, or the event.
pub enum Judged {
    Accepted(Vec<u8>),
    Refused(&'static str, u16),
}

/// Judges a case with the core.
pub fn judged(gate: &Gate, case: &Case) -> Judged {
    let (method, uri, headers) = case.head();
    let head = Head::new(&method, &uri, &headers);
    match judge(gate, &head, &case.body, 4096, case.now) {
        Ok(accepted) => {
            let now = Timestamp::from_secs(case.now);
            let (_, event) = accepted.request(&head, &RequestContext::default(), now);
            Judged::Accepted(event.to_vec())
        }
        Err(refusal) => Judged::Refused(refusal.kind().as_str(), refusal.reply().status().as_u16()),
    }
}

#[test]
fn core_gives_expected_verdict_for_every_vector_of_other_projects() {
    let others = table::all();
    let gate = others.gate("http://app.test");
    let mut wrong = Vec::new();
    for case in &others.cases {
        let code = match judged(&gate, case) {
            Judged::Accepted(event) => {
                case.check_event(&event);
                "accepted"
            }
            Judged::Refused(code, _) => code,
        };
        wrong.extend(case.verdicts.expect(&case.name, code).err());
    }
    assert!(wrong.is_empty(), "expected no difference, found:\n{}", wrong.join("\n"));
}

#[test]
fn check_gives_expected_verdict_for_every_key_of_other_projects() {
    let others = table::all();
    let wrong =
        others.keys().filter_map(|(name, verdicts, found)| verdicts.expect(&name, found).err());
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "expected no difference, found:\n{}", wrong.join("\n"));
}
