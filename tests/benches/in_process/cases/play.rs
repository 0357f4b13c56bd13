//! Play callbacks of Kollus, each for a different viewer, and a [`Gate`] for these callbacks.

use gatepost::Gate;

use super::callback::Callback;

/// Body of a play callback as Kollus sends it.
pub const BODY: &str = include_str!("../../../vectors/kollus/live_play_native/body");

/// Returns a gate for plays of broadcasts and videos. The reply to a video play is a JWT.
pub fn gate() -> Gate {
    let config = "
        [[route]]
        path     = '/callbacks/kollus/{token}'
        provider = 'kollus'
        token    = { env = 'TOKEN' }

        [[template]]
        name     = 'paid-channels'
        provider = 'kollus'
        bind     = ['*']

        [template.settings]
        security_key = { env = 'SECURITY_KEY' }
        custom_key   = { env = 'CUSTOM_KEY' }

        [template.on]
        live_play = 'http://app.test/kollus/play'
        vod_play  = 'http://app.test/kollus/vod'
    ";
    let gate = Gate::builder().toml(config).variable("TOKEN", "t0ken");
    gate.variable("SECURITY_KEY", "key").variable("CUSTOM_KEY", "custom").build().unwrap()
}

/// Returns the callback for a play of a live broadcast by viewer `number`.
pub fn live(number: usize) -> Callback {
    of_kind(100, number)
}

/// Returns the callback for a play of a video by viewer `number`.
pub fn of_video(number: usize) -> Callback {
    of_kind(1, number)
}

fn of_kind(kind: u32, number: usize) -> Callback {
    let body = BODY.replacen("kind=100", &format!("kind={kind}"), 1);
    let body = body.replacen("user01", &format!("user{number:08}"), 1);
    Callback::post("/callbacks/kollus/t0ken", "application/x-www-form-urlencoded", body)
}
