//! Tests of the recipes on the manual's pages `tls` and `machines`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::authority::presented;
use super::*;

const PAGE: &str = include_str!("../../../../src/manual/tls.md");

const MACHINES: &str = include_str!("../../../../src/manual/machines.md");

/// Returns the first code block in `language` after `heading` on the page `tls`.
fn block(heading: &str, language: &str) -> &'static str {
    block_of(PAGE, heading, language)
}

fn block_of(page: &'static str, heading: &str, language: &str) -> &'static str {
    let (_, section) = page.split_once(heading).unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0
}

/// Replaces `written` with `actual` in a recipe. Panics if the recipe does not contain `written`.
fn with(text: &str, written: &str, actual: &str) -> String {
    assert!(text.contains(written), "expected {written} in the recipe, found {text}");
    text.replace(written, actual)
}

/// Sends a callback and a request that is not a callback through a server in front of gatepost. The
/// app must receive the client's address and scheme with the event and with the other request.
fn assert_serves_behind(port: u16, authority: &Authority, app: &App) {
    let mut client = authority.client().connect(port, "gate.example.com").unwrap();
    for (path, body) in [("/callbacks/tencent", &*push()), ("/other/%41?x=%20", "x")] {
        let request = post_with(path, "x-forwarded-for: 203.0.113.9\r\n", body);
        let request = String::from_utf8(request).unwrap().replace("gate.test", "gate.example.com");
        assert_eq!(client.send(request.as_bytes()).status, 200);
    }
    let seen = app.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[1].line, "POST /other/%41?x=%20 HTTP/1.1");
    for seen in seen {
        assert_eq!(seen.header("x-forwarded-proto"), Some("https"), "{seen:?}");
        assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"), "{seen:?}");
    }
}

/// Starts gatepost with the config keys that the page shows for a gatepost behind another server.
fn serve_behind_server(app: &App) -> Gatepost {
    let keys = block("# Behind nginx", "toml");
    assert!(keys.contains("trusted_proxies = [\"127.0.0.1\"]"));
    let top = format!("upstream = '{}'\ntrusted_proxies = [\"127.0.0.1\"]", app.url(""));
    Gatepost::serve(&top, &templates(app))
}

/// Starts nginx with `http` in its `http` block, and with its files in `folder`.
fn start_nginx(folder: &Path, http: &str) -> Program {
    let here = folder.display();
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    let config = format!(
        "{user}daemon off;\npid {here}/pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\naccess_log off;\nclient_body_temp_path {here};\nproxy_temp_path {here};\n\
         fastcgi_temp_path {here};\nuwsgi_temp_path {here};\nscgi_temp_path {here};\n{http}}}\n"
    );
    fs::write(folder.join("nginx.conf"), config).unwrap();
    let mut nginx = Command::new("/usr/sbin/nginx");
    Program::start(nginx.arg("-p").arg(folder).args(["-c", "nginx.conf"]))
}

#[test]
fn recipe_for_nginx_serves_callbacks_and_other_requests() {
    let app = App::answering(200, "");
    let (gate, port) = (serve_behind_server(&app), free_port());
    let authority = Authority::new();
    let folder = tempfile::TempDir::new().unwrap();
    authority.issue(&["gate.example.com"]).write(folder.path());
    let here = folder.path().display().to_string();
    let server = block("# Behind nginx", "nginx");
    let server = with(server, "listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl"));
    let server = with(&server, "/etc/letsencrypt/live/gate.example.com", &here);
    let server = with(&server, "127.0.0.1:8080", &format!("127.0.0.1:{}", gate.port));
    let nginx = start_nginx(folder.path(), &server);
    drop(connect(port));
    assert_serves_behind(port, &authority, &app);
    nginx.signal("TERM");
}

/// Runs the balancer of the page `machines` in front of two servers, of which the first fails.
#[test]
fn recipe_for_balancer_sends_each_callback_to_exactly_one_machine() {
    const CALLBACKS: usize = 4;
    for first in [App::down(), App::start(|_| Act::HangUp), App::answering(503, "")] {
        let (second, port) = (App::answering(200, ""), free_port());
        let folder = tempfile::TempDir::new().unwrap();
        let balancer = block_of(MACHINES, "# Load balancer", "text");
        let balancer = with(balancer, "listen 443 ssl", &format!("listen 127.0.0.1:{port}"));
        let balancer = with(&balancer, "10.0.1.1:8080", &format!("127.0.0.1:{}", first.port));
        let balancer = with(&balancer, "10.0.1.2:8080", &format!("127.0.0.1:{}", second.port));
        let nginx = start_nginx(folder.path(), &balancer);
        drop(connect(port));
        let mut client = Client::new(connect(port));
        for _ in 0..CALLBACKS {
            client.send(&post_with("/callbacks/tencent", "", "x"));
        }
        assert_eq!(first.seen().len() + second.seen().len(), CALLBACKS);
        nginx.signal("TERM");
    }
}

