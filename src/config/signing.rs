//! `signing_secret`: what events for the app are signed with.

use std::sync::Arc;

use super::Reader;
use crate::document::{Item, Table};
use crate::provider::digest::Key;
use crate::signing::{self, Signing};

impl<'f> Reader<'f, '_> {
    /// One secret, or a list of them for rotation.
    pub(super) fn signing(&self, table: &Table<'f>) -> Option<Arc<Signing>> {
        let items = table.list("signing_secret");
        if !table.has("signing_secret") {
            return None;
        }
        if items.is_empty() {
            let remedy = "put a secret into it, or take it out";
            self.faults.add(&table.place_of("signing_secret"), "this list is empty", remedy);
        }
        let keys = items.iter().filter_map(|item| self.signing_key(item));
        Some(Arc::new(Signing::new(keys)))
    }

    fn signing_key(&self, item: &Item<'f>) -> Option<Key> {
        let key = signing::key(&self.secret(item)?);
        if key.is_none() {
            let problem = "this is no signing secret: whsec_ and 24 to 64 bytes in base64";
            let remedy = "make one: echo \"whsec_$(openssl rand -base64 32)\"";
            self.faults.add(&item.place, problem, remedy);
        }
        key
    }
}
