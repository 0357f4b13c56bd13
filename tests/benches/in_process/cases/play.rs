//! Kollus' question whether a viewer may play, each time of another viewer, and the gate that it
//! comes to.

use gatepost::Gate;

use super::callback::Callback;

/// What the platform sends.
pub const BODY: &str = include_str!("../../../vectors/kollus/live_play_native/body");

/// A gate that takes it, live or of a video; the reply to the latter is a token.
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

/// The question of the viewer of that number, about a live broadcast.
pub fn live(number: usize) -> Callback {
    of_kind(100, number)
}

/// The same about a video.
pub fn of_video(number: usize) -> Callback {
    of_kind(1, number)
}

fn of_kind(kind: u32, number: usize) -> Callback {
    let body = BODY.replacen("kind=100", &format!("kind={kind}"), 1);
    let body = body.replacen("user01", &format!("user{number:08}"), 1);
    Callback::post("/callbacks/kollus/t0ken", "application/x-www-form-urlencoded", body)
}
