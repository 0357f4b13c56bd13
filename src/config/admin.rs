//! `admin_token`: who may change templates over the admin listener.

use core::net::SocketAddr;

use super::Reader;
use crate::document::{Place, Table};
use crate::secret::Secret;

/// What a caller of the admin API must know. It can be compared with, and nothing else.
#[derive(Clone, Debug)]
pub struct AdminToken(Secret);

impl AdminToken {
    /// Whether `candidate` is the token. The time taken depends on the lengths only.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.matches(candidate)
    }
}

impl<'f> Reader<'f, '_> {
    /// The token, and whether the listener is a fit place for it.
    pub(super) fn admin_token(
        &self,
        table: &Table<'f>,
        admin: Option<SocketAddr>,
    ) -> Option<AdminToken> {
        let item = table.any("admin_token")?;
        self.warn_of_listener(admin, &table.place_of("admin"), &item.place);
        let secret = self.secret(&item)?;
        if !secret.expose().iter().all(u8::is_ascii_graphic) {
            let remedy = "use letters, digits and signs of ASCII, without blanks";
            self.faults.add(&item.place, "this token cannot stand in a header", remedy);
        }
        Some(AdminToken(secret))
    }

    fn warn_of_listener(&self, admin: Option<SocketAddr>, address: &Place, token: &Place) {
        match admin {
            None => {
                let remedy = "add admin = \"127.0.0.1:9900\", or take the token out";
                self.warnings.add(token, "there is no admin listener to use this token on", remedy);
            }
            Some(admin) if !admin.ip().is_loopback() => {
                let remedy =
                    "listen on 127.0.0.1, and reach it through a tunnel or a proxy with TLS";
                let problem =
                    "other machines can reach the admin API, and read the token on its way";
                self.warnings.add(address, problem, remedy);
            }
            Some(_) => {}
        }
    }
}
