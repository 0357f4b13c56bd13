//! Tests of config faults: one fault for each mistake, with the right remedy, position and code.

use std::path::Path;

use gatepost::CodeGroup;

use crate::config::{build, errors};
#[cfg(feature = "tower")]
use crate::layer::Log;

/// Returns the codes of the faults, and the codes of the warnings.
fn codes(config: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let error = build(config).unwrap_err();
    let code = |fault: &gatepost::Fault| fault.kind().as_str();
    (error.faults().iter().map(code).collect(), error.warnings().iter().map(code).collect())
}

/// Returns the only fault of a config.
fn only_fault(config: &str) -> String {
    let faults = errors(config);
    let [fault] = &*faults else { panic!("expected one fault, found {faults:#?}") };
    fault.clone()
}

const COMPLETE: &str = "listen = '127.0.0.1:1'
[[route]]
path = '/cb/{token}'
provider = 'srs'
token = { env = 'KEY' }
limit = { per_second = 5 }
[[template]]
name = 'a'
provider = 'srs'
bind = ['*']
[template.on]
on_play = { url = 'http://127.0.0.1:3000/e', timeout_ms = 100, last_good = { max_age_secs = 5 } }
'*' = 'http://127.0.0.1:3000/e'
[[route]]
path = '/mux'
provider = 'mux'
[[template]]
name = 'm'
provider = 'mux'
keys = [{ env = 'KEY' }]
bind = ['*']
settings = { max_age_secs = 5 }
on = { '*' = { answer = {} } }
";

#[test]
fn one_misspelt_word_causes_one_fault_with_suggestion() {
    build(COMPLETE).unwrap();
    for (right, wrong) in [
        ("listen =", "lisen ="),
        ("[[route]]", "[[roote]]"),
        ("[template.on]", "[template.onn]"),
        ("path = '/cb", "paht = '/cb"),
        ("provider = 'srs'", "provder = 'srs'"),
        ("provider = 'mux'", "provider = 'mxu'"),
        ("token =", "tokn ="),
        ("env =", "evn ="),
        ("per_second", "persecond"),
        ("name = 'a'", "nam = 'a'"),
        ("keys =", "kyes ="),
        ("bind =", "bnd ="),
        ("settings =", "setings ="),
        ("{ max_age_secs = 5 }\non", "{ max_aeg_secs = 5 }\non"),
        ("on_play =", "on_paly ="),
        ("url =", "ulr ="),
        ("timeout_ms", "timeout_msec"),
        ("last_good =", "lastgood ="),
        ("answer =", "anwser ="),
    ] {
        let config = COMPLETE.replacen(right, wrong, 1);
        assert_ne!(config, COMPLETE, "{right}");
        let error = build(&config).unwrap_err();
        let [fault] = error.faults() else { panic!("{wrong}: expected one fault, found {error}") };
        // Each config also causes a warning about the short token of the route.
        let is_other = |warning: &gatepost::Fault| warning.kind().as_str() != "secret_weak";
        let has_others = error.warnings().iter().any(is_other);
        assert!(
            fault.suggestion().is_some() && !has_others,
            "{wrong}: expected a suggestion and no other warning, found {error}"
        );
    }
}

#[test]
fn remedy_names_right_table_of_misplaced_key_in_definition() {
    let text = |request: &str, rest: &str| {
        format!(
            "name = 'cam'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n[request]\nmethods = 'POST'\n\
             body = 'json'\n{request}\n[kind]\nother = 'a'\n[kinds.a]\n{rest}\n"
        )
    };
    for (request, rest, remedy) in [
        ("tenant = '/x'", "", "move `tenant` above the first table of the definition"),
        ("", "unwrap = 'x'", "move `unwrap` under [request]"),
        (
            "",
            "found_in = '/x'\n[signature]\ndigest = 'none'\nfound_in = 'header:x-token'",
            "move `found_in` under [signature]",
        ),
    ] {
        let error = gatepost::Definition::parse(&text(request, rest)).unwrap_err();
        let [fault] = error.faults() else { panic!("{remedy}: expected one fault, found {error}") };
        assert!(fault.remedy().starts_with(remedy), "expected {remedy}, found {fault}");
    }
}

