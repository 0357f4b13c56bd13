//! Tests of TLS connections to apps and to the upstream: `[[outgoing_tls]]`.

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::support::*;

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its key, as PEM.
pub(crate) struct Signed {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn sign(&self, name: &str) -> Signed {
        self.sign_until(name, 4000)
    }

    fn sign_until(&self, name: &str, year: i32) -> Signed {
        self.sign_with(name, |params| params.not_after = date_time_ymd(year, 1, 1))
    }

    /// Returns the certificate of the authority itself, as a misconfigured server presents it.
    fn own(&self) -> Signed {
        Signed { chain: self.pem.clone(), key: self.issuer.key().serialize_pem() }
    }

    fn sign_with(&self, name: &str, change: impl Fn(&mut CertificateParams)) -> Signed {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Signed { chain, key: key.serialize_pem() }
    }
}

/// An app that accepts only TLS.
struct TlsApp {
    port: u16,
    answered: Arc<AtomicUsize>,
}

impl TlsApp {
    /// Starts an app. With `clients`, the app requires a client certificate of this authority.
    fn start(own: &Signed, clients: Option<&Authority>) -> Self {
        Self::start_as(own, clients, Refusing::WithAlert)
    }

    fn start_as(own: &Signed, clients: Option<&Authority>, refusing: Refusing) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let der = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
                roots.add(der).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = CertificateDer::pem_slice_iter(own.chain.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
        let chain = chain.collect::<Result<_, _>>().unwrap();
        let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answered: Arc<AtomicUsize> = Arc::default();
        let counted = Arc::clone(&answered);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let stream = StreamOwned::new(tls, stream.unwrap());
                let counted = Arc::clone(&counted);
                thread::spawn(move || match refusing {
                    Refusing::WithAlert => serve(stream, &counted),
                    Refusing::WithReset => reset_after_handshake(stream),
                });
            }
        });
        Self { port, answered }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

/// Returns a self-signed certificate that is not the certificate of an authority.
fn self_signed(name: &str) -> Signed {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    Signed { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// Starts an app without TLS. Returns its port.
fn plain_app() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _hello = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    port
}

/// Way in which the app refuses a client without a valid certificate.
#[derive(Clone, Copy)]
enum Refusing {
    WithAlert,
    WithReset,
}

/// Performs the handshake until the server refuses the client. Then resets the connection without
/// an alert.
fn reset_after_handshake(stream: StreamOwned<ServerConnection, std::net::TcpStream>) -> Option<()> {
    let StreamOwned { mut conn, mut sock } = stream;
    while conn.process_new_packets().is_ok() {
        while conn.wants_write() {
            conn.write_tls(&mut sock).ok()?;
        }
        conn.read_tls(&mut sock).ok().filter(|count| *count > 0)?;
    }
    rustix::net::sockopt::set_socket_linger(&sock, Some(std::time::Duration::ZERO)).ok()
}

/// Answers each request whose body ends with `}`.
fn serve(
    mut stream: StreamOwned<ServerConnection, std::net::TcpStream>,
    answered: &AtomicUsize,
) -> Option<()> {
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            let mut bytes = [0; 4096];
            let Some(count) = stream.read(&mut bytes).ok().filter(|count| *count > 0) else {
                // Read the rest. A socket that closes with unread bytes resets the connection, and
                // the client may lose the alert.
                let _unread = io::copy(&mut stream.sock, &mut io::sink());
                return None;
            };
            request.extend_from_slice(&bytes[..count]);
        }
        answered.fetch_add(1, Ordering::SeqCst);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"code\":0}";
        stream.write_all(answer).ok()?;
    }
}

/// Serves a config whose upstream and app are on `port`. Adds `tls` to the config, with `folder` in
/// place of `DIR`.
fn gate(port: u16, folder: &Path, tls: &str) -> Gatepost {
    let tls = tls.replace("DIR", folder.to_str().unwrap());
    Gatepost::serve(
        &format!("upstream = 'https://localhost:{port}'\n{tls}"),
        &format!(
            "[[template]]\nname = 'live'\nprovider = 'tencent-css'\n\
             keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n\
             on.push = 'https://localhost:{port}/live/push'\n"
        ),
    )
}

fn statuses(gate: &Gatepost) -> (u16, u16) {
    (gate.send(&pushed()).status, gate.send(&post("/other", "{}")).status)
}

fn write(folder: &TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).unwrap();
}

