//! Push callbacks of Tencent CSS, each with its own sequence number, and a [`Gate`] for these
//! callbacks.

use bytes::Bytes;
use gatepost::Gate;

use super::callback::Callback;

/// Body of a push as Tencent CSS sends it. The signing key is `test`.
pub const BODY: &str = include_str!("../../../vectors/tencent-css/push/body");

const PATH: &str = "/callbacks/tencent";

/// Returns a gate for pushes. `route` contains additional lines of the route on [`PATH`].
pub fn gate(route: &str) -> Gate {
    gate_with("", route, "'http://app.test/live/push'")
}

/// Returns a gate for pushes. `top` contains additional lines at the top of the config, `route`
/// contains additional lines of the route on [`PATH`], and `on_push` is the value of `on.push`.
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

/// Returns push `number`. Each number gives a different event, because gatepost does not send an
/// event to the app twice.
pub fn numbered(number: usize) -> Callback {
    with_body(renumbered(BODY, number))
}

/// Returns `body` with a different sequence number, so that the push causes a different event.
pub fn renumbered(body: &str, number: usize) -> String {
    body.replace("2210464508206756938", &format!("{number:019}"))
}
