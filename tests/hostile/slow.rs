//! Slow clients, on many concurrent connections.

use super::{Case, Door, EVENT, Wire, genuine, same, scene};

/// Number of connections that [`beside`] keeps open during the genuine callback.
const MANY: usize = 100;

const HEAD: &str = "POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\n";

pub(super) fn cases() -> Vec<Case> {
    vec![
        scene("a genuine callback, byte by byte", byte_by_byte).app_sees(&[EVENT]),
        scene("many heads, byte by byte in turn", in_turn),
        held("many connections without a byte", |door| beside(door, "")),
        held("many first bytes", |door| beside(door, "P")),
        held("many half prefaces of HTTP/2", |door| beside(door, "PRI * HTTP/2.0\r\n")),
        held("many half heads", |door| beside(door, HEAD)),
        held("many half bodies", |door| {
            beside(door, &format!("{HEAD}content-length: 1000\r\n\r\n{{"))
        }),
        held("many half chunks", |door| {
            beside(door, &format!("{HEAD}transfer-encoding: chunked\r\n\r\nfff\r\n{{"))
        }),
        held("many clients that get 100 Continue and send no body", |door| {
            beside(door, &format!("{HEAD}content-length: 1000\r\nexpect: 100-continue\r\n\r\n"))
        }),
        held("many clients that do not read the refusal", |door| {
            beside(door, &format!("{HEAD}content-length: 2000000\r\n\r\n{{"))
        }),
    ]
}

fn held(name: &str, act: fn(&dyn Door) -> Result<(), String>) -> Case {
    scene(name, act).app_sees(&[EVENT])
}

/// Sends these bytes on many connections, and then a genuine callback on another connection.
fn beside(door: &dyn Door, bytes: &str) -> Result<(), String> {
    let mut wires: Vec<_> = (0..MANY).map(|_| Wire::connect(door.port())).collect();
    wires.iter_mut().for_each(|wire| wire.write(bytes.as_bytes()));
    let mut wire = Wire::connect(door.port());
    wire.write(&genuine());
    same("status of a genuine callback meanwhile", &wire.status()?, &Some(200))
}

fn byte_by_byte(door: &dyn Door) -> Result<(), String> {
    let mut wire = Wire::connect(door.port());
    genuine().iter().for_each(|byte| wire.write(&[*byte]));
    same("status of the callback", &wire.status()?, &Some(200))
}

fn in_turn(door: &dyn Door) -> Result<(), String> {
    let request = format!("{HEAD}content-length: 2\r\n\r\n{{}}");
    let mut wires: Vec<_> = (0..20).map(|_| Wire::connect(door.port())).collect();
    for byte in request.as_bytes() {
        wires.iter_mut().for_each(|wire| wire.write(&[*byte]));
    }
    wires.iter_mut().try_for_each(|wire| same("status of each reply", &wire.status()?, &Some(401)))
}
