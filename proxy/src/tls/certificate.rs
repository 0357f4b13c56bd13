//! One certificate with its chain and key, as the operator configures it.
//!
//! The rules, in the order of the check:
//!
//! 1. The chain file has at least one certificate in PEM.
//! 2. The key file has a private key in PEM, without a passphrase, of a type that gatepost can use.
//! 3. The key belongs to the first certificate.
//! 4. The certificate of the issuer follows each certificate of the chain except the last.

use std::sync::Arc;

use gatepost::{CertificateFiles, ConfigPlace, Fault, FaultKind, Timestamp};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::TlsError;
use super::validity::Validity;

/// Maximum number of names that a message lists.
const MAX_NAMES: usize = 4;

/// Reason why gatepost cannot serve a certificate.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum CertificateFault {
    #[error("expected a certificate in PEM, found none; write the path of the file with the chain")]
    NoCertificate,
    #[error("expected certificates in PEM, found damaged PEM; copy the file again")]
    DamagedPem,
    #[error(
        "expected an X.509 certificate as number {0} of the chain, found other bytes; copy the file again"
    )]
    NoX509(usize),
    #[error("expected a private key in PEM, found none; write the path of the key's file")]
    NoKey,
    #[error(
        "expected a private key without a passphrase, found an encrypted key; decrypt the key with `openssl pkey -in OLD -out NEW`"
    )]
    EncryptedKey,
    #[error(
        "expected an RSA, ECDSA (P-256, P-384) or Ed25519 key, found another or a damaged key; request a certificate with such a key"
    )]
    UnsupportedKey,
    #[error(
        "expected the server's certificate first, found {0} first; reverse the order of the chain"
    )]
    ServerNotFirst(String),
    #[error(
        "expected the key of the certificate of {0}, found another key; set `key` to the key that belongs to the certificate"
    )]
    OtherKey(String),
    #[error(
        "expected the certificate of {issuer} as number {number} of the chain, found that of {found}; put each issuer after the certificate that it issued"
    )]
    Order { number: usize, issuer: String, found: String },
}

impl CertificateFault {
    /// Returns true if the fault is in the private key, and not in the chain.
    const fn is_of_key(&self) -> bool {
        matches!(self, Self::NoKey | Self::EncryptedKey | Self::UnsupportedKey | Self::OtherKey(_))
    }
}

/// A certificate that is ready to serve.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// Path of the chain file, as the config names it.
    chain: String,
    /// Place of this path in the config.
    place: ConfigPlace,
    /// The first DNS name, or the subject if the certificate has no DNS name.
    pub(super) label: String,
    /// DNS names in lower case. The first label of a name may be `*`.
    pub(super) dns_names: Vec<String>,
    validity: Validity,
    pub(super) key: Arc<CertifiedKey>,
}

impl Certificate {
    /// Parses and checks the files of a certificate.
    pub(super) fn parse(files: &CertificateFiles) -> Result<Self, TlsError> {
        let chain = files.chain.name.display().to_string();
        Self::checked(files, &chain).map_err(|fault| TlsError::Certificate { chain, fault })
    }

    /// Returns a fault for `gatepost check` if the proxy cannot serve the certificate.
    pub(super) fn fault(files: &CertificateFiles) -> Option<Fault> {
        let name = files.chain.name.display().to_string();
        let fault = Self::checked(files, &name).err()?;
        let (place, kind) = match fault.is_of_key() {
            true => (files.key.place(), FaultKind::SecretInvalid),
            false => (&files.chain.place, FaultKind::ValueInvalid),
        };
        Some(located(place, kind, &format!("certificate {name}: {fault}")))
    }

    fn checked(files: &CertificateFiles, name: &str) -> Result<Self, CertificateFault> {
        let pem = CertificateDer::pem_slice_iter(&files.chain.content);
        let chain: Vec<_> =
            pem.collect::<Result<_, _>>().map_err(|_| CertificateFault::DamagedPem)?;
        let parsed = chain.iter().enumerate().map(|(at, der)| {
            X509Certificate::from_der(der)
                .map_err(|_| CertificateFault::NoX509(at + 1))
                .map(|(_, parsed)| parsed)
        });
        let parsed: Vec<_> = parsed.collect::<Result<_, _>>()?;
        let Some(first) = parsed.first() else { return Err(CertificateFault::NoCertificate) };
        let key = certified_key(&chain, &parsed, files.key.expose())?;
        check_order(&parsed)?;
        let dns_names = dns_names(first);
        let label = dns_names.first().cloned().unwrap_or_else(|| subject(first));
        let (validity, key) = (Validity::of(first), Arc::new(key));
        let (chain, place) = (name.to_owned(), files.chain.place.clone());
        Ok(Self { chain, place, label, dns_names, validity, key })
    }

