//! A push of Tencent CSS, each time of another event, and a gate for it.

use bytes::Bytes;
use gatepost::Gate;

use super::callback::Callback;

/// Body that the platform sends, signed with the key `test`.
pub const BODY: &str = include_str!("../../../vectors/tencent-css/push/body");

const PATH: &str = "/callbacks/tencent";

/// Returns a gate for pushes, with more keys in its route.
pub fn gate(route: &str) -> Gate {
    gate_with("", route, "'http://app.test/live/push'")
}

/// Returns a gate with more keys at the top of its config and in its route, and an entry for
/// pushes.
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

/// Returns the push of that number. Each is a new event: a resend would not reach the app.
pub fn numbered(number: usize) -> Callback {
    with_body(renumbered(BODY, number))
}

/// Returns the body of the event of that number.
pub fn renumbered(body: &str, number: usize) -> String {
    body.replace("2210464508206756938", &format!("{number:019}"))
}
