//! Tests of certificates, and of the listeners that use them.

use std::path::Path;

use gatepost::{AdminAddress, Config, TlsVersion};

/// Reads a config that begins with the lines `keys`, in a folder with sample PEM files. If the
/// config has faults, returns them without the path of the config.
fn with_pem_files(keys: &str) -> Result<Config, Vec<String>> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    for name in ["chain.pem", "key.pem", "clients.pem"] {
        std::fs::write(folder.path().join(name), "-----BEGIN X-----\n").unwrap();
    }
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    let route = "[[route]]\npath = '/hook'\nprovider = 'mux'";
    std::fs::write(&path, format!("{keys}\n{route}\n")).unwrap();
    let shown = path.display().to_string();
    let tail = |line: &str| line.strip_prefix(&format!("{shown}:")).unwrap().to_owned();
    Config::from_file(&path).map_err(|error| error.to_string().lines().map(tail).collect())
}

#[test]
fn reads_certificates_and_tls_settings() {
    let config = with_pem_files(
        "listen_tls = '0.0.0.0:8443'\nadmin = 'tls:127.0.0.1:9900'\n\
         [[certificate]]\nchain = 'chain.pem'\nkey = { file = 'key.pem' }\n\
         [tls]\nmin_version = '1.3'\nclient_ca = 'clients.pem'",
    )
    .unwrap();
    assert!(config.warnings().iter().all(|warning| warning.key().starts_with("route")));
    let settings = config.proxy();
    assert_eq!(settings.listen_tls, ["0.0.0.0:8443".parse().unwrap()]);
    assert_eq!(settings.admin, Some(AdminAddress::Tls("127.0.0.1:9900".parse().unwrap())));
    let tls = settings.tls.as_ref().unwrap();
    assert_eq!(tls.min_version, TlsVersion::Tls13);
    assert_eq!(tls.client_ca.as_ref().unwrap().name, Path::new("clients.pem"));
    let [certificate] = &*tls.certificates else {
        panic!("expected one certificate, found {}", tls.certificates.len())
    };
    assert_eq!(*certificate.chain.content, *b"-----BEGIN X-----\n");
    assert_eq!(certificate.key.expose(), b"-----BEGIN X-----");
    assert!(format!("{tls:?}").contains("[redacted]"));
}

#[test]
fn reads_unix_socket_of_admin_relative_to_config() {
    let config = with_pem_files("admin = 'unix:run/admin.sock'").unwrap();
    let admin = &config.proxy().admin;
    let Some(AdminAddress::Unix(path)) = admin else {
        panic!("expected the path of a socket, found {admin:?}")
    };
    assert!(
        path.is_absolute() && path.ends_with("run/admin.sock"),
        "expected an absolute path of run/admin.sock, found {}",
        path.display()
    );
}