#[test]
fn remedy_names_right_table_of_misplaced_key_in_config() {
    for (line, remedy) in [
        (
            "[[route]]\npath = '/x'\nprovider = 'srs'\nthreads = 2",
            "move `threads` above the first [[route]]",
        ),
        (
            "[[template]]\nname = 'x'\nprovider = 'srs'\non = { '*' = 'http://x/' }\ntimeout_ms = 2",
            "move `timeout_ms` into the entry of a kind",
        ),
        (
            "[[template]]\nname = 'x'\nprovider = 'mux'\nkeys = [{ env = 'KEY' }]\n\
             on = { '*' = { answer = {} } }\nmax_age_secs = 5",
            "move `max_age_secs` under [template.settings]",
        ),
        (
            "[[route]]\npath = '/x'\nprovider = 'mux'\nbind = ['x']",
            "move `bind` under a [[template]]",
        ),
        (
            "[[template]]\nname = 'x'\nprovider = 'srs'\non = { '*' = 'http://x/' }\nallow = '10.0.0.0/8'",
            "move `allow` under a [[route]]",
        ),
    ] {
        let found = errors(&format!("{COMPLETE}{line}"));
        assert!(
            found.len() == 1 && found[0].contains(remedy),
            "{line}: expected one fault with {remedy}, found {found:#?}"
        );
    }
}

#[test]
fn address_instead_of_table_of_addresses_causes_one_fault() {
    let config =
        COMPLETE.replace("on = { '*' = { answer = {} } }", "on = 'http://127.0.0.1:3000/e'");
    let fault = only_fault(&config);
    assert!(
        fault.contains("write on = { \"*\" = \"http://…\" }"),
        "expected the form of the table in the remedy, found {fault}"
    );
}

#[test]
fn explains_kind_without_quotes_and_group_in_place_of_kind() {
    let dotted = COMPLETE.replace("on = { '*'", "on = { video.asset.ready = 'http://x/y', '*'");
    let fault = only_fault(&dotted);
    let expected =
        "expected the kind \"video.asset.ready\" in quotes, found a table `video`; write";
    assert!(fault.contains(expected), "expected {expected}, found {fault}");
    let route = "[[route]]\npath = '/x'\nprovider = 'tencent-css'\nkind = 'recording'\n";
    let fault = only_fault(route);
    assert!(
        fault.contains("use one of `recording_file`, "),
        "expected the kinds of the group in the remedy, found {fault}"
    );
}

#[test]
fn reports_route_that_names_template_of_another_provider() {
    let route = "[[route]]\npath = '/x'\nprovider = 'mux'\ntemplate = 'a'\n";
    let fault = only_fault(&format!("{COMPLETE}{route}"));
    let expected = "expected a template of Mux, found a template of SRS; write provider = \"srs\", \
                    or one of these templates: `m`";
    assert!(fault.contains(expected), "expected {expected}, found {fault}");
    // If a template has a fault, gatepost does not also report the template's name as unknown.
    let faulty = COMPLETE.replace("name = 'm'", "name = 'm m'");
    let route = route.replace("'a'", "'m'");
    assert_eq!(codes(&format!("{faulty}{route}")).0, ["template_name_invalid"]);
}

#[test]
fn remedy_for_path_names_its_fault() {
    for (path, remedy) in [
        ("/cb/{tok}", "gatepost has no other placeholder"),
        ("cb", "start the path with /"),
        ("https://gate.example.com/cb", "write only the path"),
        ("/cb/*", "gatepost has no wildcards"),
        ("/cb?x=1", "remove the ? or # and everything after it"),
        ("/c%20b", "remove each %"),
    ] {
        let fault = only_fault(&format!("[[route]]\npath = '{path}'\nprovider = 'mux'"));
        assert!(fault.contains(remedy), "{path}: expected {remedy}, found {fault}");
    }
}

