//! Tests of packed permits. An `Accepted` is the permit to forward a callback. An unpacked permit
//! must equal the permit before packing.

use bytes::Bytes;
use gatepost::{
    Accepted, Answer, Conclusion, Gate, Head, Next, PackedAccepted, RequestContext, Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use crate::core::{Request, judge};
use crate::vectors;

const OWN: &[u8] = b"the server's own bytes";

/// Packs the permit, checks the bytes of the packed permit, and unpacks it.
fn repacked(accepted: &Accepted) -> Accepted {
    let packed = PackedAccepted::new(accepted.clone(), OWN);
    let (raw, data) = (accepted.raw(), accepted.event().data());
    assert_eq!((packed.own(), packed.raw(), packed.data()), (OWN, &raw[..], &data[..]));
    assert!(packed.held_bytes() <= OWN.len() + raw.len() + 2 * data.len() + 1024);
    packed.unpack()
}

fn event(accepted: &Accepted, head: &Head<'_>, now: Timestamp) -> (HeaderMap, Bytes) {
    accepted.request(head, &RequestContext::default().with_scheme("https"), now)
}

#[test]
fn unpacked_permit_has_the_same_event_for_every_vector() {
    let gate = vectors::gate("http://app.test");
    let mut count = 0;
    for vector in vectors::all() {
        let request = Request::of(&vector);
        let head = request.head();
        let judged = judge(&gate, &head, &vector.body, 97, vector.case.now);
        let Ok(accepted) = judged else { continue };
        let (unpacked, now) = (repacked(&accepted), Timestamp::from_secs(vector.case.now));
        assert_eq!(event(&unpacked, &head, now), event(&accepted, &head, now), "{}", vector.name);
        assert_eq!(unpacked.event().subject(), accepted.event().subject(), "{}", vector.name);
        assert!(unpacked.misfits().eq(accepted.misfits()), "{}", vector.name);
        count += 1;
    }
    assert!(count > 100, "expected more than 100 accepted vectors, found {count}");
}

fn concluded(accepted: &Accepted, now: Timestamp) -> Conclusion {
    let next = accepted.next(now);
    let Next::Ask(question) = next else { panic!("expected a question, found {next:?}") };
    question.conclude(&Answer::response(StatusCode::OK, Some("{\"allow\":true}".into())), now)
}

#[test]
fn unpacked_permit_has_the_same_event_and_reply_for_every_form() {
    let body = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
    let now = Timestamp::from_secs(1_703_731_478);
    let uri = Uri::from_static("/k");
    let headers: HeaderMap =
        [("content-type", "application/x-www-form-urlencoded; charset=utf-8"), ("x-note", "1")]
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .into_iter()
            .collect();
    let head = Head::new(&Method::POST, &uri, &headers).with_peer([192, 0, 2, 1].into());
    for form in [
        "forward = 'json'",
        "forward = 'json', keep_proof = true",
        "forward = 'cloudevents'",
        "forward = 'common'",
        "forward = 'raw'",
        "forward = 'passthrough'",
    ] {
        let config = format!(
            "[[route]]\npath = '/k'\nprovider = 'kollus'\n\
             [[template]]\nname = 'all'\nprovider = 'kollus'\nbind = '*'\n\
             on.live_play = {{ url = 'http://app.test', {form} }}\n"
        );
        let accept = || {
            let gate = Gate::builder().toml(&*config).build().unwrap();
            judge(&gate, &head, body.as_bytes(), body.len(), now.as_secs()).unwrap()
        };
        let accepted = accept();
        let unpacked = repacked(&accepted);
        assert_eq!(event(&unpacked, &head, now), event(&accepted, &head, now), "{form}");
        let reply = concluded(&unpacked, now).reply;
        // Use another gate, because the first gate treats the second callback as a resend.
        let expected = concluded(&accept(), now).reply;
        assert!(
            expected.headers().eq(reply.headers()) && expected.body() == reply.body(),
            "{form}"
        );
    }
}
