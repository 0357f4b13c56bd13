//! Turns in which gatepost judges large bodies.
//!
//! A client without a key can send large bodies without pause. gatepost judges one large body at a
//! time, so that most of the processor remains for other requests. The clients that wait take
//! turns, so that a client with many bodies does not delay the body of another client much.

use core::net::IpAddr;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot::{Sender, channel};

use super::Memory;
use crate::limit::{ClientNetwork, client_network};
use crate::printable::print_only;

/// The bodies that wait for their turn.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    is_taken: bool,
    /// The clients that wait, in the order of their next turns, each with its bodies in order.
    clients: VecDeque<(Option<ClientNetwork>, VecDeque<Sender<Turn>>)>,
}

/// Right to judge a large body. Dropping this value gives the turn to the next body.
pub(crate) struct Turn(Option<Arc<Memory>>);

print_only! { Turn:; }

impl Turn {
    /// Waits for the turn of a client. All clients without a known address count as one client.
    pub(crate) async fn wait(memory: &Arc<Memory>, address: Option<IpAddr>) -> Self {
        let turn = {
            let mut queue = memory.turns.lock();
            if !std::mem::replace(&mut queue.is_taken, true) {
                return Self(Some(Arc::clone(memory)));
            }
            let (sender, turn) = channel();
            queue.add(address.map(client_network), sender);
            turn
        };
        // `Turns` never drops the sender of a body that waits.
        turn.await.unwrap_or(Self(None))
    }
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the channel of the next body that waits. If no body waits, frees the turn.
    fn next(&self) -> Option<Sender<Turn>> {
        let mut queue = self.lock();
        let next = queue.next();
        queue.is_taken = next.is_some();
        next
    }
}

impl Queue {
    fn add(&mut self, client: Option<ClientNetwork>, sender: Sender<Turn>) {
        match self.clients.iter_mut().find(|(waiting, _)| *waiting == client) {
            Some((_, senders)) => senders.push_back(sender),
            None => self.clients.push_back((client, [sender].into())),
        }
    }

    fn next(&mut self) -> Option<Sender<Turn>> {
        let (client, mut senders) = self.clients.pop_front()?;
        let next = senders.pop_front();
        if !senders.is_empty() {
            self.clients.push_back((client, senders));
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut memory) = self.0.take() else { return };
        while let Some(next) = memory.turns.next() {
            // `send` fails if the body no longer waits. The turn then passes to the next body.
            let Err(mut unsent) = next.send(Self(Some(memory))) else { return };
            let Some(returned) = unsent.0.take() else { return };
            memory = returned;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Waiting<'m> = Pin<Box<dyn Future<Output = Turn> + 'm>>;

    /// Waits for a turn as the client with the address `10.0.0.LAST`.
    fn wait(memory: &Arc<Memory>, last: u8) -> Waiting<'_> {
        let mut waiting: Waiting<'_> = Box::pin(Turn::wait(memory, Some([10, 0, 0, last].into())));
        assert!(poll(&mut waiting).is_none(), "expected a wait, found a free turn");
        waiting
    }

    fn poll(waiting: &mut Waiting<'_>) -> Option<Turn> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    fn first(memory: &Arc<Memory>) -> Turn {
        let mut waiting: Waiting<'_> = Box::pin(Turn::wait(memory, None));
        poll(&mut waiting).expect("expected a free turn, found a wait")
    }

    #[test]
    fn clients_take_turns() {
        let memory = Arc::default();
        let mut turn = first(&memory);
        let mut waiting = [1, 1, 1, 2, 3, 3].map(|client| wait(&memory, client));
        for expected in [0, 3, 4, 1, 5, 2] {
            drop(turn);
            turn = poll(&mut waiting[expected])
                .unwrap_or_else(|| panic!("expected the turn of body {expected}, found a wait"));
        }
        drop(turn);
        drop(first(&memory));
    }

    #[test]
    fn next_body_gets_turn_of_disconnected_client() {
        let memory = Arc::default();
        let turn = first(&memory);
        let (gone, received, mut next) = (wait(&memory, 1), wait(&memory, 1), wait(&memory, 1));
        drop(gone);
        drop(turn);
        assert!(poll(&mut next).is_none(), "expected a wait for an earlier body, found a turn");
        // This body gets the turn, and its client disconnects before the body uses the turn.
        drop(received);
        drop(poll(&mut next).expect("expected a turn, found a wait"));
        drop(first(&memory));
    }
}