#[test]
fn reports_equal_faults_of_several_kinds_once() {
    let config = COMPLETE.replace("'*' = 'http", "'*' = { url = 'http");
    let config =
        config.replace("3000/e'\n[[route]]", "3000/e', reply = { urlss = 1 } }\n[[route]]");
    let error = build(&config).unwrap_err();
    let [fault] = error.faults() else { panic!("expected one fault, found {error}") };
    assert!(fault.count() > 1, "expected a count above 1, found {fault}");
    assert!(
        fault.to_string().ends_with(&format!(" ({} times)", fault.count())),
        "expected the count at the end, found {fault}"
    );
}

#[test]
fn error_contains_warnings_and_its_debug_equals_display() {
    let config = COMPLETE
        .replace("{ env = 'KEY' }\nlimit", "'hunter2-hunter2-hunter2'\nlimit")
        .replace("'a'", "'a b'");
    assert_eq!(codes(&config), (vec!["template_name_invalid"], vec!["secret_literal"]));
    let error = build(&config).unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
    let warning = &error.warnings()[0];
    assert_eq!((warning.excerpt(), warning.marked()), ("token = …", 8..11));
}

#[test]
#[cfg(feature = "tower")]
fn building_a_gate_logs_warnings() {
    let log = Log::default();
    let collecting = log.collect();
    build(&COMPLETE.replace("{ env = 'KEY' }\nlimit", "'hunter2'\nlimit")).unwrap();
    drop(collecting);
    let line = "config: 5:9: route[0].token: expected a source, found a literal secret";
    assert!(
        log.text().contains(line) && log.text().contains("code=\"secret_literal\""),
        "expected {line} and its code, found {}",
        log.text()
    );
}

#[test]
#[cfg(feature = "tower")]
fn building_a_gate_logs_kinds_without_tenant() {
    let log = Log::default();
    let collecting = log.collect();
    let text = "[[route]]\npath = '/t'\nprovider = 'tencent-css'\n[[template]]\nname = 'a'\n\
                provider = 'tencent-css'\ninsecure_unsigned = true\nbind = ['push.example.com']\n";
    gatepost::Gate::builder().toml(text).build().unwrap();
    drop(collecting);
    let text = log.text();
    let line = "route[0].path: expected a tenant in each callback on the route /t, found none in these kinds, which gatepost refuses: ";
    assert!(
        text.contains(line) && text.contains("code=\"tenant_unnamed\""),
        "expected {line} and its code, found {text}"
    );
}

#[test]
fn accepts_durations_only_with_known_unit() {
    let top = "upstream = 'http://127.0.0.1:1'\nupstream_idle = '1500ms'\nstop_timeout = '1m'\n\
               breaker = { retry = '2s' }\n";
    let config = COMPLETE
        .replace("listen = '127.0.0.1:1'\n", top)
        .replace("timeout_ms = 100", "timeout = '100ms', budget = '2s', dedupe = { window = '1h' }")
        .replace("{ max_age_secs = 5 } }", "{ max_age = '1m 30s' } }")
        .replace(
            "settings = { max_age_secs = 5 }",
            "settings = { max_age = '5s', max_ahead = '1s' }",
        );
    let settings = build(&config).unwrap().proxy_settings();
    assert_eq!((settings.upstream_idle.as_millis(), settings.stop_timeout.as_secs()), (1500, 60));
    for wrong in ["max_age = 5", "max_age = 'soon'", "max_age = '2d'", "max_age_secs = '5s'"] {
        let config =
            COMPLETE.replace("settings = { max_age_secs = 5", &format!("settings = {{ {wrong}"));
        assert_eq!(errors(&config).len(), 1, "{wrong}");
    }
}

/// Compares the manual's page of codes with the table of codes. `UPDATE_CODES=1` writes the page.
#[test]
fn manual_explains_every_code() {
    let path = Path::new("src/manual/codes.md");
    let page = codes_page();
    if std::env::var_os("UPDATE_CODES").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert!(written == page, "expected the page that UPDATE_CODES=1 writes, found another page");
}