    /// Returns the names for a message, at most four.
    pub(crate) fn names(&self) -> String {
        match self.dns_names.split_at_checked(MAX_NAMES) {
            Some((first, rest @ [_, ..])) => {
                format!("{} and {} more", first.join(", "), rest.len())
            }
            Some((_, [])) | None if self.dns_names.is_empty() => self.label.clone(),
            Some((_, [])) | None => self.dns_names.join(", "),
        }
    }

    /// Returns the date on which the certificate expires.
    pub(crate) fn end_date(&self) -> String {
        self.validity.end_date()
    }

    /// Returns a line that describes the certificate.
    pub(crate) fn summary(&self, now: Timestamp) -> String {
        let (names, end, days) = (self.names(), self.end_date(), self.days_left(now));
        format!("certificate {}: {names}; expires on {end}, in {days} days", self.chain)
    }

    /// Returns a warning if the certificate is invalid now or expires soon.
    pub(crate) fn warning(&self, now: Timestamp) -> Option<Fault> {
        let (fault, remedy) = self.validity.fault(now)?;
        let problem = format!("certificate {}: {fault}", self.chain);
        Some(self.place.fault(FaultKind::CertificateOutOfDate, problem, remedy))
    }

    pub(crate) const fn is_expired(&self, now: Timestamp) -> bool {
        self.validity.is_expired(now)
    }

    pub(crate) const fn has_begun(&self, now: Timestamp) -> bool {
        self.validity.has_begun(now)
    }

    /// Returns the number of whole days until the certificate expires.
    pub(crate) const fn days_left(&self, now: Timestamp) -> i64 {
        self.validity.days_left(now)
    }

    /// Returns the expiry time, in Unix seconds.
    pub(super) const fn end(&self) -> i64 {
        self.validity.end
    }
}

/// Creates a fault from a text that ends with `; ` and a remedy.
pub(super) fn located(place: &ConfigPlace, kind: FaultKind, text: &str) -> Fault {
    let (problem, remedy) = text.rsplit_once("; ").unwrap_or((text, ""));
    place.fault(kind, problem, remedy)
}

