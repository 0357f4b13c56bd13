//! Tests of the config key `mirror`, with which gatepost sends copies of events to a second app.

use crate::support::*;

fn serve(app: &App, mirror: &str) -> Gatepost {
    let template = format!(
        "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n[template.on]\n\
         push = {{ url = '{}', timeout_ms = 500, mirror = '{mirror}' }}\n",
        app.url("/live/push"),
    );
    Gatepost::serve("", &template)
}

#[test]
fn mirror_gets_a_copy_of_each_event_but_not_of_a_resend() {
    let (app, copy) = (App::answering(200, ""), App::answering(500, "no"));
    let gate = serve(&app, &copy.url("/staging/push"));
    let push = pushed();
    assert_eq!(gate.send(&push).status, 200);
    eventually("the copy", || copy.seen().len() == 1);
    assert_eq!(gate.send(&push).status, 200);
    assert_eq!(gate.send(&pushed()).status, 200);
    eventually("the copy of the second event", || {
        gate.counted("gatepost_mirrored_events_total", "result=\"failed\"") == 2
    });
    let (event, copied) = (&app.seen()[0], &copy.seen()[0]);
    assert!(
        copied.line.starts_with("POST /staging/push "),
        "expected a copy for /staging/push, found {}",
        copied.line
    );
    assert_eq!(copied.body, event.body);
    assert_eq!(copied.header("ce-id"), event.header("ce-id"));
    assert_eq!(copied.header("host"), Some(&*format!("127.0.0.1:{}", copy.port)));
    assert_eq!((app.seen().len(), copy.seen().len()), (2, 2));
}

#[test]
fn log_line_of_failed_mirror_has_reason_and_address() {
    let (app, copy, down) = (App::answering(200, ""), App::answering(500, "no"), App::down());
    for (mirror, found) in [
        (&copy, "expected a 2xx answer, found status 500 Internal Server Error; check the app"),
        (&down, "expected a 2xx answer, found Connection refused (os error 111); check the app"),
    ] {
        let gate = serve(&app, &mirror.url("/staging/push?key=secret"));
        assert_eq!(gate.send(&pushed()).status, 200);
        let line = gate.program.wait_for_line("mirror_failed");
        let address = format!("\"app\":\"http://127.0.0.1:{}\"", mirror.port);
        assert!(line.contains(found) && line.contains(&address), "{line}");
        assert!(line.contains("\"kind\":\"push\"") && !line.contains("secret"), "{line}");
    }
}

#[test]
fn silent_mirror_delays_no_reply() {
    let app = App::answering(200, "");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gate = serve(&app, &format!("http://{}", silent.local_addr().unwrap()));
    for _ in 0..100 {
        assert_eq!(gate.send(&pushed()).status, 200);
    }
    assert_eq!(app.seen().len(), 100);
}
