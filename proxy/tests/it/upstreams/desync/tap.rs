//! Tap that forwards the bytes between clients and a server, and copies the bytes of each
//! connection.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::connect;

/// Bytes on one connection.
#[derive(Clone, Default)]
pub(super) struct Copy {
    pub(super) to_server: Vec<u8>,
    pub(super) from_server: Vec<u8>,
}

pub(super) struct Tap {
    pub(super) port: u16,
    copies: Arc<Mutex<Vec<Copy>>>,
}

impl Tap {
    pub(super) fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let copies: Arc<Mutex<Vec<Copy>>> = Arc::default();
        let kept = Arc::clone(&copies);
        thread::spawn(move || {
            for (index, client) in listener.incoming().enumerate() {
                kept.lock().unwrap().push(Copy::default());
                forward(client.unwrap(), server, &kept, index);
            }
        });
        Self { port, copies }
    }

    pub(super) fn copies(&self) -> Vec<Copy> {
        self.copies.lock().unwrap().clone()
    }
}

fn forward(client: TcpStream, server: u16, copies: &Arc<Mutex<Vec<Copy>>>, index: usize) {
    let server = connect(server);
    server.set_read_timeout(None).unwrap();
    let to = (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(copies));
    let from = (server, client, Arc::clone(copies));
    thread::spawn(move || copy(to, |copies, bytes| copies[index].to_server.extend(bytes)));
    thread::spawn(move || copy(from, |copies, bytes| copies[index].from_server.extend(bytes)));
}

fn copy(
    (mut from, mut to, copies): (TcpStream, TcpStream, Arc<Mutex<Vec<Copy>>>),
    keep: impl Fn(&mut Vec<Copy>, &[u8]),
) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        keep(&mut copies.lock().unwrap(), &buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _closed = to.shutdown(Shutdown::Write);
}