#[test]
fn presents_client_certificate_and_trusts_configured_authority() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let client = authority.sign("gatepost");
    write(&folder, "ca.pem", &authority.pem);
    write(&folder, "client.pem", &client.chain);
    write(&folder, "client.key", &client.key);
    let app = TlsApp::start(&authority.sign("app.internal"), Some(&authority));
    let tls = "[[outgoing_tls]]\nhosts = 'other.test'\nca = 'DIR/ca.pem'\n\
               [[outgoing_tls]]\nhosts = 'localhost'\nca = 'DIR/ca.pem'\n\
               certificate = 'DIR/client.pem'\nkey = { file = 'DIR/client.key' }\n\
               server_name = 'app.internal'\n";
    let gate = gate(app.port, folder.path(), tls);
    assert_eq!([statuses(&gate), statuses(&gate)], [(200, 200); 2], "{}", gate.program.log());
    assert_eq!(app.answered(), 4);
}

#[test]
fn names_remedy_for_each_tls_error() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    write(&folder, "ca.pem", &authority.pem);
    let trusted = "[[outgoing_tls]]\nca = 'DIR/ca.pem'\n";
    let localhost = authority.sign("localhost");
    for (own, clients, tls, found) in [
        (&localhost, None, "", "found an unknown authority; set `ca` in [[outgoing_tls]]"),
        (&authority.sign("other.test"), None, trusted, "found other.test; set `server_name`"),
        (
            &authority.sign_with("localhost", |params| params.subject_alt_names.clear()),
            None,
            trusted,
            "found none; issue it with the host as subjectAltName",
        ),
        (
            &authority.sign_until("localhost", 2001),
            None,
            trusted,
            "found an expired one; renew it on the server",
        ),
        (
            &authority
                .sign_with("localhost", |params| params.not_before = date_time_ymd(3000, 1, 1)),
            None,
            trusted,
            "found one that is not valid yet; check the clocks",
        ),
        (
            &self_signed("localhost"),
            None,
            "",
            "found an unknown authority; set `ca` in [[outgoing_tls]]",
        ),
        (
            // rcgen gives this certificate and the authority the same subject, so gatepost finds
            // the authority by its name.
            &self_signed("localhost"),
            None,
            trusted,
            "found another; write the current CA certificate to `ca`",
        ),
        (&authority.own(), None, trusted, "found one of an authority; issue it with CA:FALSE"),
        (&authority.own(), None, "", "found one of an authority; issue it with CA:FALSE"),
        (
            &localhost,
            Some(&authority),
            trusted,
            "found a refused client certificate; set `certificate` in [[outgoing_tls]]",
        ),
    ] {
        let app = TlsApp::start(own, clients);
        let gate = gate(app.port, folder.path(), tls);
        assert_eq!(statuses(&gate), (503, 502), "{found}");
        for code in ["app_unreachable", "upstream_failed"] {
            let line = gate.program.wait_for_line(code);
            assert!(line.contains(found), "expected {found}, found {line}");
        }
        assert_eq!(app.answered(), 0);
    }
}

#[test]
fn names_remedy_for_app_without_tls() {
    let (port, folder) = (plain_app(), TempDir::new().unwrap());
    let gate = gate(port, folder.path(), "");
    assert_eq!(statuses(&gate), (503, 502));
    for code in ["app_unreachable", "upstream_failed"] {
        let line = gate.program.wait_for_line(code);
        assert!(line.contains("found other bytes; write http:// in the address"), "{line}");
    }
}

/// Runs the commands in a section of `tls.md`, serves the certificate that the commands create, and
/// uses the config of the section.
#[test]
fn commands_and_config_of_manual_reach_app_with_https() {
    let page = include_str!("../../../src/manual/tls.md");
    let (_, section) = page.split_once("# An app with HTTPS").unwrap();
    let block = |language: &str| {
        let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
        block.split_once("```").unwrap().0
    };
    let folder = TempDir::new().unwrap();
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", block("sh")]).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let app = TlsApp::start(&Signed { chain: read("app.pem"), key: read("app.key") }, None);
    let tls = block("toml").replace("10.0.1.7", "localhost").replace("/etc/gatepost", "DIR");
    assert!(tls.contains("\"localhost\"") && tls.contains("\"DIR/app.pem\""), "{tls}");
    let gate = gate(app.port, folder.path(), &tls);
    assert_eq!(statuses(&gate), (200, 200), "{}", gate.program.log());
}