/// Returns the heading of a group of codes, and the text below it.
const fn heading(group: CodeGroup) -> (&'static str, &'static str) {
    match group {
        CodeGroup::ConfigError | CodeGroup::ConfigWarning => (
            "Errors and warnings of a config",
            "`gatepost check` prints these errors and warnings. `gatepost run` logs them at start and at a reload.",
        ),
        CodeGroup::Refusal(_) => (
            "Refusals of a callback",
            "The client receives only the status. The code is in the log, in `gatepost_refusals_total`, in the access log, and in\n\
             `gatepost capture list --code CODE` (needs `admin`, and `admin_token` or `admin_read_token`). In a Rust app with\n\
             `GateLayer`, it is in the `tracing` events with the target `gatepost::report`, and `GateLayer::observe` receives it.",
        ),
        CodeGroup::AppFailure => (
            "Failures of the app",
            "The platform gets the reply of the failure policy. The code is in the log, in `gatepost_app_failures_total`, in the\n\
             access log, and in `gatepost capture list --code CODE` (needs `admin`, and `admin_token` or `admin_read_token`). In a\n\
             Rust app with `GateLayer`, it is in the same outputs as the code of a refusal.",
        ),
        CodeGroup::StoreFailure => (
            "Failures of the store",
            "The platform gets 503 and resends the callback. The code is in the same outputs as the code of a failure of the app.",
        ),
        CodeGroup::Note => {
            ("Notes about callbacks", "These codes change neither the verdict nor the reply.")
        }
        CodeGroup::Shadow => (
            "Outcomes in shadow mode",
            "Each outcome is a line of the log. A callback that gatepost refuses in enforce mode has the code of the refusal.",
        ),
        CodeGroup::Connection => (
            "Requests and connections that gatepost ends",
            "Such a request may have any path, even a path without a route. gatepost gives no verdict.",
        ),
        CodeGroup::AdminApi => (
            "Errors of the admin API",
            "The body of the response has the code and a message. If the body lists faults of the config, each fault has its own code.",
        ),
        CodeGroup::Value => (
            "Origins of replies, results of deliveries, errors of the store",
            "These codes are values of metric labels and of the field `code` of the access log.",
        ),
        CodeGroup::Operation | _ => {
            ("Log lines about the program", "Each code is in a line of the log.")
        }
    }
}

fn codes_page() -> String {
    let mut page = String::from(
        "The codes in messages, logs and metrics, as `gatepost help CODE` prints them.\n",
    );
    let mut last = None;
    for help in gatepost::codes() {
        let (title, lead) = heading(help.group);
        let is_fault = matches!(help.group, CodeGroup::ConfigError | CodeGroup::ConfigWarning);
        let has_place = !matches!(
            help.group,
            CodeGroup::Refusal(_) | CodeGroup::AppFailure | CodeGroup::StoreFailure
        );
        let columns = match (is_fault, has_place) {
            (true, _) => "| code | meaning | remedy |\n|---|---|---|\n",
            (false, false) => "| code | meaning | cause | remedy |\n|---|---|---|---|\n",
            (false, true) => {
                "| code | meaning | cause | seen in | remedy |\n|---|---|---|---|---|\n"
            }
        };
        if last.replace(title) != Some(title) {
            page += &format!("\n# {title}\n\n{lead}\n\n{columns}");
        }
        page += &codes_row(&help, columns.contains("cause"), columns.contains("seen in"));
    }
    page
}

fn codes_row(help: &gatepost::CodeHelp, has_causes: bool, has_places: bool) -> String {
    let mark = if let CodeGroup::Refusal(status) = help.group {
        format!(" ({})", status.as_u16())
    } else if help.group == CodeGroup::ConfigWarning {
        " (warning)".to_owned()
    } else {
        String::new()
    };
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "\\<").replace('[', "\\[");
    let causes = help.causes.filter(|_| has_causes).map(cell);
    let places = Some(help.seen_in).filter(|_| has_places).map(cell);
    let in_layer = help.in_layer.map(|remedy| format!("; in a Rust app: {remedy}"));
    let remedy = cell(&format!("{}{}", help.remedy, in_layer.unwrap_or_default()));
    let cells = [Some(cell(help.meaning)), causes, places, Some(remedy)];
    let cells: String = cells.into_iter().flatten().map(|cell| format!(" {cell} |")).collect();
    format!("| `{}`{mark} |{cells}\n", help.code)
}
