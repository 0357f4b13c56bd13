//! Tests of the renewal of certificates in a running gatepost.

use std::fs;
use std::os::unix::fs::symlink;

use super::authority::presented;
use super::*;

const RELOADED: &str = "reloaded the config";

#[test]
fn reload_replaces_certificate_and_keeps_connections() {
    let app = App::answering(200, "");
    let tls = TlsGate::serve("", &templates(&app));
    let mut before = tls.connect();
    assert_eq!(before.send(&pushed()).status, 200);
    let renewed = tls.authority.issue_with(&["gate.test"], |params| {
        params.not_after = rcgen::date_time_ymd(2050, 1, 1);
    });
    renewed.write(&tls.gate.folder.path().join("tls"));
    assert_eq!(presented(&tls.connect()), tls.issued.first());
    tls.gate.program.signal("HUP");
    tls.gate.program.wait_for_line(RELOADED);
    let mut after = tls.connect();
    assert_eq!(presented(&after), renewed.first());
    assert_eq!(after.send(&pushed()).status, 200);
    assert_eq!(before.send(&pushed()).status, 200);
    let expiry =
        "gatepost_tls_certificate_expiry_timestamp_seconds{name=\"gate.test\"} 2524608000\n";
    assert!(tls.gate.metrics().contains(expiry), "expected {expiry}, found {}", tls.gate.metrics());
}

// Kubernetes mounts a secret with links: each file links to `..data/NAME`, and `..data` links to
// the folder of the current version.
#[test]
fn reload_follows_swapped_symlinks() {
    let authority = Authority::new();
    let issued = authority.issue(&["gate.test"]);
    let tls = TlsGate::serve_as(authority, issued, "", "", |folder| {
        let mount = folder.join("tls");
        fs::rename(&mount, folder.join("first")).unwrap();
        fs::create_dir(&mount).unwrap();
        symlink("../first", mount.join("..data")).unwrap();
        for name in ["fullchain.pem", "privkey.pem"] {
            symlink(format!("..data/{name}"), mount.join(name)).unwrap();
        }
    });
    let folder = tls.gate.folder.path();
    let renewed = tls.authority.issue(&["gate.test"]);
    renewed.write(&folder.join("second"));
    symlink("../second", folder.join("tls/..data_tmp")).unwrap();
    fs::rename(folder.join("tls/..data_tmp"), folder.join("tls/..data")).unwrap();
    tls.gate.program.signal("HUP");
    tls.gate.program.wait_for_line(RELOADED);
    assert_eq!(presented(&tls.connect()), renewed.first());
}

#[test]
fn watch_follows_renewal_without_a_signal() {
    let tls = TlsGate::serve("watch = true\n", "");
    let renewed = tls.authority.issue(&["gate.test"]);
    renewed.write(&tls.gate.folder.path().join("tls"));
    eventually("the renewed certificate", || presented(&tls.connect()) == renewed.first());
}

#[test]
fn keeps_certificate_if_new_one_has_a_fault() {
    let tls = TlsGate::serve("", "");
    let folder = tls.gate.folder.path().join("tls");
    let [other, renewed] = [(); 2].map(|()| tls.authority.issue(&["gate.test"]));
    let faults: [(&str, &str, &str); 4] = [
        (
            &other.chain,
            &renewed.key,
            "found another key; set `key` to the key that belongs to the certificate",
        ),
        ("", &renewed.key, "expected a certificate in PEM, found none"),
        (&renewed.chain, "", "expected a secret, found an empty value"),
        (&renewed.chain[..300], &renewed.key, "found damaged PEM"),
    ];
    for (chain, key, expected) in faults {
        fs::write(folder.join("fullchain.pem"), chain).unwrap();
        fs::write(folder.join("privkey.pem"), key).unwrap();
        tls.gate.program.signal("HUP");
        let line = tls.gate.program.wait_for_line(expected);
        assert!(line.contains("kept the earlier config: "), "{line}");
        assert_eq!(presented(&tls.connect()), tls.issued.first());
    }
    fs::remove_file(folder.join("privkey.pem")).unwrap();
    tls.gate.program.signal("HUP");
    tls.gate.program.wait_for_line("privkey.pem, found none");
    assert_eq!(presented(&tls.connect()), tls.issued.first());
    renewed.write(&folder);
    tls.gate.program.signal("HUP");
    tls.gate.program.wait_for_line(RELOADED);
    assert_eq!(presented(&tls.connect()), renewed.first());
}

#[test]
fn reload_changes_minimum_tls_version_but_not_listener() {
    let tls = TlsGate::serve("", "");
    let path = tls.gate.folder.path().join("gatepost.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{config}\n[tls]\nmin_version = '1.3'\n")).unwrap();
    tls.gate.program.signal("HUP");
    tls.gate.program.wait_for_line(RELOADED);
    let mut client = tls.authority.client();
    client.versions = vec![&rustls::version::TLS12];
    assert!(client.connect(tls.port, "gate.test").is_err());
    fs::write(&path, config.replace("listen_tls", "# listen_tls")).unwrap();
    tls.gate.program.signal("HUP");
    tls.gate.program.wait_for_line("restart gatepost");
    assert_eq!(presented(&tls.connect()), tls.issued.first());
}

#[test]
fn does_not_start_with_faulty_certificate_and_check_names_the_fault() {
    let folder = tempfile::TempDir::new().unwrap();
    let authority = Authority::new();
    let [one, other] = [(); 2].map(|()| authority.issue(&["gate.test"]));
    Issued { chain: one.chain.clone(), key: other.key }.write(folder.path());
    let config = "listen_tls = '127.0.0.1:8443'\nupstream = 'http://127.0.0.1:9'\n\
                  [[certificate]]\nchain = 'fullchain.pem'\nkey = { file = 'privkey.pem' }\n\
                  [[route]]\npath = '/hook'\nprovider = 'kollus'\nmode = 'shadow'\n";
    fs::write(folder.path().join("gatepost.toml"), config).unwrap();
    let run = |command: &str| {
        let path = folder.path().join("gatepost.toml");
        let output = gatepost().args([command, "-c"]).arg(path).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text + &String::from_utf8(output.stderr).unwrap())
    };
    for command in ["check", "run"] {
        let (code, text) = run(command);
        assert_eq!(code, Some(1), "{text}");
        let expected = "certificate fullchain.pem: expected the key of the certificate of \
                        CN=Test Server, found another key";
        assert!(text.contains(expected) && text.contains("set `key` to the key"), "{text}");
    }
    one.write(folder.path());
    let (code, text) = run("check");
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("certificate fullchain.pem: gate.test; expires on 4096-01-01, in "),
        "{text}"
    );
    let expired = authority.issue_with(&["gate.test"], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 2);
    });
    expired.write(folder.path());
    let (code, text) = run("check");
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("found one that expired on 2020-01-02") && text.contains("help: renew"),
        "{text}"
    );
}