// With TLS 1.3, the handshake of the client succeeds before the server refuses the certificate. The
// client then receives only the reset.
#[test]
fn names_remedy_if_server_resets_connection_without_alert() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    write(&folder, "ca.pem", &authority.pem);
    let own = authority.sign("localhost");
    let app = TlsApp::start_as(&own, Some(&authority), Refusing::WithReset);
    let gate = gate(app.port, folder.path(), "[[outgoing_tls]]\nca = 'DIR/ca.pem'\n");
    assert_eq!(statuses(&gate), (503, 502));
    for code in ["app_unreachable", "upstream_failed"] {
        let line = gate.program.wait_for_line(code);
        let found = "if the server needs a `certificate`, set it in [[outgoing_tls]]";
        assert!(line.contains(found), "expected {found}, found {line}");
    }
}

#[test]
fn reload_uses_changed_files() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    write(&folder, "ca.pem", &Authority::new().pem);
    let app = TlsApp::start(&authority.sign("localhost"), None);
    let gate = gate(app.port, folder.path(), "[[outgoing_tls]]\nca = 'DIR/ca.pem'\n");
    assert_eq!(statuses(&gate), (503, 502));
    write(&folder, "ca.pem", &authority.pem);
    gate.program.signal("HUP");
    gate.program.wait_for_line("reloaded the config");
    assert_eq!(gate.send(&pushed()).status, 200);
    eventually("a connection to the upstream with the new file", || {
        thread::sleep(std::time::Duration::from_millis(200));
        gate.send(&post("/other", "{}")).status == 200
    });
    // A reload with a broken file keeps the earlier certificates.
    write(&folder, "ca.pem", BROKEN);
    gate.program.signal("HUP");
    gate.program.wait_for_line("outgoing_tls[0].ca: expected certificates of authorities in");
    assert_eq!(statuses(&gate), (200, 200));
}

#[test]
fn check_and_start_warn_of_expired_authority() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let expired = authority.sign_until("old.test", 2001);
    write(&folder, "ca.pem", &format!("{}{}", authority.pem, expired.chain));
    let app = TlsApp::start(&authority.sign("localhost"), None);
    let gate = gate(app.port, folder.path(), "[[outgoing_tls]]\nca = 'DIR/ca.pem'\n");
    let found = "expected a valid certificate, found one that expired on 2001-01-01";
    let line = gate.program.wait_for_line("certificate_out_of_date");
    assert!(line.contains("outgoing_tls[0].ca: certificate of "), "{line}");
    assert!(line.contains(" in ") && line.contains("ca.pem: ") && line.contains(found), "{line}");
    assert_eq!(statuses(&gate), (200, 200), "{}", gate.program.log());
    let config = gate.folder.path().join("gatepost.toml");
    let mut check = gatepost();
    check.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
    let output = check.arg("check").arg("-c").arg(config).output().unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(shown.contains("warning[certificate_out_of_date]"), "{shown}");
    assert!(shown.contains(found), "{shown}");
}

#[test]
fn check_reports_unusable_files() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let (one, other) = (authority.sign("one"), authority.sign("other"));
    write(&folder, "ca.pem", &authority.pem);
    write(&folder, "one.pem", &one.chain);
    write(&folder, "other.key", &other.key);
    write(&folder, "text.pem", "text");
    for (keys, found) in [
        ("ca = 'none.pem'", "error[file_unreadable]: expected a readable file, found none"),
        ("ca = 'text.pem'", "error[value_invalid]: expected certificates as PEM, found none"),
        (
            "certificate = 'one.pem'",
            "error[key_missing]: expected `key` beside `certificate`, found none",
        ),
        (
            "certificate = 'one.pem'\nkey = { file = 'text.pem' }",
            "error[secret_invalid]: expected a key as PEM, found none",
        ),
        (
            "certificate = 'one.pem'\nkey = { file = 'other.key' }",
            "error[secret_invalid]: expected the private key of the certificate, found",
        ),
        ("sni = 'x'", "expected a known key, found \"sni\""),
    ] {
        let config = format!(
            "upstream = 'https://localhost'\n[[outgoing_tls]]\n{keys}\n\
             [[route]]\npath = '/a'\nprovider = 'mux'\n"
        );
        write(&folder, "gatepost.toml", &config);
        let path = folder.path().join("gatepost.toml");
        let output = gatepost().arg("check").arg("-c").arg(path).output().unwrap();
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && shown.contains(found),
            "expected {found}, found {shown}"
        );
        let secret = other.key.lines().nth(1).unwrap();
        assert!(!shown.contains(secret), "expected no secret of a file, found {shown}");
    }
}

