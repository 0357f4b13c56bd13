//! Apps whose code expects callbacks directly from a platform, each with a callback of its
//! platform.

use std::process::Command;

use super::Form;
use crate::support::{KEY, TOKEN};
use crate::upstreams::servers::{Server, python, root};

/// Key of the apps in Node and Django that check a signature themselves.
pub(super) const LEGACY_KEY: &str = "l3gacy-k3y";

/// An app, and a callback of its platform.
pub(super) struct Pattern {
    pub(super) title: &'static str,
    /// Text for the manual.
    pub(super) about: &'static str,
    pub(super) server: fn() -> Server,
    pub(super) provider: &'static str,
    pub(super) kind: &'static str,
    /// Path of the route. May contain `{token}`.
    pub(super) path: &'static str,
    /// Further config keys of the route, as TOML.
    pub(super) route: &'static str,
    /// Query of the callback's URL, with `?`.
    pub(super) query: &'static str,
    /// Config keys beside `forward`, each for one form, as TOML.
    pub(super) keys: &'static [(Form, &'static str)],
    /// Further tables of the template, as TOML.
    pub(super) template: &'static str,
    /// Key with which the platform signs; `None` if the platform does not sign.
    pub(super) key: Option<&'static str>,
    /// Fields of the callback that differ from the sample.
    pub(super) fields: &'static [(&'static str, &'static str)],
    /// Fields of a genuine callback that the app denies; empty if the app allows every callback.
    pub(super) denied: &'static [(&'static str, &'static str)],
    /// Ways in which the app fails.
    pub(super) failures: &'static [&'static str],
}

const PHP_FAILURES: &[&str] = &[
    "warning",
    "byte order mark",
    "session",
    "compressed",
    "broken header",
    "fatal error",
    "error as JSON",
    "EUC-KR",
    "empty",
    "redirect to login",
    "status 500",
    SLOW,
];
const NODE_FAILURES: &[&str] = &[
    "session",
    "compressed",
    "error as JSON",
    "empty",
    "status 204",
    "redirect to login",
    "status 500",
    "closed connection",
    SLOW,
];
const PYTHON_FAILURES: &[&str] = &[
    "byte order mark",
    "session",
    "compressed",
    "error as JSON",
    "EUC-KR",
    "empty",
    "redirect to login",
    "status 500",
    SLOW,
];
/// Failure in which the app sleeps. This failure is the last in each list, because an app with a
/// single process still sleeps after the case.
const SLOW: &str = "slow";

const TENCENT: Pattern = Pattern {
    title: "",
    about: "",
    server: || unreachable!("each pattern has a server"),
    provider: "tencent-css",
    kind: "push",
    path: "",
    route: "",
    query: "",
    keys: &[],
    template: "",
    key: Some(KEY),
    fields: &[],
    denied: &[],
    failures: &["warning", "fatal error", "error as JSON"],
};
const KOLLUS: Pattern = Pattern {
    provider: "kollus",
    route: "token = { env = 'KOLLUS_TOKEN' }",
    key: None,
    denied: &[("client_user_id", "user02")],
    ..TENCENT
};
const NODE: Pattern = Pattern { key: Some(LEGACY_KEY), failures: &["status 500"], ..TENCENT };

const KOLLUS_KEYS: &str =
    "[template.settings]\nsecurity_key = 's3curity-k3y'\ncustom_key = 'cust0m-k3y'\n";

