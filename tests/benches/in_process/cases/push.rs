//! Push callbacks of Tencent CSS, each for another event, and a gate that accepts them.

use bytes::Bytes;
use gatepost::Gate;

use super::callback::Callback;

/// Body of a push as Tencent CSS sends it, signed with the key `test`.
pub const BODY: &str = include_str!("../../../vectors/tencent-css/push/body");

const PATH: &str = "/callbacks/tencent";

/// Returns a gate for pushes, with these additional keys in the route.
pub fn gate(route: &str) -> Gate {
    gate_with("", route, "'http://app.test/live/push'")
}

/// Returns a gate for pushes, with these additional keys at the top of the config and in the route,
/// and this value of `on.push`.
pub fn gate_with(top: &str, route: &str, on_push: &str) -> Gate {
    let config = format!(
        "{top}\n[[route]]\npath = '{PATH}'\nprovider = 'tencent-css'\n{route}\n\
         [[route]]\npath = '/hooks/{{token}}'\nprovider = 'tencent-css'\ntoken = {{ env = 'TOKEN' }}\n\
         [[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nkeys = [{{ env = 'KEY' }}]\n\
         bind = ['test.domain.com']\non.push = {on_push}\n"
    );
    Gate::builder().toml(config).variable("KEY", "test").variable("TOKEN", "t0ken").build().unwrap()
}

/// Returns a push with this body.
pub fn with_body(body: impl Into<Bytes>) -> Callback {
    Callback::post(PATH, "application/json", body)
}

/// Returns push `number`. Each number is a new event, because a resend would not reach the app.
pub fn numbered(number: usize) -> Callback {
    with_body(renumbered(BODY, number))
}

/// Returns `body` with another sequence number, so that the push is another event.
pub fn renumbered(body: &str, number: usize) -> String {
    body.replace("2210464508206756938", &format!("{number:019}"))
}