#[test]
fn recipe_for_caddy_serves_callbacks_and_other_requests() {
    let app = App::answering(200, "");
    let (gate, port) = (serve_behind_server(&app), free_port());
    let authority = Authority::new();
    let folder = tempfile::TempDir::new().unwrap();
    authority.issue(&["gate.example.com"]).write(folder.path());
    let here = folder.path().display();
    let site = block("# Behind Caddy", "text");
    // Caddy cannot obtain a certificate for this name, so the test adds one to the config.
    let own = format!(
        "gate.example.com:{port} {{\nbind 127.0.0.1\ntls {here}/fullchain.pem {here}/privkey.pem"
    );
    let site = with(site, "gate.example.com {", &own);
    let site = with(&site, "127.0.0.1:8080", &format!("127.0.0.1:{}", gate.port));
    let config = format!("{{\nadmin off\nauto_https disable_redirects\n}}\n{site}");
    fs::write(folder.path().join("Caddyfile"), config).unwrap();
    let mut caddy = Command::new("caddy");
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.path().join("Caddyfile"));
    caddy.env("XDG_DATA_HOME", folder.path()).env("XDG_CONFIG_HOME", folder.path());
    let caddy = Program::start(&mut caddy);
    drop(connect(port));
    assert_serves_behind(port, &authority, &app);
    drop(caddy);
}

/// Writes an executable script.
fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

/// Writes a certificate as certbot does: the files in `archive` have a number, and the links in
/// `live` change to the new number, one after the other.
fn renew(folder: &Path, issued: &Issued, number: u32) {
    let (live, archive) = (folder.join("live"), folder.join("archive"));
    fs::create_dir_all(&live).unwrap();
    fs::create_dir_all(&archive).unwrap();
    for (name, text) in [("fullchain", &issued.chain), ("privkey", &issued.key)] {
        fs::write(archive.join(format!("{name}{number}.pem")), text).unwrap();
        let link = live.join(format!("{name}.pem"));
        let _first = fs::remove_file(&link);
        symlink(format!("../archive/{name}{number}.pem"), link).unwrap();
    }
}

#[test]
fn certbot_hook_renews_certificate() {
    let authority = Authority::new();
    let issued = authority.issue(&["gate.test"]);
    let first = issued.first();
    let tls = TlsGate::serve_as(authority, issued, "", "", |folder| {
        let own = |name| fs::read_to_string(folder.join("tls").join(name)).unwrap();
        let first = Issued { chain: own("fullchain.pem"), key: own("privkey.pem") };
        renew(folder, &first, 1);
        fs::remove_dir_all(folder.join("tls")).unwrap();
        symlink("live", folder.join("tls")).unwrap();
    });
    let folder = tls.gate.folder.path();
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_gatepost"), bin.join("gatepost")).unwrap();
    let log = folder.join("systemctl.log").display().to_string();
    script(&bin.join("systemctl"), &format!("#!/bin/sh\necho \"$@\" >>{log}\n"));
    let hook = block("## Renewal", "sh");
    let config = folder.join("gatepost.toml").display().to_string();
    script(&folder.join("hook"), &with(hook, "/etc/gatepost/gatepost.toml", &config));
    let run = || {
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let mut hook = Command::new(folder.join("hook"));
        hook.env("PATH", path).env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
        hook.output().unwrap().status.success()
    };
    assert_eq!(presented(&tls.connect()), first);
    let renewed = tls.authority.issue(&["gate.test"]);
    renew(folder, &renewed, 2);
    assert!(run(), "expected success of the hook, found a failure");
    assert_eq!(fs::read_to_string(&log).unwrap(), "reload gatepost\n");
    tls.gate.program.signal("HUP");
    tls.gate.program.wait_for_line("reloaded the config");
    assert_eq!(presented(&tls.connect()), renewed.first());

    let other_key = tls.authority.issue(&["gate.test"]).key;
    renew(folder, &Issued { chain: renewed.chain.clone(), key: other_key }, 3);
    assert!(!run(), "expected a failure of the hook, found success");
    assert_eq!(fs::read_to_string(&log).unwrap(), "reload gatepost\n");
}
