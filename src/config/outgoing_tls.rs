//! The tables `[[outgoing_tls]]`: authorities, client certificate and server name for `https`
//! addresses and NATS servers.

use std::sync::Arc;

use super::ConfigReader;
use super::addresses::TlsEntry;
use super::error::unreadable_file;
use super::store::{StoreLocation, StoreSettings};
use crate::outgoing_tls::{ClientIdentity, OutgoingTls};
use crate::pem::{PemFile, PrivateKeyPem};
use crate::toml_reader::{FaultKind, Located, Place, Table, list};

impl<'f> ConfigReader<'f, '_> {
    /// Reads every `[[outgoing_tls]]`. For each host, the first table that covers the host applies.
    pub(super) fn outgoing_tls(&self, table: &Table<'f>) -> Vec<TlsEntry> {
        let entry = |table: &Table<'f>| TlsEntry {
            place: if table.has("hosts") { table.place_of("hosts") } else { table.place.clone() },
            tls: Arc::new(self.tls_with_servers(table)),
        };
        table.tables("outgoing_tls").iter().map(entry).collect()
    }

    /// Returns every `[[outgoing_tls]]`, and warns of each that covers no address. Call this method
    /// after all addresses are read.
    pub(super) fn checked_tls(&self, store: Option<&StoreSettings>) -> Vec<Arc<OutgoingTls>> {
        // A fault in an address would cause a false warning.
        if self.faults.is_empty() {
            self.warn_of_unused_tls(store);
        }
        self.servers.tls_entries().into_iter().map(|entry| entry.tls).collect()
    }

    fn warn_of_unused_tls(&self, store: Option<&StoreSettings>) {
        let mut hosts = self.servers.https_hosts();
        if let Some(StoreLocation::Nats(nats)) = store.map(|store| &store.location) {
            hosts.extend(nats.first_host().map(str::to_owned));
        }
        for TlsEntry { place, tls } in self.servers.tls_entries() {
            let is_used = |host: &String| {
                self.servers.tls_for(host).is_some_and(|first| Arc::ptr_eq(&first, &tls))
            };
            if !hosts.iter().any(is_used) {
                let is_covered = hosts.iter().any(|host| tls.applies_to(host));
                self.warn_of_tls(&place, &tls, is_covered);
            }
        }
    }

    /// Warns of an `[[outgoing_tls]]` without effect. `is_covered` is true if earlier entries cover
    /// all addresses of its hosts.
    fn warn_of_tls(&self, place: &Place, tls: &OutgoingTls, is_covered: bool) {
        let hosts: Vec<_> = tls.hosts.iter().map(String::as_str).collect();
        let of_hosts = match &*hosts {
            [] => String::new(),
            hosts => format!(" with a host of `hosts` ({})", list(hosts)),
        };
        let (found, remedy) = if is_covered {
            ("only addresses that an earlier entry covers", "move this entry above that entry")
        } else if hosts.is_empty() {
            ("none", "write https:// in the address of the server")
        } else {
            ("none", "write the host of an https address into `hosts`")
        };
        let problem = format!(
            "expected an https address or a NATS server{of_hosts} for this entry, found {found}"
        );
        self.warnings.add(place, problem, format!("{remedy}, or remove the entry"));
    }

    fn tls_with_servers(&self, table: &Table<'f>) -> OutgoingTls {
        let hosts = table.strings("hosts");
        let hosts = hosts.iter().filter_map(|name| self.host_name(name)).collect();
        let ca = table.string("ca").and_then(|path| self.outgoing_certificates(&path));
        let chain = table.string("certificate").and_then(|path| self.outgoing_certificates(&path));
        let key = table.any("key");
        let key = key.and_then(|item| Some(self.key_pem(&item, self.secret(&item)?)));
        let server_name = table.string("server_name");
        let server_name = server_name.and_then(|name| self.host_name(&name));
        for (key, other) in [("certificate", "key"), ("key", "certificate")] {
            if table.has(key) && !table.has(other) {
                let problem = format!("expected `{other}` beside `{key}`, found none");
                let (place, remedy) = (table.place_of(key), format!("add {other}"));
                self.faults.add_missing((&table.place, other), &place, problem, remedy);
            }
        }
        if let Some(key) = &key
            && !is_pem(key, "PRIVATE KEY")
        {
            let remedy = "set key to a private key in PEM, which begins with -----BEGIN";
            let problem = FaultKind::SecretInvalid.because("expected a key as PEM, found none");
            self.faults.add(&table.place_of("key"), problem, remedy);
        }
        table.finish();
        let identity = chain.zip(key).map(|(chain, key)| ClientIdentity { chain, key });
        OutgoingTls { hosts, ca, identity, server_name }
    }

    /// Reads a file with certificates.
    fn outgoing_certificates(&self, path: &Located<&'f str>) -> Option<PemFile> {
        let problem = match self.certificate_text(path) {
            Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => {
                return Some(self.pem(path, text.as_bytes()));
            }
            Ok(_) => FaultKind::ValueInvalid.because("expected certificates as PEM, found none"),
            Err(error) => FaultKind::FileUnreadable.because(unreadable_file(&error)),
        };
        let remedy = "write the path of a file with -----BEGIN CERTIFICATE-----";
        self.faults.add(&path.place, problem, remedy);
        None
    }
}

fn is_pem(key: &PrivateKeyPem, label: &str) -> bool {
    std::str::from_utf8(key.expose())
        .is_ok_and(|text| text.contains("-----BEGIN ") && text.contains(label))
}
