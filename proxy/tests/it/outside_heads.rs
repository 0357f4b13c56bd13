//! Heads from outside: headers that gatepost removes, hosts and lengths that it refuses.

use crate::support::*;

fn serve(app: &App, top: &str) -> Gatepost {
    Gatepost::serve(&format!("upstream = '{}'\n{top}", app.url("")), &templates(app))
}

/// Sends a request with these header lines to another path. Returns the request that the app got.
fn passed(gate: &Gatepost, app: &App, lines: &str) -> crate::mock::Seen {
    assert_eq!(gate.send(&post_with("/other", lines, "")).status, 200, "{lines}");
    app.seen().pop().unwrap()
}

#[test]
fn removes_headers_that_change_path_or_host_in_every_spelling() {
    let app = App::answering(200, "");
    // Not even a trusted proxy may send them: it passes them on from its own clients.
    for top in ["", "trusted_proxies = ['127.0.0.1']"] {
        let gate = serve(&app, top);
        for name in [
            "script-name",
            "Script_Name",
            "SCRIPT.NAME",
            "path-info",
            "path_info",
            "path-translated",
            "daphne-root-path",
            "Daphne_Root-Path",
            "x-original-url",
            "x.original!url",
            "x-rewrite-url",
            "x-script-name",
            "x-forwarded-prefix",
            "x_forwarded_prefix",
            "request-uri",
            "document-uri",
            "proxy",
            "PROXY",
            "x-accel-mapping",
            "x-sendfile-type",
            "x-envoy-original-path",
            "x-waws-unencoded-url",
            "x-matched-path",
            "x-invoke-path",
            "x-middleware-rewrite",
            "content_length",
            "transfer_encoding",
        ] {
            let seen = passed(&gate, &app, &format!("{name}: forged\r\nx-kept: y\r\n"));
            assert!(seen.headers.iter().all(|(_, value)| value != "forged"), "{seen:?}");
            assert_eq!(seen.header("x-kept"), Some("y"));
        }
    }
}

const OF_PROXIES: [&str; 9] = [
    "Forwarded",
    "X-Real-IP",
    "X-Forwarded-Port",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Forwarded",
    "X-Forwarded-By",
    "True-Client-IP",
    "X-Original-Host",
];

#[test]
fn keeps_headers_of_proxies_from_trusted_proxies_only() {
    let app = App::answering(200, "");
    let (untrusting, trusting) =
        (serve(&app, ""), serve(&app, "trusted_proxies = ['127.0.0.0/8']"));
    for name in OF_PROXIES {
        let line = format!("{name}: said\r\n{name}: twice\r\nx-forwarded-for: 192.0.2.9\r\n");
        let seen = passed(&untrusting, &app, &line);
        assert_eq!(seen.header(name), None, "{seen:?}");
        assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
        let seen = passed(&trusting, &app, &line);
        assert_eq!(seen.header(name), Some("said"), "{seen:?}");
        assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.9"));
        let misspelt = name.replace('-', "_");
        if misspelt != name {
            let seen = passed(&trusting, &app, &format!("{misspelt}: said\r\n"));
            assert_eq!(seen.header(&misspelt), None, "{seen:?}");
        }
    }
}

#[test]
fn keeps_headers_with_similar_names() {
    let app = App::answering(200, "");
    let gate = serve(&app, "");
    for name in [
        "script-names",
        "x-path-info",
        "proxy-x",
        "x-http-method-override",
        "x-requested-with",
        "referer",
        "content-language",
        "forwarder",
        "x-accelerate",
        "client_id",
        "x-real-ips",
    ] {
        assert_eq!(passed(&gate, &app, &format!("{name}: y\r\n")).header(name), Some("y"));
    }
}
