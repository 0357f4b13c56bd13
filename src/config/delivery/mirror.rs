//! The key `mirror`: the addresses of another app, which receives a copy of each event of a
//! notification.

use std::sync::Arc;

use super::Entry;
use crate::address::Addresses;
use crate::config::ConfigReader;
use crate::event::Forward;
use crate::provider::{Kind, Plan};
use crate::toml_reader::{FaultKind, Place, Table};

/// The value of `mirror`.
pub(super) struct Mirror {
    pub(super) addresses: Arc<Addresses>,
    place: Place,
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads `mirror`. Returns `None` if no address receives copies, and for a faulty address.
    pub(super) fn mirror(&self, table: &Table<'f>) -> Option<Mirror> {
        let texts = self.address_texts(table, "mirror");
        let addresses = self.app_addresses(&texts)?;
        Some(Mirror { addresses, place: table.place_of("mirror") })
    }

    /// Reports `mirror` in an entry that applies to a decision, sets passthrough, or has no `url`.
    pub(super) fn check_mirror<'e>(
        &self,
        entry: &'e Entry,
        plan: &Plan,
        resolve: impl Fn(&Kind) -> Option<&'e Entry>,
    ) {
        let Some(Mirror { place, .. }) = &entry.mirror else { return };
        let unused = |problem: &str, remedy: &str| {
            self.faults.add(place, FaultKind::KeyUnused.because(problem), remedy);
        };
        let is_own = |kind: &&Kind| resolve(kind).is_some_and(|own| std::ptr::eq(own, entry));
        let decision = plan.kinds.iter().filter(is_own).find(|kind| kind.decision.is_some());
        if let Some(kind) = decision {
            let problem = format!("expected notifications, found the decision {}", kind.name);
            unused(&problem, "remove mirror, or write a separate entry for the decision");
        }
        if entry.forward == Forward::Passthrough {
            let problem = "expected a form other than passthrough beside mirror, found passthrough";
            unused(problem, "write forward = \"raw\", or remove mirror");
        }
        if entry.answer.is_some() || entry.url.is_none() {
            let problem = "expected a url beside mirror, found none";
            let problem = FaultKind::KeyMissing.because(problem);
            self.faults.add(place, problem, "add the url of the app, or rename mirror to url");
        }
    }
}