/// Runs `gatepost check --format json`, and returns the document.
fn checked(folder: &TempDir, config: &str) -> serde_json::Value {
    write(folder, "gatepost.toml", config);
    let path = folder.path().join("gatepost.toml");
    let mut check = gatepost();
    let output = check.args(["check", "--format", "json", "-c"]).arg(path).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("expected JSON, found {output:?}"));
    assert_eq!(output.status.success(), document["ok"] == true, "{document}");
    document
}

const BROKEN: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

const ROUTE: &str = "[[route]]\npath = '/a'\nprovider = 'mux'\n";

#[test]
fn check_prints_json_with_place_of_each_broken_file_of_listeners() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let (one, other) = (authority.sign("one.test"), authority.sign("other.test"));
    write(&folder, "one.pem", &one.chain);
    write(&folder, "one.key", &one.key);
    write(&folder, "other.key", &other.key);
    write(&folder, "broken.pem", BROKEN);
    let served = "listen_tls = '127.0.0.1:1'\nupstream = 'http://127.0.0.1:2'\n[[certificate]]\n";
    let own = "chain = 'one.pem'\nkey = { file = 'one.key' }\n";
    for (tables, code, key, line, named) in [
        (
            format!("{served}{own}[tls]\nclient_ca = 'broken.pem'\n"),
            "value_invalid",
            "tls.client_ca",
            7,
            "broken.pem",
        ),
        (
            format!("{served}chain = 'broken.pem'\nkey = {{ file = 'one.key' }}\n"),
            "value_invalid",
            "certificate[0].chain",
            4,
            "broken.pem",
        ),
        (
            format!("{served}chain = 'one.pem'\nkey = {{ file = 'other.key' }}\n"),
            "secret_invalid",
            "certificate[0].key",
            5,
            "one.pem",
        ),
    ] {
        assert_only_error(&checked(&folder, &format!("{tables}{ROUTE}")), code, key, line, named);
    }
}

#[test]
fn check_reports_broken_file_of_entry_that_no_address_uses() {
    let folder = TempDir::new().unwrap();
    write(&folder, "broken.pem", BROKEN);
    let config = "upstream = 'http://127.0.0.1:2'\n[[outgoing_tls]]\nhosts = 'db.test'\n\
                  ca = 'broken.pem'\n";
    let document = checked(&folder, &format!("{config}{ROUTE}"));
    assert_only_error(&document, "value_invalid", "outgoing_tls[0].ca", 4, "broken.pem");
}

/// Checks that the document of `gatepost check` has one error, with this place, and that its
/// problem contains `named`.
fn assert_only_error(document: &serde_json::Value, code: &str, key: &str, line: u64, named: &str) {
    assert_eq!(document["ok"], false, "{document}");
    let all = document["diagnostics"].as_array().unwrap();
    let errors: Vec<_> = all.iter().filter(|one| one["severity"] == "error").collect();
    let [error] = &*errors else { panic!("expected one error, found {document}") };
    let place = (error["code"].as_str(), error["key"].as_str(), error["line"].as_u64());
    assert_eq!(place, (Some(code), Some(key), Some(line)));
    assert!(error["problem"].as_str().unwrap().contains(named), "{error}");
    assert_ne!(error["remedy"], "", "{error}");
}

#[test]
fn check_names_file_and_place_of_each_expired_certificate() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let old = authority.sign_until("old.test", 2001);
    write(&folder, "old.pem", &old.chain);
    write(&folder, "old.key", &old.key);
    let config = format!(
        "listen_tls = '127.0.0.1:1'\nupstream = 'https://127.0.0.1:2'\n\
         tls.client_ca = 'old.pem'\n[[certificate]]\nchain = 'old.pem'\nkey = {{ file = 'old.key' }}\n\
         [[outgoing_tls]]\nhosts = 'db.test'\nca = 'old.pem'\n{ROUTE}"
    );
    let document = checked(&folder, &config);
    let all = document["diagnostics"].as_array().unwrap();
    let expired = all.iter().filter(|one| one["code"] == "certificate_out_of_date");
    let expired: Vec<_> = expired
        .inspect(|one| assert!(one["problem"].as_str().unwrap().contains("old.pem"), "{one}"))
        .map(|one| (one["key"].as_str().unwrap(), one["line"].as_u64().unwrap()))
        .collect();
    let places = [("tls.client_ca", 3), ("certificate[0].chain", 5), ("outgoing_tls[0].ca", 9)];
    assert_eq!(expired, places, "{document}");
}
