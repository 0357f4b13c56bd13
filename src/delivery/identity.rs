//! Identity of a callback: the values that all its copies share, and the viewer that it is about.

use std::time::Duration;

use crate::event::{Event, Identity};
use crate::memory::{Domain, Fingerprint};
use crate::template::Ask;
use crate::verdict::Accepted;

impl Accepted {
    /// Returns the time for which gatepost remembers the callback; `None` if the app receives every
    /// copy.
    ///
    /// If the callback has no identity, another callback may have equal data. gatepost then treats
    /// a callback with equal data as a resend only if the operator has set `dedupe` for the kind.
    pub(super) fn resend_window(&self, ask: &Ask) -> Option<Duration> {
        let rule = ask.resends.as_ref()?;
        (rule.by_content || self.event().identity != Identity::New).then_some(rule.window)
    }

    /// Returns a fingerprint that all resends of the callback share and no other callback has.
    pub(super) fn identity(&self) -> Fingerprint {
        let reply_signing = self.reply_signing();
        let parts = self.identity_parts(Event::local_id).into_iter().chain([&*reply_signing]);
        self.memory().fingerprint(Domain::Callback, parts)
    }

    /// Returns the values that all resends of the callback share and no other callback has.
    ///
    /// If the data identifies the event, `of_content` returns a digest of the data. For a value that
    /// other machines compare, pass [`Event::id_digits`], else [`Event::local_id`].
    pub(super) fn identity_parts(&self, of_content: impl Fn(&Event) -> &[u8]) -> [&[u8]; 4] {
        let event = self.event();
        let plan = &self.template().plan;
        let name = self.template().name().as_bytes();
        match event.identity {
            Identity::Content => [name, of_content(event), &[], &[]],
            // If a resend may have other fields, a signed id alone identifies the callback. A
            // client can forge an id that the platform does not sign.
            Identity::Declared if !plan.id_without.is_empty() && self.has_signed_id() => {
                [name, event.id_digits(), &[], &[]]
            }
            Identity::Declared => [name, event.id_digits(), &[], event.data()],
            Identity::New => {
                [name, event.source().as_bytes(), event.kind().as_bytes(), event.data()]
            }
        }
    }

    /// Returns a fingerprint of the settings of the reply signing.
    ///
    /// gatepost remembers a reply under a fingerprint that includes this fingerprint. After a
    /// change of the settings, gatepost therefore repeats no reply that it signed with the old
    /// settings.
    pub(super) fn reply_signing(&self) -> Vec<u8> {
        let policy = self.delivery().as_ask().and_then(|ask| ask.policy.as_ref());
        policy.map(|policy| policy.reply_signing.fingerprint()).unwrap_or_default()
    }

    /// Returns a fingerprint of the viewer and the content; `None` if the callback does not name
    /// both.
    pub(super) fn viewer(&self) -> Option<Fingerprint> {
        let event = self.event();
        let viewer = self.kind().viewer.read(event.data())?;
        let parts = self.viewer_scope().into_iter().chain(viewer.iter().map(String::as_bytes));
        let reply_signing = self.reply_signing();
        let parts = parts.chain([&*reply_signing]);
        Some(self.memory().fingerprint(Domain::Viewer, parts))
    }

    /// Returns the values within which a viewer and content are unique.
    pub(super) fn viewer_scope(&self) -> [&[u8]; 3] {
        let event = self.event();
        [self.template().name(), event.source(), event.kind()].map(str::as_bytes)
    }
}
