//! A push of Tencent CSS, each time of another event, and the gate that it comes to.

use bytes::Bytes;
use gatepost::Gate;

use super::callback::Callback;

/// What the platform sends; signed with the key `test`.
pub const BODY: &str = include_str!("../../../vectors/tencent-css/push/body");

const PATH: &str = "/callbacks/tencent";

/// A gate that takes it, with more in its route.
pub fn gate(route: &str) -> Gate {
    gate_with("", route, "'http://app.test/live/push'")
}

/// A gate with more at the top of its config and in its route, and with what is done with a push.
pub fn gate_with(top: &str, route: &str, on_push: &str) -> Gate {
    let config = format!(
        "{top}\n[[route]]\npath = '{PATH}'\nprovider = 'tencent-css'\n{route}\n\
         [[route]]\npath = '/hooks/{{token}}'\nprovider = 'tencent-css'\ntoken = {{ env = 'TOKEN' }}\n\
         [[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nkeys = [{{ env = 'KEY' }}]\n\
         bind = ['test.domain.com']\non.push = {on_push}\n"
    );
    Gate::builder().toml(config).variable("KEY", "test").variable("TOKEN", "t0ken").build().unwrap()
}

/// A push with this body.
pub fn with_body(body: impl Into<Bytes>) -> Callback {
    Callback::post(PATH, "application/json", body)
}

/// The push of that number: a resend of the same one would not be asked about.
pub fn numbered(number: usize) -> Callback {
    with_body(renumbered(BODY, number))
}

/// The body of another event.
pub fn renumbered(body: &str, number: usize) -> String {
    body.replace("2210464508206756938", &format!("{number:019}"))
}
