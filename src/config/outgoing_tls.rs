//! The tables `[[outgoing_tls]]`: authorities, client certificate and server name for `https`
//! addresses and NATS servers.

use std::sync::Arc;

use super::ConfigReader;
use super::error::unreadable_file;
use crate::outgoing_tls::{ClientIdentity, OutgoingTls};
use crate::secret::Secret;
use crate::toml_reader::{FaultKind, Located, Table};

impl<'f> ConfigReader<'f, '_> {
    /// Reads every `[[outgoing_tls]]`. For each host, the first table that covers the host applies.
    pub(super) fn outgoing_tls(&self, table: &Table<'f>) -> Vec<Arc<OutgoingTls>> {
        let tables = table.tables("outgoing_tls");
        tables.iter().map(|table| Arc::new(self.tls_with_servers(table))).collect()
    }

    fn tls_with_servers(&self, table: &Table<'f>) -> OutgoingTls {
        let hosts = table.strings("hosts");
        let hosts = hosts.iter().filter_map(|name| self.host_name(name)).collect();
        let ca = table.string("ca").and_then(|path| self.outgoing_certificates(&path));
        let chain = table.string("certificate").and_then(|path| self.outgoing_certificates(&path));
        let key = table.any("key").and_then(|item| self.secret(&item));
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
    fn outgoing_certificates(&self, path: &Located<&'f str>) -> Option<String> {
        let problem = match self.certificate_text(path) {
            Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => return Some(text),
            Ok(_) => FaultKind::ValueInvalid.because("expected certificates as PEM, found none"),
            Err(error) => FaultKind::FileUnreadable.because(unreadable_file(&error)),
        };
        let remedy = "write the path of a file with -----BEGIN CERTIFICATE-----";
        self.faults.add(&path.place, problem, remedy);
        None
    }
}

fn is_pem(key: &Secret, label: &str) -> bool {
    std::str::from_utf8(key.expose())
        .is_ok_and(|text| text.contains("-----BEGIN ") && text.contains(label))
}
