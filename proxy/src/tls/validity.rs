//! Validity of certificates: those that gatepost serves, and those in the other PEM files of the
//! config.

use gatepost::{Config, Fault, FaultKind, PemFile, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

/// Number of days of validity. If a certificate has fewer days left, gatepost warns. Certbot renews
/// a certificate 30 days before its expiry, so gatepost warns only after a failed renewal.
const WARNING_DAYS: i64 = 14;

const RENEW: &str = "renew the certificate";

const DAY_SECS: i64 = 86_400;

/// Time in which a certificate is valid, in Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    begin: i64,
    pub(super) end: i64,
}

impl Validity {
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let validity = &certificate.validity;
        Self { begin: validity.not_before.timestamp(), end: validity.not_after.timestamp() }
    }

    /// Returns the date on which the certificate expires.
    pub(super) fn end_date(self) -> String {
        date(self.end)
    }

    /// Returns a fault and its remedy if the certificate is invalid now or expires soon.
    pub(super) fn fault(self, now: Timestamp) -> Option<(String, &'static str)> {
        let (end, days) = (self.end_date(), self.days_left(now));
        if self.is_expired(now) {
            let fault = format!("expected a valid certificate, found one that expired on {end}");
            return Some((fault, RENEW));
        }
        if !self.has_begun(now) {
            let begin = date(self.begin);
            let fault =
                format!("expected a valid certificate, found one that is valid from {begin}");
            return Some((fault, "check the clock"));
        }
        (days < WARNING_DAYS).then(|| {
            let fault = format!(
                "expected at least {WARNING_DAYS} days of validity, found {days}, until {end}"
            );
            (fault, RENEW)
        })
    }

    pub(super) const fn is_expired(self, now: Timestamp) -> bool {
        now.as_secs() >= self.end
    }

    pub(super) const fn has_begun(self, now: Timestamp) -> bool {
        now.as_secs() >= self.begin
    }

    /// Returns the number of whole days until the certificate expires.
    pub(super) const fn days_left(self, now: Timestamp) -> i64 {
        (self.end - now.as_secs()) / DAY_SECS
    }
}

fn date(secs: i64) -> String {
    let time = ASN1Time::from_timestamp(secs);
    time.map_or_else(|_| secs.to_string(), |time| time.to_datetime().date().to_string())
}

/// Returns a warning for each file of `client_ca` and `[[outgoing_tls]]` with a certificate that is
/// invalid now or expires soon. gatepost does not serve these certificates.
pub(crate) fn warnings(config: &Config, now: Timestamp) -> Vec<Fault> {
    let client_ca = config.proxy().tls.as_ref().and_then(|tls| tls.client_ca.as_ref());
    let outgoing = config.outgoing_tls().flat_map(|tls| {
        tls.ca().into_iter().chain(tls.identity().map(|(certificate, _)| certificate))
    });
    client_ca.into_iter().chain(outgoing).filter_map(|file| warning(file, now)).collect()
}

/// Returns the start of a name, without line breaks and other control characters.
fn printable(name: &str) -> String {
    const MAX_CHARS: usize = 100;
    name.chars().take(MAX_CHARS).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Returns a warning about the first faulty certificate of a file, and the number of the other
/// faulty certificates.
fn warning(file: &PemFile, now: Timestamp) -> Option<Fault> {
    let read = CertificateDer::pem_slice_iter(&file.content).filter_map(Result::ok);
    let faulty = read.filter_map(|der| {
        let (_, certificate) = X509Certificate::from_der(&der).ok()?;
        let (fault, remedy) = Validity::of(&certificate).fault(now)?;
        let subject = printable(&certificate.subject.to_string());
        let name = file.name.display();
        Some((format!("certificate of {subject} in {name}: {fault}"), remedy))
    });
    let mut faulty = faulty.fuse();
    let (problem, remedy) = faulty.next()?;
    let problem = match faulty.count() {
        0 => problem,
        others => format!("{problem} (and {others} more in this file)"),
    };
    Some(file.place.fault(FaultKind::CertificateOutOfDate, problem, remedy))
}

#[cfg(test)]
mod tests {
    use super::super::certificate::tests::issue_until;
    use super::*;

    #[test]
    fn name_of_certificate_cannot_break_a_line() {
        assert_eq!(printable("CN=a\nWARN\u{1b}[0m"), "CN=a?WARN?[0m");
        assert_eq!(printable(&"é".repeat(101)), "é".repeat(100));
    }

    #[test]
    fn warns_of_each_file_with_certificate_that_is_out_of_date() {
        let folder = tempfile::TempDir::new().unwrap();
        let write = |name: &str, pem: String| std::fs::write(folder.path().join(name), pem);
        let [old, soon, later] = [2025, 2026, 2030].map(|year| issue_until("One CA", year, 1, 11));
        write("client_ca.pem", soon.pem.clone()).unwrap();
        write("ca.pem", format!("{}{}{}", later.pem, old.pem, old.pem)).unwrap();
        write("client.pem", later.pem.clone()).unwrap();
        write("client.key", later.key.serialize_pem()).unwrap();
        write("server.pem", old.pem.clone()).unwrap();
        write("server.key", old.key.serialize_pem()).unwrap();
        let config = "listen_tls = '127.0.0.1:1'\ntls.client_ca = 'client_ca.pem'\n\
            upstream = ['https://localhost', 'https://127.0.0.1']\n\
            [[certificate]]\nchain = 'server.pem'\nkey = { file = 'server.key' }\n\
            [[outgoing_tls]]\nca = 'ca.pem'\n\
            certificate = 'client.pem'\nkey = { file = 'client.key' }\n\
            [[route]]\npath = '/a'\nprovider = 'mux'\n";
        let config = Config::from_text(config, folder.path().join("gatepost.toml")).unwrap();
        // 2026-01-01.
        let found = warnings(&config, Timestamp::from_secs(1_767_225_600));
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        let expected = [
            "2:17: tls.client_ca: certificate of CN=One CA in client_ca.pem: expected at least 14 \
             days of validity, found 10, until 2026-01-11; renew the certificate",
            "8:6: outgoing_tls[0].ca: certificate of CN=One CA in ca.pem: expected a valid \
             certificate, found one that expired on 2025-01-11 (and 1 more in this file); renew the certificate",
        ];
        assert_eq!(found, expected);
    }
}