/// Returns the key with its chain. Returns an error if gatepost cannot use the key, or if the key
/// does not belong to the first certificate.
fn certified_key(
    chain: &[CertificateDer<'static>],
    parsed: &[X509Certificate<'_>],
    pem: &[u8],
) -> Result<CertifiedKey, CertificateFault> {
    let Ok(der) = PrivateKeyDer::from_pem_slice(pem) else {
        let is_encrypted = memchr::memmem::find(pem, b"ENCRYPTED").is_some();
        return Err(if is_encrypted {
            CertificateFault::EncryptedKey
        } else {
            CertificateFault::NoKey
        });
    };
    let key = default_provider().key_provider.load_private_key(der);
    let key = match key {
        Ok(key) => key,
        // An encrypted key in the form of OpenSSL before 1.0 has the PEM label of a key without a
        // passphrase.
        Err(_) if memchr::memmem::find(pem, b"ENCRYPTED").is_some() => {
            return Err(CertificateFault::EncryptedKey);
        }
        Err(_) => return Err(CertificateFault::UnsupportedKey),
    };
    let is_key_of = |der: &CertificateDer<'static>| {
        CertifiedKey::new(vec![der.clone()], Arc::clone(&key)).keys_match().is_ok()
    };
    match chain.iter().position(is_key_of) {
        Some(0) => Ok(CertifiedKey::new(chain.to_vec(), key)),
        Some(_) => {
            Err(CertificateFault::ServerNotFirst(parsed.first().map(subject).unwrap_or_default()))
        }
        None => Err(CertificateFault::OtherKey(parsed.first().map(subject).unwrap_or_default())),
    }
}

fn check_order(chain: &[X509Certificate<'_>]) -> Result<(), CertificateFault> {
    for (at, pair) in chain.windows(2).enumerate() {
        if let [certificate, next] = pair
            && certificate.issuer.as_raw() != next.subject.as_raw()
        {
            let (issuer, found) = (certificate.issuer.to_string(), subject(next));
            return Err(CertificateFault::Order { number: at + 2, issuer, found });
        }
    }
    Ok(())
}

pub(super) fn subject(certificate: &X509Certificate<'_>) -> String {
    certificate.subject.to_string()
}

/// Returns the DNS names for which a client accepts the certificate. If there are none, returns the
/// common name, which older tools set instead.
fn dns_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|extension| &extension.value.general_names);
    let dns = names.filter_map(|name| {
        let GeneralName::DNSName(name) = name else { return None };
        Some(name.to_ascii_lowercase())
    });
    let dns: Vec<_> = dns.collect();
    if !dns.is_empty() {
        return dns;
    }
    let common = certificate.subject.iter_common_name().filter_map(|name| name.as_str().ok());
    common.filter(|name| name.contains('.')).map(str::to_ascii_lowercase).take(1).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use gatepost::{Config, TlsSettings};
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    /// A certificate in PEM, with its key.
    pub(crate) struct Issued {
        pub(crate) pem: String,
        pub(crate) key: KeyPair,
        params: CertificateParams,
    }

    fn params(name: &str) -> CertificateParams {
        let names = name.contains('.').then(|| name.to_owned());
        let mut params = CertificateParams::new(Vec::from_iter(names)).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    /// Issues a certificate for `name`. If `name` has no dot, issues the certificate of an
    /// authority.
    pub(crate) fn issue(name: &str, issuer: Option<&Issued>) -> Issued {
        issue_with(params(name), issuer)
    }

    /// Issues a certificate for `name`, as [`issue`] does, that expires on this day.
    pub(crate) fn issue_until(name: &str, year: i32, month: u8, day: u8) -> Issued {
        let mut params = params(name);
        params.not_after = rcgen::date_time_ymd(year, month, day);
        issue_with(params, None)
    }

    fn issue_with(mut params: CertificateParams, issuer: Option<&Issued>) -> Issued {
        if params.subject_alt_names.is_empty() {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        let signed = match issuer {
            None => params.self_signed(&key),
            Some(issuer) => {
                params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key))
            }
        };
        Issued { pem: signed.unwrap().pem(), key, params }
    }

    /// Returns a config with a TLS listener and these certificates: each a chain and a key.
    pub(crate) fn config(certificates: &[(&str, &str)]) -> Config {
        let folder = tempfile::TempDir::new().unwrap();
        let mut config =
            "listen_tls = '127.0.0.1:8443'\nupstream = 'http://127.0.0.1:9'\n".to_owned();
        for (at, (chain, key)) in certificates.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{at}.pem")), chain).unwrap();
            std::fs::write(folder.path().join(format!("{at}.key")), key).unwrap();
            let table =
                format!("[[certificate]]\nchain = '{at}.pem'\nkey = {{ file = '{at}.key' }}\n");
            config.push_str(&table);
        }
        config.push_str("[[route]]\npath = '/hook'\nprovider = 'kollus'\nmode = 'shadow'");
        Config::from_text(&config, folder.path().join("gatepost.toml")).unwrap()
    }

    pub(crate) fn settings(certificates: &[(&str, &str)]) -> Arc<TlsSettings> {
        Arc::clone(config(certificates).proxy().tls.as_ref().unwrap())
    }

    fn parse(chain: &str, key: &str) -> Result<Certificate, String> {
        let settings = settings(&[(chain, key)]);
        Certificate::parse(&settings.certificates[0]).map_err(|fault| fault.to_string())
    }

    fn openssl(arguments: &[&str], input: &str) -> String {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("in.pem");
        std::fs::write(&path, input).unwrap();
        let output = std::process::Command::new("openssl")
            .args(arguments)
            .arg("-in")
            .arg(path)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn explains_each_fault_of_a_certificate() {
        let root = issue("Root", None);
        let middle = issue("Middle", Some(&root));
        let server = issue("gate.example.com", Some(&middle));
        let other = issue("other.example.com", Some(&root));
        let key = server.key.serialize_pem();
        let whole = format!("{}{}{}", server.pem, middle.pem, root.pem);
        assert!(parse(&whole, &key).is_ok());
        assert!(
            parse(&server.pem, &key).is_ok(),
            "expected a certificate without its issuers to be valid, found a fault"
        );
        let encrypted = openssl(&["pkey", "-aes128", "-passout", "pass:x"], &key);
        let traditional = openssl(&["ec", "-aes128", "-passout", "pass:x"], &key);
        let p521 = openssl(&["ecparam", "-name", "secp521r1", "-genkey", "-noout"], "");
        let other_key = other.key.serialize_pem();
        let cases = [
            ("", &*key, "expected a certificate in PEM, found none; write the path"),
            (&*key, &key, "expected a certificate in PEM, found none; write the path"),
            (&whole[..300], &key, "expected certificates in PEM, found damaged PEM; copy"),
            (&whole, &server.pem, "expected a private key in PEM, found none; write the path"),
            (&whole, &encrypted, "expected a private key without a passphrase, found an encrypted"),
            (&whole, &traditional, "expected a private key without a passphrase, found an encry"),
            (&whole, &p521, "expected an RSA, ECDSA (P-256, P-384) or Ed25519 key, found another"),
            (
                &whole,
                &other_key,
                "expected the key of the certificate of CN=gate.example.com, found another key;",
            ),
            (
                &format!("{}{}", middle.pem, server.pem),
                &key,
                "expected the server's certificate first, found CN=Middle first; reverse the",
            ),
            (
                &format!("{}{}", server.pem, root.pem),
                &key,
                "expected the certificate of CN=Middle as number 2 of the chain, found that of \
                 CN=Root; put",
            ),
        ];
        for (chain, key, expected) in cases {
            let fault = parse(chain, key).expect_err(expected);
            assert!(
                fault.starts_with(&format!("certificate 0.pem: {expected}")),
                "expected {expected}, found {fault}"
            );
            assert!(!fault.contains("PRIVATE"), "expected no `PRIVATE`, found {fault}");
        }
        let no_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let fault = parse(no_x509, &key).unwrap_err();
        assert!(fault.contains("as number 1 of the chain, found other bytes"), "{fault}");
    }

    #[test]
    fn reads_names_and_validity() {
        let mut params = params("gate.example.com");
        params.subject_alt_names = CertificateParams::new(
            ["Gate.Example.com", "*.example.org", "10.0.0.1"].map(String::from),
        )
        .unwrap()
        .subject_alt_names;
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 4, 1);
        let issued = issue_with(params, None);
        let certificate = parse(&issued.pem, &issued.key.serialize_pem()).unwrap();
        assert_eq!(certificate.label, "gate.example.com");
        assert_eq!(certificate.dns_names, ["gate.example.com", "*.example.org"]);
        let day = |days: i64| Timestamp::from_secs(1_767_225_600 + days * 86_400);
        let summary = certificate.summary(day(30));
        assert_eq!(
            summary,
            "certificate 0.pem: gate.example.com, *.example.org; expires on 2026-04-01, in 60 days"
        );
        for (days, expected) in [
            (-1, Some("found one that is valid from 2026-01-01; check the clock")),
            (0, None),
            (76, None),
            (77, Some("days of validity, found 13, until 2026-04-01; renew the certificate")),
            (90, Some("found one that expired on 2026-04-01; renew the certificate")),
        ] {
            let warning = certificate.warning(day(days));
            let warning = warning.map(|fault| format!("{}; {}", fault.problem(), fault.remedy()));
            assert_eq!(warning.is_some(), expected.is_some(), "{days}: {warning:?}");
            assert!(
                expected.is_none_or(|text| warning.as_ref().unwrap().ends_with(text)),
                "{days}: expected {expected:?}, found {warning:?}"
            );
        }
    }

    #[test]
    fn uses_common_name_if_certificate_has_no_other_names() {
        let mut params = params("old.example.com");
        params.subject_alt_names.clear();
        let issued = issue_with(params, None);
        let certificate = parse(&issued.pem, &issued.key.serialize_pem()).unwrap();
        assert_eq!(certificate.dns_names, ["old.example.com"]);
    }
}