#[test]
fn reports_invalid_listeners_certificates_and_tls_settings() {
    let table = |lines: &str| format!("listen_tls = '127.0.0.1:8443'\n[[certificate]]\n{lines}");
    let key = "key = { file = 'key.pem' }";
    for (keys, expected) in [
        (
            "listen_tls = '127.0.0.1:8443'".to_owned(),
            "1:1: listen_tls: expected a certificate for TLS, found none; add [[certificate]]",
        ),
        (
            "admin = 'tls:127.0.0.1:9900'".to_owned(),
            "1:1: admin: expected a certificate for TLS, found none; add [[certificate]]",
        ),
        (
            "listen = '127.0.0.1:80'\nlisten_tls = '127.0.0.1:80'\n[[certificate]]\n\
             chain = 'chain.pem'\nkey = { file = 'key.pem' }"
                .to_owned(),
            "2:14: listen_tls: expected an unused address, found 127.0.0.1:80 twice; write",
        ),
        (
            "admin = 'unix:'".to_owned(),
            "1:9: admin: expected the path of a Unix socket, found \"unix:\"; ",
        ),
        (
            table(key),
            "2:1: certificate[0]: expected `chain`, found none; add chain = \"fullchain.pem\"",
        ),
        (
            table("chain = 'chain.pem'"),
            "2:1: certificate[0]: expected `key`, found none; add key = { file = \"privkey.pem\" }",
        ),
        (
            table(&format!("chain = 'absent.pem'\n{key}")),
            "3:9: certificate[0].chain: expected a readable file, found none; write the",
        ),
        (
            table("chain = 'chain.pem'\nkey = 'key.pem'"),
            "4:7: certificate[0].key: expected a source of the private key, found a string; write {",
        ),
        (
            table("chain = 'chain.pem'\nkey = { file = 'empty.pem' }"),
            "4:7: certificate[0].key: expected a secret, found an empty value; ",
        ),
        (
            table(&format!("chain = 'chain.pem'\n{key}\n[tls]\nmin_version = '1.1'")),
            "6:15: tls.min_version: expected a known TLS version, found \"1.1\"; did you mean \
             `1.2`? use one of these TLS versions: `1.2`, `1.3`",
        ),
        (
            table(&format!("chain = 'chain.pem'\n{key}\n[tls]\nclient_ca = 'absent.pem'")),
            "6:13: tls.client_ca: expected a readable file, found none; write the path",
        ),
    ] {
        let faults = with_pem_files(&keys).expect_err(&keys);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with(expected), "expected {expected}, found {}", faults[0]);
    }
}

#[test]
fn warns_of_certificate_without_listener() {
    let table = "[[certificate]]\nchain = 'chain.pem'\nkey = { file = 'key.pem' }";
    let config = with_pem_files(table).unwrap();
    let first = config.warnings()[0].to_string();
    let expected =
        "1:1: certificate[0]: expected `listen_tls` beside this table, found none; add listen_tls";
    assert!(first.starts_with(expected), "expected {expected}, found {first}");
}

#[test]
fn warns_of_outgoing_tls_that_covers_no_address() {
    let warnings = |keys: &str| -> Vec<String> {
        let config = with_pem_files(keys).unwrap();
        let warnings = config.warnings().iter().map(ToString::to_string);
        warnings.filter(|text| text.contains("outgoing_tls")).collect()
    };
    let upstream = "upstream = 'https://app.test'\n";
    let wanted = "expected an https address or a NATS server";
    for (keys, expected) in [
        (format!("{upstream}[[outgoing_tls]]\nserver_name = 'x'"), None),
        (format!("{upstream}[[outgoing_tls]]\nhosts = ['db.test', 'APP.test']"), None),
        ("[[outgoing_tls]]\nhosts = 'n1'\n[store]\nurl = 'nats://n1,n2'".to_owned(), None),
        (
            format!("{upstream}[[outgoing_tls]]\nhosts = ['db.test', 'x.test']"),
            Some(format!(
                "3:1: outgoing_tls[0].hosts: {wanted} with a host of `hosts` (`db.test`, `x.test`) for \
                 this entry, found none; write the host of an https address into `hosts`, or remove the entry"
            )),
        ),
        (
            "upstream = 'http://app.test'\n[[outgoing_tls]]\nserver_name = 'x'".to_owned(),
            Some(format!(
                "2:1: outgoing_tls[0]: {wanted} for this entry, found none; write https:// in the \
                 address of the server, or remove the entry"
            )),
        ),
        (
            format!(
                "{upstream}[[outgoing_tls]]\nserver_name = 'x'\n[[outgoing_tls]]\nhosts = 'app.test'"
            ),
            Some(format!(
                "5:1: outgoing_tls[1].hosts: {wanted} with a host of `hosts` (`app.test`) for this entry, \
                 found only addresses that an earlier entry covers; move this entry above that entry, or \
                 remove the entry"
            )),
        ),
    ] {
        assert_eq!(warnings(&keys), Vec::from_iter(expected), "{keys}");
    }
}