pub(super) const PATTERNS: &[Pattern] = &[
    Pattern {
        title: "PHP with `$_POST`, own JWT: play",
        about: "A script for Kollus' play callbacks. The app signs the reply itself.",
        server: || php("legacy/php"),
        kind: "vod_play",
        path: "/kollus/play/{token}",
        template: KOLLUS_KEYS,
        failures: PHP_FAILURES,
        ..KOLLUS
    },
    Pattern {
        title: "PHP with `$_POST`, own JWT: DRM",
        about: "A script for Kollus' download callbacks.",
        server: || php("legacy/php"),
        kind: "drm",
        path: "/kollus/drm/{token}",
        template: KOLLUS_KEYS,
        denied: &[("/items/0/client_user_id", "user02")],
        failures: &["warning", "fatal error"],
        ..KOLLUS
    },
    Pattern {
        title: "PHP with `$_POST`, PDO: learning records",
        about: "A script that writes Kollus' learning records into SQLite.",
        server: || php("legacy/php"),
        kind: "vod_lms",
        path: "/kollus/lms/{token}",
        route: "token = { env = 'KOLLUS_TOKEN' }\nkind = 'vod_lms'",
        denied: &[],
        failures: PHP_FAILURES,
        ..KOLLUS
    },
    Pattern {
        title: "Front controller by path",
        about: "A PHP app that routes by the path, as Laravel does. It checks no signature.",
        server: || php("legacy/php/laravel/public"),
        path: "/api/tencent/callback",
        failures: PHP_FAILURES,
        ..TENCENT
    },
    Pattern {
        title: "Front controller by path, with `check_reply = true`",
        about: "The same app. gatepost passes an answer on only if the answer acknowledges the callback.",
        server: || php("legacy/php/laravel/public"),
        path: "/api/tencent/callback",
        keys: &[(Form::Passthrough, "check_reply = true")],
        ..TENCENT
    },
    Pattern {
        title: "Front controller by query",
        about: "A PHP app that routes by the query: `/index.php?c=callback`.",
        server: || php("legacy/php/query"),
        path: "/index.php",
        route: "query = { c = 'callback' }",
        query: "?c=callback",
        ..TENCENT
    },
    Pattern {
        title: "PHP with its own `md5(key + t)`",
        about: "A PHP app that itself checks the signature in the body, as Yii controllers do.",
        server: || php("legacy/php/yii/web"),
        path: "/live/notify",
        ..TENCENT
    },
    Pattern {
        title: "PHP with its own `md5(key + t)`, with `keep_proof = true`",
        about: "The same app. The JSON event contains the fields of the signature.",
        server: || php("legacy/php/yii/web"),
        path: "/live/notify",
        keys: &[(Form::Json, "keep_proof = true")],
        ..TENCENT
    },
    Pattern {
        title: "nginx and php-fpm on one host name",
        about: "A script in a folder, behind nginx with `server_name legacy.test`.",
        server: nginx,
        path: "/tencent-callback/index.php",
        failures: PHP_FAILURES,
        ..TENCENT
    },
    Pattern {
        title: "nginx and php-fpm, by a URL that ends in a slash",
        about: "The same script. The platform calls `/tencent-callback/`.",
        server: nginx,
        path: "/tencent-callback/",
        ..TENCENT
    },
    Pattern {
        title: "express with the raw body: OvenMediaEngine",
        about: "A handler that checks `X-OME-Signature` itself, and denies with the status 403.",
        server: || node("express.cjs"),
        provider: "ovenmediaengine",
        kind: "opening",
        path: "/ome/admission",
        denied: &[("/request/url", "rtmp://ome.example.com:1935/app/stream?token=x")],
        failures: NODE_FAILURES,
        ..NODE
    },
    Pattern {
        title: "express with the raw body: Mux",
        about: "A handler that checks `Mux-Signature` itself.",
        server: || node("express.cjs"),
        provider: "mux",
        kind: "video.live_stream.active",
        path: "/mux",
        ..NODE
    },
    Pattern {
        title: "express with the raw body: GitHub",
        about: "A handler that checks `X-Hub-Signature-256` itself.",
        server: || node("express.cjs"),
        provider: "github",
        path: "/github",
        ..NODE
    },
    Pattern {
        title: "`@mux/mux-node`",
        about: "The SDK of Mux checks the signature.",
        server: || node("mux.cjs"),
        provider: "mux",
        kind: "video.live_stream.active",
        path: "/webhooks/mux",
        failures: NODE_FAILURES,
        ..NODE
    },
    Pattern {
        title: "`@octokit/webhooks`",
        about: "GitHub's SDK routes the request, reads the body and checks the signature.",
        server: || node("octokit.mjs"),
        provider: "github",
        path: "/api/github/webhooks",
        ..NODE
    },
    Pattern {
        title: "Flask",
        about: "A handler for Kollus' live play callbacks. Its answer is plain JSON.",
        server: || gunicorn("flask_play"),
        kind: "live_play",
        path: "/kollus/live/{token}",
        failures: PYTHON_FAILURES,
        ..KOLLUS
    },
    Pattern {
        title: "Django",
        about: "A handler that requires no CSRF token, in an app with `ALLOWED_HOSTS`. It checks \
                `Sign` and `SdkAppId` of Tencent RTC.",
        server: || gunicorn("django_trtc"),
        provider: "tencent-trtc",
        kind: "enter_room",
        path: "/trtc/callback",
        key: Some(LEGACY_KEY),
        fields: &[("header:SdkAppId", "1400000000")],
        failures: PYTHON_FAILURES,
        ..TENCENT
    },
    Pattern {
        title: "Server with `{\"code\":0}`: SRS",
        about: "A server whose answers to SRS' hooks have the number `code`: 0 allows the request.",
        server: || node("media.cjs"),
        provider: "srs",
        kind: "on_publish",
        path: "/api/v1/streams/{token}",
        denied: &[("param", "?token=x")],
        failures: NODE_FAILURES,
        ..KOLLUS
    },
    Pattern {
        title: "Server that answers with the status alone: nginx-rtmp",
        about: "A server that answers nginx-rtmp with the status alone.",
        server: || node("media.cjs"),
        provider: "nginx-rtmp",
        kind: "publish",
        path: "/rtmp/{token}",
        denied: &[("name", "other")],
        failures: NODE_FAILURES,
        ..KOLLUS
    },
];

