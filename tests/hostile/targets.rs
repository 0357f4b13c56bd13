//! Request targets: spellings that the app can read as a callback path or as an event address.

use super::{Case, LENGTH, case, request};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = callback_paths();
    cases.extend(addresses());
    cases.extend(forms());
    cases.extend(odd_bytes());
    cases
}

/// Creates a case of a genuine `push` callback to this target.
fn to(target: &str) -> Case {
    request(format!("{target:?}"), &format!("POST {target} HTTP/1.1"), LENGTH, "{push}")
}

/// Spellings that some servers treat as the callback path.
const SPELLINGS: [&str; 50] = [
    "//callbacks/tencent",
    "/callbacks//tencent",
    "/callbacks/tencent//",
    "/./callbacks/tencent",
    "/callbacks/./tencent",
    "/callbacks/tencent/.",
    "/callbacks/tencent.",
    "/x/../callbacks/tencent",
    "/callbacks/x/../tencent",
    "/callbacks/tencent/x/..",
    "/../callbacks/tencent",
    "/callbacks/tencent/../../callbacks/tencent",
    "/x/%2e%2e/callbacks/tencent",
    "/x/.%2E/callbacks/tencent",
    "/x/..;/callbacks/tencent",
    "/x%2f..%2fcallbacks/tencent",
    "/callbacks/%2e/tencent",
    "/callbacks/%74encent",
    "/%63allbacks/tencent",
    "/callbacks%2ftencent",
    "/callbacks%2Ftencent",
    "/callbacks%252ftencent",
    "/%2563allbacks/tencent",
    "/callbacks/tencent%2f",
    "/callbacks/tencent%00",
    "/callbacks/tencent%00.html",
    "/callbacks/tencent%0a",
    "/callbacks/tencent%20",
    "/callbacks/tencent%09",
    "/callbacks/tencent%3f",
    "/callbacks/tencent%23",
    "/callbacks/tencent%3bx",
    "/callbacks/tencent;x",
    "/callbacks;x=y/tencent",
    "/callbacks/tencent;/x/..",
    "/CALLBACKS/TENCENT",
    "/Callbacks/tencent",
    "/callbacks\\tencent",
    "/callbacks%5ctencent",
    "/callbacks/tencent.json",
    "/callbacks/tencent.html",
    "/index.php/callbacks/tencent",
    "/callbacks/%c0%aftencent",
    "/callbacks%c0%af..%c0%af/callbacks/tencent",
    "/callbacks/t%65nc%65nt",
    "/callbacks/%EF%BD%94encent/../tencent",
    "//evil.test/callbacks/tencent",
    "///callbacks/tencent",
    "/%2f/callbacks/tencent",
    "/.%2f/callbacks/tencent",
];

fn callback_paths() -> Vec<Case> {
    let mut cases: Vec<_> = SPELLINGS.map(|target| to(target).kept()).into();
    cases.extend([
        to("/callbacks/tencent/").served(),
        to("/callbacks/tencent/?x=1").served(),
        to("/callbacks/tencent?").served(),
        to("/callbacks/tencent?x=%0d%0a").served(),
        to("/callbacks/tencent?/../../x").served(),
        to("/callbacks/tencent?path=/callbacks//tencent").served(),
        to("/callbacks/kollus/").passed("POST /callbacks/kollus/"),
        to("/callbacks/tencent%0d%0ax-injected:y")
            .passed("POST /callbacks/tencent%0d%0ax-injected:y"),
        to("\\callbacks\\tencent"),
        to("/callbacks/kollus/guess").gets(&[401]).kept(),
        to("/callbacks/kollus//s3cret-t0ken").kept(),
        to("/callbacks/kollus/s3cret-t0ken//").kept(),
        to("/callbacks/kollus/guess/").gets(&[401]).kept(),
        to("/callbacks/kollus/s3cret-t0ke%6e").gets(&[401]).kept(),
        to("/callbacks/kollus/s3cret-t0ken%00").gets(&[401]).kept(),
        to("/callbacks/kollus/S3CRET-T0KEN").gets(&[401]).kept(),
        to("/callbacks/tencentx").passed("POST /callbacks/tencentx"),
        to("/callbacks").passed("POST /callbacks"),
        to("/callbacks/tencent_").passed("POST /callbacks/tencent_"),
    ]);
    // The proxy also reserves the paths that a file server maps to the callback path. The layer
    // passes requests for these paths to the app.
    cases.extend(BELOW.map(|below| {
        let target = format!("/callbacks/tencent{below}");
        to(&target).kept().with_hyper(|case| case.passed(&format!("POST {target}")))
    }));
    cases
}

const BELOW: [&str; 6] = ["/x", "/index.php", "/index.php/x", ".php", ".php/x", ".phtml"];

fn addresses() -> Vec<Case> {
    let mut cases: Vec<_> = ADDRESSES.map(|target| to(target).gets(&[403]).kept()).into();
    cases.extend(BELOW.map(|below| {
        let target = format!("/live/push{below}");
        let passed = |case: Case| case.passed(&format!("POST {target}"));
        to(&target).gets(&[403]).kept().with_hyper(passed)
    }));
    cases
}

const ADDRESSES: [&str; 20] = [
    "/live/push",
    "/live//push",
    "/LIVE/push",
    "/live/push/",
    "/live/./push",
    "/x/../live/push",
    "/live/%70ush",
    "/live%2fpush",
    "/live/push;x",
    "/live/push?x=y",
    "/live\\push",
    "/live/push%00",
    "/live/push.json",
    "/index.php/live/push",
    "/kollus/play",
    "/kollus//play",
    "/%6bollus/play",
    "/x/..%2fkollus/play",
    "//kollus/play",
    "/live/push%20",
];

// RFC 9112, section 3.2: origin, absolute, authority and asterisk form.
fn forms() -> Vec<Case> {
    let connect = |target: &str, body: &str| {
        let bytes = format!("CONNECT {target} HTTP/1.1\r\nhost: gate.test:80\r\n\r\n{body}");
        case(format!("CONNECT {target}"), bytes).gets(&[405])
    };
    vec![
        to("http://gate.test/callbacks/tencent").served(),
        to("HTTP://gate.test/callbacks/tencent").served(),
        to("https://gate.test/callbacks/tencent").served(),
        to("http://gate.test//callbacks/tencent").kept(),
        to("http://gate.test/live/push").gets(&[403]).kept(),
        to("http://evil.test/callbacks/tencent").with_hyper(Case::served),
        to("http://evil.test/live/push").with_hyper(|case| case.gets(&[403]).kept()),
        to("http://user@gate.test/callbacks/tencent").with_hyper(Case::served),
        to("http://gate.test:80/callbacks/tencent").with_hyper(Case::served),
        to("http:/callbacks/tencent"),
        to("http:callbacks/tencent"),
        to("http:///callbacks/tencent"),
        to("http://"),
        to("ftp://gate.test/callbacks/tencent").with_hyper(Case::served),
        to("file:///callbacks/tencent"),
        to("callbacks/tencent"),
        to("?/callbacks/tencent"),
        to("#/callbacks/tencent"),
        to("gate.test:80").with_hyper(|case| case.passed("POST ")),
        to("*").with_hyper(|case| case.passed("POST *")),
        case("OPTIONS *", "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n").passed("OPTIONS *"),
        connect("/callbacks/tencent", "").with_hyper(Case::kept),
        connect("gate.test:80", "").with_hyper(|case| case.gets(&[200]).app_sees(&["CONNECT "])),
        connect("gate.test:80", "{genuine}")
            .with_hyper(|case| case.gets(&[200]).app_sees(&["CONNECT "])),
    ]
}

fn odd_bytes() -> Vec<Case> {
    vec![
        to("/callbacks/tencent\0"),
        to("/callbacks/tencent\u{1}"),
        to("/callbacks/tencent\u{7f}"),
        to("/callbacks/tencent\u{b}"),
        to("/callbacks/tencent\rx-injected:y"),
        to("/callbacks/tencent\n"),
        to("/callbacks/tencent\t"),
        to("/callbacks/tencent x"),
        to("/callbacks/tencent#x").with_hyper(Case::served),
        to("/callbacks/tencent?a b"),
        to("/callbacks/t\u{e9}ncent"),
        to("/callbacks/tencent\u{c0}\u{af}"),
        to("/callbacks/tencent<>"),
        to("/callbacks/{tencent}").passed("POST /callbacks/{tencent}"),
        to("/callbacks/tencent%").passed("POST /callbacks/tencent%"),
        to("/callbacks/tencent%zz").passed("POST /callbacks/tencent%zz"),
        to("/callbacks/tencent%u002f").kept(),
        to("/callbacks%u002ftencent").kept(),
        to("/%U0063allbacks/tencent").kept(),
        to("/callbacks%e0%80%aftencent").kept(),
        to("/callbacks/%c1%b4encent").kept(),
        to("/callbacks/%f0%80%80%aftencent").kept(),
        to("/live%c0%afpush").gets(&[403]).kept(),
        to(&format!("/callbacks/tencent?{}", "x".repeat(60_000))).served(),
        to(&format!("/callbacks/tencent?{}", "x".repeat(70_000)))
            .gets(&[431])
            .with_hyper(|case| case.gets(&[414])),
        to(&format!("{}/callbacks/tencent", "/x/..".repeat(10_000))).kept(),
        to(&"/%2e%2e".repeat(1000)).passed(&format!("POST {}", "/%2e%2e".repeat(1000))),
        to(&format!("/callbacks%{}2ftencent", "25".repeat(10))).kept(),
        to(&format!("/callbacks%{}2ftencent", "25".repeat(20))).kept(),
    ]
}