/// Sets the environment variables with the secrets of the apps.
fn with_keys(mut command: Command) -> Command {
    command.env("LEGACY_KEY", LEGACY_KEY).env("TENCENT_KEY", KEY).env("KOLLUS_TOKEN", TOKEN);
    command.env("KOLLUS_SECURITY_KEY", "s3curity-k3y").env("KOLLUS_CUSTOM_KEY", "cust0m-k3y");
    command
}

fn php(folder: &str) -> Server {
    Server::start("apps/legacy", |port, _| {
        let fails = root().join("tests/upstreams/apps/legacy/php/fails.php");
        let mut command = Command::new("php");
        command.arg("-d").arg(format!("auto_prepend_file={}", fails.display()));
        command.arg("-S").arg(format!("127.0.0.1:{port}")).args(["-t", folder]);
        with_keys(command)
    })
}

fn nginx() -> Server {
    let fails = root().join("tests/upstreams/apps/legacy/php/fails.php");
    let pool = format!("php_admin_value[auto_prepend_file] = {}", fails.display());
    Server::nginx_on("legacy.test", "apps/legacy/php/host", "$uri $uri/ =404", &pool)
}

fn node(script: &str) -> Server {
    Server::start("apps/legacy", |_, _| {
        let mut command = Command::new("node");
        command.args(["--require", "./legacy/node/fails.cjs"]).arg(format!("legacy/node/{script}"));
        command.env("NODE_PATH", root().join("target/upstreams/node_modules"));
        with_keys(command)
    })
}

fn gunicorn(app: &str) -> Server {
    Server::start("apps/legacy", |port, _| {
        let mut command = python();
        command.args(["-m", "gunicorn", "--bind", &format!("127.0.0.1:{port}")]);
        command.args(["--threads", "4", "--no-control-socket", "--chdir", "legacy/python"]);
        // By default, gunicorn closes an idle connection after 2 s, even if a request then arrives.
        command.args(["--keep-alive", "60"]);
        command.arg("fails:app").env("APP", app);
        with_keys(command)
    })
}
